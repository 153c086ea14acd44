"""Only type-checked, never run: what completion and the checkers know of verbs, and what they must refuse.

A line that must fail bears an ignore comment for each checker; both complain about an ignore that ignores nothing.
"""

from __future__ import annotations

from typing import assert_type

import aiocloud
from aiocloud import Cloud, Done, Failed, Fleet, Outcomes
from aiocloud.services.compute.flavor import Flavor
from aiocloud.services.compute.keypair import Keypair
from aiocloud.services.compute.server import Server
from aiocloud.services.network.network import Network


async def verbs_of_a_cloud(cloud: Cloud) -> None:
    server = await cloud.create_server("my-server", image="devuan", flavor={"id": "1"}, wait=True, auto_ip=True)
    assert_type(server, Server)
    assert_type(server.name, str)
    assert_type(server.public_v4, str)
    assert_type(await cloud.get_server("my-server", detailed=True), Server | None)
    assert_type(await cloud.get_flavor_by_ram(512), Flavor)
    assert_type(await cloud.list_networks(), list[Network])
    assert_type(await cloud.delete_server(server, wait=True, delete_ips=True), bool)
    assert_type(await cloud.get_keypair("mine"), Keypair | None)
    await cloud.create_server("my-server", imgae="devuan")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await cloud.get_flavor_by_ram("512")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def collections(cloud: Cloud) -> None:
    assert_type(await cloud.compute.servers.get("id"), Server)
    async for server in cloud.compute.servers.stream():
        assert_type(server, Server)
    made = await cloud.compute.flavors.create(name="m1", ram=512, vcpus=1, disk=1)
    assert_type(made, Flavor)
    await cloud.compute.flavors.create(name="m1", ram="512", vcpus=1, disk=1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await cloud.compute.flavors.create(nmae="m1", ram=512, vcpus=1, disk=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await cloud.compute.availability_zones.create()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue,reportUnknownMemberType]
    await cloud.compute.keypairs.update("mine")  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue,reportUnknownMemberType]


async def a_fleet(fleet: Fleet) -> None:
    outcomes = await fleet.map(Cloud.create_server, "my-server", flavor="m1.tiny", image="devuan", wait=True)
    assert_type(outcomes, Outcomes[Server])
    assert_type(outcomes.values, list[Server])
    assert_type((await fleet.map(Cloud.list_networks)).values, list[list[Network]])
    await fleet.map(Cloud.create_server, "my-server", flaver="m1.tiny")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    async with fleet.stream(Cloud.search_servers, "my-server") as found:
        async for outcome in found:
            match outcome:
                case Done(cloud, servers):
                    assert_type(cloud, Cloud)
                    assert_type(servers, list[Server])
                case Failed(_, error):
                    assert_type(error, Exception)
    async with fleet.stream_items(lambda cloud: cloud.compute.servers.stream()) as items:
        async for server in items:
            assert_type(server, Server)


def connecting() -> None:
    assert_type(aiocloud.connect(cloud="a", region_name="b", strict=True), Cloud)
    assert_type(aiocloud.connect_all(["a-*"], on_error="raise"), Fleet)
    aiocloud.connect_all(on_error="never")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
