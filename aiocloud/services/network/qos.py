"""Quality of service. API: https://docs.openstack.org/api-ref/network/v2/#quality-of-service"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Generic, Literal, ParamSpec

from aiocloud.collection import Collection
from aiocloud.model import NullAs, Place, Resource, Spec, Text, Which, Wire
from aiocloud.services.network.base import NetworkResource, Tagged

__all__ = [
    "BandwidthLimitRule",
    "DSCPMarkingRule",
    "EditBandwidthLimitRule",
    "EditDSCPMarkingRule",
    "EditMinimumBandwidthRule",
    "EditMinimumPacketRateRule",
    "EditPacketRateLimitRule",
    "EditQoSPolicy",
    "MinimumBandwidthRule",
    "MinimumPacketRateRule",
    "NewBandwidthLimitRule",
    "NewDSCPMarkingRule",
    "NewMinimumBandwidthRule",
    "NewMinimumPacketRateRule",
    "NewPacketRateLimitRule",
    "NewQoSPolicy",
    "PacketRateLimitRule",
    "QoSPolicies",
    "QoSPolicy",
    "QoSRuleType",
]

New = ParamSpec("New")
Edit = ParamSpec("Edit")
Direction = Literal["ingress", "egress"]


class QoSPolicy(NetworkResource):
    """Rules for the speed of ports, under one name. API: https://docs.openstack.org/api-ref/network/v2/#show-qos-policy-details"""

    place: ClassVar[Place] = Place("/qos/policies", one="policy", many="policies")

    is_default: bool | None = None
    is_shared: Annotated[bool | None, Wire("shared")] = None
    rules: Annotated[list[dict[str, Any]], NullAs([])] = []


class NewQoSPolicy(Spec):
    """API: https://docs.openstack.org/api-ref/network/v2/#create-qos-policy"""

    name: str
    description: str | None = None
    shared: bool | None = None
    is_default: bool | None = None
    project_id: str | None = None
    tags: list[str] | None = None


class EditQoSPolicy(Spec):
    """API: https://docs.openstack.org/api-ref/network/v2/#update-qos-policy"""

    name: str | None = None
    description: str | None = None
    shared: bool | None = None
    is_default: bool | None = None


class _Rule(Resource):
    """What all rules of a QoS policy share."""

    qos_policy_id: str | None = None
    project_id: str | None = None
    tenant_id: str | None = None


class BandwidthLimitRule(_Rule):
    """At most so fast. API: https://docs.openstack.org/api-ref/network/v2/#qos-bandwidth-limit-rules"""

    place: ClassVar[Place] = Place(
        "/bandwidth_limit_rules", one="bandwidth_limit_rule", many="bandwidth_limit_rules", by_name="list"
    )

    max_kbps: int | None = None
    max_burst_kbps: int | None = None
    direction: str | None = None


class NewBandwidthLimitRule(Spec):
    """API: https://docs.openstack.org/api-ref/network/v2/#create-bandwidth-limit-rule"""

    max_kbps: int
    max_burst_kbps: int | None = None
    direction: Direction | None = None


class EditBandwidthLimitRule(Spec):
    """API: https://docs.openstack.org/api-ref/network/v2/#update-bandwidth-limit-rule"""

    max_kbps: int | None = None
    max_burst_kbps: int | None = None
    direction: Direction | None = None


class DSCPMarkingRule(_Rule):
    """Packets marked so. API: https://docs.openstack.org/api-ref/network/v2/#qos-dscp-marking-rules"""

    place: ClassVar[Place] = Place(
        "/dscp_marking_rules", one="dscp_marking_rule", many="dscp_marking_rules", by_name="list"
    )

    dscp_mark: int | None = None


class NewDSCPMarkingRule(Spec):
    """API: https://docs.openstack.org/api-ref/network/v2/#create-dscp-marking-rule"""

    dscp_mark: int


class EditDSCPMarkingRule(Spec):
    """API: https://docs.openstack.org/api-ref/network/v2/#update-dscp-marking-rule"""

    dscp_mark: int | None = None


class MinimumBandwidthRule(_Rule):
    """At least so fast. API: https://docs.openstack.org/api-ref/network/v2/#qos-minimum-bandwidth-rules"""

    place: ClassVar[Place] = Place(
        "/minimum_bandwidth_rules", one="minimum_bandwidth_rule", many="minimum_bandwidth_rules", by_name="list"
    )

    min_kbps: int | None = None
    direction: str | None = None


class NewMinimumBandwidthRule(Spec):
    """API: https://docs.openstack.org/api-ref/network/v2/#create-minimum-bandwidth-rule"""

    min_kbps: int
    direction: Direction | None = None


class EditMinimumBandwidthRule(Spec):
    """API: https://docs.openstack.org/api-ref/network/v2/#update-minimum-bandwidth-rule"""

    min_kbps: int | None = None
    direction: Direction | None = None


class PacketRateLimitRule(_Rule):
    """At most so many packets. API: https://docs.openstack.org/api-ref/network/v2/#quality-of-service"""

    place: ClassVar[Place] = Place(
        "/packet_rate_limit_rules", one="packet_rate_limit_rule", many="packet_rate_limit_rules", by_name="list"
    )

    max_kpps: int | None = None
    max_burst_kpps: int | None = None
    direction: str | None = None


class NewPacketRateLimitRule(Spec):
    """In kilopackets a second."""

    max_kpps: int
    max_burst_kpps: int | None = None
    direction: Direction | None = None


class EditPacketRateLimitRule(Spec):
    """In kilopackets a second."""

    max_kpps: int | None = None
    max_burst_kpps: int | None = None
    direction: Direction | None = None


class MinimumPacketRateRule(_Rule):
    """At least so many packets. API: https://docs.openstack.org/api-ref/network/v2/#qos-minimum-packet-rate-rules"""

    place: ClassVar[Place] = Place(
        "/minimum_packet_rate_rules", one="minimum_packet_rate_rule", many="minimum_packet_rate_rules", by_name="list"
    )

    min_kpps: int | None = None
    direction: str | None = None


class NewMinimumPacketRateRule(Spec):
    """API: https://docs.openstack.org/api-ref/network/v2/#create-minimum-packet-rate-rule"""

    min_kpps: int
    direction: Literal["ingress", "egress", "any"] | None = None


class EditMinimumPacketRateRule(Spec):
    """API: https://docs.openstack.org/api-ref/network/v2/#update-minimum-packet-rate-rule"""

    min_kpps: int | None = None
    direction: Literal["ingress", "egress", "any"] | None = None


class QoSRuleType(Resource):
    """A kind of rule that this cloud knows; its type is its id. API: https://docs.openstack.org/api-ref/network/v2/#show-qos-rule-type-details"""

    place: ClassVar[Place] = Place("/qos/rule-types", one="rule_type", many="rule_types", by_name="id")

    id: Annotated[Text, Wire("type")] = ""
    name: Annotated[Text, Wire("type")] = ""
    type: Text = ""
    drivers: Annotated[list[dict[str, Any]], NullAs([])] = []
    """For administrators, of a single type only."""


class QoSPolicies(Tagged[QoSPolicy, New, Edit], Generic[New, Edit]):
    """The QoS policies of a project, and the rules of each."""

    def bandwidth_limit_rules(self, policy: Which) -> Collection[BandwidthLimitRule, ..., ...]:
        """The bandwidth limits of a policy, given by id."""
        at = self.endpoint.at("qos", "policies", self._id(policy))
        return Collection(at, BandwidthLimitRule, NewBandwidthLimitRule, EditBandwidthLimitRule)

    def dscp_marking_rules(self, policy: Which) -> Collection[DSCPMarkingRule, ..., ...]:
        """The DSCP marks of a policy, given by id."""
        at = self.endpoint.at("qos", "policies", self._id(policy))
        return Collection(at, DSCPMarkingRule, NewDSCPMarkingRule, EditDSCPMarkingRule)

    def minimum_bandwidth_rules(self, policy: Which) -> Collection[MinimumBandwidthRule, ..., ...]:
        """The guaranteed bandwidths of a policy, given by id."""
        at = self.endpoint.at("qos", "policies", self._id(policy))
        return Collection(at, MinimumBandwidthRule, NewMinimumBandwidthRule, EditMinimumBandwidthRule)

    def packet_rate_limit_rules(self, policy: Which) -> Collection[PacketRateLimitRule, ..., ...]:
        """The packet rate limits of a policy, given by id."""
        at = self.endpoint.at("qos", "policies", self._id(policy))
        return Collection(at, PacketRateLimitRule, NewPacketRateLimitRule, EditPacketRateLimitRule)

    def minimum_packet_rate_rules(self, policy: Which) -> Collection[MinimumPacketRateRule, ..., ...]:
        """The guaranteed packet rates of a policy, given by id."""
        at = self.endpoint.at("qos", "policies", self._id(policy))
        return Collection(at, MinimumPacketRateRule, NewMinimumPacketRateRule, EditMinimumPacketRateRule)
