"""The bare metal service's collections, one line each."""

from __future__ import annotations

from aiocloud.collection import Listing
from aiocloud.endpoint import Endpoint
from aiocloud.services.baremetal.node import EditNode, NewNode, Node, Nodes
from aiocloud.services.baremetal.port import (
    Allocation,
    Chassis,
    Conductor,
    DeployTemplate,
    Driver,
    EditAllocation,
    EditChassis,
    EditDeployTemplate,
    EditPort,
    EditPortGroup,
    EditVolumeConnector,
    EditVolumeTarget,
    NewAllocation,
    NewChassis,
    NewDeployTemplate,
    NewPort,
    NewPortGroup,
    NewVolumeConnector,
    NewVolumeTarget,
    Port,
    PortGroup,
    VolumeConnector,
    VolumeTarget,
)
from aiocloud.services.base import ServiceProxy
from aiocloud.services.jsonpatch import Patched


class Baremetal(ServiceProxy):
    """Machines."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.nodes = Nodes(endpoint, Node, NewNode, EditNode)
        self.ports = Patched(endpoint, Port, NewPort, EditPort)
        self.port_groups = Patched(endpoint, PortGroup, NewPortGroup, EditPortGroup)
        self.chassis = Patched(endpoint, Chassis, NewChassis, EditChassis)
        self.allocations = Patched(endpoint, Allocation, NewAllocation, EditAllocation)
        self.drivers = Listing(endpoint, Driver)
        self.conductors = Listing(endpoint, Conductor)
        self.deploy_templates = Patched(endpoint, DeployTemplate, NewDeployTemplate, EditDeployTemplate)
        self.volume_connectors = Patched(endpoint, VolumeConnector, NewVolumeConnector, EditVolumeConnector)
        self.volume_targets = Patched(endpoint, VolumeTarget, NewVolumeTarget, EditVolumeTarget)
