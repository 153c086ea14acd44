"""What a process that died left behind, and taking it away.

What an operation makes bears its mark: servers, volumes, snapshots and backups in their metadata, floating IPs and ports
in their description. The journal says which operations never ended; their marks lead to what is left. An image is named in
the journal by the id that was chosen for it, a volume that Nova makes for a server is found at that server. Nothing else is
ever touched.
"""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import anyio

from aiocloud._json import mapping
from aiocloud.collection import Creatable
from aiocloud.concurrent import concurrently
from aiocloud.errors import CloudError, InvalidRequest, Leftover, NotFound
from aiocloud.model import Resource
from aiocloud.reconcile import MARK, mark_in
from aiocloud.region import Region
from aiocloud.tasks.boot_volumes import delete_with_volumes
from aiocloud.tasks.journal import Begun, Journal, add_name, strike, unended
from aiocloud.tasks.when_free import delete_when_free

__all__ = ["Reclaimed", "keep_journal", "leftovers", "reclaim_leftovers"]

_ARRIVES = 60.0
"""Seconds after a process's death for which a request that it sent may still take effect."""

_LOOKS = 10
"""So often it is looked for what such a request brings about, at most: until nothing new appears."""

_PAUSE = 1.0  # seconds between these looks


_PLACES: Mapping[str, tuple[str, Callable[[Region], Creatable[Any, Any]]]] = {
    "floating IP": ("network", lambda cloud: cloud.network.floating_ips),
    "server": ("compute", lambda cloud: cloud.compute.servers),
    "snapshot": ("block-storage", lambda cloud: cloud.block_storage.snapshots),
    "backup": ("block-storage", lambda cloud: cloud.block_storage.backups),
    "volume": ("block-storage", lambda cloud: cloud.block_storage.volumes),
    "port": ("network", lambda cloud: cloud.network.ports),
    "image": ("image", lambda cloud: cloud.image.images),
}
"""What may be left, in the order in which it can be removed: the service, and where it is there."""

_UNMARKED = {"image"}
"""What bears no mark: the journal names it by the id that was chosen for it."""


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
    """Remove what `leftovers` finds: floating IPs first, then servers, volumes, ports and images.

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
                left.setdefault(found.mark, []).extend(error.leftovers or [what])
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
    """All that bears one of these marks or is named beside one, in the order in which it can be removed."""
    by_mark = {one.mark: one for one in begun}
    found: dict[tuple[str, str], _Found] = {}

    def note(kind: str, thing: Resource, one: Begun, delete: Callable[[], Awaitable[object]]) -> None:
        found[kind, thing.id] = _Found(Leftover(kind, thing.id, thing.name or None), one.mark, delete)

    async def look(kind: str) -> None:
        service, things = _PLACES[kind]
        if not await cloud.has_service(service):
            return
        for thing in await _all(things(cloud)):
            if one := by_mark.get(_mark(thing) or ""):
                note(kind, thing, one, _deleting(cloud, kind, thing, one))

    async def look_for(kind: str, id: str, one: Begun) -> None:
        _, things = _PLACES[kind]
        try:
            thing = await things(cloud).get(id)
        except NotFound:
            return
        note(kind, thing, one, _deleting(cloud, kind, thing, one))

    if not by_mark:
        return []
    async with concurrently() as tasks:
        for kind in _PLACES.keys() - _UNMARKED:
            tasks.start_soon(look, kind)
        for one in begun:
            for kind, id in one.named:
                tasks.start_soon(look_for, kind, id, one)
    return sorted(found.values(), key=lambda one: list(_PLACES).index(one.what.kind))


async def _all(things: Creatable[Any, Any]) -> Sequence[Resource]:
    """What there is; nothing where the service knows no such kind, as Neutron without routers knows no floating IPs."""
    try:
        return await things.list()
    except NotFound:
        return ()


def _deleting(cloud: Region, kind: str, thing: Resource, one: Begun) -> Callable[[], Awaitable[object]]:
    """What removes it; a server with the volumes that Nova made for it, which bear no mark."""
    if kind == "server" and one.keep is not None:
        return partial(delete_with_volumes, cloud, thing.id, one.keep, partial(add_name, one, "volume"))
    service, things = _PLACES[kind]
    if service == "block-storage":
        return partial(delete_when_free, things(cloud), thing.id)
    return partial(things(cloud).delete, {"id": thing.id})


def _mark(thing: Resource) -> str | None:
    """The mark that it bears, in its metadata or its description."""
    marked = mapping(thing.get("metadata")).get(MARK)
    return marked if isinstance(marked, str) else mark_in(str(thing.get("description") or ""))
