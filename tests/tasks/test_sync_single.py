"""One object that something is wrong with, among others."""

from __future__ import annotations

from pathlib import Path

import pytest

import aiocloud
from aiocloud.tasks.sync import sync_objects
from aiocloud.testing import FakeCloud


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
