"""Zones and recordsets. API: https://docs.openstack.org/api-ref/dns/dns-api-v2-index.html"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiocloud.collection import Collection
from aiocloud.errors import InvalidRequest
from aiocloud.model import Which
from aiocloud.region import Region
from aiocloud.services.dns.zone import Recordset, Zone
from aiocloud.tasks.lookup import given

__all__ = [
    "create_recordset",
    "create_zone",
    "delete_recordset",
    "get_recordset",
    "list_recordsets",
    "search_recordsets",
    "update_recordset",
]


async def create_zone(
    cloud: Region,
    name: str,
    zone_type: str | None = None,
    email: str | None = None,
    description: str | None = None,
    ttl: int | None = None,
    masters: Sequence[str] | None = None,
) -> Zone:
    """Make a zone, whose name ends with a dot. `ttl` is in seconds. Raises InvalidRequest for a type there is not."""
    kind = zone_type.upper() if zone_type else None
    if kind not in (None, "PRIMARY", "SECONDARY"):
        raise InvalidRequest(f"a zone is PRIMARY or SECONDARY, not {zone_type!r}")
    wanted = given(
        type=kind, email=email, description=description, ttl=ttl, masters=None if masters is None else [*masters]
    )
    return await cloud.dns.zones.create(name=name, **wanted)


async def _in(cloud: Region, zone: Which) -> Collection[Recordset, ..., ...]:
    return cloud.dns.zones.recordsets({"id": await cloud.dns.zones.id_of(zone)})


async def list_recordsets(cloud: Region, zone: Which) -> list[Recordset]:
    """All recordsets of a zone."""
    return await (await _in(cloud, zone)).list()


async def search_recordsets(
    cloud: Region, zone: Which, name_or_id: str | None = None, filters: Mapping[str, Any] | None = None
) -> list[Recordset]:
    """The recordsets of a zone with this name, id or shell pattern, and for which all filters hold."""
    return await (await _in(cloud, zone)).search(name_or_id, filters)


async def get_recordset(cloud: Region, zone: Which, name_or_id: Which) -> Recordset | None:
    """The recordset of a zone with this name or id, or None. Raises Ambiguous when one name has several types."""
    return await (await _in(cloud, zone)).find(name_or_id)


async def create_recordset(
    cloud: Region,
    zone: Which,
    name: str,
    recordset_type: str,
    records: Sequence[str],
    description: str | None = None,
    ttl: int | None = None,
) -> Recordset:
    """Make a recordset: all records of one name and type. `ttl` is in seconds."""
    wanted = given(description=description, ttl=ttl)
    return await (await _in(cloud, zone)).create(name=name, type=recordset_type.upper(), records=[*records], **wanted)


async def update_recordset(
    cloud: Region,
    zone: Which,
    name_or_id: Which,
    *,
    records: Sequence[str] | None = None,
    description: str | None = None,
    ttl: int | None = None,
) -> Recordset:
    """Change a recordset; what is not given stays as it is. `ttl` is in seconds."""
    wanted = given(records=None if records is None else [*records], description=description, ttl=ttl)
    return await (await _in(cloud, zone)).update(name_or_id, **wanted)


async def delete_recordset(cloud: Region, zone: Which, name_or_id: Which) -> bool:
    """Remove a recordset: True, or False when it was not there."""
    return await (await _in(cloud, zone)).delete(name_or_id)
