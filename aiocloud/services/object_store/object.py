"""Objects. API: https://docs.openstack.org/api-ref/object-store/#objects"""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Annotated, Any, ClassVar
from urllib.parse import unquote

from pydantic import BeforeValidator, Field

from aiocloud._http import httpx
from aiocloud.collection import Filters, Listing, Query
from aiocloud.endpoint import Endpoint
from aiocloud.errors import Conflict, InvalidRequest, NotFound
from aiocloud.model import Page, Place, Resource, Text, Which, Wire, read_one, text_of
from aiocloud.services.object_store.capabilities import capabilities
from aiocloud.services.object_store.headers import (
    container_path,
    header_fields,
    header_values,
    metadata_headers,
    object_path,
    page_limit,
    quoted_path,
    split_path,
)
from aiocloud.services.object_store.words import in_words
from aiocloud.transport.body import Body
from aiocloud.transport.reading import AS_STORED

__all__ = ["Object", "Objects", "object_name"]

_COPY = 3600.0
"""Seconds that a copy may take: Swift says nothing before it is there."""
_VERSION = "?version-id="
"""A container that keeps versions shows each object as a link to its own newest version: what such a link has."""
_MOST_LINKS = 10


def _bare(value: object) -> object:
    return value.removeprefix("W/").strip('"') if isinstance(value, str) else value


def _but_itself(value: object) -> object:
    return None if isinstance(value, str) and _VERSION in value else value


class Object(Resource):
    """An object, or with `subdir` a folder that a listing with a delimiter found.

    `etag` is the MD5 of the content, except for large objects, where it is the MD5 of the segments' MD5s.
    """

    place: ClassVar[Place] = Place("", by_name="id")

    container: str = ""
    content_length: Annotated[int, Wire("bytes", "content-length")] = 0
    content_type: Annotated[str | None, Wire("content_type", "content-type")] = None
    etag: Annotated[Text, BeforeValidator(_bare), Wire("hash", "etag")] = ""
    last_modified: Annotated[str | None, Wire("last_modified", "last-modified")] = None
    content_encoding: Annotated[str | None, Wire("content-encoding")] = None
    content_disposition: Annotated[str | None, Wire("content-disposition")] = None
    manifest_etag: Annotated[str | None, Wire("x-manifest-etag")] = None
    """The MD5 of a static large object's manifest."""
    is_static_large_object: Annotated[bool, Wire("x-static-large-object")] = False
    object_manifest: Annotated[str | None, Wire("x-object-manifest")] = None
    """Where the segments of a dynamic large object are: `container/prefix`, quoted."""
    delete_at: Annotated[int | None, Wire("x-delete-at")] = None
    """When it expires, in seconds since 1970."""
    symlink_path: Annotated[str | None, BeforeValidator(_but_itself), Wire("symlink_path", "x-symlink-target")] = None
    """Where a symbolic link leads. Where a container keeps versions, its listing does not tell which of them are links."""
    symlink_account: Annotated[str | None, Wire("x-symlink-target-account")] = None
    """The account of that, where it is another one."""
    version_id: Annotated[str | None, Wire("version_id", "x-object-version-id")] = None
    subdir: str | None = None
    metadata: dict[str, str] = Field(default_factory=dict[str, str])  # quicker to make than to copy

    @property
    def is_large(self) -> bool:
        """Is it put together from segments?"""
        return self.is_static_large_object or self.object_manifest is not None


def object_name(which: Which) -> str:
    """The name of an object, however it is named. Raises InvalidRequest."""
    return text_of(which, "object", "name", "id")


class Objects(Listing[Object]):
    """The objects in one container: single requests, nothing clever (that is `cloud.create_object` and its kin)."""

    def __init__(self, endpoint: Endpoint, container: str) -> None:
        super().__init__(endpoint, Object)
        self.container = container
        self._base = container_path(container)

    def path(self, which: Which) -> str:
        """The path of an object in the account."""
        return self._base + object_path(self._id(which))

    async def get(self, name_or_id: Which, *, version_id: str | None = None) -> Object:
        """What is known of the object with this name, or of one version of it; not its content. Raises NotFound."""
        name = self._id(name_or_id)
        return self.of_headers(name, await self._head(name, None if version_id is None else {"version-id": version_id}))

    async def itself(self, name: str) -> Object | None:
        """What is known of the object with this name, also when it is a symbolic link; None when it is not there."""
        try:
            response = await self._head(name, {"symlink": "get"})
            _, kept, version = response.headers.get("x-symlink-target", "").partition(_VERSION)
            if kept:
                response = await self._head(name, {"symlink": "get", "version-id": version})
        except NotFound:
            return None
        except Conflict:
            # A large object that has lost a segment: its manifest can still be asked for.
            response = await self._head(name, {"multipart-manifest": "get"})
        return self.of_headers(name, response)

    async def _head(self, name: str, params: Mapping[str, str] | None = None) -> httpx.Response:
        # What would be compressed has no size, and another ETag.
        with in_words(self.container, name, version=(params or {}).get("version-id")):
            return await self.endpoint.head(self.path(name), params=params, headers=AS_STORED)

    def of_headers(self, name: str, response: httpx.Response) -> Object:
        """The object that an answer's headers tell of."""
        fields = header_fields(response.headers, "object")
        fields |= {"name": name, "id": name, "container": self.container}
        strict, origin = self.endpoint.options.strict, self.endpoint.location
        return read_one(Object, fields, strict=strict, origin=origin, where=f"object {self.container}/{name}")

    async def put(
        self,
        name: str,
        content: Body,
        *,
        headers: Mapping[str, str | None] | None = None,
        params: Mapping[str, Any] | None = None,
        deadline: float | None = None,
    ) -> httpx.Response:
        """Store an object in one request: `content` replaces what was there."""
        with in_words(self.container, name):
            return await self.endpoint.request(
                "PUT",
                self.path(name),
                content=content,
                headers=header_values({"Content-Type": "application/octet-stream", **(headers or {})}),
                params=params,
                deadline=deadline,
            )

    @asynccontextmanager
    async def open(
        self,
        name: str,
        *,
        headers: Mapping[str, str | None] | None = None,
        params: Mapping[str, Any] | None = None,
        deadline: float | None = None,
    ) -> AsyncGenerator[httpx.Response]:
        """The object's content as an answer to be read piece by piece, with `aiter_raw`, inside the block.

        A proxy that would compress it is asked not to. To read it all may take as long as any call, 300 seconds unless an
        option says otherwise; or until `deadline`, on anyio's clock: `math.inf` waits for a slow reader.
        """
        sent = header_values({**AS_STORED, **(headers or {})})
        answer = self.endpoint.stream("GET", self.path(name), headers=sent, params=params, deadline=deadline)
        async with AsyncExitStack() as until_read:
            with in_words(self.container, name):
                response = await until_read.enter_async_context(answer)
            yield response

    async def update(
        self,
        name_or_id: Which,
        metadata: Mapping[str, str] | None = None,
        *,
        content_type: str | None = None,
        content_encoding: str | None = None,
        content_disposition: str | None = None,
        delete_at: int | None = None,
        delete_after: int | None = None,
    ) -> Object:
        """Replace all metadata by this; `delete_at` is in seconds since 1970, `delete_after` in seconds from now.

        Swift drops the other settings that are not named here, except the content type. Where a dynamic large object has
        its segments is said again, because without it the object would be empty. Of a symbolic link this changes the target,
        as `get` shows it; raises InvalidRequest for one into another account.
        """
        name = self._id(name_or_id)
        answer = await self._head(name)
        old = self.of_headers(name, answer)
        # By a POST to a link, Swift would change the link itself.
        path = await self._target(name) if "content-location" in answer.headers else self.path(name)
        headers = {
            "X-Object-Manifest": old.object_manifest,
            **metadata_headers("Object", metadata),
            "Content-Type": content_type,
            "Content-Encoding": content_encoding,
            "Content-Disposition": content_disposition,
            "X-Delete-At": None if delete_at is None else str(delete_at),
            "X-Delete-After": None if delete_after is None else str(delete_after),
        }
        with in_words(self.container, name):
            await self.endpoint.post(path, headers=header_values(headers))
        return await self.get(name)

    async def _target(self, link: str) -> str:
        """The path of the object that links lead to from this one. Raises InvalidRequest when it is in another account."""
        account = unquote((await self.endpoint.url()).rpartition("/")[2])
        objects, name, found = self, link, await self.itself(link)
        for _ in range(_MOST_LINKS):
            if found is None or found.symlink_path is None:
                break
            if found.symlink_account not in (None, account):
                at, there = self.endpoint.location, f"{found.symlink_account}/{found.symlink_path}"
                raise InvalidRequest(
                    f"{link!r} in {self.container!r} is a link into another account, to {there!r}: "
                    "change that with a login there",
                    cloud=at.cloud,
                    region=at.region_name,
                    service=self.endpoint.service_type,
                )
            container, name = split_path(found.symlink_path)
            objects = Objects(self.endpoint, container)
            found = await objects.itself(name)
        return objects.path(name)

    async def copy(
        self, name_or_id: Which, container: str, name: str | None = None, *, whole: bool = True, fresh: bool = False
    ) -> Object:
        """Copy it inside the cloud. A large object's manifest alone is copied unless `whole`; `fresh` drops metadata."""
        source = self._id(name_or_id)
        target = Objects(self.endpoint, container)
        params = {} if whole else {"multipart-manifest": "get"}
        headers = {"X-Copy-From": quoted_path(self.container, source), "X-Fresh-Metadata": "true" if fresh else None}
        with in_words(self.container, source, to=target.container):
            await self.endpoint.request(
                "PUT",
                target.path(name or source),
                content=b"",
                headers=header_values(headers),
                params=params,
                deadline=math.inf,
                read_timeout=_COPY,
            )
        return await target.get(name or source)

    async def link(self, name: str, container: str, target: str, *, etag: str | None = None) -> Object:
        """A symbolic link called `name` to another object; with its `etag`, a static one that can't break unseen.

        The target may be missing, except for a static link. For that to a static large object, `etag` is its `manifest_etag`.
        """
        Objects(self.endpoint, container).path(target)  # refuses names that no object can have
        headers = {"X-Symlink-Target": quoted_path(container, target), "X-Symlink-Target-Etag": etag}
        await self.put(name, b"", headers={**headers, "Content-Type": "application/symlink"})
        return await self.itself(name) or await self.get(name)

    async def delete(self, name_or_id: Which, ignore_missing: bool = True, *, version_id: str | None = None) -> bool:
        """Remove this object, or one version of it for good, not its segments: True, or False when it was not there."""
        params = None if version_id is None else {"version-id": version_id}
        try:
            with in_words(self.container, self._id(name_or_id), version=version_id):
                await self.endpoint.delete(self.path(name_or_id), params=params)
        except NotFound:
            if not ignore_missing:
                raise
            return False
        return True

    async def _read_all(self, params: Mapping[str, Any]) -> Sequence[Object]:
        return [item async for page in self.pages(params) for item in page.items]

    async def pages(self, filters: Filters = None, **query: Query) -> AsyncGenerator[Page[Object], None]:
        """Page after page; `prefix`, `delimiter`, `marker`, `end_marker`, `reverse` and `limit` are Swift's own.

        With `versions`, whatever its value, of a container that keeps them: all versions of each object, the newest first.
        """
        asked = {"format": "json", **(filters or {}), **query}
        params: dict[str, Any] = {key: value for key, value in asked.items() if value is not None}
        can, limit = await capabilities(self.endpoint), page_limit(params.get("limit"))
        while True:
            with in_words(self.container):
                page = self._read_page(await self.endpoint.get(self._base, params=params))
            page.items[:] = [self._placed(item) for item in page.items]
            yield page
            names = [each.name for each in page.items]
            if can.ends_with(names, params.get("marker"), limit):
                return
            params["marker"] = names[-1]
            if "versions" in params:
                # Swift would go on after all versions of the name.
                params["version_marker"] = page.items[-1].version_id

    def _placed(self, item: Object) -> Object:
        name = item.name or item.subdir or ""
        return item.completed(id=name, name=name, container=self.container)
