"""Limits that several processes keep together: what such a thing must do, and one bucket's part in it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Protocol

from aiocloud.auth.store import without_secrets
from aiocloud.config.schema import CloudConfig

__all__ = ["RateLimits", "Share", "limit_key"]


class RateLimits(Protocol):
    """Turns that are taken one after another, whoever asks. Times are in seconds; keys hold no secret.

    None of these fails a request: what goes wrong is logged, and there is nothing to wait for. Each process keeps to
    the configured rate by itself as well.
    """

    async def turn(self, key: str, rate: float | None, burst: float, at_most: float) -> float:
        """Reserve the next turn: how long until it comes, 0 for now.

        Turns come `rate` a second, up to `burst` of them at once after a time without any, and none before a pause is
        over. One that is further away than `at_most` is told, but not reserved. Rate None: only pauses count.
        """
        ...

    async def paused(self, key: str) -> float:
        """How long a pause still lasts. The turns that lie in it are lost: reserve another one."""
        ...

    async def pause(self, key: str, seconds: float) -> None:
        """No turn comes for so long; a shorter pause ends no longer one."""
        ...


@dataclass(frozen=True, slots=True)
class Share:
    """One bucket's part in limits that are kept together."""

    limits: RateLimits
    key: str
    rate: float | None

    async def turn(self, at_most: float) -> float:
        """Reserve this bucket's next turn; see `RateLimits.turn`."""
        return await self.limits.turn(self.key, self.rate, max(1.0, self.rate or 1.0), at_most)

    async def paused(self) -> float:
        """How long a pause still lasts."""
        return await self.limits.paused(self.key)

    async def pause(self, seconds: float) -> None:
        """Hold all processes."""
        await self.limits.pause(self.key, seconds)


def limit_key(config: CloudConfig, region: str | None, service: str | None) -> str:
    """Whose limit it is: where, who and for what project, then the region and the service. No secret is in it.

    The cloud's name in clouds.yaml does not count, unless nothing else tells where it is.
    """
    told = without_secrets(config)
    url = told.pop("auth_url", None) or told.pop("endpoint", None) or config.remote_profile
    where = url.rstrip("/").removesuffix("/v3") if url else ["a cloud called", config.name]
    whose = hashlib.sha256(json.dumps([where, told], sort_keys=True).encode()).hexdigest()
    return f"{whose[:32]}:{region or ''}:{service or ''}"
