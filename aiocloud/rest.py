"""HTTP's verbs, for whatever can send a request."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, TypedDict, Unpack

from aiocloud._http import httpx
from aiocloud.transport.body import Body

__all__ = ["Asked", "Rest", "Sent", "Told"]


class Asked(TypedDict, total=False):
    """What any request may say besides its path."""

    params: Mapping[str, Any] | None
    """The query. A list is its key repeated; what is None is not said."""
    headers: Mapping[str, str] | None
    microversion: str | None
    """By default the configured one, else none."""


class Sent(Asked, total=False):
    """What a request with a body may say."""

    json: Any
    content: Body | None
    """The body as it is, instead of JSON."""


class Told(Sent, total=False):
    """What a request may say, and how it is to be carried."""

    repeatable: bool | None
    """May it be sent again after an ambiguous end? By default the method decides."""
    deadline: float | None
    """On `anyio.current_time()`'s clock; by default `options.timeout` seconds from now."""
    read_timeout: float | None
    """Seconds without a word that are borne, where the service works long before it answers."""


class Rest(ABC):
    """Every verb answers with the response of a success, read whole, and raises the HTTPError of an error status."""

    @abstractmethod
    async def request(self, method: str, path: str, **how: Unpack[Told]) -> httpx.Response:
        """Send a request and read its answer (up to 64 MiB). Raises HTTPError, TransportError or Timeout."""

    async def get(self, path: str, **asked: Unpack[Asked]) -> httpx.Response:
        """GET, sent again when it was not answered."""
        return await self.request("GET", path, **asked)

    async def head(self, path: str, **asked: Unpack[Asked]) -> httpx.Response:
        """HEAD, otherwise like `get`."""
        return await self.request("HEAD", path, **asked)

    async def post(self, path: str, **sent: Unpack[Sent]) -> httpx.Response:
        """POST, sent again only when it is certain that the first one was not acted on."""
        return await self.request("POST", path, **sent)

    async def put(self, path: str, **sent: Unpack[Sent]) -> httpx.Response:
        """PUT of JSON, or of `content` as it is."""
        return await self.request("PUT", path, **sent)

    async def patch(self, path: str, **sent: Unpack[Sent]) -> httpx.Response:
        """PATCH with JSON."""
        return await self.request("PATCH", path, **sent)

    async def delete(self, path: str, **sent: Unpack[Sent]) -> httpx.Response:
        """DELETE. Raises NotFound when it is not there."""
        return await self.request("DELETE", path, **sent)
