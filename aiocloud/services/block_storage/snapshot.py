"""Snapshots. API: https://docs.openstack.org/api-ref/block-storage/v3/#volume-snapshots-snapshots"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Generic, ParamSpec

from aiocloud.model import NullAs, Place, Resource, Spec, Text, Which, Wire
from aiocloud.paths import join
from aiocloud.services.block_storage.base import NamedCollection

__all__ = ["EditSnapshot", "NewSnapshot", "Snapshot", "Snapshots"]

New = ParamSpec("New")
Edit = ParamSpec("Edit")


class Snapshot(Resource):
    """A volume as it was. API: https://docs.openstack.org/api-ref/block-storage/v3/#show-a-snapshot-s-details"""

    place: ClassVar[Place] = Place(
        "/snapshots", one="snapshot", many="snapshots", detail="/snapshots/detail", microversion="3.65"
    )

    status: Text = ""
    """creating, available, error, deleting, ..."""
    volume_id: Text = ""
    size: int | None = None
    """GiB."""
    description: str | None = None
    metadata: Annotated[dict[str, str], NullAs({})] = {}
    created_at: str | None = None
    updated_at: str | None = None
    progress: Annotated[str | None, Wire("os-extended-snapshot-attributes:progress")] = None
    project_id: Annotated[str | None, Wire("os-extended-snapshot-attributes:project_id")] = None
    user_id: str | None = None
    group_snapshot_id: str | None = None
    consumes_quota: bool | None = None


class NewSnapshot(Spec):
    """API: https://docs.openstack.org/api-ref/block-storage/v3/#create-a-snapshot"""

    volume_id: str
    name: str | None = None
    description: str | None = None
    force: bool | None = None
    """Also while the volume is attached; from microversion 3.66 on that needs no saying."""
    metadata: dict[str, str] | None = None


class EditSnapshot(Spec):
    """API: https://docs.openstack.org/api-ref/block-storage/v3/#update-a-snapshot"""

    name: str | None = None
    description: str | None = None


class Snapshots(NamedCollection[Snapshot, New, Edit], Generic[New, Edit]):
    """The snapshots of a project."""

    async def reset_status(self, snapshot: Which, status: str) -> None:
        """Overwrite what Cinder believes of it. For administrators."""
        await self._action(snapshot, "os-reset_status", {"status": status})

    async def force_delete(self, snapshot: Which) -> None:
        """Remove it whatever state it is in. For administrators."""
        await self._action(snapshot, "os-force_delete", {})

    async def _action(self, snapshot: Which, name: str, arguments: dict[str, Any]) -> None:
        await self.endpoint.post(join("snapshots", await self.id_of(snapshot), "action"), json={name: arguments})
