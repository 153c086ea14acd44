"""What the list of images understands: filters, sort keys, pages. Pure functions."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from aiocloud.testing.glance_text import VISIBILITIES
from aiocloud.testing.http import Fail, Req

Item = dict[str, Any]

SORT_KEYS = ("name", "status", "container_format", "disk_format", "size", "id", "created_at", "updated_at")
CONTROL = frozenset({"limit", "marker", "sort", "sort_key", "sort_dir", "member_status", "visibility", "os_hidden"})
LISTED = frozenset({"id", "name", "status", "container_format", "disk_format"})
"""Filters that take "in:a,b" and "eq:a"."""
DEFAULT_LIMIT = 25
DATE = r"\d{4}-\d\d-\d\d"
MEMBER_STATUSES = ("pending", "accepted", "rejected", "all")

COMPARE: dict[str, Callable[[str, str], bool]] = {
    "gt": lambda have, want: have > want,
    "gte": lambda have, want: have >= want,
    "lt": lambda have, want: have < want,
    "lte": lambda have, want: have <= want,
    "eq": lambda have, want: have == want,
    "neq": lambda have, want: have != want,
}


def matches(image: Mapping[str, Any], req: Req) -> bool:
    """Whether an image passes the filters of a request (visibility is looked at elsewhere)."""
    hidden = bool(req.flag("os_hidden"))
    if bool(image["os_hidden"]) != hidden:
        return False
    return all(passes(image, name, value) for name, value in req.query if name not in CONTROL)


def passes(image: Mapping[str, Any], name: str, value: str) -> bool:
    """Whether an image passes one filter."""
    if name == "tag":
        return value in image["tags"]
    if name in {"size_min", "size_max"}:
        if not value.isdigit():
            raise Fail(400, "Unable to filter on a range with a non-numeric value.")
        size = image["size"] or 0
        return size >= int(value) if name == "size_min" else size <= int(value)
    have = image.get(name)
    if name in {"created_at", "updated_at"}:
        operator, colon, want = value.partition(":")
        compare = COMPARE.get(operator) if colon else None
        if not re.match(DATE, want if compare else value):
            raise Fail(400, f'Bad "{name}" query filter format. Use ISO 8601 DateTime notation.')
        return compare(str(have), want) if compare else str(have) == value
    if isinstance(have, bool):
        return (value.lower() in {"true", "1"}) == have
    if name in LISTED:
        return have is not None and collated(str(have)) in map(collated, wanted(value))
    return have is not None and str(have) == value


def wanted(value: str) -> list[str]:
    """The values that a filter with an operator before its colon lets pass; a `Fail` for an operator that Glance lacks."""
    operator, colon, rest = value.partition(":")
    if not colon or re.match(DATE, value):
        return [value]
    if operator not in {"eq", "in"}:
        raise Fail(400, f"Unable to filter by unknown operator '{operator}'.")
    return [rest] if operator == "eq" else [part.strip('"') for part in rest.split(",")]


def collated(text: str) -> str:
    """As MySQL compares texts: without case, accents and blanks at the end."""
    plain = unicodedata.normalize("NFD", text.casefold())
    return "".join(char for char in plain if not unicodedata.combining(char)).rstrip(" ")


def arranged(req: Req, images: list[Item]) -> list[Item]:
    """Newest first, unless `sort` or `sort_key`/`sort_dir` say otherwise."""
    if req.get("sort"):
        pairs = [part.strip().partition(":")[::2] for part in (req.get("sort") or "").split(",")]
        keys = [(key, direction or "desc") for key, direction in pairs]
    else:
        names, directions = req.all("sort_key") or ["created_at"], req.all("sort_dir") or ["desc"]
        directions += directions[-1:] * (len(names) - len(directions))
        keys = list(zip(names, directions, strict=False))
    for key, direction in keys:
        if key not in SORT_KEYS:
            raise Fail(400, f"Invalid sort key: {key}. It must be one of the following: {', '.join(SORT_KEYS)}.")
        if direction not in {"asc", "desc"}:
            raise Fail(400, f"Invalid sort direction: {direction}")
    for key, direction in reversed(keys):
        images = sorted(images, key=lambda image: sort_value(image[key]), reverse=direction == "desc")
    return images


def sort_value(value: Any) -> tuple[bool, int, str]:
    """Numbers by size, words by letters, nothing first."""
    number = value if isinstance(value, int) else 0
    return value is not None, number, str(value or "")


def page(req: Req, images: list[Item], page_size: int) -> tuple[list[Item], str | None]:
    """The part that `marker` and `limit` ask for, and the query of the next page."""
    text, marker = req.get("limit"), req.get("marker")
    limit = min(DEFAULT_LIMIT, page_size)
    if text is not None:
        if not text.lstrip("-").isdigit():
            raise Fail(400, "limit param must be an integer")
        if int(text) < 0:
            raise Fail(400, "limit param must be positive")
        limit = min(int(text), page_size)
    if marker:
        position = next((index for index, image in enumerate(images) if image["id"] == marker), None)
        if position is None:
            raise Fail(400, f"No image found with ID {marker}")
        images = images[position + 1 :]
    chunk = images[:limit]
    if not chunk or len(chunk) < limit:
        return chunk, None
    pairs = [(name, value) for name, value in req.query if name != "marker"]
    return chunk, urlencode([*pairs, ("marker", chunk[-1]["id"])])


def check_query(req: Req) -> None:
    """A `Fail` with 400 for a value that a filter can't have."""
    for name in ("os_hidden", "protected"):
        value = req.get(name)
        if value is not None and value.lower() not in {"true", "false"}:
            raise Fail(400, f"Invalid value '{value}' for '{name}' filter. Valid values are 'true' or 'false'.")
    if (status := req.get("member_status")) is not None and status not in MEMBER_STATUSES:
        raise Fail(400, f"Invalid status: {status}")
    if req.get("changes-since") is not None:
        raise Fail(400, 'The "changes-since" filter is no longer available on v2.')


def read_visibility(req: Req) -> str | None:
    """`visibility=`, None for the usual mixture."""
    value = req.get("visibility")
    if value is not None and value not in (*VISIBILITIES, "all"):
        raise Fail(400, f"Invalid visibility value: {value}")
    return value
