"""Programs that measure: each request of a story is told once, under few names, and Prometheus counts it."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

import aiocloud
from aiocloud.errors import ConfigError
from aiocloud.metrics import Exchange, Prometheus
from aiocloud.testing import FakeCloud

pytestmark = pytest.mark.anyio


def clouds_of(fake: FakeCloud, tmp_path: Path) -> dict[str, Any]:
    path = tmp_path / "clouds.yaml"
    path.write_text(fake.clouds_yaml())
    return {"config_files": [path], "secure_files": [], "transport": fake.transport}


async def the_life_of_a_server(cloud: aiocloud.Cloud) -> None:
    image = (await cloud.image.images.list())[0]
    flavor = await cloud.get_flavor_by_ram(512)
    await cloud.create_server("my-server", image=image, flavor=flavor, wait=True)
    await cloud.create_object("my-box", "a/b c.txt", data=b"hello")
    await cloud.delete_server("my-server", wait=True, delete_ips=True)


async def test_each_request_is_told_once_and_names_nothing_of_the_users(tmp_path: Path) -> None:
    fake = FakeCloud.like("my-citycloud", boot_time=0.02)
    seen: list[Exchange] = []
    async with aiocloud.connect(observe=seen.append, **clouds_of(fake, tmp_path)) as cloud:
        await the_life_of_a_server(cloud)
    assert len(seen) == len(fake.requests)
    ids = re.compile(r"[0-9a-f]{8}|my-|hello|/\d")
    assert not [one.route for one in seen if ids.search(one.route)]
    told = {(one.service, one.method, one.route) for one in seen}
    assert {
        ("identity", "POST", "/auth/tokens"),
        ("compute", "POST", "/servers"),
        ("compute", "DELETE", "/servers/{id}"),
        ("network", "DELETE", "/floatingips/{id}"),
        ("object-store", "PUT", "/{container}/{object}"),
    } <= told
    assert {one.cloud for one in seen} == {"my-citycloud"}
    assert {one.region for one in seen if one.service != "identity"} == {"Buf1"}
    assert all(one.request_id for one in seen if one.service == "compute" and one.route != "/")


async def test_another_login_and_every_cloud_of_a_fleet_are_told_too(tmp_path: Path) -> None:
    fake = FakeCloud.like("my-citycloud", "my-vexxhost")
    seen: list[Exchange] = []
    async with aiocloud.connect_all(observe=seen.append, **clouds_of(fake, tmp_path)) as fleet:
        await fleet.map(aiocloud.Cloud.list_servers, bare=True)
        assert {one.cloud for one in seen if one.route == "/servers/detail"} == {"my-citycloud", "my-vexxhost"}
        seen.clear()
        other = fleet.clouds[0].connect_as_project(fleet.clouds[0].config.auth["project_name"])
        async with other:
            await other.list_flavors()
        assert "/auth/tokens" in {one.route for one in seen}


async def test_prometheus_counts_by_cloud_service_and_route(tmp_path: Path) -> None:
    fake, registry = FakeCloud.like("my-citycloud"), CollectorRegistry()
    observe = Prometheus(registry)
    async with aiocloud.connect(observe=observe, **clouds_of(fake, tmp_path)) as cloud:
        await cloud.compute.servers.list()
        with pytest.raises(aiocloud.NotFound):
            await cloud.compute.servers.get("8b1f3a40-55cd-4b4e-a3a5-0d54a1b9c7aa")
    labels = {"cloud": "my-citycloud", "region": "Buf1", "service_type": "compute", "method": "GET"}
    listed = {**labels, "endpoint": "/servers/detail", "status_code": "200"}
    assert registry.get_sample_value("openstack_http_requests_total", listed) == 1
    assert registry.get_sample_value("openstack_http_response_time_count", listed) == 1
    missing = {**labels, "endpoint": "/servers/{id}", "status_code": "404"}
    assert registry.get_sample_value("openstack_http_requests_total", missing) == 1
    observe(exchange(status=None, error="ReadTimeout"))
    observe(exchange(status=None, error="Cancelled"))
    text = generate_latest(registry).decode()
    assert len(re.findall(r'requests_total{.*status_code="(?:failed|cancelled)"} 1', text)) == 2
    assert 'response_time_count{cloud="c"' not in text


def exchange(**more: Any) -> Exchange:
    told = {"cloud": "c", "region": None, "service": "compute", "method": "GET", "route": "/", "status": 200}
    return Exchange(**{**told, "error": None, "seconds": 0.1, "attempt": 1, "request_id": None, **more})


async def test_a_registry_takes_one() -> None:
    registry = CollectorRegistry()
    Prometheus(registry)
    with pytest.raises(ConfigError, match="one Prometheus for all clouds"):
        Prometheus(registry)


async def test_without_its_library_prometheus_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(ConfigError, match=r"pip install 'aiocloud\[prometheus\]'"):
        Prometheus()
