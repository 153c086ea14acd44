"""Images on clouds that take them from Swift only (`image_api_use_tasks`): an object first, then a task that imports it.

API: https://docs.openstack.org/api-ref/image/v2/#create-task
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

from aiocloud._json import mapping
from aiocloud.errors import CloudError, Leftover, NotFound, ResourceFailed, Unsupported
from aiocloud.poller import wait_for
from aiocloud.region import Region
from aiocloud.services.image.image import Image
from aiocloud.services.image.info import Task
from aiocloud.tasks import removal
from aiocloud.tasks.image_records import protect
from aiocloud.tasks.image_sums import Hashed, check_arrived, check_given
from aiocloud.tasks.image_wanted import CONTAINER, Wanted, Way
from aiocloud.tasks.objects import create_object
from aiocloud.tasks.sources import BytesSource, FileSource, Source
from aiocloud.tasks.undo import Undo

__all__ = ["delete_autocreated_image_objects", "from_swift"]

AUTOCREATED = "x-sdk-autocreated"
"""The metadata key by which such objects are known, here and in other SDKs."""
_DAY = 86_400  # seconds after which Swift removes what we could not
_ENDS = 5.0
"""Seconds in which a task may still end when what it makes is no longer wanted."""
_NEWEST = 20
"""Tasks that are looked at for one whose beginning nobody knows."""


async def from_swift(cloud: Region, wanted: Wanted, way: Way, source: Source | Hashed, disk_format: str) -> Image:
    """Upload to Swift, have it imported, say what is to be said of the image, and remove the object.

    Raises Unsupported, before anything is sent, for what such a task can't be told.
    """
    if wanted.image_id is not None:
        raise Unsupported("this cloud imports images by tasks, which choose the id themselves: leave out image_id=")
    if way.stores.names or way.stores.all:
        raise Unsupported("this cloud imports images by tasks, into its own store: leave out stores= and all_stores=")
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
        await (check_given(source, wanted.sums) if isinstance(source, Hashed) else source.check())
        task = await _begin(cloud, undo, wanted, place, disk_format)
        image_id = await _until_done(cloud, task.id, way.timeout)
        await undo.names("image", image_id)
        image = await cloud.image.images.get(image_id)
        if image.disk_format == disk_format:
            await check_arrived(image, source)
        described = {key: value for key, value in wanted.described.items() if key != "container_format"}
        image = await cloud.image.images.update(image_id, **described)
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


def _data(source: Source | Hashed) -> AsyncIterator[bytes]:
    if isinstance(source, Hashed):
        return source.read()
    assert isinstance(source, BytesSource)  # noqa: S101
    return source.read(0, source.size)


async def _begin(cloud: Region, undo: Undo, wanted: Wanted, place: str, disk_format: str) -> Task:
    """The task that imports an object; should the block around it fail, the image that it made goes again."""
    tasks = cloud.image.tasks
    order = {"import_from": place, "import_from_format": disk_format, "image_properties": {"name": wanted.name}}

    async def look() -> list[Task]:
        # A listing does not tell what tasks were given, and no other one was given this object.
        found = [task for task in await tasks.list(type="import") if task.type == "import"]
        newest = sorted(found, key=lambda task: task.created_at or "", reverse=True)[:_NEWEST]
        whole = [await tasks.get(task.id) for task in newest]
        return [task for task in whole if mapping(task.input).get("import_from") == place]

    async def take_back(id: str) -> None:
        await _take_back(cloud, wanted.name, id)

    return await undo.create("import task", lambda: tasks.create(type="import", input=order), look, take_back)


async def _take_back(cloud: Region, name: str, task_id: str) -> None:
    """Remove the image that a task made. A task itself can't be stopped: one that goes on is named as what may be left."""
    left = Leftover("image", "unknown", name, f"import task {task_id} goes on, and may still make it")
    try:
        image_id = await _until_done(cloud, task_id, _ENDS)
        left = Leftover("image", image_id, name, f"import task {task_id} made it, and it can't be removed")
        await cloud.image.images.delete({"id": image_id})
    except ResourceFailed:
        return
    except CloudError as error:
        error.leaving([left])
        raise


async def _until_done(cloud: Region, task_id: str, timeout: float) -> str:
    async def look() -> Task:
        return await cloud.image.tasks.get(task_id)

    def done(seen: Task) -> bool:
        if seen.status == "failure":
            error = ResourceFailed(f"the import task {seen.id} failed: {seen.message}")
            error.resource = seen
            raise error
        return seen.status == "success"

    ended = await wait_for(look, done, what=f"the end of import task {task_id}", timeout=timeout)
    return str(mapping(ended.result).get("image_id"))
