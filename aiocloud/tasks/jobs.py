"""Which ranges an object is asked for in, and the sums by which each is compared as its bytes come. Nothing is sent here."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from aiocloud.tasks.digests import Hash, new_hash
from aiocloud.tasks.manifests import Slice

__all__ = ["RANGE", "Job", "Step", "Sums", "is_cut", "jobs_of"]

RANGE = 16 * 1024 * 1024
"""Bytes asked for at a time, at most. A slice of more than half of that comes in parts: what is read from its beginning to
its end Swift hashes as well, which takes it a quarter to a third of its time, and we compare it ourselves."""
_SEGMENTS = 10
"""Swift slows an answer down to a segment a second after so many small ones."""


@dataclass(frozen=True, slots=True)
class Job:
    """A range to be fetched by one request, and the slices that it holds from beginning to end."""

    start: int
    size: int
    slices: tuple[Slice, ...]


def jobs_of(slices: Sequence[Slice], size: int = RANGE) -> list[Job]:
    """Ranges of at most `size` bytes: small slices together, large ones in equal parts. Pure."""
    jobs: list[Job] = []
    together: list[Slice] = []

    def flush() -> None:
        if together:
            jobs.append(Job(together[0].start, sum(each.size for each in together), tuple(together)))
            together.clear()

    for each in slices:
        if is_cut(each, size):
            flush()
            part, end = math.ceil(each.size / max(2, math.ceil(each.size / size))), each.start + each.size
            jobs += [Job(start, min(part, end - start), ()) for start in range(each.start, end, part)]
            continue
        together.append(each)
        if len(together) == _SEGMENTS or sum(one.size for one in together) >= size // 2:
            flush()
    flush()
    return jobs


def is_cut(each: Slice, size: int = RANGE) -> bool:
    """Does it come in parts?"""
    return each.size > size // 2


class Sums:
    """The MD5s of slices one after the other, computed as their bytes come; `wrong` is the first that is not right."""

    def __init__(self, slices: Iterable[Slice]) -> None:
        self._slices = [*slices]
        self._hash = new_hash("md5")
        self._taken = 0
        self.wrong: Slice | None = None

    def update(self, chunk: bytes | memoryview) -> None:
        """The next bytes."""
        view = memoryview(chunk)
        while len(view) and self._slices:
            now = self._slices[0]
            part = view[: now.size - self._taken]
            self._hash.update(part)
            self._taken += len(part)
            view = view[len(part) :]
            if self._taken == now.size:
                if now.etag not in (None, self._hash.hexdigest()):
                    self.wrong = self.wrong or now
                self._hash, self._taken = new_hash("md5"), 0
                del self._slices[0]


class Step:
    """The MD5 of a slice that comes in parts, one part further: nothing is `wrong` before the last."""

    wrong: Slice | None = None

    def __init__(self, before: Hash) -> None:
        self.hash = before.copy()

    def update(self, chunk: bytes | memoryview) -> None:
        """The next bytes."""
        self.hash.update(chunk)
