"""Backups. API: https://docs.openstack.org/api-ref/block-storage/v3/#backups-backups"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Generic, ParamSpec

from aiocloud._json import load_json, mapping
from aiocloud.model import NullAs, Place, Resource, Spec, Text, Which, Wire
from aiocloud.paths import join
from aiocloud.services.block_storage.base import NamedCollection

__all__ = ["Backup", "Backups", "EditBackup", "NewBackup"]

New = ParamSpec("New")
Edit = ParamSpec("Edit")


class Backup(Resource):
    """A copy of a volume somewhere else. API: https://docs.openstack.org/api-ref/block-storage/v3/#show-backup-detail"""

    place: ClassVar[Place] = Place(
        "/backups", one="backup", many="backups", detail="/backups/detail", microversion="3.64"
    )

    status: Text = ""
    """creating, available, error, deleting, restoring, ..."""
    volume_id: Text = ""
    snapshot_id: str | None = None
    size: int | None = None
    """GiB."""
    description: str | None = None
    availability_zone: str | None = None
    container: str | None = None
    object_count: int | None = None
    is_incremental: bool | None = None
    has_dependent_backups: bool | None = None
    data_timestamp: str | None = None
    fail_reason: str | None = None
    metadata: Annotated[dict[str, str] | None, NullAs(None)] = None
    encryption_key_id: str | None = None
    project_id: Annotated[str | None, Wire("os-backup-project-attr:project_id")] = None
    user_id: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    links: list[dict[str, Any]] = []


class NewBackup(Spec):
    """API: https://docs.openstack.org/api-ref/block-storage/v3/#create-a-backup"""

    volume_id: str
    name: str | None = None
    description: str | None = None
    container: str | None = None
    incremental: bool | None = None
    force: bool | None = None
    """Also while the volume is attached."""
    snapshot_id: str | None = None
    metadata: dict[str, str] | None = None
    availability_zone: str | None = None


class EditBackup(Spec):
    """API: https://docs.openstack.org/api-ref/block-storage/v3/#update-a-backup"""

    name: str | None = None
    description: str | None = None
    metadata: dict[str, str] | None = None


class Backups(NamedCollection[Backup, New, Edit], Generic[New, Edit]):
    """The backups of a project."""

    async def restore(
        self, backup: Which, *, volume_id: str | None = None, name: str | None = None
    ) -> Mapping[str, Any]:
        """Begin writing it to a volume, a new one unless one is given. API: https://docs.openstack.org/api-ref/block-storage/v3/#restore-a-backup"""
        given = {"volume_id": volume_id, "name": name}
        body = {"restore": {key: value for key, value in given.items() if value is not None}}
        path = join("backups", await self.id_of(backup), "restore")
        answer = load_json((await self.endpoint.post(path, json=body)).content, path)
        return mapping(mapping(answer).get("restore"))

    async def export_record(self, backup: Which) -> dict[str, Any]:
        """What another Cinder needs to know of it. API: https://docs.openstack.org/api-ref/block-storage/v3/#export-a-backup"""
        path = join("backups", await self.id_of(backup), "export_record")
        answer = load_json((await self.endpoint.get(path)).content, path)
        return dict(mapping(mapping(answer).get("backup-record")))

    async def import_record(self, record: Mapping[str, Any]) -> Backup:
        """Take over what `export_record` gave. API: https://docs.openstack.org/api-ref/block-storage/v3/#import-a-backup"""
        response = await self.endpoint.post("/backups/import_record", json={"backup-record": dict(record)})
        return self._read(response)

    async def force_delete(self, backup: Which) -> None:
        """Remove it whatever state it is in. For administrators."""
        await self.endpoint.post(join("backups", await self.id_of(backup), "action"), json={"os-force_delete": {}})

    async def reset_status(self, backup: Which, status: str) -> None:
        """Overwrite what Cinder believes of it. For administrators."""
        path = join("backups", await self.id_of(backup), "action")
        await self.endpoint.post(path, json={"os-reset_status": {"status": status}})
