"""Limits in Redis: one rate for the processes of many machines. Needs the extra `redis`, and asyncio.

A turn is reserved rather than asked for again and again, so nobody starves, and one round trip does it: the generic
cell rate algorithm, which keeps one number, the time when all turns that were given out are over. The time is Redis's
own, so the machines' clocks don't matter. https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm
"""

from __future__ import annotations

import math
from typing import Any

from aiocloud.in_redis import InRedis

__all__ = ["RedisLimits"]

_LONGEST = 1e9  # seconds; a call without a deadline waits for ever

# Times are in whole microseconds outside of Redis: what a script gives back, Redis cuts off after the point.
# What is kept ends with the last turn and the pause: whoever comes later begins anew.
_KEPT = """
local time = redis.call('time')
local now = time[1] * 1000000 + time[2]
local kept = redis.call('hmget', KEYS[1], 'given_until', 'paused_until')
local given, paused = tonumber(kept[1]) or 0, tonumber(kept[2]) or 0
local function keep(name, value)
    redis.call('hset', KEYS[1], name, string.format('%.3f', value))
    redis.call('pexpire', KEYS[1], math.ceil((math.max(given, paused) - now) / 1000))
end
"""
TURN = f"""{_KEPT}
local between, ahead, at_most = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local from = math.max(now, paused)
local turn = math.max(from, given - ahead)
if turn - now <= at_most then
    given = math.max(from, given) + between
    keep('given_until', given)
end
return math.ceil(turn - now)
"""
PAUSED = f"""{_KEPT}
return math.max(0, math.ceil(paused - now))
"""
PAUSE = f"""{_KEPT}
paused = math.max(paused, now + tonumber(ARGV[1]))
keep('paused_until', paused)
"""


class RedisLimits(InRedis):
    """Rates and pauses in the Redis at `url` (`redis://`, `rediss://`, `unix://`), under keys that begin with `prefix`.

    All processes and machines that are given the same one keep to `rate_limit` of clouds.yaml together, and a
    `Retry-After` that one of them got holds them all. They share for each region and service of a cloud: that is a
    cloud where `auth` names the same URL, user and project in the same words, whatever its name in clouds.yaml. A
    request costs a question to Redis, and one more when it had to wait. A wait that is cancelled leaves its turn unused.

    A Redis that does not answer costs 2 seconds every 10, and the sharing: each process then keeps to `rate_limit` by
    itself, and a warning is logged. Who can write to that Redis can hold up requests. Close it with `aclose()`, or use
    it in `async with`, in the event loop that it was used in. ConfigError on trio, and without the extra `redis`.
    """

    SECONDS = 2.0
    QUIET = 10.0
    LOST = "rate limits are not shared"
    ON_TRIO = "on trio, divide rate_limit by the number of processes"

    def __init__(self, url: str, *, prefix: str = "aiocloud:limit:") -> None:
        super().__init__(url, prefix=prefix)

    async def turn(self, key: str, rate: float | None, burst: float, at_most: float) -> float:
        """Reserve the next turn; see `RateLimits.turn`."""
        if rate is None:
            return await self.paused(key)
        between = 1e6 / rate
        longest = math.floor(max(0.0, min(at_most, _LONGEST)) * 1e6)
        return await self._run(TURN, key, between, (burst - 1.0) * between, longest)

    async def paused(self, key: str) -> float:
        """How long a pause still lasts."""
        return await self._run(PAUSED, key)

    async def pause(self, key: str, seconds: float) -> None:
        """No turn comes for so long."""
        await self._run(PAUSE, key, min(seconds, _LONGEST) * 1e6)

    async def _run(self, script: str, key: str, *args: float) -> float:
        """What the script says, in seconds; 0 when Redis does not answer."""
        told: Any = await self._ask(lambda redis: redis.eval(script, 1, self._prefix + key, *args))
        return float(told or 0) / 1e6
