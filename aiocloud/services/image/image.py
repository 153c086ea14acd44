"""Images. API: https://docs.openstack.org/api-ref/image/v2/#images"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Annotated, Any, ClassVar, Generic, ParamSpec

from pydantic import Field

from aiocloud._http import httpx
from aiocloud._json import load_json, mapping
from aiocloud.collection import Collection, Creatable, Filters
from aiocloud.match import matches
from aiocloud.model import NullAs, Place, Resource, Spec, Text, Which, Wire, build, wire_names
from aiocloud.paths import arrives, join
from aiocloud.services.image.member import ImageTask, Member, Members, NewMember
from aiocloud.transport.body import Body, Replay
from aiocloud.transport.reading import AS_STORED

__all__ = ["EditImage", "Image", "Images", "NewImage", "on_the_wire"]

New = ParamSpec("New")
Edit = ParamSpec("Edit")

_PATCH = {"Content-Type": "application/openstack-images-v2.1-json-patch"}
_OPERATORS = ("eq:", "in:")
"""What a filter for names may begin with: `in:` is followed by several, with commas between them."""
_BYTES = {"Content-Type": "application/octet-stream"}


class Image(Resource):
    """An image. Whatever its owner has said of it beyond the fields is in `properties`."""

    place: ClassVar[Place] = Place("/images", many="images", update="PATCH")

    status: str = ""
    """queued, saving, uploading, importing, active, deactivated, killed, deleted or pending_delete."""
    visibility: str = ""
    """public, community, shared or private."""
    size: int | None = None
    """Bytes; None until there is content."""
    virtual_size: int | None = None
    """Bytes of the disk that a server sees."""
    disk_format: str | None = None
    container_format: str | None = None
    min_disk: Annotated[int, NullAs(0)] = 0
    """GiB."""
    min_ram: Annotated[int, NullAs(0)] = 0
    """MiB."""
    checksum: str | None = None
    """MD5 of the content; services that may not use MD5 leave it out."""
    os_hash_algo: str | None = None
    os_hash_value: str | None = None
    owner: str | None = None
    is_protected: Annotated[bool, Wire("protected")] = False
    is_hidden: Annotated[bool, Wire("os_hidden")] = False
    tags: list[str] = []
    stores: Text = ""
    """Where its content lies: names, separated by commas."""
    created_at: str | None = None
    updated_at: str | None = None
    file: Text = ""
    direct_url: str | None = None
    locations: list[dict[str, Any]] = []
    self_link: Annotated[Text, Wire("self")] = ""
    schema_link: Annotated[Text, Wire("schema")] = ""

    @property
    def project_id(self) -> str | None:
        """The project that owns it."""
        return self.owner


class _Described(Spec):
    visibility: str | None = None
    min_disk: int | None = None
    """GiB."""
    min_ram: int | None = None
    """MiB."""
    is_protected: Annotated[bool | None, Wire("protected")] = None
    is_hidden: Annotated[bool | None, Wire("os_hidden")] = None
    tags: Sequence[str] | None = None
    disk_format: str | None = None
    container_format: str | None = None
    owner: str | None = None
    properties: Mapping[str, Any] | None = Field(default=None, exclude=True)
    """Any further properties: Glance keeps them as text."""

    def body(self) -> dict[str, Any]:
        """The properties stand beside the fields."""
        more = {key: None if value is None else _text(value) for key, value in (self.properties or {}).items()}
        return {**more, **super().body()}


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def on_the_wire(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Changes under the names, and with the values, that Glance keeps: what is no field of an image is text to it. Pure."""
    names = wire_names(Image)
    own = {*Image.model_fields, *names.values()}
    return {
        names.get(key, key): value if value is None or key in own else _text(value) for key, value in changes.items()
    }


def _filter(name: str) -> str:
    """What to filter by, for a name that may hold a colon: what stands before one, Glance takes for an operator."""
    return f"eq:{name}" if ":" in name else name


class NewImage(_Described):
    """An image without content yet. `id` may be chosen: a UUID that no other image has or had."""

    name: str
    id: str | None = None


class EditImage(_Described):
    """What to change; a property whose value is None is removed."""

    name: str | None = None


class Images(Collection[Image, New, Edit], Generic[New, Edit]):
    """The images that a project may see."""

    async def find(self, name_or_id: Which, filters: Filters = None) -> Image | None:
        """The one with this name or id, or None; a hidden one where no other has the name. Raises Ambiguous for several."""
        found = await super().find(name_or_id, filters)
        given_id, text = self._split(name_or_id)
        if found is not None or given_id is not None:
            return found
        hidden = await self.named(text, hidden=True)
        return self._only([image for image in hidden if matches(image, filters or {})], text)

    async def named(self, name: str, *, hidden: bool = False) -> list[Image]:
        """Those with exactly this name; Glance's own filter `name=` cares for neither case nor accents.

        `hidden` images are in no list but one of their own.
        """
        found = await self.list(name=_filter(name), is_hidden="true") if hidden else await self._with_name(name)
        return [image for image in found if image.name == name]

    async def _with_name(self, name: str) -> list[Image]:
        return await self.list(name=_filter(name))

    def _params(self, query: Mapping[str, Any]) -> dict[str, Any]:
        params = super()._params(query)
        name = params.get("name")
        if isinstance(name, str) and not name.startswith(_OPERATORS):
            params["name"] = _filter(name)
        return params

    async def update(self, name_or_id: Which, *args: Edit.args, **kwargs: Edit.kwargs) -> Image:
        """Change it, and give its new state. Raises NotFound or InvalidRequest."""
        return await self.patch(name_or_id, build(self._edit, *args, **kwargs).body())

    async def patch(self, name_or_id: Which, changes: Mapping[str, Any]) -> Image:
        """Set these properties; those that are None are removed, where they are. Glance keeps its users' own as text."""
        changes = on_the_wire(changes)
        path = self.resource.place.path + join(await self.id_of(name_or_id))
        there: Mapping[str, Any] = {}
        if None in changes.values():
            there = mapping(load_json((await self.endpoint.get(path)).content, path))
        steps: list[dict[str, Any]] = []
        for key, value in changes.items():
            pointer = "/" + key.replace("~", "~0").replace("/", "~1")
            if value is not None:
                # Glance's "add" sets what is there already, too.
                steps.append({"op": "add", "path": pointer, "value": value})
            elif key in there:
                steps.append({"op": "remove", "path": pointer})
        if not steps:
            return self._read(await self.endpoint.get(path))
        return self._read(await self.endpoint.patch(path, json=steps, headers=_PATCH))

    async def upload(self, image: Which, content: Body, *, deadline: float | None = None) -> None:
        """Send its content; Conflict when it has some. An ambiguous end is not repeated here: look at the status."""
        await self._send(image, "file", content, deadline)

    async def stage(self, image: Which, content: Body, *, deadline: float | None = None) -> None:
        """Send its content to where an import takes it from (glance-direct)."""
        await self._send(image, "stage", content, deadline)

    async def _send(self, image: Which, what: str, content: Body, deadline: float | None) -> None:
        path = join("images", await self.id_of(image), what)
        once = False if isinstance(content, Replay) else None
        await self.endpoint.request("PUT", path, content=content, headers=_BYTES, repeatable=once, deadline=deadline)

    async def start_import(
        self,
        image: Which,
        method: Mapping[str, Any],
        *,
        stores: Sequence[str] | None = None,
        all_stores: bool | None = None,
        all_stores_must_succeed: bool | None = None,
    ) -> None:
        """Begin an import: `{"name": "glance-direct"}`, `{"name": "web-download", "uri": ...}` and so on."""
        body: dict[str, Any] = {"method": dict(method)}
        if stores:
            body["stores"] = [*stores]
        if all_stores is not None:
            body["all_stores"] = all_stores
        if all_stores_must_succeed is not None:
            body["all_stores_must_succeed"] = all_stores_must_succeed
        await self.endpoint.post(join("images", await self.id_of(image), "import"), json=body)

    def open(
        self, image_id: str, *, start: int = 0, deadline: float | None = None
    ) -> AbstractAsyncContextManager[httpx.Response]:
        """Its content from byte `start` on, to be read piece by piece with `aiter_raw` inside the block."""
        headers = {**AS_STORED, **({"Range": f"bytes={start}-"} if start else {})}
        return self.endpoint.stream("GET", join("images", image_id, "file"), headers=headers, deadline=deadline)

    async def deactivate(self, image: Which) -> None:
        """Let nobody but administrators read its content."""
        await self.endpoint.post(join("images", await self.id_of(image), "actions", "deactivate"))

    async def reactivate(self, image: Which) -> None:
        """Take that back."""
        await self.endpoint.post(join("images", await self.id_of(image), "actions", "reactivate"))

    async def add_tag(self, image: Which, tag: str) -> None:
        """Add a tag. API: https://docs.openstack.org/api-ref/image/v2/#add-image-tag

        A tag that Glance would not read as it is meant (see `aiocloud.paths.arrives`) is set together with the others: of
        two at the same time one may be lost.
        """
        found = await self.id_of(image)
        if arrives(tag):
            await self.endpoint.put(join("images", found, "tags", tag))
        else:
            await self.patch(found, {"tags": [*(await self.get(found)).tags, tag]})

    async def remove_tag(self, image: Which, tag: str) -> None:
        """Remove a tag. Raises NotFound when it has none such. What `add_tag` says of odd tags holds here, too."""
        found = await self.id_of(image)
        tags = [] if arrives(tag) else (await self.get(found)).tags
        if tag in tags:
            await self.patch(found, {"tags": [each for each in tags if each != tag]})
        else:
            await self.endpoint.delete(join("images", found, "tags", tag))

    async def delete_from_store(self, image: Which, store: str) -> None:
        """Remove one copy of its content."""
        await self.endpoint.delete(join("stores", store, await self.id_of(image)))

    async def tasks(self, image: Which) -> list[ImageTask]:
        """What was and is being done to it: imports and copies."""
        endpoint = self.endpoint.at("images", await self.id_of(image))
        return await Creatable(endpoint, ImageTask, NewMember).list()

    async def members(self, image: Which) -> Members[...]:
        """The projects that it is shared with."""
        return Members(self.endpoint.at("images", await self.id_of(image)), Member, NewMember)
