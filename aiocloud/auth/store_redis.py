"""Tokens in Redis: one login for the processes of many machines. Needs the extra `redis`, and asyncio.

Life is counted by Redis alone (its TTL), so the machines' clocks don't matter. The lease is a key with an end, taken
with `SET NX PX` and given back only by whoever took it: https://redis.io/docs/latest/develop/clients/patterns/distributed-locks/
Whoever can read this Redis can use the tokens: give it a password (an ACL user) and TLS (`rediss://`).
"""

from __future__ import annotations

import random
import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio

from aiocloud.auth.store import LEASE, Stored
from aiocloud.in_redis import InRedis

__all__ = ["RedisStore"]

PACE = 0.05  # seconds between two looks at a lease that somebody else holds
GIVE_BACK = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"
# One round trip for the text and the milliseconds it has left, which belong together.
LOOK = "return {redis.call('get', KEYS[1]), redis.call('pttl', KEYS[1])}"


class RedisStore(InRedis):
    """Tokens in the Redis at `url` (`redis://`, `rediss://`, `unix://`), under keys that begin with `prefix`.

    A Redis that does not answer costs 5 seconds every half a minute, and the sharing: each process then logs in by
    itself, and a warning is logged. Close it with `aclose()`, or use it in `async with`, in the event loop that it was
    used in. ConfigError on trio, and without the extra `redis`.
    """

    SECONDS = 5.0
    QUIET = 30.0  # a login asks five times
    LOST = "tokens are not shared"
    ON_TRIO = "use FileStore on trio"

    def __init__(self, url: str, *, prefix: str = "aiocloud:token:") -> None:
        super().__init__(url, prefix=prefix)

    async def get(self, key: str) -> Stored | None:
        found = await self._ask(lambda redis: redis.eval(LOOK, 1, self._prefix + key))
        match found:
            case [bytes(text), int(left)] if left > 0:
                return Stored(text.decode(), left / 1000)
            case _:
                return None

    async def put(self, key: str, text: str, ttl: float) -> None:
        if ttl > 0:
            await self._ask(lambda redis: redis.set(self._prefix + key, text, px=max(1, int(ttl * 1000))))

    async def delete(self, key: str) -> None:
        await self._ask(lambda redis: redis.delete(self._prefix + key))

    @asynccontextmanager
    async def lease(self, key: str) -> AsyncGenerator[None]:
        name, mine = f"{self._prefix}{key}:lease", secrets.token_hex(16)
        try:
            await self._taken(name, mine)
            yield
        finally:
            with anyio.CancelScope(shield=True):
                await self._ask(lambda redis: redis.eval(GIVE_BACK, 1, name, mine))

    async def _taken(self, name: str, mine: str) -> None:
        async def held_by_another() -> bool:
            took = await self._ask(lambda redis: redis.set(name, mine, nx=True, px=int(LEASE * 1000)), otherwise=True)
            return took is None

        with anyio.move_on_after(LEASE):
            # The holder is another process: there is no event to wait for.
            while await held_by_another():  # noqa: ASYNC110
                await anyio.sleep(PACE * (0.5 + random.random()))
