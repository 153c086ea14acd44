"""The volumes of a server that can't be: what Nova made for it goes with it, what was there before stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest

from aiocloud import ResourceFailed, Timeout
from aiocloud.testing import FakeCloud, Fault
from tests.tasks.test_servers import an_image, connect
from tests.transport.helper import virtual

pytestmark = pytest.mark.anyio


def doomed(**more: Any) -> FakeCloud:
    """A fake cloud whose next server ends in ERROR."""
    fake = FakeCloud(boot_time=0.02, **more)
    fake.cloud().region().nova.doomed_boots.append("No valid host was found.")
    return fake


async def test_a_volume_that_a_device_names_outlives_a_failed_server(tmp_path: Path) -> None:
    fake = doomed()
    async with connect(fake, tmp_path) as cloud:
        mine = await cloud.create_volume(1, name="mine", image=await an_image(cloud))
        before = set(fake.cloud().region().cinder.volumes)
        device = {"uuid": mine.id, "source_type": "volume", "destination_type": "volume", "boot_index": 0}
        beside = {"source_type": "blank", "destination_type": "volume", "volume_size": 1, "boot_index": -1}
        with pytest.raises(ResourceFailed):
            await cloud.create_server("s", flavor="m1.tiny", block_device_mapping_v2=[device, beside], wait=True)
    assert not fake.cloud().region().nova.servers
    assert set(fake.cloud().region().cinder.volumes) == before


@pytest.mark.parametrize("terminate_volume", [False, True])
async def test_a_volume_that_cinder_fails_to_make_goes_with_its_server(terminate_volume: bool, tmp_path: Path) -> None:
    """Nova does not say then that it is the server's: only why the server failed."""
    fake = FakeCloud(boot_time=0.02)
    region = fake.cloud().region()
    region.nova.fail_volumes()
    how: dict[str, Any] = {"boot_from_volume": True, "volume_size": 1, "terminate_volume": terminate_volume}
    async with connect(fake, tmp_path) as cloud:
        image = await an_image(cloud)
        with pytest.raises(ResourceFailed, match="did not finish being created") as failed:
            await cloud.create_server("s", image=image, flavor="m1.tiny", wait=True, **how)
    assert not failed.value.leftovers
    assert not region.nova.servers
    assert not region.cinder.volumes


@pytest.mark.parametrize("seconds", [8.0, 100.0])
def test_a_volume_that_nova_is_making_when_its_server_is_cancelled_goes_or_is_named(
    seconds: float, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nova names a volume once it is made, and removes the server at once when it was told to before."""

    async def story() -> set[str]:
        fake = FakeCloud(work_time=seconds)
        how: dict[str, Any] = {"boot_from_volume": True, "volume_size": 1}
        async with connect(fake, tmp_path) as cloud:
            image = await an_image(cloud)
            with anyio.move_on_after(3):
                await cloud.create_server("s", image=image, flavor="m1.tiny", wait=True, **how)
            await anyio.sleep(seconds)
            assert not await cloud.list_servers()
        return set(fake.cloud().region().cinder.volumes)

    assert bool(virtual(story)) is (seconds > 30)
    assert ("volume unknown: Nova was still making it" in caplog.text) is (seconds > 30)


def test_a_volume_that_is_cancelled_or_late_while_cinder_makes_it_goes(tmp_path: Path) -> None:
    """Cinder removes none that it is still making."""

    async def story() -> set[str]:
        fake = FakeCloud(work_time=6)
        async with connect(fake, tmp_path) as cloud:
            with anyio.move_on_after(2):
                await cloud.create_volume(1, name="cancelled")
            with pytest.raises(Timeout) as late:
                await cloud.create_volume(1, name="late", timeout=2)
            assert not late.value.leftovers
            await anyio.sleep(6)
            assert not await cloud.list_volumes()
            volume = await cloud.create_volume(1, name="kept")
            with anyio.move_on_after(2):
                await cloud.create_volume_snapshot(volume, name="cancelled", wait=True)
            await anyio.sleep(6)
            assert not await cloud.list_volume_snapshots()
        return {volume["name"] for volume in fake.cloud().region().cinder.volumes.values()}

    assert virtual(story) == {"kept"}


def test_a_refusal_that_comes_while_a_create_is_cancelled_leaves_nothing_to_name(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        fake = FakeCloud(quotas={"volumes": 0})
        async with connect(fake, tmp_path) as cloud:
            await cloud.list_volumes()
            fake.fault(Fault(service="block-storage", method="POST", path="*/volumes", delay=2.0))
            with anyio.move_on_after(1):
                await cloud.create_volume(1, name="v")

    virtual(story)
    assert "could not take back" not in caplog.text
