"""Share networks, types, groups, and what Manila is made of. API: https://docs.openstack.org/api-ref/shared-file-system/"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from aiocloud.model import NullAs, Place, Resource, Spec, Text, Wire
from aiocloud.services.shared_file_system.share import VERSION

__all__ = [
    "AvailabilityZone",
    "EditShareGroup",
    "EditShareNetwork",
    "NewShareGroup",
    "NewShareNetwork",
    "NewShareType",
    "ShareGroup",
    "ShareNetwork",
    "ShareService",
    "ShareType",
]


class AvailabilityZone(Resource):
    """API: https://docs.openstack.org/api-ref/shared-file-system/#availability-zones"""

    place: ClassVar[Place] = Place(
        "/availability-zones", many="availability_zones", by_name="list", microversion=VERSION
    )

    created_at: str | None = None
    updated_at: str | None = None


class ShareNetwork(Resource):
    """Where shares are reached. API: https://docs.openstack.org/api-ref/shared-file-system/#show-share-network-details"""

    place: ClassVar[Place] = Place(
        "/share-networks",
        one="share_network",
        many="share_networks",
        detail="/share-networks/detail",
        microversion=VERSION,
    )

    description: str | None = None
    status: str | None = None
    neutron_net_id: str | None = None
    neutron_subnet_id: str | None = None
    share_network_subnets: Annotated[list[dict[str, Any]], NullAs([])] = []
    security_service_update_support: bool | None = None
    network_allocation_update_support: bool | None = None
    project_id: str | None = None
    created_at: str | None = None
    updated_at: str | None = None


class NewShareNetwork(Spec):
    """API: https://docs.openstack.org/api-ref/shared-file-system/#create-share-network"""

    neutron_net_id: str | None = None
    neutron_subnet_id: str | None = None
    name: str | None = None
    description: str | None = None
    availability_zone: str | None = None


class EditShareNetwork(Spec):
    """API: https://docs.openstack.org/api-ref/shared-file-system/#update-share-network"""

    name: str | None = None
    description: str | None = None
    neutron_net_id: str | None = None
    neutron_subnet_id: str | None = None


class ShareType(Resource):
    """A kind of share. API: https://docs.openstack.org/api-ref/shared-file-system/#show-share-type-detail"""

    place: ClassVar[Place] = Place(
        "/types",
        one="share_type",
        many="share_types",
        by_name="list",
        microversion=VERSION,
        query={"is_public": "all"},  # administrators would see public ones alone
    )

    description: str | None = None
    is_default: bool | None = None
    is_public: Annotated[bool | None, Wire("share_type_access:is_public", "os-share-type-access:is_public")] = None
    extra_specs: Annotated[dict[str, Any], NullAs({})] = {}
    required_extra_specs: Annotated[dict[str, Any], NullAs({})] = {}


class NewShareType(Spec):
    """API: https://docs.openstack.org/api-ref/shared-file-system/#create-share-type"""

    name: str
    extra_specs: dict[str, Any]
    description: str | None = None
    is_public: Annotated[bool | None, Wire("share_type_access:is_public")] = None


class ShareGroup(Resource):
    """Shares that belong together. API: https://docs.openstack.org/api-ref/shared-file-system/#share-groups-since-api-v2-31"""

    place: ClassVar[Place] = Place(
        "/share-groups", one="share_group", many="share_groups", detail="/share-groups/detail", microversion=VERSION
    )

    status: Text = ""
    description: str | None = None
    availability_zone: str | None = None
    consistent_snapshot_support: str | None = None
    share_group_type_id: str | None = None
    share_network_id: str | None = None
    share_types: Annotated[list[str], NullAs([])] = []
    source_share_group_snapshot_id: str | None = None
    project_id: str | None = None
    created_at: str | None = None
    links: list[dict[str, Any]] = []


class NewShareGroup(Spec):
    """API: https://docs.openstack.org/api-ref/shared-file-system/#create-share-group"""

    name: str | None = None
    description: str | None = None
    share_group_type_id: str | None = None
    share_types: list[str] | None = None
    share_network_id: str | None = None
    availability_zone: str | None = None


class EditShareGroup(Spec):
    """API: https://docs.openstack.org/api-ref/shared-file-system/#update-share-group"""

    name: str | None = None
    description: str | None = None


class ShareService(Resource):
    """A process of Manila's. API: https://docs.openstack.org/api-ref/shared-file-system/#list-services"""

    place: ClassVar[Place] = Place("/services", many="services", by_name="list", microversion=VERSION)

    binary: str | None = None
    host: str | None = None
    availability_zone: Annotated[str | None, Wire("zone")] = None
    state: str | None = None
    status: str | None = None
    updated_at: str | None = None
