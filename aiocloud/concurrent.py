"""Several things at once inside one call, whose error is one error; and the threads that the heavy work is done in."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import TypeVar

import anyio
from anyio.abc import TaskGroup
from anyio.lowlevel import RunVar

__all__ = ["concurrently", "each_of", "first_error", "workers"]

T = TypeVar("T")

_workers: RunVar[anyio.CapacityLimiter] = RunVar("aiocloud threads that read, hash and write")


def workers() -> anyio.CapacityLimiter:
    """The threads that read, hash and write, at most 4: one more than cores, at hand while another's result is on its way.

    More are no faster, and each holds on to memory that it freed.
    """
    try:
        return _workers.get()
    except LookupError:
        limiter = anyio.CapacityLimiter(min(4, 1 + (os.cpu_count() or 1)))
        _workers.set(limiter)
        return limiter


@asynccontextmanager
async def concurrently() -> AsyncGenerator[TaskGroup]:
    """A task group that raises the first error itself, not in an ExceptionGroup.

    For helpers of one operation: whoever awaits it expects the error of what failed, and the rest was cancelled for it.
    What the block raises arrives as it is, be it a group of its own.
    """
    own: Exception | None = None
    try:
        async with anyio.create_task_group() as tasks:
            try:
                yield tasks
            except Exception as error:
                own = error
                raise
    except BaseExceptionGroup as group:
        blamed = own or first_error(group)
        raise blamed from blamed.__cause__


async def each_of(items: Iterable[T], work: Callable[[T], Awaitable[object]], at_once: int) -> None:
    """Do it for each, so many at a time: by that many tasks, however many items there are."""
    left = iter(items)

    async def take() -> None:
        for item in left:
            await work(item)

    async with concurrently() as tasks:
        for _ in range(at_once):
            tasks.start_soon(take)


def first_error(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error in a group that is to blame: an Exception before a mere cancellation, however deep it sits."""
    leaves: list[BaseException] = []
    todo: list[BaseException] = [group]
    while todo:
        error = todo.pop(0)
        inner: tuple[BaseException, ...] | None = getattr(error, "exceptions", None)
        if inner is not None:
            todo[:0] = inner
        else:
            leaves.append(error)
    cancelled = anyio.get_cancelled_exc_class()
    return next((error for error in leaves if not isinstance(error, cancelled)), leaves[0])
