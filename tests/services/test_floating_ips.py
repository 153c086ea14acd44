"""Floating IPs by hand, also where there are none."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from aiocloud import InvalidRequest, NoPublicAddress
from aiocloud.testing import FakeCloud, Fault, Reply
from tests.services.helper import connect

pytestmark = pytest.mark.anyio


async def test_no_floating_ips_where_neutron_knows_none(tmp_path: Path) -> None:
    fake = FakeCloud.like("my-internap")
    async with connect(fake, tmp_path) as cloud:
        assert await cloud.list_floating_ips() == []
        assert await cloud.search_floating_ips() == []
        assert await cloud.search_floating_ips(filters={"status": "DOWN"}) == []
        assert await cloud.get_floating_ip("203.0.113.7") is None
        assert await cloud.delete_floating_ip("203.0.113.7") is False
        assert await cloud.delete_floating_ip("5f4dcc3b-5aa7-65d6-1d83-27deb882cf99") is False
        with pytest.raises(NoPublicAddress, match="no floating IPs: its Neutron has no router extension"):
            await cloud.create_floating_ip((await cloud.list_networks())[0])
        assert await cloud.delete_unattached_floating_ips() == 0


async def test_a_floating_ip_is_detached_by_its_address(tmp_path: Path) -> None:
    fake = FakeCloud.like("my-citycloud", boot_time=0.01)
    async with connect(fake, tmp_path) as cloud:
        image = (await cloud.list_images())[0]
        server = await cloud.create_server("s", image=image, flavor="m1.tiny", wait=True)
        assert await cloud.detach_ip_from_server("s", server.public_v4) is True
        assert await cloud.detach_ip_from_server("s", server.public_v4) is False
        assert await cloud.detach_ip_from_server("s", "203.0.113.251") is False


@pytest.mark.parametrize("told", [True, False])
async def test_a_floating_ip_stays_with_a_server_that_another_is_taken_for(told: bool, tmp_path: Path) -> None:
    fake = FakeCloud.like("my-citycloud", boot_time=0.01)
    if not told:  # a Neutron without the extension fip-port-details

        def without(reply: Reply) -> Reply:
            assert isinstance(reply.content, bytes)
            return replace(reply, content=re.sub(rb'"port_details": ?\{[^}]*\},? ?', b"", reply.content))

        fake.fault(Fault(service="network", method="GET", path="*/floatingips*", times=None, mutate=without))
    async with connect(fake, tmp_path) as cloud:
        image = (await cloud.list_images())[0]
        one, two = [await cloud.create_server(n, image=image, flavor="m1.tiny", wait=True) for n in ("one", "two")]
        ip = await cloud.get_floating_ip(two.public_v4)
        assert ip is not None
        assert (ip.port_details is not None) is told
        assert await cloud.detach_ip_from_server(one, two.public_v4) is False
        assert await cloud.detach_ip_from_server(two, two.public_v4) is True


async def test_a_floating_ip_that_leads_to_a_server_is_neither_taken_nor_removed(tmp_path: Path) -> None:
    fake = FakeCloud.like("my-citycloud", boot_time=0.01)
    async with connect(fake, tmp_path) as cloud:
        image = (await cloud.list_images())[0]
        one, two = [await cloud.create_server(n, image=image, flavor="m1.tiny", wait=True) for n in ("one", "two")]
        with pytest.raises(InvalidRequest, match=f"floating IP {one.public_v4} is in use"):
            await cloud.add_ip_list(two, one.public_v4)
        free = await cloud.available_floating_ip()
        assert free.port_id is None
        assert (await cloud.available_floating_ip()).id == free.id
        assert await cloud.delete_unattached_floating_ips() == 1
        left = {ip.floating_ip_address for ip in await cloud.list_floating_ips()}
        assert left == {one.public_v4, two.public_v4}


async def test_an_administrator_takes_and_removes_no_floating_ip_of_another_project(tmp_path: Path) -> None:
    """Neutron lists those of all projects to whoever may see them."""
    fake = FakeCloud.like("my-citycloud", boot_time=0.01)
    async with connect(fake, tmp_path) as user, connect(fake, tmp_path, admin=True) as admin:
        theirs = await user.create_floating_ip()
        assert theirs.id in [ip.id for ip in await admin.list_floating_ips()]
        own = await admin.available_floating_ip()
        assert own.id != theirs.id
        image = (await admin.list_images())[0]
        server = await admin.create_server(
            "a", image=image, flavor="m1.tiny", network="private", wait=True, reuse_ips=True
        )
        assert server.public_v4 == own.floating_ip_address
        await admin.detach_ip_from_server(server, own)
        assert await admin.delete_unattached_floating_ips() == 1
        assert [ip.id for ip in await user.list_floating_ips()] == [theirs.id]


async def test_when_one_of_several_addresses_is_refused_none_stays(tmp_path: Path) -> None:
    fake = FakeCloud.like("my-citycloud", boot_time=0.01)
    async with connect(fake, tmp_path) as cloud:
        image = (await cloud.list_images())[0]
        one, two = [
            await cloud.create_server(n, image=image, flavor="m1.tiny", auto_ip=n == "one", wait=True)
            for n in ("one", "two")
        ]
        free = await cloud.create_floating_ip()
        with pytest.raises(InvalidRequest, match=f"floating IP {one.public_v4} is in use"):
            await cloud.add_ip_list(two, [free.floating_ip_address, one.public_v4])
        again = await cloud.get_floating_ip(free.id)
        assert again is not None
        assert again.port_id is None
        both = await cloud.add_ip_list(two, [free.floating_ip_address])
        assert (await cloud.add_ip_list(two, free.floating_ip_address)).public_v4 == both.public_v4
        with pytest.raises(InvalidRequest):
            await cloud.add_ip_list(two, [free.floating_ip_address, one.public_v4])
        still = await cloud.get_floating_ip(free.id)
        assert still is not None
        assert still.port_id is not None
