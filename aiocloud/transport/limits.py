"""How fast and how many at once: a bucket for each (cloud, region, service), so that a sick one never starves the rest.

A bucket holds the rate (requests a second, with a burst of one second's worth), the requests in flight, the retry
budget, and what the service taught us: `Retry-After` pauses the whole bucket, a 429 lowers the rate to below what was
refused, from where it grows again until it no longer matters. Where processes keep limits together (rate_limits.py), a
request that its own bucket lets go waits for its turn among all of them, too; what a 429 teaches stays in the process.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import anyio

from aiocloud._http import httpx
from aiocloud.transport.call import Call
from aiocloud.transport.failures import out_of_time
from aiocloud.transport.policy import Budget, Policy
from aiocloud.transport.rate_limits import Share

__all__ = ["Bucket", "Key", "Limits", "Pace", "Settings", "Stats"]

# A token short of one by rounding is one; a sleep too short for the clock to notice would never end.
_ENOUGH = 1.0 - 1e-6

Key = tuple[str | None, str | None, str | None]


@dataclass(frozen=True, slots=True)
class Settings:
    """What is configured for one bucket."""

    policy: Policy = field(default_factory=Policy)
    rate: float | None = None
    """Requests a second; None: as fast as the service takes them."""
    in_flight: int = 100
    """Requests at once: no more than the connection pool has connections, so that none ever queues there."""
    share: Share | None = None
    """The part in limits that several processes keep together."""


@dataclass(frozen=True, slots=True)
class Stats:
    """The counters of one bucket."""

    cloud: str | None
    region: str | None
    service: str | None
    requests: int
    """Handed to the network, retries included."""
    retries: int
    throttled: float
    """Seconds that requests have waited for the rate, a pause or a free slot, added up."""
    refused: int
    """Answers that said: too many requests."""
    in_flight: int
    rate: float | None
    """Requests a second that are allowed now; None: no limit."""
    paused: float
    """Seconds until the service wants to hear of us again."""
    budget: float
    """Retries that may be made now."""


class Pace:
    """A rate with a bounded burst, which slows down when it is told to. Pure: every method is told the time."""

    SLOWEST = 0.2
    FACTOR = 0.7
    GROWTH = 0.1
    """How much the rate grows a second after it was lowered."""

    def __init__(self, rate: float | None, now: float) -> None:
        self._configured = rate
        self.rate = rate
        self._lift: float | None = None
        self._tokens = max(1.0, rate or 1.0)
        self._at = self._since = self.paused_until = now
        self._slowed_at: float | None = None
        self._count = 0
        self._last_rate = 0.0

    def delay(self, now: float) -> float:
        """Seconds until the next request may go."""
        pause = self.paused_until - now
        if self.rate is None:
            return max(0.0, pause)
        rate = self._refill(self.rate, now)
        missing = 0.0 if rate is None or self._tokens >= _ENOUGH else (1.0 - self._tokens) / rate
        return max(0.0, pause, missing)

    def take(self, now: float) -> None:
        """A request goes now."""
        if now - self._since >= 1.0:
            self._last_rate = self._count / (now - self._since)
            self._count, self._since = 0, now
        self._count += 1
        if self.rate is not None:
            self._tokens -= 1.0

    def pause(self, now: float, seconds: float) -> None:
        """Nothing goes for so long."""
        self.paused_until = max(self.paused_until, now + seconds)

    def slow(self, now: float) -> None:
        """The service said: too many. Once a second at most, because requests in flight are refused together."""
        if self._slowed_at is not None and now - self._slowed_at < 1.0:
            return
        self._slowed_at = now
        going = max(self._last_rate, self._count / max(1.0, now - self._since))
        base = going if self.rate is None else min(self.rate, going)
        self._lift = 4.0 * max(base, 1.0)
        self.rate = max(self.SLOWEST, self.FACTOR * base)
        self._tokens = min(self._tokens, 1.0)
        self._at = max(now, self.paused_until)

    def _refill(self, rate: float, now: float) -> float | None:
        """Add the tokens of the time that has passed; give the rate as it is now."""
        passed = now - self._at
        if passed <= 0.0:
            return rate
        self._at = now
        if self._lift is not None:
            rate *= 1.0 + self.GROWTH * passed
            if rate >= min(self._lift, self._configured or self._lift):
                self.rate, self._lift = self._configured, None
                return self.rate
            self.rate = rate
        self._tokens = min(self._tokens + passed * rate, max(1.0, rate))
        return rate


class Bucket:
    """One (cloud, region, service)'s limits and counters."""

    def __init__(self, key: Key, settings: Settings) -> None:
        now = anyio.current_time()
        self.key = key
        self.policy = settings.policy
        self.budget = Budget(now)
        self._pace = Pace(settings.rate, now)
        self._share = settings.share
        self._slots = anyio.CapacityLimiter(settings.in_flight)
        self._turn = anyio.Lock()
        self._requests = self._retries = self._refused = 0
        self._throttled = 0.0

    async def enter(self, request: httpx.Request, call: Call) -> None:
        """Wait for a slot and for the rate's turn. Raises Timeout at once when the wait would pass the deadline."""
        now = anyio.current_time()
        self._check(request, call, now, self._pace.paused_until - now)
        if self._slots.available_tokens > 0 and not self._turn.locked() and not self._pace.delay(now):
            self._slots.acquire_on_behalf_of_nowait(request)
            self._pace.take(now)
        else:
            await self._wait(request, call, now)
        if self._share is not None:
            await self._wait_for_turn(request, call, self._share)
        self._requests += 1

    async def _wait(self, request: httpx.Request, call: Call, started: float) -> None:
        try:
            await self._slots.acquire_on_behalf_of(request)
            try:
                async with self._turn:
                    # Looked at again after each sleep: a pause may have come meanwhile.
                    while delay := self._pace.delay(now := anyio.current_time()):
                        self._check(request, call, now, delay)
                        await anyio.sleep(delay)
                    self._pace.take(now)
            except BaseException:
                self.leave(request)
                raise
        finally:
            self._waited(call, started)

    async def _wait_for_turn(self, request: httpx.Request, call: Call, share: Share) -> None:
        started = now = anyio.current_time()
        try:
            while True:
                at_most = anyio.current_effective_deadline() - now
                turn = await share.turn(at_most)
                now = anyio.current_time()
                delay = max(turn, self._pace.paused_until - now)
                if delay <= 0.0:
                    return
                self._check(request, call, now, delay)
                await anyio.sleep(delay)
                now = anyio.current_time()
                # A pause may have come meanwhile, and taken the turn with it.
                if turn <= at_most and self._pace.paused_until <= now and not await share.paused():
                    return
        except BaseException:
            self.leave(request)
            raise
        finally:
            self._waited(call, started)

    def _waited(self, call: Call, started: float) -> None:
        waited = anyio.current_time() - started
        self._throttled += waited
        call.travel.waited += waited

    def _check(self, request: httpx.Request, call: Call, now: float, delay: float) -> None:
        if call.deadline is not None and delay > 0 and now + delay > call.deadline:
            why = f"{call.service or 'the service'} wants us to wait {delay:.3g} s, which is longer than this call has"
            raise out_of_time(request, call, delay, sent=call.travel.ambiguous, why=why)

    def leave(self, request: httpx.Request) -> None:
        """The request's slot is free again."""
        self._slots.release_on_behalf_of(request)

    def retried(self) -> None:
        """A request is sent again."""
        self._retries += 1

    async def refused(self, too_many: bool, wait: float | None) -> None:
        """The service did not act; `wait` is its Retry-After in seconds, as far as it is obeyed."""
        now = anyio.current_time()
        if wait:
            self._pace.pause(now, wait)
        if too_many:
            self._refused += 1
            self._pace.slow(now)
        if wait and self._share is not None:
            await self._share.pause(wait)

    def stats(self) -> Stats:
        """The counters as they stand."""
        now = anyio.current_time()
        return Stats(
            *self.key,
            requests=self._requests,
            retries=self._retries,
            throttled=self._throttled,
            refused=self._refused,
            in_flight=self._slots.borrowed_tokens,
            rate=self._pace.rate,
            paused=max(0.0, self._pace.paused_until - now),
            budget=self.budget.left(now),
        )


class Limits:
    """The buckets of one session, made when they are first needed."""

    def __init__(self, settings: Callable[[Key], Settings]) -> None:
        self._settings = settings
        self._buckets: dict[Key, Bucket] = {}

    def __getitem__(self, key: Key) -> Bucket:
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = Bucket(key, self._settings(key))
        return bucket

    def stats(self) -> Mapping[Key, Stats]:
        """The counters of every bucket."""
        return {key: bucket.stats() for key, bucket in self._buckets.items()}
