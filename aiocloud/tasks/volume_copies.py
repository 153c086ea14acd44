"""Snapshots and backups of volumes. API: https://docs.openstack.org/api-ref/block-storage/v3/#volume-snapshots-snapshots"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, TypeVar

from aiocloud._json import mapping
from aiocloud.collection import Creatable, Listing
from aiocloud.errors import InvalidRequest
from aiocloud.model import Which, build
from aiocloud.progress import OnProgress, watched
from aiocloud.reconcile import MARK
from aiocloud.region import Region
from aiocloud.services.block_storage.backup import Backup, NewBackup
from aiocloud.services.block_storage.snapshot import NewSnapshot, Snapshot
from aiocloud.tasks.lookup import by_id, given
from aiocloud.tasks.undo import Undo
from aiocloud.tasks.volumes import TIMEOUT, failed
from aiocloud.tasks.when_free import delete_when_free

__all__ = [
    "create_volume_backup",
    "create_volume_snapshot",
    "delete_volume_backup",
    "delete_volume_snapshot",
    "export_volume_backup",
    "get_volume_snapshot_by_id",
    "list_volume_backups",
    "list_volume_snapshots",
]

C = TypeVar("C", Snapshot, Backup)

_MARKED = "3.43"
"""From this microversion on backups have metadata."""


async def create_volume_snapshot(
    cloud: Region,
    volume_id: Which,
    force: bool = False,
    wait: bool = True,
    timeout: float | None = None,
    *,
    name: str | None = None,
    description: str | None = None,
    metadata: Mapping[str, str] | None = None,
    extra_body: dict[str, Any] | None = None,
    progress: OnProgress = None,
) -> Snapshot:
    """Keep a volume as it is now; `force` also while it is attached.

    `wait` is until the snapshot is available, at most `timeout` seconds (an hour when not given). When it fails or is
    cancelled, the snapshot is removed again. Raises ResourceFailed when it ends in an error state, Timeout.
    """
    wanted = given(force=force or None, name=name, description=description, extra_body=extra_body)
    volume = await cloud.block_storage.volumes.id_of(volume_id)
    snapshots = cloud.block_storage.snapshots
    async with Undo(cloud) as undo:
        spec = build(NewSnapshot, volume_id=volume, **wanted, metadata={**(metadata or {}), MARK: undo.mark})
        snapshot = await _create(undo, "snapshot", snapshots, spec)
        return await _available(cloud, snapshots, snapshot, timeout, progress) if wait else snapshot


async def create_volume_backup(
    cloud: Region,
    volume_id: Which,
    name: str | None = None,
    description: str | None = None,
    force: bool = False,
    wait: bool = True,
    timeout: float | None = None,
    incremental: bool = False,
    snapshot_id: str | None = None,
    *,
    progress: OnProgress = None,
) -> Backup:
    """Copy a volume, or a snapshot of it, to where backups are kept; `force` also while it is attached.

    `wait` is until the backup is available, at most `timeout` seconds (an hour when not given). When it fails or is
    cancelled, the backup is removed again. Raises ResourceFailed when it ends in an error state, Timeout.
    """
    wanted = given(
        name=name,
        description=description,
        force=force or None,
        incremental=incremental or None,
        snapshot_id=snapshot_id,
    )
    volume = await cloud.block_storage.volumes.id_of(volume_id)
    backups = cloud.block_storage.backups
    async with Undo(cloud) as undo:
        # An older Cinder takes no metadata for backups: there, a create that ends ambiguously is not sent again.
        newest = cloud.config.service("block-storage").default_microversion is None
        markable = newest and await backups.endpoint.supports(_MARKED)
        marked = {"metadata": {MARK: undo.mark}} if markable else {}
        backup = await _create(undo, "backup", backups, build(NewBackup, volume_id=volume, **wanted, **marked))
        return await _available(cloud, backups, backup, timeout, progress) if wait else backup


async def _create(undo: Undo, kind: str, copies: Creatable[C, Any], spec: NewSnapshot | NewBackup) -> C:
    """One POST, reconciled by its mark when it ends ambiguously."""
    remove = partial(delete_when_free, copies)
    if not spec.metadata:
        made = await copies.create_from(spec)
        undo.made(kind, made.id, made.name, remove)
        return made

    async def look() -> list[C]:
        return [one for one in await copies.search(spec.name) if mapping(one.metadata).get(MARK) == undo.mark]

    return await undo.create(kind, lambda: copies.create_from(spec), look, remove)


async def _available(cloud: Region, listing: Listing[C], made: C, timeout: float | None, progress: OnProgress) -> C:
    label = f"{listing.kind} {made.name or made.id}"

    def there(seen: C | None) -> bool:
        if seen is None:
            raise failed(cloud, made, f"{label} disappeared while it was waited for")
        if seen.status.startswith("error"):
            why = seen.get("fail_reason")
            raise failed(cloud, seen, f"{label} is {seen.status}{f': {why}' if why else ''}")
        return seen.status == "available"

    what = f"{label} becoming available"
    longest = TIMEOUT if timeout is None else timeout
    seen = await listing.poll.wait(
        made.id, watched(progress, label, there), what=what, timeout=longest, goal="available"
    )
    assert seen is not None  # noqa: S101 - `there` raises for one that is gone
    return seen


async def delete_volume_snapshot(
    cloud: Region,
    name_or_id: Which | None = None,
    wait: bool = False,
    timeout: float | None = None,
    *,
    progress: OnProgress = None,
) -> bool:
    """Remove a snapshot: True, or False when it was not there. `wait` is until it is gone, at most `timeout` seconds."""
    snapshots = cloud.block_storage.snapshots
    snapshot = await snapshots.find(_named(name_or_id))
    if snapshot is None or not await snapshots.delete(snapshot):
        return False
    if wait:
        await _gone(cloud, snapshots, snapshot, timeout, progress)
    return True


async def delete_volume_backup(
    cloud: Region,
    name_or_id: Which | None = None,
    force: bool = False,
    wait: bool = False,
    timeout: float | None = None,
    *,
    progress: OnProgress = None,
) -> bool:
    """Remove a backup: True, or False when it was not there.

    `force` removes it whatever state it is in; `wait` is until it is gone, at most `timeout` seconds.
    """
    backups = cloud.block_storage.backups
    backup = await backups.find(_named(name_or_id))
    if backup is None:
        return False
    if force:
        await backups.force_delete(backup)
    elif not await backups.delete(backup):
        return False
    if wait:
        await _gone(cloud, backups, backup, timeout, progress)
    return True


def _named(name_or_id: Which | None) -> Which:
    if name_or_id is None:
        raise InvalidRequest("name_or_id does not say what to remove")
    return name_or_id


async def _gone(cloud: Region, listing: Listing[C], removed: C, timeout: float | None, progress: OnProgress) -> None:
    label = f"{listing.kind} {removed.name or removed.id}"

    def gone(seen: C | None) -> bool:
        if seen is not None and seen.status.startswith("error"):
            raise failed(cloud, seen, f"{label} could not be removed: it is {seen.status}")
        return seen is None or seen.status == "deleted"

    what = f"removal of {label}"
    longest = TIMEOUT if timeout is None else timeout
    look = watched(progress, label, gone)
    await listing.poll.wait(removed.id, look, what=what, timeout=longest, goal="gone", absent_is_gone=True)


async def get_volume_snapshot_by_id(cloud: Region, snapshot_id: str) -> Snapshot | None:
    """The snapshot with this id, or None."""
    return await by_id(cloud.block_storage.snapshots, snapshot_id)


async def list_volume_snapshots(
    cloud: Region,
    detailed: bool = True,  # noqa: ARG001
    filters: Mapping[str, Any] | None = None,
) -> list[Snapshot]:
    """All snapshots of the project, always in detail. `filters` go to the service."""
    return await cloud.block_storage.snapshots.list(filters)


async def list_volume_backups(
    cloud: Region,
    detailed: bool = True,  # noqa: ARG001
    filters: Mapping[str, Any] | None = None,
) -> list[Backup]:
    """All backups of the project, always in detail. `filters` go to the service."""
    return await cloud.block_storage.backups.list(filters)


async def export_volume_backup(cloud: Region, backup_id: Which) -> dict[str, Any]:
    """What another Cinder needs to know of a backup to take it over. For administrators."""
    return await cloud.block_storage.backups.export_record(backup_id)
