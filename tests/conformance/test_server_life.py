"""What happens to a server between its birth and its end, and to its addresses."""

from __future__ import annotations

import anyio
import pytest

import aiocloud
from tests.conformance.target import (
    Target,
    bootable_image,
    brought_network,
    hands_out_floating_ips,
    server,
    smallest_flavor,
)

pytestmark = pytest.mark.anyio


async def test_it_is_stopped_paused_suspended_and_locked(target: Target) -> None:
    async with target.connect() as cloud, server(cloud, target.prefix, auto_ip=False) as made:
        servers = cloud.compute.servers
        for act, status in (
            (servers.stop, "SHUTOFF"),
            (servers.start, "ACTIVE"),
            (servers.pause, "PAUSED"),
            (servers.unpause, "ACTIVE"),
            (servers.suspend, "SUSPENDED"),
            (servers.resume, "ACTIVE"),
            (servers.reboot, "ACTIVE"),
        ):
            await act(made)
            assert (await servers.wait(made, until=status, timeout=60, at_once=False)).status == status
        await servers.lock(made)
        await servers.unlock(made)
        await servers.stop(made)
        await servers.wait(made, until="SHUTOFF", timeout=60)
        with pytest.raises(aiocloud.Conflict):
            await servers.pause(made)


async def test_it_is_rescued(target: Target) -> None:
    async with target.connect() as cloud, server(cloud, target.prefix, auto_ip=False) as made:
        servers, image = cloud.compute.servers, await bootable_image(cloud)
        assert await servers.rescue(made, image, admin_pass="Secret-1234") in ("Secret-1234", "")
        await servers.wait(made, until="RESCUE", timeout=120)
        with pytest.raises(aiocloud.Conflict):
            await servers.rescue(made)
        await servers.unrescue(made)
        await servers.wait(made, until="ACTIVE", timeout=120)
        assert await servers.rescue(made) != "Secret-1234"
        await servers.wait(made, until="RESCUE", timeout=120)


async def test_it_is_rebuilt_and_resized(target: Target) -> None:
    async with target.connect() as cloud, server(cloud, target.prefix, auto_ip=False) as made:
        servers, image = cloud.compute.servers, await bootable_image(cloud)
        again = await cloud.rebuild_server(made.id, image_id=image.id, wait=True, timeout=120)
        assert (again.id, again.status) == (made.id, "ACTIVE")
        flavors = sorted(await cloud.list_flavors(), key=lambda flavor: (flavor.ram, flavor.disk))
        larger = next(flavor for flavor in flavors if flavor.ram > flavors[0].ram)
        await servers.resize(made, larger)
        await servers.wait(made, until="VERIFY_RESIZE", timeout=120)
        await servers.confirm_resize(made)
        await servers.wait(made, until="ACTIVE", timeout=120)
        grown = await cloud.get_server(made.id, bare=True)
        assert grown is not None
        assert grown.flavor["original_name"] == larger.name
        await servers.resize(made, await smallest_flavor(cloud))
        await servers.wait(made, until="VERIFY_RESIZE", timeout=120)
        await servers.revert_resize(made)
        await servers.wait(made, until="ACTIVE", timeout=120)


async def test_it_tells_of_itself(target: Target) -> None:
    async with (
        target.connect() as cloud,
        server(cloud, target.prefix, auto_ip=False, meta={"team": "größe"}, tags=["a b", "blue"]) as made,
    ):
        assert isinstance(await cloud.get_server_console(made), str)
        assert (await cloud.get_server_private_ip(made)) in str(made.addresses)
        await cloud.set_server_metadata(made, {"tier": "web"})
        await cloud.delete_server_metadata(made, ["tier"])
        with pytest.raises(aiocloud.NotFound):
            await cloud.delete_server_metadata(made, ["tier"])
        seen = await cloud.get_server(made.id, detailed=True)
        assert seen is not None
        assert seen.metadata["team"] == "größe"
        assert sorted(seen.tags or []) == ["a b", "blue"]
        listed = {each.id for each in await cloud.list_servers(bare=True)}
        assert made.id in listed
        found = await cloud.search_servers(filters={"metadata": {"team": "größe"}}, bare=True)
        assert [each.id for each in found] == [made.id]
        described = await cloud.update_server(made, name=f"{target.prefix}-b", description="größer")
        assert (described.name, described.description) == (f"{target.prefix}-b", "größer")
        assert await cloud.get_server_id(f"{target.prefix}-b") == made.id
        await cloud.update_server(made, name=target.prefix)


async def test_its_security_groups(target: Target) -> None:
    name = target.prefix
    async with target.connect() as cloud, server(cloud, name, auto_ip=False) as made:
        group = await cloud.create_security_group(name, "a story's")
        try:
            assert await cloud.add_server_security_groups(made, group) is True
            assert name in {each["name"] for each in await cloud.list_server_security_groups(made)}
            assert await cloud.remove_server_security_groups(made, [name]) is True
            assert name not in {each["name"] for each in await cloud.list_server_security_groups(made)}
        finally:
            await cloud.delete_security_group(group)


async def test_a_snapshot_of_it_is_an_image(target: Target) -> None:
    async with target.connect() as cloud, server(cloud, target.prefix, auto_ip=False) as made:
        # Not waited for: a hypervisor that only plays, as that of a cloud for tests does, uploads nothing.
        image = await cloud.create_image_snapshot(target.prefix, made, team="ops")
        try:
            assert (image.name, image["team"], image["instance_uuid"]) == (target.prefix, "ops", made.id)
        finally:
            assert await cloud.delete_image(image.id, wait=True) is True


async def test_a_group_of_servers(target: Target) -> None:
    name = target.prefix
    async with target.connect() as cloud:
        group = await cloud.create_server_group(name, policy="soft-anti-affinity")
        try:
            async with server(cloud, name, auto_ip=False, group=name) as made:
                seen = await cloud.get_server_group(name)
                assert seen is not None
                assert (seen.id, seen.policy, seen.members) == (group.id, "soft-anti-affinity", [made.id])
            assert [each.id for each in await cloud.search_server_groups(name)] == [group.id]
        finally:
            assert await cloud.delete_server_group(group) is True
        assert await cloud.delete_server_group(name) is False


async def test_a_floating_ip_comes_and_goes(target: Target) -> None:
    async with target.connect() as cloud:
        if not await hands_out_floating_ips(cloud):
            pytest.skip(f"{cloud.name} has no floating IPs")
        async with server(cloud, target.prefix, auto_ip=False) as made:
            if made.public_v4:
                pytest.skip("its servers are public by themselves")
            free = await cloud.create_floating_ip()
            try:
                assert (free.port_id, free.status) == (None, "DOWN")
                reached = await cloud.add_ip_list(made, [free.floating_ip_address], wait=True)
                assert reached.public_v4 == free.floating_ip_address
                assert await cloud.get_server_public_ip(made) == free.floating_ip_address
                held = await cloud.get_floating_ip(free.id)
                assert held is not None and held.port_id
                assert await cloud.detach_ip_from_server(made.id, free.id) is True
                assert await cloud.detach_ip_from_server(made.id, free.id) is False
                mine = await cloud.search_floating_ips(filters={"floating_ip_address": free.floating_ip_address})
                assert [each.id for each in mine] == [free.id]
            finally:
                assert await cloud.delete_floating_ip(free.id) is True
            assert await cloud.delete_floating_ip(free.id) is False
            address = await cloud.add_auto_ip(made, wait=True)
            assert address
            await cloud.delete_server(made.id, wait=True, delete_ips=True)
            assert [ip for ip in await cloud.list_floating_ips() if ip.floating_ip_address == address] == []


async def test_servers_on_ports_and_fixed_addresses_of_ones_own(target: Target) -> None:
    name = target.prefix
    async with target.connect() as cloud:
        network = await cloud.create_network(name)
        try:
            subnet = await cloud.create_subnet(network.id, cidr="192.168.79.0/24", subnet_name=name)
            port = await cloud.create_port(network.id, name=name, fixed_ips=[{"ip_address": "192.168.79.77"}])
            chosen = {"auto_ip": False, "network": None}
            async with server(cloud, name, nics=[{"port-id": port.id}], **chosen) as made:
                assert [address.addr for address in made.addresses[name]] == ["192.168.79.77"]
            # A port that was brought along stays, and is free again.
            left = await cloud.get_port(port.id)
            assert left is not None
            assert left.device_id == ""
            await cloud.delete_port(port.id)
            nics = [{"net-id": network.id, "v4-fixed-ip": "192.168.79.78"}]
            async with server(cloud, name, nics=nics, **chosen) as made:
                assert [address.addr for address in made.addresses[name]] == ["192.168.79.78"]
            changed = await cloud.update_subnet(subnet.id, subnet_name=f"{name}-b", dns_nameservers=["192.0.2.53"])
            assert (changed.name, changed.dns_nameservers) == (f"{name}-b", ["192.0.2.53"])
            assert await cloud.delete_subnet(subnet.id) is True
        finally:
            for each in await cloud.list_ports({"network_id": network.id}):
                await cloud.delete_port(each.id)
            assert await cloud.delete_network(network.id) is True


async def test_many_are_made_and_removed_at_once(target: Target) -> None:
    names = [f"{target.prefix}-{index}" for index in range(4)]
    async with target.connect() as cloud:
        image, flavor, network = await bootable_image(cloud), await smallest_flavor(cloud), await brought_network(cloud)

        async def make(name: str) -> None:
            await cloud.create_server(name, image, flavor, network=network, wait=True, auto_ip=False)

        async def remove(name: str) -> None:
            await cloud.delete_server(name, wait=True)

        try:
            async with anyio.create_task_group() as tasks:
                for name in names:
                    tasks.start_soon(make, name)
            mine = await cloud.search_servers(f"{target.prefix}-*", bare=True)
            assert sorted(each.name for each in mine) == names
            assert {each.status for each in mine} == {"ACTIVE"}
        finally:
            async with anyio.create_task_group() as tasks:
                for name in names:
                    tasks.start_soon(remove, name)
        assert await cloud.search_servers(f"{target.prefix}-*", bare=True) == []
