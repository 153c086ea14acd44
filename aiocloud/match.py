"""Which of many: local matching of names, ids, globs and attributes. Pure."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping
from typing import Any, TypeVar

from aiocloud._json import is_array, is_object
from aiocloud.errors import Ambiguous, InvalidRequest
from aiocloud.model import Resource

__all__ = ["as_filters", "can_be_id", "is_glob", "matches", "named", "only"]

R = TypeVar("R", bound=Resource)

_ID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", re.IGNORECASE)


def can_be_id(text: str) -> bool:
    """Does it look like the UUIDs that OpenStack uses as ids (with dashes, or without as in Keystone)?"""
    return _ID.fullmatch(text) is not None


def is_glob(text: str) -> bool:
    """Does it hold a shell pattern's `*`, `?` or `[`?"""
    return any(char in text for char in "*?[")


def named(resource: Resource, name_or_id: str) -> bool:
    """Is this its id or its name, or does the shell pattern fit either?

    An exact match counts first, because `[` is a fine character in a name: `Ubuntu 16.04.1 LTS [2017-03-03]`.
    """
    known = [text for text in (resource.id, resource.name) if text]
    return name_or_id in known or any(fnmatch.fnmatchcase(text, name_or_id) for text in known)


def matches(resource: Resource, filters: Mapping[str, Any]) -> bool:
    """Do all the filters hold? Keys are our names or the wire's; a nested mapping looks inside; a missing key does not.

    Raises InvalidRequest for filters that are no mapping.
    """
    return all(_holds(resource.get(key), wanted) for key, wanted in as_filters(filters).items())


def as_filters(filters: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The filters, none for None. Raises InvalidRequest for what is no mapping, such as a JMESPath expression."""
    if filters is not None and not hasattr(filters, "items"):
        raise InvalidRequest(f"filters are a mapping of names to values, not {filters!r}")
    return filters or {}


def _holds(value: Any, wanted: Any) -> bool:
    if is_object(wanted):
        return all(_holds(_inside(value, key), inner) for key, inner in wanted.items())
    if is_array(wanted):
        return value in wanted or value == wanted
    return bool(value == wanted) or (isinstance(wanted, str) and str(value) == wanted)


def _inside(value: Any, key: str) -> Any:
    get = getattr(value, "get", None)
    return get(key) if callable(get) else getattr(value, key, None)


def only(found: list[R], name_or_id: str, kind: str) -> R | None:
    """The one that was found, an id before a name. None when there is none; Ambiguous when there are several."""
    by_id = [item for item in found if item.id == name_or_id]
    found = by_id or found
    if len(found) > 1:
        ids = ", ".join(item.id for item in found[:5]) + (", ..." if len(found) > 5 else "")
        raise Ambiguous(f"{len(found)} {kind}s are called {name_or_id!r} ({ids}): name one by its id")
    return found[0] if found else None
