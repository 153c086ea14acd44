"""Logins that ask nobody: the credentials go with every request. Pure; no request is sent to log in."""

from __future__ import annotations

import base64

from pydantic import SecretStr

from aiocloud.auth.conversation import Keys, LoginConfig
from aiocloud.auth.token import Catalog, CatalogEntry, Token
from aiocloud.errors import ConfigError

__all__ = ["admin_token", "http_basic", "no_login", "tokenless"]


def no_login(config: LoginConfig) -> Token:
    """`none`: a service without authentication, at `auth.endpoint`."""
    return Token(SecretStr(""), catalog=_one_endpoint(config), scheme="none")


def http_basic(config: LoginConfig) -> Token:
    """`http_basic`: user and password with every request, to `auth.endpoint` (a standalone Ironic, say)."""
    keys = Keys(config)
    pair = f"{keys.need('username')}:{keys.need('password')}"
    value = SecretStr(base64.b64encode(pair.encode()).decode())
    return Token(value, catalog=_one_endpoint(config), scheme="basic")


def admin_token(config: LoginConfig) -> Token:
    """`admin_token`: a token that never changes, to `auth.endpoint`."""
    return Token(SecretStr(Keys(config).need("token")), catalog=_one_endpoint(config))


def tokenless(config: LoginConfig, identity: str) -> Token:
    """`v3tokenlessauth`: the TLS client certificate (`cert`, `key`) is the login; it reaches Keystone alone.

    https://docs.openstack.org/keystone/latest/admin/configure_tokenless_x509.html
    """
    keys = Keys(config)
    claims = {
        "X-Project-Id": keys.get("project_id"),
        "X-Project-Name": keys.get("project_name"),
        "X-Project-Domain-Id": keys.get("project_domain_id"),
        "X-Project-Domain-Name": keys.get("project_domain_name"),
        "X-Domain-Id": keys.get("domain_id"),
        "X-Domain-Name": keys.get("domain_name"),
    }
    said = {name: value for name, value in claims.items() if value}
    if not said:
        raise ConfigError("the login v3tokenlessauth needs a project or a domain in auth", cloud=config.name)
    catalog = Catalog(tuple(CatalogEntry("identity", None, None, kind, identity) for kind in ("public", "internal")))
    return Token(SecretStr(""), catalog=catalog, scheme="none", claims=said)


def _one_endpoint(config: LoginConfig) -> Catalog:
    """Every service at one URL; with none given, each one's `SERVICE_endpoint_override` says where it is."""
    url = Keys(config).get("endpoint", "auth_url")
    return Catalog(everywhere=url.rstrip("/")) if url else Catalog()
