"""A download to a file by several requests at a time, each range compared with the MD5 that is known of it.

The file grows as `.NAME.part` beside its name, with a list of the ranges that are in it; when it is complete it takes its
name in one step. A range that breaks off is gone on with from there. A download that breaks off leaves both files for the
next one, which asks for what is missing, as long as the object is still the same. Memory: 256 KiB for each of at most 4
worker threads, or, behind a proxy, requests under way x 2 MiB.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import IO, TypeAlias

import anyio
from anyio import to_thread

from aiocloud._http import httpx
from aiocloud.concurrent import concurrently, workers
from aiocloud.errors import (
    ChecksumMismatch,
    CloudError,
    HTTPError,
    InvalidRequest,
    PreconditionFailed,
    RateLimited,
    Unsupported,
)
from aiocloud.model import Which
from aiocloud.progress import Meter, OnProgress, Part
from aiocloud.reconcile import is_ambiguous
from aiocloud.region import Region
from aiocloud.services.object_store.object import Object, Objects
from aiocloud.tasks.digests import Hash, new_hash
from aiocloud.tasks.files import Positioned
from aiocloud.tasks.jobs import RANGE, Job, Step, Sums, is_cut, jobs_of
from aiocloud.tasks.manifests import Slice, slices_of
from aiocloud.tasks.partial import Growing
from aiocloud.tasks.window import Window, had_trouble
from aiocloud.transport.reading import poured
from aiocloud.transport.sockets import BUFFER, thread_buffer

__all__ = ["download_object", "fetch_range", "mismatch"]

_AT_FIRST, _AT_MOST = 4, 16
"""Requests under way."""
_TRIES = 5


async def download_object(
    cloud: Region,
    container: Which,
    obj: Which,
    path: str | os.PathLike[str],
    *,
    resume: bool = True,
    progress: OnProgress = None,
) -> Object:
    """Write an object's content to a file, all of it or nothing, and give what is known of the object.

    `resume` goes on from what a broken download of the same object has left beside the file. Raises NotFound,
    ChecksumMismatch when damage won't stop, CloudError when the file can't be written.
    """
    name = obj if isinstance(obj, str) else str(obj.get("name") or obj.get("id") or "")
    path, objects = Path(path), cloud.object_store.objects(container)
    in_one = False
    for attempt in range(1, _TRIES + 1):
        found = await objects.get(name)
        try:
            slices = [each for each in await slices_of(cloud, objects, found) if each.size]
        except ChecksumMismatch:
            if attempt == _TRIES:
                raise
            continue
        target = await Target.open(path, found, resume=resume)
        meter = Meter(f"{objects.container}/{name}", found.content_length, progress)
        try:
            if in_one:
                await _fetch_jobs(objects, found, [Job(0, found.content_length, tuple(slices))], target, meter, ())
            else:
                await _fetch(objects, found, slices, target, meter)
            await target.finish()
        except (PreconditionFailed, Unsupported) as error:
            # It was replaced meanwhile: begin again with what is there now. Or some proxy gives no ranges.
            target.forget()
            in_one = isinstance(error, Unsupported)
            if attempt == _TRIES:
                raise
        except OSError as error:
            target.forget()
            raise CloudError(f"can't write {path}: {error.strerror or error}") from error
        finally:
            target.close()
        if target.finished:
            return found
    raise AssertionError  # the loop returns or raises


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


class _Whole:
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


async def _fetch(objects: Objects, found: Object, slices: Sequence[Slice], target: Target, meter: Meter) -> None:
    """All ranges that are not in the file yet, and a look at the slices that are larger than a range."""
    jobs = jobs_of(slices)
    known = [each for each in slices if is_cut(each) and each.etag is not None]
    sums = [_Whole(target, each, jobs) for each in known]
    await _look_again(jobs, target, sums)
    for attempt in range(1, _TRIES + 1):
        missing = [job for job in _in_turn(jobs, sums) if job.start not in target.done]
        await _fetch_jobs(objects, found, missing, target, meter, sums)
        bad = [each for each in sums if not await each.is_right()]
        if not bad:
            return
        if attempt == _TRIES:
            raise mismatch(objects, found, bad[0].slice)
        for job in (job for each in bad for job in each.jobs):
            target.done.discard(job.start)
            meter.add(-job.size)
        sums = [_Whole(target, each.slice, each.jobs) for each in bad]
    raise AssertionError  # the loop returns or raises


def _in_turn(jobs: Iterable[Job], sums: Iterable[_Whole]) -> list[Job]:
    """The parts of several slices in turn, so that each comes when those before it are hashed. Pure."""
    turns = {
        job.start: (nth // _AT_MOST, part, nth) for nth, each in enumerate(sums) for part, job in enumerate(each.jobs)
    }
    return sorted(jobs, key=lambda job: turns.get(job.start, (0, 0, 0)))


async def _look_again(jobs: Iterable[Job], target: Target, sums: Iterable[_Whole]) -> None:
    """What an earlier process has written may be gone, though it said so: a machine that stops loses what came last."""
    watched = {job.start for each in sums for job in each.jobs}
    for job in jobs:
        if job.start in target.done and job.start not in watched and not await target.holds(job):
            target.done.discard(job.start)


def mismatch(objects: Objects, found: Object, each: Slice) -> ChecksumMismatch:
    """What came of a slice is not what it should be."""
    return ChecksumMismatch(
        f"{objects.container}/{found.name}: bytes {each.start} to {each.start + each.size} don't have MD5 {each.etag}"
    )


async def _fetch_jobs(
    objects: Objects, found: Object, jobs: Sequence[Job], target: Target, meter: Meter, sums: Sequence[_Whole]
) -> None:
    window = Window(start=_AT_FIRST, most=_AT_MOST)
    following = {job.start: each for each in sums for job in each.jobs}
    if meter.done == 0:
        meter.add(found.content_length - sum(job.size for job in jobs))

    async def one(job: Job) -> None:
        whole = following.get(job.start)
        coming = _Coming(job, whole.sums_for(job) if whole else partial(Sums, job.slices))
        try:
            trouble = await _fetch_one(objects, found, coming, target.write_now, meter.part())
        finally:
            window.release(job)
        target.mark(job)
        window.ended(job.size, trouble=trouble)
        if whole:
            await whole.came(coming.sums)

    async with concurrently() as tasks:
        for job in jobs:
            await window.acquire(job)
            tasks.start_soon(one, job)


_Write: TypeAlias = Callable[[memoryview, int], None]
"""Puts bytes where they belong, in a worker thread."""


class _Coming:
    """A range on its way: how far it has come, and the sums of what has."""

    def __init__(self, job: Job, new_sums: Callable[[], Sums | Step]) -> None:
        self.job = job
        self._new_sums = new_sums
        self.restart()

    def restart(self) -> None:
        """Nothing has come yet."""
        self.at = self.job.start
        self.sums = self._new_sums()

    @property
    def rest(self) -> Job:
        """What has not come yet."""
        return Job(self.at, self.job.start + self.job.size - self.at, ())


async def _fetch_one(objects: Objects, found: Object, coming: _Coming, write: _Write, part: Part) -> bool:
    """One range, verified as far as its slices are known; True when it was not without trouble.

    What breaks off is gone on with, however often, as long as each time brings something; what is damaged begins again.
    """
    trouble, damaged, idle = False, 0, 0
    while coming.rest.size:
        before = coming.at
        try:
            return await _copy(objects, found, coming, write, part.add) or trouble
        except ChecksumMismatch as problem:
            error: CloudError = problem
            coming.restart()
            damaged += 1
        except CloudError as problem:
            if not (is_ambiguous(problem) or isinstance(problem, RateLimited)):
                raise
            error = problem
            idle = 0 if coming.at - before >= BUFFER else idle + 1
            if not coming.rest.size and coming.sums.wrong is not None:
                coming.restart()
                damaged += 1
        if max(damaged, idle) == _TRIES:
            raise error
        trouble = True
        part.reach(coming.at - coming.job.start)
        await anyio.sleep(0.2 * 2 ** max(damaged, idle))
    return trouble  # it broke after its last byte


async def fetch_range(objects: Objects, found: Object, job: Job) -> bytes:
    """One range, verified as far as its slices are known. Raises ChecksumMismatch when damage won't stop."""
    data = bytearray(job.size)

    def write(piece: memoryview, at: int) -> None:
        data[at - job.start : at - job.start + len(piece)] = piece

    unseen = Meter(found.name, job.size, None).part()
    await _fetch_one(objects, found, _Coming(job, partial(Sums, job.slices)), write, unseen)
    return bytes(data)


@asynccontextmanager
async def _open(objects: Objects, found: Object, job: Job) -> AsyncGenerator[httpx.Response]:
    """The answer to a request for a range.

    Raises PreconditionFailed when the object is another by now, and Unsupported when something else is answered than the
    range, as by a proxy that keeps what it has fetched.
    """
    sent, where = _range(found, job), f"{objects.container}/{found.name}"
    async with AsyncExitStack() as stack:
        try:
            opened = objects.open(found.name, headers=sent, deadline=math.inf)
            response = await stack.enter_async_context(opened)
        except HTTPError as error:
            if error.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                what = f"{where} is shorter by now"
                raise PreconditionFailed(what, response=error.response, service="object-store") from error
            raise
        etag = objects.of_headers(found.name, response).etag
        if found.etag and etag not in ("", found.etag):
            what = f"{where} has ETag {etag} by now, and had {found.etag}"
            raise PreconditionFailed(what, response=response, service="object-store")
        if "Range" in sent and not _is_part(response, job.start):
            told = response.headers.get("content-range", "all of it")
            raise Unsupported(
                f"the service, or a proxy before it, does not give ranges: asked for {sent['Range']} of {where}, "
                f"it answers with {told}"
            )
        yield response


def _is_part(response: httpx.Response, start: int) -> bool:
    told = response.headers.get("content-range", f"bytes {start}-")
    return response.status_code == HTTPStatus.PARTIAL_CONTENT and told.startswith(f"bytes {start}-")


def _range(found: Object, job: Job) -> dict[str, str]:
    """No `If-Match`: the answer's ETag says as much, and some compare with another one than they tell.

    So does Ceph's gateway for a large object, and Swift for what was one before it was copied.
    """
    if job.size == found.content_length:
        return {}
    return {"Range": f"bytes={job.start}-{job.start + job.size - 1}"}


async def _copy(objects: Objects, found: Object, coming: _Coming, write: _Write, add: Callable[[int], None]) -> bool:
    rest = coming.rest

    def take(data: memoryview) -> None:
        if len(data) > coming.rest.size:  # what lies beyond belongs to others
            raise ChecksumMismatch(f"{rest.size} bytes of {found.name} were asked for, more came")
        coming.sums.update(data)
        write(data, coming.at)
        coming.at += len(data)

    async with _open(objects, found, rest) as response:
        await poured(response, take, add)
        if coming.rest.size:
            raise ChecksumMismatch(f"{rest.size} bytes of {found.name} were asked for, {coming.at - rest.start} came")
        if coming.sums.wrong is not None:
            raise mismatch(objects, found, coming.sums.wrong)
        return had_trouble(response)
