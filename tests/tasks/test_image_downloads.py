"""An image's content on its way down from the fake cloud."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import anyio
import pytest
from anyio import to_thread

import aiocloud
from aiocloud import Cloud
from aiocloud.testing import FakeCloud

pytestmark = pytest.mark.anyio

CONTENT = random.Random(1).randbytes(1_000_000)


def to(fake: FakeCloud, config: Path) -> Cloud:
    return aiocloud.connect("fake", config_files=[config], transport=fake.transport)


@contextmanager
def closed_in_time(number: int) -> Generator[None]:
    """Should the block hang, what it writes to is closed at its other end."""
    timer = threading.Timer(5, os.close, [number])
    timer.start()
    yield
    timer.cancel()
    timer.join()


@pytest.mark.skipif(os.name == "nt", reason="there nobody can wait for a pipe")
@pytest.mark.parametrize("buffering", [-1, 0])
async def test_a_pipe_that_nobody_reads_is_let_go_of(fake: FakeCloud, clouds_yaml: Path, buffering: int) -> None:
    async with to(fake, clouds_yaml) as cloud:
        image = await cloud.create_image("mine", data=CONTENT)
        reading, writing = os.pipe()
        with os.fdopen(writing, "wb", buffering=buffering) as pipe, closed_in_time(reading):
            with anyio.move_on_after(0.5) as scope:
                await cloud.download_image(image, output_file=pipe)
            assert scope.cancelled_caught
            os.close(reading)


@pytest.mark.skipif(os.name == "nt", reason="there nobody can wait for a pipe")
@pytest.mark.parametrize("buffering", [-1, 0])
async def test_all_of_an_image_goes_through_a_pipe(fake: FakeCloud, clouds_yaml: Path, buffering: int) -> None:
    """After what the caller wrote to it before."""
    async with to(fake, clouds_yaml) as cloud:
        image = await cloud.create_image("mine", data=CONTENT)
        reading, writing = os.pipe()
        came: list[bytes] = []
        with os.fdopen(reading, "rb") as end:

            async def read() -> None:
                came.append(await to_thread.run_sync(end.read))

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(read)
                with os.fdopen(writing, "wb", buffering=buffering) as pipe:
                    pipe.write(b"before ")
                    await cloud.download_image(image, output_file=pipe)
                    pipe.write(b" after")
        assert came == [b"before " + CONTENT + b" after"]


@pytest.mark.skipif(os.name == "nt", reason="there nobody can wait for a pipe")
async def test_a_pipe_whose_reader_is_gone_is_said_to_be_broken(fake: FakeCloud, clouds_yaml: Path) -> None:
    async with to(fake, clouds_yaml) as cloud:
        image = await cloud.create_image("mine", data=CONTENT)
        reading, writing = os.pipe()
        os.close(reading)
        with os.fdopen(writing, "wb", buffering=0) as pipe, pytest.raises(aiocloud.CloudError, match="Broken pipe"):
            await cloud.download_image(image, output_file=pipe)


async def test_a_file_that_takes_no_bytes_is_refused_before_anything_is_fetched(
    fake: FakeCloud, clouds_yaml: Path, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    async with to(fake, clouds_yaml) as cloud:
        image = await cloud.create_image("mine", data=CONTENT)
        for mode, why in (
            ("w", "text: open it with 'wb'"),
            ("rb", "reading only: open it with 'wb'"),
            ("wb", "closed"),
        ):
            path.write_bytes(b"before")
            with path.open(mode) as file:
                if mode == "wb":
                    file.close()
                with pytest.raises(aiocloud.InvalidRequest, match=f"fake RegionOne: .*{why}"):
                    await cloud.download_image(image, output_file=file)
        assert fake.count(service="image", method="GET", path="*/file") == 0
