"""Limits in Redis: what its scripts give out, and what is done without it."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from typing import Any

import anyio
import pytest

import aiocloud
from aiocloud import ConfigError, RedisLimits
from aiocloud.testing import FakeCloud, Fault
from tests import conftest
from tests.auth.redis_server import redis_url

pytestmark = pytest.mark.anyio

__all__ = ["redis_url"]

KEYS = (f"key-{number}:r1:compute" for number in count())


@pytest.fixture(params=["asyncio"])
def anyio_backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[str, dict[str, Any]]:
    """Where redis-py runs."""
    return conftest.backend_of(request.param, monkeypatch)


@pytest.fixture
async def both(redis_url: str) -> AsyncIterator[tuple[RedisLimits, RedisLimits]]:
    """As two processes have them."""
    async with RedisLimits(redis_url) as one, RedisLimits(redis_url) as two:
        yield one, two


@pytest.fixture
def key() -> str:
    return next(KEYS)


Both = tuple[RedisLimits, RedisLimits]


async def test_two_clients_get_turns_at_one_exact_rate(both: Both, key: str) -> None:
    asked = list[tuple[float, float, float]]()
    for number in range(40):
        sent = time.monotonic()
        wait = await both[number % 2].turn(key, 1.0, 1.0, 100.0)
        asked.append((sent, time.monotonic(), wait))
    first_sent, first_answered, _ = asked[0]
    for number, (sent, answered, wait) in enumerate(asked):
        # By Redis's clock a turn comes `number` seconds after the first, and it looked at that while it was being asked.
        earliest, latest = sent + wait - first_answered, answered + wait - first_sent
        assert earliest - 1e-3 <= number <= latest + 1e-3


async def test_the_burst_goes_at_once_and_the_rest_at_the_rate(both: Both, key: str) -> None:
    waits = list[float]()
    started = time.monotonic()

    async def one(limits: RedisLimits) -> None:
        waits.append(await limits.turn(key, 20.0, 20.0, 100.0))

    async with anyio.create_task_group() as tasks:
        for number in range(60):
            tasks.start_soon(one, both[number % 2])
    took = time.monotonic() - started
    assert sum(wait == 0.0 for wait in waits) >= 20
    assert 2.0 - took <= max(waits) <= 2.0
    assert sum(wait > 0.0 for wait in waits) >= 40 - 20 * took


async def test_a_turn_that_is_too_far_away_is_told_and_not_taken(both: Both, key: str) -> None:
    one, two = both
    assert await one.turn(key, 0.1, 1.0, 0.0) == 0.0
    for _ in range(3):
        assert 5.0 < await two.turn(key, 0.1, 1.0, 4.0) <= 10.0
    assert 5.0 < await one.turn(key, 0.1, 1.0, 100.0) <= 10.0
    assert 15.0 < await two.turn(key, 0.1, 1.0, 100.0) <= 20.0
    assert await two.turn(next(KEYS), 0.1, 1.0, -1.0) == 0.0


async def test_a_pause_holds_whoever_asks_and_takes_the_turns_in_it(both: Both, key: str) -> None:
    one, two = both
    assert await one.paused(key) == 0.0
    for _ in range(3):
        await one.turn(key, 0.1, 1.0, 100.0)
    await one.pause(key, 60.0)
    await one.pause(key, 1.0)
    assert 55.0 < await two.paused(key) <= 60.0
    assert 55.0 < await two.turn(key, None, 1.0, 0.0) <= 60.0
    assert 55.0 < await two.turn(key, 0.1, 1.0, 100.0) <= 60.0
    assert 65.0 < await two.turn(key, 0.1, 1.0, 100.0) <= 70.0
    assert await two.turn(next(KEYS), 1.0, 1.0, 0.0) == 0.0


async def test_what_is_kept_is_little_without_secrets_and_for_its_time(
    redis_url: str, fake: FakeCloud, clouds_yaml: Path
) -> None:
    from redis.asyncio import Redis

    async with RedisLimits(redis_url, prefix="mine:") as limits, Redis.from_url(redis_url) as redis:
        async with aiocloud.connect(
            "fake", config_files=[clouds_yaml], transport=fake.transport, rate_limits=limits, rate_limit=3.0
        ) as cloud:
            await cloud.list_flavors()
            fake.fault(Fault(service="compute", status=503, headers={"retry-after": "60"}))
            with pytest.raises(aiocloud.ServiceFailed):
                await cloud.with_options(retries=0).list_flavors()
        await limits.pause("short", 0.05)
        with anyio.fail_after(10):
            while len(keys := [key.decode() async for key in redis.scan_iter("mine:*")]) > 1:  # noqa: ASYNC110
                await anyio.sleep(0.05)
        (key,) = keys
        assert re.fullmatch("mine:[0-9a-f]{32}:RegionOne:compute", key)
        kept = await redis.hgetall(key)
        assert {name: float(value) > 0 for name, value in kept.items()} == {b"given_until": True, b"paused_until": True}
        assert 30_000 < await redis.pttl(key) <= 60_000


async def test_questions_that_are_cancelled_do_no_harm_to_the_next(both: Both, key: str) -> None:
    one, _ = both
    for number in range(50):
        with anyio.move_on_after(number * 4e-5):
            async with anyio.create_task_group() as tasks:
                for _ in range(20):
                    tasks.start_soon(one.turn, next(KEYS), 0.01, 1.0, 1000.0)
    assert await one.turn(key, 0.1, 1.0, 0.0) == 0.0
    assert 5.0 < await one.turn(key, 0.1, 1.0, 0.0) <= 10.0


def sent(fake: FakeCloud, service: str) -> list[float]:
    return sorted(request.at for request in fake.requests if request.service == service)


async def test_two_programs_keep_a_clouds_rate_together(redis_url: str, fake: FakeCloud, clouds_yaml: Path) -> None:
    """Each on its own would have sent 20 at once, and the cloud taken 20 in all."""
    (program := clouds_yaml.with_name("another.yaml")).write_text(fake.clouds_yaml().replace("fake:", "renamed:", 1))
    how: dict[str, Any] = {"transport": fake.transport, "rate_limit": {"compute": 20.0}}
    async with (
        RedisLimits(redis_url, prefix="one:") as one,
        RedisLimits(redis_url, prefix="one:") as two,
        aiocloud.connect_all(config_files=[clouds_yaml], rate_limits=one, **how) as fleet,
        aiocloud.connect("renamed", config_files=[program], rate_limits=two, **how) as other,
    ):
        (cloud,) = fleet.clouds
        await cloud.list_flavors()
        await other.list_flavors()
        await anyio.sleep(1.2)
        fake.clear()
        async with anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(cloud.list_flavors)
                tasks.start_soon(other.list_flavors)
        at = sent(fake, "compute")
        assert len(at) == 40
        # Of the 40 turns the first 20 come at once, and the last a second later; a busy machine is late for some.
        assert at[-1] - at[0] >= 0.7
        waited = sum(stats.throttled for program in (cloud, other) for stats in program.stats().values())
        assert waited >= 5.0, "a twentieth of a second, two, three ... 20 make 10.5"


async def test_a_retry_after_holds_the_other_program_too(redis_url: str, fake: FakeCloud, clouds_yaml: Path) -> None:
    how: dict[str, Any] = {"config_files": [clouds_yaml], "transport": fake.transport}
    async with (
        RedisLimits(redis_url, prefix="two:") as limits,
        aiocloud.connect("fake", rate_limits=limits, **how) as one,
        aiocloud.connect("fake", rate_limits=limits, **how) as two,
    ):
        await one.list_flavors()
        await two.list_flavors()
        fake.clear()
        fake.fault(Fault(service="compute", status=503, headers={"retry-after": "2"}, times=1))
        with pytest.raises(aiocloud.ServiceFailed):
            await one.with_options(retries=0).list_flavors()
        with pytest.raises(aiocloud.Timeout, match="compute wants us to wait"):
            await two.with_options(timeout=0.3).list_flavors()
        await two.list_flavors()
        first, second = sent(fake, "compute")
        assert second - first >= 1.99


# Without Redis


async def test_without_redis_each_keeps_to_the_rate_and_says_so_once(
    fake: FakeCloud, clouds_yaml: Path, free_tcp_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        RedisLimits(f"redis://:pw-canary@127.0.0.1:{free_tcp_port}") as limits,
        aiocloud.connect(
            "fake", config_files=[clouds_yaml], transport=fake.transport, rate_limits=limits, rate_limit=50.0
        ) as cloud,
    ):
        async with anyio.create_task_group() as tasks:
            for _ in range(100):
                tasks.start_soon(cloud.list_flavors)
        at = sent(fake, "compute")
        assert at[-1] - at[0] >= 0.7
        assert "pw-canary" not in caplog.text + repr(limits)
    assert caplog.text.count("rate limits are not shared, Redis does not answer: ConnectionError") == 1


async def test_a_redis_that_is_silent_holds_up_nobody_for_long(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, key: str
) -> None:
    monkeypatch.setattr(RedisLimits, "SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        async with RedisLimits(f"redis://127.0.0.1:{silent.getsockname()[1]}") as limits:
            with anyio.fail_after(5):
                async with anyio.create_task_group() as tasks:
                    for _ in range(500):
                        tasks.start_soon(limits.turn, key, 1.0, 1.0, 0.0)
                assert await limits.turn(key, 1.0, 1.0, 0.0) == 0.0
    assert caplog.text.count("Redis does not answer") == 1


async def test_a_redis_that_is_back_is_asked_again(redis_url: str, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setattr("aiocloud.in_redis.PAUSE", 0.05)
    async with RedisLimits(redis_url) as limits:
        await limits.turn(key, 0.1, 1.0, 0.0)
        with monkeypatch.context() as patch:
            patch.setattr("redis.asyncio.client.Redis.eval", _refused)
            assert await limits.turn(key, 0.1, 1.0, 0.0) == 0.0
        assert await limits.turn(key, 0.1, 1.0, 0.0) == 0.0, "left alone for a moment"
        await anyio.sleep(0.1)
        assert await limits.turn(key, 0.1, 1.0, 0.0) > 5.0


async def _refused(*_: object) -> None:
    raise ConnectionRefusedError


@pytest.mark.parametrize("anyio_backend", ["trio"], indirect=True)
async def test_on_trio_it_says_what_to_do(fake: FakeCloud, clouds_yaml: Path) -> None:
    limits = RedisLimits("redis://127.0.0.1:1")
    async with aiocloud.connect(
        "fake", config_files=[clouds_yaml], transport=fake.transport, rate_limits=limits
    ) as cloud:
        with pytest.raises(ConfigError, match="asyncio only .* divide rate_limit"):
            await cloud.list_flavors()
