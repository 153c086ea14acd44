"""The ways into Glance: a plain upload, an import, a task that takes an object from Swift, a volume's content.

A new image's id is chosen here, so that a request whose end nobody knows makes one image and not two. Content can be
sent to an image once: when that breaks off or arrives damaged, the record is removed and another one made.
"""

from __future__ import annotations

import logging
import math
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import anyio

from aiocloud._json import load_json, mapping
from aiocloud.errors import ChecksumMismatch, CloudError, Conflict, NotFound, ResourceFailed, Timeout, Unsupported
from aiocloud.model import Which
from aiocloud.paths import join
from aiocloud.poller import wait_for
from aiocloud.progress import Meter, OnProgress
from aiocloud.reconcile import create_once, is_ambiguous
from aiocloud.region import Region
from aiocloud.services.image.image import Image, NewImage
from aiocloud.tasks import formats
from aiocloud.tasks.digests import Digests
from aiocloud.tasks.image_content import known_hash
from aiocloud.tasks.sources import FileSource, Source
from aiocloud.tasks.undo import Undo
from aiocloud.transport.body import Body, Replay

__all__ = ["NewContent", "Way", "from_elsewhere", "from_source", "from_volume", "until_active"]

_log = logging.getLogger("aiocloud.images")

_TRIES = 3
_USUAL = "sha512"
"""What Glance hashes with unless it is told otherwise."""


@dataclass(frozen=True)
class NewContent:
    """An image that is to be: what it is called and what is said of it; `sums` is what its content is meant to have."""

    name: str
    described: Mapping[str, Any]
    image_id: str | None
    sums: Mapping[str, str | None]
    disk_format: str | None
    progress: OnProgress


@dataclass(frozen=True)
class Way:
    """How it is to get there; `container` is where a task import takes it from, `timeout` is in seconds."""

    use_import: bool
    stores: Sequence[str] | None
    all_stores: bool | None
    all_stores_must_succeed: bool | None
    container: str
    timeout: float

    @property
    def imports(self) -> bool:
        """Must it be an import?"""
        return self.use_import or bool(self.stores) or bool(self.all_stores)


async def from_source(
    cloud: Region,
    content: NewContent,
    way: Way,
    source: Source | AsyncIterator[bytes],
    *,
    wait: bool,
    allow_duplicates: bool,
) -> Image:
    """An image of a file, bytes or a stream."""
    head, tail, body = await _ends(source)
    disk_format = content.disk_format or formats.recognise(head, tail) or cloud.config.image_format
    formats.check_safe(head, disk_format)
    if not allow_duplicates:
        same = await _same_already(cloud, content, body)
        if same is not None:
            return same
    if not isinstance(body, AsyncIterator):
        await _check_given(body, content.sums)
    if cloud.config.image_api_use_tasks:
        from aiocloud.tasks.image_tasks import from_swift

        return await from_swift(cloud, content, way, body, disk_format)
    for attempt in range(1, _TRIES + 1):
        try:
            return await _once(cloud, content, way, body, disk_format, wait=wait)
        except CloudError as error:
            again = isinstance(error, (ChecksumMismatch, Conflict)) or (
                is_ambiguous(error) and not isinstance(error, Timeout)
            )
            if error.leftovers or not again or attempt == _TRIES or isinstance(body, AsyncIterator):
                raise
            _log.warning("image %s is uploaded again: %s", content.name, error)
    raise AssertionError  # the loop returns or raises


async def _ends(source: Source | AsyncIterator[bytes]) -> tuple[bytes, bytes, Source | AsyncIterator[bytes]]:
    """The first 64 KiB and the last 512 bytes, and the whole still to be read."""
    if not isinstance(source, AsyncIterator):
        head = b"".join([chunk async for chunk in source.read(0, min(source.size, formats.HEAD))])
        start = max(0, source.size - 512)
        return head, b"".join([chunk async for chunk in source.read(start, source.size - start)]), source
    chunks: list[bytes] = []
    async for chunk in source:
        chunks.append(chunk)
        if sum(map(len, chunks)) >= formats.HEAD:
            break

    async def whole() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk
        async for chunk in source:
            yield chunk

    return b"".join(chunks)[: formats.HEAD], b"", whole()


async def _same_already(cloud: Region, content: NewContent, source: Source | AsyncIterator[bytes]) -> Image | None:
    """An image of this name with this content, ready to be used. The content is read only when one may be it."""
    there = [image for image in await cloud.image.images.list(name=content.name) if image.status == "active"]
    computed: dict[str, str] = {}
    for image in there:
        for algorithm in ("md5", "sha256"):
            given = content.sums.get(algorithm)
            kept = image.get(f"owner_specified.openstack.{algorithm}") or image.get(
                f"owner_specified.shade.{algorithm}"
            )
            if given and (kept == given.lower() or (algorithm == "md5" and image.checksum == given.lower())):
                return image
        expected = known_hash(image)
        if expected is None or isinstance(source, AsyncIterator) or image.size != source.size:
            continue
        algorithm, value = expected
        if algorithm not in computed:
            computed[algorithm] = await _hash(source, algorithm)
        if computed[algorithm] == value:
            return image
    return None


async def _hash(source: Source, algorithm: str) -> str:
    if isinstance(source, FileSource):
        return await source.digest(algorithm)
    digests = Digests([algorithm])
    async for _ in source.read(0, source.size, digests):
        pass
    return digests.values()[algorithm]


async def _check_given(source: Source, sums: Mapping[str, str | None]) -> None:
    """Raise ChecksumMismatch, before anything is sent, when the content is not what the caller said."""
    for algorithm, given in sums.items():
        if given and (found := await _hash(source, algorithm)) != given.lower():
            raise ChecksumMismatch(f"the content's {algorithm} is {found}, not {given}")


async def _once(
    cloud: Region,
    content: NewContent,
    way: Way,
    source: Source | AsyncIterator[bytes],
    disk_format: str,
    *,
    wait: bool,
) -> Image:
    """One record, its content, and a look at whether it arrived."""
    images = cloud.image.images
    async with Undo(cloud) as undo:
        image = await new_record(cloud, undo, content, disk_format)
        sending = _Sending(source, content)
        if way.imports:
            await images.stage(image.id, sending.body(), deadline=math.inf)
            sending.check_given()
            await _import(cloud, image, way, {"name": "glance-direct"})
            if not wait:
                return await images.get(image.id)
            ready = await until_active(cloud, image.id, way.timeout)
        else:
            await _put(cloud, image, sending)
            sending.check_given()
            ready = await until_active(cloud, image.id, way.timeout)
        if not isinstance(source, AsyncIterator):
            await source.check()
        await sending.check(ready)
        return ready


async def new_record(cloud: Region, undo: Undo, content: NewContent, disk_format: str) -> Image:
    """The image without its content, removed again should the block around it fail."""
    images = cloud.image.images
    id = content.image_id or str(uuid.uuid4())
    spec = NewImage(name=content.name, id=id, disk_format=disk_format, **content.described)
    known = False

    async def remove(_: str) -> None:
        # A request that was cut off may take effect after our first look.
        for pause in (0.0, 0.2, 0.5):
            await anyio.sleep(pause)
            if await images.delete(id) or known:
                return

    async def look() -> list[Image]:
        try:
            return [await images.get(id)]
        except NotFound:
            return []

    if content.image_id is None:
        undo.made("image", id, content.name, remove)
    image, _ = await create_once(lambda: images.create_from(spec), look)
    if content.image_id is not None:
        undo.made("image", id, content.name, remove)
    known = True
    return image


class _Sending:
    """Content that is hashed while it is sent."""

    def __init__(self, source: Source | AsyncIterator[bytes], content: NewContent) -> None:
        self._source = source
        self._content = content
        # A file is hashed once for all the clouds that it goes to; what can't be read again, on its way.
        stream = isinstance(source, AsyncIterator)
        self._algorithms = {_USUAL, *(name for name, text in content.sums.items() if text)} if stream else set[str]()
        self._digests = Digests(self._algorithms)
        size = None if isinstance(source, AsyncIterator) else source.size
        self._meter = Meter(f"image {content.name}", size, content.progress)

    def body(self) -> Body:
        """What goes out."""
        if isinstance(self._source, AsyncIterator):
            return self._stream(self._source)
        return Replay(self._again, self._source.size)

    async def _again(self) -> AsyncIterator[bytes]:
        assert not isinstance(self._source, AsyncIterator)  # noqa: S101
        self._meter.add(-self._meter.done)
        self._digests = Digests(self._algorithms)
        async for chunk in self._source.read(0, self._source.size, self._digests):
            yield chunk
            self._meter.add(len(chunk))

    async def _stream(self, source: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for chunk in source:
            await self._digests.update(chunk)
            yield chunk
            self._meter.add(len(chunk))

    def check_given(self) -> None:
        """Raise ChecksumMismatch when a stream was not what the caller said."""
        found = self._digests.values()
        if not found:
            return
        for algorithm, given in self._content.sums.items():
            if given and found[algorithm] != given.lower():
                raise ChecksumMismatch(f"the content's {algorithm} is {found[algorithm]}, not {given}")

    async def check(self, image: Image) -> None:
        """Raise ChecksumMismatch when Glance has something else than was read."""
        expected = known_hash(image)
        if expected is None:
            return
        algorithm, value = expected
        found = self._digests.values().get(algorithm)
        if found is None and not isinstance(self._source, AsyncIterator):
            found = await _hash(self._source, algorithm)
        if found is not None and found != value:
            raise ChecksumMismatch(f"image {image.name} ({image.id}) has {algorithm} {value}, {found} was sent")


async def _put(cloud: Region, image: Image, sending: _Sending) -> None:
    """A plain upload. After an end that nobody knows, the image's status tells whether it was one."""
    try:
        await cloud.image.images.upload(image.id, sending.body(), deadline=math.inf)
    except CloudError as error:
        if not is_ambiguous(error) and not isinstance(error, Conflict):
            raise

        async def look() -> Image:
            return await cloud.image.images.get(image.id)

        settled = await wait_for(
            look, lambda seen: seen.status != "saving", what=f"the end of the upload of {image.name}", timeout=60
        )
        if settled.status != "active":
            raise


async def _import(cloud: Region, image: Image, way: Way, method: Mapping[str, Any]) -> None:
    methods = await cloud.image.import_methods()
    if method["name"] not in methods:
        told = ", ".join(methods) or "none"
        raise Unsupported(
            f"this cloud does not import images by {method['name']}; it offers: {told}",
            cloud=cloud.name,
            region=cloud.region_name,
            service="image",
        )
    await cloud.image.images.start_import(
        image.id,
        method,
        stores=way.stores,
        all_stores=way.all_stores,
        all_stores_must_succeed=way.all_stores_must_succeed,
    )


async def from_elsewhere(
    cloud: Region,
    content: NewContent,
    way: Way,
    *,
    uri: str | None,
    remote_region: str | None,
    remote_image_id: str | None,
    wait: bool,
) -> Image:
    """An image that the cloud fetches itself: from a URL, or from another region's Glance."""
    method: dict[str, Any] = {"name": "web-download", "uri": uri}
    if remote_image_id is not None:
        method = {"name": "glance-download", "glance_image_id": remote_image_id, "glance_region": remote_region}
    suffix = (uri or "").rpartition("?")[0] or uri or ""
    disk_format = content.disk_format or _BY_SUFFIX.get(suffix.rpartition(".")[2].lower()) or cloud.config.image_format
    async with Undo(cloud) as undo:
        image = await new_record(cloud, undo, content, disk_format)
        await _import(cloud, image, way, method)
        if not wait:
            return await cloud.image.images.get(image.id)
        return await until_active(cloud, image.id, way.timeout)


_BY_SUFFIX = {"qcow2": "qcow2", "raw": "raw", "iso": "iso", "vmdk": "vmdk", "vhd": "vhd", "vhdx": "vhdx", "vdi": "vdi"}


async def from_volume(cloud: Region, content: NewContent, volume: Which) -> Image:
    """An image of a volume's content. API: https://docs.openstack.org/api-ref/block-storage/v3/#upload-volume-to-image"""
    id = await cloud.block_storage.volumes.id_of(volume)
    order = {
        "image_name": content.name,
        "force": False,
        "disk_format": content.disk_format or "raw",
        "container_format": content.described["container_format"],
    }
    path = join("volumes", id, "action")
    response = await cloud.block_storage.post(path, json={"os-volume_upload_image": order})
    answer = mapping(mapping(load_json(response.content, path)).get("os-volume_upload_image"))
    image = await cloud.image.images.get(str(answer.get("image_id")))
    more = {**content.described.get("properties", {})}
    return await cloud.image.images.patch(image, more) if more else image


async def until_active(cloud: Region, id: str, timeout: float, *, progress: OnProgress = None) -> Image:
    """The image once it can be used. Raises ResourceFailed when it never will be, and Timeout."""
    del progress

    def is_active(image: Image | None) -> bool:
        if image is None:
            raise ResourceFailed(f"image {id} disappeared while it was waited for", cloud=cloud.name)
        return _is_active(image)

    seen = await cloud.image.images.poll.wait(
        id, is_active, what=f"image {id} becoming active", timeout=timeout, goal="active"
    )
    assert seen is not None  # noqa: S101 - `is_active` raises for one that is gone
    return seen


def _is_active(image: Image) -> bool:
    failed = image.get("os_glance_failed_import")
    imported = not image.get("os_glance_importing_to_stores")
    if image.status in ("killed", "deleted", "pending_delete") or (failed and imported and image.status != "active"):
        why = f": the import failed in {failed}" if failed else ""
        error = ResourceFailed(f"image {image.name} ({image.id}) ended as {image.status}{why}")
        error.resource = image
        raise error
    return image.status == "active"
