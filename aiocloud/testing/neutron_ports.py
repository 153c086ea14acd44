"""Ports and their addresses. API: https://docs.openstack.org/api-ref/network/v2/#ports"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from aiocloud.testing.http import Fail, Req
from aiocloud.testing.neutron_addresses import mac_address
from aiocloud.testing.neutron_query import Item
from aiocloud.testing.neutron_table import UUID, Table

BINDING = frozenset({"binding:host_id", "binding:profile", "binding:vif_type", "binding:vif_details"})
SERVICE_OWNERS = frozenset({"network:router_interface", "network:router_gateway", "network:floatingip"})


class Ports(Table):
    """Ports: by id, by the device they belong to, and each with addresses of its network's subnets."""

    one = "port"
    many = "ports"
    missing = ("PortNotFound", "Port {} could not be found.")
    required = ("network_id",)
    defaults: ClassVar[Mapping[str, Any]] = {
        "name": "",
        "admin_state_up": True,
        "mac_address": None,
        "fixed_ips": None,
        "device_id": "",
        "device_owner": "",
        "security_groups": None,
        "allowed_address_pairs": [],
        "extra_dhcp_opts": [],
        "description": "",
        "binding:vnic_type": "normal",
        "binding:host_id": "",
        "binding:profile": {},
        "port_security_enabled": True,
        "qos_policy_id": None,
        "dns_name": "",
        "dns_domain": "",
    }
    computed = frozenset({"status", "dns_assignment", "qos_network_policy_id", "ip_address", "resource_request"})
    create_only = frozenset()
    admin = frozenset({"binding:host_id", "binding:profile"})
    hidden = BINDING | {"resource_request"}
    uuids = frozenset({"network_id"})

    def __init__(self, neutron: Any) -> None:
        super().__init__(neutron)
        self._of_device: dict[str, dict[str, Item]] = {}
        self._macs: dict[str, int] = {}

    def of_device(self, device_id: str) -> list[Item]:
        """The ports of a server or a router."""
        return list(self._of_device.get(device_id, {}).values())

    # Making

    def make(self, req: Req, given: Item) -> Item:
        """A port of a network that the caller may use."""
        network = self.neutron.networks.need_visible(req, given["network_id"])
        if not (network["shared"] or network["project_id"] == req.project_id or req.is_admin):
            words = "(rule:create_port and rule:create_port:network_id) is disallowed by policy"
            raise Fail(403, words, "PolicyNotAuthorized")
        return self.make_in(network, given)

    def make_in(self, network: Item, given: Item) -> Item:
        """A port in a network, without asking who asks."""
        mac = given["mac_address"] or self.new_mac()
        if given["mac_address"] and mac in self._macs:
            head = f"Unable to complete operation for network {network['id']}."
            raise Fail(409, f"{head} The mac address {mac} is in use.", "MacAddressInUse")
        groups = self.read_groups(given["project_id"], given["security_groups"])
        if not network["port_security_enabled"]:
            given["port_security_enabled"] = False
        if given["security_groups"] is None and not given["port_security_enabled"]:
            groups = []
        given.update(mac_address=mac, security_groups=groups)
        slaac = not given["device_owner"].startswith("network:")
        given["fixed_ips"] = self.take_addresses(network["id"], given["fixed_ips"], mac, slaac=slaac)
        host = given["binding:host_id"]
        given["binding:vif_type"] = "ovs" if host else "unbound"
        given["binding:vif_details"] = {"connectivity": "l2", "port_filter": True} if host else {}
        port = self.add({"status": "DOWN", **given, "qos_network_policy_id": None, "revision_number": 1})
        self._macs[mac] = self._macs.get(mac, 0) + 1
        self.index(port)
        return port

    def new_mac(self) -> str:
        """A MAC address that no port has."""
        while True:
            mac = mac_address(self.neutron.region.ids.random.getrandbits(24))
            if mac not in self._macs:
                return mac

    def read_groups(self, project_id: str, given: list[str] | None) -> list[str]:
        """The security groups asked for; the project's default group without a wish."""
        groups = self.neutron.security_groups
        if given is None:
            return [groups.default_of(project_id)["id"]] if project_id else []
        for group in given:
            if not UUID.fullmatch(str(group)):
                raise Fail(400, f"Invalid input for security_groups. Reason: '{group}' is not a valid UUID.")
            groups.need(group)
        return list(given)

    # Addresses

    def take_addresses(
        self, network_id: str, wishes: list[Item] | None, mac: str, *, slaac: bool = False
    ) -> list[Item]:
        """Fixed IPs: those asked for, or one of each IP version; what was taken is given back on a refusal."""
        subnets = self.neutron.subnets.of_network(network_id)
        taken: list[Item] = []
        try:
            if wishes is None:
                for version in (4, 6):
                    fitting = [s for s in subnets if s["ip_version"] == version]
                    if fitting:
                        taken.append(self.take_any(network_id, fitting, mac))
                return taken
            for wish in wishes:
                taken.append(self.take_wish(network_id, subnets, wish, mac))  # noqa: PERF401 - undone on a refusal
        except Fail:
            self.give_back(taken)
            raise
        if wishes and slaac:
            self.add_slaac(subnets, taken, mac)
        return taken

    def take_any(self, network_id: str, subnets: list[Item], mac: str) -> Item:
        """A free address of one of some subnets."""
        for subnet in subnets:
            address = self.neutron.subnets.pools[subnet["id"]].take(mac)
            if address is not None:
                return {"subnet_id": subnet["id"], "ip_address": address}
        raise Fail(409, f"No more IP addresses available on network {network_id}.", "IpAddressGenerationFailure")

    def take_wish(self, network_id: str, subnets: list[Item], wish: Item, mac: str) -> Item:
        """One `{"subnet_id": ..., "ip_address": ...}` of a request, either of them optional."""
        pools = self.neutron.subnets.pools
        if wish.get("subnet_id"):
            subnet = self.neutron.subnets.need(wish["subnet_id"])
            if subnet["network_id"] != network_id:
                words = f"subnet {subnet['id']} does not belong to network {network_id}"
                raise Fail(400, f"Failed to create port on network {network_id}, because {words}.", "BadRequest")
            subnets = [subnet]
        address = wish.get("ip_address")
        if not address:
            return self.take_any(network_id, subnets, mac)
        holder = next((s for s in subnets if pools[s["id"]].holds(address)), None)
        if holder is None:
            words = f"IP address {address} is not a valid IP for any of the subnets on the specified network."
            raise Fail(400, words, "InvalidIpForNetwork")
        if not pools[holder["id"]].claim(address):
            words = f"IP address {address} already allocated in subnet {holder['id']}"
            raise Fail(409, words, "IpAddressAlreadyAllocated")
        return {"subnet_id": holder["id"], "ip_address": address}

    def add_slaac(self, subnets: list[Item], taken: list[Item], mac: str) -> None:
        """Hosts make their address in such subnets whether it was asked for or not."""
        held = {one["subnet_id"] for one in taken}
        for subnet in subnets:
            pool = self.neutron.subnets.pools[subnet["id"]]
            if pool.slaac and subnet["id"] not in held:
                taken.append({"subnet_id": subnet["id"], "ip_address": pool.take(mac)})

    def give_back(self, fixed_ips: list[Item]) -> None:
        """Free addresses."""
        for one in fixed_ips:
            pool = self.neutron.subnets.pools.get(one["subnet_id"])
            if pool is not None:
                pool.free(one["ip_address"])

    def leave_subnet(self, port: Item, subnet_id: str) -> None:
        """Take away what a port has of a subnet."""
        self.give_back([one for one in port["fixed_ips"] if one["subnet_id"] == subnet_id])
        port["fixed_ips"] = [one for one in port["fixed_ips"] if one["subnet_id"] != subnet_id]
        self.touch(port)
        self.moved(port)

    def serve_dhcp(self, network: Item, subnet: Item) -> None:
        """Give the network's DHCP port an address of a subnet, making the port when there is none."""
        device = f"dhcp-{network['id']}"
        there = self.of_device(device)
        if there:
            port = there[0]
            port["fixed_ips"].append(self.take_any(network["id"], [subnet], port["mac_address"]))
            self.touch(port)
            return
        fields = {"device_owner": "network:dhcp", "device_id": device, "fixed_ips": [{"subnet_id": subnet["id"]}]}
        project = network["project_id"]
        fresh = self.new(project, network_id=network["id"], port_security_enabled=False, **fields)
        self.make_in(network, {**fresh, "status": "ACTIVE", "binding:host_id": "fake-compute"})

    # Changing

    def index(self, port: Item) -> None:
        """Remember which device a port belongs to."""
        if port["device_id"]:
            self._of_device.setdefault(port["device_id"], {})[port["id"]] = port
        self.moved(port)

    def unindex(self, port: Item) -> None:
        """Forget which device a port belongs to."""
        self.moved(port)
        there = self._of_device.get(port["device_id"], {})
        there.pop(port["id"], None)
        if not there:
            self._of_device.pop(port["device_id"], None)

    def moved(self, port: Item) -> None:
        """Tell who listens that the addresses of a device may have changed."""
        if port["device_id"]:
            for listener in self.neutron.listeners:
                listener(port["device_id"])

    def change(self, req: Req, item: Item, given: Item) -> None:  # noqa: ARG002
        """New addresses are taken before old ones are given back."""
        if "security_groups" in given:
            given["security_groups"] = self.read_groups(item["project_id"], given["security_groups"])
        if given.get("fixed_ips") is not None:
            given["fixed_ips"] = self.exchange(item, given["fixed_ips"])
        mac = given.get("mac_address")
        if mac and mac != item["mac_address"]:
            self._macs[mac] = self._macs.get(mac, 0) + 1
            self._macs.pop(item["mac_address"], None)
        self.unindex(item)
        item.update(given)
        self.index(item)

    def exchange(self, port: Item, wishes: list[Item]) -> list[Item]:
        """The fixed IPs a port shall have from now on: kept ones stay as they are."""

        def kept(wish: Item) -> Item | None:
            fields = {key: value for key, value in wish.items() if value is not None}
            return next((one for one in port["fixed_ips"] if fields.items() <= one.items()), None)

        stay = [one for one in map(kept, wishes) if one is not None]
        fresh = self.take_addresses(port["network_id"], [w for w in wishes if kept(w) is None], port["mac_address"])
        self.give_back([one for one in port["fixed_ips"] if one not in stay and one not in fresh])
        return stay + [one for one in fresh if one not in stay]

    def remove(self, item: Item) -> None:
        """Ports of routers and floating IPs go with them only."""
        owner = item["device_owner"]
        if owner in SERVICE_OWNERS:
            words = f"cannot be deleted directly via the port API: has device owner {owner}."
            raise Fail(409, f"Port {item['id']} {words}", "ServicePortInUse")
        self.neutron.trunks.check_free(item["id"])
        self.drop(item)

    def drop(self, item: Item) -> None:
        """Delete a port whatever it is for; its floating IPs stay behind unassociated."""
        self.neutron.floatingips.leave_port(item["id"])
        self.give_back(item["fixed_ips"])
        self.unindex(item)
        left = self._macs.get(item["mac_address"], 1) - 1
        if left <= 0:
            self._macs.pop(item["mac_address"], None)
        del self.rows[item["id"]]

    def view(self, item: Item) -> Item:
        """With names for its addresses where the region has a DNS integration."""
        shown = {**item, "resource_request": None}
        if not self.neutron.has_dns:
            del shown["dns_name"], shown["dns_domain"]
            return shown
        assignment: list[Item] = []
        for one in item["fixed_ips"]:
            address = one["ip_address"]
            host = item["dns_name"] or "host-" + address.replace(".", "-").replace(":", "-")
            assignment.append({"ip_address": address, "hostname": host, "fqdn": f"{host}.fake.test."})
        return {**shown, "dns_assignment": assignment}
