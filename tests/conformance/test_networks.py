"""Networks, subnets, ports, routers, security groups and keypairs come and go."""

from __future__ import annotations

from contextlib import AsyncExitStack

import pytest

import aiocloud
from tests.conformance.target import Target, hands_out_floating_ips

pytestmark = pytest.mark.anyio


async def test_a_network_with_subnet_and_port(target: Target) -> None:
    name = target.prefix
    async with target.connect() as cloud, AsyncExitStack() as later:
        later.push_async_callback(cloud.delete_network, name)
        network = await cloud.create_network(name)
        assert (network.name, network.is_router_external) == (name, False)

        later.push_async_callback(cloud.delete_subnet, name)
        subnet = await cloud.create_subnet(name, cidr="192.168.77.0/24", subnet_name=name, enable_dhcp=True)
        assert (subnet.cidr, subnet.network_id, subnet.gateway_ip) == ("192.168.77.0/24", network.id, "192.168.77.1")

        later.push_async_callback(cloud.delete_port, name)
        port = await cloud.create_port(network.id, name=name)
        assert port.fixed_ips[0]["subnet_id"] == subnet.id
        assert [each.id for each in await cloud.search_ports(name)] == [port.id]

        await later.aclose()
        assert await cloud.get_port(name) is None
        assert await cloud.get_network(name) is None
        assert await cloud.delete_network(name) is False


async def test_a_router_joins_a_subnet_to_the_outside(target: Target) -> None:
    name = target.prefix
    async with target.connect() as cloud, AsyncExitStack() as later:
        if not await hands_out_floating_ips(cloud):
            pytest.skip(f"{cloud.name} has no routers")
        outside = next(net for net in await cloud.list_networks() if net.is_router_external)
        later.push_async_callback(cloud.delete_network, name)
        await cloud.create_network(name)
        subnet = await cloud.create_subnet(name, cidr="192.168.78.0/24", subnet_name=name)
        later.push_async_callback(cloud.delete_router, name)
        router = await cloud.create_router(name, ext_gateway_net_id=outside.id)
        assert router.name == name
        await cloud.add_router_interface(router, subnet_id=subnet.id)
        later.push_async_callback(cloud.remove_router_interface, router, subnet_id=subnet.id)
        assert [port.network_id for port in await cloud.list_router_interfaces(router, "internal")] == [
            subnet.network_id
        ]


async def test_a_security_group_and_its_rule(target: Target) -> None:
    name = target.prefix
    async with target.connect() as cloud:
        try:
            group = await cloud.create_security_group(name, "made by a conformance story")
            rule = await cloud.create_security_group_rule(name, 22, 22, "tcp", "203.0.113.0/24")
            assert (rule.security_group_id, rule.port_range_min, rule.protocol) == (group.id, 22, "tcp")
            assert await cloud.delete_security_group_rule(rule.id) is True
            assert await cloud.delete_security_group_rule(rule.id) is False
        finally:
            assert await cloud.delete_security_group(name)
        assert await cloud.get_security_group(name) is None


async def test_a_keypair_is_made_by_the_cloud_or_brought_along(target: Target) -> None:
    name = target.prefix
    async with target.connect() as cloud:
        try:
            made = await cloud.create_keypair(name)
            assert made.public_key
            assert made.public_key.startswith("ssh-")
            assert made.private_key
            assert "PRIVATE KEY" not in repr(made)
            found = await cloud.get_keypair(name)
            assert found is not None
            assert found.fingerprint == made.fingerprint
            await cloud.delete_keypair(name)
            brought = await cloud.create_keypair(name, made.public_key)
            assert brought.fingerprint == made.fingerprint
        finally:
            assert await cloud.delete_keypair(name) is True
        assert await cloud.delete_keypair(name) is False


async def test_tags_are_kept_as_they_are(target: Target) -> None:
    name, odd = target.prefix, ["a b", "größe", "50%", "a?b", "owner/team"]
    async with target.connect() as cloud:
        network = await cloud.create_network(name)
        try:
            networks = cloud.network.networks
            for tag in odd:
                await networks.add_tag(network, tag)
            assert sorted((await networks.get(network)).tags) == sorted(odd)
            assert [each.id for each in await networks.list(tags="größe")] == [network.id]
            for tag in odd:
                await networks.remove_tag(network, tag)
            assert (await networks.get(network)).tags == []
            for tag in odd:
                with pytest.raises(aiocloud.NotFound):
                    await networks.remove_tag(network, tag)
            assert await networks.set_tags(network, ["b", "a"]) == ["a", "b"]
        finally:
            await cloud.delete_network(name)
