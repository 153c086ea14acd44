"""Volumes are made, attached, taken off and removed."""

from __future__ import annotations

import pytest

import aiocloud
from tests.conformance.target import Target, needs, server

pytestmark = pytest.mark.anyio


async def test_a_volume_is_attached_and_detached(target: Target) -> None:
    name = target.prefix
    async with target.connect() as cloud:
        await needs(cloud, "block-storage")
        try:
            volume = await cloud.create_volume(1, name=name, wait=True)
            assert (volume.name, volume.size, volume.status) == (name, 1, "available")
            async with server(cloud, name, auto_ip=False) as made:
                await cloud.attach_volume(made, volume, wait=True)
                used = await cloud.get_volume(name)
                assert used is not None
                assert used.status == "in-use"
                assert [each.id for each in await cloud.get_volumes(made)] == [volume.id]
                await cloud.detach_volume(made, volume, wait=True)
                free = await cloud.get_volume(name)
                assert free is not None
                assert free.status == "available"
        finally:
            assert await cloud.delete_volume(name, wait=True) is True
        assert await cloud.get_volume(name) is None
        assert await cloud.delete_volume(name) is False


async def test_a_snapshot_of_a_volume(target: Target) -> None:
    name = target.prefix
    async with target.connect() as cloud:
        await needs(cloud, "block-storage")
        try:
            volume = await cloud.create_volume(1, name=name, wait=True)
            snapshot = await cloud.create_volume_snapshot(volume.id, name=name, wait=True)
            assert (snapshot.volume_id, snapshot.status) == (volume.id, "available")
            assert await cloud.delete_volume_snapshot(name, wait=True) is True
        finally:
            await cloud.delete_volume(name, wait=True)


async def test_a_volume_becomes_an_image(target: Target) -> None:
    name = target.prefix
    async with target.connect() as cloud:
        await needs(cloud, "block-storage")
        try:
            volume = await cloud.create_volume(1, name=name, wait=True)
            made: list[str] = []
            try:
                image = await cloud.create_image(name, volume=volume, meta={"team": "ops"}, wait=True, timeout=120)
            except (aiocloud.ResourceFailed, aiocloud.NotFound):
                # A cloud for tests, whose volumes have no content, takes its image away itself.
                pass
            else:
                assert (image.name, image.status, image["team"]) == (name, "active", "ops")
                made.append(image.id)
            assert [each.id for each in await cloud.search_images(f"{name}*")] == made
        finally:
            await cloud.delete_image(name)
            await cloud.delete_volume(name, wait=True)


async def test_metadata_of_a_volume_by_any_key_that_cinder_takes(target: Target) -> None:
    async with target.connect() as cloud:
        await needs(cloud, "block-storage")
        volume = await cloud.create_volume(1, name=target.prefix, wait=True, metadata={"kept": "größe"})
        try:
            volumes = cloud.block_storage.volumes
            await volumes.set_metadata(volume, {"a b": "1", "a/b": "2", "a.b:c-d_e": "3"})
            await volumes.delete_metadata(volume, "a/b", "a b", "a.b:c-d_e")
            left = (await volumes.get(volume)).metadata
            assert {key: left[key] for key in left if not key.startswith("aiocloud:")} == {"kept": "größe"}
            with pytest.raises(aiocloud.NotFound):
                await volumes.delete_metadata(volume, "a/b")
            larger = await cloud.update_volume(volume, description="größe")
            assert larger.description == "größe"
        finally:
            await cloud.delete_volume(volume.id, wait=True)
