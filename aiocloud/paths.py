"""How a URL path is built from names: one function, so that no name can escape its place. Pure."""

from __future__ import annotations

import unicodedata
from urllib.parse import quote

from aiocloud.errors import InvalidRequest

__all__ = ["arrives", "join", "segment"]


def segment(name: str, *, controls: bool = False) -> str:
    """One path segment: everything but unreserved characters percent-encoded, also `/`; `.` and `..` stay names.

    Raises InvalidRequest for an empty name and for control characters, which most services can't keep; with `controls`, for
    a service that can, of these only for a NUL.
    """
    if not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance] - untyped callers
        raise InvalidRequest(f"a name or id is text, not {type(name).__name__}: {name!r}")
    if not name:
        raise InvalidRequest("an empty name or id names nothing")
    refused = ("Cs",) if controls else ("Cc", "Cs")
    bad = next((char for char in name if char == "\0" or unicodedata.category(char) in refused), None)
    if bad is not None:
        raise InvalidRequest(f"{name!r} can't be part of a URL: it holds the character {bad!r}")
    if name in (".", ".."):
        return name.replace(".", "%2E")
    return quote(name, safe="")


def join(*names: str) -> str:
    """A path of quoted segments: `join("servers", id)` is `/servers/<id>`."""
    return "".join(f"/{segment(name)}" for name in names)


def arrives(name: str) -> bool:
    """Is a name that is part of a path read as it was sent?

    Glance, Neutron and Cinder take a path as WSGI hands it over, that is, as Latin-1, and its `%2F` for a slash.
    """
    return name.isascii() and "/" not in name
