"""Security groups. API: https://docs.openstack.org/api-ref/network/v2/#security-groups-security-groups"""

from __future__ import annotations

from typing import Literal

from aiocloud.errors import NotFound
from aiocloud.model import Which
from aiocloud.paths import join
from aiocloud.region import Region
from aiocloud.services.network.security_group import SecurityGroup, SecurityGroupRule
from aiocloud.tasks.lookup import by_id, given

__all__ = [
    "create_security_group",
    "create_security_group_rule",
    "delete_security_group_rule",
    "get_security_group_by_id",
]


async def create_security_group(
    cloud: Region, name: str, description: str = "", project_id: str | None = None, stateful: bool | None = None
) -> SecurityGroup:
    """Make a security group; Neutron puts rules into it that let everything out."""
    wanted = given(project_id=project_id, stateful=stateful)
    return await cloud.network.security_groups.create(name=name, description=description, **wanted)


async def create_security_group_rule(
    cloud: Region,
    secgroup_name_or_id: Which,
    port_range_min: int | None = None,
    port_range_max: int | None = None,
    protocol: str | int | None = None,
    remote_ip_prefix: str | None = None,
    remote_group_id: Which | None = None,
    remote_address_group_id: str | None = None,
    direction: Literal["ingress", "egress"] = "ingress",
    ethertype: Literal["IPv4", "IPv6"] = "IPv4",
    project_id: str | None = None,
    description: str | None = None,
) -> SecurityGroupRule:
    """Let more through. Ports are a range, both ends in it; for ICMP they are type and code.

    No `protocol` is any; -1 at both ends of the range, which some scripts write, is the same as none.
    """
    groups = cloud.network.security_groups
    wanted = given(
        port_range_min=None if port_range_min == -1 else port_range_min,
        port_range_max=None if port_range_max == -1 else port_range_max,
        protocol=protocol,
        remote_ip_prefix=remote_ip_prefix,
        remote_group_id=None if remote_group_id is None else await groups.id_of(remote_group_id),
        remote_address_group_id=remote_address_group_id,
        project_id=project_id,
        description=description,
    )
    return await cloud.network.security_group_rules.create(
        security_group_id=await groups.id_of(secgroup_name_or_id), direction=direction, ethertype=ethertype, **wanted
    )


async def get_security_group_by_id(cloud: Region, id: str) -> SecurityGroup | None:
    """The security group with this id, or None."""
    return await by_id(cloud.network.security_groups, id)


async def delete_security_group_rule(cloud: Region, rule_id: str) -> bool:
    """Remove a rule, given by id: True, or False when it was not there."""
    try:
        await cloud.network.delete(join("security-group-rules", rule_id))
    except NotFound:
        return False
    return True
