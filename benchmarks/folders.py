"""A folder of many small files made like a container and back, beside rclone and python-swiftclient, in one run.

Each way twice: when nothing is there, and when all of it is. Each client is a process of its own, on the Swift that costs
nothing and answers after 20 ms (`_sink.py`); the clients take turns. A client that is not installed is left out.

    nox -s bench -- folders --small
"""

from __future__ import annotations

import argparse
import asyncio
import random
import shutil
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import anyio.to_thread

import aiocloud
from benchmarks._page import Row, put_text, table
from benchmarks.objects import Command, Cost, MiB, Where, disk, has, in_turn, python, run, sink

SIZE = 10_000
"""Bytes of a file."""
WAYS = ("up", "up again", "down", "down again")
Costs = Mapping[tuple[str, str], Sequence[Cost | str]]
"""By client and way."""

AIOCLOUD = """
import sys
sys.modules["trio"] = None
import asyncio, aiocloud
async def main(config, cloud, container, folder, way):
    async with aiocloud.connect(cloud, config_files=[config]) as c:
        done = await c.sync_objects(folder, container, way=way)
        if done.failed:
            raise SystemExit(str(done.failed[0][1]))
asyncio.run(main(*sys.argv[1:]))
"""
SWIFTCLIENT = """
import os, sys
from swiftclient.service import SwiftService, SwiftUploadObject
config, cloud, container, folder, way = sys.argv[1:]
options = {"os_storage_url": os.environ["STORAGE_URL"], "os_auth_token": os.environ["TOKEN"], "auth_version": "3",
    "skip_identical": True, "out_directory": folder}
with SwiftService(options) as swift:
    if way == "up":
        files = [SwiftUploadObject(os.path.join(folder, name), name) for name in sorted(os.listdir(folder))]
        answers = swift.upload(container, files)
    else:
        answers = swift.download(container)
    for answer in answers:
        if not answer["success"] and answer.get("status") != "skipped-identical":
            if getattr(answer.get("error"), "http_status", None) != 304:
                raise SystemExit(str(answer.get("error")))
"""


def clients(where: Where, folder: Path, way: str) -> dict[str, Command]:
    """Those that are there, and their commands for a container."""
    found: dict[str, Command] = {"aiocloud": lambda box: python(AIOCLOUD, where, box, folder, way)}
    if has("swiftclient"):
        found["swiftclient"] = lambda box: python(SWIFTCLIENT, where, box, folder, way)
    if shutil.which("rclone"):
        ends = (lambda box: (str(folder), f"sw:{box}")) if way == "up" else (lambda box: (f"sw:{box}", str(folder)))
        found["rclone"] = lambda box: ["rclone", "sync", *ends(box), "--retries", "1"]
    return found


async def measure(where: Where, folder: Path, rounds: int) -> Costs:
    """The first round compiles the clients, and is not counted."""
    runs: dict[tuple[str, str], list[Cost | str]] = {}
    async with aiocloud.connect(where.cloud, config_files=[where.config]) as cloud:
        for nth in range(rounds + 1):
            for name, _ in in_turn(clients(where, folder, "up"), nth):
                box, copy = f"folder-{name}-{nth}", folder.with_name(f"copy-{name}")
                await cloud.create_container(box)
                for way in WAYS:
                    where_to = folder if way.startswith("up") else copy
                    command = clients(where, where_to, way.partition(" ")[0])[name](box)
                    cost = await anyio.to_thread.run_sync(run, command, where.env)
                    runs.setdefault((name, way), []).extend([cost] if nth else [])
                same = {path.name: path.read_bytes() for path in folder.iterdir()}  # noqa: ASYNC240 - nobody waits
                assert {path.name: path.read_bytes() for path in copy.iterdir()} == same, name
                shutil.rmtree(copy)
    return runs


def text_of(runs: Costs, count: int) -> str:
    """Where we stand, and every client's figures."""
    costs = {key: _median(each) for key, each in runs.items()}
    good = {key: cost for key, cost in costs.items() if isinstance(cost, Cost)}
    rows = list[Row]()
    for way in WAYS:
        others = {name: cost for (name, of), cost in good.items() if of == way and name != "aiocloud"}
        if others and ("aiocloud", way) in good:
            ours, first = good["aiocloud", way], min(others, key=lambda name: others[name].wall)
            told = f"{ours.wall:.2f} / {others[first].wall:.2f} s, {first}"
            what = f"{count:,} files of {SIZE:,} bytes, {way}: wall / the fastest client's"
            rows.append(Row("", what, 1, None, ours.wall / others[first].wall, told))
    lines = ["| way | client | wall s | CPU s | peak MiB |", "|---|---|---|---|---|"]
    for way in WAYS:
        for (name, of), cost in costs.items():
            if of == way:
                one = cost if isinstance(cost, str) else f"{cost.wall:.2f} | {cost.cpu:.2f} | {cost.rss / MiB:.0f}"
                lines.append(f"| {way} | {name} | {one} |")
    return f"{table(rows)}\n\n" + "\n".join(lines)


def _median(costs: Sequence[Cost | str]) -> Cost | str:
    good = [cost for cost in costs if isinstance(cost, Cost)]
    if len(good) < len(costs):
        return next(cost for cost in costs if isinstance(cost, str))
    wall, cpu = statistics.median(cost.wall for cost in good), statistics.median(cost.cpu for cost in good)
    return Cost(wall, cpu, int(statistics.median(cost.rss for cost in good)))


async def suite(count: int, rounds: int, *, small: bool) -> None:
    with tempfile.TemporaryDirectory(prefix="aiocloud-bench-", dir=disk(64)) as name:
        content, folder = Path(name) / "content", Path(name) / "folder"
        data = random.Random(1).randbytes(count * SIZE)
        content.write_bytes(data)
        folder.mkdir()
        for nth in range(count):
            (folder / f"file {nth:05d}").write_bytes(data[nth * SIZE : (nth + 1) * SIZE])
        async with sink(content, [SIZE], Path(name)) as where:
            runs = await measure(where, folder, rounds)
    put_text("folders", text_of(runs, count), rounds=rounds, small=small, page="performance-objects.md")


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks folders", description=__doc__)
    parser.add_argument("--small", action="store_true", help="200 files and one round")
    parser.add_argument("--rounds", type=int, default=None)
    parser.add_argument("--files", type=int, default=None)
    options = parser.parse_args(list(arguments))
    rounds = options.rounds or (1 if options.small else 5)
    asyncio.run(suite(options.files or (200 if options.small else 1000), rounds, small=options.small))
