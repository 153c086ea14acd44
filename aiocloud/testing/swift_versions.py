"""Older versions that a container keeps itself, with `X-Versions-Enabled`: each object is a static link to its newest one.

API: https://docs.openstack.org/swift/latest/middleware.html#object-versioning
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import dropwhile, islice
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from aiocloud.testing.http import Fail, Reply, Req
from aiocloud.testing.swift_store import Blob, Container, Obj, http_date, timestamp_text

if TYPE_CHECKING:
    from aiocloud.testing.swift import Swift

MARKER = "application/x-deleted;swift_versions_deleted=1"
NULL = "null"
"""The version of what was stored while none were kept."""
ENABLED = "x-versions-enabled"


def change(box: Container, req: Req) -> None:
    """Switch the keeping of versions on or off; a `Fail` with 400 where they go to another container."""
    wish = req.headers.get(ENABLED)
    if wish is None:
        return
    if {"x-versions-location", "x-history-location"} & {*box.headers, *req.headers}:
        words = (
            "Cannot enable object versioning on a container that is already using the legacy versioned writes feature."
        )
        raise Fail(400, words, "plain")
    box.headers[ENABLED] = str(wish.lower() in {"true", "1", "yes", "on", "t", "y"})


def keeps(box: Container) -> bool:
    """Does it keep versions at the moment?"""
    return box.headers.get(ENABLED) == "True"


def stored(box: Container, obj: Obj) -> None:
    """Number an object that is about to be stored, and keep what it replaces."""
    obj.version = ""
    if not keeps(box):
        return
    _retire(box, obj.name)
    obj.version = timestamp_text(obj.created)
    box.versions.setdefault(obj.name, []).insert(0, obj)


def dropped(box: Container, name: str, now: float) -> None:
    """Note that an object is about to be deleted, and keep it."""
    if keeps(box):
        _retire(box, name)
        marker = Obj(name, Blob.of(b""), MARKER, now, created=now, version=timestamp_text(now))
        box.versions.setdefault(name, []).insert(0, marker)


def _retire(box: Container, name: str) -> None:
    """Keep an object that was stored while no versions were kept."""
    old = box.objects.get(name)
    if old is not None and not old.version:
        box.versions.setdefault(name, []).insert(0, old)


def versions(box: Container) -> Iterator[tuple[Obj, bool]]:
    """All there are, by name, the newest first, each with whether it is the latest one."""
    for name in sorted({*box.objects, *box.versions}):
        kept, current = box.versions.get(name, []), box.objects.get(name)
        all_of_it = kept if current is None or current in kept else [current, *kept]
        yield from ((each, position == 0) for position, each in enumerate(all_of_it))


def find(box: Container, name: str, version: str) -> Obj | None:
    """One version of an object; None when there is none, or when it says that the object was deleted."""
    found = next((each for each, _ in versions(box) if (each.name, each.version or NULL) == (name, version)), None)
    return None if found is None or found.content_type == MARKER else found


def remove(box: Container, name: str, version: str) -> None:
    """Remove one version for good; a `Fail` with 404 when it is not there."""
    kept = box.versions.get(name, [])
    found = next((each for each, _ in versions(box) if (each.name, each.version or NULL) == (name, version)), None)
    if found is None:
        raise Fail(404, "")
    if box.objects.get(name) is found:
        box.drop(name)
    box.versions[name] = [each for each in kept if each is not found]
    if not box.versions[name]:
        del box.versions[name]


def listed(swift: Swift, box: Container, req: Req) -> list[dict[str, Any]]:
    """What `?versions` lists, in pages that `marker` and `version_marker` begin."""
    prefix, marker, after = req.get("prefix") or "", req.get("marker") or "", req.get("version_marker")
    rows = [(each, latest) for each, latest in versions(box) if each.name.startswith(prefix) and each.name >= marker]
    if after is not None:
        rows = list(dropwhile(lambda row: (row[0].name, row[0].version or NULL) != (marker, after), rows))[1:]
    elif marker:
        rows = [row for row in rows if row[0].name > marker]
    found: list[dict[str, Any]] = []
    for each, latest in islice(rows, swift.read_listing(req).limit):
        entry = swift.entry(replace(each, version=""), req.args["account"], box)
        found.append({**entry, "version_id": each.version or NULL, "is_latest": latest})
    return found


def headers(box: Container, obj: Obj) -> dict[str, str]:
    """What is said of an object's version, where the container keeps any or once did."""
    return {"x-object-version-id": obj.version or NULL} if ENABLED in box.headers or obj.version else {}


def path(box: Container, obj: Obj) -> str:
    """Where the newest version of an object is, as `container/object`."""
    return f"{quote(box.name)}/{quote(obj.name)}?version-id={obj.version}"


def as_link(box: Container, obj: Obj) -> Reply:
    """The link that an object is to its newest version."""
    empty = Blob.of(b"")
    return Reply(
        200,
        b"",
        {
            "content-type": obj.content_type,
            "content-length": "0",
            "etag": empty.md5,
            "last-modified": http_date(obj.timestamp),
            "x-timestamp": timestamp_text(obj.timestamp),
            "accept-ranges": "bytes",
            **{name: value for name, value in obj.headers.items() if name.startswith("x-object-meta-")},
            "x-symlink-target": path(box, obj),
            "x-symlink-target-etag": obj.stored_etag,
            "x-symlink-target-bytes": str(obj.size),
            **headers(box, obj),
        },
    )
