"""JSON from outside, whose shape nobody vouches for: read it, and look at it without losing the types."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeGuard

from aiocloud.errors import NormalizationError

__all__ = ["is_array", "is_object", "kind", "load_json", "mapping", "mappings"]


def load_json(body: bytes, where: str) -> Any:
    """JSON from a service; anything else is a NormalizationError that shows how it began."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        start = body[:60].decode("utf-8", "replace")
        raise NormalizationError(f"{where} answered something that is not JSON ({start!r}): {error}") from None


def is_object(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Is it a JSON object?"""
    return isinstance(value, Mapping)


def is_array(value: object) -> TypeGuard[list[Any]]:
    """Is it a JSON array?"""
    return isinstance(value, list)


def mapping(value: object) -> Mapping[str, Any]:
    """A JSON object as such; anything else as an empty one."""
    return value if is_object(value) else {}


def mappings(value: object) -> list[Mapping[str, Any]]:
    """The JSON objects in an array; whatever else is there is passed over."""
    return [item for item in value if is_object(item)] if is_array(value) else []


def kind(value: object) -> str:
    """What a value is, in words for an error."""
    if is_object(value):
        return f"an object with {', '.join(map(repr, [*value][:5])) or 'nothing'}"
    return type(value).__name__
