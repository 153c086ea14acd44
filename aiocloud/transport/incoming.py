"""What comes back over a connection for content."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Protocol, cast

import anyio
import h11
from anyio import to_thread

from aiocloud._http import httpx
from aiocloud.concurrent import workers
from aiocloud.transport.sockets import BUFFER, VISIT, Socket, thread_buffer

__all__ = ["Answer"]

_HEADER = 64 * 1024
"""Bytes that are read at a time where h11 looks for what they mean."""
_ENOUGH = 512 * 1024
"""Bytes that are worth a visit to a thread."""
_MOMENT = 0.1
"""Seconds for which as many are waited for."""
_TLS = 64 * 1024
"""More than TLS holds back of what has come: at the end of the body fewer bytes may follow than are left of it."""


class _End(Protocol):
    def __call__(self, *, whole: bool) -> None:
        """The answer is done with."""
        ...


class Answer(httpx.AsyncByteStream):
    """An answer's body: piece by piece, or poured out in worker threads where its length is known."""

    def __init__(self, connected: Socket, http: h11.Connection, timeout: float | None, end: _End) -> None:
        self._socket = connected
        self._http = http
        self._timeout = timeout
        self._end = end
        self._early = b""
        self.left: int | None = None
        """Bytes that have not been given yet; None where only their end tells."""
        self._too_much = False
        self._ended = False
        self._open = True

    async def begin(self) -> h11.Response:
        """The status and headers."""
        while True:
            event = await self._event()
            if isinstance(event, h11.Response):
                return event

    def expects(self, head: h11.Response, method: str) -> None:
        """Where the length of the body is told, h11 sees no more of it."""
        told = {bytes(name): bytes(value) for name, value in head.headers}
        if method == "HEAD" or head.status_code in (204, 304):
            self.left = 0
        elif b"content-length" in told and b"transfer-encoding" not in told:
            self.left = int(told[b"content-length"])
        if self.left is not None:
            early = bytes(self._http.trailing_data[0])
            self._early, self._too_much = early[: self.left], len(early) > self.left

    async def _event(self) -> h11.Event | type[h11.PAUSED]:
        while True:
            try:
                event = self._http.next_event()
            except h11.RemoteProtocolError as error:
                raise httpx.RemoteProtocolError(str(error)) from error
            if event is not h11.NEED_DATA:
                return cast("h11.Event | type[h11.PAUSED]", event)
            data = await self._socket.receive(self._timeout, _HEADER)
            if not data and self._http.their_state is h11.SEND_RESPONSE:
                raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
            self._http.receive_data(data)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        piece = await (self._framed() if self.left is None else self._plain())
        if not piece:
            self._ended = True
            raise StopAsyncIteration
        return piece

    async def _framed(self) -> bytes:
        while not self._ended:
            event = await self._event()
            if not isinstance(event, h11.Data):
                break
            if event.data:
                return bytes(event.data)
        return b""

    async def _plain(self) -> bytes:
        assert self.left is not None  # noqa: S101 - or it would be framed
        if not self.left:
            return b""
        piece, self._early = self._early, b""
        if not piece:
            piece = await self._socket.receive(self._timeout, min(BUFFER, self.left))
            self._arrived(len(piece))
        self.left -= len(piece)
        return piece

    def _arrived(self, count: int) -> None:
        if not count:
            raise httpx.RemoteProtocolError(f"the connection ended {self.left} bytes before the answer's end")

    async def pour(self, take: Callable[[memoryview], None], told: Callable[[int], None]) -> None:
        """Hand the body to `take`, in worker threads; `told` hears in the event loop how many bytes more that was."""
        waited = 0.0
        while self.left:
            count, last = await to_thread.run_sync(self._pour_now, take, self.left, limiter=workers())
            self.left -= count
            told(count)
            if self.left and last is not None:
                self._arrived(last)
            elif self.left:
                waited = 0.0 if count else waited + _MOMENT
                if self._timeout is not None and waited > self._timeout:
                    raise httpx.ReadTimeout("nothing came in time")
                await self._enough(self.left)
        self._socket.wake_for(1)
        self._ended = True

    async def _enough(self, left: int) -> None:
        """Wait until there is enough for a visit to a thread, or for a moment: it costs more than a few KiB are worth."""
        self._socket.wake_for(max(1, min(_ENOUGH, left - _TLS)))
        with anyio.move_on_after(_MOMENT):
            await self._socket.readable(None)

    def _pour_now(self, take: Callable[[memoryview], None], left: int) -> tuple[int, int | None]:
        """Hand over what has come: how many bytes, and what was read last (0: the end, None: there is no more yet)."""
        buffer, poured = thread_buffer(), 0
        end = min(left, VISIT)
        last: int | None = None
        while poured < end:
            room = min(BUFFER, end - poured)
            held = len(self._early)
            buffer[:held], self._early = self._early, b""
            while held < room:
                try:
                    last = self._socket.receive_into_now(buffer[held:room])
                except OSError as error:
                    if not (held or poured):
                        raise httpx.ReadError(str(error)) from error
                    last = None  # what has come first; a broken socket says so again
                if not last:
                    break
                held += last
            if held:
                take(buffer[:held])
                poured += held
            if not last:
                break
        return poured, last

    async def aclose(self) -> None:
        """Keep the connection when all was read, and the server means to; end it otherwise."""
        if not self._open:
            return
        self._open = False
        whole = not self.left if self.left is not None else self._http.their_state is h11.DONE
        self._end(whole=whole and not self._too_much and self._http.our_state is h11.DONE)
