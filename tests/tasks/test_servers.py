"""Servers on fake clouds of every kind: made, reached, seen, removed; and what is left when that fails."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path
from typing import Any

import anyio
import pytest

import aiocloud
from aiocloud import Cloud, InvalidRequest, NoPublicAddress, ResourceFailed
from aiocloud._http import httpx
from aiocloud.testing import FakeCloud, Fault
from tests.transport.helper import virtual

pytestmark = pytest.mark.anyio

KINDS = {"my-vexxhost": "ca-ymq-1", "my-internap": "ams01", "my-citycloud": "Buf1"}


def connect(fake: FakeCloud, tmp_path: Path, name: str | None = None, **more: Any) -> Cloud:
    path = tmp_path / "clouds.yaml"
    path.write_text(fake.clouds_yaml())
    return aiocloud.connect(name, config_files=[path], secure_files=[], **{"transport": fake.transport, **more})


@pytest.fixture(params=list(KINDS))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def an_image(cloud: Cloud) -> str:
    return (await cloud.image.images.list())[0].id


async def test_a_server_ends_reachable_on_all_three_kinds_of_cloud(kind: str, tmp_path: Path) -> None:
    fake = FakeCloud.like(kind, boot_time=0.02)
    async with connect(fake, tmp_path, kind) as cloud:
        flavor = await cloud.get_flavor_by_ram(512)
        server = await cloud.create_server("my-server", image=await an_image(cloud), flavor=flavor, wait=True)
        assert (server.status, server["name"]) == ("ACTIVE", "my-server")
        assert server.public_v4
        assert server.interface_ip == server.public_v4
        assert (server.location.cloud, server.location.region_name) == (kind, KINDS[kind])
        floating = fake.count(service="network", method="POST", path="*/floatingips")
        assert floating == (1 if kind == "my-citycloud" else 0)
        assert await cloud.delete_server("my-server", wait=True, delete_ips=True) is True
        assert await cloud.delete_server("my-server", wait=True) is False
    region = fake.cloud(kind).region(KINDS[kind])
    assert not region.nova.servers
    assert not region.neutron.floatingips


@pytest.mark.parametrize(("wish", "version"), [({}, 6), ({"prefer_ipv6": False}, 4), ({"force_ipv4": True}, 4)])
async def test_a_host_with_ipv6_reaches_servers_by_it_unless_told_otherwise(
    wish: dict[str, Any], version: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aiocloud.tasks.addresses.has_ipv6", lambda: True)
    fake = FakeCloud.like("my-vexxhost", boot_time=0.02)
    async with connect(fake, tmp_path, **wish) as cloud:
        flavor = await cloud.get_flavor_by_ram(512)
        server = await cloud.create_server("my-server", image=await an_image(cloud), flavor=flavor, wait=True)
        listed = (await cloud.list_servers())[0]
    assert server.interface_ip == (server.public_v6 if version == 6 else server.public_v4) != ""
    assert listed.interface_ip == server.interface_ip


def test_auto_ip_without_wait_keeps_its_promise_in_wait_for_server(tmp_path: Path) -> None:
    async def story() -> None:
        fake = FakeCloud.like("my-citycloud", boot_time=20)
        async with connect(fake, tmp_path) as cloud:
            server = await cloud.create_server("s", image=await an_image(cloud), flavor="m1.tiny")
            assert server.status == "BUILD"
            assert (await cloud.wait_for_server(server)).public_v4

    virtual(story)


@pytest.mark.parametrize("size", [2, 12])
async def test_listing_costs_the_same_requests_however_many_servers(size: int, tmp_path: Path) -> None:
    fake = FakeCloud(boot_time=0, quotas={"instances": 100, "cores": 1000, "ram": 10**6})
    async with connect(fake, tmp_path) as cloud:
        image = await an_image(cloud)
        for _ in range(size):
            await cloud.create_server("s", image=image, flavor="m1.tiny", auto_ip=False, wait=False)
        costs = []
        for bare, detailed in ((True, False), (False, False), (False, True)):
            fake.clear()
            assert len(await cloud.list_servers(bare=bare, detailed=detailed)) == size
            costs.append(len(fake.requests))
        assert costs[0] == 1
        assert costs[1] <= 4
        assert costs[2] <= 5


async def test_bare_default_and_detailed_are_one_server_with_more_or_less(tmp_path: Path) -> None:
    fake = FakeCloud.like("my-citycloud", boot_time=0.01)
    async with connect(fake, tmp_path) as cloud:
        made = await cloud.create_server("s", image=await an_image(cloud), flavor="m1.tiny", wait=True)
        bare = await cloud.get_server("s", bare=True)
        plain = await cloud.get_server("s")
        detailed = await cloud.get_server("s", detailed=True)
        assert bare and plain and detailed
        assert bare.public_v4 == ""
        assert plain.public_v4 == detailed.public_v4 == made.public_v4
        assert detailed.image and plain.image
        assert plain.image.name is None
        assert detailed.image.name == "Ubuntu 16.04 Xenial Xerus"
        assert detailed.security_groups[0].id


async def test_a_server_that_ends_in_error_says_why_and_is_removed(tmp_path: Path) -> None:
    fake = FakeCloud(boot_time=0.01)
    async with connect(fake, tmp_path) as cloud:
        image = await an_image(cloud)
        fake.cloud().region("RegionOne").nova.fail_boots(message="No valid host was found.")
        with pytest.raises(ResourceFailed, match="No valid host was found") as failed:
            await cloud.create_server("s", image=image, flavor="m1.tiny", wait=True)
    assert str(failed.value).startswith("fake RegionOne: server")
    assert not fake.cloud().region("RegionOne").nova.servers


async def test_without_a_way_to_a_public_address_the_error_says_why_and_nothing_stays(tmp_path: Path) -> None:
    fake = FakeCloud(boot_time=0.01)
    async with connect(fake, tmp_path, floating_ip_source="None") as cloud:
        image = await an_image(cloud)
        with pytest.raises(NoPublicAddress, match="floating IPs are switched off"):
            await cloud.create_server("s", image=image, flavor="m1.tiny", wait=True)
    assert not fake.cloud().region("RegionOne").nova.servers


@pytest.mark.parametrize("given", [{"flavor": "no-such"}, {"image": "no-such"}, {"network": "no-such"}])
async def test_a_name_that_is_not_there_is_one_error_and_makes_nothing(given: dict[str, str], tmp_path: Path) -> None:
    fake = FakeCloud()
    async with connect(fake, tmp_path) as cloud:
        arguments: dict[str, Any] = {"image": await an_image(cloud), "flavor": "m1.tiny", **given}
        with pytest.raises(aiocloud.InvalidRequest, match=f"no {next(iter(given))} 'no-such'"):
            await cloud.create_server("s", **arguments)
    assert not fake.cloud().region("RegionOne").nova.servers


async def test_quota_exceeded_is_told_in_novas_words(tmp_path: Path) -> None:
    fake = FakeCloud(quotas={"instances": 0})
    async with connect(fake, tmp_path) as cloud:
        with pytest.raises(aiocloud.Forbidden, match="[Qq]uota"):
            await cloud.create_server("s", image=await an_image(cloud), flavor="m1.tiny")


@pytest.mark.parametrize("fault", [{"reset": "after"}, {"status": 502}, {"reset": "before"}])
async def test_a_create_that_ends_ambiguously_makes_exactly_one_server(fault: dict[str, Any], tmp_path: Path) -> None:
    fake = FakeCloud(boot_time=0.01)
    async with connect(fake, tmp_path) as cloud:
        image = await an_image(cloud)
        fake.fault(Fault(service="compute", method="POST", path="*/servers", **fault))
        server = await cloud.create_server("s", image=image, flavor="m1.tiny", auto_ip=False)
        assert list(fake.cloud().region("RegionOne").nova.servers) == [server.id]


async def test_cancelling_a_create_leaves_nothing(tmp_path: Path) -> None:
    fake = FakeCloud(boot_time=60)
    async with connect(fake, tmp_path) as cloud:
        image = await an_image(cloud)
        with anyio.move_on_after(0.2):
            await cloud.create_server("s", image=image, flavor="m1.tiny", wait=True)
    assert not fake.cloud().region("RegionOne").nova.servers


async def test_cancelling_while_the_answer_to_the_post_never_comes_leaves_nothing(tmp_path: Path) -> None:
    fake = FakeCloud(boot_time=0)
    path = tmp_path / "clouds.yaml"
    async with fake.serve():
        path.write_text(fake.clouds_yaml())
        async with aiocloud.connect(config_files=[path], secure_files=[]) as cloud:
            image = await an_image(cloud)
            fake.fault(Fault(service="compute", method="POST", path="*/servers", timeout="after"))
            with anyio.move_on_after(1) as scope:
                await cloud.create_server("s", image=image, flavor="m1.tiny", auto_ip=False)
            assert scope.cancelled_caught
    assert not fake.cloud().region("RegionOne").nova.servers


@pytest.mark.parametrize("slow", [3.0, 30.0])
def test_cancelling_a_create_that_nova_is_slow_to_take_leaves_nothing_unsaid(
    slow: float, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> int:
        fake = FakeCloud(boot_time=0)
        async with connect(fake, tmp_path) as cloud:
            image = await an_image(cloud)
            fake.fault(Fault(service="compute", method="POST", path="*/servers", delay=slow))
            with anyio.move_on_after(1):
                await cloud.create_server("s", image=image, flavor="m1.tiny", auto_ip=False)
        return len(fake.cloud().region("RegionOne").nova.servers)

    assert virtual(story) == 0
    assert ("may still appear, marked aiocloud:op=" in caplog.text) is (slow > 10)


@pytest.mark.parametrize("arrives", [True, False])
def test_a_floating_ip_that_neutron_is_slow_to_make_for_a_server_that_fails_goes_or_is_named(
    arrives: bool, tmp_path: Path
) -> None:
    async def story() -> tuple[ResourceFailed, int]:
        fake = FakeCloud(boot_time=5)
        fake.cloud().region("RegionOne").nova.fail_boots()

        class Slow(httpx.AsyncBaseTransport):
            async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
                slow = request.method == "POST" and request.url.path.endswith("/floatingips")
                answer = await fake.transport.handle_async_request(request) if arrives or not slow else None
                if slow:
                    await anyio.sleep(30)
                return answer or await fake.transport.handle_async_request(request)

        async with connect(fake, tmp_path, transport=Slow()) as cloud:
            with pytest.raises(ResourceFailed) as failed:
                await cloud.create_server("s", image=await an_image(cloud), flavor="m1.tiny", wait=True)
            return failed.value, len(await cloud.list_floating_ips())

    failed, there = virtual(story)
    assert there == 0
    assert [each.kind for each in failed.leftovers] == ([] if arrives else ["floating IP"])


async def test_many_waiters_share_one_poll(tmp_path: Path) -> None:
    fake = FakeCloud(boot_time=0.6, quotas={"instances": 100, "cores": 1000, "ram": 10**6, "floatingip": 100})
    async with connect(fake, tmp_path) as cloud:
        image = await an_image(cloud)
        servers = [await cloud.create_server(f"s{n}", image=image, flavor="m1.tiny") for n in range(20)]
        fake.clear()
        async with anyio.create_task_group() as tasks:
            for server in servers:
                tasks.start_soon(cloud.wait_for_server, server, False)
        looks = fake.count(service="compute", method="GET", path="*/servers/*")
    assert looks < 2 * len(servers)


async def test_two_servers_of_one_name_are_ambiguous(tmp_path: Path) -> None:
    fake = FakeCloud()
    async with connect(fake, tmp_path) as cloud:
        image = await an_image(cloud)
        made = [await cloud.create_server("twin", image=image, flavor="m1.tiny", auto_ip=False) for _ in range(2)]
        with pytest.raises(aiocloud.Ambiguous, match=made[0].id):
            await cloud.get_server("twin")
        with pytest.raises(aiocloud.Ambiguous, match=r"RegionOne: 2 servers are called 'twin'"):
            await cloud.compute.servers.find("twin")
        assert len(await cloud.search_servers("tw*")) == 2
        assert await cloud.get_server({"id": made[1].id}, bare=True) is not None


async def test_a_snapshot_of_a_server_is_an_image_that_can_be_booted(tmp_path: Path) -> None:
    fake = FakeCloud(boot_time=0.01)
    async with connect(fake, tmp_path) as cloud:
        server = await cloud.create_server("s", image=await an_image(cloud), flavor="m1.tiny", wait=True, auto_ip=False)
        image = await cloud.create_image_snapshot("before", server, wait=True, team="ops")
        assert (image.name, image.status) == ("before", "active")
        assert image["team"] == "ops"


async def test_user_data_is_text_bytes_or_an_open_file_for_every_cloud(tmp_path: Path) -> None:
    fakes, config, script = FakeCloud.talk(boot_time=0.01), tmp_path / "clouds.yaml", tmp_path / "script"
    config.write_text(fakes.clouds_yaml())
    script.write_text("#!/bin/sh\necho grün\n")
    encoded = base64.b64encode(script.read_bytes()).decode()
    async with aiocloud.connect_all(config_files=[config], transport=fakes.transport) as fleet:
        with script.open() as text, script.open("rb") as data:
            for nth, given in enumerate(
                (script.read_text(), bytearray(script.read_bytes()), text, data, io.StringIO(script.read_text()))
            ):
                kept = await fleet.map(make, fakes, f"s{nth}", given)
                assert kept.values == [encoded] * 3, given
            for odd, why in (
                (5, "userdata is text, bytes or an open file, not int"),
                ({"a": 1}, "not dict"),
                (io.StringIO(), r"stands at its end: rewind it first, with seek\(0\)"),
            ):
                before = fakes.count(service="compute", method="POST")
                with pytest.raises(InvalidRequest, match=why):
                    await make(next(iter(fleet)), fakes, "odd", odd)
                assert fakes.count(service="compute", method="POST") == before


async def make(cloud: Cloud, fakes: FakeCloud, name: str, userdata: Any) -> str | None:
    """Make a server, and give the user data that Nova has."""
    image = (await cloud.list_images())[0]
    flavor = (await cloud.list_flavors())[0]
    server = await cloud.create_server(name, image=image, flavor=flavor, auto_ip=False, userdata=userdata, wait=True)
    return fakes.cloud(cloud.name).region(cloud.region_name).nova.servers[server.id].user_data


async def test_an_address_that_leads_nowhere_is_refused_in_neutrons_words(tmp_path: Path) -> None:
    """Not taken by somebody else: no router joins the server's network to that of the floating IP."""
    fake, config = FakeCloud.talk(), tmp_path / "clouds.yaml"
    config.write_text(fake.clouds_yaml())
    async with aiocloud.connect("my-vexxhost", config_files=[config], transport=fake.transport) as cloud:
        network = await cloud.create_network("alone")
        await cloud.create_subnet(network.id, cidr="192.168.80.0/24")
        image, flavor = (await cloud.list_images())[0], (await cloud.list_flavors())[0]
        made = await cloud.create_server("alone", image, flavor, network=network, auto_ip=False, wait=True)
        free = await cloud.create_floating_ip()
        with pytest.raises(aiocloud.NotFound, match="not reachable from subnet"):
            await cloud.add_ip_list(made, [free.floating_ip_address], nat_destination="alone")
        held = await cloud.get_floating_ip(free.id)
        assert held is not None
        assert held.port_id is None


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"ip_pool": "no-such"}, "there is no network 'no-such'"),
        ({"ip_pool": "private"}, "floating IPs can't come from network private: it is not external"),
        ({"ips": ["192.0.2.77"]}, "this project has no floating IP 192.0.2.77"),
        ({"ips": "192.0.2.77"}, "this project has no floating IP 192.0.2.77"),
    ],
)
async def test_an_address_that_cannot_be_had_is_told_before_anything_is_made(
    given: dict[str, Any], told: str, tmp_path: Path
) -> None:
    fake = FakeCloud(boot_time=0.01)
    async with connect(fake, tmp_path) as cloud:
        with pytest.raises(InvalidRequest) as refused:
            await cloud.create_server("s", image=await an_image(cloud), flavor="m1.tiny", wait=True, **given)
    assert str(refused.value) == f"fake RegionOne: {told}"
    assert not fake.count(method="POST", path="*/servers")


async def test_addresses_that_are_asked_for_are_given(tmp_path: Path) -> None:
    fake = FakeCloud(boot_time=0.01)
    async with connect(fake, tmp_path) as cloud:
        image, free = await an_image(cloud), await cloud.create_floating_ip()
        address = free.floating_ip_address
        taking: dict[str, Any] = {"image": image, "flavor": "m1.tiny", "wait": True}
        assert (await cloud.create_server("a", ips=[str(address)], **taking)).public_v4 == address
        with pytest.raises(InvalidRequest, match=f"floating IP {address} is in use"):
            await cloud.create_server("b", ips=[str(address)], **taking)
        assert (
            await cloud.create_server("c", ip_pool=(await cloud.list_floating_ip_pools())[0].name, **taking)
        ).public_v4
        assert [server.name for server in await cloud.list_servers()] == ["c", "a"]


@pytest.mark.parametrize("wrong", [{"ips": ["198.18.255.9"]}, {"ip_pool": "nope"}, {"ip_pool": "private"}])
def test_a_wait_for_addresses_that_can_not_be_had_ends_before_it_begins(wrong: dict[str, Any], tmp_path: Path) -> None:
    async def story() -> None:
        fake = FakeCloud(boot_time=1000)
        async with connect(fake, tmp_path) as cloud:
            made = await cloud.create_server("s", image=await an_image(cloud), flavor="m1.tiny")
            began = anyio.current_time()
            with pytest.raises((InvalidRequest, aiocloud.NotFound)):
                await cloud.wait_for_server(made, **wrong)
            assert anyio.current_time() - began < 5
            assert [server.id for server in await cloud.list_servers()] == [made.id]

    virtual(story)


async def test_a_free_address_of_the_pool_is_reused_where_that_is_asked_for(tmp_path: Path) -> None:
    fake = FakeCloud(boot_time=0.01)
    async with connect(fake, tmp_path) as cloud:
        image, free = await an_image(cloud), await cloud.create_floating_ip()
        pool = (await cloud.list_floating_ip_pools())[0].name
        taking: dict[str, Any] = {"image": image, "flavor": "m1.tiny", "wait": True, "ip_pool": pool}
        assert (await cloud.create_server("a", **taking)).public_v4 != free.floating_ip_address
        assert (await cloud.create_server("b", **taking, reuse_ips=True)).public_v4 == free.floating_ip_address
        # None is free any more.
        assert (await cloud.create_server("c", **taking, reuse_ips=True)).public_v4
        assert len(await cloud.list_floating_ips()) == 3


class FirstArrivesLast(httpx.AsyncBaseTransport):
    """The first POST of servers is not heard of, and arrives right after the second."""

    def __init__(self, fake: FakeCloud) -> None:
        self._inner = fake.transport
        self._lost: httpx.Request | None = None
        self.posts = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method != "POST" or not request.url.path.endswith("/servers"):
            return await self._inner.handle_async_request(request)
        self.posts += 1
        if self.posts == 1:
            self._lost = httpx.Request("POST", request.url, headers=request.headers, content=await request.aread())
            raise httpx.ReadTimeout("no answer", request=request)
        answer = await self._inner.handle_async_request(request)
        if self._lost is not None:
            await (await self._inner.handle_async_request(self._lost)).aread()
            self._lost = None
        return answer


@pytest.mark.parametrize("how_many", [{}, {"min_count": 3}, {"min_count": 2, "max_count": 3}])
def test_what_was_asked_for_twice_by_a_late_request_is_there_once(how_many: dict[str, Any], tmp_path: Path) -> None:
    async def story() -> None:
        fake = FakeCloud(boot_time=1)
        late = FirstArrivesLast(fake)
        async with connect(fake, tmp_path, transport=late) as cloud:
            image = await an_image(cloud)
            made = await cloud.create_server("s", image=image, flavor="m1.tiny", auto_ip=False, wait=True, **how_many)
            there = await cloud.compute.servers.list()
        assert late.posts == 2
        wanted = max(how_many.values(), default=1)
        assert sorted(server.name for server in there) == ([f"s-{n + 1}" for n in range(wanted)] if how_many else ["s"])
        assert made.id in {server.id for server in there}
        assert len({server.metadata.get("aiocloud:try") for server in there}) == 1

    virtual(story)


def test_several_that_fail_are_all_taken_back(tmp_path: Path) -> None:
    async def story() -> None:
        fake = FakeCloud(boot_time=1000)
        async with connect(fake, tmp_path) as cloud:
            image = await an_image(cloud)
            with pytest.raises(aiocloud.Timeout):
                await cloud.create_server("s", image=image, flavor="m1.tiny", min_count=3, wait=True, timeout=5)
            assert await cloud.compute.servers.list() == []

    virtual(story)


def test_a_wait_that_takes_too_long_names_its_cloud_once(tmp_path: Path) -> None:
    async def story() -> None:
        fake = FakeCloud(boot_time=1000)
        async with connect(fake, tmp_path) as cloud:
            image = await an_image(cloud)
            with pytest.raises(aiocloud.Timeout) as late:
                await cloud.create_server("s", image=image, flavor="m1.tiny", wait=True, timeout=5)
            assert re.fullmatch(
                r"fake RegionOne: server \S+ becoming ACTIVE did not happen within 5 seconds", str(late.value)
            )
            made = await cloud.create_server("t", image=image, flavor="m1.tiny")
            for wait in (
                cloud.compute.servers.wait(made, until="ACTIVE", timeout=5),
                cloud.compute.servers.wait_until_gone(made, timeout=5),
            ):
                with pytest.raises(aiocloud.Timeout) as late:
                    await wait
                assert str(late.value).startswith(f"fake RegionOne: server {made.id} be")

    virtual(story)


@pytest.mark.parametrize(("method", "path"), [("GET", "*/ports"), ("POST", "*/floatingips")])
def test_a_neutron_that_stalls_costs_no_more_than_the_timeout_and_half_a_minute(
    method: str, path: str, tmp_path: Path
) -> None:
    async def story() -> None:
        fake = FakeCloud.like("my-citycloud", boot_time=50)
        async with connect(fake, tmp_path) as cloud:
            image = await an_image(cloud)
            fake.fault(Fault(service="network", method=method, path=path, times=None, delay=10_000))
            began = anyio.current_time()
            with pytest.raises(aiocloud.Timeout, match="is ACTIVE, but its addresses were not seen to") as late:
                await cloud.create_server("s", image=image, flavor="m1.tiny", wait=True, timeout=60)
            took = anyio.current_time() - began
            assert 60 < took < 60 + 30 + 10
            assert (late.value.cloud, late.value.region) == ("my-citycloud", "Buf1")
            assert not await cloud.compute.servers.list()
            # What was on its way when time was up is named.
            assert [left.kind for left in late.value.leftovers] == (["floating IP"] if method == "POST" else [])

    virtual(story)


def test_a_server_that_is_active_just_in_time_gets_its_address_all_the_same(tmp_path: Path) -> None:
    async def story() -> None:
        fake = FakeCloud.like("my-citycloud", boot_time=58)
        async with connect(fake, tmp_path) as cloud:
            image = await an_image(cloud)
            fake.fault(Fault(service="network", path="*/floatingips*", times=None, delay=8))
            made = await cloud.create_server("s", image=image, flavor="m1.tiny", wait=True, auto_ip=False)
            assert (await cloud.wait_for_server(made, timeout=5)).public_v4

    virtual(story)


async def test_a_server_that_nova_is_too_busy_to_show_is_kept(
    fake: FakeCloud, clouds_yaml: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
        image = await an_image(cloud)
        fake.fault(Fault(service="compute", method="GET", path="*/servers/*", times=None, status=503))
        server = await cloud.with_options(retries=0).create_server("s", image=image, flavor="m1.tiny")
        assert server.name == "s"
        assert "is made, but can't be looked at" in caplog.text
        fake.clear()
        assert [each.id for each in await cloud.list_servers()] == [server.id]
