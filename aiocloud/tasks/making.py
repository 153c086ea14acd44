"""How a server comes to be: one POST, its address seen to while it still boots, and nothing left when it fails."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from typing import Any

import anyio

from aiocloud.concurrent import concurrently
from aiocloud.errors import NoPublicAddress, Timeout
from aiocloud.model import Which
from aiocloud.poller import PASSING
from aiocloud.progress import OnProgress
from aiocloud.reconcile import MARK
from aiocloud.region import Region
from aiocloud.services.compute.server import NewServer, Server
from aiocloud.services.network.port import Port
from aiocloud.tasks.addresses import Reach, reach, with_addresses
from aiocloud.tasks.boot import Boot, Found, look_up, new_server
from aiocloud.tasks.boot_volumes import delete_with_volumes, kept, makes_volumes
from aiocloud.tasks.facts import ports_of
from aiocloud.tasks.floating_ips import add_ips_to_server, at_address, check_free, pool_id
from aiocloud.tasks.undo import Undo

__all__ = ["LONGEST_PAUSE", "Giving", "look_up_addresses", "make_server", "wait_and_give"]

_log = logging.getLogger("aiocloud.servers")

_TRY = "aiocloud:try"
"""The metadata key under which each of several servers says which of our requests made it."""

LONGEST_PAUSE = 2.0
"""Seconds between two looks at servers that are waited for."""

_FOR_ADDRESSES = 30.0
"""Seconds that a server which is ACTIVE just in time still has for its addresses."""


@dataclass(frozen=True)
class Giving:
    """Which addresses a server shall be given."""

    auto_ip: bool = True
    ips: Sequence[str] | None = None
    ip_pool: Which | None = None
    reuse: bool = False
    nat_destination: str | None = None

    @property
    def addresses(self) -> Sequence[str]:
        """The floating IPs that it shall have."""
        return [self.ips] if isinstance(self.ips, str) else self.ips or ()

    @property
    def by_hand(self) -> bool:
        """Are certain ones asked for?"""
        return bool(self.ips) or self.ip_pool is not None


async def make_server(
    cloud: Region, boot: Boot, giving: Giving, *, wait: bool, timeout: float, progress: OnProgress = None
) -> Server:
    """Make one; see `create_server`."""
    found, giving = await _look_up(cloud, boot, giving)
    spec = new_server(boot, found)
    async with Undo(cloud) as undo:
        server = await _post(cloud, spec, undo)
        if wait:
            # As many ports as networks; Nova's own choice is one. A port that was there before may have an address already.
            ports = len(found.networks) if found.networks is not None else 1
            fresh = not any(network.get("port") for network in found.networks or ())
            early = _Early(ports=ports, fresh=fresh)
            now = await wait_and_give(cloud, server.id, giving, undo, timeout=timeout, early=early, progress=progress)
        else:
            now = await _look_at(cloud, server.changed(name=spec.name))
        return now.changed(admin_pass=server.admin_pass)


async def _look_up(cloud: Region, boot: Boot, giving: Giving) -> tuple[Found, Giving]:
    """Everything that is named, the addresses too, looked up at once. Raises InvalidRequest for what can't be had."""
    looked: list[Giving] = []

    async def addresses() -> None:
        looked.append(await look_up_addresses(cloud, giving, check_free))

    async with concurrently() as tasks:
        tasks.start_soon(addresses)
        found = await look_up(cloud, boot)
    return found, looked[0]


async def look_up_addresses(
    cloud: Region, giving: Giving, check: Callable[[Region, str], Coroutine[Any, Any, object]] = at_address
) -> Giving:
    """The addresses that are asked for, their pool by id. Raises InvalidRequest for a pool, or an address, that is not there.

    A server that was there before may have the address already; for a new one `check` is `check_free`.
    """
    if giving.ip_pool is not None:
        return replace(giving, ip_pool={"id": await pool_id(cloud, giving.ip_pool)})
    async with concurrently() as tasks:
        for address in giving.addresses:
            tasks.start_soon(check, cloud, address)
    return giving


async def _post(cloud: Region, spec: NewServer, undo: Undo) -> Server:
    """One POST, reconciled by its mark when it ends ambiguously; known to `undo` from before it is sent."""
    servers, devices = cloud.compute.servers, spec.block_device_mapping
    many = max(spec.min_count or 1, spec.max_count or 1) > 1
    tries = count(1)

    async def send() -> Server:
        # Of several, each says also which request made it: those of one that was thought lost are too many.
        marks = {MARK: undo.mark, **({_TRY: str(next(tries))} if many else {})}
        metadata = {**(spec.metadata or {}), **marks}
        marked = spec.model_copy(update={"metadata": metadata})
        marked.model_fields_set.add("metadata")
        return (await servers.create_from(marked)).changed(metadata=metadata)

    def together(one: Server, other: Server) -> bool:
        return many and one.metadata.get(_TRY) == other.metadata.get(_TRY)

    # Nova numbers the names of several that are made at once.
    name = f"^{re.escape(spec.name)}{'' if many else '$'}"

    async def look() -> list[Server]:
        found = await servers.list(name=name)
        return sorted((s for s in found if s.metadata.get(MARK) == undo.mark), key=lambda s: s.created_at or "")

    async def remove(id: str) -> None:
        there = {server.id: server for server in await look()} if many else {}
        for one in [each for each in there if id in there and together(there[id], there[each])] or [id]:
            if makes_volumes(devices):
                await delete_with_volumes(cloud, one, kept(devices), partial(undo.names, "volume"))
            else:
                await servers.delete(one)

    if makes_volumes(devices):
        await undo.keeps(kept(devices))
    return await undo.create("server", send, look, remove, name=spec.name, together=together)


async def _look_at(cloud: Region, made: Server) -> Server:
    """Nova answers a create with little more than the id. Who makes many at once looks at them together.

    A server that can't be looked at, since Nova is too busy say, is there all the same: it is given as Nova has answered.
    """
    servers = cloud.compute.servers
    # What is asked for others too has no timeout or request id of our own.
    own = cloud.options != cloud.options.for_all()
    try:
        return (None if own else await servers.poll.look(made.id)) or await servers.get(made)
    except PASSING as error:
        _log.warning("%s: server %s is made, but can't be looked at: %s", cloud.where, made.id, error)
        return made


@dataclass
class _Early:
    """A server that was made just now, and how it will be reached, once that is known."""

    ports: int = 1
    """So many it will have."""
    fresh: bool = True
    """Its ports are made with it, so no floating IP leads to them."""
    waiting: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    reached: Reach | None = None


async def wait_and_give(
    cloud: Region,
    server_id: str,
    giving: Giving,
    undo: Undo,
    *,
    timeout: float,
    early: _Early | None = None,
    progress: OnProgress = None,
) -> Server:
    """Wait until a server is ACTIVE and give it its addresses; a new server's as soon as it has a port, while it boots.

    Raises as `wait_for_server` does.
    """
    ends = anyio.current_time() + timeout
    with anyio.CancelScope() as scope:
        async with concurrently() as tasks:
            if early is not None and giving.auto_ip and not giving.by_hand:
                tasks.start_soon(_reach_early, cloud, server_id, giving, undo, early)
            seen = await cloud.compute.servers.wait(
                server_id,
                until="ACTIVE",
                timeout=timeout,
                interval=LONGEST_PAUSE,
                at_once=early is None,
                progress=progress,
            )
            scope.deadline = max(ends, anyio.current_time() + _FOR_ADDRESSES)
            if early is not None:
                early.waiting.cancel()
        return await _given(cloud, seen, giving, undo, early.reached if early is not None else None)
    raise Timeout(
        f"server {server_id} is ACTIVE, but its addresses were not seen to within {timeout:g} seconds",
        cloud=cloud.name,
        region=cloud.region_name,
    )


async def _given(cloud: Region, seen: Server, giving: Giving, undo: Undo, reached: Reach | None) -> Server:
    """A server that is ACTIVE, with its addresses; how it is `reached` may be known from when it booted."""
    if giving.by_hand:
        return await add_ips_to_server(
            cloud,
            seen,
            giving.auto_ip,
            giving.ips,
            giving.ip_pool,
            reuse=giving.reuse,
            nat_destination=giving.nat_destination,
        )
    if not giving.auto_ip:
        return (await with_addresses(cloud, [seen]))[0]
    if reached is None or not reached.seen_in(seen):
        reached = await reach(cloud, seen, undo, nat_destination=giving.nat_destination, reuse=giving.reuse)
    return reached.joined(cloud, seen)


async def _reach_early(cloud: Region, server_id: str, giving: Giving, undo: Undo, early: _Early) -> None:
    """Attach the floating IP while the server still boots. Where there is no way yet, there may be one when it is ACTIVE."""

    def are_there(ports: tuple[Port, ...] | None) -> bool:
        return sum(bool(port.fixed_ips) for port in ports or ()) >= early.ports

    if not await cloud.has_service("network"):
        return
    ports: tuple[Port, ...] | None = None
    with early.waiting:
        ports = await ports_of(cloud).wait(
            server_id,
            are_there,
            what=f"the port of {server_id}",
            timeout=math.inf,
            interval=LONGEST_PAUSE,
            at_once=False,
        )
    if early.waiting.cancelled_caught:
        return
    with suppress(NoPublicAddress):
        early.reached = await reach(
            cloud,
            Server(id=server_id),
            undo,
            nat_destination=giving.nat_destination,
            reuse=giving.reuse,
            ports=ports,
            floating=not early.fresh,
        )
