"""A folder of many small files costs no more requests than it must."""

from __future__ import annotations

import hashlib
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

import aiocloud
from aiocloud._http import httpx
from aiocloud.tasks.sides import Known
from aiocloud.tasks.small import SMALL, md5_of_small
from aiocloud.tasks.sync import sync_objects
from aiocloud.testing import FakeCloud, Fault
from aiocloud.testing.http import Reply


def counted(fake: FakeCloud, name: str = "/box/") -> list[str]:
    """The methods of all requests for objects with such names."""
    return sorted(each.method for each in fake.requests if name in each.path)


def filled(folder: Path, count: int) -> Path:
    folder.mkdir()
    for nth in range(count):
        (folder / f"file {nth}").write_text(f"{nth}" * 100)
    return folder


@pytest.mark.anyio
async def test_each_is_one_request_and_what_is_alike_is_none(
    fake: FakeCloud, clouds_yaml: Path, tmp_path: Path
) -> None:
    folder, copy = filled(tmp_path / "here", 20), tmp_path / "copy"
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
        await cloud.create_object("box", "other", data=b"x")
        ways: dict[Literal["up", "down"], str] = {"up": "PUT", "down": "GET"}
        for way, method in ways.items():
            target = folder if way == "up" else copy
            for dry_run in (True, False):
                fake.requests.clear()
                told: list[aiocloud.Progress] = []
                done = await sync_objects(
                    cloud, target, "box", way=way, exclude=["other"], dry_run=dry_run, progress=told.append
                )
                assert (len(done.steps), done.failed) == (20, ())
                assert counted(fake) == ([] if dry_run else [method] * 20)
                assert (aiocloud.Progress(200, 200, "box/file 11") in told) is not dry_run
        assert (copy / "file 7").read_text() == "7" * 100
        assert (copy / "file 7").stat().st_mtime == pytest.approx((folder / "file 7").stat().st_mtime, abs=1e-3)
        os.utime(folder / "file 3", (1, 1))
        fake.requests.clear()
        for way in ways:
            done = await sync_objects(cloud, folder, "box", way=way, exclude=["other"])
            assert (done.steps, done.alike, counted(fake)) == ((), 20, [])


@pytest.mark.anyio
async def test_a_change_that_kept_size_and_time_is_seen(fake: FakeCloud, clouds_yaml: Path, tmp_path: Path) -> None:
    """Of a small file at once, of a larger one when asked."""
    folder = filled(tmp_path / "here", 2)
    (folder / "large").write_bytes(bytes(SMALL + 1))
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
        await sync_objects(cloud, folder, "box")
        for name, content in {"file 0": b"x" * 100, "large": b"x" * (SMALL + 1)}.items():
            then = (folder / name).stat().st_mtime
            (folder / name).write_bytes(content)
            os.utime(folder / name, (then, then))
            planned = await sync_objects(cloud, folder, "box", dry_run=True, checksum=name == "large")
            assert (name, "compare") in [(each.name, each.do) for each in planned.steps]
            done = await sync_objects(cloud, folder, "box", checksum=name == "large")
            assert ([each.name for each in done.steps], done.alike) == ([name], 2)
            assert await cloud.get_object("box", name) == content
            assert (await sync_objects(cloud, folder, "box")).alike == 3


@pytest.mark.anyio
async def test_a_larger_file_that_changes_within_a_second_of_the_last_time_is_carried(
    fake: FakeCloud, clouds_yaml: Path, tmp_path: Path
) -> None:
    (tmp_path / "here").mkdir()
    path = tmp_path / "here" / "large"
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
        for nth in range(3):
            path.write_bytes(bytes([nth]) * (SMALL + 1))
            os.utime(path, (1e9 + nth / 1000, 1e9 + nth / 1000))
            assert len((await sync_objects(cloud, path.parent, "box")).steps) == 1
            assert (await sync_objects(cloud, path.parent, "box")).alike == 1


@pytest.mark.anyio
async def test_what_the_listing_does_not_show_yet_is_replaced_with_its_segments(
    fake: FakeCloud, clouds_yaml: Path, tmp_path: Path
) -> None:
    """A container's listing may come late; an object that is there is never written over unseen."""
    folder = filled(tmp_path / "here", 1)

    def late(reply: Reply) -> Reply:
        reply.content = b"[]"
        return reply

    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
        await cloud.create_object("box", "file 0", data=b"y" * 5000, segment_size=1000)
        fake.fault(Fault(service="object-store", method="GET", path="*/box", times=1, mutate=late))
        fake.requests.clear()
        done = await sync_objects(cloud, folder, "box")
        assert ([each.name for each in done.steps], done.failed) == (["file 0"], ())
        assert counted(fake, "/box/file").count("PUT") == 2
        assert await cloud.get_object("box", "file 0") == b"0" * 100
        assert await cloud.search_containers("box_segments") == []


@pytest.mark.anyio
async def test_an_upload_whose_answer_was_lost_is_there_once(
    fake: FakeCloud, clouds_yaml: Path, tmp_path: Path
) -> None:
    folder = filled(tmp_path / "here", 1)
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
        await cloud.create_container("box")
        fake.fault(Fault(service="object-store", method="PUT", path="*/box/file*", times=1, reset="after"))
        seen: list[aiocloud.Progress] = []
        done = await sync_objects(cloud, folder, "box", progress=seen.append)
        assert ([each.name for each in done.steps], done.failed) == (["file 0"], ())
        assert await cloud.get_object("box", "file 0") == b"0" * 100
        assert {each.done for each in seen if each.what == "box"} <= {0, 100}
        assert [each.done for each in seen if each.what == "box"][-1] == 100


@pytest.mark.anyio
async def test_what_came_damaged_or_proves_large_comes_another_way(
    fake: FakeCloud, clouds_yaml: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"

    def spoilt(reply: Reply) -> Reply:
        assert isinstance(reply.content, bytes)
        reply.content = b"#" + reply.content[1:]
        return reply

    async def half() -> AsyncIterator[bytes]:
        yield b"y" * 500
        raise httpx.ReadError("reset")

    def cut_off(reply: Reply) -> Reply:
        return replace(reply, content=half())

    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
        await cloud.create_object("box", "damaged", data=b"x" * 1000)
        await cloud.create_object("box", "cut off", data=b"y" * 1000)
        await cloud.create_object("box", "large", data=b"z" * 9000, segment_size=1000)
        await cloud.object_store.objects("box").link("link", "box", "large")
        fake.fault(Fault(service="object-store", method="GET", path="*/box/damaged", times=1, mutate=spoilt))
        fake.fault(Fault(service="object-store", method="GET", path="*/box/cut off", times=1, mutate=cut_off))
        done = await sync_objects(cloud, copy, "box", way="down")
        assert done.failed == ()
        assert {path.name: path.read_bytes()[:1] * path.stat().st_size for path in copy.iterdir()} == {
            "damaged": b"x" * 1000,
            "cut off": b"y" * 1000,
            "large": b"z" * 9000,
            "link": b"z" * 9000,
        }


@pytest.mark.anyio
async def test_only_what_the_listing_can_tell_of_is_read(tmp_path: Path) -> None:
    content = {"same": b"abc", "other": b"abd", "empty": b"", "longest": b"x" * SMALL, "too long": b"y" * (SMALL + 1)}
    md5 = {
        "same": "900150983cd24fb0d6963f7d28e17f72",
        "other": "900150983cd24fb0d6963f7d28e17f72",
        "empty": "d41d8cd98f00b204e9800998ecf8427e",
        "gone": "900150983cd24fb0d6963f7d28e17f72",
    }
    for name, data in content.items():
        (tmp_path / name).write_bytes(data)
    md5 |= {name: hashlib.md5(content[name]).hexdigest() for name in ("longest", "too long")}
    here = {name: Known(len(data), 1.0) for name, data in content.items()} | {"gone": Known(3, 1.0)}
    there = {name: Known(here[name].size, None, md5[name]) for name in md5}
    expected = {name: hashlib.md5(content[name]).hexdigest() for name in ("same", "other", "longest")}
    assert await md5_of_small(tmp_path, here, there) == expected
    assert await md5_of_small(tmp_path, here, {"same": Known(4, None, md5["same"])}) == {}
    assert await md5_of_small(tmp_path, here, {}) == {}
