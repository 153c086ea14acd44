"""Many clouds, one verb: outcomes in order and as they come, and each failure its own cloud's."""

from __future__ import annotations

import dataclasses
import gc
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest

import aiocloud
from aiocloud import Cloud, Done, Failed, Fleet
from aiocloud.testing import FakeCloud, Fault, kinds
from tests.transport.helper import virtual

pytestmark = pytest.mark.anyio

TALK = [("my-vexxhost", "ca-ymq-1"), ("my-citycloud", "Buf1"), ("my-internap", "ams01")]


def connect_all(fake: FakeCloud, tmp_path: Path, clouds: Any = None, extra: str = "", **more: Any) -> Fleet:
    path = tmp_path / "clouds.yaml"
    path.write_text(fake.clouds_yaml() + extra)
    return aiocloud.connect_all(clouds, config_files=[path], secure_files=[], transport=fake.transport, **more)


async def test_map_gives_outcomes_in_the_order_of_the_clouds(tmp_path: Path) -> None:
    fake = FakeCloud.talk()
    async with connect_all(fake, tmp_path, TALK) as fleet:
        outcomes = await fleet.map(Cloud.get_flavor_by_ram, 512)
        assert [(o.cloud.name, o.cloud.region_name) for o in outcomes] == TALK
        assert all(flavor.ram >= 512 for flavor in outcomes.values)
        assert outcomes.raise_failed() is outcomes
        assert all(o.elapsed >= 0 and o.requests >= 2 for o in outcomes)


async def test_all_clouds_are_closed_at_once(tmp_path: Path) -> None:
    """Each waits for what is being made in it, and for nothing else."""
    async with connect_all(FakeCloud.talk(), tmp_path, TALK) as fleet:
        making = {cloud: ExitStack() for cloud in fleet}
        for cloud, stack in making.items():
            stack.enter_context(cloud.session.in_use())
        first, second, third = making
        with anyio.fail_after(20):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(fleet.aclose)
                for cloud in (second, first, third):
                    making[cloud].close()
                    await anyio.wait_all_tasks_blocked()
                    with pytest.raises(aiocloud.CloudError, match="this connection is closed"):
                        await cloud.list_flavors()


async def test_a_function_of_ones_own_is_a_verb_too(tmp_path: Path) -> None:
    async def where(cloud: Cloud, prefix: str) -> str:
        return f"{prefix}{cloud.where}"

    async with connect_all(FakeCloud.talk(), tmp_path, ["my-v*"]) as fleet:
        assert (await fleet.map(where, "at ")).values == ["at my-vexxhost ca-ymq-1"]


async def test_clouds_begin_one_after_the_other_and_leave_turns_to_others(tmp_path: Path) -> None:
    turns, began = 0, list[int]()

    async def count() -> None:
        nonlocal turns
        while True:
            await anyio.lowlevel.checkpoint()
            turns += 1

    async def begin(_: Cloud) -> None:
        began.append(turns)

    plans = [dataclasses.replace(kinds.PLAIN, name=f"c{n}") for n in range(30)]
    async with connect_all(FakeCloud(clouds=plans), tmp_path) as fleet, anyio.create_task_group() as tasks:
        tasks.start_soon(count)
        await fleet.map(begin)
        tasks.cancel_scope.cancel()
    assert len(began) == 30
    # Trio shuffles a turn's tasks: two neighbours may see one count, three may not.
    assert max(Counter(began).values()) <= 2


async def test_a_failing_cloud_is_its_own_outcome(tmp_path: Path) -> None:
    fake = FakeCloud.talk()
    fake.fault(Fault(cloud="my-internap", service="compute", status=500, times=None))
    async with connect_all(fake, tmp_path, TALK) as fleet:
        outcomes = await fleet.with_options(timeout=20).map(Cloud.list_flavors)
        assert [type(o) for o in outcomes] == [Done, Done, Failed]
        assert outcomes.failed[0].cloud.name == "my-internap"
        assert "my-internap ams01" in str(outcomes.failed[0].error)
        with pytest.raises(ExceptionGroup, match="1 of 3 clouds failed"):
            outcomes.raise_failed()


async def test_a_cloud_whose_configuration_is_wrong_costs_the_others_nothing(tmp_path: Path) -> None:
    wrong = "  my-typo:\n    auth: 17\n    region_name: X\n"
    async with connect_all(FakeCloud.talk(), tmp_path, extra=wrong) as fleet:
        assert len(fleet) == 4
        outcomes = await fleet.map(Cloud.list_flavors)
        assert len(outcomes.done) == 3
        assert outcomes.failed[0].cloud.name == "my-typo"
        assert isinstance(outcomes.failed[0].error, aiocloud.ConfigError)
    with pytest.raises(aiocloud.ConfigError):
        connect_all(FakeCloud.talk(), tmp_path, extra=wrong, on_error="raise")


async def test_stream_gives_each_outcome_as_its_cloud_ends(tmp_path: Path) -> None:
    fake = FakeCloud.talk()
    fake.fault(Fault(cloud="my-vexxhost", service="compute", delay=0.5, times=None))
    async with connect_all(fake, tmp_path, TALK) as fleet, fleet.stream(Cloud.list_flavors) as outcomes:
        order = [outcome.cloud.name async for outcome in outcomes]
    assert order[-1] == "my-vexxhost"
    assert sorted(order) == sorted(name for name, _ in TALK)


async def test_leaving_a_stream_early_cancels_the_rest_and_an_exception_arrives_as_itself(tmp_path: Path) -> None:
    fake = FakeCloud.talk()
    fake.fault(Fault(cloud="my-vexxhost", service="compute", delay=60, times=None))
    async with connect_all(fake, tmp_path, TALK) as fleet:
        with pytest.raises(LookupError):
            async with fleet.stream(Cloud.list_flavors) as outcomes:
                async for _ in outcomes:
                    raise LookupError


async def test_a_group_of_errors_raised_in_the_loop_stays_whole(tmp_path: Path) -> None:
    async with connect_all(FakeCloud.talk(), tmp_path, TALK) as fleet:
        with pytest.raises(ExceptionGroup) as caught:
            async with fleet.stream(Cloud.list_flavors) as outcomes:
                async for _ in outcomes:
                    raise ExceptionGroup("two", [ValueError(1), LookupError(2)])
    assert [type(error) for error in caught.value.exceptions] == [ValueError, LookupError]


async def test_breaking_out_of_a_loop_leaves_nothing_to_the_garbage_collector(tmp_path: Path) -> None:
    """Trio warns of each generator that is left half-run."""
    fake = FakeCloud.talk()
    async with connect_all(fake, tmp_path, TALK) as fleet:
        async with fleet.stream(Cloud.list_flavors) as outcomes:
            async for _ in outcomes:
                break
        async with fleet.stream_items(lambda cloud: cloud.compute.flavors.stream()) as items:
            async for _ in items:
                break
        fake.fault(Fault(service="compute", status=403, times=None))
        with pytest.raises(aiocloud.Forbidden):
            await fleet.with_options(on_error="raise").map(Cloud.list_flavors)
        gc.collect()
        await anyio.lowlevel.checkpoint()


async def test_a_time_out_of_the_verbs_own_is_not_the_fleets(tmp_path: Path) -> None:
    async def late(_: Cloud) -> None:
        raise TimeoutError("the database is slow")

    async with connect_all(FakeCloud.talk(), tmp_path, ["my-v*"]) as fleet:
        for asked in (fleet, fleet.with_options(timeout=30)):
            (failed,) = (await asked.map(late)).failed
            assert str(failed.error) == "the database is slow"


async def test_a_misspelt_argument_is_the_callers_error(tmp_path: Path) -> None:
    async with connect_all(FakeCloud.talk(), tmp_path) as fleet:
        with pytest.raises(TypeError):
            await fleet.map(Cloud.get_flavor_by_ram, 512, inklude="x")  # type: ignore[call-arg]


async def test_items_of_all_clouds_arrive_in_one_stream(tmp_path: Path) -> None:
    fake = FakeCloud.talk()
    fake.fault(Fault(cloud="my-internap", service="compute", status=403, times=None))
    async with connect_all(fake, tmp_path, TALK) as fleet:
        async with fleet.stream_items(lambda cloud: cloud.compute.flavors.stream()) as items:
            seen = {flavor.location.cloud async for flavor in items}
        assert seen == {"my-vexxhost", "my-citycloud"}
        assert [failed.cloud.name for failed in items.failed] == ["my-internap"]


async def test_one_login_serves_all_regions_of_a_cloud(tmp_path: Path) -> None:
    fake = FakeCloud("wide", regions=("one", "two", "three"))
    async with connect_all(fake, tmp_path) as fleet:
        assert [cloud.region_name for cloud in fleet] == ["one", "two", "three"]
        await fleet.map(Cloud.list_flavors)
    assert fake.count(service="identity", method="POST", path="*/auth/tokens") == 1


async def test_timeout_limit_quorum_and_on_error(tmp_path: Path) -> None:
    fake = FakeCloud.talk()
    fake.fault(Fault(cloud="my-vexxhost", service="compute", delay=60, times=None))
    async with connect_all(fake, tmp_path, TALK) as fleet:
        late = await fleet.with_options(timeout=0.5).map(Cloud.list_flavors)
        assert isinstance(late[0], Failed)
        assert isinstance(late[0].error, aiocloud.Timeout)
        for odd in (0, -1):
            with pytest.raises(aiocloud.InvalidRequest, match="limit is a number of clouds, at least 1, not"):
                fleet.with_options(limit=odd)
            with pytest.raises(aiocloud.InvalidRequest, match="quorum is a number of clouds, at least 1, not"):
                fleet.with_options(quorum=odd)
        enough = await fleet.with_options(quorum=1).map(Cloud.list_flavors)
        assert len(enough.done) >= 1
        assert isinstance(enough[0], Failed)
        with pytest.raises(aiocloud.Timeout):
            await fleet.with_options(timeout=0.5, on_error="raise").map(Cloud.list_flavors)
        fake.clear()
        assert len((await fleet.with_options(limit=1).map(Cloud.list_flavors)).done) == 3


def test_what_a_cloud_that_ran_out_of_time_could_not_take_back_is_in_its_error(tmp_path: Path) -> None:
    async def story() -> list[aiocloud.Leftover]:
        fake = FakeCloud.like("my-vexxhost", boot_time=60)
        fake.fault(Fault(service="compute", method="DELETE", delay=60, times=None))
        async with connect_all(fake, tmp_path) as fleet:
            image = (await fleet.clouds[0].list_images())[0].id
            how: dict[str, Any] = {"image": image, "flavor": "m1.tiny", "wait": True, "auto_ip": False}
            outcomes = await fleet.with_options(timeout=5).map(Cloud.create_server, "s", **how)
        assert isinstance(outcomes[0], Failed)
        assert isinstance(outcomes[0].error, aiocloud.Timeout)
        assert "left behind: server" in str(outcomes[0].error)
        return [*outcomes[0].error.leftovers]

    left = virtual(story)
    assert [(one.kind, one.name) for one in left] == [("server", "s")]


async def test_picking_clouds(tmp_path: Path) -> None:
    async with connect_all(FakeCloud.talk(), tmp_path) as fleet:
        assert fleet["my-vexxhost", "ca-ymq-1"].name == "my-vexxhost"
        assert [cloud.name for cloud in fleet.select("my-*", region_name="Buf1")] == ["my-citycloud"]
        assert len(fleet.select(where=lambda cloud: cloud.config.private)) == 0
        with pytest.raises(KeyError, match="my-vexxhost"):
            fleet["nowhere"]


async def test_a_cloud_that_nobody_configured_is_a_failed_outcome(tmp_path: Path) -> None:
    async with connect_all(FakeCloud.talk(), tmp_path, ["my-vexxhost", "my-vexhost"]) as fleet:
        with anyio.fail_after(30):
            outcomes = await fleet.map(Cloud.list_flavors)
        assert [type(o) for o in outcomes].count(Failed) == 1
        assert "my-vexhost" in str(outcomes.failed[0].error)
