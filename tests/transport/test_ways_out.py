"""Every way out sends what was built, and says what became of it, in the same words."""

from __future__ import annotations

import gc
import math
import socket
import threading
import traceback
import weakref
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest
import trustme

from aiocloud._http import httpx
from aiocloud.config.schema import CloudConfig
from aiocloud.errors import CloudError, Timeout, TransportError
from aiocloud.transport import Replay, build_transport
from aiocloud.transport.pool import NetworkTransport
from aiocloud.transport.reading import poured
from tests.conftest import EVERY_WAY_OUT
from tests.transport.helper import ask, call_in
from tests.transport.origin import Visit, polite, serving
from tests.transport.test_connections import reached
from tests.transport.test_tls import server

pytestmark = pytest.mark.anyio


async def test_the_fast_way_is_taken_where_it_is_open(way_out: str) -> None:
    pytest.importorskip("aiohttp")
    async with reached(polite) as (transport, origin):
        await transport.handle_async_request(ask(url=origin.url))
        layer: object = transport
        while not isinstance(layer, NetworkTransport):
            layer = layer._inner  # type: ignore[attr-defined]
        (pool,) = layer._pools.values()
        assert (type(pool).__name__ == "AiohttpTransport") is (way_out == "asyncio")


@pytest.mark.parametrize(
    "target",
    [
        "/v1/AUTH_x/box/a%2Fb%2e%2e/%C3%A4?prefix=%20x&a=1&a=2",
        "/v1/AUTH_x/box//double//",
        "/box/%25%32%35?x=%2B+%26",
        "/box/a;b=c,d!$'()*:@~|%7C",
        "/box/%2e%2e/%2e",
        "/",
    ],
)
async def test_what_was_built_is_what_is_sent(target: str) -> None:
    async with reached(polite) as (transport, origin):
        request = ask("DELETE", origin.url + target)
        built = request.url.raw_path
        await transport.handle_async_request(request)
        assert origin.requests[0].split(b"\r\n")[0] == b"DELETE " + built + b" HTTP/1.1"


async def test_headers_arrive_as_they_are_and_nothing_is_added() -> None:
    async with reached(polite) as (transport, origin):
        request = ask("PUT", origin.url, content=b"x")
        name = (b"X-Name", "Zoë ☃".encode())
        request.headers = httpx.Headers([(b"Host", b"cloud.test"), name, (b"X-Twice", b"1"), (b"X-Twice", b"2")])
        request.headers["Content-Length"] = "1"
        await transport.handle_async_request(request)
        head = origin.requests[0].partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]
        sent = sorted((line.partition(b": ")[0].lower(), line.partition(b": ")[2]) for line in head)
        assert sent == [
            (b"content-length", b"1"),
            (b"host", b"cloud.test"),
            (b"x-name", "Zoë ☃".encode()),
            (b"x-twice", b"1"),
            (b"x-twice", b"2"),
        ]


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\x00b"])
async def test_a_header_that_would_be_two_is_refused_with_nothing_sent(value: str) -> None:
    async with reached(polite) as (transport, origin):
        request = ask("POST", origin.url)
        canary = "hush" * 2
        request.headers["X-Auth-Token"] = canary + value
        with pytest.raises(TransportError, match="(?i)x-auth-token.* has a control character") as caught:
            await transport.handle_async_request(request)
        assert (caught.value.sent, origin.requests) == (False, [])
        assert canary not in "".join(traceback.format_exception(caught.value))


async def test_headers_that_come_twice_are_both_there() -> None:
    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.answer(headers="set-cookie: a=1\r\nset-cookie: b=2\r\nlocation: http://elsewhere.test/\r\n")
        await polite(visit)

    async with reached(script) as (transport, origin):
        response = await transport.handle_async_request(ask(url=origin.url))
        assert response.headers.get_list("set-cookie") == ["a=1", "b=2"]
        await transport.handle_async_request(ask(url=origin.url))
        assert b"cookie" not in origin.requests[1].lower()


@pytest.mark.parametrize("length", [None, 1_500_000])
async def test_a_streamed_body_arrives_whole(length: int | None) -> None:
    body = bytes(range(250)) * 6000

    async def chunks() -> AsyncIterator[bytes]:
        for at in range(0, len(body), 400_000):
            await anyio.lowlevel.checkpoint()
            yield body[at : at + 400_000]

    async def script(visit: Visit) -> None:
        received = b""
        while not _is_whole(received, length):
            received += await visit.stream.receive()
        visit.origin.requests.append(received)
        await visit.answer()

    async with reached(script) as (transport, origin):
        request = ask("PUT", origin.url, content=Replay(chunks, length))
        request.headers["Host"] = "cloud.test"
        kind = {"Transfer-Encoding": "chunked"} if length is None else {"Content-Length": str(length)}
        request.headers.update(kind)
        assert (await transport.handle_async_request(request)).status_code == 200
        head, _, rest = origin.requests[0].partition(b"\r\n\r\n")
        assert head.lower().count(b"transfer-encoding: chunked") == (length is None)
        assert (_unchunked(rest) if length is None else rest) == body


def _is_whole(received: bytes, length: int | None) -> bool:
    if length is None:
        return received.endswith(b"\r\n0\r\n\r\n")
    return len(received.partition(b"\r\n\r\n")[2]) == length


def _unchunked(data: bytes) -> bytes:
    body = b""
    while data:
        size, _, data = data.partition(b"\r\n")
        body, data = body + data[: int(size, 16)], data[int(size, 16) + 2 :]
    return body


async def test_what_a_body_raises_is_raised_and_its_connection_is_not_used_again() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"x" * 100_000
        raise CloudError("the file was changed while it was uploaded")

    async with reached(polite) as (transport, origin):
        request = ask("PUT", origin.url, content=Replay(chunks, 200_000))
        request.headers.update({"Host": "cloud.test", "Content-Length": "200000"})
        with pytest.raises(CloudError, match="the file was changed"):
            await transport.handle_async_request(request)
        assert (await transport.handle_async_request(ask(url=origin.url))).status_code == 200
        assert (origin.connections, len(origin.requests)) == (2, 1)


async def test_what_was_sent_is_not_kept_in_memory() -> None:
    """A circle of references would hold megabytes until the garbage collector comes."""

    async def chunks() -> AsyncIterator[bytes]:
        yield b"x" * 100_000

    async with reached(polite) as (transport, origin):
        gc.collect()
        gc.disable()
        try:
            request = ask("PUT", origin.url, content=Replay(chunks, 100_000))
            request.headers["Content-Length"] = "100000"
            request.headers["Host"] = "cloud.test"
            body = weakref.ref(request.stream)
            await (await transport.handle_async_request(request)).aclose()
            del request
            await anyio.lowlevel.checkpoint()
            assert body() is None
        finally:
            gc.enable()


async def test_a_server_that_takes_no_more_of_a_body_is_not_waited_for() -> None:
    transport = build_transport(None, CloudConfig(name="my-cloud"))
    with socket.create_server(("127.0.0.1", 0)) as nobody_accepts:
        url = f"http://127.0.0.1:{nobody_accepts.getsockname()[1]}"
        request = ask("PUT", url, content=b"x" * 50_000_000, deadline=math.inf, retries=0)
        request.extensions["timeout"] = {"connect": 5.0, "read": 5.0, "write": 0.2, "pool": 5.0}
        with pytest.raises(Timeout, match="the request could not be sent in time") as caught:
            await transport.handle_async_request(request)
        assert caught.value.sent is True
    await transport.aclose()


async def test_a_server_that_says_nothing_is_not_waited_for() -> None:
    async def says_nothing(visit: Visit) -> None:
        await visit.request()
        await anyio.sleep_forever()

    async with reached(says_nothing) as (transport, origin):
        request = ask("POST", origin.url, content=b"{}", deadline=math.inf)
        request.extensions["timeout"] = {"connect": 5.0, "read": 0.2, "write": 5.0, "pool": 5.0}
        with pytest.raises(Timeout, match="the answer did not come in time") as caught:
            await transport.handle_async_request(request)
        assert caught.value.sent is True


async def test_a_cancelled_upload_waits_for_what_its_body_has_begun() -> None:
    ended: list[str] = []

    async def chunks() -> AsyncIterator[bytes]:
        try:
            yield b"x" * 100_000
            scope.cancel()
            with anyio.CancelScope(shield=True):
                await anyio.sleep(0.01)
                ended.append("shielded work")
            await anyio.sleep_forever()
        finally:
            ended.append("body")

    async with reached(polite) as (transport, origin):
        request = ask("PUT", origin.url, content=Replay(chunks, 200_000))
        request.headers.update({"Host": "cloud.test", "Content-Length": "200000"})
        with anyio.CancelScope() as scope:
            await transport.handle_async_request(request)
        assert ended == ["shielded work", "body"]


async def test_an_answer_left_half_read_costs_its_connection_alone() -> None:
    async def script(visit: Visit) -> None:
        while await visit.request() is not None:
            await visit.answer(b"x" * 3_000_000)

    async with serving(script) as origin:
        transport = build_transport(None, CloudConfig(name="my-cloud"))
        response = await transport.handle_async_request(ask(url=origin.url, stream=True))
        async with aclosing(response.aiter_raw()) as pieces:
            assert await anext(pieces)
        await response.aclose()
        whole = await transport.handle_async_request(ask(url=origin.url, stream=True))
        assert sum([len(piece) async for piece in whole.aiter_raw()]) == 3_000_000
        await whole.aclose()
        request = ask(url=origin.url, stream=True)
        await (await transport.handle_async_request(request)).aclose()
        assert (origin.connections, call_in(request).travel.attempts) == (2, 1)
        await transport.aclose()


@pytest.mark.parametrize("size", [0, 1, 262_144, 5_000_001])
async def test_content_is_poured_out_whole_over_tls(size: int, tmp_path: Path) -> None:
    """What TLS has decrypted and nobody has taken yet is not waited for on the socket."""
    body = (bytes(range(251)) * 20_000)[:size]

    async def script(visit: Visit) -> None:
        while await visit.request() is not None:
            await visit.answer(body)

    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    async with serving(script, server(ca.issue_cert("localhost"))) as origin:
        transport = build_transport(None, CloudConfig(name="my-cloud", cacert=str(tmp_path / "ca.pem")))
        for _ in range(2):
            got, told = bytearray(), list[int]()
            response = await transport.handle_async_request(ask(url=origin.url, stream=True))
            await poured(response, got.extend, told.append)
            await response.aclose()
            assert (bytes(got), sum(told)) == (body, size)
        assert origin.connections == 1
        await transport.aclose()


class Drawn:
    """Bytes that a worker thread reads, which notes what it is asked for."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.asked: list[tuple[int, int]] = []
        self.gone = 0
        self.threads: set[int] = set()

    def fill(self, part: memoryview, at: int) -> None:
        self.asked.append((at, len(part)))
        self.threads.add(threading.get_ident())
        part[:] = self.body[at : at + len(part)]

    def went(self, count: int) -> None:
        assert threading.get_ident() not in self.threads
        self.gone += count

    async def chunks(self) -> AsyncIterator[bytes]:
        yield self.body
        self.gone += len(self.body)


def upload(url: str, drawn: Drawn, **call: Any) -> httpx.Request:
    size = len(drawn.body)
    request = ask("PUT", url, content=Replay(drawn.chunks, size, lambda: drawn), **call)
    request.headers.update({"Host": "cloud.test", "Content-Length": str(size)})
    return request


@pytest.mark.parametrize("encrypted", [False, True])
async def test_content_that_threads_read_arrives_whole(encrypted: bool, tmp_path: Path) -> None:
    body = bytes(range(251)) * 40_000

    async def slowly(visit: Visit) -> None:
        await anyio.sleep(0.05)
        await polite(visit)

    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    tls = server(ca.issue_cert("localhost")) if encrypted else None
    async with serving(slowly, tls) as origin:
        transport = build_transport(None, CloudConfig(name="my-cloud", cacert=str(tmp_path / "ca.pem")))
        for _ in range(2):
            drawn = Drawn(body)
            response = await transport.handle_async_request(upload(origin.url, drawn))
            assert (response.status_code, drawn.gone) == (200, len(body))
        assert [request.partition(b"\r\n\r\n")[2] for request in origin.requests] == [body, body]
        assert origin.connections == 1
        await transport.aclose()


@pytest.mark.parametrize("anyio_backend", [way for way in EVERY_WAY_OUT if "httpx2" not in way], indirect=True)
async def test_an_answer_before_the_end_of_content_stops_it() -> None:
    """The HTTP library's pool listens only when all has gone out, or nothing can."""

    async def script(visit: Visit) -> None:
        await visit.stream.receive()
        await visit.answer(b"{}", "413 Too Large")
        await anyio.sleep_forever()

    async with reached(script) as (transport, origin):
        drawn = Drawn(b"x" * 50_000_000)
        response = await transport.handle_async_request(upload(origin.url, drawn, retries=0, deadline=math.inf))
        assert response.status_code == 413
        assert drawn.gone < len(drawn.body)


async def test_content_that_can_not_be_read_is_what_is_raised() -> None:
    class Vanished(Drawn):
        def fill(self, part: memoryview, at: int) -> None:
            if at:
                raise CloudError("the file was changed while it was uploaded")
            super().fill(part, at)

        async def chunks(self) -> AsyncIterator[bytes]:
            yield self.body[:1000]
            raise CloudError("the file was changed while it was uploaded")

    async with reached(polite) as (transport, origin):
        with pytest.raises(CloudError, match="the file was changed"):
            await transport.handle_async_request(upload(origin.url, Vanished(b"x" * 1_000_000)))
        await (await transport.handle_async_request(ask(url=origin.url, stream=True))).aclose()
        assert (origin.connections, len(origin.requests)) == (2, 1)


async def test_content_that_breaks_off_is_sent_again_from_its_beginning() -> None:
    async def script(visit: Visit) -> None:
        if visit.number == 1:
            await visit.stream.receive()
            visit.reset()
            return
        await polite(visit)

    async with reached(script) as (transport, origin):
        body = bytes(range(250)) * 20_000
        request = upload(origin.url, Drawn(body))
        assert (await transport.handle_async_request(request)).status_code == 200
        assert call_in(request).travel.attempts == 2
        assert origin.requests[-1].partition(b"\r\n\r\n")[2] == body


async def test_content_that_ends_too_early_is_a_transport_error() -> None:
    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(b"HTTP/1.1 200 OK\r\ncontent-length: 3000000\r\n\r\n" + b"x" * 1_000_000)

    async with reached(script) as (transport, origin):
        got = bytearray()
        response = await transport.handle_async_request(ask(url=origin.url, stream=True))
        with pytest.raises(TransportError, match="the connection broke"):
            await poured(response, got.extend)
        await response.aclose()
        assert len(got) <= 1_000_000


async def test_content_that_comes_slowly_is_not_waited_for_until_there_is_much() -> None:
    first = b"x" * 100_000
    seen = anyio.Event()

    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(b"HTTP/1.1 200 OK\r\ncontent-length: 3000000\r\n\r\n" + first)
        await seen.wait()
        await visit.send(b"x" * 2_900_000)
        await polite(visit)

    def told(count: int) -> None:
        if count:
            seen.set()

    async with reached(script) as (transport, origin):
        got = bytearray()
        response = await transport.handle_async_request(ask(url=origin.url, stream=True))
        with anyio.fail_after(5):
            await poured(response, got.extend, told)
            await response.aclose()
            assert len(got) == 3_000_000
            # And a short answer after it is heard at once.
            response = await transport.handle_async_request(ask(url=origin.url, stream=True))
            await poured(response, got.extend)
            await response.aclose()
        assert (len(got), origin.connections) == (3_000_002, 1)


async def test_content_that_stops_coming_is_a_timeout() -> None:
    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(b"HTTP/1.1 200 OK\r\ncontent-length: 3000000\r\n\r\n" + b"x" * 1000)
        await anyio.sleep_forever()

    async with reached(script) as (transport, origin):
        request = ask(url=origin.url, stream=True)
        request.extensions["timeout"] = {"connect": 5.0, "read": 0.3, "write": 5.0, "pool": 5.0}
        response = await transport.handle_async_request(request)
        with pytest.raises(Timeout, match="the answer did not come in time"), anyio.fail_after(5):
            await poured(response, lambda _: None)
        await response.aclose()
