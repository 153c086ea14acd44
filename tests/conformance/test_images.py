"""Images: uploaded once, by the way this cloud takes them."""

from __future__ import annotations

import hashlib
import io
import struct
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
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


async def test_what_glance_cant_keep_is_refused(target: Target) -> None:
    """By a record that is to be, and by one that is there."""
    cases: list[tuple[str, dict[str, Any]]] = [
        ("is too long|too long", {"name": "x" * 256}),
        ("Cannot be a negative value", {"min_disk": -1}),
        ("must not exceed 2147483647", {"min_ram": 2**31}),
        ("is not one of", {"visibility": "secret"}),
        ("Attribute 'os_glance_x' is reserved", {"properties": {"os_glance_x": "1"}}),
        ("Attribute 'status' is read-only", {"properties": {"status": "active"}}),
    ]
    async with target.connect() as cloud:
        image = await cloud.image.images.create(name=target.prefix)
        try:
            for why, fields in cases:
                with pytest.raises((aiocloud.BadRequest, aiocloud.Forbidden), match=why):
                    await cloud.image.images.create(**{"name": target.prefix, **fields})
                with pytest.raises((aiocloud.BadRequest, aiocloud.Forbidden), match=why):
                    await cloud.update_image(image, **fields)
            with pytest.raises(aiocloud.BadRequest, match="should not be greater than 255 characters"):
                await cloud.image.images.create(name=target.prefix, properties={"k" * 256: "v"})
            assert [each.id for each in await cloud.image.images.named(target.prefix)] == [image.id]
            assert (await cloud.image.images.get(image)).virtual_size is None
            empty = await cloud.create_image(target.prefix, data=b"", disk_format="raw")
            assert (empty.size, empty.virtual_size, empty.status) == (0, None, "active")
            await cloud.delete_image(empty)
            boxed = await cloud.create_image(target.prefix, data=b"x", disk_format="raw", container_format="docker")
            assert (boxed.size, boxed.virtual_size) == (1, None)
            await cloud.delete_image(boxed)
        finally:
            await cloud.delete_image(image)


async def test_a_file_that_is_not_there_sends_nothing(target: Target, tmp_path: Path) -> None:
    async with target.connect() as cloud:
        with pytest.raises(aiocloud.CloudError, match="no-such-file"):
            await cloud.create_image(target.prefix, filename=str(tmp_path / "no-such-file.qcow2"), wait=True)
        assert await cloud.get_image(target.prefix) is None


async def test_an_image_is_changed_in_every_way(target: Target, disk: Path) -> None:
    async with target.connect() as cloud:
        images = cloud.image.images
        image = await cloud.create_image(target.prefix, disk, disk_format="raw", wait=True, meta={"team": "ops"})
        try:
            renamed = await cloud.update_image(
                image, name=f"{target.prefix}-b", min_disk=1, properties={"a/b~c": "größe", "team": None, "ready": True}
            )
            assert (renamed.name, renamed.min_disk) == (f"{target.prefix}-b", 1)
            assert (renamed["a/b~c"], renamed["ready"]) == ("größe", "true")
            assert "team" not in renamed
            assert await cloud.update_image_properties(image, meta={"a/b~c": "größe"}) is False
            assert await cloud.update_image_properties(image, meta={"never there": None, "a/b~c": None}) is True
            odd = ["a b", "grün", "50%", "owner/team"]
            for tag in odd:
                await images.add_tag(image, tag)
            assert sorted((await images.get(image)).tags) == sorted(odd)
            for tag in odd:
                await images.remove_tag(image, tag)
            assert (await images.get(image)).tags == []
            for tag in odd:
                with pytest.raises(aiocloud.NotFound):
                    await images.remove_tag(image, tag)
            await cloud.update_image(image, is_protected=True)
            with pytest.raises(aiocloud.Forbidden):
                await cloud.delete_image(image.id)
            await cloud.update_image(image, is_protected=False, is_hidden=True)
            assert image.id not in {each.id for each in await cloud.list_images()}
            assert image.id in {each.id for each in await images.list(os_hidden=True)}
            named = await cloud.get_image(f"{target.prefix}-b")
            assert named is not None and (named.id, named.is_hidden) == (image.id, True)
            assert await cloud.get_image(f"{target.prefix}-b", {"min_disk": 2}) is None
            await images.deactivate(image)
            with pytest.raises(aiocloud.Forbidden):
                await cloud.download_image(image, output_path=disk.with_name("copy"))
            await images.reactivate(image)
            await cloud.download_image(image, output_path=disk.with_name("copy"))
            assert disk.with_name("copy").read_bytes() == disk.read_bytes()
        finally:
            await cloud.update_image(image, is_protected=False)
            assert await cloud.delete_image(image.id) is True
        assert await cloud.delete_image(image.id) is False


async def test_an_image_is_shared(target: Target, disk: Path) -> None:
    async with (
        target.connect() as cloud,
        aiocloud.connect(f"{target.name}-admin", config_files=[target.config], **target.options) as other,
    ):
        joined = await other.current_project()
        assert joined is not None and joined.id is not None
        project = joined.id
        image = await cloud.create_image(target.prefix, disk, disk_format="raw", wait=True, visibility="shared")
        try:
            members = await cloud.image.images.members(image)
            assert (await members.create(member=project)).status == "pending"
            asked = await other.image.images.members(image)
            assert (await asked.answer(project, "accepted")).status == "accepted"
            assert [(each.member_id, each.status) for each in await members.list()] == [(project, "accepted")]
            assert image.id in {each.id for each in await other.list_images()}
            with pytest.raises(aiocloud.Conflict):
                await members.create(member=project)
            assert await members.delete(project) is True
            assert await members.list() == []
        finally:
            await cloud.delete_image(image.id, wait=True)


async def test_a_stream_becomes_an_image_with_its_hash(target: Target) -> None:
    content = bytes(range(256)) * 9000

    async def stream() -> AsyncIterator[bytes]:
        for at in range(0, len(content), 100_001):
            yield content[at : at + 100_001]

    async with target.connect() as cloud:
        try:
            for data in (stream(), io.BytesIO(content), content):
                image = await cloud.create_image(target.prefix, data=data, disk_format="raw", wait=True)
                assert (image.status, image.size) == ("active", len(content))
                assert image.os_hash_algo is not None
                assert image.os_hash_value == hashlib.new(image.os_hash_algo, content).hexdigest()
                chunks = [chunk async for chunk in cloud.stream_image(image)]
                assert b"".join(chunks) == content
                assert await cloud.delete_image(image.id) is True
        finally:
            for image in await cloud.search_images(target.prefix):
                await cloud.delete_image(image.id)


async def test_a_file_says_itself_what_it_is(target: Target, tmp_path: Path) -> None:
    """A qcow2 file by its first bytes, whatever its name; one that refers to another file is not sent at all."""
    header = b"QFI\xfb" + struct.pack(">IQIIQIIQQIIQ", 3, 0, 0, 16, 1 << 20, 0, 1, 0x30000, 0x10000, 1, 0, 0)
    whole = (header + struct.pack(">QQQII", 0, 0, 0, 4, 104)).ljust(0x40000, b"\0")
    path, backed = tmp_path / "disk.img", tmp_path / "backed.img"
    path.write_bytes(whole)
    backed.write_bytes(b"QFI\xfb" + struct.pack(">IQI", 3, 0x200, 9) + whole[20:])
    async with target.connect() as cloud:
        try:
            image = await cloud.create_image(target.prefix, path, wait=True)
            assert (image.disk_format, image.size) == ("qcow2", len(whole))
            with pytest.raises(aiocloud.InvalidRequest, match="backing"):
                await cloud.create_image(f"{target.prefix}-backed", backed)
            assert await cloud.search_images(f"{target.prefix}-backed") == []
        finally:
            await cloud.delete_image(target.prefix, wait=True)


@asynccontextmanager
async def served(content: bytes) -> AsyncIterator[str]:
    """The URL of a server on this machine that gives this content for `/disk.raw`, and nothing else."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path == "/disk.raw"
            self.send_response(200 if found else 404)
            self.send_header("Content-Length", str(len(content) if found else 0))
            self.end_headers()
            self.wfile.write(content if found else b"")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        await anyio.to_thread.run_sync(server.shutdown)
        thread.join()
        server.server_close()


async def test_the_cloud_fetches_an_image_itself(target: Target) -> None:
    content = bytes(range(256)) * 4096
    async with target.connect() as cloud, served(content) as url:
        try:
            image = await cloud.create_image(target.prefix, uri=f"{url}/disk.raw", disk_format="raw", wait=True)
            assert (image.status, image.disk_format) == ("active", "raw")
            if not target.fake:  # a fake fetches nothing: it has a small disk behind every URL
                assert b"".join([chunk async for chunk in cloud.stream_image(image)]) == content
                with pytest.raises(aiocloud.ResourceFailed, match="could not be imported"):
                    await cloud.create_image(
                        f"{target.prefix}-gone", uri=f"{url}/gone", disk_format="raw", wait=True, timeout=60
                    )
                assert await cloud.search_images(f"{target.prefix}-gone") == []
        finally:
            await cloud.delete_image(target.prefix, wait=True)


async def test_listings_turn_their_pages(target: Target, disk: Path) -> None:
    names = [f"{target.prefix}-{index}" for index in range(5)]
    async with target.connect() as cloud:
        try:
            for name in names:
                await cloud.image.images.create(name=name, disk_format="raw", container_format="bare")
            pages = [page async for page in cloud.image.images.pages(limit=2)]
            listed = [image.name for page in pages for image in page.items]
            assert {*names} <= {*listed}
            assert all(len(page.items) <= 2 for page in pages)
            found = await cloud.search_images(f"{target.prefix}-*", {"status": "queued"})
            assert sorted(image.name for image in found) == names
        finally:
            for image in await cloud.search_images(f"{target.prefix}-*"):
                await cloud.delete_image(image.id)
