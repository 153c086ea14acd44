"""Networks. API: https://docs.openstack.org/api-ref/network/v2/#networks"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from aiocloud.model import NullAs, Place, Spec, Wire
from aiocloud.services.network.base import NetworkResource

__all__ = ["EditNetwork", "Network", "NewNetwork"]


class Network(NetworkResource):
    """A network: ports of servers are on it. API: https://docs.openstack.org/api-ref/network/v2/#show-network-details"""

    place: ClassVar[Place] = Place("/networks", one="network", many="networks")

    status: str | None = None
    """ACTIVE, BUILD, DOWN or ERROR."""
    is_admin_state_up: Annotated[bool | None, Wire("admin_state_up")] = None
    is_router_external: Annotated[bool, Wire("router:external"), NullAs(False)] = False
    """Can floating IPs come from it, and routers have their gateway on it?"""
    is_shared: Annotated[bool, Wire("shared"), NullAs(False)] = False
    is_default: Annotated[bool, NullAs(False)] = False
    is_port_security_enabled: Annotated[bool | None, Wire("port_security_enabled")] = None
    is_vlan_transparent: Annotated[bool | None, Wire("vlan_transparent")] = None
    is_vlan_qinq: Annotated[bool | None, Wire("qinq")] = None
    subnet_ids: Annotated[list[str], Wire("subnets"), NullAs([])] = []
    mtu: int | None = None
    """Bytes."""
    provider_network_type: Annotated[str | None, Wire("provider:network_type")] = None
    provider_physical_network: Annotated[str | None, Wire("provider:physical_network")] = None
    provider_segmentation_id: Annotated[int | None, Wire("provider:segmentation_id")] = None
    segments: list[dict[str, Any]] | None = None
    availability_zone_hints: Annotated[list[str], NullAs([])] = []
    availability_zones: Annotated[list[str], NullAs([])] = []
    ipv4_address_scope_id: Annotated[str | None, Wire("ipv4_address_scope")] = None
    ipv6_address_scope_id: Annotated[str | None, Wire("ipv6_address_scope")] = None
    l2_adjacency: bool | None = None
    qos_policy_id: str | None = None
    dns_domain: str | None = None


class NewNetwork(Spec):
    """API: https://docs.openstack.org/api-ref/network/v2/#create-network"""

    name: str | None = None
    description: str | None = None
    admin_state_up: bool | None = None
    shared: bool | None = None
    external: Annotated[bool | None, Wire("router:external")] = None
    is_default: bool | None = None
    port_security_enabled: bool | None = None
    vlan_transparent: bool | None = None
    mtu: int | None = None
    """Bytes."""
    network_type: Annotated[str | None, Wire("provider:network_type")] = None
    physical_network: Annotated[str | None, Wire("provider:physical_network")] = None
    segmentation_id: Annotated[int | None, Wire("provider:segmentation_id")] = None
    segments: list[dict[str, Any]] | None = None
    availability_zone_hints: list[str] | None = None
    qos_policy_id: str | None = None
    dns_domain: str | None = None
    project_id: str | None = None
    tags: list[str] | None = None


class EditNetwork(Spec):
    """API: https://docs.openstack.org/api-ref/network/v2/#update-network"""

    name: str | None = None
    description: str | None = None
    admin_state_up: bool | None = None
    shared: bool | None = None
    external: Annotated[bool | None, Wire("router:external")] = None
    is_default: bool | None = None
    port_security_enabled: bool | None = None
    mtu: int | None = None
    """Bytes."""
    network_type: Annotated[str | None, Wire("provider:network_type")] = None
    physical_network: Annotated[str | None, Wire("provider:physical_network")] = None
    segmentation_id: Annotated[int | None, Wire("provider:segmentation_id")] = None
    segments: list[dict[str, Any]] | None = None
    qos_policy_id: str | None = None
    dns_domain: str | None = None
