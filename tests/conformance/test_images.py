"""Images: uploaded once, by the way this cloud takes them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

import aiocloud
from tests.conformance.target import Target

pytestmark = pytest.mark.anyio


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    path = tmp_path / "disk.raw"
    path.write_bytes(bytes(range(256)) * 4096)
    return path


async def test_an_upload_is_active_and_the_same_content_is_not_sent_again(target: Target, disk: Path) -> None:
    async with target.connect() as cloud:
        try:
            image = await cloud.create_image(target.prefix, filename=str(disk), disk_format="raw", wait=True)
            assert (image.name, image.status, image.size) == (target.prefix, "active", 256 * 4096)
            assert image.disk_format == "raw"
            again = await cloud.create_image(target.prefix, filename=str(disk), disk_format="raw", wait=True)
            assert again.id == image.id
            assert len(await cloud.search_images(target.prefix)) == 1
            copy = disk.with_name("copy.raw")
            await cloud.download_image(image, output_path=str(copy))
            assert hashlib.sha256(copy.read_bytes()).digest() == hashlib.sha256(disk.read_bytes()).digest()
        finally:
            assert await cloud.delete_image(target.prefix, wait=True)
        assert await cloud.get_image(target.prefix) is None


async def test_import_ends_active_with_the_same_content(target: Target, disk: Path) -> None:
    async with target.connect() as cloud:
        try:
            image = await cloud.create_image(
                target.prefix, filename=str(disk), disk_format="raw", wait=True, use_import=True
            )
            assert (image.status, image.size) == ("active", 256 * 4096)
        finally:
            await cloud.delete_image(target.prefix, wait=True)


async def test_properties_and_tags_are_kept(target: Target, disk: Path) -> None:
    async with target.connect() as cloud:
        try:
            image = await cloud.create_image(
                target.prefix, filename=str(disk), disk_format="raw", wait=True, tags=["blue"], meta={"team": "ops"}
            )
            found = await cloud.get_image(image.id)
            assert found is not None
            assert "blue" in found.tags
            assert found["team"] == "ops"
        finally:
            await cloud.delete_image(target.prefix, wait=True)


async def test_a_file_that_is_not_there_sends_nothing(target: Target, tmp_path: Path) -> None:
    async with target.connect() as cloud:
        with pytest.raises(aiocloud.CloudError, match="no-such-file"):
            await cloud.create_image(target.prefix, filename=str(tmp_path / "no-such-file.qcow2"), wait=True)
        assert await cloud.get_image(target.prefix) is None
