"""Floating IPs and what they forward. API: https://docs.openstack.org/api-ref/network/v2/#floating-ips-floatingips"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Generic, ParamSpec

from aiocloud.collection import Collection
from aiocloud.model import NullAs, Place, Resource, Spec, Text, Which, Wire
from aiocloud.services.network.base import NetworkResource, Tagged

__all__ = [
    "EditFloatingIP",
    "EditPortForwarding",
    "FloatingIP",
    "FloatingIPs",
    "NewFloatingIP",
    "NewPortForwarding",
    "PortForwarding",
]

New = ParamSpec("New")
Edit = ParamSpec("Edit")


class FloatingIP(NetworkResource):
    """A public address that leads to a port's fixed one, or nowhere; its name is its address.

    API: https://docs.openstack.org/api-ref/network/v2/#show-floating-ip-details
    """

    place: ClassVar[Place] = Place("/floatingips", one="floatingip", many="floatingips")

    name: Annotated[Text, Wire("floating_ip_address")] = ""
    floating_ip_address: Text = ""
    floating_network_id: Text = ""
    fixed_ip_address: str | None = None
    port_id: str | None = None
    """None when it leads nowhere."""
    port_details: dict[str, Any] | None = None
    port_forwardings: Annotated[list[dict[str, Any]], NullAs([])] = []
    router_id: str | None = None
    status: str | None = None
    """ACTIVE, DOWN or ERROR."""
    dns_domain: str | None = None
    dns_name: str | None = None
    qos_policy_id: str | None = None
    qos_network_policy_id: str | None = None


class NewFloatingIP(Spec):
    """API: https://docs.openstack.org/api-ref/network/v2/#create-floating-ip"""

    floating_network_id: str
    port_id: str | None = None
    fixed_ip_address: str | None = None
    floating_ip_address: str | None = None
    subnet_id: str | None = None
    description: str | None = None
    dns_domain: str | None = None
    dns_name: str | None = None
    qos_policy_id: str | None = None
    project_id: str | None = None
    tags: list[str] | None = None


class EditFloatingIP(Spec):
    """API: https://docs.openstack.org/api-ref/network/v2/#update-floating-ip"""

    port_id: str | None = None
    """None, given, lets it lead nowhere."""
    fixed_ip_address: str | None = None
    description: str | None = None
    qos_policy_id: str | None = None


class PortForwarding(Resource):
    """One port of a floating IP that leads to one port of a server. API: https://docs.openstack.org/api-ref/network/v2/#show-port-forwarding"""

    place: ClassVar[Place] = Place("/port_forwardings", one="port_forwarding", many="port_forwardings", by_name="list")

    description: Text = ""
    protocol: str | None = None
    external_port: int | None = None
    external_port_range: str | None = None
    internal_port: int | None = None
    internal_port_range: str | None = None
    internal_port_id: Text = ""
    internal_ip_address: str | None = None


class NewPortForwarding(Spec):
    """API: https://docs.openstack.org/api-ref/network/v2/#create-port-forwarding"""

    internal_port_id: str
    internal_ip_address: str
    protocol: str
    internal_port: int | None = None
    external_port: int | None = None
    internal_port_range: str | None = None
    external_port_range: str | None = None
    description: str | None = None


class EditPortForwarding(Spec):
    """API: https://docs.openstack.org/api-ref/network/v2/#update-a-port-forwarding"""

    internal_port_id: str | None = None
    internal_ip_address: str | None = None
    protocol: str | None = None
    internal_port: int | None = None
    external_port: int | None = None
    internal_port_range: str | None = None
    external_port_range: str | None = None
    description: str | None = None


class FloatingIPs(Tagged[FloatingIP, New, Edit], Generic[New, Edit]):
    """The floating IPs of a project, given by id or address."""

    def port_forwardings(self, floating_ip: Which) -> Collection[PortForwarding, ..., ...]:
        """What a floating IP, given by id, forwards."""
        at = self.endpoint.at("floatingips", self._id(floating_ip))
        return Collection(at, PortForwarding, NewPortForwarding, EditPortForwarding)
