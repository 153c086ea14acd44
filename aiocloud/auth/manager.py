"""AuthManager: one login for however many tasks ask, on asyncio and trio, and without a task of its own.

The tasks that need a token queue at a lock, each in its own cancel scope. The first is the leader: it logs in, and the
others find the token when their turn comes. A leader that is cancelled leaves the lock to the next, who leads. A login
that fails fails for everybody who waited for it, and one that was *refused* is not tried again for a while, because
clouds lock accounts. A 401 for a token logs in again only while that token is still the current one.
"""

from __future__ import annotations

import logging
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, replace
from itertools import count
from typing import cast

import anyio

from aiocloud._http import httpx
from aiocloud.auth.conversation import LoginConfig, Pause, Tell
from aiocloud.auth.logins import login
from aiocloud.auth.store import TokenStore, store_key
from aiocloud.auth.token import Token, load_token
from aiocloud.errors import AuthError, CloudError, ConfigError, NormalizationError, Timeout, TransportError

__all__ = ["AuthManager"]

logger = logging.getLogger("aiocloud.auth")

MARGIN = 120.0  # seconds before its end that a token is renewed ...
FRACTION = 0.2  # ... or this part of a short life
JITTER = 0.25  # of the margin, at most: many processes do not renew in the same second
REFUSAL_HOLD = 5.0  # seconds that a refused login is not tried again
TRIES = 4  # of each request of a login, when the identity service fails (500, 502, 503, 504)
BACKOFF = 0.25  # seconds before the second try; doubled for each next one
FAILING = (500, 502, 503, 504)
SLOW = 60.0  # seconds after which a request of a login that fails is not sent once more
PATIENCE = 10.0  # seconds that a request of a renewal may take while the token still serves ...
AGAIN = 10.0  # ... and until the next try, when it failed
REMEMBERED = 16  # refused tokens that are never taken from a store again


@dataclass(frozen=True)
class Held:
    """A token and its times on our own clock: when to renew it, and when it is over."""

    token: Token
    renew_at: float
    ends_at: float


@dataclass(frozen=True)
class Failure:
    """How a login ended badly, and when; `hold` is for how many seconds it is not tried again."""

    error: CloudError
    flight: int
    at: float
    hold: float


class AuthManager:
    """Gives the token of one login to one cloud, logging in or renewing when that is needed.

    `send` carries a request without authentication: it retries and traces, raises only CloudErrors, and returns error
    statuses as responses. `clock` gives seconds that never jump; the wall clock is never asked.
    """

    def __init__(
        self,
        config: LoginConfig,
        send: Callable[[httpx.Request], Awaitable[httpx.Response]],
        *,
        store: TokenStore | None = None,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._config = config
        self._send = send
        self._store = store
        self._key = store_key(config) if store else None
        self._clock = clock
        self._jitter = jitter
        self._lock = anyio.Lock()
        self._held: Held | None = None
        self._failure: Failure | None = None
        self._flights = 0
        self._refused: deque[str] = deque(maxlen=REMEMBERED)

    def __repr__(self) -> str:
        state = "logged in" if self._held else "not logged in"
        return f"<AuthManager of {self._config.name}, {state}>"

    async def token(self) -> Token:
        """The current token; logs in, or renews it, when needed.

        AuthError when the cloud refuses, ConfigError when the configuration can't do, TransportError when it can't be
        reached (the message names the URL).
        """
        held, now = self._held, self._clock()
        # One who renews is enough: nobody else waits for it as long as the token serves.
        if held is not None and (now < held.renew_at or (now < held.ends_at and self._lock.locked())):
            return held.token
        return await self._queue()

    async def renew(self, refused: str) -> Token:
        """A service said 401 to the token `refused`: the current token if it is another one, else a new login's."""
        if refused not in self._refused:
            self._refused.append(refused)
        if self._held is not None and self._held.token.text == refused:
            self._held = None
        return await self.token()

    async def _queue(self) -> Token:
        seen = self._flights
        async with self._lock:
            held, now = self._held, self._clock()
            if held is not None and now < held.renew_at:
                return held.token
            failure = self._failure
            if failure is not None and (failure.flight > seen or now < failure.at + failure.hold):
                return self._last_resort(failure.error)
            return await self._lead()

    async def _lead(self) -> Token:
        """Get a token from the store or by a login. Only the holder of the lock is here."""
        try:
            held = await self._stored()
            if held is None:
                async with self._lease():
                    held = await self._stored() or await self._log_in()
        except CloudError as error:
            self._flights += 1
            hold = REFUSAL_HOLD if _is_refusal(error) else 0.0
            self._failure = Failure(error.for_another(), self._flights, self._clock(), hold)
            if self._held is not None:
                self._held = replace(self._held, renew_at=self._clock() + AGAIN)
            return self._last_resort(error)
        self._flights += 1
        self._held, self._failure = held, None
        return held.token

    def _last_resort(self, error: CloudError) -> Token:
        """A token that was only due for renewal still serves when the renewal fails; else the error."""
        held = self._held
        if held is not None and self._clock() < held.ends_at:
            logger.warning("%s: the token could not be renewed yet: %s", self._config.name, error)
            return held.token
        raise error.for_another() from error.__cause__

    async def _log_in(self) -> Held:
        begun = self._clock()
        token = await self._converse()
        # The cloud may have issued the token as early as we began, and its times count from there.
        lifetime = None if token.lifetime is None else max(1.0, token.lifetime)
        held = self._hold(token, lifetime, since=begun)
        if self._store is not None and self._key is not None and token.lifetime is not None:
            await self._store.put(self._key, token.dump(), max(0.0, held.ends_at - self._clock()))
        logger.debug("%s: logged in, token lives %s s", self._config.name, token.lifetime)
        return held

    async def _converse(self) -> Token:
        talk = login(self._config)
        try:
            step = next(talk)
            while True:
                match step:
                    case Pause(seconds):
                        await anyio.sleep(seconds)
                        step = next(talk)
                    case Tell(message):
                        logger.warning("%s", message)
                        step = next(talk)
                    case _:
                        step = talk.send(await self._carry(step))
        except StopIteration as stop:
            return cast("Token", stop.value)
        except httpx.InvalidURL as error:
            raise AuthError(
                f"the login leads to something that is not a URL: {error}", cloud=self._config.name
            ) from None
        finally:
            talk.close()

    async def _carry(self, request: httpx.Request) -> httpx.Response:
        """Send one request of a login; try again while the identity service fails, since a login may be repeated."""
        where = str(request.url.copy_with(query=None, userinfo=b""))
        began, patience = anyio.current_time(), self._patience()
        with anyio.move_on_after(patience):
            for attempt in count(1):
                try:
                    response = await self._send(request)
                    await response.aread()
                except (TransportError, Timeout) as error:
                    # What was never sent was tried often enough by the transport.
                    unsent = isinstance(error, TransportError) and not error.sent
                    if unsent or attempt == TRIES or anyio.current_time() > began + SLOW:
                        raise _unreachable(error, where, self._config.name) from error.__cause__
                else:
                    if attempt == TRIES or response.status_code not in FAILING:
                        return response
                await anyio.sleep(BACKOFF * 2 ** (attempt - 1) * (0.5 + self._jitter()))
        raise _unreachable(Timeout(f"no answer within {patience:.3g} s"), where, self._config.name)

    def _patience(self) -> float | None:
        """Seconds that a request may take: as long as the token serves, its renewal must not cost a call its time."""
        if self._held is None or self._clock() >= self._held.ends_at:
            return None
        return min(PATIENCE, 0.5 * (anyio.current_effective_deadline() - anyio.current_time()))

    async def _stored(self) -> Held | None:
        """The store's token, unless there is none, or it is as good as over, or was refused already."""
        if self._store is None or self._key is None:
            return None
        stored = await self._store.get(self._key)
        if stored is None:
            return None
        try:
            token = load_token(stored.text)
        except NormalizationError as error:
            logger.warning("%s: %s", self._config.name, error)
            return None
        if token.text in self._refused:
            return None
        held = self._hold(token, stored.ttl, since=self._clock(), whole=token.lifetime)
        return held if self._clock() < held.renew_at else None

    def _lease(self) -> AbstractAsyncContextManager[None]:
        if self._store is None or self._key is None:
            return nullcontext()
        return self._store.lease(self._key)

    def _hold(self, token: Token, left: float | None, *, since: float, whole: float | None = None) -> Held:
        """When to renew a token that has `left` seconds of a life of `whole` (or `left`)."""
        if left is None:
            return Held(token, float("inf"), float("inf"))
        margin = min(MARGIN, FRACTION * (whole or left)) * (1 + JITTER * self._jitter())
        return Held(token, since + left - margin, since + left)


def _is_refusal(error: CloudError) -> bool:
    status = error.status_code
    return isinstance(error, AuthError | ConfigError) and (status is None or 400 <= status < 500)


def _unreachable(error: TransportError | Timeout, where: str, cloud: str) -> CloudError:
    told = error.for_another()
    told.message = f"can't log in at {where}: {error.message}"
    told.cloud, told.url = cloud, where
    return told
