"""Small files and objects, of which a folder may hold thousands: found alike with no request, and brought with one.

What takes more than that is left to those who know how.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path

from anyio import to_thread

from aiocloud.concurrent import each_of, workers
from aiocloud.errors import CloudError, InvalidRequest
from aiocloud.progress import Meter, OnProgress
from aiocloud.reconcile import is_ambiguous
from aiocloud.services.object_store.object import Object, Objects
from aiocloud.tasks.files import write_whole
from aiocloud.tasks.partial import Growing
from aiocloud.tasks.sides import Known, mtime_of
from aiocloud.transport.reading import raw_pieces

__all__ = ["SMALL", "download_small", "md5_of_small"]

SMALL = 1024 * 1024
"""Bytes that are read and hashed sooner than a service answers."""
_BATCH, _BATCHES = 64, 4
"""Files that one visit to a thread hashes, and visits at a time."""


async def md5_of_small(root: Path, here: Mapping[str, Known], there: Mapping[str, Known]) -> dict[str, str]:
    """The MD5 of each small file that could be read, where the container lists an object as long as it is.

    What has no content is left out: of it the listing does not show whether it is a dynamic large object.
    """
    found = dict[str, str]()

    def read(names: list[str]) -> None:
        found.update((name, md5) for name in names if (md5 := _md5(root / name)))

    names = (name for name, known in here.items() if 0 < known.size <= SMALL and _is_as_long(known, there.get(name)))
    await each_of(_batches(names), lambda batch: to_thread.run_sync(read, batch, limiter=workers()), _BATCHES)
    return found


def _is_as_long(known: Known, other: Known | None) -> bool:
    return other is not None and other.size == known.size and other.md5 != ""


def _batches(names: Iterator[str]) -> Iterator[list[str]]:
    while batch := list(islice(names, _BATCH)):
        yield batch


def _md5(path: Path) -> str | None:
    """None for a file that is gone, or can't be read: whoever has to carry it will say so."""
    try:
        return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    except OSError:
        return None


async def download_small(objects: Objects, name: str, place: Callable[[], Path], progress: OnProgress) -> Object | None:
    """Write an object to a file, which gets its time, by one request; None when it takes more: it is large, or came damaged.

    `place` says where the file is, in the one visit to a thread that writes it. `progress` is told once, when all of it is
    there. Raises NotFound, InvalidRequest when the file can't be begun, CloudError when it can't be written.
    """
    try:
        async with objects.open(name, deadline=math.inf) as response:
            found = objects.of_headers(name, response)
            if found.is_large or not 0 < found.content_length <= SMALL:
                return None
            data = bytearray()
            async for piece in raw_pieces(response):
                data += piece
                if len(data) > found.content_length:
                    return None
    except CloudError as error:
        if is_ambiguous(error):
            return None
        raise
    if not await to_thread.run_sync(_write, place, data, found.etag, mtime_of(found), limiter=workers()):
        return None
    Meter(f"{objects.container}/{name}", len(data), progress).add(len(data))
    return found


def _write(place: Callable[[], Path], data: bytearray, md5: str, mtime: float | None) -> bool:
    """False when the data is not what it should be."""
    if hashlib.md5(data, usedforsecurity=False).hexdigest() != md5:
        return False
    path = place()
    try:
        growing = Growing(path)
    except OSError as error:
        raise InvalidRequest(f"can't write {path}: {error.strerror or error}") from None
    try:
        with growing.emptied() as file:
            write_whole(file, memoryview(data))
        if mtime is not None:
            os.utime(growing.part, (mtime, mtime))
        growing.complete()
    except OSError as error:
        raise CloudError(f"can't write {path}: {error.strerror or error}") from error
    finally:
        growing.remove()
        growing.release()
    return True
