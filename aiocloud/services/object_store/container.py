"""Containers. API: https://docs.openstack.org/api-ref/object-store/#containers"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Generic, ParamSpec, TypedDict

from pydantic import Field, SecretStr

from aiocloud.collection import Collection, Filters, Query
from aiocloud.errors import NotFound
from aiocloud.model import Page, Place, Resource, Spec, Which, Wire, build, read_one, wire_names
from aiocloud.services.object_store.capabilities import capabilities
from aiocloud.services.object_store.headers import (
    container_path,
    header_fields,
    header_values,
    metadata_headers,
    page_limit,
)
from aiocloud.services.object_store.words import in_words

__all__ = ["Container", "ContainerWords", "Containers", "EditContainer", "NewContainer", "as_settings"]

New = ParamSpec("New")
Edit = ParamSpec("Edit")

PUBLIC = ".r:*,.rlistings"


class Container(Resource):
    """A container. A listing brings its name and totals only; the totals there lag behind by seconds."""

    place: ClassVar[Place] = Place("", by_name="id")

    object_count: Annotated[int, Wire("count", "x-container-object-count")] = 0
    bytes_used: Annotated[int, Wire("bytes", "x-container-bytes-used")] = 0
    last_modified: Annotated[str | None, Wire("last_modified", "last-modified")] = None
    read_acl: Annotated[str | None, Wire("x-container-read")] = None
    write_acl: Annotated[str | None, Wire("x-container-write")] = None
    storage_policy: Annotated[str | None, Wire("x-storage-policy")] = None
    versions_enabled: Annotated[bool, Wire("x-versions-enabled")] = False
    versions_location: Annotated[str | None, Wire("x-versions-location")] = None
    history_location: Annotated[str | None, Wire("x-history-location")] = None
    sync_to: Annotated[str | None, Wire("x-container-sync-to")] = None
    temp_url_key: Annotated[SecretStr | None, Wire("temp-url-key")] = None
    """What temporary URLs are signed with."""
    temp_url_key_2: Annotated[SecretStr | None, Wire("temp-url-key-2")] = None
    metadata: dict[str, str] = {}


class _Settings(Spec):
    """What can be set of a container. None in `metadata` removes a key; an empty text takes a setting back."""

    read_acl: Annotated[str | None, Wire("X-Container-Read")] = None
    """Who may read: `.r:*` everybody, `.r:*,.rlistings` with listings, `project_id:user_id` ..."""
    write_acl: Annotated[str | None, Wire("X-Container-Write")] = None
    versions_enabled: Annotated[bool | None, Wire("X-Versions-Enabled")] = None
    versions_location: Annotated[str | None, Wire("X-Versions-Location")] = None
    history_location: Annotated[str | None, Wire("X-History-Location")] = None
    quota_bytes: Annotated[int | None, Wire("X-Container-Meta-Quota-Bytes")] = None
    quota_count: Annotated[int | None, Wire("X-Container-Meta-Quota-Count")] = None
    web_index: Annotated[str | None, Wire("X-Container-Meta-Web-Index")] = None
    """Static web: the object that answers for a folder, such as `index.html`."""
    web_error: Annotated[str | None, Wire("X-Container-Meta-Web-Error")] = None
    """Static web: the end of the names of error pages, such as `error.html` for `404error.html`."""
    web_listings: Annotated[bool | None, Wire("X-Container-Meta-Web-Listings")] = None
    metadata: Mapping[str, str | None] | None = Field(default=None, exclude=True)

    def headers(self) -> dict[str, Any]:
        """As Swift takes it."""
        plain = {key: _text(value) for key, value in self.body().items() if key not in ("name", "metadata")}
        return header_values({**plain, **metadata_headers("Container", self.metadata, remove=True)})


def _text(value: object) -> str | None:
    return None if value is None else str(value)


class ContainerWords(TypedDict, total=False):
    """What can be set of a container, as `EditContainer` has it."""

    read_acl: str
    write_acl: str
    versions_enabled: bool
    versions_location: str
    history_location: str
    quota_bytes: int
    quota_count: int
    web_index: str
    web_error: str
    web_listings: bool
    metadata: Mapping[str, str | None]


def as_settings(headers: Mapping[str, str | None]) -> dict[str, Any]:
    """Swift's own headers as settings; what is none of them is metadata, of which None removes a key. Pure."""
    known = {wire.lower(): name for name, wire in wire_names(_Settings).items()}
    settings: dict[str, Any] = {}
    metadata: dict[str, str | None] = {}
    for header, value in headers.items():
        name = header.lower()
        if name in known and value is not None:
            settings[known[name]] = value
        elif name.startswith(removed := "x-remove-container-meta-"):
            metadata[header[len(removed) :]] = None
        elif name.startswith(kept := "x-container-meta-"):
            metadata[header[len(kept) :]] = value
        elif name in known:
            settings[known[name]] = ""
        else:
            metadata[header] = value
    return {**settings, "metadata": metadata} if metadata else settings


class NewContainer(_Settings):
    """A container and how it is to be."""

    name: str
    storage_policy: Annotated[str | None, Wire("X-Storage-Policy")] = None


class EditContainer(_Settings):
    """What to change; the rest stays."""


class Containers(Collection[Container, New, Edit], Generic[New, Edit]):
    """The containers of the account."""

    async def get(self, name_or_id: Which) -> Container:
        """The container with this name, with all that Swift knows of it. Raises NotFound."""
        name = self._id(name_or_id)
        with in_words(name):
            response = await self.endpoint.head(container_path(name))
        fields = {**header_fields(response.headers, "container"), "name": name, "id": name}
        strict, origin = self.endpoint.options.strict, self.endpoint.location
        return read_one(Container, fields, strict=strict, origin=origin, where=f"container {name}")

    async def ensure(self, name: str, *, read_acl: str | None = None, storage_policy: str | None = None) -> bool:
        """Make it unless it is there, by one request: True when it was made."""
        spec = NewContainer(name=name, read_acl=read_acl, storage_policy=storage_policy)
        return (await self.endpoint.put(container_path(name), headers=spec.headers())).status_code == 201

    async def create_from(self, spec: Spec) -> Container:
        """Make one, or change the one with this name: PUT is both."""
        assert isinstance(spec, NewContainer)  # noqa: S101
        await self.endpoint.put(container_path(spec.name), headers=spec.headers())
        return await self.get(spec.name)

    async def update(self, name_or_id: Which, *args: Edit.args, **kwargs: Edit.kwargs) -> Container:
        """Change its settings or metadata; what is not named stays. Raises NotFound."""
        spec = build(self._edit, *args, **kwargs)
        assert isinstance(spec, EditContainer)  # noqa: S101
        name = self._id(name_or_id)
        with in_words(name):
            await self.endpoint.post(container_path(name), headers=spec.headers())
        return await self.get(name)

    async def delete(self, name_or_id: Which, ignore_missing: bool = True) -> bool:
        """Remove it: True, or False when it was not there. Raises Conflict while there are objects in it."""
        name = self._id(name_or_id)
        try:
            with in_words(name):
                await self.endpoint.delete(container_path(name))
        except NotFound:
            if not ignore_missing:
                raise
            return False
        return True

    async def _read_all(self, params: Mapping[str, Any]) -> Sequence[Container]:
        return [item async for page in self.pages(params) for item in page.items]

    async def pages(self, filters: Filters = None, **query: Query) -> AsyncGenerator[Page[Container], None]:
        """Page after page; `prefix`, `marker`, `end_marker`, `reverse` and `limit` are Swift's own."""
        asked = {"format": "json", **(filters or {}), **query}
        params: dict[str, Any] = {key: value for key, value in asked.items() if value is not None}
        can, limit = await capabilities(self.endpoint), page_limit(params.get("limit"))
        while True:
            page = self._read_page(await self.endpoint.get("", params=params))
            page.items[:] = [item.completed(id=item.name) for item in page.items]
            yield page
            names = [each.name for each in page.items]
            if can.ends_with(names, params.get("marker"), limit):
                return
            params["marker"] = names[-1]
