"""Many clouds take one file: it is read once by those who keep pace, and hashed on the way."""

from __future__ import annotations

from dataclasses import dataclass

import anyio

from aiocloud.tasks.digests import Digests

__all__ = ["Pace", "Reader", "Running"]

_PATIENCE = 1.0
"""Seconds that who is ahead waits, in all, for those behind. It makes up for a late start, not for a slow cloud."""


@dataclass(eq=False)
class Reader:
    """One who reads the file from its beginning to its end."""

    at: int = 0
    patience: float = _PATIENCE


class Pace:
    """Where those are who read the same file, so that the first is no more than `ahead` bytes before the last."""

    def __init__(self, ahead: int) -> None:
        self.expected = 0
        """How many said that they may read it."""
        self._ahead = ahead
        self._begun = 0
        self._readers: set[Reader] = set()
        self._moved = anyio.Event()

    def begin(self) -> Reader:
        """One more who reads it."""
        reader = Reader()
        self._begun += 1
        self._readers.add(reader)
        return reader

    def end(self, reader: Reader) -> bool:
        """One less; True when it was the last."""
        self._readers.discard(reader)
        self._tell()
        return not self._readers

    async def keep(self, reader: Reader, count: int) -> None:
        """So many bytes further. Who is too far ahead now waits for the others, while it has patience left."""
        reader.at += count
        self._tell()
        if reader.patience <= 0 or not self._too_far(reader):
            return
        began = anyio.current_time()
        with anyio.move_on_after(reader.patience):
            while self._too_far(reader):
                await self._moved.wait()
        reader.patience -= anyio.current_time() - began

    def _too_far(self, reader: Reader) -> bool:
        last = 0 if self._begun < self.expected else min(each.at for each in self._readers)
        return reader.at - last > self._ahead

    def _tell(self) -> None:
        self._moved.set()
        self._moved = anyio.Event()


class Running(Digests):
    """The hash of a whole file, fed by whoever reads the next chunk first."""

    def __init__(self, algorithm: str) -> None:
        super().__init__([algorithm])
        self._algorithm = algorithm
        self._at = 0
        self._busy = False

    def claims(self, at: int) -> bool:
        """Is the chunk from here on the next one? Then the caller must feed it."""
        if self._busy or at != self._at:
            return False
        self._busy = True
        return True

    def update_now(self, data: bytes | memoryview) -> None:
        """Take in the chunk that was claimed."""
        super().update_now(data)
        self._at += len(data)
        self._busy = False

    def covers(self, algorithm: str, size: int) -> bool:
        """Is it this hash, of so many bytes?"""
        return (algorithm, size) == (self._algorithm, self._at)
