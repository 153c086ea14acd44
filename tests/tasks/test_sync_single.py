"""One object that something is wrong with, among others."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import pytest

import aiocloud
from aiocloud.tasks.sync import sync_objects
from aiocloud.testing import FakeCloud, Fault
from aiocloud.testing.http import Reply


@pytest.mark.anyio
@pytest.mark.parametrize("mtime", ["nan", "inf", "-inf", "1e30", "-1e30", "1e18", "abc", ""])
async def test_a_time_that_is_none_compares_no_content_and_stops_nothing(
    fake: FakeCloud, clouds_yaml: Path, tmp_path: Path, mtime: str
) -> None:
    folder = tmp_path / "here"
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
        await cloud.create_object("box", "odd", data=b"from there", metadata={"mtime": mtime})
        await cloud.create_object("box", "other", data=b"x")
        done = await sync_objects(cloud, folder, "box", way="down")
        assert ({step.name for step in done.steps}, done.failed) == ({"odd", "other"}, ())
        (folder / "odd").write_bytes(b"from HERE!")
        done = await sync_objects(cloud, folder, "box", exclude=["other"], dry_run=True)
        assert [(step.do, step.name) for step in done.steps] == [("compare", "odd")]
        done = await sync_objects(cloud, folder, "box", way="down")
        assert [(step.do, step.name) for step in done.steps] == [("download", "odd")]
        assert (folder / "odd").read_bytes() == b"from there"


@pytest.mark.anyio
async def test_links_in_a_circle_and_to_what_is_forbidden_fail_alone(
    fake: FakeCloud, clouds_yaml: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    for name in ("one", "theirs", "gone"):
        (folder / name).write_bytes(b"")
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
        for name in ("theirs", "fine", "there"):
            await cloud.create_object("box", name, data=b"")
        await cloud.object_store.objects("box").link("one", "box", "two")
        await cloud.object_store.objects("box").link("two", "box", "one")
        fake.fault(Fault(service="object-store", method="HEAD", path="*/box/theirs", times=None, status=403))
        for dry_run in (True, False):
            done = await sync_objects(cloud, folder, "box", way="down", delete=True, dry_run=dry_run)
            assert {step.name for step in done.steps} == {"fine", "there"}
            assert [(step.do, step.name) for step, _ in done.failed] == [
                ("compare", "one"),
                ("compare", "theirs"),
                ("download", "two"),
                ("delete file", "gone"),
            ]
            assert isinstance(done.failed[1][1], aiocloud.Forbidden)
            assert done.failed[3][1].message == "gone was not removed, as not everything else could be done"
        assert sorted(os.listdir(folder)) == ["fine", "gone", "one", "theirs", "there"]
        (folder / "there").unlink()
        for dry_run in (True, False):
            done = await sync_objects(cloud, folder, "box", delete=True, dry_run=dry_run, exclude=["fine"])
            assert [(step.do, step.name) for step in done.steps] == [("upload", "gone")]
            assert [step.name for step, _ in done.failed] == ["one", "theirs", "there", "two"]
        assert len(await cloud.list_objects("box")) == 6


@pytest.mark.anyio
@pytest.mark.skipif(os.name == "nt", reason="there such files can't be")
@pytest.mark.parametrize("way", ["up", "down"])
@pytest.mark.parametrize("data", [b"", b"some"])
async def test_a_name_that_no_request_can_hold_fails_alone(
    fake: FakeCloud, clouds_yaml: Path, tmp_path: Path, way: Literal["up", "down"], data: bytes
) -> None:
    folder, long = tmp_path / "here", "/".join(["d" * 200] * 6)
    (folder / long).parent.mkdir(parents=True)
    (folder / long).write_bytes(data.upper())
    (folder / "doc").write_bytes(b"x")

    def with_odd_names(reply: Reply) -> Reply:
        assert isinstance(reply.content, bytes)
        reply.content = reply.content.replace(b"long-", long.encode()).replace(b"nul-", b"nul\\u0000")
        return reply

    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
        for name in ("long-", "nul-", "good"):
            await cloud.create_object("box", name, data=data)
        # Some clouds take longer names.
        fake.fault(Fault(service="object-store", method="GET", path="*/box", times=None, mutate=with_odd_names))
        for dry_run in (True, False):
            done = await sync_objects(cloud, folder, "box", way=way, dry_run=dry_run)
            names = {step.name for step in done.steps}
            assert ("doc" if way == "up" else "good") in names
            failed = {step.name: error for step, error in done.failed}
            assert "an object's name has at most 1024 bytes" in failed[long].message
            assert not names & failed.keys()


@pytest.mark.anyio
async def test_what_is_called_as_another_grows_comes_after_it(
    fake: FakeCloud, clouds_yaml: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "here"
    content = {
        name: name.encode() * 400_000 for name in ("sub/x", "sub/.x.part", "sub/.x.part-ranges", "sub/..x.part.part")
    }
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
        for name, data in content.items():
            await cloud.create_object("box", name, data=data)
        fake.fault(Fault(service="object-store", method="GET", path="*/box/sub/x", times=None, delay=0.5))
        done = await sync_objects(cloud, folder, "box", way="down")
        assert ({step.name for step in done.steps}, done.failed) == (set(content), ())
        assert {name: (folder / name).read_bytes() for name in content} == content


@pytest.mark.anyio
@pytest.mark.parametrize("kept", [True, False])
async def test_a_manifest_that_goes_leaves_the_objects_that_it_names(
    fake: FakeCloud, clouds_yaml: Path, tmp_path: Path, kept: bool
) -> None:
    """It was put together from objects that the folder has, too; here another file has its name, or none."""
    folder = tmp_path / "here"
    (folder / "logs").mkdir(parents=True)
    (folder / "logs" / "1").write_bytes(b"one")
    (folder / "logs" / "2").write_bytes(b"two")
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
        await sync_objects(cloud, folder, "box")
        objects = cloud.object_store.objects("box")
        await objects.put("all", b"", headers={"X-Object-Manifest": "box/logs/"})
        if kept:
            (folder / "all").write_bytes(b"something else")
        done = await sync_objects(cloud, folder, "box", delete=True)
        assert (len(done.steps), done.alike, done.failed) == (1, 2, ())
        left = [each.name for each in await cloud.list_objects("box")]
        assert left == [*(["all"] if kept else []), "logs/1", "logs/2"]
