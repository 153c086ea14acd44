"""The bad network does what its plan says, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

import anyio
import httpx2
import pytest
from anyio.abc import SocketAttribute, SocketStream

from aiocloud.testing import FakeCloud, chaos
from aiocloud.testing.chaos import Trouble
from tests.testing.wire import wire

pytestmark = pytest.mark.anyio

GREETING = b"0123456789" * 10


@asynccontextmanager
async def echo_service() -> AsyncIterator[int]:
    """A port that greets, then sends back what it gets until the client has said all."""

    async def serve(stream: SocketStream) -> None:
        async with stream:
            try:
                await stream.send(GREETING)
                async for chunk in stream:
                    await stream.send(chunk)
            except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                return

    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, serve)
        yield listener.extra(SocketAttribute.local_port)
        group.cancel_scope.cancel()


@asynccontextmanager
async def through(*plan: Trouble | None) -> AsyncIterator[tuple[chaos.Proxy, SocketStream]]:
    """One connection to the echo service through a proxy."""
    async with (
        echo_service() as port,
        chaos.proxy(port, plan) as bad,
        await anyio.connect_tcp("127.0.0.1", bad.port) as client,
    ):
        with anyio.fail_after(5):
            yield bad, client


async def read_all(client: SocketStream) -> bytes:
    """Everything until the other end says that it is done."""
    return b"".join([chunk async for chunk in client])


async def read_some(client: SocketStream, size: int) -> bytes:
    """Exactly so many bytes."""
    found = b""
    while len(found) < size:
        found += await client.receive(size - len(found))
    return found


async def test_without_trouble_bytes_pass_both_ways_as_they_are() -> None:
    async with through(None) as (bad, client):
        await client.send(b"hello")
        await client.send_eof()
        assert await read_all(client) == GREETING + b"hello"
        assert (bad.connections, bad.struck) == (1, [])


async def test_a_reset_is_no_end_but_an_error() -> None:
    trouble = Trouble("reset", after=30)
    async with through(trouble) as (bad, client):
        with pytest.raises(anyio.BrokenResourceError) as caught:
            await read_all(client)
        assert isinstance(caught.value.__cause__, ConnectionResetError)
        assert bad.struck == [trouble]


async def test_a_reset_may_come_with_what_the_client_sends() -> None:
    trouble = Trouble("reset", "up", after=3)
    async with through(trouble) as (bad, client):
        assert await read_some(client, len(GREETING)) == GREETING
        await client.send(b"abc")
        assert await read_some(client, 3) == b"abc"
        await client.send(b"d")
        with pytest.raises(anyio.BrokenResourceError):
            await client.receive()
        assert bad.struck == [trouble]


async def test_a_truncated_stream_ends_as_if_all_were_well() -> None:
    async with through(Trouble("truncate", after=42)) as (_bad, client):
        assert await read_all(client) == GREETING[:42]


async def test_half_closed_means_that_the_other_half_still_works() -> None:
    async with through(Trouble("half-close", after=10)) as (bad, client):
        assert await read_all(client) == GREETING[:10]
        await client.send(b"still heard")
        assert len(bad.struck) == 1


async def test_a_stalled_stream_is_silent_until_the_client_gives_up() -> None:
    async with through(Trouble("stall", after=10)) as (_bad, client):
        assert await read_some(client, 10) == GREETING[:10]
        with anyio.move_on_after(0.05) as scope:
            await client.receive()
        assert scope.cancelled_caught


async def test_dripping_loses_nothing() -> None:
    async with through(Trouble("drip", after=95, pause=0.001)) as (_bad, client):
        await client.send(b"xyz")
        await client.send_eof()
        assert await read_all(client) == GREETING + b"xyz"


async def test_one_bit_is_wrong_and_the_length_right() -> None:
    async with through(Trouble("flip", after=50, bit=3)) as (_bad, client):
        await client.send_eof()
        got = await read_all(client)
        wrong = [position for position, (one, two) in enumerate(zip(got, GREETING, strict=True)) if one != two]
        assert wrong == [50]
        assert got[50] ^ GREETING[50] == 1 << 3


async def test_a_flipped_bit_on_the_way_up() -> None:
    async with through(Trouble("flip", "up", after=1)) as (_bad, client):
        await client.send(b"aaa")
        await client.send_eof()
        assert (await read_all(client))[len(GREETING) :] == b"a`a"


async def test_each_connection_has_its_own_trouble() -> None:
    async with echo_service() as port, chaos.proxy(port, [Trouble("truncate", after=5), None]) as bad:
        lengths: list[int] = []
        for _ in range(3):
            async with await anyio.connect_tcp("127.0.0.1", bad.port) as client:
                with anyio.fail_after(5):
                    await client.send_eof()
                    lengths.append(len(await read_all(client)))
        assert lengths == [5, 100, 100]
        assert bad.connections == 3


async def test_half_an_upload_is_no_object_and_no_image(fake: FakeCloud) -> None:
    async def megabytes() -> AsyncGenerator[bytes]:
        for _ in range(32):
            yield bytes(65536)

    async with (
        fake.serve() as url,
        wire(fake, "object-store", over=url) as swift,
        wire(fake, "image", over=url) as glance,
        httpx2.AsyncClient(timeout=10) as http,
    ):
        image = (await glance.post("/v2/images", json={"disk_format": "raw", "container_format": "bare"})).json()
        await swift.put("/box")
        plan = [Trouble("reset", "up", after=500_000)] * 2
        async with chaos.proxy(int(url.rpartition(":")[2]), plan) as bad:
            octets = {"content-type": "application/octet-stream"}
            for client, path in ((swift, "box/a"), (glance, f"v2/images/{image['id']}/file")):
                target = f"{str(client.base_url).replace(url, bad.url).rstrip('/')}/{path}"
                headers = {**octets, "x-auth-token": client.headers["x-auth-token"]}
                async with aclosing(megabytes()) as body:
                    with pytest.raises(httpx2.TransportError):
                        await http.put(target, content=body, headers=headers)
            assert bad.struck == plan
        with anyio.fail_after(5):
            while (await glance.get(image["self"])).json()["status"] != "queued":
                continue
        assert (await swift.head("/box/a")).status_code == 404


def test_the_same_seed_makes_the_same_plan() -> None:
    plan = chaos.random_plan(7, 200, clean=0.3)
    assert plan == chaos.random_plan(7, 200, clean=0.3)
    assert plan != chaos.random_plan(8, 200, clean=0.3)
    troubles = [one for one in plan if one is not None]
    assert {one.kind for one in troubles} == set(chaos.KINDS)
    assert {one.direction for one in troubles} == {"up", "down"}
    assert 0 < plan.count(None) < 200
