"""The fake's swift answers as the real one does."""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import tarfile
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from aiocloud.testing import FakeCloud
from tests.testing.wire import wire

pytestmark = pytest.mark.anyio

JSON = {"accept": "application/json"}


def md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()


async def put_segments(http: httpx2.AsyncClient, *contents: bytes) -> list[dict[str, Any]]:
    """Objects /box/seg/0, /box/seg/1 ... and the manifest that joins them."""
    await http.put("/box")
    manifest: list[dict[str, Any]] = []
    for number, content in enumerate(contents):
        await http.put(f"/box/seg/{number}", content=content)
        manifest.append({"path": f"/box/seg/{number}", "etag": md5(content), "size_bytes": len(content)})
    return manifest


async def test_info_needs_no_token_but_an_account_does(fake: FakeCloud) -> None:
    async with wire(fake, "object-store") as http:
        del http.headers["x-auth-token"]
        root = str(http.base_url).partition("/v1/")[0]
        info = (await http.get(f"{root}/info")).json()
        assert info["swift"]["max_file_size"] == 5 * 1024**3
        assert info["slo"]["max_manifest_segments"] == 1000
        answer = await http.get("")
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith('Swift realm="AUTH_')


async def test_containers_come_and_go(fake: FakeCloud) -> None:
    async with wire(fake, "object-store") as http:
        assert (await http.put("/box", headers={"x-container-meta-colour": "red"})).status_code == 201
        assert (await http.put("/box")).status_code == 202
        await http.put("/box/a", content=b"12345")
        head = await http.head("/box")
        assert head.status_code == 204
        assert head.headers["x-container-object-count"] == "1"
        assert head.headers["x-container-bytes-used"] == "5"
        assert head.headers["x-container-meta-colour"] == "red"
        assert (await http.post("/box", headers={"x-remove-container-meta-colour": "x"})).status_code == 204
        assert "x-container-meta-colour" not in (await http.head("/box")).headers
        account = await http.head("")
        assert account.headers["x-account-container-count"] == "1"
        assert (await http.get("", params={"format": "json"})).json()[0]["bytes"] == 5
        assert (await http.delete("/box")).status_code == 409
        await http.delete("/box/a")
        assert (await http.delete("/box")).status_code == 204
        assert (await http.get("/box")).text == (
            "<html><h1>Not Found</h1><p>The resource could not be found.</p></html>"
        )
        assert (await http.put("/nowhere/a", content=b"")).status_code == 404


async def test_objects_keep_bytes_type_and_metadata(fake: FakeCloud) -> None:
    async with wire(fake, "object-store") as http:
        await http.put("/box")

        async def pieces() -> AsyncIterator[bytes]:
            yield b"hello "
            yield b"world"

        headers = {"content-type": "text/plain", "x-object-meta-colour": "Red", "x-delete-after": "1000"}
        made = await http.put("/box/a/b c.txt", content=pieces(), headers=headers)
        assert (made.status_code, made.headers["etag"]) == (201, md5(b"hello world"))
        got = await http.get("/box/a/b c.txt")
        assert got.content == b"hello world"
        assert (got.headers["content-type"], got.headers["x-object-meta-colour"]) == ("text/plain", "Red")
        assert int(got.headers["x-delete-at"]) > float(got.headers["x-timestamp"])
        head = await http.head("/box/a/b c.txt")
        assert head.headers["content-length"] == "11"
        assert (await http.post("/box/a/b c.txt", headers={"x-object-meta-size": "L"})).status_code == 202
        head = await http.head("/box/a/b c.txt")
        assert head.headers["x-object-meta-size"] == "L"
        assert not {"x-object-meta-colour", "x-delete-at"} & set(head.headers)
        assert (await http.delete("/box/a/b c.txt")).status_code == 204
        assert (await http.head("/box/a/b c.txt")).status_code == 404


async def test_a_wrong_etag_stores_nothing(fake: FakeCloud) -> None:
    async with wire(fake, "object-store") as http:
        await http.put("/box")
        assert (await http.put("/box/a", content=b"x", headers={"etag": "0" * 32})).status_code == 422
        assert (await http.get("/box/a")).status_code == 404
        assert (await http.put("/box/a", content=b"x", headers={"if-none-match": "*"})).status_code == 201
        assert (await http.put("/box/a", content=b"y", headers={"if-none-match": "*"})).status_code == 412
        assert (await http.get("/box/a")).content == b"x"


async def test_too_much_is_refused_announced_or_not() -> None:
    fake = FakeCloud(max_object_size=10)
    async with wire(fake, "object-store") as http:
        await http.put("/box")
        announced = await http.put("/box/a", content=bytes(11))
        assert (announced.status_code, announced.text) == (413, "Your request is too large.")

        async def endless() -> AsyncGenerator[bytes]:
            while True:
                yield b"1234"

        async with aclosing(endless()) as body:
            assert (await http.put("/box/a", content=body)).status_code == 413
        assert (await http.put("/box/a", content=bytes(10))).status_code == 201


async def test_downloads_in_ranges_and_on_conditions(fake: FakeCloud) -> None:
    async with wire(fake, "object-store") as http:
        data = bytes(range(256)) * 4096
        await http.put("/box")
        await http.put("/box/a", content=data)

        async def get(**headers: str) -> httpx2.Response:
            return await http.get("/box/a", headers={key.replace("_", "-"): value for key, value in headers.items()})

        part = await get(range="bytes=300000-799999")
        assert (part.status_code, part.content) == (206, data[300000:800000])
        assert part.headers["content-range"] == f"bytes 300000-799999/{len(data)}"
        assert (await get(range="bytes=-5")).content == data[-5:]
        assert (await get(range=f"bytes={len(data)}-")).status_code == 416
        assert (await get(if_none_match=md5(data))).status_code == 304
        assert (await get(if_match="other")).status_code == 412
        modified = (await get(if_match=f'"{md5(data)}"')).headers["last-modified"]
        assert (await get(if_modified_since=modified)).status_code == 304


async def test_listings_in_folders_and_pages(fake: FakeCloud) -> None:
    async with wire(fake, "object-store") as http:
        await http.put("/box")
        for name in ("a/1", "a/2", "b", "c/x/1", "d"):
            await http.put(f"/box/{name}", content=b"1")

        async def names(**query: str) -> list[str]:
            entries = (await http.get("/box", params={"format": "json", **query})).json()
            return [entry.get("name") or entry["subdir"] for entry in entries]

        assert await names(delimiter="/") == ["a/", "b", "c/", "d"]
        assert await names(prefix="a/") == ["a/1", "a/2"]
        assert await names(path="c") == []
        assert await names(path="a") == ["a/1", "a/2"]
        assert await names(marker="a/2", end_marker="d") == ["b", "c/x/1"]
        assert await names(delimiter="/", marker="a/") == ["b", "c/", "d"]
        assert await names(reverse="true", limit="2") == ["d", "c/x/1"]
        assert await names(delimiter="/", reverse="true") == ["d", "c/", "b", "a/"]
        first = await names(limit="2")
        assert first + await names(marker=first[-1]) == ["a/1", "a/2", "b", "c/x/1", "d"]
        plain = await http.get("/box", params={"limit": "2"})
        assert plain.text == "a/1\na/2\n"
        assert (await http.get("/box", params={"prefix": "z"})).status_code == 204
        xml = (await http.get("/box", params={"format": "xml", "delimiter": "/"})).text
        assert '<subdir name="a/"><name>a/</name></subdir>' in xml
        too_many = await http.get("/box", params={"limit": "10001"})
        assert (too_many.status_code, too_many.text) == (412, "Maximum limit is 10000")


async def test_copies_share_bytes_and_change_metadata(fake: FakeCloud) -> None:
    async with wire(fake, "object-store") as http:
        await http.put("/box")
        await http.put("/box/a", content=b"data", headers={"x-object-meta-one": "1"})
        copied = await http.request("COPY", "/box/a", headers={"destination": "box/b", "x-object-meta-two": "2"})
        assert (copied.status_code, copied.headers["x-copied-from"]) == (201, "box/a")
        head = await http.head("/box/b")
        assert (head.headers["x-object-meta-one"], head.headers["x-object-meta-two"]) == ("1", "2")
        await http.put("/box/c", headers={"x-copy-from": "/box/a"}, content=b"")
        assert (await http.get("/box/c")).content == b"data"
        bare = await http.request("COPY", "/box/a")
        assert (bare.status_code, bare.text) == (412, "Destination header required")


async def test_static_large_objects(fake: FakeCloud) -> None:
    async with wire(fake, "object-store") as http:
        manifest = await put_segments(http, b"A" * 10, b"B" * 10, b"C" * 10)
        made = await http.put("/box/big?multipart-manifest=put", content=json.dumps(manifest))
        etag = '"' + md5("".join(one["etag"] for one in manifest).encode()) + '"'
        assert (made.status_code, made.headers["etag"]) == (201, etag)
        got = await http.get("/box/big")
        assert got.content == b"A" * 10 + b"B" * 10 + b"C" * 10
        assert (got.headers["x-static-large-object"], got.headers["etag"]) == ("True", etag)
        assert (await http.head("/box/big")).headers["content-length"] == "30"
        part = await http.get("/box/big", headers={"range": "bytes=8-12"})
        assert part.content == b"AABBB"
        shown = (await http.get("/box/big?multipart-manifest=get")).json()
        assert [one["hash"] for one in shown] == [one["etag"] for one in manifest]
        raw = (await http.get("/box/big?multipart-manifest=get&format=raw")).json()
        assert raw == manifest
        entry = (await http.get("/box?format=json&prefix=big")).json()[0]
        assert (entry["bytes"], entry["slo_etag"]) == (30, etag)

        await http.delete("/box/seg/1")
        assert (await http.get("/box/big")).status_code == 409
        gone = await http.delete("/box/big?multipart-manifest=delete", headers=JSON)
        assert gone.json() == {
            "Response Status": "200 OK",
            "Response Body": "",
            "Number Deleted": 3,
            "Number Not Found": 1,
            "Errors": [],
        }
        assert (await http.get("/box?format=json")).json() == []


async def test_manifests_are_checked_segment_by_segment(fake: FakeCloud) -> None:
    async with wire(fake, "object-store") as http:
        manifest = await put_segments(http, b"A" * 10, b"B" * 10, b"C" * 10)
        manifest[0]["etag"], manifest[1]["size_bytes"], manifest[2]["path"] = "0" * 32, 3, "/box/none"
        wrong = await http.put("/box/big?multipart-manifest=put", content=json.dumps(manifest), headers=JSON)
        assert wrong.status_code == 400
        assert wrong.json()["Errors"] == [
            ["/box/seg/0", "Etag Mismatch"],
            ["/box/seg/1", "Size Mismatch"],
            ["/box/none", "404 Not Found"],
        ]
        assert (await http.head("/box/big")).status_code == 404
        nonsense = await http.put("/box/big?multipart-manifest=put", content="xx")
        assert (nonsense.status_code, nonsense.text) == (400, "Manifest must be valid JSON.\n")
        fake.cloud().region().swift.max_manifest_segments = 2
        many = await http.put("/box/big?multipart-manifest=put", content=json.dumps(manifest))
        assert many.status_code == 413


async def test_segments_may_be_ranges_and_large_objects_themselves(fake: FakeCloud) -> None:
    async with wire(fake, "object-store") as http:
        manifest = await put_segments(http, b"0123456789", b"abcdefghij")
        await http.put("/box/inner?multipart-manifest=put", content=json.dumps(manifest))
        outer = [{"path": "/box/inner", "range": "8-11"}, {"path": "/box/seg/0", "range": "-2"}]
        made = await http.put("/box/outer?multipart-manifest=put", content=json.dumps(outer))
        assert made.status_code == 201
        assert (await http.get("/box/outer")).content == b"89ab89"
        assert (await http.get("/box/outer", headers={"range": "bytes=3-4"})).content == b"b8"
        copied = await http.request("COPY", "/box/outer", headers={"destination": "box/flat"})
        assert copied.headers["etag"] == md5(b"89ab89"), "a copy of a large object is a plain one"


async def test_dynamic_large_objects(fake: FakeCloud) -> None:
    async with wire(fake, "object-store") as http:
        manifest = await put_segments(http, b"AAAA", b"BBBB")
        await http.put("/box/big", content=b"", headers={"x-object-manifest": "box/seg/"})
        got = await http.get("/box/big")
        assert got.content == b"AAAABBBB"
        assert got.headers["etag"] == '"' + md5("".join(one["etag"] for one in manifest).encode()) + '"'
        await http.put("/box/seg/2", content=b"CC")
        assert (await http.head("/box/big")).headers["content-length"] == "10"


async def test_symbolic_links_lead_on(fake: FakeCloud) -> None:
    async with wire(fake, "object-store") as http:
        await http.put("/box")
        await http.put("/box/a", content=b"data")
        await http.put("/box/link", content=b"", headers={"x-symlink-target": "box/a"})
        got = await http.get("/box/link")
        assert (got.content, got.headers["content-location"].endswith("/box/a")) == (b"data", True)
        itself = await http.get("/box/link?symlink=get")
        assert (itself.content, itself.headers["x-symlink-target"]) == (b"", "box/a")
        for name, target in (("here", "there"), ("there", "here")):
            await http.put(f"/box/{name}", content=b"", headers={"x-symlink-target": f"box/{target}"})
        assert (await http.get("/box/here")).status_code == 409
        itself = await http.put("/box/self", content=b"", headers={"x-symlink-target": "box/self"})
        assert (itself.status_code, itself.text) == (400, "Symlink cannot target itself")


async def test_a_link_gets_new_metadata_and_says_where_it_should_go(fake: FakeCloud) -> None:
    async with wire(fake, "object-store") as http:
        await http.put("/box")
        await http.put("/box/a", content=b"data")
        await http.put("/box/link", content=b"", headers={"x-symlink-target": "box/a"})
        told = await http.post("/box/link", headers={"x-object-meta-new": "1"})
        assert (told.status_code, told.headers["location"].endswith("/box/a")) == (307, True)
        assert (await http.head("/box/link?symlink=get")).headers["x-object-meta-new"] == "1"
        assert "x-object-meta-new" not in (await http.head("/box/a")).headers
        assert (await http.post("/box/a", headers={"x-symlink-target": "box/b"})).status_code == 400


async def test_a_static_link_leads_to_what_it_was_made_for(fake: FakeCloud) -> None:
    async with wire(fake, "object-store") as http:
        await http.put("/box")
        await http.put("/box/a", content=b"data")
        link = {"x-symlink-target": "box/a", "x-symlink-target-etag": md5(b"data")}
        assert (await http.put("/box/link", content=b"", headers=link)).status_code == 201
        wrong = {**link, "x-symlink-target-etag": md5(b"other")}
        assert (await http.put("/box/wrong", content=b"", headers=wrong)).status_code == 409
        await http.put("/box/a", content=b"other")
        assert (await http.get("/box/link")).status_code == 409
        await http.delete("/box/a")
        gone = await http.get("/box/link")
        assert (gone.status_code, gone.headers["content-location"].endswith("/box/a")) == (404, True)
        assert (await http.put("/box/link", content=b"", headers=link)).text == "X-Symlink-Target does not exist"


async def test_a_container_keeps_versions_and_shows_objects_as_links_to_them(fake: FakeCloud) -> None:
    async with wire(fake, "object-store") as http:
        await http.put("/box", headers={"x-versions-enabled": "true"})
        for text in (b"one", b"two"):
            await http.put("/box/a", content=text)
        await http.put("/box/b", content=b"b")
        rows = (await http.get("/box", params={"format": "json", "versions": ""})).json()
        assert [(row["name"], row["is_latest"]) for row in rows] == [("a", True), ("a", False), ("b", True)]
        new, old = (row["version_id"] for row in rows[:2])
        head = await http.head("/box/a")
        assert head.headers["x-object-version-id"] == new
        assert head.headers["content-location"].endswith(f"/box/a?version-id={new}")
        assert (await http.head("/box/a?symlink=get")).headers["x-symlink-target"] == f"box/a?version-id={new}"
        assert (await http.get("/box/a", params={"version-id": old})).content == b"one"
        page = {"format": "json", "versions": "", "limit": "1", "marker": "a"}
        assert (await http.get("/box", params=page)).json()[0]["name"] == "b"
        assert (await http.get("/box", params={**page, "version_marker": new})).json()[0]["version_id"] == old
        assert (await http.delete("/box/a")).status_code == 204
        assert (await http.get("/box/a")).status_code == 404
        assert (await http.delete("/box/a", params={"version-id": old})).status_code == 204
        assert (await http.get("/box/a", params={"version-id": new})).content == b"two"
        await http.delete("/box/b")
        assert (await http.delete("/box")).text == "Delete all versions before deleting container."


async def test_many_objects_in_one_request(fake: FakeCloud) -> None:
    async with wire(fake, "object-store") as http:
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w:gz") as tar:
            for name in ("one", "dir/two"):
                member = tarfile.TarInfo(name)
                member.size = 3
                tar.addfile(member, io.BytesIO(b"abc"))
        unpacked = await http.put("/box/up?extract-archive=tar.gz", content=archive.getvalue(), headers=JSON)
        assert (unpacked.json()["Response Status"], unpacked.json()["Number Files Created"]) == ("201 Created", 2)
        assert (await http.get("/box/up/dir/two")).content == b"abc"
        junk = await http.put("/box/up?extract-archive=tar", content=b"junk", headers=JSON)
        assert junk.json()["Response Status"] == "400 Bad Request"
        paths = "box/up/one\nbox/up/dir%2Ftwo\nbox/none\nbox\n"
        gone = await http.post("?bulk-delete", content=paths, headers={**JSON, "content-type": "text/plain"})
        assert (gone.json()["Number Deleted"], gone.json()["Number Not Found"]) == (3, 1)
        assert (await http.head("/box")).status_code == 404


async def test_signed_urls_let_strangers_in_until_they_expire(fake: FakeCloud) -> None:
    async with wire(fake, "object-store") as http:
        await http.post("", headers={"x-account-meta-temp-url-key": "secret"})
        await http.put("/box")
        await http.put("/box/a", content=b"data")
        path = urlsplit(str(http.base_url)).path.rstrip("/") + "/box/a"
        now = int(fake.clock.now())

        def signed(method: str, expires: int) -> str:
            words = f"{method}\n{expires}\n{path}".encode()
            signature = hmac.new(b"secret", words, "sha256").hexdigest()
            return f"/box/a?temp_url_sig={signature}&temp_url_expires={expires}"

        del http.headers["x-auth-token"]
        assert (await http.get(signed("GET", now + 100))).content == b"data"
        assert (await http.head(signed("GET", now + 100))).status_code == 200
        assert (await http.get(signed("GET", now - 1))).status_code == 401
        assert (await http.get(signed("PUT", now + 100))).status_code == 401
        assert (await http.put(signed("PUT", now + 100), content=b"new")).status_code == 201
        link = await http.put(signed("PUT", now + 100), content=b"", headers={"x-symlink-target": "box/secret"})
        assert (link.status_code, "X-Symlink-Target" in link.text) == (400, True)
        given = (await http.get(signed("GET", now + 100))).headers
        assert given["content-disposition"] == "attachment; filename=\"a\"; filename*=UTF-8''a"
        assert "expires" in given


async def test_public_containers_are_read_by_anybody_and_written_by_nobody_else(fake: FakeCloud) -> None:
    async with wire(fake, "object-store") as http:
        await http.put("/box", headers={"x-container-read": ".r:*,.rlistings"})
        await http.put("/box/a", content=b"data")
        del http.headers["x-auth-token"]
        assert (await http.get("/box/a")).content == b"data"
        assert (await http.get("/box")).text == "a\n"
        assert (await http.put("/box/a", content=b"")).status_code == 401
        assert (await http.get("")).status_code == 401


async def test_access_lists_and_quotas_are_checked_when_they_are_set(fake: FakeCloud) -> None:
    async with wire(fake, "object-store") as http:
        await http.put("/box", headers={"x-container-read": ".referrer:*.example.com , .rlistings,a:b"})
        assert (await http.head("/box")).headers["x-container-read"] == ".r:.example.com,.rlistings,a:b"
        for wrong in (
            {"x-container-read": ".r:"},
            {"x-container-write": ".r:*"},
            {"x-container-read": ".foo:*"},
            {"x-container-meta-quota-bytes": "much"},
            {f"x-container-meta-k{at}": "x" * 250 for at in range(20)},
        ):
            assert (await http.post("/box", headers=wrong)).status_code == 400
        assert (await http.put("/other", headers={"x-storage-policy": "gold"})).status_code == 400
        assert (await http.post("", headers={"x-account-meta-quota-bytes": "1"})).status_code == 403
        await http.put("/box/a", content=b"data")
        del http.headers["x-auth-token"]
        assert (await http.get("/box/a")).status_code == 401
        assert (await http.get("/box/a", headers={"referer": "http://www.example.com/x"})).content == b"data"
        assert (await http.get("/box/a", headers={"referer": "http://example.org/"})).status_code == 401


async def test_an_account_has_a_quota_that_its_reseller_sets(fake: FakeCloud) -> None:
    async with wire(fake, "object-store", admin=True) as admin, wire(fake, "object-store") as http:
        await http.put("/box")
        await admin.post(str(http.base_url), headers={"x-account-meta-quota-bytes": "5"})
        assert (await http.put("/box/a", content=b"12345")).status_code == 201
        more = await http.put("/box/b", content=b"6")
        assert (more.status_code, more.text) == (413, "Upload exceeds quota.")


async def test_a_site_lists_its_folders(fake: FakeCloud) -> None:
    async with wire(fake, "object-store") as http:
        public = {"x-container-read": ".r:*,.rlistings", "x-container-meta-web-listings": "true"}
        await http.put("/box", headers={**public, "x-container-meta-web-error": "error.html"})
        for name in ("sub/a.txt", "sub/deep/b", "401error.html", "404error.html"):
            await http.put(f"/box/{name}", content=name.encode())
        token = http.headers.pop("x-auth-token")
        page = await http.get("/box/")
        assert (page.status_code, '<a href="./sub/">sub/</a>' in page.text) == (200, True)
        assert '<a href="./a.txt">a.txt</a>' in (await http.get("/box/sub/")).text
        assert (await http.get("/box/sub")).headers["location"].endswith("/box/sub/")
        nothing = await http.get("/box/none/")
        assert (nothing.status_code, nothing.text) == (404, "404error.html")
        await http.post("/box", headers={"x-auth-token": token, "x-container-read": ".r:*"})
        refused = await http.get("/box/")
        assert (refused.status_code, refused.text) == (401, "401error.html")


async def test_objects_vanish_when_their_time_comes(fake: FakeCloud) -> None:
    async with wire(fake, "object-store") as http:
        await http.put("/box")
        past = await http.put("/box/a", content=b"", headers={"x-delete-at": "1000"})
        assert (past.status_code, past.text) == (400, "X-Delete-At in past")
        await http.put("/box/a", content=b"", headers={"x-delete-after": "100"})
        obj = fake.cloud().region().swift.containers["box"].objects["a"]
        obj.headers["x-delete-at"] = str(int(fake.clock.now()) - 1)
        assert (await http.get("/box/a")).status_code == 404


async def test_older_versions_are_kept_where_the_container_wants_them(fake: FakeCloud) -> None:
    async with wire(fake, "object-store") as http:
        await http.put("/old")
        await http.put("/box", headers={"x-versions-location": "old"})
        await http.put("/box/a", content=b"first")
        await http.put("/box/a", content=b"second")
        assert (await http.head("/old")).headers["x-container-object-count"] == "1"
        await http.delete("/box/a")
        assert (await http.get("/box/a")).content == b"first"


async def test_a_history_tells_of_deletions_too(fake: FakeCloud) -> None:
    async with wire(fake, "object-store") as http:
        await http.put("/old")
        await http.put("/box", headers={"x-history-location": "old"})
        both = {"x-history-location": "old", "x-versions-location": "old"}
        assert (await http.post("/box", headers=both)).status_code == 400
        assert (await http.post("/box", headers={"x-history-location": "o/ld"})).status_code == 412
        await http.put("/box/a", content=b"data")
        assert [(await http.delete("/box/a")).status_code for _ in range(2)] == [204, 404]
        kept = (await http.get("/old", params={"format": "json"})).json()
        assert [row["bytes"] for row in kept] == [4, 0, 0]
        assert kept[-1]["content_type"] == "application/x-deleted;swift_versions_deleted=1"


async def test_a_sink_keeps_hashes_only(fake: FakeCloud) -> None:
    async with wire(fake, "object-store") as http:
        swift = fake.cloud().region().swift
        swift.discard = True
        await http.put("/box")
        made = await http.put("/box/a", content=b"data")
        assert made.headers["etag"] == md5(b"data")
        assert swift.containers["box"].objects["a"].blob.pieces == []
        assert (await http.get("/box/a")).content == bytes(4)
