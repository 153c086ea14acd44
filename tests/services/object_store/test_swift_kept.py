"""Where a container keeps versions, an object is still an object, and a link a link."""

from __future__ import annotations

from pathlib import Path

import pytest

import aiocloud
from aiocloud import Cloud
from aiocloud.testing import FakeCloud, Fault

pytestmark = pytest.mark.anyio


def to(fake: FakeCloud, config: Path) -> Cloud:
    return aiocloud.connect("fake", config_files=[config], transport=fake.transport)


async def test_what_keeps_versions_shows_objects_and_not_links_to_them(fake: FakeCloud, clouds_yaml: Path) -> None:
    async with to(fake, clouds_yaml) as cloud:
        await cloud.object_store.containers.create(name="box", versions_enabled=True)
        box = cloud.object_store.objects("box")
        await cloud.create_object("box", "name", data=b"same", metadata={"color": "red"})
        itself = await box.itself("name")
        assert itself is not None
        assert (itself.symlink_path, itself.content_length, itself.metadata) == (None, 4, {"color": "red"})
        assert itself.etag == (await box.get("name")).etag
        assert [(each.name, each.symlink_path) for each in await box.list()] == [("name", None)]
        fake.requests.clear()
        await cloud.create_object("box", "name", data=b"same", metadata={"color": "red"})
        assert fake.count(method="PUT") == 0
        assert [each.version_id for each in await box.list(versions="")] == [itself.version_id]


async def test_older_versions_are_listed_page_by_page_read_and_removed(fake: FakeCloud, clouds_yaml: Path) -> None:
    async with to(fake, clouds_yaml) as cloud:
        await cloud.object_store.containers.create(name="box", versions_enabled=True)
        box = cloud.object_store.objects("box")
        for text in ("1", "22", "333"):
            await cloud.create_object("box", "a", data=text)
        await cloud.create_object("box", "b", data="b")
        whole = [(each.name, each.version_id, each.content_length) for each in await box.list(versions="")]
        assert [(name, size) for name, _, size in whole] == [("a", 3), ("a", 2), ("a", 1), ("b", 1)]
        paged = [each async for each in box.stream(versions="", limit=1)]
        assert [(each.name, each.version_id, each.content_length) for each in paged] == whole
        oldest = whole[2][1]
        assert oldest is not None
        assert (await box.get("a", version_id=oldest)).content_length == 1
        async with box.open("a", params={"version-id": oldest}) as answer:
            assert await answer.aread() == b"1"
        for name, version, _ in whole:
            assert await box.delete(name, version_id=version) is True
        assert await box.delete("a", version_id=oldest) is False
        with pytest.raises(aiocloud.NotFound, match=f"no object 'a' of version {oldest}"):
            await box.get("a", version_id=oldest)
        assert await cloud.delete_container("box") is True


@pytest.mark.parametrize("use_slo", [True, False])
async def test_an_older_version_keeps_its_segments_when_versions_are_no_longer_kept(
    fake: FakeCloud, clouds_yaml: Path, use_slo: bool
) -> None:
    content = b"0123456789" * 300
    async with to(fake, clouds_yaml) as cloud:
        containers, box = cloud.object_store.containers, cloud.object_store.objects("box")
        await containers.create(name="box", versions_enabled=True)
        for name in ("replaced", "deleted"):
            await cloud.create_object("box", name, data=content, segment_size=1000, use_slo=use_slo)
        kept = {each.name: each.version_id for each in await box.list(versions="")}
        await containers.update("box", versions_enabled=False)
        await cloud.create_object("box", "replaced", data=b"new")
        assert await cloud.delete_object("box", "deleted") is True
        for name, version in kept.items():
            async with box.open(name, params={"version-id": version}) as answer:
                assert await answer.aread() == content


async def test_new_metadata_of_a_link_that_is_kept_in_versions_goes_to_its_target(
    fake: FakeCloud, clouds_yaml: Path
) -> None:
    async with to(fake, clouds_yaml) as cloud:
        await cloud.object_store.containers.create(name="box", versions_enabled=True)
        box = cloud.object_store.objects("box")
        await cloud.create_object("box", "größe ?", data=b"abc", metadata={"old": "1"})
        await box.link("first", "box", "größe ?")
        await box.link("second", "box", "first")
        assert (await box.update("second", {"new": "2"})).metadata == {"new": "2"}
        assert (await box.get("größe ?")).metadata == {"new": "2"}
        for link, target in (("first", "gr%C3%B6%C3%9Fe%20%3F"), ("second", "first")):
            itself = await box.itself(link)
            assert itself is not None
            assert (itself.symlink_path, itself.metadata) == (f"box/{target}", {})


async def test_a_link_that_leads_nowhere_is_said_to(fake: FakeCloud, clouds_yaml: Path) -> None:
    async with to(fake, clouds_yaml) as cloud:
        await cloud.create_object("box", "name", data=b"abc")
        box = cloud.object_store.objects("box")
        etag = (await box.get("name")).etag
        await box.link("static", "box", "name", etag=etag)
        await cloud.create_object("box", "name", data=b"other")
        changed = "'static' in 'box' is a link to .*/box/name, which .* has changed"
        with pytest.raises(aiocloud.Conflict, match=changed):
            await box.get("static")
        with pytest.raises(aiocloud.Conflict, match=changed):
            await cloud.get_object("box", "static")
        await box.delete("name")
        for verb in (box.get("static"), cloud.get_object("box", "static"), box.update("static", {"a": "1"})):
            with pytest.raises(
                aiocloud.NotFound, match="'static' in 'box' is a link to .*/box/name, which is not there"
            ):
                await verb
        for name, target in (("a", "b"), ("b", "a")):
            await box.link(name, "box", target)
        with pytest.raises(aiocloud.Conflict, match="'a' in 'box' .* links lead on and on"):
            await box.get("a")


async def test_a_copy_that_fails_says_what_is_not_there(fake: FakeCloud, clouds_yaml: Path) -> None:
    async with to(fake, clouds_yaml) as cloud:
        await cloud.create_object("box", "name", data=b"abc")
        box = cloud.object_store.objects("box")
        for source, container in (("nothing", "box"), ("name", "nowhere")):
            with pytest.raises(
                aiocloud.NotFound, match=f"no object '{source}' in .*'box'.* no container '{container}'"
            ):
                await box.copy(source, container, "copy")
        await cloud.create_object("box", "large", data=b"0123456789" * 30, segment_size=100)
        fake.cloud().region().swift.max_file_size = 200
        with pytest.raises(aiocloud.TooLarge, match="'large' in 'box' is more .* with whole=False its manifest"):
            await box.copy("large", "box", "copy")
        assert (await box.copy("large", "box", "copy", whole=False)).content_length == 300
        first = (await cloud.list_objects("box_segments"))[0]
        await cloud.object_store.objects("box_segments").delete(first)
        with pytest.raises(aiocloud.Conflict, match="a segment of the large object 'large' in 'box' is missing"):
            await box.copy("large", "box", "copy")


async def test_a_link_is_to_what_can_be_an_object(fake: FakeCloud, clouds_yaml: Path) -> None:
    async with to(fake, clouds_yaml) as cloud:
        await cloud.create_object("box", "large", data=b"0123456789" * 30, segment_size=100)
        box = cloud.object_store.objects("box")
        for container, name in (("box", ""), ("a/b", "name"), ("", "name")):
            with pytest.raises(aiocloud.InvalidRequest):
                await box.link("link", container, name)
        large = await box.get("large")
        assert (await box.link("link", "box", "large", etag=large.manifest_etag)).symlink_path == "box/large"
        assert await cloud.get_object("box", "link") == b"0123456789" * 30


async def test_what_is_not_stored_on_a_condition_says_so(fake: FakeCloud, clouds_yaml: Path) -> None:
    async with to(fake, clouds_yaml) as cloud:
        await cloud.create_object("box", "name", data=b"abc")
        box = cloud.object_store.objects("box")
        with pytest.raises(
            aiocloud.PreconditionFailed, match="there is an object 'name' in the container 'box' already"
        ):
            await box.put("name", b"other", headers={"If-None-Match": "*"})
        await cloud.object_store.containers.update("box", history_location="gone")
        missing = "'box' keeps older versions in another container, which is not there"
        with pytest.raises(aiocloud.PreconditionFailed, match=missing):
            await box.put("name", b"other")
        with pytest.raises(aiocloud.PreconditionFailed, match=missing):
            await box.delete("name")
        fake.fault(Fault(method="PUT", path="*/box/new", status=412))
        for headers in ({"If-Match": "0"}, {"X-Symlink-Target": "no-object"}):
            with pytest.raises(aiocloud.PreconditionFailed) as caught:
                await box.put("new", b"", headers=headers)
            assert "older versions" not in str(caught.value)
        await cloud.object_store.containers.update("box", history_location="", quota_count=1)
        for verb in (box.put("more", b"x"), box.copy("name", "box", "more")):
            with pytest.raises(aiocloud.TooLarge, match="the container 'box' has a quota, or its account"):
                await verb


async def test_a_limit_is_a_number(fake: FakeCloud, clouds_yaml: Path) -> None:
    async with to(fake, clouds_yaml) as cloud:
        await cloud.create_container("box")
        for listing in (cloud.object_store.objects("box"), cloud.object_store.containers):
            assert await listing.list(limit=0) == []
            for wrong in (-1, "many"):
                with pytest.raises(aiocloud.InvalidRequest, match=f"limit.*not {wrong!r}"):
                    await listing.list(limit=wrong)
