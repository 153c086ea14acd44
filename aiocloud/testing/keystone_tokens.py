"""keystone's /v3/auth: proof of identity in, token and catalog out."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from aiocloud.testing.http import Fail, Reply, Req, mapping
from aiocloud.testing.state import TokenState, Wire, stamp

if TYPE_CHECKING:
    from aiocloud.testing.keystone import Keystone

REFUSED = "The request you have made requires authentication."
MALFORMED = (
    "The server could not comply with the request since it is either malformed or otherwise incorrect. "
    "The client is assumed to be in error."
)
NAMES = {
    "compute": "nova",
    "network": "neutron",
    "image": "glance",
    "block-storage": "cinder",
    "object-store": "swift",
    "identity": "keystone",
}


class Tokens:
    """Gives, shows and revokes tokens."""

    def __init__(self, keystone: Keystone) -> None:
        self.keystone = keystone
        self.cloud = keystone.cloud
        add = keystone.routes.add
        add("POST", "/v3/auth/tokens", self.create, open=True)
        add("GET", "/v3/auth/tokens", self.show)
        add("HEAD", "/v3/auth/tokens", self.show)
        add("DELETE", "/v3/auth/tokens", self.revoke)
        add("GET", "/v3/auth/catalog", self.catalog)
        add("GET", "/v3/auth/projects", self.projects)
        add("GET", "/v3/auth/domains", self.domains)
        add("GET", "/v3/auth/system", self.system)

    async def create(self, req: Req) -> Reply:
        """POST /v3/auth/tokens."""
        auth = mapping((await req.json()).get("auth"))
        if not auth:
            raise Fail(400, f"Expecting to find auth in request body. {MALFORMED}")
        identity = mapping(auth.get("identity"))
        methods = identity.get("methods")
        if not methods:
            raise Fail(400, f"Expecting to find identity in auth. {MALFORMED}")
        token = self._identify(identity, methods)
        self._scope(token, auth.get("scope"))
        self.cloud.tokens[token.value] = token
        headers = {"x-subject-token": token.value}
        body = self.describe(req, token, catalog=not _no_catalog(req))
        return Reply.json({"token": body}, 201, headers)

    def _identify(self, identity: Wire, methods: list[str]) -> TokenState:
        """Who it is, by every method named; a `Fail` with 401 when any proof is wrong."""
        now = self.cloud.clock.now()
        token = TokenState(
            value=f"gAAAAA{secrets.token_urlsafe(64)}",
            issued_at=now,
            expires_at=now + self.cloud.knobs.token_ttl,
            user_id="",
            methods=tuple(methods),
            audit_ids=(secrets.token_urlsafe(16),),
        )
        for method in methods:
            proof = mapping(identity.get(method))
            user_id = self._proven(method, proof, token)
            user = self.keystone.users.get(user_id or "")
            if user is None or not user["enabled"] or (token.user_id and token.user_id != user_id):
                raise Fail(401, REFUSED)
            token.user_id = user["id"]
        return token

    def _proven(self, method: str, proof: Wire, token: TokenState) -> str | None:
        """The id of the user a proof is right for."""
        keystone = self.keystone
        if method in {"password", "totp"}:
            user = keystone.named(keystone.users, mapping(proof.get("user")))
            if user is None:
                return None
            book, key = (keystone.passwords, "password") if method == "password" else (keystone.passcodes, "passcode")
            given = proof["user"].get(key)
            return str(user["id"]) if given is not None and book.get(user["id"]) == given else None
        if method == "token":
            old = self.cloud.valid_token(proof.get("id"))
            if old is None or old.application_credential_id:
                return None
            token.expires_at = old.expires_at
            token.audit_ids += old.audit_ids[:1]
            token.methods = tuple(dict.fromkeys((*token.methods, *old.methods)))
            return old.user_id
        if method == "application_credential":
            found = self._application_credential(proof)
            if found is None or found["secret"] != proof.get("secret"):
                return None
            token.application_credential_id = found["id"]
            return str(found["user_id"])
        return None

    def _application_credential(self, proof: Wire) -> Wire | None:
        shelf = self.keystone.application_credentials
        if "id" in proof:
            return shelf.get(proof["id"])
        user = self.keystone.named(self.keystone.users, mapping(proof.get("user")))
        return next(
            (
                one
                for one in shelf.values()
                if user and one["user_id"] == user["id"] and one["name"] == proof.get("name")
            ),
            None,
        )

    def _scope(self, token: TokenState, scope: Wire | str | None) -> None:
        """What the token is for: `Fail` with 401 when the user has no role there."""
        keystone = self.keystone
        user = keystone.users[token.user_id]
        if token.application_credential_id:
            if scope is not None:
                raise Fail(401, REFUSED)
            found = keystone.application_credentials[token.application_credential_id]
            token.project_id = found["project_id"]
            token.roles = tuple(role["name"] for role in found["roles"])
            return
        if scope is None and user.get("default_project_id") in keystone.projects:
            scope = {"project": {"id": user["default_project_id"]}}
        if scope is None or scope == "unscoped" or "unscoped" in scope:
            return
        kind, target = self._target(scope)
        roles = keystone.roles_of(user["id"], kind, target)
        if not roles:
            raise Fail(401, REFUSED)
        token.roles = tuple(keystone.roles[role]["name"] for role in roles)
        token.project_id = target if kind == "projects" else None
        token.domain_id = target if kind == "domains" else None
        token.system = kind == "system"

    def _target(self, scope: Wire | str) -> tuple[str, str]:
        if not isinstance(scope, dict):
            raise Fail(400, MALFORMED)
        if "system" in scope:
            return "system", "all"
        if "domain" in scope:
            found = self.keystone.named(self.keystone.domains, scope["domain"], "")
            kind = "domains"
        else:
            found = self.keystone.named(self.keystone.projects, mapping(scope.get("project")))
            kind = "projects"
        if found is None or not found["enabled"]:
            raise Fail(401, REFUSED)
        return kind, found["id"]

    def describe(self, req: Req, token: TokenState, *, catalog: bool = True) -> Wire:
        """The token as keystone shows it."""
        keystone = self.keystone
        user = keystone.users[token.user_id]
        body: Wire = {
            "methods": list(token.methods),
            "user": {
                "domain": self._domain(user["domain_id"]),
                "id": user["id"],
                "name": user["name"],
                "password_expires_at": None,
            },
            "audit_ids": list(token.audit_ids),
            "expires_at": stamp(token.expires_at, micro=True),
            "issued_at": stamp(token.issued_at, micro=True),
        }
        if token.project_id:
            project = keystone.projects[token.project_id]
            body["project"] = {
                "domain": self._domain(project["domain_id"]),
                "id": project["id"],
                "name": project["name"],
            }
            body["is_domain"] = False
        elif token.domain_id:
            body["domain"] = self._domain(token.domain_id)
        elif token.system:
            body["system"] = {"all": True}
        if token.roles:
            body["roles"] = [
                {"id": role["id"], "name": role["name"]}
                for role in keystone.roles.values()
                if role["name"] in token.roles
            ]
            if catalog:
                body["catalog"] = self.catalog_for(req, token.project_id or "")
        if token.application_credential_id:
            found = keystone.application_credentials[token.application_credential_id]
            body["application_credential"] = {
                "id": found["id"],
                "name": found["name"],
                "restricted": not found["unrestricted"],
            }
        return body

    def _domain(self, id: str) -> Wire:
        return {"id": id, "name": self.keystone.domains[id]["name"]}

    def catalog_for(self, req: Req, project_id: str) -> list[Wire]:
        """Every service with its URL in every region, as this client reaches it."""
        entries: dict[str, Wire] = {}
        for region in self.cloud.regions.values():
            root = f"{req.root}/{self.cloud.name}/{region.name}"
            urls = {"identity": f"{req.root}/{self.cloud.name}/identity"}
            urls |= {one.type: one.endpoint(f"{root}/{one.mount}", project_id) for one in region.services.values()}
            for kind, url in urls.items():
                entry = entries.setdefault(kind, self._entry(kind))
                entry["endpoints"] += [
                    {
                        "id": self.keystone.new_id(f"endpoint/{region.name}/{kind}/{interface}"),
                        "interface": interface,
                        "region_id": region.name,
                        "url": url,
                        "region": region.name,
                    }
                    for interface in ("public", "internal", "admin")
                ]
        return list(entries.values())

    def _entry(self, kind: str) -> Wire:
        return {
            "endpoints": [],
            "id": self.keystone.new_id(f"service/{kind}"),
            "type": kind,
            "name": NAMES.get(kind, kind),
        }

    def _subject(self, req: Req) -> TokenState:
        token = self.cloud.valid_token(req.headers.get("x-subject-token"))
        if token is None:
            raise Fail(404, "Could not recognize Fernet token")
        if token.user_id != req.token.user_id and not req.is_admin:
            raise Fail(403, "You are not authorized to perform the requested action: identity:validate_token.")
        return token

    async def show(self, req: Req) -> Reply:
        """GET and HEAD /v3/auth/tokens."""
        token = self._subject(req)
        headers = {"x-subject-token": token.value}
        if req.method == "HEAD":
            return Reply(200, b"", headers)
        return Reply.json({"token": self.describe(req, token, catalog=not _no_catalog(req))}, 200, headers)

    async def revoke(self, req: Req) -> Reply:
        """DELETE /v3/auth/tokens."""
        self._subject(req).revoked = True
        return Reply(204)

    async def catalog(self, req: Req) -> Reply:
        """GET /v3/auth/catalog."""
        if not req.token.roles:
            raise Fail(403, "You are not authorized to perform the requested action: get_auth_catalog.")
        links = {"next": None, "self": req.path_url, "previous": None}
        return Reply.json({"catalog": self.catalog_for(req, req.project_id), "links": links})

    async def projects(self, req: Req) -> Reply:
        """GET /v3/auth/projects: those the caller has a role in."""
        return self._where(req, "projects", self.keystone.projects)

    async def domains(self, req: Req) -> Reply:
        """GET /v3/auth/domains."""
        return self._where(req, "domains", self.keystone.domains)

    def _where(self, req: Req, kind: str, shelf: dict[str, Wire]) -> Reply:
        found = [
            {**one, "links": {"self": f"{req.base}/v3/{kind}/{one['id']}"}}
            for one in shelf.values()
            if self.keystone.roles_of(req.token.user_id, kind, one["id"])
        ]
        return Reply.json({kind: found, "links": {"next": None, "self": req.path_url, "previous": None}})

    async def system(self, req: Req) -> Reply:
        """GET /v3/auth/system."""
        found = [{"all": True}] if self.keystone.roles_of(req.token.user_id, "system", "all") else []
        return Reply.json({"system": found, "links": {"self": req.path_url}})


def _no_catalog(req: Req) -> bool:
    return any(name == "nocatalog" for name, _ in req.query)
