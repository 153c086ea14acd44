"""Single requests to Swift: what they set is there, and what they refuse is a typed error."""

from __future__ import annotations

import hmac
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

import aiocloud
from aiocloud import Cloud
from aiocloud._http import httpx
from aiocloud.tasks.links import sign_form, sign_url
from aiocloud.testing import FakeCloud, Fault
from tests.transport.helper import virtual

pytestmark = pytest.mark.anyio


def to(fake: FakeCloud, config: Path) -> Cloud:
    return aiocloud.connect("fake", config_files=[config], transport=fake.transport)


async def test_a_temporary_url_works_without_a_login_for_what_it_was_made_for(
    fake: FakeCloud, clouds_yaml: Path
) -> None:
    name = "a b/größe?#%.txt"
    async with to(fake, clouds_yaml) as cloud, httpx.AsyncClient(transport=fake.transport) as anybody:
        await cloud.create_object("box", name, data=b"hello")
        with pytest.raises(aiocloud.InvalidRequest, match="set_temp_url_key"):
            await cloud.generate_temp_url("box", name, 60)
        await cloud.set_temp_url_key("box", "secret")
        url = await cloud.generate_temp_url("box", name, 60)
        assert (await anybody.get(url)).content == b"hello"
        assert (await anybody.put(url, content=b"evil")).status_code == 401
        assert (await anybody.get(url.replace("temp_url_sig=", "temp_url_sig=0"))).status_code == 401
        assert (await anybody.get(url.replace(".txt?", ".exe?"))).status_code == 401
        up = await cloud.generate_temp_url("box", "up", 60, "PUT")
        assert (await anybody.put(up, content=b"up")).status_code == 201
        assert await cloud.get_object("box", "up") == b"up"
        prefixed = await cloud.generate_temp_url("box", "a b/", 60, prefix=True)
        assert (
            await anybody.get(prefixed.replace("/a%20b/?", "/a%20b/gr%C3%B6%C3%9Fe%3F%23%25.txt?"))
        ).status_code == 200
        shown = await anybody.get(await cloud.generate_temp_url("box", "up", 60, filename="x.txt", inline=True))
        assert shown.headers["content-disposition"].startswith('inline; filename="x.txt"')
        assert (await anybody.get(url.partition("?")[0])).status_code == 401


async def test_a_temporary_url_that_could_not_work_is_not_made(fake: FakeCloud, clouds_yaml: Path) -> None:
    async with to(fake, clouds_yaml) as cloud, httpx.AsyncClient(transport=fake.transport) as anybody:
        await cloud.create_object("box", "name", data=b"hello")
        await cloud.set_temp_url_key("box")
        for method in ("PATCH", ""):
            with pytest.raises(aiocloud.InvalidRequest, match=f"GET, HEAD, PUT, POST, DELETE, not '{method}'"):
                await cloud.generate_temp_url("box", "name", 60, method)
        with pytest.raises(aiocloud.InvalidRequest, match="an empty name"):
            await cloud.generate_temp_url("box", "", 60)
        with pytest.raises(aiocloud.InvalidRequest, match="ip_range is an address or a network, not 'here'"):
            await cloud.generate_temp_url("box", "name", 60, ip_range="here")
        every = await cloud.generate_temp_url("box", "", 60, prefix=True)
        assert (await anybody.get(every.replace("/box/?", "/box/name?"))).content == b"hello"


async def test_a_temporary_url_may_be_for_some_addresses_only(fake: FakeCloud, clouds_yaml: Path) -> None:
    async with to(fake, clouds_yaml) as cloud, httpx.AsyncClient(transport=fake.transport) as anybody:
        await cloud.create_object("box", "name", data=b"hello")
        await cloud.set_temp_url_key("box")
        for ip_range, status in (("127.0.0.0/8", 200), ("127.0.0.1", 200), ("192.0.2.0/24", 401)):
            url = await cloud.generate_temp_url("box", "name", 60, ip_range=ip_range)
            assert (await anybody.get(url)).status_code == status
        url = await cloud.generate_temp_url("box", "name", 60, ip_range="192.0.2.0/24")
        widened = url.replace("192.0.2.0%2F24", "0.0.0.0%2F0")
        assert (widened != url, (await anybody.get(widened)).status_code) == (True, 401)


def test_signatures_are_what_swift_computes() -> None:
    """https://docs.openstack.org/swift/latest/api/temporary_url_middleware.html and form_post_middleware.html"""
    text = b"GET\n1400003600\n/v1/AUTH_account/container/object"
    assert (
        sign_url("mykey", "/v1/AUTH_account/container/object", 1400003600)
        == hmac.new(b"mykey", text, "sha256").hexdigest()
    )
    form = b"/v1/AUTH_account/container/object_prefix\nhttps://example.com/done\n104857600\n10\n1400003600"
    signed = sign_form(
        "mykey", "/v1/AUTH_account/container/object_prefix", "https://example.com/done", 104857600, 10, 1400003600
    )
    assert signed == hmac.new(b"mykey", form, "sha256").hexdigest()


async def test_a_form_is_signed_for_its_url(fake: FakeCloud, clouds_yaml: Path) -> None:
    async with to(fake, clouds_yaml) as cloud:
        await cloud.create_container("box")
        form = await cloud.generate_form_signature(
            "box", "up/", "https://example.org/", 1000, 2, 60, temp_url_key="key"
        )
        path = urlsplit(form.url).path
        path = path[path.index("/v1/") :]
        text = f"{path}\nhttps://example.org/\n1000\n2\n{form.expires}".encode()
        assert form.signature == hmac.new(b"key", text, "sha256").hexdigest()
        assert not parse_qs(urlsplit(form.url).query)


async def test_a_signed_form_uploads_files(fake: FakeCloud, clouds_yaml: Path) -> None:
    async with to(fake, clouds_yaml) as cloud, httpx.AsyncClient(transport=fake.transport) as anybody:
        await cloud.create_container("box")
        await cloud.set_temp_url_key("box")

        async def send(size: int, redirect: str = "", **more: str) -> httpx.Response:
            form = await cloud.generate_form_signature("box", "up/ü", redirect, size, 2, 60)
            limits = {"redirect": redirect, "max_file_size": "5", "max_file_count": "2"}
            fields = {**limits, "expires": str(form.expires), "signature": form.signature, **more}
            files = [(f"file{at}", (name, b"12345", "text/x")) for at, name in enumerate(("a.txt", "größe"))]
            return await anybody.post(form.url, data=fields, files=files)

        assert (await send(5)).status_code == 201
        assert await cloud.get_object("box", "up/üa.txt") == b"12345"
        assert [(each.name, each.content_type) for each in await cloud.list_objects("box")] == [
            ("up/üa.txt", "text/x"),
            ("up/ügröße", "text/x"),
        ]
        moved = await send(5, "https://example.com/?a=b")
        assert (moved.status_code, moved.headers["location"]) == (303, "https://example.com/?a=b&status=201&message=")
        for refused, status in ((await send(6), 401), (await send(5, expires="1"), 401), (await send(4), 401)):
            assert refused.status_code == status


async def test_what_swift_does_not_offer_is_not_signed(fake: FakeCloud, clouds_yaml: Path) -> None:
    info = {"swift": {"version": "2.38.0"}, "slo": {}}
    fake.fault(Fault(method="GET", path="*/info", status=200, body=info, times=None))
    async with to(fake, clouds_yaml) as cloud:
        await cloud.create_container("box")
        with pytest.raises(aiocloud.Unsupported, match="fake.*no temporary URLs .* /info has no tempurl"):
            await cloud.generate_temp_url("box", "name", 60, key="key")
        with pytest.raises(aiocloud.Unsupported, match="fake.*no forms .* /info has no formpost"):
            await cloud.generate_form_signature("box", "up/", "", 1000, 2, 60, temp_url_key="key")


async def test_conditions_copies_links_and_settings(fake: FakeCloud, clouds_yaml: Path) -> None:
    async with to(fake, clouds_yaml) as cloud:
        await cloud.create_object("box", "name", data=b"abc", metadata={"Color": "grün"})
        box = cloud.object_store.objects("box")
        etag = (await box.get("name")).etag
        with pytest.raises(aiocloud.PreconditionFailed):
            await box.put("name", b"other", headers={"If-None-Match": "*"})
        with pytest.raises(aiocloud.PreconditionFailed):
            async with box.open("name", headers={"If-Match": '"0"'}):
                pass
        async with box.open("name", headers={"If-None-Match": f'"{etag}"'}) as answer:
            assert answer.status_code == 304
        assert (await box.copy("name", "box", "copy")).metadata == {"color": "grün"}
        assert (await box.copy("name", "box", "fresh", fresh=True)).metadata == {}
        assert (await box.link("link", "box", "name")).symlink_path == "box/name"
        assert await cloud.get_object("box", "link") == b"abc"
        containers = cloud.object_store.containers
        changed = await containers.update("box", web_index="index.html", quota_count=4, metadata={"Owner": "me"})
        assert changed.metadata == {"web-index": "index.html", "quota-count": "4", "owner": "me"}
        with pytest.raises(aiocloud.TooLarge):
            await cloud.create_object("box", "fifth", data=b"x")
        cleared = await containers.update("box", metadata={"Owner": None, "Quota-Count": None})
        assert cleared.metadata == {"web-index": "index.html"}
        account = await cloud.object_store.account.update({"color": "red", "temp-url-key": "very secret"})
        assert account.metadata == {"color": "red"}
        assert "very secret" not in repr(account)
        assert [[each.name for each in page.items] async for page in box.pages(limit=3)] == [
            ["copy", "fresh", "link"],
            ["name"],
        ]


def test_a_copy_of_what_is_large_takes_its_time(fake: FakeCloud, clouds_yaml: Path) -> None:
    """Swift says nothing until a copy is there: 5 GiB at 2 MiB a second, say."""

    async def story() -> None:
        async with to(fake, clouds_yaml) as cloud:
            await cloud.create_object("box", "name", data=b"large, let's say")
            fake.fault(Fault(service="object-store", method="PUT", path="*/box/copy", delay=2600))
            fake.requests.clear()
            copied = await cloud.object_store.objects("box").copy("name", "box", "copy")
            assert (copied.content_length, fake.count(method="PUT")) == (16, 1)

    virtual(story)


async def test_a_key_that_swift_would_drop_is_refused(fake: FakeCloud, clouds_yaml: Path) -> None:
    async with to(fake, clouds_yaml) as cloud:
        kept = await cloud.create_object("box", "name", data=b"abc", headers={"X-Object-Meta-A_b": "1"})
        assert kept.metadata == {}
        box, account = cloud.object_store.objects("box"), cloud.object_store.account
        refused = pytest.raises(aiocloud.InvalidRequest, match="'owner_name' can't .*, 'owner-name' say")
        with refused:
            await cloud.create_object("box", "name", data=b"other", metadata={"owner_name": "me", "c": "2"})
        with refused:
            await box.update("name", {"owner_name": "me"})
        with refused:
            await cloud.object_store.containers.update("box", metadata={"owner_name": None})
        with refused:
            await account.update({"owner_name": "me"})
        with pytest.raises(aiocloud.InvalidRequest, match="'a_ b' can't .*hyphens make one$"):
            await box.update("name", {"a_ b": "me"})
        assert await cloud.get_object("box", "name") == b"abc"


async def test_blanks_around_a_value_are_refused_and_no_secret_is_shown(fake: FakeCloud, clouds_yaml: Path) -> None:
    async with to(fake, clouds_yaml) as cloud:
        await cloud.create_object("box", "name", data=b"abc", metadata={"within": "a  b"})
        box = cloud.object_store.objects("box")
        with pytest.raises(aiocloud.InvalidRequest, match="X-Object-Meta-k begins or ends with a blank"):
            await cloud.create_object("box", "name", data=b"other", metadata={"k": " leads"})
        with pytest.raises(aiocloud.InvalidRequest, match="Content-Disposition begins or ends with a blank"):
            await box.update("name", content_disposition="attachment ")
        with pytest.raises(aiocloud.InvalidRequest, match="X-Container-Read begins or ends with a blank"):
            await cloud.object_store.containers.update("box", read_acl=" .r:*")
        for wrong in (" secret", "secret\n"):
            with pytest.raises(aiocloud.InvalidRequest, match="(?i)temp-url-key") as caught:
                await cloud.set_temp_url_key("box", wrong)
            assert "secret" not in str(caught.value)
        assert (await box.get("name")).metadata == {"within": "a  b"}


async def test_new_metadata_of_a_link_goes_to_its_target(fake: FakeCloud, clouds_yaml: Path) -> None:
    async with to(fake, clouds_yaml) as cloud:
        name = "größe/a ?%41"
        await cloud.create_object("box", name, data=b"abc", metadata={"old": "1"})
        await cloud.create_container("links")
        links = cloud.object_store.objects("links")
        await links.link("first", "box", name)
        await links.link("second", "links", "first")
        changed = await links.update("second", {"new": "2"}, content_type="text/x")
        assert (changed.name, changed.metadata, changed.content_type) == ("second", {"new": "2"}, "text/x")
        assert (await cloud.object_store.objects("box").get(name)).metadata == {"new": "2"}
        for link in ("first", "second"):
            itself = await links.itself(link)
            assert itself is not None
            assert (itself.metadata, itself.content_type) == ({}, "application/symlink")
        fake.fault(
            Fault(
                method="HEAD",
                path="*/links/second",
                headers={
                    "Content-Location": "/v1/AUTH_other/box/name",
                    "X-Symlink-Target": "box/name",
                    "X-Symlink-Target-Account": "AUTH_other",
                },
                status=200,
                times=2,
            )
        )
        with pytest.raises(
            aiocloud.InvalidRequest, match="'second' in 'links' is a link into another account"
        ) as caught:
            await links.update("second", {"new": "3"})
        assert str(caught.value).startswith("fake")
        assert fake.count(method="POST", path="*/second") == 0


async def test_names_with_control_characters_are_objects_like_others(fake: FakeCloud, clouds_yaml: Path) -> None:
    async with to(fake, clouds_yaml) as cloud:
        names = ["bell\x07", "del\x7f", "esc\x1b[31m", "nl\nline", "next\x85", "tab\t/\r"]
        box = cloud.object_store.objects("box")
        await cloud.create_container("box")
        await cloud.set_temp_url_key("box")
        for name in names:
            await cloud.create_object("box", name, data=name.encode(), metadata={"a": "b"})
            assert await cloud.get_object("box", name) == name.encode()
            await box.update(name, {"new": "1"})
            assert (await box.copy(name, "box", f"{name} copy")).metadata == {"new": "1"}
            assert (await box.get(name)).name == name
            url = httpx.URL(await cloud.generate_temp_url("box", name, 60))
            assert url.path.endswith(f"/box/{name}")
        assert sorted(each.name for each in await box.list()) == sorted([*names, *(f"{name} copy" for name in names)])
        for name in names:
            assert await cloud.delete_object("box", name)
            assert await box.delete(f"{name} copy")
            with pytest.raises(aiocloud.NotFound) as caught:
                await box.get(name)
            assert str(caught.value).replace("\t", "").isprintable()
        with pytest.raises(aiocloud.InvalidRequest, match=r"'a\\x00b' can't be part of a URL"):
            await box.get("a\0b")
        with pytest.raises(aiocloud.InvalidRequest):
            await cloud.object_store.containers.get("a\nb")


async def test_a_container_is_changed_by_swifts_own_headers_or_by_our_names(fake: FakeCloud, clouds_yaml: Path) -> None:
    async with to(fake, clouds_yaml) as cloud:
        await cloud.create_container("box")
        headers = {"X-Container-Read": ".r:*", "x-container-meta-Color": "red", "Owner": "me"}
        changed = await cloud.update_container("box", headers)
        assert (changed.read_acl, changed.metadata) == (".r:*", {"color": "red", "owner": "me"})
        taking = {"X-Container-Read": None, "X-Remove-Container-Meta-Color": "x"}
        changed = await cloud.update_container("box", headers=taking, quota_count=1)
        assert (changed.read_acl, changed.metadata) == (None, {"owner": "me", "quota-count": "1"})
        changed = await cloud.update_container("box", {"Size": "1"}, metadata={"Owner": None})
        assert changed.metadata == {"quota-count": "1", "size": "1"}


async def test_an_object_is_streamed_with_arguments_in_the_order_of_get_object(
    fake: FakeCloud, clouds_yaml: Path
) -> None:
    async with to(fake, clouds_yaml) as cloud:
        await cloud.create_object("box", "name", data=b"abc")
        assert b"".join([piece async for piece in cloud.stream_object("box", "name", "multipart-manifest=get", 1)])
    assert [one.query for one in fake.requests if one.method == "GET"][-1] == [("multipart-manifest", "get")]
