"""R7, R24: a bad cloud hurts only itself, and a thousand clouds fit into one process."""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import anyio
import pytest

import aiocloud
from aiocloud import Cloud, CloudError, Done
from aiocloud._http import httpx
from aiocloud.testing import FakeCloud, kinds
from tests.promises.report import report, size
from tests.transport.helper import virtual
from tests.transport.origin import Visit, serving

pytestmark = pytest.mark.promise


# R7: a bad cloud hurts only itself


class Slow(httpx.AsyncByteStream):
    """A byte a second, for ever."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            await anyio.sleep(1)
            yield b" "


def failing(text: str) -> Callable[[httpx.Request], Awaitable[httpx.Response]]:
    async def fail(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError(text, request=request)

    return fail


def answering(status: int, content: bytes) -> Callable[[httpx.Request], Awaitable[httpx.Response]]:
    async def answer(request: httpx.Request) -> httpx.Response:
        await anyio.sleep(0.05)
        return httpx.Response(status, content=content, request=request)

    return answer


async def hang(request: httpx.Request) -> httpx.Response:
    await anyio.sleep(math.inf)
    raise AssertionError(request)


async def slow(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, stream=Slow(), request=request)


WAYS: dict[str, Callable[[httpx.Request], Awaitable[httpx.Response]]] = {
    "no such name": failing("[Errno -2] Name or service not known"),
    "refused": failing("[Errno 111] Connection refused"),
    "bad certificate": failing("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired"),
    "401": answering(401, b'{"error": {"code": 401, "message": "The request you have made requires authentication."}}'),
    "500": answering(500, b""),
    "hangs": hang,
    "garbage": answering(200, b"<h1>Welcome to nginx!</h1>"),
    "slow": slow,
}


class Weather(httpx.AsyncBaseTransport):
    """Some clouds are broken, each in its own way; the others take 50 ms for an answer."""

    def __init__(self, fake: FakeCloud, ways: dict[str, str]) -> None:
        self.inner, self.ways = fake.transport, ways

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        way = self.ways.get(request.url.path.split("/")[1])
        if way is not None:
            return await WAYS[way](request)
        await anyio.sleep(0.05)
        return await self.inner.handle_async_request(request)


def test_r7_a_bad_cloud_hurts_only_itself(tmp_path: Path) -> None:
    clouds, regions, deadline = size(27, 50), size(2, 4), 30.0
    plans = [
        dataclasses.replace(kinds.PLAIN, name=f"c{n}", regions=tuple(f"r{region}" for region in range(regions)))
        for n in range(clouds)
    ]
    path = tmp_path / "clouds.yaml"
    path.write_text(FakeCloud(clouds=plans).clouds_yaml())
    broken = {f"c{3 * n}": way for n, way in zip(range(clouds * 3 // 10), itertools.cycle(WAYS), strict=False)}

    async def story(ways: dict[str, str]) -> tuple[list[float], set[str], float]:
        """How long the healthy ones took, how the others ended, and when the last one did."""
        fake = FakeCloud(clouds=plans)
        began, took, ends = anyio.current_time(), list[float](), set[str]()
        fleet = aiocloud.connect_all(config_files=[path], secure_files=[], transport=Weather(fake, ways))
        async with fleet:
            for outcome in await fleet.with_options(timeout=deadline).map(Cloud.list_flavors):
                if outcome.cloud.name not in broken:
                    assert isinstance(outcome, Done)
                    assert len(outcome.value) == len(kinds.PLAIN.flavors)
                    took.append(outcome.elapsed)
                elif ways:
                    assert not isinstance(outcome, Done)
                    assert isinstance(outcome.error, CloudError), outcome.error
                    ends.add(ways[outcome.cloud.name])
        return sorted(took), ends, anyio.current_time() - began

    alone, _, _ = virtual(story, {})
    beside, ends, ended = virtual(story, broken)
    ratio = beside[len(beside) * 95 // 100] / alone[len(alone) * 95 // 100]
    healthy = regions * (clouds - len(broken))
    report(
        "R7",
        n=f"{clouds} clouds x {regions} regions, {len(broken)} clouds broken in {len(ends)} ways, in virtual time",
        target=f"{healthy} healthy results; p95 <= 1.2 x alone; ends within {deadline:.0f} s",
        got=f"{len(beside)} healthy results; p95 {ratio:.2f} x alone; ended after {ended:.1f} s",
    )
    assert len(beside) == healthy
    assert ratio <= 1.2
    assert ended <= deadline + 0.1
    assert ends == set(WAYS)


# R24: many clouds in one process

MANY = """
import sys, time, json, anyio, aiocloud
busy = []
async def meter():
    # Processor time between two looks, less the pause: how long the loop was kept from us, on a machine of our own.
    while True:
        before = time.thread_time()
        await anyio.sleep(0.001)
        busy.append(time.thread_time() - before)
async def main(path, lists):
    async with anyio.create_task_group() as tasks, aiocloud.connect_all(config_files=[path], secure_files=[]) as fleet:
        tasks.start_soon(meter)
        fine = 0
        for _ in range(lists):
            fine += len((await fleet.map(aiocloud.Cloud.list_flavors)).done)
        tasks.cancel_scope.cancel()
    busy.sort()
    high = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
    print(json.dumps({"fine": fine, "lag": busy[len(busy) * 99 // 100], "memory": int(high) / 1024}))
anyio.run(main, sys.argv[1], int(sys.argv[2]))
"""
FLAVORS = json.dumps(
    {"flavors": [{"id": str(n), "name": f"f{n}", "ram": 512, "vcpus": 1, "disk": 1} for n in range(5)]}
)


def reply_to(head: bytes) -> tuple[bytes, str, str]:
    """What a cloud of these says to a request, its status and headers."""
    path = head.split(b" ", 2)[1].decode()
    host = re.search(rb"(?i)\r\nhost: *([^\r]+)", head)
    assert host is not None
    root = f"http://{host[1].decode()}/{path.split('/')[1]}"
    if path.endswith("/auth/tokens"):
        endpoint = {"interface": "public", "region": "r", "region_id": "r", "url": f"{root}/compute/v2.1"}
        times = {"issued_at": "2026-11-22T10:00:00.0Z", "expires_at": "2026-11-22T11:00:00.0Z"}
        catalog = [{"type": "compute", "name": "nova", "endpoints": [endpoint]}]
        token = {"methods": ["password"], "user": {"id": "u", "name": "u"}, "catalog": catalog, **times}
        return json.dumps({"token": token}).encode(), "201 Created", "x-subject-token: t\r\n"
    if "/flavors" in path:
        return FLAVORS.encode(), "200 OK", ""
    links = [{"rel": "self", "href": f"{root}/compute/v2.1/"}]
    version = {"id": "v2.1", "status": "CURRENT", "version": "2.96", "min_version": "2.1", "links": links}
    return json.dumps({"version": version}).encode(), "200 OK", ""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not say how much memory was used")
@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_r24_many_clouds_in_one_process(tmp_path: Path) -> None:
    clouds, lists = size(20, 1000), size(20, 10)

    async def script(visit: Visit) -> None:
        while (request := await visit.request()) is not None:
            visit.origin.requests.clear()
            body, status, headers = reply_to(request)
            await visit.answer(body, status, headers)

    async with serving(script) as origin:
        auth = "username: u, password: p, user_domain_id: d, project_name: p, project_domain_id: d"
        entries = [
            f"  c{n}:\n    region_name: r\n    auth: {{auth_url: '{origin.url}/c{n}/identity/v3', {auth}}}\n"
            for n in range(clouds)
        ]
        path = tmp_path / "clouds.yaml"
        path.write_text("clouds:\n" + "".join(entries))
        ended = await anyio.run_process([sys.executable, "-c", MANY, str(path), str(lists)])
    got = json.loads(ended.stdout)
    report(
        "R24",
        n=f"{clouds} clouds x {lists} lists",
        target="<= 300 MiB, event-loop lag p99 <= 50 ms",
        got=f"{got['fine']} fine, {got['memory']:.0f} MiB, p99 {1000 * got['lag']:.1f} ms of processor time",
    )
    assert got["fine"] == clouds * lists
    assert got["memory"] <= 300
    assert got["lag"] <= 0.050
