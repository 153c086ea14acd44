"""keystone's collections: domains, projects, users, groups, roles and what ties them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from aiocloud.testing.http import Fail, Reply, Req, listed
from aiocloud.testing.keystone_tokens import NAMES
from aiocloud.testing.state import Wire

if TYPE_CHECKING:
    from aiocloud.testing.keystone import Keystone


@dataclass(frozen=True)
class Kind:
    """One collection: its names, its defaults and who may see it."""

    one: str
    many: str
    shelf: dict[str, Wire]
    defaults: Wire
    unique: bool = True


class People:
    """GET, POST, PATCH and DELETE on every collection, role assignments, memberships."""

    def __init__(self, keystone: Keystone) -> None:
        self.keystone = keystone
        self._services: dict[str, Wire] = {}
        self._endpoints: dict[str, Wire] = {}
        for service_type, name in NAMES.items():
            id = keystone.new_id(f"service/{service_type}")
            self._services[id] = {"id": id, "name": name, "type": service_type, "enabled": True}
        named: Wire = {"name": "", "description": "", "enabled": True, "tags": [], "options": {}}
        project = {**named, "domain_id": "default", "parent_id": "default", "is_domain": False}
        user: Wire = {"name": "", "domain_id": "default", "enabled": True, "password_expires_at": None, "options": {}}
        kinds = (
            Kind("domain", "domains", keystone.domains, named),
            Kind("project", "projects", keystone.projects, project),
            Kind("user", "users", keystone.users, user),
            Kind("group", "groups", keystone.groups, {"name": "", "domain_id": "default", "description": ""}),
            Kind("role", "roles", keystone.roles, {"name": "", "domain_id": None, "description": None, "options": {}}),
            Kind("credential", "credentials", keystone.credentials, {"type": "", "blob": ""}, unique=False),
            Kind("service", "services", self._services, {"enabled": True}, unique=False),
            Kind("endpoint", "endpoints", self._endpoints, {"enabled": True}, unique=False),
        )
        for kind in kinds:
            self._collection(kind)
        add = keystone.routes.add
        base = "/v3/users/{user_id}/application_credentials"
        add("GET", base, self.list_application_credentials)
        add("POST", base, self.create_application_credential)
        add("GET", base + "/{id}", self.show_application_credential)
        add("DELETE", base + "/{id}", self.delete_application_credential)
        add("POST", "/v3/users/{user_id}/password", self.change_password)
        add("GET", "/v3/users/{user_id}/projects", self.projects_of_user)
        add("GET", "/v3/users/{user_id}/groups", self.groups_of_user)
        add("GET", "/v3/groups/{group_id}/users", self.users_of_group)
        for method in ("PUT", "HEAD", "DELETE"):
            add(method, "/v3/groups/{group_id}/users/{user_id}", self.membership)
        for method in ("GET", "PUT", "HEAD", "DELETE"):
            tail = "" if method == "GET" else "/{role_id}"
            add(method, "/v3/system/{actor}/{actor_id}/roles" + tail, self.assignment)
            add(method, "/v3/{kind}/{target_id}/{actor}/{actor_id}/roles" + tail, self.assignment)
        add("GET", "/v3/role_assignments", self.role_assignments)
        add("GET", "/v3/regions", self.regions)

    def _collection(self, kind: Kind) -> None:
        """Routes for one collection."""

        async def list_(req: Req) -> Reply:
            self._allow(req, f"list_{kind.many}")
            if kind.one == "endpoint":
                self._learn_endpoints(req)
            return self._page(req, kind.many, list(kind.shelf.values()))

        async def create(req: Req) -> Reply:
            self._allow(req, f"create_{kind.one}")
            return Reply.json(
                {kind.one: self._linked(req, kind.many, self._create(kind, await req.member(kind.one)))}, 201
            )

        async def show(req: Req) -> Reply:
            if req.args["id"] not in {req.token.user_id, req.token.project_id}:
                self._allow(req, f"get_{kind.one}")
            return Reply.json({kind.one: self._linked(req, kind.many, self._find(kind, req.args["id"]))})

        async def update(req: Req) -> Reply:
            self._allow(req, f"update_{kind.one}")
            found, changes = self._find(kind, req.args["id"]), await req.member(kind.one)
            if "password" in changes:
                self.keystone.passwords[found["id"]] = changes.pop("password")
            found.update(changes)
            return Reply.json({kind.one: self._linked(req, kind.many, found)})

        async def delete(req: Req) -> Reply:
            self._allow(req, f"delete_{kind.one}")
            found = self._find(kind, req.args["id"])
            if kind.one == "domain" and found["enabled"]:
                raise Fail(403, "Cannot delete a domain that is enabled, please disable it first.")
            del kind.shelf[found["id"]]
            self._empty(kind.one, found["id"])
            return Reply(204)

        add = self.keystone.routes.add
        add("GET", f"/v3/{kind.many}", list_)
        add("POST", f"/v3/{kind.many}", create)
        add("GET", f"/v3/{kind.many}/{{id}}", show)
        add("PATCH", f"/v3/{kind.many}/{{id}}", update)
        add("DELETE", f"/v3/{kind.many}/{{id}}", delete)

    def _empty(self, what: str, id: str) -> None:
        """What goes with a domain, or with a service."""
        keystone = self.keystone
        inside = {"domain": (keystone.users, keystone.projects, keystone.groups), "service": (self._endpoints,)}
        for shelf in inside.get(what, ()):
            for one in [one for one in shelf.values() if one.get(f"{what}_id") == id]:
                del shelf[one["id"]]

    def _learn_endpoints(self, req: Req) -> None:
        """Those of the catalog, by the addresses under which this client knows them."""
        for entry in self.keystone.tokens.catalog_for(req, "%(project_id)s"):
            for one in entry["endpoints"]:
                self._endpoints.setdefault(one["id"], {**one, "service_id": entry["id"], "enabled": True})

    def _allow(self, req: Req, what: str) -> None:
        if not req.is_admin:
            raise Fail(403, f"You are not authorized to perform the requested action: identity:{what}.")

    def _find(self, kind: Kind, id: str) -> Wire:
        if id not in kind.shelf:
            raise Fail(404, f"Could not find {kind.one}: {id}.")
        return kind.shelf[id]

    def _create(self, kind: Kind, given: Wire) -> Wire:
        if kind.unique:
            if not given.get("name"):
                message = f"Invalid input for field/attribute {kind.one}. Value: {given}. 'name' is a required property"
                raise Fail(400, message)
            domain = given.get("domain_id", kind.defaults.get("domain_id"))
            for one in kind.shelf.values():
                if one["name"] == given["name"] and one.get("domain_id") == domain:
                    reason = f"Duplicate entry found with name {given['name']}"
                    raise Fail(409, f"Conflict occurred attempting to store {kind.one} - {reason}.")
        made: Wire = {"id": self.keystone.new_id(), **kind.defaults, **given}
        if kind.one == "project":
            made["parent_id"] = given.get("parent_id") or made["domain_id"]
        password = made.pop("password", None)
        if password is not None:
            self.keystone.passwords[made["id"]] = password
        kind.shelf[made["id"]] = made
        return made

    def _linked(self, req: Req, many: str, one: Wire) -> Wire:
        return {**one, "links": {"self": f"{req.base}/v3/{many}/{one['id']}"}}

    def _page(self, req: Req, many: str, items: list[Wire]) -> Reply:
        """A list, filtered by the fields the query names."""
        skip = {"limit", "marker"}
        wanted = {name: value for name, value in req.query if name not in skip and items and name in items[0]}
        found = [one for one in items if all(_same(one.get(name), value) for name, value in wanted.items())]
        query = f"?{urlencode(req.query)}" if req.query else ""
        links = {"next": None, "self": req.path_url + query, "previous": None}
        return Reply.json({many: [self._linked(req, many, one) for one in found], "links": links})

    # -- application credentials

    def _own(self, req: Req) -> str:
        user_id = req.args["user_id"]
        if user_id != req.token.user_id and not req.is_admin:
            raise Fail(403, "You are not authorized to perform the requested action.")
        return user_id

    def _public(self, req: Req, found: Wire) -> Wire:
        shown = {name: value for name, value in found.items() if name != "secret"}
        return self._linked(req, "application_credentials", shown)

    async def list_application_credentials(self, req: Req) -> Reply:
        """GET /v3/users/{user_id}/application_credentials."""
        user_id = self._own(req)
        name = req.get("name")
        found = [
            self._public(req, one)
            for one in self.keystone.application_credentials.values()
            if one["user_id"] == user_id and name in {None, one["name"]}
        ]
        links = {"next": None, "self": req.path_url, "previous": None}
        return Reply.json({"application_credentials": found, "links": links})

    async def create_application_credential(self, req: Req) -> Reply:
        """POST /v3/users/{user_id}/application_credentials: the one time its secret is shown."""
        user_id, given, keystone = self._own(req), await req.member("application_credential"), self.keystone
        if not given.get("name"):
            raise Fail(400, "'name' is a required property")
        for one in keystone.application_credentials.values():
            if one["user_id"] == user_id and one["name"] == given["name"]:
                reason = f"Duplicate entry found with name {given['name']}"
                raise Fail(409, f"Conflict occurred attempting to store application_credential - {reason}.")
        asked = {role.get("id") or role.get("name") for role in listed(given.get("roles"))}
        roles = [
            role
            for role in keystone.roles.values()
            if role["name"] in req.token.roles and (not asked or asked & {role["id"], role["name"]})
        ]
        made: Wire = {
            "id": keystone.new_id(),
            "name": given["name"],
            "description": given.get("description"),
            "user_id": user_id,
            "project_id": req.project_id,
            "system": None,
            "expires_at": given.get("expires_at"),
            "unrestricted": bool(given.get("unrestricted", False)),
            "roles": roles,
            "secret": given.get("secret") or secrets.token_urlsafe(64),
        }
        keystone.application_credentials[made["id"]] = made
        return Reply.json({"application_credential": self._linked(req, "application_credentials", made)}, 201)

    def _application_credential(self, req: Req) -> Wire:
        self._own(req)
        found = self.keystone.application_credentials.get(req.args["id"])
        if found is None:
            raise Fail(404, f"Could not find Application Credential: {req.args['id']}.")
        return found

    async def show_application_credential(self, req: Req) -> Reply:
        """GET .../application_credentials/{id}."""
        return Reply.json({"application_credential": self._public(req, self._application_credential(req))})

    async def delete_application_credential(self, req: Req) -> Reply:
        """DELETE .../application_credentials/{id}: its tokens end, too."""
        found = self._application_credential(req)
        del self.keystone.application_credentials[found["id"]]
        for token in self.keystone.cloud.tokens.values():
            token.revoked = token.revoked or token.application_credential_id == found["id"]
        return Reply(204)

    # -- users and groups

    async def change_password(self, req: Req) -> Reply:
        """POST /v3/users/{user_id}/password."""
        user_id, given = self._own(req), await req.member("user")
        if self.keystone.passwords.get(user_id) != given.get("original_password"):
            raise Fail(401, "The request you have made requires authentication.")
        self.keystone.passwords[user_id] = str(given.get("password"))
        return Reply(204)

    async def projects_of_user(self, req: Req) -> Reply:
        """GET /v3/users/{user_id}/projects."""
        user_id = self._own(req)
        found = [
            one for one in self.keystone.projects.values() if self.keystone.roles_of(user_id, "projects", one["id"])
        ]
        return self._page(req, "projects", found)

    async def groups_of_user(self, req: Req) -> Reply:
        """GET /v3/users/{user_id}/groups."""
        user_id = self._own(req)
        found = [one for key, one in self.keystone.groups.items() if user_id in self.keystone.members.get(key, ())]
        return self._page(req, "groups", found)

    async def users_of_group(self, req: Req) -> Reply:
        """GET /v3/groups/{group_id}/users."""
        self._allow(req, "list_users_in_group")
        members = self.keystone.members.get(req.args["group_id"], set[str]())
        return self._page(req, "users", [one for key, one in self.keystone.users.items() if key in members])

    async def membership(self, req: Req) -> Reply:
        """PUT, HEAD and DELETE /v3/groups/{group_id}/users/{user_id}."""
        self._allow(req, "add_user_to_group")
        user_id, group_id = req.args["user_id"], req.args["group_id"]
        if user_id not in self.keystone.users:
            raise Fail(404, f"Could not find user: {user_id}.")
        if group_id not in self.keystone.groups:
            raise Fail(404, f"Could not find group: {group_id}.")
        members = self.keystone.members.setdefault(group_id, set())
        if req.method == "PUT":
            members.add(user_id)
        elif user_id not in members:
            raise Fail(404, f"User {user_id} not found in group {group_id}.")
        elif req.method == "DELETE":
            members.remove(user_id)
        return Reply(204)

    # -- roles

    async def assignment(self, req: Req) -> Reply:
        """GET, PUT, HEAD and DELETE of the roles of users and groups on projects, domains and the system."""
        self._allow(req, "create_grant")
        args = req.args
        where = args.get("kind", "system"), args.get("target_id", "all")
        shelf = {"projects": self.keystone.projects, "domains": self.keystone.domains}.get(where[0])
        if shelf is not None and where[1] not in shelf:
            raise Fail(404, f"Could not find {where[0][:-1]}: {where[1]}.")
        actor = args["actor"], args["actor_id"]
        if req.method == "GET":
            ids = {grant[4] for grant in self.keystone.grants if grant[:4] == (*actor, *where)}
            return self._page(req, "roles", [one for key, one in self.keystone.roles.items() if key in ids])
        if args["role_id"] not in self.keystone.roles:
            raise Fail(404, f"Could not find role: {args['role_id']}.")
        grant = (*actor, *where, args["role_id"])
        if req.method == "PUT":
            self.keystone.grants.add(grant)
        elif grant not in self.keystone.grants:
            raise Fail(404, f"Could not find role assignment with role: {args['role_id']}.")
        elif req.method == "DELETE":
            self.keystone.grants.remove(grant)
        return Reply(204)

    async def role_assignments(self, req: Req) -> Reply:
        """GET /v3/role_assignments."""
        self._allow(req, "list_role_assignments")
        singular = {"users": "user", "groups": "group", "projects": "project", "domains": "domain"}
        found: list[Wire] = []
        for actor, actor_id, where, where_id, role in sorted(self.keystone.grants):
            wanted = {"user.id": (actor, "users", actor_id), "group.id": (actor, "groups", actor_id)}
            wanted |= {
                "scope.project.id": (where, "projects", where_id),
                "scope.domain.id": (where, "domains", where_id),
            }
            wanted["role.id"] = ("", "", role)
            asked = [(name, value) for name, value in req.query if name in wanted]
            if any((wanted[name][0], value) != wanted[name][1:] for name, value in asked):
                continue
            scope: Wire = {"system": {"all": True}} if where == "system" else {singular[where]: {"id": where_id}}
            link = f"{req.base}/v3/{where}/{where_id}/{actor}/{actor_id}/roles/{role}"
            one = {
                "links": {"assignment": link},
                "scope": scope,
                singular[actor]: {"id": actor_id},
                "role": {"id": role},
            }
            found.append(one)
        return Reply.json({"role_assignments": found, "links": {"next": None, "self": req.path_url, "previous": None}})

    # -- regions

    async def regions(self, req: Req) -> Reply:
        """GET /v3/regions."""
        names = self.keystone.cloud.regions
        return self._page(req, "regions", [{"id": name, "description": "", "parent_region_id": None} for name in names])


def _same(value: Any, text: str) -> bool:
    """Does a field have the value a query gives as text?"""
    if isinstance(value, bool):
        return value == (text.lower() in {"true", "1", ""})
    return str(value) == text
