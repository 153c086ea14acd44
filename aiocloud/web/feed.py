"""What is known of every cloud's servers, kept fresh: each cloud is asked at its own pace, so a slow one delays no other."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

import anyio

from aiocloud.cloud import Cloud
from aiocloud.fleet import Failed, Fleet
from aiocloud.services.compute.server import Server

__all__ = ["CloudView", "Feed", "ServerView"]

_MISSED = 2  # looks that may be missing ...
_PATIENCE = 10.0  # ... and seconds that one may take longer than the last, before what is shown counts as old


@dataclass(frozen=True)
class ServerView:
    """One server, as a board shows it."""

    id: str
    name: str
    status: str
    task: str
    address: str
    flavor: str
    image: str
    created: str

    @classmethod
    def of(cls, server: Server) -> ServerView:
        """The few facts that a board has room for."""
        return cls(
            id=server.id,
            name=server.name,
            status=server.status,
            task=server.task_state or "",
            address=server.interface_ip or server.public_v4 or server.private_v4,
            flavor=server.flavor.name or server.flavor.id or "",
            image=(server.image.name or server.image.id) if server.image else "",
            created=server.created_at or "",
        )


@dataclass(frozen=True)
class CloudView:
    """One cloud region, as it was when it last answered, or `error`: why it did not this time."""

    cloud: str
    region: str
    state: Literal["asking", "up", "down"] = "asking"
    servers: tuple[ServerView, ...] = ()
    error: str = ""
    elapsed: float = 0.0
    requests: int = 0
    at: str = ""
    """When it was asked last: ISO 8601, UTC."""
    seen: float | None = None
    """When `servers` were seen, in seconds of `time.monotonic`; None before they ever were."""
    good_for: float = 0.0
    """Seconds after which they are old: the cloud should have been seen again by then."""

    @property
    def where(self) -> str:
        """Cloud and region."""
        return f"{self.cloud} {self.region}".strip()

    @property
    def age(self) -> float | None:
        """Seconds since `servers` were seen."""
        return None if self.seen is None else time.monotonic() - self.seen

    @property
    def old(self) -> bool:
        """Are `servers` what was there a while ago, because the cloud fails or does not answer?"""
        return self.age is not None and self.age > self.good_for

    def to_dict(self) -> dict[str, Any]:
        """As JSON wants it: with the `age` instead of a time on a clock that nobody else has."""
        facts = {key: value for key, value in vars(self).items() if key != "seen"}
        return {**facts, "servers": [vars(server) for server in self.servers], "age": self.age}


@dataclass
class Feed:
    """The views of a fleet. `run` keeps them fresh, `changes` tells them."""

    fleet: Fleet
    interval: float = 5.0
    """Seconds between an answer and the next question."""
    views: dict[str, CloudView] = field(default_factory=dict[str, CloudView])

    def __post_init__(self) -> None:
        for cloud in self.fleet.clouds:
            self.views[cloud.where] = CloudView(cloud.name, cloud.region_name or "")
        for broken in self.fleet.unusable:
            self.views[broken.where] = CloudView(
                broken.name, broken.region_name or "", "down", error=str(broken.error), at=_now()
            )
        self._changed = anyio.Event()
        self._ended = False

    @property
    def complete(self) -> bool:
        """Has every cloud answered, or failed to, at least once?"""
        return all(view.state != "asking" for view in self.views.values())

    async def run(self) -> None:
        """Ask every cloud again and again, until cancelled."""
        async with anyio.create_task_group() as tasks:
            for cloud in self.fleet.clouds:
                tasks.start_soon(self._watch, cloud)

    async def once(self) -> None:
        """Ask every cloud once."""
        async with anyio.create_task_group() as tasks:
            for cloud in self.fleet.clouds:
                tasks.start_soon(self._ask, cloud)

    def end(self) -> None:
        """Let every `changes` come to its end: a server that stops waits for the pages that are open."""
        self._ended = True
        self._wake()

    async def changes(self, quiet: float | None = None) -> AsyncGenerator[list[CloudView]]:
        """All views, then those that have changed, as they do; an empty list after `quiet` seconds without any.

        A slow reader misses steps, never the last state. Read it inside `aclosing`.
        """
        seen: dict[str, CloudView] = {}
        while not self._ended:
            changed = self._changed
            fresh = [view for where, view in self.views.items() if seen.get(where) is not view]
            seen |= {view.where: view for view in fresh}
            if fresh:
                yield fresh
                continue
            with anyio.move_on_after(quiet) as scope:
                await changed.wait()
            if scope.cancelled_caught:
                yield []

    async def _watch(self, cloud: Cloud) -> None:
        while True:
            await self._ask(cloud)
            await anyio.sleep(self.interval)

    async def _ask(self, cloud: Cloud) -> None:
        alone = self.fleet.select(where=lambda member: member is cloud).with_options(on_error="collect")
        (outcome,) = await alone.map(Cloud.list_servers)
        asked = replace(self.views[cloud.where], elapsed=outcome.elapsed, requests=outcome.requests, at=_now())
        if isinstance(outcome, Failed):
            error = str(outcome.error) or type(outcome.error).__name__
            view = replace(asked, state="down", error=error)
        else:
            servers = _views(outcome.value)
            good_for = self.interval * _MISSED + outcome.elapsed + _PATIENCE
            view = replace(asked, state="up", error="", servers=servers, seen=time.monotonic(), good_for=good_for)
        self.views[cloud.where] = view
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()


def _views(servers: Iterable[Server]) -> tuple[ServerView, ...]:
    return tuple(sorted((ServerView.of(server) for server in servers), key=lambda view: (view.name, view.id)))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
