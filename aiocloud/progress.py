"""How far a transfer has come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

__all__ = ["Meter", "OnProgress", "Part", "Progress"]


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `total` bytes of `what`; `total` is None while nobody knows it."""

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
