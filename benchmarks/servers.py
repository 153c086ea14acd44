"""G2, G3, G4, G7, G8, G12: servers listed and made, beside openstacksdk and beside nothing but the bytes, in one run.

Each client is a process of its own, which measures itself: wall, CPU, peak memory, and how many requests it sent. It has
logged in, met the service, and made one server where many are to be made, before the clock starts. Lists come from canned
clouds, which cost nothing; servers are made on a fake one, or with `--clouds-yaml FILE --cloud NAME` (a few) on a real one.
Medians of `--rounds`.

    nox -s bench -- servers --small
    nox -s bench -- servers --clouds-yaml clouds.yaml --cloud NAME --creates 3
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import anyio
import anyio.to_thread
from trio.testing import MockClock

import aiocloud
from aiocloud.tasks.batches import Boot, Created
from aiocloud.testing import FakeCloud
from benchmarks._canned import canned
from benchmarks._page import Row, put_into_page

OURS = """
import gc, json, resource, sys, time, anyio, aiocloud
from aiocloud._http import httpx
config, name, what, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
def sent(cloud):
    return sum(stats.requests for stats in cloud.session.stats().values())
async def bare(cloud): return await cloud.list_servers(bare=True)
async def plain(cloud): return await cloud.list_servers()
async def detailed(cloud): return await cloud.list_servers(detailed=True)
async def kept(cloud): return await cloud.compute.servers.list()
async def streamed(cloud): return sum([1 async for _ in cloud.compute.servers.stream()])
async def bytes_only(cloud):
    endpoint, url = cloud.compute.endpoint, "/servers/detail"
    token = (await cloud.session.token()).headers()
    headers = {**token, "OpenStack-API-Version": "compute 2.96"}
    url = await endpoint.url("/servers/detail")
    async with httpx.AsyncClient(headers=headers) as client:
        while url:
            body = (await client.get(url)).content
            at = body.rfind(b'"servers_links"')
            url = json.loads(b"{" + body[at:])["servers_links"][0]["href"] if at > 0 else None
async def create(cloud):
    async with anyio.create_task_group() as tasks:
        for nth in range(count):
            tasks.start_soon(one, cloud, nth)
async def one(cloud, nth):
    image = await an_image(cloud)
    server = await cloud.create_server(f"bench-{nth}", image=image, flavor=FLAVOR, wait=True, auto_ip=True)
    assert server.public_v4 and server.status == "ACTIVE"
async def an_image(cloud): return IMAGE
async def remove(cloud):
    async with anyio.create_task_group() as tasks:
        for server in await cloud.list_servers(bare=True):
            if server.name.startswith("bench-"):
                tasks.start_soon(lambda s=server: cloud.delete_server(s, wait=True, delete_ips=True))
FLAVOR, IMAGE = sys.argv[5], sys.argv[6]
async def main():
    async with aiocloud.connect(name, config_files=[config], secure_files=[]) as cloud:
        await cloud.list_servers(filters={"name": "none of them"}, bare=True)
        if what == "create":
            await one(cloud, "first")
        before, cpu, wall = sent(cloud), time.process_time(), time.perf_counter()
        found = await globals()[what](cloud)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(json.dumps({"wall": wall, "cpu": cpu, "requests": sent(cloud) - before, "rss": rss}))
        if what == "create":
            await remove(cloud)
anyio.run(main)
"""

PEER = """
import json, resource, sys, time, openstack, requests
from concurrent.futures import ThreadPoolExecutor
config, name, what, count, FLAVOR, IMAGE = *sys.argv[1:4], int(sys.argv[4]), *sys.argv[5:]
sent = 0
send = requests.Session.send
def counted(self, *args, **kwargs):
    global sent
    sent += 1
    return send(self, *args, **kwargs)
requests.Session.send = counted
cloud = openstack.connection.Connection(config=openstack.config.OpenStackConfig(
    config_files=[config], secure_files=[], vendor_files=[]).get_one(name))
def bare(): return cloud.list_servers(bare=True)
def plain(): return cloud.list_servers()
def detailed(): return cloud.list_servers(detailed=True)
def create():
    with ThreadPoolExecutor(min(count, 100)) as pool:
        list(pool.map(one, range(count)))
def one(nth):
    server = cloud.create_server(f"bench-{nth}", image=IMAGE, flavor=FLAVOR, wait=True, auto_ip=True, reuse_ips=False,
        timeout=600)
    assert server.status == "ACTIVE"
def remove():
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(gone, [s for s in cloud.list_servers(bare=True) if s.name.startswith("bench-")]))
def gone(server): cloud.delete_server(server.id, wait=True, delete_ips=True)
cloud.list_keypairs()
if what == "create":
    one("first")
before, cpu, wall = sent, time.process_time(), time.perf_counter()
globals()[what]()
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"wall": wall, "cpu": cpu, "requests": sent - before, "rss": rss}))
if what == "create":
    remove()
"""

Cost = dict[str, float]


class Bench:
    """Where it is measured, and how often."""

    def __init__(self, config: Path, cloud: str, flavor: str, image: str, rounds: int) -> None:
        self.config, self.cloud, self.flavor, self.image, self.rounds = config, cloud, flavor, image, rounds

    async def run(self, script: str, what: str, count: int = 0) -> Cost:
        """The medians of what one client needs for one thing."""
        costs = [await anyio.to_thread.run_sync(self._once, script, what, count) for _ in range(self.rounds)]
        return _medians(costs)

    def in_turns(self, clients: Mapping[str, tuple[str, str]]) -> dict[str, Cost]:
        """The medians of each, one after the other in each round; the first round doesn't count."""
        rounds = [{name: self._once(*client, 0) for name, client in clients.items()} for _ in range(self.rounds + 1)]
        return {name: _medians([one[name] for one in rounds[1:]]) for name in clients}

    def asked(self, clients: Mapping[str, tuple[str, str]]) -> dict[str, float]:
        """How many requests each sends, which is the same in every round."""
        return {name: self._once(*client, 0)["requests"] for name, client in clients.items()}

    def _once(self, script: str, what: str, count: int) -> Cost:
        command = [
            sys.executable,
            "-c",
            script,
            str(self.config),
            self.cloud,
            what,
            str(count),
            self.flavor,
            self.image,
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{what}: {done.stderr[-2000:]}")
        cost: Cost = json.loads(done.stdout.splitlines()[-1])
        return cost


def _medians(costs: Sequence[Cost]) -> Cost:
    return {key: statistics.median(cost[key] for cost in costs) for key in costs[0]}


def lists(small: bool, rounds: int) -> list[Row]:
    """G2, G3, G4, G12."""
    thousand, many = (200, 2_000) if small else (1_000, 10_000)
    with canned(1, 0.0, thousand) as config:
        rows = one_page(_listing(config, rounds), thousand)
    with canned(1, 0.05, many, many // 10) as config:
        return [*rows, *ten_pages(_listing(config, rounds), many)]


def _listing(config: Path, rounds: int) -> Bench:
    return Bench(config, "cloud-000", "m1.tiny", "ubuntu-24.04", rounds)


def one_page(bench: Bench, count: int) -> list[Row]:
    """G2, G4."""
    peer = importlib.util.find_spec("openstack") is not None
    theirs = {"peer": (PEER, "bare")} if peer else {}
    costs = bench.in_turns({"bare": (OURS, "bare"), **theirs})
    ours, rows = costs["bare"], list[Row]()
    asked = bench.asked({what: (OURS, what) for what in ("bare", "detailed", "plain")})
    if peer:
        cpu, limit = ours["cpu"], costs["peer"]["cpu"]
        told = f"{cpu * 1000:.0f} / {limit * 1000:.0f} ms"
        rows.append(Row("G2", f"CPU to list {count} servers bare / openstacksdk", 1 / 50, 1 / 100, cpu / limit, told))
        full = bench.asked({"peer": (PEER, "detailed")})["peer"]
        what = f"requests to list {count} detailed / openstacksdk's {full:.0f}"
        rows.append(Row("G4", what, 0.01, 0.01, asked["detailed"] / full))
    for what, name in (("detailed list", "detailed"), ("list with addresses", "plain")):
        rows.append(Row("G4", f"requests of a {what} beyond its pages", 4, 2, asked[name] - asked["bare"]))
    return rows


def ten_pages(bench: Bench, count: int) -> list[Row]:
    """G3, G12."""
    costs = bench.in_turns({what: (OURS, what) for what in ("kept", "streamed", "bytes_only")})
    kept, streamed, limit = costs["kept"], costs["streamed"], costs["bytes_only"]
    memory = f"{streamed['rss'] / 1024:.0f} / {kept['rss'] / 1024:.0f} MiB; bytes only {limit['rss'] / 1024:.0f}"
    wall = f"{kept['wall']:.2f} / {limit['wall']:.2f} s"
    what = f"wall to list {count} servers in ten pages at 50 ms / fetching the bytes"
    return [
        Row("G3", what, 1.5, 1.15, kept["wall"] / limit["wall"], wall),
        Row("G12", "peak memory of the same streamed / kept", 0.6, 0.4, streamed["rss"] / kept["rss"], memory),
    ]


async def creates(bench: Bench, count: int, boot: float, latency: float, where: str) -> list[Row]:
    """G7, G8."""
    ours = await bench.run(OURS, "create", count)
    each = ours["requests"] / count
    rows = [Row("G7", f"requests a server for {count} concurrent creates, {where}", 3, 2.1, each)]
    if boot:
        rows.append(Row("G8", "wall of the same / (boot + 6 latencies)", 1.8, 1.3, ours["wall"] / (boot + 6 * latency)))
    if importlib.util.find_spec("openstack") is not None:
        theirs = await Bench(bench.config, bench.cloud, bench.flavor, bench.image, 1).run(PEER, "create", count)
        rows += [
            Row(
                "G7",
                f"the same / openstacksdk in threads ({theirs['requests'] / count:.1f})",
                1 / 3,
                None,
                ours["requests"] / theirs["requests"],
            ),
            Row(
                "G7",
                f"CPU a server / openstacksdk in threads ({theirs['cpu'] / count * 1000:.0f} ms)",
                1 / 20,
                None,
                ours["cpu"] / theirs["cpu"],
                f"{ours['cpu'] / count * 1000:.1f} ms",
            ),
            Row(
                "G8",
                f"wall / openstacksdk in threads ({theirs['wall']:.1f} s)",
                1.0,
                None,
                ours["wall"] / theirs["wall"],
                f"{ours['wall']:.1f} s",
            ),
        ]
    return rows


async def in_virtual_time(count: int, boot: float, latency: float) -> Row:
    """G8 on a clock that stands still while anybody computes: what is waited for, on however busy a machine."""
    plenty = dict.fromkeys(("instances", "cores", "ram", "floatingip", "port"), 10**9)
    fake = FakeCloud(boot_time=boot, latency=latency, quotas=plenty)
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "clouds.yaml"
        config.write_text(fake.clouds_yaml())
        async with aiocloud.connect(config_files=[config], secure_files=[], transport=fake.transport) as cloud:
            boots = Boot("bench", image="ubuntu-24.04", flavor="m1.tiny")
            await cloud.create_servers(boots, 1)
            began = anyio.current_time()
            assert all(isinstance(one, Created) for one in await cloud.create_servers(boots, count))
            took = anyio.current_time() - began
    return Row("G8", "the same wall in virtual time / (boot + 6 latencies)", 1.8, 1.3, took / (boot + 6 * latency))


async def on_a_fake(small: bool, rounds: int) -> list[Row]:
    """A hundred servers at once, booting for five seconds at 20 ms a request."""
    count, boot, latency = (20 if small else 100), 5.0, 0.02
    plenty = dict.fromkeys(("instances", "cores", "ram", "floatingip", "port"), 10**9)
    fake = FakeCloud(boot_time=boot, latency=latency, quotas=plenty)
    async with fake.serve():
        with tempfile.TemporaryDirectory() as folder:
            config = Path(folder) / "clouds.yaml"
            config.write_text(fake.clouds_yaml())
            bench = Bench(config, "fake", "m1.tiny", "ubuntu-24.04", rounds)
            rows = await creates(bench, count, boot, latency, "on a fake cloud")

    def virtually() -> Row:
        clock = {"clock": MockClock(autojump_threshold=0)}
        return anyio.run(in_virtual_time, count, boot, latency, backend="trio", backend_options=clock)

    return [*rows, await anyio.to_thread.run_sync(virtually)]


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks servers", description=__doc__)
    parser.add_argument("--small", action="store_true", help="fewer servers, one round")
    parser.add_argument("--rounds", type=int, default=None)
    parser.add_argument("--clouds-yaml", type=Path)
    parser.add_argument("--cloud")
    parser.add_argument("--flavor", default="m1.nano")
    parser.add_argument("--image", default="tiny-raw")
    parser.add_argument("--creates", type=int, default=3)
    parser.add_argument("--only", choices=["lists", "creates"])
    options = parser.parse_args(list(arguments))
    rounds = options.rounds or (1 if options.small else 5)

    if options.clouds_yaml:
        bench = Bench(options.clouds_yaml, options.cloud, options.flavor, options.image, 1)
        rows = anyio.run(creates, bench, options.creates, 0.0, 0.0, f"on {options.cloud}")
        put_into_page("servers-real", rows, rounds=1, small=options.small)
        return
    if options.only != "creates":
        rows = lists(options.small, rounds)
        put_into_page("servers-listed", rows, rounds=rounds, small=options.small)
    if options.only != "lists":
        rows = anyio.run(on_a_fake, options.small, rounds)
        put_into_page("servers-made", rows, rounds=rounds, small=options.small)
