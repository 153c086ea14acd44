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
