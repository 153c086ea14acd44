"""The way for content: bodies that are read piece by piece go over connections of our own, and move in worker threads.

The HTTP library's pool hands each piece of a body through the event loop, several copies of it, and 64 KiB at a time. Here h11
speaks HTTP, as it does in that pool, but a body of known length passes it by: a worker thread takes what has come, hashes and
writes it (`incoming.py`), or reads, hashes and sends what there is room for (`outgoing.py`), a few MiB in one visit. Buffers
are the threads', so memory does not grow with the number of connections.

What the layers above rely on is the same as with the other ways out: one call is one attempt, what went out is told in the
words of the `trace` extension, and what was built is what is sent.
"""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

import anyio
import h11

from aiocloud._http import httpx
from aiocloud.transport.incoming import Answer
from aiocloud.transport.outgoing import Outgoing
from aiocloud.transport.sockets import Socket

__all__ = ["ContentTransport"]

_Tell = Callable[[str, Mapping[str, Any]], Awaitable[None]]
_Origin = tuple[str, str, int]
_Keep = Callable[["_Connection"], None]

_HEADER = 64 * 1024
"""Bytes of a header at most."""


class ContentTransport(httpx.AsyncBaseTransport):
    """Connections to wherever it is asked for, without a proxy; idle ones are kept for `kept` seconds."""

    def __init__(self, verify: ssl.SSLContext, kept: float) -> None:
        self._verify = verify
        self._kept = kept
        self._idle: dict[_Origin, list[_Connection]] = {}
        self._closed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request once, and give its answer as soon as its headers are there."""
        tell = cast("_Tell", request.extensions.get("trace", _nobody))
        connection = self._kept_one(_origin(request.url)) or await self._opened(request, tell)
        try:
            return await connection.exchange(request, tell)
        except BaseException:
            connection.close()
            raise

    def _kept_one(self, origin: _Origin) -> _Connection | None:
        """A connection that is still good; the others are closed."""
        idle = self._idle.get(origin, [])
        while idle:
            connection = idle.pop()
            if anyio.current_time() < connection.good_until and connection.is_quiet:
                return connection
            connection.close()
        return None

    async def _opened(self, request: httpx.Request, tell: _Tell) -> _Connection:
        origin = scheme, host, port = _origin(request.url)
        if scheme not in ("http", "https"):
            raise httpx.UnsupportedProtocol(f"unsupported protocol {scheme!r}")
        await tell("connection.connect_tcp.started", {})
        context = self._verify if scheme == "https" else None
        timeout = request.extensions.get("timeout", {}).get("connect")
        return _Connection(origin, await Socket.open(host, port, context, timeout), self._keep)

    def _keep(self, connection: _Connection) -> None:
        if self._closed:
            connection.close()
            return
        now = anyio.current_time()
        connection.good_until = now + self._kept
        idle = self._idle.setdefault(connection.origin, [])
        # The last one kept is the next one used, so that after a rush the others grow old below it.
        while idle and idle[0].good_until <= now:
            idle.pop(0).close()
        idle.append(connection)

    async def aclose(self) -> None:
        """Close every connection that nobody uses; the others are closed by who uses them."""
        self._closed = True
        for connection in [each for idle in self._idle.values() for each in idle]:
            connection.close()
        self._idle.clear()


async def _nobody(_: str, __: Mapping[str, Any]) -> None:
    """Nobody listens."""


def _origin(url: httpx.URL) -> _Origin:
    return url.scheme, url.raw_host.decode("ascii"), url.port or (443 if url.scheme == "https" else 80)


class _Connection:
    """One request after another over one socket."""

    def __init__(self, origin: _Origin, connected: Socket, keep: _Keep) -> None:
        self.origin = origin
        self.good_until = 0.0
        self.socket = connected
        self._keep = keep

    @property
    def is_quiet(self) -> bool:
        """Has the server nothing to say?"""
        return self.socket.is_quiet

    def close(self) -> None:
        """Close it."""
        self.socket.close()

    def _end(self, *, whole: bool) -> None:
        """The answer is done with; `whole`: read to its end, and the server goes on listening."""
        if whole:
            self._keep(self)
        else:
            self.close()

    async def exchange(self, request: httpx.Request, tell: _Tell) -> httpx.Response:
        """One request and its answer."""
        timeouts = request.extensions.get("timeout", {})
        http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_HEADER)
        try:
            await Outgoing(self.socket, http, request, timeouts.get("write")).send(tell)
        except h11.LocalProtocolError as error:
            raise httpx.LocalProtocolError(str(error)) from error
        answer = Answer(self.socket, http, timeouts.get("read"), self._end)
        head = await answer.begin()
        await tell("http11.receive_response_headers.complete", {})
        answer.expects(head, request.method)
        extensions: dict[str, Any] = {"http_version": b"HTTP/1.1", "reason_phrase": bytes(head.reason)}
        if answer.left is not None:
            extensions["pour"] = answer.pour
        return httpx.Response(head.status_code, headers=head.headers.raw_items(), stream=answer, extensions=extensions)
