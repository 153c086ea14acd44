"""Health monitors, L7 policies and what load balancers are made of. API: https://docs.openstack.org/api-ref/load-balancer/v2/"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Generic, ParamSpec

from aiocloud.collection import Collection
from aiocloud.model import NullAs, Place, Resource, Spec, Text, Which, Wire
from aiocloud.services.load_balancer.balancer import BalancerResource

__all__ = [
    "Amphora",
    "AvailabilityZone",
    "EditHealthMonitor",
    "EditL7Policy",
    "EditL7Rule",
    "Flavor",
    "FlavorProfile",
    "HealthMonitor",
    "L7Policies",
    "L7Policy",
    "L7Rule",
    "LoadBalancerQuotas",
    "NewHealthMonitor",
    "NewL7Policy",
    "NewL7Rule",
    "Provider",
]

New = ParamSpec("New")
Edit = ParamSpec("Edit")


class HealthMonitor(BalancerResource):
    """How members are looked after. API: https://docs.openstack.org/api-ref/load-balancer/v2/#show-health-monitor-details"""

    place: ClassVar[Place] = Place("/lbaas/healthmonitors", one="healthmonitor", many="healthmonitors")

    type: str | None = None
    delay: int | None = None
    """Seconds."""
    timeout: int | None = None
    """Seconds."""
    max_retries: int | None = None
    max_retries_down: int | None = None
    http_method: str | None = None
    http_version: float | None = None
    domain_name: str | None = None
    url_path: str | None = None
    expected_codes: str | None = None
    pools: Annotated[list[dict[str, Any]], NullAs([])] = []


class NewHealthMonitor(Spec):
    """API: https://docs.openstack.org/api-ref/load-balancer/v2/#create-health-monitor"""

    pool_id: str
    type: str
    delay: int
    timeout: int
    max_retries: int
    max_retries_down: int | None = None
    name: str | None = None
    http_method: str | None = None
    http_version: float | None = None
    domain_name: str | None = None
    url_path: str | None = None
    expected_codes: str | None = None
    admin_state_up: bool | None = None
    tags: list[str] | None = None


class EditHealthMonitor(Spec):
    """API: https://docs.openstack.org/api-ref/load-balancer/v2/#update-a-health-monitor"""

    delay: int | None = None
    timeout: int | None = None
    max_retries: int | None = None
    max_retries_down: int | None = None
    name: str | None = None
    http_method: str | None = None
    http_version: float | None = None
    domain_name: str | None = None
    url_path: str | None = None
    expected_codes: str | None = None
    admin_state_up: bool | None = None
    tags: list[str] | None = None


class L7Policy(BalancerResource):
    """What happens to some requests. API: https://docs.openstack.org/api-ref/load-balancer/v2/#show-l7-policy-details"""

    place: ClassVar[Place] = Place("/lbaas/l7policies", one="l7policy", many="l7policies")

    action: str | None = None
    listener_id: str | None = None
    position: int | None = None
    redirect_pool_id: str | None = None
    redirect_url: str | None = None
    redirect_prefix: str | None = None
    redirect_http_code: int | None = None
    rules: Annotated[list[dict[str, Any]], NullAs([])] = []


class NewL7Policy(Spec):
    """API: https://docs.openstack.org/api-ref/load-balancer/v2/#create-an-l7-policy"""

    listener_id: str
    action: str
    name: str | None = None
    description: str | None = None
    position: int | None = None
    redirect_pool_id: str | None = None
    redirect_url: str | None = None
    redirect_prefix: str | None = None
    redirect_http_code: int | None = None
    admin_state_up: bool | None = None
    tags: list[str] | None = None


class EditL7Policy(Spec):
    """API: https://docs.openstack.org/api-ref/load-balancer/v2/#update-a-l7-policy"""

    action: str | None = None
    name: str | None = None
    description: str | None = None
    position: int | None = None
    redirect_pool_id: str | None = None
    redirect_url: str | None = None
    redirect_prefix: str | None = None
    redirect_http_code: int | None = None
    admin_state_up: bool | None = None
    tags: list[str] | None = None


class L7Rule(BalancerResource):
    """Which requests a policy is for. API: https://docs.openstack.org/api-ref/load-balancer/v2/#show-l7-rule-details"""

    place: ClassVar[Place] = Place("/rules", one="rule", many="rules", by_name="list")

    type: str | None = None
    compare_type: str | None = None
    key: str | None = None
    value: str | None = None
    invert: bool | None = None


class NewL7Rule(Spec):
    """API: https://docs.openstack.org/api-ref/load-balancer/v2/#create-an-l7-rule"""

    type: str
    compare_type: str
    value: str
    key: str | None = None
    invert: bool | None = None
    admin_state_up: bool | None = None
    tags: list[str] | None = None


class EditL7Rule(Spec):
    """API: https://docs.openstack.org/api-ref/load-balancer/v2/#update-an-l7-rule"""

    type: str | None = None
    compare_type: str | None = None
    value: str | None = None
    key: str | None = None
    invert: bool | None = None
    admin_state_up: bool | None = None
    tags: list[str] | None = None


class L7Policies(Collection[L7Policy, New, Edit], Generic[New, Edit]):
    """The L7 policies of a project."""

    def rules(self, policy: Which) -> Collection[L7Rule, ..., ...]:
        """The rules of a policy, given by id."""
        return Collection(self.endpoint.at("lbaas", "l7policies", self._id(policy)), L7Rule, NewL7Rule, EditL7Rule)


class Provider(Resource):
    """What can run load balancers. API: https://docs.openstack.org/api-ref/load-balancer/v2/#list-providers"""

    place: ClassVar[Place] = Place("/lbaas/providers", many="providers", by_name="list")

    description: Text = ""


class Flavor(Resource):
    """A size of load balancer. API: https://docs.openstack.org/api-ref/load-balancer/v2/#show-flavor-details"""

    place: ClassVar[Place] = Place("/lbaas/flavors", one="flavor", many="flavors")

    description: Text = ""
    flavor_profile_id: str | None = None
    is_enabled: Annotated[bool | None, Wire("enabled")] = None


class FlavorProfile(Resource):
    """What a flavor means to a provider. API: https://docs.openstack.org/api-ref/load-balancer/v2/#show-flavor-profile-details"""

    place: ClassVar[Place] = Place("/lbaas/flavorprofiles", one="flavorprofile", many="flavorprofiles")

    provider_name: str | None = None
    flavor_data: str | None = None


class AvailabilityZone(Resource):
    """API: https://docs.openstack.org/api-ref/load-balancer/v2/#show-availability-zone-details"""

    place: ClassVar[Place] = Place(
        "/lbaas/availabilityzones", one="availability_zone", many="availability_zones", by_name="id"
    )

    description: Text = ""
    availability_zone_profile_id: str | None = None
    is_enabled: Annotated[bool | None, Wire("enabled")] = None


class Amphora(Resource):
    """A machine under a load balancer. For administrators. API: https://docs.openstack.org/api-ref/load-balancer/v2/#show-amphora-details"""

    place: ClassVar[Place] = Place("/octavia/amphorae", one="amphora", many="amphorae", by_name="list")

    load_balancer_id: Annotated[str | None, Wire("loadbalancer_id")] = None
    compute_id: str | None = None
    status: Text = ""
    role: str | None = None
    lb_network_ip: str | None = None
    vrrp_ip: str | None = None
    vrrp_port_id: str | None = None
    vrrp_interface: str | None = None
    vrrp_id: int | None = None
    vrrp_priority: int | None = None
    ha_ip: str | None = None
    ha_port_id: str | None = None
    cert_expiration: str | None = None
    cert_busy: bool | None = None
    cached_zone: str | None = None
    image_id: str | None = None
    compute_flavor: str | None = None
    created_at: str | None = None
    updated_at: str | None = None


class LoadBalancerQuotas(Resource):
    """A project's limits; -1 is unlimited. API: https://docs.openstack.org/api-ref/load-balancer/v2/#show-project-quota"""

    place: ClassVar[Place] = Place("/lbaas/quotas", one="quota", many="quotas", by_name="list")

    load_balancers: Annotated[int | None, Wire("load_balancer", "loadbalancer")] = None
    listeners: Annotated[int | None, Wire("listener")] = None
    pools: Annotated[int | None, Wire("pool")] = None
    members: Annotated[int | None, Wire("member")] = None
    health_monitors: Annotated[int | None, Wire("health_monitor", "healthmonitor")] = None
    l7_policies: Annotated[int | None, Wire("l7policy")] = None
    l7_rules: Annotated[int | None, Wire("l7rule")] = None
    project_id: str | None = None
    tenant_id: str | None = None
