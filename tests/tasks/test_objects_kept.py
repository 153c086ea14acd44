"""What is in the cloud already stays whole, whatever becomes of what is done to it."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any, cast

import pytest

import aiocloud
from aiocloud import Cloud, CloudError
from aiocloud._http import httpx
from aiocloud.testing import FakeCloud, Fault
from aiocloud.testing.http import Reply

pytestmark = pytest.mark.anyio


def to(fake: FakeCloud, config: Path) -> Cloud:
    return aiocloud.connect("fake", config_files=[config], transport=fake.transport)


def boxes(fake: FakeCloud) -> dict[str, list[str]]:
    """Containers and the names of their objects, from the fake's memory."""
    accounts = fake.cloud().region().swift.accounts.values()
    return {name: sorted(box.objects) for account in accounts for name, box in account.containers.items()}


def big(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


async def test_what_is_said_of_a_dynamic_large_object_does_not_empty_it(
    fake: FakeCloud, clouds_yaml: Path, tmp_path: Path
) -> None:
    """A POST without X-Object-Manifest makes it an empty object."""
    path = tmp_path / "file"
    path.write_bytes(big(5000))
    async with to(fake, clouds_yaml) as cloud:
        await cloud.create_object("box", "name", data=big(5000), segment_size=1000, use_slo=False)
        await cloud.create_object("box", "name", path)  # the same content, with a time to be noted
        assert await cloud.get_object("box", "name") == big(5000)
        await cloud.update_object("box", "name", {"color": "blue"})
        found = await cloud.get_object_metadata("box", "name")
        assert found is not None
        assert (found.content_length, found.metadata) == (5000, {"color": "blue"})
        assert await cloud.get_object("box", "name") == big(5000)
        await cloud.delete_object("box", "name")
        assert boxes(fake) == {"box": []}


async def test_the_same_content_under_other_settings_gets_them(fake: FakeCloud, clouds_yaml: Path) -> None:
    async with to(fake, clouds_yaml) as cloud:
        await cloud.create_object("box", "name", data=b"x", delete_after=3600, content_disposition="inline")
        fake.requests.clear()
        forever = await cloud.create_object("box", "name", data=b"x")
        assert (forever.delete_at, forever.content_disposition) == (None, None)
        later = await cloud.create_object("box", "name", data=b"x", delete_at=2_000_000_000, content_encoding="gzip")
        assert (later.delete_at, later.content_encoding) == (2_000_000_000, "gzip")
        assert fake.count(method="PUT") == 0
        posts = fake.count(method="POST", path="*/box/name")
        await cloud.create_object("box", "name", data=b"x", delete_at=2_000_000_000, content_encoding="gzip")
        assert fake.count(method="POST", path="*/box/name") == posts == 2


@pytest.mark.parametrize("keep", ["versions_location", "history_location"])
async def test_older_versions_keep_their_segments(fake: FakeCloud, clouds_yaml: Path, keep: str) -> None:
    async with to(fake, clouds_yaml) as cloud:
        await cloud.create_container("old")
        kept: dict[str, Any] = {keep: "old"}
        await cloud.object_store.containers.create(name="box", **kept)
        await cloud.create_object("box", "name", data=big(5000), segment_size=1000)
        await cloud.create_object("box", "name", data=big(3000, 2), segment_size=1000)
        (first,) = boxes(fake)["old"]
        assert await cloud.get_object("old", first) == big(5000)
        assert await cloud.delete_object("box", "name") is True
        if keep == "versions_location":
            # What is deleted is gone with its segments, and the one before it is back.
            assert await cloud.get_object("box", "name") == big(5000)
            assert len(boxes(fake)["box_segments"]) == 5
        else:
            contents = [await cloud.get_object("old", name) for name in boxes(fake)["old"]]
            assert big(5000) in contents
            assert big(3000, 2) in contents


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param({"method": "PUT", "path": "*/box/name", "reset": "before"}, id="unsent"),
        pytest.param({"method": "PUT", "path": "*/box/name", "status": 403}, id="refused"),
        pytest.param({"method": "PUT", "path": "*_segments/*", "status": 403}, id="refused segment"),
    ],
)
@pytest.mark.parametrize("large", [True, False], ids=["large", "plain"])
async def test_a_replacement_that_fails_leaves_the_old_one_whole(
    fake: FakeCloud, clouds_yaml: Path, trouble: dict[str, Any], large: bool
) -> None:
    size = 1000 if large else None
    async with to(fake, clouds_yaml) as cloud:
        await cloud.create_object("box", "name", data=big(9000), segment_size=size)
        before = boxes(fake)
        if not large and "segments" in trouble["path"]:
            return
        fake.fault(Fault(service="object-store", times=None, **trouble))
        with pytest.raises(CloudError):
            await cloud.with_options(retries=0).create_object("box", "name", data=big(5000, 2), segment_size=size)
        fake.clear()
        assert await cloud.get_object("box", "name") == big(9000)
        assert boxes(fake) == before


UNKNOWN: list[dict[str, Any]] = [{"reset": "after"}, {"mutate": lambda _: Reply(504)}]
"""The service has done it; its answer is lost, or that of a proxy that waited in vain."""


@pytest.mark.parametrize("end", UNKNOWN, ids=["reset", "504"])
@pytest.mark.parametrize("large", [True, False], ids=["large", "plain"])
async def test_a_replacement_whose_end_nobody_knows_is_the_old_one_or_the_new_one(
    fake: FakeCloud, clouds_yaml: Path, large: bool, end: dict[str, Any]
) -> None:
    size = 1000 if large else None
    async with to(fake, clouds_yaml) as cloud:
        await cloud.create_object("box", "name", data=big(9000), segment_size=size)
        fake.fault(Fault(service="object-store", method="PUT", path="*/box/name", times=None, **end))
        with pytest.raises(CloudError):
            await cloud.with_options(retries=0).create_object("box", "name", data=big(5000, 2), segment_size=size)
        fake.clear()
        assert await cloud.get_object("box", "name") == big(5000, 2)


@pytest.mark.parametrize("end", UNKNOWN, ids=["reset", "504"])
@pytest.mark.parametrize("large", [True, False], ids=["large", "plain"])
async def test_a_new_object_whose_end_nobody_knows_is_not_left(
    fake: FakeCloud, clouds_yaml: Path, large: bool, end: dict[str, Any]
) -> None:
    async with to(fake, clouds_yaml) as cloud:
        fake.fault(Fault(service="object-store", method="PUT", path="*/box/name", times=None, **end))
        with pytest.raises(CloudError):
            once = cloud.with_options(retries=0)
            await once.create_object("box", "name", data=big(5000), segment_size=1000 if large else None)
        assert boxes(fake) == {}


async def test_what_has_expired_is_listed_until_it_is_removed(fake: FakeCloud, clouds_yaml: Path) -> None:
    """Its container could not be removed before, either."""
    async with to(fake, clouds_yaml) as cloud:
        await cloud.create_object("box", "name", data=b"x", delete_after=60)
        swift = fake.cloud().region().swift
        swift.containers["box"].objects["name"].headers["x-delete-at"] = "1"
        assert await cloud.get_object_metadata("box", "name") is None
        assert [each.name for each in await cloud.list_objects("box")] == ["name"]
        with pytest.raises(aiocloud.Conflict, match="not empty"):
            await cloud.delete_container("box")
        assert await cloud.delete_object("box", "name") is False
        assert await cloud.list_objects("box") == []
        assert await cloud.delete_container("box") is True


@pytest.mark.parametrize("size", [1000, None], ids=["large", "plain"])
async def test_a_container_that_somebody_else_made_meanwhile_stays(
    fake: FakeCloud, clouds_yaml: Path, size: int | None
) -> None:
    async with to(fake, clouds_yaml) as cloud:
        await cloud.create_container("box")
        fake.fault(Fault(service="object-store", method="HEAD", path="*/box", status=404))
        fake.fault(Fault(service="object-store", method="PUT", path="*/name*", times=None, status=403))
        with pytest.raises(aiocloud.Forbidden):
            await cloud.create_object("box", "name", data=big(300_000), segment_size=size)
        assert boxes(fake) == {"box": []}


class Breaking(httpx.AsyncBaseTransport):
    """Loses the answer to the first upload of an object, and breaks off every other in its middle."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self.inner = inner
        self.sent = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method != "PUT" or not request.url.path.endswith("/box/name"):
            return await self.inner.handle_async_request(request)
        self.sent += 1
        if self.sent == 1:
            await self.inner.handle_async_request(request)
        else:
            assert isinstance(request.stream, httpx.AsyncByteStream)
            async with aclosing(cast("AsyncGenerator[bytes]", aiter(request.stream))) as chunks:
                await anext(chunks)
        raise httpx.ReadError("reset")


async def test_a_new_object_that_an_earlier_attempt_stored_is_not_left(
    fake: FakeCloud, clouds_yaml: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(big(3_000_000))
    breaking = Breaking(fake.transport)
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=breaking) as cloud:
        with pytest.raises(CloudError) as caught:
            await cloud.with_options(retries=0).create_object("box", "name", tmp_path / "file")
        assert breaking.sent > 1
        assert (boxes(fake), caught.value.leftovers) == ({}, ())


# Two who upload to one name


@pytest.mark.parametrize("large", [True, False], ids=["large", "plain"])
@pytest.mark.parametrize("theirs", [True, False], ids=["theirs large", "theirs plain"])
async def test_what_somebody_else_has_put_there_meanwhile_outlives_our_failure(
    fake: FakeCloud, clouds_yaml: Path, large: bool, theirs: bool
) -> None:
    async with to(fake, clouds_yaml) as cloud:
        once = cloud.with_options(retries=0)

        async def ours() -> AsyncIterator[bytes]:
            yield big(2500)
            await cloud.create_object("box", "name", data=big(5000, 2), segment_size=1000 if theirs else None)
            fake.fault(Fault(service="object-store", method="PUT", times=None, reset="before"))
            yield big(2500)

        with pytest.raises(CloudError) as caught:
            await once.create_object("box", "name", data=ours(), segment_size=1000 if large else None)
        fake.clear()
        assert await cloud.get_object("box", "name") == big(5000, 2)
        assert len(boxes(fake).get("box_segments", [])) == (5 if theirs else 0)
        assert ("something else is there by now" in str(caught.value)) is not large


@pytest.mark.parametrize("slo", [True, False], ids=["static", "dynamic"])
@pytest.mark.parametrize("theirs", [True, False], ids=["theirs static", "theirs dynamic"])
async def test_who_ends_last_leaves_nothing_of_who_ended_first(
    fake: FakeCloud, clouds_yaml: Path, slo: bool, theirs: bool
) -> None:
    async with to(fake, clouds_yaml) as cloud:

        async def ours() -> AsyncIterator[bytes]:
            yield big(2500)
            await cloud.create_object("box", "name", data=big(5000, 2), segment_size=1000, use_slo=theirs)
            assert await cloud.get_object("box", "name") == big(5000, 2)
            yield big(2500)

        await cloud.create_object("box", "name", data=ours(), segment_size=1000, use_slo=slo)
        assert await cloud.get_object("box", "name") == big(2500) * 2
        assert len(boxes(fake)["box_segments"]) == 5
        await cloud.delete_object("box", "name")
        assert boxes(fake) == {"box": []}


# "box/ot" said each time, and as Swift would say it, would be a dynamic large object.
@pytest.mark.parametrize(
    ("told", "times"),
    [("box", 1), ("box", None), ("box/", 1), ("box/", None), ("/", 1), ("/", None), ("box/ot", 1)],
)
async def test_a_damaged_header_does_not_make_others_objects_segments(
    fake: FakeCloud, clouds_yaml: Path, told: str, times: int | None
) -> None:
    """What is removed with a dynamic large object is whatever its header names: all of the container, if it says no more."""

    def damaged(reply: Reply) -> Reply:
        return Reply(reply.status, reply.content, {**reply.headers, "x-object-manifest": told})

    async with to(fake, clouds_yaml) as cloud:
        await cloud.create_object("box", "other", data=b"other")
        await cloud.create_object("box", "gone", data=b"gone")
        fake.fault(Fault(service="object-store", method="HEAD", path="*/gone", mutate=damaged, times=times))
        assert await cloud.delete_object("box", "gone") is True
        assert boxes(fake) == {"box": ["other"]}
