"""What the layers must know of a request beyond HTTP: where it goes, until when, whether it may be repeated."""

from __future__ import annotations

from dataclasses import dataclass, field

from aiocloud._http import httpx
from aiocloud.transport.wire import Wire

__all__ = ["Call", "Travel", "call_of"]

EXTENSION = "aiocloud"


@dataclass(slots=True)
class Travel:
    """What has happened to one call so far."""

    attempts: int = 0
    """How often it was handed to the network."""
    waited: float = 0.0
    """Seconds spent waiting: for a limit, for Retry-After, before trying again."""
    ambiguous: bool = False
    """An earlier attempt may have taken effect: a DELETE that then answers 404 did delete."""
    wire: Wire | None = None
    """The attempt under way."""

    @property
    def sent(self) -> bool:
        """May the service have the request?"""
        return self.ambiguous or (self.wire is not None and self.wire.sent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call, at `request.extensions["aiocloud"]`."""

    cloud: str | None = None
    region: str | None = None
    service: str | None = None
    path: str | None = None
    """Below the service's version, as it was asked for; None: the URL says all."""
    repeatable: bool | None = None
    """May it be sent again after an ambiguous end? None: the method decides (GET, HEAD, PUT, DELETE may)."""
    deadline: float | None = None
    """On `anyio.current_time()`'s clock; None: the transport's default; `math.inf`: none at all."""
    read_timeout: float | None = None
    """Seconds in which the service has to say something; None: the transport's default."""
    retries: int | None = None
    """How often it may be sent again; None: as configured."""
    stream: bool = False
    """The caller reads the answer piece by piece; otherwise it is read whole here, and a break inside it is retried."""
    travel: Travel = field(default_factory=Travel, compare=False)

    @property
    def bucket(self) -> tuple[str | None, str | None, str | None]:
        """What limits and the retry budget are counted by."""
        return self.cloud, self.region, self.service


def call_of(request: httpx.Request) -> Call:
    """The call that a request belongs to; one that says nothing is put there when there is none."""
    call = request.extensions.get(EXTENSION)
    if not isinstance(call, Call):
        call = request.extensions[EXTENSION] = Call()
    return call
