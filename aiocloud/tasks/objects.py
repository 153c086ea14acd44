"""Objects, the way users think of them: a file goes up, a file comes down, and what it is made of is nobody's business."""

from __future__ import annotations

import math
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing, suppress
from typing import Any, Literal, Unpack

from aiocloud._json import is_array, load_json, mapping
from aiocloud.concurrent import concurrently
from aiocloud.errors import ChecksumMismatch, CloudError, InvalidRequest, NotFound, PreconditionFailed
from aiocloud.match import matches, named
from aiocloud.model import Which
from aiocloud.progress import Meter, OnProgress
from aiocloud.region import Region
from aiocloud.services.object_store.capabilities import Capabilities
from aiocloud.services.object_store.container import PUBLIC, Container, ContainerWords, as_settings
from aiocloud.services.object_store.headers import container_path, object_path
from aiocloud.services.object_store.object import Object, Objects, object_name
from aiocloud.tasks import removal
from aiocloud.tasks.described import Headers, describe, described, has_content, size_of
from aiocloud.tasks.digests import Digests
from aiocloud.tasks.segments import segments_container
from aiocloud.tasks.sources import Data, FileSource, Source, source_of
from aiocloud.tasks.streams import closed_after
from aiocloud.tasks.uploads import CHEAP, Upload
from aiocloud.transport.body import Replay

__all__ = [
    "create_container",
    "create_directory_marker_object",
    "create_object",
    "delete_all",
    "delete_container",
    "delete_object",
    "get_container",
    "get_container_access",
    "get_object_capabilities",
    "get_object_metadata",
    "get_object_segment_size",
    "is_object_stale",
    "list_containers",
    "list_objects",
    "put_file",
    "search_containers",
    "search_objects",
    "set_container_access",
    "update_container",
    "update_object",
    "upload_archive",
]

# Under these names other SDKs keep an object's checksums, too.
_MD5, _SHA256 = "x-sdk-md5", "x-sdk-sha256"


async def create_object(
    cloud: Region,
    container: Which,
    name: str,
    filename: str | os.PathLike[str] | None = None,
    md5: str | None = None,
    sha256: str | None = None,
    segment_size: int | None = None,
    use_slo: bool = True,
    metadata: Mapping[str, str] | None = None,
    generate_checksums: bool | None = None,
    data: Data | None = None,
    *,
    content_type: str | None = None,
    content_encoding: str | None = None,
    content_disposition: str | None = None,
    delete_after: int | None = None,
    delete_at: int | None = None,
    headers: Mapping[str, str] | None = None,
    if_changed: bool = True,
    keep_segments: bool = False,
    progress: OnProgress = None,
) -> Object:
    """Upload a file, bytes or a stream, and give the object that came of it.

    The container is made when it is missing. What the cloud does not take whole, or `segment_size` (bytes) cuts, goes up in
    segments, several at a time, into the container `CONTAINER_segments`, and becomes a static large object, or a dynamic one
    without `use_slo`. Every byte's MD5 is compared with what Swift has. Nothing is sent when the same content is there
    already, unless `if_changed` is False; segments of an earlier upload of the same file that broke off are used again. What
    is replaced stays as it is until the new object is complete. When it fails or is cancelled, what it has sent is removed,
    unless `keep_segments`, for a later call to go on from.

    `data` is bytes, text, a file object, or an iterable or async iterable of bytes of unknown length. `md5` and `sha256`
    are what the content is meant to have; with `generate_checksums` they are computed first, one more read of the file; both
    are kept as metadata. `delete_after` is in seconds from now, `delete_at` in seconds since 1970; Swift then removes the
    object alone, and the segments of a large one stay. Memory: see `aiocloud.tasks.pieces`. Raises InvalidRequest for a file
    that can't be read, CloudError when it changes meanwhile, ChecksumMismatch when damage won't stop.
    """
    name = object_name(name)
    source = await source_of(name if filename is None and data is None else filename, data)
    sums = await _checksums(source, md5, sha256, bool(generate_checksums))
    settings = (content_type, content_encoding, content_disposition, delete_after, delete_at)
    wanted = described(name, source, {**sums, **(metadata or {})}, settings, headers)
    objects = cloud.object_store.objects(container)
    old, can = await _at_first(cloud, objects, name)
    meter = Meter(f"{objects.container}/{name}", size_of(source), progress)
    if old is not None and if_changed and await has_content(cloud, old, source):
        meter.add(old.content_length)
        return await describe(objects, old, wanted)
    upload = Upload(cloud, objects, name, wanted, can, meter, segment_size, use_slo, keep_segments)
    return await upload.send_and_look(source, old)


async def put_file(
    cloud: Region,
    container: Which,
    name: str,
    filename: str | os.PathLike[str],
    *,
    segment_size: int | None = None,
    is_new: bool = False,
    progress: OnProgress = None,
) -> None:
    """What `create_object` does with a file that is known to differ, for those who don't ask what came of it.

    With `is_new` nothing is thought to be there, and a small file costs one request: the cloud refuses it should that be wrong.
    """
    source = await FileSource.open(filename)
    objects = cloud.object_store.objects(container)
    wanted = described(name, source, {}, (None, None, None, None, None), None)

    async def send(headers: Headers, can: Capabilities, old: Object | None) -> None:
        meter = Meter(f"{objects.container}/{name}", source.size, progress)
        await Upload(cloud, objects, name, headers, can, meter, segment_size).send(source, old)

    if is_new and source.size <= CHEAP:
        with suppress(PreconditionFailed):  # somebody has put something there since, or we have and did not hear of it
            await send({**wanted, "If-None-Match": "*"}, await cloud.object_store.capabilities(), None)
            return
    old, can = await _at_first(cloud, objects, name)
    await send(wanted, can, old)


async def _at_first(cloud: Region, objects: Objects, name: str) -> tuple[Object | None, Capabilities]:
    """What is there before an upload, asked together with what the cloud can do, which is asked once a session."""
    async with concurrently() as tasks:
        tasks.start_soon(cloud.object_store.capabilities)
        old = await objects.itself(name)
    return old, await cloud.object_store.capabilities()


async def _checksums(
    source: Source | AsyncIterator[bytes], md5: str | None, sha256: str | None, wanted: bool
) -> dict[str, str]:
    """The checksums to keep with the object. Raises ChecksumMismatch when the content does not have those given."""
    given = {key: text.lower() for key, text in ((_MD5, md5), (_SHA256, sha256)) if text}
    if not (given or wanted) or isinstance(source, AsyncIterator):
        return given
    digests = Digests([key.rpartition("-")[2] for key in (given if not wanted else (_MD5, _SHA256))])
    async for _ in source.read(0, source.size, digests):
        pass
    found = {f"x-sdk-{algorithm}": text for algorithm, text in digests.values().items()}
    for key, text in given.items():
        if text != found[key]:
            raise ChecksumMismatch(f"the content's {key.rpartition('-')[2]} is {found[key]}, not {text}")
    return found


async def is_object_stale(
    cloud: Region,
    container: Which,
    name: str,
    filename: str | os.PathLike[str],
    file_md5: str | None = None,
    file_sha256: str | None = None,
) -> bool:
    """Does the object differ from the file, or is there none? Compared by content, or by checksums kept with it."""
    there = await cloud.object_store.objects(container).itself(name)
    if there is None:
        return True
    for key, text in ((_MD5, file_md5), (_SHA256, file_sha256)):
        if text and there.metadata.get(key):
            return text.lower() != there.metadata[key]
    return not await has_content(cloud, there, await FileSource.open(filename))


async def create_directory_marker_object(
    cloud: Region, container: Which, name: str, *, headers: Mapping[str, str] | None = None
) -> Object:
    """An empty object that stands for a folder."""
    sent = {"Content-Type": "application/directory", **(headers or {})}
    return await create_object(cloud, container, name, data=b"", headers=sent, if_changed=False)


async def delete_object(cloud: Region, container: Which, name: Which, meta: Mapping[str, Any] | None = None) -> bool:
    """Remove an object, its segments too: True, or False when it was not there. `meta` is not needed."""
    del meta
    objects = cloud.object_store.objects(container)
    text = object_name(name)
    return await removal.delete_object(cloud, objects.container, text)


async def get_object_metadata(cloud: Region, container: Which, name: str) -> Object | None:
    """What is known of an object, its `metadata` among it; None when it is not there."""
    try:
        return await cloud.object_store.objects(container).get(name)
    except NotFound:
        return None


async def update_object(cloud: Region, container: Which, name: str, metadata: Mapping[str, str]) -> Object:
    """Replace an object's metadata."""
    return await cloud.object_store.objects(container).update(name, metadata)


async def list_objects(
    cloud: Region,
    container: Which,
    full_listing: bool = True,
    prefix: str | None = None,
    delimiter: str | None = None,
) -> list[Object]:
    """The objects in a container, all of them unless `full_listing` is False: then the first page."""
    objects = cloud.object_store.objects(container)
    if full_listing:
        return await objects.list(prefix=prefix, delimiter=delimiter)
    async with aclosing(objects.pages(prefix=prefix, delimiter=delimiter)) as pages:
        return (await anext(pages)).items


async def search_objects(
    cloud: Region, container: Which, name: str | None = None, filters: Mapping[str, Any] | None = None
) -> list[Object]:
    """The objects whose name is this, or fits this shell pattern, and for which all filters hold."""
    found = await cloud.object_store.objects(container).list()
    return [each for each in found if (name is None or named(each, name)) and matches(each, filters or {})]


async def list_containers(
    cloud: Region, full_listing: bool | None = None, prefix: str | None = None
) -> list[Container]:
    """The containers of the account."""
    del full_listing
    return await cloud.object_store.containers.list(prefix=prefix)


async def search_containers(
    cloud: Region, name: str | None = None, filters: Mapping[str, Any] | None = None
) -> list[Container]:
    """The containers whose name is this, or fits this shell pattern, and for which all filters hold."""
    found = await cloud.object_store.containers.list()
    return [each for each in found if (name is None or named(each, name)) and matches(each, filters or {})]


async def get_container(cloud: Region, name: Which, skip_cache: bool = False) -> Container | None:
    """The container, or None. Nothing is cached, so `skip_cache` changes nothing."""
    del skip_cache
    try:
        return await cloud.object_store.containers.get(name)
    except NotFound:
        return None


async def create_container(cloud: Region, name: str, public: bool = False) -> Container:
    """Make a container, or give the one that is there; `public` lets everybody read and list it."""
    if public:
        return await cloud.object_store.containers.create(name=name, read_acl=PUBLIC)
    return await cloud.object_store.containers.create(name=name)


async def delete_container(cloud: Region, name: Which) -> bool:
    """Remove an empty container: True, or False when it was not there. Raises Conflict when it is not empty."""
    return await removal.delete_container(cloud, cloud.object_store.objects(name).container)


async def get_container_access(cloud: Region, name: Which) -> Literal["public", "private"]:
    """Who may read the objects: everybody, or whom the account lets. Raises InvalidRequest for any other ACL."""
    acl = (await cloud.object_store.containers.get(name)).read_acl or ""
    if not acl:
        return "private"
    if {part.strip() for part in acl.split(",")} <= {".r:*", ".rlistings"}:
        return "public"
    raise InvalidRequest(f"container {name!r} is neither public nor private; its read ACL is {acl!r}")


async def update_container(
    cloud: Region, name: Which, headers: Mapping[str, str | None] | None = None, **settings: Unpack[ContainerWords]
) -> Container:
    """Change a container's settings or metadata; what is not named stays. Raises NotFound.

    `headers` are Swift's own (`{"X-Container-Read": ".r:*"}`); a name that is none of them is one of its metadata. An empty
    text takes a setting back, None a key of the metadata.
    """
    told = as_settings(headers or {})
    metadata = {**told.get("metadata", {}), **(settings.get("metadata") or {})}
    wanted: dict[str, Any] = {**told, **settings, "metadata": metadata}
    return await cloud.object_store.containers.update(name, **wanted)


async def set_container_access(
    cloud: Region, name: Which, access: Literal["public", "private"], refresh: bool = False
) -> Container:
    """Let everybody read and list a container, or nobody but whom the account lets; its segments' one follows."""
    del refresh
    if access not in ("public", "private"):
        raise InvalidRequest(f"access is 'public' or 'private', not {access!r}")
    acl = PUBLIC if access == "public" else ""
    containers = cloud.object_store.containers
    changed = await containers.update(name, read_acl=acl)
    try:
        await containers.update(segments_container(changed.name), read_acl=acl)
    except NotFound:
        return changed
    return changed


async def get_object_capabilities(cloud: Region) -> Capabilities:
    """What this cloud's object store can do: its `/info`."""
    return await cloud.object_store.capabilities()


async def get_object_segment_size(cloud: Region, segment_size: int | None = None) -> int:
    """The largest segment, in bytes, that this cloud takes, or the size given, brought within its limits."""
    can = await cloud.object_store.capabilities()
    return max(min(segment_size or 1024**3, can.max_file_size), can.min_segment_size)


async def delete_all(cloud: Region, container: Which, names: Sequence[str]) -> None:
    """Remove many objects of a container, in bulk where the cloud can; not their segments."""
    objects = cloud.object_store.objects(container)
    await removal.delete_many(cloud, [(objects.container, name) for name in names])


async def upload_archive(
    cloud: Region,
    path: str,
    filename: str | os.PathLike[str] | None = None,
    data: Data | None = None,
    *,
    kind: Literal["tar", "tar.gz", "tar.bz2"] = "tar",
    progress: OnProgress = None,
) -> int:
    """Unpack an archive in the cloud, below `path` (`""`, a container, or `container/prefix`); how many files were stored.

    Without a container in `path`, the archive's folders are containers, and files beside them are passed over, as Swift
    does. Raises CloudError, naming the first few, when some could not be stored. Needs the cloud's bulk upload.
    API: https://docs.openstack.org/api-ref/object-store/#bulk-upload
    """
    source = await source_of(filename, data)
    size = None if isinstance(source, AsyncIterator) else source.size
    meter = Meter(f"archive {path}", size, progress)

    async def counted() -> AsyncIterator[bytes]:
        meter.add(-meter.done)
        chunks = source if isinstance(source, AsyncIterator) else source.read(0, source.size)
        async with closed_after(chunks):
            async for chunk in chunks:
                yield chunk
                meter.add(len(chunk))

    container, _, prefix = path.strip("/").partition("/")
    where = (container_path(container) if container else "") + (object_path(prefix) if prefix else "")
    content = counted() if isinstance(source, AsyncIterator) else Replay(counted, source.size)
    async with closed_after(content):
        response = await cloud.object_store.endpoint.request(
            "PUT", where, params={"extract-archive": kind}, content=content, deadline=math.inf
        )
    answer = mapping(load_json(response.content, "the bulk upload"))
    errors = answer.get("Errors")
    status = str(answer.get("Response Status") or "")
    if errors or not status.startswith("2"):
        told = "; ".join(f"{row[0]}: {row[1]}" for row in (errors if is_array(errors) else [])[:5])
        told = told or str(answer.get("Response Body") or "")
        error = CloudError(f"the archive was not unpacked whole: {status} {told}")
        raise error.at(cloud.name, cloud.region_name, "object-store")
    return int(answer.get("Number Files Created") or 0)
