"""How far each cloud is: a live table on a terminal, a plain line a step elsewhere."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from aiocloud.cli.output import clean

__all__ = ["Board", "LiveBoard", "PlainBoard", "open_board", "safe"]


class Board(Protocol):
    """Where steps are shown."""

    def begin(self, row: str, step: str, text: str = "") -> None:
        """A step began, or got further: `text` says how far."""
        ...

    def end(self, row: str, step: str, text: str) -> None:
        """A step ended well."""
        ...

    def fail(self, row: str, step: str, text: str) -> None:
        """A step failed."""
        ...


@dataclass
class PlainBoard:
    """A line a step, when it ends."""

    console: Console
    began: float = field(default_factory=time.monotonic)

    def begin(self, row: str, step: str, text: str = "") -> None:
        """Nothing: a line is written when the step ends."""

    def end(self, row: str, step: str, text: str) -> None:
        """Write what was done."""
        self._line(row, step, text)

    def fail(self, row: str, step: str, text: str) -> None:
        """Write what went wrong."""
        self._line(row, step, f"FAILED: {text}")

    def _line(self, row: str, step: str, text: str) -> None:
        seconds = time.monotonic() - self.began
        self.console.print(
            clean(f"[{seconds:6.2f}s] {row}: {step}: {text}"), markup=False, highlight=False, soft_wrap=True
        )


@dataclass
class _Cell:
    state: str = "waiting"
    text: str = ""
    since: float = 0.0


_STYLES = {"waiting": "dim", "running": "cyan", "done": "green", "failed": "bold red"}
_SIGNS = {"waiting": "·", "running": "…", "done": "✓", "failed": "✗"}


class LiveBoard:
    """One row a cloud region, one column a step, redrawn in place."""

    def __init__(self, rows: Sequence[str], steps: Sequence[str]) -> None:
        self._rows = list(rows)
        self._steps = list(steps)
        self._cells = {(row, step): _Cell() for row in rows for step in steps}

    def begin(self, row: str, step: str, text: str = "") -> None:
        """The step is under way."""
        cell = self._cells[row, step]
        since = cell.since if cell.state == "running" else time.monotonic()
        self._cells[row, step] = _Cell("running", text, since)

    def end(self, row: str, step: str, text: str) -> None:
        """The step is done."""
        self._cells[row, step] = _Cell("done", text)

    def fail(self, row: str, step: str, text: str) -> None:
        """The step failed."""
        self._cells[row, step] = _Cell("failed", text)

    def __rich__(self) -> Table:
        table = Table(box=None, padding=(0, 1), header_style="bold", expand=False)
        table.add_column("cloud", no_wrap=True, min_width=max((len(row) for row in self._rows), default=0))
        for step in self._steps:
            table.add_column(step, overflow="ellipsis", no_wrap=True, max_width=28)
        for row in self._rows:
            table.add_row(Text(row, style="bold"), *(self._drawn(self._cells[row, step]) for step in self._steps))
        return table

    def _drawn(self, cell: _Cell) -> Text:
        text = cell.text
        if cell.state == "running" and not text:
            text = f"{time.monotonic() - cell.since:.1f} s"
        # What clouds say is text, never markup or control characters.
        return Text(f"{_SIGNS[cell.state]} {clean(text)}", style=_STYLES[cell.state])


@contextmanager
def open_board(console: Console, rows: Sequence[str], steps: Sequence[str]) -> Generator[Board]:
    """A live board on a terminal, plain lines elsewhere."""
    if not console.is_terminal or console.is_dumb_terminal:
        yield PlainBoard(console)
        return
    board = LiveBoard(rows, steps)
    with Live(board, console=console, refresh_per_second=12, transient=False):
        yield board


def safe(text: str) -> str:
    """Text from outside for a rich table."""
    return escape(clean(text))
