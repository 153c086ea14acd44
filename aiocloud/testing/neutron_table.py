"""One kind of neutron resource: its rows, and the requests that list, make, change and remove them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from copy import copy
from typing import TYPE_CHECKING, Any, ClassVar

from aiocloud.testing import neutron_query
from aiocloud.testing.http import Fail, Reply, Req, Routes, as_wsgi
from aiocloud.testing.neutron_query import Item
from aiocloud.testing.state import stamp

if TYPE_CHECKING:
    from aiocloud.testing.neutron import Neutron

UUID = re.compile(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)

STANDARD = frozenset(
    {"id", "project_id", "tenant_id", "description", "tags", "created_at", "updated_at", "revision_number"}
)


class Table(Mapping[str, Item]):
    """The rows of one resource by id, and its routes.

    Subclasses say what may be given (`defaults`: name -> value when not given; `required`)
    and override `make`, `change`, `remove` and `view` where there is more to it.
    """

    one: ClassVar[str] = ""
    many: ClassVar[str] = ""
    path: ClassVar[str] = ""
    """Where it is below /v2.0, if not at its plural's name with dashes."""
    missing: ClassVar[tuple[str, str]] = ("", "")
    """Kind and words of the refusal for an unknown id."""
    required: ClassVar[tuple[str, ...]] = ()
    defaults: ClassVar[Mapping[str, Any]] = {}
    create_only: ClassVar[frozenset[str]] = frozenset()
    """Fields that can't be changed later."""
    computed: ClassVar[frozenset[str]] = frozenset()
    """Fields that only the service sets."""
    admin: ClassVar[frozenset[str]] = frozenset()
    """Fields that only an administrator may give."""
    hidden: ClassVar[frozenset[str]] = frozenset()
    """Fields that only an administrator sees."""
    uuids: ClassVar[frozenset[str]] = frozenset()
    """Fields that hold one id, or null."""
    taggable: ClassVar[bool] = True
    quota: ClassVar[int] = -1
    """How many a project may have unless the knobs say otherwise; -1 for any number."""

    def __init__(self, neutron: Neutron) -> None:
        self.neutron = neutron
        self.rows: dict[str, Item] = {}
        self.fields = STANDARD | self.computed | frozenset(self.defaults) | frozenset(self.required) | self.hidden

    def __getitem__(self, key: str) -> Item:
        return self.rows[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    # What subclasses refine

    def make(self, req: Req, given: Item) -> Item:  # noqa: ARG002 - subclasses look at the request
        """Store a new item; `given` is already complete and checked."""
        return self.add(given)

    def change(self, req: Req, item: Item, given: Item) -> None:  # noqa: ARG002
        """Write checked changes into a stored item."""
        item.update(given)

    def remove(self, item: Item) -> None:
        """Forget a stored item, or refuse because it is in use."""
        del self.rows[item["id"]]

    def view(self, item: Item) -> Item:
        """The item as an answer shows it to an administrator."""
        return item

    def within(self, req: Req, item: Item) -> bool:  # noqa: ARG002
        """Whether an item belongs to what the path names before this resource."""
        return True

    def visible(self, req: Req, item: Item) -> bool:
        """Whether the caller's project may see the item."""
        return req.is_admin or item["project_id"] == req.project_id

    # Rows

    def add(self, given: Item) -> Item:
        """Store a complete item with the fields every resource has."""
        now = stamp(self.neutron.region.clock.now())
        item = {"id": self.neutron.region.ids.uuid(), **given}
        item["tenant_id"] = item["project_id"]
        item.setdefault("description", "")
        if self.taggable:
            item.setdefault("tags", [])
        item.update(created_at=now, updated_at=now, revision_number=item.get("revision_number", 0))
        self.rows[item["id"]] = item
        return item

    def touch(self, item: Item) -> None:
        """Note that an item was changed."""
        item["revision_number"] += 1
        item["updated_at"] = stamp(self.neutron.region.clock.now())

    def lack(self, item_id: str | None) -> Fail:
        """The refusal for an unknown id."""
        kind, words = self.missing
        return Fail(404, words.format(item_id), kind)

    def need(self, item_id: str | None) -> Item:
        """A stored item, or 404."""
        item = self.rows.get(item_id or "")
        if item is None:
            raise self.lack(item_id)
        return item

    def need_visible(self, req: Req, item_id: str | None) -> Item:
        """A stored item that the caller may see, or 404."""
        item = self.need(item_id)
        if not (self.within(req, item) and self.visible(req, item)):
            raise self.lack(item_id)
        return item

    def owned(self, req: Req, verb: str) -> Item:
        """The item named in the path, which the caller may change: 404, 403, or 412 for a stale If-Match."""
        item = self.need_visible(req, req.args["id"])
        if not (req.is_admin or item["project_id"] == req.project_id):
            raise Fail(403, f"rule:{verb}_{self.one} is disallowed by policy", "PolicyNotAuthorized")
        match = re.search(r"revision_number=(\d+)", req.headers.get("if-match", ""))
        if match and int(match[1]) != item["revision_number"]:
            words = f"Constrained to {match[1]}, but current revision is {item['revision_number']}"
            raise Fail(412, words, "RevisionNumberConstraintFailed")
        return item

    def shown(self, req: Req, item: Item) -> Item:
        """The item as this caller sees it, cut down to `fields=`."""
        view = self.view(item)
        if not req.is_admin and self.hidden:
            view = {key: value for key, value in view.items() if key not in self.hidden}
        return neutron_query.only(view, req.all("fields"))

    # Reading what was given

    def new(self, project_id: str, **given: Any) -> Item:
        """A complete item from what is given and the defaults."""
        fresh: Item = {key: copy(value) for key, value in self.defaults.items()}
        return {**fresh, **given, "project_id": project_id}

    def read_new(self, req: Req, body: Item) -> Item:
        """What a POST gives, checked and completed."""
        allowed = {*self.defaults, *self.required, "project_id", "tenant_id"} | (
            {"tags"} if self.taggable else set[str]()
        )
        self.check_names(body, allowed)
        for name in body:
            if name not in allowed:
                raise Fail(400, f"Attribute '{name}' not allowed in POST")
        for name in self.required:
            if name not in body:
                raise Fail(400, f"Failed to parse request. Required attribute '{name}' not specified")
        given = {key: self.read(key, value) for key, value in body.items() if key != "tenant_id"}
        self.check_policy(req, given, "create")
        project_id = str(given.pop("project_id", body.get("tenant_id")) or req.project_id)
        if project_id != req.project_id and not req.is_admin:
            raise Fail(403, f"rule:create_{self.one} is disallowed by policy", "PolicyNotAuthorized")
        return self.new(project_id, **given)

    def read_change(self, req: Req, body: Item) -> Item:
        """What a PUT gives, checked."""
        self.check_names(body, {*self.fields, "project_id", "tenant_id"})
        for name in body:
            if name not in self.defaults or name in self.create_only:
                raise Fail(400, f"Cannot update read-only attribute {name}")
        given = {key: self.read(key, value) for key, value in body.items()}
        self.check_policy(req, given, "update")
        return given

    def check_names(self, body: Item, allowed: set[str]) -> None:
        """A `Fail` for names that the resource hasn't at all."""
        odd = [name for name in body if name not in allowed and name not in self.fields]
        if odd:
            raise Fail(400, f"Unrecognized attribute(s) '{', '.join(odd)}'")

    def check_policy(self, req: Req, given: Item, verb: str) -> None:
        """A `Fail` with 403 for what only administrators may set."""
        rule = f"{verb}_{self.one}"
        for name in self.admin.intersection(given):
            if not req.is_admin and given[name] != self.defaults.get(name):
                raise Fail(403, f"(rule:{rule} and rule:{rule}:{name}) is disallowed by policy", "PolicyNotAuthorized")

    def read(self, name: str, value: Any) -> Any:
        """One given value, of the type that the field's default shows."""
        default = self.defaults.get(name)
        if name in self.uuids and value is not None and not UUID.fullmatch(str(value)):
            raise Fail(400, f"Invalid input for {name}. Reason: '{value}' is not a valid UUID.")
        if isinstance(default, bool) and not isinstance(value, bool):
            if str(value).lower() not in {"true", "false", "0", "1"}:
                raise Fail(400, f"Invalid input for {name}. Reason: '{value}' cannot be converted to boolean.")
            return str(value).lower() in {"true", "1"}
        if (isinstance(default, str) or name == "name") and not isinstance(value, str):
            raise Fail(400, f"Invalid input for {name}. Reason: '{value}' is not a valid string.")
        return value

    def check_quota(self, project_id: str) -> None:
        """A `Fail` with 409 when the project has as many as it may."""
        limit = self.limit(project_id)
        if limit >= 0 and self.used(project_id) >= limit:
            raise Fail(409, f"Quota exceeded for resources: ['{self.one}'].", "OverQuota")

    def limit(self, project_id: str) -> int:
        """How many the project may have; -1 for any number."""
        return self.neutron.region.quota(project_id, self.one, self.quota)

    def used(self, project_id: str) -> int:
        """How many the project has."""
        return sum(1 for item in self.rows.values() if item["project_id"] == project_id)

    # Requests

    def mount(self, routes: Routes) -> None:
        """Add this resource's routes."""
        path = "/v2.0" + (self.path or "/" + self.many.replace("_", "-"))
        for at in (path, f"{path}.json"):
            routes.add("GET", at, self.list)
            routes.add("POST", at, self.create)
        routes.add("GET", f"{path}/{{id}}", self.show)
        routes.add("PUT", f"{path}/{{id}}", self.update)
        routes.add("DELETE", f"{path}/{{id}}", self.delete)
        if self.taggable:
            routes.add("GET", f"{path}/{{id}}/tags", self.list_tags)
            routes.add("PUT", f"{path}/{{id}}/tags", self.replace_tags)
            routes.add("DELETE", f"{path}/{{id}}/tags", self.clear_tags)
            routes.add("GET", f"{path}/{{id}}/tags/{{tag}}", self.has_tag)
            routes.add("PUT", f"{path}/{{id}}/tags/{{tag}}", self.add_tag)
            routes.add("DELETE", f"{path}/{{id}}/tags/{{tag}}", self.remove_tag)

    async def create(self, req: Req) -> Reply:
        """POST: one, or several at once under the plural's name; all or none."""
        body = await self.neutron.body(req)
        several = body.get(self.many)
        if not isinstance(several, list):
            item = self.make_checked(req, self.neutron.part(body, self.one))
            return Reply.json({self.one: self.shown(req, item)}, 201)
        made: list[Item] = []
        try:
            made.extend(self.make_checked(req, dict(one)) for one in several)  # pyright: ignore[reportUnknownArgumentType,reportUnknownVariableType]
        except Fail:
            for item in made:
                self.remove(item)
            raise
        return Reply.json({self.many: [self.shown(req, item) for item in made]}, 201)

    def make_checked(self, req: Req, body: Item) -> Item:
        """One new item from one JSON object."""
        given = self.read_new(req, body)
        self.check_quota(given["project_id"])
        return self.make(req, given)

    async def show(self, req: Req) -> Reply:
        """GET one."""
        return Reply.json({self.one: self.shown(req, self.need_visible(req, req.args["id"]))})

    async def update(self, req: Req) -> Reply:
        """PUT one."""
        item = self.owned(req, "update")
        given = self.read_change(req, self.neutron.part(await self.neutron.body(req), self.one))
        self.change(req, item, given)
        self.touch(item)
        return Reply.json({self.one: self.shown(req, item)})

    async def delete(self, req: Req) -> Reply:
        """DELETE one."""
        self.remove(self.owned(req, "delete"))
        return Reply(204)

    async def list_tags(self, req: Req) -> Reply:
        """GET the tags of one."""
        return Reply.json({"tags": self.need_visible(req, req.args["id"])["tags"]})

    async def has_tag(self, req: Req) -> Reply:
        """GET one tag: 204 or 404."""
        self.need_tag(self.need_visible(req, req.args["id"]), as_wsgi(req.args["tag"]))
        return Reply(204)

    async def replace_tags(self, req: Req) -> Reply:
        """PUT all tags."""
        item = self.owned(req, "update")
        item["tags"] = sorted(set((await self.neutron.body(req)).get("tags", ())))
        self.touch(item)
        return Reply.json({"tags": item["tags"]})

    async def clear_tags(self, req: Req) -> Reply:
        """DELETE all tags."""
        item = self.owned(req, "update")
        item["tags"] = []
        self.touch(item)
        return Reply(204)

    async def add_tag(self, req: Req) -> Reply:
        """PUT one tag."""
        item = self.owned(req, "update")
        item["tags"] = sorted({*item["tags"], as_wsgi(req.args["tag"])})
        self.touch(item)
        return Reply.json(None, 201)

    async def remove_tag(self, req: Req) -> Reply:
        """DELETE one tag."""
        item = self.owned(req, "update")
        tag = as_wsgi(req.args["tag"])
        self.need_tag(item, tag)
        item["tags"].remove(tag)
        self.touch(item)
        return Reply(204)

    def need_tag(self, item: Item, tag: str) -> None:
        """A `Fail` with 404 when the item hasn't the tag."""
        if tag not in item["tags"]:
            raise Fail(404, f"Tag {tag} could not be found.", "TagNotFound")

    async def list(self, req: Req) -> Reply:
        """GET all that the caller may see, filtered, sorted, in pages."""
        filters = neutron_query.wanted_values(req, self.fields)
        rows = [
            item
            for item in self.rows.values()
            if self.within(req, item) and self.visible(req, item) and neutron_query.matches(item, self.view, filters)
        ]
        rows = neutron_query.arranged(req, rows)
        chunk, links = neutron_query.page(req, rows, self.neutron.region.knobs.page_size, self.lack)
        body: dict[str, Any] = {self.many: [self.shown(req, item) for item in chunk]}
        if links:
            body[f"{self.many}_links"] = links
        return Reply.json(body)
