"""Searching what was already fetched, and any kind of resource by its kind's name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from aiocloud.collection import Listing
from aiocloud.errors import InvalidRequest
from aiocloud.match import as_filters
from aiocloud.model import Resource, Value
from aiocloud.region import Region
from aiocloud.services.base import ServiceProxy

__all__ = ["range_search", "search_resources"]

R = TypeVar("R", bound=Value | Mapping[str, Any])

_RANGE = re.compile(r"(<=|>=|<|>)?\s*(-?\d+(?:\.\d+)?)")


def range_search(cloud: Region, data: Sequence[R], filters: Mapping[str, str | float]) -> list[R]:  # noqa: ARG001 - a verb of a cloud
    """Those rows whose numbers are in range: `{"ram": ">=512", "vcpus": "2", "disk": "MIN"}`.

    MIN and MAX keep the rows with the least or most of what the other filters leave. A row that lacks a key does not
    match. Raises InvalidRequest for a filter that is no range.
    """
    kept = list(data)
    extremes = {key: str(value).upper() for key, value in filters.items() if str(value).upper() in ("MIN", "MAX")}
    for key, value in filters.items():
        if key not in extremes:
            kept = [row for row in kept if _in_range(row.get(key), str(value))]
    for key, which in extremes.items():
        numbers = [float(number) for row in kept if (number := row.get(key)) is not None]
        best = (min if which == "MIN" else max)(numbers, default=None)
        kept = [row for row in kept if row.get(key) is not None and float(row.get(key) or 0) == best]
    return kept


def _in_range(number: Any, wanted: str) -> bool:
    match = _RANGE.fullmatch(wanted.strip())
    if match is None:
        raise InvalidRequest(f"{wanted!r} is no range: write a number, '<=512', '>2', MIN or MAX")
    if number is None:
        return False
    value, limit = float(number), float(match[2])
    compared = {"<": value < limit, ">": value > limit, "<=": value <= limit, ">=": value >= limit}
    return compared[match[1]] if match[1] else value == limit


async def search_resources(
    cloud: Region,
    resource_type: str,
    name_or_id: str | None,
    get_args: Sequence[Any] | None = None,
    get_kwargs: Mapping[str, Any] | None = None,
    list_args: Sequence[Any] | None = None,
    list_kwargs: Mapping[str, Any] | None = None,
    **filters: Any,
) -> list[Resource]:
    """Any kind of resource by `service.kind`, as in `network.port` or `compute.server`, that has this name or id.

    `list_kwargs` go to the service; `filters` are compared here, those in a mapping called `filters` too. The arguments of
    a GET by id, and a list's by position, which some scripts pass, must be empty. Raises InvalidRequest for them, and for a
    kind that this cloud's services do not have, with those they do.
    """
    for name, value in {"get_args": get_args, "get_kwargs": get_kwargs, "list_args": list_args}.items():
        if value:
            raise InvalidRequest(f"search_resources can't pass on {name}: say it in list_kwargs or in filters")
    service_name, _, kind = resource_type.partition(".")
    service = getattr(cloud, service_name, None)
    if not isinstance(service, ServiceProxy):
        raise InvalidRequest(f"{resource_type!r}: there is no service called {service_name!r}")
    kinds = _kinds(service)
    listing = kinds.get(kind)
    if listing is None:
        raise InvalidRequest(f"{service_name} has no {kind!r}; it has {', '.join(sorted(kinds))}")
    wanted = {**as_filters(filters.pop("filters", None)), **filters}
    return await listing.search(name_or_id or None, wanted, **list_kwargs or {})


def _kinds(service: ServiceProxy) -> dict[str, Listing[Any]]:
    attributes: list[Any] = list(vars(service).values())
    return {listing.kind.replace(" ", "_"): listing for listing in attributes if isinstance(listing, Listing)}
