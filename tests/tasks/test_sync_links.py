"""Symbolic links, and what else is no file, in a folder that is made like a container, or a container like it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import aiocloud
from aiocloud.tasks.sync import sync_objects
from aiocloud.testing import FakeCloud

pytestmark = pytest.mark.skipif(os.name == "nt", reason="there not everybody may make links")


@pytest.mark.anyio
async def test_nothing_is_written_through_a_link_to_another_folder(
    fake: FakeCloud, clouds_yaml: Path, tmp_path: Path
) -> None:
    outside, real, folder = tmp_path / "outside", tmp_path / "real", tmp_path / "folder"
    for each in (outside / "sub", real / "in"):
        each.mkdir(parents=True)
    (outside / "f").write_bytes(b"theirs")
    folder.symlink_to(real)  # the folder itself may well be one
    (folder / "link").symlink_to(outside)
    (folder / "in" / "link").symlink_to(outside)
    names = ["link/f", "link/new", "link/sub/new", "in/link/f"]
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
        for name in (*names, "in/good"):
            await cloud.create_object("box", name, data=b"from the cloud")
        done = await sync_objects(cloud, folder, "box", way="down", delete=True)
        assert [step.name for step in done.steps] == ["in/good"]
        errors = {step.name: error for step, error in done.failed}
        assert errors.keys() == set(names)
        assert {type(error) for error in errors.values()} == {aiocloud.InvalidRequest}
        assert errors["in/link/f"].message == (
            f"object 'in/link/f' can't be a file below {folder}: {folder / 'in' / 'link'} leads elsewhere"
        )
        assert [each.name for each in sorted(outside.rglob("*"))] == ["f", "sub"]
        assert (outside / "f").read_bytes() == b"theirs"


@pytest.mark.anyio
async def test_what_is_passed_over_here_is_not_gone_there(fake: FakeCloud, clouds_yaml: Path, tmp_path: Path) -> None:
    folder, other = tmp_path / "folder", tmp_path / "other"
    (folder / "sub").mkdir(parents=True)
    other.mkdir()
    (folder / "sub" / "file").write_bytes(b"x")
    for name in ("to file", "sub/to file", "to nothing"):
        (folder / name).symlink_to("file")
    (folder / "to folder").symlink_to(other)
    os.mkfifo(folder / "pipe")
    for name in (".big.part", ".big.part-ranges"):  # a broken download
        (folder / name).write_bytes(b"x")
    kept = {"to file", "sub/to file", "to nothing", "to folder/file", "to folder/a/b", "pipe", ".big.part"}
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
        for name in (*kept, "gone", "to folder, not", "sub/gone"):
            await cloud.create_object("box", name, data=b"y")
        done = await sync_objects(cloud, folder, "box", delete=True)
        assert (done.failed, done.alike) == ((), 0)
        assert {step.name for step in done.steps} == {"sub/file", "gone", "to folder, not", "sub/gone"}
        assert {each.name for each in await cloud.list_objects("box")} == {*kept, "sub/file"}
