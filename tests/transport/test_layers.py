"""What is sent again, how often, and what comes out in the end; in virtual time where time matters."""

from __future__ import annotations

import gc
import logging
from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest
from anyio.lowlevel import RunVar

from aiocloud._http import httpx
from aiocloud.config.schema import CloudConfig
from aiocloud.errors import CloudError, InvalidRequest, Timeout, TransportError
from aiocloud.transport.layers import settings_of
from tests.transport.helper import Answer, Network, ask, call_in, carried, virtual

OK = httpx.Response(200, json={"servers": []})
UNSENT = httpx.ConnectError("All connection attempts failed")
BROKEN = httpx.ReadError("Connection reset by peer")
SLOW = httpx.ReadTimeout("")
BUSY = httpx.Response(503)


def outcome(method: str, *answers: Answer, **call: Any) -> tuple[int | CloudError, int]:
    """What one call ends with, and after how many attempts."""

    async def story() -> tuple[int | CloudError, int]:
        network = Network(*answers)
        try:
            response = await carried(network).handle_async_request(ask(method, **call))
        except CloudError as error:
            return error, len(network.times)
        return response.status_code, len(network.times)

    return virtual(story)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST", "PATCH"])
@pytest.mark.parametrize("trouble", [UNSENT, httpx.PoolTimeout(""), httpx.Response(429)])
def test_what_the_service_did_not_act_on_is_sent_again(method: str, trouble: Answer) -> None:
    assert outcome(method, trouble, trouble, OK) == (200, 3)


@pytest.mark.parametrize("trouble", [BROKEN, SLOW, BUSY, httpx.Response(500), httpx.RemoteProtocolError("")])
def test_what_the_service_may_have_acted_on_is_sent_again_only_where_that_does_no_harm(trouble: Answer) -> None:
    for method in ("GET", "PUT", "DELETE"):
        assert outcome(method, trouble, OK) == (200, 2)
    assert outcome("POST", trouble, OK, repeatable=True) == (200, 2)
    assert outcome("GET", trouble, OK, repeatable=False)[1] == 1
    end, attempts = outcome("POST", trouble, OK)
    assert attempts == 1
    if isinstance(trouble, httpx.Response):
        assert end == trouble.status_code
    else:
        assert isinstance(end, TransportError | Timeout)
        assert end.sent is True


@pytest.mark.parametrize("answer", [httpx.Response(404), httpx.Response(409), httpx.Response(413), OK])
def test_an_answer_is_an_answer(answer: httpx.Response) -> None:
    assert outcome("GET", answer) == (answer.status_code, 1)


def test_a_name_with_a_line_feed_forges_no_line_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    network = Network(BUSY, OK)

    async def story() -> None:
        await carried(network).handle_async_request(ask("GET", "http://cloud.test/box/a%0AERROR%1B[2J"))

    with caplog.at_level(logging.DEBUG, "aiocloud"):
        virtual(story)
    (told,) = [record.getMessage() for record in caplog.records if "again in" in record.getMessage()]
    assert told.startswith(r"GET /box/a\nERROR\x1b[2J ended with 503; again in ")


def test_retries_end() -> None:
    assert outcome("GET", BUSY) == (503, 5)
    assert outcome("GET", BUSY, retries=0) == (503, 1)
    assert outcome("GET", BUSY, retries=9) == (503, 10)
    error, attempts = outcome("POST", UNSENT)
    assert attempts == 5
    assert isinstance(error, TransportError)
    assert error.sent is False
    assert (error.cloud, error.region, error.service, error.method) == ("my-cloud", "r1", "compute", "POST")
    assert str(error) == "my-cloud r1: POST http://cloud.test/servers: no connection: All connection attempts failed"


def test_an_earlier_attempt_that_may_have_acted_is_not_forgotten() -> None:
    error, attempts = outcome("PUT", BROKEN, UNSENT)
    assert attempts == 5
    assert isinstance(error, TransportError)
    assert error.sent is True


@pytest.mark.anyio
async def test_a_call_knows_what_happened_to_it() -> None:
    request = ask("DELETE")
    response = await carried(Network(BROKEN, httpx.Response(404))).handle_async_request(request)
    assert response.status_code == 404
    travel = call_in(request).travel
    assert (travel.attempts, travel.ambiguous) == (2, True)


@pytest.mark.parametrize(
    ("answer", "at_least"),
    [
        (httpx.Response(429, headers={"retry-after": "30"}), 30.0),
        (httpx.Response(503, headers={"retry-after": "7"}), 7.0),
        (httpx.Response(413, headers={"retry-after": "3"}), 3.0),
        (httpx.Response(498, headers={"retry-after": "0"}), 0.0),
    ],
)
def test_retry_after_is_waited_for(answer: httpx.Response, at_least: float) -> None:
    async def story() -> float:
        network = Network(answer, OK)
        await carried(network).handle_async_request(ask("POST"))
        return network.gaps[0]

    assert at_least <= virtual(story) <= at_least + 6.0


@pytest.mark.parametrize("seconds", [61, 1_000_000_000])
def test_a_retry_after_that_is_too_long_is_the_callers_to_judge(seconds: int) -> None:
    """Neither this call waits, though it has the time, nor do those that come after it."""

    async def story() -> list[float]:
        network = Network(httpx.Response(503, headers={"retry-after": f"{seconds}"}), OK)
        transport = carried(network)
        for status in (503, 200):
            response = await transport.handle_async_request(ask(deadline=anyio.current_time() + 300.0))
            assert response.status_code == status
        return network.gaps

    assert virtual(story) == [0.0]


def test_a_service_that_only_fails_is_not_held_down_by_retries() -> None:
    async def story() -> None:
        network = Network(BUSY)
        transport = carried(network)
        async with anyio.create_task_group() as tasks:
            for _ in range(300):
                tasks.start_soon(transport.handle_async_request, ask())
        (stats,) = transport.stats().values()
        passed = network.times[-1] - network.times[0]
        assert stats.requests == len(network.times) == 300 + stats.retries
        assert 100 <= stats.retries <= 100 + passed + 1

    virtual(story)


def test_what_succeeds_pays_for_retries() -> None:
    async def story() -> None:
        network = Network(*[BUSY] * 40, OK)
        transport = carried(network)
        async with anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(transport.handle_async_request, ask())
                tasks.start_soon(transport.handle_async_request, ask(retries=0))
        # Time gives retries back, too; it stands still from here on.
        (before,) = transport.stats().values()
        await transport.handle_async_request(ask())
        (after,) = transport.stats().values()
        assert before.retries >= 20
        assert after.budget == min(100.0, before.budget + 0.5)
        assert before.budget < 100.0

    virtual(story)


def test_no_retry_is_begun_that_would_pass_the_deadline() -> None:
    async def story() -> float:
        network = Network(httpx.Response(429, headers={"retry-after": "30"}), OK)
        response = await carried(network).handle_async_request(ask(deadline=anyio.current_time() + 29.0))
        assert response.status_code == 429
        return anyio.current_time() - network.times[0]

    assert virtual(story) == 0.0


@pytest.mark.parametrize("stream", [False, True])
def test_a_deadline_ends_a_call_wherever_it_is(stream: bool) -> None:
    async def story() -> None:
        network = Network(OK)
        network.latency = 1e9
        transport = carried(network)
        started = anyio.current_time()
        with pytest.raises(Timeout, match="not done within 5 s") as caught:
            await transport.handle_async_request(ask(deadline=started + 5.0, stream=stream))
        assert anyio.current_time() - started == 5.0
        assert caught.value.sent is True
        assert isinstance(caught.value, TimeoutError)

    virtual(story)


def test_a_call_that_says_nothing_has_a_deadline_all_the_same() -> None:
    async def story() -> float:
        network = Network(OK)
        network.latency = 1e9
        started = anyio.current_time()
        with pytest.raises(Timeout):
            await carried(network).handle_async_request(httpx.Request("GET", "http://cloud.test/"))
        return anyio.current_time() - started

    assert virtual(story) == 300.0


def test_a_stream_that_drips_ends_at_its_deadline() -> None:
    class Drip(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            while True:
                await anyio.sleep(1)
                yield b"x"

    async def handle(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, stream=Drip())

    async def story() -> None:
        transport = carried(httpx.MockTransport(handle))
        started = anyio.current_time()
        response = await transport.handle_async_request(ask(stream=True, deadline=started + 4.5))
        with pytest.raises(Timeout):
            await response.aread()
        assert anyio.current_time() - started == 4.5
        await response.aclose()
        (stats,) = transport.stats().values()
        assert stats.in_flight == 0

    virtual(story)


@pytest.mark.anyio
async def test_cancelling_a_call_frees_its_slot() -> None:
    network = Network(OK)
    network.latency = 3600.0
    transport = carried(network)
    with anyio.move_on_after(0.02):
        await transport.handle_async_request(ask())
    (stats,) = transport.stats().values()
    assert stats.in_flight == 0


def test_a_transport_used_in_two_event_loops_says_so() -> None:
    transport = carried(Network(OK))

    async def story() -> None:
        await transport.handle_async_request(ask())

    anyio.run(story)
    with pytest.raises(InvalidRequest, match="another event loop"):
        anyio.run(story)
    with pytest.raises(InvalidRequest, match="another event loop"):
        anyio.run(story, backend="trio")


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_clouds_that_come_and_go_leave_nothing_with_the_event_loop() -> None:
    async def visits(count: int) -> int:
        for _ in range(count):
            await carried(Network(OK)).handle_async_request(ask())
        gc.collect()
        return sum(isinstance(thing, RunVar) for thing in gc.get_objects())

    before = await visits(10)
    assert await visits(50) == before


@pytest.mark.anyio
async def test_a_transport_that_was_handed_in_stays_open() -> None:
    closed: list[bool] = []

    class Owned(Network):
        async def aclose(self) -> None:
            closed.append(True)

    await carried(Owned(OK)).aclose()
    assert not closed


def test_settings_come_from_clouds_yaml() -> None:
    config = CloudConfig(
        name="my-cloud",
        connect_retries=1,
        rate_limit={"compute": 3.0},
        concurrency=12,
        services={"compute": {"status_code_retries": 2, "retriable_status_codes": (409,)}},
    )
    settings = settings_of(config, "compute")
    assert (settings.rate, settings.in_flight) == (3.0, 12)
    assert (settings.policy.connect_retries, settings.policy.status_retries) == (1, 2)
    assert settings.policy.statuses == (409,)
    assert settings_of(config, "image").rate is None


def test_regions_have_limits_of_their_own() -> None:
    async def story() -> set[float | None]:
        transport = carried(Network(OK), CloudConfig(name="my-cloud", region_name="r1", rate_limit=5.0))
        transport.know(CloudConfig(name="my-cloud", region_name="r2", rate_limit=50.0))
        for region in ("r1", "r2"):
            await transport.handle_async_request(ask(region=region))
        return {stats.rate for stats in transport.stats().values()}

    assert virtual(story) == {5.0, 50.0}
