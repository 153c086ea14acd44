"""R3, R4, R5, R6: one thing for one call, nothing left unsaid, and nobody's address stolen."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import json
import os
import random
import re
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

import anyio
import pytest

import aiocloud
from aiocloud import Cloud, CloudError
from aiocloud._http import httpx
from aiocloud.testing import FakeCloud, Fault, kinds
from tests.promises.report import FULL, report, size
from tests.transport.helper import virtual

pytestmark = pytest.mark.promise
SEED = 20_260_726
PLENTY = dict.fromkeys(
    ("instances", "cores", "ram", "floatingip", "port", "volumes", "gigabytes", "image_count_total"), 10**9
)


@contextlib.asynccontextmanager
async def connected(fake: FakeCloud, name: str | None = None, **more: Any) -> AsyncIterator[Cloud]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clouds.yaml"
        path.write_text(fake.clouds_yaml())
        more.setdefault("transport", fake.transport)
        async with aiocloud.connect(name, config_files=[path], secure_files=[], **more) as cloud:
            yield cloud


# R3: one call, one thing

Make = Callable[[Cloud, int], Awaitable[Any]]
MAKERS: dict[str, tuple[str, str, Make, Callable[[Any], dict[str, Any]]]] = {
    "server": (
        "compute",
        "*/servers",
        lambda cloud, nth: cloud.create_server(f"s{nth}", image="ubuntu-24.04", flavor="m1.tiny", auto_ip=False),
        lambda region: region.nova.servers,
    ),
    "volume": (
        "block-storage",
        "*/volumes",
        lambda cloud, nth: cloud.create_volume(1, name=f"v{nth}", wait=False),
        lambda region: region.cinder.volumes,
    ),
    "image": (
        "image",
        "*/images",
        lambda cloud, nth: cloud.create_image(f"i{nth}", data=f"image {nth}".encode(), disk_format="raw"),
        lambda region: region.glance.images,
    ),
    "floating IP": (
        "network",
        "*/floatingips",
        lambda cloud, nth: cloud.create_floating_ip("ext-net"),
        lambda region: region.neutron.floatingips,
    ),
    "port": (
        "network",
        "*/ports",
        lambda cloud, nth: cloud.create_port("private", name=f"p{nth}"),
        lambda region: region.neutron.ports,
    ),
}


@pytest.mark.parametrize("kind", MAKERS)
def test_r3_no_duplicates(kind: str) -> None:
    service, path, make, rows = MAKERS[kind]
    count = size(60, 2_000)

    async def story() -> tuple[int, int, int, int]:
        fake = FakeCloud(boot_time=1, seed=SEED, quotas=PLENTY)
        region = fake.cloud().region()
        async with connected(fake) as cloud:
            before = len(rows(region))
            for chance, how in ((0.2, {"reset": "after"}), (0.0625, {"timeout": "after"}), (0.067, {"status": 502})):
                fault: Any = {"service": service, "method": "POST", "path": path, "times": None, **how}
                fake.fault(Fault(probability=chance, **fault))
            fine: list[Any] = []
            limiter = anyio.CapacityLimiter(20)

            async def one(nth: int) -> None:
                async with limiter:
                    with contextlib.suppress(CloudError):
                        fine.append(await make(cloud, nth))

            async with anyio.create_task_group() as tasks:
                for nth in range(count):
                    tasks.start_soon(one, nth)
            there = rows(fake.cloud().region())
            extra = len(there) - before - len({thing.id for thing in fine})
            lost = sum(thing.id not in there for thing in fine)
            return len(fine), extra, lost, sum(fault.struck for fault in fake._faults)

    fine, extra, lost, faults = virtual(story)
    got = {"fine": fine / count, "duplicates": extra, "lost": lost, "faults": faults}
    report(f"R3 {kind}", n=count, target={"fine": ">= 0.999", "duplicates": 0, "lost": 0}, got=got)
    assert faults > count / 6
    assert (extra, lost) == (0, 0)
    assert fine >= 0.999 * count


# R4: cancelled at any await, nothing stays unsaid


class Tripwire(httpx.AsyncBaseTransport):
    """Cancels a scope at the nth request, so many turns of the event loop after it left (or before it leaves)."""

    def __init__(self, inner: httpx.AsyncBaseTransport, nth: int, turns: int) -> None:
        self.inner, self.nth, self.turns = inner, nth, turns
        self.scope: anyio.CancelScope | None = None
        self.seen = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        scope, self.seen = self.scope, self.seen + 1
        if scope is None or self.seen != self.nth:
            return await self.inner.handle_async_request(request)
        if self.turns < 0:
            scope.cancel()
            return await self.inner.handle_async_request(request)
        self.scope = None
        response: httpx.Response
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._count_down, scope)
            try:
                response = await self.inner.handle_async_request(request)
            finally:
                tasks.cancel_scope.cancel()
                if self.turns > 6:
                    scope.cancel()
        return response

    async def _count_down(self, scope: anyio.CancelScope) -> None:
        for _ in range(self.turns):
            await anyio.lowlevel.checkpoint()
        scope.cancel()


HOW: dict[str, dict[str, Any]] = {
    "auto_ip": {},
    "volume": {"boot_from_volume": True, "volume_size": 1},
}


@pytest.mark.anyio
@pytest.mark.parametrize("how", HOW)
async def test_r4_cancelled_at_every_await(how: str) -> None:
    tried = clean = leaked = 0
    for turns in (-1, 0, 1, 2, 3, 5, 7)[:: size(2, 1)]:
        for nth in itertools.count(1):
            fake = FakeCloud(boot_time=0.03)
            trip = Tripwire(fake.transport, nth, turns)
            async with connected(fake, transport=trip) as cloud:
                region = fake.cloud().region()
                volumes, tasks = set(region.cinder.volumes), len(anyio.get_running_tasks())
                with anyio.CancelScope() as scope:
                    trip.scope, trip.seen = scope, 0
                    await cloud.create_server("s", image="ubuntu-24.04", flavor="m1.tiny", wait=True, **HOW[how])
                if trip.seen < nth:
                    break
                tried += 1
                left = {*region.nova.servers, *region.neutron.floatingips, *(set(region.cinder.volumes) - volumes)}
                left |= {
                    port["id"] for port in region.neutron.ports.values() if port["device_owner"].startswith("compute")
                }
                finished = not scope.cancelled_caught
                clean += finished or not left
                assert finished or not left, (turns, nth, left)
                leaked += len(anyio.get_running_tasks()) - tasks
    report(f"R4 {how}", n=tried, target={"clean": 1.0, "tasks": 0}, got={"clean": clean / tried, "tasks": leaked})
    assert leaked == 0
    assert tried > 10


# R5: kill -9 loses nothing

CHILD = """
import sys, anyio, aiocloud
async def main(path, journal, each):
    async with aiocloud.connect_all(config_files=[path], secure_files=[]) as fleet:
        async with anyio.create_task_group() as tasks:
            for cloud in fleet:
                cloud.keep_journal(journal)
                for nth in range(each):
                    tasks.start_soon(make, cloud, nth)
        await anyio.sleep_forever()  # who closes the fleet removes a journal of which nothing is open
async def make(cloud, nth):
    root = {} if nth % 3 else {"boot_from_volume": True, "volume_size": 1}
    await cloud.create_server(f"s{nth}", image="ubuntu-24.04", flavor="m1.tiny", wait=True, **root)
    print("done", flush=True)
anyio.run(main, sys.argv[1], sys.argv[2], int(sys.argv[3]), backend=sys.argv[4])
"""


@pytest.mark.anyio
async def test_r5_kill_9_loses_nothing(tmp_path: Path, anyio_backend_name: str) -> None:
    rounds, each, dice = size(1, 100), size(4, 13), random.Random(f"{SEED} {anyio_backend_name}")

    plans = [dataclasses.replace(kinds.PLAIN, name=f"c{n}") for n in range(4)]
    got: Counter[str] = Counter()
    for nth in range(rounds):
        fake = FakeCloud(clouds=plans, boot_time=0.5, latency=0.02, quotas=PLENTY)
        async with fake.serve():
            path, journal = tmp_path / "clouds.yaml", tmp_path / f"journal-{nth}"
            path.write_text(fake.clouds_yaml())
            async with connected(fake, "c0", transport=None) as cloud:
                await cloud.create_server("mine", image="ubuntu-24.04", flavor="m1.tiny", auto_ip=False)
                await cloud.create_floating_ip("ext-net")
            mine = there(fake)
            done = await killed_after(path, journal, each, anyio_backend_name, dice.uniform(0.05, 2.0 if FULL else 0.4))
            ended = marks(journal, "end")
            for _ in range(2):
                # The second time for what a request brought about that took longer than anybody looked.
                async with anyio.create_task_group() as tasks:
                    for plan in plans:
                        tasks.start_soon(reclaim, fake, plan.name, journal, got)
                stray = {id: what for id, what in there(fake).items() if id not in mine and what.mark not in ended}
                if not stray:
                    break
                got["needed a second call"] += 1
            got["not found"] += len(stray)
            got["foreign touched"] += len(mine.keys() - there(fake).keys())
            finished = [what for what in there(fake).values() if what.mark in ended and what.kind == "server"]
            got["foreign touched"] += max(0, done - len(finished))
            assert {what.state for what in finished} <= {"ACTIVE"}
            assert not stray, stray
    report(
        "R5",
        n=f"{rounds} kills of {4 * each} creates on {anyio_backend_name}",
        target={"not found": 0, "foreign touched": 0},
        got=dict(got),
    )
    assert (got["not found"], got["foreign touched"], got["left"]) == (0, 0, 0)
    assert got["found"]


class Thing(NamedTuple):
    """Something that is there, and which call made it."""

    kind: str
    mark: str
    state: str


def there(fake: FakeCloud) -> dict[str, Thing]:
    """All servers, their volumes and floating IPs, by id, with the marks that they bear, or that their server bears."""
    found: dict[str, Thing] = {}
    for region in (state.region() for state in fake.clouds.values()):
        for server in list(region.nova.servers.values()):
            found[server.id] = Thing("server", server.metadata.get("aiocloud:op", ""), server.status)
        for volume in list(region.cinder.volumes.values()):
            at = [found[one["server_id"]].mark for one in volume["attachments"] if one["server_id"] in found]
            found[volume["id"]] = Thing("volume", at[0] if at else "", volume["status"])
        for ip in list(region.neutron.floatingips.values()):
            mark = str(ip["description"]).removeprefix("aiocloud:op=")
            found[ip["id"]] = Thing("floating IP", mark, f"at {ip['port_id']}")
    return found


def marks(journal: Path, word: str) -> set[str]:
    """The marks of the operations that a journal says this of."""
    lines = [line for file in journal.glob("*.jsonl") for line in file.read_text().splitlines()]
    return set(re.findall(rf'"{word}": "([^"]+)"', "\n".join(lines)))


async def reclaim(fake: FakeCloud, name: str, journal: Path, got: Counter[str]) -> None:
    async with connected(fake, name, transport=None) as cloud:
        reclaimed = await cloud.reclaim_leftovers(journal)
    got["found"] += len(reclaimed.removed)
    got["left"] += len(reclaimed.left)


async def killed_after(path: Path, journal: Path, each: int, backend: str, seconds: float) -> int:
    """Run the child, kill it at some moment after its first words or so many seconds, and count what it said was done."""
    command = [sys.executable, "-c", CHILD, str(path), str(journal), str(each), backend]
    async with await anyio.open_process(command, cwd=Path(__file__).parents[2]) as child:
        for _ in range(1200):
            if journal.exists() or child.returncode is not None:
                break
            await anyio.sleep(0.05)
        await anyio.sleep(seconds)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child.pid, signal.SIGKILL)
        assert child.stdout is not None
        said = b"".join([chunk async for chunk in child.stdout])
    return said.count(b"done")


# R6: nobody's address is stolen


def test_r6_nobodys_address_is_stolen() -> None:
    servers, free, rounds = size(24, 200), size(6, 50), size(2, 10)

    async def story() -> Counter[str]:
        got: Counter[str] = Counter()
        for nth in range(rounds):
            fake = FakeCloud(boot_time=1, latency=0.01, seed=SEED + nth, quotas=PLENTY)
            async with contextlib.AsyncExitStack() as stack:
                # Four connections that know nothing of each other.
                clouds = [await stack.enter_async_context(connected(fake)) for _ in range(4)]
                network = next(net for net in await clouds[0].list_networks() if net.name == "ext-net")
                for _ in range(free):
                    await clouds[0].create_floating_ip(network)
                made: list[Any] = []

                async def one(cloud: Cloud, name: str, made: list[Any] = made) -> None:
                    made.append(
                        await cloud.create_server(
                            name, image="ubuntu-24.04", flavor="m1.tiny", wait=True, reuse_ips=True
                        )
                    )

                async with anyio.create_task_group() as tasks:
                    for n in range(servers):
                        tasks.start_soon(one, clouds[n % 4], f"s{n}")
                listed = {server.id: server.public_v4 for server in await clouds[0].list_servers()}
                got["servers"] += len(made)
                got["own"] += len({server.public_v4 for server in made if server.public_v4})
                got["stolen"] += sum(listed[server.id] != server.public_v4 for server in made)
                ips = list(fake.cloud().region().neutron.floatingips.values())
                got["unused"] += sum(ip["port_id"] is None for ip in ips)
                got["made"] += len(ips) - free
        return got

    got = virtual(story)
    target = {"own": servers * rounds, "stolen": 0, "unused": 0, "made": (servers - free) * rounds}
    report("R6", n=f"{rounds} x {servers} servers, {free} free, 4 connections", target=target, got=dict(got))
    assert got["own"] == got["servers"] == servers * rounds
    assert got["stolen"] == 0
    assert got["unused"] == 0


MAKER = """
import json, sys, anyio, aiocloud
async def main(path, name, count):
    async with aiocloud.connect(config_files=[path], secure_files=[]) as cloud, anyio.create_task_group() as tasks:
        for nth in range(count):
            tasks.start_soon(make, cloud, f"{name}-{nth}")
async def make(cloud, name):
    server = await cloud.create_server(name, image="ubuntu-24.04", flavor="m1.tiny", wait=True, reuse_ips=True)
    print(json.dumps([server.id, server.public_v4]), flush=True)
anyio.run(main, sys.argv[1], sys.argv[2], int(sys.argv[3]))
"""


@pytest.mark.anyio
async def test_r6_nor_by_other_processes(tmp_path: Path) -> None:
    servers, free, rounds, processes = size(12, 200), size(4, 50), size(1, 5), size(2, 4)
    got: Counter[str] = Counter()
    for nth in range(rounds):
        fake = FakeCloud(boot_time=1, latency=0.01, seed=SEED + nth, quotas=PLENTY)
        async with fake.serve():
            path = tmp_path / "clouds.yaml"
            path.write_text(fake.clouds_yaml())
            async with connected(fake, transport=None) as cloud:
                async with anyio.create_task_group() as tasks:
                    for _ in range(free):
                        tasks.start_soon(cloud.create_floating_ip, "ext-net")
                made: dict[str, str] = {}

                async def process(name: str, path: Path = path, made: dict[str, str] = made) -> None:
                    command = [sys.executable, "-c", MAKER, str(path), name, str(servers // processes)]
                    ended = await anyio.run_process(command, cwd=Path(__file__).parents[2], stderr=None)
                    made.update(json.loads(line) for line in ended.stdout.splitlines())

                async with anyio.create_task_group() as tasks:
                    for name in "abcd"[:processes]:
                        tasks.start_soon(process, name)
                listed = {server.id: server.public_v4 for server in await cloud.list_servers()}
            ips = list(fake.cloud().region().neutron.floatingips.values())
        got["servers"] += len(made)
        got["own"] += len(set(made.values()) - {""})
        got["stolen"] += sum(listed[id] != address for id, address in made.items())
        got["unused"] += sum(ip["port_id"] is None for ip in ips)
        got["made"] += len(ips) - free
    target = {"own": servers * rounds, "stolen": 0, "unused": 0, "made": (servers - free) * rounds}
    report(
        "R6 processes",
        n=f"{rounds} x {servers} servers, {free} free, {processes} processes",
        target=target,
        got=dict(got),
    )
    assert got["own"] == got["servers"] == servers * rounds
    assert (got["stolen"], got["unused"], got["made"]) == (0, 0, (servers - free) * rounds)
