"""Trunks, RBAC policies, address scopes, port forwardings and firewalls.

API: https://docs.openstack.org/api-ref/network/v2/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from aiocloud.testing.http import Fail, Reply, Req, Routes
from aiocloud.testing.neutron_query import Item
from aiocloud.testing.neutron_table import Table

LATER = frozenset({"description", "created_at", "updated_at", "revision_number"})
"""Fields that the oldest resources never got."""


def bare(item: Item) -> Item:
    """An item without those."""
    return {key: value for key, value in item.items() if key not in LATER}


class AddressScopes(Table):
    """Areas in which addresses don't overlap."""

    one = "address_scope"
    many = "address_scopes"
    missing = ("AddressScopeNotFound", "Address scope {} could not be found.")
    required = ("name", "ip_version")
    defaults: ClassVar[Mapping[str, Any]] = {"name": "", "shared": False}
    admin = frozenset({"shared"})
    taggable = False

    def visible(self, req: Req, item: Item) -> bool:
        """One's own and shared ones."""
        return item["shared"] or super().visible(req, item)

    def view(self, item: Item) -> Item:
        """Without description and dates."""
        return bare(item)


class RBACPolicies(Table):
    """Who may use what of somebody else. They are kept, not enforced."""

    one = "rbac_policy"
    many = "rbac_policies"
    missing = ("RbacPolicyNotFound", "RBAC policy of type unknown with ID {} not found")
    required = ("object_type", "object_id", "action", "target_tenant")
    defaults: ClassVar[Mapping[str, Any]] = {"target_tenant": ""}
    taggable = False
    quota = 10

    def view(self, item: Item) -> Item:
        """Without description and dates."""
        return bare(item)


class Trunks(Table):
    """Ports that carry the traffic of others, by VLAN."""

    one = "trunk"
    many = "trunks"
    missing = ("TrunkNotFound", "Trunk {} could not be found.")
    required = ("port_id",)
    defaults: ClassVar[Mapping[str, Any]] = {"name": "", "description": "", "admin_state_up": True, "sub_ports": []}
    computed = frozenset({"status"})
    create_only = frozenset({"sub_ports"})
    uuids = frozenset({"port_id"})

    def mount(self, routes: Routes) -> None:
        """With the verbs for subports."""
        super().mount(routes)
        routes.add("GET", "/v2.0/trunks/{id}/get_subports", self.get_subports)
        routes.add("PUT", "/v2.0/trunks/{id}/add_subports", self.add_subports)
        routes.add("PUT", "/v2.0/trunks/{id}/remove_subports", self.remove_subports)

    def make(self, req: Req, given: Item) -> Item:
        """The parent is a port of one's own."""
        self.neutron.ports.need_visible(req, given["port_id"])
        return self.add({**given, "status": "DOWN"})

    def check_free(self, port_id: str) -> None:
        """A `Fail` with 409 when a port is part of a trunk."""
        for trunk in self.rows.values():
            if trunk["port_id"] == port_id:
                words = f"Port {port_id} is currently a parent port for trunk {trunk['id']}."
                raise Fail(409, words, "PortInUseAsTrunkParent")
            if any(one["port_id"] == port_id for one in trunk["sub_ports"]):
                words = f"Port {port_id} is currently a subport for trunk {trunk['id']}."
                raise Fail(409, words, "PortInUseAsSubPort")

    async def get_subports(self, req: Req) -> Reply:
        """GET the subports."""
        return Reply.json({"sub_ports": self.need_visible(req, req.args["id"])["sub_ports"]})

    async def add_subports(self, req: Req) -> Reply:
        """PUT more subports."""
        trunk = self.owned(req, "update")
        for wish in (await self.neutron.body(req)).get("sub_ports", []):
            port = self.neutron.ports.need_visible(req, wish.get("port_id"))
            self.check_free(port["id"])
            fields = {"segmentation_type": "vlan", "segmentation_id": None}
            trunk["sub_ports"].append({"port_id": port["id"], **fields, **wish})
        self.touch(trunk)
        return Reply.json(self.shown(req, trunk))

    async def remove_subports(self, req: Req) -> Reply:
        """PUT subports to take away."""
        trunk = self.owned(req, "update")
        gone = {one.get("port_id") for one in (await self.neutron.body(req)).get("sub_ports", [])}
        trunk["sub_ports"] = [one for one in trunk["sub_ports"] if one["port_id"] not in gone]
        self.touch(trunk)
        return Reply.json(self.shown(req, trunk))


class PortForwardings(Table):
    """Single ports of a floating IP that lead to ports of servers."""

    one = "port_forwarding"
    many = "port_forwardings"
    path = "/floatingips/{floatingip}/port_forwardings"
    missing = ("PortForwardingNotFound", "Port Forwarding {} could not be found.")
    required = ("internal_port_id", "internal_ip_address", "internal_port", "external_port", "protocol")
    defaults: ClassVar[Mapping[str, Any]] = {"description": "", **dict.fromkeys(required)}
    taggable = False
    computed = frozenset({"floatingip_id"})

    def within(self, req: Req, item: Item) -> bool:
        """Those of the floating IP in the path."""
        return bool(item["floatingip_id"] == req.args["floatingip"])

    def make(self, req: Req, given: Item) -> Item:
        """Refused when the floating IP leads to a port as a whole, or that port of it is taken."""
        floating = self.neutron.floatingips.need_visible(req, req.args["floatingip"])
        if floating["port_id"]:
            words = f"Floating IP {floating['id']} is already associated with port {floating['port_id']}"
            raise Fail(409, words, "FipAlreadyAssociated")
        port = self.neutron.ports.need_visible(req, given["internal_port_id"])
        fixed = self.neutron.floatingips.choose_fixed(port, given["internal_ip_address"])
        for other in self.of_floatingip(floating["id"]):
            if (other["external_port"], other["protocol"]) == (given["external_port"], given["protocol"]):
                span = f"{given['external_port']}:{given['external_port']}"
                words = "There is a port collision with the external_port_range. The following ranges collide:"
                raise Fail(400, f"Bad port_forwarding request: {words} {span} and {span}.", "BadRequest")
        router = self.neutron.routers.leading_to([fixed["subnet_id"]], floating["floating_network_id"])
        floating["router_id"] = router["id"] if router else None
        self.neutron.floatingips.touch(floating)
        return self.add({**given, "floatingip_id": floating["id"]})

    def of_floatingip(self, floatingip_id: str) -> list[Item]:
        """A floating IP's forwardings."""
        return [one for one in self.rows.values() if one["floatingip_id"] == floatingip_id]

    def view(self, item: Item) -> Item:
        """Only what is about the forwarding itself."""
        names = ("id", "protocol", "internal_port_id", "internal_ip_address", "description")
        shown: Item = {name: item[name] for name in names}
        for side in ("internal_port", "external_port"):
            shown |= {side: item[side], f"{side}_range": f"{item[side]}:{item[side]}"}
        return shown


class FirewallRules(Table):
    """Rules of firewalls as a service."""

    one = "firewall_rule"
    many = "firewall_rules"
    path = "/fwaas/firewall_rules"
    missing = ("FirewallRuleNotFound", "Firewall Rule {} could not be found.")
    defaults: ClassVar[Mapping[str, Any]] = {
        "name": "",
        "description": "",
        "action": "deny",
        "protocol": None,
        "ip_version": 4,
        "source_ip_address": None,
        "source_port": None,
        "source_firewall_group_id": None,
        "destination_ip_address": None,
        "destination_port": None,
        "destination_firewall_group_id": None,
        "enabled": True,
        "shared": False,
    }
    computed = frozenset({"firewall_policy_id"})
    admin = frozenset({"shared"})
    taggable = False

    def remove(self, item: Item) -> None:
        """In use while a policy has it."""
        if any(item["id"] in policy["firewall_rules"] for policy in self.neutron.firewall_policies.values()):
            raise Fail(409, f"Firewall rule {item['id']} is being used.", "FirewallRuleInUse")
        super().remove(item)

    def view(self, item: Item) -> Item:
        """With the policies that have it."""
        policies = self.neutron.firewall_policies.values()
        return {**item, "firewall_policy_id": [one["id"] for one in policies if item["id"] in one["firewall_rules"]]}


class FirewallPolicies(Table):
    """Rules in an order."""

    one = "firewall_policy"
    many = "firewall_policies"
    path = "/fwaas/firewall_policies"
    missing = ("FirewallPolicyNotFound", "Firewall Policy {} could not be found.")
    defaults: ClassVar[Mapping[str, Any]] = {
        "name": "",
        "description": "",
        "firewall_rules": [],
        "audited": False,
        "shared": False,
    }
    admin = frozenset({"shared"})
    taggable = False

    def mount(self, routes: Routes) -> None:
        """With the verbs that move single rules."""
        super().mount(routes)
        routes.add("PUT", "/v2.0/fwaas/firewall_policies/{id}/insert_rule", self.insert_rule)
        routes.add("PUT", "/v2.0/fwaas/firewall_policies/{id}/remove_rule", self.remove_rule)

    def make(self, req: Req, given: Item) -> Item:
        """Of rules that there are."""
        for rule in given["firewall_rules"]:
            self.neutron.firewall_rules.need_visible(req, rule)
        return self.add(given)

    def remove(self, item: Item) -> None:
        """In use while a group has it."""
        for group in self.neutron.firewall_groups.values():
            if item["id"] in {group["ingress_firewall_policy_id"], group["egress_firewall_policy_id"]}:
                raise Fail(409, f"Firewall policy {item['id']} is being used.", "FirewallPolicyInUse")
        super().remove(item)

    async def insert_rule(self, req: Req) -> Reply:
        """PUT a rule before or after another, first without a wish."""
        policy, body = self.owned(req, "update"), await self.neutron.body(req)
        rule = self.neutron.firewall_rules.need_visible(req, body.get("firewall_rule_id"))["id"]
        rules: list[str] = [one for one in policy["firewall_rules"] if one != rule]
        before, after = body.get("insert_before"), body.get("insert_after")
        position = rules.index(before) if before in rules else rules.index(after) + 1 if after in rules else 0
        policy["firewall_rules"] = [*rules[:position], rule, *rules[position:]]
        self.touch(policy)
        return Reply.json(self.shown(req, policy))

    async def remove_rule(self, req: Req) -> Reply:
        """PUT a rule to take away."""
        policy, body = self.owned(req, "update"), await self.neutron.body(req)
        rule = body.get("firewall_rule_id")
        if rule not in policy["firewall_rules"]:
            words = f"Firewall Rule {rule} is not associated with Firewall Policy {policy['id']}."
            raise Fail(400, words, "FirewallRuleNotAssociatedWithPolicy")
        policy["firewall_rules"] = [one for one in policy["firewall_rules"] if one != rule]
        self.touch(policy)
        return Reply.json(self.shown(req, policy))


class FirewallGroups(Table):
    """Policies for ports."""

    one = "firewall_group"
    many = "firewall_groups"
    path = "/fwaas/firewall_groups"
    missing = ("FirewallGroupNotFound", "Firewall Group {} could not be found.")
    defaults: ClassVar[Mapping[str, Any]] = {
        "name": "",
        "description": "",
        "admin_state_up": True,
        "ports": [],
        "ingress_firewall_policy_id": None,
        "egress_firewall_policy_id": None,
        "shared": False,
    }
    computed = frozenset({"status"})
    uuids = frozenset({"ingress_firewall_policy_id", "egress_firewall_policy_id"})
    admin = frozenset({"shared"})
    taggable = False

    def view(self, item: Item) -> Item:
        """Active as soon as it has ports."""
        return {**item, "status": "ACTIVE" if item["ports"] else "INACTIVE"}
