"""Getting content into Swift so that what is stored is what was read.

Every piece is hashed while it is sent and its MD5 compared with the ETag that Swift answers; a piece that differs, or whose
way breaks, is sent again. Memory: for a file 256 KiB for each worker thread (or, behind a proxy, `pieces under way x 1.5 MiB`),
for a stream `(pieces under way + 1) x segment size`, where at most 64 MiB of pieces (at least two) are under way; pieces above
32 MiB wait in temporary files.
"""

from __future__ import annotations

import logging
import math
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import anyio

from aiocloud._http import httpx
from aiocloud.concurrent import concurrently, each_of
from aiocloud.errors import ChecksumMismatch, CloudError, HTTPError, NotFound, RateLimited
from aiocloud.progress import Meter, Part
from aiocloud.reconcile import is_ambiguous
from aiocloud.services.object_store.capabilities import Capabilities
from aiocloud.services.object_store.object import Objects
from aiocloud.tasks.digests import Digests
from aiocloud.tasks.segments import Cut, Segment, range_of, segments_prefix, stream_segment_size
from aiocloud.tasks.sources import CHUNK, FileSource, Source, Spool
from aiocloud.tasks.streams import closed_after
from aiocloud.tasks.window import Window, had_trouble
from aiocloud.transport.body import Body, Draw, Replay

__all__ = ["Piece", "are_of", "put_piece", "send_file", "send_stream"]

_log = logging.getLogger("aiocloud.objects")

_TRIES = 4
_FIRST_PAUSE = 0.25  # seconds, doubled with each try
_STREAM_MEMORY = 64 * 1024 * 1024
_LOOKS = 4
"""Segments that are there are compared so many at a time."""


@dataclass
class Piece:
    """A range of a source, on its way to an object."""

    source: Source
    start: int
    size: int
    digests: Digests = field(default_factory=lambda: Digests(["md5"]))
    stored: set[str] = field(default_factory=set[str])
    """The ETags under which Swift may have it, of each time that it was sent."""

    @property
    def etag(self) -> str:
        """Its MD5, once it was read."""
        return self.digests.values()["md5"]


async def put_piece(
    objects: Objects,
    name: str,
    piece: Piece,
    meter: Meter,
    *,
    headers: Mapping[str, str | None] | None = None,
    missing: Callable[[], Any] | None = None,
) -> httpx.Response:
    """Store a piece as an object, sent as often as it takes until Swift has what was read.

    `missing` is awaited when the container is not there. Raises ChecksumMismatch when every time something else arrived.
    """
    part = meter.part()
    for attempt in range(1, _TRIES + 1):
        try:
            content, known = await _body(piece, part)
            try:
                response = await objects.put(
                    name, content, headers={**(headers or {}), "ETag": known}, deadline=math.inf
                )
            finally:
                piece.stored.add(piece.etag)
        except CloudError as error:
            if isinstance(error, NotFound) and missing is not None and attempt == 1:
                await missing()
                part.restart()
                continue
            if not isinstance(error, NotFound) and not _can_try_again(error):
                raise
            if attempt == _TRIES:
                raise
            trouble = str(error)
        else:
            etag = response.headers.get("etag", "").strip('"')
            piece.stored.add(etag)
            if etag == piece.etag:
                return response
            trouble = f"MD5 {piece.etag} was sent, {etag or 'nothing'} arrived"
            if attempt == _TRIES:
                raise ChecksumMismatch(f"object {objects.container}/{name}: {trouble}")
        _log.warning("object %s/%s is sent again: %s", objects.container, name, trouble)
        part.restart()
        await anyio.sleep(_FIRST_PAUSE * 2 ** (attempt - 1))
    raise AssertionError  # the loop returns or raises


def _can_try_again(error: CloudError) -> bool:
    """422 says that it arrived damaged, 408 and 499 that it arrived in part."""
    if isinstance(error, HTTPError) and error.status_code in (408, 422, 499):
        return True
    return is_ambiguous(error) or isinstance(error, RateLimited)


async def _body(piece: Piece, part: Part) -> tuple[Body, str | None]:
    """What to send, and its MD5 where it is known beforehand: one chunk is hashed first, and Swift itself refuses damage."""
    draw = _draw_of(piece, part)
    if piece.size <= CHUNK and draw is None:
        piece.digests = Digests(["md5"])
        data = await piece.source.take(piece.start, piece.size, piece.digests)
        piece.stored.add(piece.etag)
        part.add(len(data))
        return data, piece.etag

    async def chunks_again() -> AsyncIterator[bytes]:
        part.restart()
        piece.digests = Digests(["md5"])
        left = piece.size
        chunks = piece.source.read(piece.start, piece.size, piece.digests)
        async with closed_after(chunks):
            async for chunk in chunks:
                left -= len(chunk)
                if not left:
                    piece.stored.add(piece.etag)  # from here on Swift may have all of it
                yield chunk
                part.add(len(chunk))

    return Replay(chunks_again, piece.size, draw), None


def _draw_of(piece: Piece, part: Part) -> Callable[[], Draw] | None:
    """How worker threads read it themselves: not where several read all of the same file, once for all of them."""
    source = piece.source
    if isinstance(source, FileSource) and (source.alone or piece.size < source.size):
        return partial(_Drawing, piece, source, part)
    return None


class _Drawing:
    """A piece of a file that worker threads read, hash and send."""

    def __init__(self, piece: Piece, source: FileSource, part: Part) -> None:
        part.restart()
        piece.digests = Digests(["md5"])
        self._part = part
        self._piece = piece
        self._source = source
        self._hashed = 0

    def fill(self, part: memoryview, at: int) -> None:
        """The piece from there on; what is asked for again was hashed before."""
        piece = self._piece
        self._source.fill_now(part, piece.start + at)
        piece.digests.update_now(part[self._hashed - at :])
        self._hashed = max(self._hashed, at + len(part))
        if self._hashed == piece.size:
            piece.stored.add(piece.etag)  # from here on Swift may have all of it

    def went(self, count: int) -> None:
        """So many more bytes went out."""
        self._part.add(count)


async def md5_of(source: Source, start: int, size: int) -> str:
    """The MD5 of a range, read from the source."""
    digests = Digests(["md5"])
    async for _ in source.read(start, size, digests):
        pass
    return digests.values()["md5"]


@dataclass
class Sending:
    """Segments on their way into one container."""

    objects: Objects
    prefix: str
    meter: Meter
    missing: Callable[[], Any]
    window: Window
    segments: dict[int, Segment] = field(default_factory=dict[int, Segment])

    async def send(self, index: int, piece: Piece) -> None:
        """Send one segment; its slot in the window is taken already, and given back here."""
        trouble = False
        try:
            name = segment_name(self.prefix, index)
            response = await put_piece(self.objects, name, piece, self.meter, missing=self.missing)
            trouble = had_trouble(response)
        finally:
            self.window.release(index)
        self.segments[index] = Segment(self.objects.container, name, piece.size, piece.etag)
        self.window.ended(piece.size, trouble=trouble)

    def sent(self) -> list[Segment]:
        """All segments, in order."""
        return [self.segments[index] for index in sorted(self.segments)]


def _window(segment_size: int) -> Window:
    """Small segments are bound by latency, large ones by bandwidth."""
    return Window(start=8, most=32) if segment_size <= 4 * CHUNK else Window(start=4, most=16)


async def send_file(
    objects: Objects,
    source: Source,
    plan: Cut,
    prefix: str,
    meter: Meter,
    *,
    missing: Callable[[], Any],
    there: Mapping[str, Segment],
) -> list[Segment]:
    """Send all segments of something that can be read from any place, save those that are `there`: see `are_of`."""
    sending = Sending(objects, prefix, meter, missing, _window(plan.segment_size))
    async with concurrently() as tasks:
        for index in range(plan.count):
            start, size = range_of(plan, index)
            known = there.get(segment_name(prefix, index))
            if known is not None:
                sending.segments[index] = known
                meter.add(size)
                continue
            await sending.window.acquire(index)
            tasks.start_soon(sending.send, index, Piece(source, start, size))
    return sending.sent()


async def are_of(source: Source, plan: Cut, prefix: str, there: Mapping[str, Segment]) -> bool:
    """Are the segments that are there what would be sent under their names, and no others?"""
    indexes = {segment_name(prefix, index): index for index in range(plan.count)}
    if not there.keys() <= indexes.keys():
        return False
    wrong = list[str]()

    async def look(name: str) -> None:
        start, size = range_of(plan, indexes[name])
        known = there[name]
        if not wrong and (known.size != size or await md5_of(source, start, size) != known.etag):
            wrong.append(name)

    await each_of([*there], look, _LOOKS)
    return not wrong


def segment_name(prefix: str, index: int) -> str:
    """What a segment is called; names sort as the segments do."""
    return f"{prefix}{index:08d}"


async def send_stream(
    objects: Objects,
    pieces: AsyncIterator[tuple[int, Spool]],
    prefix: str,
    meter: Meter,
    *,
    segment_size: int,
    missing: Callable[[], Any],
) -> list[Segment]:
    """Send the pieces of a stream as they come; the next one is read only when there is room for it."""
    most = max(2, min(8, _STREAM_MEMORY // segment_size))
    sending = Sending(objects, prefix, meter, missing, Window(start=most, most=most))

    async def one(index: int, spool: Spool) -> None:
        try:
            await sending.send(index, Piece(spool, 0, spool.size))
        finally:
            spool.close()

    async with concurrently() as tasks:
        async for index, spool in pieces:
            await sending.window.acquire(index)
            tasks.start_soon(one, index, spool)
    return sending.sent()


async def pieces_of(
    chunks: AsyncIterator[bytes], wanted: int | None, can: Capabilities, spools: ExitStack
) -> AsyncGenerator[tuple[int, Spool], None]:
    """A stream cut into pieces, numbered from 0; at least one, which may be empty.

    Whoever is through with a piece closes it; `spools` closes what nobody came to.
    """

    def begin() -> Spool:
        spool = Spool()
        spools.callback(spool.close)
        return spool

    index, spool = 0, begin()
    full = stream_segment_size(wanted, can, index)
    async for chunk in chunks:
        rest = memoryview(chunk)
        while len(rest):
            if spool.size == full:
                yield index, spool
                index, spool = index + 1, begin()
                full = stream_segment_size(wanted, can, index)
            taken, rest = rest[: full - spool.size], rest[full - spool.size :]
            await spool.add(bytes(taken))
    yield index, spool


def new_prefix(name: str, segment_size: int) -> str:
    """The prefix of an upload whose content has no version that would be the same next time."""
    return segments_prefix(name, uuid.uuid4().hex, segment_size)
