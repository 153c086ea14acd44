"""R4, R8, R9, R19: what is stored is what was read, a crash costs little, and names can't escape."""

from __future__ import annotations

import asyncio
import hashlib
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import anyio
import anyio.lowlevel
import pytest
import trio

import aiocloud
from aiocloud import Cloud, CloudError
from aiocloud._http import httpx
from aiocloud.testing import FakeCloud
from tests.promises.report import report, size

pytestmark = [pytest.mark.promise, pytest.mark.anyio]
SEED = 20_260_808


class BadWay(httpx.AsyncBaseTransport):
    """Damages requests and answers on their way to and from Swift."""

    def __init__(self, fake: FakeCloud, rate: float, seed: int = SEED) -> None:
        self._inner = fake.transport
        self._dice = random.Random(seed)
        self.rate = rate
        self.struck: dict[str, int] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if "/object-store/" not in request.url.path or self._dice.random() >= self.rate:
            return await self._inner.handle_async_request(request)
        kinds = self._up if request.method == "PUT" else self._down if request.method == "GET" else self._any
        kind = self._dice.choice(kinds)
        self.struck[kind.__name__] = self.struck.get(kind.__name__, 0) + 1
        return await kind(self, request)

    async def busy(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(503, request=request)

    async def reset_before(self, request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("Connection reset by peer", request=request)

    async def reset_after(self, request: httpx.Request) -> httpx.Response:
        await (await self._inner.handle_async_request(request)).aread()
        raise httpx.ReadError("Connection reset by peer", request=request)

    async def damage_sent(self, request: httpx.Request) -> httpx.Response:
        whole = b"".join([chunk async for chunk in _body(request)])
        damaged = httpx.Request(
            request.method,
            request.url,
            headers=request.headers,
            stream=httpx.ByteStream(self._flip(whole)),
            extensions=request.extensions,
        )
        return await self._inner.handle_async_request(damaged)

    async def wrong_etag(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        if "etag" in response.headers:
            response.headers["etag"] = hashlib.md5(response.headers["etag"].encode()).hexdigest()
        return response

    async def damage_got(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        body = self._flip(await response.aread())
        headers = {key: value for key, value in response.headers.items() if key.lower() != "transfer-encoding"}
        # Unread: the way a connection would bring it.
        return httpx.Response(response.status_code, headers=headers, stream=_Pieces(body), request=request)

    async def cut_short(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        body = await response.aread()
        stream = _Pieces(body[: len(body) // 2], breaks=True)
        return httpx.Response(response.status_code, headers=response.headers, stream=stream, request=request)

    def _flip(self, data: bytes) -> bytes:
        if not data:
            return data
        at = self._dice.randrange(len(data))
        return data[:at] + bytes([data[at] ^ (1 << self._dice.randrange(8))]) + data[at + 1 :]

    _any = (busy, reset_before)
    _up = (busy, reset_before, reset_after, damage_sent, wrong_etag)
    _down = (busy, reset_before, damage_got, cut_short)


class _Pieces(httpx.AsyncByteStream):
    def __init__(self, body: bytes, *, breaks: bool = False) -> None:
        self._body = body
        self._breaks = breaks

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for at in range(0, len(self._body), 4096):
            yield self._body[at : at + 4096]
        if self._breaks:
            raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")


async def _body(request: httpx.Request) -> AsyncIterator[bytes]:
    assert isinstance(request.stream, httpx.AsyncByteStream)
    async for chunk in request.stream:
        yield chunk


def to(fake: FakeCloud, tmp_path: Path, transport: httpx.AsyncBaseTransport | None = None) -> Cloud:
    config = tmp_path / "clouds.yaml"
    config.write_text(fake.clouds_yaml())
    return aiocloud.connect("fake", config_files=[config], transport=transport or fake.transport)


def stored(fake: FakeCloud) -> dict[str, dict[str, Any]]:
    """Containers and the objects in them, from the fake's memory."""
    accounts = fake.cloud().region().swift.accounts.values()
    return {name: dict(box.objects) for account in accounts for name, box in account.containers.items()}


async def orphans(cloud: Cloud, container: str, name: str) -> set[str]:
    """Segments that no manifest names."""
    there = {item.name for item in await cloud.list_objects(f"{container}_segments")}
    response = await cloud.object_store.get(f"/{container}/{name}", params={"multipart-manifest": "get"})
    return there - {row["name"].lstrip("/").partition("/")[2] for row in response.json()}


async def test_r8_what_is_stored_is_what_was_read(tmp_path: Path) -> None:
    count, rounds = size(40, 1000), size(6, 8)
    fake, segment = FakeCloud(), 1000
    path = tmp_path / "file"
    ends = {"stored": 0, "refused": 0}
    wrong = left = 0
    struck: dict[str, int] = {}
    async with to(fake, tmp_path) as clean:
        for nth in range(rounds):
            path.write_bytes(random.Random(nth).randbytes(count * segment - 7))
            way = BadWay(fake, rate=0.15, seed=SEED + nth)
            async with to(fake, tmp_path, way) as cloud:
                try:
                    await cloud.create_object("box", "big", filename=path, segment_size=segment)
                except CloudError as error:
                    print(f"refused: {error}")
                    ends["refused"] += 1
                else:
                    ends["stored"] += 1
                    wrong += await clean.get_object("box", "big") != path.read_bytes()
            if await clean.get_object_metadata("box", "big"):
                left += len(await orphans(clean, "box", "big"))
            for kind, times in way.struck.items():
                struck[kind] = struck.get(kind, 0) + times
    report("R8", n=rounds * count, target="0 undetected, 0 orphans", got={"undetected": wrong, "orphans": left, **ends})
    assert (wrong, left) == (0, 0)
    assert ends["stored"] > ends["refused"]
    assert struck.get("damage_sent", 0) > 0


async def test_r8_what_is_downloaded_is_what_is_stored(tmp_path: Path) -> None:
    count, rounds = size(40, 1000), size(3, 6)
    fake = FakeCloud()
    content = random.Random(SEED).randbytes(count * 1000)
    wrong = fine = 0
    async with to(fake, tmp_path) as clean:
        await clean.create_object("box", "big", data=content, segment_size=1000)
        await clean.create_object("box", "plain", data=content)
    for nth in range(rounds):
        async with to(fake, tmp_path, BadWay(fake, rate=0.15, seed=SEED + nth)) as cloud:
            for name in ("big", "plain"):
                target = tmp_path / "copy"
                try:
                    wrong += await cloud.get_object("box", name) != content
                    await cloud.get_object("box", name, outfile=target)
                    wrong += target.read_bytes() != content
                    fine += 1
                except CloudError:
                    continue
    report("R8", n=rounds * count, target="0 undetected", got={"undetected": wrong, "fine": fine, "of": 2 * rounds})
    assert wrong == 0
    assert fine >= rounds


@pytest.mark.parametrize("change", ["grow", "shrink", "rewrite", "vanish"])
async def test_r8_a_file_that_changes_is_an_error(tmp_path: Path, change: str) -> None:
    fake = FakeCloud()
    path = tmp_path / "file"
    content = random.Random(SEED).randbytes(50_000)
    path.write_bytes(content)
    changes: dict[str, Callable[[], object]] = {
        "grow": lambda: path.write_bytes(content + b"more"),
        "shrink": lambda: path.write_bytes(content[:20_000]),
        "rewrite": lambda: path.write_bytes(content[::-1]),
        "vanish": path.unlink,
    }

    def meanwhile(progress: aiocloud.Progress) -> None:
        if progress.done > 20_000 and change in changes:
            changes.pop(change)()

    async with to(fake, tmp_path) as cloud:
        with pytest.raises(CloudError):
            await cloud.create_object("box", "big", filename=path, segment_size=1000, progress=meanwhile)
        assert stored(fake) == {}


UPLOAD = """
import sys, anyio, aiocloud
async def main():
    async with aiocloud.connect("fake", config_files=[sys.argv[1]]) as cloud:
        await cloud.create_object("box", "big", filename=sys.argv[2], segment_size=int(sys.argv[3]))
anyio.run(main)
"""
WINDOW = 32
"""Segments of this size that may be under way at once."""


async def test_r9_a_crash_costs_no_more_than_what_was_under_way(tmp_path: Path) -> None:
    points, segment, count = size(1, 20), 1_500_000, size(20, 80)
    fake = FakeCloud(latency=0.02)
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        for index in range(count):
            file.seek(index * segment)
            file.write(index.to_bytes(4, "big"))
        file.truncate(count * segment)
    worst = 0
    async with fake.serve():
        config = tmp_path / "clouds.yaml"
        config.write_text(fake.clouds_yaml())
        command = [sys.executable, "-c", UPLOAD, str(config), str(path), str(segment)]
        for point in range(points):
            fake.requests.clear()
            done = 1 + point * (count - 2) // points
            child = await anyio.to_thread.run_sync(subprocess.Popen, command)
            with anyio.fail_after(120):
                while len(stored(fake).get("box_segments", {})) < done:  # noqa: ASYNC110 - another process does it
                    await anyio.sleep(0.005)
            child.send_signal(signal.SIGKILL)
            await anyio.to_thread.run_sync(child.wait)
            there = len(stored(fake)["box_segments"])
            began = fake.count(method="PUT", path="*box_segments/*")
            fake.requests.clear()
            await anyio.run_process(command)
            again = fake.count(method="PUT", path="*box_segments/*") - (count - there)
            worst = max(worst, again, began - there)
            async with aiocloud.connect("fake", config_files=[config]) as cloud:
                whole = hashlib.sha256(await cloud.get_object("box", "big")).hexdigest()
                assert whole == hashlib.sha256(path.read_bytes()).hexdigest()
                assert await orphans(cloud, "box", "big") == set()
                await cloud.delete_object("box", "big")
    report("R9", n=points, target=f"<= {WINDOW} segments sent again", got=worst)
    assert worst <= WINDOW


ODD = [
    *[
        ".",
        "..",
        "...",
        "/",
        "//",
        "%",
        "%2e%2e",
        "%2F",
        "?",
        "#",
        "a?b#c",
        "\\",
        "~",
        " ",
        "+",
        "&",
        "=",
        ";",
        ":",
        "@",
    ],
    *[
        "\0",
        "\n",
        "\r\n",
        "\x7f",
        "\u202e",
        "\u200b",
        "\ufeff",
        "\ud800",
        "😀",
        "é",
        "e\u0301",
        "漢字",
        "a" * 300,
        "'",
        '"',
        "<",
    ],
]


def odd_names(count: int) -> list[str]:
    """Every odd part by itself, climbing paths, and mixtures."""
    dice = random.Random(SEED)
    names = [
        *ODD,
        "../../other/x",
        "a/../../b",
        "/etc/passwd",
        "a//b",
        "a/./b",
        "é" * 512,
        "é" * 513,
        "x" * 1024,
        "x" * 1025,
    ]
    while len(names) < count:
        names.append("".join(dice.choice([*ODD, "a", "/", "../"]) for _ in range(dice.randint(1, 6))))
    return names[:count]


async def test_r19_names_cant_escape(tmp_path: Path) -> None:
    count = size(120, 25_000)
    fake = FakeCloud()
    ends = {"escapes": 0, "kept": 0, "refused": 0}
    names = odd_names(count)
    async with to(fake, tmp_path) as cloud:
        for at in range(0, count, 500):
            await odd_objects(fake, cloud, names[at : at + 500], ends)
        for name in names:
            fake.requests.clear()
            try:
                await cloud.object_store.containers.ensure(name)
            except aiocloud.InvalidRequest:
                ends["refused"] += 1
                assert fake.requests == []
                continue
            ends["kept"] += 1
            ends["escapes"] += set(stored(fake)) != {"box", name}
            assert [each.name for each in await cloud.list_containers()] == sorted({"box", name})
            assert await cloud.object_store.containers.delete(name) is True
    report("R19", n=2 * count, target="0 escapes", got=ends)
    assert ends["escapes"] == 0
    assert ends["kept"] > ends["refused"] > 0


async def odd_objects(fake: FakeCloud, cloud: Cloud, names: list[str], ends: dict[str, int]) -> None:
    """Objects of these names: each is where it belongs, comes back, is listed as it is called, and goes."""
    await cloud.create_container("box")
    box = cloud.object_store.objects("box")
    there: set[str] = set()
    for name in names:
        fake.requests.clear()
        try:
            await box.put(name, name.encode("utf-8", "surrogatepass"))
        except aiocloud.InvalidRequest:
            ends["refused"] += 1
            assert fake.requests == []
            continue
        ends["kept"] += 1
        there.add(name)
        ends["escapes"] += any(not unquote(one.path).startswith("/v1/AUTH_") for one in fake.requests)
        ends["escapes"] += name not in stored(fake)["box"]
        assert await cloud.get_object("box", name) == name.encode()
    ends["escapes"] += {key: set(value) for key, value in stored(fake).items()} != {"box": there}
    assert {each.name for each in await cloud.list_objects("box")} == there
    await cloud.delete_objects("box", sorted(there))
    assert stored(fake) == {"box": {}}


# R4: an upload is cancelled at any await, and leaves all or nothing


async def cancelled_after(turns: int, work: Callable[[], Awaitable[object]]) -> bool:
    """Do it, and cancel it after so many turns of the event loop; was it cancelled?"""
    with anyio.CancelScope() as scope:

        async def cancel() -> None:
            for _ in range(turns):
                await anyio.lowlevel.checkpoint()
            scope.cancel()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(cancel)
            await work()
            tasks.cancel_scope.cancel()
    return scope.cancelled_caught


def tasks_alive(backend: str) -> int:
    return len(asyncio.all_tasks()) if backend == "asyncio" else trio.lowlevel.current_statistics().tasks_living


async def pieces(data: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(data), 700):
        yield data[at : at + 700]


@pytest.mark.parametrize("what", ["file", "stream", "dynamic", "replaced", "plain"])
async def test_r4_an_upload_cancelled_at_any_await_leaves_all_or_nothing(
    tmp_path: Path, what: str, anyio_backend_name: str
) -> None:
    path, step = tmp_path / "file", size(2, 1)
    new, old = random.Random(SEED).randbytes(4000), random.Random(1).randbytes(3000)
    path.write_bytes(new)
    content: dict[str, Any] = {"filename": path}
    if what in ("stream", "dynamic"):
        content = {"use_slo": what == "stream"}
    cut = None if what == "plain" else 1000
    tried = clean = 0
    leaked: set[int] = set()
    turns, finished = 0, 0
    while finished < 3:
        fake = FakeCloud(seed=turns)
        async with to(fake, tmp_path) as cloud:
            if what == "replaced":
                await cloud.create_object("box", "big", data=old, segment_size=cut)
            await cloud.object_store.capabilities()
            alive = tasks_alive(anyio_backend_name)
            before = stored(fake)

            async def upload(cloud: Cloud = cloud) -> None:
                more = content if "filename" in content else {**content, "data": pieces(new)}
                await cloud.create_object("box", "big", segment_size=cut, **more)

            finished += not await cancelled_after(turns, upload)
            await anyio.wait_all_tasks_blocked()
            leaked.add(tasks_alive(anyio_backend_name) - alive)
            there = stored(fake)
            if there == before:
                clean += 1
            elif await cloud.get_object("box", "big") == new:
                segments = set(there.get("box_segments", {}))
                clean += set(there) <= {"box", "box_segments"} and len(segments) == (0 if cut is None else 4)
            tried += 1
            turns += step
    report(f"R4 upload, {what}", n=tried, target={"clean": 1.0}, got={"clean": clean / tried})
    assert clean == tried > 5
    assert leaked == {0}
