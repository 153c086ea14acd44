"""Volumes that Nova makes for a server as it boots it: they bear no mark, so they go with a server that can't be.

Nova removes them itself only where they were asked for with `delete_on_termination`. What a server had before it was made
(`kept`) is its owner's, and stays.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Container, Mapping, Sequence
from typing import Any

from aiocloud.collection import Creatable
from aiocloud.errors import CloudError, NotFound
from aiocloud.poller import wait_for
from aiocloud.region import Region
from aiocloud.services.compute.server import Server

__all__ = ["delete_detached", "delete_snapshot", "delete_with_volumes", "kept", "made_for", "makes_volumes"]

_LONGEST = 30.0  # seconds that Nova may take to let go of a volume
_PAUSE = 0.5  # seconds between two looks, at most

_NOT_MADE = re.compile(r"\bVolume ([0-9a-f-]{36}) did not finish being created\b")
"""Nova's VolumeNotCreated: the volume is there, in error or still being made, and its server does not name it."""


def makes_volumes(devices: Sequence[Mapping[str, Any]] | None) -> bool:
    """Will Nova make a volume for one of these devices (`block_device_mapping_v2`)?"""
    return any(one.get("destination_type") == "volume" and one.get("source_type") != "volume" for one in devices or ())


def kept(devices: Sequence[Mapping[str, Any]] | None) -> list[str]:
    """The volumes among these devices that were there before."""
    return [str(one.get("uuid")) for one in devices or () if one.get("source_type") == "volume"]


def made_for(server: Server, keep: Container[str]) -> list[str]:
    """The volumes that Nova made for this server and does not remove with it."""
    named = [one.id for one in server.volumes if not one.delete_on_termination]
    given_up = _NOT_MADE.findall(server.fault.message) if server.fault is not None else []
    return [id for id in [*named, *given_up] if id not in keep]


async def delete_with_volumes(
    cloud: Region, id: str, keep: Container[str], note: Callable[[str], Awaitable[object]]
) -> None:
    """Remove a server and the volumes that Nova made for it. `note` is told of each volume before its server goes."""
    servers, made = cloud.compute.servers, dict[str, None]()

    async def gone() -> bool:
        try:
            server = await servers.get(id)
        except NotFound:
            return True
        for volume in made_for(server, keep):
            if volume not in made:
                await note(volume)
                made[volume] = None
        return server.status == "DELETED"

    if not await gone():
        await servers.delete(id)
        await wait_for(gone, bool, what=f"removal of server {id}", timeout=_LONGEST, interval=_PAUSE)
    for volume in made:
        await delete_detached(cloud, volume)


async def delete_detached(cloud: Region, id: str) -> None:
    """Remove a volume as soon as Nova has taken it off its server: Cinder refuses before that."""
    await _delete_when_free(cloud.block_storage.volumes, id, f"volume {id}")


async def delete_snapshot(cloud: Region, id: str) -> None:
    """Remove a snapshot of a volume as soon as it is made: Cinder refuses before that."""
    await _delete_when_free(cloud.block_storage.snapshots, id, f"snapshot {id}")


async def _delete_when_free(things: Creatable[Any, Any], id: str, what: str) -> None:
    async def accepted() -> bool:
        try:
            await things.delete({"id": id})
        except CloudError as error:
            if error.status_code != 400:
                raise
            return False
        return True

    await wait_for(accepted, bool, what=f"removal of {what}", timeout=_LONGEST, interval=_PAUSE)
