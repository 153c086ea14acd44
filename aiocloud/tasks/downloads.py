"""Getting content out of Swift so that what is written is what was stored.

Every byte is hashed and compared: a plain object's with its ETag, a large one's segment by segment. A file is written beside
its name and takes the name when it is complete; what a broken download has left is used by the next one.
"""

from __future__ import annotations

import logging
import math
import os
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import IO

import anyio
from anyio import to_thread

from aiocloud._http import httpx
from aiocloud.errors import ChecksumMismatch, CloudError, RateLimited
from aiocloud.model import Which
from aiocloud.progress import Meter, OnProgress
from aiocloud.reconcile import is_ambiguous
from aiocloud.region import Region
from aiocloud.services.object_store.object import Objects
from aiocloud.tasks.digests import Hash, new_hash
from aiocloud.tasks.manifests import Slice, slices_of
from aiocloud.tasks.ranges import download_object

__all__ = ["get_object", "get_object_raw", "stream_object"]

_log = logging.getLogger("aiocloud.objects")

_TRIES = 5


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
    name = _name(obj)
    if isinstance(outfile, (str, os.PathLike)):
        await download_object(cloud, container, name, outfile, progress=progress)
        return b""
    for attempt in range(1, _TRIES + 1):
        chunks: list[bytes] = []
        pieces = stream_object(cloud, container, name, query_string=query_string, progress=progress)
        try:
            async with aclosing(pieces):
                async for chunk in pieces:
                    if outfile is None:
                        chunks.append(chunk)
                    else:
                        await to_thread.run_sync(outfile.write, chunk)
        except ChecksumMismatch:
            if outfile is not None or attempt == _TRIES:
                raise
        else:
            return b"".join(chunks)
    raise AssertionError  # the loop returns or raises


async def get_object_raw(
    cloud: Region, container: Which, obj: Which, query_string: str | None = None, stream: bool = False
) -> httpx.Response:
    """The service's answer to a GET, read whole (up to 64 MiB), unverified."""
    del stream
    objects = cloud.object_store.objects(container)
    params = dict(httpx.QueryParams(query_string)) if query_string else None
    return await objects.endpoint.get(objects.path(_name(obj)), params=params, headers={"Accept": "*/*"})


def _name(obj: Which) -> str:
    return obj if isinstance(obj, str) else str(obj.get("name") or obj.get("id") or "")


async def stream_object(
    cloud: Region,
    container: Which,
    obj: Which,
    resp_chunk_size: int = 1024 * 1024,
    query_string: str | None = None,
    *,
    progress: OnProgress = None,
) -> AsyncGenerator[bytes, None]:
    """An object's content in pieces as they come; a break in the middle is gone on from.

    What was damaged is only known at the end of the object, or of the segment: then ChecksumMismatch is raised.
    """
    del resp_chunk_size
    objects = cloud.object_store.objects(container)
    params = dict(httpx.QueryParams(query_string)) if query_string else {}
    reading = _Reading(cloud, objects, _name(obj), params)
    meter: Meter | None = None
    async with aclosing(reading.chunks()) as chunks:
        async for chunk in chunks:
            meter = meter or Meter(f"{objects.container}/{reading.name}", reading.size, progress)
            meter.add(len(chunk))
            yield chunk


@dataclass
class _Reading:
    """One object read from its beginning to its end, over as many connections as it takes."""

    cloud: Region
    objects: Objects
    name: str
    params: Mapping[str, str]
    size: int | None = None
    at: int = 0
    etag: str = ""
    slices: Sequence[Slice] = ()
    hash: Hash = field(default_factory=lambda: new_hash("md5"))

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        trouble = 0
        while self.size is None or self.at < self.size:
            headers = {"Range": f"bytes={self.at}-", "If-Match": f'"{self.etag}"'} if self.at else {}
            before = self.at
            try:
                async with self.objects.open(
                    self.name, headers=headers, params=self.params, deadline=math.inf
                ) as response:
                    await self._begin(response)
                    async for chunk in response.aiter_raw():
                        for part in await self._taken(chunk):
                            yield part
                break
            except CloudError as error:
                trouble = trouble + 1 if self.at == before else 0
                if trouble >= _TRIES or not (is_ambiguous(error) or isinstance(error, RateLimited)):
                    raise
                _log.warning("%s/%s: on from byte %d: %s", self.objects.container, self.name, self.at, error)
                await anyio.sleep(0.2 * 2**trouble)
        if self.size is not None and self.at < self.size:
            raise ChecksumMismatch(f"{self.name} has {self.size} bytes, of which {self.at} came")

    async def _begin(self, response: httpx.Response) -> None:
        if self.size is not None:
            return
        found = self.objects.of_headers(self.name, response)
        self.size, self.etag = found.content_length, found.etag
        if self.params:
            self.slices = ()
        elif found.is_large:
            self.slices = await slices_of(self.cloud, self.objects, found)
        else:
            self.slices = (Slice(self.objects.container, self.name, 0, found.content_length, found.etag or None),)
        self.slices = [each for each in self.slices if each.size]

    async def _taken(self, chunk: bytes) -> list[bytes]:
        """Hash what came, cut where a segment ends, and compare there."""
        parts: list[bytes] = []
        rest = memoryview(chunk)
        while len(rest):
            inside = next((each for each in self.slices if each.start <= self.at < each.start + each.size), None)
            if inside is None:
                self.at += len(rest)
                parts.append(bytes(rest))
                break
            end = inside.start + inside.size
            taken, rest = rest[: end - self.at], rest[end - self.at :]
            data = bytes(taken)
            if len(data) > 65536:
                await to_thread.run_sync(self.hash.update, data)
            else:
                self.hash.update(data)
            self.at += len(data)
            parts.append(data)
            if self.at == end:
                self._compare(inside)
        return parts

    def _compare(self, inside: Slice) -> None:
        found, self.hash = self.hash.hexdigest(), new_hash("md5")
        if inside.etag is not None and found != inside.etag:
            raise ChecksumMismatch(
                f"{self.objects.container}/{self.name}: bytes {inside.start} to {inside.start + inside.size} have "
                f"MD5 {found}, not {inside.etag}"
            )
