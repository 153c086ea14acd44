"""The faked cinder: volumes, snapshots, backups, attachments, types, quotas."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from aiocloud.testing import FakeCloud
from tests.testing.client import Client, client_of

pytestmark = pytest.mark.anyio

LATEST = "3.71"


@pytest.fixture
async def client(fake: FakeCloud) -> AsyncIterator[Client]:
    async with client_of(fake) as client:
        yield client


async def make(client: Client, **more: Any) -> dict[str, Any]:
    made = await client("POST", "block-storage", "/volumes", {"volume": {"size": 1, **more}}, version=LATEST)
    assert made.status_code == 202, made.text
    return dict(made.json()["volume"])


async def show(client: Client, volume: dict[str, Any]) -> dict[str, Any]:
    return dict((await client("GET", "block-storage", f"/volumes/{volume['id']}", version=LATEST)).json()["volume"])


async def act(client: Client, volume: dict[str, Any], action: dict[str, Any], version: str = "") -> int:
    url = f"/volumes/{volume['id']}/action"
    return (await client("POST", "block-storage", url, action, version=version)).status_code


async def test_versions(client: Client) -> None:
    root = client.urls["block-storage"].split("/v3")[0]
    answer = await client.http.get(root + "/")
    assert answer.status_code == 300
    assert answer.json()["versions"][0]["version"] == "3.71"
    assert (await client("GET", "block-storage", "/volumes", version="3.999")).status_code == 406
    assert (await client.http.get(root + "/v3/volumes", headers={"x-auth-token": client.token})).status_code == 200


async def test_a_volume_is_made_found_changed_and_deleted(client: Client, fake: FakeCloud) -> None:
    fake.knobs.work_time = 3600
    slow = await make(client)
    assert (await show(client, slow))["status"] == "creating"
    fake.knobs.work_time = 0
    volume = await make(client, name="w")
    assert (volume["status"], volume["updated_at"]) == ("creating", None)
    assert (await show(client, volume))["status"] == "available"
    url = f"/volumes/{volume['id']}"
    changed = await client("PUT", "block-storage", url, {"volume": {"name": "x", "description": "d"}})
    assert (changed.json()["volume"]["name"], changed.json()["volume"]["description"]) == ("x", "d")
    assert (await client("DELETE", "block-storage", url)).status_code == 202
    assert (await client("GET", "block-storage", url)).status_code == 404


async def test_microversions_change_the_shape(client: Client) -> None:
    volume = await make(client)
    old = (await client("GET", "block-storage", f"/volumes/{volume['id']}")).json()["volume"]
    new = await show(client, volume)
    assert set(new) - set(old) == {"group_id", "shared_targets", "service_uuid", "volume_type_id", "consumes_quota"}


async def test_volumes_from_images_snapshots_and_volumes(client: Client, fake: FakeCloud) -> None:
    image = next(iter(fake.cloud().region().glance.images))
    first = await show(client, await make(client, imageRef=image, size=2))
    assert first["bootable"] == "true"
    assert first["volume_image_metadata"]["image_id"] == image
    body = {"snapshot": {"volume_id": first["id"], "name": "s"}}
    snapshot = (await client("POST", "block-storage", "/snapshots", body)).json()["snapshot"]
    assert snapshot["status"] == "creating"
    second = await make(client, snapshot_id=snapshot["id"], size=None)
    third = await make(client, source_volid=first["id"], size=3)
    assert (second["size"], third["size"]) == (2, 3)
    for more in ({"imageRef": "none"}, {"size": 0}, {"source_volid": first["id"], "size": 1}):
        answer = await client("POST", "block-storage", "/volumes", {"volume": {"size": 1, **more}})
        assert answer.status_code == 400
    missing = {"volume": {"size": 1, "volume_type": "none"}}
    assert (await client("POST", "block-storage", "/volumes", missing)).status_code == 404


async def test_lists(client: Client) -> None:
    for number in range(5):
        await make(client, name=f"v{number}")
    names: list[str] = []
    url = client.urls["block-storage"] + "/volumes/detail?limit=2"
    while url:
        body = (await client.http.get(url, headers={"x-auth-token": client.token})).json()
        names += [one["name"] for one in body["volumes"]]
        url = next((link["href"] for link in body.get("volumes_links", ())), "")
    assert names == ["v4", "v3", "v2", "v1", "v0"]
    (one,) = (await client("GET", "block-storage", "/volumes?name=v3")).json()["volumes"]
    assert set(one) == {"id", "name", "links"}
    ordered = (await client("GET", "block-storage", "/volumes?sort=name:asc&limit=1")).json()["volumes"]
    assert ordered[0]["name"] == "v0"
    assert (await client("GET", "block-storage", "/volumes?marker=none")).status_code == 404
    assert (await client("GET", "block-storage", "/volumes?limit=x")).status_code == 400


async def test_over_quota_is_413(client: Client, fake: FakeCloud) -> None:
    fake.knobs.quotas.update(volumes=1, gigabytes=5)
    too_big = await client("POST", "block-storage", "/volumes", {"volume": {"size": 6}})
    assert (too_big.status_code, too_big.headers["retry-after"]) == (413, "0")
    assert too_big.json()["overLimit"]["message"].startswith("VolumeSizeExceedsAvailableQuota")
    volume = await make(client, size=4)
    assert (await client("POST", "block-storage", "/volumes", {"volume": {"size": 1}})).status_code == 413
    assert await act(client, volume, {"os-extend": {"new_size": 6}}) == 413
    limits = (await client("GET", "block-storage", "/limits")).json()["limits"]["absolute"]
    assert (limits["maxTotalVolumes"], limits["totalGigabytesUsed"]) == (1, 4)
    url = f"/os-quota-sets/{client.project_id}"
    used = (await client("GET", "block-storage", url + "?usage=True")).json()["quota_set"]
    assert used["volumes"] == {"limit": 1, "in_use": 1, "reserved": 0}
    async with client_of(fake, "admin", "admin") as admin:
        assert (await admin("PUT", "block-storage", url, {"quota_set": {"volumes": 2}})).status_code == 200
        assert (await client("PUT", "block-storage", url, {"quota_set": {"volumes": 9}})).status_code == 403
    await make(client)


async def test_actions(client: Client) -> None:
    volume = await make(client)
    assert await act(client, volume, {"os-extend": {"new_size": 3}}) == 202
    assert await act(client, volume, {"os-extend": {"new_size": 3}}) == 400
    assert await act(client, volume, {"os-set_bootable": {"bootable": True}}) == 200
    assert await act(client, volume, {"os-reserve": {}}) == 202
    assert (await show(client, volume))["status"] == "reserved"
    assert await act(client, volume, {"os-reserve": {}}) == 400
    assert await act(client, volume, {"os-unreserve": {}}) == 202
    assert await act(client, volume, {"os-reset_status": {"status": "error"}}) == 403
    assert await act(client, volume, {"dance": {}}) == 400
    after = await show(client, volume)
    assert (after["size"], after["bootable"], after["status"]) == (3, "true", "available")


async def test_what_is_in_use_stays(client: Client) -> None:
    volume = await make(client)
    body = {"attachment": {"volume_uuid": volume["id"], "instance_uuid": "11111111-1111-1111-1111-111111111111"}}
    made = (await client("POST", "block-storage", "/attachments", body, version=LATEST)).json()["attachment"]
    url = f"/attachments/{made['id']}"
    assert (await show(client, volume))["status"] == "reserved"
    assert (await client("GET", "block-storage", url)).status_code == 404
    done = await client("POST", "block-storage", url + "/action", {"os-complete": {}}, version=LATEST)
    assert done.status_code == 204
    attached = await show(client, volume)
    assert (attached["status"], attached["attachments"][0]["attachment_id"]) == ("in-use", made["id"])
    refused = await client("DELETE", "block-storage", f"/volumes/{volume['id']}")
    assert refused.status_code == 400
    assert refused.json()["badRequest"]["message"].startswith("Invalid volume")
    assert (await client("DELETE", "block-storage", url, version=LATEST)).json() == {"attachments": []}
    assert (await client("DELETE", "block-storage", f"/volumes/{volume['id']}")).status_code == 202


async def test_snapshots_hold_their_volume(client: Client, fake: FakeCloud) -> None:
    volume = await make(client)
    body = {"snapshot": {"volume_id": volume["id"], "name": "s", "metadata": {"a": "b"}}}
    made = (await client("POST", "block-storage", "/snapshots", body, version=LATEST)).json()["snapshot"]
    url = f"/snapshots/{made['id']}"
    shown = (await client("GET", "block-storage", url, version=LATEST)).json()["snapshot"]
    assert (shown["status"], shown["os-extended-snapshot-attributes:progress"]) == ("available", "100%")
    assert (await client("DELETE", "block-storage", f"/volumes/{volume['id']}")).status_code == 400
    (one,) = (await client("GET", "block-storage", f"/snapshots/detail?volume_id={volume['id']}")).json()["snapshots"]
    assert one["id"] == made["id"]
    assert (await client("PUT", "block-storage", url, {"snapshot": {"name": "t"}})).json()["snapshot"]["name"] == "t"
    assert (await client("DELETE", "block-storage", f"/volumes/{volume['id']}?cascade=true")).status_code == 202
    assert (await client("GET", "block-storage", url)).status_code == 404
    assert not fake.cloud().region().cinder.snapshots


async def test_backups(client: Client) -> None:
    volume = await make(client, name="v")
    body: dict[str, Any] = {"backup": {"volume_id": volume["id"], "name": "b", "incremental": True}}
    assert (await client("POST", "block-storage", "/backups", body)).status_code == 400
    body["backup"]["incremental"] = False
    made = (await client("POST", "block-storage", "/backups", body)).json()["backup"]
    assert set(made) == {"id", "name", "links"}
    url = f"/backups/{made['id']}"
    assert (await client("GET", "block-storage", url)).json()["backup"]["status"] == "available"
    restored = await client("POST", "block-storage", url + "/restore", {"restore": {}})
    assert restored.status_code == 202
    assert restored.json()["restore"]["volume_name"] == f"restore_backup_{made['id']}"
    assert len((await client("GET", "block-storage", "/volumes")).json()["volumes"]) == 2
    assert (await client("DELETE", "block-storage", url)).status_code == 202
    assert (await client("GET", "block-storage", url)).status_code == 404


async def test_types(client: Client, fake: FakeCloud) -> None:
    async with client_of(fake, "admin", "admin") as admin:
        body = {"volume_type": {"name": "fast", "extra_specs": {"a": "b"}}}
        assert (await client("POST", "block-storage", "/types", body)).status_code == 403
        made = (await admin("POST", "block-storage", "/types", body)).json()["volume_type"]
        assert (await admin("POST", "block-storage", "/types", body)).status_code == 409
        volume = await make(client, volume_type="fast")
        assert volume["volume_type_id"] == made["id"]
        assert (await admin("DELETE", "block-storage", f"/types/{made['id']}")).status_code == 400
        await client("DELETE", "block-storage", f"/volumes/{volume['id']}")
        assert (await admin("DELETE", "block-storage", f"/types/{made['id']}")).status_code == 202
    default = (await client("GET", "block-storage", "/types/default")).json()["volume_type"]
    assert default["name"] == "standard"


async def test_metadata(client: Client) -> None:
    volume = await make(client, metadata={"a": "1"})
    url = f"/volumes/{volume['id']}/metadata"
    merged = await client("POST", "block-storage", url, {"metadata": {"b": "2"}})
    assert merged.json()["metadata"] == {"a": "1", "b": "2"}
    assert (await client("DELETE", "block-storage", url + "/a")).status_code == 200
    assert (await client("DELETE", "block-storage", url + "/a")).status_code == 404
    assert (await client("PUT", "block-storage", url, {"metadata": {}})).json() == {"metadata": {}}


async def test_images_of_volumes(client: Client) -> None:
    volume = await make(client)
    body = {"os-volume_upload_image": {"image_name": "i", "disk_format": "raw", "container_format": "bare"}}
    answer = await client("POST", "block-storage", f"/volumes/{volume['id']}/action", body)
    assert answer.status_code == 202
    image = answer.json()["os-volume_upload_image"]["image_id"]
    assert (await client("GET", "image", f"/v2/images/{image}")).json()["name"] == "i"
