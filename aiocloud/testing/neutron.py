"""Neutron of one region: its resources, what nova asks of it, and how a region's networks are set up.

API: https://docs.openstack.org/api-ref/network/v2/
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable
from typing import Any

from aiocloud.testing.http import Fail, Reply, Req
from aiocloud.testing.neutron_extras import (
    AddressScopes,
    FirewallGroups,
    FirewallPolicies,
    FirewallRules,
    PortForwardings,
    RBACPolicies,
    Trunks,
)
from aiocloud.testing.neutron_info import Info
from aiocloud.testing.neutron_networks import Networks, SubnetPools, Subnets
from aiocloud.testing.neutron_ports import Ports
from aiocloud.testing.neutron_qos import QosPolicies
from aiocloud.testing.neutron_query import Item
from aiocloud.testing.neutron_routers import FloatingIPs, Routers
from aiocloud.testing.neutron_security import AddressGroups, SecurityGroupRules, SecurityGroups
from aiocloud.testing.neutron_table import Table
from aiocloud.testing.state import RegionState, Service

KINDS = {400: "HTTPBadRequest", 404: "HTTPNotFound", 405: "HTTPMethodNotAllowed"}
MALFORMED = "The server could not comply with the request since it is either malformed or otherwise incorrect."


class Neutron(Service):
    """The networks of a region. Every table is a mapping of id -> wire dict."""

    type = "network"
    mount = "network"

    def __init__(self, region: RegionState) -> None:
        super().__init__(region)
        self.has_router = region.kind != "two-networks"
        """Whether there are routers and floating IPs at all; otherwise their paths are unknown."""
        self.has_dns = region.kind == "floating"
        """Whether networks, ports and floating IPs have DNS names."""
        self.listeners: list[Callable[[str], None]] = []
        """Called with a device id when the addresses of that server or router may have changed."""
        self.networks = Networks(self)
        self.subnets = Subnets(self)
        self.subnetpools = SubnetPools(self)
        self.ports = Ports(self)
        self.routers = Routers(self)
        self.floatingips = FloatingIPs(self)
        self.security_groups = SecurityGroups(self)
        self.security_group_rules = SecurityGroupRules(self)
        self.address_groups = AddressGroups(self)
        self.address_scopes = AddressScopes(self)
        self.rbac_policies = RBACPolicies(self)
        self.qos_policies = QosPolicies(self)
        self.trunks = Trunks(self)
        self.port_forwardings = PortForwardings(self)
        self.firewall_rules = FirewallRules(self)
        self.firewall_policies = FirewallPolicies(self)
        self.firewall_groups = FirewallGroups(self)
        self.tables: list[Table] = [
            *(self.networks, self.subnets, self.subnetpools, self.ports),
            *(self.security_groups, self.security_group_rules, self.address_groups),
            *(self.address_scopes, self.rbac_policies, self.qos_policies, self.trunks),
        ]
        if self.has_router:
            self.tables += [self.routers, self.floatingips, self.port_forwardings]
            self.tables += [self.firewall_rules, self.firewall_policies, self.firewall_groups]
        for table in self.tables:
            table.mount(self.routes)
        Info(self).mount(self.routes)

    # What the frame asks

    def endpoint(self, base: str, project_id: str) -> str:  # noqa: ARG002
        """Some clouds leave the version to discovery, others name it."""
        return base if self.has_router else f"{base}/v2.0"

    def error(self, req: Req, fail: Fail) -> Reply:  # noqa: ARG002
        """{"NeutronError": {...}}."""
        message = MALFORMED if fail.status == 405 else fail.message
        kind = KINDS.get(fail.status, "HTTPException") if not fail.kind or fail.kind == "badRequest" else fail.kind
        body = {"NeutronError": {"type": kind, "message": message, "detail": ""}}
        return Reply.json(body, fail.status, fail.headers)

    async def body(self, req: Req) -> dict[str, Any]:
        """The JSON object of a request."""
        try:
            value = json.loads(await req.body() or b"{}")
        except ValueError:
            raise Fail(400, "Body contains invalid data") from None
        if not isinstance(value, dict):
            raise Fail(400, "Body contains invalid data")
        return value  # pyright: ignore[reportUnknownVariableType]

    def part(self, body: Item, name: str) -> Item:
        """The resource in a request's body."""
        value = body.get(name)
        if not isinstance(value, dict):
            raise Fail(400, f"Unable to find '{name}' in request body")
        return dict(value)  # pyright: ignore[reportUnknownArgumentType]

    # What the tables ask of each other

    def external_network(self, network_id: str | None, asker: str) -> Item:
        """A network that leads outside, or 400 as neutron words it for a router or a floating IP."""
        network = self.networks.need(network_id)
        if not network["router:external"]:
            words = f"Network {network_id} is not a valid external network."
            if asker == "router":
                words = f"Network {network_id} is not an external network."
            raise Fail(400, f"Bad {asker} request: {words}", "BadRequest")
        return network

    def service_port(
        self, network: Item, owner: str, device_id: str, fixed_ips: list[Item] | None, *, project_id: str = ""
    ) -> Item:
        """A port that neutron makes for itself: IPv4 only unless addresses are named."""
        if fixed_ips is None:
            subnets = self.subnets.of_network(network["id"])
            four = next((subnet for subnet in subnets if subnet["ip_version"] == 4), None)
            if four is None:
                words = f"No more IP addresses available on network {network['id']}."
                raise Fail(409, words, "IpAddressGenerationFailure")
            fixed_ips = [{"subnet_id": four["id"]}]
        fields = {"device_owner": owner, "device_id": device_id, "fixed_ips": fixed_ips, "security_groups": []}
        given = self.ports.new(project_id, network_id=network["id"], port_security_enabled=False, **fields)
        return self.ports.make_in(network, {**given, "status": "ACTIVE", "binding:host_id": "fake-compute"})

    # What nova asks

    def networks_for(self, project_id: str) -> list[Item]:
        """The networks that a project's servers may use: its own and shared ones."""
        return [n for n in self.networks.values() if n["shared"] or n["project_id"] == project_id]

    def create_port(
        self,
        *,
        project_id: str,
        network_id: str,
        device_id: str = "",
        device_owner: str = "compute:nova",
        fixed_ip: str | None = None,
        security_groups: Iterable[str] | None = None,
        name: str = "",
        host: str = "fake-compute",
    ) -> Item:
        """A port for a server, ACTIVE at once. Security groups by name or id.

        Raises `Fail` with neutron's own status and kind: NetworkNotFound, SecurityGroupNotFound,
        IpAddressAlreadyAllocated, InvalidIpForNetwork, IpAddressGenerationFailure.
        """
        groups: list[str] | None = None
        if security_groups is not None:
            groups = [self.need_group(project_id, one)["id"] for one in security_groups]
        fields: dict[str, Any] = {"device_id": device_id, "device_owner": device_owner, "name": name}
        given = self.ports.new(
            project_id,
            network_id=network_id,
            fixed_ips=[{"ip_address": fixed_ip}] if fixed_ip else None,
            security_groups=groups,
            **fields,
        )
        self.ports.check_quota(project_id)
        network = self.networks.need(network_id)
        return self.ports.make_in(network, {**given, "status": "ACTIVE", "binding:host_id": host})

    def need_group(self, project_id: str, name_or_id: str) -> Item:
        """A project's security group, or 404."""
        group = self.security_groups.find(project_id, name_or_id)
        if group is None:
            raise self.security_groups.lack(name_or_id)
        return group

    def attach_port(self, port_id: str, server_id: str, host: str = "fake-compute") -> Item:
        """Give an existing port to a server; `Fail` 404 PortNotFound, 409 PortInUse."""
        port = self.ports.need(port_id)
        if port["device_id"] and port["device_id"] != server_id:
            raise Fail(409, f"Port {port_id} is still in use.", "PortInUse")
        self.ports.unindex(port)
        port.update({"device_id": server_id, "device_owner": "compute:nova", "status": "ACTIVE"})
        port.update({"binding:host_id": host, "binding:vif_type": "ovs"})
        self.ports.touch(port)
        self.ports.index(port)
        return port

    def detach_port(self, port_id: str) -> None:
        """Take a port from its server; the port stays."""
        port = self.ports.need(port_id)
        self.ports.unindex(port)
        port.update({"device_id": "", "device_owner": "", "status": "DOWN"})
        port.update({"binding:host_id": "", "binding:vif_type": "unbound"})
        self.ports.touch(port)

    def delete_port(self, port_id: str) -> None:
        """Delete a port whatever it is for; nothing happens when it is gone."""
        if port_id in self.ports:
            self.ports.drop(self.ports[port_id])

    def delete_ports_of(self, server_id: str, brought: Collection[str] = ()) -> None:
        """Delete a server's ports, or free those that were brought along; floating IPs stay behind unassociated."""
        for port in self.ports.of_device(server_id):
            self.leave_port(port, brought)

    def leave_port(self, port: Item, brought: Collection[str]) -> None:
        """Delete a port, or free it."""
        if port["id"] in brought:
            self.detach_port(port["id"])
        else:
            self.ports.drop(port)

    def ports_of(self, server_id: str) -> list[Item]:
        """A server's ports."""
        return self.ports.of_device(server_id)

    def addresses_of(self, server_id: str) -> dict[str, list[Item]]:
        """A server's addresses as nova shows them: by network name, fixed ones first, then floating ones."""
        fixed: dict[str, list[Item]] = {}
        floating: dict[str, list[Item]] = {}
        for port in self.ports.of_device(server_id):
            name, mac = self.networks[port["network_id"]]["name"], port["mac_address"]
            here = [self.address(one["ip_address"], "fixed", mac) for one in port["fixed_ips"]]
            fixed.setdefault(name, []).extend(here)
            outside = [
                self.address(one["floating_ip_address"], "floating", mac)
                for one in self.floatingips.of_port(port["id"])
            ]
            floating.setdefault(name, []).extend(outside)
        return {name: [*here, *floating[name]] for name, here in fixed.items()}

    def address(self, text: str, kind: str, mac: str) -> Item:
        """One address in a server's `addresses`."""
        version = 6 if ":" in text else 4
        return {"version": version, "addr": text, "OS-EXT-IPS:type": kind, "OS-EXT-IPS-MAC:mac_addr": mac}

    # Setting up

    def add_network(
        self,
        name: str,
        *cidrs: str,
        project_id: str,
        shared: bool = False,
        external: bool = False,
        enable_dhcp: bool = True,
        **given: Any,
    ) -> Item:
        """A network with a subnet for each CIDR; further fields by their wire names."""
        mtu = given.pop("mtu", 1500 if external or shared else 1450)
        fields = {"shared": shared, "router:external": external, "mtu": mtu, **given}
        fresh = self.networks.new(project_id, name=name, **fields)
        fresh.pop("vlan_transparent")
        if fresh["provider:network_type"] is None:
            fresh["provider:network_type"] = "flat" if external or shared else "vxlan"
        network = self.networks.add({**fresh, "status": "ACTIVE", "revision_number": 1})
        for cidr in cidrs:
            self.add_subnet(network, cidr, enable_dhcp=enable_dhcp)
        return network

    def add_subnet(self, network: Item, cidr: str, **given: Any) -> Item:
        """A subnet of a network; further fields by their wire names."""
        version = 6 if ":" in cidr else 4
        fields = {"name": f"{network['name']}-v{version}", "ip_version": version, "cidr": cidr, **given}
        fresh = self.subnets.new(network["project_id"], network_id=network["id"], **fields)
        return self.subnets.make_in(network, fresh)

    def add_router(
        self, name: str, *, project_id: str, external: Item | None = None, inside: Iterable[Item] = ()
    ) -> Item:
        """A router with a gateway to an external network and interfaces in all subnets of others."""
        fresh = self.routers.new(project_id, name=name)
        router = self.routers.add({**fresh, "status": "ACTIVE", "revision_number": 1})
        if external is not None:
            self.routers.set_gateway(router, {"network_id": external["id"]})
        for network in inside:
            for subnet in self.subnets.of_network(network["id"]):
                self.routers.attach(router, subnet)
        return router
