"""Many servers in one call, each with an outcome of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TypeAlias

import anyio

from aiocloud.concurrent import concurrently
from aiocloud.errors import CloudError, InvalidRequest
from aiocloud.progress import OnProgress
from aiocloud.region import Region
from aiocloud.services.compute.server import Server
from aiocloud.tasks.boot import Boot
from aiocloud.tasks.making import Giving, make_server

__all__ = ["Boot", "Created", "Giving", "NotCreated", "create_servers"]


@dataclasses.dataclass(frozen=True)
class Created:
    """A server that was made. `elapsed` is in seconds."""

    boot: Boot
    server: Server
    elapsed: float


@dataclasses.dataclass(frozen=True)
class NotCreated:
    """A server that could not be made, and why; what was left of it is in the error's `leftovers`."""

    boot: Boot
    error: CloudError
    elapsed: float


Creation: TypeAlias = Created | NotCreated


async def create_servers(
    cloud: Region,
    boots: Boot | Sequence[Boot],
    count: int | None = None,
    *,
    giving: Giving | None = None,
    wait: bool = True,
    timeout: float = 180,
    limit: int | None = None,
    progress: OnProgress = None,
) -> list[Creation]:
    """Make many servers at once, `limit` at a time; an outcome for each, in the order in which they were asked for.

    `boots` says what to boot (`Boot("web", image="devuan", flavor="m1.tiny")`); one of them with a `count` gives so many,
    called web-1, web-2 and so on. `giving` says which addresses (by default whatever it takes to be reached). What they
    need to know of the cloud is asked once for all, and one poll waits for all. One that fails costs the others nothing.
    `progress` is told of each, at each look, in per cent.
    """
    wanted = _numbered(boots, count)
    outcomes: dict[int, Creation] = {}
    limiter = anyio.CapacityLimiter(limit or max(1, len(wanted)))

    async def one(nth: int, boot: Boot) -> None:
        async with limiter:
            began = anyio.current_time()
            try:
                server = await make_server(
                    cloud, boot, giving or Giving(), wait=wait, timeout=timeout, progress=progress
                )
            except CloudError as error:
                outcomes[nth] = NotCreated(boot, error, anyio.current_time() - began)
            else:
                outcomes[nth] = Created(boot, server, anyio.current_time() - began)

    async with concurrently() as tasks:
        for nth, boot in enumerate(wanted):
            tasks.start_soon(one, nth, boot)
    return [outcomes[nth] for nth in range(len(wanted))]


def _numbered(boots: Boot | Sequence[Boot], count: int | None) -> Sequence[Boot]:
    if not isinstance(boots, Boot):
        if count is not None:
            raise InvalidRequest("a count goes with one Boot; a sequence of them says itself how many")
        return list(boots)
    if count is None:
        return [boots]
    if count < 1:
        raise InvalidRequest(f"count must be at least 1, not {count}")
    return [dataclasses.replace(boots, name=f"{boots.name}-{nth}") for nth in range(1, count + 1)]
