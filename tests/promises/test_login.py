"""R1, R2, R21, R22: one login, revocation, token files, clocks."""

from __future__ import annotations

import hashlib
import json
import math
import os
import random
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

import aiocloud
from aiocloud import Cloud, CloudError
from aiocloud._http import httpx
from aiocloud.auth.manager import AuthManager
from aiocloud.config.schema import CloudConfig
from aiocloud.testing import FakeCloud, Fault
from tests.auth.redis_server import redis_url
from tests.promises.report import report, size

__all__ = ["redis_url"]

pytestmark = pytest.mark.promise

asyncio_only = pytest.mark.parametrize("anyio_backend", ["asyncio"])


def cloud_of(fake: FakeCloud, clouds_yaml: Path) -> Cloud:
    return aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport)


def logins(fake: FakeCloud) -> int:
    """How many logins the fake cloud granted."""
    tries = [one for one in fake.requests if one.service == "identity" and one.method == "POST"]
    return sum(one.status == 201 for one in tries)


# R1: one login per cloud


@pytest.mark.anyio
async def test_r1_many_first_calls_are_one_login(fake: FakeCloud, clouds_yaml: Path, anyio_backend_name: str) -> None:
    count, fine = size(100, 1000), 0

    async def call(cloud: Cloud) -> None:
        nonlocal fine
        await cloud.list_flavors()
        fine += 1

    async with cloud_of(fake, clouds_yaml) as cloud, anyio.create_task_group() as tasks:
        for _ in range(count):
            tasks.start_soon(call, cloud)
    report(
        "R1",
        n=f"{count} first calls on {anyio_backend_name}",
        target="1 login",
        got=f"{logins(fake)} login, {fine} fine",
    )
    assert (logins(fake), fine) == (1, count)


@pytest.mark.anyio
async def test_r1_the_first_caller_is_cancelled_mid_login(
    fake: FakeCloud, clouds_yaml: Path, anyio_backend_name: str
) -> None:
    count, fine = size(100, 1000), 0
    fake.fault(Fault(service="identity", method="POST", delay=3600))  # the first login never ends by itself

    async def call(cloud: Cloud) -> None:
        nonlocal fine
        await cloud.list_flavors()
        fine += 1

    first = anyio.CancelScope()

    async def lead(cloud: Cloud) -> None:
        with first:
            await cloud.list_flavors()

    async with cloud_of(fake, clouds_yaml) as cloud, anyio.create_task_group() as tasks:
        tasks.start_soon(lead, cloud)
        while not fake.requests:
            await anyio.lowlevel.checkpoint()
        for _ in range(count):
            tasks.start_soon(call, cloud)
        await anyio.wait_all_tasks_blocked()
        first.cancel()
    report(
        "R1",
        n=f"{count} callers behind a cancelled one on {anyio_backend_name}",
        target="1 login, nobody lost",
        got=f"{logins(fake)} login, {count - fine} lost",
    )
    assert first.cancelled_caught
    assert (logins(fake), fine) == (1, count)


PROCESS = """
import sys
import anyio
import aiocloud

async def main(clouds_yaml, store, calls):
    async with aiocloud.connect("fake", config_files=[clouds_yaml], token_store=store) as cloud:
        async with anyio.create_task_group() as tasks:
            for _ in range(calls):
                tasks.start_soon(cloud.authorize)
        await cloud.list_flavors()
    if isinstance(store, aiocloud.RedisStore):
        await store.aclose()

kind, where, clouds_yaml, calls = sys.argv[1:]
store = aiocloud.FileStore(where) if kind == "file" else aiocloud.RedisStore(where)
anyio.run(main, clouds_yaml, store, int(calls))
"""


@asyncio_only
@pytest.mark.anyio
@pytest.mark.parametrize("kind", ["file", "redis"])
async def test_r1_many_processes_share_one_login(
    fake: FakeCloud, tmp_path: Path, kind: str, request: pytest.FixtureRequest
) -> None:
    processes, calls = size(3, 10), size(20, 100)
    where: str = str(tmp_path / "tokens") if kind == "file" else request.getfixturevalue("redis_url")
    config = tmp_path / "clouds.yaml"
    async with fake.serve():
        config.write_text(fake.clouds_yaml())
        command = [sys.executable, "-c", PROCESS, kind, where, str(config), str(calls)]
        async with anyio.create_task_group() as tasks:
            for _ in range(processes):
                tasks.start_soon(anyio.run_process, command)
    report("R1", n=f"{processes} processes x {calls}, {kind}", target="1 login", got=f"{logins(fake)} login")
    assert logins(fake) == 1
    assert (
        fake.count(service="compute", path="*/flavors/detail") + fake.count(service="compute", path="*/flavors")
        == processes
    )


# R2: a revoked token is nobody's problem


class Round:
    """Calls in flight while tokens are revoked."""

    def __init__(self, fake: FakeCloud, cloud: Cloud, count: int) -> None:
        self.fake, self.cloud, self.count = fake, cloud, count
        self.fine = 0
        self.errors: list[CloudError] = []

    async def _call(self, nth: int) -> None:
        # One after the other, so that some are through and some are still to come whenever a token is revoked.
        for _ in range(60 * nth // self.count):
            await anyio.lowlevel.checkpoint()
        try:
            await self.cloud.compute.get("/os-keypairs")
            self.fine += 1
        except CloudError as error:
            self.errors.append(error)

    async def run(self, revocations: int = 1) -> int:
        """Run all calls, revoking when some are through; the number of logins that it took."""
        before = logins(self.fake)
        self.fine = 0
        async with anyio.create_task_group() as tasks:
            for nth in range(self.count):
                tasks.start_soon(self._call, nth)
            while self.fine + len(self.errors) < self.count // 3:
                await anyio.lowlevel.checkpoint()
            self.fake.revoke_tokens()
            for nth in range(1, revocations):
                while logins(self.fake) < before + nth:
                    await anyio.lowlevel.checkpoint()
                self.fake.revoke_tokens()
        return logins(self.fake) - before


@pytest.mark.anyio
async def test_r2_a_revocation_costs_one_login_and_no_call(
    fake: FakeCloud, clouds_yaml: Path, anyio_backend_name: str
) -> None:
    calls, rounds = size(60, 1000), size(4, 100)
    async with cloud_of(fake, clouds_yaml) as cloud:
        await cloud.list_flavors()
        play = Round(fake, cloud, calls)
        took = [await play.run() for _ in range(rounds)]
    got = f"{max(took)} login a round, {len(play.errors)} errors"
    report(
        "R2", n=f"{calls} calls x {rounds} rounds on {anyio_backend_name}", target="1 login a round, 0 errors", got=got
    )
    assert play.errors == []
    assert set(took) == {1}


@pytest.mark.anyio
async def test_r2_two_revocations_in_a_row(fake: FakeCloud, clouds_yaml: Path, anyio_backend_name: str) -> None:
    calls, rounds = size(60, 1000), size(4, 20)
    async with cloud_of(fake, clouds_yaml) as cloud:
        await cloud.list_flavors()
        play = Round(fake, cloud, calls)
        took = [await play.run(revocations=2) for _ in range(rounds)]
    got = f"{max(took)} logins a round, {len(play.errors)} errors"
    report(
        "R2", n=f"{calls} calls x {rounds} double rounds on {anyio_backend_name}", target="2 logins, 0 errors", got=got
    )
    assert play.errors == []
    assert set(took) == {2}


@pytest.mark.anyio
async def test_r2_the_login_answers_503_twice(fake: FakeCloud, clouds_yaml: Path, anyio_backend_name: str) -> None:
    calls, rounds = size(60, 1000), size(2, 20)
    took: list[int] = []
    async with cloud_of(fake, clouds_yaml) as cloud:
        await cloud.list_flavors()
        play = Round(fake, cloud, calls)
        for _ in range(rounds):
            fake.fault(Fault(service="identity", method="POST", status=503, times=2))
            took.append(await play.run())
    got = f"{max(took)} login a round, {len(play.errors)} errors"
    report(
        "R2", n=f"{calls} calls x {rounds} rounds of 503 on {anyio_backend_name}", target="1 login, 0 errors", got=got
    )
    assert play.errors == []
    assert set(took) == {1}


# R21: token files are safe

WRITER = """
import hashlib, os, random, sys
import anyio
from aiocloud.auth.cache import FileStore

async def main(path, times, seed):
    os.umask(0)
    dice = random.Random(int(seed))
    store = FileStore(path)
    for _ in range(int(times)):
        text = "x" * dice.randrange(10, 40_000)
        await store.put("k", hashlib.sha256(text.encode()).hexdigest() + text, 1000)

anyio.run(main, *sys.argv[1:])
"""


class Directory:
    """Looks at a token directory again and again: what is torn, and what others could read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.reads = self.torn = self.open = 0

    def look(self) -> None:
        try:
            content = (self.path / "k.json").read_bytes()
            modes = [stat.S_IMODE(each.lstat().st_mode) for each in self.path.iterdir()]
        except FileNotFoundError:
            return
        self.reads += 1
        self.open += any(mode & 0o077 for mode in modes) or stat.S_IMODE(self.path.lstat().st_mode) != 0o700
        try:
            text = json.loads(content)["text"]
        except (ValueError, KeyError):
            self.torn += 1
        else:
            self.torn += hashlib.sha256(text[64:].encode()).hexdigest() != text[:64]


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL and modes as POSIX has them")
def test_r21_no_reader_sees_half_a_file_while_writers_die(tmp_path: Path) -> None:
    writers, times, seed = size(3, 8), size(60, 1000), 21
    directory, dice = Directory(tmp_path / "tokens"), random.Random(seed)

    def start(nth: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", WRITER, str(directory.path), str(times), str(nth)])

    running = [start(nth) for nth in range(writers)]
    kills, left = 0, size(3, 40)
    while running:
        directory.look()
        running = [process for process in running if process.poll() is None]
        if left and running and directory.reads > 20 * (kills + 1):
            victim = dice.choice(running)
            victim.send_signal(signal.SIGKILL)
            victim.wait(20)
            running = [process for process in running if process is not victim]
            kills, left = kills + 1, left - 1
            running.append(start(100 + kills))
    got = f"{directory.torn} torn, {directory.open} open to others in {directory.reads} reads, {kills} kills"
    report("R21", n=f"{writers} writers x {times}, seed {seed}", target="0 torn, always 0600", got=got)
    assert directory.reads > 0
    assert kills > 0
    assert (directory.torn, directory.open) == (0, 0)


FULL_DISK = """
import logging, os, resource, signal, sys
import anyio
from aiocloud.auth.cache import FileStore

async def main(path):
    store = FileStore(path)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
    for n in range(20):
        await store.put("k", f"{n}" * 4000, 1000)
    found = await store.get("k")
    print(found is not None and found.text[:2] == "19", os.listdir(path))

logging.basicConfig(format="%(message)s")
anyio.run(main, sys.argv[1])
"""


@pytest.mark.skipif(os.name != "posix", reason="limits as POSIX has them")
def test_r21_where_nothing_more_can_be_written_tokens_stay_in_memory(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path / "tokens")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    warnings = done.stderr.count("tokens are kept in memory only")
    report(
        "R21",
        n="20 writes beyond the limit",
        target="memory, 1 warning",
        got=f"{'memory' if done.stdout.strip() == 'True []' else 'lost'}, {warnings} warning",
    )
    assert done.stdout.strip() == "True []"
    assert warnings == 1


# R22: clock skew is harmless


class SkewedCloud:
    """A Keystone whose wall clock is wrong by up to ten minutes, and jumps."""

    def __init__(self, seed: int) -> None:
        self.now = 0.0
        self.skew = 0.0
        self.dice = random.Random(seed)
        self.ends: dict[str, float] = {}

    @property
    def wall(self) -> float:
        return 1.9e9 + self.now + self.skew

    def jump(self) -> None:
        self.skew = self.dice.uniform(-600, 600)

    async def send(self, request: httpx.Request) -> httpx.Response:
        value = f"tok-{len(self.ends)}"
        self.ends[value] = self.wall + 3600
        times = [time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime(at)) for at in (self.wall, self.wall + 3600)]
        body = {"token": {"issued_at": times[0], "expires_at": times[1], "methods": ["password"]}}
        return httpx.Response(201, json=body, headers={"X-Subject-Token": value}, request=request)

    def accepts(self, token: str) -> bool:
        return self.wall < self.ends[token]


@pytest.mark.anyio
async def test_r22_wrong_and_jumping_clocks_cost_no_call(
    anyio_backend_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    days, seed = size(3, 30), 22
    keystone, dice = SkewedCloud(seed), random.Random(seed)
    keys = {"auth_url": "http://keystone.test", "user_id": "u", "password": "p"}
    config = CloudConfig(name="skewed", auth=keys)
    manager = AuthManager(config, keystone.send, clock=lambda: keystone.now, jitter=dice.random)
    ours = 0.0
    monkeypatch.setattr(time, "time", lambda: 1.9e9 + keystone.now + ours)
    calls = failed = 0
    while keystone.now < days * 86400:
        keystone.now += dice.uniform(1, 60)
        if dice.random() < 0.002:  # every four hours or so
            keystone.jump()
            ours = dice.uniform(-600, 600)
        calls += 1
        token = (await manager.token()).text
        if not keystone.accepts(token):  # the 401 that a session answers with a renewal
            token = (await manager.renew(token)).text
            failed += not keystone.accepts(token)
    hours = keystone.now / 3600
    needless = len(keystone.ends) - math.floor(hours)
    got = f"{failed} failed of {calls}, {needless / hours:.2f} needless logins an hour"
    report(
        "R22", n=f"{days} virtual days on {anyio_backend_name}, seed {seed}", target="0 failed, <= 1 an hour", got=got
    )
    assert failed == 0
    assert needless / hours <= 1
