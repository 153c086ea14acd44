"""What all of Neutron's resources share. API: https://docs.openstack.org/api-ref/network/v2/#standard-attributes-tag-extension"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Generic, ParamSpec, TypeVar

from aiocloud._json import load_json, mapping
from aiocloud.collection import Collection
from aiocloud.model import NullAs, Resource, Text, Which
from aiocloud.paths import arrives, join

__all__ = ["NetworkResource", "Tagged"]

R = TypeVar("R", bound=Resource)
New = ParamSpec("New")
Edit = ParamSpec("Edit")


class NetworkResource(Resource):
    """Neutron's standard attributes."""

    description: Text = ""
    project_id: str | None = None
    tenant_id: str | None = None
    """The same as `project_id`, under its old name."""
    revision_number: int | None = None
    """Grows with each change; `If-Match: revision_number=N` makes a change depend on it."""
    tags: Annotated[list[str], NullAs([])] = []
    created_at: str | None = None
    updated_at: str | None = None


class Tagged(Collection[R, New, Edit], Generic[R, New, Edit]):
    """Resources that can carry tags."""

    async def set_tags(self, name_or_id: Which, tags: Iterable[str]) -> list[str]:
        """Replace all its tags. API: https://docs.openstack.org/api-ref/network/v2/#replace-all-tags"""
        path = self.resource.place.path + join(await self.id_of(name_or_id), "tags")
        answer = load_json((await self.endpoint.put(path, json={"tags": sorted(set(tags))})).content, path)
        return list(mapping(answer).get("tags") or [])

    async def add_tag(self, name_or_id: Which, tag: str) -> None:
        """Add one tag; nothing happens when it is there. API: https://docs.openstack.org/api-ref/network/v2/#add-a-tag

        A tag that Neutron would not read as it is meant (see `aiocloud.paths.arrives`) is set together with the others: of
        two at the same time one may be lost.
        """
        found = await self.id_of(name_or_id)
        if arrives(tag):
            await self.endpoint.put(self.resource.place.path + join(found, "tags", tag))
        else:
            await self.set_tags(found, [*await self._tags(found), tag])

    async def remove_tag(self, name_or_id: Which, tag: str) -> None:
        """Remove one tag. Raises NotFound when it is not there. API: https://docs.openstack.org/api-ref/network/v2/#remove-a-tag

        What `add_tag` says of odd tags holds here, too.
        """
        found = await self.id_of(name_or_id)
        tags = [] if arrives(tag) else await self._tags(found)
        if tag in tags:
            await self.set_tags(found, [each for each in tags if each != tag])
        else:
            await self.endpoint.delete(self.resource.place.path + join(found, "tags", tag))

    async def _tags(self, found: str) -> list[str]:
        path = self.resource.place.path + join(found, "tags")
        return list(mapping(load_json((await self.endpoint.get(path)).content, path)).get("tags") or [])
