"""The memory of the fake: clouds, their users and tokens, and their regions.

Services are made with their region (`Nova(region)`) and find each other through it
(`region.neutron`). What happens later (a server finishing its boot) is put on the
region's agenda with `region.later()`, and done when the next request or look arrives.
"""

from __future__ import annotations

import hashlib
import heapq
import itertools
import random
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

import anyio
from anyio.lowlevel import RunVar

from aiocloud.testing.http import Fail, Reply, Req, Routes

if TYPE_CHECKING:
    from aiocloud.testing.cinder import Cinder
    from aiocloud.testing.glance import Glance
    from aiocloud.testing.keystone import Keystone
    from aiocloud.testing.neutron import Neutron
    from aiocloud.testing.nova import Nova
    from aiocloud.testing.swift import Swift

T = TypeVar("T")

Wire = dict[str, Any]
"""A resource as the API writes it in JSON."""


class Clock:
    """Seconds since 1970 that pass as the running event loop's time does.

    So trio's `MockClock` moves the fake along, and `move` does it anywhere. Never goes
    back, also from one loop to the next.
    """

    def __init__(self) -> None:
        self._latest = time.time()
        self._moved = 0.0
        self._offset: RunVar[float] = RunVar("aiocloud.testing.clock")

    def move(self, seconds: float) -> None:
        """Let so much time pass at once for the fake: what was to happen by then happens, tokens expire.

        Not for whoever waits: a client that looks again in five seconds still does.
        """
        if seconds < 0:
            raise ValueError("the fake's clock never goes back")
        self._moved += seconds

    def now(self) -> float:
        """Seconds since 1970."""
        return self._running() + self._moved

    def _running(self) -> float:
        try:
            ticks = anyio.current_time()
        except Exception:  # noqa: BLE001 - no loop runs: its type differs from one anyio to the next
            self._latest = max(self._latest, time.time())
            return self._latest
        offset = self._offset.get(None)
        if offset is None:
            offset = max(self._latest, time.time()) - ticks
            self._offset.set(offset)
        self._latest = max(self._latest, ticks + offset)
        return self._latest


def pick(known: Mapping[str, T], name: str | None, wrong: str) -> T:
    """The one of this name, or the first; a `KeyError` that says what there is."""
    if name is None:
        return next(iter(known.values()))
    if name not in known:
        raise KeyError(f"{wrong} {name!r}; there are: {', '.join(known)}")
    return known[name]


def stamp(seconds: float, *, suffix: str = "Z", micro: bool = False) -> str:
    """A time as services write it: "2026-11-02T10:00:00Z"."""
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f" if micro else "%Y-%m-%dT%H:%M:%S")
    return text + suffix


class Ids:
    """Ids that look random and are the same on every run with the same seed."""

    def __init__(self, seed: int | str = 0) -> None:
        self.random = random.Random(seed)

    def uuid(self) -> str:
        """36 characters with dashes."""
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def hex(self) -> str:
        """32 hexadecimal digits, as keystone's ids."""
        return uuid.UUID(int=self.random.getrandbits(128), version=4).hex

    def fixed(self, name: str) -> str:
        """The same uuid for the same name, whatever was made before."""
        digest = hashlib.md5(f"aiocloud:{name}".encode(), usedforsecurity=False).digest()
        return str(uuid.UUID(bytes=digest, version=4))


@dataclass
class Knobs:
    """What tests turn. Times are in seconds."""

    latency: float = 0.0
    """How long every request takes."""
    boot_time: float = 0.05
    """How long a server is in BUILD."""
    work_time: float = 0.0
    """How long volumes, images, snapshots and backups take to be ready."""
    page_size: int = 1000
    """The most items on one page, in every service."""
    token_ttl: float = 3600.0
    """How long tokens are good."""
    rate_limit: float | None = None
    """Requests per second in each service of each region, above which it answers 429."""
    quotas: dict[str, int] = field(default_factory=dict[str, int])
    """Default quotas by their services' names for them: instances, cores, volumes, floatingip ..."""
    max_object_size: int = 5 * 1024**3
    """Bytes: swift's limit for one object."""


class SetKnobs(TypedDict, total=False):
    """Those of `Knobs` that are not as usual, for the checkers."""

    latency: float
    boot_time: float
    work_time: float
    page_size: int
    token_ttl: float
    rate_limit: float | None
    quotas: dict[str, int]
    max_object_size: int


@dataclass
class TokenState:
    """One token, valid or not."""

    value: str
    issued_at: float
    expires_at: float
    user_id: str
    methods: tuple[str, ...]
    roles: tuple[str, ...] = ()
    """Names of roles."""
    project_id: str | None = None
    domain_id: str | None = None
    system: bool = False
    application_credential_id: str | None = None
    audit_ids: tuple[str, ...] = ()
    revoked: bool = False


class CloudState:
    """One cloud: its identity service and its regions."""

    keystone: Keystone

    def __init__(self, name: str, clock: Clock, knobs: Knobs, ids: Ids) -> None:
        self.name = name
        self.clock = clock
        self.knobs = knobs
        self.ids = ids
        self.tokens: dict[str, TokenState] = {}
        self.regions: dict[str, RegionState] = {}

    def region(self, name: str | None = None) -> RegionState:
        """A region by its name, or the first one, with everything due done; `KeyError` for a name that is none."""
        found = pick(self.regions, name, f"the fake cloud {self.name!r} has no region")
        found.settle()
        return found

    def valid_token(self, value: str | None) -> TokenState | None:
        """The token with this value, if it is good now."""
        token = self.tokens.get(value or "")
        if token is None or token.revoked or token.expires_at <= self.clock.now():
            return None
        return token

    def revoke_tokens(self) -> None:
        """Every token given out so far is refused from now on."""
        for token in self.tokens.values():
            token.revoked = True


class RegionState:
    """One region: the memory of each of its services, and what is due there."""

    nova: Nova
    neutron: Neutron
    glance: Glance
    cinder: Cinder
    swift: Swift

    def __init__(self, name: str, cloud: CloudState, kind: str) -> None:
        self.name = name
        self.cloud = cloud
        self.kind = kind
        """Which network there is: "provider", "two-networks" or "floating" (`kinds.py`)."""
        self.knobs = cloud.knobs
        self.clock = cloud.clock
        self.ids = cloud.ids
        self.services: dict[str, Service] = {}
        """By the name in their URL: compute, network, image, volume, object-store."""
        self.quotas: dict[tuple[str, str], int] = {}
        """(project id, quota's name) -> the limit set for that project."""
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        """Do `act` when so much time has passed; at once for 0."""
        if seconds <= 0:
            act()
            return
        heapq.heappush(self._agenda, (self.clock.now() + seconds, next(self._order), act))

    def settle(self) -> None:
        """Do what is due. Called before every request."""
        if not self._agenda:
            return
        now = self.clock.now()
        while self._agenda and self._agenda[0][0] <= now:
            heapq.heappop(self._agenda)[2]()

    def quota(self, project_id: str, name: str, default: int) -> int:
        """The limit for a project; -1 is none."""
        return self.quotas.get((project_id, name), self.knobs.quotas.get(name, default))


class Service:
    """What the frame asks of each service of a region; the services derive from it."""

    type = ""
    """In the catalog: "compute"."""
    mount = ""
    """In its URLs: "{root}/{cloud}/{region}/{mount}"."""

    def __init__(self, region: RegionState) -> None:
        self.region = region
        self.routes = Routes()

    def endpoint(self, base: str, project_id: str) -> str:  # noqa: ARG002 - some need the project
        """The URL in the catalog; `base` is "{root}/{cloud}/{region}/{mount}"."""
        return base

    def begin(self, req: Req) -> None:
        """Before the handler, the token already checked: read the microversion, say."""

    def finish(self, req: Req, reply: Reply) -> Reply:  # noqa: ARG002
        """After the handler (or the refusal): add headers, say."""
        return reply

    def error(self, req: Req, fail: Fail) -> Reply:  # noqa: ARG002
        """The refusal as this service words it. 401 from the middleware is `unauthorized()`."""
        body: dict[str, Any] = {"error": {"code": fail.status, "message": fail.message, "title": fail.kind}}
        return Reply.json(body, fail.status, fail.headers)

    def unauthorized(self, req: Req) -> Reply:
        """No token, or one that is not good."""
        identity = f"{req.root}/{self.region.cloud.name}/identity"
        message = "The request you have made requires authentication."
        body = {"error": {"code": 401, "title": "Unauthorized", "message": message}}
        return Reply.json(body, 401, {"www-authenticate": f'Keystone uri="{identity}"'})
