"""The token stays home."""

from __future__ import annotations

from pathlib import Path

import pytest

import aiocloud
from aiocloud import Cloud, CloudError, HTTPError
from aiocloud._http import httpx
from aiocloud.testing import FakeCloud, Fault
from aiocloud.transport import origin, redirect_target

HOME = {origin("https://cloud.test:8774/v2.1"), origin("https://cloud.test")}


def redirected(
    location: str | None, method: str = "GET", status: int = 302, url: str = "https://cloud.test/a/b"
) -> str | None:
    headers = {} if location is None else {"location": location}
    target = redirect_target(httpx.Response(status, headers=headers, request=httpx.Request(method, url)), HOME)
    return None if target is None else str(target)


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("https://cloud.test:8774/x", "https://cloud.test:8774/x"),
        ("/x?y=1", "https://cloud.test/x?y=1"),
        ("c", "https://cloud.test/a/c"),
        ("https://CLOUD.test:443/x", "https://cloud.test/x"),
        ("http://cloud.test/x", None),
        ("https://evil.test/x", None),
        ("//evil.test/x", None),
        ("https://cloud.test@evil.test/x", None),
        ("https://u:p@cloud.test/x", None),
        ("https://cloud.test:9999/x", None),
        ("https://cloud.test.evil.test/", None),
        ("javascript:alert(1)", None),
        ("https://[broken/", None),
        (None, None),
    ],
)
def test_a_redirect_is_taken_only_to_origins_that_are_known(location: str | None, expected: str | None) -> None:
    assert redirected(location) == expected


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_only_reading_is_redirected(method: str) -> None:
    assert redirected("/x", method) is None


@pytest.mark.parametrize("status", [200, 300, 304, 404])
def test_only_a_redirect_redirects(status: int) -> None:
    assert redirected("/x", status=status) is None


HERE = "http://fake.test/fake/RegionOne/compute"


def to(fake: FakeCloud, config: Path) -> Cloud:
    return aiocloud.connect("fake", config_files=[config], transport=fake.transport)


def moved(to: str, method: str = "GET", path: str = "*", times: int | None = 1) -> Fault:
    return Fault(service="compute", method=method, path=path, status=301, headers={"Location": to}, times=times)


@pytest.mark.anyio
@pytest.mark.parametrize("where", ["/fake/RegionOne/compute/v2.1/flavors/detail", f"{HERE}/v2.1/flavors/detail"])
async def test_reading_goes_where_the_cloud_says(fake: FakeCloud, clouds_yaml: Path, where: str) -> None:
    async with to(fake, clouds_yaml) as cloud:
        expected = await cloud.list_flavors()
        assert expected
        fake.fault(moved(where, path="*/flavors/detail*"))
        assert await cloud.list_flavors() == expected


@pytest.mark.anyio
async def test_a_version_document_may_have_moved(fake: FakeCloud, clouds_yaml: Path) -> None:
    async with to(fake, clouds_yaml) as cloud:
        fake.fault(moved(f"{HERE}/?moved=yes"))
        assert await cloud.compute.endpoint.supports("2.1")
        assert [each.path for each in fake.requests if each.service == "compute"] == ["/", "/"]


@pytest.mark.anyio
async def test_a_deletion_that_is_redirected_deleted_nothing(fake: FakeCloud, clouds_yaml: Path) -> None:
    async with to(fake, clouds_yaml) as cloud:
        server = await cloud.create_server("s", image="cirros", flavor="m1.tiny", auto_ip=False, wait=True)
        fake.fault(moved("https://fake.test/secure", "DELETE", times=None))
        with pytest.raises(
            HTTPError, match="301 to DELETE .*redirects to https://fake.test/secure; .*compute_endpoint_override"
        ):
            await cloud.delete_server(server)
        fake.clear()
        assert await cloud.get_server(server.id)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "where", ["https://evil.test/x?temp_url_sig=hidden", "/fake/RegionOne/compute/v2.1/flavors/detail"]
)
async def test_what_leads_to_strangers_or_round_in_circles_is_an_error(
    fake: FakeCloud, clouds_yaml: Path, where: str
) -> None:
    async with to(fake, clouds_yaml) as cloud:
        await cloud.list_flavors()
        fake.fault(moved(where, times=None))
        with pytest.raises(CloudError, match="fake RegionOne: compute answered 301 to GET .*redirects to") as raised:
            await cloud.list_flavors()
        assert "hidden" not in str(raised.value)
