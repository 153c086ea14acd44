"""The fake's glance answers as the real one does."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from aiocloud.testing import FakeCloud
from aiocloud.testing.glance_data import tiny_disk
from tests.testing.wire import wire

pytestmark = pytest.mark.anyio

OCTETS = {"content-type": "application/octet-stream"}
PATCH = {"content-type": "application/openstack-images-v2.1-json-patch"}
RAW = {"disk_format": "raw", "container_format": "bare"}


async def create(http: httpx2.AsyncClient, **fields: Any) -> dict[str, Any]:
    """POST an image that must be taken."""
    answer = await http.post("/v2/images", json={"name": "image", **RAW, **fields})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def get(http: httpx2.AsyncClient, image: dict[str, Any]) -> dict[str, Any]:
    """The image as it is now."""
    return dict((await http.get(image["self"])).json())


async def change(http: httpx2.AsyncClient, image: dict[str, Any], *operations: dict[str, Any]) -> httpx2.Response:
    """PATCH with JSON-PATCH operations."""
    return await http.patch(image["self"], content=json.dumps(operations), headers=PATCH)


def says(answer: httpx2.Response, status: int, words: str) -> bool:
    """Whether an HTML refusal has this status and these words."""
    assert answer.headers["content-type"].startswith("text/html")
    return answer.status_code == status and words in answer.text


async def test_versions_are_a_choice_at_the_root(fake: FakeCloud) -> None:
    async with wire(fake, "image") as http:
        del http.headers["x-auth-token"]
        root = await http.get("/")
        assert root.status_code == 300
        assert root.json()["versions"][0]["id"] == "v2.18"
        assert (await http.get("/versions")).status_code == 200
        assert says(await http.get("/v2/images"), 401, "could not verify")


async def test_an_upload_makes_an_image_active_with_its_hashes(fake: FakeCloud) -> None:
    async with wire(fake, "image") as http:
        image = await create(http, name="disk", tags=["b", "a"], colour="red")
        assert (image["status"], image["size"], image["tags"], image["colour"]) == ("queued", None, ["a", "b"], "red")
        data = bytes(range(256)) * 2000

        async def pieces() -> AsyncIterator[bytes]:
            for start in range(0, len(data), 100_000):
                assert fake.cloud().region().glance.images[image["id"]]["status"] == "saving"
                yield data[start : start + 100_000]

        assert (await http.put(image["file"], content=pieces(), headers=OCTETS)).status_code == 204
        done = await get(http, image)
        assert done["status"] == "active"
        assert done["size"] == done["virtual_size"] == len(data)
        assert done["checksum"] == hashlib.md5(data).hexdigest()
        assert (done["os_hash_algo"], done["os_hash_value"]) == ("sha512", hashlib.sha512(data).hexdigest())

        whole = await http.get(image["file"])
        assert whole.content == data
        assert whole.headers["content-md5"] == done["checksum"]
        part = await http.get(image["file"], headers={"range": "bytes=1-3"})
        assert (part.status_code, part.content) == (206, data[1:4])
        assert part.headers["content-range"] == f"bytes 1-3/{len(data)}"
        beyond = await http.get(image["file"], headers={"range": f"bytes={len(data)}-"})
        assert says(beyond, 416, "Invalid start position")
        twice = await http.put(image["file"], content=b"x", headers=OCTETS)
        assert says(twice, 409, "transition from active to saving is not allowed")


async def test_bytes_must_be_what_the_disk_format_says(fake: FakeCloud) -> None:
    async with wire(fake, "image") as http:
        image = await create(http, disk_format="qcow2")
        wrong = await http.put(image["file"], content=b"no disk" * 1000, headers=OCTETS)
        assert says(wrong, 415, "disk_format qcow2 does not match stream data raw")
        assert (await get(http, image))["status"] == "queued"
        assert says(await http.put(image["file"], content=b"", headers={"content-type": "a/b"}), 415, "a/b")
        assert (await http.put(image["file"], content=tiny_disk("qcow2"), headers=OCTETS)).status_code == 204
        assert (await get(http, image))["virtual_size"] == 1024 * 1024


async def test_a_broken_upload_leaves_the_image_queued(fake: FakeCloud) -> None:
    async with wire(fake, "image") as http:
        image = await create(http)

        async def half() -> AsyncIterator[bytes]:
            yield b"half"
            raise OSError("the disk broke")

        with pytest.raises(OSError, match="the disk broke"):
            await http.put(image["file"], content=half(), headers=OCTETS)
        assert (await get(http, image))["status"] == "queued"
        assert (await http.get(image["file"])).status_code == 204


async def test_ids_of_the_clients_choice_are_never_given_twice(fake: FakeCloud) -> None:
    async with wire(fake, "image") as http:
        wish = "11111111-2222-4333-8444-555555555555"
        image = await create(http, id=wish)
        assert image["id"] == wish
        assert says(await http.post("/v2/images", json={"id": wish}), 409, f"Image ID {wish} already exists!")
        assert (await http.delete(image["self"])).status_code == 204
        assert says(await http.get(image["self"]), 404, f"No image found with ID {wish}")
        assert says(await http.post("/v2/images", json={"id": wish}), 409, "already exists")
        assert says(await http.post("/v2/images", json={"id": "mine"}), 400, "does not match")


async def test_changes_are_json_patches(fake: FakeCloud) -> None:
    async with wire(fake, "image") as http:
        image = await create(http, colour="red")
        answer = await change(
            http,
            image,
            {"op": "replace", "path": "/name", "value": "new"},
            {"op": "add", "path": "/hw~1x", "value": "1"},
            {"op": "remove", "path": "/colour"},
        )
        assert (answer.json()["name"], answer.json()["hw/x"]) == ("new", "1")
        assert "colour" not in answer.json()
        refused = {
            409: {"op": "replace", "path": "/nothing", "value": "x"},
            403: {"op": "replace", "path": "/status", "value": "active"},
            400: {"op": "move", "path": "/name", "value": "x"},
        }
        for status, operation in refused.items():
            half = await change(http, image, {"op": "replace", "path": "/name", "value": "half"}, operation)
            assert half.status_code == status
        assert (await get(http, image))["name"] == "new", "a patch is taken whole or not at all"
        plain = await http.patch(image["self"], json=[])
        assert says(plain, 415, "Image PATCH expects Content-Type")


async def test_protected_images_stay(fake: FakeCloud) -> None:
    async with wire(fake, "image") as http:
        image = await create(http, protected=True)
        assert says(await http.delete(image["self"]), 403, "is protected and cannot be deleted")
        await change(http, image, {"op": "replace", "path": "/protected", "value": False})
        assert (await http.delete(image["self"])).status_code == 204


async def test_lists_filter_sort_and_page(fake: FakeCloud) -> None:
    async with wire(fake, "image") as http:
        made = [await create(http, name=f"i{number}", tags=["mine"]) for number in range(5)]
        await create(http, name="hidden", os_hidden=True, tags=["mine"])
        names: list[str] = []
        url, pages = "/v2/images?tag=mine&limit=2&sort_key=name&sort_dir=asc", 0
        while url:
            body = (await http.get(url)).json()
            names += [image["name"] for image in body["images"]]
            url, pages = body.get("next", ""), pages + 1
        assert names == [image["name"] for image in made]
        assert pages == 3

        async def found(query: str) -> list[str]:
            return [image["name"] for image in (await http.get(f"/v2/images?{query}")).json()["images"]]

        assert await found("os_hidden=true") == ["hidden"]
        assert sorted(await found("name=in:i1,i2")) == ["i1", "i2"]
        assert await found("name=i1&status=active") == []
        assert await found("visibility=public") != []
        assert says(await http.get("/v2/images?limit=x"), 400, "limit param must be an integer")
        assert says(await http.get("/v2/images?marker=x"), 400, "No image found with ID x")


async def test_staged_data_is_imported_after_a_while() -> None:
    fake = FakeCloud(work_time=0.02)
    async with wire(fake, "image") as http:
        image = await create(http)
        early = await http.post(f"{image['self']}/import", json={"method": {"name": "glance-direct"}})
        assert says(early, 409, "needs to be staged")
        assert (await http.put(f"{image['self']}/stage", content=b"data", headers=OCTETS)).status_code == 204
        assert (await get(http, image))["status"] == "uploading"
        begun = await http.post(f"{image['self']}/import", json={"method": {"name": "glance-direct"}})
        assert begun.status_code == 202
        assert (await get(http, image))["status"] == "importing"
        task = (await http.get(f"{image['self']}/tasks")).json()["tasks"][0]
        assert task["status"] == "processing"
        while (await get(http, image))["status"] == "importing":
            continue
        assert (await get(http, image))["checksum"] == hashlib.md5(b"data").hexdigest()
        task = (await http.get(f"{image['self']}/tasks")).json()["tasks"][0]
        assert (task["status"], task["result"]) == ("success", {"image_id": image["id"]})


async def test_imports_from_the_web_and_from_other_regions() -> None:
    fake = FakeCloud(regions=("RegionOne", "RegionTwo"))
    async with wire(fake, "image") as http:
        methods = (await http.get("/v2/info/import")).json()["import-methods"]["value"]
        assert {"glance-direct", "web-download", "glance-download"} <= set(methods)
        imports = fake.cloud().region("RegionOne").glance.imports
        imports.web = {"http://images.test/good": b"from afar", "http://images.test/gone": None}

        async def bring(**method: str) -> dict[str, Any]:
            image = await create(http)
            assert (await http.post(f"{image['self']}/import", json={"method": method})).status_code == 202
            return await get(http, image)

        good = await bring(name="web-download", uri="http://images.test/good")
        assert (good["status"], good["size"]) == ("active", len(b"from afar"))
        gone = await bring(name="web-download", uri="http://images.test/gone")
        assert (gone["status"], gone["os_glance_failed_import"]) == ("queued", "files")
        far = fake.cloud().region("RegionTwo").glance
        source = far.add_image("far", project_id=good["owner"], disk_format="raw", content=b"other region")
        copy = await bring(name="glance-download", glance_image_id=source["id"], glance_region="RegionTwo")
        assert copy["checksum"] == source["checksum"]


async def test_shared_images_are_seen_when_the_member_accepts(fake: FakeCloud) -> None:
    async with wire(fake, "image") as http, wire(fake, "image", admin=True) as boss:
        other = (await boss.post("/v2/images", json={"name": "x", **RAW})).json()["owner"]
        image = await create(http)
        members = f"{image['self']}/members"
        assert (await http.post(members, json={"member": other})).json()["status"] == "pending"
        assert says(await http.post(members, json={"member": other}), 409, "duplicated")
        assert says(await http.put(f"{members}/{other}", json={"status": "accepted"}), 403, "modify_member")
        accepted = await boss.put(f"{members}/{other}", json={"status": "accepted"})
        assert accepted.json()["status"] == "accepted"
        assert [member["member_id"] for member in (await http.get(members)).json()["members"]] == [other]
        assert (await http.delete(f"{members}/{other}")).status_code == 204
        assert says(await http.get(f"{members}/{other}"), 404, "not found in the member list")


async def test_deactivated_images_are_not_handed_out(fake: FakeCloud) -> None:
    async with wire(fake, "image") as http:
        image = await create(http)
        await http.put(image["file"], content=b"data", headers=OCTETS)
        assert (await http.post(f"{image['self']}/actions/deactivate")).status_code == 204
        assert says(await http.get(image["file"]), 403, "deactivated")
        assert (await http.post(f"{image['self']}/actions/reactivate")).status_code == 204
        assert (await http.get(image["file"])).content == b"data"


async def test_tasks_make_images_from_objects_where_the_cloud_lets_them(fake: FakeCloud) -> None:
    async with wire(fake, "image") as http, wire(fake, "object-store") as swift:
        assert says(await http.post("/v2/tasks", json={}), 403, "tasks_api_access")
        fake.cloud().region().glance.imports.tasks_for_all = True
        await swift.put("/images")
        await swift.put("/images/disk", content=b"a disk")
        wish = {"import_from": "images/disk", "import_from_format": "raw", "image_properties": {"name": "made"}}
        made = await http.post("/v2/tasks", json={"type": "import", "input": wish})
        assert made.status_code == 201
        task = (await http.get(f"/v2/tasks/{made.json()['id']}")).json()
        assert task["status"] == "success"
        image = (await http.get(f"/v2/images/{task['result']['image_id']}")).json()
        assert (image["name"], image["size"]) == ("made", 6)


async def test_quotas_hold() -> None:
    fake = FakeCloud(quotas={"image_count_total": 1, "image_size_total": 1})
    async with wire(fake, "image") as http:
        image = await create(http)
        assert (await http.post("/v2/images", json={"name": "more"})).status_code == 413
        big = await http.put(image["file"], content=bytes(1024 * 1024 + 1), headers=OCTETS)
        assert big.status_code == 413
        assert (await get(http, image))["status"] == "queued"
        usage = (await http.get("/v2/info/usage")).json()["usage"]
        assert usage["image_count_total"] == {"limit": 1, "usage": 1}


async def test_the_size_of_a_disk_is_read_from_its_header(fake: FakeCloud) -> None:
    headers = {
        "vdi": bytes(0x40) + b"\x7f\x10\xda\xbe".ljust(0x170 - 0x40, b"\0") + (1 << 20).to_bytes(8, "little"),
        "vhd": b"conectix".ljust(40, b"\0") + (1 << 20).to_bytes(8, "big"),
        "vmdk": b"KDMV".ljust(12, b"\0") + (1 << 11).to_bytes(8, "little"),
    }
    async with wire(fake, "image") as http:
        for disk_format, header in headers.items():
            image = await create(http, disk_format=disk_format)
            sent = await http.put(image["file"], content=header.ljust(4096, b"\0"), headers=OCTETS)
            assert sent.status_code == 204
            assert (await get(http, image))["virtual_size"] == 1 << 20


async def test_what_glance_refuses_is_refused_in_its_words(fake: FakeCloud) -> None:
    """As a real one did."""
    async with wire(fake, "image") as http:
        image = await create(http, tags=["a"])
        assert (await http.put(image["file"], content=b"hello", headers=OCTETS)).status_code == 204
        assert says(await change(http, image, {"op": "remove", "path": "/tags"}), 403, "tags may not be removed")
        assert says(await change(http, image, {"op": "add", "path": "/a~2", "value": "x"}), 400, "escape sequence")
        assert says(await change(http, image, {"path": "/name", "value": "x"}), 400, "Unable to find `op`")
        assert says(await http.post("/v2/images", json={"name": 5}), 400, "is not of type")
        for span in ("bytes=1-0", "junk", "bytes=9-"):
            assert (await http.get(image["file"], headers={"range": span})).status_code == 416
        for query, words in (
            ("os_hidden=maybe", "Valid values are 'true' or 'false'"),
            ("protected=maybe", "Valid values are 'true' or 'false'"),
            ("member_status=x", "Invalid status: x"),
            ("size_min=x", "non-numeric"),
            ("created_at=gt:yesterday", "ISO 8601"),
            ("changes-since=x", "no longer available"),
        ):
            assert says(await http.get(f"/v2/images?{query}"), 400, words.replace("'", "&#x27;"))
        members = f"{image['self']}/members"
        assert says(await http.post(members, json={"member": ""}), 400, "be empty")
        await change(http, image, {"op": "replace", "path": "/visibility", "value": "private"})
        assert says(await http.get(members), 403, "Only shared images have members")
        assert says(await http.post(members, json={"member": "x"}), 403, "Not allowed to create members")
