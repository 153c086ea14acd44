"""Security groups and their rules. API: https://docs.openstack.org/api-ref/network/v2/#security-groups-security-groups"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from aiocloud.model import NullAs, Place, Spec, Text, Wire
from aiocloud.services.network.base import NetworkResource

__all__ = [
    "DefaultSecurityGroupRule",
    "EditSecurityGroup",
    "NewDefaultSecurityGroupRule",
    "NewSecurityGroup",
    "NewSecurityGroupRule",
    "SecurityGroup",
    "SecurityGroupRule",
]


class SecurityGroupRule(NetworkResource):
    """What a security group lets through. API: https://docs.openstack.org/api-ref/network/v2/#show-security-group-rule"""

    place: ClassVar[Place] = Place(
        "/security-group-rules", one="security_group_rule", many="security_group_rules", by_name="list"
    )

    security_group_id: Text = ""
    direction: str | None = None
    """ingress or egress."""
    ether_type: Annotated[str | None, Wire("ethertype")] = None
    """IPv4 or IPv6."""
    protocol: str | None = None
    """None is any."""
    port_range_min: int | None = None
    port_range_max: int | None = None
    remote_ip_prefix: str | None = None
    remote_group_id: str | None = None
    remote_address_group_id: str | None = None
    normalized_cidr: str | None = None
    belongs_to_default_sg: bool | None = None
    standard_attr_id: int | None = None


class NewSecurityGroupRule(Spec):
    """API: https://docs.openstack.org/api-ref/network/v2/#create-security-group-rule"""

    security_group_id: str
    direction: Literal["ingress", "egress"] = "ingress"
    ethertype: Literal["IPv4", "IPv6"] | None = None
    protocol: str | int | None = None
    port_range_min: int | None = None
    port_range_max: int | None = None
    remote_ip_prefix: str | None = None
    remote_group_id: str | None = None
    remote_address_group_id: str | None = None
    description: str | None = None
    project_id: str | None = None


class SecurityGroup(NetworkResource):
    """Rules for the traffic of ports. API: https://docs.openstack.org/api-ref/network/v2/#show-security-group"""

    place: ClassVar[Place] = Place("/security-groups", one="security_group", many="security_groups")

    security_group_rules: Annotated[list[SecurityGroupRule], NullAs([])] = []
    stateful: bool | None = None
    is_shared: Annotated[bool | None, Wire("shared")] = None


class NewSecurityGroup(Spec):
    """API: https://docs.openstack.org/api-ref/network/v2/#create-security-group"""

    name: str
    description: str | None = None
    stateful: bool | None = None
    project_id: str | None = None
    tags: list[str] | None = None


class EditSecurityGroup(Spec):
    """API: https://docs.openstack.org/api-ref/network/v2/#update-security-group"""

    name: str | None = None
    description: str | None = None
    stateful: bool | None = None


class DefaultSecurityGroupRule(NetworkResource):
    """A rule that every new security group begins with. API: https://docs.openstack.org/api-ref/network/v2/#show-default-security-group-rule"""

    place: ClassVar[Place] = Place(
        "/default-security-group-rules",
        one="default_security_group_rule",
        many="default_security_group_rules",
        by_name="list",
    )

    direction: str | None = None
    ether_type: Annotated[str | None, Wire("ethertype")] = None
    protocol: str | None = None
    port_range_min: int | None = None
    port_range_max: int | None = None
    remote_ip_prefix: str | None = None
    remote_group_id: str | None = None
    remote_address_group_id: str | None = None
    used_in_default_sg: bool | None = None
    used_in_non_default_sg: bool | None = None


class NewDefaultSecurityGroupRule(Spec):
    """API: https://docs.openstack.org/api-ref/network/v2/#create-default-security-group-rule"""

    direction: Literal["ingress", "egress"] = "ingress"
    ethertype: Literal["IPv4", "IPv6"] | None = None
    protocol: str | int | None = None
    port_range_min: int | None = None
    port_range_max: int | None = None
    remote_ip_prefix: str | None = None
    remote_group_id: str | None = None
    remote_address_group_id: str | None = None
    used_in_default_sg: bool | None = None
    used_in_non_default_sg: bool | None = None
    description: str | None = None
