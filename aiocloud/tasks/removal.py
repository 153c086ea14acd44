"""Removing objects with all that they are made of."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from urllib.parse import quote

import anyio

from aiocloud._json import is_array, load_json, mapping
from aiocloud.concurrent import each_of
from aiocloud.errors import CloudError, Conflict, NotFound, Unsupported
from aiocloud.region import Region
from aiocloud.services.object_store.headers import split_path
from aiocloud.services.object_store.object import Object, Objects
from aiocloud.tasks.manifests import read_manifest
from aiocloud.tasks.segments import batches, segments_container, segments_folder

__all__ = [
    "delete_container",
    "delete_many",
    "delete_object",
    "is_segment",
    "keeps_versions",
    "remove_if_empty",
    "segments_of",
]

_log = logging.getLogger("aiocloud.objects")


_AT_ONCE = 8
_TRIES = 3


async def delete_object(cloud: Region, container: str, name: str, *, only_own: bool = False) -> bool:
    """Remove an object and, if it is a large one, its segments: True, or False when it was not there.

    The object goes first, so that nobody reads it half removed. Its segments are whatever its manifest or its prefix names;
    with `only_own` those whose names say so, and not objects from which somebody has put it together. They stay where the
    container keeps what is deleted as an older version. Raises CloudError, naming them, when segments could not be removed.
    """
    objects = cloud.object_store.objects(container)
    found = await objects.itself(name)
    if found is None:
        # Perhaps expired: it is listed, and its container can't be removed, until it is removed, too.
        return await objects.delete(name)
    kept = found.is_large and await keeps_versions(cloud, container, deleted=True)
    try:
        segments = [] if kept else await segments_of(cloud, objects, found)
    except Unsupported:
        return await _delete_untold(cloud, objects, name)
    gone = await objects.delete(name)
    segments = [each for each in segments if not only_own or is_segment(name, each)]
    if segments:
        await delete_many(cloud, segments)
        await _tidy(cloud, container, segments)
    return gone


async def segments_of(cloud: Region, objects: Objects, found: Object) -> list[tuple[str, str]]:
    """What a large object is made of, as (container, name): those of nested manifests too. Nothing for a plain object.

    Nothing either for what stays as an older version when it is replaced or deleted, even if no more versions are kept by then.
    Raises Unsupported where the cloud does not tell, and nobody can find out.
    """
    if found.version_id not in (None, "null"):
        return []
    if found.is_static_large_object:
        parts = await read_manifest(cloud, objects, found)
        for _ in range(_TRIES):
            # Nothing vouches for a manifest's names, and a segment whose name arrived damaged would stay for ever.
            before, parts = parts, await read_manifest(cloud, objects, found)
            if parts == before:
                break
        return list(dict.fromkeys((part.container, part.name) for part in parts.all))
    if found.object_manifest is not None:
        place, prefix = split_path(await _manifest_of(objects, found) or "")
        if not prefix:
            return []  # Swift takes no such manifest; it would name all that a container has
        listed = cloud.object_store.objects(place)
        try:
            names = [each.name async for each in listed.stream(prefix=prefix)]
        except NotFound:
            return []
        return [(place, name) for name in names if (place, name) != (objects.container, found.name)]
    return []


def is_segment(name: str, part: tuple[str, str]) -> bool:
    """Is it there only because this object is made of it? So says its name, in which every client puts the object's.

    A manifest can name any objects, though, and a copy of one names those of the original.
    """
    return f"/{segments_folder(name)}" in f"/{part[1]}"


async def _manifest_of(objects: Objects, found: Object) -> str | None:
    """Where a dynamic large object has its segments, as two answers in a row tell: what a damaged one names is others'."""
    told = found.object_manifest
    for _ in range(_TRIES):
        again = await objects.itself(found.name)
        before, told = told, again.object_manifest if again is not None else None
        if told == before:
            break
    return told


async def _delete_untold(cloud: Region, objects: Objects, name: str) -> bool:
    """Have the cloud remove an object with its segments, which it alone knows. Raises CloudError when some remain.

    API: https://docs.openstack.org/api-ref/object-store/#delete-object
    """
    response = await objects.endpoint.delete(objects.path(name), params={"multipart-manifest": "delete"})
    answer = mapping(load_json(response.content, "the delete of a large object"))
    failed = answer.get("Errors")
    if failed:
        error = CloudError(f"{objects.container}/{name} could not be removed with its segments: {failed}")
        raise error.at(cloud.name, cloud.region_name, "object-store")
    return bool(answer.get("Number Deleted"))


async def keeps_versions(cloud: Region, container: str, *, deleted: bool = False) -> bool:
    """Does a container keep what is replaced in it, or what is `deleted`? `versions_location` keeps only the former.

    https://docs.openstack.org/swift/latest/middleware.html#module-swift.common.middleware.versioned_writes
    """
    kept = await cloud.object_store.containers.get(container)
    if kept.versions_enabled or kept.history_location:
        return True
    return bool(kept.versions_location) and not deleted


async def _tidy(cloud: Region, container: str, segments: Iterable[tuple[str, str]]) -> None:
    """Take the container of the segments away when it is empty: it is ours, and nobody asked for it."""
    ours = segments_container(container)
    if any(place == ours for place, _ in segments):
        await remove_if_empty(cloud, ours)


async def remove_if_empty(cloud: Region, container: str) -> None:
    """Remove a container, unless something is in it."""
    try:
        await cloud.object_store.containers.delete(container)
    except Conflict:
        return


async def delete_many(cloud: Region, names: Sequence[tuple[str, str]]) -> None:
    """Remove objects, given as (container, name): in bulk where the cloud can, else several at a time.

    Those that are not there are fine. Raises CloudError when some remain, naming the first few.
    """
    can = await cloud.object_store.capabilities()
    remaining = [*names]
    for attempt in range(_TRIES):
        await anyio.sleep(0.25 * attempt)
        if can.max_deletes and len(remaining) > _AT_ONCE:
            batch_by_batch = batches([_path(*each) for each in remaining], can.max_deletes)
            remaining = [each for batch in batch_by_batch for each in await _bulk(cloud, batch)]
        else:
            remaining = await _one_by_one(cloud, remaining)
        if not remaining:
            return
    told = ", ".join("/".join(each) for each in remaining[:5]) + (", ..." if len(remaining) > 5 else "")
    error = CloudError(f"{len(remaining)} objects could not be removed: {told}")
    raise error.at(cloud.name, cloud.region_name, "object-store")


def _path(container: str, name: str) -> str:
    return f"/{quote(container, safe='')}/{quote(name, safe='/')}"


async def _bulk(cloud: Region, paths: Sequence[str]) -> list[tuple[str, str]]:
    """Those that remain. API: https://docs.openstack.org/api-ref/object-store/#bulk-delete

    An answer that does not speak of all of them is not believed: Ceph's gateway passes over all that follows a line of 2 KiB.
    Where there is no good answer they are removed one by one.
    """
    try:
        response = await cloud.object_store.endpoint.request(
            "POST",
            "",
            params={"bulk-delete": ""},
            content="\n".join(paths).encode(),
            headers={"Content-Type": "text/plain", "Accept": "application/json"},
            repeatable=True,
        )
        answer = mapping(load_json(response.content, "the bulk delete"))
    except CloudError as error:
        _log.warning("objects are removed one by one: %s", error)
        answer = dict[str, object]()
    errors = answer.get("Errors")
    failed = [str(row[0]) for row in errors if is_array(row) and row] if is_array(errors) else []
    counts = (answer.get("Number Deleted"), answer.get("Number Not Found"))
    told = len(failed) + sum(count for count in counts if isinstance(count, int))
    again = failed if told >= len(paths) else paths
    return await _one_by_one(cloud, [split_path(path) for path in again])


async def _one_by_one(cloud: Region, names: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Those that could not be removed."""
    failed: list[tuple[str, str]] = []

    async def one(each: tuple[str, str]) -> None:
        container, name = each
        try:
            await cloud.object_store.objects(container).delete(name)
        except CloudError:
            failed.append(each)

    await each_of(names, one, _AT_ONCE)
    return failed


async def delete_container(cloud: Region, name: str) -> bool:
    """Remove an empty container: True, or False when it was not there. Raises Conflict when it is not empty.

    The container beside it that held segments goes too, when nothing is in it.
    """
    gone = await cloud.object_store.containers.delete(name)
    if gone and not name.endswith("_segments"):
        await remove_if_empty(cloud, segments_container(name))
    return gone
