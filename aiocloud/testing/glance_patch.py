"""Changes to an image as JSON-PATCH asks for them. Pure functions.

API: https://docs.openstack.org/api-ref/image/v2/#update-image
"""

from __future__ import annotations

import json
import re
from typing import Any

from aiocloud.testing.glance_text import (
    CONFLICT,
    CONTAINER_FORMATS,
    DENIED,
    DISK_FORMATS,
    VISIBILITIES,
    mismatch,
)
from aiocloud.testing.http import Fail

Item = dict[str, Any]

OLD, NEW = "application/openstack-images-v2.0-json-patch", "application/openstack-images-v2.1-json-patch"
CHOICES = {"disk_format": DISK_FORMATS, "container_format": CONTAINER_FORMATS, "visibility": VISIBILITIES}
TYPES: dict[str, tuple[type, str]] = {
    "min_ram": (int, "integer"),
    "min_disk": (int, "integer"),
    "protected": (bool, "boolean"),
    "os_hidden": (bool, "boolean"),
}
BASE = frozenset(
    [
        "id",
        "name",
        "status",
        "visibility",
        "protected",
        "os_hidden",
        "checksum",
        "os_hash_algo",
        "os_hash_value",
        "owner",
        "size",
        "virtual_size",
        "container_format",
        "disk_format",
        "created_at",
        "updated_at",
        "tags",
        "min_ram",
        "min_disk",
    ]
)
"""Properties that every image has; others are the owner's."""


def patch(image: Item, content_type: str, body: bytes, read_only: frozenset[str], *, is_admin: bool) -> Item:
    """The image as it will be; a `Fail` when any of the operations is refused."""
    if content_type not in {OLD, NEW}:
        raise Fail(415, f"Image PATCH expects Content-Type one of: {OLD}, {NEW}")
    changed = dict(image)
    for operation, path, value in read_operations(content_type, body):
        if path == "owner" and not is_admin:
            raise Fail(403, DENIED, "Owner can't be updated by non admin.")
        if path in read_only:
            raise Fail(403, f"Attribute '{path}' is read-only.")
        check_reserved(path)
        check_allowed(changed, operation, path, value, is_admin=is_admin)
        if operation != "add" and path not in changed:
            raise Fail(409, CONFLICT, f"Property {path} does not exist.")
        if operation == "remove":
            remove(changed, path)
        else:
            changed[path] = list(dict.fromkeys(value)) if path == "tags" and isinstance(value, list) else value  # pyright: ignore[reportUnknownArgumentType]
    return changed


def check_reserved(name: str) -> None:
    """A `Fail` with 403 for a property that is Glance's own."""
    if name.startswith("os_glance_"):
        raise Fail(403, DENIED, f"Attribute '{name}' is reserved.")


def check_allowed(image: Item, operation: str, path: str, value: Any, *, is_admin: bool) -> None:
    """A `Fail` with 403 for what this image, or this caller, may not do."""
    if path in {"disk_format", "container_format"} and image["status"] != "queued":
        raise Fail(403, f"Attribute {path} can be only replaced for a queued image.")
    if path == "visibility" and operation != "remove" and value == "public" and not is_admin:
        raise Fail(403, "You are not authorized to complete publicize_image action.")


def remove(image: Item, path: str) -> None:
    """Take away one of the owner's own properties."""
    if path in BASE:
        raise Fail(403, DENIED, f"Property {path} may not be removed.")
    del image[path]


def read_operations(content_type: str, body: bytes) -> list[tuple[str, str, Any]]:
    """(operation, property, value) for each one in the body."""
    try:
        value = json.loads(body)
    except ValueError:
        raise Fail(400, "Malformed JSON in request body.") from None
    if not isinstance(value, list):
        raise Fail(400, "Request body must be a JSON array of operation objects.")
    found: list[Any] = value  # pyright: ignore[reportUnknownVariableType]
    return [read_operation(content_type, one) for one in found]


def read_operation(content_type: str, one: Any) -> tuple[str, str, Any]:
    """One operation; the older content type has its own spelling of them."""
    if not isinstance(one, dict):
        raise Fail(400, "Operations must be JSON objects.")
    given: Item = one  # pyright: ignore[reportUnknownVariableType]
    if content_type == OLD:
        verbs = [name for name in ("add", "remove", "replace") if name in given]
        verb, path = (verbs[0], given[verbs[0]]) if len(verbs) == 1 else ("", "")
    else:
        if "op" not in given:
            words = "Unable to find `op` in JSON Schema change."
            raise Fail(400, f"{words} It must be one of the following: add, remove, replace.")
        verb, path = str(given.get("op")), given.get("path", "")
    if verb not in {"add", "remove", "replace"}:
        raise Fail(400, f"Invalid operation: `{verb}`. It must be one of the following: add, remove, replace.")
    if not isinstance(path, str) or not path.startswith("/"):
        raise Fail(400, f'Pointer `{path}` does not start with "/".')
    if re.search(r"~(?![01])", path):
        raise Fail(400, f'Pointer `{path}` contains "~" not part of a recognized escape sequence.')
    if "/" in path[1:]:
        raise Fail(400, f"Invalid JSON pointer for this resource: '{path}'")
    if verb != "remove" and "value" not in given:
        raise Fail(400, f'Operation "{verb}" requires a member named "value".')
    return verb, path[1:].replace("~1", "/").replace("~0", "~"), given.get("value")


def check_range(name: str, value: int) -> None:
    """A `Fail` with 400 for a number that the database can't keep."""
    if value < 0:
        raise Fail(400, f"Invalid value '{value}' for parameter '{name}': Cannot be a negative value")
    if value >= 2**31:
        raise Fail(400, f"'{name}' value out of range, must not exceed {2**31 - 1}.")


def check_fields(image: Item) -> None:
    """A `Fail` with 400 unless every value is of its property's type."""
    for name, choices in CHOICES.items():
        if name in image and image[name] not in choices:
            raise mismatch(f"{image[name]!r} is not one of {list(choices)}", f"['{name}']")
    for name, (kind, word) in TYPES.items():
        value = image.get(name)
        if name in image and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
            raise mismatch(f"{value!r} is not of type '{word}'", f"['{name}']")
        if kind is int and value is not None:
            check_range(name, value)
    tags = image.get("tags", [])
    if not isinstance(tags, list):
        raise mismatch(f"{tags!r} is not of type 'array'", "['tags']")
    for position, tag in enumerate(tags):  # pyright: ignore[reportUnknownArgumentType,reportUnknownVariableType]
        if not isinstance(tag, str) or len(tag) > 255:
            raise mismatch(f"{tag!r} is too long or not a string", f"['tags'][{position}]")
    for name, value in image.items():
        if name == "name" and isinstance(value, str) and len(value) > 255:
            raise mismatch(f"{value!r} is too long", "['name']")
        if (name not in BASE or name == "name") and not (isinstance(value, str) or (name == "name" and value is None)):
            raise mismatch(f"{value!r} is not of type 'string'", f"['{name}']")
