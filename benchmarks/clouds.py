"""G5, G6, G9: many clouds at once, and small requests, beside openstacksdk, keystoneauth and bare sockets, in one run.

Each client is a process of its own, which measures itself: log in to every cloud, and list servers, networks, images and
volumes. It has read its configuration before, and listed what one cloud has, so that imports are not in it. The clients
take turns, so that a busy machine is busy for all of them. The clouds are in a process of their own and cost next to
nothing (`_canned.py`): each answers after 50 ms. aiocloud is measured as `pip install aiocloud` leaves it, and with the
extra `fast`. Medians of `--rounds`.

    nox -s bench -- clouds --small
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import json
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence

from benchmarks._canned import canned
from benchmarks._page import Row, put_into_page

LATENCY = 0.05

MEASURE = """
import json, sys, time
config = sys.argv[1]
def told(began, cpu, count):
    wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    print(json.dumps({"wall": wall, "cpu": cpu / count}))
"""
# trio is left out, because the HTTP library imports it wherever it is installed.
PLAIN = "import sys; sys.modules['trio'] = sys.modules['aiohttp'] = None"
FAST = "import sys; sys.modules['trio'] = None"

LISTS = """
import anyio, aiocloud
async def four(cloud):
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: cloud.list_servers(bare=True))
        for verb in (cloud.list_networks, cloud.list_images, cloud.list_volumes):
            tasks.start_soon(verb)
async def main():
    async with aiocloud.connect("cloud-000", config_files=[config], secure_files=[]) as cloud:
        await four(cloud)
    async with aiocloud.connect_all(config_files=[config], secure_files=[]) as fleet:
        began, cpu = time.perf_counter(), time.process_time()
        (await fleet.map(four)).raise_failed()
        told(began, cpu, len(fleet))
anyio.run(main)
"""
OPENSTACK_LISTS = """
import openstack
from concurrent.futures import ThreadPoolExecutor
files = openstack.config.OpenStackConfig(config_files=[config], secure_files=[], vendor_files=[])
regions = files.get_all()
def four(region):
    cloud = openstack.connection.Connection(config=region)
    return cloud.list_servers(bare=True), cloud.list_networks(), cloud.list_images(), cloud.list_volumes()
four(regions[0])
began, cpu = time.perf_counter(), time.process_time()
with ThreadPoolExecutor(32) as pool:
    list(pool.map(four, regions))
told(began, cpu, len(regions))
"""
BARE_LISTS = """
import asyncio, re, yaml
from urllib.parse import urlsplit
clouds = yaml.load(open(config), yaml.CSafeLoader)["clouds"].values()
hosts = [urlsplit(cloud["auth"]["auth_url"]).netloc for cloud in clouds]
domain = {"domain": {"id": "default"}}
user = {"name": "demo", "password": "secret", **domain}
login = json.dumps({"auth": {"identity": {"methods": ["password"], "password": {"user": user}},
    "scope": {"project": {"name": "demo", **domain}}}}).encode()
LISTS = {"compute": "/servers/detail", "network": "/v2.0/networks", "image": "/v2/images",
    "block-storage": "/volumes/detail"}
async def ask(host, path, more, body=b"", connection=None):
    reader, writer = connection or await asyncio.open_connection(*host.split(":"))
    head = f"{'POST' if body else 'GET'} {path} HTTP/1.1\\r\\nHost: {host}\\r\\n{more}Content-Length: {len(body)}\\r\\n\\r\\n"
    writer.write(head.encode() + body)
    head = await reader.readuntil(b"\\r\\n\\r\\n")
    length = int(re.search(rb"content-length: (\\d+)", head)[1])
    return head, json.loads(await reader.readexactly(length)), (reader, writer)
async def four(host):
    head, token, first = await ask(host, "/fake/identity/v3/auth/tokens", "Content-Type: application/json\\r\\n", login)
    more = "X-Auth-Token: " + re.search(rb"x-subject-token: (.*)\\r", head)[1].decode() + "\\r\\n"
    urls = {service["type"]: urlsplit(service["endpoints"][0]["url"]).path for service in token["token"]["catalog"]}
    paths = [urls[kind] + path for kind, path in LISTS.items()]
    await asyncio.gather(ask(host, paths[0], more, b"", first), *(ask(host, path, more) for path in paths[1:]))
async def main():
    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*map(four, hosts))
    told(began, cpu, len(hosts))
asyncio.run(main())
"""

REQUESTS = """
import anyio, aiocloud
COUNT = int(sys.argv[2])
async def main():
    async with aiocloud.connect("cloud-000", config_files=[config], secure_files=[]) as cloud:
        await cloud.compute.get("/limits")
        left = list(range(COUNT))
        async def some():
            while left:
                left.pop()
                (await cloud.compute.get("/limits")).json()
        began, cpu = time.perf_counter(), time.process_time()
        async with anyio.create_task_group() as tasks:
            for _ in range(100):
                tasks.start_soon(some)
        told(began, cpu, COUNT)
anyio.run(main)
"""
# A connection for each thread, which keystoneauth's own pool of ten would close again and again.
KEYSTONEAUTH_REQUESTS = """
import requests, yaml
from concurrent.futures import ThreadPoolExecutor
from keystoneauth1 import adapter, session
from keystoneauth1.identity import v3
COUNT = int(sys.argv[2])
auth = yaml.load(open(config), yaml.CSafeLoader)["clouds"]["cloud-000"]["auth"]
carrier = requests.Session()
carrier.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=100))
compute = adapter.Adapter(session.Session(auth=v3.Password(**auth), session=carrier), service_type="compute")
def get(_): return compute.get("/limits").json()
get(0)
with ThreadPoolExecutor(100) as pool:
    list(pool.map(get, range(100)))
    began, cpu = time.perf_counter(), time.process_time()
    list(pool.map(get, range(COUNT)))
    told(began, cpu, COUNT)
"""

Cost = Mapping[str, float]


def installed(*names: str) -> bool:
    return all(importlib.util.find_spec(name) for name in names)


def ours(script: str) -> dict[str, str]:
    """aiocloud without the extra `fast`, and with it where it is installed."""
    without = {"aiocloud": PLAIN + MEASURE + script}
    extras = importlib.metadata.metadata("aiocloud").get_all("Provides-Extra") or ()
    with_it = "fast" in extras and installed("aiohttp")
    return {**without, "fast": FAST + MEASURE + script} if with_it else without


def in_turns(scripts: Mapping[str, str], rounds: int, *arguments: str) -> dict[str, Cost]:
    """The medians of each; the first round only teaches the clouds their answers."""

    def once(script: str) -> Cost:
        command = [sys.executable, "-c", script, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stderr[-2000:])
        cost: Cost = json.loads(done.stdout.splitlines()[-1])
        return cost

    all_of_them = [{name: once(script) for name, script in scripts.items()} for _ in range(rounds + 1)][1:]
    return {
        name: {key: statistics.median(one[name][key] for one in all_of_them) for key in ("wall", "cpu")}
        for name in scripts
    }


def on_50(count: int, rounds: int) -> list[Row]:
    """G5."""
    peers = {"openstacksdk": MEASURE + OPENSTACK_LISTS} if installed("openstack") else {}
    with canned(count, LATENCY) as config:
        costs = in_turns({**ours(LISTS), **peers}, rounds, str(config))
    rows: list[Row] = []
    for name in ("aiocloud", "fast"):
        if name not in costs:
            continue
        wall, what = costs[name]["wall"], f"{_called(name)}: log in to {count} clouds and list 4 things each"
        if peers:
            theirs = costs["openstacksdk"]["wall"]
            told = f"{wall:.2f} / {theirs:.2f} s"
            rows.append(Row("G5", f"{what}: wall / openstacksdk in 32 threads", 1 / 30, 1 / 60, wall / theirs, told))
        rows.append(Row("G5", f"{what}: wall / 2 x latency", 3, 2, wall / (2 * LATENCY)))
    return rows


def on_200(count: int, rounds: int) -> list[Row]:
    """G6."""
    with canned(count, LATENCY) as config:
        costs = in_turns({**ours(LISTS), "sockets": MEASURE + BARE_LISTS}, rounds, str(config))
    bare = costs.pop("sockets")["wall"]
    what = f"log in to {count} clouds and list 4 things each: wall / bare sockets"
    return [
        Row("G6", f"{_called(name)}: {what}", 3, 1.5, cost["wall"] / bare, f"{cost['wall']:.2f} / {bare:.2f} s")
        for name, cost in costs.items()
    ]


def small_requests(count: int, rounds: int) -> list[Row]:
    """G9."""
    if not installed("keystoneauth1"):
        return []
    with canned(1, LATENCY) as config:
        costs = in_turns({**ours(REQUESTS), "peer": MEASURE + KEYSTONEAUTH_REQUESTS}, rounds, str(config), str(count))
    theirs = costs.pop("peer")["cpu"]
    what = "CPU of a small request at 100 in flight / keystoneauth in threads"
    return [
        Row("G9", f"{_called(name)}: {what}", 0.8, 0.4, cost["cpu"] / theirs, _in_ms(cost["cpu"], theirs))
        for name, cost in costs.items()
    ]


def _in_ms(one: float, other: float) -> str:
    return f"{one * 1000:.2f} / {other * 1000:.2f} ms"


def _called(name: str) -> str:
    return "aiocloud[fast]" if name == "fast" else name


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks clouds", description=__doc__)
    parser.add_argument("--small", action="store_true", help="ten clouds, few requests, one round")
    parser.add_argument("--rounds", type=int, default=None)
    options = parser.parse_args(list(arguments))
    small: bool = options.small
    rounds = options.rounds or (1 if small else 5)
    rows = [
        *on_50(10 if small else 50, rounds),
        *on_200(20 if small else 200, rounds),
        *small_requests(500 if small else 2000, rounds),
    ]
    put_into_page("clouds", rows, rounds=rounds, small=options.small)
