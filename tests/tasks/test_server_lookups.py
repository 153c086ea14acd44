"""Finding servers: other projects', and by filters under our names and Nova's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from aiocloud import Ambiguous, InvalidRequest
from aiocloud.testing import FakeCloud
from tests.services.helper import connect

pytestmark = pytest.mark.anyio


async def test_an_administrator_finds_another_projects_server_by_its_name(tmp_path: Path) -> None:
    fake = FakeCloud(boot_time=0.01)
    async with connect(fake, tmp_path) as user, connect(fake, tmp_path, admin=True) as admin:
        image = (await user.list_images())[0]
        made = await user.create_server("web.1", image=image, flavor="m1.tiny", wait=True)
        await user.create_server("web21", image=image, flavor="m1.tiny", auto_ip=False)
        assert await admin.get_server("web.1") is None
        found = await admin.get_server("web.1", all_projects=True)
        assert found is not None
        assert found.id == made.id
        by_id = await admin.get_server(made.id, all_projects=True)
        assert by_id is not None
        assert await admin.get_server("web.1", {"status": "SHUTOFF"}, all_projects=True) is None
        assert await admin.get_server("web.*", all_projects=True) is None
        await user.create_server("web.1", image=image, flavor="m1.tiny", auto_ip=False)
        with pytest.raises(Ambiguous, match=r"2 servers are called 'web\.1'"):
            await admin.get_server("web.1", all_projects=True)


@pytest.mark.parametrize(
    ("filters", "sent"),
    [
        ({"availability_zone": "nova"}, {"availability_zone": "nova"}),
        ({"vm_state": "active"}, {"vm_state": "active"}),
        ({"host": "c1", "hypervisor_hostname": "h1"}, {"host": "c1", "node": "h1"}),
        ({"created_at": "2026-01-01T00:00:00Z"}, {"created_at": "2026-01-01T00:00:00Z"}),
        ({"access_ipv4": "192.0.2.1", "project_id": "p"}, {"access_ip_v4": "192.0.2.1", "project_id": "p"}),
        (
            {"tags_any": "a,b", "changes_since": "2026-01-01T00:00:00Z"},
            {"tags-any": "a,b", "changes-since": "2026-01-01T00:00:00Z"},
        ),
        ({"all_projects": True, "id": "x"}, {"all_tenants": "true", "uuid": "x"}),
    ],
)
async def test_filters_reach_nova_under_the_names_that_it_lists_by(
    filters: dict[str, Any], sent: dict[str, str], tmp_path: Path
) -> None:
    fake = FakeCloud()
    async with connect(fake, tmp_path, admin=True) as cloud:
        await cloud.list_servers(filters=filters)
        await cloud.compute.servers.list(filters)
    asked = [dict(one.query) for one in fake.requests if one.path.endswith("/servers/detail")]
    assert asked == [sent, sent]


async def test_metadata_is_compared_here_because_nova_does_not(tmp_path: Path) -> None:
    fake = FakeCloud(boot_time=0)
    async with connect(fake, tmp_path) as cloud:
        image = (await cloud.list_images())[0]
        made = await cloud.create_server("a", image=image, flavor="m1.tiny", auto_ip=False, meta={"role": "web"})
        await cloud.create_server("b", image=image, flavor="m1.tiny", auto_ip=False, meta={"role": "db"})
        found = await cloud.list_servers(filters={"metadata": {"role": "web"}, "name": "."})
    assert [server.id for server in found] == [made.id]


async def test_an_expression_as_filters_is_refused_in_one_sentence(tmp_path: Path) -> None:
    fake = FakeCloud(boot_time=0)
    query: Any = "[?status=='ACTIVE']"
    async with connect(fake, tmp_path) as cloud:
        await cloud.create_server("a", image=(await cloud.list_images())[0], flavor="m1.tiny", auto_ip=False)
        for verb in (cloud.search_servers, cloud.list_servers, cloud.search_networks, cloud.list_networks):
            with pytest.raises(InvalidRequest, match="filters are a mapping"):
                await verb(filters=query)
