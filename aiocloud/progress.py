"""How far a transfer has come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

__all__ = ["Meter", "OnProgress", "Part", "Progress", "watched"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `total` bytes of `what`; `total` is None while nobody knows it.

    Of what is waited for, `done` is in per cent.
    """

    done: int
    total: int | None
    what: str


OnProgress: TypeAlias = Callable[[Progress], object] | None
"""What users pass as `progress=`: called in the event loop, often; it should be quick and not raise."""


class Meter:
    """Adds up the parts of one transfer and tells the caller."""

    def __init__(self, what: str, total: int | None, report: OnProgress) -> None:
        self._what = what
        self._report = report
        self.total = total
        self.done = 0

    def add(self, count: int) -> None:
        """So many bytes more; fewer, when a part begins again."""
        self.done += count
        if self._report is not None:
            self._report(Progress(self.done, self.total, self._what))

    def part(self) -> Part:
        """One part, which may have to begin again."""
        return Part(self)


class Part:
    """One part of a transfer: what it added is taken back when it begins again."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._done = 0

    def add(self, count: int) -> None:
        """So many bytes of this part more."""
        self._done += count
        self._meter.add(count)

    def reach(self, done: int) -> None:
        """So many bytes of this part in all."""
        if done != self._done:
            self.add(done - self._done)

    def restart(self) -> None:
        """It begins again."""
        self.reach(0)


def watched(report: OnProgress, what: str, until: Callable[[T], bool]) -> Callable[[T], bool]:
    """`until`, which tells at each look how much of `what` is done, in per cent: as the service says, and 100 at the end."""
    if report is None:
        return until
    told = report

    def look(seen: T) -> bool:
        is_so = until(seen)
        told(Progress(100 if is_so else _percent(seen), 100, what))
        return is_so

    return look


def _percent(seen: Any) -> int:
    """What Nova says of a server (35), and Cinder of a snapshot ("35%"); the others say nothing."""
    text = str(getattr(seen, "progress", None) or 0).rstrip("%")
    return min(int(text), 99) if text.isdecimal() else 0
