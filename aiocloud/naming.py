"""What a cancelled operation left behind, for whoever cancelled it: a cancellation itself carries no `leftovers`."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from contextvars import ContextVar

from aiocloud.errors import Leftover

__all__ = ["naming", "tell"]

_named: ContextVar[list[Leftover] | None] = ContextVar("aiocloud leftovers of what is cancelled", default=None)


@contextmanager
def naming() -> Generator[list[Leftover]]:
    """A list that is added to when what is cancelled inside the block can't be taken back, in tasks that it starts too."""
    left: list[Leftover] = []
    before = _named.set(left)
    try:
        yield left
    finally:
        _named.reset(before)


def tell(left: Iterable[Leftover]) -> None:
    """Tell whoever asks, if anybody does, what is left of something that is cancelled."""
    named = _named.get()
    if named is not None:
        named.extend(left)
