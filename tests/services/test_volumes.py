"""Volumes on a fake cloud: waits that end, failures that leave nothing behind, and clouds that find nothing by name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

import aiocloud
from aiocloud import Cloud, InvalidRequest, ResourceFailed
from aiocloud.testing import FakeCloud, Fault
from tests.services.helper import connect

pytestmark = pytest.mark.anyio


@pytest.fixture
async def cloud(fake: FakeCloud, tmp_path: Path) -> AsyncIterator[Cloud]:
    async with connect(fake, tmp_path) as cloud:
        yield cloud


async def test_a_volume_that_servers_can_boot_from(cloud: Cloud) -> None:
    volume = await cloud.create_volume(1, name="v", bootable=True, wait=False, metadata={"for": "boot"})
    assert (volume.status, volume.is_bootable, volume.size) == ("available", True, 1)
    assert volume.metadata["for"] == "boot"
    await cloud.set_volume_bootable("v", False)
    found = await cloud.get_volume("v")
    assert found is not None
    assert found.is_bootable is False
    assert await cloud.volume_exists("v") is True
    assert await cloud.get_volume_id("v") == volume.id
    assert (await cloud.update_volume("v", description="d")).description == "d"


async def test_names_are_found_where_the_operator_allows_no_filter(cloud: Cloud, fake: FakeCloud) -> None:
    made = await cloud.create_volume(1, name="v")
    refused = {"badRequest": {"code": 400, "message": "Invalid filters name are found in query options."}}
    fake.fault(Fault(service="block-storage", method="GET", path="*/volumes/detail", status=400, body=refused, times=1))
    found = await cloud.get_volume("v")
    assert found is not None
    assert found.id == made.id


async def test_a_volume_that_fails_is_told_and_removed(cloud: Cloud, fake: FakeCloud) -> None:
    fake.fault(Fault(service="block-storage", method="POST", path="*/action", status=500))
    with pytest.raises(aiocloud.HTTPError):
        await cloud.create_volume(1, name="v", bootable=True)
    assert await cloud.get_volume("v") is None


async def test_a_wait_for_a_volume_ends_and_leaves_nothing(cloud: Cloud, fake: FakeCloud) -> None:
    busy = {"volume": {"id": "v1", "name": "v", "status": "creating"}}
    fake.fault(
        Fault(service="block-storage", method="GET", path="*/volumes/????????-*", status=200, body=busy, times=None)
    )
    with pytest.raises(aiocloud.Timeout, match="volume v becoming available"):
        await cloud.create_volume(1, name="v", timeout=0.3)
    fake.clear()
    assert await cloud.list_volumes() == []


async def test_cancelling_leaves_no_volume(cloud: Cloud, fake: FakeCloud) -> None:
    fake.fault(Fault(service="block-storage", method="GET", path="*/volumes/*", delay=30))
    with anyio.move_on_after(0.5):
        await cloud.create_volume(1, name="v", wait=True)
    fake.clear()
    assert await cloud.get_volume("v") is None


async def test_attached_twice_or_when_not_free_is_refused_before_it_is_sent(cloud: Cloud, fake: FakeCloud) -> None:
    volume = await cloud.create_volume(1, name="v")
    image, flavor = (await cloud.list_images())[0], (await cloud.list_flavors())[0]
    one = await cloud.create_server("one", image=image, flavor=flavor, wait=True, auto_ip=False)
    two = await cloud.create_server("two", image=image, flavor=flavor, wait=True, auto_ip=False)
    attachment = await cloud.attach_volume("one", "v")
    assert (attachment.volume_id, attachment.server_id) == (volume.id, one.id)
    assert [each.id for each in await cloud.get_volumes("one")] == [volume.id]
    used = await cloud.get_volume("v")
    assert used is not None
    assert await cloud.get_volume_attach_device(used, one.id) == attachment.device
    assert await cloud.get_volume_attach_device(used, two.id) is None
    sent = fake.count(service="compute", method="POST", path="*/os-volume_attachments")
    with pytest.raises(InvalidRequest, match="already"):
        await cloud.attach_volume(one, volume)
    with pytest.raises(InvalidRequest, match="in-use"):
        await cloud.attach_volume(two, volume)
    assert fake.count(service="compute", method="POST", path="*/os-volume_attachments") == sent
    assert await cloud.detach_volume(one, "v") is True
    assert await cloud.detach_volume(one, "v") is False
    assert await cloud.delete_volume("v") is True
    assert await cloud.delete_volume("v") is False


async def test_snapshots_and_backups_come_and_go(cloud: Cloud) -> None:
    volume = await cloud.create_volume(1, name="v")
    snapshot = await cloud.create_volume_snapshot("v", name="s", description="as it was")
    assert (snapshot.status, snapshot.volume_id, snapshot.description) == ("available", volume.id, "as it was")
    assert await cloud.get_volume_snapshot_by_id(snapshot.id) is not None
    copy = await cloud.create_volume(1, name="copy", snapshot_id=snapshot.id)
    assert copy.snapshot_id == snapshot.id
    backup = await cloud.create_volume_backup("v", name="b")
    assert (backup.status, backup.volume_id) == ("available", volume.id)
    assert [each.id for each in await cloud.search_volume_backups("b")] == [backup.id]
    assert await cloud.delete_volume_backup("b", wait=True) is True
    assert await cloud.delete_volume_backup("b") is False
    assert await cloud.delete_volume_snapshot("s", wait=True) is True
    assert await cloud.delete_volume_snapshot("s") is False
    with pytest.raises(InvalidRequest):
        await cloud.delete_volume_snapshot()


async def test_quotas_limits_and_types(fake: FakeCloud, tmp_path: Path) -> None:
    async with connect(fake, tmp_path, admin=True) as cloud:
        project = await cloud.current_project()
        assert project is not None
        assert project.name
        assert (await cloud.set_volume_quotas(project.name, volumes=3)).volumes == 3
        assert (await cloud.get_volume_quotas(project.name)).volumes == 3
        await cloud.create_volume(1, name="v")
        limits = await cloud.get_volume_limits()
        assert (limits.max_total_volumes, limits.total_volumes_used) == (3, 1)
        assert limits.absolute["maxTotalVolumes"] == 3
        await cloud.delete_volume_quotas(project.name)
        assert (await cloud.get_volume_quotas(project.name)).volumes != 3
        kind = await cloud.block_storage.types.create(name="fast", is_public=False)
        assert kind.is_public is False


async def test_a_snapshot_that_ends_in_error_says_so(cloud: Cloud, fake: FakeCloud) -> None:
    await cloud.create_volume(1, name="v")
    broken = {"snapshot": {"id": "s1", "name": "s", "status": "error", "volume_id": "v1"}}
    fake.fault(Fault(service="block-storage", method="POST", path="*/snapshots", status=202, body=broken))
    fake.fault(Fault(service="block-storage", method="GET", path="*/snapshots/s1", status=200, body=broken))
    with pytest.raises(ResourceFailed, match="snapshot s is error") as caught:
        await cloud.create_volume_snapshot("v", name="s")
    assert getattr(caught.value.resource, "status", None) == "error"


async def test_a_volume_that_nova_gave_up_to_attach_is_told_at_once(cloud: Cloud, fake: FakeCloud) -> None:
    volume = await cloud.create_volume(1, name="v")
    image, flavor = (await cloud.list_images())[0], (await cloud.list_flavors())[0]
    server = await cloud.create_server("s", image=image, flavor=flavor, wait=True, auto_ip=False)
    # The hypervisor refuses it after Nova has answered: Nova gives the volume back.
    answer = {"volumeAttachment": {"id": volume.id, "volumeId": volume.id, "serverId": server.id, "device": "/dev/vdb"}}
    fake.fault(Fault(service="compute", method="POST", path="*/os-volume_attachments", status=200, body=answer))
    with anyio.fail_after(20), pytest.raises(ResourceFailed, match="volume v could not be attached: it is available"):
        await cloud.attach_volume("s", "v")
