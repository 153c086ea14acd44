"""Content that we send becomes an image: by a plain upload, by a staged import, or by way of Swift.

Content can be sent to an image once: when that breaks off or arrives damaged, the record is removed and another one made.
"""

from __future__ import annotations

import logging
import math
from collections.abc import AsyncIterator
from http import HTTPStatus

from aiocloud.errors import ChecksumMismatch, CloudError, Conflict, HTTPError, Timeout
from aiocloud.poller import wait_for
from aiocloud.progress import Meter
from aiocloud.reconcile import is_ambiguous
from aiocloud.region import Region
from aiocloud.services.image.image import Image
from aiocloud.tasks import formats
from aiocloud.tasks.image_imports import check_offered, start_import, until_active
from aiocloud.tasks.image_records import new_record, protect
from aiocloud.tasks.image_sums import USUAL, Hashed, check_arrived, check_given, hash_of_sent
from aiocloud.tasks.image_tasks import from_swift
from aiocloud.tasks.image_wanted import Wanted, Way, is_converted, same_already, source_note
from aiocloud.tasks.sources import FileSource, Source
from aiocloud.tasks.streams import closed_after
from aiocloud.tasks.undo import Undo
from aiocloud.transport.body import Body, Replay

__all__ = ["from_source"]

_log = logging.getLogger("aiocloud.images")

_TRIES = 3
_SOON = 60.0
"""Seconds in which Glance notices that nobody sends any more."""
_DIRECT = {"name": "glance-direct"}


async def from_source(
    cloud: Region, wanted: Wanted, way: Way, source: Source | AsyncIterator[bytes], *, allow_duplicates: bool
) -> Image:
    """An image of a file, bytes or a stream."""
    async with closed_after(source):
        head, tail, whole = await _ends(source)
        async with closed_after(whole):
            content = Hashed(whole, wanted.sums) if isinstance(whole, AsyncIterator) else whole
            return await _from_content(cloud, wanted, way, content, head, tail, allow_duplicates=allow_duplicates)


async def _from_content(
    cloud: Region,
    wanted: Wanted,
    way: Way,
    content: Source | Hashed,
    head: bytes,
    tail: bytes,
    *,
    allow_duplicates: bool,
) -> Image:
    usual = cloud.config.image_format
    disk_format = wanted.disk_format or formats.proposed(head, tail, usual, wanted.container_format)
    formats.check_safe(head, disk_format)
    if not allow_duplicates and (same := await same_already(cloud, wanted, content)) is not None:
        return same
    if not isinstance(content, Hashed):
        await check_given(content, wanted.sums)
    if cloud.config.image_api_use_tasks:
        return await from_swift(cloud, wanted, way, content, disk_format)
    if way.imports:
        await check_offered(cloud, _DIRECT["name"], way.stores)
    for attempt in range(1, _TRIES + 1):
        try:
            return await _once(cloud, wanted, way, content, disk_format)
        except CloudError as error:
            again = _can_try_again(error) and wanted.image_id is None and not isinstance(content, Hashed)
            if error.leftovers or not again or attempt == _TRIES:
                raise
            _log.warning("%s: image %s is uploaded again: %s", cloud.where, wanted.name, error)
    raise AssertionError  # the loop returns or raises


def _can_try_again(error: CloudError) -> bool:
    """Did the content not arrive, or not as it was? A Conflict about content says that an earlier attempt is in the way."""
    if isinstance(error, Conflict):
        return error.method == "PUT"
    return isinstance(error, ChecksumMismatch) or (is_ambiguous(error) and not isinstance(error, Timeout))


async def _ends(source: Source | AsyncIterator[bytes]) -> tuple[bytes, bytes, Source | AsyncIterator[bytes]]:
    """The first 64 KiB and the last 512 bytes, and the whole still to be read."""
    if not isinstance(source, AsyncIterator):
        head = b"".join([chunk async for chunk in source.read(0, min(source.size, formats.HEAD))])
        start = max(0, source.size - 512)
        return head, b"".join([chunk async for chunk in source.read(start, source.size - start)]), source
    chunks: list[bytes] = []
    async for chunk in source:
        chunks.append(chunk)
        if sum(map(len, chunks)) >= formats.HEAD:
            break

    async def whole() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk
        async for chunk in source:
            yield chunk

    return b"".join(chunks)[: formats.HEAD], b"", whole()


async def _once(cloud: Region, wanted: Wanted, way: Way, content: Source | Hashed, disk_format: str) -> Image:
    """One record, its content, and a look at whether it arrived."""
    images = cloud.image.images
    # What a stream comes to nobody knows before it was sent.
    kept = wanted.kept if isinstance(content, Hashed) else {}
    async with Undo(cloud) as undo:
        image = await new_record(cloud, undo, wanted.unverified if kept else wanted, disk_format)
        body = _body(content, wanted)
        async with closed_after(body):
            if way.imports:
                await images.stage(image.id, body, deadline=math.inf)
            else:
                await _put(cloud, image, body, way.timeout)
        await (check_given(content, wanted.sums) if isinstance(content, Hashed) else content.check())
        if way.imports:
            if (hashed := await hash_of_sent(content, USUAL)) is not None:
                kept = {**kept, **source_note(image.id, hashed)}
            await images.update(image.id, properties=kept)
            if not way.wait:
                await protect(cloud, undo, wanted, image)
            await start_import(cloud, image, _DIRECT, way.stores)
            if not way.wait:
                return await images.get(image.id)
        ready = await until_active(cloud, image.id, way.timeout)
        if not is_converted(image, ready):
            await check_arrived(ready, content)
        if kept and not way.imports:
            ready = await images.update(image.id, properties=kept)
        return await protect(cloud, undo, wanted, ready)


def _body(content: Source | Hashed, wanted: Wanted) -> Body:
    """What goes out, telling its progress; a file is hashed on its way, too, once for all the clouds that it goes to."""
    meter = Meter(f"image {wanted.name}", None if isinstance(content, Hashed) else content.size, wanted.progress)

    async def told(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async with closed_after(chunks):
            async for chunk in chunks:
                yield chunk
                meter.add(len(chunk))

    if isinstance(content, Hashed):
        return told(content.read())
    if isinstance(content, FileSource):
        content.hash_while_read(USUAL)

    def again() -> AsyncIterator[bytes]:
        meter.add(-meter.done)
        return told(content.read(0, content.size))

    return Replay(again, content.size)


async def _put(cloud: Region, image: Image, body: Body, patience: float) -> None:
    """A plain upload. After an end that nobody knows, the image's status tells whether it was one.

    A proxy that has waited long enough (504) says nothing of the service: it goes on, for `patience` seconds maybe. Where
    the connection broke, it soon takes the image back.
    """
    try:
        await cloud.image.images.upload(image.id, body, deadline=math.inf)
    except CloudError as error:
        if not is_ambiguous(error) and not isinstance(error, Conflict):
            raise
        late = isinstance(error, HTTPError) and error.status_code == HTTPStatus.GATEWAY_TIMEOUT

        async def look() -> Image:
            return await cloud.image.images.get(image.id)

        settled = await wait_for(
            look,
            lambda seen: seen.status != "saving",
            what=f"the end of the upload of {image.name}",
            timeout=patience if late else min(patience, _SOON),
        )
        if settled.status != "active":
            raise
