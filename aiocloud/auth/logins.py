"""Every login by its `auth_type`, and the way to Keystone. Pure.

`login(config)` is the whole conversation of one login. An `auth_type` that is not in the table is looked up among the
entry points of the group `aiocloud.auth`: functions of the shape `conversation.Login`, in any installed package.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import cast
from urllib.parse import urlsplit

from aiocloud import discover
from aiocloud._http import httpx
from aiocloud.auth import federation, oauth2, standing
from aiocloud.auth.conversation import Conversation, Keys, Login, LoginConfig, Step, document
from aiocloud.auth.methods import keystone_login
from aiocloud.auth.token import Token
from aiocloud.errors import AuthError, ConfigError

__all__ = ["PLUGINS", "identity_of", "known_logins", "login"]

PLUGINS = "aiocloud.auth"

LOGINS: Mapping[str, Login] = {
    "password": keystone_login,
    "token": keystone_login,
    "applicationcredential": keystone_login,
    "totp": keystone_login,
    "multifactor": keystone_login,
    "oidcclientcredentials": federation.oidc_client_credentials,
    "oidcpassword": federation.oidc_password,
    "oidcauthcode": federation.oidc_auth_code,
    "oidcaccesstoken": federation.oidc_access_token,
    "oidcdeviceauthz": federation.oidc_device,
    "k2k": federation.keystone_to_keystone,
    "oauth2clientcredential": oauth2.client_credential,
    "oauth2mtlsclientcredential": oauth2.mtls_client_credential,
}
STANDING = {"none": standing.no_login, "http_basic": standing.http_basic, "admin_token": standing.admin_token}
LOST = (300, 404, 405, 410, 501)  # statuses that may mean: Keystone's v3 API is not at this URL
ALIASES = {"noauth": "none", "": "none", "token_endpoint": "admin_token", "basic": "http_basic"}


def login(config: LoginConfig) -> Conversation[Token]:
    """Log in as the config says. ConfigError when keys are missing, AuthError when the cloud says no."""
    name = ALIASES.get(config.auth_type, config.auth_type)
    if name.startswith("v2"):
        raise ConfigError(
            f"auth_type {config.auth_type} is identity v2, which no cloud has any more: use {name[2:] or 'password'}, "
            "with user_domain_name and project_domain_name",
            cloud=config.name,
        )
    if name in STANDING:
        return STANDING[name](config)
    if name == "v3tokenlessauth":
        return standing.tokenless(config, identity_of(config))
    return (yield from _at_keystone(config, _login_of(config, name)))


def known_logins() -> tuple[str, ...]:
    """Every auth_type that works here, entry points included."""
    plugins = [entry.name for entry in entry_points(group=PLUGINS)]
    own = [name if name in ("password", "token") else f"v3{name}" for name in LOGINS]
    return tuple(sorted({*own, *STANDING, "v3password", "v3token", "v3tokenlessauth", *plugins}))


def identity_of(config: LoginConfig) -> str:
    """The URL of Keystone's v3 API as `auth_url` suggests it, without a request; no slash at the end."""
    auth_url = Keys(config).need("auth_url")
    if not _is_http(auth_url):
        raise ConfigError(
            f"auth_url {auth_url!r} is not a URL such as https://cloud.example.com:5000",
            key=f"clouds.{config.name}.auth.auth_url",
            cloud=config.name,
        )
    at = discover.parts(auth_url)
    return f"{at.base}/v3"


def _is_http(url: str) -> bool:
    try:
        split = urlsplit(url)
        return split.scheme in ("http", "https") and bool(split.hostname) and (split.port or 1) > 0
    except ValueError:
        return False


def _login_of(config: LoginConfig, name: str) -> Login:
    own = LOGINS.get(name.removeprefix("v3").replace("_", ""))
    if own is not None:
        return own
    plugins = {entry.name: entry for entry in entry_points(group=PLUGINS)}
    if name in plugins:
        try:
            found: Login = plugins[name].load()
        except (ImportError, AttributeError) as error:
            raise ConfigError(
                f"the plug-in for auth_type {name} can't be loaded: {error}", cloud=config.name
            ) from error
        return found
    raise ConfigError(
        f"unknown auth_type {config.auth_type!r} (known: {', '.join(known_logins())})",
        key=f"clouds.{config.name}.auth_type",
        cloud=config.name,
    )


def _at_keystone(config: LoginConfig, conversation: Login) -> Conversation[Token]:
    """Talk to Keystone where `auth_url` suggests it is; ask its version document only when it isn't there.

    That spares a request for every cloud that keeps its v3 API under `/v3`, which is nearly all of them.
    """
    identity = identity_of(config)
    talk = conversation(config, identity)
    try:
        step = next(talk)
        while not _asks(step, identity):
            step = talk.send((yield step))
        answer = yield step
        if answer.status_code in LOST:
            found = yield from _find_identity(config, identity, answer.status_code)
            if found != identity:
                talk.close()
                return (yield from conversation(config, found))
        step = talk.send(answer)
        while True:
            step = talk.send((yield step))
    except StopIteration as stop:
        return cast("Token", stop.value)


def _asks(step: Step, identity: str) -> bool:
    return isinstance(step, httpx.Request) and str(step.url).startswith(f"{identity}/")


def _find_identity(config: LoginConfig, guess: str, status: int) -> Conversation[str]:
    """Keystone's v3 URL by its version document; AuthError that says what is there instead."""
    auth_url = Keys(config).need("auth_url")
    for url in dict.fromkeys((auth_url, *discover.candidates(auth_url))):
        answer = yield httpx.Request("GET", url, headers={"Accept": "application/json"})
        if answer.status_code not in (200, 300):
            continue
        found = discover.choose(document(answer), catalog_url=auth_url, document_url=url, wanted="3")
        if found:
            return found.url
        if others := discover.versions(document(answer)):
            raise AuthError(_no_v3(auth_url, others), cloud=config.name, url=auth_url)
    raise AuthError(
        f"no identity service (Keystone) at {auth_url}: {guess}/auth/tokens answered {status} and there is no version "
        "document. Check auth_url",
        cloud=config.name,
        url=auth_url,
        status_code=status,
    )


def _no_v3(auth_url: str, others: tuple[discover.Version, ...]) -> str:
    offered = ", ".join(sorted({f"v{version.number}" for version in others}))
    return (
        f"the service at {auth_url} has {offered} and no v3: it is no Keystone, or one with identity v2 alone, "
        "which was removed from OpenStack and can't be used. Check auth_url"
    )
