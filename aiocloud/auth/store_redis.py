"""Tokens in Redis: one login for the processes of many machines. Needs the extra `redis`, and asyncio.

Life is counted by Redis alone (its TTL), so the machines' clocks don't matter. The lease is a key with an end, taken
with `SET NX PX` and given back only by whoever took it: https://redis.io/docs/latest/develop/clients/patterns/distributed-locks/
Whoever can read this Redis can use the tokens: give it a password (an ACL user) and TLS (`rediss://`).
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

import anyio

from aiocloud.auth.store import LEASE, Stored
from aiocloud.errors import ConfigError

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["RedisStore"]

T = TypeVar("T")

logger = logging.getLogger("aiocloud.auth")

PACE = 0.05  # seconds between two looks at a lease that somebody else holds
SECONDS = 5.0  # that Redis may take for an answer ...
QUIET = 30.0  # ... and for which it is not asked again, when it took longer: a login asks it five times
GIVE_BACK = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"
# One round trip for the text and the milliseconds it has left, which belong together.
LOOK = "return {redis.call('get', KEYS[1]), redis.call('pttl', KEYS[1])}"


class RedisStore:
    """Tokens in the Redis at `url` (`redis://`, `rediss://`, `unix://`), under keys that begin with `prefix`.

    A Redis that does not answer costs 5 seconds every half a minute, and the sharing: each process then logs in by
    itself, and a warning is logged. Close it with `aclose()`, or use it in `async with`, in the event loop that it was
    used in. ConfigError on trio, and without the extra `redis`.
    """

    def __init__(self, url: str, *, prefix: str = "aiocloud:token:") -> None:
        self._url = url
        self._prefix = prefix
        self._client: Redis | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._quiet_until = -math.inf

    def __repr__(self) -> str:
        return f"<RedisStore {self._url.rpartition('@')[2]}>"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections to Redis; the store can be used again after."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def get(self, key: str) -> Stored | None:
        found = await self._try(lambda redis: redis.eval(LOOK, 1, self._prefix + key))
        match found:
            case [bytes(text), int(left)] if left > 0:
                return Stored(text.decode(), left / 1000)
            case _:
                return None

    async def put(self, key: str, text: str, ttl: float) -> None:
        if ttl > 0:
            await self._try(lambda redis: redis.set(self._prefix + key, text, px=max(1, int(ttl * 1000))))

    async def delete(self, key: str) -> None:
        await self._try(lambda redis: redis.delete(self._prefix + key))

    @asynccontextmanager
    async def lease(self, key: str) -> AsyncGenerator[None]:
        name, mine = f"{self._prefix}{key}:lease", secrets.token_hex(16)
        try:
            await self._taken(name, mine)
            yield
        finally:
            with anyio.CancelScope(shield=True):
                await self._try(lambda redis: redis.eval(GIVE_BACK, 1, name, mine))

    async def _taken(self, name: str, mine: str) -> None:
        async def held_by_another() -> bool:
            took = await self._try(lambda redis: redis.set(name, mine, nx=True, px=int(LEASE * 1000)), otherwise=True)
            return took is None

        with anyio.move_on_after(LEASE):
            # The holder is another process: there is no event to wait for.
            while await held_by_another():  # noqa: ASYNC110
                await anyio.sleep(PACE * (0.5 + random.random()))

    async def _try(self, ask: Callable[[Redis], Awaitable[T]], *, otherwise: Any = None) -> Any:
        """Redis's answer; `otherwise` (and a warning) when there is none."""
        client = self._redis()
        if anyio.current_time() < self._quiet_until:
            return otherwise
        from redis.exceptions import RedisError
        from redis.exceptions import TimeoutError as TookTooLong

        try:
            with anyio.fail_after(SECONDS):
                return await ask(client)
        except (RedisError, OSError) as error:  # a TimeoutError is an OSError
            logger.warning("tokens are not shared, Redis does not answer: %s", type(error).__name__)
            if isinstance(error, TimeoutError | TookTooLong):
                self._quiet_until = anyio.current_time() + QUIET
            return otherwise

    def _redis(self) -> Redis:
        loop = _running_loop()
        if self._client is None or self._loop is not loop:  # connections belong to their loop
            self._client, self._loop = _client(self._url), loop
        return self._client


def _running_loop() -> asyncio.AbstractEventLoop:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise ConfigError("RedisStore works on asyncio only (redis-py has no trio); use FileStore on trio") from None


def _client(url: str) -> Redis:
    try:
        from redis.asyncio import Redis
    except ImportError:
        raise ConfigError('RedisStore needs the extra "redis": pip install "aiocloud[redis]"') from None
    try:
        client: Redis = Redis.from_url(  # pyright: ignore[reportUnknownMemberType]  # its **kwargs are untyped
            url, socket_connect_timeout=SECONDS, socket_timeout=SECONDS
        )
    except ValueError as error:
        raise ConfigError(f"RedisStore: {str(error).split(chr(10))[0]}") from None
    return client
