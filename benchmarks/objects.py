"""G10, G11: one file up and down again, beside openstacksdk, python-swiftclient, rclone and curl, in one run.

Each client is a process of its own, measured by the kernel: wall, CPU and peak memory, from its start to its end. The clients
take turns, so that a busy machine is busy for all of them. All of it is done on a Swift that costs nothing and answers after
20 ms (`_sink.py`), and with `--clouds-yaml FILE --cloud NAME` on a real one, too. A client that is not installed is left
out, and named.

    nox -s bench -- objects --small
    nox -s bench -- objects --clouds-yaml clouds.yaml --cloud NAME
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
import anyio.to_thread
import yaml

import aiocloud
from aiocloud.tasks.objects import delete_all
from benchmarks._page import Row, put_text, table

MiB = 1024 * 1024
Command = Callable[[str], list[str]]
"""What a client is started with, by the container."""
CLIENTS = ("openstacksdk", "openstacksdk, no sums", "swiftclient", "rclone")
"""The others; curl is the limit."""
COMPARES = {("openstacksdk", "up"), ("swiftclient", "up"), ("rclone", "up")}
"""Who hashes what it carries. Of a large object that comes down nobody does: whoever wants to be sure hashes the file, too."""

# As `pip install aiocloud` leaves it, without trio, which the HTTP library imports wherever it is installed.
AIOCLOUD_UP = """
import sys
sys.modules["trio"] = None
import asyncio, aiocloud
async def main(config, cloud, container, path, size):
    async with aiocloud.connect(cloud, config_files=[config]) as c:
        await c.create_object(container, "big", path, segment_size=int(size))
asyncio.run(main(*sys.argv[1:]))
"""
AIOCLOUD_DOWN = """
import sys
sys.modules["trio"] = None
import asyncio, aiocloud
async def main(config, cloud, container, path):
    async with aiocloud.connect(cloud, config_files=[config]) as c:
        await c.get_object(container, "big", outfile=path)
asyncio.run(main(*sys.argv[1:]))
"""
AIOCLOUD_BEGIN = """
import sys
sys.modules["trio"] = None
import asyncio, aiocloud
async def main(config, cloud, container):
    async with aiocloud.connect(cloud, config_files=[config]) as c:
        await c.get_container(container)
asyncio.run(main(*sys.argv[1:]))
"""
OPENSTACKSDK_UP = """
import sys, openstack
config, cloud, container, path, size = sys.argv[1:]
c = openstack.connect(cloud=cloud)
c.create_container(container)
c.create_object(container, "big", filename=path, segment_size=int(size))
"""
OPENSTACKSDK_UP_NO_SUMS = OPENSTACKSDK_UP.replace("int(size))", "int(size), generate_checksums=False)")
OPENSTACKSDK_DOWN = """
import sys, openstack
config, cloud, container, path = sys.argv[1:]
openstack.connect(cloud=cloud).get_object(container, "big", outfile=path)
"""
SWIFTCLIENT_UP = """
import os, sys
from swiftclient.service import SwiftService, SwiftUploadObject
config, cloud, container, path, size = sys.argv[1:]
options = {"os_storage_url": os.environ["STORAGE_URL"], "os_auth_token": os.environ["TOKEN"], "auth_version": "3",
    "segment_size": size, "use_slo": True, "segment_threads": 10, "object_uu_threads": 10}
with SwiftService(options) as swift:
    for answer in swift.upload(container, [SwiftUploadObject(path, "big")]):
        if not answer["success"]:
            raise SystemExit(str(answer.get("error")))
"""
SWIFTCLIENT_DOWN = """
import os, sys
from swiftclient.service import SwiftService
config, cloud, container, path = sys.argv[1:]
options = {"os_storage_url": os.environ["STORAGE_URL"], "os_auth_token": os.environ["TOKEN"], "auth_version": "3"}
with SwiftService(options) as swift:
    for answer in swift.download(container, ["big"], {"out_file": path}):
        if not answer["success"]:
            raise SystemExit(str(answer.get("error")))
"""
MD5_ALONE = """
import hashlib, sys
h = hashlib.md5(usedforsecurity=False)
with open(sys.argv[1], "rb", buffering=0) as file:
    while chunk := file.read(1 << 20):
        h.update(chunk)
"""


@dataclass(frozen=True)
class Where:
    """The cloud that is measured on."""

    config: Path
    cloud: str
    env: dict[str, str]
    real: bool


@dataclass(frozen=True)
class Cost:
    """What one run took: seconds, CPU seconds, bytes of memory at most."""

    wall: float
    cpu: float
    rss: int


@dataclass(frozen=True)
class Measured:
    """One client's medians for one way and one size of segments, and what went wrong."""

    client: str
    way: str
    size: int
    cost: Cost | None
    failed: str


def run(command: Sequence[str], env: dict[str, str]) -> Cost | str:
    """Run to the end; the reason, when it failed.

    Memory is looked at in /proc while it runs: what the kernel tells afterwards counts this process's own, which it was
    forked from.
    """
    began = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(command, env={**os.environ, **env}, stdout=subprocess.DEVNULL, stderr=said)
        rss = 0
        while (ended := os.wait4(child.pid, os.WNOHANG))[0] == 0:
            rss = max(rss, high_water(child.pid))
            time.sleep(0.02)
        wall = time.perf_counter() - began
        child.returncode = os.waitstatus_to_exitcode(ended[1])
        said.seek(0)
        lines = said.read().decode(errors="replace").strip().splitlines()
    if child.returncode:
        return lines[-1] if lines else f"exit code {child.returncode}"
    return Cost(wall, ended[2].ru_utime + ended[2].ru_stime, rss)


def high_water(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), 0)


def python(script: str, where: Where, *arguments: object) -> list[str]:
    return [sys.executable, "-c", script, str(where.config), where.cloud, *map(str, arguments)]


def uploads(where: Where, path: Path, size: int) -> dict[str, Command]:
    """The clients that are there, and their commands for a container."""
    found: dict[str, Command] = {"aiocloud": lambda box: python(AIOCLOUD_UP, where, box, path, size)}
    if has("openstack"):
        found["openstacksdk"] = lambda box: python(OPENSTACKSDK_UP, where, box, path, size)
        found["openstacksdk, no sums"] = lambda box: python(OPENSTACKSDK_UP_NO_SUMS, where, box, path, size)
    if has("swiftclient"):
        found["swiftclient"] = lambda box: python(SWIFTCLIENT_UP, where, box, path, size)
    if shutil.which("rclone"):
        found["rclone"] = lambda box: [
            *("rclone", "copyto", str(path), f"sw:{box}/big", "--swift-chunk-size", f"{size}B", "--retries", "1")
        ]
    if shutil.which("curl"):
        found["curl -T"] = lambda box: curl_up(where, path, size, box)
    return found


def downloads(where: Where, target: Path) -> dict[str, Command]:
    found: dict[str, Command] = {"aiocloud": lambda box: python(AIOCLOUD_DOWN, where, box, target)}
    if has("openstack"):
        found["openstacksdk"] = lambda box: python(OPENSTACKSDK_DOWN, where, box, target)
    if has("swiftclient"):
        found["swiftclient"] = lambda box: python(SWIFTCLIENT_DOWN, where, box, target)
    if shutil.which("rclone"):
        found["rclone"] = lambda box: ["rclone", "copyto", f"sw:{box}/big", str(target), "--retries", "1"]
    if shutil.which("curl"):
        url = f"{where.env['STORAGE_URL']}/{{}}/big"
        found["curl"] = lambda box: [
            "curl",
            "-sf",
            "-K",
            str(secret(where, target)),
            "-o",
            str(target),
            url.format(box),
        ]
    return found


def has(module: str) -> bool:
    from importlib.util import find_spec

    return find_spec(module) is not None


def secret(where: Where, beside: Path) -> Path:
    """curl's settings, so that the token is no argument that everybody sees."""
    path = beside.with_name("curl.cfg")
    path.touch(0o600)
    path.write_text(f'header = "X-Auth-Token: {where.env["TOKEN"]}"\n')
    return path


def curl_up(where: Where, path: Path, size: int, box: str) -> list[str]:
    """The pieces as files of their own, eight at a time: no hashing, no manifest, nothing looked at."""
    folder = path.with_name(f"pieces-{size}")
    if not folder.exists():
        folder.mkdir()
        with path.open("rb") as file:
            for index in range(-(-path.stat().st_size // size)):
                (folder / f"{index:05d}").write_bytes(file.read(size))
    settings = path.with_name(f"curl-{size}-{box}.cfg")
    settings.touch(0o600)
    lines = [f'header = "X-Auth-Token: {where.env["TOKEN"]}"']
    for piece in sorted(folder.iterdir()):
        lines += [
            f'upload-file = "{piece}"',
            f'url = "{where.env["STORAGE_URL"]}/{box}/{piece.name}"',
            'output = "/dev/null"',
        ]
    settings.write_text("\n".join(lines))
    return ["curl", "-sf", "--parallel", "--parallel-max", "8", "-K", str(settings)]


async def emptied(cloud: aiocloud.Cloud, prefix: str) -> None:
    """Remove every container of this run, and what is in it."""
    for container in await cloud.list_containers(prefix=prefix):
        if container.name.endswith("_segments"):
            continue
        for item in await cloud.list_objects(container):
            await cloud.delete_object(container, item)
        await cloud.delete_container(container)
    # What other clients call theirs.
    for container in await cloud.list_containers(prefix=prefix):
        try:
            await delete_all(cloud, container, [item.name for item in await cloud.list_objects(container)])
        except aiocloud.NotFound:
            continue
        await cloud.delete_container(container)


async def measure(where: Where, path: Path, sizes: Sequence[int], rounds: int, down_from: int) -> list[Measured]:
    rows: list[Measured] = []
    prefix = f"bench-{os.getpid()}-"
    alone = [sys.executable, "-c", MD5_ALONE, str(path)]
    async with aiocloud.connect(where.cloud, config_files=[where.config]) as cloud:
        for size in sizes:
            runs: dict[tuple[str, str], list[Cost | str]] = {}
            # The first run of each client compiles it, and is not counted.
            for nth in range(rounds + 1):
                # In turns with the others: a machine that others use is slower at one time than at another.
                runs.setdefault(("md5 alone", "-"), []).append(await anyio.to_thread.run_sync(run, alone, where.env))
                for name, command in in_turn(uploads(where, path, size), nth):
                    box = f"{prefix}{''.join(char for char in name if char.isalnum())}-{size}-{nth}"
                    await cloud.create_container(box)
                    cost = await anyio.to_thread.run_sync(run, command(box), where.env)
                    runs.setdefault((name, "up"), []).append(cost)
                begin = python(AIOCLOUD_BEGIN, where, f"{prefix}aiocloud-{size}-{nth}")
                runs.setdefault(("aiocloud", "begin"), []).append(await anyio.to_thread.run_sync(run, begin, where.env))
                copy = path.with_name("copy")
                for name, command in in_turn(downloads(where, copy) if size >= down_from else {}, nth):
                    copy.unlink(missing_ok=True)
                    cost = await anyio.to_thread.run_sync(run, command(f"{prefix}aiocloud-{size}-{nth}"), where.env)
                    runs.setdefault((name, "down"), []).append(cost)
                if where.real:
                    await emptied(cloud, prefix)
            rows += [medians(name, way, size, costs[1:]) for (name, way), costs in runs.items()]
    return rows


def in_turn(clients: Mapping[str, Command], nth: int) -> list[tuple[str, Command]]:
    """Another one begins in each round: who writes after a pause has to get the memory for it from the machine's host."""
    listed = list(clients.items())
    first = nth % max(1, len(listed))
    return listed[first:] + listed[:first]


def medians(name: str, way: str, size: int, costs: Sequence[Cost | str]) -> Measured:
    good = [cost for cost in costs if isinstance(cost, Cost)]
    bad = [cost for cost in costs if isinstance(cost, str)]
    if not good:
        return Measured(name, way, size, None, bad[0])
    wall, cpu = statistics.median(cost.wall for cost in good), statistics.median(cost.cpu for cost in good)
    rss = int(statistics.median(cost.rss for cost in good))
    return Measured(name, way, size, Cost(wall, cpu, rss), f"{len(bad)} of {len(costs)}: {bad[0]}" if bad else "")


def table_of(measured: Sequence[Measured]) -> str:
    """Every client's figures, in Markdown."""
    lines = ["| segment | way | client | wall s | CPU s | peak MiB | |", "|---|---|---|---|---|---|---|"]
    for each in measured:
        cost = each.cost
        numbers = f"{cost.wall:.2f} | {cost.cpu:.2f} | {cost.rss / MiB:.0f}" if cost else "- | - | -"
        lines.append(f"| {each.size or '-'} | {each.way} | {each.client} | {numbers} | {each.failed} |")
    return "\n".join(lines)


Costs = Mapping[tuple[str, str, int], Cost]
"""By client, way and size of segments."""


def limits(costs: Costs) -> list[Row]:
    """G10, G11: beside MD5 alone, and beside those who upload in small segments, too."""
    rows = list[Row]()
    alone, large, begin = (
        costs.get((*key, 16 * MiB)) for key in (("md5 alone", "-"), ("aiocloud", "up"), ("aiocloud", "begin"))
    )
    if alone and large and begin:
        cpu = large.cpu - begin.cpu
        told = f"{cpu:.2f} / {alone.cpu:.2f} s; before it begins: {begin.cpu:.2f} s"
        rows.append(Row("G10", "upload in 16 MiB segments: CPU / MD5 alone", 1.5, 1.2, cpu / alone.cpu, told))
        rows.append(Row("G10", "its peak memory, MiB", 80, 50, large.rss / MiB))
    ours = costs.get(("aiocloud", "up", 1_000_000))
    for name, goal, beyond in (("openstacksdk", 0.5, 0.3), ("swiftclient", 0.8, 0.5)):
        theirs = costs.get((name, "up", 1_000_000))
        if ours and theirs:
            what, told = f"upload in 1,000,000-byte segments: wall / {name}", f"{ours.wall:.2f} / {theirs.wall:.2f} s"
            rows.append(Row("G11", what, goal, beyond, ours.wall / theirs.wall, told))
    return rows


def beside(costs: Costs, way: str, size: int) -> list[Row]:
    """How we stand beside the best of the other clients, in what they do, and in what we do."""
    ours, alone = costs.get(("aiocloud", way, size)), costs.get(("md5 alone", "-", size))
    others = {name: costs[name, way, size] for name in CLIENTS if (name, way, size) in costs}
    if not ours or not others or not alone:
        return []
    sure = {name: cost.wall + (0 if (name, way) in COMPARES else alone.wall) for name, cost in others.items()}
    best = min(sure, key=lambda name: sure[name])
    first, least = min(others, key=lambda name: others[name].wall), min(others, key=lambda name: others[name].rss)
    wall, rss = others[first].wall, others[least].rss
    told = f"{ours.wall:.2f} / {wall:.2f} s, {first}"
    told_sure = f"{ours.wall:.2f} / {sure[best]:.2f} s, {best}{'' if (best, way) in COMPARES else ' and MD5 alone'}"
    held = f"{ours.rss / MiB:.0f} / {rss / MiB:.0f} MiB, {least}"
    where = f"{way} in segments of {size:,}"
    return [
        Row("", f"{where}, content hashed: wall / the fastest client's", 1, None, ours.wall / sure[best], told_sure),
        Row("", f"{where}: wall / the fastest client's", 1, None, ours.wall / wall, told),
        Row("", f"{where}: memory / the least of a client", 1, None, ours.rss / rss, held),
    ]


def page_of(measured: Sequence[Measured], *, real: bool) -> str:
    """Where we stand, and every client's figures."""
    costs = {(each.client, each.way, each.size): each.cost for each in measured if each.cost}
    sizes = sorted({size for client, _, size in costs if client == "aiocloud"})
    rows = [] if real else limits(costs)
    rows += [row for size in sizes for way in ("up", "down") for row in beside(costs, way, size)]
    return f"{table(rows)}\n\n{table_of(measured)}"


@asynccontextmanager
async def sink(path: Path, sizes: Sequence[int], folder: Path) -> AsyncIterator[Where]:
    """The Swift that costs nothing, in a process of its own."""
    config = folder / "sink.yaml"
    # rclone 1.60 rounds what it is told to thousandths of a KiB.
    sizes = sorted({*sizes, *(int(round(size / 1024, 3) * 1024) for size in sizes)})
    command = [sys.executable, "-m", "benchmarks._sink", str(path), ",".join(map(str, sizes)), str(config)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE)  # noqa: ASYNC220 - it starts at once
    try:
        assert child.stdout is not None
        await anyio.to_thread.run_sync(child.stdout.readline)
        yield await reached(config, "fake", folder, real=False)
    finally:
        child.terminate()
        await anyio.to_thread.run_sync(child.wait)


async def reached(config: Path, name: str, folder: Path, *, real: bool) -> Where:
    """How every client reaches the cloud: by one token, so that nobody's login is in it."""
    async with aiocloud.connect(name, config_files=[config]) as cloud:
        token = await cloud.authorize()
        url = await cloud.object_store.endpoint.url()
        region = cloud.region_name
    auth = {"endpoint": url, "token": token}
    entry = {"auth_type": "admin_token", "auth": auth, "region_name": region, "object_store_endpoint_override": url}
    config = folder / f"{name}-token.yaml"
    config.touch(0o600)
    config.write_text(yaml.safe_dump({"clouds": {name: entry}}))
    env = {
        "OS_CLIENT_CONFIG_FILE": str(config),
        "STORAGE_URL": url,
        "TOKEN": token,
        "RCLONE_CONFIG_SW_TYPE": "swift",
        "RCLONE_CONFIG_SW_STORAGE_URL": url,
        "RCLONE_CONFIG_SW_AUTH_TOKEN": token,
        # Compiled once, as what pip installs is.
        "PYTHONPYCACHEPREFIX": str(folder / "compiled"),
        "PYTHONDONTWRITEBYTECODE": "",
    }
    return Where(config, name, env, real)


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks objects", description=__doc__)
    parser.add_argument("--small", action="store_true", help="64 MiB and one round")
    parser.add_argument("--rounds", type=int, default=None)
    parser.add_argument("--mib", type=int, default=None, help="size of the file")
    parser.add_argument("--segments", default="1000000,16777216,67108864", help="bytes, separated by commas")
    parser.add_argument("--clouds-yaml", type=Path)
    parser.add_argument("--cloud")
    parser.add_argument("--on", default="sink,real", help="one of them, or both")
    parser.add_argument(
        "--down-from", type=int, default=0, help="bytes; a real Swift sends peers a small segment a second"
    )
    options = parser.parse_args(list(arguments))
    asyncio.run(suite(options))
    missing = [
        name for name, there in (("rclone", shutil.which("rclone")), ("curl", shutil.which("curl"))) if not there
    ]
    missing += [
        name for name, module in (("openstacksdk", "openstack"), ("swiftclient", "swiftclient")) if not has(module)
    ]
    if missing:
        print(f"\nnot installed, so left out: {', '.join(missing)}")


def disk(mib: int) -> Path | None:
    """Where files cost nothing, if there is such a place with enough room; else wherever temporary files are.

    A virtual machine gets its memory from its host at the first touch, a second for 512 MiB: on a disk, whoever's writes are
    cached in pages that nobody had before would pay for that.
    """
    memory = Path("/dev/shm")
    room = shutil.disk_usage(memory).free if memory.is_dir() else 0
    return memory if room > 6 * mib * MiB else None


async def suite(options: argparse.Namespace) -> None:
    rounds = options.rounds or (1 if options.small else 5)

    def tell(name: str, measured: Sequence[Measured], *, real: bool) -> None:
        text = page_of(measured, real=real)
        put_text(name, text, rounds=rounds, small=options.small, page="performance-objects.md")

    sizes = [int(text) for text in options.segments.split(",")]
    mib = options.mib or (64 if options.small else 512)
    with tempfile.TemporaryDirectory(prefix="aiocloud-bench-", dir=disk(mib)) as name:
        folder = Path(name)
        path = folder / "file"
        with path.open("wb") as file:
            for index in range(mib):
                file.write(random.Random(index).randbytes(MiB))
        if "sink" in options.on:
            async with sink(path, sizes, folder) as where:
                tell("objects-sink", await measure(where, path, sizes, rounds, options.down_from), real=False)
        if "real" in options.on and options.clouds_yaml:
            where = await reached(options.clouds_yaml, options.cloud, folder, real=True)
            tell("objects-real", await measure(where, path, sizes, rounds, options.down_from), real=True)
