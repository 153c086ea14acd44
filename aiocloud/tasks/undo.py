"""Taking back what a failed or cancelled operation made."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeVar

import anyio
import anyio.lowlevel

from aiocloud.concurrent import concurrently
from aiocloud.errors import CloudError, Leftover
from aiocloud.model import Resource
from aiocloud.naming import tell
from aiocloud.reconcile import MARK, create_once, is_ambiguous, new_mark
from aiocloud.region import Region
from aiocloud.tasks.journal import Journal

__all__ = ["Undo"]

_log = logging.getLogger("aiocloud.undo")

_DEADLINE = 30.0  # seconds for taking back everything
_GRACE = 5.0  # seconds that a create under way may still take when its caller is cancelled
_LOOKS = (0.0, 0.3, 0.7)  # pauses in seconds before looking for what a request that was cut off may still bring about

R = TypeVar("R", bound=Resource)


@dataclass(frozen=True)
class _Step:
    kind: str
    id: str
    name: str | None
    delete: Callable[[str], Awaitable[object]]


@dataclass(frozen=True)
class _Search:
    kind: str
    name: str | None
    look: Callable[[], Awaitable[Sequence[Resource]]]
    delete: Callable[[str], Awaitable[object]]


class Undo:
    """`async with Undo(cloud) as undo:` removes what was told to `undo.made` when the block fails or is cancelled.

    It does so in a scope of its own that the cancellation does not reach, within 30 seconds, the newest thing first. What
    could not be removed is named in the error's `leftovers`; for a cancellation, which carries none, in a note and a log
    record, and to a fleet whose time is up (`aiocloud.naming`). What the block makes bears `undo.mark`, by which it is found
    should this process die (see `aiocloud.tasks.journal`).
    """

    def __init__(self, cloud: Region) -> None:
        self.mark = new_mark()
        self._cloud = cloud
        self._steps: list[_Step] = []
        self._searches: list[_Search] = []
        self._journal = Journal.of(cloud.session)
        self._keeping = ExitStack()

    def made(self, kind: str, id: str, name: str | None, delete: Callable[[str], Awaitable[object]]) -> None:
        """Something was made: `delete(id)` takes it away again."""
        self._steps.append(_Step(kind, id, name, delete))
        self._searches = [search for search in self._searches if search.kind != kind]

    async def names(self, kind: str, id: str) -> None:
        """Write into the journal, where one is kept, what is found by its id, as it can't bear the mark."""
        if self._journal is not None:
            await self._journal.names(self.mark, kind, id)

    async def keeps(self, volumes: Sequence[str]) -> None:
        """Write into the journal which volumes of the server were there before; all others are made for it."""
        if self._journal is not None:
            await self._journal.keeps(self.mark, volumes)

    async def create(
        self,
        kind: str,
        send: Callable[[], Awaitable[R]],
        look: Callable[[], Awaitable[Sequence[R]]],
        delete: Callable[[str], Awaitable[object]],
        *,
        name: str | None = None,
        together: Callable[[R, R], bool] = lambda one, other: one is other,
    ) -> R:
        """Make exactly one of a thing, reconciled by its mark, which `look` finds.

        `name` is what it will be called, where the answer does not say it. Where one request makes several, `together` tells
        those of one request from those of another.

        A create that is under way when its caller is cancelled is let come to its end, for at most five seconds: then what
        it made is known, and taken back. One that ends later is looked for; where nothing is found, it is named.
        """
        await anyio.lowlevel.checkpoint_if_cancelled()
        search = _Search(kind, name, look, delete)
        self._searches.append(search)
        under_way, ended = anyio.CancelScope(shield=True), anyio.Event()
        ends: list[R | CloudError] = []

        async def make() -> None:
            with under_way:
                try:
                    made, late = await create_once(send, look)
                    others = [one for one in late if not together(made, one)]
                    known = [_Step(kind, one.id, one.name or name, delete) for one in (made, *others)]
                    self._steps += known
                    self._searches = [each for each in self._searches if each is not search]
                    for extra in known[1:]:
                        await delete(extra.id)
                        self._steps.remove(extra)
                    ends.append(made)
                except CloudError as error:
                    if not _is_unclear(error):
                        self._searches = [each for each in self._searches if each is not search]
                    ends.append(error)
            ended.set()

        async with concurrently() as tasks:
            tasks.start_soon(make)
            try:
                await ended.wait()
            except anyio.get_cancelled_exc_class():
                under_way.deadline = anyio.current_time() + _GRACE
                raise
        if isinstance(ends[0], CloudError):
            raise ends[0]
        return ends[0]

    async def __aenter__(self) -> Self:
        if self._journal is not None:
            await self._journal.begin(self.mark, self._cloud.name, self._cloud.region_name)
        self._keeping.enter_context(self._cloud.session.in_use())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        left: list[Leftover] = []
        try:
            with self._keeping, anyio.CancelScope(shield=True):
                if error is not None:
                    await self._undo(left)
                if self._journal is not None and not left:
                    await self._journal.end(self.mark)
        finally:  # an event loop that ends cancels what is shielded, too
            self._tell(error, left)

    def _tell(self, error: BaseException | None, left: list[Leftover]) -> None:
        if not left:
            return
        if isinstance(error, CloudError):
            error.leaving(left)
            return
        tell(left)
        named = "; ".join(map(str, left))
        if error is not None:
            error.add_note(f"{self._cloud.where}: left behind: {named}")
        _log.warning("%s: cancelled, and could not take back: %s", self._cloud.where, named)

    async def _undo(self, left: list[Leftover]) -> None:
        """Take back what was made; what could not be is added to `left`."""
        pending = list(reversed(self._steps))
        try:
            with anyio.move_on_after(_DEADLINE):
                # Whatever ended the block: a create that ran beside it may have been cut off by that.
                pending[:0] = await self._found(left)
                while pending:
                    step = pending[0]
                    try:
                        await step.delete(step.id)
                    except CloudError as error:
                        left += error.leftovers or [Leftover(step.kind, step.id, step.name, error.message)]
                    pending.pop(0)
        finally:
            left += [Leftover(step.kind, step.id, step.name, "no time to remove it") for step in pending]

    async def _found(self, left: list[Leftover]) -> list[_Step]:
        """What a request whose end nobody knows has made, or makes within a second."""
        steps: list[_Step] = []
        for search in self._searches:
            trouble: CloudError | None = None
            found: Sequence[Resource] = ()
            for pause in _LOOKS:
                await anyio.sleep(pause)
                try:
                    found, trouble = await search.look(), None
                except CloudError as error:
                    trouble = error
                if found:
                    break
            steps += [_Step(search.kind, one.id, one.name, search.delete) for one in found]
            if trouble is not None:
                why = f"may be there, marked {MARK}={self.mark}, but could not be looked for: {trouble.message}"
                left.append(Leftover(search.kind, "unknown", search.name, why))
            elif not found:
                why = f"may still appear, marked {MARK}={self.mark}"
                left.append(Leftover(search.kind, "unknown", search.name, why))
        return steps


def _is_unclear(error: CloudError) -> bool:
    """May something have been made that we don't know of? Not after a clear refusal, unless an unclear end came before."""
    if is_ambiguous(error):
        return True
    return isinstance(error.__cause__, CloudError) and is_ambiguous(error.__cause__)
