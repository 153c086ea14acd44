"""What Swift writes into HTTP headers, and how names become paths and header values. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

from aiocloud.errors import InvalidRequest
from aiocloud.paths import segment

__all__ = [
    "MAX_NAME",
    "container_path",
    "header_fields",
    "header_values",
    "metadata_headers",
    "object_path",
    "page_limit",
    "quoted_path",
    "split_path",
]

MAX_NAME = 1024
"""Bytes of UTF-8 in an object's name, unless the cloud says otherwise."""

# What HTTP takes in a header's name, without the underscore: WSGI could not tell it from a hyphen, so Swift drops the header.
_TOKEN = re.compile(r"[!#$%&'*+.^`|~0-9A-Za-z-]+")
_NOISE = frozenset(
    ("date", "x-trans-id", "x-openstack-request-id", "connection", "vary", "server", "accept-ranges", "keep-alive")
)


def container_path(name: str) -> str:
    """The path of a container: `/name`. Raises InvalidRequest for a name that would lead somewhere else."""
    if "/" in name:
        raise InvalidRequest(f"a container's name can't hold a slash: {name!r}")
    path = segment(name)
    if len(name.encode()) > 256:
        raise InvalidRequest(f"a container's name has at most 256 bytes: {name[:40]!r}... has {len(name.encode())}")
    return f"/{path}"


def object_path(name: str) -> str:
    """The path of an object in its container; slashes stay, every part between them is quoted.

    Raises InvalidRequest for an empty name, a NUL, and more than 1,024 bytes. Other control characters are quoted: Swift
    keeps them, and who shares a container can put an object there that has to be removed.
    """
    if not name:
        raise InvalidRequest("an empty name names no object")
    size = len(name.encode("utf-8", "surrogatepass"))
    if size > MAX_NAME:
        raise InvalidRequest(f"an object's name has at most {MAX_NAME} bytes: {name[:40]!r}... has {size}")
    return "".join(f"/{segment(part, controls=True)}" if part else "/" for part in name.split("/"))


def quoted_path(container: str, name: str) -> str:
    """`container/name`, as Swift reads paths in headers (X-Copy-From, X-Object-Manifest, X-Symlink-Target)."""
    return quote(f"{container}/{name}", safe="/")


def split_path(text: str) -> tuple[str, str]:
    """A path from a header or a manifest, as container and name: what `quoted_path` makes."""
    container, _, name = unquote(text).lstrip("/").partition("/")
    return container, name


def page_limit(value: object) -> int:
    """How many names a page of a listing may have; 0 for as many as the cloud likes. Raises InvalidRequest for no number."""
    text = str(value or 0)
    if not text.isdecimal():
        raise InvalidRequest(f"limit is how many names a page of a listing has, not {value!r}")
    return int(text)


def metadata_headers(kind: str, metadata: Mapping[str, object] | None, *, remove: bool = False) -> dict[str, str]:
    """Metadata as headers: `kind` is Account, Container or Object; None removes a key of the first two.

    Raises InvalidRequest for a key that can't be part of a header's name, or that Swift would drop without a word.
    """
    headers: dict[str, str] = {}
    for key, value in (metadata or {}).items():
        if not _TOKEN.fullmatch(key):
            hyphened = key.replace("_", "-")
            instead = f", {hyphened!r} say" if "_" in key and _TOKEN.fullmatch(hyphened) else ""
            raise InvalidRequest(f"{key!r} can't be a metadata key: letters, digits and hyphens make one{instead}")
        if value is None and remove:
            headers[f"X-Remove-{kind}-Meta-{key}"] = "x"
        else:
            headers[f"X-{kind}-Meta-{key}"] = "" if value is None else str(value)
    return headers


def header_values(headers: Mapping[str, str | None]) -> dict[str, Any]:
    """Headers ready to be sent: without those that are None, values in UTF-8.

    Raises InvalidRequest for line breaks and their like, and for blanks around a value, which HTTP does not carry.
    """
    ready: dict[str, Any] = {}
    for name, value in headers.items():
        if value is None:
            continue
        if not value.isprintable() and any(unicodedata.category(char) in ("Cc", "Cs") for char in value):
            raise InvalidRequest(f"the value of {name} holds a control character")  # unsaid, for some are secrets
        if value != value.strip(" "):
            raise InvalidRequest(
                f"the value of {name} begins or ends with a blank, which HTTP would lose: leave it away"
            )
        ready[name] = value.encode()  # bytes, because the HTTP library takes text for ASCII
    return ready


def header_fields(headers: Mapping[str, str], kind: str) -> dict[str, Any]:
    """An answer's headers as fields of a resource: metadata apart, and nothing of HTTP's own."""
    fields: dict[str, Any] = {}
    metadata: dict[str, str] = {}
    for name, value in headers.items():
        name = name.lower()
        if name.endswith(("-meta-temp-url-key", "-meta-temp-url-key-2")):
            fields[name.partition("-meta-")[2]] = value  # a secret: not among the metadata that anybody prints
        elif name == "x-object-meta-static-large-object":
            continue  # Ceph's gateway says it twice, here as if the user had
        elif name.startswith(prefix := f"x-{kind}-meta-"):
            metadata[name.removeprefix(prefix)] = value
        elif name not in _NOISE:
            fields[name] = value
    return {**fields, "metadata": metadata}
