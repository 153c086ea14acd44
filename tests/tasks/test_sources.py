"""What is uploaded to many clouds at once arrives whole at each, or is refused."""

from __future__ import annotations

import gzip
import io
import os
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

import aiocloud
from aiocloud import Cloud, Fleet, InvalidRequest
from aiocloud.testing import FakeCloud

pytestmark = pytest.mark.anyio

CONTENT = random.Random(1).randbytes(3_000_000)


@asynccontextmanager
async def three_clouds(folder: Path) -> AsyncIterator[Fleet]:
    fakes, config = FakeCloud.talk(), folder / "clouds.yaml"
    config.write_text(fakes.clouds_yaml())
    async with aiocloud.connect_all(config_files=[config], transport=fakes.transport) as fleet:
        yield fleet


async def upload(cloud: Cloud, what: str, data: Any) -> bytes:
    """Make an object or an image of it, and give what arrived."""
    if what == "object":
        await cloud.create_object("box", "name", data=data, segment_size=500_000)
        return await cloud.get_object("box", "name")
    await cloud.create_image("name", data=data, disk_format="raw", wait=True)
    got = io.BytesIO()
    await cloud.download_image("name", output_file=got)
    return got.getvalue()


@pytest.mark.parametrize("what", ["object", "image"])
@pytest.mark.parametrize("kind", ["file", "unbuffered", "memory", "list"])
async def test_clouds_share_what_can_be_read_again(tmp_path: Path, what: str, kind: str) -> None:
    path = tmp_path / "data"
    path.write_bytes(CONTENT)
    with path.open("rb") as file, path.open("rb", buffering=0) as unbuffered:
        kinds = {
            "file": file,
            "unbuffered": unbuffered,
            "memory": io.BytesIO(CONTENT),
            "list": [CONTENT[:9], CONTENT[9:]],
        }
        async with three_clouds(tmp_path) as fleet:
            outcomes = await fleet.map(upload, what, kinds[kind])
    assert outcomes.values == [CONTENT] * 3


@pytest.mark.parametrize("what", ["object", "image"])
@pytest.mark.parametrize("kind", ["generator", "async generator", "gzip"])
async def test_a_stream_goes_to_one_cloud_and_the_others_say_why(tmp_path: Path, what: str, kind: str) -> None:
    """Each of several would have got a part of it, or nothing."""

    def pieces() -> Iterator[bytes]:
        for at in range(0, len(CONTENT), 100_000):
            yield CONTENT[at : at + 100_000]

    async def async_pieces() -> AsyncIterator[bytes]:
        for piece in pieces():
            yield piece

    with gzip.open(tmp_path / "data.gz", "wb") as packed:
        packed.write(CONTENT)
    with gzip.open(tmp_path / "data.gz", "rb") as unpacked:
        data = {"generator": pieces(), "async generator": async_pieces(), "gzip": unpacked}[kind]
        async with three_clouds(tmp_path) as fleet:
            outcomes = await fleet.map(upload, what, data)
            assert outcomes.values == [CONTENT]
            assert [type(each.error) for each in outcomes.failed] == [InvalidRequest] * 2
            assert all("stream" in str(each.error) or "seek(0)" in str(each.error) for each in outcomes.failed)
            for each in outcomes.failed:
                assert isinstance(each.cloud, Cloud)
                assert await each.cloud.list_containers() == []
                assert await each.cloud.search_images("name") == []
            with pytest.raises(InvalidRequest, match=r"read to its end already|seek\(0\)"):
                await upload(next(iter(fleet)), what, data)


async def test_an_open_file_is_taken_from_where_it_stands(fake: FakeCloud, clouds_yaml: Path, tmp_path: Path) -> None:
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
        with (tmp_path / "data").open("w+b") as file:
            file.write(b"abcdef")
            for data in (file, io.BytesIO(b"abcdef")):
                data.seek(4)
                assert await upload(cloud, "object", data) == b"ef"
            file.seek(0)
            file.write(b"ABC")
            file.seek(0)
            assert await upload(cloud, "object", file) == b"ABCdef"
            assert file.tell() == 0
            file.seek(6)
            with pytest.raises(InvalidRequest, match=r"stands at its end: rewind it first, with seek\(0\)"):
                await upload(cloud, "object", file)
            assert await cloud.get_object("box", "name") == b"ABCdef"
            (tmp_path / "data").rename(tmp_path / "elsewhere")
            file.seek(0)
            assert await upload(cloud, "object", file) == b"ABCdef"


@pytest.mark.skipif(os.name == "nt", reason="there nobody can wait for a pipe")
async def test_a_pipe_that_is_silent_is_let_go_of(fake: FakeCloud, clouds_yaml: Path) -> None:
    reading, writing = os.pipe()
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
        with os.fdopen(reading, "rb") as pipe:
            os.write(writing, b"some")
            with anyio.move_on_after(0.5) as scope:
                await cloud.create_object("box", "name", data=pipe)
            assert scope.cancelled_caught
            os.write(writing, b" and more")
            os.close(writing)
            await cloud.create_object("box", "name", data=pipe)
        assert await cloud.get_object("box", "name") == b" and more"


@pytest.mark.skipif(os.name == "nt", reason="it has no named pipes in folders")
async def test_what_is_no_file_with_a_size_is_no_filename(fake: FakeCloud, clouds_yaml: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    told: Any = b"content, which is no filename" * 1000
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
        with anyio.fail_after(5), pytest.raises(aiocloud.InvalidRequest, match="not a regular file"):
            await cloud.create_object("box", "name", tmp_path / "pipe")
        with pytest.raises(aiocloud.InvalidRequest, match="a path, not bytes: give content as data="):
            await cloud.create_object("box", "name", told)
        told = 5
        with pytest.raises(aiocloud.InvalidRequest, match="chunks of bytes, not int"):
            await cloud.create_object("box", "name", data=told)


@pytest.mark.skipif(not os.path.exists("/proc/version"), reason="Linux alone has such files")
async def test_a_file_that_has_content_and_no_size_is_no_empty_one(fake: FakeCloud, clouds_yaml: Path) -> None:
    content = Path("/proc/version").read_bytes()
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
        with pytest.raises(aiocloud.InvalidRequest, match="says that its size is 0"):
            await cloud.create_object("box", "name", "/proc/version")
        with Path("/proc/version").open("rb") as file:  # noqa: ASYNC230 - it is no wait
            await cloud.create_object("box", "name", data=file)
        assert await cloud.get_object("box", "name") == content


async def test_every_second_byte_is_bytes_too(fake: FakeCloud, clouds_yaml: Path) -> None:
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
        await cloud.create_object("box", "name", data=memoryview(b"a-b-c-")[::2])
        assert await cloud.get_object("box", "name") == b"abc"
