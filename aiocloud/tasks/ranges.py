"""A download to a file by several requests at a time, each range compared with the MD5 that is known of it.

The file grows as `.NAME.part` beside its name, with a list of the ranges that are in it; when it is complete it takes its
name in one step. A range that breaks off is gone on with from there. A download that breaks off leaves both files for the
next one, which asks for what is missing, as long as the object is still the same. Memory: 256 KiB for each of at most 4
worker threads, or, behind a proxy, requests under way x 2 MiB.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from aiocloud.concurrent import concurrently
from aiocloud.errors import ChecksumMismatch, CloudError, PreconditionFailed, Unsupported
from aiocloud.model import Which
from aiocloud.progress import Meter, OnProgress
from aiocloud.region import Region
from aiocloud.services.object_store.object import Object, Objects, object_name
from aiocloud.tasks.fetch import TRIES, Coming, fetch_one, mismatch
from aiocloud.tasks.jobs import Job, Sums, is_cut, jobs_of
from aiocloud.tasks.manifests import Slice, slices_of
from aiocloud.tasks.target import Target, Whole
from aiocloud.tasks.window import Window

__all__ = ["download_object"]

_AT_FIRST, _AT_MOST = 4, 16
"""Requests under way."""


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
    name = object_name(obj)
    path, objects = Path(path), cloud.object_store.objects(container)
    in_one = False
    for attempt in range(1, TRIES + 1):
        found = await objects.get(name)
        try:
            slices = [each for each in await slices_of(cloud, objects, found) if each.size]
        except ChecksumMismatch:
            if attempt == TRIES:
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
            if attempt == TRIES:
                raise
        except OSError as error:
            target.forget()
            raise CloudError(f"can't write {path}: {error.strerror or error}") from error
        finally:
            target.close()
        if target.finished:
            return found
    raise AssertionError  # the loop returns or raises


async def _fetch(objects: Objects, found: Object, slices: Sequence[Slice], target: Target, meter: Meter) -> None:
    """All ranges that are not in the file yet, and a look at the slices that are larger than a range."""
    jobs = jobs_of(slices)
    known = [each for each in slices if is_cut(each) and each.etag is not None]
    sums = [Whole(target, each, jobs) for each in known]
    await _look_again(jobs, target, sums)
    for attempt in range(1, TRIES + 1):
        missing = [job for job in _in_turn(jobs, sums) if job.start not in target.done]
        await _fetch_jobs(objects, found, missing, target, meter, sums)
        bad = [each for each in sums if not await each.is_right()]
        if not bad:
            return
        if attempt == TRIES:
            raise mismatch(objects, found, bad[0].slice)
        for job in (job for each in bad for job in each.jobs):
            target.done.discard(job.start)
            meter.add(-job.size)
        sums = [Whole(target, each.slice, each.jobs) for each in bad]
    raise AssertionError  # the loop returns or raises


def _in_turn(jobs: Iterable[Job], sums: Iterable[Whole]) -> list[Job]:
    """The parts of several slices in turn, so that each comes when those before it are hashed. Pure."""
    turns = {
        job.start: (nth // _AT_MOST, part, nth) for nth, each in enumerate(sums) for part, job in enumerate(each.jobs)
    }
    return sorted(jobs, key=lambda job: turns.get(job.start, (0, 0, 0)))


async def _look_again(jobs: Iterable[Job], target: Target, sums: Iterable[Whole]) -> None:
    """What an earlier process has written may be gone, though it said so: a machine that stops loses what came last."""
    watched = {job.start for each in sums for job in each.jobs}
    for job in jobs:
        if job.start in target.done and job.start not in watched and not await target.holds(job):
            target.done.discard(job.start)


async def _fetch_jobs(
    objects: Objects, found: Object, jobs: Sequence[Job], target: Target, meter: Meter, sums: Sequence[Whole]
) -> None:
    window = Window(start=_AT_FIRST, most=_AT_MOST)
    following = {job.start: each for each in sums for job in each.jobs}
    if meter.done == 0:
        meter.add(found.content_length - sum(job.size for job in jobs))

    async def one(job: Job) -> None:
        whole = following.get(job.start)
        coming = Coming(job, whole.sums_for(job) if whole else partial(Sums, job.slices))
        try:
            trouble = await fetch_one(objects, found, coming, target.write_now, meter.part())
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
