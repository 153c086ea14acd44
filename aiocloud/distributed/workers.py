"""Verbs that workers do: each becomes one task for one region, by way of a taskiq broker."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, cast

import anyio
from taskiq import AsyncBroker, AsyncTaskiqDecoratedTask, Context, TaskiqDepends, TaskiqEvents, TaskiqState

from aiocloud._connect import connect_all
from aiocloud.cloud import Cloud
from aiocloud.distributed.jobs import Job
from aiocloud.distributed.queue import Queue
from aiocloud.distributed.signals import Signals
from aiocloud.distributed.work import Work
from aiocloud.distributed.worker import Worker
from aiocloud.errors import ConfigError
from aiocloud.fleet import Fleet

__all__ = ["WorkerVerb", "Workers"]

P = ParamSpec("P")
T = TypeVar("T")

TASK = "aiocloud:verb"
_CONTEXT = cast("Context", TaskiqDepends())

# What may run twice without harm: a worker that dies leaves it to the next one.
_READING = ("Cloud.get_", "Cloud.list_", "Cloud.search_")


class Workers:
    """The workers of a taskiq broker, and the verbs that they do. One for each broker, in a module that both sides import.

    Each worker process opens `connect()` when it starts (`connect_all`, or what gives a Fleet to `async with`), and
    closes it when it ends. The broker needs a result backend; with one that keeps taskiq's progress (Redis, memory) a
    worker that dies is noticed, and a task that none begins within `start_within` seconds is called off.
    """

    def __init__(
        self,
        broker: AsyncBroker,
        connect: Callable[[], AbstractAsyncContextManager[Fleet]] = connect_all,
        *,
        start_within: float = 300.0,
    ) -> None:
        if TASK in broker.local_task_registry:
            raise ConfigError("this broker has its Workers already: import those")
        signals = Signals(broker)
        self._worker = Worker(signals, connect)
        self._own: dict[str, Callable[..., Awaitable[Any]]] = {}
        self._queue = Queue(broker, signals, self._registered(broker), start_within)
        broker.add_event_handler(TaskiqEvents.WORKER_STARTUP, self._open)
        broker.add_event_handler(TaskiqEvents.WORKER_SHUTDOWN, self._close)

    def verb(
        self,
        verb: Callable[Concatenate[Cloud, P], Awaitable[T]],
        *,
        name: str | None = None,
        repeatable: bool | None = None,
    ) -> WorkerVerb[P, T]:
        """The same verb, done by a worker: a method of `Cloud`, or an `async def f(cloud, ...)` of a module of yours.

        Decorate your own with it (`@workers.verb`): a worker does only what it knows. They are known by `name`, else by
        their own. `repeatable`: when its worker dies, another does it once more; else, and unless it is one of Cloud's
        `get_`, `list_` and `search_`, it is never begun twice. Raises ConfigError for one that workers could not find.
        """
        known = _name_in_cloud(verb) or self._learned(name or _name(verb), verb)
        return WorkerVerb(self._queue, known, verb, known.startswith(_READING) if repeatable is None else repeatable)

    def _learned(self, name: str, verb: Callable[..., Awaitable[Any]]) -> str:
        if "<" in name:  # <lambda>, <locals>
            raise ConfigError(f"workers can't find {name}: put it into a module of its own, or name it (name=)")
        if self._own.setdefault(name, verb) is not verb:
            raise ConfigError(f"there are two verbs called {name}: give one of them another name (name=)")
        return name

    def job(self, id: str) -> Job[Any]:
        """A job that was sent before, perhaps by another process."""
        return self._queue.job(id)

    # What the broker calls in a worker

    async def _open(self, _: TaskiqState) -> None:
        await self._worker.open()

    async def _close(self, _: TaskiqState) -> None:
        await self._worker.close()

    def _registered(self, broker: AsyncBroker) -> AsyncTaskiqDecoratedTask[..., Any]:
        @broker.task(task_name=TASK)
        async def do(work: dict[str, Any], context: Context = _CONTEXT) -> dict[str, Any]:
            known = Work(**work)
            return await self._worker.do(context.message.task_id, known, self._found(known.verb))

        return do

    def _found(self, name: str) -> Callable[..., Awaitable[Any]]:
        where, _, method = name.partition("Cloud.")
        found = self._own.get(name) if where or method.startswith("_") else getattr(Cloud, method, None)
        if found is None:
            raise ConfigError(f"this worker knows no verb {name}: does it import the module that has it?")
        return found


class WorkerVerb(Generic[P, T]):
    """A verb that a worker does. Awaited like the verb itself, so that `fleet.map` and `fleet.stream` take it."""

    def __init__(
        self, queue: Queue, name: str, verb: Callable[Concatenate[Cloud, P], Awaitable[T]], repeatable: bool
    ) -> None:
        self.name = name
        self._queue = queue
        self._repeatable = repeatable
        self.__doc__ = verb.__doc__
        self.__signature__ = inspect.signature(verb)

    def __repr__(self) -> str:
        return f"<WorkerVerb {self.name}>"

    async def __call__(self, cloud: Cloud, *args: P.args, **kwargs: P.kwargs) -> T:
        """Have it done and wait for the answer, or raise what it raised.

        It is done for no longer than the caller's deadline allows. Giving up calls it off: the worker takes back what is
        half done within some seconds, and nobody waits for that here. Raises what `Job.result` raises, too.
        """
        job: Job[T] = self._queue.new_job()
        try:
            work = Work.of(self.name, cloud, args, kwargs, bounded=True)
            await self._queue.send(job, work, repeatable=self._repeatable)
            return await job.result()
        except anyio.get_cancelled_exc_class():
            with anyio.move_on_after(_FAREWELL, shield=True):
                await job.cancel()
            raise

    async def send(self, cloud: Cloud, *args: P.args, **kwargs: P.kwargs) -> Job[T]:
        """Have it done, and go on: its job can be asked for the answer at any time, from any process that knows its id."""
        job: Job[T] = self._queue.new_job()
        work = Work.of(self.name, cloud, args, kwargs, bounded=False)
        await self._queue.send(job, work, repeatable=self._repeatable)
        return job

    def job(self, id: str) -> Job[T]:
        """A job of this verb that was sent before, perhaps by another process."""
        return self._queue.job(id)


_FAREWELL = 5.0  # seconds for telling a worker to stop, while we are cancelled ourselves


def _name(verb: Callable[..., Any]) -> str:
    name: str = getattr(verb, "__qualname__", repr(verb))
    return name


def _name_in_cloud(verb: Callable[..., Any]) -> str | None:
    name = getattr(verb, "__name__", "")
    method = getattr(Cloud, name, None)
    # Verbs that lead to a collection are functions made when they are looked up, and told by their name.
    same = (
        method is verb or getattr(verb, "__qualname__", "") == getattr(method, "__qualname__", None) == f"Cloud.{name}"
    )
    return f"Cloud.{name}" if method is not None and same else None
