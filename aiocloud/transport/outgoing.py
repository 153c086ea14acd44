"""A request on its way out over a connection for content."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

import anyio
import anyio.lowlevel
import h11
from anyio import to_thread

from aiocloud._http import httpx
from aiocloud.concurrent import workers
from aiocloud.transport.body import Draw, Replay
from aiocloud.transport.sockets import BUFFER, PAUSE, VISIT, Socket, thread_buffer

__all__ = ["Outgoing"]

_Tell = Callable[[str, Mapping[str, Any]], Awaitable[None]]


class Outgoing:
    """A request on its way out."""

    def __init__(self, connected: Socket, http: h11.Connection, request: httpx.Request, timeout: float | None) -> None:
        self._socket = connected
        self._http = http
        self._request = request
        self._timeout = timeout
        self._answered = False

    async def send(self, tell: _Tell) -> None:
        """Send it all, or as much as the server wants before it answers."""
        try:
            await self._send(self._head())
        except httpx.WriteError:
            await tell("http11.send_request_headers.failed", {})
            raise
        await tell("http11.send_request_headers.complete", {})
        try:
            await self._body()
        except httpx.WriteError:
            return  # there may be an answer that says why

    def _head(self) -> bytes:
        request = self._request
        try:
            head = h11.Request(method=request.method, target=request.url.raw_path, headers=request.headers.raw)
            return self._http.send(head) or b""
        except h11.LocalProtocolError:
            # h11 shows the header that it refuses, which may hold a secret.
            raise httpx.LocalProtocolError("a header is not as HTTP/1.1 has it") from None

    async def _body(self) -> None:
        stream = self._request.stream
        if isinstance(stream, Replay) and stream.draw is not None and stream.length is not None:
            # h11 counts the bytes, and need not see them: https://h11.readthedocs.io/en/latest/api.html#sendfile
            self._http.send_with_data_passthrough(h11.Data(data=cast("bytes", range(stream.length))))
            await self._drawn(stream.draw(), stream.length)
        else:
            await self._streamed(stream)
        if not self._answered:
            await self._send(self._http.send(h11.EndOfMessage()) or b"")

    async def _streamed(self, stream: object) -> None:
        assert isinstance(stream, httpx.AsyncByteStream)  # noqa: S101 - what an async transport is given
        chunks = aiter(stream)
        try:
            async for chunk in chunks:
                if self._listen():
                    return
                for part in self._http.send_with_data_passthrough(h11.Data(data=chunk)) or ():
                    await self._send(part)
        finally:
            close = getattr(chunks, "aclose", None)
            if close is not None:
                with anyio.CancelScope(shield=True):
                    await close()

    async def _send(self, data: bytes) -> None:
        view = memoryview(data)
        while len(view) and not self._answered:
            await anyio.lowlevel.checkpoint()  # a fast server must not have the loop for itself
            try:
                sent = self._socket.send_now(view[:BUFFER])
            except OSError as error:
                raise httpx.WriteError(str(error)) from error
            view = view[sent:]
            if not sent:
                await self._room()

    async def _drawn(self, draw: Draw, length: int) -> None:
        at = 0
        while at < length and not self._answered:
            try:
                sent = await to_thread.run_sync(self._draw_now, draw, at, length, limiter=workers())
            except _Broken as broken:
                raise httpx.WriteError(str(broken.error)) from broken.error
            at += sent
            draw.went(sent)
            if at < length and not self._listen() and sent < VISIT:
                await self._room()

    def _draw_now(self, draw: Draw, at: int, length: int) -> int:
        """Send what there is room for, in a worker thread. What is not taken is read again the next time."""
        buffer, began = thread_buffer(), at
        end = min(length, at + VISIT)
        while at < end:
            part = buffer[: min(BUFFER, end - at)]
            draw.fill(part, at)
            while len(part):
                try:
                    sent = self._socket.send_now(part)
                except OSError as error:
                    raise _Broken(error) from error
                if not sent:
                    return at - began
                at += sent
                part = part[sent:]
        return at - began

    async def _room(self) -> None:
        """Wait for room, or for an answer."""
        while not await self._socket.writable(self._timeout):
            if self._listen():
                return
            await anyio.sleep(PAUSE)  # part of a TLS record

    def _listen(self) -> bool:
        """Has something come before all has gone out? Then it is the answer, and the rest is not wanted."""
        try:
            came = self._socket.receive_now()
        except OSError as error:
            raise httpx.WriteError(str(error)) from error
        if came is not None:
            self._http.receive_data(came)
            self._answered = True
        return self._answered


class _Broken(Exception):
    """The connection broke; what a body raises is not meant by it."""

    def __init__(self, error: OSError) -> None:
        super().__init__(str(error))
        self.error = error
