"""Large objects of swift: static ones with a manifest, dynamic ones with a prefix.

API: https://docs.openstack.org/swift/latest/overview_large_objects.html
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from aiocloud.testing.http import Fail, Reply, Req
from aiocloud.testing.swift_bulk import Summary, wants_json
from aiocloud.testing.swift_store import Blob, Obj, Segment, TooLargeError, http_date

if TYPE_CHECKING:
    from aiocloud.testing.swift import Swift
    from aiocloud.testing.swift_objects import Objects

KEYS = frozenset({"path", "etag", "size_bytes", "range"})
DEPTH = 10
"""How deep manifests may nest."""


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes of one blob that belong to a download."""

    blob: Blob
    start: int
    stop: int


def check_place(manifest: str | None) -> None:
    """Refuse an `X-Object-Manifest` that names no container and prefix, as it is written."""
    if manifest is None:
        return
    container, _slash, prefix = manifest.partition("/")
    if not container or not prefix or prefix.startswith("/") or "?" in manifest or "&" in manifest:
        raise Fail(400, "X-Object-Manifest must be in the format container/prefix", "plain")


def parts_of(swift: Swift, account: str, obj: Obj, depth: int = 0) -> list[Part]:
    """Where an object's bytes are, in order; a `Fail` with 409 when a segment is gone or changed."""
    if obj.segments is not None:
        if depth >= DEPTH:
            raise Fail(409, "")
        return [part for one in obj.segments for part in segment_parts(swift, account, one, depth)]
    if "x-object-manifest" in obj.headers:
        segments = dynamic_segments(swift, account, obj)
        return [part for one in segments for part in (Part(one.blob, 0, one.blob.size),)]
    return [Part(obj.blob, 0, obj.blob.size)]


def segment_parts(swift: Swift, account: str, segment: Segment, depth: int) -> Iterator[Part]:
    """The bytes that one segment brings in."""
    if segment.data:
        yield Part(Blob.of(segment.data), 0, segment.size)
        return
    found = swift.lookup(account, *segment.path.lstrip("/").partition("/")[::2])
    if found is None or found.etag.strip('"') != segment.etag or found.size != segment.size:
        raise Fail(409, "")
    start, stop = segment.range or (0, segment.size)
    position = 0
    for part in parts_of(swift, account, found, depth + 1):
        length = part.stop - part.start
        low, high = max(start - position, 0), min(stop - position, length)
        position += length
        if low < high:
            yield Part(part.blob, part.start + low, part.start + high)


def read(parts: list[Part], start: int, stop: int) -> Iterator[bytes]:
    """The bytes from `start` up to `stop` of all parts together."""
    position = 0
    for part in parts:
        length = part.stop - part.start
        low, high = max(start - position, 0), min(stop - position, length)
        position += length
        if low < high:
            yield from part.blob.slices(part.start + low, part.start + high)
        if position >= stop:
            return


# Static


async def put_manifest(objects: Objects, req: Req) -> Reply:
    """PUT ?multipart-manifest=put: check every segment, then store the manifest."""
    swift = objects.swift
    try:
        body = await Blob.receive(req.stream, limit=swift.max_manifest_size)
    except TooLargeError:
        raise Fail(413, f"Manifest File > {swift.max_manifest_size} bytes", "plain") from None
    wished = read_manifest(swift, b"".join(body.pieces))
    segments: list[Segment] = []
    problems: list[tuple[str, str]] = []
    for one in wished:
        found = check_segment(swift, req.args["account"], one)
        if isinstance(found, str):
            problems.append((one.get("path", ""), found))
        else:
            segments.append(found)
    summary = Summary(wants_json(req), heartbeat=req.flag("heartbeat") is True)
    if problems:
        return summary.refused(problems)
    etag = slo_etag(segments)
    given = req.headers.get("etag", "").strip('"')
    if given and given != (body.md5 if swift.as_ceph else etag):
        raise Fail(422, "")
    obj = objects.fresh(req, Blob.of(json.dumps([one.shown() for one in segments]).encode()))
    obj.segments, obj.slo_etag = segments, etag
    objects.store(req, obj)
    if summary.heartbeat:
        return summary.stored(obj.etag, http_date(obj.timestamp))
    return objects.created(obj)


def read_manifest(swift: Swift, text: bytes) -> list[dict[str, Any]]:
    """The segments that a manifest names; a `Fail` with 400 or 413 when it isn't one."""
    try:
        value = json.loads(text)
    except ValueError:
        raise Fail(400, "Manifest must be valid JSON.\n", "plain") from None
    if not isinstance(value, list):
        raise Fail(400, "Manifest must be a list.\n", "plain")
    found: list[Any] = value  # pyright: ignore[reportUnknownVariableType]
    if len(found) > swift.max_manifest_segments:
        raise Fail(413, f"Number of segments must be <= {swift.max_manifest_segments}", "plain")
    problems: list[str] = []
    for index, one in enumerate(found):
        if not isinstance(one, dict):
            problems.append(f"Index {index}: not a JSON object")
            continue
        if "data" in one:
            continue
        odd = sorted(str(key) for key in one if key not in KEYS)  # pyright: ignore[reportUnknownArgumentType,reportUnknownVariableType]
        if odd:
            problems.append(f"Index {index}: extraneous keys {', '.join(map(json.dumps, odd))}")
        if "path" not in one:
            problems.append(f'Index {index}: missing keys "path"')
        elif "/" not in str(one["path"]).strip("/"):  # pyright: ignore[reportUnknownArgumentType]
            problems.append(
                f"Index {index}: path does not refer to an object. Path must be of the form /container/object."
            )
    if problems:
        raise Fail(400, "".join(line + "\n" for line in problems), "plain")
    return found


def check_segment(swift: Swift, account: str, wish: dict[str, Any]) -> Segment | str:
    """A segment as it is stored, or what is wrong with it."""
    if "data" in wish:
        data = b64decode(str(wish["data"]))
        return Segment("", hashlib.md5(data, usedforsecurity=False).hexdigest(), len(data), "", 0, data=data)
    path = "/" + str(wish["path"]).strip("/")
    obj = swift.lookup(account, *path.lstrip("/").partition("/")[::2])
    if obj is None:
        return "404 Not Found"
    etag, size = obj.etag.strip('"'), obj.size
    if wish.get("etag") not in {None, "", etag}:
        return "Etag Mismatch"
    if wish.get("size_bytes") is not None and int(wish["size_bytes"]) != size:
        return "Size Mismatch"
    segment = Segment(path, etag, size, obj.content_type, int(obj.created), sub_slo=obj.segments is not None)
    if wish.get("range"):
        segment.range = read_segment_range(str(wish["range"]), size)
        if segment.range is None:
            return "Unsatisfiable Range"
        if segment.range == (0, size):
            segment.range = None
    if segment.length < swift.min_segment_size:
        return f"Too Small; each segment must be at least {swift.min_segment_size} byte."
    return segment


def read_segment_range(text: str, size: int) -> tuple[int, int] | None:
    """A range ("2-4", "2-" or "-4") as first byte and the one after the last; None outside the segment."""
    low, _dash, high = text.partition("-")
    if not low:
        return (max(size - int(high), 0), size) if high.isdigit() and int(high) else None
    start, stop = int(low), min(int(high) + 1, size) if high else size
    return (start, stop) if start < stop else None


def slo_etag(segments: list[Segment]) -> str:
    """A static large object's ETag, without quotes: the hash of its segments' hashes and ranges."""
    digest = hashlib.md5(usedforsecurity=False)
    for one in segments:
        digest.update(f"{one.etag}:{one.range_text};".encode() if one.range else one.etag.encode())
    return digest.hexdigest()


def manifest(swift: Swift, req: Req, obj: Obj) -> Reply:
    """GET ?multipart-manifest=get, and with format=raw as it may be sent again. Ceph's gateway shows nothing."""
    segments = obj.segments or []
    headers = {
        "x-static-large-object": "True",
        "last-modified": http_date(obj.timestamp),
        "accept-ranges": "bytes",
        **obj.headers,
    }
    if req.get("format") == "raw":
        text = json.dumps([one.raw() for one in segments], sort_keys=True).encode()
        etag, kind = hashlib.md5(text, usedforsecurity=False).hexdigest(), obj.content_type
    else:
        text, etag, kind = b"".join(obj.blob.pieces), obj.blob.md5, "application/json; charset=utf-8"
    if swift.as_ceph:
        text = b""
    content = b"" if req.method == "HEAD" else text
    return Reply(200, content, {"content-type": kind, "etag": etag, "content-length": str(len(text)), **headers})


def delete_with_segments(swift: Swift, req: Req) -> Reply:
    """DELETE ?multipart-manifest=delete: a static large object and what it is made of; always 200."""
    account, container, name = (req.args[key] for key in ("account", "container", "object"))
    summary = Summary(wants_json(req))
    obj = swift.lookup(account, container, name)
    if obj is None:
        summary.missing += 1
    elif obj.segments is None:
        summary.errors.append((f"/{container}/{name}", "Not an SLO manifest"))
    else:
        for path in [*paths_below(swift, account, obj), f"/{container}/{name}"]:
            summary.delete(swift, account, path)
    return summary.reply()


def paths_below(swift: Swift, account: str, obj: Obj) -> Iterator[str]:
    """The segments of a static large object, those of nested ones first."""
    for one in obj.segments or ():
        if one.data:
            continue
        inner = swift.lookup(account, *one.path.lstrip("/").partition("/")[::2])
        if inner is not None and inner.segments is not None:
            yield from paths_below(swift, account, inner)
        yield one.path


# Dynamic


def dynamic_segments(swift: Swift, account: str, obj: Obj) -> list[Obj]:
    """The objects that begin with a dynamic large object's prefix, in order."""
    container, _slash, prefix = unquote(obj.headers["x-object-manifest"]).partition("/")
    box = swift.account(account).containers.get(container)
    names = [name for name in box.names() if name.startswith(prefix)] if box else []
    found = [swift.lookup(account, container, name) for name in names]
    return [one for one in found if one is not None and one is not obj]


def dynamic_etag(swift: Swift, account: str, obj: Obj) -> str:
    """A dynamic large object's ETag: the hash of its segments' hashes, in quotes."""
    hashes = "".join(one.blob.md5 for one in dynamic_segments(swift, account, obj))
    return f'"{hashlib.md5(hashes.encode(), usedforsecurity=False).hexdigest()}"'
