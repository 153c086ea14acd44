"""What a worker does: one fleet from its start to its end, and each piece of work with signs of life around it."""

from __future__ import annotations

import itertools
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any

import anyio

from aiocloud.concurrent import concurrently, first_error
from aiocloud.distributed.packing import pack
from aiocloud.distributed.signals import BEAT, Signals
from aiocloud.distributed.work import Work
from aiocloud.errors import CloudError, InvalidRequest, TransportError
from aiocloud.fleet import Fleet
from aiocloud.naming import naming
from aiocloud.session import counting

__all__ = ["Worker"]

_PATIENCE = 30.0  # seconds that a worker that ends waits for what it takes back

logger = logging.getLogger("aiocloud.distributed")


class Worker:
    """The clouds of one worker process, and what it is at."""

    def __init__(self, signals: Signals, connect: Callable[[], AbstractAsyncContextManager[Fleet]]) -> None:
        self._signals = signals
        self._connect = connect
        self._fleet: Fleet | None = None
        self._stack = AsyncExitStack()
        self._at_it: dict[str, anyio.CancelScope] = {}
        self._why = "nobody waited for it any more, or its time was over"

    async def open(self) -> None:
        """Connect, once for all its work."""
        self._fleet = await self._stack.enter_async_context(self._connect())

    async def close(self) -> None:
        """Call off what is still under way, wait until it is taken back and told, and close the connections."""
        self._fleet, self._why = None, "its worker was told to end"
        called_off = list(self._at_it)
        try:
            for scope in self._at_it.values():
                scope.cancel()
            with anyio.move_on_after(_PATIENCE):
                for task_id in called_off:
                    # Only taskiq knows when it has stored an answer, and there is no event for that.
                    while task_id in self._at_it or not await self._signals.answered(task_id):  # noqa: ASYNC110
                        await anyio.sleep(0.05)
        finally:
            await self._stack.aclose()

    async def do(self, task_id: str, work: Work, verb: Callable[..., Awaitable[Any]]) -> dict[str, Any]:
        """The answer to a piece of work, packed: `{"value": ...}` or `{"error": ...}`, and how many requests it took."""
        with counting() as requests:
            try:
                answer = {"value": _told(work, await self._done(task_id, work, verb))}
            except ExceptionGroup as group:
                answer = {"error": pack(first_error(group))}
            except Exception as error:  # noqa: BLE001 - not swallowed: it is the asker's
                answer = {"error": pack(error)}
        return {**answer, "requests": requests.count}

    async def _done(self, task_id: str, work: Work, verb: Callable[..., Awaitable[Any]]) -> Any:
        if self._fleet is None:
            raise TransportError("the worker that took this was ending", cloud=work.cloud, region=work.region)
        cloud = work.cloud_of(self._fleet)
        args, kwargs = work.arguments()
        await self._signals.beat(task_id, 1)  # first this, then the look: the asker stops first, and then listens
        if await self._signals.stopped(task_id):
            raise CloudError("not begun: nobody waited for it any more", cloud=work.cloud, region=work.region)
        answers: list[Any] = []
        with naming() as left:
            async with self._at(task_id):
                with anyio.move_on_after(work.seconds):
                    answers.append(await verb(cloud, *args, **kwargs))
        if answers:
            return answers[0]
        raise CloudError(f"called off: {self._why}", cloud=work.cloud, region=work.region).leaving(left)

    @asynccontextmanager
    async def _at(self, task_id: str) -> AsyncGenerator[None]:
        """Signs of life while it lasts. Told to stop, the block is cancelled, and what comes after it goes on."""
        async with concurrently() as tasks:
            self._at_it[task_id] = tasks.cancel_scope
            try:
                tasks.start_soon(self._beat, task_id, tasks.cancel_scope)
                yield
            finally:
                del self._at_it[task_id]
            tasks.cancel_scope.cancel()

    async def _beat(self, task_id: str, scope: anyio.CancelScope) -> None:
        for count in itertools.count(2):
            try:
                await self._signals.beat(task_id, count)
                if await self._signals.stopped(task_id):
                    scope.cancel()
            except Exception as error:  # noqa: BLE001 - each backend has its own; the work goes on, and its answer may get through
                logger.warning("no sign of life could be given: %s", type(error).__name__)
            await anyio.sleep(BEAT)


def _told(work: Work, value: object) -> Any:
    try:
        return pack(value)
    except InvalidRequest as error:
        done = f"{work.verb} was done, but what it gave stays with its worker: {error.message}"
        raise CloudError(done, cloud=work.cloud, region=work.region) from None
