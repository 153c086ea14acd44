"""Who else may use a network, and the segments of networks. API: https://docs.openstack.org/api-ref/network/v2/#rbac-policies"""

from __future__ import annotations

from typing import Annotated, ClassVar

from aiocloud.model import Place, Resource, Spec, Text, Wire

__all__ = ["EditRBACPolicy", "EditSegment", "NewRBACPolicy", "NewSegment", "RBACPolicy", "Segment"]


class RBACPolicy(Resource):
    """What one project lets another use. API: https://docs.openstack.org/api-ref/network/v2/#show-rbac-policy-details"""

    place: ClassVar[Place] = Place("/rbac-policies", one="rbac_policy", many="rbac_policies", by_name="list")

    action: str | None = None
    object_id: str | None = None
    object_type: str | None = None
    target_project_id: Annotated[str | None, Wire("target_tenant")] = None
    """`*` is everybody."""
    project_id: str | None = None
    tenant_id: str | None = None


class NewRBACPolicy(Spec):
    """API: https://docs.openstack.org/api-ref/network/v2/#create-rbac-policy"""

    object_type: str
    object_id: str
    action: str
    target_project_id: Annotated[str, Wire("target_tenant")]
    project_id: str | None = None


class EditRBACPolicy(Spec):
    """API: https://docs.openstack.org/api-ref/network/v2/#update-rbac-policy"""

    target_project_id: Annotated[str, Wire("target_tenant")]


class Segment(Resource):
    """A piece of a network. API: https://docs.openstack.org/api-ref/network/v2/#show-segment-details"""

    place: ClassVar[Place] = Place("/segments", one="segment", many="segments")

    description: Text = ""
    network_id: Text = ""
    network_type: str | None = None
    physical_network: str | None = None
    segmentation_id: int | None = None
    revision_number: int | None = None
    created_at: str | None = None
    updated_at: str | None = None


class NewSegment(Spec):
    """API: https://docs.openstack.org/api-ref/network/v2/#create-segment"""

    network_id: str
    network_type: str
    name: str | None = None
    description: str | None = None
    physical_network: str | None = None
    segmentation_id: int | None = None


class EditSegment(Spec):
    """API: https://docs.openstack.org/api-ref/network/v2/#update-segment"""

    name: str | None = None
    description: str | None = None
    segmentation_id: int | None = None
