"""Keystone's own logins: credentials -> login body. Pure.

password, token, application credential, TOTP, and several of them together (multifactor), in every scope: project,
domain, system, trust, unscoped. https://docs.openstack.org/api-ref/identity/v3/#authentication-and-token-management
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from pydantic import SecretStr

from aiocloud._http import httpx
from aiocloud._json import is_array, mapping
from aiocloud.auth.conversation import Conversation, Keys, LoginConfig, document, public, refused, request_id
from aiocloud.auth.token import Catalog, CatalogEntry, Named, Token, parse_token, texts
from aiocloud.errors import AuthError, ConfigError, MoreFactorsNeeded

__all__ = ["accept", "keystone_login", "login_request", "rescope", "scope", "token_request"]

RECEIPT = "Openstack-Auth-Receipt"

Body = dict[str, Any]


def keystone_login(config: LoginConfig, identity: str) -> Conversation[Token]:
    """Log in with credentials that Keystone itself knows."""
    answer = yield login_request(config, identity)
    token = accept(config, answer)
    if "application_credential" in method_names(config):
        _same_project(Keys(config), token)
    return token


def login_request(config: LoginConfig, identity: str) -> httpx.Request:
    """The request that logs in: `POST {identity}/auth/tokens`. ConfigError when a key is missing or keys contradict."""
    keys = Keys(config)
    names = method_names(config)
    body: Body = {"methods": names}
    for name in names:
        method = METHODS.get(name)
        if method is None:
            known = ", ".join(sorted(METHODS))
            raise ConfigError(f"unknown login method {name!r} in auth_methods (known: {known})", cloud=config.name)
        body[name] = method(keys)
    # An application credential has its own scope, and Keystone refuses another one.
    wanted = None if "application_credential" in names else scope(keys)
    receipt = keys.get("auth_receipt")
    return token_request(identity, body, wanted, {RECEIPT: receipt} if receipt else {})


def _same_project(keys: Keys, token: Token) -> None:
    """AuthError when an application credential led to another project than the config names."""
    got = token.project or Named()
    id_, name = keys.get("project_id"), keys.get("project_name")
    fits = id_ == got.id if id_ else not name or name.casefold() == (got.name or "").casefold()
    if not fits:
        raise AuthError(
            f"the application credential is for project {got.name} ({got.id}), not for {id_ or name}: take "
            f"auth.{'project_id' if id_ else 'project_name'} away, or log in in another way",
            cloud=keys.config.name,
        )


def method_names(config: LoginConfig) -> list[str]:
    """Keystone's names of the methods that a cloud config asks for."""
    spelled = [*config.auth_methods] if config.auth_type.endswith("multifactor") else [config.auth_type]
    if not spelled:
        raise ConfigError(
            "the login v3multifactor needs auth_methods, a list such as [v3password, v3totp]",
            key=f"clouds.{config.name}.auth_methods",
            cloud=config.name,
        )
    names = [name.removeprefix("v3").replace("_", "") for name in spelled]
    return ["application_credential" if name == "applicationcredential" else name for name in names]


def token_request(
    identity: str, methods: Body, wanted: Body | str | None, headers: Mapping[str, str] | None = None
) -> httpx.Request:
    """`POST /auth/tokens` with these methods and this scope."""
    auth: Body = {"identity": methods}
    if wanted is not None:
        auth["scope"] = wanted
    return httpx.Request(
        "POST",
        f"{identity}/auth/tokens",
        json={"auth": auth},
        headers={"Accept": "application/json", **(headers or {})},
    )


def scope(keys: Keys) -> Body | str | None:
    """What the login is for. None leaves it to the user's default project; ConfigError for two scopes at once."""
    found: dict[str, Body | str] = {}
    if keys.get("system_scope"):
        found["system_scope"] = {"system": {"all": True}}
    if trust := keys.get("trust_id"):
        found["trust_id"] = {"OS-TRUST:trust": {"id": trust}}
    if project := keys.get("project_id"):
        found["project_id"] = {"project": {"id": project}}
    elif name := keys.get("project_name"):
        found["project_name"] = {"project": {"name": name, "domain": project_domain(keys)}}
    elif domain := keys.get("domain_id"):
        found["domain_id"] = {"domain": {"id": domain}}
    elif domain := keys.get("domain_name"):
        found["domain_name"] = {"domain": {"name": domain}}
    if (keys.get("unscoped") or "").lower() in ("true", "1", "yes"):
        found["unscoped"] = "unscoped"
    if len(found) > 1:
        keys_found = " and ".join(f"auth.{key}" for key in found)
        raise ConfigError(f"{keys_found} contradict: a login has one scope", cloud=keys.config.name)
    return next(iter(found.values()), None)


def rescope(config: LoginConfig, identity: str, unscoped: SecretStr) -> httpx.Request:
    """The request that turns an unscoped token (of a federation) into one for the scope that the config asks for."""
    methods = {"methods": ["token"], "token": {"id": unscoped.get_secret_value()}}
    return token_request(identity, methods, scope(Keys(config)))


def accept(config: LoginConfig, answer: httpx.Response) -> Token:
    """The token in Keystone's answer. AuthError (for a 401: Unauthorized; MoreFactorsNeeded with a receipt) else."""
    if answer.status_code in (200, 201):
        token = parse_token(answer.content, answer.headers, where=str(answer.request.url))
        return token if token.catalog.entries else _at_keystone_alone(token, str(answer.request.url))
    if answer.status_code == 401 and RECEIPT in answer.headers:
        raise more_needed(config, answer)
    raise login_refused(config, answer)


def _at_keystone_alone(token: Token, url: str) -> Token:
    """A login for nothing has no catalog; where Keystone is, we know all the same."""
    identity = url.removesuffix("/auth/tokens")
    kinds = ("public", "internal", "admin")
    return replace(
        token, catalog=Catalog(tuple(CatalogEntry("identity", None, None, kind, identity) for kind in kinds))
    )


def login_refused(config: LoginConfig, answer: httpx.Response) -> AuthError:
    """The error for a login that Keystone refused, saying what to look at."""
    who = Keys(config).who
    hint = ""
    if answer.status_code == 404 and "error" not in document(answer):
        hint = ". Is an identity service (Keystone) there? Check auth_url"
    elif answer.status_code in HINTS:
        hint = f". Check auth.* of cloud {config.name}: {HINTS[answer.status_code]}"
    return refused(config, answer, f"login of {who}", hint=hint)


def more_needed(config: LoginConfig, answer: httpx.Response) -> MoreFactorsNeeded:
    """Some methods were accepted, others are required too: the error holds the receipt to go on with."""
    body = document(answer)
    listed: object = body.get("required_auth_methods")
    sets = [texts(names) for names in (listed if is_array(listed) else [])]
    done = texts(mapping(body.get("receipt")).get("methods"))
    ways = " or ".join(" + ".join(names) for names in sets) or "more methods"
    error = MoreFactorsNeeded(
        f"login of {Keys(config).who} needs {ways}; accepted so far: {', '.join(sorted(done)) or 'nothing'}. "
        "Log in again within minutes with the other method and auth.auth_receipt set to this error's receipt, "
        "or at once with auth_type v3multifactor and auth_methods",
        response=public(answer),
        cloud=config.name,
        request_id=request_id(answer),
    )
    error.receipt = SecretStr(answer.headers[RECEIPT])
    error.required = tuple(tuple(names) for names in sets)
    return error


HINTS = {
    400: "a key has a value that Keystone does not understand",
    401: "user, its domain, password (or other secret) and project, that none of these is disabled or expired, and that "
    "the user has a role there",
    403: "the user may not log in to this scope",
    404: "the token or the application credential is unknown there: mistyped, expired, removed, or another cloud's",
}


def user(keys: Keys) -> Body:
    """The user, by id or by name and domain."""
    if user_id := keys.get("user_id"):
        return {"id": user_id}
    return {"name": keys.need("username", "user_id"), "domain": domain_of(keys, "user_domain")}


def project_domain(keys: Keys) -> Body:
    """The domain that a project's name is unique in."""
    return domain_of(keys, "project_domain")


def domain_of(keys: Keys, prefix: str) -> Body:
    """The domain of a user or project: its own keys, else `domain_*`, else `default_domain_*`, else `default`."""
    for key in (prefix, "domain", "default_domain"):
        if id_ := keys.get(f"{key}_id"):
            return {"id": id_}
        if name := keys.get(f"{key}_name"):
            return {"name": name}
    return {"id": "default"}


def password(keys: Keys) -> Body:
    """User and password."""
    return {"user": {**user(keys), "password": keys.need("password")}}


def totp(keys: Keys) -> Body:
    """User and one-time passcode."""
    return {"user": {**user(keys), "passcode": keys.need("passcode")}}


def token(keys: Keys) -> Body:
    """A token that somebody already has."""
    return {"id": keys.need("token")}


def application_credential(keys: Keys) -> Body:
    """An application credential, by id or by name and user."""
    secret = keys.need("application_credential_secret")
    if id_ := keys.get("application_credential_id"):
        return {"id": id_, "secret": secret}
    name = keys.need("application_credential_name", "application_credential_id")
    return {"name": name, "user": user(keys), "secret": secret}


METHODS: Mapping[str, Callable[[Keys], Body]] = {
    "password": password,
    "token": token,
    "application_credential": application_credential,
    "totp": totp,
}
