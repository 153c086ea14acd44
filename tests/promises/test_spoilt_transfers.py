"""R13 for transfers: whatever is answered, content arrives whole and right, or a CloudError says what is wrong."""

from __future__ import annotations

import gc
import gzip
import os
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from shutil import rmtree

import anyio
import pytest

import aiocloud
from aiocloud import Cloud, CloudError
from aiocloud.testing import FakeCloud, Fault
from aiocloud.testing.http import Reply
from tests.promises.report import report, size

pytestmark = [pytest.mark.promise, pytest.mark.anyio]
SEED = 20_261_123
AT_ONCE = 20
CONTENT = random.Random(SEED).randbytes(5_500)
OTHER = random.Random(SEED + 1).randbytes(4_200)

HEADERS = {
    "etag": ["", '"', "0" * 32, '"%s"' % ("f" * 32), "é", "null", 'W/"x"'],
    "content-length": ["-1", "1e3", "999999999999999999999", "", "0", "x"],
    "content-range": ["bytes */*", "bytes 5-2/1", "lines 0-9/10", "bytes 0-999999999999/99", ""],
    "last-modified": ["yesterday", "", "Thu, 99 Foo 20260 99:99:99 GMT", "0"],
    "x-timestamp": ["nan", "-1e400", "soon", ""],
    "x-static-large-object": ["maybe", "", "True", "false"],
    "x-object-manifest": ["", "/", "no/where", "%00", "box"],
    "x-delete-at": ["never", "-5", "1e99"],
    "content-type": ["", "text/html", "\x7f", "application/json; charset=klingon"],
    "content-encoding": ["gzip", "br", "gzip, gzip", "x"],
}
BODIES = [
    b"",
    b"null",
    b"[]",
    b"{}",
    b"[[]]",
    b'[{"name": 5}]',
    b'[{"hash": null, "bytes": "x"}]',
    b"<html>",
    b"\xff\xfe",
]
BOMB = gzip.compress(b"\0" * 50_000_000)


def spoiling(dice: random.Random) -> Callable[[Reply], Reply]:
    """One way to spoil an answer."""
    kind, name = dice.randrange(5), dice.choice(sorted(HEADERS))
    value, body, status = dice.choice(HEADERS[name]), dice.choice(BODIES), dice.choice([200, 201, 204, 206, 300, 404])
    part, bit = dice.random(), dice.randrange(8)

    def spoil(reply: Reply) -> Reply:
        content = reply.content if isinstance(reply.content, bytes) else b""
        headers = {key.lower(): text for key, text in reply.headers.items()}
        if kind == 0:
            return Reply(reply.status, content, {**headers, name: value})
        if kind == 1:
            return Reply(status, content, headers)
        headers.pop("content-length", None)
        if kind == 2:
            return Reply(reply.status, body, headers)
        if kind == 3 and part < 0.05:
            return Reply(reply.status, BOMB, {**headers, "content-encoding": "gzip"})
        at = int(part * len(content))
        if kind == 3 or not content:
            return Reply(reply.status, content[:at], headers)
        return Reply(reply.status, content[:at] + bytes([content[at] ^ (1 << bit)]) + content[at + 1 :], headers)

    return spoil


async def got(cloud: Cloud, _: Cloud, __: Path) -> bool:
    return await cloud.get_object("box", "plain") == CONTENT and await cloud.get_object("box", "large") == CONTENT


async def saved(cloud: Cloud, _: Cloud, folder: Path) -> bool:
    await cloud.get_object("box", "large", outfile=folder / "copy")
    return (folder / "copy").read_bytes() == CONTENT


async def stored(cloud: Cloud, clean: Cloud, _: Path) -> bool:
    await cloud.create_object("box", "new", data=OTHER, segment_size=1000)
    return await clean.get_object("box", "new") == OTHER


async def replaced(cloud: Cloud, clean: Cloud, _: Path) -> bool:
    for content in (OTHER, CONTENT):
        await cloud.create_object("box", "again", data=content)
    return await clean.get_object("box", "again") == CONTENT


async def listed(cloud: Cloud, _: Cloud, __: Path) -> bool:
    await cloud.list_objects("box")
    await cloud.list_containers()
    await cloud.get_object_metadata("box", "large")
    return True


async def removed(cloud: Cloud, clean: Cloud, _: Path) -> bool:
    await clean.create_object("box", "gone", data=OTHER, segment_size=1000)
    await cloud.delete_object("box", "gone")
    return True


async def pictured(cloud: Cloud, clean: Cloud, _: Path) -> bool:
    image = await cloud.create_image("spoilt", data=OTHER, wait=True, disk_format="raw", container_format="bare")
    await clean.delete_image(image)
    return True


async def sent(cloud: Cloud, clean: Cloud, folder: Path) -> bool:
    (folder / "file").write_bytes(OTHER)
    for cut in (1000, None):
        await cloud.create_object("box", "sent", folder / "file", segment_size=cut, if_changed=False)
    return await clean.get_object("box", "sent") == OTHER


async def unpictured(cloud: Cloud, clean: Cloud, folder: Path) -> bool:
    image = await clean.create_image("clean", data=CONTENT, wait=True, disk_format="raw", container_format="bare")
    try:
        await cloud.download_image(image, folder / "image")
    finally:
        await clean.delete_image(image)
    return (folder / "image").read_bytes() == CONTENT


async def synced(cloud: Cloud, clean: Cloud, folder: Path) -> bool:
    """What a damaged listing leaves out does not come, and nobody can know; what comes is right."""
    here, copy = folder / "here", folder / "there"
    here.mkdir(exist_ok=True)
    rmtree(copy, ignore_errors=True)
    content = {"small": os.urandom(500), "large": os.urandom(5000), "same": CONTENT}
    when = random.randrange(10**9)  # what was written within a second of the last time counts as the same
    for name, data in content.items():
        (here / name).write_bytes(data)
        os.utime(here / name, (when, when))
    prefix = f"{folder.name}/"
    up = await cloud.sync_objects(here, "synced", prefix=prefix, segment_size=1000)
    failed = {step.name for step, _ in up.failed}
    arrived = [
        await clean.get_object("synced", prefix + name) == content[name] for name in content if name not in failed
    ]
    await cloud.sync_objects(copy, "synced", prefix=prefix, way="down")
    came = [path.read_bytes() == content[path.name] for path in copy.glob("*") if path.name in content]
    return all(arrived) and (all(came) or bool(failed))


WORK = [got, saved, stored, sent, replaced, listed, removed, synced, pictured, unpictured]


@pytest.mark.parametrize("way", ["in process", "on the wire"])
async def test_r13_no_answer_spoils_a_transfer(tmp_path: Path, anyio_backend_name: str, way: str) -> None:
    count, ends = size(200, 6_000 if way == "in process" else 2_000), Counter[str]()
    untyped, wrong = list[str](), list[str]()
    before = _resident()

    async def some(worker: int) -> None:
        dice, folder = random.Random(SEED + worker), tmp_path / str(worker)
        folder.mkdir()
        fake = FakeCloud()
        config = folder / "clouds.yaml"
        transport = fake.transport if way == "in process" else None

        def connect() -> Cloud:
            return aiocloud.connect("fake", config_files=[config], transport=transport)

        async with AsyncExitStack() as until_done:
            if transport is None:
                await until_done.enter_async_context(fake.serve())
            config.write_text(fake.clouds_yaml())
            clean = await until_done.enter_async_context(connect())
            await clean.create_object("box", "plain", data=CONTENT)
            await clean.create_object("box", "large", data=CONTENT, segment_size=1000)
            async with connect() as cloud:
                for _ in range(count // AT_ONCE):
                    await one(fake, cloud, clean, folder, dice)

    async def one(fake: FakeCloud, cloud: Cloud, clean: Cloud, folder: Path, dice: random.Random) -> None:
        work: Callable[[Cloud, Cloud, Path], Awaitable[bool]] = dice.choice(WORK)
        service = "image" if work in (pictured, unpictured) else "object-store"
        fault = Fault(service=service, mutate=spoiling(dice), after=dice.randrange(5), times=dice.choice([1, 1, 1, 3]))
        fake.clear()
        fake.fault(fault)
        try:
            right = await work(cloud, clean, folder)
        except CloudError:
            ends["typed errors"] += 1
        except Exception as error:  # noqa: BLE001 - that is what is counted
            untyped.append(f"{work.__name__}: {error!r}")
        else:
            ends["right" if right else "wrong"] += 1
            if not right:
                wrong.append(work.__name__)
        ends["spoilt"] += bool(fault.struck)

    with anyio.fail_after(size(120, 3_000)):
        async with anyio.create_task_group() as tasks:
            for worker in range(AT_ONCE):
                tasks.start_soon(some, worker)
    gc.collect()
    growth = max(_resident() - before, 0)
    report(
        "R13",
        n=f"{count} transfers with spoilt answers {way} on {anyio_backend_name}, seed {SEED}",
        target="0 untyped errors, 0 wrong, < 64 MiB growth",
        got={"untyped": len(untyped), "wrong": ends["wrong"], "MiB": round(growth), **ends},
    )
    assert not untyped, untyped[:5]
    assert not wrong
    assert growth < 64
    assert ends["spoilt"] > count / 3


def _resident() -> float:
    """MiB of memory in use; 0 where the system does not say."""
    status = Path("/proc/self/statm")
    return int(status.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20 if status.exists() else 0.0
