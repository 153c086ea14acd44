"""What asker and worker tell each other besides a task and its result: "I am at it", and "stop".

Kept with the broker's results, as taskiq's progress: https://taskiq-python.github.io/guide/getting-started.html
"""

from __future__ import annotations

from typing import Any

from taskiq import AsyncBroker
from taskiq.depends.progress_tracker import TaskProgress  # pyright: ignore[reportMissingTypeStubs]

__all__ = ["BEAT", "SILENCE", "Signals"]

BEAT = 2.0  # seconds between two signs of life, and until a worker hears that it shall stop
SILENCE = 30.0  # seconds without one, after which a worker is taken for lost


class Signals:
    """Signs of life, counted: whoever listens compares them by their own clock, as machines' clocks differ."""

    def __init__(self, broker: AsyncBroker) -> None:
        self._broker = broker

    async def beat(self, task_id: str, count: int) -> None:
        """It is there: 0 before it is sent, from 1 on while a worker is at it."""
        await self._put(task_id, "STARTED" if count else "SENT", count)

    async def heard(self, task_id: str) -> int | None:
        """The newest sign of life; None where the broker's results keep none."""
        progress = await self._broker.result_backend.get_progress(task_id)
        return None if progress is None else int(progress.meta or 0)

    async def stop(self, task_id: str) -> None:
        """Nobody waits for it any more: do not begin, or take back what is half done."""
        await self._put(f"{task_id}:stop", "STOP", 1)

    async def stopped(self, task_id: str) -> bool:
        """Was it told to stop?"""
        return await self._broker.result_backend.get_progress(f"{task_id}:stop") is not None

    async def answered(self, task_id: str) -> bool:
        """Is the answer there?"""
        return await self._broker.result_backend.is_result_ready(task_id)

    async def _put(self, key: str, state: str, count: int) -> None:
        progress: TaskProgress[Any] = TaskProgress(state=state, meta=count)
        await self._broker.result_backend.set_progress(key, progress)
