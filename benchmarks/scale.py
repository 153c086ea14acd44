"""A day of an operator in virtual time: 20,000, 200,000 and 2,000,000 servers a day over 10 to 1,000 regions, one process.

Servers arrive at random, boot for about a minute, live for ten and are removed, with their floating IPs; time is trio's
MockClock, so hours take seconds. Only a slice of each day is played, once it is under way. The fake clouds run in the same
process, so CPU and memory are of both: an upper bound.

    python -m benchmarks scale --small
    python -m benchmarks scale --servers 2000
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import anyio
from trio.testing import MockClock

import aiocloud
from aiocloud import Cloud, CloudError
from aiocloud.testing import FakeCloud, kinds

DAY = 86_400.0
BOOT = 60.0
LIFE = 600.0
LATENCY = 0.05
PLENTY = dict.fromkeys(("instances", "cores", "ram", "floatingip", "port"), 10**9)
SEED = 20_260_726


@dataclass
class Result:
    """What one slice of a day took."""

    a_day: int
    regions: int
    servers: int
    failed: int
    requests: float
    """For a server's whole life."""
    cpu: float
    """Milliseconds a server, fake cloud included."""
    rss: float
    """MiB."""
    under_way: int
    """Creates and deletes at the same time, at most."""
    throttled: float
    """Seconds that a request waited for a limit or a slot, on average."""
    late: float
    """Seconds from ACTIVE to the answer: the median, and the 99th of 100."""
    late_99: float
    busy: float
    """CPU seconds in each second of the day: above 1 one process can't follow."""


@dataclass
class Counts:
    """What is counted while a slice is played."""

    under_way: int = 0
    most: int = 0
    failed: int = 0
    late: list[float] = field(default_factory=list)


async def live(cloud: Cloud, name: str, counts: Counts) -> None:
    """One server's life: made and waited for, used, removed and waited for to be gone."""
    counts.under_way += 1
    counts.most = max(counts.most, counts.under_way)
    began = anyio.current_time()
    try:
        server = await cloud.create_server(name, image="ubuntu-24.04", flavor="m1.tiny", wait=True)
    except CloudError:
        counts.failed += 1
        return
    finally:
        counts.under_way -= 1
    counts.late.append(anyio.current_time() - began - BOOT)
    await anyio.sleep(LIFE)
    counts.under_way += 1
    await cloud.delete_server(server, wait=True, delete_ips=True)
    counts.under_way -= 1


async def play(a_day: int, regions: int, count: int) -> Result:
    """One slice: so many servers, arriving as on such a day."""
    each = min(regions, 10)
    names = tuple(f"r{nth}" for nth in range(each))
    plans = [replace(kinds.PLAIN, name=f"c{nth}", regions=names) for nth in range(regions // each)]
    fake = FakeCloud(clouds=plans, boot_time=BOOT, latency=LATENCY, quotas=PLENTY, seed=SEED)
    dice, counts = random.Random(SEED), Counts()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clouds.yaml"
        path.write_text(fake.clouds_yaml())
        async with aiocloud.connect_all(config_files=[path], secure_files=[], transport=fake.transport) as fleet:
            cpu = time.process_time()
            async with anyio.create_task_group() as tasks:
                for nth in range(count):
                    tasks.start_soon(live, dice.choice(fleet.clouds), f"s{nth}", counts)
                    await anyio.sleep(dice.expovariate(a_day / DAY))
            cpu = time.process_time() - cpu
            stats = [one for session in {cloud.session for cloud in fleet} for one in session.stats().values()]
    late = sorted(counts.late)
    return Result(
        a_day=a_day,
        regions=regions,
        servers=count,
        failed=counts.failed,
        requests=len(fake.requests) / count,
        cpu=cpu / count * 1000,
        rss=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        under_way=counts.most,
        throttled=sum(one.throttled for one in stats) / len(fake.requests),
        late=statistics.median(late),
        late_99=late[int(len(late) * 0.99)],
        busy=cpu / count * a_day / DAY,
    )


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks scale", description=__doc__)
    parser.add_argument("--small", action="store_true", help="a short slice of two days")
    parser.add_argument("--servers", type=int, default=None, help="how many servers to play of each day")
    parser.add_argument("--one", help="A_DAY,REGIONS,COUNT: one slice, its result as JSON")
    parser.add_argument("--write", type=Path, help="the page whose table is replaced")
    options = parser.parse_args(list(arguments))
    if options.one:
        a_day, regions, count = map(int, options.one.split(","))
        clock = MockClock(autojump_threshold=0)
        result = anyio.run(play, a_day, regions, count, backend="trio", backend_options={"clock": clock})
        print(json.dumps(asdict(result)))
        return
    days = [(20_000, 10), (200_000, 100)] if options.small else DAYS
    count = options.servers or (100 if options.small else 1_000)
    results: list[Result] = []
    for a_day, regions in days:
        results.append(_in_a_process(a_day, regions, count))
        print(table(results[-1:]).splitlines()[-1], flush=True)
    text = table(results)
    if options.write:
        begin, end = "<!-- scale -->", "<!-- /scale -->"
        head, _, rest = options.write.read_text().partition(begin)
        options.write.write_text(f"{head}{begin}\n{text}\n{rest[rest.index(end) :]}")


DAYS = [
    (20_000, 10),
    (20_000, 100),
    (200_000, 10),
    (200_000, 100),
    (200_000, 1_000),
    (2_000_000, 100),
    (2_000_000, 1_000),
]


def _in_a_process(a_day: int, regions: int, count: int) -> Result:
    """A process for each, so that memory is its own."""
    command = [sys.executable, "-m", "benchmarks", "scale", "--one", f"{a_day},{regions},{count}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    return Result(**json.loads(done.stdout.splitlines()[-1]))


def table(results: Sequence[Result]) -> str:
    """The results in Markdown."""
    heads = (
        *("servers a day", "regions", "requests a server", "CPU a server", "CPU of one core", "memory", "under way"),
        *("waited for a limit", "after ACTIVE, median / 99 %", "failed"),
    )
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    lines += [
        f"| {r.a_day:,} | {r.regions:,} | {r.requests:.1f} | {r.cpu:.1f} ms | {r.busy:.1%} | {r.rss:.0f} MiB "
        f"| {r.under_way:,} | {r.throttled * 1000:.1f} ms | {r.late:.1f} / {r.late_99:.1f} s | {r.failed} |"
        for r in results
    ]
    return "\n".join(lines)
