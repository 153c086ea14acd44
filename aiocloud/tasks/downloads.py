"""Getting content out of Swift so that what is written is what was stored.

Every byte is hashed and compared: a plain object's with its ETag, a large one's segment by segment. A file is written beside
its name and takes the name when it is complete; what a broken download has left is used by the next one.
"""

from __future__ import annotations

import logging
import math
import os
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import IO

import anyio
from anyio import to_thread

from aiocloud._http import httpx
from aiocloud.concurrent import concurrently
from aiocloud.errors import ChecksumMismatch, CloudError, PreconditionFailed, RateLimited
from aiocloud.model import Which
from aiocloud.progress import Meter, OnProgress
from aiocloud.reconcile import is_ambiguous
from aiocloud.region import Region
from aiocloud.services.object_store.object import Object, Objects, object_name
from aiocloud.tasks.digests import Hash, new_hash
from aiocloud.tasks.fetch import TRIES, fetch_range, mismatch
from aiocloud.tasks.files import alone, check_takes_bytes
from aiocloud.tasks.jobs import Job, Sums, jobs_of
from aiocloud.tasks.manifests import Slice, slices_of
from aiocloud.tasks.placed import placed
from aiocloud.tasks.ranges import download_object
from aiocloud.tasks.streams import write_out
from aiocloud.transport.reading import pieces_from

__all__ = ["get_object", "get_object_raw", "stream_object"]

_log = logging.getLogger("aiocloud.objects")

_AHEAD = 6
"""Ranges of a large object that are held in memory: 8 to 16 MiB each."""


async def get_object(
    cloud: Region,
    container: Which,
    obj: Which,
    query_string: str | None = None,
    resp_chunk_size: int = 1024 * 1024,
    outfile: str | os.PathLike[str] | IO[bytes] | None = None,
    stream: bool = False,
    *,
    progress: OnProgress = None,
) -> bytes:
    """An object's content, as bytes, never decoded. Raises NotFound, and ChecksumMismatch when damage won't stop.

    With `outfile` it is written there, by parallel requests if it is a path (see `download_object`), and b"" is given.
    For pieces as they come use `stream_object`; `stream` and `resp_chunk_size` change nothing here.
    """
    del resp_chunk_size, stream
    name = object_name(obj)
    if isinstance(outfile, (str, os.PathLike)):
        await download_object(cloud, container, name, outfile, progress=progress)
        return b""
    if outfile is not None:
        check_takes_bytes(outfile, name)
    for attempt in range(1, TRIES + 1):
        pieces = stream_object(cloud, container, name, query_string=query_string, progress=progress)
        try:
            async with aclosing(pieces):
                if outfile is not None:
                    return await _write(pieces, outfile, name)
                return b"".join([piece async for piece in pieces])
        except ChecksumMismatch:
            if outfile is not None or attempt == TRIES:
                raise
    raise AssertionError  # the loop returns or raises


async def _write(pieces: AsyncIterator[bytes], file: IO[bytes], name: str) -> bytes:
    with alone(file, "another download writes to this open file already: give each its own"):
        async for piece in pieces:
            try:
                await write_out(file, piece)
            except OSError as error:
                raise CloudError(f"can't write {name}: {error.strerror or error}") from error
    return b""


async def get_object_raw(
    cloud: Region, container: Which, obj: Which, query_string: str | None = None, stream: bool = False
) -> httpx.Response:
    """The service's answer to a GET, read whole (up to 64 MiB), unverified."""
    del stream
    objects = cloud.object_store.objects(container)
    params = dict(httpx.QueryParams(query_string)) if query_string else None
    return await objects.endpoint.get(objects.path(object_name(obj)), params=params, headers={"Accept": "*/*"})


async def stream_object(
    cloud: Region,
    container: Which,
    obj: Which,
    query_string: str | None = None,
    resp_chunk_size: int = 1024 * 1024,
    *,
    progress: OnProgress = None,
) -> AsyncGenerator[bytes, None]:
    """An object's content in pieces as they come; a break in the middle is gone on from.

    A large object's segments are fetched several at a time, and each is given when it is whole and right; one of more than
    8 MiB comes in parts, of which the last is given when all are right. Of a plain object the pieces are given as they come,
    and ChecksumMismatch is raised after the last when it was damaged. `resp_chunk_size` changes nothing here.
    """
    del resp_chunk_size
    objects = cloud.object_store.objects(container)
    reading = _Reading(objects, object_name(obj), dict(httpx.QueryParams(query_string)) if query_string else {})
    with placed(cloud):
        async with aclosing(_pieces(cloud, reading, progress)) as chunks:
            async for chunk in chunks:
                yield chunk


async def _pieces(cloud: Region, reading: _Reading, progress: OnProgress) -> AsyncGenerator[bytes, None]:
    """A plain object's own, or what a large one's segments hold, in their order."""
    objects = reading.objects
    async with aclosing(reading.chunks()) as chunks:
        async for chunk in chunks:
            yield chunk
            reading.meter(progress).add(len(chunk))
    if reading.large is None:
        return
    large = reading.large if reading.large.content_length else await objects.get(reading.name)
    if large.is_static_large_object and not large.content_length:
        raise ChecksumMismatch(f"{objects.container}/{reading.name} is a large object whose length did not arrive")
    slices = [each for each in await slices_of(cloud, objects, large) if each.size]
    meter = Meter(f"{objects.container}/{reading.name}", large.content_length, progress)
    async with aclosing(_ordered(objects, large, slices)) as chunks:
        async for chunk in chunks:
            yield chunk
            meter.add(len(chunk))


async def _ordered(objects: Objects, found: Object, slices: Sequence[Slice]) -> AsyncGenerator[bytes, None]:
    """The ranges of a large object in their order, the next ones on their way while one is given.

    A slice that comes in several of them is compared with its MD5 before its last one is given.
    """
    jobs = jobs_of(slices)
    whole = {each.start for job in jobs for each in job.slices}
    cut = Sums(each for each in slices if each.start not in whole)
    for at in range(0, len(jobs), _AHEAD):
        got: dict[int, bytes] = {}
        # No task outlives a yield: a group fetches some, and what it has is given when it has ended.
        async with concurrently() as tasks:
            for job in jobs[at : at + _AHEAD]:
                tasks.start_soon(_fetch_whole, objects, found, job, got)
        for job in jobs[at : at + _AHEAD]:
            data = got.pop(job.start)
            if not job.slices:
                await to_thread.run_sync(cut.update, data)
                if cut.wrong is not None:
                    raise mismatch(objects, found, cut.wrong)
            yield data
            del data


async def _fetch_whole(objects: Objects, found: Object, job: Job, got: dict[int, bytes]) -> None:
    got[job.start] = await fetch_range(objects, found, job)


@dataclass
class _Reading:
    """One plain object read from its beginning to its end, over as many connections as it takes."""

    objects: Objects
    name: str
    params: Mapping[str, str]
    size: int | None = None
    at: int = 0
    etag: str = ""
    large: Object | None = None
    hash: Hash = field(default_factory=lambda: new_hash("md5"))
    _begun: bool = False
    _meter: Meter | None = None

    def meter(self, progress: OnProgress) -> Meter:
        """What counts its bytes."""
        if self._meter is None:
            self._meter = Meter(f"{self.objects.container}/{self.name}", self.size, progress)
        return self._meter

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Its content; nothing when it proves to be a large object, which is then in `large`."""
        trouble = 0
        while self.size is None or self.at < self.size:
            before = self.at
            headers = {"Range": f"bytes={before}-"} if before else {}
            try:
                async with self.objects.open(
                    self.name, headers=headers, params=self.params, deadline=math.inf
                ) as response:
                    if self._begin(response):
                        return
                    async with pieces_from(response, before) as pieces:
                        async for chunk in pieces:
                            if chunk:
                                await self._hash(chunk)
                                yield chunk
                break
            except CloudError as error:
                if before and self.size is None and error.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                    break  # all had come before it broke
                trouble = trouble + 1 if self.at == before else 0
                if trouble >= TRIES or not (is_ambiguous(error) or isinstance(error, RateLimited)):
                    raise
                _log.warning("%s/%s: on from byte %d: %s", self.objects.container, self.name, self.at, error)
                await anyio.sleep(0.2 * 2**trouble)
        self._check()

    def _begin(self, response: httpx.Response) -> bool:
        """Is it a large object? Raises PreconditionFailed when it is another one than at first."""
        found = self.objects.of_headers(self.name, response)
        if self._begun:
            if found.etag not in ("", self.etag):
                what = f"{self.objects.container}/{self.name} has ETag {found.etag} by now, and had {self.etag}"
                raise PreconditionFailed(what, response=response, service="object-store")
            return False
        if found.is_large and not self.params and response.status_code == 200:
            self.large = found
            return True
        # Some proxies leave its length out; then the MD5 alone tells whether all has come, where there is one.
        told = "content-length" in response.headers or not found.etag
        self._begun, self.etag, self.size = True, found.etag, found.content_length if told else None
        return False

    async def _hash(self, chunk: bytes) -> None:
        self.at += len(chunk)
        if len(chunk) > 65536:
            await to_thread.run_sync(self.hash.update, chunk)
        else:
            self.hash.update(chunk)

    def _check(self) -> None:
        what = f"{self.objects.container}/{self.name}"
        if self.size is not None and self.at != self.size:
            raise ChecksumMismatch(f"{what} has {self.size} bytes, of which {self.at} came")
        found = self.hash.hexdigest()
        if not self.params and self.etag and found != self.etag:
            raise ChecksumMismatch(f"{what} has MD5 {self.etag}, and what came has {found}")
