"""Quality of service: policies and their rules. API: https://docs.openstack.org/api-ref/network/v2/#quality-of-service"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from aiocloud.testing.http import Fail, Reply, Req, Routes
from aiocloud.testing.neutron_query import Item
from aiocloud.testing.neutron_table import Table

DIRECTED = {"direction": "egress"}
RULES: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "bandwidth_limit": (("max_kbps",), {"max_burst_kbps": 0, **DIRECTED}),
    "dscp_marking": (("dscp_mark",), {}),
    "minimum_bandwidth": (("min_kbps",), DIRECTED),
    "minimum_packet_rate": (("min_kpps",), DIRECTED),
    "packet_rate_limit": (("max_kpps",), {"max_burst_kpps": 0, **DIRECTED}),
}
"""Type of rule -> what must be given, and what may be."""


class QosPolicies(Table):
    """Policies; administrators make them. Their rules lie in the policy."""

    one = "policy"
    many = "policies"
    path = "/qos/policies"
    missing = ("QosPolicyNotFound", "QoS policy {} could not be found.")
    required = ("name",)
    defaults: ClassVar[Mapping[str, Any]] = {"name": "", "description": "", "shared": False, "is_default": False}
    computed = frozenset({"rules"})

    def mount(self, routes: Routes) -> None:
        """With the rules of each type, and the types."""
        routes.add("GET", "/v2.0/qos/rule-types", self.list_types)
        routes.add("GET", "/v2.0/qos/rule-types/{type}", self.show_type)
        super().mount(routes)
        for kind in RULES:
            path = f"/v2.0/qos/policies/{{id}}/{kind}_rules"
            routes.add("GET", path, self.list_rules)
            routes.add("POST", path, self.create_rule)
            routes.add("GET", f"{path}/{{rule}}", self.show_rule)
            routes.add("PUT", f"{path}/{{rule}}", self.update_rule)
            routes.add("DELETE", f"{path}/{{rule}}", self.delete_rule)

    def visible(self, req: Req, item: Item) -> bool:
        """One's own and shared ones."""
        return item["shared"] or super().visible(req, item)

    def make(self, req: Req, given: Item) -> Item:
        """For administrators."""
        if not req.is_admin:
            raise Fail(403, "rule:create_policy is disallowed by policy", "PolicyNotAuthorized")
        return self.add({**given, "rules": []})

    def remove(self, item: Item) -> None:
        """In use while a port or a network has it."""
        for table in (self.neutron.networks, self.neutron.ports):
            user = next((one for one in table.values() if one["qos_policy_id"] == item["id"]), None)
            if user is not None:
                words = f"QoS Policy {item['id']} is used by {table.one} {user['id']}."
                raise Fail(409, words, "QosPolicyInUse")
        super().remove(item)

    # Rules

    def kind(self, req: Req) -> str:
        """The type of rule that the path is about."""
        return next(part for part in req.path.split("/") if part.endswith("_rules")).removesuffix("_rules")

    def plain(self, rule: Item) -> Item:
        """A rule as its own path shows it."""
        return {key: value for key, value in rule.items() if key not in {"type", "qos_policy_id"}}

    def of_kind(self, req: Req) -> list[Item]:
        """The policy's rules of the path's type."""
        policy = self.need_visible(req, req.args["id"])
        return [rule for rule in policy["rules"] if rule["type"] == self.kind(req)]

    def need_rule(self, req: Req) -> Item:
        """The rule in the path, or 404."""
        for rule in self.of_kind(req):
            if rule["id"] == req.args["rule"]:
                return rule
        words = f"QoS rule {req.args['rule']} for policy {req.args['id']} could not be found."
        raise Fail(404, words, "QosRuleNotFound")

    def changeable(self, req: Req, verb: str) -> Item:
        """The policy in the path, when the caller may change its rules."""
        policy = self.need_visible(req, req.args["id"])
        if not req.is_admin:
            rule = f"rule:{verb}_policy_{self.kind(req)}_rule"
            raise Fail(403, f"{rule} is disallowed by policy", "PolicyNotAuthorized")
        return policy

    def check_fields(self, kind: str, given: Item) -> None:
        """A `Fail` with 400 for names that the rule hasn't."""
        required, optional = RULES[kind]
        odd = [name for name in given if name not in required and name not in optional]
        if odd:
            raise Fail(400, f"Unrecognized attribute(s) '{', '.join(odd)}'")

    async def list_rules(self, req: Req) -> Reply:
        """GET the rules of one type."""
        return Reply.json({f"{self.kind(req)}_rules": [self.plain(rule) for rule in self.of_kind(req)]})

    async def show_rule(self, req: Req) -> Reply:
        """GET one rule."""
        return Reply.json({f"{self.kind(req)}_rule": self.plain(self.need_rule(req))})

    async def create_rule(self, req: Req) -> Reply:
        """POST one rule."""
        policy, kind = self.changeable(req, "create"), self.kind(req)
        given = self.neutron.part(await self.neutron.body(req), f"{kind}_rule")
        required, optional = RULES[kind]
        for name in required:
            if name not in given:
                raise Fail(400, f"Failed to parse request. Required attribute '{name}' not specified")
        self.check_fields(kind, given)
        place = {"id": self.neutron.region.ids.uuid(), "qos_policy_id": policy["id"], "type": kind}
        rule = {**optional, **given, **place}
        for other in self.of_kind(req):
            if other.get("direction") == rule.get("direction"):
                words = f"Rule {kind} already exists in QoS Policy {policy['id']}."
                raise Fail(409, words, "QoSRulesConflict")
        policy["rules"].append(rule)
        self.touch(policy)
        return Reply.json({f"{kind}_rule": self.plain(rule)}, 201)

    async def update_rule(self, req: Req) -> Reply:
        """PUT one rule."""
        policy, kind, rule = self.changeable(req, "update"), self.kind(req), self.need_rule(req)
        given = self.neutron.part(await self.neutron.body(req), f"{kind}_rule")
        self.check_fields(kind, given)
        rule.update(given)
        self.touch(policy)
        return Reply.json({f"{kind}_rule": self.plain(rule)})

    async def delete_rule(self, req: Req) -> Reply:
        """DELETE one rule."""
        policy, rule = self.changeable(req, "delete"), self.need_rule(req)
        policy["rules"].remove(rule)
        self.touch(policy)
        return Reply(204)

    async def list_types(self, req: Req) -> Reply:  # noqa: ARG002
        """GET the types of rules."""
        return Reply.json({"rule_types": [{"type": kind} for kind in RULES]})

    async def show_type(self, req: Req) -> Reply:
        """GET one type, and what the driver takes: for administrators."""
        kind = req.args["type"]
        if kind not in RULES:
            raise Fail(404, f"Rule type {kind} could not be found.", "HTTPNotFound")
        required, optional = RULES[kind]
        span = {"start": 0, "end": 2147483647}
        parameters = [
            {"parameter_name": name, "parameter_type": "range", "parameter_values": span}
            for name in (*required, *(one for one in optional if one != "direction"))
        ]
        drivers = [{"name": "openvswitch", "supported_parameters": parameters}]
        return Reply.json({"rule_type": {"type": kind, "drivers": drivers}})
