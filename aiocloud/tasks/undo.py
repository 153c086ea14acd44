"""Taking back what a failed or cancelled operation made."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import anyio

from aiocloud.errors import CloudError, Leftover
from aiocloud.model import Resource
from aiocloud.reconcile import is_ambiguous
from aiocloud.region import Region

__all__ = ["Undo"]

_log = logging.getLogger("aiocloud.undo")

_DEADLINE = 30.0  # seconds for taking back everything


@dataclass(frozen=True)
class _Step:
    kind: str
    id: str
    name: str | None
    delete: Callable[[str], Awaitable[object]]


class Undo:
    """`async with Undo(cloud) as undo:` removes what was told to `undo.made` when the block fails or is cancelled.

    It does so in a scope of its own that the cancellation does not reach, within 30 seconds, the newest thing first. What
    could not be removed is named in the error's `leftovers`; for a cancellation, which carries none, in a note and a log
    record.
    """

    def __init__(self, cloud: Region) -> None:
        self._cloud = cloud
        self._steps: list[_Step] = []
        self._searches: list[
            tuple[str, Callable[[], Awaitable[Sequence[Resource]]], Callable[[str], Awaitable[object]]]
        ]
        self._searches = []

    def made(self, kind: str, id: str, name: str | None, delete: Callable[[str], Awaitable[object]]) -> None:
        """Something was made: `delete(id)` takes it away again."""
        self._steps.append(_Step(kind, id, name, delete))
        self._searches = [search for search in self._searches if search[0] != kind]

    def search(
        self, kind: str, look: Callable[[], Awaitable[Sequence[Resource]]], delete: Callable[[str], Awaitable[object]]
    ) -> None:
        """Something is about to be made; should its id never become known, `look` finds it by its mark."""
        self._searches.append((kind, look, delete))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            return
        left: list[Leftover] = []
        with anyio.CancelScope(shield=True):
            left = await self._undo(unclear=not isinstance(error, CloudError) or is_ambiguous(error))
        if not left:
            return
        if isinstance(error, CloudError):
            error.leaving(left)
            return
        named = "; ".join(map(str, left))
        error.add_note(f"{self._cloud.where}: left behind: {named}")
        _log.warning("%s: cancelled, and could not take back: %s", self._cloud.where, named)

    async def _undo(self, *, unclear: bool) -> list[Leftover]:
        left: list[Leftover] = []
        pending = list(reversed(self._steps))
        with anyio.move_on_after(_DEADLINE):
            if unclear:
                pending += await self._found(left)
            while pending:
                step = pending[0]
                try:
                    await step.delete(step.id)
                except CloudError as error:
                    left.append(Leftover(step.kind, step.id, step.name, error.message))
                pending.pop(0)
        return left + [Leftover(step.kind, step.id, step.name, "no time to remove it") for step in pending]

    async def _found(self, left: list[Leftover]) -> list[_Step]:
        """What a request that was cancelled under way may have made."""
        steps: list[_Step] = []
        for kind, look, delete in self._searches:
            try:
                steps += [_Step(kind, found.id, found.name, delete) for found in await look()]
            except CloudError as error:
                left.append(Leftover(kind, "unknown", None, f"could not be looked for: {error.message}"))
        return steps
