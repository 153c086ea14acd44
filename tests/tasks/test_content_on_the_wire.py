"""Content over real connections, more of it than a socket's buffers hold."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

import aiocloud
from aiocloud.testing import FakeCloud

pytestmark = pytest.mark.anyio
SIZE = 24_000_000


@pytest.mark.parametrize("segment_size", [None, 12_000_000])
async def test_what_a_socket_did_not_take_is_hashed_once(tmp_path: Path, segment_size: int | None) -> None:
    """It is read again for the next visit; hashed twice it would differ from what Swift has, and be sent again."""
    fake, path, copy = FakeCloud(), tmp_path / "file", tmp_path / "copy"
    path.write_bytes(random.Random(7).randbytes(SIZE))
    async with fake.serve():
        config = tmp_path / "clouds.yaml"
        config.write_text(fake.clouds_yaml())
        async with aiocloud.connect("fake", config_files=[config]) as cloud:
            await cloud.create_object("box", "big", path, segment_size=segment_size)
            assert fake.count(method="PUT", path="*/big*") == (1 if segment_size is None else 3)
            await cloud.get_object("box", "big", outfile=copy)
            assert copy.read_bytes() == path.read_bytes()
