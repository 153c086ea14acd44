"""FakeCloud as an httpx2 transport: requests without a socket."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import TYPE_CHECKING, cast

import anyio
import httpx2

from aiocloud.testing.faults import Cut
from aiocloud.testing.http import Reply, Req, read_query

if TYPE_CHECKING:
    from aiocloud.testing.fake import FakeCloud


class FakeTransport(httpx2.AsyncBaseTransport):
    """Hands requests to the fake in this process.

    Raises what a socket would: `ConnectError`, `ReadError`, and `ReadTimeout` when the
    answer takes longer than the request's read timeout (at once for a fault that is
    silence, so tests need not wait).
    """

    def __init__(self, fake: FakeCloud) -> None:
        self._fake = fake

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer one request."""
        url = request.url
        port = f":{url.port}" if url.port is not None else ""
        req = Req(
            method=request.method,
            path=url.raw_path.partition(b"?")[0].decode("ascii"),
            headers={name.decode("latin-1").lower(): value.decode("latin-1") for name, value in request.headers.raw},
            query=read_query(url.query.decode("ascii")),
            stream=(sent := _sent(request)),
            root=f"{url.scheme}://{url.host}{port}",
        )
        limit = request.extensions.get("timeout", {}).get("read")
        try:
            async with aclosing(sent):
                with anyio.fail_after(limit):
                    reply = await self._fake.handle(req)
        except TimeoutError:
            raise httpx2.ReadTimeout("The fake cloud took too long.", request=request) from None
        except Cut as cut:
            raise _error(cut, request) from None
        return httpx2.Response(
            reply.status,
            headers=[(name.encode("latin-1"), value.encode("latin-1")) for name, value in _headers(reply).items()],
            stream=_Body(reply.content),
            request=request,
            extensions={"http_version": b"HTTP/1.1"},
        )


def _headers(reply: Reply) -> dict[str, str]:
    if isinstance(reply.content, bytes) and "content-length" not in reply.headers and reply.status != 204:
        return {**reply.headers, "content-length": str(len(reply.content))}
    return reply.headers


def _error(cut: Cut, request: httpx2.Request) -> httpx2.TransportError:
    if cut.how == "refused":
        return httpx2.ConnectError("All connection attempts failed", request=request)
    if cut.how == "silence":
        return httpx2.ReadTimeout("The fake cloud does not answer.", request=request)
    return httpx2.ReadError("Connection reset by peer", request=request)


async def _sent(request: httpx2.Request) -> AsyncGenerator[bytes]:
    chunks = aiter(cast("httpx2.AsyncByteStream", request.stream))
    try:
        async for chunk in chunks:
            yield chunk
    finally:
        # A service that refuses stops reading in the middle; trio wants such generators closed by whoever made them.
        if isinstance(chunks, AsyncGenerator):
            await chunks.aclose()


class _Body(httpx2.AsyncByteStream):
    """The answer's bytes, from memory or as the service makes them."""

    def __init__(self, content: bytes | AsyncIterator[bytes]) -> None:
        self._content = content
        self._done = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if not isinstance(self._content, bytes):
            return await anext(self._content)
        if self._done:
            raise StopAsyncIteration
        self._done = True
        return self._content

    async def aclose(self) -> None:
        """Close the stream, also one that was read only in part."""
        close = getattr(self._content, "aclose", None)
        if close is not None:
            await close()
