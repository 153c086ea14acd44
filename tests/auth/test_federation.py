"""Logins through an OpenID Connect provider, another Keystone, and OAuth2."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import pytest

from aiocloud._http import httpx
from aiocloud.errors import AuthError, ConfigError
from tests.auth.helper import Played, config, granted, play, refused

IDP = {
    "identity_provider": "corp",
    "protocol": "openid",
    "discovery_endpoint": "https://idp.test/.well-known/openid-configuration",
    "client_id": "cli:1",
    "project_id": "p1",
}
FEDERATION = "https://cloud.test:5000/v3/OS-FEDERATION/identity_providers/corp/protocols/openid/auth"
DISCOVERY = {
    "token_endpoint": "https://idp.test/token",
    "device_authorization_endpoint": "https://idp.test/device",
}


def form(request: httpx.Request) -> dict[str, str]:
    return dict(parse_qsl(request.content.decode(), strict_parsing=True))


class Provider:
    """An identity provider that grants what its rule says, and the Keystone that believes it."""

    def __init__(self, rule: Callable[[dict[str, str]], httpx.Response] | None = None) -> None:
        self.forms: list[dict[str, str]] = []
        self.clients: list[str | None] = []
        self.rule = rule or (lambda _: httpx.Response(200, json={"access_token": "oidc-canary"}))
        self.device: dict[str, Any] = {
            "device_code": "dev-canary",
            "user_code": "ABCD-EFGH",
            "verification_uri": "https://idp.test/activate",
            "expires_in": 60,
            "interval": 5,
        }

    def __call__(self, request: httpx.Request) -> httpx.Response:
        match str(request.url):
            case "https://idp.test/.well-known/openid-configuration":
                return httpx.Response(200, json=DISCOVERY)
            case "https://idp.test/device":
                self.forms.append(form(request))
                return httpx.Response(200, json=self.device)
            case "https://idp.test/token":
                self.forms.append(form(request))
                self.clients.append(request.headers.get("authorization"))
                return self.rule(self.forms[-1])
            case url if url == FEDERATION:
                trusted = request.headers.get("authorization") == "Bearer oidc-canary"
                return granted("unscoped-canary", project=None) if trusted else refused()
            case "https://cloud.test:5000/v3/auth/tokens":
                auth = json.loads(request.content)["auth"]
                known = auth["identity"]["token"]["id"] == "unscoped-canary"
                return granted("scoped") if known and auth["scope"] == {"project": {"id": "p1"}} else refused()
            case url:
                raise AssertionError(url)


def test_client_credentials() -> None:
    provider = Provider()
    assert play(config("v3oidcclientcredentials", **IDP, client_secret="s/1"), provider).text == "scoped"
    assert provider.forms == [{"grant_type": "client_credentials", "scope": "openid profile"}]
    assert provider.clients == ["Basic " + base64.b64encode(b"cli%3A1:s%2F1").decode()]


def test_password_with_a_one_time_passcode() -> None:
    provider = Provider()
    keys = {
        "username": "alice",
        "password": "pw",
        "idp_otp_key": "totp",
        "passcode": "123456",
        "openid_scope": "openid",
    }
    assert play(config("v3oidcpassword", **IDP, **keys), provider).text == "scoped"
    assert provider.forms == [
        {
            "grant_type": "password",
            "client_id": "cli:1",
            "username": "alice",
            "password": "pw",
            "totp": "123456",
            "scope": "openid",
        }
    ]


def test_authorization_code() -> None:
    provider = Provider()
    keys = {"code": "code-1", "redirect_uri": "http://localhost:8400"}
    assert play(config("v3oidcauthcode", **IDP, **keys), provider).text == "scoped"
    assert provider.forms[0]["code"] == "code-1"
    assert provider.forms[0]["redirect_uri"] == "http://localhost:8400"


def test_access_token_asks_the_provider_nothing() -> None:
    provider = Provider()
    assert play(config("v3oidcaccesstoken", **IDP, access_token="oidc-canary"), provider).text == "scoped"
    assert provider.forms == []


def test_a_configured_endpoint_spares_the_discovery_document() -> None:
    seen = Played()
    keys = {**IDP, "discovery_endpoint": None, "access_token_endpoint": "https://idp.test/token"}
    play(config("v3oidcclientcredentials", **keys, client_secret="s"), Provider(), seen)
    assert [method for method, _ in seen.asked] == ["POST", "POST", "POST"]


def device_rule(*answers: httpx.Response) -> Callable[[dict[str, str]], httpx.Response]:
    left = list(answers)
    return lambda _: left.pop(0)


def problem(code: str) -> httpx.Response:
    return httpx.Response(400, json={"error": code, "error_description": f"because {code}"})


def test_device_authorization_tells_the_human_and_waits_at_the_providers_pace() -> None:
    yes = httpx.Response(200, json={"access_token": "oidc-canary"})
    provider = Provider(device_rule(problem("authorization_pending"), problem("slow_down"), yes))
    seen = Played()
    assert play(config("v3oidcdeviceauthz", **IDP), provider, seen).text == "scoped"
    assert seen.told == ["To log in to my-cloud, open https://idp.test/activate and enter the code ABCD-EFGH"]
    assert seen.waited == [5, 5, 10]
    ask, *polls = provider.forms
    digest = hashlib.sha256(polls[0]["code_verifier"].encode()).digest()
    assert ask["code_challenge"] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert ask["code_challenge_method"] == "S256"
    assert {poll["device_code"] for poll in polls} == {"dev-canary"}


def test_device_authorization_ends_when_nobody_confirms() -> None:
    seen = Played()
    with pytest.raises(AuthError, match="not confirmed in time"):
        play(config("v3oidcdeviceauthz", **IDP), Provider(lambda _: problem("authorization_pending")), seen)
    assert sum(seen.waited) == 60


@pytest.mark.parametrize("code", ["access_denied", "expired_token", "invalid_grant"])
def test_a_provider_that_refuses_is_quoted(code: str) -> None:
    with pytest.raises(AuthError, match=rf"idp\.test/token refused \(400\): because {code}"):
        play(config("v3oidcdeviceauthz", **IDP), Provider(lambda _: problem(code)))


def test_a_keystone_that_does_not_know_the_provider_is_quoted() -> None:
    provider = Provider(lambda _: httpx.Response(200, json={"access_token": "another-canary"}))
    with pytest.raises(AuthError, match=r"identity_provider and auth\.protocol") as error:
        play(config("v3oidcclientcredentials", **IDP, client_secret="s"), provider)
    assert "canary" not in str(error.value)


@pytest.mark.parametrize("answer", [httpx.Response(200, text="<html>"), httpx.Response(200, json={"token_type": "x"})])
def test_a_provider_that_answers_nonsense_is_an_auth_error(answer: httpx.Response) -> None:
    with pytest.raises(AuthError, match="has no access_token"):
        play(config("v3oidcclientcredentials", **IDP, client_secret="s"), Provider(lambda _: answer))


@pytest.mark.parametrize(
    ("auth_type", "missing"),
    [
        ("v3oidcclientcredentials", "auth.client_secret"),
        ("v3oidcpassword", "auth.username"),
        ("v3oidcauthcode", "auth.code"),
        ("v3oidcaccesstoken", "auth.access_token"),
        ("v3k2k", "auth.service_provider"),
        ("v3oauth2clientcredential", "auth.oauth2_client_id"),
    ],
)
def test_missing_keys_are_named(auth_type: str, missing: str) -> None:
    with pytest.raises(ConfigError, match=missing):
        play(config(auth_type, **IDP), Provider())


PARTNER = {
    "id": "b",
    "auth_url": "https://b.test/v3/OS-FEDERATION/identity_providers/a/protocols/saml2/auth",
    "sp_url": "https://b.test/Shibboleth.sso/SAML2/ECP",
}


def keystones(request: httpx.Request) -> httpx.Response:
    """Cloud A, which vouches, and cloud B, which believes it."""
    cookie = "_shibsession=s1"
    match request.method, str(request.url):
        case "POST", "https://cloud.test:5000/v3/auth/tokens":
            return granted("local", service_providers=[PARTNER])
        case "POST", "https://cloud.test:5000/v3/auth/OS-FEDERATION/saml2/ecp":
            auth = json.loads(request.content)["auth"]
            assert auth["identity"]["token"]["id"] == "local"
            assert auth["scope"] == {"service_provider": {"id": "b"}}
            return httpx.Response(200, content=b"<assertion/>")
        case "POST", "https://b.test/Shibboleth.sso/SAML2/ECP":
            assert request.content == b"<assertion/>"
            return httpx.Response(302, headers={"Location": "https://evil.test/", "Set-Cookie": f"{cookie}; HttpOnly"})
        case "GET", url if url == PARTNER["auth_url"]:
            return granted("unscoped-b") if request.headers.get("cookie") == cookie else refused()
        case "POST", "https://b.test/v3/auth/tokens":
            auth = json.loads(request.content)["auth"]
            assert auth["identity"]["token"]["id"] == "unscoped-b"
            assert auth["scope"] == {"project": {"name": "remote-web", "domain": {"id": "default"}}}
            return granted("scoped-b")
        case _, url:
            raise AssertionError(url)


def test_from_one_keystone_to_another() -> None:
    keys = {"username": "alice", "password": "pw", "project_name": "web", "remote_project_name": "remote-web"}
    assert play(config("v3k2k", **keys, service_provider="b"), keystones).text == "scoped-b"
    with pytest.raises(AuthError, match=r"no service provider 'c'.*known: b"):
        play(config("v3k2k", **keys, service_provider="c"), keystones)


def oauth2(request: httpx.Request) -> httpx.Response:
    match request.method, request.url.path:
        case "POST", "/v3/OS-OAUTH2/token":
            secret = request.headers.get("authorization") == "Basic " + base64.b64encode(b"ac1:s1").decode()
            if secret or form(request).get("client_id") == "ac1":
                return httpx.Response(
                    200, json={"access_token": "bearer-canary", "token_type": "Bearer", "expires_in": 3600}
                )
            return httpx.Response(
                401, json={"error": "invalid_client", "error_description": "Client authentication failed."}
            )
        case "GET", "/v3/auth/tokens":
            assert request.headers["x-subject-token"] == "bearer-canary"
            return granted("bearer-canary", 200)
        case _, url:
            raise AssertionError(url)


@pytest.mark.parametrize(
    ("auth_type", "keys"),
    [
        ("v3oauth2clientcredential", {"oauth2_client_id": "ac1", "oauth2_client_secret": "s1"}),
        ("v3oauth2mtlsclientcredential", {"oauth2_client_id": "ac1"}),
    ],
)
def test_oauth2_gives_a_bearer_token(auth_type: str, keys: dict[str, str]) -> None:
    token = play(config(auth_type, **keys), oauth2)
    assert token.headers() == {"X-Auth-Token": "bearer-canary", "Authorization": "Bearer bearer-canary"}
    assert token.lifetime == 3600


def test_oauth2_refused_quotes_the_server() -> None:
    conf = config("v3oauth2clientcredential", oauth2_client_id="ac1", oauth2_client_secret="wrong-canary")
    with pytest.raises(AuthError, match="Client authentication failed") as error:
        play(conf, oauth2)
    assert "wrong-canary" not in str(error.value)
