"""Images on the fake cloud: sent once, by the way the cloud takes them, and removed when it does not work out."""

from __future__ import annotations

import bz2
import gc
import gzip
import hashlib
import io
import json
import lzma
import random
import struct
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import anyio
import httpx2
import pytest

import aiocloud
from aiocloud import Cloud
from aiocloud.tasks import formats, image_uploads
from aiocloud.tasks.objects import upload_archive
from aiocloud.tasks.together import Pace
from aiocloud.testing import FakeCloud, Fault
from aiocloud.testing.faults import Cut
from aiocloud.testing.http import Reply

CONTENT = bytes(range(256)) * 4096


def to(fake: FakeCloud, config: Path) -> Cloud:
    return aiocloud.connect("fake", config_files=[config], transport=fake.transport)


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    path = tmp_path / "disk.raw"
    path.write_bytes(CONTENT)
    return path


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (b"QFI\xfb\0\0\0\3", "qcow2"),
        (b"KDMV\1\0\0\0", "vmdk"),
        (b"# Disk DescriptorFile\nversion=1", "vmdk"),
        (b"vhdxfile", "vhdx"),
        (b"conectix", "vhd"),
        (b"\0" * 32769 + b"CD001", "iso"),
        (b"<<< Oracle VM VirtualBox Disk Image >>>", "vdi"),
        (b"\0" * 510 + b"\x55\xaa", "raw"),
        (b"\0" * 1024, None),
        (b"", None),
    ],
)
def test_a_file_says_itself_what_it_is(head: bytes, found: str | None) -> None:
    assert formats.recognise(head) == found


def qcow2(backing: int = 0, features: int = 0) -> bytes:
    return b"QFI\xfb" + struct.pack(">IQ", 3, backing) + b"\0" * 56 + struct.pack(">Q", features) + b"\0" * 40


def vmdk(*more: str, kind: str = "monolithicSparse", start: int = 1, count: int = 20, end: str = "\n") -> bytes:
    """As qemu-img and VirtualBox write them: a header, a description in its sectors, then the rest."""
    header = b"KDMV" + struct.pack(
        "<IIQQQQIQQQ?4sH", 1, 3, 2048, 128, start, count, 512, 21, 26, 128, False, b"\n \r\n", 0
    )
    usual = ["# Disk DescriptorFile", "version=1", "CID=be2f6e0c", "parentCID=ffffffff", f'createType="{kind}"', ""]
    extents = ["# Extent description", 'RW 2048 SPARSE "disk.vmdk"', "", "# The Disk Data Base", "#DDB", ""]
    text = end.join([*usual, *extents, *more, 'ddb.adapterType = "ide"', ""]).encode()
    return (header.ljust(512 * start, b"\0") + text).ljust(formats.HEAD + 5000, b"\0")


def test_a_vmdk_that_holds_its_disk_is_taken() -> None:
    for head in (
        vmdk(),
        vmdk(kind="streamOptimized"),
        vmdk(end="\r\n"),
        vmdk(start=30),
        vmdk(count=1),
        vmdk("RW 2048 ZERO"),
        vmdk().replace(b"RW 2048", b"RDONLY 2048"),
        vmdk().replace(b"createType=", b"createType = "),
        vmdk().replace(b"parentCID=", b"parentCID = "),
        b"COWD".ljust(5000, b"\0"),
    ):
        for disk_format in ("vmdk", "raw"):
            formats.check_safe(head[: formats.HEAD], disk_format)


def test_a_vmdk_that_may_refer_to_others_is_refused() -> None:
    """Whichever reader it is written for."""
    described = vmdk()[512:2000].rstrip(b"\0")
    for head, why in (
        (vmdk('parentFileNameHint="/etc/shadow"'), "its parent"),
        (vmdk('x parentFileNameHint="/etc/shadow"'), "its parent"),
        (vmdk().replace(b"parentCID=ffffffff", b"parentCID=12345678"), "its parent"),
        (b"COWD".ljust(512, b"\0") + b'parentFileNameHint="/etc/shadow"', "its parent"),
        (vmdk(start=30)[:600] + b'\nparentFileNameHint="/etc/shadow"\n' + vmdk(start=30)[700:], "its parent"),
        (vmdk(start=200), "not expected"),
        (vmdk(count=2**62), "not expected"),
        (vmdk('RW 1 FLAT "/etc/passwd" 0'), "an extent that is flat"),
        (vmdk('rdonly 1 vmfsraw "/dev/sda"'), "an extent that is vmfsraw"),
        (vmdk('RW 1 FLAT "/etc/passwd" 0', end="\r"), "an extent that is flat"),
        (vmdk('RW 1 SPARSE "other.vmdk"'), "parts of a disk"),
        (vmdk().replace(b"disk.vmdk", b"/tmp/disk"), "parts of a disk"),
        (vmdk('createType="monolithicFlat"'), "does not tell its kind just once"),
        (vmdk('x createType="monolithicFlat"'), "does not tell its kind just once"),
        (vmdk('\0\0createType="monolithicSparse"'), "does not tell its kind just once"),
        (vmdk().replace(b"createType", b"createKind"), "does not tell its kind just once"),
        (vmdk(kind="custom"), "it is custom"),
        (b"KDMV\1\0\0\0", "ends inside its header"),
        (described, "it is a text"),
        (b"\xef\xbb\xbf" + described.lower(), "it is a text"),
        (b"#\n" + described, "it is a text"),
        (b"# " + b"x" * 600 + b"\r\n\r\n version=1\r\n", "it is a text"),
    ):
        for disk_format in ("vmdk", "raw"):
            with pytest.raises(aiocloud.InvalidRequest, match=why):
                formats.check_safe(head[: formats.HEAD], disk_format)


def test_a_file_that_refers_to_others_is_refused() -> None:
    formats.check_safe(qcow2(), "qcow2")
    formats.check_safe(b"anything", "raw")
    for head, disk_format, why in (
        (qcow2(backing=104), "qcow2", "backing file"),
        (qcow2(features=4), "qcow2", "data in another file"),
        (qcow2(backing=104), "raw", "backing file"),
        (vmdk(kind="monolithicFlat"), "vmdk", "describes other files"),
        (vmdk(kind="twoGbMaxExtentSparse"), "raw", "describes other files"),
        (b"# Disk DescriptorFile\n", "vmdk", "describes other files"),
        (b"KDMV", "qcow2", "this file is vmdk"),
        (b"QFI\xfb", "qcow2", "ends inside its header"),
    ):
        with pytest.raises(aiocloud.InvalidRequest, match=why):
            formats.check_safe(head, disk_format)


def test_nobody_need_say_a_format() -> None:
    for head, usual, format_ in (
        (qcow2(), "raw", "qcow2"),
        (b"no sign at all", "qcow2", "raw"),
        (b"no sign at all", "vhdx", "raw"),
        (b"no sign at all", "vhd", "vhd"),
        (b"", "iso", "iso"),
    ):
        assert formats.proposed(head, b"", usual, "bare") == format_
    for compress in (gzip.compress, bz2.compress, lzma.compress):
        head = compress(qcow2())
        with pytest.raises(aiocloud.InvalidRequest, match=r"is compressed \(.*: unpack it first"):
            formats.proposed(head, b"", "qcow2", "bare")
        assert formats.proposed(head, b"", "qcow2", "compressed") == "qcow2"


@pytest.mark.anyio
async def test_what_bears_no_sign_is_no_qcow2(fake: FakeCloud, clouds_yaml: Path) -> None:
    """Glance refuses content that is not what it is said to be, with 415."""
    async with to(fake, clouds_yaml) as cloud:
        image = await cloud.create_image("plain", data=b"content " * 1000)
        assert (image.status, image.disk_format) == ("active", "raw")


@pytest.mark.anyio
async def test_the_same_content_is_sent_once(fake: FakeCloud, clouds_yaml: Path, disk: Path) -> None:
    async with to(fake, clouds_yaml) as cloud:
        seen: list[aiocloud.Progress] = []
        image = await cloud.create_image(
            "mine", disk, disk_format="raw", tags=["blue"], meta={"team": "ops"}, min_disk=2, progress=seen.append
        )
        assert (image.status, image.size, image.min_disk, image["team"]) == ("active", len(CONTENT), 2, "ops")
        assert seen[-1] == aiocloud.Progress(len(CONTENT), len(CONTENT), "image mine")
        again = await cloud.create_image("mine", disk, disk_format="raw", wait=True)
        assert again.id == image.id
        assert fake.count(service="image", method="PUT") == 1
        other = await cloud.create_image("mine", disk, disk_format="raw", allow_duplicates=True)
        assert other.id != image.id
        with pytest.raises(aiocloud.Ambiguous):
            await cloud.get_image("mine")
        assert await cloud.delete_image(other.id) is True
        assert await cloud.update_image_properties("mine", meta={"team": None, "new": True}) is True
        found = await cloud.get_image("mine")
        assert found is not None
        assert "team" not in found
        assert await cloud.get_image_id("mine") == image.id
        assert await cloud.get_image_name(image.id, exclude="in") is None


@pytest.mark.anyio
async def test_properties_that_are_as_they_should_be_are_not_set_again(fake: FakeCloud, clouds_yaml: Path) -> None:
    """Glance keeps all but its own as text."""
    async with to(fake, clouds_yaml) as cloud:
        await cloud.create_image("mine", data=CONTENT, properties={"n": 1})
        wanted = {"yes": True, "n": 1, "half": 0.5, "text": "x", "gone": None, "min_disk": 2, "is_protected": True}
        for changed in (True, False):
            assert await cloud.update_image_properties("mine", properties=wanted) is changed
        assert fake.count(service="image", method="PATCH") == 1
        assert await cloud.update_image_properties("mine", properties={"yes": "True"}) is True


@pytest.mark.anyio
async def test_a_property_that_is_none_is_left_out(fake: FakeCloud, clouds_yaml: Path) -> None:
    async with to(fake, clouds_yaml) as cloud:
        image = await cloud.create_image("mine", data=CONTENT, properties={"a": None, "b": 1}, meta={"c": None})
        assert (image["b"], "a" in image, "c" in image) == ("1", False, False)


@pytest.mark.anyio
async def test_a_hidden_image_is_sent_once(fake: FakeCloud, clouds_yaml: Path) -> None:
    async with to(fake, clouds_yaml) as cloud:
        for name in ("mine", "with: colon"):
            shown = await cloud.create_image(name, data=b"other content")
            image = await cloud.create_image(name, data=CONTENT, is_hidden=True)
            again = await cloud.create_image(name, data=CONTENT, is_hidden=True)
            assert (image.is_hidden, again.id) == (True, image.id)
            assert (await cloud.create_image(name, data=b"other content")).id == shown.id


@pytest.mark.anyio
async def test_an_image_is_known_by_its_name_to_the_letter(fake: FakeCloud, clouds_yaml: Path) -> None:
    """Glance compares names as its database does: `Ä` is `a`, and blanks at the end count for nothing."""
    async with to(fake, clouds_yaml) as cloud:
        first = await cloud.create_image("mine", data=CONTENT)
        names = ["MINE", "mïne", "mine ", "in:mine", 'in:"mine",x', 'in:"a', "in:a,b", "mine,b", "eq:mine", 'in:a\\"b']
        for name in names:
            image = await cloud.create_image(name, data=CONTENT)
            assert (image.name, image.id == first.id) == (name, False)
            assert [each.id for each in await cloud.search_images(name)] == [image.id]
            again = await cloud.create_image(name, data=CONTENT)
            assert again.id == image.id
        for name in names:
            assert await cloud.delete_image(name) is True
        assert (await cloud.create_image("mine", data=CONTENT)).id == first.id


@pytest.mark.anyio
@pytest.mark.parametrize("how", ["put", "import"])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_broken_upload_ends_in_one_image(
    fake: FakeCloud, clouds_yaml: Path, disk: Path, how: str, when: Any
) -> None:
    async with to(fake, clouds_yaml) as cloud:
        before = {image.id for image in await cloud.list_images()}
        fake.fault(Fault(service="image", method="POST", path="*/images", reset=when))
        fake.fault(Fault(service="image", method="PUT", path="*/file" if how == "put" else "*/stage", reset=when))
        image = await cloud.create_image("mine", disk, disk_format="raw", use_import=how == "import", wait=True)
        assert (image.status, image.size) == ("active", len(CONTENT))
        assert {each.id for each in await cloud.list_images()} - before == {image.id}


@pytest.mark.anyio
@pytest.mark.parametrize("trouble", [{}, {"status": 503}, {"status": 504}, {"reset": "before"}])
async def test_an_id_that_is_taken_is_a_conflict(
    fake: FakeCloud, clouds_yaml: Path, trouble: Mapping[str, Any]
) -> None:
    """However the request for the record ends, the image that was there before stays as it is."""
    async with to(fake, clouds_yaml) as cloud:
        precious = await cloud.create_image("precious", data=b"precious" * 100)
        if trouble:
            fake.fault(Fault(service="image", method="POST", path="*/images", **trouble))
        with pytest.raises(aiocloud.Conflict, match="already exists"):
            await cloud.create_image("other", data=b"other" * 100, image_id=precious.id)
        assert await cloud.get_image_by_id(precious.id) == precious
        assert await cloud.search_images("other") == []
        assert fake.count(service="image", method="PUT") == 1
        own = "7c0be1a4-3f1e-4c5e-8a56-8d1f0e3c9b11"
        fake.fault(Fault(service="image", method="POST", path="*/images", reset="after"))
        image = await cloud.create_image("mine", data=b"mine" * 100, image_id=own)
        assert (image.id, image.status) == (own, "active")


@pytest.mark.anyio
@pytest.mark.parametrize("own", [None, "7c0be1a4-3f1e-4c5e-8a56-8d1f0e3c9b11"])
@pytest.mark.parametrize("appears", ["soon", "late", "never"])
async def test_a_record_whose_beginning_was_cut_off_is_removed_or_named(
    fake: FakeCloud, clouds_yaml: Path, caplog: pytest.LogCaptureFixture, own: str | None, appears: str
) -> None:
    """Cancelled while Glance makes it."""
    region, glance = fake.cloud().region(), fake.cloud().region().glance
    scope = anyio.CancelScope()
    made: list[dict[str, Any]] = []

    def cut(reply: Reply) -> Reply:
        assert isinstance(reply.content, bytes)
        made.append(glance.images.pop(json.loads(reply.content)["id"]))
        if appears != "never":
            region.later(0.3 if appears == "soon" else 1.5, lambda: glance.images.update({made[0]["id"]: made[0]}))
        scope.cancel()
        raise Cut("silence")

    fake.fault(Fault(service="image", method="POST", path="*/images", mutate=cut))
    async with to(fake, clouds_yaml) as cloud:
        with scope:
            await cloud.create_image("mine", data=CONTENT, disk_format="raw", image_id=own)
        assert scope.cancelled_caught
        await anyio.sleep(1.5)
        there = [image.id for image in await cloud.search_images("mine")]
        assert there == ([made[0]["id"]] if appears == "late" else [])
        told = f"could not take back: image {made[0]['id']} (mine): the request for it was cut off: it may still appear"
        assert (told in caplog.text) == (appears != "soon")


@pytest.mark.anyio
async def test_what_took_the_id_meanwhile_stays(fake: FakeCloud, clouds_yaml: Path) -> None:
    own = "7c0be1a4-3f1e-4c5e-8a56-8d1f0e3c9b11"
    glance = fake.cloud().region().glance

    def taken(reply: Reply) -> Reply:
        glance.images[own].update(name="theirs")
        return Reply(409, b"Image ID already exists!")

    fake.fault(Fault(service="image", method="POST", path="*/images", mutate=taken))
    async with to(fake, clouds_yaml) as cloud:
        with pytest.raises(aiocloud.Conflict) as caught:
            await cloud.create_image("mine", data=CONTENT, disk_format="raw", image_id=own)
        assert caught.value.leftovers == ()
        assert (await cloud.get_image_by_id(own)).name == "theirs"


@pytest.mark.anyio
async def test_a_proxy_that_waited_long_enough_says_nothing_of_the_service(
    fake: FakeCloud, clouds_yaml: Path, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The storage takes its time, the load balancer answers 504, and Glance finishes: nothing is sent twice."""
    monkeypatch.setattr(image_uploads, "_SOON", 0.1)
    region = fake.cloud().region()

    def too_late(reply: Reply) -> Reply:
        (image,) = (each for each in region.glance.images.values() if each["name"] == "mine")
        image["status"] = "saving"
        region.later(1.0, lambda: image.update(status="active"))
        return Reply(504, b"<html><h1>504 Gateway Time-out</h1></html>")

    fake.fault(Fault(service="image", method="PUT", path="*/file", mutate=too_late))
    async with to(fake, clouds_yaml) as cloud:
        image = await cloud.create_image("mine", disk, disk_format="raw")
        assert (image.status, image.size) == ("active", len(CONTENT))
    assert fake.count(service="image", method="PUT") == 1


class BreaksOff(httpx2.AsyncBaseTransport):
    """Takes a first piece of what is uploaded, and no more."""

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self.inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.method != "PUT":
            return await self.inner.handle_async_request(request)
        assert isinstance(request.stream, httpx2.AsyncByteStream)
        async with aclosing(cast("AsyncGenerator[bytes]", aiter(request.stream))) as chunks:
            await anext(chunks)
        raise httpx2.ReadError("reset")


@pytest.mark.anyio
@pytest.mark.parametrize("kind", ["file", "bytes", "list", "generator"])
async def test_what_breaks_off_in_its_middle_leaves_no_generator_behind(
    fake: FakeCloud, clouds_yaml: Path, tmp_path: Path, kind: str
) -> None:
    """trio complains, on the garbage collector's behalf; pytest hears it."""
    data = random.Random(1).randbytes(3_000_000)
    (tmp_path / "file").write_bytes(data)

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(data), 100_000):
            yield data[at : at + 100_000]

    def given() -> dict[str, Any]:
        kinds: dict[str, Any] = {"bytes": data, "list": [data[:9], data[9:]], "generator": pieces()}
        return {"filename": tmp_path / "file"} if kind == "file" else {"data": kinds[kind]}

    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=BreaksOff(fake.transport)) as cloud:
        once = cloud.with_options(retries=0)
        before = len(await cloud.list_images())
        with pytest.raises(aiocloud.TransportError):
            await once.create_image("mine", disk_format="raw", **given())
        with pytest.raises(aiocloud.TransportError):
            await upload_archive(once, "box", **given())
        gc.collect()
        assert len(await cloud.list_images()) == before


@pytest.mark.anyio
async def test_what_fails_or_is_cancelled_leaves_no_image(fake: FakeCloud, clouds_yaml: Path, disk: Path) -> None:
    async with to(fake, clouds_yaml) as cloud:
        fake.fault(Fault(service="image", method="PUT", path="*/file", times=None, status=403))
        with pytest.raises(aiocloud.Forbidden):
            await cloud.create_image("mine", disk, disk_format="raw")
        fake.clear()
        with anyio.CancelScope() as scope:
            await cloud.create_image("mine", disk, disk_format="raw", progress=lambda _: scope.cancel())
        assert scope.cancelled_caught
        assert await cloud.search_images("mine") == []
        fake.fault(Fault(service="image", method="PUT", path="*/file", times=None, status=403))
        fake.fault(Fault(service="image", method="DELETE", times=None, status=403))
        with pytest.raises(aiocloud.Forbidden) as caught:
            await cloud.create_image("mine", disk, disk_format="raw")
        assert [left.kind for left in caught.value.leftovers] == ["image"]


@pytest.mark.anyio
@pytest.mark.parametrize("how", ["put", "import", "url"])
async def test_what_was_to_be_protected_is_removed_again(
    fake: FakeCloud, clouds_yaml: Path, disk: Path, how: str
) -> None:
    """An image is protected once all else is done."""
    ways: dict[str, dict[str, Any]] = {
        "put": {"filename": disk},
        "import": {"filename": disk, "use_import": True, "wait": True},
        "url": {"uri": "http://images/disk.raw", "wait": True},
    }
    options: dict[str, Any] = {"disk_format": "raw", "is_protected": True, **ways[how]}
    at_once: dict[str, Any] = {**options, "wait": False}
    imports = fake.cloud().region().glance.imports
    async with to(fake, clouds_yaml) as cloud:
        image = await cloud.create_image("mine", **options)
        assert (image.is_protected, image.status) == (True, "active")
        later = await cloud.create_image("later", **at_once)
        assert (await cloud.wait_for_image(later)).is_protected
        imports.web["http://images/disk.raw"] = None
        imports.staged.clear()
        path, method = ("*/file", "PUT") if how == "put" else ("*/import", "POST")
        fake.fault(Fault(service="image", method=method, path=path, times=None, status=403))
        for given in (options, at_once):
            with pytest.raises(aiocloud.Forbidden) as caught:
                await cloud.create_image("bad", **given)
            assert caught.value.leftovers == ()
        fake.clear()
        # The last step of all is done, and the answer says that it is not.
        imports.web.clear()
        wrong = Fault(service="image", method="PATCH", after=int(how == "import"), mutate=lambda _: Reply(400, b""))
        fake.fault(wrong)
        with pytest.raises(aiocloud.BadRequest) as refused:
            await cloud.create_image("bad", **options)
        assert refused.value.leftovers == ()
        assert await cloud.search_images("bad") == []


@pytest.mark.anyio
async def test_what_is_protected_while_it_is_taken_back_is_removed_all_the_same(
    fake: FakeCloud, clouds_yaml: Path
) -> None:
    """Cancelled while Glance protects it, which takes effect after its protection was taken away."""
    images, scope = fake.cloud().region().glance.images, anyio.CancelScope()

    def protect(reply: Reply, *, now: bool) -> Reply:
        (image,) = (each for each in images.values() if each["name"] == "mine")
        image["protected"] = now
        scope.cancel()
        return reply if now else Reply(200, silence())

    async def silence() -> AsyncIterator[bytes]:
        yield b""
        await anyio.sleep_forever()

    fake.fault(Fault(service="image", method="PATCH", mutate=partial(protect, now=False)))
    fake.fault(Fault(service="image", method="PATCH", mutate=partial(protect, now=True)))
    async with to(fake, clouds_yaml) as cloud:
        with scope:
            await cloud.create_image("mine", data=CONTENT, disk_format="raw", is_protected=True)
        assert scope.cancelled_caught
        assert await cloud.search_images("mine") == []


@pytest.mark.anyio
async def test_streams_and_bad_input(fake: FakeCloud, clouds_yaml: Path, disk: Path, tmp_path: Path) -> None:
    async def stream() -> AsyncIterator[bytes]:
        for at in range(0, len(CONTENT), 100_000):
            yield CONTENT[at : at + 100_000]

    async with to(fake, clouds_yaml) as cloud:
        image = await cloud.create_image("streamed", data=stream(), disk_format="raw")
        assert image.size == len(CONTENT)
        copy = tmp_path / "copy"
        await cloud.download_image("streamed", output_path=copy)
        assert copy.read_bytes() == CONTENT
        with copy.open("wb") as file:
            await cloud.download_image("streamed", output_file=file)
        assert copy.read_bytes() == CONTENT
        for arguments, error, why in (
            ({"filename": tmp_path / "no-such"}, aiocloud.InvalidRequest, "no-such"),
            ({}, aiocloud.InvalidRequest, "nothing to make"),
            ({"filename": disk, "md5": "0" * 32}, aiocloud.ChecksumMismatch, "md5"),
            ({"data": b"QFI\xfb" + struct.pack(">IQ", 3, 64) + b"\0" * 90}, aiocloud.InvalidRequest, "backing"),
        ):
            options: dict[str, Any] = dict(arguments)
            with pytest.raises(error, match=why):
                await cloud.create_image("bad", timeout=3, **options)
        assert await cloud.search_images("bad") == []
        with pytest.raises(aiocloud.InvalidRequest, match="output_path"):
            await cloud.download_image("streamed")


@pytest.mark.anyio
async def test_damage_on_the_way_down_is_an_error(
    fake: FakeCloud, clouds_yaml: Path, disk: Path, tmp_path: Path
) -> None:
    async with to(fake, clouds_yaml) as cloud:
        image = await cloud.create_image("mine", disk, disk_format="raw")
        fake.cloud().region().glance.images[image.id]["os_hash_value"] = "0" * 128
        with pytest.raises(aiocloud.ChecksumMismatch):
            await cloud.download_image("mine", output_path=tmp_path / "copy")
        assert sorted(path.name for path in tmp_path.iterdir()) == ["clouds.yaml", "disk.raw"]


@pytest.mark.anyio
async def test_an_image_without_content_is_no_empty_file(fake: FakeCloud, clouds_yaml: Path, tmp_path: Path) -> None:
    async with to(fake, clouds_yaml) as cloud:
        await cloud.image.images.create(name="empty", disk_format="raw", container_format="bare")
        why = r"fake RegionOne: .*image empty .* has no content: it is queued"
        with pytest.raises(aiocloud.InvalidRequest, match=why):
            await cloud.download_image("empty", output_path=tmp_path / "copy")
        with pytest.raises(aiocloud.InvalidRequest, match=why):
            await cloud.download_image("empty", output_file=io.BytesIO())
        assert [path.name for path in tmp_path.iterdir()] == ["clouds.yaml"]


@pytest.mark.anyio
async def test_a_break_after_the_last_byte_costs_nothing(fake: FakeCloud, clouds_yaml: Path, tmp_path: Path) -> None:
    """Of an answer in chunks the end is more than its last byte."""

    def broken(reply: Reply) -> Reply:
        async def chunks() -> AsyncIterator[bytes]:
            assert not isinstance(reply.content, bytes)
            async for chunk in reply.content:
                yield chunk
            raise httpx2.ReadError("reset")

        return replace(reply, content=chunks(), headers={"content-type": "application/octet-stream"})

    async with to(fake, clouds_yaml) as cloud:
        image = await cloud.create_image("mine", data=b"x" * 5000, disk_format="raw")
        fake.fault(Fault(service="image", method="GET", path="*/file", mutate=broken))
        await cloud.download_image(image, output_path=tmp_path / "copy")
        assert (tmp_path / "copy").read_bytes() == b"x" * 5000
        assert fake.count(method="GET", path="*/file") == 1


def bytes_read() -> int:
    """By this process, with `read` and its kin, so far."""
    return int(Path("/proc/self/io").read_text().split()[1])


@pytest.mark.anyio
@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="counts what the kernel says was read")
async def test_many_clouds_read_a_file_once(tmp_path: Path) -> None:
    size = 24 * 1024 * 1024
    disk, config = tmp_path / "disk.raw", tmp_path / "clouds.yaml"
    with disk.open("wb") as file:
        file.truncate(size)
    fakes = FakeCloud.talk()
    config.write_text(fakes.clouds_yaml())
    async with aiocloud.connect_all(config_files=[config], transport=fakes.transport) as fleet:
        for cloud in fleet:
            fakes.cloud(cloud.name).region(cloud.region_name).glance.discard = True
        await fleet.map(Cloud.list_images)
        before = bytes_read()
        outcomes = await fleet.map(Cloud.create_image, "mine", filename=disk, disk_format="raw", wait=True)
        used = bytes_read() - before
    assert [image.size for image in outcomes.values] == [size] * 3
    # Sent to three clouds and hashed: read once, and its beginning and end looked at.
    assert used < 1.1 * size


@pytest.mark.anyio
async def test_who_is_ahead_waits_for_who_is_behind_while_it_has_patience() -> None:
    pace = Pace(ahead=10)
    pace.expected = 2
    quick = pace.begin()
    done: list[str] = []

    async def ahead(count: int) -> None:
        await pace.keep(quick, count)
        done.append(f"quick is at {quick.at}")

    await ahead(10)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ahead, 1)
        await anyio.wait_all_tasks_blocked()
        assert done == ["quick is at 10"]  # the other has not begun
        slow = pace.begin()
        await pace.keep(slow, 5)
    assert done[1:] == ["quick is at 11"]
    quick.patience = 0
    await ahead(100)
    quick.patience = 0.001
    await ahead(100)
    assert quick.patience <= 0
    pace.end(slow)
    assert pace.end(quick)


@pytest.mark.anyio
async def test_who_waits_for_an_image_shares_its_looks(fake: FakeCloud, clouds_yaml: Path) -> None:
    """Twenty waiters, a look or two: those who come while one is under way have its answer."""
    async with to(fake, clouds_yaml) as cloud:
        image = await cloud.create_image("shared", data=CONTENT, disk_format="raw", container_format="bare", wait=True)

        async def wait() -> None:
            assert (await cloud.wait_for_image({"id": image.id})).status == "active"

        fake.requests.clear()
        async with anyio.create_task_group() as waiters:
            for _ in range(20):
                waiters.start_soon(wait)
        assert fake.count(service="image") <= 3


@pytest.mark.anyio
async def test_a_record_tells_no_checksum_of_a_stream_before_it_was_sent(fake: FakeCloud, clouds_yaml: Path) -> None:
    """Whoever finds a checksum there takes it for true, also when nobody comes to remove the record."""
    seen: list[str | None] = []
    start = bytes(1_000_000)  # more than its format is told by
    sums = "owner_specified.openstack.md5"
    async with to(fake, clouds_yaml) as cloud, to(fake, clouds_yaml) as other:

        async def content() -> AsyncIterator[bytes]:
            yield start
            (record,) = await other.search_images("mine")
            seen.append(record.get(sums))
            yield b"end"

        right = hashlib.md5(start + b"end", usedforsecurity=False).hexdigest()
        image = await cloud.create_image("mine", data=content(), disk_format="raw", md5=right)
        assert (seen, image.get(sums)) == ([None], right)
