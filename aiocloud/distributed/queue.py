"""The way to the workers: jobs are made here, and handed to the broker."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

from taskiq import AsyncBroker, AsyncTaskiqDecoratedTask

from aiocloud.distributed.jobs import Job
from aiocloud.distributed.signals import Signals
from aiocloud.distributed.work import Work
from aiocloud.errors import ConfigError, TransportError

__all__ = ["Queue"]


class Queue:
    """A broker as the asking side has it."""

    def __init__(
        self, broker: AsyncBroker, signals: Signals, task: AsyncTaskiqDecoratedTask[..., Any], start_within: float
    ) -> None:
        self._broker = broker
        self._signals = signals
        self._task = task
        self._start_within = start_within

    def job(self, id: str) -> Job[Any]:
        """A job that was sent before, perhaps by another process."""
        return Job(self._broker, self._signals, id, self._start_within)

    def new_job(self) -> Job[Any]:
        """A job of a new id, not sent yet."""
        return self.job(self._broker.id_generator())

    async def send(self, job: Job[Any], work: Work, *, repeatable: bool) -> None:
        """Hand over a job. Raises TransportError where the broker can't be reached, and ConfigError on trio."""
        _on_asyncio()
        kicker = self._task.kicker().with_task_id(job.id)
        if not repeatable:
            kicker = kicker.with_labels(ack_type="when_received")
        try:
            await self._signals.beat(job.id, 0)
            await kicker.kiq(dataclasses.asdict(work))
        except Exception as error:
            raise TransportError(
                f"{work.verb} could not be handed to the workers, or has been, as job {job.id}: {_told(error)}",
                cloud=work.cloud,
                region=work.region,
            ) from error


def _on_asyncio() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        raise ConfigError("aiocloud.distributed works on asyncio only: taskiq has no trio") from None


def _told(error: Exception) -> str:
    return type(error.__cause__ or error).__name__
