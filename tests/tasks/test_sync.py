"""A folder and a container made alike."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import pytest

import aiocloud
from aiocloud.tasks.sides import Known
from aiocloud.tasks.sync import sync_objects
from aiocloud.tasks.sync_plan import Step, plan_sync
from aiocloud.testing import FakeCloud, Fault


def test_the_plan_carries_what_differs_and_removes_only_when_asked() -> None:
    here = {"new": Known(1, 5.0), "longer": Known(2, 5.0), "older": Known(3, 5.0), "same": Known(4, 5.0)}
    there = {"longer": Known(9, 5.0), "older": Known(3, 1.0), "same": Known(4, 5.000001), "gone": Known(7, None)}
    up = plan_sync(here, there, way="up", delete=False, checksum=False)
    assert up == (Step("upload", "longer", 2), Step("upload", "new", 1), Step("compare", "older", 3))
    assert plan_sync(here, there, way="up", delete=True, checksum=False)[-1] == Step("delete object", "gone", 7)
    down = plan_sync(here, there, way="down", delete=True, checksum=True)
    assert [step.do for step in down] == ["download", "download", "compare", "compare", "delete file"]
    assert plan_sync({"x": Known(1, 5.0, "a")}, {"x": Known(1, 5.0)}, way="up", delete=False, checksum=False) == ()
    differ = plan_sync({"x": Known(1, 5.0, "a")}, {"x": Known(1, 5.0, "b")}, way="up", delete=False, checksum=False)
    assert differ == (Step("compare", "x", 1),)


@pytest.mark.anyio
async def test_up_and_down_again(fake: FakeCloud, clouds_yaml: Path, tmp_path: Path) -> None:
    folder, copy = tmp_path / "here", tmp_path / "copy"
    (folder / "sub").mkdir(parents=True)
    for index in range(4):
        (folder / "sub" / f"größe {index}").write_bytes(os.urandom(index * 900))
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
        planned = await sync_objects(cloud, folder, "box", prefix="p/", dry_run=True)
        assert [step.do for step in planned.steps] == ["upload"] * 4
        assert fake.count(service="object-store", method="PUT") == 0
        done = await sync_objects(cloud, folder, "box", prefix="p/", segment_size=1000)
        assert (len(done.steps), done.failed) == (4, ())
        assert (await sync_objects(cloud, folder, "box", prefix="p/")).alike == 4
        back = await sync_objects(cloud, copy, "box", prefix="p/", way="down")
        assert len(back.steps) == 4
        for path in (folder / "sub").iterdir():
            assert (copy / "sub" / path.name).read_bytes() == path.read_bytes()
        (folder / "sub" / "größe 1").unlink()
        gone = await sync_objects(cloud, folder, "box", prefix="p/", delete=True)
        assert [step.do for step in gone.steps] == ["delete object"]
        await cloud.create_object("box", "p/../../evil", data=b"x")
        evil = await sync_objects(cloud, copy, "box", prefix="p/", way="down")
        assert [error.message for _, error in evil.failed] == [f"object '../../evil' can't be a file below {copy}"]
        assert not (tmp_path.parent / "evil").exists()


@pytest.mark.anyio
@pytest.mark.skipif(os.name == "nt", reason="there such files can't be")
async def test_odd_names_of_files_and_of_objects(fake: FakeCloud, clouds_yaml: Path, tmp_path: Path) -> None:
    names = ["1:30 pm", "a\\b", "..\\c", " ", "%2F"]
    folder, copy = tmp_path / "here", tmp_path / "copy"
    folder.mkdir()
    for name in names:
        (folder / name).write_text(name)
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
        assert (await sync_objects(cloud, folder, "box")).failed == ()
        assert (await sync_objects(cloud, copy, "box", way="down")).failed == ()
        assert {path.name: path.read_text() for path in copy.iterdir()} == {name: name for name in names}
        for name in ("a//b", "../x", "/"):
            await cloud.create_object("box", name, data=b"x")
        done = await sync_objects(cloud, folder, "box", delete=True)
        assert ({step.name for step in done.steps}, done.failed) == ({"a//b", "../x"}, ())
        assert {each.name for each in await cloud.list_objects("box")} == {*names, "/"}


@pytest.mark.anyio
async def test_what_the_disk_refuses_is_named_and_the_rest_is_done(
    fake: FakeCloud, clouds_yaml: Path, tmp_path: Path
) -> None:
    """Swift knows no folders: `a` and `a/b` are both objects, of which a disk can hold one."""
    copy = tmp_path / "copy"
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
        await cloud.create_object("box", "other", data=b"x")
        await cloud.create_object("box", "a/b", data=b"y")
        copy.mkdir()
        (copy / "a").write_bytes(b"in the way")
        done = await sync_objects(cloud, copy, "box", way="down")
        assert [step.name for step in done.steps] == ["other"]
        assert [(step.name, error.message) for step, error in done.failed] == [
            ("a/b", f"can't write {copy / 'a' / 'b'}: File exists")
        ]
        (copy / "a").unlink()
        (copy / "other").unlink()
        (copy / "other").mkdir()
        (copy / "gone").write_bytes(b"z")
        done = await sync_objects(cloud, copy, "box", way="down")
        assert {step.name for step in done.steps} == {"a/b"}
        assert "other: Is a directory" in str(done.failed[0][1])


@pytest.mark.anyio
@pytest.mark.parametrize("way", ["up", "down"])
async def test_nothing_is_removed_before_all_else_has_arrived(
    fake: FakeCloud, clouds_yaml: Path, tmp_path: Path, way: Literal["up", "down"]
) -> None:
    """What was renamed on one side is, for a while, only here or there; a refusal must not make that nowhere."""
    folder = tmp_path / "here"
    folder.mkdir()
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
        (folder / "old").write_bytes(b"x")
        await sync_objects(cloud, folder, "box")
        if way == "up":
            (folder / "old").rename(folder / "new")
        else:
            await cloud.object_store.objects("box").copy("old", "box", "new")
            await cloud.delete_object("box", "old")
        method = "PUT" if way == "up" else "GET"
        fake.fault(Fault(service="object-store", method=method, path="*/box/new", times=None, status=403))
        done = await sync_objects(cloud, folder, "box", way=way, delete=True)
        assert done.steps == ()
        assert [step.name for step, _ in done.failed] == ["new", "old"]
        assert done.failed[1][1].message == "old was not removed, as not everything else could be done"
        # Of a download that never began, nothing is left beside it either.
        left = [each.name for each in await cloud.list_objects("box")] if way == "up" else os.listdir(folder)
        assert left == ["old"]
        fake.clear()
        fake.requests.clear()
        done = await sync_objects(cloud, folder, "box", way=way, delete=True)
        assert [(step.do.split()[0], step.name) for step in done.steps] == [(f"{way}load", "new"), ("delete", "old")]
        assert done.failed == ()


@pytest.mark.anyio
async def test_a_folder_that_cannot_be_listed_removes_nothing(
    fake: FakeCloud, clouds_yaml: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "here"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "file").write_bytes(b"x")
    scandir = os.scandir

    def refusing(path: str) -> object:
        if str(path).endswith("sub"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
        await sync_objects(cloud, folder, "box")
        monkeypatch.setattr(os, "scandir", refusing)
        with pytest.raises(aiocloud.InvalidRequest, match=r"can't list .*sub: Permission denied"):
            await sync_objects(cloud, folder, "box", delete=True)
        assert await cloud.get_object("box", "sub/file") == b"x"


@pytest.mark.anyio
async def test_a_container_that_is_not_there_empties_no_folder(
    fake: FakeCloud, clouds_yaml: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"x")
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
        for dry_run in (True, False):
            with pytest.raises(aiocloud.NotFound, match="fake RegionOne: .*tpyo"):
                await sync_objects(cloud, tmp_path, "tpyo", way="down", delete=True, dry_run=dry_run)
        assert (tmp_path / "file").read_bytes() == b"x"
        assert (await sync_objects(cloud, tmp_path, "new", dry_run=True)).failed == ()


@pytest.mark.anyio
async def test_a_file_whose_name_is_not_utf_8_is_named_and_the_rest_is_done(
    fake: FakeCloud, clouds_yaml: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    (folder / "good").write_bytes(b"x")
    try:
        (folder / os.fsdecode(b"bad\xff")).write_bytes(b"y")
    except OSError:
        pytest.skip("this file system takes no such name")
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
        done = await sync_objects(cloud, folder, "box")
        assert [step.name for step in done.steps] == ["good"]
        assert [step.name for step, _ in done.failed] == [os.fsdecode(b"bad\xff")]
        assert "can't be part of a URL" in done.failed[0][1].message


@pytest.mark.anyio
async def test_only_what_a_broken_download_left_is_passed_over(
    fake: FakeCloud, clouds_yaml: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    for name in (".partition.cfg", ".mine.part", ".parts", ".big.part", ".big.part-ranges"):
        (folder / name).write_bytes(b"x")
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
        done = await sync_objects(cloud, folder, "box")
        assert {step.name for step in done.steps} == {".mine.part", ".partition.cfg", ".parts"}


@pytest.mark.anyio
async def test_what_is_listed_and_not_found_is_passed_over(fake: FakeCloud, clouds_yaml: Path, tmp_path: Path) -> None:
    """Swift lists objects that have expired, until it comes to remove them; and links that lead nowhere."""
    folder = tmp_path / "here"
    folder.mkdir()
    for name in ("stays", "expired"):
        (folder / name).write_text(name)
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
        await sync_objects(cloud, folder, "box")
        for method in ("HEAD", "GET"):
            fake.fault(Fault(service="object-store", method=method, path="*/box/expired", times=None, status=404))
        (folder / "expired").write_text("CHANGED")
        down = await sync_objects(cloud, folder, "box", way="down", delete=True)
        assert (down.steps, down.alike, down.failed) == ((), 1, ())
        assert sorted(path.name for path in folder.iterdir()) == ["expired", "stays"]
        copied = await sync_objects(cloud, tmp_path / "copy", "box", way="down")
        assert (copied.steps, copied.failed) == ((Step("download", "stays", 5),), ())
        up = await sync_objects(cloud, folder, "box", dry_run=True)
        assert (up.steps, up.alike) == ((Step("upload", "expired", 7),), 1)


@pytest.mark.anyio
async def test_progress_is_told_of_each_object_and_of_all(fake: FakeCloud, clouds_yaml: Path, tmp_path: Path) -> None:
    folder, copy = tmp_path / "here", tmp_path / "copy"
    folder.mkdir()
    for index, size in enumerate((0, 3000, 5000)):
        (folder / f"file {index}").write_bytes(os.urandom(size))
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
        for way in ("up", "down"):
            seen: list[aiocloud.Progress] = []
            target = folder if way == "up" else copy
            await sync_objects(cloud, target, "box", way=way, segment_size=1000, progress=seen.append)
            together = [each for each in seen if each.what == "box"]
            assert (together[-1].done, {each.total for each in together}) == (8000, {8000})
            assert together[0].done < 8000
            largest = [each for each in seen if each.what == "box/file 2"]
            assert (largest[-1].done, largest[-1].total) == (5000, 5000)
        os.utime(folder / "file 1", (1, 1))
        seen.clear()
        done = await sync_objects(cloud, folder, "box", progress=seen.append)
        assert (done.alike, seen[-1]) == (3, aiocloud.Progress(3000, 3000, "box"))
