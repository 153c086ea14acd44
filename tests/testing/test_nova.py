"""The faked nova: lists, creation, actions, what hangs on servers, at the microversion asked for."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from aiocloud.testing import FakeCloud
from tests.testing.client import Client, client_of, password_login

pytestmark = pytest.mark.anyio

LATEST = "2.100"


@pytest.fixture
async def client(fake: FakeCloud) -> AsyncIterator[Client]:
    fake.knobs.boot_time = 0
    async with client_of(fake) as client:
        yield client


def wish(fake: FakeCloud, name: str = "s", **more: Any) -> dict[str, Any]:
    region = fake.cloud().region()
    flavor = next(key for key, one in region.nova.flavors.items() if one["name"] == "m1.tiny")
    image = next(iter(region.glance.images))
    return {"server": {"name": name, "flavorRef": flavor, "imageRef": image, "networks": "auto", **more}}


async def make(client: Client, fake: FakeCloud, name: str = "s", version: str = LATEST, **more: Any) -> dict[str, Any]:
    made = await client("POST", "compute", "/servers", wish(fake, name, **more), version=version)
    assert made.status_code == 202, made.text
    return await show(client, made.json()["server"], version)


async def act(client: Client, server: dict[str, Any], action: Any, version: str = LATEST) -> int:
    body = action if isinstance(action, dict) else {action: None}
    return (await client("POST", "compute", f"/servers/{server['id']}/action", body, version=version)).status_code


async def show(client: Client, server: dict[str, Any], version: str = LATEST) -> dict[str, Any]:
    shown: dict[str, Any] = (await client("GET", "compute", f"/servers/{server['id']}", version=version)).json()
    return dict(shown["server"])


async def test_versions(client: Client) -> None:
    root = client.urls["compute"].removesuffix("/v2.1")
    for url in (root + "/", client.urls["compute"] + "/"):
        assert '"min_version": "2.1"' in (await client.http.get(url)).text
    answer = await client("GET", "compute", "/servers", version="2.26")
    assert answer.headers["openstack-api-version"] == "compute 2.26"
    assert (await client("GET", "compute", "/servers", version="latest")).headers["vary"]
    assert (await client("GET", "compute", "/servers")).headers["x-openstack-nova-api-version"] == "2.1"
    refused = await client("GET", "compute", "/servers", version="2.999")
    assert refused.status_code == 406
    assert "computeFault" in refused.json()
    assert (await client("GET", "compute", "/servers", version="two")).status_code == 400


async def test_urls_may_name_the_project(client: Client, fake: FakeCloud) -> None:
    server = await make(client, fake)
    for path in ("/servers", f"/servers/{server['id']}"):
        assert (await client("GET", "compute", f"/{client.project_id}{path}")).status_code == 200


async def test_what_a_server_shows_grows_with_the_microversion(client: Client, fake: FakeCloud) -> None:
    server = await make(client, fake, tags=["t"], description="d")
    since = {"locked": 9, "description": 19, "tags": 26, "server_groups": 71, "locked_reason": 73}
    for minor in (1, 9, 19, 26, 46, 47, 71, 73, 90, 100):
        shown = await show(client, server, f"2.{minor}")
        for name, first in since.items():
            assert (name in shown) == (minor >= first), (name, minor)
        assert ("id" in shown["flavor"]) == (minor < 47)
        assert ("original_name" in shown["flavor"]) == (minor >= 47)
        assert "OS-EXT-SRV-ATTR:host" not in shown
    async with client_of(fake, "admin", "admin") as admin:
        assert "OS-EXT-SRV-ATTR:host" in await show(admin, server)


async def test_creation_answers_and_boots(client: Client, fake: FakeCloud) -> None:
    fake.knobs.boot_time = 3600
    made = await client("POST", "compute", "/servers", wish(fake), version=LATEST)
    body = made.json()["server"]
    assert set(body) == {"id", "links", "OS-DCF:diskConfig", "security_groups", "adminPass"}
    assert made.headers["location"].endswith(body["id"])
    building = await show(client, body)
    assert (building["status"], building["addresses"], building["OS-EXT-STS:vm_state"]) == ("BUILD", {}, "building")
    region = fake.cloud().region()
    region.nova.create.booted(region.nova.server(body["id"]))
    active = await show(client, body)
    assert (active["status"], active["OS-EXT-STS:power_state"]) == ("ACTIVE", 1)
    (address,) = active["addresses"]["private"]
    assert address["OS-EXT-IPS:type"] == "fixed"
    assert address["OS-EXT-IPS-MAC:mac_addr"].startswith("fa:16:3e")


async def test_a_boot_can_fail(client: Client, fake: FakeCloud) -> None:
    fake.cloud().region().nova.fail_boots(1, "No valid host was found. ")
    server = await make(client, fake)
    assert server["status"] == "ERROR"
    assert server["fault"]["message"] == "No valid host was found. "
    assert (await make(client, fake))["status"] == "ACTIVE"


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"flavorRef": "none"}, 400),
        ({"imageRef": "11111111-1111-1111-1111-111111111111"}, 400),
        ({"imageRef": ""}, 400),
        ({"networks": [{"uuid": "11111111-1111-1111-1111-111111111111"}]}, 400),
        ({"networks": [{"port": "11111111-1111-1111-1111-111111111111"}]}, 400),
        ({"key_name": "none"}, 400),
        ({"security_groups": [{"name": "none"}]}, 400),
        ({"availability_zone": "mars"}, 400),
        ({"user_data": "not base64!"}, 400),
        ({"bogus": 1}, 400),
        ({"name": ""}, 400),
        ({"min_count": 11}, 403),
        ({"metadata": {str(i): "" for i in range(200)}}, 403),
        ({"block_device_mapping_v2": [{"source_type": "volume", "destination_type": "volume", "uuid": "none"}]}, 400),
    ],
)
async def test_what_creation_refuses(client: Client, fake: FakeCloud, more: dict[str, Any], status: int) -> None:
    answer = await client("POST", "compute", "/servers", wish(fake, **more), version=LATEST)
    assert answer.status_code == status, answer.text
    region = fake.cloud().region()
    assert not region.nova.servers
    assert not [port for port in region.neutron.ports.values() if port["device_owner"].startswith("compute")]


async def test_networks_are_required_since_2_37(client: Client, fake: FakeCloud) -> None:
    body = wish(fake)
    del body["server"]["networks"]
    assert (await client("POST", "compute", "/servers", body, version="2.37")).status_code == 400
    made = await client("POST", "compute", "/servers", body, version="2.36")
    assert made.status_code == 202
    assert list((await show(client, made.json()["server"]))["addresses"]) == ["private"]
    assert (await make(client, fake, networks="none"))["addresses"] == {}


async def test_networks_by_id_address_and_port(client: Client, fake: FakeCloud) -> None:
    neutron = fake.cloud().region().neutron
    (network,) = [one for one in neutron.networks.values() if one["name"] == "private"]
    server = await make(client, fake, networks=[{"uuid": network["id"], "fixed_ip": "10.0.0.77"}])
    assert [one["addr"] for one in server["addresses"]["private"]] == ["10.0.0.77"]
    taken = wish(fake, networks=[{"uuid": network["id"], "fixed_ip": "10.0.0.77"}])
    assert (await client("POST", "compute", "/servers", taken, version=LATEST)).status_code in {400, 409}
    port = neutron.create_port(project_id=client.project_id, network_id=network["id"], device_owner="")
    server = await make(client, fake, networks=[{"port": port["id"]}])
    assert neutron.ports[port["id"]]["device_id"] == server["id"]
    again = wish(fake, networks=[{"port": port["id"]}])
    assert (await client("POST", "compute", "/servers", again, version=LATEST)).status_code == 409
    (external,) = [one for one in neutron.networks.values() if one["router:external"]]
    outside = wish(fake, networks=[{"uuid": external["id"]}])
    assert (await client("POST", "compute", "/servers", outside, version=LATEST)).status_code == 403


async def test_two_networks_leave_nova_no_choice() -> None:
    fake = FakeCloud.like("my-internap")
    plan = fake.plans[0]
    region = fake.cloud().region()
    body = password_login(plan.username, plan.password, plan.project)
    async with httpx2.AsyncClient(transport=fake.transport) as http:
        answer = await http.post(f"http://fake.test/{plan.name}/identity/v3/auth/tokens", json=body)
        headers = {"x-auth-token": answer.headers["x-subject-token"], "openstack-api-version": f"compute {LATEST}"}
        url = f"http://fake.test/{plan.name}/ams01/compute/v2.1/servers"
        assert (await http.post(url, json=wish(fake), headers=headers)).status_code == 409
        (wan,) = [key for key, one in region.neutron.networks.items() if one["name"] == plan.networks[0]]
        chosen = wish(fake, networks=[{"uuid": wan}])
        assert (await http.post(url, json=chosen, headers=headers)).status_code == 202


async def test_floating_ips_show_up(client: Client, fake: FakeCloud) -> None:
    server = await make(client, fake)
    neutron = fake.cloud().region().neutron
    (external,) = [one for one in neutron.networks.values() if one["router:external"]]
    (port,) = neutron.ports_of(server["id"])
    body = {"floatingip": {"floating_network_id": external["id"], "port_id": port["id"]}}
    made = (await client("POST", "network", "/v2.0/floatingips", body)).json()["floatingip"]
    kinds = {one["OS-EXT-IPS:type"]: one["addr"] for one in (await show(client, server))["addresses"]["private"]}
    assert kinds["floating"] == made["floating_ip_address"]
    await client("DELETE", "network", f"/v2.0/floatingips/{made['id']}")
    assert len((await show(client, server))["addresses"]["private"]) == 1


async def test_several_servers_at_once(client: Client, fake: FakeCloud) -> None:
    body = wish(fake, "many", min_count=3, return_reservation_id=True)
    made = await client("POST", "compute", "/servers", body, version=LATEST)
    assert made.json()["reservation_id"].startswith("r-")
    listed = (await client("GET", "compute", "/servers?name=many")).json()["servers"]
    assert [one["name"] for one in listed] == ["many-3", "many-2", "many-1"]


async def test_quotas(client: Client, fake: FakeCloud) -> None:
    fake.knobs.quotas["instances"] = 2
    await make(client, fake)
    await make(client, fake)
    refused = await client("POST", "compute", "/servers", wish(fake), version=LATEST)
    assert refused.status_code == 403
    assert "Quota exceeded for instances: Requested 1, but already used 2 of 2" in refused.text
    limits = (await client("GET", "compute", "/limits")).json()["limits"]["absolute"]
    assert (limits["maxTotalInstances"], limits["totalInstancesUsed"]) == (2, 2)
    async with client_of(fake, "admin", "admin") as admin:
        url = f"/os-quota-sets/{client.project_id}"
        assert (await client("PUT", "compute", url, {"quota_set": {"instances": 5}})).status_code == 403
        assert (await admin("PUT", "compute", url, {"quota_set": {"instances": 5}})).status_code == 200
    assert (await client("GET", "compute", url)).json()["quota_set"]["instances"] == 5
    detail = (await client("GET", "compute", url + "/detail")).json()["quota_set"]["instances"]
    assert detail == {"limit": 5, "in_use": 2, "reserved": 0}
    await make(client, fake)


async def test_lists_come_in_pages(client: Client, fake: FakeCloud) -> None:
    nova = fake.cloud().region().nova
    for number in range(7):
        nova.create.spawn(f"s{number}", client.project_id, client.user_id)
    fake.knobs.page_size = 3
    names: list[str] = []
    url = client.urls["compute"] + "/servers/detail"
    pages = 0
    while url:
        body = (await client.http.get(url, headers={"x-auth-token": client.token})).json()
        names += [one["name"] for one in body["servers"]]
        url = next((link["href"] for link in body.get("servers_links", ()) if link["rel"] == "next"), "")
        pages += 1
    assert names == [f"s{number}" for number in reversed(range(7))]
    assert pages == 3
    limited = (await client("GET", "compute", "/servers?limit=2")).json()
    assert len(limited["servers"]) == 2
    assert "limit=2" in limited["servers_links"][0]["href"]
    marker = limited["servers"][-1]["id"]
    assert (await client("GET", "compute", f"/servers?marker={marker}&limit=1")).json()["servers"][0]["name"] == "s4"
    assert (await client("GET", "compute", "/servers?marker=no")).status_code == 400
    assert (await client("GET", "compute", "/servers?limit=x")).status_code == 400


async def test_filters(client: Client, fake: FakeCloud) -> None:
    one = await make(client, fake, "web-1", tags=["a", "b"], description="first")
    await make(client, fake, "web-2", tags=["a"])
    await make(client, fake, "db.1")
    await act(client, one, "os-stop")

    async def names(query: str, version: str = LATEST) -> list[str]:
        answer = await client("GET", "compute", f"/servers?{query}", version=version)
        assert answer.status_code == 200, answer.text
        return sorted(server["name"] for server in answer.json()["servers"])

    assert await names("name=^web") == ["web-1", "web-2"]
    assert await names("name=1$") == ["db.1", "web-1"]
    assert await names("status=SHUTOFF") == ["web-1"]
    assert await names("status=SHUTOFF&status=ACTIVE") == ["db.1", "web-1", "web-2"]
    assert await names("status=active") == ["db.1", "web-2"]
    assert await names("tags=a,b") == ["web-1"]
    assert await names("tags-any=b,c") == ["web-1"]
    assert await names("not-tags=a") == ["db.1"]
    assert await names("vm_state=stopped") == ["web-1"]
    assert await names(f"uuid={one['id']}") == ["web-1"]
    assert await names("description=fir") == ["web-1"]
    assert await names("ip=" + one["addresses"]["private"][0]["addr"] + "$") == ["web-1"]
    assert await names("sort_key=display_name&sort_dir=asc&limit=1") == ["db.1"]
    assert await names("nonsense=1", "2.1") == ["db.1", "web-1", "web-2"]
    assert (await client("GET", "compute", "/servers?nonsense=1", version="2.75")).status_code == 400
    assert (await client("GET", "compute", "/servers?status=BOGUS")).status_code == 400
    assert (await client("GET", "compute", "/servers?name=(")).status_code == 400
    assert (await client("GET", "compute", "/servers?changes-since=soon")).status_code == 400


async def test_other_projects_are_out_of_sight(client: Client, fake: FakeCloud) -> None:
    server = await make(client, fake)
    async with client_of(fake, "admin", "admin") as admin:
        assert (await admin("GET", "compute", "/servers")).json()["servers"] == []
        everywhere = (await admin("GET", "compute", "/servers?all_tenants=1")).json()["servers"]
        assert [one["id"] for one in everywhere] == [server["id"]]
        other = await make(admin, fake, networks="none")
    assert (await client("GET", "compute", f"/servers/{other['id']}")).status_code == 404
    assert (await client("GET", "compute", "/servers?all_tenants=1")).status_code == 403


async def test_deletion_takes_ports_along_and_leaves_a_trace(client: Client, fake: FakeCloud) -> None:
    server = await make(client, fake)
    assert (await client("DELETE", "compute", f"/servers/{server['id']}")).status_code == 204
    assert (await client("GET", "compute", f"/servers/{server['id']}")).status_code == 404
    assert (await client("DELETE", "compute", f"/servers/{server['id']}")).status_code == 404
    assert not fake.cloud().region().neutron.ports_of(server["id"])
    since = (await client("GET", "compute", "/servers/detail?changes-since=2020-01-01T00:00:00Z")).json()["servers"]
    assert [one["status"] for one in since] == ["DELETED"]


@pytest.mark.parametrize(
    ("actions", "status"),
    [
        (["os-stop"], "SHUTOFF"),
        (["os-stop", "os-start"], "ACTIVE"),
        ([{"reboot": {"type": "SOFT"}}], "ACTIVE"),
        (["pause"], "PAUSED"),
        (["pause", "unpause"], "ACTIVE"),
        (["suspend"], "SUSPENDED"),
        (["suspend", "resume"], "ACTIVE"),
        (["rescue"], "RESCUE"),
        (["rescue", "unrescue"], "ACTIVE"),
        (["shelve"], "SHELVED_OFFLOADED"),
        (["shelve", "unshelve"], "ACTIVE"),
    ],
)
async def test_actions_lead_to_a_status(client: Client, fake: FakeCloud, actions: list[Any], status: str) -> None:
    server = await make(client, fake)
    for action in actions:
        assert await act(client, server, action) in {200, 202}
    assert (await show(client, server))["status"] == status


async def test_actions_that_do_not_fit(client: Client, fake: FakeCloud) -> None:
    server = await make(client, fake)
    for action in ("os-start", "unpause", "confirmResize", "revertResize", "unshelve"):
        assert await act(client, server, action) == 409
    assert await act(client, server, "dance") == 400
    assert await act(client, server, {"reboot": {"type": "GENTLE"}}) == 400
    assert await act(client, server, "forceDelete") == 403
    fake.knobs.work_time = 3600
    assert await act(client, server, "os-stop") == 202
    assert (await show(client, server))["OS-EXT-STS:task_state"] == "powering-off"
    assert await act(client, server, "os-stop") == 409


async def test_resize(client: Client, fake: FakeCloud) -> None:
    server = await make(client, fake)
    flavors = {one["name"]: one["id"] for one in fake.cloud().region().nova.flavors.values()}
    assert await act(client, server, {"resize": {"flavorRef": flavors["m1.small"]}}) == 202
    assert (await show(client, server))["status"] == "VERIFY_RESIZE"
    assert await act(client, server, "revertResize") == 202
    assert (await show(client, server))["flavor"]["original_name"] == "m1.tiny"
    assert await act(client, server, {"resize": {"flavorRef": flavors["m1.small"]}}) == 202
    assert await act(client, server, "confirmResize") == 204
    after = await show(client, server)
    assert (after["status"], after["flavor"]["original_name"]) == ("ACTIVE", "m1.small")
    assert await act(client, server, {"resize": {"flavorRef": flavors["m1.small"]}}) == 400


async def test_rebuild_answers_with_the_server(client: Client, fake: FakeCloud) -> None:
    server = await make(client, fake)
    images = {one["name"]: one["id"] for one in fake.cloud().region().glance.images.values()}
    body = {"rebuild": {"imageRef": images["cirros"], "name": "new"}}
    answer = await client("POST", "compute", f"/servers/{server['id']}/action", body)
    assert answer.status_code == 202
    assert answer.json()["server"]["status"] == "REBUILD"
    assert "adminPass" in answer.json()["server"]
    after = await show(client, server)
    assert (after["name"], after["image"]["id"], after["status"]) == ("new", images["cirros"], "ACTIVE")


async def test_images_of_servers(client: Client, fake: FakeCloud) -> None:
    server = await make(client, fake)
    body = {"createImage": {"name": "snap", "metadata": {"k": "v"}}}
    answer = await client("POST", "compute", f"/servers/{server['id']}/action", body, version="2.45")
    image = (await client("GET", "image", f"/v2/images/{answer.json()['image_id']}")).json()
    assert (image["name"], image["status"], image["k"]) == ("snap", "active", "v")
    old = await client("POST", "compute", f"/servers/{server['id']}/action", body)
    assert "/images/" in old.headers["location"]
    assert not old.content


async def test_locks(client: Client, fake: FakeCloud) -> None:
    server = await make(client, fake)
    assert await act(client, server, {"lock": {"locked_reason": "mine"}}) == 202
    assert (await show(client, server))["locked_reason"] == "mine"
    assert await act(client, server, "os-stop") == 409
    assert (await client("DELETE", "compute", f"/servers/{server['id']}")).status_code == 409
    assert await act(client, server, "unlock") == 202
    assert await act(client, server, "os-stop") == 202


async def test_console(client: Client, fake: FakeCloud) -> None:
    server = await make(client, fake)
    url = f"/servers/{server['id']}"
    body = {"os-getConsoleOutput": {"length": 1}}
    output = (await client("POST", "compute", url + "/action", body)).json()["output"]
    assert output == "s login: "
    old = await client("POST", "compute", url + "/action", {"os-getVNCConsole": {"type": "novnc"}})
    assert old.json()["console"]["type"] == "novnc"
    new = {"remote_console": {"protocol": "vnc", "type": "novnc"}}
    assert (await client("POST", "compute", url + "/remote-consoles", new, version="2.6")).json()["remote_console"][
        "url"
    ]
    assert (await client("POST", "compute", url + "/remote-consoles", new)).status_code == 404


async def test_names_metadata_and_tags(client: Client, fake: FakeCloud) -> None:
    server = await make(client, fake, metadata={"a": "1"})
    url = f"/servers/{server['id']}"
    assert (await client("PUT", "compute", url, {"server": {"name": "n"}})).json()["server"]["name"] == "n"
    assert (await client("PUT", "compute", url, {"server": {"description": "d"}})).status_code == 400
    assert (await client("PUT", "compute", url, {"server": {"description": "d"}}, version=LATEST)).status_code == 200
    merged = await client("POST", "compute", url + "/metadata", {"metadata": {"b": "2"}})
    assert merged.json() == {"metadata": {"a": "1", "b": "2"}}
    assert (await client("PUT", "compute", url + "/metadata/c", {"meta": {"c": "3"}})).json() == {"meta": {"c": "3"}}
    assert (await client("DELETE", "compute", url + "/metadata/a")).status_code == 204
    assert (await client("GET", "compute", url + "/metadata/a")).status_code == 404
    replaced = await client("PUT", "compute", url + "/metadata", {"metadata": {"z": "9"}})
    assert replaced.json() == {"metadata": {"z": "9"}}
    assert (await client("PUT", "compute", url + "/tags/x", version="2.26")).status_code == 201
    assert (await client("PUT", "compute", url + "/tags/x", version="2.26")).status_code == 204
    assert (await client("PUT", "compute", url + "/tags", {"tags": ["q", "p"]}, version="2.26")).json()["tags"] == [
        "p",
        "q",
    ]
    assert (await client("DELETE", "compute", url + "/tags/x", version="2.26")).status_code == 404
    assert (await client("DELETE", "compute", url + "/tags", version="2.26")).status_code == 204
    assert (await client("GET", "compute", url + "/tags")).status_code == 404
    shown = await show(client, server)
    assert (shown["name"], shown["description"], shown["metadata"], shown["tags"]) == ("n", "d", {"z": "9"}, [])


async def test_interfaces_and_security_groups(client: Client, fake: FakeCloud) -> None:
    server = await make(client, fake)
    url = f"/servers/{server['id']}/os-interface"
    (first,) = (await client("GET", "compute", url)).json()["interfaceAttachments"]
    made = await client("POST", "compute", url, {"interfaceAttachment": {"net_id": first["net_id"]}})
    port_id = made.json()["interfaceAttachment"]["port_id"]
    assert len((await show(client, server))["addresses"]["private"]) == 2
    assert (await client("DELETE", "compute", f"{url}/{port_id}")).status_code == 202
    assert (await client("GET", "compute", f"{url}/{port_id}")).status_code == 404
    assert len((await show(client, server))["addresses"]["private"]) == 1
    await client("POST", "network", "/v2.0/security-groups", {"security_group": {"name": "web"}})
    assert await act(client, server, {"addSecurityGroup": {"name": "web"}}) == 202
    assert {one["name"] for one in (await show(client, server))["security_groups"]} == {"default", "web"}
    groups = (await client("GET", "compute", f"/servers/{server['id']}/os-security-groups")).json()["security_groups"]
    assert {one["name"] for one in groups} == {"default", "web"}
    assert await act(client, server, {"removeSecurityGroup": {"name": "web"}}) == 202
    assert await act(client, server, {"removeSecurityGroup": {"name": "web"}}) == 404
    assert await act(client, server, {"addSecurityGroup": {"name": "none"}}) == 404


async def test_volumes_of_servers(client: Client, fake: FakeCloud) -> None:
    server = await make(client, fake)
    volume = (await client("POST", "block-storage", "/volumes", {"volume": {"size": 1}})).json()["volume"]
    url = f"/servers/{server['id']}/os-volume_attachments"
    made = await client("POST", "compute", url, {"volumeAttachment": {"volumeId": volume["id"]}})
    assert made.json()["volumeAttachment"]["device"] == "/dev/vdb"
    attached = (await client("GET", "block-storage", f"/volumes/{volume['id']}")).json()["volume"]
    assert (attached["status"], attached["attachments"][0]["server_id"]) == ("in-use", server["id"])
    again = await client("POST", "compute", url, {"volumeAttachment": {"volumeId": volume["id"]}})
    assert again.status_code == 400
    assert (await show(client, server))["os-extended-volumes:volumes_attached"] == [
        {"id": volume["id"], "delete_on_termination": False}
    ]
    assert (await client("DELETE", "compute", f"{url}/{volume['id']}")).status_code == 202
    assert (await client("GET", "compute", f"{url}/{volume['id']}")).status_code == 404
    free = (await client("GET", "block-storage", f"/volumes/{volume['id']}")).json()["volume"]
    assert (free["status"], free["attachments"]) == ("available", [])


async def test_boot_from_a_volume(client: Client, fake: FakeCloud) -> None:
    image = next(iter(fake.cloud().region().glance.images))
    device = {"source_type": "image", "destination_type": "volume", "uuid": image, "volume_size": 2, "boot_index": 0}
    server = await make(client, fake, imageRef="", block_device_mapping_v2=[{**device, "delete_on_termination": True}])
    assert server["image"] == ""
    (volume,) = fake.cloud().region().cinder.volumes.values()
    assert (volume["size"], volume["bootable"], volume["attachments"][0]["device"]) == (2, "true", "/dev/vda")
    await client("DELETE", "compute", f"/servers/{server['id']}")
    assert not fake.cloud().region().cinder.volumes


async def test_flavors(client: Client, fake: FakeCloud) -> None:
    brief = (await client("GET", "compute", "/flavors")).json()["flavors"]
    assert set(brief[0]) == {"id", "name", "links"}
    for version, wanted, swap in (
        ("2.1", set[str](), ""),
        ("2.61", {"extra_specs", "description"}, ""),
        ("2.75", {"extra_specs"}, 0),
    ):
        one = (await client("GET", "compute", "/flavors/detail", version=version)).json()["flavors"][0]
        assert wanted <= set(one)
        assert one["swap"] == swap
    small = (await client("GET", "compute", "/flavors/detail?minRam=4096&sort_key=memory_mb")).json()["flavors"]
    assert [one["ram"] for one in small] == [4096, 8192]
    page = (await client("GET", "compute", "/flavors?limit=2")).json()
    assert len(page["flavors"]) == 2
    assert "marker" in page["flavors_links"][0]["href"]
    assert (await client("POST", "compute", "/flavors", {"flavor": {}})).status_code == 403


async def test_flavors_for_administrators(client: Client, fake: FakeCloud) -> None:
    async with client_of(fake, "admin", "admin") as admin:
        body = {"flavor": {"name": "f", "ram": 1, "vcpus": 1, "disk": 1, "os-flavor-access:is_public": False}}
        made = (await admin("POST", "compute", "/flavors", body, version=LATEST)).json()["flavor"]
        url = f"/flavors/{made['id']}"
        assert (await admin("POST", "compute", "/flavors", body)).status_code == 409
        assert (await client("GET", "compute", url)).status_code == 404
        grant = {"addTenantAccess": {"tenant": client.project_id}}
        assert (await admin("POST", "compute", url + "/action", grant)).json()["flavor_access"]
        assert (await client("GET", "compute", url)).status_code == 200
        specs = {"extra_specs": {"hw:a": "b"}}
        assert (await admin("POST", "compute", url + "/os-extra_specs", specs)).json() == specs
        assert (await client("GET", "compute", url + "/os-extra_specs/hw:a")).json() == {"hw:a": "b"}
        assert (await admin("DELETE", "compute", url + "/os-extra_specs/hw:a")).status_code == 200
        assert (await client("GET", "compute", url + "/os-extra_specs/hw:a")).status_code == 404
        assert (await admin("DELETE", "compute", url)).status_code == 202
        assert (await admin("GET", "compute", url)).status_code == 404


async def test_keypairs(client: Client, fake: FakeCloud) -> None:
    made = (await client("POST", "compute", "/os-keypairs", {"keypair": {"name": "k"}})).json()["keypair"]
    lines = made["private_key"].strip().split("\n")
    assert lines[0] == "-----BEGIN RSA PRIVATE KEY-----"
    assert base64.b64decode("".join(lines[1:-1]), validate=True)[0] == 0x30
    kind, blob, _ = made["public_key"].split()
    assert kind == "ssh-rsa"
    assert base64.b64decode(blob)[4:11] == b"ssh-rsa"
    body = {"keypair": {"name": "k2", "public_key": made["public_key"], "type": "ssh"}}
    second = await client("POST", "compute", "/os-keypairs", body, version="2.2")
    assert second.status_code == 201
    assert second.json()["keypair"]["fingerprint"] == made["fingerprint"]
    assert (await client("POST", "compute", "/os-keypairs", body)).status_code == 409
    assert (
        await client("POST", "compute", "/os-keypairs", {"keypair": {"name": "x"}}, version="2.92")
    ).status_code == 400
    bad = {"keypair": {"name": "x", "public_key": "garbage"}}
    assert (await client("POST", "compute", "/os-keypairs", bad)).status_code == 400
    listed = (await client("GET", "compute", "/os-keypairs", version="2.35")).json()["keypairs"]
    assert [(one["keypair"]["name"], one["keypair"]["type"]) for one in listed] == [("k", "ssh"), ("k2", "ssh")]
    assert (await client("GET", "compute", "/os-keypairs/k")).json()["keypair"]["user_id"] == client.user_id
    server = await make(client, fake, key_name="k")
    assert server["key_name"] == "k"
    assert (await client("DELETE", "compute", "/os-keypairs/k")).status_code == 202
    assert (await client("DELETE", "compute", "/os-keypairs/k", version="2.2")).status_code == 404
    fake.knobs.quotas["key_pairs"] = 1
    assert (await client("POST", "compute", "/os-keypairs", {"keypair": {"name": "k3"}})).status_code == 403


async def test_server_groups(client: Client, fake: FakeCloud) -> None:
    body = {"server_group": {"name": "g", "policy": "anti-affinity"}}
    group = (await client("POST", "compute", "/os-server-groups", body, version="2.64")).json()["server_group"]
    made = await client(
        "POST", "compute", "/servers", {**wish(fake), "os:scheduler_hints": {"group": group["id"]}}, version=LATEST
    )
    server = made.json()["server"]
    assert (await show(client, server))["server_groups"] == [group["id"]]
    url = f"/os-server-groups/{group['id']}"
    old = (await client("GET", "compute", url)).json()["server_group"]
    assert (old["policies"], old["members"]) == (["anti-affinity"], [server["id"]])
    await client("DELETE", "compute", f"/servers/{server['id']}")
    assert (await client("GET", "compute", url)).json()["server_group"]["members"] == []
    assert (await client("DELETE", "compute", url)).status_code == 204
    assert (await client("GET", "compute", url)).status_code == 404
    bad = {**wish(fake), "os:scheduler_hints": {"group": group["id"]}}
    assert (await client("POST", "compute", "/servers", bad, version=LATEST)).status_code == 400


async def test_what_administrators_see(client: Client, fake: FakeCloud) -> None:
    await make(client, fake)
    async with client_of(fake, "admin", "admin") as admin:
        (old,) = (await admin("GET", "compute", "/os-hypervisors/detail")).json()["hypervisors"]
        assert (old["running_vms"], old["memory_mb_used"]) == (1, 512)
        (new,) = (await admin("GET", "compute", "/os-hypervisors/detail", version="2.88")).json()["hypervisors"]
        assert "vcpus" not in new
        body = {"aggregate": {"name": "a", "availability_zone": "z"}}
        made = (await admin("POST", "compute", "/os-aggregates", body)).json()["aggregate"]
        url = f"/os-aggregates/{made['id']}"
        added = await admin("POST", "compute", url + "/action", {"add_host": {"host": "h"}})
        assert added.json()["aggregate"]["hosts"] == ["h"]
        assert (await admin("DELETE", "compute", url)).status_code == 400
        assert (await admin("POST", "compute", url + "/action", {"remove_host": {"host": "h"}})).status_code == 200
        assert (await admin("DELETE", "compute", url)).status_code == 200
        assert (await admin("GET", "compute", "/os-services")).json()["services"][0]["binary"] == "nova-compute"
        usage = (await admin("GET", "compute", f"/os-simple-tenant-usage/{client.project_id}")).json()["tenant_usage"]
        assert len(usage["server_usages"]) == 1
    zones = (await client("GET", "compute", "/os-availability-zone")).json()["availabilityZoneInfo"]
    assert zones == [{"zoneName": "nova", "zoneState": {"available": True}, "hosts": None}]
    for path in ("/os-hypervisors", "/os-aggregates", "/os-services", "/os-availability-zone/detail"):
        assert (await client("GET", "compute", path)).status_code == 403


async def test_history(client: Client, fake: FakeCloud) -> None:
    server = await make(client, fake)
    await act(client, server, "os-stop")
    actions = (await client("GET", "compute", f"/servers/{server['id']}/os-instance-actions")).json()["instanceActions"]
    assert [one["action"] for one in actions] == ["stop", "create"]
