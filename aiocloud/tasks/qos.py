"""QoS policies and their rules. API: https://docs.openstack.org/api-ref/network/v2/#quality-of-service"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from aiocloud.collection import Collection
from aiocloud.errors import NotFound
from aiocloud.match import matches
from aiocloud.model import Which
from aiocloud.region import Region
from aiocloud.services.network.qos import (
    BandwidthLimitRule,
    DSCPMarkingRule,
    MinimumBandwidthRule,
    QoSPolicy,
    QoSRuleType,
)
from aiocloud.tasks.lookup import by_id, given

__all__ = [
    "create_qos_bandwidth_limit_rule",
    "create_qos_dscp_marking_rule",
    "create_qos_minimum_bandwidth_rule",
    "create_qos_policy",
    "delete_qos_bandwidth_limit_rule",
    "delete_qos_dscp_marking_rule",
    "delete_qos_minimum_bandwidth_rule",
    "get_qos_bandwidth_limit_rule",
    "get_qos_dscp_marking_rule",
    "get_qos_minimum_bandwidth_rule",
    "get_qos_rule_type_details",
    "list_qos_bandwidth_limit_rules",
    "list_qos_dscp_marking_rules",
    "list_qos_minimum_bandwidth_rules",
    "search_qos_bandwidth_limit_rules",
    "search_qos_dscp_marking_rules",
    "search_qos_minimum_bandwidth_rules",
    "update_qos_bandwidth_limit_rule",
    "update_qos_dscp_marking_rule",
    "update_qos_minimum_bandwidth_rule",
    "update_qos_policy",
]

Direction = Literal["ingress", "egress"]
Filters = Mapping[str, Any] | None


async def get_qos_rule_type_details(cloud: Region, rule_type: str, filters: Filters = None) -> QoSRuleType | None:
    """A kind of rule with the drivers that know it, or None. For administrators."""
    found = await by_id(cloud.network.qos_rule_types, rule_type)
    return found if found is not None and matches(found, filters or {}) else None


async def create_qos_policy(
    cloud: Region,
    *,
    name: str,
    description: str | None = None,
    shared: bool | None = None,
    default: bool | None = None,
    is_default: bool | None = None,
    project_id: str | None = None,
    tags: Sequence[str] | None = None,
) -> QoSPolicy:
    """Make a policy. `default`, for which `is_default` is another name, makes it the project's default."""
    wanted = given(
        description=description,
        shared=shared,
        is_default=default if is_default is None else is_default,
        project_id=project_id,
        tags=None if tags is None else [*tags],
    )
    return await cloud.network.qos_policies.create(name=name, **wanted)


async def update_qos_policy(
    cloud: Region,
    name_or_id: Which,
    *,
    name: str | None = None,
    description: str | None = None,
    shared: bool | None = None,
    default: bool | None = None,
    is_default: bool | None = None,
) -> QoSPolicy:
    """Change a policy; what is not given stays as it is. `default` as in `create_qos_policy`."""
    wanted = given(
        name=name,
        description=description,
        shared=shared,
        is_default=default if is_default is None else is_default,
    )
    return await cloud.network.qos_policies.update(name_or_id, **wanted)


async def _bandwidth(cloud: Region, policy: Which) -> Collection[BandwidthLimitRule, ..., ...]:
    policies = cloud.network.qos_policies
    return policies.bandwidth_limit_rules({"id": await policies.id_of(policy)})


async def list_qos_bandwidth_limit_rules(
    cloud: Region, policy_name_or_id: Which, filters: Filters = None
) -> list[BandwidthLimitRule]:
    """The bandwidth limits of a policy. `filters` go to the service."""
    return await (await _bandwidth(cloud, policy_name_or_id)).list(filters)


async def search_qos_bandwidth_limit_rules(
    cloud: Region, policy_name_or_id: Which, rule_id: str | None = None, filters: Filters = None
) -> list[BandwidthLimitRule]:
    """The bandwidth limits of a policy with this id, and for which all filters hold."""
    return await (await _bandwidth(cloud, policy_name_or_id)).search(rule_id, filters)


async def get_qos_bandwidth_limit_rule(
    cloud: Region, policy_name_or_id: Which, rule_id: str
) -> BandwidthLimitRule | None:
    """The bandwidth limit of a policy with this id, or None."""
    return await by_id(await _bandwidth(cloud, policy_name_or_id), rule_id)


async def create_qos_bandwidth_limit_rule(
    cloud: Region,
    policy_name_or_id: Which,
    max_kbps: int,
    *,
    max_burst_kbps: int | None = None,
    direction: Direction | None = None,
) -> BandwidthLimitRule:
    """Let ports with this policy be at most so fast, in kilobits a second; egress unless `direction` says ingress."""
    wanted = given(max_burst_kbps=max_burst_kbps, direction=direction)
    return await (await _bandwidth(cloud, policy_name_or_id)).create(max_kbps=max_kbps, **wanted)


async def update_qos_bandwidth_limit_rule(
    cloud: Region,
    policy_name_or_id: Which,
    rule_id: str,
    *,
    max_kbps: int | None = None,
    max_burst_kbps: int | None = None,
    direction: Direction | None = None,
) -> BandwidthLimitRule:
    """Change a bandwidth limit; what is not given stays as it is."""
    wanted = given(max_kbps=max_kbps, max_burst_kbps=max_burst_kbps, direction=direction)
    return await (await _bandwidth(cloud, policy_name_or_id)).update({"id": rule_id}, **wanted)


async def delete_qos_bandwidth_limit_rule(cloud: Region, policy_name_or_id: Which, rule_id: str) -> bool:
    """Remove a bandwidth limit: True, or False when it was not there."""
    return await _delete(await _bandwidth(cloud, policy_name_or_id), rule_id)


async def _delete(rules: Collection[Any, ..., ...], rule_id: str) -> bool:
    try:
        return await rules.delete({"id": rule_id}, ignore_missing=False)
    except NotFound:
        return False


async def _marks(cloud: Region, policy: Which) -> Collection[DSCPMarkingRule, ..., ...]:
    policies = cloud.network.qos_policies
    return policies.dscp_marking_rules({"id": await policies.id_of(policy)})


async def list_qos_dscp_marking_rules(
    cloud: Region, policy_name_or_id: Which, filters: Filters = None
) -> list[DSCPMarkingRule]:
    """The DSCP marks of a policy. `filters` go to the service."""
    return await (await _marks(cloud, policy_name_or_id)).list(filters)


async def search_qos_dscp_marking_rules(
    cloud: Region, policy_name_or_id: Which, rule_id: str | None = None, filters: Filters = None
) -> list[DSCPMarkingRule]:
    """The DSCP marks of a policy with this id, and for which all filters hold."""
    return await (await _marks(cloud, policy_name_or_id)).search(rule_id, filters)


async def get_qos_dscp_marking_rule(cloud: Region, policy_name_or_id: Which, rule_id: str) -> DSCPMarkingRule | None:
    """The DSCP mark of a policy with this id, or None."""
    return await by_id(await _marks(cloud, policy_name_or_id), rule_id)


async def create_qos_dscp_marking_rule(cloud: Region, policy_name_or_id: Which, dscp_mark: int) -> DSCPMarkingRule:
    """Let packets of ports with this policy be marked so."""
    return await (await _marks(cloud, policy_name_or_id)).create(dscp_mark=dscp_mark)


async def update_qos_dscp_marking_rule(
    cloud: Region, policy_name_or_id: Which, rule_id: str, *, dscp_mark: int
) -> DSCPMarkingRule:
    """Change a DSCP mark."""
    return await (await _marks(cloud, policy_name_or_id)).update({"id": rule_id}, dscp_mark=dscp_mark)


async def delete_qos_dscp_marking_rule(cloud: Region, policy_name_or_id: Which, rule_id: str) -> bool:
    """Remove a DSCP mark: True, or False when it was not there."""
    return await _delete(await _marks(cloud, policy_name_or_id), rule_id)


async def _minimums(cloud: Region, policy: Which) -> Collection[MinimumBandwidthRule, ..., ...]:
    policies = cloud.network.qos_policies
    return policies.minimum_bandwidth_rules({"id": await policies.id_of(policy)})


async def list_qos_minimum_bandwidth_rules(
    cloud: Region, policy_name_or_id: Which, filters: Filters = None
) -> list[MinimumBandwidthRule]:
    """The guaranteed bandwidths of a policy. `filters` go to the service."""
    return await (await _minimums(cloud, policy_name_or_id)).list(filters)


async def search_qos_minimum_bandwidth_rules(
    cloud: Region, policy_name_or_id: Which, rule_id: str | None = None, filters: Filters = None
) -> list[MinimumBandwidthRule]:
    """The guaranteed bandwidths of a policy with this id, and for which all filters hold."""
    return await (await _minimums(cloud, policy_name_or_id)).search(rule_id, filters)


async def get_qos_minimum_bandwidth_rule(
    cloud: Region, policy_name_or_id: Which, rule_id: str
) -> MinimumBandwidthRule | None:
    """The guaranteed bandwidth of a policy with this id, or None."""
    return await by_id(await _minimums(cloud, policy_name_or_id), rule_id)


async def create_qos_minimum_bandwidth_rule(
    cloud: Region, policy_name_or_id: Which, min_kbps: int, *, direction: Direction | None = None
) -> MinimumBandwidthRule:
    """Let ports with this policy be at least so fast, in kilobits a second; egress unless `direction` says ingress."""
    rules = await _minimums(cloud, policy_name_or_id)
    return await rules.create(min_kbps=min_kbps, **given(direction=direction))


async def update_qos_minimum_bandwidth_rule(
    cloud: Region,
    policy_name_or_id: Which,
    rule_id: str,
    *,
    min_kbps: int | None = None,
    direction: Direction | None = None,
) -> MinimumBandwidthRule:
    """Change a guaranteed bandwidth; what is not given stays as it is."""
    wanted = given(min_kbps=min_kbps, direction=direction)
    return await (await _minimums(cloud, policy_name_or_id)).update({"id": rule_id}, **wanted)


async def delete_qos_minimum_bandwidth_rule(cloud: Region, policy_name_or_id: Which, rule_id: str) -> bool:
    """Remove a guaranteed bandwidth: True, or False when it was not there."""
    return await _delete(await _minimums(cloud, policy_name_or_id), rule_id)
