"""Keystone as an OAuth2 server: services that want `Authorization: Bearer`. Pure.

The access token is a Keystone token; it is shown to Keystone once to learn the catalog and the end of its life.
https://docs.openstack.org/keystone/latest/admin/oauth2-usage-guide.html
"""

from __future__ import annotations

import base64
from urllib.parse import urlencode

from pydantic import SecretStr

from aiocloud._http import httpx
from aiocloud.auth.conversation import Conversation, Keys, LoginConfig, document, refused
from aiocloud.auth.token import SUBJECT_TOKEN, Token, parse_token
from aiocloud.errors import AuthError

__all__ = ["client_credential", "mtls_client_credential"]


def client_credential(config: LoginConfig, identity: str) -> Conversation[Token]:
    """`oauth2_client_id` and `oauth2_client_secret`: an application credential's id and secret."""
    keys = Keys(config)
    pair = f"{keys.need('oauth2_client_id')}:{keys.need('oauth2_client_secret')}"
    basic = {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
    form = {"grant_type": "client_credentials"}
    return (yield from _grant(config, identity, form, basic))


def mtls_client_credential(config: LoginConfig, identity: str) -> Conversation[Token]:
    """`oauth2_client_id` and the TLS client certificate (`cert`, `key`); services check that certificate too."""
    form = {"grant_type": "client_credentials", "client_id": Keys(config).need("oauth2_client_id")}
    return (yield from _grant(config, identity, form, {}))


def _grant(config: LoginConfig, identity: str, form: dict[str, str], headers: dict[str, str]) -> Conversation[Token]:
    url = Keys(config).get("oauth2_endpoint") or f"{identity}/OS-OAUTH2/token"
    content = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
    answer = yield httpx.Request("POST", url, content=urlencode(form).encode(), headers={**content, **headers})
    if answer.status_code != 200:
        raise refused(
            config, answer, "OAuth2 login", hint=". Check auth.oauth2_client_id and its secret or certificate"
        )
    value = _access_token(answer)
    if value is None:
        raise AuthError(f"OAuth2 login at {url}: the answer has no access_token", cloud=config.name, url=url)
    return (yield from _look_up(config, identity, value))


def _access_token(answer: httpx.Response) -> SecretStr | None:
    value: object = document(answer).get("access_token")
    return SecretStr(value) if isinstance(value, str) and value else None


def _look_up(config: LoginConfig, identity: str, value: SecretStr) -> Conversation[Token]:
    """What Keystone knows of a token: catalog, scope, the end of its life."""
    text = value.get_secret_value()
    headers = {
        "X-Auth-Token": text,
        "Authorization": f"Bearer {text}",
        SUBJECT_TOKEN: text,
        "Accept": "application/json",
    }
    answer = yield httpx.Request("GET", f"{identity}/auth/tokens", headers=headers)
    if answer.status_code != 200:
        raise refused(config, answer, "OAuth2 login: reading the token")
    where = str(answer.request.url)
    return parse_token(answer.content, {**answer.headers, SUBJECT_TOKEN: text}, where=where, scheme="bearer")
