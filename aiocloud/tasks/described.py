"""What is said of an object besides its content, and whether one that is there has the same content already."""

from __future__ import annotations

import mimetypes
from collections.abc import AsyncIterator, Mapping

from aiocloud.errors import ChecksumMismatch
from aiocloud.region import Region
from aiocloud.services.object_store.headers import header_values, metadata_headers
from aiocloud.services.object_store.object import Object, Objects
from aiocloud.tasks.manifests import slices_of
from aiocloud.tasks.pieces import md5_of
from aiocloud.tasks.sources import FileSource, Source

__all__ = ["Headers", "Settings", "describe", "described", "has_content", "size_of"]

Headers = Mapping[str, str | None]
Settings = tuple[str | None, str | None, str | None, int | None, int | None]
"""Content type, encoding and disposition; in how many seconds it expires, and when."""


def described(
    name: str,
    source: Source | AsyncIterator[bytes],
    metadata: Mapping[str, str],
    settings: Settings,
    more: Mapping[str, str] | None,
) -> Headers:
    """The headers of a new object. A file brings its time, as swiftclient and rclone keep it; its name tells its type."""
    content_type, encoding, disposition, delete_after, delete_at = settings
    mtime = {"mtime": f"{source.mtime:f}"} if isinstance(source, FileSource) else {}
    return {
        **metadata_headers("Object", {**mtime, **metadata}),
        "Content-Type": content_type or mimetypes.guess_type(name)[0] or "application/octet-stream",
        "Content-Encoding": encoding,
        "Content-Disposition": disposition,
        "X-Delete-After": None if delete_after is None else str(delete_after),
        "X-Delete-At": None if delete_at is None else str(delete_at),
        **(more or {}),
    }


def size_of(source: Source | AsyncIterator[bytes]) -> int | None:
    """Bytes; None for a stream."""
    return None if isinstance(source, AsyncIterator) else source.size


async def has_content(cloud: Region, there: Object, source: Source | AsyncIterator[bytes]) -> bool:
    """Has the object this content? Read and compared piece by piece, as the object was cut; of a stream nobody can tell."""
    if isinstance(source, AsyncIterator) or there.content_length != source.size or there.symlink_path:
        return False
    try:
        slices = await slices_of(cloud, cloud.object_store.objects(there.container), there)
    except ChecksumMismatch:
        return False
    for each in slices:
        if each.etag is None or await md5_of(source, each.start, each.size) != each.etag:
            return False
    return True


async def describe(objects: Objects, old: Object, wanted: Headers) -> Object:
    """The content is the same; make what is said of it so, too, if it is not."""
    if _is_said(old, {name.lower(): value for name, value in wanted.items()}):
        return old
    # A POST without it would make a dynamic large object an empty one.
    await objects.endpoint.post(
        objects.path(old), headers=header_values({"X-Object-Manifest": old.object_manifest, **wanted})
    )
    return await objects.get(old)


def _is_said(old: Object, wanted: Headers) -> bool:
    """Is this all that is said of it? An expiry from now on, and headers that we don't know, never are."""
    prefix = "x-object-meta-"
    metadata = {name.removeprefix(prefix): value for name, value in wanted.items() if name.startswith(prefix)}
    fields = {
        "content-type": old.content_type,
        "content-encoding": old.content_encoding,
        "content-disposition": old.content_disposition,
        "x-delete-at": None if old.delete_at is None else str(old.delete_at),
    }
    rest = {name: value for name, value in wanted.items() if not name.startswith(prefix) and value is not None}
    return metadata == old.metadata and rest == {name: value for name, value in fields.items() if value is not None}
