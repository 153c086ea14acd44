"""Whoever waits can hear how far it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

import aiocloud
from aiocloud import Cloud, Progress
from aiocloud.progress import watched
from aiocloud.services.block_storage.snapshot import Snapshot
from aiocloud.services.compute.server import Server
from aiocloud.tasks.boot import Boot
from aiocloud.testing import FakeCloud

Told = Callable[[Progress], None]


def test_what_the_service_says_is_told_and_the_end_is_a_hundred() -> None:
    told: list[Progress] = []

    def is_there(seen: Any) -> bool:
        return seen is None or seen.status == "ACTIVE"

    look = watched(told.append, "server s", is_there)
    states = [
        Server(status="BUILD"),
        Server(status="BUILD", progress=35),
        Snapshot.model_validate({"status": "creating"}),
    ]
    half = Snapshot.model_validate({"status": "creating", "os-extended-snapshot-attributes:progress": "60%"})
    assert [look(each) for each in (*states, half, Server(status="BUILD", progress=100))] == [False] * 5
    assert look(Server(status="ACTIVE", progress=0))
    assert look(None)
    assert [each.done for each in told] == [0, 35, 0, 60, 99, 100, 100]
    assert {(each.total, each.what) for each in told} == {(100, "server s")}
    assert watched(None, "server s", is_there) is is_there


async def made(cloud: Cloud, told: Told) -> None:
    await cloud.create_server("s", image="cirros", flavor="m1.tiny", wait=True, progress=told)


async def made_many(cloud: Cloud, told: Told) -> None:
    await cloud.create_servers(Boot("web", image="cirros", flavor="m1.tiny"), count=2, progress=told)


async def waited_for(cloud: Cloud, told: Told) -> None:
    server = await cloud.create_server("s", image="cirros", flavor="m1.tiny")
    await cloud.wait_for_server(server, progress=told)


async def removed(cloud: Cloud, told: Told) -> None:
    server = await cloud.create_server("s", image="cirros", flavor="m1.tiny", wait=True)
    await cloud.delete_server(server, wait=True, progress=told)


async def kept(cloud: Cloud, told: Told) -> None:
    volume = await cloud.create_volume(1, name="v", progress=told)
    await cloud.create_volume_snapshot(volume, name="copy", progress=told)
    await cloud.delete_volume_snapshot("copy", wait=True, progress=told)
    await cloud.delete_volume(volume, progress=told)


async def attached(cloud: Cloud, told: Told) -> None:
    server = await cloud.create_server("s", image="cirros", flavor="m1.tiny", wait=True)
    volume = await cloud.create_volume(1, name="v")
    await cloud.attach_volume(server, volume, progress=told)
    await cloud.detach_volume(server, volume, progress=told)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("work", "things"), [(made, 1), (made_many, 2), (waited_for, 1), (removed, 1), (kept, 2), (attached, 1)]
)
async def test_each_wait_tells_until_it_is_done(
    fake: FakeCloud, clouds_yaml: Path, work: Callable[[Cloud, Told], Awaitable[None]], things: int
) -> None:
    told: list[Progress] = []
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
        await work(cloud, told.append)
    last = {each.what: each for each in told}
    assert last
    assert {(each.done, each.total) for each in last.values()} == {(100, 100)}
    assert {what.partition(" ")[0] for what in last} <= {"server", "volume", "snapshot"}
    assert len(last) == things
