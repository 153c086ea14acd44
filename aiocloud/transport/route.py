"""Which of a service's routes a path is on: the path without what names one thing among many. Pure.

Metrics count by route, so there may be only so many of them, whatever things are called.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["metric_name", "route_of"]

_VERSION = re.compile(r"v\d+(\.\d+)?")
_ID = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d+")
_NOT_COUNTED = frozenset(
    {"auth", "info", "lbaas", "qos", "fwaas", "vpn", "bgpvpn", "sfc", "octavia", "reverse", "OS-FEDERATION", "OS-TRUST"}
    | {"OS-EP-FILTER", "OS-INHERIT", "OS-OAUTH1", "OS-OAUTH2", "OS-REVOKE", "OS-SIMPLE-CERT", "OS-PKI"}
)
"""Words that stand before a collection's, as in `/lbaas/loadbalancers`."""
_WORDS = frozenset({"detail", "details", "default", "defaults", "statistics", "summary", "inherited_to_projects"})
"""What may follow a collection's word and names no thing of it."""


def route_of(service: str, path: str) -> str:
    """`/servers/8b1.../action` as `/servers/{id}/action`; content, as `/{container}/{object}`.

    `path` begins after the service's version, or is the whole path of a URL that has one.
    """
    parts = [part for part in path.partition("?")[0].split("/") if part]
    if service == "object-store":
        return "/" + "/".join(("{container}", "{object}")[: len(parts)])
    return "/" + "/".join(_without_names(_below_version(parts)))


def _below_version(parts: list[str]) -> list[str]:
    """`/identity/v3/auth/tokens`, as a login's URL says, from `auth` on."""
    begins = next((i + 1 for i, part in enumerate(parts[:3]) if _VERSION.fullmatch(part)), 0)
    return parts[begins:]


def _without_names(parts: Iterable[str]) -> Iterable[str]:
    """A collection's word and the name of a thing in it take turns."""
    named = False
    for part in parts:
        thing = _ID.fullmatch(part) is not None or (named and part not in _WORDS)
        yield "{id}" if thing else part
        named = not thing and part not in _NOT_COUNTED


def metric_name(route: str) -> str:
    """A route as openstacksdk names its metrics: `/servers` is `servers`, `/servers/{id}/action` is `server_action`."""
    words: list[str] = []
    for part in route.split("/"):
        if part == "{id}" and words and words[-1].endswith("s") and not words[-1].endswith("is"):
            words[-1] = words[-1][:-1]
        elif part and part != "{id}":
            words.append(part.strip("{}").replace(".", "_").replace(":", "_"))
    return "tokens" if words[-1:] == ["tokens"] else "_".join(words) or "discovery"
