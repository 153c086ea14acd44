"""Content that comes through a proxy which does what proxies may: answer a part with the whole, compress what comes."""

from __future__ import annotations

import gzip
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import aiocloud
from aiocloud import Cloud, Unsupported
from aiocloud._http import httpx
from aiocloud.testing import FakeCloud, Fault

pytestmark = pytest.mark.anyio


def big(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


class NoRanges(httpx.AsyncBaseTransport):
    """A cache that asks for all of it, and gives all of it."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.headers.pop("range", None)
        return await self._inner.handle_async_request(request)


class Elsewhere(NoRanges):
    """A cache that gives another part of it than was asked for."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        asked = request.headers.get("range")
        response = await super().handle_async_request(request)
        if not asked:
            return response
        content = await response.aread()
        first, _, last = asked.removeprefix("bytes=").partition("-")
        size = int(last or len(content) - 1) - int(first) + 1
        headers = [pair for pair in response.headers.multi_items() if pair[0] != "content-length"]
        headers.append(("content-range", f"bytes 0-{size - 1}/{len(content)}"))
        return httpx.Response(206, headers=headers, stream=httpx.ByteStream(content[:size]))


class Compressing(httpx.AsyncBaseTransport):
    """A proxy that compresses whatever its client says to understand."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        if "gzip" not in request.headers.get("accept-encoding", ""):
            return response
        headers = [pair for pair in response.headers.multi_items() if pair[0] != "content-length"]
        content = await response.aread()
        if content:
            content = gzip.compress(content)
        return httpx.Response(
            response.status_code, headers=[*headers, ("content-encoding", "gzip")], stream=httpx.ByteStream(content)
        )


def through(proxy: httpx.AsyncBaseTransport, config: Path) -> Cloud:
    return aiocloud.connect("fake", config_files=[config], transport=proxy)


@pytest.mark.parametrize("segment_size", [None, 3_000_000, 20_000_000], ids=["plain", "small", "large"])
async def test_a_file_comes_in_one_piece_where_there_are_no_ranges(
    fake: FakeCloud, clouds_yaml: Path, tmp_path: Path, segment_size: int | None
) -> None:
    content = big(30_000_000)
    async with through(NoRanges(fake.transport), clouds_yaml) as cloud:
        await cloud.create_object("box", "name", data=content, segment_size=segment_size)
        await cloud.download_object("box", "name", tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == content
    assert {each.name for each in tmp_path.iterdir()} == {"file", "clouds.yaml"}


async def test_nobody_knows_what_ceph_has_but_what_came_is_not_mixed_up(
    fake: FakeCloud, clouds_yaml: Path, tmp_path: Path
) -> None:
    content = big(30_000_000)
    fake.cloud().region().swift.as_ceph = True
    async with through(NoRanges(fake.transport), clouds_yaml) as cloud:
        await cloud.create_object("box", "name", data=content, segment_size=3_000_000)
        await cloud.object_store.objects("box").copy("name", "box", "other", whole=False)
        await cloud.download_object("box", "other", tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == content


async def test_a_stream_of_a_large_object_needs_ranges(fake: FakeCloud, clouds_yaml: Path) -> None:
    async with through(NoRanges(fake.transport), clouds_yaml) as cloud:
        await cloud.create_object("box", "name", data=big(30_000), segment_size=1000)
        with pytest.raises(Unsupported, match="does not give ranges.*box/name"):
            await cloud.get_object("box", "name")


async def test_another_part_than_was_asked_for_is_not_taken(fake: FakeCloud, clouds_yaml: Path, tmp_path: Path) -> None:
    content = big(30_000_000)
    async with through(Elsewhere(fake.transport), clouds_yaml) as cloud:
        await cloud.create_object("box", "name", data=content, segment_size=3_000_000)
        await cloud.download_object("box", "name", tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == content


async def test_a_stream_that_broke_off_passes_over_what_it_has(fake: FakeCloud, clouds_yaml: Path) -> None:
    content = big(200_000)

    async def half(chunks: bytes) -> AsyncIterator[bytes]:
        yield chunks[: len(chunks) // 2]
        raise httpx.ReadError("it broke off")

    def breaks(reply: aiocloud.testing.http.Reply) -> aiocloud.testing.http.Reply:
        assert isinstance(reply.content, bytes)
        reply.content = half(reply.content)
        return reply

    async with through(NoRanges(fake.transport), clouds_yaml) as cloud:
        await cloud.create_object("box", "name", data=content)
        fake.fault(Fault(service="object-store", method="GET", path="*/box/name", mutate=breaks))
        assert await cloud.get_object("box", "name") == content
    assert fake.count(method="GET", path="*/box/name") == 2


async def test_content_is_never_asked_for_compressed(fake: FakeCloud, clouds_yaml: Path, tmp_path: Path) -> None:
    content = b"text " * 10_000
    async with through(Compressing(fake.transport), clouds_yaml) as cloud:
        await cloud.create_object("box", "name", data=content)
        await cloud.create_object("box", "large", data=content, segment_size=10_000)
        for name in ("name", "large"):
            assert await cloud.get_object("box", name) == content
            await cloud.download_object("box", name, tmp_path / name)
            assert (tmp_path / name).read_bytes() == content
        image = await cloud.create_image("text", data=content, disk_format="raw", container_format="bare")
        await cloud.download_image(image, output_path=tmp_path / "image")
        assert (tmp_path / "image").read_bytes() == content
