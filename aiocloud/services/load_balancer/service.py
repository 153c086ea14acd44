"""The load balancing service's collections, one line each."""

from __future__ import annotations

from aiocloud.collection import Collection, Listing
from aiocloud.endpoint import Endpoint
from aiocloud.services.base import ServiceProxy
from aiocloud.services.load_balancer.balancer import (
    EditListener,
    EditLoadBalancer,
    EditPool,
    Listener,
    LoadBalancer,
    LoadBalancers,
    NewListener,
    NewLoadBalancer,
    NewPool,
    Pool,
    Pools,
)
from aiocloud.services.load_balancer.policy import (
    Amphora,
    AvailabilityZone,
    EditHealthMonitor,
    EditL7Policy,
    Flavor,
    FlavorProfile,
    HealthMonitor,
    L7Policies,
    L7Policy,
    LoadBalancerQuotas,
    NewHealthMonitor,
    NewL7Policy,
    Provider,
)


class LoadBalancing(ServiceProxy):
    """Load balancers and their parts."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.load_balancers = LoadBalancers(endpoint, LoadBalancer, NewLoadBalancer, EditLoadBalancer)
        self.listeners = Collection(endpoint, Listener, NewListener, EditListener)
        self.pools = Pools(endpoint, Pool, NewPool, EditPool)
        self.health_monitors = Collection(endpoint, HealthMonitor, NewHealthMonitor, EditHealthMonitor)
        self.l7_policies = L7Policies(endpoint, L7Policy, NewL7Policy, EditL7Policy)
        self.providers = Listing(endpoint, Provider)
        self.flavors = Listing(endpoint, Flavor)
        self.flavor_profiles = Listing(endpoint, FlavorProfile)
        self.availability_zones = Listing(endpoint, AvailabilityZone)
        self.amphorae = Listing(endpoint, Amphora)
        self.quotas = Listing(endpoint, LoadBalancerQuotas)
