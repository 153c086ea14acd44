"""Volumes: made, attached, taken off and removed. API: https://docs.openstack.org/api-ref/block-storage/v3/"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from aiocloud.errors import CloudError, InvalidRequest, NotFound, ResourceFailed
from aiocloud.model import Resource, Which, build
from aiocloud.progress import OnProgress, watched
from aiocloud.reconcile import MARK
from aiocloud.region import Region
from aiocloud.services.block_storage.info import VolumeLimits, VolumeQuotas
from aiocloud.services.block_storage.type import VolumeType
from aiocloud.services.block_storage.volume import NewVolume, Volume
from aiocloud.services.compute.server import VolumeAttachment
from aiocloud.tasks.lookup import by_id, given, project_id_of
from aiocloud.tasks.undo import Undo
from aiocloud.tasks.when_free import delete_when_free

__all__ = [
    "TIMEOUT",
    "add_volume_type_access",
    "attach_volume",
    "create_volume",
    "delete_volume",
    "delete_volume_quotas",
    "detach_volume",
    "failed",
    "get_volume_attach_device",
    "get_volume_by_id",
    "get_volume_id",
    "get_volume_limits",
    "get_volume_quotas",
    "get_volume_type_access",
    "get_volumes",
    "list_volume_types",
    "list_volumes",
    "remove_volume_type_access",
    "search_volume_types",
    "set_volume_bootable",
    "set_volume_quotas",
    "update_volume",
    "volume_exists",
]

TIMEOUT = 3600.0
"""Seconds that a wait for a volume, snapshot or backup may take when nobody says how long: images are copied into them."""


async def create_volume(
    cloud: Region,
    size: int | None,
    wait: bool = True,
    timeout: float | None = None,
    image: Which | None = None,
    bootable: bool | None = None,
    *,
    name: str | None = None,
    description: str | None = None,
    snapshot_id: str | None = None,
    source_volid: str | None = None,
    backup_id: str | None = None,
    volume_type: str | None = None,
    availability_zone: str | None = None,
    multiattach: bool | None = None,
    metadata: Mapping[str, str] | None = None,
    group_id: str | None = None,
    scheduler_hints: dict[str, Any] | None = None,
    extra_body: dict[str, Any] | None = None,
    progress: OnProgress = None,
) -> Volume:
    """Make a volume of `size` GiB, empty or a copy of an image, snapshot, volume or backup.

    `wait` is until it is available, at most `timeout` seconds (an hour when not given). `bootable` says whether servers
    can boot from it, for which it waits in any case. When it fails or is cancelled, the volume is removed again, or named
    in the error's `leftovers`. Raises ResourceFailed when it ends in an error state, Timeout, InvalidRequest. `progress` is
    told at each look.
    """
    wanted = given(
        size=size,
        name=name,
        description=description,
        image=None if image is None else await cloud.image.images.id_of(image),
        snapshot_id=snapshot_id,
        source_volid=source_volid,
        backup_id=backup_id,
        volume_type=volume_type,
        availability_zone=availability_zone,
        multiattach=multiattach,
        group_id=group_id,
        scheduler_hints=scheduler_hints,
        extra_body=extra_body,
    )
    async with Undo(cloud) as undo:
        volume = await _create(cloud, wanted, dict(metadata or {}), undo)
        if wait or bootable is not None:
            volume = await _wait_for_volume(cloud, volume, "available", timeout, progress)
        if bootable is not None and bootable != volume.is_bootable:
            await cloud.block_storage.volumes.set_bootable(volume, bootable)
            volume = await cloud.block_storage.volumes.get(volume)
    return volume


async def _create(cloud: Region, wanted: dict[str, Any], metadata: dict[str, str], undo: Undo) -> Volume:
    """One POST, reconciled by its mark when it ends ambiguously; known to `undo` from before it is sent."""
    volumes = cloud.block_storage.volumes
    spec = build(NewVolume, **wanted, metadata={**metadata, MARK: undo.mark})

    async def look() -> list[Volume]:
        return [volume for volume in await volumes.search(spec.name) if volume.metadata.get(MARK) == undo.mark]

    return await undo.create("volume", lambda: volumes.create_from(spec), look, partial(delete_when_free, volumes))


async def _wait_for_volume(
    cloud: Region, volume: Volume, status: str, timeout: float | None, progress: OnProgress
) -> Volume:
    def there(seen: Volume | None) -> bool:
        name = volume.name or volume.id
        if seen is None:
            raise failed(cloud, volume, f"volume {name} disappeared while it was waited for")
        if seen.status.startswith("error"):
            raise failed(cloud, seen, f"volume {name} is {seen.status} instead of {status}")
        return seen.status == status

    what = f"volume {volume.name or volume.id} becoming {status}"
    longest = TIMEOUT if timeout is None else timeout
    look = watched(progress, f"volume {volume.name or volume.id}", there)
    seen = await cloud.block_storage.volumes.poll.wait(volume.id, look, what=what, timeout=longest, goal=status)
    assert seen is not None  # noqa: S101 - `there` raises for one that is gone
    return seen


def failed(cloud: Region, resource: Resource, why: str) -> CloudError:
    """The error for a resource that ended in an error state."""
    error = ResourceFailed(why, cloud=cloud.name, region=cloud.region_name, service="block-storage")
    error.resource = resource
    return error


async def delete_volume(
    cloud: Region,
    name_or_id: Which,
    wait: bool = True,
    timeout: float | None = None,
    force: bool = False,
    *,
    progress: OnProgress = None,
) -> bool:
    """Remove a volume: True, or False when it was not there.

    `wait` is until it is gone, at most `timeout` seconds (an hour when not given); `force` removes it whatever state it is
    in, which may need an administrator. Raises ResourceFailed when Cinder could not remove it.
    """
    volumes = cloud.block_storage.volumes
    volume = await volumes.find(name_or_id)
    if volume is None:
        return False
    try:
        if force:
            await volumes.force_delete(volume)
        else:
            await volumes.delete(volume, ignore_missing=False)
    except NotFound:
        return False
    if wait:
        await _wait_until_gone(cloud, volume, timeout, progress)
    return True


async def _wait_until_gone(cloud: Region, volume: Volume, timeout: float | None, progress: OnProgress) -> None:
    def gone(seen: Volume | None) -> bool:
        if seen is not None and seen.status.startswith("error"):
            raise failed(cloud, seen, f"volume {volume.name or volume.id} could not be removed: it is {seen.status}")
        return seen is None

    what = f"removal of volume {volume.name or volume.id}"
    longest = TIMEOUT if timeout is None else timeout
    poll = cloud.block_storage.volumes.poll
    look = watched(progress, f"volume {volume.name or volume.id}", gone)
    await poll.wait(volume.id, look, what=what, timeout=longest, goal="gone", absent_is_gone=True)


async def attach_volume(
    cloud: Region,
    server: Which,
    volume: Which,
    device: str | None = None,
    wait: bool = True,
    timeout: float | None = None,
    *,
    progress: OnProgress = None,
) -> VolumeAttachment:
    """Attach a volume to a server; `device` is a wish that most hypervisors ignore.

    `wait` is until the volume is in use there, at most `timeout` seconds (an hour when not given). Raises InvalidRequest
    when it is attached there already or not free, ResourceFailed when the attaching fails.
    """
    server_id = await cloud.compute.servers.id_of(server)
    found = await cloud.block_storage.volumes.require(volume)
    label = found.name or found.id
    if _is_at(found, server_id):
        raise InvalidRequest(
            f"volume {label} is attached to server {server_id} already", cloud=cloud.name, region=cloud.region_name
        )
    if found.status != "available" and not (found.is_multiattach and found.status == "in-use"):
        raise InvalidRequest(
            f"volume {label} can't be attached: it is {found.status}", cloud=cloud.name, region=cloud.region_name
        )
    wanted = given(device=device)
    attachment = await cloud.compute.servers.volume_attachments(server_id).create(volume_id=found.id, **wanted)
    if wait:
        await _wait_until_attached(cloud, found, server_id, timeout, progress)
    return attachment


def _is_at(volume: Volume, server_id: str) -> bool:
    return any(attachment.get("server_id") == server_id for attachment in volume.attachments)


async def _wait_until_attached(
    cloud: Region, volume: Volume, server_id: str, timeout: float | None, progress: OnProgress
) -> None:
    label = volume.name or volume.id

    def there(seen: Volume | None) -> bool:
        if seen is None:
            raise failed(cloud, volume, f"volume {label} disappeared while it was being attached")
        # Nova has reserved it before it answered: one that is available again was tried, and given up.
        if seen.status.startswith("error") or seen.status == "available":
            raise failed(cloud, seen, f"volume {label} could not be attached: it is {seen.status}")
        return seen.status == "in-use" and _is_at(seen, server_id)

    what = f"attaching of volume {label} to server {server_id}"
    longest = TIMEOUT if timeout is None else timeout
    await cloud.block_storage.volumes.poll.wait(
        volume.id, watched(progress, f"volume {label}", there), what=what, timeout=longest, goal="attached"
    )


async def detach_volume(
    cloud: Region,
    server: Which,
    volume: Which,
    wait: bool = True,
    timeout: float | None = None,
    *,
    progress: OnProgress = None,
) -> bool:
    """Take a volume off a server: True, or False when it was not attached there.

    `wait` is until it is off, at most `timeout` seconds (an hour when not given). Raises ResourceFailed when that fails.
    """
    server_id = await cloud.compute.servers.id_of(server)
    found = await cloud.block_storage.volumes.require(volume)
    attachments = cloud.compute.servers.volume_attachments(server_id)
    if not await attachments.delete({"id": found.id}):
        return False
    label = found.name or found.id

    def off(seen: Volume | None) -> bool:
        if seen is not None and seen.status.startswith("error"):
            raise failed(cloud, seen, f"volume {label} could not be detached: it is {seen.status}")
        # Attached elsewhere, too, it stays in use.
        return seen is None or (seen.status in ("available", "in-use") and not _is_at(seen, server_id))

    if wait:
        what = f"detaching of volume {label} from server {server_id}"
        longest = TIMEOUT if timeout is None else timeout
        look = watched(progress, f"volume {label}", off)
        await cloud.block_storage.volumes.poll.wait(found.id, look, what=what, timeout=longest, goal="detached")
    return True


async def get_volume_attach_device(cloud: Region, volume: Which, server_id: str) -> str | None:
    """The device that a volume is at a server, or None when it is not attached there; of a Volume it asks nobody."""
    found = volume if isinstance(volume, Volume) else await cloud.block_storage.volumes.require(volume)
    return next((str(at.get("device")) for at in found.attachments if at.get("server_id") == server_id), None)


async def get_volumes(cloud: Region, server: Which, cache: bool | None = None) -> list[Volume]:  # noqa: ARG001
    """The volumes attached to a server. `cache` is there for scripts that pass it."""
    server_id = await cloud.compute.servers.id_of(server)
    return [volume for volume in await cloud.block_storage.volumes.list() if _is_at(volume, server_id)]


async def list_volumes(cloud: Region, cache: bool | None = None) -> list[Volume]:  # noqa: ARG001
    """All volumes of the project. `cache` is there for scripts that pass it."""
    return await cloud.block_storage.volumes.list()


async def get_volume_by_id(cloud: Region, id: str) -> Volume | None:
    """The volume with this id, or None."""
    return await by_id(cloud.block_storage.volumes, id)


async def get_volume_id(cloud: Region, name_or_id: str) -> str | None:
    """The id of the volume with this name or id, or None."""
    found = await cloud.block_storage.volumes.find(name_or_id)
    return found.id if found is not None else None


async def volume_exists(cloud: Region, name_or_id: str) -> bool:
    """Is there a volume with this name or id?"""
    return await cloud.block_storage.volumes.find(name_or_id) is not None


async def update_volume(
    cloud: Region,
    name_or_id: Which,
    *,
    name: str | None = None,
    description: str | None = None,
    metadata: Mapping[str, str] | None = None,
    extra_body: dict[str, Any] | None = None,
) -> Volume:
    """Change a volume; what is not given stays as it is. `metadata` replaces all that it has."""
    wanted = given(
        name=name,
        description=description,
        metadata=None if metadata is None else dict(metadata),
        extra_body=extra_body,
    )
    return await cloud.block_storage.volumes.update(name_or_id, **wanted)


async def set_volume_bootable(cloud: Region, name_or_id: Which, bootable: bool = True) -> None:
    """Say whether servers can boot from a volume."""
    await cloud.block_storage.volumes.set_bootable(name_or_id, bootable)


async def list_volume_types(cloud: Region, get_extra: bool | None = None) -> list[VolumeType]:  # noqa: ARG001
    """All volume types; their extra specs always come along."""
    return await cloud.block_storage.types.list()


async def search_volume_types(
    cloud: Region,
    name_or_id: str | None = None,
    filters: Mapping[str, Any] | None = None,
    get_extra: bool | None = None,  # noqa: ARG001
) -> list[VolumeType]:
    """The volume types with this name, id or shell pattern, and for which all filters hold."""
    return await cloud.block_storage.types.search(name_or_id, filters)


async def get_volume_type_access(cloud: Region, name_or_id: Which) -> list[str]:
    """The ids of the projects that may use a volume type that is not public. For administrators."""
    return await cloud.block_storage.types.access(name_or_id)


async def add_volume_type_access(cloud: Region, name_or_id: Which, project_id: str) -> None:
    """Let a project use a volume type that is not public. For administrators."""
    await cloud.block_storage.types.add_access(name_or_id, project_id)


async def remove_volume_type_access(cloud: Region, name_or_id: Which, project_id: str) -> None:
    """Take that away again. For administrators."""
    await cloud.block_storage.types.remove_access(name_or_id, project_id)


async def get_volume_limits(cloud: Region, name_or_id: Which | None = None) -> VolumeLimits:
    """What a project may use and uses of block storage; another's needs an administrator."""
    project_id = None if name_or_id is None else await project_id_of(cloud, name_or_id)
    return await cloud.block_storage.limits(project_id)


async def get_volume_quotas(cloud: Region, name_or_id: Which) -> VolumeQuotas:
    """A project's block storage quotas."""
    return await cloud.block_storage.quota_sets.get(await project_id_of(cloud, name_or_id))


async def set_volume_quotas(cloud: Region, name_or_id: Which, **quotas: int) -> VolumeQuotas:
    """Set a project's block storage quotas, by Cinder's names: `volumes=20, gigabytes=500`. For administrators."""
    return await cloud.block_storage.quota_sets.update(await project_id_of(cloud, name_or_id), quotas)


async def delete_volume_quotas(cloud: Region, name_or_id: Which) -> None:
    """Put a project's block storage quotas back to the defaults. For administrators."""
    await cloud.block_storage.quota_sets.delete(await project_id_of(cloud, name_or_id))
