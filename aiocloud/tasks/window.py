"""How many parts of a transfer are under way at once: more while that makes it faster, fewer when the service is in trouble."""

from __future__ import annotations

import anyio

from aiocloud._http import httpx
from aiocloud.transport.call import call_of

__all__ = ["Window", "had_trouble"]


class Window:
    """Slots for parts. It opens by half as long as that makes it a quarter faster: a slot costs a connection and memory.

    A round is two completions a slot. Trouble (429, 503, resets, timeouts) halves it, at most once a round; rounds without
    trouble then win the lost slots back one by one.
    """

    def __init__(self, start: int = 8, most: int = 16) -> None:
        self._limiter = anyio.CapacityLimiter(max(1, min(start, most)))
        self._most = max(1, most)
        self._growing = True
        self._lost = 0
        self._begin()
        self._last_rate = 0.0

    @property
    def size(self) -> int:
        """How many may be under way now."""
        return int(self._limiter.total_tokens)

    def _begin(self) -> None:
        self._since = anyio.current_time()
        self._count = 0
        self._bytes = 0
        self._troubled = False

    async def acquire(self, part: object) -> None:
        """Wait for a slot, in the name of a part."""
        await self._limiter.acquire_on_behalf_of(part)

    def release(self, part: object) -> None:
        """The part's slot is free again."""
        self._limiter.release_on_behalf_of(part)

    def ended(self, count: int, *, trouble: bool) -> None:
        """A part of so many bytes is through."""
        self._count += 1
        self._bytes += count
        if trouble and not self._troubled:
            self._troubled = True
            self._growing = False
            self._lost = max(self._lost, self.size)
            self._limiter.total_tokens = max(1, self.size // 2)
        if self._count >= 2 * self.size:
            self._next_round()

    def _next_round(self) -> None:
        rate = self._bytes / max(anyio.current_time() - self._since, 1e-6)
        self._growing = self._growing and rate > 1.25 * self._last_rate
        if self._growing:
            self._limiter.total_tokens = min(self._most, self.size + max(1, self.size // 2))
        elif not self._troubled and self.size < self._lost:
            self._limiter.total_tokens += 1
        self._last_rate = rate
        self._begin()


def had_trouble(response: httpx.Response) -> bool:
    """Did this answer take more than one attempt?"""
    return call_of(response.request).travel.attempts > 1
