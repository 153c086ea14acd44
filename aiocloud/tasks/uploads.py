"""One object on its way up: whole, or in segments with a manifest; and what is taken back when it does not arrive."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import ExitStack, aclosing, suppress
from dataclasses import dataclass

import anyio

from aiocloud.concurrent import concurrently
from aiocloud.errors import (
    ChecksumMismatch,
    CloudError,
    HTTPError,
    NotFound,
    Timeout,
    TransportError,
    Unsupported,
)
from aiocloud.progress import Meter
from aiocloud.region import Region
from aiocloud.services.object_store.capabilities import Capabilities
from aiocloud.services.object_store.container import Container
from aiocloud.services.object_store.headers import quoted_path, split_path
from aiocloud.services.object_store.object import Object, Objects
from aiocloud.tasks import removal
from aiocloud.tasks.pieces import Piece, are_of, new_prefix, pieces_of, put_piece, send_file, send_stream
from aiocloud.tasks.segments import (
    Cut,
    Segment,
    cut,
    manifest,
    manifest_etag,
    segments_container,
    segments_prefix,
    stream_segment_size,
)
from aiocloud.tasks.sources import FileSource, Source, Spool
from aiocloud.tasks.streams import closed_after
from aiocloud.tasks.undo import Undo

__all__ = ["CHEAP", "Upload"]

_log = logging.getLogger("aiocloud.objects")

_COMMIT = 120.0
"""Seconds that putting the new object in place of the old one may take; a cancellation waits for its end."""
CHEAP = 256 * 1024
"""A body up to here is sent before we know that its container is there."""
_MANIFEST_TRIES = 4


@dataclass
class Upload:
    """One object, how it is to be, and how it is to be sent."""

    cloud: Region
    objects: Objects
    name: str
    headers: Mapping[str, str | None]
    can: Capabilities
    meter: Meter
    segment_size: int | None = None
    use_slo: bool = True
    keep_segments: bool = False

    def __post_init__(self) -> None:
        self._beside = self.cloud.object_store.objects(segments_container(self.objects.container))
        self._old: Object | None = None
        self._before: list[tuple[str, str]] = []
        self._older = set[tuple[str, str]]()
        self._finishing = False

    async def send(self, source: Source | AsyncIterator[bytes], old: Object | None) -> None:
        """Put the content in place of `old`, and remove what `old` was made of once the new one is complete."""
        async with Undo(self.cloud) as undo:
            await self._send(undo, source, old)

    async def send_and_look(self, source: Source | AsyncIterator[bytes], old: Object | None) -> Object:
        """The same, and give what came of it."""
        async with Undo(self.cloud) as undo:
            await self._send(undo, source, old)
            return await self.objects.get(self.name)

    async def _send(self, undo: Undo, source: Source | AsyncIterator[bytes], old: Object | None) -> None:
        self._old = old
        self._before = await self._segments_of(old)
        if isinstance(source, AsyncIterator):
            with ExitStack() as spools:
                cut_up = pieces_of(source, self.segment_size, self.can, spools)
                async with closed_after(source), aclosing(cut_up) as pieces:
                    await self._stream(undo, pieces)
            return
        plan = cut(source.size, self.segment_size, self.can, use_slo=self.use_slo)
        if plan.whole:
            await self._whole(undo, source)
        else:
            await self._in_segments(undo, source, plan)

    async def _segments_of(self, old: Object | None) -> list[tuple[str, str]]:
        """The segments of what is replaced; none where the container keeps older versions, which need theirs.

        Nor objects of their own, from which somebody has put it together.
        """
        if old is None or not old.is_large or await removal.keeps_versions(self.cloud, self.objects.container):
            return []
        parts = await self._parts(old)
        return [each for each in parts if removal.is_segment(self.name, each)]

    async def _parts(self, found: Object) -> list[tuple[str, str]]:
        """What a large object is made of, as far as it can be told."""
        try:
            return await removal.segments_of(self.cloud, self.objects, found)
        except Unsupported as error:
            _log.warning("%s: should it be replaced, they stay", error)
            return []

    async def _replaced(self, segments: list[Segment]) -> None:
        """The new object is in place: nothing needs the old one's segments any more."""
        now = {(each.container, each.name) for each in segments}
        stale = [each for each in dict.fromkeys(self._before) if each not in now]
        if stale:
            await removal.delete_many(self.cloud, stale)
            if not now:
                await removal.remove_if_empty(self.cloud, self._beside.container)

    # Whole

    async def _whole(self, undo: Undo, source: Source) -> None:
        """One PUT; a large body is not sent on the chance that its container is there."""

        async def missing() -> None:
            if not await self._containers(self.objects.container):
                await self._make(undo, self.objects.container)

        if self._old is None and source.size > CHEAP:
            await missing()
        piece = Piece(source, 0, source.size)
        try:
            await put_piece(self.objects, self.name, piece, self.meter, headers=self.headers, missing=missing)
            await source.check()
        except CloudError as error:
            if not isinstance(error, HTTPError):
                # Damaged, of a file that changed meanwhile, or there without our knowing.
                self._taking_back(undo, piece, good=isinstance(error, TransportError | Timeout))
            raise
        except anyio.get_cancelled_exc_class():
            self._taking_back(undo, piece, good=True)
            raise
        self._taking_back(undo, piece, good=True)
        await self._commit([])

    def _taking_back(self, undo: Undo, piece: Piece, *, good: bool) -> None:
        async def take_back(_: str) -> None:
            """Remove what the PUT may have stored, and nothing else; a new whole may stay where there was an old one."""
            found = await self.objects.itself(self.name)
            if found is None:
                return
            if self._old is not None and (found.etag == self._old.etag or (good and found.etag == piece.etag)):
                return
            if found.etag not in piece.stored:
                raise CloudError(f"something else is there by now, which has ETag {found.etag}")
            await self.objects.delete(self.name)

        undo.made("object", f"{self.objects.container}/{self.name}", None, take_back)

    # In segments

    async def _in_segments(self, undo: Undo, source: Source, plan: Cut) -> None:
        """A file's segments have names that the next attempt finds again."""
        size = plan.segment_size
        prefix, there = new_prefix(self.name, size), dict[str, Segment]()
        made = await self._prepare(undo)
        if isinstance(source, FileSource):
            named = segments_prefix(self.name, source.version, size)
            there = await self._there(named) if made else {}
            # What is there and differs may be what an object is made of: it is never written over.
            if await are_of(source, plan, named, there):
                prefix = named
            else:
                there = {}
        await self._undoable(undo, prefix, there)
        segments = await send_file(
            self._beside, source, plan, prefix, self.meter, missing=lambda: self._prepare(undo), there=there
        )
        await source.check()
        await self._finish(prefix, segments)

    async def _stream(self, undo: Undo, pieces: AsyncIterator[tuple[int, Spool]]) -> None:
        """A stream that ends within its first piece is an object like any other."""
        _, first = await anext(pieces)
        second = await anext(pieces, None)
        if second is None:
            await self._whole(undo, first)
            return

        async def all_pieces() -> AsyncGenerator[tuple[int, Spool], None]:
            yield 0, first
            yield second
            async for piece in pieces:
                yield piece

        size = stream_segment_size(self.segment_size, self.can, 0)
        prefix = new_prefix(self.name, size)
        await self._prepare(undo)
        await self._undoable(undo, prefix, {})
        async with aclosing(all_pieces()) as cut_up:
            segments = await send_stream(
                self._beside,
                cut_up,
                prefix,
                self.meter,
                segment_size=size,
                missing=lambda: self._prepare(undo),
            )
        await self._finish(prefix, segments)

    async def _prepare(self, undo: Undo) -> bool:
        """Both containers are there. False: there can be no segments yet."""
        place, beside = self.objects.container, self._beside.container
        found = await self._containers(place, beside)
        here = found.get(place)
        if here is None:
            await self._make(undo, place)
        if beside not in found:
            # Whoever may read the objects may read their segments.
            like = {} if here is None else {"read_acl": here.read_acl, "storage_policy": here.storage_policy}
            await self._make(undo, beside, **like)
        return beside in found

    async def _undoable(self, undo: Undo, prefix: str, there: Mapping[str, Segment]) -> None:
        """The segments will be taken back should this fail; not those that an older version may be made of."""
        if there and await removal.keeps_versions(self.cloud, self.objects.container):
            self._older = {(each.container, each.name) for each in there.values()}

        async def clean(_: str) -> None:
            await self._remove_below(prefix)

        if not self.keep_segments:
            undo.made("segments", f"{self._beside.container}/{prefix}", self.name, clean)

    async def _containers(self, *names: str) -> dict[str, Container]:
        """Those of them that are there."""
        found: dict[str, Container] = {}

        async def look(name: str) -> None:
            with suppress(NotFound):
                found[name] = await self.cloud.object_store.containers.get(name)

        async with concurrently() as tasks:
            for name in names:
                tasks.start_soon(look, name)
        return found

    async def _make(self, undo: Undo, name: str, **settings: str | None) -> None:
        ours = True

        async def remove(_: str) -> None:
            if ours:  # and not somebody else's who was faster
                await removal.remove_if_empty(self.cloud, name)

        undo.made("container", name, name, remove)
        ours = await self.cloud.object_store.containers.ensure(name, **settings)

    async def _there(self, prefix: str) -> dict[str, Segment]:
        """What an earlier attempt has left."""
        place = self._beside.container
        listed = self._beside.stream(prefix=prefix)
        return {each.name: Segment(place, each.name, each.content_length, each.etag) async for each in listed}

    async def _remove_below(self, prefix: str) -> None:
        """Remove what a failed upload has sent, until none shows up any more, save what an object is made of.

        Our manifest, if its end is not known, may be in place: an object that was not there before goes with its segments,
        one that was is the new one now, and complete. What others put there meanwhile stays.
        """
        found = await self.objects.itself(self.name)
        ours = found is not None and self._finishing and await self._is_made_of(found, prefix)
        if ours and self._old is None:
            await self.objects.delete(self.name)
            found = None
        elif ours:
            return
        in_use = {*self._older}
        if found is not None:
            in_use |= {*self._before, *await self._parts(found)}
        for _ in range(3):
            try:
                names = [(self._beside.container, each.name) async for each in self._beside.stream(prefix=prefix)]
            except NotFound:
                return
            left = [each for each in names if each not in in_use]
            if not left:
                return
            await removal.delete_many(self.cloud, left)

    async def _is_made_of(self, found: Object, prefix: str) -> bool:
        """Does it consist of what this upload has sent?"""
        beside = self._beside.container
        if found.object_manifest is not None:
            return split_path(found.object_manifest) == (beside, prefix)
        return any(place == beside and name.startswith(prefix) for place, name in await self._parts(found))

    async def _finish(self, prefix: str, segments: list[Segment]) -> None:
        """Make the segments one object, in place of whatever is there by now."""
        self._before += await self._segments_of(await self.objects.itself(self.name))
        self._finishing = True

        async def put() -> None:
            if self.use_slo and self.can.slo is not None:
                await self._put_manifest(segments)
            else:
                headers = {**self.headers, "X-Object-Manifest": quoted_path(self._beside.container, prefix)}
                await self.objects.put(self.name, b"", headers=headers)

        await self._commit(segments, put)

    async def _commit(self, segments: list[Segment], put: Callable[[], Awaitable[object]] | None = None) -> None:
        """Put the new object in place, and the old one's segments away. A cancellation waits until that is done."""
        with anyio.move_on_after(_COMMIT, shield=True) as scope:
            if put is not None:
                await put()
            await self._replaced(segments)
        if scope.cancelled_caught:
            raise Timeout(f"{self.objects.container}/{self.name} was not complete within {_COMMIT:g} seconds")

    async def _put_manifest(self, segments: list[Segment]) -> None:
        """A static large object's manifest, sent until Swift has it as it is meant.

        Its ETag is sent along every other time: Ceph's gateway takes it for the manifest's own, and refuses it with 422.
        """
        etag = manifest_etag(segments)
        for attempt in range(1, _MANIFEST_TRIES + 1):
            try:
                response = await self.objects.put(
                    self.name,
                    manifest(segments),
                    headers={**self.headers, "ETag": etag if attempt % 2 else None},
                    params={"multipart-manifest": "put"},
                )
            except HTTPError as error:
                # A segment that a storage node has not seen yet, or a manifest that was damaged on the way.
                if error.status_code not in (400, 409, 422) or attempt == _MANIFEST_TRIES:
                    raise
            else:
                stored = response.headers.get("etag", "").strip('"')
                if stored == etag:
                    return
                if attempt == _MANIFEST_TRIES:
                    raise ChecksumMismatch(f"the manifest of {self.name} has ETag {stored} where {etag} is right")
            await anyio.sleep(0.25 * 2**attempt)
