"""Shares and who may use them. API: https://docs.openstack.org/api-ref/shared-file-system/#shares"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Generic, ParamSpec

from pydantic import Field

from aiocloud._http import httpx
from aiocloud.collection import Collection, Listing
from aiocloud.model import NullAs, Place, Resource, Spec, Text, Which, Wire, read_one
from aiocloud.paths import join

__all__ = [
    "EditShare",
    "EditShareSnapshot",
    "NewShare",
    "NewShareSnapshot",
    "Share",
    "ShareAccessRule",
    "ShareExportLocation",
    "ShareSnapshot",
    "Shares",
]

New = ParamSpec("New")
Edit = ParamSpec("Edit")

VERSION = "2.65"
"""The newest microversion whose shapes are declared here."""


class Share(Resource):
    """A file system. API: https://docs.openstack.org/api-ref/shared-file-system/#show-share-details"""

    place: ClassVar[Place] = Place("/shares", one="share", many="shares", detail="/shares/detail", microversion=VERSION)

    status: Text = ""
    size: int | None = None
    """GiB."""
    description: str | None = None
    share_protocol: Annotated[str | None, Wire("share_proto")] = None
    share_type: str | None = None
    share_type_name: str | None = None
    share_network_id: str | None = None
    share_server_id: str | None = None
    share_group_id: str | None = None
    source_share_group_snapshot_member_id: str | None = None
    snapshot_id: str | None = None
    availability_zone: str | None = None
    host: str | None = None
    is_public: bool | None = None
    is_replicated: Annotated[bool | None, Wire("has_replicas")] = None
    replication_type: str | None = None
    is_snapshot_supported: Annotated[bool | None, Wire("snapshot_support")] = None
    is_creating_new_share_from_snapshot_supported: Annotated[
        bool | None, Wire("create_share_from_snapshot_support")
    ] = None
    is_reverting_to_snapshot_supported: Annotated[bool | None, Wire("revert_to_snapshot_support")] = None
    is_mounting_snapshot_supported: Annotated[bool | None, Wire("mount_snapshot_support")] = None
    access_rules_status: str | None = None
    metadata: Annotated[dict[str, str], NullAs({})] = {}
    progress: str | None = None
    task_state: str | None = None
    volume_type: str | None = None
    scheduled_to_be_deleted_at: str | None = None
    is_soft_deleted: bool | None = None
    project_id: str | None = None
    user_id: str | None = None
    created_at: str | None = None
    links: list[dict[str, Any]] = []


class NewShare(Spec):
    """API: https://docs.openstack.org/api-ref/shared-file-system/#create-share"""

    share_protocol: Annotated[str, Wire("share_proto")]
    size: int
    """GiB."""
    name: str | None = None
    description: str | None = None
    share_type: str | None = None
    share_network_id: str | None = None
    snapshot_id: str | None = None
    share_group_id: str | None = None
    availability_zone: str | None = None
    is_public: bool | None = None
    metadata: dict[str, str] | None = None
    scheduler_hints: dict[str, Any] | None = None


class EditShare(Spec):
    """API: https://docs.openstack.org/api-ref/shared-file-system/#update-share"""

    name: Annotated[str | None, Wire("display_name")] = None
    description: Annotated[str | None, Wire("display_description")] = None
    is_public: bool | None = None


class ShareAccessRule(Resource):
    """Who may use a share. API: https://docs.openstack.org/api-ref/shared-file-system/#share-access-rules-since-api-v2-45"""

    place: ClassVar[Place] = Place("/share-access-rules", one="access", many="access_list", microversion=VERSION)

    share_id: str | None = None
    access_type: str | None = None
    access_to: str | None = None
    access_level: str | None = None
    access_key: Annotated[str | None, Field(repr=False)] = None
    state: Text = ""
    metadata: Annotated[dict[str, str], NullAs({})] = {}
    created_at: str | None = None
    updated_at: str | None = None


class ShareExportLocation(Resource):
    """Where a share is mounted from. API: https://docs.openstack.org/api-ref/shared-file-system/#share-export-locations-since-api-v2-9"""

    place: ClassVar[Place] = Place(
        "/export_locations", one="export_location", many="export_locations", by_name="list", microversion=VERSION
    )

    path: Text = ""
    is_preferred: Annotated[bool | None, Wire("preferred")] = None
    is_admin: Annotated[bool | None, Wire("is_admin_only")] = None
    share_instance_id: str | None = None
    created_at: str | None = None
    updated_at: str | None = None


class ShareSnapshot(Resource):
    """A share as it was. API: https://docs.openstack.org/api-ref/shared-file-system/#show-share-snapshot-details"""

    place: ClassVar[Place] = Place(
        "/snapshots", one="snapshot", many="snapshots", detail="/snapshots/detail", microversion=VERSION
    )

    status: Text = ""
    share_id: str | None = None
    size: int | None = None
    """GiB."""
    share_size: int | None = None
    """GiB."""
    share_proto: str | None = None
    description: str | None = None
    metadata: Annotated[dict[str, str], NullAs({})] = {}
    provider_location: str | None = None
    project_id: str | None = None
    user_id: str | None = None
    created_at: str | None = None
    links: list[dict[str, Any]] = []


class NewShareSnapshot(Spec):
    """API: https://docs.openstack.org/api-ref/shared-file-system/#create-share-snapshot"""

    share_id: str
    name: str | None = None
    description: str | None = None
    force: bool | None = None


class EditShareSnapshot(Spec):
    """API: https://docs.openstack.org/api-ref/shared-file-system/#update-share-snapshot"""

    name: Annotated[str | None, Wire("display_name")] = None
    description: Annotated[str | None, Wire("display_description")] = None


class Shares(Collection[Share, New, Edit], Generic[New, Edit]):
    """The shares of a project, and what can be done to one."""

    def export_locations(self, share: Which) -> Listing[ShareExportLocation]:
        """Where a share, given by id, is mounted from."""
        return Listing(self.endpoint.at("shares", self._id(share)), ShareExportLocation)

    async def access_rules(self, share: Which) -> list[ShareAccessRule]:
        """Who may use it."""
        return await Listing(self.endpoint, ShareAccessRule).list(share_id=await self.id_of(share))

    async def action(self, share: Which, name: str, arguments: Any = None) -> httpx.Response:
        """Do something to a share: the action's name and arguments as Manila has them."""
        path = join("shares", await self.id_of(share), "action")
        return await self.endpoint.post(path, json={name: arguments}, microversion=VERSION)

    async def allow_access(
        self, share: Which, access_type: str, access_to: str, access_level: str = "rw"
    ) -> ShareAccessRule:
        """Let somebody use it: `access_type` is ip, user, cert or cephx. API: https://docs.openstack.org/api-ref/shared-file-system/#grant-access"""
        arguments = {"access_type": access_type, "access_to": access_to, "access_level": access_level}
        response = await self.action(share, "allow_access", arguments)
        strict, origin = self.endpoint.options.strict, self.endpoint.location
        return read_one(ShareAccessRule, response.content, strict=strict, origin=origin, where="allow_access")

    async def deny_access(self, share: Which, access_id: str) -> None:
        """Take that away again. API: https://docs.openstack.org/api-ref/shared-file-system/#revoke-access"""
        await self.action(share, "deny_access", {"access_id": access_id})

    async def extend(self, share: Which, size: int) -> None:
        """Make it larger, to `size` GiB. API: https://docs.openstack.org/api-ref/shared-file-system/#extend-share"""
        await self.action(share, "extend", {"new_size": size})

    async def shrink(self, share: Which, size: int) -> None:
        """Make it smaller, to `size` GiB. API: https://docs.openstack.org/api-ref/shared-file-system/#shrink-share"""
        await self.action(share, "shrink", {"new_size": size})

    async def revert(self, share: Which, snapshot_id: str) -> None:
        """Put it back to its newest snapshot. API: https://docs.openstack.org/api-ref/shared-file-system/#revert-share-to-snapshot-since-api-v2-27"""
        await self.action(share, "revert", {"snapshot_id": snapshot_id})
