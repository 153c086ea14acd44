"""Bodies that can be sent again, and those that can't."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from aiocloud._http import httpx
from aiocloud.errors import TransportError
from aiocloud.transport import Replay, as_stream
from tests.transport.helper import Network, ask, carried

pytestmark = pytest.mark.anyio

BROKEN = httpx.ReadError("Connection reset by peer")


async def chunks() -> AsyncIterator[bytes]:
    yield b"one "
    yield b"two"


async def test_a_replay_is_made_anew_for_each_attempt() -> None:
    network = Network(BROKEN, httpx.Response(201))
    headers, stream = as_stream(Replay(chunks, length=7))
    assert headers == {"Content-Length": "7"}
    response = await carried(network).handle_async_request(ask("PUT", content=stream))
    assert response.status_code == 201
    assert network.bodies == [b"one two", b"one two"]


async def test_a_stream_that_began_to_go_out_is_never_sent_again() -> None:
    for body in (as_stream(chunks())[1], chunks()):
        network = Network(BROKEN, httpx.Response(201))
        with pytest.raises(TransportError):
            await carried(network).handle_async_request(ask("PUT", content=body))
        assert network.bodies == [b"one two"]


async def test_a_stream_that_never_began_is_sent_after_all() -> None:
    asked: list[bytes] = []

    async def handle(request: httpx.Request) -> httpx.Response:
        if not asked:
            asked.append(b"")
            raise httpx.ConnectError("All connection attempts failed")
        asked.append(await request.aread())
        return httpx.Response(201)

    response = await carried(_Unread(handle)).handle_async_request(ask("PUT", content=as_stream(chunks())[1]))
    assert response.status_code == 201
    assert asked == [b"", b"one two"]


class _Unread(httpx.AsyncBaseTransport):
    """Unlike httpx's MockTransport, does not read the body before it is asked."""

    def __init__(self, handle: object) -> None:
        self._handle = handle

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._handle(request)  # type: ignore[operator]
        assert isinstance(response, httpx.Response)
        return response


def test_bytes_say_their_length_and_streams_are_chunked() -> None:
    assert as_stream(b"abc")[0] == {"Content-Length": "3"}
    assert as_stream(Replay(chunks))[0] == {"Transfer-Encoding": "chunked"}
    assert as_stream(chunks())[0] == {"Transfer-Encoding": "chunked"}
