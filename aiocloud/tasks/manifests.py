"""What a large object is made of, read from its manifest."""

from __future__ import annotations

import base64
import hashlib
import logging
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from aiocloud._http import httpx
from aiocloud._json import load_json, mappings
from aiocloud.errors import ChecksumMismatch, NormalizationError, NotFound, Unsupported
from aiocloud.region import Region
from aiocloud.services.object_store.headers import split_path
from aiocloud.services.object_store.object import Object, Objects
from aiocloud.tasks.segments import Segment, manifest_etag, segments_container, segments_folder

__all__ = ["Manifest", "Slice", "read_manifest", "slices_of"]

_log = logging.getLogger("aiocloud.objects")

_DEEPEST = 10
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Slice:
    """A stretch of an object whose MD5 is known, or None where nobody can know it before it is read."""

    container: str
    name: str
    start: int
    size: int
    etag: str | None


@dataclass(frozen=True, slots=True)
class Manifest:
    """A static large object: the stretches of its content in order, and every object that it names."""

    slices: tuple[Slice, ...]
    all: tuple[Slice, ...]

    @property
    def size(self) -> int:
        """Bytes in all."""
        return sum(each.size for each in self.slices)


async def read_manifest(cloud: Region, objects: Objects, found: Object) -> Manifest:
    """What a static large object is made of. Raises NotFound, NormalizationError, and Unsupported where nobody can tell.

    One that arrives damaged is read again: an upload, or a removal, would end here.
    """
    for _ in range(_TRIES - 1):
        with suppress(NormalizationError):
            return await _read_once(cloud, objects, found)
    return await _read_once(cloud, objects, found)


async def _read_once(cloud: Region, objects: Objects, found: Object) -> Manifest:
    """Read it, or find out.

    Ceph's gateway answers with nothing (https://tracker.ceph.com/issues/78866). There it is made of those segments beside it
    whose MD5s together are its ETag.
    """
    response = await _manifest_of(objects, found.name)
    if response.content:
        return await _read(cloud, objects, found.name, response)
    for place in (segments_container(objects.container), objects.container):
        for segments in await _below(cloud, place, segments_folder(found.name)):
            if manifest_etag(segments) == found.etag and sum(each.size for each in segments) == found.content_length:
                slices = _in_a_row(segments)
                return Manifest(slices, slices)
    where = f"{objects.container}/{found.name}"
    error = Unsupported(
        f"the cloud does not tell what {where} is made of, and no segments that lie beside it make it up"
    )
    raise error.at(cloud.name, cloud.region_name, "object-store")


async def _below(cloud: Region, container: str, folder: str) -> Collection[Sequence[Segment]]:
    """The objects below a folder, folder by folder."""
    found: dict[str, list[Segment]] = {}
    with suppress(NotFound):
        async for each in cloud.object_store.objects(container).stream(prefix=folder):
            segment = Segment(container, each.name, each.content_length, each.etag)
            found.setdefault(each.name.rpartition("/")[0], []).append(segment)
    return found.values()


async def _manifest_of(objects: Objects, name: str) -> httpx.Response:
    return await objects.endpoint.get(objects.path(name), params={"multipart-manifest": "get"})


async def _read(cloud: Region, objects: Objects, name: str, response: httpx.Response, depth: int = 0) -> Manifest:
    """The rows of a manifest, those inside it too."""
    rows = mappings(load_json(response.content, f"the manifest of {objects.container}/{name}"))
    slices: list[Slice] = []
    everything: list[Slice] = []
    at = 0
    for row in rows:
        inner = _slice(row, at, f"{objects.container}/{name}")
        if row.get("sub_slo") and "range" not in row and depth < _DEEPEST:
            below = cloud.object_store.objects(inner.container)
            nested = await _read(cloud, below, inner.name, await _manifest_of(below, inner.name), depth + 1)
            slices += [Slice(s.container, s.name, at + s.start, s.size, s.etag) for s in nested.slices]
            everything += nested.all
        elif inner.size:
            slices.append(inner)
        if inner.container:
            everything.append(inner)
        at += inner.size
    return Manifest(tuple(slices), tuple(everything))


def _in_a_row(segments: Sequence[Segment]) -> tuple[Slice, ...]:
    starts = accumulate((each.size for each in segments), initial=0)
    return tuple(
        Slice(each.container, each.name, at, each.size, each.etag) for at, each in zip(starts, segments, strict=False)
    )


def _slice(row: Mapping[str, Any], at: int, what: str) -> Slice:
    """One row as Swift shows it: `name`, `bytes` and `hash`, with `range` when it is a part of that object.

    Or `data`, bytes that the manifest itself holds, in Base64. What Ceph's gateway is to show one day is as it was sent.
    """
    if "data" in row:
        data = _inline(row["data"], what)
        return Slice("", "", at, len(data), hashlib.md5(data, usedforsecurity=False).hexdigest())
    container, _, name = str(row.get("name") or row.get("path") or "").lstrip("/").partition("/")
    size = row.get("bytes", row.get("size_bytes", 0))
    if not isinstance(size, int):
        raise NormalizationError(f"the manifest of {what} holds a segment without a size")
    etag = None if "range" in row or row.get("sub_slo") else row.get("hash") or row.get("etag")
    if "range" in row:
        first, _, last = str(row["range"]).partition("-")
        size = int(last) - int(first) + 1 if first.isdigit() and last.isdigit() else size
    return Slice(container, name, at, size, str(etag) if etag else None)


def _inline(text: object, what: str) -> bytes:
    try:
        return base64.b64decode(str(text), validate=True)
    except ValueError:
        raise NormalizationError(f"the manifest of {what} holds data that is no Base64") from None


async def slices_of(cloud: Region, objects: Objects, found: Object) -> tuple[Slice, ...]:
    """The stretches of an object whose MD5s are known: one for a plain object, one a segment for a large one.

    One without an MD5 where nobody can tell what a large one is made of. Raises ChecksumMismatch when they don't make up the
    object: it was replaced meanwhile, or what says so is damaged.
    """
    if found.is_static_large_object:
        try:
            manifest = await read_manifest(cloud, objects, found)
        except Unsupported as error:
            _log.warning("%s: its content can't be compared with what was stored", error)
            return (Slice(objects.container, found.name, 0, found.content_length, None),)
        if manifest.size != found.content_length:
            raise _contradiction(found, manifest.size)
        return manifest.slices
    if found.object_manifest is not None:
        return await _dynamic(cloud, found)
    return (Slice(objects.container, found.name, 0, found.content_length, found.etag or None),)


def _contradiction(found: Object, size: int) -> ChecksumMismatch:
    return ChecksumMismatch(
        f"{found.container}/{found.name} has {found.content_length} bytes, and its segments together {size}"
    )


async def _dynamic(cloud: Region, found: Object) -> tuple[Slice, ...]:
    container, prefix = split_path(found.object_manifest or "")
    rows = [each async for each in cloud.object_store.objects(container).stream(prefix=prefix)]
    segments = [Segment(container, row.name, row.content_length, row.etag) for row in rows]
    size = sum(each.size for each in segments)
    if size != found.content_length:
        if segments and manifest_etag(segments) == found.etag:
            raise _contradiction(found, size)
        # The listing lags behind the object: what a GET brings is what there is.
        return (Slice(found.container, found.name, 0, found.content_length, None),)
    return _in_a_row(segments)
