"""What neutron lists understand: any field as a filter, sort keys, pages, and `fields=`. Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from aiocloud.testing.http import Fail, Req

Item = dict[str, Any]
View = Callable[[Item], Item]

PAGING = frozenset({"limit", "marker", "page_reverse", "sort_key", "sort_dir", "fields"})
TAGS = frozenset({"tags", "tags-any", "not-tags", "not-tags-any"})


def text(value: Any) -> str:
    """A field's value as it stands in a query."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def same(value: Any, wanted: Sequence[str]) -> bool:
    """Whether a field has one of the wanted values; a list has it when a member has."""
    if isinstance(value, bool):
        return any((one.lower() in {"1", "true"}) == value for one in wanted)
    if isinstance(value, list):
        return any(same(member, wanted) for member in value)  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, dict):
        pairs: set[str] = {f"{key}={text(part)}" for key, part in value.items()}  # pyright: ignore[reportUnknownVariableType]
        return any(one in pairs for one in wanted)
    return text(value) in wanted


def tagged(tags: Sequence[str], name: str, wanted: str) -> bool:
    """One of the four tag filters: tags, tags-any, not-tags, not-tags-any."""
    names = wanted.split(",")
    quantifier = any if name.endswith("-any") else all
    found = quantifier(one in tags for one in names)
    return not found if name.startswith("not-") else found


def wanted_values(req: Req, known: frozenset[str]) -> dict[str, list[str]]:
    """The filters of a request; a `Fail` with 400 for a field that the resource hasn't."""
    filters: dict[str, list[str]] = {}
    for name, value in req.query:
        if name not in PAGING:
            filters.setdefault(name, []).append(value)
    odd = [name for name in filters if name not in known and name not in TAGS]
    if odd:
        raise Fail(400, f"{odd} is invalid attribute for filtering")
    return filters


def matches(item: Item, view: View, filters: Mapping[str, list[str]]) -> bool:
    """Whether a stored item passes; fields that are computed are looked at in its view."""
    shown: Item | None = None
    for name, wanted in filters.items():
        if name in TAGS:
            if not all(tagged(item.get("tags", ()), name, value) for value in wanted):
                return False
            continue
        if name in item:
            value = item[name]
        else:
            shown = view(item) if shown is None else shown
            value = shown.get(name)
        if not same(value, wanted):
            return False
    return True


def arranged(req: Req, items: list[Item]) -> list[Item]:
    """Sorted by `sort_key`/`sort_dir` pairs, by id without them."""
    keys, directions = req.all("sort_key"), req.all("sort_dir")
    if len(keys) != len(directions):
        raise Fail(400, "The number of sort_keys and sort_dirs must be same")
    if not keys:
        return items
    for key, direction in reversed(list(zip(keys, directions, strict=True))):
        items = sorted(items, key=lambda item: text(item.get(key)), reverse=direction == "desc")
    return items


def page(req: Req, items: list[Item], page_size: int, missing: Callable[[str], Fail]) -> tuple[list[Item], list[Item]]:
    """The part that `marker`, `limit` and `page_reverse` ask for, and the links to its neighbours.

    Links stand there when the client gave a limit (also after the last full page, as
    neutron does), or when there is more than the service gives at once.
    """
    limit_text, marker, reverse = req.get("limit"), req.get("marker"), bool(req.flag("page_reverse"))
    limit = read_limit(limit_text, page_size)
    items = list(reversed(items)) if reverse else items
    if marker:
        position = next((i for i, item in enumerate(items) if item["id"] == marker), None)
        if position is None:
            raise missing(marker)
        items = items[position + 1 :]
    chunk = items[:limit]
    full = len(chunk) == limit
    asked = bool(limit_text and limit_text != "0")
    if not chunk or not (asked or len(items) > limit):
        return (chunk[::-1] if reverse else chunk), []
    if reverse:
        chunk = chunk[::-1]
    links: list[Item] = []
    if full or reverse:
        links.append({"rel": "next", "href": link(req, chunk[-1]["id"], back=False)})
    if full or not reverse:
        links.append({"rel": "previous", "href": link(req, chunk[0]["id"], back=True)})
    return chunk, links


def read_limit(limit: str | None, page_size: int) -> int:
    """`limit=` as a number of at most `page_size`; 0 and none mean a whole page."""
    if limit is None:
        return page_size
    if not limit.isdigit():
        reason = f"Limit must be an integer 0 or greater and not '{limit}'."
        raise Fail(400, f"Bad limit request: {reason}", "BadRequest")
    return min(int(limit) or page_size, page_size)


def link(req: Req, marker: str, *, back: bool) -> str:
    """The URL of a neighbour page."""
    pairs = [(name, value) for name, value in req.query if name not in {"marker", "page_reverse"}]
    pairs.append(("marker", marker))
    if back:
        pairs.append(("page_reverse", "True"))
    return f"{req.path_url}?{urlencode(pairs)}"


def only(item: Item, fields: Iterable[str]) -> Item:
    """The fields asked for; all when none were named."""
    names = set(fields)
    return {key: value for key, value in item.items() if key in names} if names else item
