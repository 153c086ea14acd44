"""Content that the cloud takes itself: imports, copies of volumes, and the wait for their end.

API: https://docs.openstack.org/api-ref/image/v2/#interoperable-image-import
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from aiocloud._json import load_json, mapping
from aiocloud.errors import InvalidRequest, NotFound, ResourceFailed, Unsupported
from aiocloud.model import Which
from aiocloud.paths import join
from aiocloud.poller import wait_for
from aiocloud.progress import OnProgress, Progress
from aiocloud.reconcile import described as marked_by
from aiocloud.region import Region
from aiocloud.services.image.image import Image
from aiocloud.tasks.image_records import made_elsewhere, new_record, protect
from aiocloud.tasks.image_sums import check_sums
from aiocloud.tasks.image_wanted import Stores, Wanted, Way, is_converted
from aiocloud.tasks.undo import Undo

__all__ = ["check_offered", "from_elsewhere", "from_volume", "start_import", "until_active"]

_BY_SUFFIX = {"qcow2": "qcow2", "raw": "raw", "iso": "iso", "vmdk": "vmdk", "vhd": "vhd", "vhdx": "vhdx", "vdi": "vdi"}


async def check_offered(cloud: Region, method: str, stores: Stores) -> None:
    """Raise, before anything is sent, Unsupported for a way of import that this cloud lacks, InvalidRequest for a store."""
    offered = await cloud.image.import_methods()
    if method not in offered:
        told = ", ".join(offered) or "none"
        raise Unsupported(f"this cloud does not import images by {method}; it offers: {told}")
    await stores.check(cloud)


async def start_import(cloud: Region, image: Image, method: Mapping[str, Any], stores: Stores) -> None:
    """Begin an import into the stores that are wanted."""
    await cloud.image.images.start_import(
        image.id,
        method,
        stores=stores.names,
        all_stores=stores.all,
        all_stores_must_succeed=stores.all_must_succeed,
    )


async def from_elsewhere(
    cloud: Region, wanted: Wanted, way: Way, uri: str | None, remote_region: str | None, remote_image_id: str | None
) -> Image:
    """An image that the cloud fetches itself: from a URL, or from another region's Glance."""
    if (uri is None) == (remote_image_id is None):
        raise InvalidRequest("give either uri= or remote_image_id=, what the cloud is to fetch")
    if remote_image_id is not None and not remote_region:
        raise InvalidRequest("remote_image_id= needs remote_region=, the region whose Glance has that image")
    method: dict[str, Any] = {"name": "web-download", "uri": uri}
    if remote_image_id is not None:
        method = {"name": "glance-download", "glance_image_id": remote_image_id, "glance_region": remote_region}
    suffix = urlsplit(uri or "").path.rpartition(".")[2].lower()
    disk_format = wanted.disk_format or _BY_SUFFIX.get(suffix) or cloud.config.image_format
    await check_offered(cloud, method["name"], way.stores)
    async with Undo(cloud) as undo:
        image = await new_record(cloud, undo, wanted.unverified, disk_format)
        if not way.wait:
            await protect(cloud, undo, wanted, image)
        await start_import(cloud, image, method, way.stores)
        if not way.wait:
            return await cloud.image.images.get(image.id)
        ready = await until_active(cloud, image.id, way.timeout, wanted.progress)
        if not is_converted(image, ready):
            check_sums(ready, wanted.sums)
        return await protect(cloud, undo, wanted, ready)


async def from_volume(cloud: Region, wanted: Wanted, way: Way, volume: Which) -> Image:
    """An image of a volume's content. API: https://docs.openstack.org/api-ref/block-storage/v3/#upload-volume-to-image"""
    id = await cloud.block_storage.volumes.id_of(volume)
    described = {key: value for key, value in wanted.unverified.described.items() if key != "container_format"}
    async with Undo(cloud) as undo:
        # The order takes no property: until it is ours the image bears its mark in its name.
        marked = f"{wanted.name} {marked_by(undo.mark)}"
        order = {
            "image_name": marked,
            "force": False,
            "disk_format": wanted.disk_format or "raw",
            "container_format": wanted.container_format,
        }

        async def send() -> str:
            path = join("volumes", id, "action")
            response = await cloud.block_storage.post(path, json={"os-volume_upload_image": order})
            return str(
                mapping(mapping(load_json(response.content, path)).get("os-volume_upload_image")).get("image_id")
            )

        async def look() -> list[Image]:
            return await cloud.image.images.named(marked)

        image = await made_elsewhere(cloud, undo, wanted.name, send, look)
        image = await cloud.image.images.update(image.id, name=wanted.name, **described)
        if way.wait:
            image = await until_active(cloud, image.id, way.timeout, wanted.progress)
            check_sums(image, wanted.sums)
        return await protect(cloud, undo, wanted, image)


async def until_active(cloud: Region, id: str, timeout: float, progress: OnProgress = None) -> Image:
    """The image once it can be used. Raises ResourceFailed, with Glance's reason, when it never will be, and Timeout."""

    async def look() -> Image:
        image = await cloud.image.images.poll.look(id)
        if image is None:
            raise ResourceFailed(f"image {id} disappeared while it was waited for")
        stuck = image.status == "queued" and image.get("os_glance_importing_to_stores")
        if image.status != "active" and (stuck or _failed_stores(image)):
            # Why it failed, its task alone says; also that it did, when it had no content yet.
            await _raise_failed_task(cloud, image)
        if progress is not None:
            there = (image.size or 0) if image.status == "active" else 0
            progress(Progress(there, image.size, f"image {image.name}"))
        return image

    return await wait_for(look, _is_active, what=f"image {id} becoming active", timeout=timeout)


def _is_active(image: Image) -> bool:
    failed = _failed_stores(image)
    imported = not image.get("os_glance_importing_to_stores")
    if image.status in ("killed", "deleted", "pending_delete"):
        raise _failure(image, f"ended as {image.status}")
    if image.status == "deactivated":
        raise _failure(image, "is deactivated: nobody may read its content until it is reactivated")
    if failed and imported and image.status != "active":
        raise _failure(image, f"could not be imported into {failed}")
    return image.status == "active"


def _failed_stores(image: Image) -> str:
    return str(image.get("os_glance_failed_import") or "")


def _failure(image: Image, why: str) -> ResourceFailed:
    error = ResourceFailed(f"image {image.name} ({image.id}) {why}")
    error.resource = image
    return error


async def _raise_failed_task(cloud: Region, image: Image) -> None:
    try:
        tasks = await cloud.image.images.tasks(image)
    except NotFound:
        return  # a service older than these tasks
    for task in tasks:
        if task.status == "failure":
            where = f" into {stores}" if (stores := _failed_stores(image)) else ""
            raise _failure(image, f"could not be imported{where}: {task.message or 'the service does not say why'}")
