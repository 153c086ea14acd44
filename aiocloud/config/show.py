"""Each setting of a cloud and where it comes from, as rows for a table. Secrets are masked. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from pydantic import SecretStr

from aiocloud.config.schema import CloudConfig, Origin
from aiocloud.log import MASK

__all__ = ["Row", "rows"]

_HIDDEN = frozenset({"_services", "auth", "name", "origins", "remote_profile", "services", "with_remote"})


class Row(NamedTuple):
    """One setting. `origin` is `file:line:column`, `profile name:line:column`, `variable NAME`, `argument` or `default`."""

    key: str
    value: str
    origin: str


def rows(config: CloudConfig, *, defaults: bool = False) -> list[Row]:
    """What is set, sorted by key; what is not set too when `defaults` are wanted."""
    found: dict[str, Any] = {}
    for field in dataclasses.fields(config):
        if field.name not in _HIDDEN:
            found[field.name] = getattr(config, field.name)
    found |= {f"auth.{key}": value for key, value in config.auth.items()}
    for service, settings in config.services.items():
        name = service.replace("-", "_")
        found |= {f"has_{name}" if key == "enabled" else f"{name}_{key}": one for key, one in settings.items()}
    made = [Row(key, _shown(key, value), str(_origin(config, key))) for key, value in sorted(found.items())]
    return [row for row in made if defaults or row.origin != "default"]


def _origin(config: CloudConfig, key: str) -> Origin:
    known = config.origins.get(key)
    if known is None and key.startswith("auth.") and "domain" in key:
        kind = key.rpartition("_")[2]
        known = config.origins.get(f"auth.domain_{kind}")
    return known or Origin("default")


def _shown(key: str, value: Any) -> str:
    if isinstance(value, SecretStr):
        return MASK
    if value is None:
        return "None"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ", ".join(_shown(key, item) for item in cast("tuple[object, ...]", value))
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_shown(key, item)}" for name, item in cast("Mapping[str, Any]", value).items())
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        facts = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return " ".join(f"{name}={_shown(key, fact)}" for name, fact in facts.items() if fact not in (None, False))
    return str(value)
