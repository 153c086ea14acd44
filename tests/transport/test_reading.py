"""Answers that are too long, too well compressed, or broken."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import AsyncIterator

import pytest

from aiocloud._http import httpx
from aiocloud.errors import TransportError
from aiocloud.transport import read_bounded
from tests.transport.helper import ask, carried

pytestmark = pytest.mark.anyio
MIB = 1024 * 1024


class Chunks(httpx.AsyncByteStream):
    """A body in pieces; says how many were read and whether it was closed."""

    def __init__(self, *chunks: bytes, times: int = 1) -> None:
        self._chunks = chunks * times
        self.read = 0
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            self.read += 1
            yield chunk

    async def aclose(self) -> None:
        self.closed = True


def answer(body: httpx.AsyncByteStream, method: str = "GET", **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(200, headers=named, stream=body, request=httpx.Request(method, "http://cloud.test/servers"))


async def test_a_body_is_read_whole_and_kept() -> None:
    body = Chunks(b'{"a"', b": 1}")
    response = answer(body)
    assert await read_bounded(response) == b'{"a": 1}'
    assert (response.json(), body.closed) == ({"a": 1}, True)
    assert await read_bounded(response) == b'{"a": 1}'


async def test_a_body_up_to_the_cap_is_read() -> None:
    assert len(await read_bounded(answer(Chunks(b"x" * 100, times=10)), cap=1000)) == 1000


async def test_what_goes_on_beyond_the_cap_is_left_there() -> None:
    body = Chunks(b"x" * 100, times=1000)
    with pytest.raises(TransportError, match="more than the 1000 bytes"):
        await read_bounded(answer(body), cap=1000)
    assert (body.read, body.closed) == (11, True)


async def test_what_announces_too_much_is_not_read_at_all() -> None:
    body = Chunks(b"x")
    with pytest.raises(TransportError, match="has 1001 bytes"):
        await read_bounded(answer(body, content_length="1001"), cap=1000)
    assert (body.read, body.closed) == (0, True)


async def test_a_head_may_announce_anything() -> None:
    assert await read_bounded(answer(Chunks(), "HEAD", content_length="5368709120")) == b""


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_an_honest_compressed_body_is_decoded(encoding: str) -> None:
    plain = b'{"servers": [' + b'{"name": "x"},' * 1000 + b"{}]}"
    packed = gzip.compress(plain) if encoding == "gzip" else zlib.compress(plain)
    pieces = [packed[at : at + 7] for at in range(0, len(packed), 7)]
    assert await read_bounded(answer(Chunks(*pieces), content_encoding=encoding)) == plain


@pytest.mark.parametrize("nested", [False, True])
async def test_a_bomb_does_not_go_off(nested: bool) -> None:
    bomb = gzip.compress(b"\0" * 400 * MIB, 9)
    encoding = "gzip, gzip" if nested else "gzip"
    body = gzip.compress(bomb, 9) if nested else bomb
    tracemalloc.start()
    try:
        with pytest.raises(TransportError, match="is compressed"):
            await read_bounded(answer(Chunks(body), content_encoding=encoding))
        assert tracemalloc.get_traced_memory()[1] < 64 * MIB
    finally:
        tracemalloc.stop()


async def test_damaged_compression_is_a_transport_error() -> None:
    async def handle(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"content-encoding": "gzip"}, stream=Chunks(b"not gzip at all"))

    with pytest.raises(TransportError, match="compressed body is damaged"):
        await carried(httpx.MockTransport(handle)).handle_async_request(ask(retries=0))


async def test_a_stream_closed_half_way_closes_what_is_behind_it() -> None:
    body = Chunks(b"x", times=100)

    async def handle(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, stream=body)

    transport = carried(httpx.MockTransport(handle))
    response = await transport.handle_async_request(ask(stream=True))
    assert isinstance(response.stream, httpx.AsyncByteStream)
    assert await anext(aiter(response.stream)) == b"x"
    await response.aclose()
    assert body.closed
    (stats,) = transport.stats().values()
    assert stats.in_flight == 0
