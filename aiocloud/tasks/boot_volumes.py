"""Volumes that Nova makes for a server as it boots it: they bear no mark, so they go with a server that can't be.

Nova removes them itself only where they were asked for with `delete_on_termination`. What a server had before it was made
(`kept`) is its owner's, and stays.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Container, Mapping, Sequence, Sized
from contextlib import suppress
from typing import Any

from aiocloud.errors import Leftover, NotFound, Timeout
from aiocloud.poller import wait_for
from aiocloud.region import Region
from aiocloud.services.compute.server import Server
from aiocloud.tasks.when_free import LONGEST, PAUSE, delete_when_free

__all__ = ["delete_with_volumes", "kept", "made_for", "makes_volumes"]

_MAPPED = 15.0  # seconds that Nova may take to make volumes before its server is deleted all the same

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
    """Remove a server and the volumes that Nova made for it. `note` is told of each volume before its server goes.

    Raises Timeout, with what is left in its `leftovers`: also when Nova does not tell in time which volumes it makes.
    """
    servers, made = cloud.compute.servers, dict[str, None]()

    async def look() -> Server | None:
        try:
            server = await servers.get(id)
        except NotFound:
            return None
        for volume in made_for(server, keep):
            if volume not in made:
                await note(volume)
                made[volume] = None
        return server if server.status != "DELETED" else None

    server = await look()
    if _is_mapping(server):
        # Meanwhile Nova would not remove it either, and later we may not see which volumes it had.
        with suppress(Timeout):
            server = await wait_for(look, _is_mapped, what="its volumes", timeout=_MAPPED, interval=PAUSE)
    if server is not None:
        await servers.delete(id)
        await _until_gone(server, look, made)
    for volume in made:
        await delete_when_free(cloud.block_storage.volumes, volume)


async def _until_gone(server: Server, look: Callable[[], Awaitable[Server | None]], made: Sized) -> None:
    """Wait for it; what Nova made for it, if that is not known yet, is named in an error."""
    late = _is_mapping(server)
    why = f"Nova was still making it when server {server.id} was deleted"
    unknown = [Leftover("volume", "unknown", None, why)] if late else []
    timeout, what = LONGEST - _MAPPED if late else LONGEST, f"removal of server {server.id}"
    try:
        await wait_for(look, lambda seen: seen is None, what=what, timeout=timeout, interval=PAUSE)
    except Timeout as error:
        raise error.leaving([Leftover("server", server.id, server.name or None, error.message), *unknown]) from None
    if unknown and not made:
        raise Timeout(f"the volumes of server {server.id} were not made in time").leaving(unknown)


def _is_mapping(server: Server | None) -> bool:
    """Is Nova making its volumes? They are named when it is done."""
    return server is not None and server.task_state == "block_device_mapping"


def _is_mapped(server: Server | None) -> bool:
    return not _is_mapping(server)
