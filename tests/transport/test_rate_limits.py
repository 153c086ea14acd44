"""Limits that several processes keep together: what a bucket makes of them, in virtual time."""

from __future__ import annotations

import math
from collections import defaultdict
from pathlib import Path
from typing import Any

import anyio
import pytest
from pydantic import SecretStr

import aiocloud
from aiocloud._http import httpx
from aiocloud.config.schema import CloudConfig
from aiocloud.errors import ConfigError, Timeout
from aiocloud.testing import FakeCloud
from aiocloud.transport import Transport, build_transport
from aiocloud.transport.rate_limits import limit_key
from tests.transport.helper import Network, ask, virtual

ALICE = {"auth_url": "https://keystone.test/v3", "username": "alice", "password": SecretStr("pw-canary")}


class Together:
    """Limits in memory, which count their turns."""

    def __init__(self) -> None:
        self.given: dict[str, float] = defaultdict(lambda: -math.inf)
        self.paused_until: dict[str, float] = defaultdict(lambda: -math.inf)
        self.asked = 0

    async def turn(self, key: str, rate: float | None, burst: float, at_most: float) -> float:
        self.asked += 1
        if rate is None:
            return await self.paused(key)
        now = anyio.current_time()
        start = max(now, self.paused_until[key])
        turn = max(start, self.given[key] - (burst - 1) / rate)
        if turn - now <= at_most:
            self.given[key] = max(start, self.given[key]) + 1 / rate
        return turn - now

    async def paused(self, key: str) -> float:
        return max(0.0, self.paused_until[key] - anyio.current_time())

    async def pause(self, key: str, seconds: float) -> None:
        self.paused_until[key] = max(self.paused_until[key], anyio.current_time() + seconds)


def process(network: Network, together: Together, *, name: str = "my-cloud", rate: float | None = 10.0) -> Transport:
    """What one of several processes has of a cloud."""
    config = CloudConfig(name=name, region_name="r1", auth=ALICE, rate_limit=rate)
    return build_transport(network, config, together)


async def send_all(count: int, *transports: Transport) -> None:
    async with anyio.create_task_group() as tasks:
        for _ in range(count):
            for transport in transports:
                tasks.start_soon(transport.handle_async_request, ask())


def most_within(times: list[float], seconds: float) -> int:
    """How many requests were sent within so many seconds at most."""
    return max(sum(start <= time < start + seconds for time in times) for start in times)


def test_processes_keep_to_one_rate_together() -> None:
    async def story() -> Network:
        network, together = Network(httpx.Response(200)), Together()
        one, two = process(network, together), process(network, together, name="the-same")
        await send_all(60, one, two)
        assert anyio.current_time() - network.times[0] == pytest.approx(11.0, abs=0.01)
        (stats,) = one.stats().values()
        assert stats.throttled > 60.0
        return network

    network = virtual(story)
    assert len(network.times) == 120
    assert most_within(network.times, 1.0) <= 20
    assert most_within(network.times[10:], 1.0 - 1e-6) <= 10


def test_a_pause_holds_all_processes_with_a_rate_and_without() -> None:
    async def story(rate: float | None) -> None:
        together = Together()
        refusing = Network(httpx.Response(503, headers={"retry-after": "20"}), httpx.Response(200))
        network = Network(httpx.Response(200))
        one, two = process(refusing, together, rate=rate), process(network, together, rate=rate)
        started = anyio.current_time()
        await one.handle_async_request(ask(retries=0))
        await anyio.sleep(1)
        await send_all(15, two)
        assert min(network.times) - started == pytest.approx(20.0)
        assert max(network.times) - started == pytest.approx(20.0 if rate is None else 20.5)

    virtual(story, 10.0)
    virtual(story, None)


def test_a_pause_that_comes_while_they_wait_takes_their_turns() -> None:
    """Or else all those whose turns it covered would go at its end, together."""

    async def story() -> None:
        together, network = Together(), Network(httpx.Response(200))
        one, two = process(network, together), process(network, together)
        started = anyio.current_time()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(send_all, 40, one, two)
            await anyio.sleep(1.05)
            (key,) = together.given
            await together.pause(key, 20.0)
        before = [time for time in network.times if time < started + 1.05]
        after = [time for time in network.times if time >= started + 21.05 - 1e-6]
        assert (len(before), len(after)) == (20, 60)
        assert most_within(after, 1.0) <= 20
        assert max(after) - started == pytest.approx(26.05, abs=0.01)

    virtual(story)


def test_a_call_that_cannot_wait_for_its_turn_is_told_at_once_and_takes_none() -> None:
    async def story() -> None:
        together, network = Together(), Network(httpx.Response(200))
        # As other processes would: this one's own bucket is full.
        one = process(network, together)
        await one.handle_async_request(ask())
        (key,) = together.given
        started = anyio.current_time()
        together.given[key] = reserved = started + 50.0
        with pytest.raises(Timeout, match=r"compute wants us to wait 49\.1 s") as caught:
            await one.handle_async_request(ask(deadline=started + 10.0))
        assert caught.value.sent is False
        assert anyio.current_time() == started
        with anyio.move_on_after(5):
            await one.handle_async_request(ask())
        assert anyio.current_time() == started + 5, "somebody else's deadline is waited for"
        assert together.given[key] == reserved
        (stats,) = one.stats().values()
        assert (stats.in_flight, stats.requests) == (0, 1)
        async with anyio.create_task_group() as tasks:
            tasks.cancel_scope.deadline = started + 6
            tasks.start_soon(one.handle_async_request, ask(deadline=math.inf))
            await anyio.wait_all_tasks_blocked()
            tasks.cancel_scope.deadline = math.inf
        assert anyio.current_time() - started == pytest.approx(49.1)
        assert together.given[key] == pytest.approx(reserved + 0.1), "who may wait after all has a turn, too"

    virtual(story)


def test_a_wait_that_is_cancelled_leaves_its_slot_and_the_others_their_turns() -> None:
    async def story() -> None:
        together, network = Together(), Network(httpx.Response(200))
        one, two = process(network, together), process(network, together)
        await send_all(10, two)
        started = anyio.current_time()
        async with anyio.create_task_group() as cancelled:
            cancelled.start_soon(send_all, 5, one)
            await anyio.wait_all_tasks_blocked()
            cancelled.cancel_scope.cancel()
        await one.handle_async_request(ask())
        assert anyio.current_time() - started == pytest.approx(0.6)
        assert [stats.in_flight for stats in one.stats().values()] == [0]

    virtual(story)


def test_a_pause_of_ones_own_counts_where_the_others_can_not_be_told() -> None:
    class Gone(Together):
        """As when Redis does not answer any more."""

        gone = False

        async def pause(self, key: str, seconds: float) -> None:
            self.gone = True

        async def turn(self, key: str, rate: float | None, burst: float, at_most: float) -> float:
            return 0.0 if self.gone else await super().turn(key, rate, burst, at_most)

    async def story() -> None:
        together = Gone()
        network = Network(httpx.Response(429, headers={"retry-after": "20"}), httpx.Response(200))
        network.latency = 0.35
        one, two = process(network, together), process(Network(httpx.Response(200)), together)
        await send_all(10, two)
        started = anyio.current_time()
        await send_all(5, one)
        early = [time - started for time in network.times if time - started < 20.0]
        assert early == pytest.approx([0.1, 0.2, 0.3, 0.4], abs=0.01), "sent before the first answer came"

    virtual(story)


def of(name: str = "my-cloud", region: str | None = "r1", service: str | None = "compute", **auth: object) -> str:
    return limit_key(CloudConfig(name=name, auth={**ALICE, **auth}), region, service)


def test_the_key_tells_whose_limit_it_is_and_holds_no_secret() -> None:
    key = of()
    assert key.endswith(":r1:compute")
    assert key == of("another name") == of(password="another") == of(auth_url="https://keystone.test/")
    others = [
        of(region="r2"),
        of(region=None),
        of(service="image"),
        of(username="bob"),
        of(project_name="db"),
        of(auth_url="https://other.test"),
    ]
    assert len({key, *others}) == 7
    assert "canary" not in key


def test_the_key_of_a_cloud_that_only_its_name_tells() -> None:
    ironic = limit_key(CloudConfig(name="ironic", auth_type="none"), None, "baremetal")
    assert ironic != limit_key(CloudConfig(name="another", auth_type="none"), None, "baremetal")


def test_another_login_made_from_a_cloud_shares_too(clouds_yaml: Path, fake: FakeCloud) -> None:
    async def story() -> None:
        together = Together()
        async with (
            aiocloud.connect(
                "fake", config_files=[clouds_yaml], transport=fake.transport, rate_limits=together, rate_limit=5.0
            ) as cloud,
            cloud.connect_as() as same,
            cloud.connect_as(username="bob", password="b") as other,
        ):
            await cloud.list_flavors()
            keys = set(together.given)
            await same.list_flavors()
            assert set(together.given) == keys
            with pytest.raises(aiocloud.AuthError):
                await other.list_flavors()
            assert len(together.given) == len(keys) + 1

    virtual(story)


def test_a_rate_in_the_place_of_shared_limits_is_told_from_them(clouds_yaml: Path) -> None:
    rate: Any = 10
    with pytest.raises(ConfigError, match="rate_limit=10"):
        aiocloud.connect("fake", config_files=[clouds_yaml], rate_limits=rate)
