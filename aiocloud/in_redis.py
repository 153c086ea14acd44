"""What lives in a Redis, and does without it while it does not answer. Needs the extra `redis`, and asyncio.

Redis is imported when it is first asked. Its connections belong to an event loop; another loop gets others.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Self
from urllib.parse import urlsplit

import anyio

from aiocloud.errors import ConfigError

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["InRedis"]

logger = logging.getLogger("aiocloud.redis")

LANES = 16  # questions at once, and so connections
PAUSE = 1.0  # seconds without a question after a connection was refused, or broke


class InRedis:
    """Something in the Redis at `url` (`redis://`, `rediss://`, `unix://`), under keys that begin with `prefix`."""

    SECONDS: ClassVar[float]
    """What Redis may take for an answer."""
    QUIET: ClassVar[float]
    """Seconds for which it is left alone when it took longer; between two warnings, too."""
    LOST: ClassVar[str]
    """What its silence costs, for the warning."""
    ON_TRIO: ClassVar[str]
    """What to do instead, where there is no asyncio."""

    def __init__(self, url: str, *, prefix: str) -> None:
        self._url = url
        self._prefix = prefix
        self._client: Redis | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lanes: anyio.CapacityLimiter | None = None
        self._failing = False
        self._quiet_until = self._warn_from = -math.inf

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {_address(self._url)}>"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections to Redis; it can be used again after."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _ask(self, question: Callable[[Redis], Awaitable[Any]], *, otherwise: Any = None) -> Any:
        """Redis's answer; `otherwise` (and a warning) when there is none."""
        client, lanes = self._open()
        async with lanes:
            now = anyio.current_time()
            if now < self._quiet_until:
                return otherwise
            if self._failing:  # one finds out whether it is back; nobody else waits for that
                self._quiet_until = now + self.SECONDS
            from redis.exceptions import RedisError

            try:
                with anyio.fail_after(self.SECONDS):
                    answer = await question(client)
            except (RedisError, OSError) as error:  # a TimeoutError is an OSError
                self._fails(error)
                return otherwise
            self._failing, self._quiet_until = False, -math.inf
            return answer

    def _fails(self, error: Exception) -> None:
        from redis.exceptions import TimeoutError as TookTooLong

        now = anyio.current_time()
        self._failing = True
        self._quiet_until = now + (self.QUIET if isinstance(error, TimeoutError | TookTooLong) else PAUSE)
        if now >= self._warn_from:
            self._warn_from = now + self.QUIET
            logger.warning("%s, Redis does not answer: %s", self.LOST, type(error).__name__)

    def _open(self) -> tuple[Redis, anyio.CapacityLimiter]:
        loop = self._running_loop()
        if self._client is None or self._lanes is None or self._loop is not loop:
            self._client, self._lanes, self._loop = self._connected(), anyio.CapacityLimiter(LANES), loop
        return self._client, self._lanes

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        try:
            return asyncio.get_running_loop()
        except RuntimeError:
            name = type(self).__name__
            raise ConfigError(f"{name} works on asyncio only (redis-py has no trio); {self.ON_TRIO}") from None

    def _connected(self) -> Redis:
        name = type(self).__name__
        try:
            from redis.asyncio import Redis
            from redis.asyncio.retry import Retry
            from redis.backoff import NoBackoff
        except ImportError:
            raise ConfigError(f'{name} needs the extra "redis": pip install "aiocloud[redis]"') from None
        try:
            client: Redis = Redis.from_url(  # pyright: ignore[reportUnknownMemberType]  # its **kwargs are untyped
                self._url,
                socket_connect_timeout=self.SECONDS,
                socket_timeout=self.SECONDS,
                retry=Retry(NoBackoff(), 1),  # a connection that Redis has closed meanwhile
            )
        except ValueError:  # whose words may quote a password with a slash in it
            raise ConfigError(
                f"{name}: this is not the URL of a Redis. It begins with redis://, rediss:// or unix://, and a password "
                "in it is quoted (%2F for /)"
            ) from None
        return client


def _address(url: str) -> str:
    """Where that is, without user, password and options (one of which is a password)."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "?"
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path.rpartition('@')[2]}"
