"""Containers and objects, whole and in segments, come back as they went."""

from __future__ import annotations

import base64
import hashlib
import json
import random
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.conformance.target import Target, needs

pytestmark = pytest.mark.anyio


async def test_a_small_object_round_trip(target: Target) -> None:
    name = target.prefix
    async with target.connect() as cloud, AsyncExitStack() as later:
        await needs(cloud, "object-store")
        later.push_async_callback(cloud.delete_container, name)
        await cloud.create_object(name, "folder/größe 1.txt", data=b"hello")
        later.push_async_callback(cloud.delete_object, name, "folder/größe 1.txt")
        assert await cloud.get_object(name, "folder/größe 1.txt") == b"hello"
        assert [each.name for each in await cloud.list_objects(name)] == ["folder/größe 1.txt"]
        container = await cloud.get_container(name)
        assert container is not None
        assert await cloud.delete_object(name, "no-such-object") is False


async def test_a_large_object_in_segments_of_a_million_bytes(target: Target, tmp_path: Path) -> None:
    name = target.prefix
    path = tmp_path / "briarcliff.sh3d"
    path.write_bytes(random.Random(7).randbytes(target.big))
    sent = hashlib.sha256(path.read_bytes()).hexdigest()
    async with target.connect() as cloud:
        await needs(cloud, "object-store")
        before = {container.name for container in await cloud.list_containers()}
        try:
            made = await cloud.create_object(
                container=name, name="my-object", filename=str(path), segment_size=1_000_000
            )
            assert made.name == "my-object"
            copy = tmp_path / "copy"
            await cloud.get_object(name, "my-object", outfile=str(copy))
            assert copy.stat().st_size == target.big
            assert hashlib.sha256(copy.read_bytes()).hexdigest() == sent
        finally:
            await cloud.delete_object(name, "my-object")
        assert await cloud.list_objects(name) == []
        assert await cloud.delete_container(name) is True
        assert await cloud.delete_container(name) is False
        for left in {container.name for container in await cloud.list_containers()} - before:
            assert name not in left or await cloud.list_objects(left) == []


async def test_data_may_be_an_iterable_of_bytes(target: Target) -> None:
    name = target.prefix
    async with target.connect() as cloud, AsyncExitStack() as later:
        await needs(cloud, "object-store")
        later.push_async_callback(cloud.delete_container, name)
        await cloud.create_object(name, "streamed", data=(b"x" * 1000 for _ in range(2500)), segment_size=1_000_000)
        later.push_async_callback(cloud.delete_object, name, "streamed")
        assert await cloud.get_object(name, "streamed") == b"x" * 2_500_000


async def test_a_copy_of_a_large_object_comes_to_a_path(target: Target, tmp_path: Path) -> None:
    """Swift compares `If-Match` of what was a static large object before it was copied with an ETag that it does not tell."""
    name, content = target.prefix, b"x" * 2_500_000
    async with target.connect() as cloud, AsyncExitStack() as later:
        await needs(cloud, "object-store")
        later.push_async_callback(cloud.delete_container, name)
        await cloud.create_object(name, "large", data=content, segment_size=1_000_000)
        later.push_async_callback(cloud.delete_object, name, "large")
        await cloud.object_store.objects(name).copy("large", name, "whole")
        later.push_async_callback(cloud.delete_object, name, "whole")
        await cloud.get_object(name, "whole", outfile=str(tmp_path / "copy"))
        assert (tmp_path / "copy").read_bytes() == content


async def test_a_dynamic_large_object_may_begin_with_a_slash(target: Target) -> None:
    """The prefix that its manifest names may not."""
    name, content = target.prefix, b"y" * 2_500_000
    async with target.connect() as cloud, AsyncExitStack() as later:
        await needs(cloud, "object-store")
        later.push_async_callback(cloud.delete_container, name)
        await cloud.create_object(name, "/large", data=content, segment_size=1_000_000, use_slo=False)
        later.push_async_callback(cloud.delete_object, name, "/large")
        assert await cloud.get_object(name, "/large") == content
        assert [each.name for each in await cloud.list_objects(name)] == ["/large"]


async def test_an_empty_object_is_an_object(target: Target) -> None:
    name = target.prefix
    async with target.connect() as cloud, AsyncExitStack() as later:
        await needs(cloud, "object-store")
        later.push_async_callback(cloud.delete_container, name)
        await cloud.create_object(name, "empty", data=b"")
        later.push_async_callback(cloud.delete_object, name, "empty")
        assert await cloud.get_object(name, "empty") == b""


async def test_a_manifest_of_ranges_and_inline_data(target: Target, tmp_path: Path) -> None:
    """Manifests that other clients wrote: parts of objects, and bytes of the manifest's own."""
    name = target.prefix
    async with target.connect() as cloud, AsyncExitStack() as later:
        await needs(cloud, "object-store")
        later.push_async_callback(cloud.delete_container, name)
        for part in ("one", "two"):
            await cloud.create_object(name, part, data=part * 3)
        rows = [
            {"path": f"/{name}/one", "range": "0-8"},
            {"data": base64.b64encode(b" and ").decode()},
            {"path": f"/{name}/two", "range": "6-"},
            {"path": f"/{name}/one", "range": "-3"},
        ]
        objects = cloud.object_store.objects(name)
        await objects.put("joined", json.dumps(rows).encode(), params={"multipart-manifest": "put"})
        assert await cloud.get_object(name, "joined") == b"oneoneone and twoone"
        await cloud.get_object(name, "joined", outfile=tmp_path / "joined")
        assert (tmp_path / "joined").read_bytes() == b"oneoneone and twoone"
        assert await cloud.delete_object(name, "joined") is True
        assert await cloud.list_objects(name) == []
