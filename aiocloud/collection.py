"""The verbs, once: `Listing` for what can only be read, `Creatable` for what can be made and removed too, and
`Collection` for what can also be changed.

Wherever a thing is named, its name, its id, the resource itself or `{"id": ...}` will do. A name is looked up with as
few requests as the service allows: one by its own `?name=`, else one list; by id only when the text can be an id.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from copy import copy
from typing import Any, Generic, ParamSpec, TypeAlias, TypeVar
from urllib.parse import parse_qsl, urlsplit

import anyio

from aiocloud._http import httpx
from aiocloud._json import is_object, load_json, mapping, mappings
from aiocloud.concurrent import concurrently
from aiocloud.endpoint import Endpoint
from aiocloud.errors import Ambiguous, CloudError, InvalidRequest, NormalizationError, NotFound, ResourceFailed, Timeout
from aiocloud.match import as_filters, can_be_id, is_glob, matches, named, only
from aiocloud.model import Page, Resource, Spec, Which, build, read_many, read_one, text_of, wire_names
from aiocloud.paths import join
from aiocloud.poller import Poll
from aiocloud.progress import OnProgress, watched

__all__ = ["Collection", "Creatable", "Filters", "Listing", "Query", "Which"]

R = TypeVar("R", bound=Resource)
E = TypeVar("E", bound=CloudError)
New = ParamSpec("New")
Edit = ParamSpec("Edit")
Query: TypeAlias = str | int | float | bool | list[str] | None
Filters: TypeAlias = Mapping[str, Any] | None

# Seconds for a request to get out before a page is read, which holds up everything else.
_OUT = 0.001

_BAD = re.compile(r"ERROR|KILLED|.*_FAILED$")
# "DELETED" is seen for a moment before Nova forgets a server, and for ever in a listing of what changed.
_GONE = ("SOFT_DELETED", "DELETE_COMPLETE")


def next_in_tail(body: bytes, many: str | None) -> str | None:
    """The link to the next page, found at the end of a page that is not read yet, where services put it. Pure.

    A quote inside of a value is written `\\"`, so nothing in an item can look like it.
    """
    tail = body[-2000:]
    links = re.search(rb'"%s_links"\s*:\s*(\[[^\[\]]*\])\s*\}\s*$' % (many or "").encode(), tail)
    if links is not None:
        return next(
            (str(link.get("href")) for link in mappings(load_json(links[1], "links")) if link.get("rel") == "next"),
            None,
        )
    after = re.search(rb'"next"\s*:\s*("[^"\\]+")', tail[tail.rfind(b"]") :])
    return str(load_json(after[1], "next")) if after is not None else None


def _following(link: str, seen: set[str], url: httpx.URL) -> dict[str, str]:
    """The query of the next page. Raises NormalizationError for a page that was read before."""
    if link in seen:
        raise NormalizationError(f"{url} links to a page that was already read: {link}")
    seen.add(link)
    # Only the query of the link counts: services behind proxies name wrong hosts, and a token must not follow.
    return dict(parse_qsl(urlsplit(link).query, keep_blank_values=True))


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
        return self._only([item for item in candidates if matches(item, filters or {})], text)

    def _only(self, found: list[R], text: str) -> R | None:
        """The one that was found, or None. Raises Ambiguous."""
        try:
            return only(found, text, self.kind)
        except Ambiguous as error:
            raise self._here(error) from None

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
        return self._here(InvalidRequest(f"there is no {self.kind} {text!r}"))

    def _here(self, error: E) -> E:
        """The same error, which says where it came about."""
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

    async def stream(self, filters: Filters = None, **query: Query) -> AsyncGenerator[R, None]:
        """Each resource in turn; the next page is asked for when the last one is used up.

        Nothing is open between two pages. Trio wants a generator that is left early inside `aclosing`, as any other.
        """
        async with aclosing(self.pages(filters, **query)) as pages:
            async for page in pages:
                for item in page.items:
                    yield item
                del page

    async def pages(self, filters: Filters = None, **query: Query) -> AsyncGenerator[Page[R], None]:
        """Page after page, as the service cuts them."""
        params = self._params({**as_filters(filters), **query})
        seen: set[str] = set()
        while True:
            response = await self._fetch(params)
            page, url = self._read_page(response), response.request.url
            # One page in memory at a time: its bytes go before it is given, and it goes before the next one comes.
            del response
            yield page
            if page.next is None or not page.items:
                return
            params = _following(page.next, seen, url)
            del page

    async def _fetch(self, params: Mapping[str, Any]) -> httpx.Response:
        place = self.resource.place
        return await self.endpoint.get(place.detail or place.path, params=params, microversion=place.microversion)

    async def _read_all(self, params: Mapping[str, Any]) -> Sequence[R]:
        """All of them; the next page is on its way while this one is read."""
        found: deque[R] = deque()
        seen: set[str] = set()
        response = await self._fetch(params)
        while True:
            url = response.request.url
            link = next_in_tail(response.content, self.resource.place.many)
            ahead: httpx.Response | None = None
            if link is None:
                page = self._read_page(response)
            else:
                page, ahead = await self._read_and_fetch(response, _following(link, {*seen}, url))
            found.extend(page.items)
            if page.next is None or not page.items:
                return found
            params = _following(page.next, seen, url)
            response = ahead if ahead is not None and page.next == link else await self._fetch(params)

    async def _read_and_fetch(
        self, response: httpx.Response, following: Mapping[str, Any]
    ) -> tuple[Page[R], httpx.Response]:
        fetched: Sequence[httpx.Response] = []

        async def fetch() -> None:
            nonlocal fetched
            fetched = [await self._fetch(following)]

        async with concurrently() as tasks:
            tasks.start_soon(fetch)
            await anyio.sleep(_OUT)
            page = self._read_page(response)
        return page, fetched[0]

    def _params(self, query: Mapping[str, Any]) -> dict[str, Any]:
        names = wire_names(self.resource)
        told = {names.get(key, key): value for key, value in query.items() if value is not None}
        return {**self.resource.place.query, **told}

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
        return text_of(which, self.kind, *(("name", "id") if self.resource.place.by_name == "id" else ("id",)))

    async def wait(
        self,
        name_or_id: Which,
        *,
        until: str | Callable[[R], bool],
        timeout: float = 600.0,
        interval: float = 2.0,
        at_once: bool = True,
        progress: OnProgress = None,
    ) -> R:
        """Wait until it has this status (ACTIVE, available, ...), or until this is true of it, and give that state.

        However many wait in a region, they share one poll. `timeout` and `interval` (the longest pause between two looks)
        are in seconds; `at_once=False` for what was begun just now; `progress` is told at each look, in per cent. Raises
        ResourceFailed when it ends in an error status or is gone, Timeout when time is up.
        """
        wanted = until if isinstance(until, str) else "as it should be"

        def is_so(seen: R) -> bool:
            return until(seen) if callable(until) else _status(seen) == wanted.upper()

        id_ = await self.id_of(name_or_id)

        def check(seen: R | None) -> bool:
            if seen is not None and is_so(seen):
                return True
            if seen is None or _status(seen) in (*_GONE, "DELETED") or _BAD.match(_status(seen)):
                raise self._failed(id_, seen)
            return False

        what = f"{self.kind} {id_} becoming {wanted}"
        look = watched(progress, f"{self.kind} {id_}", check)
        try:
            seen = await self.poll.wait(
                id_, look, what=what, timeout=timeout, interval=interval, goal=wanted, at_once=at_once
            )
        except Timeout as error:
            self._here(error)
            raise
        assert seen is not None  # noqa: S101 - `check` raises for one that is gone
        return seen

    async def wait_until_gone(
        self, name_or_id: Which, *, timeout: float = 600.0, interval: float = 2.0, progress: OnProgress = None
    ) -> None:
        """Wait until it is no longer there. Raises ResourceFailed when its deletion fails, Timeout when time is up."""
        id_ = await self.id_of(name_or_id)

        def check(seen: R | None) -> bool:
            if seen is not None and _status(seen) in ("ERROR_DELETING", "DELETE_FAILED"):
                raise self._failed(id_, seen)
            return seen is None or _status(seen) in _GONE

        what = f"{self.kind} {id_} being deleted"
        look = watched(progress, f"{self.kind} {id_}", check)
        try:
            await self.poll.wait(
                id_, look, what=what, timeout=timeout, interval=interval, goal="gone", absent_is_gone=True
            )
        except Timeout as error:
            self._here(error)
            raise

    @property
    def poll(self) -> Poll[R]:
        """The look that everybody shares who waits for such things in this region, with nobody's own timeout or id."""
        shared = copy(self)
        endpoint = shared.endpoint = self.endpoint.for_all()
        place, strict = self.resource.place.path, endpoint.options.strict
        key = ("poll", endpoint.config.region_name, endpoint.service_type, endpoint.prefix, place, strict)
        session = endpoint.session
        # What is usual in one region of a cloud is what to expect in the others.
        usual: dict[str, float] = session.once(("usual", endpoint.service_type, place), dict[str, float])
        return session.while_used(key, lambda: Poll(shared.get, shared._news, usual=usual))  # noqa: SLF001 - its own

    async def _news(self, waited: Mapping[str, R | None]) -> Mapping[str, R | None]:
        """What is new of the things that are waited for, with as few requests and as little to read as possible."""
        changes = self.resource.place.changes
        unseen = {id for id, seen in waited.items() if seen is None}
        found: dict[str, R | None] = {}
        if changes is None or unseen:
            # The newest come first, and what was never seen is new: one page, as a rule.
            query: dict[str, Any] = {"limit": max(100, 2 * len(waited))} if changes else {}
            wanted = unseen if changes else waited.keys()
            links: set[str] = set()
            while not wanted <= found.keys():
                response = await self._fetch(query)
                page = self._read_page(response)
                found.update((item.id, item) for item in page.items if item.id in waited)
                if page.next is None or not page.items:
                    return {id: found.get(id) for id in waited}
                query = _following(page.next, links, response.request.url)
        rest = [seen for id, seen in waited.items() if seen is not None and id not in found]
        if changes is not None and rest:
            since = min(
                str(seen.get("updated_at") or seen.get("created_at") or "1970-01-01T00:00:00Z") for seen in rest
            )
            changed = await self._read_all({changes: since})
            found.update((item.id, item) for item in changed if item.id in waited)
            await self._confirm(found)
        return found

    async def _confirm(self, found: dict[str, R | None]) -> None:
        """Is what is listed as deleted really gone, so that nobody meets it any more?"""

        async def ask(id: str) -> None:
            found[id] = await self._get_or_none(id)

        async with concurrently() as tasks:
            for id in [id for id, seen in found.items() if seen is not None and _status(seen) == "DELETED"]:
                tasks.start_soon(ask, id)

    def _failed(self, id_: str, seen: R | None) -> ResourceFailed:
        """The error of a wait that can't end well, with the service's words where it has any."""
        why = "disappeared" if seen is None else f"ended as {_status(seen)}"
        words = getattr(seen.get("fault"), "message", None) if seen is not None else None
        words = words or (seen is not None and (seen.get("status_reason") or seen.get("fault_message"))) or ""
        error = ResourceFailed(f"{self.kind} {id_} {why} while it was waited for{f': {words}' if words else ''}")
        error.resource = seen
        return self._here(error)

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
        return [*await self._read_all(self._params({**as_filters(filters), **query}))]


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
