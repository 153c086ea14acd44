"""Images on clouds that take them from Swift only (`image_api_use_tasks`): an object first, then a task that imports it.

API: https://docs.openstack.org/api-ref/image/v2/#create-task
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

from aiocloud._json import mapping
from aiocloud.errors import ResourceFailed
from aiocloud.poller import wait_for
from aiocloud.region import Region
from aiocloud.services.image.image import Image
from aiocloud.services.image.info import Task
from aiocloud.tasks import removal
from aiocloud.tasks.image_uploads import NewContent, Way
from aiocloud.tasks.objects import create_object
from aiocloud.tasks.sources import BytesSource, FileSource, Source
from aiocloud.tasks.undo import Undo

__all__ = ["from_swift"]

_DAY = 86_400  # seconds after which Swift removes what we could not


async def from_swift(
    cloud: Region, content: NewContent, way: Way, source: Source | AsyncIterator[bytes], disk_format: str
) -> Image:
    """Upload to Swift, have it imported, say what is to be said of the image, and remove the object."""
    name = f"{content.name}-{uuid.uuid4().hex[:8]}"
    place = f"{way.container}/{name}"
    async with Undo(cloud) as undo:

        async def remove(_: str) -> None:
            await removal.delete_object(cloud, way.container, name)

        undo.made("object", place, None, remove)
        await create_object(
            cloud,
            way.container,
            name,
            filename=source.path if isinstance(source, FileSource) else None,
            data=None if isinstance(source, FileSource) else _data(source),
            delete_after=_DAY,
            progress=content.progress,
        )
        order = {"import_from": place, "import_from_format": disk_format, "image_properties": {"name": content.name}}
        task = await cloud.image.tasks.create(type="import", input=order)
        image_id = await _until_done(cloud, task, way.timeout)

        async def remove_image(id: str) -> None:
            await cloud.image.images.delete(id)

        undo.made("image", image_id, content.name, remove_image)
        changes = {key: value for key, value in content.described.items() if key != "container_format"}
        image = await cloud.image.images.update(image_id, **changes)
        await remove(place)
        return image


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
