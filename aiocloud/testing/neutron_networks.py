"""Networks, subnets and subnet pools. API: https://docs.openstack.org/api-ref/network/v2/"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any, ClassVar

from aiocloud.testing.http import Fail, Req
from aiocloud.testing.neutron_addresses import AddressPool, Network, carve, default_gateway, default_ranges
from aiocloud.testing.neutron_query import Item
from aiocloud.testing.neutron_table import Table

PROVIDER = frozenset({"provider:network_type", "provider:physical_network", "provider:segmentation_id"})


class Networks(Table):
    """Networks; shared ones and external ones are seen by every project."""

    one = "network"
    many = "networks"
    missing = ("NetworkNotFound", "Network {} could not be found.")
    defaults: ClassVar[Mapping[str, Any]] = {
        "name": "",
        "admin_state_up": True,
        "shared": False,
        "router:external": False,
        "is_default": False,
        "description": "",
        "port_security_enabled": True,
        "qos_policy_id": None,
        "dns_domain": "",
        "mtu": 1450,
        "availability_zone_hints": [],
        "vlan_transparent": None,
        "provider:network_type": None,
        "provider:physical_network": None,
        "provider:segmentation_id": None,
    }
    computed = frozenset({"status", "subnets", "availability_zones", "ipv4_address_scope", "ipv6_address_scope"})
    create_only = frozenset({"availability_zone_hints", *PROVIDER})
    admin = frozenset({"shared", "router:external", "is_default", *PROVIDER})
    hidden = PROVIDER
    uuids = frozenset({"qos_policy_id"})
    quota = 100

    def visible(self, req: Req, item: Item) -> bool:
        """One's own, shared and external networks."""
        return item["shared"] or item["router:external"] or super().visible(req, item)

    def make(self, req: Req, given: Item) -> Item:  # noqa: ARG002
        """A network is ACTIVE at once."""
        given.pop("vlan_transparent", None)
        if given["provider:network_type"] is None:
            number = 100 + len(self.rows)
            external = given["router:external"]
            given.update(
                {
                    "provider:network_type": "flat" if external else "vxlan",
                    "provider:physical_network": "public" if external else None,
                    "provider:segmentation_id": None if external else number,
                }
            )
        return self.add({**given, "status": "ACTIVE", "revision_number": 1})

    def remove(self, item: Item) -> None:
        """In use while it has ports other than the service's own."""
        ports = self.neutron.ports
        there = [port for port in ports.values() if port["network_id"] == item["id"]]
        busy = sorted(port["id"] for port in there if port["device_owner"] != "network:dhcp")
        if busy:
            words = "There are one or more ports still in use on the network, id for these ports is:"
            head = f"Unable to complete operation on network {item['id']}. {words}"
            raise Fail(409, f"{head} {','.join(busy)}.", "NetworkInUse")
        for port in there:
            ports.drop(port)
        for subnet in self.neutron.subnets.of_network(item["id"]):
            self.neutron.subnets.forget(subnet)
        super().remove(item)

    def view(self, item: Item) -> Item:
        """With the ids of its subnets."""
        subnets = self.neutron.subnets.of_network(item["id"])
        shown = {
            **item,
            "subnets": [subnet["id"] for subnet in subnets],
            "availability_zones": ["nova"] if subnets else [],
            "ipv4_address_scope": None,
            "ipv6_address_scope": None,
        }
        if not item["router:external"]:
            del shown["is_default"]
        if not self.neutron.has_dns:
            del shown["dns_domain"]
        return shown


class Subnets(Table):
    """Subnets, and the addresses that are taken in them (`pools`, by subnet id)."""

    one = "subnet"
    many = "subnets"
    missing = ("SubnetNotFound", "Subnet {} could not be found.")
    required = ("network_id", "ip_version")
    defaults: ClassVar[Mapping[str, Any]] = {
        "name": "",
        "cidr": None,
        "gateway_ip": ...,
        "allocation_pools": None,
        "enable_dhcp": True,
        "host_routes": [],
        "dns_nameservers": [],
        "ipv6_ra_mode": None,
        "ipv6_address_mode": None,
        "subnetpool_id": None,
        "use_default_subnetpool": False,
        "prefixlen": None,
        "description": "",
        "service_types": [],
        "dns_publish_fixed_ip": False,
        "segment_id": None,
    }
    computed = frozenset({"router:external", "shared"})
    create_only = frozenset(
        {"cidr", "ipv6_ra_mode", "ipv6_address_mode", "subnetpool_id", "use_default_subnetpool", "prefixlen"}
    )
    uuids = frozenset({"network_id", "subnetpool_id"})
    quota = 100

    def __init__(self, neutron: Any) -> None:
        super().__init__(neutron)
        self.pools: dict[str, AddressPool] = {}
        self._of_network: dict[str, list[Item]] = {}

    def of_network(self, network_id: str) -> list[Item]:
        """The subnets of a network."""
        return self._of_network.get(network_id, [])

    def visible(self, req: Req, item: Item) -> bool:
        """Those of networks that the caller sees."""
        return self.neutron.networks.visible(req, self.neutron.networks[item["network_id"]])

    def make(self, req: Req, given: Item) -> Item:
        """Checked against its neighbours; a first one with DHCP gets the DHCP port."""
        network = self.neutron.networks.need_visible(req, given["network_id"])
        if network["project_id"] != req.project_id and not req.is_admin:
            words = "(rule:create_subnet and rule:create_subnet:network_id) is disallowed by policy"
            raise Fail(403, words, "PolicyNotAuthorized")
        return self.make_in(network, given)

    def make_in(self, network: Item, given: Item) -> Item:
        """A subnet in a network, without asking who asks."""
        cidr = self.choose_cidr(network, given)
        gateway = given["gateway_ip"]
        if gateway is ...:
            gateway = default_gateway(cidr)
        ranges = default_ranges(cidr, gateway)
        if given["allocation_pools"]:
            ranges = [
                (ipaddress.ip_address(pool["start"]), ipaddress.ip_address(pool["end"]))
                for pool in given["allocation_pools"]
            ]
        pool = AddressPool(cidr, ranges, slaac=given["ipv6_address_mode"] in {"slaac", "dhcpv6-stateless"})
        for name in ("use_default_subnetpool", "prefixlen", "dns_publish_fixed_ip", "segment_id"):
            given.pop(name)
        given.update(
            cidr=str(cidr),
            gateway_ip=gateway,
            allocation_pools=[{"start": str(first), "end": str(last)} for first, last in ranges],
        )
        item = self.add(given)
        self.pools[item["id"]] = pool
        self._of_network.setdefault(network["id"], []).append(item)
        self.neutron.networks.touch(network)
        if item["enable_dhcp"] and not pool.slaac:
            self.neutron.ports.serve_dhcp(network, item)
        return item

    def choose_cidr(self, network: Item, given: Item) -> Network:
        """The range asked for, or one cut out of a subnet pool."""
        neighbours = [self.pools[subnet["id"]].network for subnet in self.of_network(network["id"])]
        if given["cidr"] is None:
            return self.carve_from_pool(given)
        try:
            cidr = ipaddress.ip_network(given["cidr"])
        except ValueError:
            words = f"Invalid input for operation: {given['cidr']} is not in a CIDR format."
            raise Fail(400, words, "InvalidInput") from None
        if cidr.version != given["ip_version"]:
            words = f"cidr '{cidr}' does not match the ip_version '{given['ip_version']}'"
            raise Fail(400, f"Invalid input for operation: {words}.", "InvalidInput")
        if any(cidr.version == other.version and cidr.overlaps(other) for other in neighbours):
            words = f"Requested subnet with cidr: {cidr} for network: {network['id']} overlaps with another subnet."
            raise Fail(400, f"Invalid input for operation: {words}", "InvalidInput")
        return cidr

    def carve_from_pool(self, given: Item) -> Network:
        """A range from the pool named, or from the default pool."""
        pools = self.neutron.subnetpools
        if given["use_default_subnetpool"]:
            fitting = (pool for pool in pools.values() if pool["is_default"])
            default = next((pool for pool in fitting if pool["ip_version"] == given["ip_version"]), None)
            given["subnetpool_id"] = default["id"] if default else None
        if given["subnetpool_id"] is None:
            words = "Bad subnets request: a subnetpool must be specified in the absence of a cidr."
            raise Fail(400, words, "BadRequest")
        pool = pools.need(given["subnetpool_id"])
        taken = [self.pools[s["id"]].network for s in self.rows.values() if s["subnetpool_id"] == pool["id"]]
        cidr = carve(pool["prefixes"], int(given["prefixlen"] or pool["default_prefixlen"]), taken)
        if cidr is None:
            words = "Insufficient prefix space to allocate subnet size"
            raise Fail(400, f"Failed to allocate subnet: {words}.", "SubnetAllocationError")
        return cidr

    def change(self, req: Req, item: Item, given: Item) -> None:
        """New allocation pools count for the next addresses."""
        super().change(req, item, given)
        self.pools[item["id"]].ranges = [
            (ipaddress.ip_address(pool["start"]), ipaddress.ip_address(pool["end"]))
            for pool in item["allocation_pools"]
        ]

    def remove(self, item: Item) -> None:
        """In use while a port other than DHCP's has an address of it."""
        ports = self.neutron.ports
        holders = [
            port
            for port in ports.values()
            if port["network_id"] == item["network_id"] and any(f["subnet_id"] == item["id"] for f in port["fixed_ips"])
        ]
        slaac = self.pools[item["id"]].slaac
        if any(port["device_owner"] != "network:dhcp" for port in holders) and not slaac:
            words = "One or more ports have an IP allocation from this subnet."
            raise Fail(409, f"Unable to complete operation on subnet {item['id']}: {words}", "SubnetInUse")
        for port in holders:
            ports.leave_subnet(port, item["id"])
        self.neutron.networks.touch(self.neutron.networks[item["network_id"]])
        self.forget(item)

    def forget(self, item: Item) -> None:
        """Drop the row and its addresses."""
        del self.rows[item["id"]], self.pools[item["id"]]
        left = [subnet for subnet in self.of_network(item["network_id"]) if subnet["id"] != item["id"]]
        self._of_network[item["network_id"]] = left

    def view(self, item: Item) -> Item:
        """With what the network says of it."""
        return {**item, "router:external": self.neutron.networks[item["network_id"]]["router:external"]}


class SubnetPools(Table):
    """Prefixes that subnets are cut from."""

    one = "subnetpool"
    many = "subnetpools"
    missing = ("SubnetPoolNotFound", "Subnet pool {} could not be found.")
    required = ("name", "prefixes")
    defaults: ClassVar[Mapping[str, Any]] = {
        "default_prefixlen": None,
        "min_prefixlen": None,
        "max_prefixlen": None,
        "is_default": False,
        "shared": False,
        "default_quota": None,
        "address_scope_id": None,
        "description": "",
    }
    computed = frozenset({"ip_version"})
    create_only = frozenset({"shared"})
    admin = frozenset({"shared", "is_default"})

    def visible(self, req: Req, item: Item) -> bool:
        """One's own and shared pools."""
        return item["shared"] or super().visible(req, item)

    def make(self, req: Req, given: Item) -> Item:  # noqa: ARG002
        """Lengths are text, as neutron writes them."""
        version = ipaddress.ip_network(given["prefixes"][0]).version
        shortest, longest = (8, 32) if version == 4 else (64, 128)
        lowest = given["min_prefixlen"] or shortest
        given.update(
            ip_version=version,
            min_prefixlen=str(lowest),
            max_prefixlen=str(given["max_prefixlen"] or longest),
            default_prefixlen=str(given["default_prefixlen"] or lowest),
        )
        return self.add(given)

    def change(self, req: Req, item: Item, given: Item) -> None:
        """Lengths stay text."""
        lengths = {key: str(value) for key, value in given.items() if key.endswith("prefixlen")}
        super().change(req, item, {**given, **lengths})

    def remove(self, item: Item) -> None:
        """In use while subnets come from it."""
        if any(subnet["subnetpool_id"] == item["id"] for subnet in self.neutron.subnets.values()):
            words = "Subnet pool has existing allocations"
            raise Fail(409, f"Unable to delete subnet pool: {words}.", "SubnetPoolDeleteError")
        super().remove(item)
