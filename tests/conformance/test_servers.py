"""Servers end reachable on every kind of cloud, tell what they are, and go without a trace."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import anyio
import pytest

import aiocloud
from tests.conformance.target import Target, bootable_image, brought_network, needs, server, smallest_flavor

pytestmark = pytest.mark.anyio


async def test_a_server_ends_active_and_reachable_and_leaves_nothing(target: Target) -> None:
    async with target.connect() as cloud:
        async with server(cloud, target.prefix, auto_ip=True) as made:
            assert (made.name, made["name"], made.status) == (target.prefix, target.prefix, "ACTIVE")
            assert made.public_v4
            assert made.location.region_name == cloud.region_name
            assert made.public_v4 in cloud.pformat(made)
            floating = [a for group in made.addresses.values() for a in group if a.type == "floating"]
            if floating:
                mine = [ip for ip in await cloud.list_floating_ips() if ip.floating_ip_address == made.public_v4]
                assert len(mine) == 1
                assert made.private_v4
                assert made.private_v4 != made.public_v4
        assert await cloud.get_server(target.prefix) is None
        assert [port for port in await cloud.list_ports() if port.device_id == made.id] == []
        if floating:
            left = [ip for ip in await cloud.list_floating_ips() if ip.floating_ip_address == made.public_v4]
            assert left == []


async def test_auto_ip_keeps_its_promise_when_waited_for_later(target: Target) -> None:
    name = target.prefix
    async with target.connect() as cloud:
        try:
            begun = await cloud.create_server(
                name,
                image=await bootable_image(cloud),
                flavor=await smallest_flavor(cloud),
                network=await brought_network(cloud),
                auto_ip=True,
            )
            done = await cloud.wait_for_server(begun, timeout=120)
            assert (done.id, done.status) == (begun.id, "ACTIVE")
            assert done.public_v4
        finally:
            await cloud.delete_server(name, wait=True, delete_ips=True)


async def test_image_and_flavor_by_name_id_and_dict(target: Target) -> None:
    async with target.connect() as cloud:
        image, flavor = await bootable_image(cloud), await smallest_flavor(cloud)
        async with server(cloud, target.prefix, image=image.name, flavor={"id": flavor.id}) as by_name:
            assert by_name.status == "ACTIVE"
        async with server(cloud, target.prefix, image={"id": image.id}, flavor=flavor.name) as by_id:
            assert by_id.status == "ACTIVE"


async def test_detailed_default_and_bare_are_one_server_with_more_or_less(target: Target) -> None:
    async with target.connect() as cloud, server(cloud, target.prefix, auto_ip=True) as made:
        bare = await cloud.get_server(made.id, bare=True)
        plain = await cloud.get_server(made.id)
        detailed = await cloud.get_server(made.id, detailed=True)
        assert bare is not None
        assert plain is not None
        assert detailed is not None
        assert bare.id == plain.id == detailed.id == made.id
        assert plain.public_v4 == detailed.public_v4 == made.public_v4
        assert [each.id for each in await cloud.search_servers(target.prefix, bare=True)] == [made.id]


async def test_metadata_and_names_can_be_changed(target: Target) -> None:
    async with target.connect() as cloud, server(cloud, target.prefix, meta={"team": "ops"}) as made:
        await cloud.set_server_metadata(made, {"tier": "web"})
        changed = await cloud.update_server(made, description="seen")
        assert changed.id == made.id
        seen = await cloud.get_server(made.id)
        assert seen is not None
        assert {"team": "ops", "tier": "web"}.items() <= seen.metadata.items()


async def test_deleting_what_is_not_there_says_so(target: Target) -> None:
    async with target.connect() as cloud:
        assert await cloud.delete_server(target.prefix, wait=True, delete_ips=True) is False


async def test_an_unknown_flavor_or_image_makes_nothing(target: Target) -> None:
    async with target.connect() as cloud:
        with pytest.raises(aiocloud.CloudError, match="no-such-flavor"):
            await cloud.create_server(target.prefix, image=await bootable_image(cloud), flavor="no-such-flavor")
        with pytest.raises(aiocloud.CloudError, match="no-such-image"):
            await cloud.create_server(target.prefix, image="no-such-image", flavor=await smallest_flavor(cloud))
        assert await cloud.get_server(target.prefix) is None


async def test_two_servers_of_one_name_are_ambiguous(target: Target) -> None:
    async with target.connect() as cloud:
        image, flavor, network = await bootable_image(cloud), await smallest_flavor(cloud), await brought_network(cloud)
        made = [
            await cloud.create_server(target.prefix, image, flavor, auto_ip=False, network=network) for _ in range(2)
        ]
        try:
            with pytest.raises(aiocloud.Ambiguous) as ambiguous:
                await cloud.get_server(target.prefix)
            assert target.prefix in str(ambiguous.value)
        finally:
            for each in made:
                await cloud.delete_server(each, wait=True)


async def test_a_server_boots_from_a_volume_that_stays(target: Target) -> None:
    name = target.prefix
    async with target.connect() as cloud:
        await needs(cloud, "block-storage")
        try:
            volume = await cloud.create_volume(1, name=name, wait=True)
            await cloud.set_volume_bootable(volume.id)
            async with server(cloud, name, image=None, boot_volume=volume, auto_ip=False) as made:
                assert [each.id for each in await cloud.get_volumes(made)] == [volume.id]
                # An image of it has no content, but says of which snapshot its disk is to be made.
                image = await cloud.create_image_snapshot(name, made, wait=True, timeout=60)
                (device,) = json.loads(image["block_device_mapping"])
                try:
                    kept = await cloud.get_volume_snapshot_by_id(device["snapshot_id"])
                    assert kept is not None
                    assert (image.size, kept.volume_id, kept.name) == (0, volume.id, f"snapshot for {name}")
                finally:
                    await cloud.delete_image(image, wait=True)
                    await cloud.delete_volume_snapshot(device["snapshot_id"], wait=True, timeout=60)
            after = await cloud.get_volume(volume.id)
            assert after is not None
            assert after.status == "available"
        finally:
            await cloud.delete_volume(name, wait=True)


async def test_a_server_boots_from_a_volume_that_goes_with_it(target: Target) -> None:
    name = target.prefix
    async with target.connect() as cloud:
        await needs(cloud, "block-storage")
        try:
            await cloud.create_volume(1, name=name, image=await bootable_image(cloud), wait=True)
        except aiocloud.ResourceFailed:
            pytest.skip(f"{cloud.name} can't make volumes from images")
        finally:
            await cloud.delete_volume(name, wait=True)
        async with server(
            cloud, name, boot_from_volume=True, volume_size=1, terminate_volume=True, auto_ip=False
        ) as made:
            [volume] = await cloud.get_volumes(made)
            assert volume.size == 1
        await cloud.block_storage.volumes.wait_until_gone(volume.id, timeout=60)
        assert await cloud.get_volume(volume.id) is None


async def test_a_boot_from_a_volume_that_is_cut_short_leaves_neither(target: Target) -> None:
    """Cancelled while it is under way, or failed where a cloud for tests can't make volumes from images."""
    name, size = target.prefix, 3
    async with target.connect() as cloud:
        await needs(cloud, "block-storage")
        how: dict[str, Any] = {"image": await bootable_image(cloud), "flavor": await smallest_flavor(cloud)}
        how |= {"network": await brought_network(cloud), "auto_ip": False, "boot_from_volume": True}

        async def volumes() -> set[str]:
            """Of this size, without a name: those that Nova makes."""
            return {one.id for one in await cloud.list_volumes() if one.size == size and not one.name}

        before = await volumes()
        with anyio.move_on_after(5) as cut, suppress(aiocloud.ResourceFailed):
            made = await cloud.create_server(name, **how, volume_size=size, wait=True)
            [volume] = await cloud.get_volumes(made)
            assert await cloud.delete_server(made, wait=True) is True
            assert await cloud.delete_volume(volume, wait=True) is True
        if cut.cancelled_caught:
            await anyio.sleep(5)
        assert await cloud.search_servers(name, bare=True) == []
        assert await volumes() <= before


async def test_a_server_that_cannot_be_placed_fails_in_novas_words_and_is_removed(target: Target) -> None:
    """Two servers that must not share a host, where there is only one."""
    async with target.connect() as cloud:
        try:
            body = {"server_group": {"name": target.prefix, "policies": ["anti-affinity"]}}
            answer = await cloud.compute.post("/os-server-groups", json=body)
        except aiocloud.NotFound:
            pytest.skip(f"{cloud.name} has no server groups")
        group = answer.json()["server_group"]["id"]
        hints = {"group": group}
        try:
            async with server(cloud, target.prefix, scheduler_hints=hints, auto_ip=False) as first:
                with pytest.raises(aiocloud.ResourceFailed, match=target.name):
                    async with server(cloud, f"{target.prefix}-2", scheduler_hints=hints, auto_ip=False):
                        pytest.skip(f"{cloud.name} has more than one host")
                assert [each.id for each in await cloud.search_servers(f"{target.prefix}*")] == [first.id]
        finally:
            await cloud.compute.delete(f"/os-server-groups/{group}")
