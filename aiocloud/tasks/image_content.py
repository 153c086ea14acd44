"""An image's content on its way down."""

from __future__ import annotations

import math
import os
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import IO

import anyio
from anyio import to_thread

from aiocloud.errors import ChecksumMismatch, CloudError, InvalidRequest, RateLimited
from aiocloud.progress import Meter, OnProgress
from aiocloud.reconcile import is_ambiguous
from aiocloud.region import Region
from aiocloud.services.image.image import Image
from aiocloud.tasks.digests import Digests, is_known
from aiocloud.tasks.files import alone, write_whole
from aiocloud.tasks.partial import Growing
from aiocloud.transport.reading import pieces_from

__all__ = ["chunks", "to_file", "to_path"]

_TRIES = 5


def known_hash(image: Image) -> tuple[str, str] | None:
    """The algorithm and the digest that Glance tells of the content; None when it tells none that we can compute."""
    if image.os_hash_algo and image.os_hash_value and is_known(image.os_hash_algo):
        return image.os_hash_algo, image.os_hash_value
    return ("md5", image.checksum) if image.checksum else None


async def chunks(cloud: Region, image: Image, progress: OnProgress) -> AsyncGenerator[bytes, None]:
    """The content as it comes, on from where it broke off. Raises InvalidRequest when there is none yet, and
    ChecksumMismatch after the last when it is not right.
    """
    expected = known_hash(image)
    digests = Digests([expected[0]] if expected else [])
    meter = Meter(f"image {image.name}", image.size, progress)
    trouble = 0
    while True:
        before = meter.done
        try:
            async with cloud.image.images.open(image.id, start=before, deadline=math.inf) as response:
                if response.status_code == 204 and image.size is None:
                    raise InvalidRequest(f"image {image.name} ({image.id}) has no content: it is {image.status}")
                async with pieces_from(response, before) as pieces:
                    async for chunk in pieces:
                        if chunk:
                            await digests.update(chunk)
                            meter.add(len(chunk))
                            yield chunk
            break
        except CloudError as error:
            if meter.done and meter.done == image.size:
                break  # all of it came, and its end did not
            trouble = trouble + 1 if meter.done == before else 0
            if trouble >= _TRIES or not (is_ambiguous(error) or isinstance(error, RateLimited)):
                raise
            await anyio.sleep(0.2 * 2**trouble)
    if expected and digests.values()[expected[0]] != expected[1]:
        raise ChecksumMismatch(f"image {image.name} ({image.id}) has {expected[0]} {expected[1]}, something else came")
    if image.size is not None and meter.done != image.size:
        raise ChecksumMismatch(f"image {image.name} ({image.id}) has {image.size} bytes, {meter.done} came")


async def to_file(cloud: Region, image: Image, file: IO[bytes], progress: OnProgress) -> None:
    """Write the content to a file object."""
    with alone(file, "another download writes to this open file already: give each its own"):
        async with aclosing(chunks(cloud, image, progress)) as pieces:
            async for chunk in pieces:
                try:
                    await to_thread.run_sync(write_whole, file, chunk)
                except OSError as error:
                    raise CloudError(f"can't write the image: {error.strerror or error}") from error


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
            with growing.part.open("wb") as file:
                await to_file(cloud, image, file, progress)
        except ChecksumMismatch:
            if attempt == _TRIES:
                raise
        else:
            return await to_thread.run_sync(growing.complete)
    raise AssertionError  # the loop returns or raises
