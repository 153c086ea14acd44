"""The verbs, once: `Listing` for what can only be read, `Creatable` for what can be made and removed too, and
`Collection` for what can also be changed.

Wherever a thing is named, its name, its id, the resource itself or `{"id": ...}` will do. A name is looked up with as
few requests as the service allows: one by its own `?name=`, else one list; by id only when the text can be an id.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Generic, ParamSpec, TypeAlias, TypeVar
from urllib.parse import parse_qsl, urlsplit

from aiocloud._http import httpx
from aiocloud._json import is_object, mapping
from aiocloud.endpoint import Endpoint
from aiocloud.errors import InvalidRequest, NormalizationError, NotFound, ResourceFailed
from aiocloud.match import can_be_id, is_glob, matches, named, only
from aiocloud.model import Page, Resource, Spec, Which, build, read_many, read_one, wire_names
from aiocloud.paths import join
from aiocloud.poller import Poll

__all__ = ["Collection", "Creatable", "Filters", "Listing", "Query", "Which"]

R = TypeVar("R", bound=Resource)
New = ParamSpec("New")
Edit = ParamSpec("Edit")
Query: TypeAlias = str | int | float | bool | list[str] | None
Filters: TypeAlias = Mapping[str, Any] | None

_GONE = ("DELETED", "SOFT_DELETED", "DELETE_COMPLETE")


def _status(resource: Resource) -> str:
    """Its status, whichever of its names the service uses."""
    for key in ("status", "provisioning_status", "stack_status"):
        if status := resource.get(key):
            return str(status).upper()
    return ""


class Listing(Generic[R]):
    """Resources of one kind in one place, to be read."""

    def __init__(self, endpoint: Endpoint, resource: type[R]) -> None:
        self.endpoint = endpoint
        self.resource = resource

    @property
    def kind(self) -> str:
        """What one of them is called in errors: `server`, `security group`."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", self.resource.__name__).lower()

    async def get(self, name_or_id: Which) -> R:
        """The one with this id. Raises NotFound; does not look for names (that is `find`)."""
        place = self.resource.place
        response = await self.endpoint.get(place.path + join(self._id(name_or_id)), microversion=place.microversion)
        return self._read(response)

    async def find(self, name_or_id: Which, filters: Filters = None) -> R | None:
        """The one with this name or id, or None. Raises Ambiguous when several have the name."""
        given_id, text = self._split(name_or_id)
        by_id = self.resource.place.by_name == "id"
        if given_id is not None or by_id or can_be_id(text):
            found = await self._get_or_none(given_id or text)
            if found is not None or given_id is not None or by_id:
                return found if found is not None and matches(found, filters or {}) else None
        candidates = [item for item in await self._with_name(text) if text in (item.name, item.id)]
        return only([item for item in candidates if matches(item, filters or {})], text, self.kind)

    def _split(self, which: Which) -> tuple[str | None, str]:
        """What is surely an id, or else the text that may be one, or a name."""
        if isinstance(which, str):
            return None, which
        if is_object(which) and which.get("name") and not which.get("id"):
            return None, str(which["name"])
        return self._id(which), ""

    async def require(self, name_or_id: Which) -> R:
        """The one with this name or id. Raises InvalidRequest, saying what was looked for, when there is none."""
        found = await self.find(name_or_id)
        if found is None:
            raise self.missing(name_or_id)
        return found

    def missing(self, name_or_id: Which) -> InvalidRequest:
        """The error for a thing that was named and is not there."""
        text = name_or_id if isinstance(name_or_id, str) else dict(mapping(name_or_id)) or name_or_id
        error = InvalidRequest(f"there is no {self.kind} {text!r}")
        error.at(self.endpoint.config.name, self.endpoint.config.region_name, self.endpoint.service_type)
        return error

    async def search(self, name_or_id: str | None = None, filters: Filters = None, **query: Query) -> list[R]:
        """Those whose name or id is this, or fits this shell pattern, and for which all the filters hold.

        `filters` are compared here, by our names or the wire's, nested ones too; `query` goes to the service.
        """
        if name_or_id is not None and not is_glob(name_or_id) and not query and not can_be_id(name_or_id):
            found = await self._with_name(name_or_id)
        else:
            found = await self.list(query)
        if name_or_id is not None:
            found = [item for item in found if named(item, name_or_id)]
        return [item for item in found if matches(item, filters or {})]

    async def stream(self, filters: Filters = None, **query: Query) -> AsyncIterator[R]:
        """Each resource in turn; the next page is asked for when the last one is used up."""
        async for page in self.pages(filters, **query):
            for item in page.items:
                yield item

    async def pages(self, filters: Filters = None, **query: Query) -> AsyncIterator[Page[R]]:
        """Page after page, as the service cuts them."""
        place = self.resource.place
        params = self._params({**(filters or {}), **query})
        seen: set[str] = set()
        while True:
            response = await self.endpoint.get(
                place.detail or place.path, params=params, microversion=place.microversion
            )
            page = self._read_page(response)
            yield page
            if page.next is None or not page.items:
                return
            if page.next in seen:
                raise NormalizationError(f"{response.request.url} links to a page that was already read: {page.next}")
            seen.add(page.next)
            # Only the query of the link counts: services behind proxies name wrong hosts, and a token must not follow.
            params = dict(parse_qsl(urlsplit(page.next).query, keep_blank_values=True))

    def _params(self, query: Mapping[str, Any]) -> dict[str, Any]:
        names = wire_names(self.resource)
        return {names.get(key, key): value for key, value in query.items() if value is not None}

    async def _with_name(self, name: str) -> list[R]:
        """Everything that can have this name, in as few requests as the service allows."""
        how = self.resource.place.by_name
        if how == "query":
            return await self.list(name=name)
        if how == "regex":
            return await self.list(name=f"^{re.escape(name)}$")
        if how == "id":
            found = await self._get_or_none(name)
            return [found] if found is not None else []
        return await self.list()

    async def _get_or_none(self, id: str) -> R | None:
        try:
            return await self.get(id)
        except NotFound:
            return None

    async def id_of(self, which: Which) -> str:
        """The id of what is named: no request unless it is given by a name."""
        given_id, text = self._split(which)
        if given_id is not None:
            return given_id
        if can_be_id(text) or self.resource.place.by_name == "id":
            return text
        return (await self.require(text)).id

    def _id(self, which: Which) -> str:
        if isinstance(which, str):
            return which
        key = "name" if self.resource.place.by_name == "id" else "id"
        value = which.get(key) or which.get("id")
        if not value:
            raise InvalidRequest(f"{which!r} does not say which {self.kind} is meant: it has no id")
        return str(value)

    async def wait(
        self,
        name_or_id: Which,
        *,
        until: str | Callable[[R], bool],
        timeout: float = 600.0,
        interval: float = 2.0,
    ) -> R:
        """Wait until it has this status (ACTIVE, available, ...), or until this is true of it, and give that state.

        However many wait in a region, they share one poll. `timeout` and `interval` (the longest pause between two looks)
        are in seconds. Raises ResourceFailed when it ends in an error status or is gone, Timeout when time is up.
        """
        wanted = until if isinstance(until, str) else "as it should be"
        is_so = until if callable(until) else lambda seen: _status(seen) == wanted.upper()
        id_ = await self.id_of(name_or_id)

        def check(seen: R | None) -> bool:
            if seen is not None and is_so(seen):
                return True
            if seen is None or _status(seen).startswith("ERROR") or _status(seen).endswith("_FAILED"):
                raise self._failed(id_, seen)
            return False

        what = f"{self.endpoint.config.name}: {self.kind} {id_} becoming {wanted}"
        seen = await self.poll.wait(id_, check, what=what, timeout=timeout, interval=interval)
        assert seen is not None  # noqa: S101 - `check` raises for one that is gone
        return seen

    async def wait_until_gone(self, name_or_id: Which, *, timeout: float = 600.0, interval: float = 2.0) -> None:
        """Wait until it is no longer there. Raises ResourceFailed when its deletion fails, Timeout when time is up."""
        id_ = await self.id_of(name_or_id)

        def check(seen: R | None) -> bool:
            if seen is not None and _status(seen) in ("ERROR_DELETING", "DELETE_FAILED"):
                raise self._failed(id_, seen)
            return seen is None or _status(seen) in _GONE

        what = f"{self.endpoint.config.name}: {self.kind} {id_} being deleted"
        await self.poll.wait(id_, check, what=what, timeout=timeout, interval=interval)

    @property
    def poll(self) -> Poll[R]:
        """The look that everybody shares who waits for such things in this region."""

        async def many(ids: AbstractSet[str]) -> Mapping[str, R]:
            return {item.id: item async for item in self.stream() if item.id in ids}

        endpoint = self.endpoint
        key = ("poll", endpoint.config.region_name, endpoint.service_type, endpoint.prefix, self.resource.place.path)
        return endpoint.session.once(key, lambda: Poll(self.get, many))

    def _failed(self, id_: str, seen: R | None) -> ResourceFailed:
        """The error of a wait that can't end well, with the service's words where it has any."""
        why = "disappeared" if seen is None else f"ended as {_status(seen)}"
        words = getattr(seen.get("fault"), "message", None) if seen is not None else None
        words = words or (seen is not None and (seen.get("status_reason") or seen.get("fault_message"))) or ""
        error = ResourceFailed(f"{self.kind} {id_} {why} while it was waited for{f': {words}' if words else ''}")
        error.resource = seen
        error.at(self.endpoint.config.name, self.endpoint.config.region_name, self.endpoint.service_type)
        return error

    def _read(self, response: httpx.Response) -> R:
        options = self.endpoint.options
        where = f"{response.request.method} {response.request.url}"
        origin = self.endpoint.location
        return read_one(self.resource, response.content, strict=options.strict, origin=origin, where=where)

    def _read_page(self, response: httpx.Response) -> Page[R]:
        options = self.endpoint.options
        where = f"{response.request.method} {response.request.url}"
        origin = self.endpoint.location
        return read_many(self.resource, response.content, strict=options.strict, origin=origin, where=where)

    # Last, because it hides the builtin from the annotations below it.
    async def list(self, filters: Filters = None, **query: Query) -> list[R]:
        """All of them, page after page. `filters` and `query` go to the service, under our names or the wire's."""
        return [item async for item in self.stream(filters, **query)]


class Creatable(Listing[R], Generic[R, New]):
    """Resources of one kind in one place, to be read, made and removed, but not changed.

    `new` is the constructor of what may be asked for: it types `create` argument by argument.
    """

    def __init__(self, endpoint: Endpoint, resource: type[R], new: Callable[New, Spec]) -> None:
        super().__init__(endpoint, resource)
        self._new = new

    async def create(self, *args: New.args, **kwargs: New.kwargs) -> R:
        """Make one. Raises InvalidRequest before anything is sent when the arguments can't be right."""
        return await self.create_from(build(self._new, *args, **kwargs))

    async def create_from(self, spec: Spec) -> R:
        """Make one from a spec."""
        place = self.resource.place
        body = {place.one: spec.body()} if place.one else spec.body()
        return self._read(await self.endpoint.post(place.path, json=body, microversion=place.microversion))

    async def delete(self, name_or_id: Which, ignore_missing: bool = True) -> bool:
        """Remove it: True, or False when it was not there (NotFound instead when `ignore_missing` is False)."""
        which: Which = name_or_id
        by_id = self.resource.place.by_name == "id"
        if isinstance(which, str) and not can_be_id(which) and not by_id:
            found = await self.find(which)
            if found is None and ignore_missing:
                return False
            which = found if found is not None else which
        place = self.resource.place
        try:
            await self.endpoint.delete(place.path + join(self._id(which)), microversion=place.microversion)
        except NotFound:
            if not ignore_missing:
                raise
            return isinstance(which, str) and can_be_id(which) and not by_id and await self._delete_by_name(which)
        return True

    async def _delete_by_name(self, name: str) -> bool:
        """A name can look like an id: when no thing has the id, perhaps one has the name."""
        found = await self.find(name)
        return found is not None and await self.delete(found)


class Collection(Creatable[R, New], Generic[R, New, Edit]):
    """Resources of one kind in one place, to be read, made, changed and removed.

    `edit` is the constructor of what may be changed: it types `update` argument by argument.
    """

    def __init__(
        self, endpoint: Endpoint, resource: type[R], new: Callable[New, Spec], edit: Callable[Edit, Spec]
    ) -> None:
        super().__init__(endpoint, resource, new)
        self._edit = edit

    async def update(self, name_or_id: Which, *args: Edit.args, **kwargs: Edit.kwargs) -> R:
        """Change it, and give its new state. Raises NotFound or InvalidRequest."""
        spec = build(self._edit, *args, **kwargs)
        place = self.resource.place
        path = place.path + join(await self.id_of(name_or_id))
        body = {place.one: spec.body()} if place.one else spec.body()
        return self._read(await self.endpoint.request(place.update, path, json=body, microversion=place.microversion))
