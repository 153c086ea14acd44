"""R4, R8: the same promises over real connections, on which content moves in worker threads."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import anyio
import pytest

import aiocloud
from aiocloud import Cloud, CloudError
from aiocloud.testing import FakeCloud, chaos
from aiocloud.testing.chaos import Direction, Kind, Trouble
from tests.promises.report import report, size
from tests.promises.test_transfers import orphans, stored

pytestmark = [pytest.mark.promise, pytest.mark.anyio]
SEED = 20_261_127
SEGMENT = 200_000
HEAD = 1_000
"""Bytes of a request's or an answer's head at most: a path that is damaged names another object, and nobody can know."""
KINDS: tuple[Kind, ...] = ("reset", "truncate", "flip")


def troubles(dice: random.Random, struck: Counter[str]) -> Iterator[Trouble | None]:
    """Every third connection comes to grief somewhere in the content that it carries first."""
    while True:
        if dice.random() < 0.67:
            yield None
            continue
        direction: Direction = "up" if dice.random() < 0.5 else "down"
        struck[direction] += 1
        yield Trouble(dice.choice(KINDS), direction, dice.randrange(HEAD, SEGMENT), bit=dice.randrange(8))


@asynccontextmanager
async def served(fake: FakeCloud, folder: Path) -> AsyncIterator[Path]:
    """The fake on a port, and the clouds.yaml that leads there."""
    async with fake.serve():
        config = folder / "clouds.yaml"
        config.write_text(fake.clouds_yaml())
        yield config


async def test_r8_what_is_carried_over_a_bad_network_is_right_or_refused(tmp_path: Path) -> None:
    rounds, count = size(3, 40), size(8, 60)
    fake, path, copy = FakeCloud(), tmp_path / "file", tmp_path / "copy"
    dice, struck, ends = random.Random(SEED), Counter[str](), Counter[str]()
    undetected = left = 0
    async with served(fake, tmp_path) as config, aiocloud.connect("fake", config_files=[config]) as clean:
        there = urlsplit(await clean.object_store.endpoint.url())
        for nth in range(rounds):
            content = random.Random(nth).randbytes(count * SEGMENT - 7)
            path.write_bytes(content)
            async with chaos.proxy(there.port or 80, troubles(dice, struck)) as bad:
                through = there._replace(netloc=f"127.0.0.1:{bad.port}").geturl()
                way = aiocloud.connect("fake", config_files=[config], object_store_endpoint_override=through)
                async with way as cloud:
                    try:
                        await cloud.create_object("box", "big", filename=path, segment_size=SEGMENT)
                    except CloudError as error:
                        ends[f"refused up: {type(error).__name__}"] += 1
                        continue
                    undetected += await clean.get_object("box", "big") != content
                    left += len(await orphans(clean, "box", "big"))
                    try:
                        await cloud.get_object("box", "big", outfile=copy)
                    except CloudError as error:
                        ends[f"refused down: {type(error).__name__}"] += 1
                        continue
                    undetected += copy.read_bytes() != content
                    ends["fine"] += 1
    got = {"undetected": undetected, "orphans": left, "troubles": dict(struck), **ends}
    report("R8 on the wire", n=rounds * count, target="0 undetected, 0 orphans", got=got)
    assert (undetected, left) == (0, 0)
    assert ends["fine"] > rounds / 2
    assert struck["up"] > 0 < struck["down"]


@pytest.mark.parametrize("what", ["segments", "whole", "replaced", "down"])
async def test_r4_a_transfer_cancelled_at_any_moment_leaves_all_or_nothing(tmp_path: Path, what: str) -> None:
    """Worker threads are waited for, whatever they have begun."""
    tries, dice = size(12, 200), random.Random(SEED)
    path, copy = tmp_path / "file", tmp_path / "copy"
    old, new = random.Random(1).randbytes(3 * SEGMENT), random.Random(2).randbytes(4 * SEGMENT)
    path.write_bytes(new)
    cut = None if what == "whole" else SEGMENT
    clean = Counter[str]()
    fake = FakeCloud()
    async with served(fake, tmp_path) as config, aiocloud.connect("fake", config_files=[config]) as other:
        for _ in range(tries):
            await emptied(other)
            copy.unlink(missing_ok=True)
            if what in ("replaced", "down"):
                await other.create_object("box", "big", data=old if what == "replaced" else new, segment_size=cut)
            before = stored(fake)
            async with aiocloud.connect("fake", config_files=[config]) as cloud:
                await cloud.list_containers()
                with anyio.move_on_after(dice.uniform(0, 0.12)) as scope:
                    if what == "down":
                        await cloud.get_object("box", "big", outfile=copy)
                    else:
                        await cloud.create_object("box", "big", filename=path, segment_size=cut)
            clean["cancelled"] += scope.cancelled_caught
            now = stored(fake)
            if what == "down":
                clean["clean"] += not copy.exists() or copy.read_bytes() == new
            elif now == before:
                clean["clean"] += 1
            else:
                whole = await other.get_object("box", "big") == new
                clean["clean"] += whole and len(now.get("box_segments", {})) == (0 if cut is None else 4)
    report(
        f"R4 on the wire, {what}",
        n=tries,
        target={"clean": 1.0},
        got={"clean": clean["clean"] / tries, "cancelled": clean["cancelled"]},
    )
    assert clean["clean"] == tries
    assert clean["cancelled"] > 0


async def emptied(cloud: Cloud) -> None:
    """Nothing is there."""
    await cloud.delete_object("box", "big")
    for name in ("box", "box_segments"):
        await cloud.delete_container(name)


@pytest.mark.parametrize("change", ["grow", "shrink", "rewrite", "vanish"])
async def test_r8_a_file_that_changes_while_threads_send_it_is_an_error(tmp_path: Path, change: str) -> None:
    fake, path = FakeCloud(), tmp_path / "file"
    content = random.Random(SEED).randbytes(30 * SEGMENT)
    path.write_bytes(content)
    changes: dict[str, Callable[[], object]] = {
        "grow": lambda: path.write_bytes(content + b"more"),
        "shrink": lambda: path.write_bytes(content[:1000]),
        "rewrite": lambda: path.write_bytes(content[::-1]),
        "vanish": path.unlink,
    }

    def meanwhile(progress: aiocloud.Progress) -> None:
        if progress.done > SEGMENT and change in changes:
            changes.pop(change)()

    async with served(fake, tmp_path) as config, aiocloud.connect("fake", config_files=[config]) as cloud:
        with pytest.raises(CloudError, match=str(path)):
            await cloud.create_object("box", "big", filename=path, segment_size=SEGMENT, progress=meanwhile)
        assert stored(fake) == {}
