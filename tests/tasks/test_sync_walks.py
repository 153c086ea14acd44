"""What is looked at in a folder, and what changes in it meanwhile."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import aiocloud
from aiocloud.tasks.sync import sync_objects
from aiocloud.testing import FakeCloud


@pytest.mark.anyio
async def test_a_folder_that_vanishes_is_passed_over_unless_it_is_all(
    fake: FakeCloud, clouds_yaml: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "here"
    for name in ("a", "b"):
        (folder / name).mkdir(parents=True)
        (folder / name / "file").write_bytes(b"x")
    gone = folder / "a"
    scandir = os.scandir

    def vanishing(path: str | int) -> object:
        if str(path) == str(folder / "a"):
            gone.rename(tmp_path / f"moved {gone.name}")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", vanishing)
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
        done = await sync_objects(cloud, folder, "box")
        assert ([step.name for step in done.steps], done.failed) == (["b/file"], ())
        (folder / "a").mkdir()
        gone = folder
        with pytest.raises(aiocloud.InvalidRequest, match="can't list .*here: No such file"):
            await sync_objects(cloud, folder, "box", delete=True)
        assert await cloud.get_object("box", "b/file") == b"x"


@pytest.mark.anyio
async def test_one_pattern_need_be_in_no_list(fake: FakeCloud, clouds_yaml: Path, tmp_path: Path) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    for name in ("doc", "a.tmp"):
        (folder / name).write_bytes(b"x")
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
        done = await sync_objects(cloud, folder, "box", exclude="*.tmp", dry_run=True)
        assert [step.name for step in done.steps] == ["doc"]
