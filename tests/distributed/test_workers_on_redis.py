"""Verbs done by worker processes, over a Redis of their own: also when one of them is killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import anyio
import pytest

import aiocloud
from aiocloud import Cloud, CloudError, Fleet, TransportError
from tests.auth.redis_server import redis_url
from tests.talk import Talk

__all__ = ["redis_url"]

pytestmark = pytest.mark.anyio

PAIRS = [("my-vexxhost", "ca-ymq-1"), ("my-citycloud", "Buf1"), ("my-internap", "ams01")]

EXAMPLE = Path(__file__).parents[2] / "examples" / "workers"

BOTH_SIDES = '''
import os
import taskiq_redis
import anyio
from aiocloud import Cloud
from aiocloud.distributed import Workers

URL = os.environ["REDIS_URL"]
broker = getattr(taskiq_redis, os.environ["BROKER"])(URL, queue_name=os.environ["QUEUE"], socket_timeout=None)
broker = broker.with_result_backend(taskiq_redis.RedisAsyncResultBackend(URL, result_ex_time=600))
workers = Workers(broker)
list_flavors = workers.verb(Cloud.list_flavors)


@workers.verb
async def begin(cloud: Cloud, folder: str, seconds: float) -> int:
    """Leave a file for each time that it is begun, and one for each that it is taken back."""
    async with await anyio.open_file(f"{folder}/begun", "a") as file:
        await file.write(f"{os.getpid()}\\n")
    try:
        await anyio.sleep(seconds)
    except anyio.get_cancelled_exc_class():
        with open(f"{folder}/undone", "a") as file:
            file.write(f"{os.getpid()}\\n")
        raise
    return os.getpid()
'''


@pytest.fixture
def anyio_backend() -> str:
    """Taskiq has no trio."""
    return "asyncio"


@pytest.fixture
def sides(
    talk: Talk, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[ModuleType]:
    """The module that asker and workers share, as the asker has it; the broker is a list of Redis, or what is asked for."""
    own = {"REDIS_URL": redis_url, "QUEUE": tmp_path.name, "BROKER": getattr(request, "param", "ListQueueBroker")}
    (talk.folder / "both_sides.py").write_text(BOTH_SIDES)
    for name, value in {**talk.environment, **own}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.syspath_prepend(talk.folder)
    import both_sides  # type: ignore[import-not-found]

    yield both_sides
    del sys.modules["both_sides"]


@contextmanager
def worker(talk: Talk, broker: str = "both_sides:broker") -> Iterator[subprocess.Popen[bytes]]:
    """A worker process of its own, which can be signalled; told to end at the end."""
    arguments = ["worker", broker, "--workers", "1", "--wait-tasks-timeout", "1"]
    command = [sys.executable, "-m", "taskiq", *arguments]
    with (talk.folder / "worker.log").open("ab") as log:
        process = subprocess.Popen(command, cwd=talk.folder, stdout=log, stderr=log, start_new_session=True)
    try:
        yield process
    finally:
        # Killed, in the end: on Python 3.11 the reader of a stream can miss that it is cancelled, until a message comes
        # (`asyncio.wait_for` lost cancellations there).
        for number, patience in ((signal.SIGTERM, 5), (signal.SIGKILL, 30)):
            if process.poll() is None:
                os.killpg(process.pid, number)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(patience)


async def lines_of(path: Path, enough: int) -> list[str]:
    with anyio.fail_after(60):
        while not path.exists() or len(path.read_text().splitlines()) < enough:  # noqa: ASYNC110
            await anyio.sleep(0.05)  # the other process tells nobody
    return path.read_text().splitlines()


def connect() -> Fleet:
    return aiocloud.connect_all(PAIRS)


def test_the_example(talk: Talk, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for file in EXAMPLE.iterdir():
        shutil.copy(file, talk.folder)
    for name, value in {**talk.environment, "REDIS_URL": redis_url}.items():
        monkeypatch.setenv(name, value)
    with worker(talk, "work:broker"):
        asked = talk.run("ask.py", "web-1")
    assert asked.returncode == 0, asked.stderr
    lines = [line.split() for line in asked.stdout.splitlines()]
    made = [line for line in lines if "web-1" in line and "failed:" not in line]
    assert made, asked.stdout
    assert {tuple(line) for line in lines[len(lines) // 2 :]} >= {(*line[:2], "1") for line in made}


async def test_two_workers_share_the_clouds(talk: Talk, sides: Any) -> None:
    await sides.broker.startup()
    async with connect() as fleet:
        with worker(talk), worker(talk):
            outcomes = await fleet.map(sides.list_flavors)
            assert outcomes.raise_failed().values == (await fleet.map(Cloud.list_flavors)).values
            for _ in range(20):  # which worker takes what is Redis's to say
                pids = (await fleet.map(sides.begin, str(talk.folder), 0.3)).raise_failed().values
                if len(set(pids)) == 2:
                    break
            assert len(set(pids)) == 2
    await sides.broker.shutdown()


@pytest.mark.parametrize("sides", ["ListQueueBroker", "RedisStreamBroker"], indirect=True)
async def test_what_a_killed_worker_had_is_not_begun_again_and_its_asker_hears_of_it(
    talk: Talk, sides: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aiocloud.distributed.jobs.SILENCE", 6.0)
    await sides.broker.startup()
    async with connect() as fleet, anyio.create_task_group() as tasks:
        errors: list[Exception] = []

        async def ask() -> None:
            outcomes = await fleet.map(sides.begin, str(talk.folder), 600.0)
            errors.extend(outcome.error for outcome in outcomes.failed)

        with worker(talk) as first:
            tasks.start_soon(ask)
            await lines_of(talk.folder / "begun", 3)
            os.killpg(first.pid, signal.SIGKILL)
            first.wait(30)
        with worker(talk), anyio.fail_after(60):
            # A dying process can still take what is sent now.
            while (talk.folder / "worker.log").read_text().count("Listening started") < 2:  # noqa: ASYNC110
                await anyio.sleep(0.05)
            (await fleet.map(sides.begin, str(talk.folder), 0.0)).raise_failed()
            while len(errors) < 3:  # noqa: ASYNC110
                await anyio.sleep(0.1)
        assert [type(error) for error in errors] == [TransportError] * 3
        assert "what came of it is not known" in str(errors[0])
        assert len(await lines_of(talk.folder / "begun", 6)) == 6
    await sides.broker.shutdown()


async def test_a_worker_that_is_told_to_end_takes_back_what_it_is_at(talk: Talk, sides: Any) -> None:
    await sides.broker.startup()
    async with connect() as fleet:
        with worker(talk) as process:
            jobs = (await fleet.map(sides.begin.send, str(talk.folder), 600.0)).raise_failed().values
            await lines_of(talk.folder / "begun", 3)
            os.killpg(process.pid, signal.SIGTERM)
            for job in jobs:
                with anyio.fail_after(60), pytest.raises(CloudError, match="called off: its worker was told to end"):
                    await job.result()
        assert len(await lines_of(talk.folder / "undone", 3)) == 3
    await sides.broker.shutdown()


@pytest.mark.parametrize("sides", ["ListQueueBroker", "RedisStreamBroker"], indirect=True)
async def test_a_task_waits_for_a_worker_and_its_answer_for_whoever_asks(talk: Talk, sides: Any) -> None:
    await sides.broker.startup()
    async with connect() as fleet:
        job = await sides.list_flavors.send(fleet["my-vexxhost", "ca-ymq-1"])
        with worker(talk):
            with anyio.fail_after(60):
                flavors = await job.result()
        assert flavors == await sides.list_flavors.job(job.id).result()
        assert flavors == await fleet["my-vexxhost", "ca-ymq-1"].list_flavors()
    await sides.broker.shutdown()
