"""What Swift has besides content: settings, listings, bulk, copies, links, versions, addresses without a login, conditions."""

from __future__ import annotations

import io
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import anyio
import pytest

import aiocloud
from aiocloud import Cloud
from aiocloud._http import httpx
from tests.conformance.target import Target, needs

pytestmark = pytest.mark.anyio

ODD = (
    "plain",
    "größe 1.txt",
    "a b/c?d#e%20f",
    "100%",
    "semi;colon,comma",
    "quo\"te'",
    "дир/файл",
    "+plus+",
    "a\\b",
    "~t:l[d]e",
)


@asynccontextmanager
async def opened(target: Target, *boxes: str) -> AsyncIterator[Cloud]:
    """The cloud with these containers made, and gone with all that is in them afterwards."""
    async with target.connect() as cloud:
        await needs(cloud, "object-store")
        try:
            for box in boxes:
                await cloud.create_container(box)
            yield cloud
        finally:
            with anyio.CancelScope(shield=True):
                for container in await cloud.list_containers(prefix=target.prefix):
                    for item in await cloud.list_objects(container):
                        await cloud.object_store.objects(container).delete(item)
                    await cloud.delete_container(container)


def anybody(target: Target) -> httpx.AsyncClient:
    """A client without a login."""
    transport = target.options.get("transport")
    return httpx.AsyncClient(transport=transport, timeout=30)


async def test_names_are_kept_as_they_are(target: Target) -> None:
    box = target.prefix
    async with opened(target, box) as cloud:
        for name in ODD:
            await cloud.create_object(box, name, data=name, metadata={"Said": "ja, größer"})
        assert sorted(item.name for item in await cloud.list_objects(box)) == sorted(ODD)
        for name in ODD:
            assert await cloud.get_object(box, name) == name.encode()
            found = await cloud.get_object_metadata(box, name)
            assert found is not None and found.metadata["said"] == "ja, größer"
        await cloud.delete_objects(box, [*ODD, "never there"])
        assert await cloud.list_objects(box) == []


async def test_listings_by_prefix_delimiter_and_page(target: Target) -> None:
    box = target.prefix
    names = ["a/1", "a/2", "a/b/3", "c", "ä/4"]
    async with opened(target, box) as cloud:
        for name in names:
            await cloud.create_object(box, name, data=name)
        objects = cloud.object_store.objects(box)
        assert [item.name for item in await objects.list(prefix="a/")] == ["a/1", "a/2", "a/b/3"]
        top = await objects.list(delimiter="/")
        assert [(item.name, item.subdir) for item in top] == [("a/", "a/"), ("c", None), ("ä/", "ä/")]
        assert [item.name for item in await objects.list(prefix="a/", delimiter="/")] == ["a/1", "a/2", "a/b/"]
        pages = [[item.name for item in page.items] async for page in objects.pages(limit=2)]
        assert [name for page in pages for name in page] == names
        assert [len(page) for page in pages] == [2, 2, 1]
        assert [item.name async for item in objects.stream(reverse=True)] == names[::-1]
        assert [item.name for item in await objects.list(marker="a/2", end_marker="c")] == ["a/b/3"]
        found = await cloud.search_objects(box, "a/*")
        assert [(item.name, item.content_length) for item in found] == [("a/1", 3), ("a/2", 3), ("a/b/3", 5)]


async def test_settings_of_containers_and_objects(target: Target) -> None:
    box = target.prefix
    async with opened(target, box) as cloud:
        containers, objects = cloud.object_store.containers, cloud.object_store.objects(box)
        changed = await containers.update(box, metadata={"Color": "grün", "Size": "1"}, web_index="index.html")
        assert changed.metadata == {"color": "grün", "size": "1", "web-index": "index.html"}
        cleared = await containers.update(box, metadata={"Color": None, "Web-Index": None})
        assert cleared.metadata == {"size": "1"}
        made = await cloud.create_object(
            box, "name", data=b"abc", content_type="text/plain", content_disposition="inline", metadata={"One": "1"}
        )
        assert (made.content_type, made.content_disposition, made.metadata) == ("text/plain", "inline", {"one": "1"})
        updated = await cloud.update_object(box, "name", {"Two": "zwei"})
        assert (updated.content_type, updated.metadata) == ("text/plain", {"two": "zwei"})
        typed = await objects.update("name", {"Two": "2"}, content_type="text/html", content_encoding="x-odd")
        assert (typed.content_type, typed.content_encoding, typed.metadata) == ("text/html", "x-odd", {"two": "2"})
        assert await cloud.get_object(box, "name") == b"abc"
        assert (await cloud.object_store.account.get()).container_count >= 1


async def test_who_may_read(target: Target) -> None:
    box = target.prefix
    async with opened(target, box) as cloud, anybody(target) as nobody:
        await cloud.create_object(box, "name", data=b"x" * 3000, segment_size=1000)
        url = (await cloud.object_store.endpoint.service()).url
        assert (await nobody.get(f"{url}/{box}/name")).status_code == 401
        assert await cloud.get_container_access(box) == "private"
        await cloud.set_container_access(box, "public")
        assert await cloud.get_container_access(box) == "public"
        read = await nobody.get(f"{url}/{box}/name")
        assert (read.status_code, read.content) == (200, b"x" * 3000)
        assert (await nobody.put(f"{url}/{box}/evil", content=b"x")).status_code == 401
        await cloud.set_container_access(box, "private")
        assert (await nobody.get(f"{url}/{box}/name")).status_code == 401


async def test_an_archive_is_unpacked(target: Target) -> None:
    box = target.prefix
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for index in range(12):
            entry = tarfile.TarInfo(f"sub/größe {index}")
            entry.size = index
            archive.addfile(entry, io.BytesIO(b"x" * index))
    async with opened(target, box) as cloud:
        count = await cloud.upload_archive(f"{box}/p", data=packed.getvalue(), kind="tar.gz")
        assert count == 12
        assert await cloud.get_object(box, "p/sub/größe 7") == b"x" * 7
        with pytest.raises(aiocloud.CloudError):
            await cloud.upload_archive(box, data=b"no archive at all")
        names = [item.name for item in await cloud.list_objects(box)]
        await cloud.delete_objects(box, names)
        assert await cloud.list_objects(box) == []


async def test_copies_and_links(target: Target) -> None:
    box, other = target.prefix, f"{target.prefix}-other"
    async with opened(target, box, other) as cloud:
        objects = cloud.object_store.objects(box)
        await cloud.create_object(box, "größe/1", data=b"abc", metadata={"Color": "grün"})
        assert (await objects.copy("größe/1", other, "ä b")).metadata == {"color": "grün"}
        assert (await objects.copy("größe/1", box, "fresh", fresh=True)).metadata == {}
        assert await cloud.get_object(other, "ä b") == b"abc"
        await cloud.create_object(box, "large", data=b"0123456789" * 300, segment_size=1000)
        whole = await objects.copy("large", other, "whole")
        assert (whole.content_length, whole.is_large) == (3000, False)
        manifest = await objects.copy("large", other, "manifest", whole=False)
        assert (manifest.content_length, manifest.is_large) == (3000, True)
        assert await cloud.get_object(other, "manifest") == b"0123456789" * 300
        link = await objects.link("link", other, "ä b")
        assert link.symlink_path == f"{other}/%C3%A4%20b"
        assert await cloud.get_object(box, "link") == b"abc"
        assert await cloud.delete_object(box, "link") is True
        assert await cloud.get_object(other, "ä b") == b"abc"


async def test_conditions(target: Target) -> None:
    box = target.prefix
    async with opened(target, box) as cloud:
        objects = cloud.object_store.objects(box)
        etag = (await cloud.create_object(box, "name", data=b"abc")).etag
        with pytest.raises(aiocloud.PreconditionFailed):
            await objects.put("name", b"other", headers={"If-None-Match": "*"})
        with pytest.raises(aiocloud.PreconditionFailed):
            async with objects.open("name", headers={"If-Match": '"0"'}):
                pass
        async with objects.open("name", headers={"If-None-Match": f'"{etag}"'}) as answer:
            assert answer.status_code == 304
        async with objects.open("name", headers={"Range": "bytes=1-"}) as answer:
            assert (answer.status_code, await answer.aread()) == (206, b"bc")
        with pytest.raises(aiocloud.HTTPError) as damaged:
            await objects.put("name", b"other", headers={"ETag": "0" * 32})
        assert damaged.value.status_code == 422
        assert await cloud.get_object(box, "name") == b"abc"


async def test_a_dynamic_large_object(target: Target, tmp_path: Path) -> None:
    box, content = target.prefix, b"0123456789" * 250
    async with opened(target, box) as cloud:
        made = await cloud.create_object(box, "größe/d", data=content, segment_size=1000, use_slo=False)
        assert (made.content_length, made.is_static_large_object) == (2500, False)
        assert made.object_manifest is not None
        assert await cloud.get_object(box, "größe/d") == content
        await cloud.get_object(box, "größe/d", outfile=tmp_path / "copy")
        assert (tmp_path / "copy").read_bytes() == content
        kept = await cloud.update_object(box, "größe/d", {"Color": "red"})
        assert (kept.content_length, kept.metadata) == (2500, {"color": "red"})
        assert await cloud.delete_object(box, "größe/d") is True
        assert [await cloud.list_objects(each) for each in await cloud.list_containers(prefix=box)] == [[]]


async def test_an_object_expires(target: Target) -> None:
    box = target.prefix
    async with opened(target, box) as cloud:
        made = await cloud.create_object(box, "short", data=b"x", delete_after=2)
        assert made.delete_at is not None
        with anyio.fail_after(20):
            while await cloud.get_object_metadata(box, "short") is not None:  # noqa: ASYNC110
                await anyio.sleep(0.5)
        with pytest.raises(aiocloud.NotFound):
            await cloud.get_object(box, "short")
        # It may be listed for hours, and be in the way of its container's removal.
        assert await cloud.delete_object(box, "short") is False
        assert await cloud.list_objects(box) == []
        assert await cloud.delete_container(box) is True


async def test_quotas_refuse_what_is_too_much(target: Target) -> None:
    box = target.prefix
    async with opened(target, box) as cloud:
        await cloud.object_store.containers.update(box, quota_bytes=10)
        with pytest.raises(aiocloud.TooLarge):
            await cloud.create_object(box, "much", data=b"x" * 11)
        await cloud.object_store.containers.update(box, metadata={"Quota-Bytes": None})
        await cloud.create_object(box, "much", data=b"x" * 11)


async def test_older_versions_are_kept(target: Target) -> None:
    box, old = target.prefix, f"{target.prefix}-old"
    async with opened(target, box, old) as cloud:
        changed = await cloud.object_store.containers.update(box, versions_location=old)
        assert changed.versions_location == old
        for text in (b"one", b"two", b"three"):
            await cloud.create_object(box, "name", data=text)
        assert len(await cloud.list_objects(old)) == 2
        for text in (b"three", b"two", b"one"):
            assert await cloud.get_object(box, "name") == text
            assert await cloud.delete_object(box, "name") is True
        assert await cloud.delete_object(box, "name") is False
        await cloud.object_store.containers.update(box, versions_location="")
        assert (await cloud.object_store.containers.get(box)).versions_location is None


async def test_versions_that_the_container_itself_keeps(target: Target) -> None:
    box, content = target.prefix, b"0123456789" * 300
    async with target.connect() as cloud:
        await needs(cloud, "object-store")
        containers, objects = cloud.object_store.containers, cloud.object_store.objects(box)
        assert (await containers.create(name=box, versions_enabled=True)).versions_enabled is True
        try:
            for text in (b"one", b"two", b"two"):
                await cloud.create_object(box, "name", data=text)
            await cloud.create_object(box, "large", data=content, segment_size=1000)
            itself = await objects.itself("name")
            assert itself is not None
            assert (itself.symlink_path, itself.content_length) == (None, 3)
            await objects.link("link", box, "name")
            assert (await objects.update("link", {"color": "red"})).metadata == {"color": "red"}
            assert (await objects.get("name")).metadata == {"color": "red"}
            large = await objects.get("large")
            await containers.update(box, versions_enabled=False)
            assert await cloud.delete_object(box, "large") is True
            async with objects.open("large", params={"version-id": large.version_id}) as answer:
                assert await answer.aread() == content
            listed = [(each.name, each.version_id) async for each in objects.stream(versions="", limit=1)]
            assert listed == [(each.name, each.version_id) for each in await objects.list(versions="")]
            assert [name for name, _ in listed if name == "name"] == ["name", "name"]
            for each in await cloud.list_objects(box):
                await cloud.delete_object(box, each.name)
            with pytest.raises(aiocloud.Conflict, match="all versions"):
                await cloud.delete_container(box)
        finally:
            with anyio.CancelScope(shield=True):
                for each in await objects.list(versions=""):
                    await objects.delete(each.name, version_id=each.version_id)
                segments = f"{box}_segments"
                await cloud.delete_objects(segments, [each.name for each in await cloud.list_objects(segments)])
                await cloud.delete_container(box)


async def test_links_that_lead_nowhere_say_so(target: Target) -> None:
    box = target.prefix
    async with opened(target, box) as cloud:
        objects = cloud.object_store.objects(box)
        made = await cloud.create_object(box, "name", data=b"abc")
        static = await objects.link("static", box, "name", etag=made.etag)
        assert static.symlink_path == f"{box}/name"
        with pytest.raises(aiocloud.Conflict, match="does not match"):
            await objects.link("wrong", box, "name", etag="0" * 32)
        await cloud.create_object(box, "name", data=b"other")
        with pytest.raises(aiocloud.Conflict, match="'static' in .* is a link to .*/name"):
            await objects.get("static")
        await objects.delete("name")
        with pytest.raises(aiocloud.NotFound, match="'static' in .* is a link to .*/name, which is not there"):
            await cloud.get_object(box, "static")
        with pytest.raises(aiocloud.NotFound, match=f"no object 'name' .*, or no container '{box}'"):
            await objects.copy("name", box, "copy")
        with pytest.raises(aiocloud.PreconditionFailed, match="an object 'static' .* already"):
            await objects.put("static", b"x", headers={"If-None-Match": "*"})


async def test_addresses_without_a_login(target: Target) -> None:
    box, name = target.prefix, "a b/größe?#%.txt"
    async with opened(target, box) as cloud, anybody(target) as nobody:
        await cloud.create_object(box, name, data=b"hello")
        await cloud.set_temp_url_key(box, "secret")
        url = await cloud.generate_temp_url(box, name, 60)
        assert (await nobody.get(url)).content == b"hello"
        assert (await nobody.head(url)).status_code == 200
        assert (await nobody.put(url, content=b"evil")).status_code == 401
        assert (await nobody.get(url.replace("temp_url_sig=", "temp_url_sig=0"))).status_code == 401
        up = await cloud.generate_temp_url(box, "up", 60, "PUT")
        assert (await nobody.put(up, content=b"up")).status_code == 201
        assert await cloud.get_object(box, "up") == b"up"
        below = await cloud.generate_temp_url(box, "a b/", 60, prefix=True)
        there = await nobody.get(below.replace("/a%20b/?", "/a%20b/gr%C3%B6%C3%9Fe%3F%23%25.txt?"))
        assert there.status_code == 200
        shown = await nobody.get(await cloud.generate_temp_url(box, "up", 60, filename="x.txt", inline=True))
        assert shown.headers["content-disposition"].startswith('inline; filename="x.txt"')
        for ip_range, status in (("127.0.0.0/8", 200), ("192.0.2.0/24", 401)):
            near = await cloud.generate_temp_url(box, "up", 60, ip_range=ip_range)
            if urlsplit(near).hostname in ("127.0.0.1", "fake.test"):
                assert (await nobody.get(near)).status_code == status
        brief = await cloud.generate_temp_url(box, "up", 1)
        await anyio.sleep(2.1)
        assert (await nobody.get(brief)).status_code == 401


async def test_a_form_uploads_files_without_a_login(target: Target) -> None:
    box = target.prefix
    async with opened(target, box) as cloud, anybody(target) as nobody:
        await cloud.set_temp_url_key(box)
        try:
            form = await cloud.generate_form_signature(box, "a b/ü", "", 1000, 2, 60)
        except aiocloud.Unsupported:
            pytest.skip(f"{cloud.name} takes no forms")
        fields = {"redirect": "", "max_file_size": "1000", "max_file_count": "2", "expires": str(form.expires)}
        for signature, status in (("0" * len(form.signature), 401), (form.signature, 201)):
            sent = {**fields, "signature": signature}
            answer = await nobody.post(form.url, data=sent, files={"file": ("name", b"content")})
            assert answer.status_code == status
        assert await cloud.get_object(box, "a b/üname") == b"content"


async def test_a_container_is_a_web_site(target: Target) -> None:
    box = target.prefix
    async with opened(target, box) as cloud, anybody(target) as nobody:
        url = f"{(await cloud.object_store.endpoint.service()).url}/{box}"
        for name in ("index.html", "sub/index.html", "404error.html", "401error.html"):
            await cloud.create_object(box, name, data=f"<p>{name}", content_type="text/html")
        pages = {
            "/": (200, "index.html"),
            "/sub/": (200, "sub/index.html"),
            "/index.html": (200, "index.html"),
            "/nothing": (404, "404error.html"),
        }
        containers = cloud.object_store.containers
        await containers.update(box, read_acl=".r:*,.rlistings", web_index="index.html", web_error="error.html")
        for path, (status, page) in pages.items():
            answer = await nobody.get(f"{url}{path}")
            assert (path, answer.status_code, answer.text) == (path, status, f"<p>{page}")
        for path in ("", "/sub"):
            moved = await nobody.get(f"{url}{path}")
            assert (moved.status_code, moved.headers["location"]) == (301, f"{url}{path}/")
        # Who is known gets listings; without `.rlistings` nobody sees a folder's page.
        assert len(await cloud.list_objects(box)) == 4
        await containers.update(box, read_acl=".r:*")
        assert (await nobody.get(f"{url}/")).status_code == 401
        assert (await nobody.get(f"{url}/index.html")).status_code == 200


async def test_a_folder_and_a_container_are_made_alike(target: Target, tmp_path: Path) -> None:
    box, folder, copy = target.prefix, tmp_path / "here", tmp_path / "copy"
    (folder / "sub").mkdir(parents=True)
    for index in range(4):
        (folder / "sub" / f"größe {index}").write_bytes(bytes([index]) * index * 900)
    async with opened(target, box) as cloud:
        planned = await cloud.sync_objects(folder, box, prefix="p/", dry_run=True)
        assert [step.do for step in planned.steps] == ["upload"] * 4
        done = await cloud.sync_objects(folder, box, prefix="p/", segment_size=1000)
        assert (len(done.steps), done.failed) == (4, ())
        assert (await cloud.sync_objects(folder, box, prefix="p/")).alike == 4
        back = await cloud.sync_objects(copy, box, prefix="p/", way="down")
        assert (len(back.steps), back.failed) == (4, ())
        for path in (folder / "sub").iterdir():
            assert (copy / "sub" / path.name).read_bytes() == path.read_bytes()
        (folder / "sub" / "größe 1").unlink()
        gone = await cloud.sync_objects(folder, box, prefix="p/", delete=True)
        assert [step.do for step in gone.steps] == ["delete object"]
        left = [item.name for item in await cloud.list_objects(box)]
        assert left == ["p/sub/größe 0", "p/sub/größe 2", "p/sub/größe 3"]


async def test_an_upload_that_broke_off_sends_only_what_is_missing(target: Target, tmp_path: Path) -> None:
    box, path = target.prefix, tmp_path / "file"
    path.write_bytes(bytes(range(256)) * 40)
    async with opened(target, box) as cloud:
        sent: list[int] = []

        def stop(progress: aiocloud.Progress) -> None:
            sent.append(progress.done)
            if progress.done > 9000:  # eight are under way at once: when the tenth is read, two have arrived
                raise InterruptedError

        with pytest.raises(InterruptedError):
            await cloud.create_object(box, "name", path, segment_size=1000, keep_segments=True, progress=stop)
        there = {item.name: item.last_modified for item in await cloud.list_objects(f"{box}_segments")}
        await cloud.create_object(box, "name", path, segment_size=1000)
        now = {item.name: item.last_modified for item in await cloud.list_objects(f"{box}_segments")}
        assert len(now) == 11
        assert there
        assert there.items() <= now.items()
        assert await cloud.get_object(box, "name") == path.read_bytes()
