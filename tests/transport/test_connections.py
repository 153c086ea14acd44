"""Real sockets: connections that die idle, break half-way, stall and drip."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
import pytest

from aiocloud._http import httpx
from aiocloud.config.schema import CloudConfig
from aiocloud.errors import CloudError, Timeout, TransportError
from aiocloud.transport import Transport, build_transport
from aiocloud.transport.pool import proxy_for
from tests.transport.helper import ask, call_in
from tests.transport.origin import Origin, Script, Visit, polite, serving

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def reached(script: Script) -> AsyncIterator[tuple[Transport, Origin]]:
    """A server with this script, and the way to it."""
    async with serving(script) as origin:
        transport = build_transport(None, CloudConfig(name="my-cloud"))
        try:
            yield transport, origin
        finally:
            await transport.aclose()


async def test_connections_are_kept_and_used_again() -> None:
    async with reached(polite) as (transport, origin):
        for _ in range(5):
            response = await transport.handle_async_request(ask(url=origin.url))
            assert response.json() == {}
        assert (origin.connections, len(origin.requests)) == (1, 5)


@pytest.mark.parametrize("anyio_backend", ["asyncio over sockets", "trio over sockets"], indirect=True)
async def test_connections_of_a_rush_are_closed_when_they_are_old(monkeypatch: pytest.MonkeyPatch) -> None:
    """While one after the other takes the youngest."""
    monkeypatch.setattr("aiocloud.transport.pool.KEPT", 0.5)
    async with reached(polite) as (transport, origin):
        async with anyio.create_task_group() as tasks:
            for _ in range(10):
                tasks.start_soon(transport.handle_async_request, ask(url=origin.url))
        assert origin.connections > 2
        with anyio.fail_after(10):
            while origin.open > 1:
                await transport.handle_async_request(ask(url=origin.url))
                await anyio.sleep(0.1)


async def closes_after_one(visit: Visit) -> None:
    await visit.request()
    await visit.answer()


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_connection_that_died_idle_is_never_noticed(method: str) -> None:
    """The server announces nothing; the pool looks at the connection before it is used."""
    async with reached(closes_after_one) as (transport, origin):
        for number in range(1, 4):
            request = ask(method, origin.url)
            assert (await transport.handle_async_request(request)).status_code == 200
            assert call_in(request).travel.attempts == 1
            assert origin.connections == number
            await anyio.sleep(0.02)


def dies_under_the_second_request(how: str) -> Script:
    """The first connection answers once, takes the next request, and is gone without a byte."""

    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.answer()
        if visit.number > 1:
            await polite(visit)
        await visit.request()
        if how == "reset":
            visit.reset()

    return script


async def test_whoever_waits_when_all_is_closed_is_told_and_opens_nothing() -> None:
    async def script(visit: Visit) -> None:
        while (request := await visit.request()) is not None:
            if b"/busy" in request:
                await visit.answer(status="503 Busy", headers="retry-after: 1\r\n")  # so it is sent again in a second
            else:
                await anyio.sleep(3600)

    ended: dict[str, CloudError] = {}

    async def call(method: str, path: str) -> None:
        with pytest.raises(CloudError) as caught:
            await transport.handle_async_request(ask(method, f"{origin.url}/{path}"))
        ended[path] = caught.value

    async with reached(script) as (transport, origin):
        with anyio.fail_after(10):
            async with anyio.create_task_group() as tasks:
                for method, path in (("GET", "busy"), ("GET", "silent"), ("POST", "made")):
                    tasks.start_soon(call, method, path)
                while len(origin.requests) < 3:  # noqa: ASYNC110
                    await anyio.sleep(0.01)
                await anyio.sleep(0.05)
                await transport.aclose()
        assert origin.connections == 3
    assert "this connection is closed" in str(ended["busy"])
    assert "this connection is closed" in str(ended["silent"])
    made = ended["made"]
    assert isinstance(made, TransportError)
    assert made.sent  # and nobody knows what became of it


@pytest.mark.parametrize("how", ["close", "reset"])
async def test_a_kept_connection_that_dies_under_a_request_is_replaced_at_once(how: str) -> None:
    async with reached(dies_under_the_second_request(how)) as (transport, origin):
        await transport.handle_async_request(ask(url=origin.url))
        request = ask("DELETE", origin.url)
        assert (await transport.handle_async_request(request)).status_code == 200
        travel = call_in(request).travel
        assert (travel.attempts, travel.waited, travel.ambiguous) == (2, 0.0, True)


@pytest.mark.parametrize("how", ["close", "reset"])
async def test_a_post_is_not_repeated_when_the_server_may_have_acted(how: str) -> None:
    async with reached(dies_under_the_second_request(how)) as (transport, origin):
        await transport.handle_async_request(ask(url=origin.url))
        with pytest.raises(TransportError) as caught:
            await transport.handle_async_request(ask("POST", origin.url, content=b"{}"))
        assert caught.value.sent is True
        assert [request[:4] for request in origin.requests] == [b"GET ", b"POST"]


async def test_an_answer_that_breaks_off_is_asked_for_again() -> None:
    async def script(visit: Visit) -> None:
        while await visit.request() is not None:
            if len(visit.origin.requests) == 1:
                await visit.send(b'HTTP/1.1 200 OK\r\ncontent-length: 14\r\n\r\n{"serv')
                return
            await visit.answer(b'{"servers":[]}')

    async with reached(script) as (transport, origin):
        response = await transport.handle_async_request(ask(url=origin.url))
        assert response.json() == {"servers": []}
        assert len(origin.requests) == 2


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00\x01\x02\x03\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nnope",
        b"HTTP/1.1 200 OK\r\n" + b"x: " + b"y" * 200_000 + b"\r\n\r\n",
        b"",
    ],
)
async def test_garbage_is_a_transport_error(garbage: bytes) -> None:
    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(garbage)

    async with reached(script) as (transport, origin):
        with pytest.raises(TransportError) as caught:
            await transport.handle_async_request(ask(url=origin.url, retries=0))
        assert "my-cloud r1: GET http://127.0.0.1:" in str(caught.value)


async def drips(visit: Visit) -> None:
    await visit.request()
    await visit.send(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
    while True:
        await visit.send(b"x")
        await anyio.sleep(0.01)


async def stalls(visit: Visit) -> None:
    await visit.request()
    await anyio.sleep_forever()


async def stalls_in_headers(visit: Visit) -> None:
    await visit.request()
    await visit.send(b"HTTP/1.1 200 OK\r\ncontent-le")
    await anyio.sleep_forever()


async def never_reads(_: Visit) -> None:
    await anyio.sleep_forever()


@pytest.mark.parametrize("script", [drips, stalls, stalls_in_headers, never_reads])
async def test_every_phase_ends_at_the_deadline(script: Script) -> None:
    async with reached(script) as (transport, origin):
        started = anyio.current_time()
        body = b"x" * 50_000_000 if script is never_reads else None
        with pytest.raises(Timeout):
            await transport.handle_async_request(ask("PUT", origin.url, content=body, deadline=started + 0.3))
        assert anyio.current_time() - started < 5.0
        (stats,) = transport.stats().values()
        assert stats.in_flight == 0


async def test_a_tls_handshake_that_stalls_ends_at_the_deadline_with_nothing_sent() -> None:
    async with reached(never_reads) as (transport, origin):
        url = origin.url.replace("http:", "https:")
        with pytest.raises(Timeout) as caught:
            await transport.handle_async_request(ask(url=url, deadline=anyio.current_time() + 0.3))
        assert caught.value.sent is False


async def test_the_message_says_what_failed() -> None:
    async with serving(polite) as gone:
        pass
    async with reached(polite) as (transport, _):
        for url, words in (
            (gone.url, "the connection was refused"),
            ("http://no-such-host.invalid/", "the name could not be looked up"),
            ("ftp://cloud.test/", "unsupported protocol"),
        ):
            with pytest.raises(TransportError, match=words) as caught:
                await transport.handle_async_request(ask("POST", url, retries=1))
            assert caught.value.sent is False
            assert caught.value.cloud == "my-cloud"


async def test_an_early_answer_to_an_upload_is_heard() -> None:
    async def script(visit: Visit) -> None:
        await visit.stream.receive(1000)
        await visit.answer(b'{"error": "quota"}', "413 Too Large", "connection: close\r\n")
        while True:
            await visit.stream.receive()

    async with reached(script) as (transport, origin):
        response = await transport.handle_async_request(ask("PUT", origin.url, content=b"x" * 5_000_000))
        assert response.status_code == 413


async def times(count: int, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async with anyio.create_task_group() as tasks:
        for _ in range(count):
            tasks.start_soon(work)


@pytest.mark.parametrize("body", [b"{}", b"{}" + b" " * 5_000_000])
async def test_an_answer_that_nobody_reads_costs_the_others_nothing(body: bytes) -> None:
    """What has arrived already may be the whole of it: a pool would keep a connection that we have closed."""

    async def script(visit: Visit) -> None:
        with suppress(anyio.BrokenResourceError):
            while await visit.request() is not None:
                await visit.answer(body)

    async with reached(script) as (transport, origin):
        for _ in range(3):
            response = await transport.handle_async_request(ask(url=origin.url, stream=True))
            assert isinstance(response.stream, httpx.AsyncByteStream)
            aiter(response.stream)
            await response.aclose()
            assert (await transport.handle_async_request(ask(url=origin.url))).content == body


async def test_a_thousand_cancelled_calls_leave_the_pool_whole() -> None:
    async def script(visit: Visit) -> None:
        while await visit.request() is not None:
            await anyio.sleep(0.001)
            await visit.answer()

    async with reached(script) as (transport, origin):

        async def cancelled() -> None:
            for step in range(20):
                with anyio.move_on_after(0.0005 * step):
                    await transport.handle_async_request(ask(url=origin.url))

        async def whole() -> None:
            assert (await transport.handle_async_request(ask(url=origin.url))).status_code == 200

        await times(50, cancelled)
        await times(150, whole)
        (stats,) = transport.stats().values()
        assert stats.in_flight == 0


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://cloud.test/", "http://proxy:3128"),
        ("https://cloud.test/", "http://secure:3128"),
        ("https://home.test/", None),
        ("https://api.home.test:5000/", None),
        ("https://nothome.test/", "http://secure:3128"),
        ("https://10.0.0.1:8774/", None),
        ("https://10.0.0.1:9999/", "http://secure:3128"),
    ],
)
def test_the_proxies_of_the_environment_are_used(url: str, expected: str | None) -> None:
    proxies = {"http": "http://proxy:3128", "https": "secure:3128", "no": ".home.test, 10.0.0.1:8774"}
    assert proxy_for(httpx.URL(url), proxies) == expected
    assert proxy_for(httpx.URL(url), {}) is None
    assert proxy_for(httpx.URL(url), {**proxies, "no": "*"}) is None
