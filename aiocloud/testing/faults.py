"""What goes wrong on purpose, and the record of what was asked."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Literal

from aiocloud.testing.http import Fail, Reply

SERVICES = ("identity", "compute", "network", "image", "object-store", "block-storage")
"""As the catalog names them."""

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "COPY", "OPTIONS")

When = Literal["before", "after"]


def check_pattern(service: str | None, method: str | None, path: str | None) -> None:
    """Refuse, with a `ValueError`, what no request can ever match, for a test would pass for the wrong reason."""
    for value, known, wrong in (
        (service, SERVICES, "the fake has no service"),
        (method, METHODS, "no request's method is"),
    ):
        if value is not None and value not in known:
            raise ValueError(f"{wrong} {value!r}; there are: {', '.join(known)}")
    if path is not None and path[:1] not in {"/", "*", "?", "["}:
        raise ValueError(f"no path matches {path!r}: paths start with '/', so this has to start with '/' or '*'")


class Cut(Exception):
    """The connection ends, or falls silent, instead of an answer.

    `how`: "refused" no connection, "reset" the connection breaks, "silence" no answer ever.
    """

    def __init__(self, how: Literal["refused", "reset", "silence"]) -> None:
        super().__init__(how)
        self.how = how


@dataclass
class Received:
    """One request that reached the fake."""

    cloud: str
    region: str
    """"" for the identity service, which is not regional."""
    service: str
    """As in the catalog: "compute", "network", "image", "block-storage", "object-store", "identity"."""
    method: str
    path: str
    """Below the service's root: "/v2.1/servers"."""
    query: list[tuple[str, str]]
    headers: Mapping[str, str]
    at: float
    """Seconds since 1970, on the fake's clock."""
    status: int = 0
    """What was answered; 0 for nothing (yet)."""


@dataclass
class Fault:
    """One thing that goes wrong, for the requests it matches.

    `path` is a glob on the path below the service's root ("*/servers/*/action"). The
    first `after` matching requests pass; then it strikes `times` times (None: always),
    each with `probability`.

    `status` (with `headers` and `body`, where str is sent as it is and anything else as
    JSON) answers in the service's place. `reset` and `timeout` break or silence the
    connection "before" or "after" the service acted; `reset="refused"` lets no
    connection happen. `delay` (seconds) comes first. `mutate` changes the real answer.
    One that could never match is a `ValueError`; `struck` tells whether it ever did.
    """

    service: str | None = None
    method: str | None = None
    path: str | None = None
    cloud: str | None = None
    region: str | None = None
    times: int | None = 1
    after: int = 0
    probability: float = 1.0
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: Any = None
    reset: When | Literal["refused"] | None = None
    timeout: When | None = None
    delay: float = 0.0
    mutate: Callable[[Reply], Reply] | None = None
    struck: int = 0
    """How often it struck so far."""

    def __post_init__(self) -> None:
        check_pattern(self.service, self.method, self.path)
        if self.status is None and (self.body is not None or self.headers):
            raise ValueError("a fault with headers or a body needs the status that they come with")

    def matches(self, request: Received) -> bool:
        """Is this request one it is about?"""
        wanted = (
            (self.service, request.service),
            (self.method, request.method),
            (self.cloud, request.cloud),
            (self.region, request.region),
        )
        return all(want is None or want == is_ for want, is_ in wanted) and (
            self.path is None or fnmatchcase(request.path, self.path)
        )

    def strikes(self, dice: random.Random) -> bool:
        """Does it strike now? Counts."""
        if self.times is not None and self.struck >= self.times:
            return False
        if self.after > 0:
            self.after -= 1
            return False
        if self.probability < 1.0 and dice.random() >= self.probability:
            return False
        self.struck += 1
        return True

    def cut(self, when: When) -> None:
        """Break off, if that is to happen now."""
        if when == "before" and self.reset == "refused":
            raise Cut("refused")
        if self.reset == when:
            raise Cut("reset")
        if self.timeout == when:
            raise Cut("silence")

    def refuse(self) -> None:
        """Let the service refuse in its own words, when there is a status and no body."""
        if self.status is not None:
            raise Fail(self.status, "The fake cloud was told to fail.", headers=self.headers)

    def reply(self) -> Reply | None:
        """The answer in the service's place; None where it only has a status or none at all."""
        if self.status is None or self.body is None:
            return None
        if isinstance(self.body, (str, bytes)):
            content = self.body.encode() if isinstance(self.body, str) else self.body
            return Reply(self.status, content, {"content-type": "text/html; charset=UTF-8", **self.headers})
        return Reply(self.status, json.dumps(self.body).encode(), {"content-type": "application/json", **self.headers})
