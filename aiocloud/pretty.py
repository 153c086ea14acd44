"""Resources for people to read: one field a line, nested ones indented."""

from __future__ import annotations

import pprint
from typing import Any

from aiocloud._json import is_array, is_object
from aiocloud.model import Value

__all__ = ["pformat", "plain"]

_HIDDEN = frozenset({"admin_pass", "private_key", "user_data", "links"})


def plain(value: Any) -> Any:
    """Plain dicts and lists, all the way down, without what is not for the eye (passwords, keys, links)."""
    if isinstance(value, Value):
        return {key: plain(inner) for key, inner in value.items() if key not in _HIDDEN}
    if is_object(value):
        return {key: plain(inner) for key, inner in value.items()}
    return [plain(inner) for inner in value] if is_array(value) else value


def pformat(value: Any, width: int = 100) -> str:
    """As `pprint.pformat`, of plain dicts and lists in the order of the model."""
    return pprint.pformat(plain(value), width=width, sort_dicts=False)
