"""The outermost layer: where calls get their deadline, and foreign errors end."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TypeVar

import anyio
from anyio.lowlevel import RunVar

from aiocloud._http import httpx
from aiocloud.errors import InvalidRequest
from aiocloud.transport.body import can_send_again
from aiocloud.transport.call import EXTENSION, Call, call_of
from aiocloud.transport.failures import out_of_time, translate
from aiocloud.transport.layer import Layer

__all__ = ["DEADLINE", "TIMEOUTS", "Boundary"]

T = TypeVar("T")
Pour = Callable[[Callable[[memoryview], None], Callable[[int], None]], Awaitable[None]]

TIMEOUTS = {"connect": 10.0, "read": 180.0, "write": 60.0, "pool": 60.0}
"""Seconds: an API with few workers takes minutes to accept many creates at once."""
DEADLINE = 300.0
"""Seconds that a call may take in all, unless it says otherwise or streams."""


_here: RunVar[object] = RunVar("what stands for this event loop", default=None)
"""One for all transports: a loop keeps each variable as long as it runs, and clouds may come and go."""


class Boundary(Layer):
    """The outermost layer: the deadline and default timeouts go in, nothing but CloudErrors comes out."""

    def __init__(self, inner: httpx.AsyncBaseTransport, timeouts: Mapping[str, float] = TIMEOUTS) -> None:
        super().__init__(inner)
        self._timeouts = dict(timeouts)
        self._loop: object = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Carry the request. Raises TransportError, Timeout, and InvalidRequest in a foreign event loop."""
        self._same_loop()
        started = anyio.current_time()
        call = self._prepared(request, started)
        with anyio.CancelScope(deadline=call.deadline or math.inf):
            try:
                response = await self._inner.handle_async_request(request)
            except _FOREIGN as error:
                raise translate(error, request, call, sent=call.travel.sent) from error
            response.request = request
            if call.stream and not response.is_error:
                bounded = response.stream = _Bounded(response.stream, request, call, started)
                if (pour := response.extensions.get("pour")) is not None:
                    response.extensions["pour"] = partial(bounded.pour, pour)
            return response
        raise out_of_time(request, call, anyio.current_time() - started, sent=call.travel.sent)

    def _prepared(self, request: httpx.Request, now: float) -> Call:
        call = call_of(request)
        timeouts = self._timeouts if call.read_timeout is None else {**self._timeouts, "read": call.read_timeout}
        request.extensions.setdefault("timeout", timeouts)
        can_send_again(request)  # a body of unknown kind is watched from here on
        if call.deadline is None:
            streams = call.stream or not isinstance(request.stream, httpx.ByteStream)
            call = replace(call, deadline=math.inf if streams else now + DEADLINE)
            request.extensions[EXTENSION] = call
        return call

    def _same_loop(self) -> None:
        here = _here.get()
        if here is self._loop and here is not None:
            return
        if here is None:
            _here.set(here := object())
        if self._loop is not None:
            raise InvalidRequest(
                "this cloud was opened in another event loop, which its connections belong to: "
                "connect again in this one, or keep to one loop (one asyncio.run() around everything)"
            )
        self._loop = here


_FOREIGN = (
    httpx.HTTPError,
    httpx.StreamError,
    httpx.InvalidURL,
    anyio.BrokenResourceError,
    anyio.ClosedResourceError,
    anyio.EndOfStream,
)


class _Bounded(httpx.AsyncByteStream):
    """An answer that the caller reads piece by piece: each piece within the deadline, every failure a CloudError."""

    def __init__(self, stream: object, request: httpx.Request, call: Call, started: float) -> None:
        assert isinstance(stream, httpx.AsyncByteStream)  # noqa: S101 - what an async transport answers
        self._stream = stream
        self._request = request
        self._call = call
        self._started = started
        self._pieces = aiter(stream)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        deadline = self._call.deadline
        if deadline is None or deadline == math.inf:
            return await self._told(anext(self._pieces))  # thousands of pieces need no scope each that watches nothing
        with anyio.CancelScope(deadline=deadline):
            return await self._told(anext(self._pieces))
        raise out_of_time(self._request, self._call, anyio.current_time() - self._started, sent=True)

    async def pour(self, pour: Pour, take: Callable[[memoryview], None], told: Callable[[int], None]) -> None:
        """All of it by the way out's own worker threads; see `aiocloud.transport.reading.poured`."""
        with anyio.CancelScope(deadline=self._call.deadline or math.inf):
            await self._told(pour(take, told))
            return
        raise out_of_time(self._request, self._call, anyio.current_time() - self._started, sent=True)

    async def _told(self, work: Awaitable[T]) -> T:
        try:
            return await work
        except _FOREIGN as error:
            raise translate(error, self._request, self._call, sent=True) from error

    async def aclose(self) -> None:
        await self._stream.aclose()
