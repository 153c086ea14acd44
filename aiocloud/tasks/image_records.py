"""An image before it has content: made once, and removed again when what it was made for fails."""

from __future__ import annotations

import json
import uuid
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import anyio
from anyio.lowlevel import checkpoint_if_cancelled

from aiocloud._json import mappings
from aiocloud.errors import CloudError, Leftover, NotFound
from aiocloud.poller import wait_for
from aiocloud.reconcile import create_once, is_ambiguous
from aiocloud.region import Region
from aiocloud.services.image.image import Image, Images, NewImage
from aiocloud.tasks.image_wanted import Wanted
from aiocloud.tasks.undo import Undo
from aiocloud.tasks.when_free import delete_when_free

__all__ = ["made_elsewhere", "new_record", "protect"]

_LOOKS = (0.0, 0.2, 0.5)
"""Pauses in seconds: a request that was cut off may take effect after we first looked for that."""

_SETTLES = 5.0
"""Seconds in which Glance may end what it is at when it is no longer wanted."""


async def new_record(cloud: Region, undo: Undo, wanted: Wanted, disk_format: str) -> Image:
    """The image without its content, removed again should the block around it fail.

    Its id is chosen here, so that a request whose end nobody knows makes one image and not two. Raises Conflict, and touches
    nothing, when the caller chose one that another image has.
    """
    images = cloud.image.images
    id = wanted.image_id or str(uuid.uuid4())
    spec = NewImage(name=wanted.name, id=id, disk_format=disk_format, **wanted.described)
    order = _Order(images, id)
    # What bore the caller's id before is not ours, however the request ends: Glance then says that it is taken.
    order.taken = wanted.image_id is not None and bool(await order.there())
    if wanted.image_id is None:
        await undo.names("image", id)
    await checkpoint_if_cancelled()
    if not order.taken:
        undo.made("image", id, wanted.name, order.take_back)
    try:
        image, _ = await create_once(lambda: images.create_from(spec), order.look)
    except CloudError as error:
        # A refusal that has a cause came after an answer that was lost.
        order.refused = not is_ambiguous(error) and not isinstance(error.__cause__, CloudError)
        raise
    order.known = True
    if wanted.image_id is not None:
        # An id that the caller chose may be that of another image until ours is there.
        await undo.names("image", id)
    return image


@dataclass
class _Order:
    """A request for a record, and how it ended, as far as we know."""

    images: Images[..., ...]
    id: str
    taken: bool = False
    known: bool = False
    refused: bool = False

    async def there(self) -> list[Image]:
        """What has the id."""
        try:
            return [await self.images.get(self.id)]
        except NotFound:
            return []

    async def look(self) -> list[Image]:
        """What it made, while nobody knows that it did."""
        return [] if self.taken else [image for image in await self.there() if image.status == "queued"]

    async def take_back(self, _: str) -> None:
        """Remove what it made. Raises CloudError when it may still make it."""
        if self.refused:
            return
        for pause in _LOOKS:
            await anyio.sleep(pause)
            if self.known or await self.look():
                await self._settle()
                await self.images.delete({"id": self.id})
                return
        raise CloudError("the request for it was cut off: it may still appear")

    async def _settle(self) -> None:
        """Let Glance come to an end: what loses its record meanwhile may leave its content behind, which nobody can remove."""
        with suppress(CloudError):  # the removal tells
            await wait_for(self.there, _is_idle, what=f"the end of the upload of image {self.id}", timeout=_SETTLES)


def _is_idle(there: Sequence[Image]) -> bool:
    return not any(image.status in ("saving", "importing") for image in there)


async def protect(cloud: Region, undo: Undo, wanted: Wanted, image: Image) -> Image:
    """The image, protected where that is wanted: the last step, since what is protected can't be removed again."""
    if not wanted.protected:
        return image
    which, images = {"id": image.id}, cloud.image.images
    known = False

    async def release(_: str) -> None:
        for pause in _LOOKS:
            await anyio.sleep(pause)
            await images.update(which, is_protected=False)
            if known:
                return

    undo.made("image", image.id, wanted.name, release)
    image = await images.update(which, is_protected=True)
    known = True
    return image


async def made_elsewhere(
    cloud: Region,
    undo: Undo,
    name: str,
    send: Callable[[], Awaitable[str]],
    look: Callable[[], Awaitable[Sequence[Image]]],
) -> Image:
    """The image that another service makes when it is asked to (`send`, which gives its id); `look` finds it by its mark."""
    images = cloud.image.images

    async def remove(id: str) -> None:
        await _remove_with_snapshots(cloud, id)

    async def order() -> Image:
        return Image(id=await send(), name=name)

    ordered = await undo.create("image", order, look, remove)
    await undo.names("image", ordered.id)
    image = await images.get(ordered.id)
    for snapshot in _snapshots_in(image):
        await undo.names("snapshot", snapshot)
    return image


async def _remove_with_snapshots(cloud: Region, id: str) -> None:
    """Remove an image that was just made, with the snapshots of volumes that it stands for."""
    images = cloud.image.images
    try:
        snapshots = _snapshots_in(await images.get(id))
    except NotFound:
        return
    await images.delete({"id": id})
    left: list[Leftover] = []
    for snapshot in snapshots:
        try:
            await delete_when_free(cloud.block_storage.snapshots, snapshot)
        except CloudError as error:
            left.append(Leftover("snapshot", snapshot, None, error.message))
    if left:
        raise CloudError(f"image {id} is gone, and has left snapshots of volumes").leaving(left)


def _snapshots_in(image: Image) -> list[str]:
    """The snapshots that Nova made of a server's volumes, where it has no other disk: the image has no content but them.

    https://docs.openstack.org/api-ref/compute/#create-image-createimage-action
    """
    told = image.get("block_device_mapping")
    try:
        devices = json.loads(told) if isinstance(told, str) else told
    except ValueError:  # anybody may set a property of that name
        return []
    return [one["snapshot_id"] for one in mappings(devices) if isinstance(one.get("snapshot_id"), str)]
