"""Security groups, their rules, and address groups. API: https://docs.openstack.org/api-ref/network/v2/"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any, ClassVar

from aiocloud.testing.http import Fail, Reply, Req, Routes
from aiocloud.testing.neutron_query import Item
from aiocloud.testing.neutron_table import Table

WITH_PORTS = frozenset({"tcp", "udp", "sctp", "dccp", "udplite", "6", "17", "132"})


class SecurityGroups(Table):
    """Security groups; every project has one called "default" as soon as anyone looks."""

    one = "security_group"
    many = "security_groups"
    missing = ("SecurityGroupNotFound", "Security group {} does not exist")
    defaults: ClassVar[Mapping[str, Any]] = {"name": "", "description": "", "stateful": True}
    computed = frozenset({"security_group_rules", "shared"})
    quota = 100

    def __init__(self, neutron: Any) -> None:
        super().__init__(neutron)
        self._defaults: dict[str, Item] = {}

    def visible(self, req: Req, item: Item) -> bool:
        """One's own."""
        self.default_of(req.project_id)
        return super().visible(req, item)

    async def list(self, req: Req) -> Reply:
        """Makes the default group first."""
        self.default_of(req.project_id)
        return await super().list(req)

    def default_of(self, project_id: str) -> Item:
        """The project's default group."""
        found = self._defaults.get(project_id)
        if found is None:
            given = self.new(project_id, name="default", description="Default security group")
            found = self._defaults[project_id] = self.add({**given, "shared": False, "revision_number": 1})
            for ethertype in ("IPv4", "IPv6"):
                self.neutron.security_group_rules.plain(found, ethertype, "egress", None)
                self.neutron.security_group_rules.plain(found, ethertype, "ingress", found["id"])
        return found

    def make(self, req: Req, given: Item) -> Item:  # noqa: ARG002
        """A new group lets everything out."""
        if given["name"] == "default":
            words = "Default security group already exists."
            raise Fail(409, words, "SecurityGroupDefaultAlreadyExists")
        group = self.add({**given, "shared": False, "revision_number": 1})
        for ethertype in ("IPv4", "IPv6"):
            self.neutron.security_group_rules.plain(group, ethertype, "egress", None)
        return group

    def change(self, req: Req, item: Item, given: Item) -> None:
        """The default group keeps its name."""
        if item is self._defaults.get(item["project_id"]) and "name" in given:
            words = "Updating default security group not allowed."
            raise Fail(409, words, "SecurityGroupCannotUpdateDefault")
        super().change(req, item, given)

    def remove(self, item: Item) -> None:
        """In use while a port has it; the default group stays."""
        if any(item["id"] in port["security_groups"] for port in self.neutron.ports.values()):
            raise Fail(409, f"Security Group {item['id']} in use.", "SecurityGroupInUse")
        if item is self._defaults.get(item["project_id"]):
            raise Fail(409, "Removing default security group not allowed.", "SecurityGroupCannotRemoveDefault")
        for rule in self.neutron.security_group_rules.of_group(item["id"]):
            self.neutron.security_group_rules.drop(rule)
        super().remove(item)

    def view(self, item: Item) -> Item:
        """With its rules."""
        rules = self.neutron.security_group_rules.of_group(item["id"])
        return {**item, "security_group_rules": rules}

    def find(self, project_id: str, name_or_id: str) -> Item | None:
        """A project's group by name or id, as nova looks for it; None when there is none."""
        self.default_of(project_id)
        if name_or_id in self.rows:
            return self.rows[name_or_id]
        own = (group for group in self.rows.values() if group["project_id"] == project_id)
        return next((group for group in own if group["name"] == name_or_id), None)


class SecurityGroupRules(Table):
    """What a security group lets through."""

    one = "security_group_rule"
    many = "security_group_rules"
    missing = ("SecurityGroupRuleNotFound", "Security group rule {} does not exist")
    required = ("security_group_id", "direction")
    defaults: ClassVar[Mapping[str, Any]] = {
        "ethertype": "IPv4",
        "protocol": None,
        "port_range_min": None,
        "port_range_max": None,
        "remote_ip_prefix": None,
        "remote_group_id": None,
        "remote_address_group_id": None,
        "description": "",
    }
    computed = frozenset({"normalized_cidr", "belongs_to_default_sg"})
    create_only = frozenset(defaults) - {"description"}
    taggable = False
    quota = 500

    def __init__(self, neutron: Any) -> None:
        super().__init__(neutron)
        self._of_group: dict[str, dict[str, Item]] = {}

    def of_group(self, group_id: str) -> list[Item]:
        """The rules of a group."""
        return list(self._of_group.get(group_id, {}).values())

    def plain(self, group: Item, ethertype: str, direction: str, remote: str | None) -> None:
        """One of the rules that a group is born with."""
        given = self.new(group["project_id"], security_group_id=group["id"], direction=direction, ethertype=ethertype)
        given.update(description=None, remote_group_id=remote, normalized_cidr=None)
        self.keep(given)

    def keep(self, given: Item) -> Item:
        """Store a checked rule."""
        group = self.neutron.security_groups[given["security_group_id"]]
        rule = self.add({**given, "belongs_to_default_sg": group["name"] == "default"})
        self._of_group.setdefault(group["id"], {})[rule["id"]] = rule
        return rule

    def make(self, req: Req, given: Item) -> Item:
        """Checked, and never twice the same."""
        group = self.neutron.security_groups.need_visible(req, given["security_group_id"])
        if given["direction"] not in {"ingress", "egress"}:
            raise Fail(400, f"Invalid input for direction. Reason: {given['direction']} is not in valid_values.")
        if given["ethertype"] not in {"IPv4", "IPv6"}:
            raise Fail(400, f"Invalid input for ethertype. Reason: {given['ethertype']} is not in valid_values.")
        if isinstance(given["protocol"], int):
            given["protocol"] = str(given["protocol"])
        self.check_ports(given)
        given["normalized_cidr"] = self.normalized(given)
        same = set(self.defaults) - {"description"} | {"direction"}
        for rule in self.of_group(group["id"]):
            if all(rule[name] == given[name] for name in same):
                words = f"Security group rule already exists. Rule id is {rule['id']}."
                raise Fail(409, words, "SecurityGroupRuleExists")
        self.neutron.security_groups.touch(group)
        return self.keep(given)

    def check_ports(self, given: Item) -> None:
        """A port range needs a protocol and an order."""
        low, high, protocol = given["port_range_min"], given["port_range_max"], given["protocol"]
        if protocol is None and (low is not None or high is not None):
            words = "Must also specify protocol if port range is given."
            raise Fail(400, words, "SecurityGroupProtocolRequiredWithPorts")
        if protocol in WITH_PORTS and low is not None and (high is None or int(low) > int(high)):
            words = "For TCP/UDP protocols, port_range_min must be <= port_range_max"
            raise Fail(400, words, "SecurityGroupInvalidPortRange")

    def normalized(self, given: Item) -> str | None:
        """The remote prefix with its host bits off."""
        prefix = given["remote_ip_prefix"]
        if prefix is None:
            return None
        try:
            network = ipaddress.ip_network(prefix, strict=False)
        except ValueError:
            raise Fail(400, f"Invalid CIDR {prefix} given as IP prefix.", "InvalidCIDR") from None
        if f"IPv{network.version}" != given["ethertype"]:
            words = f"Conflicting value ethertype {given['ethertype']} for CIDR {prefix}"
            raise Fail(400, words, "SecurityGroupRuleParameterConflict")
        return str(network)

    def remove(self, item: Item) -> None:
        """The group's revision moves, too."""
        self.neutron.security_groups.touch(self.neutron.security_groups[item["security_group_id"]])
        self.drop(item)

    def drop(self, item: Item) -> None:
        """Forget a rule."""
        del self._of_group[item["security_group_id"]][item["id"]], self.rows[item["id"]]


class AddressGroups(Table):
    """Named sets of prefixes that rules refer to."""

    one = "address_group"
    many = "address_groups"
    missing = ("AddressGroupNotFound", "Address group {} could not be found.")
    defaults: ClassVar[Mapping[str, Any]] = {"name": "", "description": "", "addresses": []}
    computed = frozenset({"shared"})
    create_only = frozenset({"addresses"})
    taggable = False

    def mount(self, routes: Routes) -> None:
        """With the verbs that change the set."""
        super().mount(routes)
        routes.add("PUT", "/v2.0/address-groups/{id}/add_addresses", self.add_addresses)
        routes.add("PUT", "/v2.0/address-groups/{id}/remove_addresses", self.remove_addresses)

    def make(self, req: Req, given: Item) -> Item:  # noqa: ARG002
        """Prefixes only."""
        self.check(given["addresses"])
        return self.add({**given, "shared": False, "revision_number": 1})

    def check(self, addresses: Any) -> None:
        """A `Fail` with 400 for what is no prefix."""
        for address in addresses:
            if "/" not in str(address):
                raise Fail(400, f"Invalid input for addresses. Reason: '{address}' is not a valid IP subnet.")

    async def add_addresses(self, req: Req) -> Reply:
        """PUT more prefixes."""
        return await self.alter(req, add=True)

    async def remove_addresses(self, req: Req) -> Reply:
        """PUT prefixes to take away."""
        return await self.alter(req, add=False)

    async def alter(self, req: Req, *, add: bool) -> Reply:
        """Change the set of prefixes."""
        group = self.owned(req, "update")
        wished = (await self.neutron.body(req)).get("addresses", [])
        self.check(wished)
        left = [address for address in group["addresses"] if address not in wished]
        group["addresses"] = [*left, *wished] if add else left
        self.touch(group)
        return Reply.json({"address_group": self.shown(req, group)})

    def remove(self, item: Item) -> None:
        """In use while a rule refers to it."""
        if any(rule["remote_address_group_id"] == item["id"] for rule in self.neutron.security_group_rules.values()):
            words = f"Address group {item['id']} is in use on one or more security group rules"
            raise Fail(409, words, "AddressGroupInUse")
        super().remove(item)
