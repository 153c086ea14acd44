"""What a process that died left behind, and taking it away.

Everything that an operation makes bears its mark: servers and volumes in their metadata, floating IPs and ports in their
description. The journal says which operations never ended; their marks lead to what is left. Nothing without such a mark
is ever touched.
"""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio

from aiocloud._json import mapping
from aiocloud.concurrent import concurrently
from aiocloud.errors import CloudError, InvalidRequest, Leftover
from aiocloud.model import Resource
from aiocloud.reconcile import MARK, mark_in
from aiocloud.region import Region
from aiocloud.tasks.journal import Begun, Journal, strike, unended

__all__ = ["Reclaimed", "keep_journal", "leftovers", "reclaim_leftovers"]

_ARRIVES = 60.0
"""Seconds after a process's death for which a request that it sent may still take effect."""

_LOOKS = 10
"""So often it is looked for what such a request brings about, at most: until nothing new appears."""

_PAUSE = 1.0  # seconds between these looks


@dataclass(frozen=True)
class Reclaimed:
    """What was taken away, and what could not be."""

    removed: tuple[Leftover, ...] = ()
    left: tuple[Leftover, ...] = ()


@dataclass(frozen=True)
class _Found:
    what: Leftover
    mark: str
    delete: Callable[[], Awaitable[object]]


def keep_journal(cloud: Region, directory: str | os.PathLike[str]) -> None:
    """Write down what is begun and ended, so that `leftovers` finds what is left should this process be killed.

    One directory serves any number of clouds and processes of one machine. It holds for all regions of this login.
    """
    Journal(directory).kept_by(cloud.session)


async def leftovers(cloud: Region, journal: str | os.PathLike[str] | None = None) -> list[Leftover]:
    """What operations made here that never ended, because their process was killed.

    `journal` is the directory that was given to `keep_journal`; by default the one that this connection keeps.
    """
    return [found.what for found in await _find(cloud, await _unended(cloud, journal))]


async def reclaim_leftovers(cloud: Region, journal: str | os.PathLike[str] | None = None) -> Reclaimed:
    """Remove what `leftovers` finds: floating IPs first, then servers, volumes and ports.

    What the process sent with its last breath may take effect while we look, so it is looked for again until nothing new
    appears; and an operation is struck off the journal a minute after the process was found dead, not before: what comes
    even later is found by the next call.
    """
    begun = await _unended(cloud, journal)
    young = {one.mark for one in begun if time.time() - one.dead < _ARRIVES}
    removed = dict[Leftover, None]()
    left: dict[str, list[Leftover]] = {}
    for nth in range(_LOOKS):
        before = len(removed)
        left.clear()
        for found in await _find(cloud, begun):
            try:
                await found.delete()
            except CloudError as error:
                what = Leftover(found.what.kind, found.what.id, found.what.name, error.message)
                left.setdefault(found.mark, []).append(what)
            else:
                removed[found.what] = None
        if not young or (nth and not left and len(removed) == before):
            break
        await anyio.sleep(_PAUSE)
    for one in begun:
        if one.mark not in left and one.mark not in young:
            await strike(one)
    return Reclaimed(tuple(removed), tuple(what for named in left.values() for what in named))


async def _unended(cloud: Region, journal: str | os.PathLike[str] | None) -> Sequence[Begun]:
    kept = Journal.of(cloud.session)
    directory = Path(journal) if journal is not None else kept.directory if kept is not None else None
    if directory is None:
        raise InvalidRequest("which journal? give the directory that was given to keep_journal", cloud=cloud.name)
    begun = await anyio.to_thread.run_sync(unended, directory)
    return [one for one in begun if (one.cloud, one.region) == (cloud.name, cloud.region_name)]


async def _find(cloud: Region, begun: Sequence[Begun]) -> list[_Found]:
    """Everything that bears one of these marks, in the order in which it can be removed. One listing for each kind."""
    marks = {one.mark for one in begun}
    if not marks:
        return []
    by_kind: dict[str, list[_Found]] = {}

    async def look(kind: str, service: str, lister: Callable[[], Awaitable[Sequence[Resource]]], gone: _Delete) -> None:
        if not await cloud.has_service(service):
            return
        found = [(thing, _mark(thing)) for thing in await lister()]
        by_kind[kind] = [
            _Found(Leftover(kind, thing.id, thing.name or None), mark, _later(gone, thing.id))
            for thing, mark in found
            if mark is not None and mark in marks
        ]

    async def list_volumes() -> Sequence[Resource]:
        return await cloud.block_storage.volumes.list()

    async def delete_volume(id: str) -> None:
        await cloud.block_storage.volumes.delete(id)

    compute, network = cloud.compute, cloud.network
    async with concurrently() as tasks:
        tasks.start_soon(
            look, "floating IP", "network", lambda: network.floating_ips.list(), network.floating_ips.delete
        )
        tasks.start_soon(look, "server", "compute", lambda: compute.servers.list(), compute.servers.delete)
        tasks.start_soon(look, "port", "network", lambda: network.ports.list(), network.ports.delete)
        tasks.start_soon(look, "volume", "block-storage", list_volumes, delete_volume)
    return [found for kind in ("floating IP", "server", "volume", "port") for found in by_kind.get(kind, ())]


_Delete = Callable[[str], Awaitable[object]]


def _later(delete: _Delete, id: str) -> Callable[[], Awaitable[object]]:
    return lambda: delete(id)


def _mark(thing: Resource) -> str | None:
    """The mark that it bears, in its metadata or its description."""
    marked = mapping(thing.get("metadata")).get(MARK)
    return marked if isinstance(marked, str) else mark_in(str(thing.get("description") or ""))
