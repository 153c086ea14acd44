"""One poll for everybody who waits.

Who waits for a server asks the `Poll` of its region, not Nova: while few wait, each look is a GET of one server; when
many do, one listing serves them all. Nobody polls in the background: whichever waiter's turn it is makes the request,
in its own cancel scope, and the others take what it found; if it is cancelled, the next one goes on.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Generic, TypeVar

import anyio

from aiocloud.errors import CloudError, NotFound, RateLimited, ServiceFailed, Timeout, TransportError

__all__ = ["Poll", "Shared", "intervals", "wait_for"]

T = TypeVar("T")

# A look that ends like this says nothing of the thing that is waited for: look again.
_PASSING = (TransportError, ServiceFailed, RateLimited, Timeout)


def intervals(most: float) -> Callable[[], float]:
    """Seconds until the next look: short at first, longer with each look up to `most`, never the same for everybody."""
    nth = 0

    def next_interval() -> float:
        nonlocal nth
        nth += 1
        return min(most, most / 8 * 1.5**nth) * random.uniform(0.8, 1.2)

    return next_interval


async def wait_for(
    fetch: Callable[[], Awaitable[T]], until: Callable[[T], bool], *, what: str, timeout: float, interval: float = 2.0
) -> T:
    """Look again and again until it is so, and give the last look.

    `interval` is the longest pause between looks in seconds; `timeout` the time it may take in all. A look that fails in
    passing (no connection, 5xx, 429) is made again. Raises Timeout, naming `what` was waited for; whatever `until` raises
    ends the wait.
    """
    pause = intervals(interval)
    trouble: CloudError | None = None
    with anyio.move_on_after(timeout if timeout < math.inf else None):
        while True:
            try:
                seen = await fetch()
            except _PASSING as error:
                trouble = error
            else:
                if until(seen):
                    return seen
            await anyio.sleep(pause())
    last = f"; the last look failed: {trouble}" if trouble else ""
    raise Timeout(f"{what} did not happen within {timeout:g} seconds{last}") from trouble


class Shared(Generic[T]):
    """A value that many tasks want at once: fetched by one of them, for all who came while it was under way."""

    def __init__(self, fetch: Callable[[], Awaitable[T]]) -> None:
        self._fetch = fetch
        self._lock = anyio.Lock()
        self._value: tuple[float, T] | None = None

    async def get(self, max_age: float = 0.0) -> T:
        """The value, fetched no longer than `max_age` seconds before this call, or by somebody while it waited."""
        oldest = anyio.current_time() - max_age
        async with self._lock:
            if self._value is None or self._value[0] < oldest:
                # Fetched under the lock: a cancelled fetch hands over to the next in the queue.
                began = anyio.current_time()
                self._value = (began, await self._fetch())
            return self._value[1]


class Poll(Generic[T]):
    """The shared look at all resources of one kind in one region that somebody waits for."""

    def __init__(
        self,
        get: Callable[[str], Awaitable[T]],
        many: Callable[[AbstractSet[str]], Awaitable[Mapping[str, T]]],
        *,
        few: int = 2,
    ) -> None:
        self._get = get
        self._few = few
        self._waiting: Counter[str] = Counter()
        self._listing = Shared(lambda: many(set(self._waiting)))

    async def wait(
        self,
        id: str,
        until: Callable[[T | None], bool],
        *,
        what: str,
        timeout: float,
        interval: float = 2.0,
    ) -> T | None:
        """Wait until it is so of the resource with this id; None stands for one that is gone.

        The deadline and the cancellation are each waiter's own. Raises as `wait_for` does.
        """
        self._waiting[id] += 1
        try:
            return await wait_for(
                lambda: self._look(id, interval), until, what=what, timeout=timeout, interval=interval
            )
        finally:
            self._waiting[id] -= 1
            if not self._waiting[id]:
                del self._waiting[id]

    async def _look(self, id: str, interval: float) -> T | None:
        if len(self._waiting) <= self._few:
            try:
                return await self._get(id)
            except NotFound:
                return None
        # Half an interval old is new enough: everybody's looks fall together into one listing.
        return (await self._listing.get(max_age=interval / 2)).get(id)
