"""Firewalls as a service. API: https://docs.openstack.org/api-ref/network/v2/#fwaas-v2-0-current-fwaas-firewall-groups-firewall-policies-firewall-rules"""

from __future__ import annotations

from typing import Annotated, ClassVar, Generic, ParamSpec

from aiocloud.collection import Collection
from aiocloud.model import NullAs, Place, Resource, Spec, Text, Which
from aiocloud.paths import join

__all__ = [
    "EditFirewallGroup",
    "EditFirewallPolicy",
    "EditFirewallRule",
    "FirewallGroup",
    "FirewallPolicies",
    "FirewallPolicy",
    "FirewallRule",
    "NewFirewallGroup",
    "NewFirewallPolicy",
    "NewFirewallRule",
]

New = ParamSpec("New")
Edit = ParamSpec("Edit")


class FirewallGroup(Resource):
    """Ports, and the policies for what goes in and out. API: https://docs.openstack.org/api-ref/network/v2/#show-firewall-group-details"""

    place: ClassVar[Place] = Place("/fwaas/firewall_groups", one="firewall_group", many="firewall_groups")

    description: Text = ""
    admin_state_up: bool | None = None
    egress_firewall_policy_id: str | None = None
    ingress_firewall_policy_id: str | None = None
    ports: Annotated[list[str], NullAs([])] = []
    project_id: str | None = None
    tenant_id: str | None = None
    shared: bool | None = None
    status: str | None = None


class NewFirewallGroup(Spec):
    """API: https://docs.openstack.org/api-ref/network/v2/#create-firewall-group"""

    name: str | None = None
    description: str | None = None
    admin_state_up: bool | None = None
    egress_firewall_policy_id: str | None = None
    ingress_firewall_policy_id: str | None = None
    ports: list[str] | None = None
    shared: bool | None = None
    project_id: str | None = None


class EditFirewallGroup(Spec):
    """API: https://docs.openstack.org/api-ref/network/v2/#update-firewall-group"""

    name: str | None = None
    description: str | None = None
    admin_state_up: bool | None = None
    egress_firewall_policy_id: str | None = None
    ingress_firewall_policy_id: str | None = None
    ports: list[str] | None = None
    shared: bool | None = None


class FirewallPolicy(Resource):
    """Rules in order. API: https://docs.openstack.org/api-ref/network/v2/#show-firewall-policy-details"""

    place: ClassVar[Place] = Place("/fwaas/firewall_policies", one="firewall_policy", many="firewall_policies")

    description: Text = ""
    audited: bool | None = None
    firewall_rules: Annotated[list[str], NullAs([])] = []
    project_id: str | None = None
    tenant_id: str | None = None
    shared: bool | None = None


class NewFirewallPolicy(Spec):
    """API: https://docs.openstack.org/api-ref/network/v2/#create-firewall-policy"""

    name: str
    description: str | None = None
    audited: bool | None = None
    firewall_rules: list[str] | None = None
    shared: bool | None = None
    project_id: str | None = None


class EditFirewallPolicy(Spec):
    """API: https://docs.openstack.org/api-ref/network/v2/#update-firewall-policy"""

    name: str | None = None
    description: str | None = None
    audited: bool | None = None
    firewall_rules: list[str] | None = None
    shared: bool | None = None


class FirewallRule(Resource):
    """What is let through, or not. API: https://docs.openstack.org/api-ref/network/v2/#show-firewall-rule-details"""

    place: ClassVar[Place] = Place("/fwaas/firewall_rules", one="firewall_rule", many="firewall_rules")

    description: Text = ""
    action: str | None = None
    """allow, deny or reject."""
    enabled: bool | None = None
    protocol: str | None = None
    ip_version: int | None = None
    source_ip_address: str | None = None
    source_port: str | None = None
    source_firewall_group_id: str | None = None
    destination_ip_address: str | None = None
    destination_port: str | None = None
    destination_firewall_group_id: str | None = None
    firewall_policy_id: Annotated[list[str] | str | None, NullAs(None)] = None
    project_id: str | None = None
    tenant_id: str | None = None
    shared: bool | None = None


class NewFirewallRule(Spec):
    """API: https://docs.openstack.org/api-ref/network/v2/#create-firewall-rule"""

    name: str | None = None
    description: str | None = None
    action: str | None = None
    enabled: bool | None = None
    protocol: str | None = None
    ip_version: int | None = None
    source_ip_address: str | None = None
    source_port: str | int | None = None
    destination_ip_address: str | None = None
    destination_port: str | int | None = None
    shared: bool | None = None
    project_id: str | None = None


class EditFirewallRule(Spec):
    """API: https://docs.openstack.org/api-ref/network/v2/#update-firewall-rule"""

    name: str | None = None
    description: str | None = None
    action: str | None = None
    enabled: bool | None = None
    protocol: str | None = None
    ip_version: int | None = None
    source_ip_address: str | None = None
    source_port: str | int | None = None
    destination_ip_address: str | None = None
    destination_port: str | int | None = None
    shared: bool | None = None


class FirewallPolicies(Collection[FirewallPolicy, New, Edit], Generic[New, Edit]):
    """The firewall policies of a project."""

    async def insert_rule(
        self, policy: Which, rule_id: str, *, insert_after: str | None = None, insert_before: str | None = None
    ) -> FirewallPolicy:
        """Put a rule in its place, first unless told where. API: https://docs.openstack.org/api-ref/network/v2/#insert-rule-into-a-firewall-policy"""
        given = {"firewall_rule_id": rule_id, "insert_after": insert_after, "insert_before": insert_before}
        return await self._rule("insert_rule", policy, {key: value for key, value in given.items() if value})

    async def remove_rule(self, policy: Which, rule_id: str) -> FirewallPolicy:
        """Take a rule out. API: https://docs.openstack.org/api-ref/network/v2/#remove-rule-from-firewall-policy"""
        return await self._rule("remove_rule", policy, {"firewall_rule_id": rule_id})

    async def _rule(self, verb: str, policy: Which, body: dict[str, str]) -> FirewallPolicy:
        path = join("fwaas", "firewall_policies", await self.id_of(policy), verb)
        return self._read(await self.endpoint.put(path, json=body))
