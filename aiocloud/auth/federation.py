"""Logins through somebody else: an OpenID Connect provider, or another Keystone. Pure.

All end alike: Keystone takes the other side's proof, gives an unscoped token, and that is exchanged for a scoped one.
https://docs.openstack.org/keystone/latest/admin/federation/federated_identity.html
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode, urljoin

from pydantic import SecretStr

from aiocloud._http import httpx
from aiocloud.auth.conversation import Conversation, Keys, LoginConfig, Pause, Tell, document, refused, said
from aiocloud.auth.methods import accept, keystone_login, rescope, token_request
from aiocloud.auth.token import SUBJECT_TOKEN, Token
from aiocloud.errors import AuthError

__all__ = [
    "federated",
    "keystone_to_keystone",
    "oidc_access_token",
    "oidc_auth_code",
    "oidc_client_credentials",
    "oidc_device",
    "oidc_password",
]

JSON = {"Accept": "application/json"}
PAOS = {"Content-Type": "application/vnd.paos+xml", "Accept": "*/*"}
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
DEVICE_PATIENCE = 900.0  # seconds, when the provider names no end
SAML_REDIRECTS = (302, 303)


def oidc_client_credentials(config: LoginConfig, identity: str) -> Conversation[Token]:
    """The client's own credentials: `client_id`, `client_secret`."""
    Keys(config).need("client_secret")
    return (yield from _oidc(config, identity, {"grant_type": "client_credentials"}))


def oidc_password(config: LoginConfig, identity: str) -> Conversation[Token]:
    """A user's name and password at the provider; `idp_otp_key` names the form field of a one-time `passcode`."""
    keys = Keys(config)
    form = {"grant_type": "password", "username": keys.need("username"), "password": keys.need("password")}
    if otp := keys.get("idp_otp_key"):
        form[otp] = keys.need("passcode")
    return (yield from _oidc(config, identity, form))


def oidc_auth_code(config: LoginConfig, identity: str) -> Conversation[Token]:
    """A `code` that the provider gave to a browser, redeemed with the same `redirect_uri`."""
    keys = Keys(config)
    form = {"grant_type": "authorization_code", "code": keys.need("code", "authorization_code")}
    form["redirect_uri"] = keys.need("redirect_uri")
    return (yield from _oidc(config, identity, form))


def oidc_access_token(config: LoginConfig, identity: str) -> Conversation[Token]:
    """An `access_token` that somebody already has."""
    return (yield from federated(config, identity, SecretStr(Keys(config).need("access_token"))))


def oidc_device(config: LoginConfig, identity: str) -> Conversation[Token]:
    """A human confirms on another device, with PKCE (RFC 8628, RFC 7636). The provider says how long that may take."""
    keys = Keys(config)
    known = yield from _provider(config, "device_authorization_endpoint", "token_endpoint")
    verifier = secrets.token_urlsafe(48)
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    ask = {**_client(keys), "scope": _scope(keys), "code_challenge": digest, "code_challenge_method": "S256"}
    answer = yield _form(known["device_authorization_endpoint"], ask, keys)
    device = _granted(config, answer, "device login", "device_code", "user_code")
    where = device.get("verification_uri_complete") or device.get("verification_uri") or "the provider's page"
    yield Tell(f"To log in to {config.name}, open {where} and enter the code {device['user_code']}")
    proof = {"grant_type": DEVICE_GRANT, "device_code": str(device["device_code"]), "code_verifier": verifier}
    access = yield from _confirmed(config, known["token_endpoint"], {**_client(keys), **proof}, device)
    return (yield from federated(config, identity, access))


def keystone_to_keystone(config: LoginConfig, identity: str) -> Conversation[Token]:
    """Log in at `auth_url`, and from there to the cloud `service_provider`, which trusts it.

    `remote_project_name`, `remote_project_domain_name` and the like are the scope there.
    https://docs.openstack.org/keystone/latest/admin/federation/configure_federation.html#keystone-as-an-identity-provider-idp
    """
    keys = Keys(config)
    wanted = keys.need("service_provider")
    local = yield from keystone_login(_View(config, keys.get("idp_auth_type") or "password", config.auth), identity)
    provider = next((p for p in local.service_providers if p.id == wanted), None)
    if provider is None:
        known = ", ".join(p.id for p in local.service_providers) or "none"
        raise AuthError(f"no service provider {wanted!r} in this login's catalog (known: {known})", cloud=config.name)
    methods = {"methods": ["token"], "token": {"id": local.text}}
    ask = token_request(identity, methods, {"service_provider": {"id": wanted}})
    assertion = yield httpx.Request(
        "POST", f"{identity}/auth/OS-FEDERATION/saml2/ecp", content=ask.content, headers=ECP
    )
    if assertion.status_code != 200:
        raise refused(config, assertion, "the SAML assertion")
    answer = yield httpx.Request("POST", provider.sp_url, content=assertion.content, headers=PAOS)
    if answer.status_code in SAML_REDIRECTS:
        # The redirect only says that the SAML session stands (its cookie); the protected URL is the provider's own.
        cookies = "; ".join(pair.split(";", 1)[0] for pair in answer.headers.get_list("set-cookie"))
        answer = yield httpx.Request(
            "GET", provider.auth_url, headers={**PAOS, **({"Cookie": cookies} if cookies else {})}
        )
    unscoped = _unscoped(config, answer)
    remote = provider.auth_url.partition("/OS-FEDERATION/")[0]
    scope = {key.removeprefix("remote_"): value for key, value in config.auth.items() if key.startswith("remote_")}
    there = _View(config, config.auth_type, scope)
    return accept(there, (yield rescope(there, remote, unscoped)))


ECP = {"Content-Type": "application/json", "Accept": "*/*"}


def federated(config: LoginConfig, identity: str, proof: SecretStr) -> Conversation[Token]:
    """Exchange a bearer token of `identity_provider` for Keystone's, in the scope that the config asks for."""
    keys = Keys(config)
    provider, protocol = (quote(keys.need(name), safe="") for name in ("identity_provider", "protocol"))
    url = f"{identity}/OS-FEDERATION/identity_providers/{provider}/protocols/{protocol}/auth"
    bearer = {**JSON, "Authorization": f"Bearer {proof.get_secret_value()}"}
    unscoped = _unscoped(config, (yield httpx.Request("POST", url, headers=bearer)))
    return accept(config, (yield rescope(config, identity, unscoped)))


class _View:
    """A cloud config seen as another login's."""

    def __init__(self, config: LoginConfig, auth_type: str, auth: Mapping[str, Any]) -> None:
        self.name = config.name
        self.auth_type = auth_type
        self.auth = auth
        self.auth_methods = config.auth_methods


def _oidc(config: LoginConfig, identity: str, grant: Mapping[str, str]) -> Conversation[Token]:
    keys = Keys(config)
    known = yield from _provider(config, "token_endpoint")
    form = {**_client(keys), **grant, "scope": _scope(keys)}
    answer = yield _form(known["token_endpoint"], form, keys)
    granted = _granted(config, answer, "login", "access_token")
    return (yield from federated(config, identity, SecretStr(granted["access_token"])))


def _provider(config: LoginConfig, *wanted: str) -> Conversation[dict[str, str]]:
    """The provider's URLs: from the config, else from its discovery document."""
    keys = Keys(config)
    names = {
        "token_endpoint": ("access_token_endpoint", "token_endpoint"),
        "device_authorization_endpoint": ("device_authorization_endpoint",),
    }
    known = {name: value for name in wanted if (value := keys.get(*names[name]))}
    if len(known) == len(wanted):
        return known
    url = keys.need("discovery_endpoint", *(names[name][0] for name in wanted if name not in known))
    answer = yield httpx.Request("GET", url, headers=JSON)
    document = _granted(config, answer, "the provider's discovery document")
    for name in wanted:
        value = known.get(name) or document.get(name)
        if not isinstance(value, str):
            raise AuthError(f"the provider's discovery document {url} has no {name}", cloud=config.name, url=url)
        known[name] = urljoin(url, value)
    return known


def _confirmed(
    config: LoginConfig, url: str, form: Mapping[str, str], device: Mapping[str, Any]
) -> Conversation[SecretStr]:
    """Ask, at the provider's pace, until the human has confirmed (or refused, or taken too long)."""
    pace = _seconds(device.get("interval"), 5.0)
    left = _seconds(device.get("expires_in"), DEVICE_PATIENCE)
    while left > 0:
        yield Pause(pace)
        left -= pace
        answer = yield _form(url, form, Keys(config))
        problem = _error_code(answer)
        if problem == "slow_down":
            pace += 5
        elif problem != "authorization_pending":
            return SecretStr(_granted(config, answer, "device login", "access_token")["access_token"])
    raise AuthError("the device login was not confirmed in time", cloud=config.name, url=url)


def _seconds(value: object, default: float) -> float:
    return max(1.0, float(value)) if isinstance(value, int | float) else default


def _error_code(answer: httpx.Response) -> str | None:
    code: object = document(answer).get("error")
    return code if isinstance(code, str) else None


def _client(keys: Keys) -> dict[str, str]:
    """The client in the form, when it has no secret; with one it goes into the Authorization header."""
    return {} if keys.get("client_secret") else {"client_id": keys.need("client_id")}


def _scope(keys: Keys) -> str:
    return keys.get("openid_scope") or "openid profile"


def _form(url: str, form: Mapping[str, str], keys: Keys) -> httpx.Request:
    headers = {**JSON, "Content-Type": "application/x-www-form-urlencoded"}
    if secret := keys.get("client_secret"):
        # RFC 6749, 2.3.1: both are form-encoded before they are joined.
        pair = f"{quote(keys.need('client_id'), safe='')}:{quote(secret, safe='')}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    return httpx.Request("POST", url, content=urlencode(form).encode(), headers=headers)


def _granted(config: LoginConfig, answer: httpx.Response, what: str, *needed: str) -> Mapping[str, Any]:
    """A provider's JSON answer; AuthError when it refuses, or leaves out what is needed."""
    if answer.status_code != 200:
        raise refused(config, answer, what)
    body = document(answer)
    missing = [name for name in needed if not isinstance(body.get(name), str)]
    if missing or not body:
        raise AuthError(
            f"{what} at {answer.request.url.copy_with(query=None)}: "
            f"the answer has no {', '.join(missing) or 'JSON'} ({Keys(config).hide(said(answer))})",
            cloud=config.name,
        )
    return body


def _unscoped(config: LoginConfig, answer: httpx.Response) -> SecretStr:
    value = answer.headers.get(SUBJECT_TOKEN)
    if answer.status_code not in (200, 201) or not value:
        hint = ". Check auth.identity_provider and auth.protocol, and the mapping in Keystone"
        raise refused(config, answer, "federated login", hint=hint)
    return SecretStr(value)
