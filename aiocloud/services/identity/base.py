"""What all of Keystone's collections share: ids that look like names, and creation by PUT."""

from __future__ import annotations

from typing import Generic, ParamSpec, TypeVar

from aiocloud.collection import Collection, Filters, Listing, Query
from aiocloud.errors import InvalidRequest
from aiocloud.match import can_be_id, matches
from aiocloud.model import Resource, Spec, Which
from aiocloud.paths import join

__all__ = ["InDomain", "NamedById", "PutCollection"]

R = TypeVar("R", bound=Resource)
New = ParamSpec("New")
Edit = ParamSpec("Edit")


class NamedById(Listing[R]):
    """Keystone's ids need not be UUIDs: the default domain's is `default`, an LDAP user's 64 hexadecimal digits."""

    async def _with_name(self, name: str) -> list[R]:
        found = await super()._with_name(name)
        if found or self.resource.place.by_name == "list":
            return found
        one = await self._get_or_none(name)
        return [one] if one is not None else []


class InDomain(NamedById[R], Collection[R, New, Edit], Generic[R, New, Edit]):
    """Resources whose names are unique only in their domain."""

    async def search(
        self, name_or_id: str | None = None, filters: Filters = None, domain_id: Query = None, **query: Query
    ) -> list[R]:
        """Those that fit this name or id and all the filters, in one domain where it is given. See `Listing.search`."""
        if domain_id is not None:
            query["domain_id"] = domain_id
        return await super().search(name_or_id, filters, **query)

    async def find_in(self, name_or_id: Which, domain_id: str | None) -> R | None:
        """The one with this name or id in a domain, or None; with no domain as `find`."""
        if domain_id is None or not isinstance(name_or_id, str):
            return await self.find(name_or_id)
        if can_be_id(name_or_id):
            found = await self._get_or_none(name_or_id)
            if found is not None:
                return found if matches(found, {"domain_id": domain_id}) else None
        return self._only(await self.list(name=name_or_id, domain_id=domain_id), name_or_id)

    async def one_in(self, name_or_id: Which, domain_id: str | None) -> R:
        """As `find_in`, but one that is not there is an InvalidRequest."""
        found = await self.find_in(name_or_id, domain_id)
        if found is None:
            raise self.missing(name_or_id)
        return found


class PutCollection(Collection[R, New, Edit], Generic[R, New, Edit]):
    """Resources whose id the caller chooses: `create` puts them there."""

    async def create_from(self, spec: Spec) -> R:
        """Make one from a spec, whose `id` says where."""
        place = self.resource.place
        body = spec.body()
        id = str(body.pop("id", ""))
        if not id:
            raise InvalidRequest(f"a {self.kind} needs an id")
        return self._read(await self.endpoint.put(place.path + join(id), json={place.one: body}))
