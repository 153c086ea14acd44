"""Routers and floating IPs. API: https://docs.openstack.org/api-ref/network/v2/#routers-routers"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from aiocloud.testing.http import Fail, Reply, Req, Routes
from aiocloud.testing.neutron_query import Item
from aiocloud.testing.neutron_table import Table

INTERFACE = "network:router_interface"
GATEWAY = "network:router_gateway"
FLOATING = "network:floatingip"

SOON = 1e-6
"""Seconds: before the next request, and after this one's answer."""


class Routers(Table):
    """Routers: their interfaces and gateways are ports."""

    one = "router"
    many = "routers"
    missing = ("RouterNotFound", "Router {} could not be found")
    defaults: ClassVar[Mapping[str, Any]] = {
        "name": "",
        "admin_state_up": True,
        "external_gateway_info": None,
        "description": "",
        "availability_zone_hints": [],
        "routes": [],
        "flavor_id": None,
        "distributed": False,
        "ha": False,
    }
    computed = frozenset({"status", "availability_zones"})
    create_only = frozenset({"availability_zone_hints", "flavor_id"})
    admin = frozenset({"distributed", "ha"})
    hidden = admin
    quota = 50

    def mount(self, routes: Routes) -> None:
        """With the verbs that are not create, read, update or delete."""
        super().mount(routes)
        routes.add("PUT", "/v2.0/routers/{id}/add_router_interface", self.add_interface)
        routes.add("PUT", "/v2.0/routers/{id}/remove_router_interface", self.remove_interface)
        routes.add("PUT", "/v2.0/routers/{id}/add_extraroutes", self.add_extraroutes)
        routes.add("PUT", "/v2.0/routers/{id}/remove_extraroutes", self.remove_extraroutes)

    def make(self, req: Req, given: Item) -> Item:  # noqa: ARG002
        """ACTIVE at once; a gateway takes an address of the external network."""
        wish = given.pop("external_gateway_info")
        router = self.add({**given, "status": "ACTIVE", "external_gateway_info": None, "revision_number": 1})
        try:
            self.set_gateway(router, wish)
        except Fail:
            del self.rows[router["id"]]
            raise
        return router

    def change(self, req: Req, item: Item, given: Item) -> None:
        """A gateway can't go while floating IPs need it."""
        if "external_gateway_info" in given:
            self.set_gateway(item, given.pop("external_gateway_info"))
        super().change(req, item, given)

    def set_gateway(self, router: Item, wish: Item | None) -> None:
        """Move the router's gateway to another network, or take it away (None or {})."""
        old = router["external_gateway_info"]
        network_id = (wish or {}).get("network_id")
        if old and network_id == old["network_id"]:
            old["enable_snat"] = (wish or {}).get("enable_snat", old["enable_snat"])
            return
        if old:
            self.check_gateway_unused(router, old)
            for port in self.ports_of(router["id"], GATEWAY):
                self.neutron.ports.drop(port)
            router["external_gateway_info"] = None
        if not wish:
            return
        network = self.neutron.external_network(network_id, "router")
        port = self.neutron.service_port(network, GATEWAY, router["id"], wish.get("external_fixed_ips"))
        router["external_gateway_info"] = {
            "network_id": network["id"],
            "external_fixed_ips": port["fixed_ips"],
            "enable_snat": wish.get("enable_snat", True),
        }

    def check_gateway_unused(self, router: Item, gateway: Item) -> None:
        """A `Fail` with 409 when floating IPs go through the gateway."""
        if any(ip["router_id"] == router["id"] for ip in self.neutron.floatingips.values()):
            words = f"a gateway to external network {gateway['network_id']} is required by one or more floating IPs."
            head = f"Gateway cannot be updated for router {router['id']}, since"
            raise Fail(409, f"{head} {words}", "RouterExternalGatewayInUseByFloatingIp")

    def remove(self, item: Item) -> None:
        """In use while it has interfaces."""
        there = [port["id"] for port in self.ports_of(item["id"], INTERFACE)]
        if there:
            raise Fail(409, f"Router {item['id']} has ports still attached: {', '.join(there)}", "RouterInUse")
        self.set_gateway(item, None)
        super().remove(item)

    def view(self, item: Item) -> Item:
        """With the zones it works in."""
        placed = item["external_gateway_info"] or self.ports_of(item["id"], INTERFACE)
        return {**item, "availability_zones": ["nova"] if placed else []}

    def ports_of(self, router_id: str, owner: str) -> list[Item]:
        """A router's interfaces, or its gateway."""
        return [port for port in self.neutron.ports.of_device(router_id) if port["device_owner"] == owner]

    def leading_to(self, subnet_ids: Sequence[str], network_id: str) -> Item | None:
        """The router between some subnets and an external network."""
        for router in self.rows.values():
            gateway = router["external_gateway_info"]
            if not gateway or gateway["network_id"] != network_id:
                continue
            for port in self.ports_of(router["id"], INTERFACE):
                if any(one["subnet_id"] in subnet_ids for one in port["fixed_ips"]):
                    return router
        return None

    # Interfaces

    async def add_interface(self, req: Req) -> Reply:
        """PUT {"subnet_id"} takes the subnet's gateway address; {"port_id"} takes a port as it is."""
        router = self.owned(req, "update")
        body = await self.neutron.body(req)
        if body.get("port_id"):
            port = self.neutron.ports.need_visible(req, body["port_id"])
            if port["device_id"]:
                words = f"Unable to complete operation on port {port['id']} for network {port['network_id']}."
                raise Fail(409, f"{words} Port already has an attached device {port['device_id']}.", "PortInUse")
            self.neutron.ports.change(req, port, {"device_id": router["id"], "device_owner": INTERFACE})
        elif body.get("subnet_id"):
            port = self.attach(router, self.neutron.subnets.need_visible(req, body["subnet_id"]))
        else:
            raise Fail(400, "Bad router request: Either subnet_id or port_id must be specified.", "BadRequest")
        self.touch(router)
        return Reply.json(self.interface_info(router, port))

    def attach(self, router: Item, subnet: Item) -> Item:
        """The port of a router in a subnet, at the subnet's gateway address."""
        for port in self.ports_of(router["id"], INTERFACE):
            if any(one["subnet_id"] == subnet["id"] for one in port["fixed_ips"]):
                words = f"Bad router request: Router already has a port on subnet {subnet['id']}."
                raise Fail(400, words, "BadRequest")
        if not subnet["gateway_ip"]:
            raise Fail(400, "Bad router request: Subnet for router interface must have a gateway IP.", "BadRequest")
        network = self.neutron.networks[subnet["network_id"]]
        wish = [{"subnet_id": subnet["id"], "ip_address": subnet["gateway_ip"]}]
        return self.neutron.service_port(network, INTERFACE, router["id"], wish, project_id=router["project_id"])

    async def remove_interface(self, req: Req) -> Reply:
        """PUT {"subnet_id"} or {"port_id"}."""
        router = self.owned(req, "update")
        body = await self.neutron.body(req)
        port = self.find_interface(router, body.get("subnet_id"), body.get("port_id"))
        subnets = {one["subnet_id"] for one in port["fixed_ips"]}
        self.check_interface_unused(router, subnets)
        info = self.interface_info(router, port)
        self.neutron.ports.drop(port)
        self.touch(router)
        return Reply.json(info)

    def find_interface(self, router: Item, subnet_id: str | None, port_id: str | None) -> Item:
        """A router's interface by its port or its subnet."""
        if not (subnet_id or port_id):
            raise Fail(400, "Bad router request: Either subnet_id or port_id must be specified.", "BadRequest")
        for port in self.ports_of(router["id"], INTERFACE):
            if port["id"] == port_id or any(one["subnet_id"] == subnet_id for one in port["fixed_ips"]):
                return port
        if port_id:
            words = f"Router {router['id']} does not have an interface with id {port_id}"
            raise Fail(404, words, "RouterInterfaceNotFound")
        words = f"Router {router['id']} has no interface on subnet {subnet_id}"
        raise Fail(404, words, "RouterInterfaceNotFoundForSubnet")

    def check_interface_unused(self, router: Item, subnet_ids: set[str]) -> None:
        """A `Fail` with 409 when a floating IP's port lives in one of the subnets."""
        for floating in self.neutron.floatingips.values():
            if floating["router_id"] != router["id"]:
                continue
            port = self.neutron.ports[floating["port_id"]]
            for one in port["fixed_ips"]:
                if one["subnet_id"] in subnet_ids and one["ip_address"] == floating["fixed_ip_address"]:
                    words = "cannot be deleted, as it is required by one or more floating IPs."
                    head = f"Router interface for subnet {one['subnet_id']} on router {router['id']}"
                    raise Fail(409, f"{head} {words}", "RouterInterfaceInUseByFloatingIP")

    def interface_info(self, router: Item, port: Item) -> Item:
        """What both interface verbs answer."""
        subnets = [one["subnet_id"] for one in port["fixed_ips"]]
        return {
            "id": router["id"],
            "project_id": router["project_id"],
            "tenant_id": router["project_id"],
            "port_id": port["id"],
            "network_id": port["network_id"],
            "subnet_id": subnets[0] if subnets else None,
            "subnet_ids": subnets,
        }

    async def add_extraroutes(self, req: Req) -> Reply:
        """PUT more static routes."""
        return await self.change_extraroutes(req, add=True)

    async def remove_extraroutes(self, req: Req) -> Reply:
        """PUT static routes to take away."""
        return await self.change_extraroutes(req, add=False)

    async def change_extraroutes(self, req: Req, *, add: bool) -> Reply:
        """Static routes change without a race."""
        router = self.owned(req, "update")
        wished = self.neutron.part(await self.neutron.body(req), "router").get("routes", [])
        left = [route for route in router["routes"] if route not in wished]
        router["routes"] = [*left, *wished] if add else left
        self.touch(router)
        return Reply.json({"router": self.shown(req, router)})


class FloatingIPs(Table):
    """Floating IPs: an address of an external network that leads to a port."""

    one = "floatingip"
    many = "floatingips"
    missing = ("FloatingIPNotFound", "Floating IP {} could not be found")
    required = ("floating_network_id",)
    defaults: ClassVar[Mapping[str, Any]] = {
        "port_id": None,
        "fixed_ip_address": None,
        "floating_ip_address": None,
        "subnet_id": None,
        "description": "",
        "dns_domain": "",
        "dns_name": "",
        "qos_policy_id": None,
    }
    computed = frozenset({"status", "router_id", "port_details", "port_forwardings"})
    create_only = frozenset({"floating_network_id", "floating_ip_address", "subnet_id", "dns_domain", "dns_name"})
    admin = frozenset({"floating_ip_address"})
    uuids = frozenset({"floating_network_id", "port_id", "subnet_id"})
    quota = 100

    def __init__(self, neutron: Any) -> None:
        super().__init__(neutron)
        self._of_port: dict[str, dict[str, Item]] = {}

    def of_port(self, port_id: str) -> list[Item]:
        """The floating IPs that lead to a port."""
        return list(self._of_port.get(port_id, {}).values())

    def make(self, req: Req, given: Item) -> Item:
        """Address and association in one step: both, or neither."""
        network = self.neutron.external_network(given["floating_network_id"], "floatingip")
        address, subnet_id, port_id = (given.pop(name) for name in ("floating_ip_address", "subnet_id", "port_id"))
        wish = {key: value for key, value in (("subnet_id", subnet_id), ("ip_address", address)) if value}
        port = self.neutron.ports.need_visible(req, port_id) if port_id else None
        outside = self.neutron.service_port(network, FLOATING, "", [wish] if wish else None)
        item = self.add(
            {
                **given,
                "floating_ip_address": outside["fixed_ips"][0]["ip_address"],
                "port_id": None,
                "router_id": None,
                "status": "DOWN",
            }
        )
        outside["device_id"] = item["id"]
        self.neutron.ports.index(outside)
        try:
            if port is not None:
                self.associate(item, port, given["fixed_ip_address"])
        except Fail:
            self.remove(item)
            raise
        return item

    def change(self, req: Req, item: Item, given: Item) -> None:
        """A port id, or null, moves it; other fields are plain."""
        if "port_id" in given:
            port_id, fixed = given.pop("port_id"), given.pop("fixed_ip_address", None)
            if port_id and self.neutron.port_forwardings.of_floatingip(item["id"]):
                words = f"Floating IP {item['id']} in use by Port Forwarding resources."
                raise Fail(409, words, "FipInUseByPortForwarding")
            if port_id:
                self.associate(item, self.neutron.ports.need_visible(req, port_id), fixed)
            else:
                self.dissociate(item)
        super().change(req, item, given)

    def associate(self, item: Item, port: Item, fixed: str | None) -> None:
        """Lead to a port's fixed IP; ACTIVE a moment later. Refused as neutron refuses it."""
        fixed_ip = self.choose_fixed(port, fixed)
        network_id, address = item["floating_network_id"], fixed_ip["ip_address"]
        for other in self.of_port(port["id"]):
            same = other["fixed_ip_address"] == address and other["floating_network_id"] == network_id
            if same and other is not item:
                head = (
                    f"Cannot associate floating IP {item['floating_ip_address']} ({item['id']}) with port {port['id']}"
                )
                words = f"using fixed IP {address}, as that fixed IP already has a floating IP on external network"
                raise Fail(409, f"{head} {words} {network_id}.", "FloatingIPPortAlreadyAssociated")
        router = self.neutron.routers.leading_to([fixed_ip["subnet_id"]], network_id)
        if router is None:
            head = f"External network {network_id} is not reachable from subnet {fixed_ip['subnet_id']}."
            words = f"  Therefore, cannot associate Port {port['id']} with a Floating IP."
            raise Fail(404, head + words, "ExternalGatewayForFloatingIPNotFound")
        self.dissociate(item)
        item.update(port_id=port["id"], fixed_ip_address=address, router_id=router["id"])
        self._of_port.setdefault(port["id"], {})[item["id"]] = item
        self.neutron.ports.moved(port)
        delay = max(self.neutron.region.knobs.work_time, SOON)
        self.neutron.region.later(delay, lambda: self.activate(item, port["id"]))

    def activate(self, item: Item, port_id: str) -> None:
        """The router has it now."""
        if item["port_id"] == port_id and item["id"] in self.rows and item["status"] != "ACTIVE":
            item["status"] = "ACTIVE"
            self.touch(item)

    def choose_fixed(self, port: Item, fixed: str | None) -> Item:
        """The fixed IP that is meant: the named one, or the only IPv4 address."""
        if fixed:
            found: Item | None = next((one for one in port["fixed_ips"] if one["ip_address"] == fixed), None)
            if found is None:
                words = f"Bad floatingip request: Port {port['id']} does not have fixed ip {fixed}."
                raise Fail(400, words, "BadRequest")
            return found
        fitting: list[Item] = [one for one in port["fixed_ips"] if ":" not in one["ip_address"]]
        if len(fitting) == 1:
            return fitting[0]
        words = f"Cannot add floating IP to port {port['id']} that has no fixed IPv4 addresses."
        if fitting:
            words = f"Port {port['id']} has multiple fixed IPv4 addresses.  Must provide a specific IPv4 address"
            words += " when assigning a floating IP."
        raise Fail(400, f"Bad floatingip request: {words}", "BadRequest")

    def dissociate(self, item: Item) -> None:
        """Lead nowhere."""
        port_id = item["port_id"]
        item.update(port_id=None, fixed_ip_address=None, router_id=None, status="DOWN")
        if port_id is None:
            return
        there = self._of_port.get(port_id, {})
        there.pop(item["id"], None)
        if not there:
            self._of_port.pop(port_id, None)
        if port_id in self.neutron.ports:
            self.neutron.ports.moved(self.neutron.ports[port_id])

    def leave_port(self, port_id: str) -> None:
        """A port goes: its floating IPs stay."""
        for item in self.of_port(port_id):
            self.dissociate(item)
            self.touch(item)

    def remove(self, item: Item) -> None:
        """The address goes back to its network."""
        self.dissociate(item)
        for forwarding in self.neutron.port_forwardings.of_floatingip(item["id"]):
            self.neutron.port_forwardings.remove(forwarding)
        for port in self.neutron.ports.of_device(item["id"]):
            self.neutron.ports.drop(port)
        super().remove(item)

    def view(self, item: Item) -> Item:
        """With a few facts of the port it leads to."""
        names = ("name", "network_id", "mac_address", "admin_state_up", "status", "device_id", "device_owner")
        port = self.neutron.ports[item["port_id"]] if item["port_id"] else None
        brief = ("id", "protocol", "internal_ip_address", "internal_port_id", "internal_port", "external_port")
        forwardings = self.neutron.port_forwardings.of_floatingip(item["id"])
        return {
            **item,
            "port_details": None if port is None else {name: port[name] for name in names},
            "port_forwardings": [{name: one[name] for name in brief} for one in forwardings],
        }
