"""The file that a download writes, complete when every range is in it and every slice has its MD5."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import IO

from anyio import to_thread

from aiocloud.concurrent import workers
from aiocloud.errors import InvalidRequest
from aiocloud.services.object_store.object import Object
from aiocloud.tasks.digests import Hash, new_hash
from aiocloud.tasks.files import Positioned
from aiocloud.tasks.jobs import RANGE, Job, Step, Sums
from aiocloud.tasks.manifests import Slice
from aiocloud.tasks.partial import Growing
from aiocloud.transport.sockets import BUFFER, thread_buffer

__all__ = ["Target", "Whole"]


class Target:
    """A file that is not complete yet."""

    def __init__(self, growing: Growing, file: Positioned, listing: IO[str], done: set[int]) -> None:
        self.done = done
        self.finished = False
        self._growing = growing
        self._file = file
        self._listing = listing

    @classmethod
    async def open(cls, path: Path, found: Object, *, resume: bool) -> Target:
        """Begin a file, or find the one begun. Raises InvalidRequest when it can't be written there."""
        try:
            return await to_thread.run_sync(cls._open, path, found, resume)
        except OSError as error:
            raise InvalidRequest(f"can't write {path}: {error.strerror or error}") from None

    @classmethod
    def _open(cls, path: Path, found: Object, resume: bool) -> Target:
        growing = Growing(path)
        try:
            return cls._begun(growing, found, resume)
        except BaseException:
            growing.release()
            raise

    @classmethod
    def _begun(cls, growing: Growing, found: Object, resume: bool) -> Target:
        head = json.dumps([found.container, found.name, found.etag, found.content_length, found.last_modified, RANGE])
        first, *rest = growing.ranges()
        # The last line may be torn: only those with their end count.
        done = {int(line) for line in rest[:-1] if line.isdigit()} if resume and first == head else set[int]()
        file = growing.opened(empty=not done)
        try:
            listing = growing.list_ranges(None if done else head)
            try:
                file.reserve(found.content_length)
            except OSError:
                listing.close()
                raise
        except OSError:
            file.close()
            growing.remove()
            raise
        return cls(growing, file, listing, done)

    def write_now(self, data: memoryview, at: int) -> None:
        """Put bytes where they belong, in a worker thread."""
        self._file.write([data], at)

    async def hash(self, start: int, size: int, hash_: Hash) -> None:
        """Hash what is in the file."""
        await to_thread.run_sync(self._hash, start, size, hash_, limiter=workers())

    async def holds(self, job: Job) -> bool:
        """Is in the file what the range's slices are known to be?"""
        if not job.slices or any(each.etag is None for each in job.slices):
            return False
        sums = Sums(job.slices)
        await to_thread.run_sync(self._hash, job.start, job.size, sums, limiter=workers())
        return sums.wrong is None

    def _hash(self, start: int, size: int, hash_: Hash | Sums) -> None:
        buffer = thread_buffer()
        for at in range(start, start + size, BUFFER):
            part = buffer[: min(BUFFER, start + size - at)]
            hash_.update(part[: self._file.read_into(part, at)])

    def mark(self, job: Job) -> None:
        """A range is in the file."""
        self.done.add(job.start)
        self._listing.write(f"{job.start}\n")
        self._listing.flush()

    async def finish(self) -> None:
        """It is complete: give it its name."""
        self._shut()
        await to_thread.run_sync(self._growing.complete)
        self.finished = True

    def close(self) -> None:
        """Close what is open; what is in the file stays, if anything is."""
        self._shut()
        if not self.finished and not self.done:
            self._growing.remove()
        self._growing.release()

    def forget(self) -> None:
        """What is in the file is of no use."""
        self._shut()
        self._growing.remove()

    def _shut(self) -> None:
        self._file.close()
        self._listing.close()


class Whole:
    """A slice that comes in parts: one before which all is hashed is hashed as it comes, the others from the file."""

    def __init__(self, target: Target, each: Slice, jobs: Iterable[Job]) -> None:
        self.slice = each
        self.jobs = [job for job in jobs if each.start <= job.start < each.start + each.size]
        self._target = target
        self._hash = new_hash("md5")
        self._next = 0
        self._busy = False

    def sums_for(self, job: Job) -> Callable[[], Sums | Step]:
        """What this part's bytes are told to; `came` is to hear of it when all of them were."""
        if self._busy or job != self.jobs[self._next]:
            return partial(Sums, ())
        self._busy = True
        return partial(Step, self._hash)

    async def came(self, sums: Sums | Step) -> None:
        """A part is in the file."""
        if isinstance(sums, Step):
            self._hash, self._next, self._busy = sums.hash, self._next + 1, False
        await self._follow()

    async def _follow(self) -> None:
        """Hash what has come since, unless somebody is at it."""
        if self._busy:
            return
        self._busy = True
        while self._next < len(self.jobs) and self.jobs[self._next].start in self._target.done:
            job = self.jobs[self._next]
            await self._target.hash(job.start, job.size, self._hash)
            self._next += 1
        self._busy = False

    async def is_right(self) -> bool:
        """Is all of it there, and as it should be?"""
        await self._follow()
        return self._next == len(self.jobs) and self._hash.hexdigest() == self.slice.etag
