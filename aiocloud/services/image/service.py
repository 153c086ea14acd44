"""The image service's collections."""

from __future__ import annotations

from typing import Any

from aiocloud._json import is_array, load_json, mapping
from aiocloud.collection import Creatable, Listing
from aiocloud.endpoint import Endpoint
from aiocloud.errors import NotFound
from aiocloud.services.base import ServiceProxy
from aiocloud.services.image.image import EditImage, Image, Images, NewImage
from aiocloud.services.image.info import NewTask, Store, Task

__all__ = ["ImageService"]


class ImageService(ServiceProxy):
    """Images: what servers are made from."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.images = Images(endpoint, Image, NewImage, EditImage)
        self.stores = Listing(endpoint, Store)
        self.tasks = Creatable(endpoint, Task, NewTask)

    async def import_methods(self) -> tuple[str, ...]:
        """How content may be brought in besides a plain upload: `glance-direct`, `web-download` ...; () for not at all."""
        try:
            answer = load_json((await self.get("/info/import")).content, "/info/import")
        except NotFound:
            return ()
        methods: Any = mapping(mapping(answer).get("import-methods")).get("value")
        return tuple(map(str, methods)) if is_array(methods) else ()

    async def schema(self) -> dict[str, Any]:
        """What an image may look like here, as JSON schema."""
        return dict(mapping(load_json((await self.get("/schemas/image")).content, "/schemas/image")))
