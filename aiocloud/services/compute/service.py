"""The compute service's collections, one line each."""

from __future__ import annotations

from aiocloud.collection import Creatable, Listing
from aiocloud.endpoint import Endpoint
from aiocloud.services.base import ServiceProxy
from aiocloud.services.compute.flavor import EditFlavor, Flavor, Flavors, NewFlavor
from aiocloud.services.compute.host import (
    Aggregate,
    Aggregates,
    AvailabilityZone,
    EditAggregate,
    Hypervisor,
    NewAggregate,
    NewServerGroup,
    ServerGroup,
)
from aiocloud.services.compute.keypair import Keypair, NewKeypair
from aiocloud.services.compute.quota import ComputeLimits, ComputeQuotas, ComputeUsage
from aiocloud.services.compute.server import EditServer, NewServer, Server, Servers


class Compute(ServiceProxy):
    """Servers and what they are made of."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.servers = Servers(endpoint, Server, NewServer, EditServer)
        self.flavors = Flavors(endpoint, Flavor, NewFlavor, EditFlavor)
        self.keypairs = Creatable(endpoint, Keypair, NewKeypair)
        self.server_groups = Creatable(endpoint, ServerGroup, NewServerGroup)
        self.aggregates = Aggregates(endpoint, Aggregate, NewAggregate, EditAggregate)
        self.availability_zones = Listing(endpoint, AvailabilityZone)
        self.hypervisors = Listing(endpoint, Hypervisor)
        self.limits = Listing(endpoint, ComputeLimits)
        self.quotas = Listing(endpoint, ComputeQuotas)
        self.usages = Listing(endpoint, ComputeUsage)
