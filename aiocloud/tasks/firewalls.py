"""Firewall rules, policies and groups, named by name or id. API: https://docs.openstack.org/api-ref/network/v2/#fwaas-v2-0-current-fwaas-firewall-groups-firewall-policies-firewall-rules"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from aiocloud.collection import Collection, Listing
from aiocloud.model import Resource, Which
from aiocloud.region import Region
from aiocloud.services.network.firewall import FirewallGroup, FirewallPolicy, FirewallRule
from aiocloud.tasks.lookup import given

__all__ = [
    "create_firewall_group",
    "create_firewall_policy",
    "delete_firewall_group",
    "delete_firewall_policy",
    "delete_firewall_rule",
    "insert_rule_into_policy",
    "remove_rule_from_policy",
    "update_firewall_group",
    "update_firewall_policy",
    "update_firewall_rule",
]

R = TypeVar("R", bound=Resource)
Filters = Mapping[str, Any] | None


async def create_firewall_group(
    cloud: Region,
    *,
    name: str | None = None,
    description: str | None = None,
    admin_state_up: bool | None = None,
    egress_firewall_policy: Which | None = None,
    ingress_firewall_policy: Which | None = None,
    ports: Sequence[Which] | None = None,
    shared: bool | None = None,
    project_id: str | None = None,
) -> FirewallGroup:
    """Make a firewall group; policies and ports are given by name or id."""
    wanted = given(
        name=name, description=description, admin_state_up=admin_state_up, shared=shared, project_id=project_id
    )
    named = await _group(cloud, egress_firewall_policy, ingress_firewall_policy, ports)
    return await cloud.network.firewall_groups.create(**wanted, **named)


async def _group(
    cloud: Region, egress: Which | None, ingress: Which | None, ports: Sequence[Which] | None
) -> dict[str, Any]:
    policies = cloud.network.firewall_policies
    return given(
        egress_firewall_policy_id=None if egress is None else await policies.id_of(egress),
        ingress_firewall_policy_id=None if ingress is None else await policies.id_of(ingress),
        ports=None if ports is None else [await cloud.network.ports.id_of(port) for port in ports],
    )


async def update_firewall_group(
    cloud: Region,
    name_or_id: Which,
    filters: Filters = None,
    *,
    name: str | None = None,
    description: str | None = None,
    admin_state_up: bool | None = None,
    egress_firewall_policy: Which | None = None,
    ingress_firewall_policy: Which | None = None,
    ports: Sequence[Which] | None = None,
    shared: bool | None = None,
) -> FirewallGroup:
    """Change a firewall group; what is not given stays as it is. `filters` help to tell which is meant."""
    groups = cloud.network.firewall_groups
    found = await _one(groups, name_or_id, filters)
    wanted = given(name=name, description=description, admin_state_up=admin_state_up, shared=shared)
    named = await _group(cloud, egress_firewall_policy, ingress_firewall_policy, ports)
    return await groups.update(found, **wanted, **named)


async def _one(listing: Listing[R], name_or_id: Which, filters: Filters) -> R:
    found = await listing.find(name_or_id, filters)
    if found is None:
        raise listing.missing(name_or_id)
    return found


async def delete_firewall_group(cloud: Region, name_or_id: Which, filters: Filters = None) -> bool:
    """Remove a firewall group: True, or False when it was not there."""
    return await _delete(cloud.network.firewall_groups, name_or_id, filters)


async def _delete(collection: Collection[Any, ..., ...], name_or_id: Which, filters: Filters) -> bool:
    found = await collection.find(name_or_id, filters)
    return found is not None and await collection.delete(found)


async def create_firewall_policy(
    cloud: Region,
    *,
    name: str,
    description: str | None = None,
    audited: bool | None = None,
    firewall_rules: Sequence[Which] | None = None,
    shared: bool | None = None,
    project_id: str | None = None,
) -> FirewallPolicy:
    """Make a firewall policy; its rules are given by name or id, in order."""
    wanted = given(description=description, audited=audited, shared=shared, project_id=project_id)
    rules = await _rules(cloud, firewall_rules)
    return await cloud.network.firewall_policies.create(name=name, **wanted, **rules)


async def _rules(cloud: Region, rules: Sequence[Which] | None) -> dict[str, Any]:
    if rules is None:
        return {}
    return {"firewall_rules": [await cloud.network.firewall_rules.id_of(rule) for rule in rules]}


async def update_firewall_policy(
    cloud: Region,
    name_or_id: Which,
    filters: Filters = None,
    *,
    name: str | None = None,
    description: str | None = None,
    audited: bool | None = None,
    firewall_rules: Sequence[Which] | None = None,
    shared: bool | None = None,
) -> FirewallPolicy:
    """Change a firewall policy; what is not given stays as it is. `filters` help to tell which is meant."""
    policies = cloud.network.firewall_policies
    found = await _one(policies, name_or_id, filters)
    wanted = given(name=name, description=description, audited=audited, shared=shared)
    return await policies.update(found, **wanted, **await _rules(cloud, firewall_rules))


async def delete_firewall_policy(cloud: Region, name_or_id: Which, filters: Filters = None) -> bool:
    """Remove a firewall policy: True, or False when it was not there."""
    return await _delete(cloud.network.firewall_policies, name_or_id, filters)


async def insert_rule_into_policy(
    cloud: Region,
    name_or_id: Which,
    rule_name_or_id: Which,
    insert_after: Which | None = None,
    insert_before: Which | None = None,
    filters: Filters = None,
) -> FirewallPolicy:
    """Put a rule into a policy, first unless told where; nothing happens when it is in it already."""
    policies, rules = cloud.network.firewall_policies, cloud.network.firewall_rules
    policy = await _one(policies, name_or_id, filters)
    rule_id = await rules.id_of(rule_name_or_id)
    if rule_id in policy.firewall_rules:
        return policy
    after = None if insert_after is None else await rules.id_of(insert_after)
    before = None if insert_before is None else await rules.id_of(insert_before)
    return await policies.insert_rule(policy, rule_id, insert_after=after, insert_before=before)


async def remove_rule_from_policy(
    cloud: Region, name_or_id: Which, rule_name_or_id: Which, filters: Filters = None
) -> FirewallPolicy:
    """Take a rule out of a policy; nothing happens when it is not in it."""
    policies = cloud.network.firewall_policies
    policy = await _one(policies, name_or_id, filters)
    rule = await cloud.network.firewall_rules.find(rule_name_or_id)
    if rule is None or rule.id not in policy.firewall_rules:
        return policy
    return await policies.remove_rule(policy, rule.id)


async def update_firewall_rule(
    cloud: Region,
    name_or_id: Which,
    filters: Filters = None,
    *,
    name: str | None = None,
    description: str | None = None,
    action: str | None = None,
    enabled: bool | None = None,
    protocol: str | None = None,
    ip_version: int | None = None,
    source_ip_address: str | None = None,
    source_port: str | int | None = None,
    destination_ip_address: str | None = None,
    destination_port: str | int | None = None,
    shared: bool | None = None,
) -> FirewallRule:
    """Change a firewall rule; what is not given stays as it is. `filters` help to tell which is meant."""
    rules = cloud.network.firewall_rules
    found = await _one(rules, name_or_id, filters)
    wanted = given(
        name=name,
        description=description,
        action=action,
        enabled=enabled,
        protocol=protocol,
        ip_version=ip_version,
        source_ip_address=source_ip_address,
        source_port=source_port,
        destination_ip_address=destination_ip_address,
        destination_port=destination_port,
        shared=shared,
    )
    return await rules.update(found, **wanted)


async def delete_firewall_rule(cloud: Region, name_or_id: Which, filters: Filters = None) -> bool:
    """Remove a firewall rule: True, or False when it was not there."""
    return await _delete(cloud.network.firewall_rules, name_or_id, filters)
