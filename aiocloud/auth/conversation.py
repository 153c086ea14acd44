"""Auth is a conversation: a login is a generator that yields requests, is sent the answers, and returns a Token.

Generators do no I/O. `AuthManager` carries the requests; a test can play the cloud with `send()`. Beside requests
a login may yield `Pause` (wait so many seconds) and `Tell` (a human must read this).
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, TypeVar
from urllib.parse import urljoin, urlsplit

from pydantic import SecretStr

from aiocloud._http import httpx
from aiocloud._json import load_json, mapping
from aiocloud.auth.token import Token
from aiocloud.errors import AuthError, ConfigError, HTTPError, NormalizationError, Unauthorized, error_for_status
from aiocloud.log import MASK

__all__ = ["Conversation", "Keys", "Login", "LoginConfig", "Pause", "Step", "Tell", "document", "public", "said"]

T = TypeVar("T")

WORTH_HIDING = 4  # characters; shorter ones are parts of other words
REQUEST_ID = ("x-openstack-request-id", "x-compute-request-id", "x-trans-id")


@dataclass(frozen=True)
class Pause:
    """Wait `seconds`, then go on."""

    seconds: float


@dataclass(frozen=True)
class Tell:
    """Show `message` to the human at the keyboard, then go on."""

    message: str


Step: TypeAlias = "httpx.Request | Pause | Tell"
Conversation: TypeAlias = Generator[Step, httpx.Response, T]


class LoginConfig(Protocol):
    """What a login needs to know: `CloudConfig` has it."""

    @property
    def name(self) -> str: ...
    @property
    def auth_type(self) -> str: ...
    @property
    def auth(self) -> Mapping[str, Any]: ...
    @property
    def auth_methods(self) -> Sequence[str]: ...


class Login(Protocol):
    """A way to log in: `aiocloud.auth` entry points are functions of this shape.

    `identity` is the URL of Keystone's v3 API, without a slash at the end.
    """

    def __call__(self, config: LoginConfig, identity: str, /) -> Conversation[Token]: ...


class Keys:
    """The `auth` section of a cloud config, secrets opened. `need` asks for what a login can't do without."""

    def __init__(self, config: LoginConfig) -> None:
        self.config = config

    def get(self, *names: str) -> str | None:
        """The first of these keys that is set, or None."""
        for name in names:
            value = self.config.auth.get(name)
            if isinstance(value, SecretStr):
                value = value.get_secret_value()
            if value is not None and value != "":
                return str(value)
        return None

    def need(self, *names: str) -> str:
        """The first of these keys that is set; ConfigError when none is."""
        value = self.get(*names)
        if value is None:
            raise ConfigError(
                f"the login {self.config.auth_type} needs auth.{' or auth.'.join(names)}",
                key=f"clouds.{self.config.name}.auth.{names[0]}",
                cloud=self.config.name,
            )
        return value

    @property
    def who(self) -> str:
        """The user, as errors name it."""
        user = self.get("username", "user_id")
        if user:
            return f"user {user}"
        client = self.get("application_credential_id", "application_credential_name", "oauth2_client_id", "client_id")
        return f"client {client}" if client else "the token's owner"

    def hide(self, text: str) -> str:
        """The text without the secrets of this login: a service may repeat what it was sent."""
        for value in self.config.auth.values():
            secret = value.get_secret_value() if isinstance(value, SecretStr) else ""
            if len(secret) >= WORTH_HIDING:
                text = text.replace(secret, MASK)
        return text


def public(response: httpx.Response) -> httpx.Response:
    """A copy of an answer that an error may carry: the request's body and headers, which hold secrets, are left out."""
    request = httpx.Request(response.request.method, response.request.url.copy_with(query=None, userinfo=b""))
    secret = {"x-subject-token", "openstack-auth-receipt", "set-cookie", "content-encoding", "content-length"}
    headers = [(name, value) for name, value in response.headers.items() if name.lower() not in secret]
    return httpx.Response(response.status_code, headers=headers, content=response.content, request=request)


def document(response: httpx.Response) -> Mapping[str, Any]:
    """The JSON object in an answer; an empty one when there is none."""
    try:
        return mapping(load_json(response.content, "the login"))
    except NormalizationError:
        return {}


def said(response: httpx.Response) -> str:
    """What an error answer says in words: Keystone's, OAuth2's (`error_description`), or only the status."""
    body = document(response)
    error: object = body.get("error")
    plain = error if isinstance(error, str) else None
    words: object = mapping(error).get("message") or body.get("error_description") or plain
    return str(words)[:500] if words else f"{response.status_code} {response.reason_phrase}".strip()


def request_id(response: httpx.Response) -> str | None:
    """The request's id in the service's logs, where the service gave one."""
    return next((response.headers[name] for name in REQUEST_ID if name in response.headers), None)


def refused(config: LoginConfig, response: httpx.Response, what: str, *, hint: str = "") -> AuthError:
    """The error for a login step that was refused: who, where, what the cloud said, what to do."""
    url = response.request.url
    where = f"{url.scheme}://{url.netloc.decode()}{url.path}"
    status = response.status_code
    if status in (301, 302, 303, 307, 308):
        message = f"{where} redirects to {_redirected(where, response)}"
    else:
        message = f"{what} at {where} refused ({status}): {Keys(config).hide(said(response)).rstrip('.')}{hint}"
    if status == 401:
        return Unauthorized(message, response=public(response), cloud=config.name, request_id=request_id(response))
    error = AuthError(
        message,
        cloud=config.name,
        method=response.request.method,
        url=where,
        status_code=status,
        request_id=request_id(response),
    )
    error.__cause__ = failure(config, response, message) if status >= 400 else None
    return error


def _redirected(where: str, response: httpx.Response) -> str:
    """Where a redirect leads, and what to do, since no secret is sent after it."""
    try:
        split = urlsplit(urljoin(where, response.headers.get("location", "")))
        target = f"{split.scheme}://{split.netloc.rpartition('@')[2]}{split.path}"
    except ValueError:
        target = where
    if target == where:
        return "nowhere: is an identity service there? Check auth_url"
    address, is_keystone, _ = target.partition("/auth/tokens")
    advice = f"set auth_url to {address}" if is_keystone else "is an identity service there? Check auth_url"
    return f"{target}; logins are not redirected: {advice}"


def failure(config: LoginConfig, response: httpx.Response, message: str) -> HTTPError:
    """The same as an HTTPError, with the answer."""
    cls = error_for_status(response.status_code)
    return cls(message, response=public(response), cloud=config.name, request_id=request_id(response))
