"""Flavors by what they offer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiocloud.errors import InvalidRequest, NotFound
from aiocloud.match import matches, named
from aiocloud.model import Which
from aiocloud.region import Region
from aiocloud.services.compute.flavor import Flavor

__all__ = [
    "add_flavor_access",
    "create_flavor",
    "get_flavor",
    "get_flavor_by_id",
    "get_flavor_by_ram",
    "get_flavor_name",
    "list_flavor_access",
    "list_flavors",
    "remove_flavor_access",
    "search_flavors",
    "set_flavor_specs",
    "smallest",
    "unset_flavor_specs",
]


async def list_flavors(cloud: Region, get_extra: bool = False) -> list[Flavor]:
    """All flavors. Their extra specs come along from Nova 2.61 on; `get_extra` asks older ones flavor by flavor."""
    flavors = await cloud.compute.flavors.list()
    return await _with_extra(cloud, flavors) if get_extra else flavors


async def _with_extra(cloud: Region, flavors: Sequence[Flavor]) -> list[Flavor]:
    """The flavors with their extra specs, which Nova before 2.61 tells only one by one."""
    if not flavors or await cloud.compute.endpoint.supports("2.61"):
        return list(flavors)
    return [flavor.changed(extra_specs=await cloud.compute.flavors.extra_specs(flavor)) for flavor in flavors]


async def search_flavors(
    cloud: Region, name_or_id: str | None = None, filters: Mapping[str, Any] | None = None, get_extra: bool = True
) -> list[Flavor]:
    """The flavors with this name, id or shell pattern, and for which all filters hold."""
    flavors = await list_flavors(cloud, get_extra)
    return [f for f in flavors if (name_or_id is None or named(f, name_or_id)) and matches(f, filters or {})]


async def get_flavor(
    cloud: Region, name_or_id: Which, filters: Mapping[str, Any] | None = None, get_extra: bool = True
) -> Flavor | None:
    """The flavor with this name or id, or None. Raises Ambiguous when several have the name."""
    flavor = await cloud.compute.flavors.find(name_or_id, filters)
    return (await _with_extra(cloud, [flavor]))[0] if flavor is not None and get_extra else flavor


async def get_flavor_by_id(cloud: Region, id: str, get_extra: bool = False) -> Flavor | None:
    """The flavor with this id, or None."""
    try:
        flavor = await cloud.compute.flavors.get(id)
    except NotFound:
        return None
    return (await _with_extra(cloud, [flavor]))[0] if get_extra else flavor


async def get_flavor_name(cloud: Region, flavor_id: str) -> str | None:
    """The name of the flavor with this id, or None."""
    flavor = await get_flavor_by_id(cloud, flavor_id)
    return flavor.name if flavor else None


async def get_flavor_by_ram(cloud: Region, ram: int, include: str | None = None, get_extra: bool = True) -> Flavor:
    """The smallest flavor with at least `ram` MiB of memory, of those with `include` in their name.

    One request. Raises InvalidRequest, naming the largest there is, when none is large enough.
    """
    flavors = await cloud.compute.flavors.list()
    chosen = smallest(flavors, ram, include)
    if chosen is None:
        among = f" with {include!r} in their name" if include else ""
        most = max((flavor.ram for flavor in flavors), default=0)
        raise InvalidRequest(
            f"none of the {len(flavors)} flavors{among} has {ram} MiB of memory; the most is {most} MiB",
            cloud=cloud.name,
            region=cloud.region_name,
            service="compute",
        )
    return (await _with_extra(cloud, [chosen]))[0] if get_extra else chosen


def smallest(flavors: Sequence[Flavor], ram: int, include: str | None = None) -> Flavor | None:
    """The smallest that is large enough: by memory, then processors, then disk, then name. Pure."""
    fit = [f for f in flavors if f.ram >= ram and (include is None or include in f.name) and not f.is_disabled]
    return min(fit, key=lambda f: (f.ram, f.vcpus, f.disk, f.name), default=None)


async def create_flavor(
    cloud: Region,
    name: str,
    ram: int,
    vcpus: int,
    disk: int,
    description: str | None = None,
    flavorid: str = "auto",
    ephemeral: int = 0,
    swap: int = 0,
    rxtx_factor: float = 1.0,
    is_public: bool = True,
) -> Flavor:
    """Make a flavor: memory and swap in MiB, disks in GiB. For administrators."""
    given: dict[str, Any] = {"description": description} if description is not None else {}
    if flavorid != "auto":
        given["id"] = flavorid
    return await cloud.compute.flavors.create(
        name=name,
        ram=ram,
        vcpus=vcpus,
        disk=disk,
        ephemeral=ephemeral,
        swap=swap,
        rxtx_factor=rxtx_factor,
        is_public=is_public,
        **given,
    )


async def set_flavor_specs(cloud: Region, flavor_id: Which, extra_specs: Mapping[str, str]) -> None:
    """Add or change a flavor's extra specs. For administrators."""
    await cloud.compute.flavors.set_extra_specs(flavor_id, dict(extra_specs))


async def unset_flavor_specs(cloud: Region, flavor_id: Which, keys: Sequence[str]) -> None:
    """Remove extra specs of a flavor. For administrators."""
    for key in keys:
        await cloud.compute.flavors.unset_extra_spec(flavor_id, key)


async def list_flavor_access(cloud: Region, flavor_id: Which) -> list[str]:
    """The ids of the projects that may use a flavor that is not public."""
    return await cloud.compute.flavors.access(flavor_id)


async def add_flavor_access(cloud: Region, flavor_id: Which, project_id: str) -> None:
    """Let a project use a flavor that is not public."""
    await cloud.compute.flavors.add_access(flavor_id, project_id)


async def remove_flavor_access(cloud: Region, flavor_id: Which, project_id: str) -> None:
    """Take that away again."""
    await cloud.compute.flavors.remove_access(flavor_id, project_id)
