"""An image's content on its way down."""

from __future__ import annotations

import math
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import IO

import anyio
from anyio import to_thread

from aiocloud._http import httpx
from aiocloud.errors import ChecksumMismatch, CloudError, InvalidRequest, RateLimited
from aiocloud.progress import Meter, OnProgress
from aiocloud.reconcile import is_ambiguous
from aiocloud.region import Region
from aiocloud.services.image.image import Image
from aiocloud.tasks.digests import Digests, is_known
from aiocloud.tasks.files import alone, check_takes_bytes, write_whole
from aiocloud.tasks.partial import Growing
from aiocloud.tasks.streams import is_pipe, write_out
from aiocloud.transport.reading import pieces_from, poured

__all__ = ["chunks", "known_hashes", "to_file", "to_path"]

_TRIES = 5


def known_hashes(image: Image) -> list[tuple[str, str]]:
    """The algorithm and the digest of each hash of the content that Glance tells of, and that we can compute; best first."""
    found: list[tuple[str, str]] = []
    if image.os_hash_algo and image.os_hash_value and is_known(image.os_hash_algo):
        found.append((image.os_hash_algo, image.os_hash_value))
    return [*found, ("md5", image.checksum)] if image.checksum else found


class _Reading:
    """An image's content on its way, over as many connections as it takes."""

    def __init__(self, cloud: Region, image: Image, progress: OnProgress) -> None:
        self.at = 0
        """Bytes that have come."""
        self._cloud = cloud
        self._image = image
        self._expected = next(iter(known_hashes(image)), None)
        self.digests = Digests([self._expected[0]] if self._expected else [])
        self._meter = Meter(f"image {image.name}", image.size, progress)
        self._trouble = 0
        self._before = 0

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[httpx.Response, None]:
        """The answer from where the last one broke off. Raises InvalidRequest when there is no content yet."""
        self._before, image = self.at, self._image
        async with self._cloud.image.images.open(image.id, start=self.at, deadline=math.inf) as response:
            if response.status_code == 204 and image.size is None:
                raise InvalidRequest(f"image {image.name} ({image.id}) has no content: it is {image.status}")
            yield response

    def tell(self) -> None:
        """Tell how far it is."""
        self._meter.add(self.at - self._meter.done)

    async def is_over(self, error: CloudError) -> bool:
        """Did all of it come, and its end did not? Waits before the next try; raises the error where that is in vain."""
        if self.at and self.at == self._image.size:
            return True
        self._trouble = self._trouble + 1 if self.at == self._before else 0
        if self._trouble >= _TRIES or not (is_ambiguous(error) or isinstance(error, RateLimited)):
            raise error
        await anyio.sleep(0.2 * 2**self._trouble)
        return False

    def check(self) -> None:
        """Raise ChecksumMismatch when it is not what Glance says that it is."""
        self.tell()
        image, expected = self._image, self._expected
        what = f"image {image.name} ({image.id})"
        if expected and self.digests.values()[expected[0]] != expected[1]:
            raise ChecksumMismatch(f"{what} has {expected[0]} {expected[1]}, something else came")
        if image.size is not None and self.at != image.size:
            raise ChecksumMismatch(f"{what} has {image.size} bytes, {self.at} came")


async def chunks(cloud: Region, image: Image, progress: OnProgress) -> AsyncGenerator[bytes, None]:
    """The content as it comes, on from where it broke off. Raises InvalidRequest when there is none yet, and
    ChecksumMismatch after the last when it is not right.
    """
    reading = _Reading(cloud, image, progress)
    while True:
        try:
            async with reading.open() as response, pieces_from(response, reading.at) as pieces:
                async for chunk in pieces:
                    if chunk:
                        await reading.digests.update(chunk)
                        reading.at += len(chunk)
                        reading.tell()
                        yield chunk
            break
        except CloudError as error:
            if await reading.is_over(error):
                break
    reading.check()


async def _copy(cloud: Region, image: Image, write: Callable[[memoryview], None], progress: OnProgress) -> None:
    """The same, hashed and written by worker threads. Raises CloudError where `write` raises OSError."""
    reading = _Reading(cloud, image, progress)

    def take(data: memoryview) -> None:
        reading.digests.update_now(data)
        try:
            write(data)
        except OSError as error:
            raise _unwritten(error) from error
        reading.at += len(data)

    while True:
        try:
            async with reading.open() as response:
                await poured(response, take, lambda _: reading.tell(), start=reading.at)
            break
        except CloudError as error:
            if await reading.is_over(error):
                break
    reading.check()


async def to_file(cloud: Region, image: Image, file: IO[bytes], progress: OnProgress) -> None:
    """Write the content to a file object. Raises InvalidRequest for one that can't be written to."""
    check_takes_bytes(file, "the image")

    def write(data: memoryview) -> None:
        write_whole(file, bytes(data))  # who knows whether it keeps what it is given

    with alone(file, "another download writes to this open file already: give each its own"):
        if is_pipe(file):
            await _to_pipe(cloud, image, file, progress)
        else:
            await _copy(cloud, image, write, progress)


async def _to_pipe(cloud: Region, image: Image, file: IO[bytes], progress: OnProgress) -> None:
    async with aclosing(chunks(cloud, image, progress)) as pieces:
        async for piece in pieces:
            try:
                await write_out(file, piece)
            except OSError as error:
                raise _unwritten(error) from error


def _unwritten(error: OSError) -> CloudError:
    return CloudError(f"can't write the image: {error.strerror or error}")


async def to_path(cloud: Region, image: Image, path: str | os.PathLike[str], progress: OnProgress) -> None:
    """Write the content to a file, which takes its name when it is complete and right."""
    try:
        growing = await to_thread.run_sync(Growing, Path(path))
    except OSError as error:
        raise InvalidRequest(f"can't write {path}: {error.strerror or error}") from None
    try:
        await _fill(cloud, image, growing, progress)
    except OSError as error:
        raise CloudError(f"can't write {path}: {error.strerror or error}") from error
    finally:
        growing.remove()
        growing.release()


async def _fill(cloud: Region, image: Image, growing: Growing, progress: OnProgress) -> None:
    for attempt in range(1, _TRIES + 1):
        try:
            with growing.emptied() as file:
                await _copy(cloud, image, partial(write_whole, file), progress)
        except ChecksumMismatch:
            if attempt == _TRIES:
                raise
        else:
            return await to_thread.run_sync(growing.complete)
    raise AssertionError  # the loop returns or raises
