"""Profiles that a cloud publishes itself: fetched at first use, with what we know offline to fall back on."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
import yaml

import aiocloud
from aiocloud._http import httpx
from aiocloud.config.relogin import as_somebody_else
from aiocloud.config.remote import resolve_remote_profile
from aiocloud.errors import ConfigError, TransportError
from aiocloud.testing import FakeCloud
from tests.config.helper import Files

pytestmark = pytest.mark.anyio

ADDRESS = "https://cloud.example.com/.well-known/openstack/api"
FACTS: dict[str, Any] = {
    "auth": {"auth_url": "https://id.cloud.example.com/v3"},
    "regions": ["r1", "r2"],
    "image_format": "raw",
}
MINE = "clouds: {mine: {profile: 'https://cloud.example.com', auth: {username: me, password: pw}, interface: internal}}"


class Host:
    """A host that publishes a profile, or does not answer."""

    def __init__(self, facts: dict[str, Any] | None = None, name: str = "example", body: bytes | None = None) -> None:
        self.body = (
            body if body is not None else json.dumps({"name": name, "profile": facts or FACTS}, indent="\t").encode()
        )
        self.asked: list[str] = []

    async def fetch(self, address: str) -> bytes:
        self.asked.append(address)
        return self.body


async def dead(address: str) -> bytes:
    raise TransportError(f"no answer from {address}")


async def test_a_profile_by_address_is_fetched_once_for_all_regions(files: Files) -> None:
    host = Host()
    read = files.load(MINE)
    one = await resolve_remote_profile(read.cloud("mine", "r1"), host.fetch)
    assert one.auth["auth_url"] == "https://id.cloud.example.com/v3"
    assert (one.image_format, one.interface, one.regions) == ("raw", ("internal",), ("r1", "r2"))
    assert (one.profile, one.remote_profile) == ("example", None)
    assert one.origins["image_format"].kind == "remote profile"
    assert read.regions("mine") == ("r1", "r2")
    assert read.cloud("mine", "r2").remote_profile is None
    assert host.asked == [ADDRESS]


async def test_a_region_that_it_does_not_have_is_an_error(files: Files) -> None:
    with pytest.raises(ConfigError, match="no region 'r3'"):
        await resolve_remote_profile(files.load(MINE).cloud("mine", "r3"), Host().fetch)


async def test_nothing_is_fetched_for_an_ordinary_cloud(files: Files) -> None:
    config = files.cloud()
    assert await resolve_remote_profile(config, dead) is config


async def test_an_address_of_ones_own_makes_fetching_needless(files: Files) -> None:
    assert files.cloud("profile: vexxhost\nregion_name: ca-ymq-1").remote_profile is None


async def test_without_an_answer_the_profile_is_what_is_known_offline(
    files: Files, caplog: pytest.LogCaptureFixture
) -> None:
    config = files.load("clouds: {mine: {profile: vexxhost, auth: {username: me}}}").cloud("mine", "ca-ymq-1")
    assert config.remote_profile == "https://vexxhost.com/.well-known/openstack/api"
    with caplog.at_level(logging.WARNING, "aiocloud.config"):
        known = await resolve_remote_profile(config, dead)
    assert known.auth["auth_url"] == "https://auth.vexxhost.net/v3"
    assert known.remote_profile is None
    assert "offline" in caplog.text


async def test_without_an_answer_and_without_anything_known_its_error_is_raised(files: Files) -> None:
    with pytest.raises(TransportError, match=r"mine r1: no answer"):
        await resolve_remote_profile(files.load(MINE).cloud("mine", "r1"), dead)


async def test_the_published_profile_beats_what_is_known_offline(files: Files) -> None:
    config = files.load("clouds: {mine: {profile: vexxhost, auth: {username: me}}}").cloud("mine", "new-region")
    facts = {**FACTS, "regions": ["new-region"]}
    fresh = await resolve_remote_profile(config, Host(facts, "vexxhost").fetch)
    assert fresh.auth["auth_url"] == "https://id.cloud.example.com/v3"
    assert fresh.region_name == "new-region"


async def test_a_local_profile_of_that_name_lies_over_the_published_one(files: Files) -> None:
    fresh = await resolve_remote_profile(files.load(MINE).cloud("mine", "se-sto"), Host(name="elastx").fetch)
    assert fresh.auth["auth_url"] == "https://ops.elastx.cloud:5000/v3"
    assert fresh.image_format == "raw"


async def test_a_stranger_has_no_say_in_our_safety(files: Files) -> None:
    facts = {**FACTS, "verify": False, "insecure": True, "cacert": "/tmp/x", "vendor_hook": "os:system"}
    fresh = await resolve_remote_profile(files.load(MINE).cloud("mine", "r1"), Host(facts).fetch)
    assert (fresh.verify, fresh.cacert, fresh.vendor_hook) == (True, None, None)


async def test_a_stranger_has_no_say_in_our_safety_for_a_region_either(files: Files) -> None:
    unsafe = {"verify": False, "insecure": True, "cacert": "/tmp/x", "vendor_hook": "os:system"}
    facts = {**FACTS, "regions": [{"name": "r1", "values": {**unsafe, "image_format": "vhd"}}]}
    fresh = await resolve_remote_profile(files.load(MINE).cloud("mine", "r1"), Host(facts).fetch)
    assert (fresh.verify, fresh.cacert, fresh.vendor_hook) == (True, None, None)
    assert fresh.image_format == "vhd"


@pytest.mark.parametrize(
    "body",
    [
        b"<html>hello</html>",
        b"",
        b"[]",
        b"{}",
        b'{"name": "x", "profile": []}',
        b'{"name": "x", "profile": {"verfiy": 1}}',
        b'{"name": "x", "profile": {"auth": {"auth_url": "http://id.example.com"}}}',
        b'{"name": "x", "profile": {"auth": {"auth-url": "http://id.example.com"}}}',
        b'{"name": "x", "profile": {"auth_url": "http://id.example.com"}}',
        b'{"name": "x", "profile": {"auth": {"discovery_endpoint": "http://id.example.com"}}}',
        b'{"name": "x", "profile": {"regions": [{"name": "r1", "values": {"auth": {"auth_url": "http://a.b"}}}]}}',
        b"\xff\xfe",
        b"[" * 5000,
    ],
)
@pytest.mark.usefixtures("anyio_backend")
async def test_an_answer_that_is_no_profile_is_one_error(files: Files, body: bytes) -> None:
    with pytest.raises(ConfigError) as caught:
        await resolve_remote_profile(files.load(MINE).cloud("mine", "r1"), Host(body=body).fetch)
    assert caught.value.file == ADDRESS


async def test_profiles_are_fetched_over_https_only(files: Files) -> None:
    with pytest.raises(ConfigError, match=r"clouds.yaml:1:\d+ clouds.mine.profile: .*https"):
        files.load(MINE.replace("https", "http")).cloud("mine", "r1")
    local = files.load(MINE.replace("https://cloud.example.com", "http://127.0.0.1:8080/"))
    assert local.cloud("mine", "r1").remote_profile == "http://127.0.0.1:8080/.well-known/openstack/api"


async def test_another_login_survives_the_fetch(files: Files) -> None:
    other = as_somebody_else(files.load(MINE).cloud("mine", "r1"), {"username": "you"})
    assert (await resolve_remote_profile(other, Host().fetch)).auth["username"] == "you"


class Published(httpx.AsyncBaseTransport):
    """A fake cloud whose host publishes a profile, too."""

    def __init__(self, inner: httpx.AsyncBaseTransport, facts: dict[str, Any]) -> None:
        self._inner = inner
        self._body = json.dumps({"name": "example", "profile": facts}).encode()
        self.asked = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.startswith("/.well-known/"):
            self.asked += 1
            return httpx.Response(200, content=self._body)
        request.url = request.url.copy_with(scheme="http")
        return await self._inner.handle_async_request(request)


async def test_everybody_sees_what_a_fetched_profile_says(fake: FakeCloud, tmp_path: Path) -> None:
    written = yaml.safe_load(fake.clouds_yaml())["clouds"]["fake"]
    url = written["auth"].pop("auth_url").replace("http:", "https:")
    facts = {
        "auth": {"auth_url": url},
        "image_format": "vhd",
        "has_volume": False,
        "compute_default_microversion": "2.60",
    }
    host = Published(fake.transport, facts)
    path = tmp_path / "clouds.yaml"
    path.write_text(yaml.safe_dump({"clouds": {"fake": {**written, "profile": "https://fake.test"}}}))
    async with aiocloud.connect("fake", config_files=[path], secure_files=[], transport=host) as cloud:
        before = cloud.config
        await cloud.list_flavors()
        assert (before.image_format, cloud.config.image_format) == ("qcow2", "vhd")
        assert not await cloud.has_service("volume")
        assert cloud.image.endpoint.config.image_format == "vhd"
        sent = [seen for seen in fake.requests if seen.service == "compute" and seen.path.endswith("/flavors/detail")]
        assert [seen.headers["openstack-api-version"] for seen in sent] == ["compute 2.60"]
    assert host.asked == 1
