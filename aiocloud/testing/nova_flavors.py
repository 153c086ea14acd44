"""/flavors: lists, extra specs, access."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiocloud.testing.http import Fail, Page, Reply, Req, paginate
from aiocloud.testing.nova_server import links
from aiocloud.testing.state import Wire

if TYPE_CHECKING:
    from aiocloud.testing.nova import Nova

SORT_KEYS = {"id": "id", "flavorid": "id", "name": "name", "memory_mb": "ram", "vcpus": "vcpus", "root_gb": "disk"}


class Flavors:
    """Flavors, which administrators make and everyone looks at."""

    def __init__(self, nova: Nova) -> None:
        self.nova = nova
        add = nova.routes.add
        add("GET", "/v2.1/flavors", self.index)
        add("POST", "/v2.1/flavors", self.create)
        add("GET", "/v2.1/flavors/detail", self.detail)
        add("GET", "/v2.1/flavors/{id}", self.show)
        add("PUT", "/v2.1/flavors/{id}", self.update)
        add("DELETE", "/v2.1/flavors/{id}", self.delete)
        add("GET", "/v2.1/flavors/{id}/os-extra_specs", self.specs)
        add("POST", "/v2.1/flavors/{id}/os-extra_specs", self.add_specs)
        add("GET", "/v2.1/flavors/{id}/os-extra_specs/{key}", self.spec)
        add("PUT", "/v2.1/flavors/{id}/os-extra_specs/{key}", self.set_spec)
        add("DELETE", "/v2.1/flavors/{id}/os-extra_specs/{key}", self.delete_spec)
        add("GET", "/v2.1/flavors/{id}/os-flavor-access", self.access)
        add("POST", "/v2.1/flavors/{id}/action", self.change_access)

    def visible(self, req: Req, flavor: Wire) -> bool:
        """May the caller use it?"""
        public = bool(flavor["os-flavor-access:is_public"])
        return public or req.is_admin or req.project_id in self.nova.flavor_access.get(flavor["id"], ())

    def find(self, req: Req) -> Wire:
        """The flavor a request names."""
        flavor = self.nova.flavors.get(req.args["id"])
        if flavor is None or not self.visible(req, flavor):
            raise Fail(404, f"Flavor {req.args['id']} could not be found.")
        return flavor

    def wire(self, flavor: Wire, req: Req) -> Wire:
        """A flavor as its microversion shows it."""
        shown = {**flavor, "links": links(req, "flavors", flavor["id"])}
        if req.version < (2, 75):
            shown["swap"] = flavor["swap"] or ""
        if req.version < (2, 55):
            del shown["description"]
        if req.version < (2, 61):
            del shown["extra_specs"]
        return shown

    def _page(self, req: Req) -> Page:
        found = [flavor for flavor in self.nova.flavors.values() if self._asked_for(req, flavor)]
        key = req.get("sort_key") or "flavorid"
        if key not in SORT_KEYS:
            raise Fail(400, f"Invalid input for query parameters sort_key. Value: {key}.")
        found.sort(key=lambda flavor: flavor[SORT_KEYS[key]], reverse=req.get("sort_dir") == "desc")
        return paginate(req, found, page_size=self.nova.region.knobs.page_size)

    def _asked_for(self, req: Req, flavor: Wire) -> bool:
        ram, disk = req.get("minRam"), req.get("minDisk")
        for text in (ram, disk):
            if text is not None and not text.isdigit():
                raise Fail(400, f"Invalid min value {text}")
        if flavor["ram"] < int(ram or 0) or flavor["disk"] < int(disk or 0):
            return False
        if not req.is_admin:
            return self.visible(req, flavor)
        asked = req.get("is_public") or "true"
        return asked.lower() == "none" or bool(flavor["os-flavor-access:is_public"]) == (asked.lower() in {"true", "1"})

    def _reply(self, req: Req, page: Page, wires: list[Wire]) -> Reply:
        body: Wire = {"flavors": wires}
        if page.next_query is not None:
            body["flavors_links"] = page.links(req)
        return Reply.json(body)

    async def index(self, req: Req) -> Reply:
        """GET /flavors."""
        page = self._page(req)
        wires = [
            {"id": one["id"], "name": one["name"], "links": links(req, "flavors", one["id"])}
            | ({"description": one["description"]} if req.version >= (2, 55) else {})
            for one in page.items
        ]
        return self._reply(req, page, wires)

    async def detail(self, req: Req) -> Reply:
        """GET /flavors/detail."""
        page = self._page(req)
        return self._reply(req, page, [self.wire(one, req) for one in page.items])

    async def show(self, req: Req) -> Reply:
        """GET /flavors/{id}."""
        return Reply.json({"flavor": self.wire(self.find(req), req)})

    async def create(self, req: Req) -> Reply:
        """POST /flavors."""
        self.nova.allow(req, "os_compute_api:os-flavor-manage:create")
        given = await req.member("flavor")
        for name in ("name", "ram", "vcpus", "disk"):
            if name not in given:
                message = f"Invalid input for field/attribute flavor. Value: {given}. '{name}' is a required property"
                raise Fail(400, message)
        same = (
            one for one in self.nova.flavors.values() if given["name"] == one["name"] or given.get("id") == one["id"]
        )
        if next(same, None) is not None:
            raise Fail(409, f"Flavor with name {given['name']} already exists.")
        size = {name: int(given.pop(name)) for name in ("ram", "vcpus", "disk")}
        more = {name: value for name, value in given.items() if name not in {"id", "name"}}
        id = given.get("id")
        flavor = self.nova.add_flavor(given["name"], **size, id="" if id in {None, "auto"} else str(id), **more)
        return Reply.json({"flavor": self.wire(flavor, req)})

    async def update(self, req: Req) -> Reply:
        """PUT /flavors/{id}: the description, from 2.55."""
        self.nova.allow(req, "os_compute_api:os-flavor-manage:update")
        flavor = self.find(req)
        flavor["description"] = (await req.member("flavor")).get("description")
        return Reply.json({"flavor": self.wire(flavor, req)})

    async def delete(self, req: Req) -> Reply:
        """DELETE /flavors/{id}."""
        self.nova.allow(req, "os_compute_api:os-flavor-manage:delete")
        del self.nova.flavors[self.find(req)["id"]]
        return Reply(202)

    # -- extra specs

    async def specs(self, req: Req) -> Reply:
        """GET /os-extra_specs."""
        return Reply.json({"extra_specs": self.find(req)["extra_specs"]})

    async def add_specs(self, req: Req) -> Reply:
        """POST /os-extra_specs."""
        self.nova.allow(req, "os_compute_api:os-flavor-extra-specs:create")
        given = await req.member("extra_specs")
        self.find(req)["extra_specs"].update(given)
        return Reply.json({"extra_specs": given})

    def _key(self, req: Req) -> tuple[Wire, str]:
        flavor, key = self.find(req), req.args["key"]
        if key not in flavor["extra_specs"]:
            raise Fail(404, f"Flavor {flavor['id']} has no extra specs with key {key}.")
        return flavor["extra_specs"], key

    async def spec(self, req: Req) -> Reply:
        """GET /os-extra_specs/{key}."""
        specs, key = self._key(req)
        return Reply.json({key: specs[key]})

    async def set_spec(self, req: Req) -> Reply:
        """PUT /os-extra_specs/{key}."""
        self.nova.allow(req, "os_compute_api:os-flavor-extra-specs:update")
        given = await req.json()
        if list(given) != [req.args["key"]]:
            raise Fail(400, "Request body and URI mismatch")
        self.find(req)["extra_specs"].update(given)
        return Reply.json(given)

    async def delete_spec(self, req: Req) -> Reply:
        """DELETE /os-extra_specs/{key}."""
        self.nova.allow(req, "os_compute_api:os-flavor-extra-specs:delete")
        specs, key = self._key(req)
        del specs[key]
        return Reply(200)

    # -- access

    def _access(self, flavor: Wire) -> Reply:
        projects = sorted(self.nova.flavor_access.get(flavor["id"], ()))
        return Reply.json({"flavor_access": [{"flavor_id": flavor["id"], "tenant_id": one} for one in projects]})

    async def access(self, req: Req) -> Reply:
        """GET /os-flavor-access."""
        self.nova.allow(req, "os_compute_api:os-flavor-access")
        flavor = self.find(req)
        if flavor["os-flavor-access:is_public"]:
            raise Fail(404, "Access list not available for public flavors.")
        return self._access(flavor)

    async def change_access(self, req: Req) -> Reply:
        """POST /flavors/{id}/action: {"addTenantAccess": {"tenant": ...}} and "removeTenantAccess"."""
        self.nova.allow(req, "os_compute_api:os-flavor-access:add_tenant_access")
        flavor, body = self.find(req), await req.json()
        projects = self.nova.flavor_access.setdefault(flavor["id"], set())
        action = next(iter(body), "")
        if action not in {"addTenantAccess", "removeTenantAccess"}:
            raise Fail(400, f"There is no such action: {action}")
        project = body[action]["tenant"]
        if action == "addTenantAccess":
            if project in projects:
                raise Fail(
                    409, f"Flavor access already exists for flavor {flavor['id']} and project {project} combination."
                )
            projects.add(project)
        elif project in projects:
            projects.remove(project)
        else:
            raise Fail(404, f"Flavor access not found for {flavor['id']} / {project} combination.")
        return self._access(flavor)
