"""The same cloud as somebody else: whose keys of `auth` stay, and which an override drops. Pure."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import SecretStr

from aiocloud.config import keys
from aiocloud.config.schema import CloudConfig
from aiocloud.config.values import is_secret

__all__ = ["as_project", "as_somebody_else"]

_SCOPE = ("project_id", "project_name", "project_domain_id", "project_domain_name", "domain_id", "domain_name")
_OTHER_SCOPES = ("system_scope", "trust_id", "unscoped")  # than a project's or a domain's

# A thing is named by id, or by name; a name may need its domain.
_NAMES = {
    "user_id": ("username", "user_domain_id", "user_domain_name"),
    "username": ("user_id",),
    "project_id": ("project_name", "project_domain_id", "project_domain_name", *_OTHER_SCOPES),
    "project_name": ("project_id", *_OTHER_SCOPES),
    "user_domain_id": ("user_domain_name",),
    "user_domain_name": ("user_domain_id",),
    "project_domain_id": ("project_domain_name",),
    "project_domain_name": ("project_domain_id",),
    "domain_id": ("domain_name", "project_id", "project_name", *_OTHER_SCOPES),
    "domain_name": ("domain_id", "project_id", "project_name", *_OTHER_SCOPES),
    "system_scope": (*_SCOPE, "trust_id", "unscoped"),
    "trust_id": (*_SCOPE, "system_scope", "unscoped"),
    "unscoped": (*_SCOPE, "system_scope", "trust_id"),
}


# Other logins, a federation's or a plug-in's, know by themselves what they need.
_USUAL = {"password", "token", "applicationcredential", "totp"}


def as_somebody_else(config: CloudConfig, auth: Mapping[str, Any]) -> CloudConfig:
    """A configuration with keys of `auth` replaced; naming a thing in one way drops its other name.

    A token, a password or an application credential brings its own login, and drops what the old one let in with.
    """
    given = {key: value for key, value in auth.items() if value is not None}
    dropped = {name for key in given for name in _NAMES.get(key, ()) if name not in given}
    login = config.auth_type
    if not config.auth_methods:
        dropped |= keys.idle_beside(given)
        wanted = [kind for secret, kind in keys.LOGINS.items() if secret in given]
        if wanted and login.removeprefix("v3") in _USUAL - {kind.removeprefix("v3") for kind in wanted}:
            login = wanted[0]
    kept = {key: value for key, value in config.auth.items() if key not in dropped}
    hidden = {k: SecretStr(v) if is_secret(k) and isinstance(v, str) else v for k, v in given.items()}
    again = config.with_remote
    later = functools.partial(_later, again, auth) if again else None
    return dataclasses.replace(config, auth_type=login, auth={**kept, **hidden}, with_remote=later)


def _later(again: Callable[[bytes | None], CloudConfig], auth: Mapping[str, Any], body: bytes | None) -> CloudConfig:
    """The same replacement once a remote profile is known."""
    return as_somebody_else(again(body), auth)


def as_project(config: CloudConfig, project: str | Mapping[str, Any]) -> CloudConfig:
    """A configuration in another project, given by name, or by `id` or `name` (and `domain_id` or `domain_name`)."""
    if isinstance(project, str):
        return as_somebody_else(config, {"project_name": project})
    names = {
        "id": "project_id",
        "name": "project_name",
        "domain_id": "project_domain_id",
        "domain_name": "project_domain_name",
    }
    given = {ours: project.get(theirs) for theirs, ours in names.items()}
    if given["project_id"]:
        given["project_name"] = None
    return as_somebody_else(config, given)
