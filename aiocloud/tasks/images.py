"""Images, the way users think of them: a file becomes an image that is ready, by whichever way the cloud takes it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from typing import IO, Any

from aiocloud.errors import InvalidRequest
from aiocloud.model import Which
from aiocloud.progress import OnProgress, watched
from aiocloud.region import Region
from aiocloud.services.image.image import Image, on_the_wire
from aiocloud.tasks import image_content
from aiocloud.tasks.image_imports import from_elsewhere, from_volume, until_active
from aiocloud.tasks.image_uploads import from_source
from aiocloud.tasks.image_wanted import CONTAINER, Stores, Wanted, Way, same_already
from aiocloud.tasks.objects import delete_object
from aiocloud.tasks.placed import placed
from aiocloud.tasks.sources import Data, source_of

__all__ = [
    "create_image",
    "delete_image",
    "download_image",
    "get_image",
    "get_image_by_id",
    "get_image_exclude",
    "get_image_id",
    "get_image_name",
    "list_images",
    "search_images",
    "update_image_properties",
    "wait_for_image",
]


async def create_image(
    cloud: Region,
    name: str,
    filename: str | os.PathLike[str] | None = None,
    container: str | None = None,
    md5: str | None = None,
    sha256: str | None = None,
    disk_format: str | None = None,
    container_format: str | None = None,
    disable_vendor_agent: bool = True,
    wait: bool = False,
    timeout: float = 3600,
    tags: Sequence[str] | None = None,
    allow_duplicates: bool = False,
    meta: Mapping[str, Any] | None = None,
    volume: Which | None = None,
    *,
    data: Data | None = None,
    uri: str | None = None,
    remote_region: str | None = None,
    remote_image_id: str | None = None,
    use_import: bool = False,
    stores: Sequence[str] | None = None,
    all_stores: bool | None = None,
    all_stores_must_succeed: bool | None = None,
    visibility: str | None = None,
    min_disk: int | None = None,
    min_ram: int | None = None,
    is_protected: bool | None = None,
    is_hidden: bool | None = None,
    image_id: str | None = None,
    properties: Mapping[str, Any] | None = None,
    progress: OnProgress = None,
) -> Image:
    """Make an image of a file, of data, of a volume, or of what the cloud itself fetches; give it, ready with `wait`.

    The way is the cloud's: a plain upload, an import (`use_import`, `stores`; `uri` for web-download, `remote_image_id` and
    `remote_region` for glance-download), or by way of Swift (`image_api_use_tasks` in clouds.yaml, through `container`).
    `disk_format` is read from the file itself, else configured. `data` is bytes, a file object or an (async) iterable of
    bytes; `min_disk` is in GiB, `min_ram` in MiB; `meta` and `properties` are further properties; `md5` and `sha256` are what
    the content is meant to have: of what the cloud fetches, those are compared that Glance tells, with `wait`. An image of
    that name with the same content is what is given, unless `allow_duplicates`. What fails, is cancelled or, with `wait`, not
    ready within `timeout` seconds, is removed again. Raises InvalidRequest for a file that is missing or refers to others,
    ChecksumMismatch, Unsupported, ResourceFailed, Timeout.
    """
    _check_one_content(filename=filename, data=data, volume=volume, uri=uri, remote_image_id=remote_image_id)
    if volume is not None:
        _check_volume(image_id=image_id, use_import=use_import, stores=stores, all_stores=all_stores)
    if stores and all_stores:
        raise InvalidRequest("say where the content is to lie: stores= or all_stores=, not both")
    vendor = dict(cloud.config.disable_vendor_agent) if disable_vendor_agent else dict[str, str]()
    settings = {"visibility": visibility, "min_disk": min_disk, "min_ram": min_ram, "tags": tags and [*tags]}
    settings |= {"is_protected": is_protected, "is_hidden": is_hidden}
    more, sums = {**vendor, **(properties or {}), **(meta or {})}, {"md5": md5, "sha256": sha256}
    wanted = Wanted(name, image_id, disk_format, container_format or "bare", sums, settings, more, progress)
    where = Stores(stores, all_stores, all_stores_must_succeed)
    way = Way(use_import, where, container or CONTAINER, wait, timeout)
    fetched = volume is not None or uri is not None or remote_image_id is not None
    if fetched and not allow_duplicates and (same := await same_already(cloud, wanted, None)) is not None:
        return same
    if volume is not None:
        return await from_volume(cloud, wanted, way, volume)
    if fetched:
        return await from_elsewhere(cloud, wanted, way, uri, remote_region, remote_image_id)
    source = await source_of(*_content(name, filename, data))
    return await from_source(cloud, wanted, way, source, allow_duplicates=allow_duplicates)


def _check_one_content(**given: object) -> None:
    """Raise InvalidRequest when an image is to be made of several things: only one of them would be what it is."""
    ways = [f"{name}=" for name, value in given.items() if value is not None]
    if len(ways) > 1:
        raise InvalidRequest(f"an image is made of one thing: give one of {', '.join(ways)}")


def _check_volume(**given: object) -> None:
    """Raise InvalidRequest for what Cinder, which makes images of volumes, can't be told.

    https://docs.openstack.org/api-ref/block-storage/v3/#upload-volume-to-image
    """
    ways = [f"{name}=" for name, value in given.items() if value]
    if ways:
        raise InvalidRequest(f"Cinder makes an image of a volume as it is set up to: leave out {', '.join(ways)}")


def _content(
    name: str, filename: str | os.PathLike[str] | None, data: Data | None
) -> tuple[str | os.PathLike[str] | None, Data | None]:
    """The file or the data that an image is made of: when neither is given, the file that is called like the image."""
    if filename is None and data is None:
        if not os.path.isfile(name):  # one look, in an odd case
            raise InvalidRequest(f"nothing to make {name!r} of: give filename=, data=, volume= or uri=")
        filename = name
    return filename, data


async def list_images(cloud: Region, filter_deleted: bool = True, show_all: bool = False) -> list[Image]:
    """All images; `show_all` also those shared with us that we have not accepted."""
    images = await cloud.image.images.list(member_status="all" if show_all else None)
    return [image for image in images if not (filter_deleted and image.status == "deleted")]


async def search_images(
    cloud: Region, name_or_id: str | None = None, filters: Mapping[str, Any] | None = None
) -> list[Image]:
    """The images whose name or id is this, or fits this shell pattern, and for which all filters hold."""
    return await cloud.image.images.search(name_or_id, filters)


async def get_image(cloud: Region, name_or_id: Which, filters: Mapping[str, Any] | None = None) -> Image | None:
    """The image with this name or id, or None. Raises Ambiguous when several have the name."""
    return await cloud.image.images.find(name_or_id, filters)


async def get_image_by_id(cloud: Region, id: str) -> Image:
    """The image with this id. Raises NotFound."""
    return await cloud.image.images.get(id)


async def get_image_exclude(cloud: Region, name_or_id: str, exclude: str | None) -> Image | None:
    """The first image with this name or id whose name does not hold the text `exclude`; None when there is none."""
    for image in await cloud.image.images.search(name_or_id):
        if not exclude or exclude not in image.name:
            return image
    return None


async def get_image_name(cloud: Region, image_id: str, exclude: str | None = None) -> str | None:
    """The name of an image, or None."""
    image = await get_image_exclude(cloud, image_id, exclude)
    return image.name if image is not None else None


async def get_image_id(cloud: Region, image_name: str, exclude: str | None = None) -> str | None:
    """The id of an image, or None."""
    image = await get_image_exclude(cloud, image_name, exclude)
    return image.id if image is not None else None


async def delete_image(
    cloud: Region,
    name_or_id: Which,
    wait: bool = False,
    timeout: float = 3600,
    delete_objects: bool = True,
    *,
    progress: OnProgress = None,
) -> bool:
    """Remove an image: True, or False when it was not there. With it goes the object that a task import left in Swift."""
    images = cloud.image.images
    image = await images.find(name_or_id)
    if image is None:
        return False
    gone = await images.delete(image)
    task_object = image.get("owner_specified.openstack.object") or image.get("owner_specified.shade.object")
    if delete_objects and isinstance(task_object, str) and cloud.config.image_api_use_tasks:
        place, _, text = task_object.partition("/")
        await delete_object(cloud, place, text)
    if wait:

        def is_gone(seen: Image | None) -> bool:
            return seen is None or seen.status in ("deleted", "pending_delete")

        await images.poll.wait(
            image.id,
            watched(progress, f"image {image.name or image.id}", is_gone),
            what=f"the removal of image {image.id}",
            timeout=timeout,
            goal="gone",
        )
    return gone


async def wait_for_image(cloud: Region, image: Which, timeout: float = 3600, *, progress: OnProgress = None) -> Image:
    """The image once it is active. Raises ResourceFailed when it never will be, and Timeout after `timeout` seconds.

    `progress` is told at each look: of all bytes once it is active, of none before that.
    """
    return await until_active(cloud, await cloud.image.images.id_of(image), timeout, progress)


async def update_image_properties(
    cloud: Region,
    image: Which | None = None,
    name_or_id: Which | None = None,
    meta: Mapping[str, Any] | None = None,
    properties: Mapping[str, Any] | None = None,
) -> bool:
    """Set properties of an image; one that is None is removed. True when that changed anything."""
    which = image if image is not None else name_or_id
    if which is None:
        raise InvalidRequest("say which image: image= or name_or_id=")
    found = await cloud.image.images.require(which)
    wanted = on_the_wire({**(properties or {}), **(meta or {})})
    changes = {key: value for key, value in wanted.items() if found.get(key) != value}
    if not changes:
        return False
    await cloud.image.images.patch(found, changes)
    return True


async def download_image(
    cloud: Region,
    name_or_id: Which,
    output_path: str | os.PathLike[str] | None = None,
    output_file: IO[bytes] | None = None,
    chunk_size: int = 1024 * 1024,
    stream: bool = False,
    *,
    progress: OnProgress = None,
) -> Image:
    """Write an image's content to a path (all of it or nothing) or to a file object, verified. Gives the image.

    For the content piece by piece use `stream_image`. Raises InvalidRequest when the image is not there or neither or both
    places are given, and ChecksumMismatch.
    """
    del chunk_size
    if stream:
        raise InvalidRequest("stream_image gives the content piece by piece: async for chunk in stream_image(...)")
    if (output_path is None) == (output_file is None):
        raise InvalidRequest("give either output_path= or output_file=")
    image = await cloud.image.images.require(name_or_id)
    if output_path is not None:
        await image_content.to_path(cloud, image, output_path, progress)
    elif output_file is not None:
        await image_content.to_file(cloud, image, output_file, progress)
    return image


async def stream_image(cloud: Region, name_or_id: Which, *, progress: OnProgress = None) -> AsyncIterator[bytes]:
    """An image's content as it comes; a break is gone on from. Raises ChecksumMismatch at the end when it was damaged."""
    image = await cloud.image.images.require(name_or_id)
    with placed(cloud):
        async with aclosing(image_content.chunks(cloud, image, progress)) as chunks:
            async for chunk in chunks:
                yield chunk
