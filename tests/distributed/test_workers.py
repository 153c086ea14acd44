"""Verbs done by workers, in one process: taskiq's broker in memory calls them where they are asked."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from taskiq import BrokerMessage, InMemoryBroker, TaskiqResult
from taskiq.brokers.inmemory_broker import InmemoryResultBackend

import aiocloud
from aiocloud import (
    Cloud,
    CloudError,
    ConfigError,
    Done,
    Failed,
    Fleet,
    InvalidRequest,
    Timeout,
    TransportError,
)
from aiocloud.distributed import Workers
from aiocloud.services.compute.server import Server
from aiocloud.tasks.undo import Undo
from aiocloud.testing import FakeCloud

pytestmark = pytest.mark.anyio

PAIRS = [("my-vexxhost", "ca-ymq-1"), ("my-citycloud", "Buf1"), ("my-internap", "ams01")]


@pytest.fixture
def anyio_backend() -> str:
    """Taskiq has no trio."""
    return "asyncio"


@pytest.fixture
def fake() -> FakeCloud:
    return FakeCloud.talk()


@pytest.fixture
def connect(fake: FakeCloud, tmp_path: Path) -> Any:
    path = tmp_path / "clouds.yaml"
    path.write_text(fake.clouds_yaml())

    def connect_all(**more: Any) -> Fleet:
        return aiocloud.connect_all(PAIRS, config_files=[path], secure_files=[], transport=fake.transport, **more)

    return connect_all


@contextlib.asynccontextmanager
async def running(broker: InMemoryBroker) -> AsyncIterator[None]:
    await broker.startup()
    try:
        yield
    finally:
        await broker.shutdown()


async def servers_of(fleet: Fleet) -> list[str]:
    return [server.name for outcome in (await fleet.map(Cloud.list_servers)).values for server in outcome]


async def test_a_fleet_has_a_verb_done_by_workers_and_gets_what_the_verb_gives(connect: Any) -> None:
    broker = InMemoryBroker()
    workers = Workers(broker, connect)
    async with running(broker), connect() as fleet:
        await fleet.map(Cloud.create_image, "cirros-a", data=b"QFI\xfb" + bytes(100), disk_format="raw")
        made = await fleet.map(
            workers.verb(Cloud.create_server), "a", image="cirros-a", flavor="m1.tiny", wait=True, auto_ip=True
        )
        found = await fleet.map(workers.verb(Cloud.get_server), "a")
        networks = await fleet.map(workers.verb(Cloud.list_networks))
        assert [(o.cloud.name, o.cloud.region_name) for o in made] == PAIRS
        assert all(type(server) is Server and server.public_v4 for server in made.raise_failed().values)
        assert [server.id for server in found.values if server] == [server.id for server in made.values]
        assert [server.location.cloud for server in found.values if server] == [name for name, _ in PAIRS]
        assert networks.values == (await fleet.map(Cloud.list_networks)).values
        assert all(outcome.requests > 5 for outcome in made)


async def test_a_resource_is_an_argument_like_any_other(connect: Any) -> None:
    broker = InMemoryBroker()
    workers = Workers(broker, connect)
    async with running(broker), connect() as fleet:
        cloud = fleet["my-vexxhost", "ca-ymq-1"]
        network = await cloud.create_network("net")
        assert await workers.verb(Cloud.update_network)(cloud, network, name="other") == await cloud.get_network(
            "other"
        )
        assert await workers.verb(Cloud.delete_network)(cloud, network) is True


async def test_outcomes_come_as_workers_answer(connect: Any) -> None:
    broker = InMemoryBroker()
    workers = Workers(broker, connect)
    async with running(broker), connect() as fleet, fleet.stream(workers.verb(Cloud.list_flavors)) as outcomes:
        assert {outcome.cloud.name async for outcome in outcomes if isinstance(outcome, Done)} == {n for n, _ in PAIRS}


async def test_an_error_of_a_worker_is_the_error_of_the_verb(connect: Any) -> None:
    broker = InMemoryBroker()
    workers = Workers(broker, connect)
    async with running(broker), connect() as fleet:
        outcomes = await fleet.map(workers.verb(Cloud.update_server), "nowhere", name="b")
        here = await fleet.map(Cloud.update_server, "nowhere", name="b")
    assert [str(o.error) for o in outcomes.failed] == [str(o.error) for o in here.failed]
    assert all(type(o.error) is type(h.error) for o, h in zip(outcomes.failed, here.failed, strict=True))
    error = outcomes.failed[0].error
    assert isinstance(error, CloudError)
    assert (error.cloud, error.region) == PAIRS[0]


async def greet(cloud: Cloud, whom: str, *, times: int = 1) -> dict[str, int]:
    return {f"{whom} from {cloud.where}": times}


async def test_a_function_of_ones_own_is_a_verb_too(connect: Any) -> None:
    broker = InMemoryBroker()
    greeting = Workers(broker, connect).verb(greet)
    async with running(broker), connect() as fleet:
        assert (await fleet.map(greeting, "hello", times=2)).values[0] == {"hello from my-vexxhost ca-ymq-1": 2}
        with pytest.raises(TypeError, match="missing a required argument: 'whom'"):
            await fleet.map(greeting)


async def test_an_answer_that_can_not_travel_says_that_it_was_done(connect: Any) -> None:
    broker = InMemoryBroker()
    workers = Workers(broker, connect)

    async def gives(cloud: Cloud) -> Any:
        await cloud.create_network("net")
        return print

    async with running(broker), connect() as fleet:
        cloud = fleet["my-vexxhost", "ca-ymq-1"]
        with pytest.raises(CloudError, match="gives was done, but what it gave stays with its worker"):
            await workers.verb(gives, name="gives")(cloud)
        assert await cloud.get_network("net") is not None


async def test_several_errors_at_once_are_the_first_one_as_without_workers(connect: Any) -> None:
    broker = InMemoryBroker()
    workers = Workers(broker, connect)

    async def fails(cloud: Cloud) -> None:
        raise ExceptionGroup("several", [ValueError("one"), ValueError("two")])

    async with running(broker), connect() as fleet:
        with pytest.raises(ValueError, match="one"):
            await workers.verb(fails, name="fails")(fleet["my-vexxhost"])


async def test_a_worker_that_does_not_know_a_verb_says_so(connect: Any) -> None:
    broker, other = InMemoryBroker(), InMemoryBroker()
    Workers(broker, connect)
    theirs = Workers(other, connect).verb(greet)
    other.kick = broker.kick  # type: ignore[method-assign]
    other.result_backend = broker.result_backend
    async with running(broker), connect() as fleet:
        outcomes = await fleet.map(theirs, "hello")
    assert "this worker knows no verb greet" in str(outcomes.failed[0].error)


@pytest.mark.parametrize("name", ["Cloud._relogin", "Cloud.__init__", "Cloud.nothing", "os.system", "Cloud.", ""])
async def test_no_message_reaches_anything_but_verbs(connect: Any, name: str) -> None:
    broker = InMemoryBroker()
    workers = Workers(broker, connect)
    verb = workers.verb(Cloud.list_servers)
    verb.name = name
    async with running(broker), connect() as fleet:
        with pytest.raises(CloudError, match="this worker knows no verb"):
            await verb(fleet["my-vexxhost"])


async def test_what_workers_could_not_find_is_refused(connect: Any) -> None:
    workers = Workers(InMemoryBroker(), connect)

    async def local(cloud: Cloud) -> None: ...

    with pytest.raises(ConfigError, match="can't find .*<locals>.local: put it into a module"):
        workers.verb(local)
    workers.verb(local, name="greet")
    with pytest.raises(ConfigError, match="two verbs called greet"):
        workers.verb(greet)


async def test_a_broker_has_one_set_of_workers(connect: Any) -> None:
    broker = InMemoryBroker()
    Workers(broker, connect)
    with pytest.raises(ConfigError, match="has its Workers already"):
        Workers(broker, connect)


async def test_an_argument_that_can_not_travel_is_named_and_nothing_is_sent(connect: Any) -> None:
    broker = InMemoryBroker()
    workers = Workers(broker, connect)
    async with running(broker), connect() as fleet:
        outcomes = await fleet.map(workers.verb(Cloud.create_image), "a", data=b"", progress=print)
    assert "progress=: a builtin_function_or_method can't travel" in str(outcomes.failed[0].error)
    assert not broker.result_backend.progress


async def test_a_worker_is_never_somebody_else(connect: Any) -> None:
    """What `connect_as` gives has rights of its own: the worker's must not stand in for them."""
    broker = InMemoryBroker()
    verb = Workers(broker, connect).verb(Cloud.list_servers)
    async with running(broker), connect() as fleet:
        cloud = fleet["my-vexxhost", "ca-ymq-1"]
        with pytest.raises(ConfigError, match="logs in as somebody else than the asker"):
            await verb(cloud.connect_as(username="visitor", password="canary"))
        with pytest.raises(InvalidRequest, match="can't be told for the auth type 'token'"):
            await verb(cloud.connect_as(token="canary"))


async def test_a_worker_without_that_cloud_says_so(connect: Any, fake: FakeCloud, tmp_path: Path) -> None:
    broker = InMemoryBroker()
    verb = Workers(broker, lambda: connect().select("my-vexxhost")).verb(Cloud.list_servers)
    async with running(broker), connect() as fleet:
        outcomes = await fleet.map(verb)
    assert [type(outcome) for outcome in outcomes] == [Done, Failed, Failed]
    assert "my-citycloud Buf1: the worker's configuration has no such cloud and region" in str(outcomes.failed[0].error)


async def test_options_of_the_asker_hold_in_the_worker(connect: Any, fake: FakeCloud) -> None:
    broker = InMemoryBroker()
    verb = Workers(broker, connect).verb(Cloud.list_servers)
    request_id = "req-2b0e5b5c-9e0a-4d8f-9d9b-1a3e7c1d5f00"
    async with running(broker), connect() as fleet:
        await verb(fleet["my-vexxhost", "ca-ymq-1"].with_options(global_request_id=request_id))
    assert request_id in [one.headers.get("x-openstack-request-id") for one in fake.requests]


class Nobody(InMemoryBroker):
    """A broker without workers: what is sent lies there until somebody takes it."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[BrokerMessage] = []

    async def kick(self, message: BrokerMessage) -> None:
        self.waiting.append(message)

    async def take(self) -> None:
        for message in self.waiting:
            await super().kick(message)
        await self.wait_all()


async def test_a_task_that_no_worker_begins_is_called_off(connect: Any) -> None:
    broker = Nobody()
    verb = Workers(broker, connect, start_within=0.1).verb(Cloud.create_network)
    async with running(broker), connect() as fleet:
        cloud = fleet["my-vexxhost", "ca-ymq-1"]
        with pytest.raises(Timeout, match=r"no worker began within 0.1 s: are they running") as caught:
            await verb(cloud, "net")
        assert caught.value.sent is False
        await broker.take()
        assert await cloud.get_network("net") is None


async def test_who_gives_up_calls_it_off(connect: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aiocloud.distributed.worker.BEAT", 0.05)
    broker = InMemoryBroker()
    workers = Workers(broker, connect)
    begun = ended = 0

    async def waits(cloud: Cloud) -> None:
        nonlocal begun, ended
        begun += 1
        try:
            await anyio.sleep_forever()
        finally:
            ended += 1

    verb = workers.verb(waits, name="waits")
    async with running(broker), connect() as fleet:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(fleet.map, verb)
            with anyio.fail_after(20):
                while begun < 3:  # noqa: ASYNC110 - as a user would look
                    await anyio.sleep(0.01)
            tasks.cancel_scope.cancel()
        with anyio.fail_after(20):
            await broker.wait_all()
    assert ended == 3


async def test_a_deadline_holds_in_the_worker_which_takes_back_what_it_made(connect: Any, fake: FakeCloud) -> None:
    broker = InMemoryBroker()
    verb = Workers(broker, connect).verb(Cloud.create_server)
    for name, region in PAIRS:
        fake.cloud(name).region(region).knobs.boot_time = 3600.0
    async with running(broker), connect() as fleet:
        await fleet.map(Cloud.create_image, "cirros-a", data=b"QFI\xfb" + bytes(100), disk_format="raw")
        slow = fleet.with_options(timeout=3.0)
        outcomes = await slow.map(verb, "a", image="cirros-a", flavor="m1.tiny", wait=True)
        assert [type(outcome.error) for outcome in outcomes.failed] == [Timeout] * 3
        with anyio.fail_after(30):
            await broker.wait_all()
        assert await servers_of(fleet) == []


async def test_a_worker_that_ends_takes_back_what_it_is_at_and_says_so(connect: Any, fake: FakeCloud) -> None:
    broker = InMemoryBroker()
    verb = Workers(broker, connect).verb(Cloud.create_server)
    for name, region in PAIRS:
        fake.cloud(name).region(region).knobs.boot_time = 3600.0
    async with connect() as fleet:
        await fleet.map(Cloud.create_image, "cirros-a", data=b"QFI\xfb" + bytes(100), disk_format="raw")
        await broker.startup()
        jobs = (await fleet.map(verb.send, "a", image="cirros-a", flavor="m1.tiny", wait=True)).raise_failed().values
        with anyio.fail_after(30):
            while len(await servers_of(fleet)) < 3:  # noqa: ASYNC110
                await anyio.sleep(0.05)
            await broker.shutdown()
        assert await servers_of(fleet) == []
        for job in jobs:
            with pytest.raises(CloudError, match="called off: its worker was told to end"):
                await job.result()


async def test_what_a_worker_that_ends_can_not_take_back_is_named(connect: Any, fake: FakeCloud) -> None:
    broker = InMemoryBroker()
    workers = Workers(broker, connect)
    begun = anyio.Event()

    async def makes(cloud: Cloud) -> None:
        async with Undo(cloud) as undo:

            async def refuse(_: str) -> None:
                raise CloudError("it is in use")

            undo.made("volume", "1", "data", refuse)
            begun.set()
            await anyio.sleep_forever()

    verb = workers.verb(makes, name="makes")
    async with connect() as fleet:
        await broker.startup()
        job = await verb.send(fleet["my-vexxhost", "ca-ymq-1"])
        with anyio.fail_after(30):
            await begun.wait()
            await broker.shutdown()
        with pytest.raises(CloudError, match="called off: its worker was told to end") as raised:
            await job.result()
    assert [str(left) for left in raised.value.leftovers] == ["volume 1 (data): it is in use"]


async def test_a_job_is_found_again_by_its_id(connect: Any) -> None:
    broker = InMemoryBroker()
    verb = Workers(broker, connect).verb(Cloud.list_flavors)
    async with running(broker), connect() as fleet:
        job = await verb.send(fleet["my-vexxhost", "ca-ymq-1"])
        flavors = await job.result()
        assert flavors == await verb.job(job.id).result()
        assert flavors == await fleet["my-vexxhost", "ca-ymq-1"].list_flavors()


async def test_a_job_that_is_cancelled_is_not_begun(connect: Any) -> None:
    broker = Nobody()
    verb = Workers(broker, connect).verb(Cloud.create_network)
    async with running(broker), connect() as fleet:
        cloud = fleet["my-vexxhost", "ca-ymq-1"]
        job = await verb.send(cloud, "net")
        await job.cancel()
        await broker.take()
        with pytest.raises(CloudError, match="not begun: nobody waited for it"):
            await job.result()
        assert await cloud.get_network("net") is None


@pytest.mark.parametrize(
    ("name", "ack"), [("list_servers", None), ("get_server", None), ("delete_server", "when_received")]
)
async def test_only_what_reads_may_be_begun_twice(connect: Any, name: str, ack: str | None) -> None:
    """A message that is acknowledged before it is begun is not given to the next worker when this one dies."""
    broker = Nobody()
    verb = Workers(broker, connect).verb(getattr(Cloud, name))
    async with running(broker), connect() as fleet:
        await verb.send(fleet["my-vexxhost"], *[] if name == "list_servers" else ["a"])
    assert broker.waiting[0].labels.get("ack_type") == ack


async def test_a_verb_of_ones_own_may_be_begun_twice_if_one_says_so(connect: Any) -> None:
    broker = Nobody()
    workers = Workers(broker, connect)
    async with running(broker), connect() as fleet:
        await workers.verb(greet).send(fleet["my-vexxhost"], "a")
        await workers.verb(greet, repeatable=True).send(fleet["my-vexxhost"], "a")
    assert [message.labels.get("ack_type") for message in broker.waiting] == ["when_received", None]


class Deaf(InMemoryBroker):
    async def kick(self, message: BrokerMessage) -> None:
        raise ConnectionError("redis://:canary@somewhere is not there")


async def test_a_broker_that_can_not_be_reached_is_said_without_its_password(connect: Any) -> None:
    broker = Deaf()
    verb = Workers(broker, connect).verb(Cloud.list_servers)
    async with running(broker), connect() as fleet:
        outcomes = await fleet.map(verb)
    error = outcomes.failed[0].error
    assert isinstance(error, TransportError)
    assert "Cloud.list_servers could not be handed to the workers" in str(error)
    assert "ConnectionError" in str(error)
    assert "canary" not in str(error)


class Flaky(InmemoryResultBackend[Any]):
    """Results that can't be had for a while, as while a Redis starts anew."""

    def __init__(self) -> None:
        super().__init__()
        self.refusals = 5

    async def is_result_ready(self, task_id: str) -> bool:
        if self.refusals:
            self.refusals -= 1
            raise ConnectionError("starting")
        return await super().is_result_ready(task_id)


async def test_results_that_are_away_for_a_moment_cost_nothing(connect: Any, caplog: pytest.LogCaptureFixture) -> None:
    broker = InMemoryBroker().with_result_backend(Flaky())
    verb = Workers(broker, connect).verb(Cloud.list_flavors)
    async with running(broker), connect() as fleet:
        assert (await verb(fleet["my-vexxhost", "ca-ymq-1"])) != []
    assert "results of the broker can't be read: ConnectionError" in caplog.text


async def test_a_task_that_taskiq_gave_up_on_is_an_error(connect: Any) -> None:
    broker = Nobody()
    verb = Workers(broker, connect).verb(Cloud.list_flavors)
    async with running(broker), connect() as fleet:
        job = await verb.send(fleet["my-vexxhost"])
        broken: TaskiqResult[Any] = TaskiqResult(
            is_err=True, return_value=None, execution_time=0, error=ValueError("x")
        )
        await broker.result_backend.set_result(job.id, broken)
        with pytest.raises(CloudError, match=r"broke off in its worker: ValueError\('x'\)"):
            await job.result()


def test_on_trio_it_says_that_taskiq_has_none(connect: Any) -> None:
    verb = Workers(InMemoryBroker(), connect).verb(Cloud.list_servers)

    async def ask() -> None:
        async with connect() as fleet:
            outcomes = await fleet.map(verb)
            assert "works on asyncio only" in str(outcomes.failed[0].error)

    anyio.run(ask, backend="trio")
