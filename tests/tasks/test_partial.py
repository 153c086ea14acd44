"""A file that grows is one download's."""

from __future__ import annotations

import io
import os
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

import aiocloud
from aiocloud import Cloud, Fleet, InvalidRequest
from aiocloud.tasks.partial import Growing
from aiocloud.testing import FakeCloud

needs_locks = pytest.mark.skipif(os.name == "nt", reason="there nobody renames what another has open")


@asynccontextmanager
async def three_clouds(folder: Path) -> AsyncIterator[Fleet]:
    """The talk's clouds, with other content everywhere under the same name."""
    fakes, config = FakeCloud.talk(), folder / "clouds.yaml"
    config.write_text(fakes.clouds_yaml())
    async with aiocloud.connect_all(config_files=[config], transport=fakes.transport) as fleet:
        for cloud in fleet:
            await cloud.create_object("box", "name", data=content_of(cloud), segment_size=500_000)
            await cloud.create_image("disk", data=content_of(cloud), disk_format="raw", wait=True)
        yield fleet


async def download(cloud: Cloud, what: str, to: Path | io.BytesIO) -> None:
    if what == "object":
        await cloud.get_object("box", "name", outfile=to)
    elif isinstance(to, Path):
        await cloud.download_image("disk", output_path=to)
    else:
        await cloud.download_image("disk", output_file=to)


def content_of(cloud: Cloud) -> bytes:
    return random.Random(cloud.name).randbytes(3_000_000)


@needs_locks
@pytest.mark.anyio
@pytest.mark.parametrize("what", ["object", "image"])
async def test_downloads_to_one_file_do_not_mix(tmp_path: Path, what: str) -> None:
    """Each compares what comes; none would see what another writes over it."""
    target = tmp_path / "copy"
    async with three_clouds(tmp_path) as fleet:
        outcomes = await fleet.map(download, what, target)
        assert all(isinstance(each.error, InvalidRequest) for each in outcomes.failed)
        assert all("copy: another download is writing to it" in str(each.error) for each in outcomes.failed)
        (winner,) = outcomes.done
        assert target.read_bytes() == content_of(winner.cloud)
        assert {path.name for path in tmp_path.iterdir()} == {"clouds.yaml", "copy"}
        # One after the other they may.
        for cloud in fleet:
            await download(cloud, what, target)
            assert target.read_bytes() == content_of(cloud)


@pytest.mark.anyio
@pytest.mark.parametrize("what", ["object", "image"])
async def test_downloads_to_one_open_file_do_not_mix(tmp_path: Path, what: str) -> None:
    file = io.BytesIO()
    async with three_clouds(tmp_path) as fleet:
        outcomes = await fleet.map(download, what, file)
        assert [type(each.error) for each in outcomes.failed] == [InvalidRequest] * 2
        assert all("another download writes to this open file" in str(each.error) for each in outcomes.failed)
        (winner,) = outcomes.done
        assert file.getvalue() == content_of(winner.cloud)
        for cloud in fleet:
            await download(cloud, what, file)
        assert file.getvalue() == content_of(winner.cloud) + b"".join(content_of(cloud) for cloud in fleet)


@pytest.mark.anyio
@pytest.mark.parametrize("what", ["object", "image"])
async def test_a_download_that_is_cancelled_anywhere_lets_go_of_its_file(
    fake: FakeCloud, clouds_yaml: Path, tmp_path: Path, what: str
) -> None:
    target = tmp_path / "copy"
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
        await cloud.create_object("box", "name", data=b"x" * 9000, segment_size=3000)
        await cloud.create_image("disk", data=b"x" * 9000, disk_format="raw", wait=True)
        await download(cloud, what, target)
        open_files = len(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else 0
        turns = whole = 0
        while whole < 5:
            with anyio.CancelScope() as scope:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(cancel_after, turns, scope)
                    await download(cloud, what, target)
                    tasks.cancel_scope.cancel()
            whole += not scope.cancelled_caught
            turns += 1
        assert turns > whole
        assert target.read_bytes() == b"x" * 9000
        assert {path.name for path in tmp_path.iterdir()} == {"clouds.yaml", "copy"}
        if open_files:
            assert len(os.listdir("/proc/self/fd")) == open_files


async def cancel_after(turns: int, scope: anyio.CancelScope) -> None:
    for _ in range(turns):
        await anyio.lowlevel.checkpoint()
    scope.cancel()


@needs_locks
def test_a_file_is_ours_until_it_has_its_name(tmp_path: Path) -> None:
    path = tmp_path / "copy"
    first = Growing(path)
    with pytest.raises(BlockingIOError, match="another download"):
        Growing(path)
    first.complete()
    second = Growing(path)
    first.release()
    with pytest.raises(BlockingIOError, match="another download"):
        Growing(path)
    second.release()
    Growing(path).release()


@pytest.mark.anyio
@pytest.mark.parametrize("what", ["object", "image"])
@pytest.mark.parametrize("kind", ["file", "link", "hard link", "list"])
async def test_a_file_of_the_users_is_never_taken_for_ours(
    fake: FakeCloud, clouds_yaml: Path, tmp_path: Path, what: str, kind: str
) -> None:
    """It has the name that a growing file would have."""
    precious, target = tmp_path / "precious", tmp_path / "copy"
    taken = tmp_path / (".copy.part-ranges" if kind == "list" else ".copy.part")
    precious.write_bytes(b"precious")
    if kind == "link":
        taken.symlink_to(precious)
    elif kind == "hard link":
        taken.hardlink_to(precious)
    else:
        taken.write_bytes(b"precious")
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
        await cloud.create_object("box", "name", data=b"x" * 9000, segment_size=3000)
        await cloud.create_image("disk", data=b"x" * 9000, disk_format="raw", wait=True)
        with pytest.raises(InvalidRequest, match=rf"can't write .*copy: {taken.name} beside it is in the way"):
            await download(cloud, what, target)
        assert taken.read_bytes() == precious.read_bytes() == b"precious"
        assert {path.name for path in tmp_path.iterdir()} == {"clouds.yaml", "precious", taken.name}
        taken.unlink()
        await download(cloud, what, target)
        assert target.read_bytes() == b"x" * 9000
        assert {path.name for path in tmp_path.iterdir()} == {"clouds.yaml", "precious", "copy"}


@pytest.mark.anyio
@pytest.mark.parametrize("what", ["object", "image"])
async def test_what_a_killed_process_left_is_taken_over(
    fake: FakeCloud, clouds_yaml: Path, tmp_path: Path, what: str
) -> None:
    target = tmp_path / "copy"
    killed = Growing(target)
    killed.part.write_bytes(b"half")
    killed.release()
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
        await cloud.create_object("box", "name", data=b"x" * 9000, segment_size=3000)
        await cloud.create_image("disk", data=b"x" * 9000, disk_format="raw", wait=True)
        await download(cloud, what, target)
    assert target.read_bytes() == b"x" * 9000
    assert {path.name for path in tmp_path.iterdir()} == {"clouds.yaml", "copy"}


@needs_locks
def test_a_growing_file_is_not_replaced_by_another_download(tmp_path: Path) -> None:
    """Whose object is called like it."""
    growing, other = Growing(tmp_path / "x"), Growing(tmp_path / ".x.part")
    growing.part.write_bytes(b"right")
    other.part.write_bytes(b"wrong")
    with pytest.raises(BlockingIOError, match="another download"):
        other.complete()
    growing.complete()
    assert (tmp_path / "x").read_bytes() == b"right"
    other.complete()
    assert (tmp_path / ".x.part").read_bytes() == b"wrong"
    # And where somebody else did that, what has its name now is not what we wrote.
    growing = Growing(tmp_path / "y")
    growing.part.unlink()
    growing.part.write_bytes(b"wrong")
    with pytest.raises(OSError, match="replaced meanwhile"):
        growing.complete()
    growing.remove()
    assert growing.part.read_bytes() == b"wrong"
    assert not (tmp_path / "y").exists()
    growing.release()


def test_a_complete_download_takes_nothing_from_the_next_one(tmp_path: Path) -> None:
    target = tmp_path / "copy"
    first = Growing(target)
    with first.emptied() as file:
        file.write(b"first")
    first.complete()
    second = Growing(target)
    with second.emptied() as file:
        file.write(b"second")
    first.remove()
    first.release()
    second.complete()
    assert target.read_bytes() == b"second"
