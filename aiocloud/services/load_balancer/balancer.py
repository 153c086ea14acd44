"""Load balancers, listeners and pools. API: https://docs.openstack.org/api-ref/load-balancer/v2/"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Generic, ParamSpec

from aiocloud._json import load_json, mapping
from aiocloud.collection import Collection
from aiocloud.model import NullAs, Place, Resource, Spec, Text, Which, Wire
from aiocloud.paths import join

__all__ = [
    "BalancerResource",
    "EditListener",
    "EditLoadBalancer",
    "EditMember",
    "EditPool",
    "Listener",
    "LoadBalancer",
    "LoadBalancers",
    "Member",
    "NewListener",
    "NewLoadBalancer",
    "NewMember",
    "NewPool",
    "Pool",
    "Pools",
]

New = ParamSpec("New")
Edit = ParamSpec("Edit")


class BalancerResource(Resource):
    """What all parts of a load balancer share."""

    description: Text = ""
    provisioning_status: Text = ""
    """ACTIVE, PENDING_CREATE, PENDING_UPDATE, PENDING_DELETE, ERROR, DELETED."""
    operating_status: Text = ""
    """ONLINE, OFFLINE, DEGRADED, ERROR, NO_MONITOR, DRAINING."""
    is_admin_state_up: Annotated[bool | None, Wire("admin_state_up")] = None
    project_id: str | None = None
    tenant_id: str | None = None
    tags: Annotated[list[str], NullAs([])] = []
    created_at: str | None = None
    updated_at: str | None = None


class LoadBalancer(BalancerResource):
    """API: https://docs.openstack.org/api-ref/load-balancer/v2/#show-load-balancer-details"""

    place: ClassVar[Place] = Place("/lbaas/loadbalancers", one="loadbalancer", many="loadbalancers")

    vip_address: str | None = None
    vip_port_id: str | None = None
    vip_subnet_id: str | None = None
    vip_network_id: str | None = None
    vip_qos_policy_id: str | None = None
    vip_vnic_type: str | None = None
    vip_sg_ids: list[str] | None = None
    additional_vips: Annotated[list[dict[str, Any]], NullAs([])] = []
    provider: str | None = None
    flavor_id: str | None = None
    availability_zone: str | None = None
    listeners: Annotated[list[dict[str, Any]], NullAs([])] = []
    pools: Annotated[list[dict[str, Any]], NullAs([])] = []


class NewLoadBalancer(Spec):
    """API: https://docs.openstack.org/api-ref/load-balancer/v2/#create-a-load-balancer"""

    name: str | None = None
    description: str | None = None
    vip_subnet_id: str | None = None
    vip_network_id: str | None = None
    vip_port_id: str | None = None
    vip_address: str | None = None
    vip_qos_policy_id: str | None = None
    vip_sg_ids: list[str] | None = None
    additional_vips: list[dict[str, Any]] | None = None
    provider: str | None = None
    flavor_id: str | None = None
    availability_zone: str | None = None
    admin_state_up: bool | None = None
    listeners: list[dict[str, Any]] | None = None
    pools: list[dict[str, Any]] | None = None
    project_id: str | None = None
    tags: list[str] | None = None


class EditLoadBalancer(Spec):
    """API: https://docs.openstack.org/api-ref/load-balancer/v2/#update-a-load-balancer"""

    name: str | None = None
    description: str | None = None
    admin_state_up: bool | None = None
    vip_qos_policy_id: str | None = None
    vip_sg_ids: list[str] | None = None
    tags: list[str] | None = None


class LoadBalancers(Collection[LoadBalancer, New, Edit], Generic[New, Edit]):
    """The load balancers of a project."""

    async def delete_cascade(self, load_balancer: Which) -> None:
        """Remove it with all its parts."""
        path = join("lbaas", "loadbalancers", await self.id_of(load_balancer))
        await self.endpoint.delete(path, params={"cascade": True})

    async def statistics(self, load_balancer: Which) -> dict[str, int]:
        """Connections and bytes so far. API: https://docs.openstack.org/api-ref/load-balancer/v2/#get-load-balancer-statistics"""
        path = join("lbaas", "loadbalancers", await self.id_of(load_balancer), "stats")
        return dict(mapping(mapping(load_json((await self.endpoint.get(path)).content, path)).get("stats")))

    async def status(self, load_balancer: Which) -> dict[str, Any]:
        """The states of it and all its parts. API: https://docs.openstack.org/api-ref/load-balancer/v2/#get-the-load-balancer-status-tree"""
        path = join("lbaas", "loadbalancers", await self.id_of(load_balancer), "status")
        return dict(mapping(mapping(load_json((await self.endpoint.get(path)).content, path)).get("statuses")))

    async def failover(self, load_balancer: Which) -> None:
        """Put new machines under it. For administrators."""
        await self.endpoint.put(join("lbaas", "loadbalancers", await self.id_of(load_balancer), "failover"))


class Listener(BalancerResource):
    """Where a load balancer is listening. API: https://docs.openstack.org/api-ref/load-balancer/v2/#show-listener-details"""

    place: ClassVar[Place] = Place("/lbaas/listeners", one="listener", many="listeners")

    protocol: str | None = None
    protocol_port: int | None = None
    load_balancer_id: Annotated[str | None, Wire("loadbalancer_id")] = None
    load_balancers: Annotated[list[dict[str, Any]], Wire("loadbalancers"), NullAs([])] = []
    default_pool_id: str | None = None
    default_tls_container_ref: str | None = None
    sni_container_refs: Annotated[list[str], NullAs([])] = []
    client_ca_tls_container_ref: str | None = None
    client_crl_container_ref: str | None = None
    client_authentication: str | None = None
    connection_limit: int | None = None
    insert_headers: Annotated[dict[str, Any], NullAs({})] = {}
    allowed_cidrs: list[str] | None = None
    l7_policies: Annotated[list[dict[str, Any]], Wire("l7policies"), NullAs([])] = []
    timeout_client_data: int | None = None
    """Milliseconds."""
    timeout_member_connect: int | None = None
    timeout_member_data: int | None = None
    timeout_tcp_inspect: int | None = None
    tls_ciphers: str | None = None
    tls_versions: list[str] | None = None
    alpn_protocols: list[str] | None = None
    hsts_max_age: int | None = None
    is_hsts_include_subdomains: Annotated[bool | None, Wire("hsts_include_subdomains")] = None
    is_hsts_preload: Annotated[bool | None, Wire("hsts_preload")] = None


class NewListener(Spec):
    """API: https://docs.openstack.org/api-ref/load-balancer/v2/#create-listener"""

    loadbalancer_id: str
    protocol: str
    protocol_port: int
    name: str | None = None
    description: str | None = None
    admin_state_up: bool | None = None
    allowed_cidrs: list[str] | None = None
    connection_limit: int | None = None
    default_pool_id: str | None = None
    default_tls_container_ref: str | None = None
    sni_container_refs: list[str] | None = None
    insert_headers: dict[str, str] | None = None
    timeout_client_data: int | None = None
    timeout_member_connect: int | None = None
    timeout_member_data: int | None = None
    timeout_tcp_inspect: int | None = None
    tls_ciphers: str | None = None
    tls_versions: list[str] | None = None
    alpn_protocols: list[str] | None = None
    tags: list[str] | None = None


class EditListener(Spec):
    """API: https://docs.openstack.org/api-ref/load-balancer/v2/#update-a-listener"""

    name: str | None = None
    description: str | None = None
    admin_state_up: bool | None = None
    allowed_cidrs: list[str] | None = None
    connection_limit: int | None = None
    default_pool_id: str | None = None
    default_tls_container_ref: str | None = None
    sni_container_refs: list[str] | None = None
    insert_headers: dict[str, str] | None = None
    timeout_client_data: int | None = None
    timeout_member_connect: int | None = None
    timeout_member_data: int | None = None
    timeout_tcp_inspect: int | None = None
    tls_ciphers: str | None = None
    tls_versions: list[str] | None = None
    alpn_protocols: list[str] | None = None
    tags: list[str] | None = None


class Pool(BalancerResource):
    """Where the load goes. API: https://docs.openstack.org/api-ref/load-balancer/v2/#show-pool-details"""

    place: ClassVar[Place] = Place("/lbaas/pools", one="pool", many="pools")

    protocol: str | None = None
    lb_algorithm: str | None = None
    load_balancers: Annotated[list[dict[str, Any]], Wire("loadbalancers"), NullAs([])] = []
    listeners: Annotated[list[dict[str, Any]], NullAs([])] = []
    members: Annotated[list[dict[str, Any]], NullAs([])] = []
    health_monitor_id: Annotated[str | None, Wire("healthmonitor_id")] = None
    session_persistence: dict[str, Any] | None = None
    tls_enabled: bool | None = None
    tls_ciphers: str | None = None
    tls_versions: list[str] | None = None
    tls_container_ref: str | None = None
    alpn_protocols: list[str] | None = None
    ca_tls_container_ref: str | None = None
    crl_container_ref: str | None = None


class NewPool(Spec):
    """API: https://docs.openstack.org/api-ref/load-balancer/v2/#create-pool"""

    protocol: str
    lb_algorithm: str
    loadbalancer_id: str | None = None
    listener_id: str | None = None
    name: str | None = None
    description: str | None = None
    admin_state_up: bool | None = None
    session_persistence: dict[str, Any] | None = None
    tls_enabled: bool | None = None
    tls_ciphers: str | None = None
    tls_versions: list[str] | None = None
    tls_container_ref: str | None = None
    alpn_protocols: list[str] | None = None
    ca_tls_container_ref: str | None = None
    tags: list[str] | None = None


class EditPool(Spec):
    """API: https://docs.openstack.org/api-ref/load-balancer/v2/#update-a-pool"""

    lb_algorithm: str | None = None
    name: str | None = None
    description: str | None = None
    admin_state_up: bool | None = None
    session_persistence: dict[str, Any] | None = None
    tls_enabled: bool | None = None
    tls_ciphers: str | None = None
    tls_versions: list[str] | None = None
    tls_container_ref: str | None = None
    alpn_protocols: list[str] | None = None
    ca_tls_container_ref: str | None = None
    tags: list[str] | None = None


class Member(BalancerResource):
    """One that takes load. API: https://docs.openstack.org/api-ref/load-balancer/v2/#show-member-details"""

    place: ClassVar[Place] = Place("/members", one="member", many="members")

    address: str | None = None
    protocol_port: int | None = None
    weight: int | None = None
    backup: bool | None = None
    subnet_id: str | None = None
    monitor_address: str | None = None
    monitor_port: int | None = None
    vnic_type: str | None = None


class NewMember(Spec):
    """API: https://docs.openstack.org/api-ref/load-balancer/v2/#create-member"""

    address: str
    protocol_port: int
    name: str | None = None
    weight: int | None = None
    backup: bool | None = None
    subnet_id: str | None = None
    admin_state_up: bool | None = None
    monitor_address: str | None = None
    monitor_port: int | None = None
    tags: list[str] | None = None


class EditMember(Spec):
    """API: https://docs.openstack.org/api-ref/load-balancer/v2/#update-a-member"""

    name: str | None = None
    weight: int | None = None
    backup: bool | None = None
    admin_state_up: bool | None = None
    monitor_address: str | None = None
    monitor_port: int | None = None
    tags: list[str] | None = None


class Pools(Collection[Pool, New, Edit], Generic[New, Edit]):
    """The pools of a project."""

    def members(self, pool: Which) -> Collection[Member, ..., ...]:
        """The members of a pool, given by id."""
        return Collection(self.endpoint.at("lbaas", "pools", self._id(pool)), Member, NewMember, EditMember)
