"""Servers by the dozen: made, waited for and watched together; and what clouds and people do to them meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

import aiocloud
from aiocloud import Cloud, NoPublicAddress, ResourceFailed, Timeout
from aiocloud.collection import next_in_tail
from aiocloud.poller import Poll, Shared, Together, pause, wait_for
from aiocloud.tasks.batches import Boot, Created, NotCreated
from aiocloud.tasks.watching import Appeared, Change, Changed, Gone
from aiocloud.testing import FakeCloud, Fault
from tests.transport.helper import virtual

PLENTY = dict.fromkeys(("instances", "cores", "ram", "floatingip", "port"), 10**9)
BOOT = Boot("web", image="ubuntu-24.04", flavor="m1.tiny")
anyway = pytest.mark.anyio


def connect(fake: FakeCloud, tmp_path: Path, **more: Any) -> Cloud:
    path = tmp_path / "clouds.yaml"
    path.write_text(fake.clouds_yaml())
    return aiocloud.connect(config_files=[path], secure_files=[], transport=fake.transport, **more)


# Pages


@pytest.mark.parametrize(
    ("body", "link"),
    [
        (b'{"servers": [], "servers_links": [{"rel": "next", "href": "http://x/?marker=1"}]}', "http://x/?marker=1"),
        (
            b'{"images": [{"id": "1"}], "first": "/a", "schema": "/b", "next": "/v2/images?marker=1"}',
            "/v2/images?marker=1",
        ),
        (b'{"servers": [{"id": "1"}]}', None),
        (b'{"servers": [{"name": "\\"servers_links\\": [{\\"rel\\": \\"next\\", \\"href\\": \\"evil\\"}]}"}]}', None),
        (b'{"servers": [], "servers_links": [{"rel": "previous", "href": "x"}]}', None),
        (b'{"images": [], "note": "next"}', None),
    ],
)
def test_the_next_link_is_found_in_the_tail(body: bytes, link: str | None) -> None:
    assert next_in_tail(body, "images" if b"images" in body else "servers") == link


@anyway
async def test_pages_are_read_to_the_end_with_the_next_one_on_its_way(tmp_path: Path) -> None:
    fake = FakeCloud(page_size=3)
    async with connect(fake, tmp_path) as cloud:
        await cloud.list_keypairs()
        user = next(iter(fake.cloud().tokens.values()))
        for nth in range(10):
            fake.cloud().region().nova.create.spawn(f"s{nth}", str(user.project_id), user.user_id)
        fake.clear()
        listed = await cloud.list_servers(bare=True)
        assert sorted(server.name for server in listed) == sorted(f"s{n}" for n in range(10))
        assert len(fake.requests) == 4
        assert [s.id for s in listed] == [s.id async for s in cloud.compute.servers.stream()]


# The poll


@anyway
async def test_an_error_is_shared_with_those_who_waited_and_forgotten() -> None:
    asked = 0

    async def fetch() -> int:
        nonlocal asked
        asked += 1
        await anyio.sleep(0.01)
        if asked == 1:
            raise ValueError("once")
        return asked

    calls, errors, values = Together(), list[str](), list[int]()

    async def one() -> None:
        try:
            values.append(await calls.ask("key", fetch))
        except ValueError as error:
            errors.append(str(error))

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(one)
    assert (errors, values) == (["once"] * 5, [])
    await one()
    assert values == [2]


@anyway
async def test_a_cancelled_fetch_hands_over_to_the_next() -> None:
    asked = 0

    async def fetch() -> int:
        nonlocal asked
        asked += 1
        await anyio.sleep(0.05)
        return asked

    shared = Shared(fetch)
    async with anyio.create_task_group() as tasks:
        with anyio.move_on_after(0.01):
            tasks.start_soon(shared.get)
            await shared.get()
        assert await shared.get() in (1, 2)


def test_pauses_grow_and_are_few_before_the_usual_time() -> None:
    assert pause(0.0, 2.0) < 0.4
    assert pause(100.0, 2.0) > 2.0
    assert pause(10**6, 2.0) <= 36.0
    assert pause(10.0, 2.0, usual=60.0) > 5.0
    assert pause(58.0, 2.0, usual=60.0) < 4.0


def test_waiting_learns_how_long_it_takes() -> None:
    async def story() -> list[int]:
        looks = []
        ready = 0.0
        asked = 0

        async def get(id: str) -> bool:
            nonlocal asked
            asked += 1
            return anyio.current_time() >= ready

        async def many(waited: Any) -> Any:
            raise AssertionError(waited)

        poll = Poll(get, many)
        for _ in range(3):
            asked, ready = 0, anyio.current_time() + 120
            await poll.wait("x", lambda seen: bool(seen), what="x", timeout=600, goal="ready")
            assert anyio.current_time() < ready + 0.1 * 120
            looks.append(asked)
        return looks

    looks = virtual(story)
    assert looks[2] < looks[0] / 2


def test_a_passing_error_of_the_poll_fails_nobody(tmp_path: Path) -> None:
    async def story() -> None:
        fake = FakeCloud(boot_time=20, quotas=PLENTY)
        async with connect(fake, tmp_path) as cloud:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(cloud.create_servers, BOOT, 5)
                await anyio.sleep(5)
                fake.fault(Fault(service="compute", method="GET", path="*/servers/detail", status=500, times=12))
            assert {server.status for server in await cloud.list_servers(bare=True)} == {"ACTIVE"}

    virtual(story)


def test_a_wait_that_ends_late_blames_no_trouble_that_had_passed(tmp_path: Path) -> None:
    async def story() -> None:
        fake = FakeCloud(boot_time=1000)
        async with connect(fake, tmp_path) as cloud:
            server = await cloud.create_server("s", image="ubuntu-24.04", flavor="m1.tiny")
            broken = Fault(service="compute", method="GET", path="*/servers/*", status=500, times=6)
            fake.fault(broken)
            for wait in (
                cloud.wait_for_server(server, auto_ip=False, timeout=60),
                wait_for(lambda: cloud.compute.servers.get(server), _never, what="a wonder", timeout=60),
            ):
                broken.struck = 0
                with pytest.raises(Timeout) as late:
                    await wait
                assert broken.struck == 6
                assert str(late.value).endswith("did not happen within 60 seconds")
                assert late.value.__cause__ is None

    virtual(story)


def _never(seen: object) -> bool:
    return False


def test_each_waiter_has_its_own_deadline(tmp_path: Path) -> None:
    async def story() -> None:
        fake = FakeCloud(boot_time=30, quotas=PLENTY)
        async with connect(fake, tmp_path) as cloud:
            servers = [await cloud.create_server(f"s{n}", image="ubuntu-24.04", flavor="m1.tiny") for n in range(4)]
            began, ended = anyio.current_time(), list[float]()

            async def wait(server: Any, timeout: float) -> None:
                try:
                    await cloud.wait_for_server(server, auto_ip=False, timeout=timeout)
                except Timeout:
                    ended.append(anyio.current_time() - began)

            async with anyio.create_task_group() as tasks:
                for server, timeout in zip(servers, (5, 10, 100, 100), strict=True):
                    tasks.start_soon(wait, server, timeout)
            assert ended == [pytest.approx(5, abs=0.1), pytest.approx(10, abs=0.1)]
            assert 30 <= anyio.current_time() - began < 36

    virtual(story)


# What clouds and people do meanwhile


def outcomes_of(tmp_path: Path, fake: FakeCloud, meanwhile: Callable[[Cloud], Any], **more: Any) -> list[Any]:
    async def story() -> list[Any]:
        async with connect(fake, tmp_path) as cloud:
            outcomes: list[Any] = []

            async def create() -> None:
                outcomes.extend(await cloud.create_servers(BOOT, 6, **more))

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(create)
                await anyio.sleep(3)
                await meanwhile(cloud)
            return outcomes

    return virtual(story)


async def nothing(_: Cloud) -> None:
    """Nothing happens meanwhile."""


def test_a_batch_is_numbered_and_every_one_ends_reachable(tmp_path: Path) -> None:
    fake = FakeCloud(boot_time=10, quotas=PLENTY)
    outcomes = outcomes_of(tmp_path, fake, nothing)
    assert [outcome.server.name for outcome in outcomes] == [f"web-{n}" for n in range(1, 7)]
    assert len({outcome.server.public_v4 for outcome in outcomes}) == 6
    assert fake.count(service="network", method="POST") == 6
    assert fake.count(service="image") <= 2


def test_quota_reached_half_way_costs_only_those_beyond_it(tmp_path: Path) -> None:
    fake = FakeCloud(boot_time=10, quotas={**PLENTY, "instances": 4})
    outcomes = outcomes_of(tmp_path, fake, nothing)
    made = [outcome for outcome in outcomes if isinstance(outcome, Created)]
    refused = [outcome for outcome in outcomes if isinstance(outcome, NotCreated)]
    assert (len(made), len(refused)) == (4, 2)
    assert all(isinstance(outcome.error, aiocloud.Forbidden) for outcome in refused)


def test_a_server_deleted_by_somebody_else_while_awaited_is_said_to_be_gone(tmp_path: Path) -> None:
    fake = FakeCloud(boot_time=30, quotas=PLENTY)

    async def delete(cloud: Cloud) -> None:
        await cloud.delete_server("web-3")

    outcomes = outcomes_of(tmp_path, fake, delete)
    failed = [outcome for outcome in outcomes if isinstance(outcome, NotCreated)]
    assert [outcome.boot.name for outcome in failed] == ["web-3"]
    assert isinstance(failed[0].error, ResourceFailed)
    assert failed[0].elapsed < 20
    assert len(fake.cloud().region().neutron.floatingips) == 5


def test_a_region_that_stops_answering_ends_in_timeouts_that_name_what_is_left(tmp_path: Path) -> None:
    fake = FakeCloud(boot_time=30, quotas=PLENTY)

    async def die(_: Cloud) -> None:
        fake.fault(Fault(region="RegionOne", reset="refused", times=None))

    outcomes = outcomes_of(tmp_path, fake, die, timeout=60)
    assert all(isinstance(outcome, NotCreated) for outcome in outcomes)
    kinds = [{left.kind for left in outcome.error.leftovers} for outcome in outcomes]
    assert all("server" in kind for kind in kinds)


def test_a_server_that_never_leaves_build_is_removed_at_its_deadline(tmp_path: Path) -> None:
    fake = FakeCloud(boot_time=10**6, quotas=PLENTY)
    outcomes = outcomes_of(tmp_path, fake, nothing, timeout=50)
    assert {type(outcome.error) for outcome in outcomes} == {Timeout}
    region = fake.cloud().region()
    assert not region.nova.servers
    assert not region.neutron.floatingips


def test_an_empty_pool_of_floating_ips_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    fake = FakeCloud(boot_time=5, quotas={**PLENTY, "floatingip": 2})
    outcomes = outcomes_of(tmp_path, fake, nothing)
    failed = [outcome.error for outcome in outcomes if isinstance(outcome, NotCreated)]
    assert len(failed) == 4
    assert all(isinstance(error, NoPublicAddress) and "uota" in str(error) for error in failed)
    assert len(fake.cloud().region().nova.servers) == 2


def test_a_network_that_no_router_leads_out_of_is_said(tmp_path: Path) -> None:
    fake = FakeCloud(boot_time=5, quotas=PLENTY)
    fake.cloud().region().neutron.routers.rows.clear()
    outcomes = outcomes_of(tmp_path, fake, nothing)
    assert all(isinstance(outcome.error, NoPublicAddress) for outcome in outcomes)
    assert not fake.cloud().region().nova.servers


@anyway
async def test_a_network_without_gateway_is_no_way_out_and_another_is_taken(tmp_path: Path) -> None:
    fake = FakeCloud(boot_time=0.01, quotas=PLENTY)
    async with connect(fake, tmp_path) as cloud:
        closed = await cloud.create_network("closed")
        await cloud.create_subnet(closed, cidr="192.168.7.0/24", disable_gateway_ip=True)
        with pytest.raises(NoPublicAddress, match="not reachable from subnet"):
            await cloud.create_server("s", image="ubuntu-24.04", flavor="m1.tiny", network="closed", wait=True)
        assert not fake.cloud().region().nova.servers
        both = await cloud.create_server(
            "t", image="ubuntu-24.04", flavor="m1.tiny", network=["closed", "private"], wait=True
        )
        floating = next(iter(fake.cloud().region().neutron.floatingips.values()))
        assert both.public_v4 == floating["floating_ip_address"]
        assert not floating["fixed_ip_address"].startswith("192.168.7.")


@anyway
async def test_without_neutron_servers_are_listed_and_made_as_nova_tells_them(tmp_path: Path) -> None:
    fake = FakeCloud(boot_time=0.01)
    async with connect(fake, tmp_path, has_network=False) as cloud:
        made = await cloud.create_server("s", image="ubuntu-24.04", flavor="m1.tiny", auto_ip=False, wait=True)
        assert made.private_v4
        assert [server.id for server in await cloud.list_servers()] == [made.id]
        with pytest.raises(NoPublicAddress, match="offers no floating IPs"):
            await cloud.create_server("t", image="ubuntu-24.04", flavor="m1.tiny", wait=True)
        assert len(fake.cloud().region().nova.servers) == 1


@anyway
async def test_a_port_without_a_fixed_address_is_not_a_way(tmp_path: Path) -> None:
    fake = FakeCloud(boot_time=0.01)
    async with connect(fake, tmp_path) as cloud:
        port = await cloud.create_port("private", fixed_ips=[])
        with pytest.raises(NoPublicAddress, match="no fixed IPv4 address"):
            await cloud.create_server(
                "s", image="ubuntu-24.04", flavor="m1.tiny", nics=[{"port-id": port.id}], wait=True
            )


@pytest.mark.parametrize("count", [0, -1])
@anyway
async def test_a_count_that_makes_no_sense_is_refused(count: int, tmp_path: Path) -> None:
    async with connect(FakeCloud(), tmp_path) as cloud:
        with pytest.raises(aiocloud.InvalidRequest, match="at least 1"):
            await cloud.create_servers(BOOT, count)
        with pytest.raises(aiocloud.InvalidRequest, match="one Boot"):
            await cloud.create_servers([BOOT], 2)


# Watching


async def some(changes: AsyncIterator[Change], count: int) -> list[Change]:
    return [await anext(changes) for _ in range(count)]


def test_watching_tells_what_appears_changes_and_goes(tmp_path: Path) -> None:
    async def story() -> None:
        fake = FakeCloud(boot_time=10, quotas=PLENTY)
        async with connect(fake, tmp_path) as cloud:
            await cloud.create_servers(BOOT, 2, wait=False)
            async with cloud.watch_servers() as changes, cloud.watch_servers() as others:
                assert {type(change) for change in await some(changes, 2)} == {Appeared}
                assert {type(change) for change in await some(others, 2)} == {Appeared}
                booted = await some(changes, 2)
                assert all(isinstance(c, Changed) and c.before.status == "BUILD" for c in booted)
                assert {change.server.status for change in booted} == {"ACTIVE"}
                fake.clear()
                await cloud.delete_server("web-1")
                for told in (changes, others):
                    last = (await some(told, 1))[0] if told is changes else (await some(told, 3))[-1]
                    while not isinstance(last, Gone):
                        last = (await some(told, 1))[0]
                    assert last.server.name == "web-1"
                looks = fake.count(service="compute", path="*/servers/detail")
                assert looks <= 8

    virtual(story)


# What a killed process leaves


@anyway
async def test_leftovers_are_those_of_operations_that_never_ended(tmp_path: Path) -> None:
    fake = FakeCloud(boot_time=0.01, quotas=PLENTY)
    journal = tmp_path / "journal"
    async with connect(fake, tmp_path) as cloud:
        with pytest.raises(aiocloud.InvalidRequest, match="keep_journal"):
            await cloud.leftovers()
        cloud.keep_journal(journal)
        await cloud.create_server("fine", image="ubuntu-24.04", flavor="m1.tiny", wait=True)
        lost = await cloud.create_server("lost", image="ubuntu-24.04", flavor="m1.tiny", wait=True)
        file = next(journal.iterdir())
        lines = file.read_text().splitlines()
        assert len(lines) == 4
        # As if it had been killed before the last word; and a line cut off in the middle.
        (journal / "dead.jsonl").write_text("\n".join([lines[2], lines[3][:10]]))
        assert {(left.kind, left.id) for left in await cloud.leftovers()} >= {("server", lost.id)}
        reclaimed = await cloud.reclaim_leftovers()
        assert sorted(left.kind for left in reclaimed.removed) == ["floating IP", "server"]
        assert not reclaimed.left
        assert await cloud.leftovers() == []
        assert [server.name for server in await cloud.list_servers(bare=True)] == ["fine"]


@pytest.mark.parametrize("latency", [0.05, 2.0])
def test_who_makes_many_without_waiting_looks_at_them_together_and_deletes_by_id_at_once(
    latency: float, tmp_path: Path
) -> None:
    async def story() -> None:
        fake = FakeCloud(boot_time=1000, quotas=PLENTY, latency=latency)
        async with connect(fake, tmp_path) as cloud:
            await cloud.list_servers()
            made: list[str] = []

            async def make(nth: int) -> None:
                server = await cloud.create_server(f"s{nth}", image="ubuntu-24.04", flavor="m1.tiny")
                assert (server.name, server.status) == (f"s{nth}", "BUILD")
                made.append(server.id)

            fake.clear()
            async with anyio.create_task_group() as tasks:
                for nth in range(50):
                    tasks.start_soon(make, nth)
            assert fake.count(method="POST", path="*/servers") == 50
            assert fake.count(method="GET", path="*/servers/*") <= 10
            fake.clear()
            assert await cloud.delete_server(made[0]) is True
            assert [one.method for one in fake.requests] == ["DELETE"]
            await cloud.compute.servers.update(made[1], name=made[0])
            assert await cloud.delete_server(made[0]) is True
            assert await cloud.delete_server(made[0]) is False
            assert len(await cloud.list_servers(bare=True)) == 48

    virtual(story)
