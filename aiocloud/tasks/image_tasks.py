"""Images on clouds that take them from Swift only (`image_api_use_tasks`): an object first, then a task that imports it.

API: https://docs.openstack.org/api-ref/image/v2/#create-task
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from functools import partial

from aiocloud._json import mapping
from aiocloud.errors import NotFound, ResourceFailed
from aiocloud.poller import wait_for
from aiocloud.region import Region
from aiocloud.services.image.image import Image
from aiocloud.services.image.info import Task
from aiocloud.tasks import removal
from aiocloud.tasks.image_records import protect
from aiocloud.tasks.image_wanted import CONTAINER, Wanted, Way, check_arrived, hash_of
from aiocloud.tasks.objects import create_object
from aiocloud.tasks.sources import BytesSource, FileSource, Source
from aiocloud.tasks.undo import Undo

__all__ = ["delete_autocreated_image_objects", "from_swift"]

AUTOCREATED = "x-sdk-autocreated"
"""The metadata key by which such objects are known, here and in other SDKs."""
_DAY = 86_400  # seconds after which Swift removes what we could not


async def from_swift(
    cloud: Region, wanted: Wanted, way: Way, source: Source | AsyncIterator[bytes], disk_format: str
) -> Image:
    """Upload to Swift, have it imported, say what is to be said of the image, and remove the object."""
    name = f"{wanted.name}-{uuid.uuid4().hex[:8]}"
    place = f"{way.container}/{name}"
    there = await cloud.object_store.containers.find(way.container)
    async with Undo(cloud) as undo:

        async def remove(_: str) -> None:
            await removal.delete_object(cloud, way.container, name)
            if there is None:
                await removal.remove_if_empty(cloud, way.container)

        undo.made("object", place, None, remove)
        await create_object(
            cloud,
            way.container,
            name,
            filename=source.path if isinstance(source, FileSource) else None,
            data=None if isinstance(source, FileSource) else _data(source),
            metadata={AUTOCREATED: "true"},
            delete_after=_DAY,
            progress=wanted.progress,
        )
        order = {"import_from": place, "import_from_format": disk_format, "image_properties": {"name": wanted.name}}
        task = await cloud.image.tasks.create(type="import", input=order)
        image_id = await _until_done(cloud, task, way.timeout)

        async def remove_image(id: str) -> None:
            await cloud.image.images.delete(id)

        undo.made("image", image_id, wanted.name, remove_image)
        described = {key: value for key, value in wanted.described.items() if key != "container_format"}
        image = await cloud.image.images.update(image_id, **described)
        if not isinstance(source, AsyncIterator) and image.disk_format == disk_format:
            await check_arrived(image, source.size, partial(hash_of, source))
        image = await protect(cloud, undo, wanted, image)
        await remove(place)
        return image


async def delete_autocreated_image_objects(
    cloud: Region, container: str | None = None, segment_prefix: str | None = None
) -> bool:
    """Remove the objects that uploads of images by way of Swift have left behind: True when there were any.

    For clouds with `image_api_use_tasks`; on others there are none, and False is given. `container` is where such uploads
    went (`images`); `segment_prefix` is what the names of the objects to remove begin with.
    """
    if not cloud.config.image_api_use_tasks:
        return False
    objects = cloud.object_store.objects(container or CONTAINER)
    try:
        names = [each.name for each in await objects.list(prefix=segment_prefix)]
    except NotFound:
        return False
    removed = False
    for name in names:
        there = await objects.itself(name)
        if there is not None and there.metadata.get(AUTOCREATED):
            removed |= await removal.delete_object(cloud, objects.container, name)
    return removed


def _data(source: Source | AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    if isinstance(source, AsyncIterator):
        return source
    assert isinstance(source, BytesSource)  # noqa: S101
    return source.read(0, source.size)


async def _until_done(cloud: Region, task: Task, timeout: float) -> str:
    async def look() -> Task:
        return await cloud.image.tasks.get(task.id)

    def done(seen: Task) -> bool:
        if seen.status == "failure":
            error = ResourceFailed(f"the import task {seen.id} failed: {seen.message}")
            error.resource = seen
            raise error
        return seen.status == "success"

    ended = await wait_for(look, done, what=f"the end of import task {task.id}", timeout=timeout)
    return str(mapping(ended.result).get("image_id"))
