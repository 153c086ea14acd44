"""Network cards, and what else machines come with. API: https://docs.openstack.org/api-ref/baremetal/"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from aiocloud.model import NullAs, Place, Resource, Spec, Text, Wire

__all__ = [
    "Allocation",
    "Chassis",
    "Conductor",
    "DeployTemplate",
    "Driver",
    "EditAllocation",
    "EditChassis",
    "EditDeployTemplate",
    "EditPort",
    "EditPortGroup",
    "EditVolumeConnector",
    "EditVolumeTarget",
    "NewAllocation",
    "NewChassis",
    "NewDeployTemplate",
    "NewPort",
    "NewPortGroup",
    "NewVolumeConnector",
    "NewVolumeTarget",
    "Port",
    "PortGroup",
    "VolumeConnector",
    "VolumeTarget",
]


class _Made(Resource):
    """What all of Ironic's resources share."""

    id: Annotated[Text, Wire("uuid")] = ""
    extra: Annotated[dict[str, Any], NullAs({})] = {}
    created_at: str | None = None
    updated_at: str | None = None
    links: list[dict[str, Any]] = []


class Port(_Made):
    """A network card. API: https://docs.openstack.org/api-ref/baremetal/#show-port-details"""

    place: ClassVar[Place] = Place(
        "/ports", many="ports", detail="/ports/detail", by_name="list", update="PATCH", microversion="1.88"
    )

    address: Text = ""
    """Its MAC address."""
    node_id: Annotated[str | None, Wire("node_uuid")] = None
    port_group_id: Annotated[str | None, Wire("portgroup_uuid")] = None
    is_pxe_enabled: Annotated[bool | None, Wire("pxe_enabled")] = None
    is_smartnic: bool | None = None
    local_link_connection: Annotated[dict[str, Any], NullAs({})] = {}
    physical_network: str | None = None
    internal_info: Annotated[dict[str, Any], NullAs({})] = {}


class NewPort(Spec):
    """API: https://docs.openstack.org/api-ref/baremetal/#create-port"""

    address: str
    node_uuid: str
    uuid: str | None = None
    name: str | None = None
    portgroup_uuid: str | None = None
    local_link_connection: dict[str, Any] | None = None
    pxe_enabled: bool | None = None
    physical_network: str | None = None
    is_smartnic: bool | None = None
    extra: dict[str, Any] | None = None


class EditPort(Spec):
    """API: https://docs.openstack.org/api-ref/baremetal/#update-a-port"""

    address: str | None = None
    name: str | None = None
    node_uuid: str | None = None
    portgroup_uuid: str | None = None
    local_link_connection: dict[str, Any] | None = None
    pxe_enabled: bool | None = None
    physical_network: str | None = None
    is_smartnic: bool | None = None
    extra: dict[str, Any] | None = None


class PortGroup(_Made):
    """Network cards that are one. API: https://docs.openstack.org/api-ref/baremetal/#show-portgroup-details"""

    place: ClassVar[Place] = Place(
        "/portgroups",
        many="portgroups",
        detail="/portgroups/detail",
        by_name="list",
        update="PATCH",
        microversion="1.26",
    )

    address: str | None = None
    mode: str | None = None
    node_id: Annotated[str | None, Wire("node_uuid")] = None
    is_standalone_ports_supported: Annotated[bool | None, Wire("standalone_ports_supported")] = None
    internal_info: Annotated[dict[str, Any], NullAs({})] = {}
    properties_: Annotated[dict[str, Any], Wire("properties"), NullAs({})] = {}
    ports: list[dict[str, Any]] | None = None


class NewPortGroup(Spec):
    """API: https://docs.openstack.org/api-ref/baremetal/#create-portgroup"""

    node_uuid: str
    address: str | None = None
    name: str | None = None
    uuid: str | None = None
    mode: str | None = None
    properties: dict[str, Any] | None = None
    standalone_ports_supported: bool | None = None
    extra: dict[str, Any] | None = None


class EditPortGroup(Spec):
    """API: https://docs.openstack.org/api-ref/baremetal/#update-a-portgroup"""

    address: str | None = None
    name: str | None = None
    node_uuid: str | None = None
    mode: str | None = None
    properties: dict[str, Any] | None = None
    standalone_ports_supported: bool | None = None
    extra: dict[str, Any] | None = None


class Chassis(_Made):
    """What machines are in. API: https://docs.openstack.org/api-ref/baremetal/#show-chassis-details"""

    place: ClassVar[Place] = Place("/chassis", many="chassis", detail="/chassis/detail", by_name="list", update="PATCH")

    description: Text = ""
    nodes: list[dict[str, Any]] | None = None


class NewChassis(Spec):
    """API: https://docs.openstack.org/api-ref/baremetal/#create-chassis"""

    uuid: str | None = None
    description: str | None = None
    extra: dict[str, Any] | None = None


class EditChassis(Spec):
    """API: https://docs.openstack.org/api-ref/baremetal/#update-chassis"""

    description: str | None = None
    extra: dict[str, Any] | None = None


class Allocation(_Made):
    """A machine picked by its properties. API: https://docs.openstack.org/api-ref/baremetal/#show-allocation-details"""

    place: ClassVar[Place] = Place(
        "/allocations", many="allocations", by_name="list", update="PATCH", microversion="1.60"
    )

    state: Text = ""
    """allocating, active or error."""
    node_id: Annotated[str | None, Wire("node_uuid")] = None
    node: str | None = None
    candidate_nodes: Annotated[list[str], NullAs([])] = []
    resource_class: str | None = None
    traits: Annotated[list[str], NullAs([])] = []
    owner: str | None = None
    last_error: str | None = None


class NewAllocation(Spec):
    """API: https://docs.openstack.org/api-ref/baremetal/#create-allocation"""

    resource_class: str | None = None
    name: str | None = None
    uuid: str | None = None
    candidate_nodes: list[str] | None = None
    traits: list[str] | None = None
    node: str | None = None
    owner: str | None = None
    extra: dict[str, Any] | None = None


class EditAllocation(Spec):
    """API: https://docs.openstack.org/api-ref/baremetal/#update-allocation"""

    name: str | None = None
    extra: dict[str, Any] | None = None


class Driver(Resource):
    """How machines are spoken to; its name is its id. API: https://docs.openstack.org/api-ref/baremetal/#show-driver-details"""

    place: ClassVar[Place] = Place("/drivers", many="drivers", by_name="id", microversion="1.30")

    id: Annotated[Text, Wire("name")] = ""
    name: Text = ""
    type: str | None = None
    hosts: Annotated[list[str], NullAs([])] = []
    links: list[dict[str, Any]] = []


class Conductor(Resource):
    """A process that looks after machines; its hostname is its id. API: https://docs.openstack.org/api-ref/baremetal/#show-conductor-details"""

    place: ClassVar[Place] = Place("/conductors", many="conductors", by_name="id", microversion="1.49")

    id: Annotated[Text, Wire("hostname")] = ""
    name: Annotated[Text, Wire("hostname")] = ""
    hostname: Text = ""
    conductor_group: str | None = None
    alive: bool | None = None
    drivers: Annotated[list[str], NullAs([])] = []
    created_at: str | None = None
    updated_at: str | None = None
    links: list[dict[str, Any]] = []


class DeployTemplate(_Made):
    """Steps of a deployment. API: https://docs.openstack.org/api-ref/baremetal/#show-deploy-template-details"""

    place: ClassVar[Place] = Place(
        "/deploy_templates", many="deploy_templates", by_name="list", update="PATCH", microversion="1.55"
    )

    steps: Annotated[list[dict[str, Any]], NullAs([])] = []


class NewDeployTemplate(Spec):
    """API: https://docs.openstack.org/api-ref/baremetal/#create-deploy-template"""

    name: str
    steps: list[dict[str, Any]]
    uuid: str | None = None
    extra: dict[str, Any] | None = None


class EditDeployTemplate(Spec):
    """API: https://docs.openstack.org/api-ref/baremetal/#update-a-deploy-template"""

    name: str | None = None
    steps: list[dict[str, Any]] | None = None
    extra: dict[str, Any] | None = None


class VolumeConnector(_Made):
    """How a machine reaches volumes. API: https://docs.openstack.org/api-ref/baremetal/#volume-connectors-connectors"""

    place: ClassVar[Place] = Place(
        "/volume/connectors", many="connectors", by_name="list", update="PATCH", microversion="1.32"
    )

    node_id: Annotated[str | None, Wire("node_uuid")] = None
    type: str | None = None
    connector_id: str | None = None


class NewVolumeConnector(Spec):
    """API: https://docs.openstack.org/api-ref/baremetal/#create-volume-connector"""

    node_uuid: str
    type: str
    connector_id: str
    uuid: str | None = None
    extra: dict[str, Any] | None = None


class EditVolumeConnector(Spec):
    """API: https://docs.openstack.org/api-ref/baremetal/#update-a-volume-connector"""

    type: str | None = None
    connector_id: str | None = None
    extra: dict[str, Any] | None = None


class VolumeTarget(_Made):
    """A volume that a machine boots from. API: https://docs.openstack.org/api-ref/baremetal/#volume-targets-targets"""

    place: ClassVar[Place] = Place(
        "/volume/targets", many="targets", by_name="list", update="PATCH", microversion="1.32"
    )

    node_id: Annotated[str | None, Wire("node_uuid")] = None
    volume_id: str | None = None
    volume_type: str | None = None
    boot_index: int | None = None
    properties_: Annotated[dict[str, Any], Wire("properties"), NullAs({})] = {}


class NewVolumeTarget(Spec):
    """API: https://docs.openstack.org/api-ref/baremetal/#create-volume-target"""

    node_uuid: str
    volume_type: str
    volume_id: str
    boot_index: int
    uuid: str | None = None
    properties: dict[str, Any] | None = None
    extra: dict[str, Any] | None = None


class EditVolumeTarget(Spec):
    """API: https://docs.openstack.org/api-ref/baremetal/#update-a-volume-target"""

    volume_type: str | None = None
    volume_id: str | None = None
    boot_index: int | None = None
    properties: dict[str, Any] | None = None
    extra: dict[str, Any] | None = None
