"""Rates, pauses and requests in flight, in virtual time."""

from __future__ import annotations

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiocloud._http import httpx
from aiocloud.config.schema import CloudConfig
from aiocloud.errors import Timeout
from aiocloud.transport import Transport
from aiocloud.transport.limits import Pace
from tests.transport.helper import Network, ask, carried, virtual


@settings(max_examples=50)
@given(st.floats(0.2, 500.0), st.lists(st.floats(0.0, 3.0), min_size=1, max_size=60))
def test_a_pace_never_lets_more_than_its_rate_and_one_burst_through(rate: float, waits: list[float]) -> None:
    pace, now, passed = Pace(rate, 0.0), 0.0, 0
    for wait in waits:
        now, before = now + wait, passed
        while pace.delay(now) <= 0.0 and passed < 10_000:
            pace.take(now)
            passed += 1
        assert passed <= now * rate + max(1.0, rate) + 1e-3
        assert passed - before <= max(1.0, rate) + 1e-3, "however long nothing was asked"


def test_a_pace_that_is_told_to_slow_down_goes_below_what_was_refused_and_recovers() -> None:
    pace = Pace(None, 0.0)
    for step in range(200):
        pace.take(step / 100)
    pace.slow(2.0)
    lowered = pace.rate or 0.0
    assert 60.0 <= lowered <= 80.0
    pace.slow(2.5)
    assert pace.rate == lowered, "those in flight are refused together: that is one lesson"
    now = 2.5
    while now < 120.0 and (pace.rate or 0.0) > 0.0:
        now += 0.05
        pace.delay(now)
    assert 5.0 < now < 60.0


def test_a_pace_with_a_configured_rate_goes_back_to_it() -> None:
    pace = Pace(10.0, 0.0)
    pace.slow(0.0)
    assert pace.rate == Pace.SLOWEST
    now = 0.0
    for _ in range(2000):
        now += 0.5
        pace.delay(now)
    assert pace.rate == 10.0


def test_the_rate_is_kept_for_each_service_by_itself() -> None:
    config = CloudConfig(name="my-cloud", rate_limit={"compute": 10.0})

    async def story() -> tuple[float, float]:
        transport = carried(Network(httpx.Response(200)), config)

        async def many(service: str) -> float:
            async with anyio.create_task_group() as tasks:
                for _ in range(60):
                    tasks.start_soon(transport.handle_async_request, ask(service=service))
            return anyio.current_time()

        started = anyio.current_time()
        images = await many("image") - started
        return images, await many("compute") - started

    images, servers = virtual(story)
    assert images == 0.0
    assert servers == pytest.approx(5.0, abs=0.01), "ten at once, then ten a second"


def test_no_more_requests_are_in_flight_than_configured() -> None:
    async def story() -> Network:
        network = Network(httpx.Response(200))
        network.latency = 1.0
        transport = carried(network, CloudConfig(name="my-cloud", concurrency=7))
        async with anyio.create_task_group() as tasks:
            for _ in range(50):
                tasks.start_soon(transport.handle_async_request, ask())
        (stats,) = transport.stats().values()
        assert (stats.requests, stats.in_flight) == (50, 0)
        assert stats.throttled > 100.0
        return network

    assert virtual(story).most_flying == 7


def test_a_region_that_hangs_starves_no_other() -> None:
    async def story() -> float:
        network = Network(httpx.Response(200))

        async def handle(request: httpx.Request) -> httpx.Response:
            if request.url.host == "sick.test":
                await anyio.sleep_forever()
            return await network.handle_async_request(request)

        transport = carried(httpx.MockTransport(handle))
        async with anyio.create_task_group() as tasks:
            for _ in range(500):
                tasks.start_soon(transport.handle_async_request, ask(url="http://sick.test/", region="sick"))
            await anyio.sleep(1)
            started = anyio.current_time()
            for _ in range(20):
                await transport.handle_async_request(ask(region="sound"))
            took = anyio.current_time() - started
            tasks.cancel_scope.cancel()
        return took

    assert virtual(story) == 0.0


def test_retry_after_pauses_the_whole_bucket_and_only_that() -> None:
    async def story() -> tuple[float, float]:
        network = Network(httpx.Response(429, headers={"retry-after": "20"}), httpx.Response(200))
        transport = carried(network)
        started = anyio.current_time()
        ended: dict[str, float] = {}

        async def one(service: str) -> None:
            await transport.handle_async_request(ask(service=service))
            ended[service] = anyio.current_time() - started

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(one, "compute")
            await anyio.sleep(1)
            (stats,) = transport.stats().values()
            assert stats.paused == pytest.approx(19.0)
            tasks.start_soon(one, "compute")
            tasks.start_soon(one, "image")
        assert network.gaps == [1.0, *network.gaps[1:]]
        assert min(network.gaps[1:][:1]) >= 19.0
        return ended["compute"], ended["image"]

    compute, image = virtual(story)
    assert compute >= 20.0
    assert image == 1.0


def test_a_shorter_retry_after_ends_no_longer_one() -> None:
    pace = Pace(None, 0.0)
    pace.pause(0.0, 20.0)
    pace.pause(1.0, 5.0)
    assert pace.delay(2.0) == 18.0


def test_a_service_that_is_down_for_a_while_has_not_said_that_there_are_too_many() -> None:
    async def story() -> None:
        transport = carried(Network(httpx.Response(503, headers={"retry-after": "5"}), httpx.Response(200)))
        await transport.handle_async_request(ask())
        (stats,) = transport.stats().values()
        assert (stats.refused, stats.rate, stats.requests, stats.retries) == (0, None, 2, 1)

    virtual(story)


def test_a_call_that_may_have_acted_says_so_when_a_pause_ends_it() -> None:
    """Another's Retry-After comes between an attempt whose end is not known and the next."""

    async def story() -> None:
        network = Network(httpx.ReadError("reset"), httpx.Response(503, headers={"retry-after": "50"}))
        transport = carried(network)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(broken, transport)
            # The network has answered, and no time has passed: nothing is sent again so soon.
            await anyio.wait_all_tasks_blocked()
            await transport.handle_async_request(ask(retries=0))
        assert len(network.times) == 2

    async def broken(transport: Transport) -> None:
        with pytest.raises(Timeout, match="wants us to wait") as caught:
            await transport.handle_async_request(ask("PUT", deadline=anyio.current_time() + 20.0))
        assert caught.value.sent is True

    virtual(story)


def test_a_call_that_cannot_wait_for_the_pause_is_told_at_once() -> None:
    async def story() -> None:
        network = Network(httpx.Response(503, headers={"retry-after": "50"}))
        transport = carried(network)
        response = await transport.handle_async_request(ask(retries=0))
        assert response.status_code == 503
        started = anyio.current_time()
        with pytest.raises(Timeout, match="wants us to wait 50 s") as caught:
            await transport.handle_async_request(ask(deadline=started + 10.0))
        assert caught.value.sent is False
        assert anyio.current_time() == started
        assert len(network.times) == 1

    virtual(story)


def test_cancelled_waiters_take_nothing_with_them() -> None:
    async def story() -> None:
        network = Network(httpx.Response(200))
        network.latency = 0.5
        transport = carried(network, CloudConfig(name="my-cloud", concurrency=2, rate_limit=5.0))
        for _ in range(200):
            with anyio.move_on_after(0.05):
                async with anyio.create_task_group() as tasks:
                    for _ in range(5):
                        tasks.start_soon(transport.handle_async_request, ask())
        (stats,) = transport.stats().values()
        assert stats.in_flight == 0
        response = await transport.handle_async_request(ask())
        assert response.status_code == 200

    virtual(story)
