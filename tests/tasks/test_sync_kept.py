"""What a folder made like a container must not lose, whatever the container holds."""

from __future__ import annotations

import os
from pathlib import Path

import anyio
import pytest

import aiocloud
from aiocloud.tasks.jobs import RANGE
from aiocloud.tasks.sync import sync_objects
from aiocloud.testing import FakeCloud, Fault


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "here"
    made.mkdir()
    return made


def files_of(folder: Path) -> dict[str, bytes]:
    """What is in a folder, by names below it."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.anyio
@pytest.mark.parametrize("name", ["important/../x", "important//x", "important/./x"])
async def test_a_name_that_can_be_no_file_replaces_none(
    fake: FakeCloud, clouds_yaml: Path, folder: Path, name: str
) -> None:
    (folder / "important").write_bytes(b"precious")
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
        await cloud.create_object("box", name, data=b"x")
        done = await sync_objects(cloud, folder, "box", way="down", delete=True)
        assert (done.steps, os.listdir(folder)) == ((), ["important"])
        assert (folder / "important").read_bytes() == b"precious"
        assert done.failed[-1][1].message == "important was not removed, as not everything else could be done"


@pytest.mark.anyio
async def test_a_file_stays_until_what_replaces_it_has_arrived(
    fake: FakeCloud, clouds_yaml: Path, folder: Path
) -> None:
    (folder / "a").write_bytes(b"only copy")
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
        await cloud.create_object("box", "a/b/c", data=b"x")
        fake.fault(Fault(service="object-store", method="GET", path="*/box/a/b/c", times=None, status=403))
        done = await sync_objects(cloud, folder, "box", way="down", delete=True)
        assert [(step.do, step.name) for step, _ in done.failed] == [("download", "a/b/c"), ("delete file", "a")]
        assert done.failed[1][1].message == "a was not removed, as not everything else could be done"
        assert (os.listdir(folder), (folder / "a").read_bytes()) == (["a"], b"only copy")
        fake.clear()
        done = await sync_objects(cloud, folder, "box", way="down", delete=True)
        assert ([step.name for step in done.steps], done.failed) == (["a/b/c", "a"], ())
        assert (os.listdir(folder), (folder / "a" / "b" / "c").read_bytes()) == (["a"], b"x")


@pytest.mark.anyio
async def test_a_file_comes_back_when_half_of_what_replaces_it_came(
    fake: FakeCloud, clouds_yaml: Path, folder: Path
) -> None:
    """What the download has left for the next one, to go on from, is worth less than a file that is only here."""
    (folder / "a").write_bytes(b"only copy")
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
        await cloud.create_object("box", "a/b", data=os.urandom(RANGE + 1))
        fake.fault(
            Fault(service="object-store", method="GET", path="*/box/a/b", times=None, after=1, delay=1, status=403)
        )
        done = await sync_objects(cloud, folder, "box", way="down", delete=True)
        assert [step.name for step, _ in done.failed] == ["a/b", "a"]
        assert (os.listdir(folder), (folder / "a").read_bytes()) == (["a"], b"only copy")


@pytest.mark.anyio
async def test_a_file_that_cannot_come_back_is_named_where_it_is(
    fake: FakeCloud, clouds_yaml: Path, folder: Path
) -> None:
    (folder / "a").write_bytes(b"only copy")
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
        await cloud.create_object("box", "a/b", data=b"x")
        await cloud.create_object("box", "a/c", data=b"y")
        fake.fault(Fault(service="object-store", method="GET", path="*/box/a/c", times=None, status=403))
        done = await sync_objects(cloud, folder, "box", way="down", delete=True)
        assert [step.name for step in done.steps] == ["a/b"]
        (aside,) = [path for path in folder.iterdir() if path.name != "a"]
        assert (aside.read_bytes(), os.listdir(folder / "a")) == (b"only copy", ["b"])
        assert [step.name for step, _ in done.failed] == ["a/c", "a"]
        assert done.failed[1][1].message == (
            f"a was not removed, as not everything else could be done; something else is at its place, so it is now {aside}"
        )


@pytest.mark.anyio
async def test_a_file_comes_back_when_all_is_cancelled(fake: FakeCloud, clouds_yaml: Path, folder: Path) -> None:
    (folder / "a").write_bytes(b"only copy")
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
        await cloud.create_object("box", "a/b", data=b"x")
        fake.fault(Fault(service="object-store", method="GET", path="*/box/a/b", times=None, delay=30))
        with anyio.move_on_after(1) as scope:
            await sync_objects(cloud, folder, "box", way="down", delete=True)
        assert scope.cancelled_caught
        assert (os.listdir(folder), (folder / "a").read_bytes()) == (["a"], b"only copy")


@pytest.mark.anyio
async def test_files_make_room_for_an_object_with_the_name_of_their_folder(
    fake: FakeCloud, clouds_yaml: Path, folder: Path
) -> None:
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "b" / "c").write_bytes(b"only copy")
    (folder / "a" / "d").write_bytes(b"another")
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
        await cloud.create_object("box", "a", data=b"x")
        fake.fault(Fault(service="object-store", method="GET", path="*/box/a", times=None, status=403))
        done = await sync_objects(cloud, folder, "box", way="down", delete=True)
        assert [step.name for step, _ in done.failed] == ["a", "a/b/c", "a/d"]
        assert files_of(folder) == {"a/b/c": b"only copy", "a/d": b"another"}
        fake.clear()
        done = await sync_objects(cloud, folder, "box", way="down", delete=True)
        assert (sorted(step.name for step in done.steps), done.failed) == (["a", "a/b/c", "a/d"], ())
        assert files_of(folder) == {"a": b"x"}


@pytest.mark.anyio
async def test_files_whose_folder_is_a_file_by_now_are_named_where_they_are(
    fake: FakeCloud, clouds_yaml: Path, folder: Path
) -> None:
    (folder / "a").mkdir()
    (folder / "a" / "b").write_bytes(b"only copy")
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
        await cloud.create_object("box", "a", data=b"x")
        await cloud.create_object("box", "c", data=b"y")
        fake.fault(Fault(service="object-store", method="GET", path="*/box/c", times=None, status=403))
        done = await sync_objects(cloud, folder, "box", way="down", delete=True)
        assert [step.name for step, _ in done.failed] == ["c", "a/b"]
        (aside,) = [path for path in folder.iterdir() if path.name != "a"]
        assert (aside.read_bytes(), (folder / "a").read_bytes()) == (b"only copy", b"x")
        assert done.failed[1][1].message == (
            f"a/b was not removed, as not everything else could be done; its folder is a file, so it is now {aside}"
        )


@pytest.mark.anyio
async def test_an_object_with_the_name_of_a_folder_stays_away_without_delete(
    fake: FakeCloud, clouds_yaml: Path, folder: Path
) -> None:
    (folder / "a").mkdir()
    (folder / "a" / "b").write_bytes(b"only copy")
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
        await cloud.create_object("box", "a", data=b"x")
        done = await sync_objects(cloud, folder, "box", way="down")
        assert [step.name for step, _ in done.failed] == ["a"]
        assert files_of(folder) == {"a/b": b"only copy"}


@pytest.mark.anyio
async def test_a_folder_makes_room_only_where_no_file_is_in_it(
    fake: FakeCloud, clouds_yaml: Path, folder: Path
) -> None:
    for name in ("empty/er", "kept/empty"):
        (folder / name).mkdir(parents=True)
    (folder / "kept" / "file").write_bytes(b"only copy")
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
        for name in ("empty", "kept"):
            await cloud.create_object("box", name, data=b"x")
        done = await sync_objects(cloud, folder, "box", way="down")
        assert (done.steps, len(done.failed), (folder / "empty" / "er").is_dir()) == ((), 2, True)
        done = await sync_objects(cloud, folder, "box", way="down", delete=True, exclude="kept/file")
        assert [step.name for step in done.steps] == ["empty"]
        assert [error.message for _, error in done.failed] == [
            f"can't write {folder / 'kept'}: it is a folder, and not an empty one"
        ]
        assert ((folder / "empty").read_bytes(), (folder / "kept" / "empty").is_dir()) == (b"x", True)
        assert (folder / "kept" / "file").read_bytes() == b"only copy"
