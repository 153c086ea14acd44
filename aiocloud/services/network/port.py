"""Ports. API: https://docs.openstack.org/api-ref/network/v2/#ports"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, TypedDict

from pydantic import ConfigDict

from aiocloud.model import NullAs, Place, Spec, Text, Wire
from aiocloud.services.network.base import NetworkResource

__all__ = ["EditPort", "NewPort", "Port", "PortWords"]


class Port(NetworkResource):
    """Where a server, router or other device meets a network. API: https://docs.openstack.org/api-ref/network/v2/#show-port-details"""

    place: ClassVar[Place] = Place("/ports", one="port", many="ports")

    network_id: Text = ""
    status: str | None = None
    """ACTIVE, BUILD, DOWN or N/A."""
    mac_address: Text = ""
    fixed_ips: Annotated[list[dict[str, Any]], NullAs([])] = []
    """Each with `subnet_id` and `ip_address`."""
    device_id: Text = ""
    device_owner: Text = ""
    is_admin_state_up: Annotated[bool | None, Wire("admin_state_up")] = None
    is_port_security_enabled: Annotated[bool | None, Wire("port_security_enabled")] = None
    security_group_ids: Annotated[list[str], Wire("security_groups"), NullAs([])] = []
    allowed_address_pairs: Annotated[list[dict[str, Any]], NullAs([])] = []
    extra_dhcp_opts: Annotated[list[dict[str, Any]], NullAs([])] = []
    binding_host_id: Annotated[str | None, Wire("binding:host_id")] = None
    binding_profile: Annotated[dict[str, Any] | None, Wire("binding:profile")] = None
    binding_vif_details: Annotated[dict[str, Any] | None, Wire("binding:vif_details")] = None
    binding_vif_type: Annotated[str | None, Wire("binding:vif_type")] = None
    binding_vnic_type: Annotated[str | None, Wire("binding:vnic_type")] = None
    data_plane_status: str | None = None
    device_profile: str | None = None
    dns_name: str | None = None
    dns_domain: str | None = None
    dns_assignment: list[dict[str, Any]] | None = None
    hardware_offload_type: str | None = None
    hints: dict[str, Any] | None = None
    ip_allocation: str | None = None
    numa_affinity_policy: str | None = None
    propagate_uplink_status: bool | None = None
    qos_policy_id: str | None = None
    qos_network_policy_id: str | None = None
    resource_request: dict[str, Any] | None = None
    trunk_details: dict[str, Any] | None = None
    trusted: bool | None = None


PortWords = TypedDict(
    "PortWords",
    {"binding:host_id": str, "binding:profile": dict[str, Any], "binding:vnic_type": str},
    total=False,
)
"""What Neutron's own words for a port have that no name in Python can have: `**{"binding:vnic_type": "direct"}`."""


class NewPort(Spec):
    """API: https://docs.openstack.org/api-ref/network/v2/#create-port"""

    network_id: str
    name: str | None = None
    description: str | None = None
    admin_state_up: bool | None = None
    mac_address: str | None = None
    fixed_ips: list[dict[str, Any]] | None = None
    security_groups: list[str] | None = None
    """Ids; none given means the project's default group, an empty list means none."""
    port_security_enabled: bool | None = None
    allowed_address_pairs: list[dict[str, Any]] | None = None
    extra_dhcp_opts: list[dict[str, Any]] | None = None
    device_id: str | None = None
    device_owner: str | None = None
    binding_host_id: Annotated[str | None, Wire("binding:host_id")] = None
    binding_profile: Annotated[dict[str, Any] | None, Wire("binding:profile")] = None
    binding_vnic_type: Annotated[str | None, Wire("binding:vnic_type")] = None
    dns_name: str | None = None
    dns_domain: str | None = None
    device_profile: str | None = None
    hardware_offload_type: str | None = None
    hints: dict[str, Any] | None = None
    numa_affinity_policy: str | None = None
    propagate_uplink_status: bool | None = None
    qos_policy_id: str | None = None
    trusted: bool | None = None
    project_id: str | None = None
    tags: list[str] | None = None


class EditPort(Spec):
    """API: https://docs.openstack.org/api-ref/network/v2/#update-port"""

    # `binding:vnic_type` has always been what scripts write.
    model_config = ConfigDict(validate_by_alias=True)

    name: str | None = None
    description: str | None = None
    admin_state_up: bool | None = None
    mac_address: str | None = None
    fixed_ips: list[dict[str, Any]] | None = None
    security_groups: list[str] | None = None
    port_security_enabled: bool | None = None
    allowed_address_pairs: list[dict[str, Any]] | None = None
    extra_dhcp_opts: list[dict[str, Any]] | None = None
    device_id: str | None = None
    device_owner: str | None = None
    binding_host_id: Annotated[str | None, Wire("binding:host_id")] = None
    binding_profile: Annotated[dict[str, Any] | None, Wire("binding:profile")] = None
    binding_vnic_type: Annotated[str | None, Wire("binding:vnic_type")] = None
    data_plane_status: str | None = None
    dns_name: str | None = None
    dns_domain: str | None = None
    hints: dict[str, Any] | None = None
    numa_affinity_policy: str | None = None
    qos_policy_id: str | None = None
    trusted: bool | None = None
