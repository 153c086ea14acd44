"""Subnets. API: https://docs.openstack.org/api-ref/network/v2/#subnets"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from aiocloud.model import NullAs, Place, Spec, Text, Wire
from aiocloud.services.network.base import NetworkResource

__all__ = ["EditSubnet", "NewSubnet", "Subnet"]


class Subnet(NetworkResource):
    """A range of addresses on a network. API: https://docs.openstack.org/api-ref/network/v2/#show-subnet-details"""

    place: ClassVar[Place] = Place("/subnets", one="subnet", many="subnets")

    network_id: Text = ""
    cidr: Text = ""
    ip_version: int | None = None
    gateway_ip: str | None = None
    is_dhcp_enabled: Annotated[bool | None, Wire("enable_dhcp")] = None
    allocation_pools: Annotated[list[dict[str, str]], NullAs([])] = []
    """Each with `start` and `end`."""
    dns_nameservers: Annotated[list[str], NullAs([])] = []
    dns_publish_fixed_ip: bool | None = None
    host_routes: Annotated[list[dict[str, str]], NullAs([])] = []
    """Each with `destination` and `nexthop`."""
    ipv6_ra_mode: str | None = None
    ipv6_address_mode: str | None = None
    subnet_pool_id: Annotated[str | None, Wire("subnetpool_id")] = None
    segment_id: str | None = None
    service_types: Annotated[list[str], NullAs([])] = []
    is_router_external: Annotated[bool | None, Wire("router:external")] = None


class NewSubnet(Spec):
    """API: https://docs.openstack.org/api-ref/network/v2/#create-subnet"""

    network_id: str
    ip_version: Literal[4, 6] = 4
    cidr: str | None = None
    name: str | None = None
    description: str | None = None
    gateway_ip: str | None = None
    """None, given, means none; not given, the first address."""
    enable_dhcp: bool | None = None
    allocation_pools: list[dict[str, str]] | None = None
    dns_nameservers: list[str] | None = None
    dns_publish_fixed_ip: bool | None = None
    host_routes: list[dict[str, str]] | None = None
    ipv6_ra_mode: Literal["slaac", "dhcpv6-stateful", "dhcpv6-stateless"] | None = None
    ipv6_address_mode: Literal["slaac", "dhcpv6-stateful", "dhcpv6-stateless"] | None = None
    subnetpool_id: str | None = None
    use_default_subnetpool: bool | None = None
    prefixlen: int | None = None
    segment_id: str | None = None
    service_types: list[str] | None = None
    project_id: str | None = None
    tags: list[str] | None = None


class EditSubnet(Spec):
    """API: https://docs.openstack.org/api-ref/network/v2/#update-subnet"""

    name: str | None = None
    description: str | None = None
    gateway_ip: str | None = None
    enable_dhcp: bool | None = None
    allocation_pools: list[dict[str, str]] | None = None
    dns_nameservers: list[str] | None = None
    dns_publish_fixed_ip: bool | None = None
    host_routes: list[dict[str, str]] | None = None
    segment_id: str | None = None
    service_types: list[str] | None = None
