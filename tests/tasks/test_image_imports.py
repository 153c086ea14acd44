"""Images that a cloud takes itself: from a URL, from another region, into stores, from Swift by a task, from a volume."""

from __future__ import annotations

import hashlib
import itertools
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import pytest

import aiocloud
from aiocloud import Cloud
from aiocloud.tasks import image_records, image_tasks
from aiocloud.testing import FakeCloud, Fault
from aiocloud.testing.glance_data import ImageData, data_of
from aiocloud.testing.http import Reply

pytestmark = pytest.mark.anyio

CONTENT = b"a disk" * 50_000


def to(fake: FakeCloud, config: Path, **more: Any) -> Cloud:
    return aiocloud.connect("fake", config_files=[config], transport=fake.transport, **more)


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    path = tmp_path / "disk.raw"
    path.write_bytes(CONTENT)
    return path


async def test_the_cloud_fetches_from_a_url(fake: FakeCloud, clouds_yaml: Path) -> None:
    glance = fake.cloud().region().glance
    glance.imports.web = {"http://images/disk.raw?x=1.qcow2": CONTENT, "http://images/gone.raw": None}
    async with to(fake, clouds_yaml) as cloud:
        image = await cloud.create_image("web", uri="http://images/disk.raw?x=1.qcow2", wait=True, tags=["blue"])
        assert (image.status, image.size, image.disk_format, image.tags) == ("active", len(CONTENT), "raw", ["blue"])
        assert fake.count(service="image", method="PUT") == 0
        with pytest.raises(
            aiocloud.ResourceFailed, match="fake RegionOne: .*could not be imported into files: Task failed"
        ):
            await cloud.create_image("gone", uri="http://images/gone.raw", wait=True)
        assert await cloud.search_images("gone") == []


async def test_what_the_cloud_fetched_is_compared(fake: FakeCloud, clouds_yaml: Path) -> None:
    """What nobody compared is not written down either: it would be believed later."""
    url = "http://images/disk.raw"
    imports = fake.cloud().region().glance.imports
    imports.web = {url: CONTENT}
    md5 = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()
    async with to(fake, clouds_yaml) as cloud:
        with pytest.raises(aiocloud.ChecksumMismatch, match=f"fake RegionOne: image web .* has md5 {md5}, not 000"):
            await cloud.create_image("web", uri=url, md5="0" * 32, wait=True)
        assert await cloud.search_images("web") == []
        seen: list[aiocloud.Progress] = []
        image = await cloud.create_image(
            "web", uri=url, md5=md5.upper(), sha256="1" * 64, wait=True, progress=seen.append
        )
        assert seen[-1] == aiocloud.Progress(len(CONTENT), len(CONTENT), "image web")
        assert not [key for key in image.properties if "sha256" in key or "md5" in key]
        with pytest.raises(aiocloud.ChecksumMismatch, match="the content's sha256 is"):
            await cloud.create_image("web", data=b"other content", sha256="1" * 64)
        later = await cloud.create_image("later", uri=url, md5="0" * 32)
        assert not [key for key in later.properties if "md5" in key]
        imports.converts_to = "qcow2"
        await cloud.create_image("converted", uri=url, md5=md5, wait=True)
        volume = await cloud.create_volume(1)
        with pytest.raises(aiocloud.ChecksumMismatch, match="not 000"):
            await cloud.create_image("saved", volume=volume, md5="0" * 32, wait=True)
        assert await cloud.search_images("saved") == []


async def test_what_is_there_by_its_checksum_is_not_fetched_again(fake: FakeCloud, clouds_yaml: Path) -> None:
    fake.cloud().region().glance.imports.web["http://images/disk.raw"] = CONTENT
    sums: dict[str, Any] = {name: hashlib.new(name, CONTENT).hexdigest() for name in ("md5", "sha256")}
    given: dict[str, Any] = {"uri": "http://images/disk.raw", "wait": True, "disk_format": "raw"}
    async with to(fake, clouds_yaml) as cloud:
        image = await cloud.create_image("mine", **given, **sums)
        assert (await cloud.create_image("mine", **given, **sums)).id == image.id
        await cloud.create_volume(1, name="disk", wait=True)
        assert (await cloud.create_image("mine", volume="disk", md5=sums["md5"])).id == image.id
        assert (await cloud.create_image("mine", **given)).id != image.id
        more = await cloud.create_image("more", **given, **sums)
        assert (await cloud.create_image("more", **given, **sums, allow_duplicates=True)).id != more.id


async def test_a_region_fetches_from_another_one(tmp_path: Path, disk: Path) -> None:
    fake, config = FakeCloud(regions=("RegionOne", "RegionTwo")), tmp_path / "clouds.yaml"
    config.write_text(fake.clouds_yaml())
    async with to(fake, config, region_name="RegionOne") as one, to(fake, config, region_name="RegionTwo") as two:
        there = await one.create_image("mine", disk, disk_format="raw")
        fake.requests.clear()
        ways: dict[str, Any] = {"remote_image_id": there.id, "remote_region": "RegionOne", "disk_format": "raw"}
        here = await two.create_image("mine", wait=True, **ways)
        assert (here.status, here.os_hash_value) == ("active", there.os_hash_value)
        assert here.id != there.id
        assert fake.count(service="image", method="PUT") == 0
        with pytest.raises(aiocloud.ResourceFailed, match="RegionTwo: "):
            await two.create_image("none", wait=True, **{**ways, "remote_image_id": "no-such-image"})
        assert await two.search_images("none") == []
        with pytest.raises(aiocloud.InvalidRequest, match="remote_region="):
            await two.create_image("none", remote_image_id=there.id)
        with pytest.raises(aiocloud.InvalidRequest, match="one of uri=, remote_image_id="):
            await two.create_image("none", uri="http://x", **ways)


async def test_an_import_that_failed_before_it_had_content_is_known_by_its_task(
    fake: FakeCloud, clouds_yaml: Path
) -> None:
    """Real Glance leaves the image queued, still importing, when glance-download finds nothing: only the task failed."""
    glance = fake.cloud().region().glance
    glance.imports.web = {"http://images/gone.raw": None}
    async with to(fake, clouds_yaml) as cloud:
        image = await cloud.create_image("gone", uri="http://images/gone.raw")
        fake.cloud().region()
        glance.images[image.id].update(os_glance_failed_import="", os_glance_importing_to_stores="files")
        with pytest.raises(aiocloud.ResourceFailed, match="could not be imported: Task failed"):
            await cloud.wait_for_image(image, timeout=60)


async def test_an_image_is_made_of_one_thing(fake: FakeCloud, clouds_yaml: Path, disk: Path) -> None:
    ways: dict[str, Any] = {"filename": disk, "data": b"x", "volume": "v", "uri": "http://x", "remote_image_id": "y"}
    async with to(fake, clouds_yaml) as cloud:
        for one, other in itertools.combinations(ways, 2):
            with pytest.raises(aiocloud.InvalidRequest, match=f"fake RegionOne: .* give one of {one}=, {other}="):
                await cloud.create_image("mine", remote_region="z", **{key: ways[key] for key in (one, other)})
    assert fake.count(service="image") == 0


async def test_a_staged_import_that_failed_says_why(fake: FakeCloud, clouds_yaml: Path) -> None:
    """Real Glance leaves such an image importing."""
    glance = fake.cloud().region().glance
    async with to(fake, clouds_yaml) as cloud:
        why = "fake RegionOne: image bad .* could not be imported into files: Format mismatch"
        how: dict[str, Any] = {"data": CONTENT, "disk_format": "qcow2", "use_import": True}
        with pytest.raises(aiocloud.ResourceFailed, match=why):
            await cloud.create_image("bad", wait=True, **how)
        assert await cloud.search_images("bad") == []
        image = await cloud.create_image("bad", **how)
        with pytest.raises(aiocloud.ResourceFailed, match=why):
            await cloud.wait_for_image(image)
        assert glance.images[image.id]["status"] == "importing"


async def test_what_the_cloud_cant_do_is_said_before_anything_is_sent(
    fake: FakeCloud, clouds_yaml: Path, disk: Path
) -> None:
    async with to(fake, clouds_yaml) as cloud:
        with pytest.raises(aiocloud.InvalidRequest, match="fake RegionOne: no store is called nope; there are: files"):
            await cloud.create_image("mine", disk, stores=["files", "nope"])
        fake.requests.clear()
        with pytest.raises(aiocloud.InvalidRequest, match="fake RegionOne: .* stores= or all_stores=, not both"):
            await cloud.create_image("mine", disk, stores=["files"], all_stores=True)
        assert fake.count(service="image") == 0
        image = await cloud.create_image("mine", disk, disk_format="raw", stores=["files"], wait=True)
        assert (image.status, image.stores) == ("active", "files")
        fake.clear()
        fake.fault(Fault(service="image", path="*/info/stores", status=404))
        with pytest.raises(aiocloud.Unsupported, match="no stores to choose from"):
            await cloud.create_image("other", disk, stores=["files"])
        fake.fault(Fault(service="image", path="*/info/import", times=None, status=404))
        for way in ({"filename": disk, "use_import": True}, {"uri": "http://images/disk.raw"}):
            options: dict[str, Any] = dict(way)
            with pytest.raises(aiocloud.Unsupported, match="does not import images by .*; it offers: none"):
                await cloud.create_image("other", **options)
        assert fake.count(service="image", method="POST") == fake.count(service="image", method="PUT") == 0


@pytest.mark.parametrize("waits", [True, False])
async def test_a_cloud_may_convert_what_it_imports(fake: FakeCloud, clouds_yaml: Path, disk: Path, waits: bool) -> None:
    """As with Glance's plugin image_conversion: what it has then is of another format, size and hash than what it got."""
    fake.cloud().region().glance.imports.converts_to = "qcow2"
    async with to(fake, clouds_yaml) as cloud:
        image = await cloud.create_image("mine", disk, disk_format="raw", use_import=True, wait=waits)
        ready = await cloud.wait_for_image(image)
        assert (ready.disk_format, ready.size == len(CONTENT)) == ("qcow2", False)
        again = await cloud.create_image("mine", disk, disk_format="raw", use_import=True, wait=waits)
        assert again.id == image.id
        assert fake.count(service="image", method="PUT") == 1
        inherited = {key: value for key, value in ready.properties.items() if not key.startswith("os_glance_")}
        copy = await cloud.image.images.create(name="copy", disk_format="raw", properties=inherited)
        glance = fake.cloud().region().glance
        glance.images[copy.id]["status"] = "active"
        other = await cloud.create_image("copy", disk, disk_format="raw", use_import=True, wait=waits)
        assert other.id != copy.id


async def test_what_a_task_made_of_it_is_compared(tasks: FakeCloud, clouds_yaml: Path, disk: Path) -> None:
    async with to(tasks, clouds_yaml, image_api_use_tasks=True) as cloud:
        swift = tasks.cloud().region().swift
        read = swift.read
        swift.read = lambda *place: b"!" + (read(*place) or b"")[1:]  # type: ignore[method-assign]
        with pytest.raises(aiocloud.ChecksumMismatch, match="fake RegionOne: image mine .* was sent"):
            await cloud.create_image("mine", disk, disk_format="raw")
        assert await cloud.search_images("mine") == []
        assert boxes(tasks) == {}


@pytest.fixture
def tasks(fake: FakeCloud) -> FakeCloud:
    """A cloud that takes images from Swift only."""
    fake.cloud().region().glance.imports.tasks_for_all = True
    return fake


def boxes(fake: FakeCloud) -> dict[str, list[str]]:
    accounts = fake.cloud().region().swift.accounts.values()
    return {name: sorted(box.objects) for account in accounts for name, box in account.containers.items()}


async def test_a_task_imports_from_swift(tasks: FakeCloud, clouds_yaml: Path, disk: Path) -> None:
    tasks.cloud().region().swift.max_file_size = 100_000
    async with to(tasks, clouds_yaml, image_api_use_tasks=True) as cloud:
        image = await cloud.create_image(
            "mine", disk, disk_format="raw", tags=["blue"], min_disk=3, meta={"team": "ops"}, wait=True
        )
        assert (image.status, image.size, image.disk_format) == ("active", len(CONTENT), "raw")
        assert (image.name, image.tags, image.min_disk, image["team"]) == ("mine", ["blue"], 3, "ops")
        assert boxes(tasks) == {}
        assert tasks.count(service="image", method="PUT") == 0
        assert (await cloud.create_image("mine", disk, disk_format="raw")).id == image.id
        for data in (CONTENT[::-1], [CONTENT, CONTENT]):
            more = await cloud.create_image("more", data=data, disk_format="raw", allow_duplicates=True)
            assert more.size == len(CONTENT if isinstance(data, bytes) else CONTENT * 2)


async def test_a_task_that_fails_leaves_nothing(tasks: FakeCloud, clouds_yaml: Path, disk: Path) -> None:
    async with to(tasks, clouds_yaml, image_api_use_tasks=True) as cloud:
        await cloud.create_container("kept")
        # What Swift takes and Glance does not find.
        tasks.cloud().region().swift.read = lambda *_: None  # type: ignore[method-assign]
        for container in (None, "kept"):
            with pytest.raises(
                aiocloud.ResourceFailed, match="fake RegionOne: the import task .* failed: Could not read"
            ):
                await cloud.create_image("mine", disk, disk_format="raw", container=container)
        assert boxes(tasks) == {"kept": []}
        assert await cloud.search_images("mine") == []
        tasks.clear()
        tasks.fault(Fault(service="image", method="POST", path="*/tasks", times=None, status=403))
        with pytest.raises(aiocloud.Forbidden):
            await cloud.create_image("mine", disk, disk_format="raw")
        assert boxes(tasks) == {"kept": []}


@pytest.mark.parametrize("how", ["lost", "slow", "cancelled", "late", "forbidden"])
async def test_what_a_task_makes_does_not_appear_unannounced(
    tasks: FakeCloud, clouds_yaml: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    region = tasks.cloud().region()
    async with to(tasks, clouds_yaml, image_api_use_tasks=True) as cloud:
        await cloud.create_image("before", data=b"another task")
        if how == "lost":
            tasks.fault(Fault(service="image", method="POST", path="*/tasks", reset="after"))
            image = await cloud.create_image("mine", data=CONTENT)
            assert [image] == await cloud.search_images("mine")
            return
        region.knobs.work_time = 0.5
        left: list[aiocloud.Leftover] = []
        if how == "cancelled":
            with anyio.move_on_after(0.4) as scope:
                await cloud.create_image("mine", data=CONTENT)
            assert scope.cancelled_caught
        else:
            if how == "late":
                region.knobs.work_time = 2
                monkeypatch.setattr(image_tasks, "_ENDS", 0.1)
            if how == "forbidden":
                tasks.fault(Fault(service="image", method="DELETE", times=None, status=403))
            with pytest.raises(aiocloud.Timeout) as caught:
                await cloud.create_image("mine", data=CONTENT, timeout=0.1)
            left = [*caught.value.leftovers]
        await anyio.sleep(0.6)
        there = [image.id for image in await cloud.search_images("mine")]
        told = {"late": "may still make it", "forbidden": "can't be removed"}
        assert [(each.kind, told.get(how, "-") in (each.why or "")) for each in left] == [("image", True)] * (
            how in told
        )
        assert there == [each.id for each in left if how == "forbidden"]
        assert boxes(tasks) == {}


async def pieces(content: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(content), 100_000):
        yield content[at : at + 100_000]


async def test_what_is_kept_of_a_stream_was_computed_from_it(tasks: FakeCloud, clouds_yaml: Path) -> None:
    right, wrong = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest(), "0" * 32
    async with to(tasks, clouds_yaml, image_api_use_tasks=True) as cloud:
        with pytest.raises(aiocloud.ChecksumMismatch, match=f"the content's md5 is {right}, not {wrong}"):
            await cloud.create_image("mine", data=pieces(CONTENT), disk_format="raw", md5=wrong)
        assert await cloud.search_images("mine") == []
        assert boxes(tasks) == {}
        assert tasks.count(service="image", method="POST") == 0
        image = await cloud.create_image("mine", data=pieces(CONTENT), disk_format="raw", md5=right.upper())
        assert image["owner_specified.openstack.md5"] == right


@pytest.mark.parametrize("told", ["both", "md5 only", "an unknown one and md5"])
async def test_what_a_task_made_of_a_stream_is_compared(
    tasks: FakeCloud, clouds_yaml: Path, monkeypatch: pytest.MonkeyPatch, told: str
) -> None:
    glance = tasks.cloud().region().glance
    whole = glance.fill

    def spoil(image: dict[str, Any], data: ImageData) -> None:
        whole(image, data_of(b"".join(data.blob.pieces)[:-1] + b"X"))
        if told != "both":
            image.update(os_hash_algo=None if told == "md5 only" else "sha3_384", os_hash_value=None)

    monkeypatch.setattr(glance, "fill", spoil)
    async with to(tasks, clouds_yaml, image_api_use_tasks=True) as cloud:
        with pytest.raises(aiocloud.ChecksumMismatch, match="was sent"):
            await cloud.create_image("mine", data=pieces(CONTENT), disk_format="raw")
        assert await cloud.search_images("mine") == []
        assert boxes(tasks) == {}


async def test_a_file_that_changes_before_it_goes_up_is_no_image(
    tasks: FakeCloud, clouds_yaml: Path, disk: Path
) -> None:
    """Its checksums were computed before."""

    def change(reply: Reply) -> Reply:
        disk.write_bytes(CONTENT[::-1])
        return reply

    tasks.fault(Fault(service="object-store", method="HEAD", mutate=change))
    right = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()
    async with to(tasks, clouds_yaml, image_api_use_tasks=True) as cloud:
        with pytest.raises(aiocloud.CloudError, match="was changed while it was uploaded"):
            await cloud.create_image("mine", disk, disk_format="raw", md5=right)
        assert await cloud.search_images("mine") == []
        assert boxes(tasks) == {}


async def test_what_a_task_cant_be_told_is_refused(tasks: FakeCloud, clouds_yaml: Path) -> None:
    async with to(tasks, clouds_yaml, image_api_use_tasks=True) as cloud:
        ways: list[dict[str, Any]] = [{"stores": ["files"]}, {"all_stores": True}, {"image_id": str(uuid.uuid4())}]
        for way in ways:
            with pytest.raises(
                aiocloud.Unsupported, match="fake RegionOne: .*by tasks.*leave out (stores=.*|image_id=)"
            ):
                await cloud.create_image("mine", data=CONTENT, **way)
        assert tasks.count(service="object-store", method="PUT") == 0


async def test_what_task_imports_left_in_swift_is_removed_on_demand(
    tasks: FakeCloud, clouds_yaml: Path, disk: Path
) -> None:
    async with to(tasks, clouds_yaml, image_api_use_tasks=True) as cloud:
        assert await cloud.delete_autocreated_image_objects() is False
        tasks.fault(Fault(service="image", method="POST", path="*/tasks", times=None, status=403))
        tasks.fault(Fault(service="object-store", method="DELETE", times=None, status=403))
        with pytest.raises(aiocloud.Forbidden) as caught:
            await cloud.create_image("mine", disk, disk_format="raw")
        assert [left.kind for left in caught.value.leftovers] == ["object"]
        tasks.clear()
        await cloud.create_object("images", "not made by us", data=b"x")
        (left,) = [name for name in boxes(tasks)["images"] if name.startswith("mine")]
        async with to(tasks, clouds_yaml) as usual:
            assert await usual.delete_autocreated_image_objects() is False
        assert await cloud.delete_autocreated_image_objects(segment_prefix="other") is False
        assert left in boxes(tasks)["images"]
        assert await cloud.delete_autocreated_image_objects() is True
        assert boxes(tasks)["images"] == ["not made by us"]
        assert await cloud.delete_autocreated_image_objects() is False


async def test_a_volume_becomes_an_image(fake: FakeCloud, clouds_yaml: Path) -> None:
    async with to(fake, clouds_yaml) as cloud:
        volume = await cloud.create_volume(1, name="data")
        image = await cloud.create_image("saved", volume=volume, wait=True, tags=["blue"], meta={"team": "ops"})
        assert (image.status, image.name, image.tags, image["team"]) == ("active", "saved", ["blue"], "ops")


@pytest.mark.parametrize("of", ["volume", "server"])
async def test_what_is_made_of_a_volume_or_a_server_is_one_image_or_none(
    fake: FakeCloud, clouds_yaml: Path, disk: Path, of: str
) -> None:
    """Nobody knows its id before the answer; when that does not come it is found by its mark."""
    service = "block-storage" if of == "volume" else "compute"
    async with to(fake, clouds_yaml) as cloud:
        base = await cloud.create_image("base", disk, disk_format="raw", wait=True)
        volume = await cloud.create_volume(1, name="data")
        before = {each.id for each in await cloud.list_images()}

        async def new() -> list[str]:
            return [each.id for each in await cloud.list_images() if each.id not in before]

        async def make(name: str, timeout: float = 10) -> aiocloud.Image:
            if of == "volume":
                return await cloud.create_image(name, volume=volume, wait=True, timeout=timeout, tags=["blue"])
            server = await cloud.create_server(name, image=base, flavor="m1.tiny", wait=True, auto_ip=False)
            return await cloud.create_image_snapshot(name, server, wait=True, timeout=timeout)

        fake.fault(Fault(service=service, method="POST", path="*/action", reset="after"))
        image = await make("saved")
        assert (image.name, image.status) == ("saved", "active")
        assert await new() == [image.id]
        fake.cloud().region().knobs.work_time = 60
        with pytest.raises(aiocloud.Timeout):
            await make("slow", timeout=0.3)
        with anyio.move_on_after(0.6) as scope:
            await make("cancelled")
        assert scope.cancelled_caught
        fake.fault(Fault(service="image", method="DELETE", times=None, status=403))
        with pytest.raises(aiocloud.Timeout) as caught:
            await make("stays", timeout=0.3)
        assert {left.kind for left in caught.value.leftovers} == {"image"}
        fake.clear()
        (left,) = {left.id for left in caught.value.leftovers}
        assert sorted(await new()) == sorted([image.id, left])


async def test_an_image_that_was_ordered_and_can_not_be_looked_at_is_not_ordered_again(
    fake: FakeCloud, clouds_yaml: Path
) -> None:
    async with to(fake, clouds_yaml) as cloud:
        volume = await cloud.create_volume(1, name="data")
        fake.fault(Fault(service="image", method="GET", path="*/images", times=None, status=200, body={"images": []}))
        fake.fault(Fault(service="image", method="GET", path="*/images/*", times=None, status=504))
        fake.requests.clear()
        with pytest.raises(aiocloud.CloudError):
            await cloud.with_options(retries=0).create_image("saved", volume=volume)
        assert fake.count(service="block-storage", method="POST", path="*/action") == 1
        fake.clear()
        assert await cloud.search_images("saved") == []


async def test_an_image_of_a_server_on_volumes_goes_with_its_snapshots(fake: FakeCloud, clouds_yaml: Path) -> None:
    """Its content are snapshots of the volumes, which nobody else knows of."""
    snapshots = fake.cloud().region().cinder.snapshots
    async with to(fake, clouds_yaml) as cloud:
        base = await cloud.create_image("base", data=CONTENT, disk_format="raw", wait=True)
        how: dict[str, Any] = {"boot_from_volume": True, "volume_size": 1, "auto_ip": False}
        server = await cloud.create_server("s", image=base, flavor="m1.tiny", wait=True, **how)
        fake.fault(Fault(service="image", method="GET", path="*/images/*", times=1, status=403))
        with pytest.raises(aiocloud.Forbidden) as caught:
            await cloud.create_image_snapshot("saved", server)
        assert caught.value.leftovers == ()
        assert await cloud.search_images("saved") == []
        assert not snapshots
        fake.fault(Fault(service="image", method="GET", path="*/images/*", times=1, status=403))
        fake.fault(Fault(service="block-storage", method="DELETE", times=None, status=403))
        with pytest.raises(aiocloud.Forbidden) as caught:
            await cloud.create_image_snapshot("saved", server)
        (left,) = caught.value.leftovers
        assert set(snapshots) == {left.id}
        assert left.kind == "snapshot"
        fake.clear()
        image = await cloud.create_image_snapshot("saved", server, wait=True)
        assert (image.status, image.size, len(snapshots)) == ("active", 0, 2)


async def test_the_wait_for_an_image_tells_its_progress(fake: FakeCloud, clouds_yaml: Path, disk: Path) -> None:
    async with to(fake, clouds_yaml) as cloud:
        image = await cloud.create_image("mine", disk, disk_format="raw", use_import=True)
        seen: list[aiocloud.Progress] = []
        await cloud.wait_for_image(image, progress=seen.append)
        assert seen[-1] == aiocloud.Progress(len(CONTENT), len(CONTENT), "image mine")


@pytest.mark.parametrize(
    "told", [{"stores": ["files"]}, {"all_stores": True}, {"use_import": True}, {"image_id": str(uuid.uuid4())}]
)
async def test_what_cinder_cant_be_told_of_an_image_is_refused(
    fake: FakeCloud, clouds_yaml: Path, told: dict[str, Any]
) -> None:
    async with to(fake, clouds_yaml) as cloud:
        await cloud.create_volume(1, name="disk", wait=True)
        with pytest.raises(aiocloud.InvalidRequest, match=f"fake RegionOne: .*Cinder.* leave out {next(iter(told))}="):
            await cloud.create_image("mine", volume="disk", **told)
        assert await cloud.search_images("mine*") == []


async def test_the_wait_for_a_deactivated_image_is_in_vain(fake: FakeCloud, clouds_yaml: Path) -> None:
    """Until somebody reactivates it: that is said at once."""
    async with to(fake, clouds_yaml) as cloud:
        image = await cloud.create_image("mine", data=CONTENT)
        await cloud.image.images.deactivate(image)
        with pytest.raises(aiocloud.ResourceFailed, match="fake RegionOne: image mine .* is deactivated"):
            await cloud.wait_for_image(image, timeout=1)
        await cloud.image.images.reactivate(image)
        assert (await cloud.wait_for_image(image, timeout=1)).status == "active"


@pytest.mark.parametrize("settles", [True, False])
async def test_an_import_is_let_come_to_its_end_before_it_is_taken_back(
    fake: FakeCloud, clouds_yaml: Path, monkeypatch: pytest.MonkeyPatch, settles: bool
) -> None:
    """A real Glance that loses the record meanwhile keeps the content for ever."""
    region = fake.cloud().region()
    region.knobs.work_time = 0.6
    if not settles:
        monkeypatch.setattr(image_records, "_SETTLES", 0.1)
    async with to(fake, clouds_yaml) as cloud:
        await cloud.list_images()
        with anyio.move_on_after(0.3) as scope:
            await cloud.create_image("mine", data=CONTENT, disk_format="raw", use_import=True, wait=True)
        assert scope.cancelled_caught
        await anyio.sleep(0.6)
        assert await cloud.search_images("mine") == []
        (task,) = region.glance.imports.tasks.values()
        assert task["status"] == ("success" if settles else "failure")
