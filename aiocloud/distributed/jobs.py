"""Work that was handed to the workers: wait for its answer, or call it off."""

from __future__ import annotations

import logging
from typing import Any, Generic, TypeVar, cast

import anyio
from taskiq import AsyncBroker

from aiocloud.distributed.packing import unpack
from aiocloud.distributed.signals import BEAT, SILENCE, Signals
from aiocloud.errors import CloudError, Timeout, TransportError
from aiocloud.session import count_requests

__all__ = ["Job"]

T = TypeVar("T")

logger = logging.getLogger("aiocloud.distributed")

_SOONEST, _LATEST = 0.05, 1.0  # seconds between two looks for an answer


class Job(Generic[T]):
    """A verb that was handed to the workers. Its `id` finds it again, from any process: `verb.job(id)`."""

    def __init__(self, broker: AsyncBroker, signals: Signals, id: str, start_within: float) -> None:
        self.id = id
        self._broker = broker
        self._signals = signals
        self._start_within = start_within

    def __repr__(self) -> str:
        return f"<Job {self.id}>"

    async def result(self) -> T:
        """Wait for what the verb answers, or raise what it raised. Waiting can be given up, and taken up again.

        Raises Timeout where no worker began within `start_within` seconds (`sent` is False, and it is called off), and
        TransportError where its worker, or the broker, is silent for half a minute: what came of it is not known then.
        An answer that the broker's results no longer keep never comes: bound the wait (`anyio.fail_after`).
        """
        watch = _Watch(anyio.current_time(), self._start_within)
        pause = _SOONEST
        while not await self._answered(watch):
            await anyio.sleep(pause)
            pause = min(_LATEST, pause * 1.5)
        return await self._answer()

    async def cancel(self) -> None:
        """Call it off: it will not begin, or what is half done is taken back, within some seconds."""
        await self._signals.stop(self.id)

    async def _answered(self, watch: _Watch) -> bool:
        now = anyio.current_time()
        try:
            if await self._signals.answered(self.id):
                return True
            if now >= watch.listen_at:
                watch.heard(await self._signals.heard(self.id), now)
        except Exception as error:  # noqa: BLE001 - each backend has its own; one that is back in time has lost nothing
            logger.warning("the results of the broker can't be read: %s", type(error).__name__)
            watch.listen_at = now
        if watch.is_lost(now):
            raise TransportError(
                f"job {self.id}: its worker or the broker has been silent for {SILENCE:g} s, and what came of it is not "
                "known: look for what it was to make, and at `aiocloud leftovers` on the worker's machine"
            )
        if watch.is_late(now):
            await self._too_late()
        return False

    async def _too_late(self) -> None:
        await self._signals.stop(self.id)
        begun = bool(await self._signals.heard(self.id))
        error = Timeout(
            f"job {self.id}: no worker began within {self._start_within:g} s: are they running "
            "(`taskiq worker module:broker`), and enough?"
        )
        error.sent = begun  # at this very moment, perhaps: then it is taken back
        raise error

    async def _answer(self) -> T:
        try:
            result = await self._broker.result_backend.get_result(self.id)
        except Exception as error:
            raise TransportError(f"job {self.id}: its answer can't be read: {type(error).__name__}") from error
        if result.is_err:
            raise CloudError(f"job {self.id} broke off in its worker: {result.error!r}")
        answer = cast("dict[str, Any]", result.return_value)
        count_requests(answer["requests"])
        if "error" in answer:
            raise unpack(answer["error"])
        return cast("T", unpack(answer["value"]))


class _Watch:
    """When a worker was last heard of. Pure: every method is told the time."""

    def __init__(self, now: float, start_within: float) -> None:
        self.listen_at = now
        self._count: int | None = None
        self._heard_at = now
        self._late_at = now + start_within

    def heard(self, count: int | None, now: float) -> None:
        """So many signs of life by now; None where they are not kept, and silence says nothing."""
        self.listen_at = now + BEAT
        if count is None or count != self._count:
            self._heard_at = now
        self._count = count

    def is_lost(self, now: float) -> bool:
        """It had begun, or nobody could be asked, and there has been silence for too long."""
        asked_in_vain = now >= self.listen_at
        return now - self._heard_at > SILENCE and (asked_in_vain or bool(self._count))

    def is_late(self, now: float) -> bool:
        """It should have begun by now, and has not."""
        return self._count == 0 and now > self._late_at
