"""Resources for people to read: one field a line, nested ones indented."""

from __future__ import annotations

import pprint
from collections.abc import Mapping
from typing import Any

from aiocloud.model import Value

__all__ = ["pformat", "plain"]

_HIDDEN = frozenset({"admin_pass", "private_key", "user_data", "links"})


def plain(value: Any) -> Any:
    """Plain dicts and lists, all the way down, without what is not for the eye (passwords, keys, links)."""
    if isinstance(value, Value):
        return {key: plain(inner) for key, inner in value.items() if key not in _HIDDEN}
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in dict[Any, Any](value).items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in list[Any](value)]
    return value


def pformat(value: Any, width: int = 100) -> str:
    """As `pprint.pformat`, of plain dicts and lists in the order of the model."""
    return pprint.pformat(plain(value), width=width, sort_dicts=False)
