"""Reading an answer, whole or in pieces, without trusting its size and without leaving anything open."""

from __future__ import annotations

import socket
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, aclosing, nullcontext, suppress
from http import HTTPStatus
from typing import Any

from anyio import to_thread

from aiocloud._http import httpx
from aiocloud.concurrent import workers
from aiocloud.errors import CloudError, TransportError
from aiocloud.log import escape, redact_url

__all__ = ["AS_STORED", "CAP", "Pieces", "pieces_from", "poured", "raw_pieces", "read_bounded"]

AS_STORED = {"Accept": "*/*", "Accept-Encoding": "identity"}
"""Ask for content with these headers, and no proxy will compress it: it is compared with what was stored."""

CAP = 64 * 1024 * 1024
"""Bytes of a decoded body that are read at most."""

# Lists of servers compress by 10 to 50; what does better than this is made to fill our memory.
_HIGHEST_RATIO = 200
_UNSUSPICIOUS = 4 * 1024 * 1024


class Pieces(httpx.AsyncByteStream):
    """An answer's body as it comes. Closing it half-read ends the connection, and with it everything that waits there.

    (The HTTP library reads through nested generators; one that is dropped half-way would be left to the garbage
    collector, which can't wait for a connection to close.)
    """

    def __init__(self, response: httpx.Response) -> None:
        assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 - what an async transport answers
        self._stream = response.stream
        self._socket = response.extensions.get("network_stream")
        self._pieces: AsyncIterator[bytes] | None = None
        self._ended = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        self._pieces = aiter(self._stream)
        return self

    async def __anext__(self) -> bytes:
        assert self._pieces is not None  # noqa: S101 - iteration began with __aiter__
        try:
            return await anext(self._pieces)
        except BaseException:
            self._ended = True
            raise

    async def aclose(self) -> None:
        if self._pieces is not None and not self._ended:
            self._ended = True
            if self._socket is not None:
                await _end(self._socket)
                with suppress(httpx.RequestError, TransportError):
                    async for _ in self._pieces:
                        pass
            elif (close := getattr(self._pieces, "aclose", None)) is not None:
                await close()
        await self._stream.aclose()


def raw_pieces(response: httpx.Response) -> AsyncIterator[bytes]:
    """An open answer's body in the pieces in which it comes, not decoded. Whoever opened the answer closes it.

    (`response.aiter_raw()` is one more generator around it, which costs something for each piece, and which trio complains of
    when it is left before its end.)
    """
    assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 - what an async transport answers
    return aiter(response.stream)


_HELD = 1024 * 1024
"""Bytes of small pieces that are worth a visit to a thread."""


async def poured(
    response: httpx.Response,
    take: Callable[[memoryview], None],
    told: Callable[[int], None] = lambda _: None,
    *,
    start: int = 0,
) -> None:
    """Hand an open answer's body, not decoded, to `take` in worker threads, one call after the other.

    What `take` is given is its own until it returns. `told` hears in the event loop how many bytes more have come. `start` is
    what `pieces_from` takes. Whoever opened the answer closes it.
    """
    if start and response.status_code != HTTPStatus.PARTIAL_CONTENT:
        take = _Passing(take, start)
    pour = response.extensions.get("pour")
    if pour is not None:
        await pour(take, told)
        return
    held = bytearray()

    async def flush() -> None:
        nonlocal held
        if held:
            data, held = memoryview(held), bytearray()
            await to_thread.run_sync(take, data, limiter=workers())

    try:
        async for piece in raw_pieces(response):
            held += piece
            told(len(piece))
            if len(held) >= _HELD:
                await flush()
    except CloudError:
        await flush()  # it goes on from here
        raise
    await flush()


class _Passing:
    """Takes what comes after so many bytes."""

    def __init__(self, take: Callable[[memoryview], None], passed: int) -> None:
        self._take = take
        self._passed = passed

    def __call__(self, data: memoryview) -> None:
        passed = min(self._passed, len(data))
        self._passed -= passed
        if passed < len(data):
            self._take(data[passed:])


def pieces_from(response: httpx.Response, start: int) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
    """The same, from byte `start` of the content on, which was asked for with a Range: who gives none gives all of it."""
    pieces = raw_pieces(response)
    if start == 0 or response.status_code == HTTPStatus.PARTIAL_CONTENT:
        return nullcontext(pieces)
    return aclosing(_after(pieces, start))


async def _after(pieces: AsyncIterator[bytes], passed: int) -> AsyncGenerator[bytes, None]:
    async for piece in pieces:
        if passed < len(piece):
            yield piece[passed:]
        passed = max(0, passed - len(piece))


async def _end(connection: Any) -> None:
    """End a connection of the HTTP library's, so that whoever reads from it comes to an end.

    It is not closed: when all of the answer has arrived already, its pool takes it for idle, and asks whether it is readable
    (now it is), which trio does not answer of a socket that was closed.
    """
    try:
        connection.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
    except (AttributeError, TypeError):
        await connection.aclose()  # no socket, or one of uvloop's, which can't be shut down
    except OSError:
        pass  # the other end was faster


async def read_bounded(response: httpx.Response, cap: int = CAP) -> bytes:
    """The whole body, decoded, also kept as `response.content`.

    Raises TransportError when it is longer than `cap` bytes or compressed beyond all reason; the rest is not read then.
    """
    try:
        return response.content
    except httpx.ResponseNotRead:
        pass
    raw = await _read_raw(response, cap)
    body = _decoded(response, raw, cap) if raw and "content-encoding" in response.headers else raw
    # What `response.aread()` does, which knows no limit.
    response._content = body  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    return body


async def _read_raw(response: httpx.Response, cap: int) -> bytes:
    # What is declared too long need not be fetched; a HEAD declares what a GET would send.
    declared = response.headers.get("content-length", "")
    if declared.isdigit() and len(declared) < 20 and int(declared) > cap and response.request.method != "HEAD":
        await response.aclose()
        raise _refusal(response, f"has {declared} bytes, more than the {cap} that are read")
    chunks: list[bytes] = []
    size = 0
    stream = response.stream = Pieces(response)
    response.is_stream_consumed = True
    async for chunk in stream:
        size += len(chunk)
        chunks.append(chunk)
        if size > cap:
            break
    await response.aclose()
    if size > cap:
        raise _refusal(response, f"has more than the {cap} bytes that are read")
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _decoded(response: httpx.Response, raw: bytes, cap: int) -> bytes:
    headers = {"content-encoding": response.headers["content-encoding"]}

    def pieces() -> Iterator[bytes]:
        return httpx.Response(200, headers=headers, stream=httpx.ByteStream(raw)).iter_bytes()

    # Measured first, a piece at a time, so that what is refused never was in memory.
    size = 0
    for piece in pieces():
        size += len(piece)
        if size > cap or (size > _UNSUSPICIOUS and size > _HIGHEST_RATIO * len(raw)):
            raise _refusal(response, f"is compressed: {len(raw)} bytes become more than {size - 1}")
    return b"".join(pieces())


def _refusal(response: httpx.Response, why: str) -> TransportError:
    request = response.request
    return TransportError(
        f"the answer to {request.method} {escape(request.url.path)} {why}",
        method=request.method,
        url=redact_url(str(request.url)),
        status_code=response.status_code,
    )
