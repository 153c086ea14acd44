"""One range of an object, compared with the MD5s that are known of it; what breaks off is gone on with from there."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from http import HTTPStatus
from typing import TypeAlias

import anyio

from aiocloud._http import httpx
from aiocloud.errors import ChecksumMismatch, CloudError, HTTPError, PreconditionFailed, RateLimited, Unsupported
from aiocloud.progress import Meter, Part
from aiocloud.reconcile import is_ambiguous
from aiocloud.services.object_store.object import Object, Objects
from aiocloud.tasks.jobs import Job, Step, Sums
from aiocloud.tasks.manifests import Slice
from aiocloud.tasks.window import had_trouble
from aiocloud.transport.reading import poured
from aiocloud.transport.sockets import BUFFER

__all__ = ["TRIES", "Coming", "fetch_one", "fetch_range", "mismatch"]

TRIES = 5
"""How often what comes damaged, or does not come, is asked for."""
Write: TypeAlias = Callable[[memoryview, int], None]
"""Puts bytes where they belong, in a worker thread."""


class Coming:
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


async def fetch_one(objects: Objects, found: Object, coming: Coming, write: Write, part: Part) -> bool:
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
        if max(damaged, idle) == TRIES:
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
    await fetch_one(objects, found, Coming(job, partial(Sums, job.slices)), write, unseen)
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


async def _copy(objects: Objects, found: Object, coming: Coming, write: Write, add: Callable[[int], None]) -> bool:
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


def mismatch(objects: Objects, found: Object, each: Slice) -> ChecksumMismatch:
    """What came of a slice is not what it should be."""
    return ChecksumMismatch(
        f"{objects.container}/{found.name}: bytes {each.start} to {each.start + each.size} don't have MD5 {each.etag}"
    )
