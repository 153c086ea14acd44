"""The fast way out, by aiohttp: the extra `fast`, on asyncio alone.

A request costs less than half the CPU here. Only small ones come this way: content has its own (`aiocloud.transport.content`).
What the layers above rely on is the same as with the HTTP library's own pool:

- *One call is one attempt.* aiohttp would send GET, PUT and DELETE again by itself when a kept connection turns out to be
  dead; the retries are ours, which know of deadlines, budgets, and what may have taken effect.
- *What went out is told* in the words of the `trace` extension. asyncio tells less than a plain socket: a request counts as
  sent from the moment that its first bytes are given to an open connection, too early sometimes, never too late.
- *What was built is what is sent*: nothing is quoted, added, decoded, redirected or kept in a jar.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from aiohttp.connector import NEEDS_CLEANUP_CLOSED
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from aiocloud._http import httpx

__all__ = ["AiohttpTransport"]

_Tell = Callable[[str, Mapping[str, Any]], Awaitable[None]]

_AUTOMATIC = ("Accept", "Accept-Encoding", "User-Agent", "Content-Type")
_HEADER = 64 * 1024
"""Bytes of a header at most."""
_LASTING = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})


class AiohttpTransport(httpx.AsyncBaseTransport):
    """Connections by aiohttp, as many as are asked for at once; idle ones are kept for `kept` seconds."""

    def __init__(self, verify: ssl.SSLContext, kept: float) -> None:
        self._answers: set[_Answer] = set()
        tracing = aiohttp.TraceConfig()
        tracing.on_connection_create_start.append(_connecting)
        tracing.on_request_headers_sent.append(_sending)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                ssl=verify,
                limit=0,
                keepalive_timeout=kept,
                resolver=aiohttp.ThreadedResolver(),
                # Where a server is slow to say goodbye, its end of TLS is not waited for when all is closed.
                enable_cleanup_closed=NEEDS_CLEANUP_CLOSED,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=_AUTOMATIC,
            auto_decompress=False,
            trace_configs=[tracing],
            middlewares=[_once],
            max_line_size=_HEADER,
            max_field_size=_HEADER,
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request once, and give its answer as soon as its headers are there."""
        tell = cast("_Tell", request.extensions.get("trace", _nobody))
        if request.url.scheme not in ("http", "https"):
            raise httpx.UnsupportedProtocol(f"unsupported protocol {request.url.scheme!r}")
        if request.method not in _LASTING:
            # It can't be sent again: let the loop hear first of kept connections that were closed meanwhile.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        answer = await self._send(request, _body_of(request, tell), tell)
        await tell("http11.receive_response_headers.complete", {})
        return httpx.Response(
            answer.status,
            headers=answer.raw_headers,
            stream=_Answer(answer, self._answers),
            extensions={"http_version": b"HTTP/1.1", "reason_phrase": (answer.reason or "").encode()},
        )

    async def _send(self, request: httpx.Request, body: aiohttp.Payload | None, tell: _Tell) -> aiohttp.ClientResponse:
        url, timeout = request.url, request.extensions.get("timeout", {})
        target = f"{url.scheme}://{url.netloc.decode('ascii')}{url.raw_path.decode('ascii')}"
        try:
            return await self._session.request(
                request.method,
                URL(target, encoded=True),
                headers=_headers_of(request),
                data=body,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(sock_connect=timeout.get("connect"), sock_read=timeout.get("read")),
                trace_request_ctx=(tell, body is None),
            )
        except RuntimeError as error:
            if not self._session.closed:
                raise
            raise httpx.ConnectError("closed before it began") from error
        except _FOREIGN as error:
            if body is None and isinstance(error.__cause__, aiohttp.ClientConnectionResetError):
                await tell("http11.send_request_headers.failed", {})
            raise _translated(error) from (error.__cause__ or error)

    async def aclose(self) -> None:
        """Close every connection. Who reads from one hears of it."""
        for answer in [*self._answers]:
            answer.end()
        await self._session.close()
        await asyncio.sleep(0)  # sockets are closed in the turn that follows


async def _nobody(_: str, __: Mapping[str, Any]) -> None:
    """Nobody listens."""


async def _connecting(_: aiohttp.ClientSession, told: SimpleNamespace, __: object) -> None:
    await told.trace_request_ctx[0]("connection.connect_tcp.started", {})


async def _sending(_: aiohttp.ClientSession, told: SimpleNamespace, __: object) -> None:
    tell, bodiless = told.trace_request_ctx
    if bodiless:  # otherwise the headers wait for the body's first bytes
        await tell("http11.send_request_headers.complete", {})


class _Broken(aiohttp.ClientError):
    """A connection that broke, by a name for which aiohttp does not try again."""


async def _once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    try:
        return await send(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _Broken(str(error)) from error


def _headers_of(request: httpx.Request) -> list[tuple[str, str]]:
    try:
        return [(name.decode("ascii"), value.decode()) for name, value in request.headers.raw]
    except UnicodeDecodeError as error:
        raise httpx.LocalProtocolError(f"a header is not UTF-8: {error.reason}") from error


def _body_of(request: httpx.Request, tell: _Tell) -> _Small | None:
    stream = request.stream
    assert isinstance(stream, httpx.ByteStream)  # noqa: S101 - what is read piece by piece goes another way
    data = b"".join(stream)
    return _Small(data, tell) if data else None


class _Small(aiohttp.Payload):
    """A body that is written in one go."""

    def __init__(self, data: bytes, tell: _Tell) -> None:
        super().__init__(data)
        self._size = len(data)
        self._tell = tell

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Nobody asks."""
        del encoding, errors
        raise TypeError("a body is bytes")

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Write it."""
        await _begin(writer, self._tell)
        await writer.write(self._value)


class _WriteError(OSError):
    """The connection takes nothing more."""


async def _begin(writer: AbstractStreamWriter, tell: _Tell) -> None:
    """Tell what becomes of the headers, which go out with the first bytes that are written."""
    if writer.transport is None or writer.transport.is_closing():
        await tell("http11.send_request_headers.failed", {})
        raise _WriteError
    await tell("http11.send_request_headers.complete", {})


class _Answer(httpx.AsyncByteStream):
    """An answer's body, in the pieces in which it comes."""

    def __init__(self, response: aiohttp.ClientResponse, open_ones: set[_Answer]) -> None:
        self._response = response
        self._open_ones = open_ones
        open_ones.add(self)

    def end(self) -> None:
        """Nothing more comes. (aiohttp closes connections, but not always wakes who waits for the rest of an answer.)"""
        self._response.content.set_exception(aiohttp.ServerDisconnectedError("closed meanwhile"))
        self._response.close()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        content = self._response.content
        piece = b""
        try:
            # Each as it came: `readany` would copy all that are there into one. One of a chunked answer may be empty.
            while not piece and not content.at_eof():
                piece, _ = await content.readchunk()
        except _FOREIGN as error:
            raise _translated(error) from (error.__cause__ or error)
        if not piece:
            raise StopAsyncIteration
        return piece

    async def aclose(self) -> None:
        """Give the connection back when all was read, end it otherwise."""
        self._open_ones.discard(self)
        if self._response.content.at_eof():
            self._response.release()
        else:
            self._response.close()


_FOREIGN = (aiohttp.ClientError, HttpProcessingError, TimeoutError, ValueError)
_WORDS: tuple[tuple[type[Exception], type[httpx.RequestError]], ...] = (
    (aiohttp.ConnectionTimeoutError, httpx.ConnectTimeout),
    (TimeoutError, httpx.ReadTimeout),
    (aiohttp.ClientConnectorError, httpx.ConnectError),
    (aiohttp.InvalidURL, httpx.LocalProtocolError),
    (aiohttp.ServerDisconnectedError, httpx.RemoteProtocolError),
    (aiohttp.ClientConnectionError, httpx.ReadError),
    (_Broken, httpx.ReadError),
    (aiohttp.ClientError, httpx.RemoteProtocolError),
    (HttpProcessingError, httpx.RemoteProtocolError),
    (ValueError, httpx.LocalProtocolError),
)


def _translated(error: Exception) -> httpx.RequestError:
    """The same in the HTTP library's words; the error itself becomes the cause."""
    said = error.__cause__ if isinstance(error, _Broken) else error
    word = next(ours for theirs, ours in _WORDS if isinstance(said, theirs))
    return word(str(said))
