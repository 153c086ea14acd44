"""What an image is to be, how it is to get there, and whether it is there already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from aiocloud.errors import InvalidRequest, NotFound, Unsupported
from aiocloud.progress import OnProgress
from aiocloud.region import Region
from aiocloud.services.image.image import Image
from aiocloud.tasks.image_content import known_hashes
from aiocloud.tasks.image_sums import USUAL, Hashed, hash_of
from aiocloud.tasks.sources import Source

__all__ = [
    "CONTAINER",
    "Stores",
    "Wanted",
    "Way",
    "is_converted",
    "same_already",
    "source_note",
]

CONTAINER = "images"
"""Where a task import takes content from, unless somebody says otherwise."""

_SOURCE = "aiocloud:source"
"""The property that tells what an import was given, since a cloud may convert it."""

# Under these names SDKs keep the checksums that an image's maker gave.
_KEPT = ("owner_specified.openstack.{}", "owner_specified.shade.{}")


@dataclass(frozen=True)
class Wanted:
    """An image that is to be: its name, what its content is meant to have (`sums`), and all else that is said of it."""

    name: str
    image_id: str | None
    disk_format: str | None
    container_format: str
    sums: Mapping[str, str | None]
    settings: Mapping[str, Any]
    properties: Mapping[str, Any]
    progress: OnProgress = None

    @property
    def unverified(self) -> Wanted:
        """The same without the checksums: a record that bears them is found by them, so they have to be true."""
        return replace(self, sums={})

    @property
    def kept(self) -> dict[str, str]:
        """The properties that tell the checksums."""
        return {_KEPT[0].format(algorithm): text.lower() for algorithm, text in self.sums.items() if text}

    @property
    def protected(self) -> bool:
        """Is nobody to be able to remove it?"""
        return bool(self.settings.get("is_protected"))

    @property
    def described(self) -> dict[str, Any]:
        """The fields of a new record besides its name, id and disk format; its protection comes later, see `protect`."""
        settings = {key: value for key, value in self.settings.items() if value is not None}
        if self.protected:
            del settings["is_protected"]
        properties = {key: value for key, value in self.properties.items() if value is not None}
        return {**settings, "container_format": self.container_format, "properties": {**self.kept, **properties}}


@dataclass(frozen=True)
class Stores:
    """Where in the service the content is to lie; nothing given means its default store."""

    names: Sequence[str] | None = None
    all: bool | None = None
    all_must_succeed: bool | None = None

    async def check(self, cloud: Region) -> None:
        """Raise, before anything is sent, InvalidRequest for a store that is not there, Unsupported where there are none."""
        if not self.names:
            return
        try:
            there = [store.id for store in await cloud.image.stores.list()]
        except NotFound:
            raise Unsupported("this cloud keeps images in one place: it has no stores to choose from") from None
        unknown = sorted(set(self.names) - set(there))
        if unknown:
            raise InvalidRequest(f"no store is called {', '.join(unknown)}; there are: {', '.join(there)}")


@dataclass(frozen=True)
class Way:
    """How it is to get there: `container` is where a task import takes it from, `timeout` is in seconds."""

    use_import: bool = False
    stores: Stores = field(default_factory=Stores)
    container: str = CONTAINER
    wait: bool = False
    timeout: float = 3600

    @property
    def imports(self) -> bool:
        """Must it be an import?"""
        return self.use_import or bool(self.stores.names) or bool(self.stores.all)


async def same_already(cloud: Region, wanted: Wanted, source: Source | Hashed | None) -> Image | None:
    """An image of this name with this content, ready to be used. The content is read only when one may be it.

    What the cloud fetches itself (`source` is None) is known by nothing but its checksums.
    """
    if source is None and not any(wanted.sums.values()):
        return None
    images = cloud.image.images
    hidden = await images.named(wanted.name, hidden=True) if wanted.settings.get("is_hidden") else []
    for image in [*hidden, *await images.named(wanted.name)]:
        if image.status == "active" and (_has_given(image, wanted.sums) or await _has_content(image, source)):
            return image
    return None


def source_note(image_id: str, hashed: str) -> dict[str, str]:
    """The property that tells what an import was given: it names the image, because copies of an image inherit it."""
    return {_SOURCE: f"{image_id} {USUAL} {hashed}"}


def _has_given(image: Image, sums: Mapping[str, str | None]) -> bool:
    """Has it a checksum that the caller gave?"""
    for algorithm, text in sums.items():
        known = [image.get(key.format(algorithm)) for key in _KEPT]
        if algorithm == "md5":
            known.append(image.checksum)
        if text and text.lower() in known:
            return True
    return False


async def _has_content(image: Image, source: Source | Hashed | None) -> bool:
    if source is None or isinstance(source, Hashed):
        return False
    noted = str(image.get(_SOURCE, ""))
    if noted.startswith(image.id):
        return noted == source_note(image.id, await hash_of(source, USUAL))[_SOURCE]
    if image.size != source.size:
        return False
    for algorithm, value in known_hashes(image)[:1]:
        return await hash_of(source, algorithm) == value
    return False


def is_converted(before: Image, now: Image) -> bool:
    """Is it of another format than was ordered? Many clouds turn what is imported into what their storage wants.

    https://docs.openstack.org/glance/latest/admin/interoperable-image-import.html#the-image-conversion
    """
    return (before.disk_format, before.container_format) != (now.disk_format, now.container_format)
