"""Watching servers: what appears, changes and goes, as it happens."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeAlias

import anyio

from aiocloud.concurrent import concurrently
from aiocloud.poller import PASSING, Shared
from aiocloud.region import Region
from aiocloud.services.compute.server import Server

__all__ = ["Appeared", "Change", "Changed", "Gone", "watch_servers"]

_GONE = ("DELETED", "SOFT_DELETED")
_WHOLE = 60.0
"""Seconds after which everything is listed again, should a change have been missed."""


@dataclass(frozen=True)
class Appeared:
    """A server that was not there before, or is there when the watch begins."""

    server: Server


@dataclass(frozen=True)
class Changed:
    """A server whose state is another than before."""

    server: Server
    before: Server


@dataclass(frozen=True)
class Gone:
    """A server that is no more; its last state."""

    server: Server


Change: TypeAlias = Appeared | Changed | Gone


class _Feed:
    """The servers of a region as last seen, for all who watch them: what changed is asked for, by whoever's turn it is."""

    def __init__(self, cloud: Region) -> None:
        self._cloud = cloud
        self._servers: dict[str, Server] = {}
        self._whole_at = -_WHOLE
        self._since: str | None = None
        self._shared = Shared(self._look)

    async def servers(self, max_age: float) -> Mapping[str, Server]:
        """By id, as of so many seconds ago. One that did not change is the same object as before."""
        return await self._shared.get(max_age)

    async def _look(self) -> Mapping[str, Server]:
        now = anyio.current_time()
        servers = self._cloud.compute.servers
        if self._since is None or now - self._whole_at > _WHOLE:
            seen = {server.id: server for server in await servers.list()}
            fresh = {id: self._kept(server) for id, server in seen.items()}
            self._whole_at = now
        else:
            seen = {server.id: server for server in await servers.list({"changes-since": self._since})}
            fresh = {**self._servers, **{id: self._kept(server) for id, server in seen.items()}}
        self._servers = {id: server for id, server in fresh.items() if server.status not in _GONE}
        self._since = max((self._since or "", *(server.updated_at or "" for server in seen.values()))) or None
        return self._servers

    def _kept(self, server: Server) -> Server:
        before = self._servers.get(server.id)
        return before if before is not None and before == server else server


@asynccontextmanager
async def watch_servers(cloud: Region, interval: float = 2.0) -> AsyncGenerator[AsyncIterator[Change]]:
    """`async with cloud.watch_servers() as changes: async for change in changes: ...`

    First every server Appeared, then each change as it is seen, every `interval` seconds; servers as Nova tells them
    (`bare`). However many watch a region, they share one look, which lists only what has changed since the last. A look
    that fails in passing is made again; other errors are raised in the loop.
    """
    cloud = cloud.for_all()
    feed = cloud.session.once(("watch", cloud.region_name, cloud.options), lambda: _Feed(cloud))
    send, receive = anyio.create_memory_object_stream[Change](0)

    async def look() -> None:
        before: Mapping[str, Server] = {}
        async with send:
            while True:
                try:
                    now = await feed.servers(max_age=interval / 2)
                except PASSING:
                    now = before
                for change in _between(before, now):
                    await send.send(change)
                before = now
                await anyio.sleep(interval)

    async with concurrently() as tasks, receive:
        tasks.start_soon(look)
        yield receive
        tasks.cancel_scope.cancel()


def _between(before: Mapping[str, Server], now: Mapping[str, Server]) -> list[Change]:
    """What happened between two looks. Pure."""
    changes: list[Change] = [Gone(server) for id, server in before.items() if id not in now]
    for id, server in now.items():
        old = before.get(id)
        if old is None:
            changes.append(Appeared(server))
        elif old is not server:
            changes.append(Changed(server, old))
    return changes
