"""Groups of volumes, their types and snapshots. API: https://docs.openstack.org/api-ref/block-storage/v3/#generic-volume-groups-groups"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Generic, ParamSpec

from aiocloud.model import NullAs, Place, Resource, Spec, Text, Which
from aiocloud.paths import join
from aiocloud.services.block_storage.base import NamedCollection

__all__ = [
    "EditGroupType",
    "EditVolumeGroup",
    "GroupSnapshot",
    "GroupType",
    "NewGroupSnapshot",
    "NewGroupType",
    "NewVolumeGroup",
    "VolumeGroup",
    "VolumeGroups",
]

New = ParamSpec("New")
Edit = ParamSpec("Edit")


class VolumeGroup(Resource):
    """Volumes that are treated as one. API: https://docs.openstack.org/api-ref/block-storage/v3/#show-group-details"""

    place: ClassVar[Place] = Place("/groups", one="group", many="groups", detail="/groups/detail", microversion="3.58")

    status: Text = ""
    description: str | None = None
    availability_zone: str | None = None
    group_type: str | None = None
    volume_types: Annotated[list[str], NullAs([])] = []
    volumes: Annotated[list[str], NullAs([])] = []
    group_snapshot_id: str | None = None
    source_group_id: str | None = None
    replication_status: str | None = None
    project_id: str | None = None
    created_at: str | None = None


class NewVolumeGroup(Spec):
    """API: https://docs.openstack.org/api-ref/block-storage/v3/#create-group"""

    group_type: str
    volume_types: list[str]
    name: str | None = None
    description: str | None = None
    availability_zone: str | None = None


class EditVolumeGroup(Spec):
    """API: https://docs.openstack.org/api-ref/block-storage/v3/#update-group"""

    name: str | None = None
    description: str | None = None
    add_volumes: str | None = None
    """Ids, separated by commas."""
    remove_volumes: str | None = None
    """Ids, separated by commas."""


class VolumeGroups(NamedCollection[VolumeGroup, New, Edit], Generic[New, Edit]):
    """The volume groups of a project."""

    async def delete(self, name_or_id: Which, ignore_missing: bool = True, *, delete_volumes: bool = False) -> bool:
        """Remove it: True, or False when it was not there. `delete_volumes` takes what is in it along."""
        found = await self.find(name_or_id)
        if found is None:
            if not ignore_missing:
                raise self.missing(name_or_id)
            return False
        body: dict[str, Any] = {"delete": {"delete-volumes": delete_volumes}}
        path = join("groups", found.id, "action")
        await self.endpoint.post(path, json=body, microversion=self.resource.place.microversion)
        return True


class GroupType(Resource):
    """A kind of group. API: https://docs.openstack.org/api-ref/block-storage/v3/#show-group-type-details"""

    place: ClassVar[Place] = Place(
        "/group_types",
        one="group_type",
        many="group_types",
        by_name="list",
        microversion="3.11",
        query={"is_public": "None"},  # administrators would see public ones alone
    )

    description: str | None = None
    is_public: Annotated[bool, NullAs(True)] = True
    group_specs: Annotated[dict[str, Any], NullAs({})] = {}


class NewGroupType(Spec):
    """API: https://docs.openstack.org/api-ref/block-storage/v3/#create-group-type"""

    name: str
    description: str | None = None
    is_public: bool | None = None
    group_specs: dict[str, str] | None = None


class EditGroupType(Spec):
    """API: https://docs.openstack.org/api-ref/block-storage/v3/#update-group-type"""

    name: str | None = None
    description: str | None = None
    is_public: bool | None = None


class GroupSnapshot(Resource):
    """All volumes of a group as they were. API: https://docs.openstack.org/api-ref/block-storage/v3/#show-group-snapshot-details"""

    place: ClassVar[Place] = Place(
        "/group_snapshots",
        one="group_snapshot",
        many="group_snapshots",
        detail="/group_snapshots/detail",
        microversion="3.58",
    )

    status: Text = ""
    description: str | None = None
    group_id: str | None = None
    group_type_id: str | None = None
    project_id: str | None = None
    created_at: str | None = None


class NewGroupSnapshot(Spec):
    """API: https://docs.openstack.org/api-ref/block-storage/v3/#create-group-snapshot"""

    group_id: str
    name: str | None = None
    description: str | None = None
