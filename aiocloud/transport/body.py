"""Request bodies: which can be sent again, and which are gone once their first byte went out."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable
from typing import Protocol

from aiocloud._http import httpx

__all__ = ["Body", "Draw", "Once", "Replay", "as_stream", "can_send_again"]


class Draw(Protocol):
    """A body that a worker thread reads as it sends it."""

    def fill(self, part: memoryview, at: int) -> None:
        """Fill `part` with the body from byte `at` on, in a worker thread; some of it may be asked for again, in order."""
        ...

    def went(self, count: int) -> None:
        """So many more bytes went out; called in the event loop."""
        ...


class Replay(httpx.AsyncByteStream):
    """A body made anew each time it is sent: `Replay(lambda: chunks_of(path), length)`; `length` is in bytes.

    `draw` makes the same body for a way out whose worker threads read it themselves.
    """

    def __init__(
        self,
        make: Callable[[], AsyncIterable[bytes]],
        length: int | None = None,
        draw: Callable[[], Draw] | None = None,
    ) -> None:
        self._make = make
        self.length = length
        self.draw = draw

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunks = aiter(self._make())
        try:
            async for chunk in chunks:
                yield chunk
        finally:
            close = getattr(chunks, "aclose", None)
            if close is not None:
                await close()


class Once(httpx.AsyncByteStream):
    """A body that can be read only once; `started` says whether reading has begun."""

    def __init__(self, chunks: AsyncIterable[bytes]) -> None:
        self._chunks = chunks
        self.started = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self.started = True
        async for chunk in self._chunks:
            yield chunk


Body = bytes | Replay | AsyncIterable[bytes]


def as_stream(content: Body) -> tuple[dict[str, str], httpx.AsyncByteStream]:
    """The headers and the stream with which a body goes into `httpx.Request(..., headers=, stream=)`."""
    if isinstance(content, bytes):
        return {"Content-Length": str(len(content))}, httpx.ByteStream(content)
    if isinstance(content, Replay) and content.length is not None:
        return {"Content-Length": str(content.length)}, content
    stream = content if isinstance(content, Replay) else Once(content)
    return {"Transfer-Encoding": "chunked"}, stream


def can_send_again(request: httpx.Request) -> bool:
    """Is the whole body still there? A body of unknown kind is watched from the first time this is asked."""
    stream = request.stream
    if isinstance(stream, httpx.ByteStream | Replay):
        return True
    if not isinstance(stream, Once):
        assert isinstance(stream, AsyncIterable)  # noqa: S101 - a synchronous body can't reach an async transport
        stream = request.stream = Once(stream)
    return not stream.started
