"""An OpenID Connect provider of the tests' own: authlib's server on a free port of 127.0.0.1.

It has one person, one client with a secret and a public one, and forgets everything at the end.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import flask
from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import AuthorizationCodeMixin, ClientMixin, InvalidGrantError, grants
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from authlib.oauth2.rfc8628 import DeviceAuthorizationEndpoint, DeviceCodeGrant, DeviceCredentialDict
from werkzeug.serving import make_server

CLIENT, SECRET, PUBLIC_CLIENT = "portal", "s3cret:+&canary", "terminal"
PERSON, PASSWORD, PASSCODE = "alice", "pw canary & more", "123456"
CALLBACK = "https://portal.example.test/callback"


@dataclass(frozen=True)
class Client(ClientMixin):  # type: ignore[misc]  # authlib has no types
    """A client; without a secret it is a public one."""

    id: str
    secret: str | None

    def get_client_id(self) -> str:
        return self.id

    def get_default_redirect_uri(self) -> str:
        return CALLBACK

    def get_allowed_scope(self, scope: str) -> str:
        return " ".join(word for word in (scope or "").split() if word in ("openid", "profile"))

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri == CALLBACK

    def check_client_secret(self, client_secret: str) -> bool:
        return self.secret is not None and secrets.compare_digest(self.secret, client_secret)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == ("client_secret_basic" if self.secret else "none")

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return self.secret is None or grant_type != DeviceCodeGrant.GRANT_TYPE


@dataclass(frozen=True)
class Code(AuthorizationCodeMixin):  # type: ignore[misc]
    """An authorization code."""

    client: str
    user: str
    scope: str
    redirect_uri: str

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope


@dataclass
class Memory:
    """What the provider knows."""

    codes: dict[str, Code] = field(default_factory=dict)
    tokens: dict[str, dict[str, Any]] = field(default_factory=dict)
    devices: dict[str, DeviceCredentialDict] = field(default_factory=dict)
    challenges: dict[str, str] = field(default_factory=dict)
    answers: dict[str, bool] = field(default_factory=dict)


CLIENTS = {client.id: client for client in (Client(CLIENT, SECRET), Client(PUBLIC_CLIENT, None))}


def _grants(memory: Memory) -> list[Any]:
    class Password(grants.ResourceOwnerPasswordCredentialsGrant):  # type: ignore[misc]
        TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "none"]

        def authenticate_user(self, username: str, password: str) -> str | None:
            wanted = self.request.form.get("otp", PASSCODE)
            return PERSON if (username, password, wanted) == (PERSON, PASSWORD, PASSCODE) else None

    class AuthorizationCode(grants.AuthorizationCodeGrant):  # type: ignore[misc]
        def save_authorization_code(self, code: str, request: Any) -> None:
            payload = request.payload
            memory.codes[code] = Code(request.client.id, request.user, payload.scope, payload.redirect_uri)

        def query_authorization_code(self, code: str, client: Client) -> Code | None:
            found = memory.codes.get(code)
            return found if found and found.client == client.id else None

        def delete_authorization_code(self, authorization_code: Code) -> None:
            memory.codes = {code: known for code, known in memory.codes.items() if known is not authorization_code}

        def authenticate_user(self, authorization_code: Code) -> str:
            return authorization_code.user

    class Device(DeviceCodeGrant):  # type: ignore[misc]
        def validate_token_request(self) -> None:
            super().validate_token_request()
            challenge = memory.challenges[self.request.credential["device_code"]]
            if create_s256_code_challenge(self.request.form.get("code_verifier", "")) != challenge:
                raise InvalidGrantError("Code challenge failed.")

        def query_device_credential(self, device_code: str) -> DeviceCredentialDict | None:
            return memory.devices.get(device_code)

        def query_user_grant(self, user_code: str) -> tuple[str, bool] | None:
            allowed = memory.answers.get(user_code)
            return None if allowed is None else (PERSON, allowed)

        def should_slow_down(self, credential: DeviceCredentialDict) -> bool:
            return False

    return [grants.ClientCredentialsGrant, Password, AuthorizationCode, Device]


def _endpoints(memory: Memory, page: str) -> list[Any]:
    class Device(DeviceAuthorizationEndpoint):  # type: ignore[misc]
        INTERVAL = 1

        def get_verification_uri(self) -> str:
            return page

        def save_device_credential(self, client_id: str, scope: str, data: dict[str, Any]) -> None:
            if flask.request.form.get("code_challenge_method") != "S256":
                raise InvalidGrantError("PKCE with S256 is demanded.")
            memory.challenges[data["device_code"]] = flask.request.form["code_challenge"]
            known = {"client_id": client_id, "scope": scope, "expires_at": time.time() + data["expires_in"], **data}
            memory.devices[data["device_code"]] = DeviceCredentialDict(known)

    class Introspection(IntrospectionEndpoint):  # type: ignore[misc]
        def query_token(self, token_string: str, token_type_hint: str) -> dict[str, Any] | None:
            return memory.tokens.get(token_string)

        def check_permission(self, token: Any, client: Client, request: Any) -> bool:
            return client.secret is not None

        def introspect_token(self, token: dict[str, Any]) -> dict[str, Any]:
            return {"active": True, "sub": token["sub"], "client_id": token["client_id"], "scope": token["scope"]}

        def create_introspection_payload(self, token: dict[str, Any] | None) -> dict[str, Any]:
            return {"active": False} if token is None else self.introspect_token(token)

    return [Device, Introspection]


def application(memory: Memory, issuer: str) -> flask.Flask:
    """The provider as a web application."""

    def save_token(token: dict[str, Any], request: Any) -> None:
        user = request.user or request.client.id
        memory.tokens[token["access_token"]] = {**token, "client_id": request.client.id, "sub": user}

    app = flask.Flask("provider")
    app.config["OAUTH2_TOKEN_EXPIRES_IN"] = {"password": 600}
    server = AuthorizationServer(app, query_client=CLIENTS.get, save_token=save_token)
    for grant in _grants(memory):
        server.register_grant(grant)
    for endpoint in _endpoints(memory, f"{issuer}/device"):
        server.register_endpoint(endpoint)

    @app.get("/.well-known/openid-configuration")
    def discovery() -> Any:
        names = {"authorization": "authorize", "token": "token", "device_authorization": "device_authorization"}
        return {"issuer": issuer, **{f"{name}_endpoint": f"{issuer}/{path}" for name, path in names.items()}}

    @app.post("/token")
    def token() -> Any:
        return server.create_token_response()

    @app.post("/device_authorization")
    def device_authorization() -> Any:
        return server.create_endpoint_response("device_authorization")

    @app.post("/introspect")
    def introspect() -> Any:
        return server.create_endpoint_response("introspection")

    @app.post("/authorize")
    def authorize() -> Any:
        """The page where the person logs in, its form sent."""
        known = (flask.request.form["username"], flask.request.form["password"]) == (PERSON, PASSWORD)
        grant = server.get_consent_grant(end_user=PERSON if known else None)
        return server.create_authorization_response(grant_user=PERSON if known else None, grant=grant)

    @app.post("/device")
    def device() -> Any:
        """The page where the person confirms a device."""
        allowed = flask.request.form["answer"] == "yes" and flask.request.form["password"] == PASSWORD
        memory.answers[flask.request.form["user_code"]] = allowed
        return {}

    return app


@contextmanager
def served(make: Callable[[str], flask.Flask]) -> Iterator[str]:
    """Serve an application on a free port of 127.0.0.1; its URL is what it is made for, and what you get."""
    listening = make_server("127.0.0.1", 0, flask.Flask("not yet"), threaded=True)
    url = f"http://127.0.0.1:{listening.port}"
    listening.app = make(url)
    thread = threading.Thread(target=listening.serve_forever, name=url)
    thread.start()
    try:
        yield url
    finally:
        listening.shutdown()
        thread.join(20)
        listening.server_close()


@contextmanager
def provider() -> Iterator[str]:
    """Serve a fresh provider; its issuer is what you get."""
    with served(lambda issuer: application(Memory(), issuer)) as issuer:
        yield issuer
