"""Objects on the fake cloud: what goes up comes down, and what is sent is no more than it takes."""

from __future__ import annotations

import io
import json
import os
import random
import tarfile
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest

import aiocloud
from aiocloud import ChecksumMismatch, Cloud, CloudError
from aiocloud._http import httpx
from aiocloud.tasks.links import generate_form_signature, generate_temp_url, set_temp_url_key
from aiocloud.tasks.objects import delete_all, upload_archive
from aiocloud.tasks.ranges import download_object
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


@pytest.mark.parametrize("use_slo", [True, False])
async def test_a_file_in_segments_comes_back_and_leaves_nothing(
    fake: FakeCloud, clouds_yaml: Path, tmp_path: Path, use_slo: bool
) -> None:
    path = tmp_path / "file"
    path.write_bytes(big(25_500))
    seen: list[aiocloud.Progress] = []
    async with to(fake, clouds_yaml) as cloud:
        made = await cloud.create_object(
            "box", "name", path, segment_size=1000, use_slo=use_slo, metadata={"Color": "grün"}, progress=seen.append
        )
        assert (made.name, made.content_length, made.metadata["color"]) == ("name", 25_500, "grün")
        assert made.is_static_large_object is use_slo
        assert len(boxes(fake)["box_segments"]) == 26
        assert boxes(fake)["box"] == ["name"]
        assert (seen[-1].done, seen[-1].total) == (25_500, 25_500)
        assert await cloud.get_object("box", "name") == path.read_bytes()
        assert await cloud.delete_object("box", "name") is True
        assert await cloud.delete_object("box", "name") is False
        assert boxes(fake) == {"box": []}
        assert await cloud.delete_container("box") is True
        assert await cloud.delete_container("box") is False


async def test_the_same_content_is_not_sent_again(fake: FakeCloud, clouds_yaml: Path, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(big(5000))
    async with to(fake, clouds_yaml) as cloud:
        for segment_size in (None, 1000):
            await cloud.create_object("box", "name", path, segment_size=segment_size, if_changed=False)
            fake.requests.clear()
            again = await cloud.create_object("box", "name", path, segment_size=777)
            assert fake.count(method="PUT") == 0
            assert again.content_length == 5000
            assert await cloud.is_object_stale("box", "name", path) is False
            await cloud.create_object("box", "name", path, metadata={"new": "one"})
            assert fake.count(method="PUT") == 0
            found = await cloud.get_object_metadata("box", "name")
            assert found is not None
            assert found.metadata["new"] == "one"
        path.write_bytes(big(5000, seed=2))
        assert await cloud.is_object_stale("box", "name", path) is True


async def test_a_replaced_large_object_leaves_no_segments(fake: FakeCloud, clouds_yaml: Path) -> None:
    async with to(fake, clouds_yaml) as cloud:
        await cloud.create_object("box", "name", data=big(10_000), segment_size=1000)
        before = boxes(fake)["box_segments"]
        await cloud.create_object("box", "name", data=big(8000, seed=2), segment_size=1000)
        assert len(boxes(fake)["box_segments"]) == 8
        assert not set(before) & set(boxes(fake)["box_segments"])
        assert await cloud.get_object("box", "name") == big(8000, seed=2)
        await cloud.create_object("box", "name", data=b"small")
        assert boxes(fake) == {"box": ["name"]}


async def test_what_broke_off_is_removed_or_kept_as_asked(fake: FakeCloud, clouds_yaml: Path, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(big(20_000))
    async with to(fake, clouds_yaml) as cloud:
        fake.fault(Fault(service="object-store", method="PUT", path="*_segments/*/00000015", times=None, status=403))
        with pytest.raises(aiocloud.Forbidden):
            await cloud.create_object("box", "name", path, segment_size=1000)
        assert boxes(fake) == {}
        with pytest.raises(aiocloud.Forbidden):
            await cloud.create_object("box", "name", path, segment_size=1000, keep_segments=True)
        kept = len(boxes(fake)["box_segments"])
        assert 0 < kept < 20
        fake.clear()
        await cloud.create_object("box", "name", path, segment_size=1000)
        assert fake.count(method="PUT", path="*_segments/*") == 20 - kept
        assert await cloud.get_object("box", "name") == path.read_bytes()


async def test_an_upload_asks_no_more_than_it_must_know(fake: FakeCloud, clouds_yaml: Path) -> None:
    """Each question is a way to the cloud and back; those that don't need each other's answers go together."""
    async with to(fake, clouds_yaml) as cloud:
        await cloud.authorize()
        for there in (False, True):
            fake.requests.clear()
            await cloud.create_object("box", f"name{there}", data=big(3000), segment_size=1000)
            asked = [one.method for one in fake.requests if not one.path.endswith(("0", "1", "2"))]
            first, made = ["HEAD", *([] if there else ["GET"])], [] if there else ["PUT", "PUT"]
            # The object and the limits; both containers; what is not there is made; then the manifest.
            assert [sorted(asked[: len(first)]), asked[len(first) :]] == [
                sorted(first),
                ["HEAD", "HEAD", *made, "HEAD", "PUT", "HEAD"],
            ]


async def test_segments_can_be_read_by_those_who_read_the_objects(fake: FakeCloud, clouds_yaml: Path) -> None:
    async with to(fake, clouds_yaml) as cloud:
        await cloud.object_store.containers.create(name="box", read_acl=".r:*")
        await cloud.create_object("box", "name", data=big(3000), segment_size=1000)
        assert (await cloud.object_store.containers.get("box_segments")).read_acl == ".r:*"


async def test_a_cancelled_upload_leaves_nothing(fake: FakeCloud, clouds_yaml: Path) -> None:
    async with to(fake, clouds_yaml) as cloud:
        for enough in range(0, 30, 3):
            with anyio.CancelScope() as scope:

                def stop(progress: aiocloud.Progress, scope: anyio.CancelScope = scope, enough: int = enough) -> None:
                    if progress.done >= enough * 1000:
                        scope.cancel()

                await cloud.create_object("box", "name", data=big(30_000), segment_size=1000, progress=stop)
            assert scope.cancelled_caught
            assert boxes(fake) == {}


@pytest.mark.parametrize("segment_size", [None, 1000])
async def test_an_upload_cancelled_at_its_last_question_leaves_nothing_new(
    fake: FakeCloud, clouds_yaml: Path, segment_size: int | None
) -> None:
    """What is replaced by then stays replaced."""
    async with to(fake, clouds_yaml) as cloud:
        for there in (False, True):
            # The first HEAD asks what is replaced, another before a manifest takes its place; the last what came of it.
            earlier = 1 if segment_size is None else 2
            fake.fault(Fault(service="object-store", method="HEAD", path="*/box/name", after=earlier, delay=60))
            with anyio.move_on_after(1) as scope:
                await cloud.create_object("box", "name", data=big(3000), segment_size=segment_size)
            assert scope.cancelled_caught
            fake.clear()
            if there:
                assert await cloud.get_object("box", "name") == big(3000)
            else:
                assert boxes(fake) == {}
                await cloud.create_object("box", "name", data=b"old", segment_size=segment_size)


async def chunks(data: bytes, step: int) -> AsyncIterator[bytes]:
    for at in range(0, len(data), step):
        yield data[at : at + step]


async def test_data_is_bytes_text_a_file_object_or_a_stream(fake: FakeCloud, clouds_yaml: Path, tmp_path: Path) -> None:
    data = big(4321)
    (tmp_path / "file").write_bytes(data)
    async with to(fake, clouds_yaml) as cloud:
        with (tmp_path / "file").open("rb") as file:
            kinds: dict[str, Any] = {
                "bytes": data,
                "view": memoryview(data),
                "object": file,
                "memory": io.BytesIO(data),
                "list": [data[:7], b"", data[7:]],
                "async": chunks(data, 100),
            }
            for name, kind in kinds.items():
                for size in (None, 1000):
                    again = chunks(data, 999) if name == "async" else kind
                    if hasattr(kind, "seek"):
                        kind.seek(0)
                    await cloud.create_object("box", name, data=again, segment_size=size)
                    assert await cloud.get_object("box", name) == data, (name, size)
        await cloud.create_object("box", "text", data="grün")
        assert await cloud.get_object("box", "text") == "grün".encode()
        await cloud.create_object("box", "empty", data=chunks(b"", 1))
        assert await cloud.get_object("box", "empty") == b""


async def test_what_cant_be_uploaded_is_one_clear_error(fake: FakeCloud, clouds_yaml: Path, tmp_path: Path) -> None:
    async with to(fake, clouds_yaml) as cloud:
        with pytest.raises(aiocloud.InvalidRequest, match="no-such-file"):
            await cloud.create_object("box", "name", tmp_path / "no-such-file")
        with pytest.raises(aiocloud.InvalidRequest, match="not a regular file|directory"):
            await cloud.create_object("box", "name", tmp_path)
        with pytest.raises(aiocloud.InvalidRequest, match="either filename= or data="):
            await cloud.create_object("box", "name", tmp_path / "x", data=b"")
        with pytest.raises(aiocloud.InvalidRequest, match="at least 1"):
            await cloud.create_object("box", "name", data=b"x", segment_size=0)
        with pytest.raises(aiocloud.InvalidRequest, match="not str"):
            await cloud.create_object("box", "name", data=["text"])  # type: ignore[list-item]
        with pytest.raises(aiocloud.ChecksumMismatch, match="md5"):
            await cloud.create_object("box", "name", data=b"x", md5="0" * 32)
        with pytest.raises(aiocloud.InvalidRequest, match="metadata key"):
            await cloud.create_object("box", "name", data=b"x", metadata={"a b": "c"})
        with pytest.raises(aiocloud.InvalidRequest, match="control character"):
            await cloud.create_object("box", "name", data=b"x", metadata={"a": "b\r\nX-Evil: 1"})
        assert boxes(fake) == {}


async def test_a_download_is_all_or_nothing_and_goes_on(fake: FakeCloud, clouds_yaml: Path, tmp_path: Path) -> None:
    data, target = big(200_000), tmp_path / "copy"
    async with to(fake, clouds_yaml) as cloud:
        await cloud.create_object("box", "name", data=data, segment_size=1000)
        fake.fault(Fault(service="object-store", method="GET", path="*/box/name", after=12, times=None, status=403))
        with pytest.raises(aiocloud.Forbidden):
            await download_object(cloud, "box", "name", target)
        assert not target.exists()
        assert list(tmp_path.glob(".copy.part*"))
        fake.clear()
        await download_object(cloud, "box", "name", target)
        assert target.read_bytes() == data
        assert fake.count(method="GET", path="*/box/name") < 1 + 20
        assert not list(tmp_path.glob(".copy.part*"))
        with pytest.raises(aiocloud.NotFound):
            await download_object(cloud, "box", "nothing", target)
        with pytest.raises(CloudError, match="can't write"):
            await download_object(cloud, "box", "name", tmp_path / "no" / "folder")


async def test_a_download_may_have_the_longest_name_there_is(
    fake: FakeCloud, clouds_yaml: Path, tmp_path: Path
) -> None:
    name = "ä" * 127 + "x"
    async with to(fake, clouds_yaml) as cloud:
        await cloud.create_object("box", name, data=b"abc")
        await download_object(cloud, "box", name, tmp_path / name)
        assert (tmp_path / name).read_bytes() == b"abc"
        assert len([*tmp_path.iterdir()]) == 2


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="has no pipes")
async def test_only_a_file_is_replaced_by_a_download(fake: FakeCloud, clouds_yaml: Path, tmp_path: Path) -> None:
    """Nothing is fetched for a folder; a device or a pipe would be gone, and a file in its place."""
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "pipe")
    async with to(fake, clouds_yaml) as cloud:
        await cloud.create_object("box", "name", data=b"abc")
        image = await cloud.create_image("mine", data=b"x" * 1024, disk_format="raw")
        for name, why in (("folder", "Is a directory"), ("pipe", "no regular file"), ("link", "no regular file")):
            with pytest.raises(aiocloud.InvalidRequest, match=why):
                await cloud.get_object("box", "name", outfile=tmp_path / name)
            with pytest.raises(aiocloud.InvalidRequest, match=why):
                await cloud.download_image(image, output_path=tmp_path / name)
        assert (tmp_path / "pipe").is_fifo()
        with (tmp_path / "file").open("wb") as file:
            await cloud.get_object("box", "name", outfile=file)
        assert (tmp_path / "file").read_bytes() == b"abc"
        assert {path.name for path in tmp_path.iterdir()} == {"folder", "pipe", "link", "file", "clouds.yaml"}


class Sips(io.RawIOBase):
    """A file that takes a thousand bytes at a time, and no more than `room` in all."""

    def __init__(self, room: int) -> None:
        self.taken = b""
        self._room = room

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        if len(self.taken) >= self._room:
            raise OSError(28, "No space left on device")
        self.taken += bytes(data[:1000])
        return min(len(data), 1000)


@pytest.mark.skipif(os.name == "nt", reason="there nobody can wait for a pipe")
async def test_a_pipe_that_nobody_reads_is_let_go_of(fake: FakeCloud, clouds_yaml: Path) -> None:
    async with to(fake, clouds_yaml) as cloud:
        await cloud.create_object("box", "name", data=big(1_000_000))
        reading, writing = os.pipe()
        closing = threading.Timer(5, os.close, [reading])  # or else it would hang, should it wait for the reader
        closing.start()
        with os.fdopen(writing, "wb") as pipe:
            with anyio.move_on_after(0.5) as scope:
                await cloud.get_object("box", "name", outfile=pipe)
            closing.cancel()
            assert scope.cancelled_caught
            os.close(reading)


async def test_an_open_file_that_takes_no_bytes_is_refused(fake: FakeCloud, clouds_yaml: Path, tmp_path: Path) -> None:
    async with to(fake, clouds_yaml) as cloud:
        await cloud.create_object("box", "name", data=b"content")
        fake.requests.clear()
        for mode, why in (("w", "open for text"), ("wb", "closed")):
            with (tmp_path / "file").open(mode) as file:
                if mode == "wb":
                    file.close()
                wrong: Any = file
                with pytest.raises(aiocloud.InvalidRequest, match=f"can't write name: the file is {why}"):
                    await cloud.get_object("box", "name", outfile=wrong)
        assert not fake.requests


async def test_an_open_file_gets_every_byte_or_an_error(fake: FakeCloud, clouds_yaml: Path) -> None:
    data = big(30_000)
    async with to(fake, clouds_yaml) as cloud:
        await cloud.create_object("box", "name", data=data)
        image = await cloud.create_image("mine", data=data, disk_format="raw")
        slow: Any = Sips(room=100_000)
        await cloud.get_object("box", "name", outfile=slow)
        assert slow.taken == data
        slow = Sips(room=100_000)
        await cloud.download_image(image, output_file=slow)
        assert slow.taken == data
        full: Any = Sips(room=2000)
        with pytest.raises(CloudError, match="can't write name: No space left on device"):
            await cloud.get_object("box", "name", outfile=full)
        with pytest.raises(CloudError, match="can't write the image: No space left on device"):
            await cloud.download_image(image, output_file=full)


async def test_a_full_disk_under_a_stream_is_said_and_leaves_nothing(
    fake: FakeCloud, clouds_yaml: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Large pieces of a stream wait in a temporary file until the cloud has them."""
    made: list[Sips] = []

    def temporary(**_: object) -> Sips:
        made.append(Sips(room=50_000))
        return made[-1]

    monkeypatch.setattr(tempfile, "TemporaryFile", temporary)
    async with to(fake, clouds_yaml) as cloud:
        stream = (bytes(1 << 20) for _ in range(40))
        with pytest.raises(CloudError, match="can't keep a piece of the stream in .*: No space left on device"):
            await cloud.create_object("box", "name", data=stream, segment_size=36 << 20)
        assert boxes(fake) == {}
    assert [file.closed for file in made] == [True]


@pytest.mark.parametrize("harm", ["lost", "shorter"])
async def test_what_a_crash_took_from_a_download_under_way_is_fetched_again(
    fake: FakeCloud, clouds_yaml: Path, tmp_path: Path, harm: str
) -> None:
    """After a power cut the list of what is in the file may be on the disk where the file's content is not."""
    data, target, part = big(200_000), tmp_path / "copy", tmp_path / ".copy.part"
    async with to(fake, clouds_yaml) as cloud:
        await cloud.create_object("box", "name", data=data, segment_size=1000)
        fake.fault(Fault(service="object-store", method="GET", path="*/box/name", after=12, times=None, status=403))
        with pytest.raises(aiocloud.Forbidden):
            await download_object(cloud, "box", "name", target)
        fake.clear()
        held, missing = part.read_bytes(), 22 - len((tmp_path / ".copy.part-ranges").read_text().splitlines())
        began = next(at for at in range(0, len(data), 10_000) if held[at : at + 10_000] == data[at : at + 10_000])
        if harm == "lost":
            part.write_bytes(held[:began] + bytes(10_000) + held[began + 10_000 :])
        else:
            part.write_bytes(held[: began + 5_000])
        seen: list[aiocloud.Progress] = []
        await download_object(cloud, "box", "name", target, progress=seen.append)
        assert target.read_bytes() == data
        # What is still in the file is not fetched again; one more is the manifest.
        again = fake.count(method="GET", path="*/box/name") - missing - 1
        assert again == 1 if harm == "lost" else 1 <= again <= 20 - missing
        assert (seen[-1].done, seen[-1].total) == (200_000, 200_000)


class FlipsABit(httpx.AsyncBaseTransport):
    """Damages the first answers to a range that begins at some byte."""

    def __init__(self, inner: httpx.AsyncBaseTransport, start: int, times: int) -> None:
        self._inner = inner
        self._range = f"bytes={start}-"
        self.left = times
        self.ranges: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        wanted = request.headers.get("range", "")
        if wanted:
            self.ranges.append(wanted)
        if wanted.startswith(self._range) and self.left:
            self.left -= 1
            body = bytearray(await response.aread())
            body[17] ^= 1
            return httpx.Response(response.status_code, headers=response.headers, stream=httpx.ByteStream(bytes(body)))
        return response


@pytest.mark.parametrize("damaged", [0, 9 << 20])
async def test_a_large_piece_is_fetched_in_ranges_and_again_when_it_is_damaged(
    fake: FakeCloud, clouds_yaml: Path, tmp_path: Path, damaged: int
) -> None:
    content, target = random.Random(3).randbytes(1 << 20) * 18, tmp_path / "copy"
    damaging = FlipsABit(fake.transport, damaged, times=1)
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=damaging) as cloud:
        await cloud.create_object("box", "name", data=content)
        seen: list[aiocloud.Progress] = []
        await download_object(cloud, "box", "name", target, progress=seen.append)
        assert target.read_bytes() == content
        assert len(damaging.ranges) == 4
        assert seen[-1].done == len(content)

        target.unlink()
        damaging.left = 100
        with pytest.raises(aiocloud.ChecksumMismatch, match="box/name: bytes 0 to"):
            await download_object(cloud, "box", "name", target)
        assert not target.exists()


class ReplacesIt(httpx.AsyncBaseTransport):
    """Once the first range of box/name was answered, somebody else puts `newer` in its place."""

    def __init__(self, fake: FakeCloud, config: Path, newer: bytes) -> None:
        self._fake = fake
        self._config = config
        self._newer = newer
        self._one_by_one = anyio.Lock()
        self.times = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        async with self._one_by_one:
            response = await self._fake.transport.handle_async_request(request)
            if "range" in request.headers and not self.times:
                self.times += 1
                async with to(self._fake, self._config) as other:
                    await other.create_object("box", "name", data=self._newer)
        return response


async def test_an_object_that_is_replaced_on_its_way_comes_as_it_is_now(
    fake: FakeCloud, clouds_yaml: Path, tmp_path: Path
) -> None:
    older, newer = (random.Random(seed).randbytes(1 << 20) * 18 for seed in (5, 6))
    replacing = ReplacesIt(fake, clouds_yaml, newer)
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=replacing) as cloud:
        await cloud.create_object("box", "name", data=older)
        found = await download_object(cloud, "box", "name", tmp_path / "copy")
        assert ((tmp_path / "copy").read_bytes() == newer, replacing.times) == (True, 1)
        assert found.etag == (await cloud.object_store.objects("box").get("name")).etag


@pytest.mark.parametrize("times", [1, 100])
async def test_a_large_piece_of_a_stream_is_compared_too(fake: FakeCloud, clouds_yaml: Path, times: int) -> None:
    segment = random.Random(4).randbytes(1 << 20) * 18
    damaging = FlipsABit(fake.transport, len(segment) + (9 << 20), times=times)
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=damaging) as cloud:
        await cloud.create_object("box", "name", data=segment + segment + b"end", segment_size=len(segment))
        if times == 1:
            assert await cloud.get_object("box", "name") == segment + segment + b"end"
        given = 0
        damaging.left = times
        with pytest.raises(
            ChecksumMismatch, match=f"box/name: bytes {len(segment)} to {2 * len(segment)} don't have MD5"
        ):
            async for piece in cloud.stream_object("box", "name"):
                given += len(piece)
        # What was right came; what was not did not come to its end.
        assert len(segment) <= given < 2 * len(segment)


class Between(httpx.AsyncBaseTransport):
    """A proxy that does something to the content of one object, and keeps the ranges that were asked for."""

    def __init__(
        self, inner: httpx.AsyncBaseTransport, spoilt: Callable[[int, httpx.Response], httpx.Response]
    ) -> None:
        self._inner = inner
        self._spoilt = spoilt
        self.ranges: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        if request.method != "GET" or not request.url.path.endswith("/box/name") or request.url.query:
            return response
        self.ranges.append(request.headers.get("range", ""))
        await response.aread()
        return self._spoilt(len(self.ranges), response)


def breaking_off(after: int) -> Callable[[int, httpx.Response], httpx.Response]:
    """Every answer ends after so many bytes."""

    def spoilt(_: int, response: httpx.Response) -> httpx.Response:
        body = response.content
        stream = Torn(body[:after]) if len(body) > after else httpx.ByteStream(body)
        return httpx.Response(response.status_code, headers=response.headers, stream=stream)

    return spoilt


def without_length(nth: int, response: httpx.Response) -> httpx.Response:
    """Content comes in chunks, and the first answer without its end."""
    headers = {**response.headers, "transfer-encoding": "chunked"}
    del headers["content-length"]
    stream = Torn(response.content) if nth == 1 else httpx.ByteStream(response.content)
    return httpx.Response(response.status_code, headers=headers, stream=stream)


@pytest.mark.parametrize("segment_size", [None, 1_000_000, 18_000_000])
async def test_a_length_that_is_not_told_and_an_end_that_is_missing_cost_nothing(
    fake: FakeCloud, clouds_yaml: Path, tmp_path: Path, segment_size: int | None
) -> None:
    content, target = big(20_000_000), tmp_path / "copy"
    chunked = Between(fake.transport, without_length)
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=chunked) as cloud:
        await cloud.create_object("box", "name", data=content, segment_size=segment_size)
        await download_object(cloud, "box", "name", target)
        assert target.read_bytes() == content
        assert len(chunked.ranges) == len(set(chunked.ranges))
        chunked.ranges.clear()
        assert await cloud.get_object("box", "name") == content


class Torn(httpx.AsyncByteStream):
    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._body
        raise httpx.ReadError("reset")


@pytest.mark.parametrize(
    ("size", "segment_size", "after"),
    [(4_000_000, None, 500_000), (4_000_000, 2_000_000, 500_000), (36_000_000, 18_000_000, 4_500_000)],
)
async def test_a_range_that_breaks_off_is_gone_on_with(
    fake: FakeCloud, clouds_yaml: Path, tmp_path: Path, size: int, segment_size: int | None, after: int
) -> None:
    content, target = big(size), tmp_path / "copy"
    breaking = Between(fake.transport, breaking_off(after))
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=breaking) as cloud:
        await cloud.create_object("box", "name", data=content, segment_size=segment_size)
        seen: list[aiocloud.Progress] = []
        await download_object(cloud, "box", "name", target, progress=seen.append)
        assert target.read_bytes() == content
        # No byte was asked for twice, and more often than the five times that an answer which brings nothing is.
        assert len(breaking.ranges) == 8
        assert [each.done for each in seen] == sorted(each.done for each in seen)
        assert await cloud.get_object("box", "name") == content


@pytest.fixture
def little_room() -> Iterator[None]:
    """No file of this process may be longer than 100,000 bytes, as if the disk were full."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("spoilt", [b"[]", b"{}", b"null", b"[[]]"])
async def test_a_manifest_that_names_too_little_is_read_again(
    fake: FakeCloud, clouds_yaml: Path, tmp_path: Path, spoilt: bytes
) -> None:
    def spoil(reply: Reply) -> Reply:
        return replace(reply, content=spoilt)

    content = big(5_500)
    async with to(fake, clouds_yaml) as cloud:
        await cloud.create_object("box", "name", data=content, segment_size=1000)
        fake.fault(Fault(method="GET", path="*/box/name", mutate=spoil))
        assert await cloud.get_object("box", "name", outfile=tmp_path / "copy") == b""
        assert (tmp_path / "copy").read_bytes() == content
        fake.fault(Fault(method="GET", path="*/box/name", mutate=spoil, after=1))
        assert await cloud.get_object("box", "name") == content
        fake.fault(Fault(method="GET", path="*/box/name", mutate=spoil, times=None))
        with pytest.raises(
            ChecksumMismatch, match=r"fake RegionOne: .*box/name has 5500 bytes, and its segments together 0"
        ):
            await cloud.get_object("box", "name", outfile=tmp_path / "copy")
        assert (tmp_path / "copy").read_bytes() == content
        # What can't be read can still be replaced, even by what it was.
        made = await cloud.create_object("box", "name", data=content, segment_size=1000)
        assert made.content_length == 5_500
        fake.clear()
        assert await cloud.get_object("box", "name") == content


async def test_large_objects_and_signatures_on_a_ceph_gateway(
    fake: FakeCloud, clouds_yaml: Path, tmp_path: Path
) -> None:
    """It takes a manifest's ETag for its own, shows no manifest, and compares If-Match with what nobody is told."""
    fake.cloud().region().swift.as_ceph = True
    path, copy = tmp_path / "file", tmp_path / "copy"
    path.write_bytes(big(5_500))
    async with to(fake, clouds_yaml) as cloud:
        made = await cloud.create_object("box", "name", path, segment_size=1000)
        assert (made.content_length, made.is_static_large_object) == (5_500, True)
        await cloud.get_object("box", "name", outfile=copy)
        assert copy.read_bytes() == path.read_bytes() == await cloud.get_object("box", "name")
        fake.requests.clear()
        again = await cloud.create_object("box", "name", path, segment_size=1000)
        assert fake.count(method="PUT") == fake.count(method="POST") == 0
        assert list(again.metadata) == ["mtime"]
        # Replaced, dynamic, removed: nothing stays.
        await cloud.create_object("box", "name", data=big(3_000, seed=2), segment_size=1000)
        assert len(boxes(fake)["box_segments"]) == 3
        await cloud.create_object("box", "dlo", data=big(3_000, seed=3), segment_size=1000, use_slo=False)
        assert await cloud.get_object("box", "dlo") == big(3_000, seed=3)
        await cloud.delete_object("box", "dlo")
        await cloud.delete_object("box", "name")
        assert boxes(fake) == {"box": []}


@pytest.mark.parametrize("use_slo", [True, False])
async def test_segments_of_what_is_replaced_are_never_written_over(
    fake: FakeCloud, clouds_yaml: Path, tmp_path: Path, use_slo: bool
) -> None:
    """The file has another content by now, and the same size and time: `cp -p`, `rsync -t`, images of a fixed size."""
    file = tmp_path / "file"
    async with to(fake, clouds_yaml) as cloud:
        for content, status in ((big(6_000, 1), None), (big(6_000, 2), 403), (big(6_000, 2), None)):
            file.write_bytes(content)
            os.utime(file, (1e9, 1e9))
            if status is None:
                await cloud.create_object("box", "name", file, segment_size=1000, use_slo=use_slo, if_changed=False)
                assert await cloud.get_object("box", "name") == content
                continue
            fake.fault(Fault(method="PUT", path="*/box_segments/name/*", after=3, times=None, status=status))
            with pytest.raises(aiocloud.Forbidden):
                await cloud.create_object("box", "name", file, segment_size=1000, use_slo=use_slo)
            fake.clear()
            assert await cloud.get_object("box", "name") == big(6_000, 1)
            assert len(boxes(fake)["box_segments"]) == 6
        assert len(boxes(fake)["box_segments"]) == 6


async def test_an_older_version_keeps_its_segments_when_a_later_upload_fails(
    fake: FakeCloud, clouds_yaml: Path, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_bytes(big(4_000))
    async with to(fake, clouds_yaml) as cloud:
        await cloud.object_store.containers.create(name="older")
        await cloud.object_store.containers.create(name="box", history_location="older")
        await cloud.create_object("box", "name", file, segment_size=1000)
        segments = boxes(fake)["box_segments"]
        await cloud.create_object("box", "name", data=b"other")
        fake.fault(Fault(method="PUT", path="*/box/name", times=None, status=403))
        with pytest.raises(aiocloud.Forbidden):
            await cloud.create_object("box", "name", file, segment_size=1000)
        fake.clear()
        assert boxes(fake)["box_segments"] == segments


@pytest.mark.parametrize("kind", ["dynamic", "static", "copied"])
async def test_a_replaced_manifest_leaves_objects_of_their_own(fake: FakeCloud, clouds_yaml: Path, kind: str) -> None:
    """Somebody has put them together under another name, or made a copy of a manifest."""
    async with to(fake, clouds_yaml) as cloud:
        objects = cloud.object_store.objects("box")
        await cloud.create_object("box", "logs/1", data=b"one")
        await cloud.create_object("box", "logs/2", data=b"two")
        await cloud.create_object("box", "large", data=big(3_000), segment_size=1000)
        if kind == "dynamic":
            await objects.put("all", b"", headers={"X-Object-Manifest": "box/logs/"})
        elif kind == "static":
            rows = json.dumps([{"path": "/box/logs/1"}, {"path": "/box/logs/2"}]).encode()
            await objects.put("all", rows, params={"multipart-manifest": "put"})
        else:
            await objects.copy("large", "box", "all", whole=False)
        await cloud.create_object("box", "all", data=b"something else")
        assert await cloud.get_object("box", "logs/1") == b"one"
        assert await cloud.get_object("box", "logs/2") == b"two"
        assert await cloud.get_object("box", "large") == big(3_000)


async def test_what_no_bulk_delete_removes_is_removed_one_by_one(fake: FakeCloud, clouds_yaml: Path) -> None:
    async with to(fake, clouds_yaml) as cloud:
        fake.fault(Fault(service="object-store", method="POST", times=None, status=503))
        for _ in range(2):
            await cloud.create_object("box", "name", data=big(12_000), segment_size=1000, if_changed=False)
            assert len(boxes(fake)["box_segments"]) == 12
        assert await cloud.delete_object("box", "name")
        assert boxes(fake).get("box_segments", []) == []


async def test_a_bulk_delete_that_passes_some_over_is_finished(fake: FakeCloud, clouds_yaml: Path) -> None:
    """Ceph's gateway reads lines of 2 KiB, ends at a longer one, and calls that a success."""
    fake.cloud().region().swift.as_ceph = True
    names = ["a", "ä" * 500, *map(str, range(10))]
    async with to(fake, clouds_yaml) as cloud:
        for name in names:
            await cloud.create_object("box", name, data=b"x")
        await delete_all(cloud, "box", names)
        assert boxes(fake) == {"box": []}


async def test_a_large_object_of_which_ceph_tells_nothing(
    fake: FakeCloud, clouds_yaml: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its segments lie where nobody looks: it is read as it comes, with a warning, and removed by the service."""
    fake.cloud().region().swift.as_ceph = True
    async with to(fake, clouds_yaml) as cloud:
        elsewhere = cloud.object_store.objects("elsewhere")
        await cloud.create_container("elsewhere")
        await cloud.create_container("box")
        rows = list[dict[str, Any]]()
        for name in "ab":
            await elsewhere.put(name, name.encode() * 1000)
            rows.append({"path": f"/elsewhere/{name}", "size_bytes": 1000})
        manifest = json.dumps(rows).encode()
        await cloud.object_store.objects("box").put("name", manifest, params={"multipart-manifest": "put"})
        assert await cloud.get_object("box", "name") == b"a" * 1000 + b"b" * 1000
        assert "can't be compared" in caplog.text
        await cloud.delete_object("box", "name")
        assert boxes(fake) == {"box": [], "elsewhere": []}


async def test_signatures_are_made_with_what_the_cloud_takes(fake: FakeCloud, clouds_yaml: Path) -> None:
    """Ceph's gateway takes SHA-1 alone, and says nothing of it."""
    fake.cloud().region().swift.as_ceph = True
    async with to(fake, clouds_yaml) as cloud:
        await cloud.create_object("box", "name", data=b"content")
        await set_temp_url_key(cloud, "box")
        url = await generate_temp_url(cloud, "box", "name", 60)
        form = await generate_form_signature(cloud, "box", "up/", "", 1000, 2, 60)
        assert len(form.signature) == 40
    async with httpx.AsyncClient(transport=fake.transport) as nobody:
        assert (await nobody.get(url)).content == b"content"


async def test_a_dynamic_object_whose_length_is_spoilt_is_read_again(
    fake: FakeCloud, clouds_yaml: Path, tmp_path: Path
) -> None:
    def spoil(reply: Reply) -> Reply:
        return replace(reply, content=b"", headers={**reply.headers, "Content-Length": "0"})

    content = big(5_500)
    async with to(fake, clouds_yaml) as cloud:
        await cloud.create_object("box", "name", data=content, segment_size=1000, use_slo=False)
        fake.fault(Fault(method="HEAD", path="*/box/name", mutate=spoil))
        await cloud.get_object("box", "name", outfile=tmp_path / "copy")
        assert (tmp_path / "copy").read_bytes() == content
        fake.fault(Fault(method="GET", path="*/box/name", mutate=spoil))
        assert await cloud.get_object("box", "name") == content


@pytest.mark.usefixtures("little_room")
@pytest.mark.parametrize("segment_size", [None, 60_000])
async def test_a_full_disk_is_said_and_leaves_no_file(
    fake: FakeCloud, clouds_yaml: Path, tmp_path: Path, segment_size: int | None
) -> None:
    async with to(fake, clouds_yaml) as cloud:
        await cloud.create_object("box", "name", data=big(200_000), segment_size=segment_size)
        with pytest.raises(CloudError, match="fake RegionOne: .*can't write .*copy"):
            await cloud.get_object("box", "name", outfile=tmp_path / "copy")
        assert not (tmp_path / "copy").exists()
        assert sum(path.stat().st_size for path in tmp_path.glob(".copy*")) <= 100_000


async def test_a_container_that_appears_late_is_waited_for(fake: FakeCloud, clouds_yaml: Path) -> None:
    """Swift is eventually consistent: a container made just now may still be unknown to who stores the object."""
    async with to(fake, clouds_yaml) as cloud:
        for name, segment_size in (("whole", None), ("large", 1000)):
            fake.fault(Fault(service="object-store", method="PUT", path="*/late*/*", times=2, status=404))
            made = await cloud.create_object("late", name, data=big(5000), segment_size=segment_size)
            assert made.content_length == 5000
            assert await cloud.get_object("late", name) == big(5000)


async def test_a_manifest_whose_segment_vanished_is_an_error(
    fake: FakeCloud, clouds_yaml: Path, tmp_path: Path
) -> None:
    async with to(fake, clouds_yaml) as cloud:
        await cloud.create_object("box", "name", data=big(5000), segment_size=1000)
        (gone, *_) = boxes(fake)["box_segments"]
        await delete_all(cloud, "box_segments", [gone])
        with pytest.raises(CloudError):
            await cloud.get_object("box", "name")
        with pytest.raises(CloudError):
            await cloud.get_object("box", "name", outfile=tmp_path / "copy")
        assert not (tmp_path / "copy").exists()
        assert await cloud.delete_object("box", "name") is True
        assert boxes(fake) == {"box": []}


async def test_listings_turn_their_pages(clouds_yaml: Path) -> None:
    fake = FakeCloud(page_size=3)
    async with to(fake, clouds_yaml) as cloud:
        for index in range(7):
            await cloud.create_object("box", f"a/{index}", data=b"x")
        assert [each.name for each in await cloud.list_objects("box")] == [f"a/{index}" for index in range(7)]
        assert [each.name for each in await cloud.list_objects("box", delimiter="/")] == ["a/"]
        assert len(await cloud.list_objects("box", full_listing=False)) == 3
        assert [each.name for each in await cloud.search_objects("box", "*5")] == ["a/5"]
        assert [each.name for each in await cloud.list_containers()] == ["box"]


@pytest.mark.parametrize("info", ["ceph", "hidden", "swift"])
async def test_pages_that_are_short_are_not_the_end(clouds_yaml: Path, info: str) -> None:
    """Ceph's gateway gives fewer than it could; only of a Swift that says so is a short page known to be the last."""
    fake = FakeCloud(page_size=4)
    fake.cloud().region().swift.as_ceph = info == "ceph"
    if info == "hidden":
        fake.fault(Fault(path="/info", status=404, times=None))
    async with to(fake, clouds_yaml) as cloud:
        wanted = [f"{index}" for index in range(8)]
        for name in wanted:
            await cloud.create_container(name)
            await cloud.create_object("0", name, data=b"x")
        fake.requests.clear()
        assert [each.name for each in await cloud.list_objects("0")] == wanted
        assert [each.name for each in await cloud.list_containers()] == wanted
        assert fake.count(method="GET") == {"ceph": 8, "hidden": 6, "swift": 6}[info]
        assert [each.name for each in await cloud.object_store.objects("0").list(limit=5)] == wanted
        assert await cloud.object_store.objects("0").list(prefix="x") == []


async def test_links_archives_copies_and_access(fake: FakeCloud, clouds_yaml: Path) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for index in range(3):
            entry = tarfile.TarInfo(f"f{index}")
            entry.size = 3
            archive.addfile(entry, io.BytesIO(b"abc"))
    async with to(fake, clouds_yaml) as cloud:
        await cloud.create_container("box", public=True)
        assert await cloud.get_container_access("box") == "public"
        await cloud.set_container_access("box", "private")
        assert await cloud.get_container_access("box") == "private"
        assert await upload_archive(cloud, "box/x", data=packed.getvalue()) == 3
        box = cloud.object_store.objects("box")
        assert (await box.copy("x/f0", "box", "copy")).content_length == 3
        await box.link("link", "box", "copy")
        assert await cloud.get_object("box", "link") == b"abc"
        assert await cloud.delete_object("box", "link") is True
        assert await cloud.get_object("box", "copy") == b"abc"
        key = (await set_temp_url_key(cloud, "box")).get_secret_value()
        container = await cloud.get_container("box")
        assert key not in repr(container)
        url = await generate_temp_url(cloud, "box", "x/f0", 60)
        assert "temp_url_sig=" in url
        form = await generate_form_signature(cloud, "box", "up/", "https://example.org/", 1000, 2, 60)
        assert form.signature and key not in repr(form)


async def test_a_refusal_says_what_is_not_there(fake: FakeCloud, clouds_yaml: Path, tmp_path: Path) -> None:
    """Swift's own words are "Not Found" and "There was a conflict"."""
    async with to(fake, clouds_yaml) as cloud:
        await cloud.create_object("box", "large", data=big(3000), segment_size=1000)
        none = "fake RegionOne: .*there is no object 'nope' in the container 'box'"
        with pytest.raises(aiocloud.NotFound, match=none):
            await cloud.get_object("box", "nope")
        with pytest.raises(aiocloud.NotFound, match=none):
            await cloud.download_object("box", "nope", tmp_path / "file")
        with pytest.raises(aiocloud.NotFound, match="there is no container 'nobox'"):
            await cloud.list_objects("nobox")
        with pytest.raises(aiocloud.NotFound, match="there is no container 'nobox'"):
            await cloud.set_container_access("nobox", "public")
        with pytest.raises(aiocloud.Conflict, match="the container 'box' is not empty"):
            await cloud.delete_container("box")
        await cloud.object_store.objects("box_segments").delete(boxes(fake)["box_segments"][1])
        with pytest.raises(aiocloud.Conflict, match="a segment of the large object 'large' in 'box' is missing"):
            await cloud.download_object("box", "large", tmp_path / "file")


async def test_a_manifest_that_arrives_damaged_is_read_again(fake: FakeCloud, clouds_yaml: Path) -> None:
    def damaged(reply: Reply) -> Reply:
        return replace(reply, content=b"[{" + bytes(reply.content)[2:-1] if isinstance(reply.content, bytes) else b"")

    async with to(fake, clouds_yaml) as cloud:
        await cloud.create_object("box", "name", data=big(3000), segment_size=1000)
        fake.fault(Fault(service="object-store", method="GET", path="*/box/name", after=1, times=2, mutate=damaged))
        assert await cloud.get_object("box", "name") == big(3000)
        fake.fault(Fault(service="object-store", method="GET", path="*/box/name", times=None, mutate=damaged))
        with pytest.raises(aiocloud.NormalizationError, match="fake RegionOne: the manifest of box/name"):
            await cloud.delete_object("box", "name")
