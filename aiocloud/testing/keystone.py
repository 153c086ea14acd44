"""keystone v3: logging in, and the people and projects of one cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiocloud.testing.http import Fail, Reply, Req, Routes
from aiocloud.testing.keystone_people import People
from aiocloud.testing.keystone_tokens import Tokens
from aiocloud.testing.state import Service, Wire

if TYPE_CHECKING:
    from aiocloud.testing.state import CloudState

TITLES = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 409: "Conflict"}
MEMBERS = {"member", "reader"}


class Keystone(Service):
    """One cloud's identity service; `add_domain`, `add_project`, `add_user` and `grant` fill it."""

    type = "identity"
    mount = "identity"

    def __init__(self, cloud: CloudState) -> None:  # not of one region, unlike the other services
        self.cloud = cloud
        self.routes = Routes()
        self.domains: dict[str, Wire] = {}
        self.projects: dict[str, Wire] = {}
        self.users: dict[str, Wire] = {}
        self.groups: dict[str, Wire] = {}
        self.roles: dict[str, Wire] = {}
        self.credentials: dict[str, Wire] = {}
        self.application_credentials: dict[str, Wire] = {}
        """With their "secret"."""
        self.passwords: dict[str, str] = {}
        """By user id."""
        self.passcodes: dict[str, str] = {}
        """What TOTP accepts, by user id."""
        self.members: dict[str, set[str]] = {}
        """Group id -> user ids."""
        self.grants: set[tuple[str, str, str, str, str]] = set()
        """("users" or "groups", id, "projects", "domains" or "system", id or "all", role id)."""
        for role in ("admin", "member", "reader"):
            self.roles[self.new_id(f"role/{role}")] = self._role(role)
        self.add_domain("Default", "default", "The default domain")
        self.routes.add("GET", "/", self._versions, open=True)
        self.routes.add("GET", "/v3", self._version, open=True)
        self.tokens = Tokens(self)
        self.people = People(self)

    # -- filling

    def new_id(self, name: str = "") -> str:
        """32 hexadecimal digits; always the same for a name."""
        return self.cloud.ids.fixed(f"{self.cloud.name}/{name}").replace("-", "") if name else self.cloud.ids.hex()

    def _role(self, name: str) -> Wire:
        return {
            "id": self.new_id(f"role/{name}"),
            "name": name,
            "domain_id": None,
            "description": None,
            "options": {"immutable": True},
        }

    def add_domain(self, name: str, id: str = "", description: str = "") -> Wire:
        """A new domain."""
        made: Wire = {"id": id or self.new_id(f"domain/{name}"), "name": name, "description": description}
        made |= {"enabled": True, "tags": [], "options": {}}
        self.domains[made["id"]] = made
        return made

    def add_project(self, name: str, domain_id: str = "default", id: str = "") -> Wire:
        """A new project."""
        id = id or self.new_id(f"project/{domain_id}/{name}")
        self.projects[id] = {
            "id": id,
            "name": name,
            "domain_id": domain_id,
            "description": "",
            "enabled": True,
            "parent_id": domain_id,
            "is_domain": False,
            "tags": [],
            "options": {},
        }
        return self.projects[id]

    def add_user(self, name: str, password: str, domain_id: str = "default", **more: Any) -> Wire:
        """A new user."""
        id = self.new_id(f"user/{domain_id}/{name}")
        basis: Wire = {"id": id, "name": name, "domain_id": domain_id, "enabled": True, "password_expires_at": None}
        self.users[id] = {**basis, "options": {}, **more}
        self.passwords[id] = password
        return self.users[id]

    def grant(
        self, user_id: str, role: str, *, project_id: str = "", domain_id: str = "", system: bool = False
    ) -> None:
        """Give a user a role (by name) in a project, a domain or the system."""
        role_id = next(key for key, one in self.roles.items() if one["name"] == role)
        kind = "system" if system else "projects" if project_id else "domains"
        self.grants.add(("users", user_id, kind, project_id or domain_id or "all", role_id))

    def roles_of(self, user_id: str, kind: str, target: str) -> list[str]:
        """The ids of the roles a user has there, by itself or its groups; a member reads, an admin does all."""
        groups = {group for group, users in self.members.items() if user_id in users}
        found = {
            role
            for actor, actor_id, where, where_id, role in self.grants
            if (where, where_id) == (kind, target)
            and ((actor == "users" and actor_id == user_id) or (actor == "groups" and actor_id in groups))
        }
        names = {self.roles[role]["name"] for role in found if role in self.roles}
        if "admin" in names:
            names |= MEMBERS
        if "member" in names:
            names.add("reader")
        return [key for key, role in self.roles.items() if role["name"] in names]

    def named(self, shelf: dict[str, Wire], ref: Wire, domain_id: str | None = None) -> Wire | None:
        """What {"id"} or {"name", "domain": {...}} stands for."""
        if "id" in ref:
            return shelf.get(ref["id"])
        if domain_id is None:
            domain = self.named(self.domains, ref.get("domain") or {}, "")
            if domain is None:
                return None
            domain_id = domain["id"]
        return next(
            (
                one
                for one in shelf.values()
                if one["name"] == ref.get("name") and (not domain_id or one.get("domain_id") == domain_id)
            ),
            None,
        )

    # -- HTTP

    def endpoint(self, base: str, project_id: str) -> str:  # noqa: ARG002
        return base

    def error(self, req: Req, fail: Fail) -> Reply:
        if fail.status == 404 and fail.message.startswith("The resource could not"):
            return Reply.text("<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n", 404)
        if fail.status == 405:
            return Reply.json({"message": "The method is not allowed for the requested URL."}, 405)
        headers = {"www-authenticate": f'Keystone uri="{req.base}/v3"'} if fail.status == 401 else {}
        title = TITLES.get(fail.status, fail.kind)
        body = {"error": {"code": fail.status, "message": fail.message, "title": title}}
        return Reply.json(body, fail.status, headers)

    def unauthorized(self, req: Req) -> Reply:
        return self.error(req, Fail(401, "The request you have made requires authentication."))

    def finish(self, req: Req, reply: Reply) -> Reply:  # noqa: ARG002
        reply.headers.setdefault("vary", "X-Auth-Token")
        return reply

    def _document(self, req: Req) -> Wire:
        return {
            "id": "v3.14",
            "status": "stable",
            "updated": "2020-04-07T00:00:00Z",
            "links": [{"rel": "self", "href": f"{req.base}/v3/"}],
            "media-types": [{"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}],
        }

    async def _versions(self, req: Req) -> Reply:
        return Reply.json({"versions": {"values": [self._document(req)]}}, 300, {"location": f"{req.base}/v3/"})

    async def _version(self, req: Req) -> Reply:
        return Reply.json({"version": self._document(req)})
