"""The service catalog, for administrators. API: https://docs.openstack.org/api-ref/identity/v3/#service-catalog-and-endpoints"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from aiocloud.errors import InvalidRequest, NotFound
from aiocloud.match import matches
from aiocloud.model import Which
from aiocloud.paths import join
from aiocloud.region import Region
from aiocloud.services.identity.catalog import EndpointGroup, Service, ServiceEndpoint
from aiocloud.tasks.lookup import by_id, given
from aiocloud.tasks.undo import Undo

__all__ = [
    "create_endpoint",
    "create_endpoint_group",
    "create_service",
    "delete_endpoint",
    "delete_endpoint_group",
    "get_endpoint",
    "get_endpoint_group",
    "search_endpoints",
    "update_endpoint",
    "update_endpoint_group",
    "update_service",
]

Interface = Literal["public", "internal", "admin"]


async def create_service(
    cloud: Region,
    name: str,
    enabled: bool = True,
    *,
    type: str | None = None,  # noqa: A002 - Keystone's word
    service_type: str | None = None,
    description: str | None = None,
) -> Service:
    """Put a service into the catalog. `type` and `service_type` are the same."""
    kind = type or service_type
    if not kind:
        raise InvalidRequest("a service needs a type")
    return await cloud.identity.services.create(name=name, type=kind, enabled=enabled, **given(description=description))


async def update_service(
    cloud: Region,
    name_or_id: Which,
    *,
    name: str | None = None,
    enabled: bool | None = None,
    type: str | None = None,  # noqa: A002 - Keystone's word
    service_type: str | None = None,
    description: str | None = None,
) -> Service:
    """Change a service; what is not given stays as it is."""
    wanted = given(name=name, enabled=enabled, type=type or service_type, description=description)
    return await cloud.identity.services.update(name_or_id, **wanted)


async def create_endpoint(
    cloud: Region,
    service_name_or_id: Which,
    url: str | None = None,
    interface: Interface | None = None,
    region: Which | None = None,
    enabled: bool = True,
    *,
    public_url: str | None = None,
    internal_url: str | None = None,
    admin_url: str | None = None,
) -> list[ServiceEndpoint]:
    """Say where a service is: at `url` for one `interface`, or at up to three URLs at once. Gives all that were made.

    When a later one fails, those made before it are removed again.
    """
    by_url = {"public": public_url, "internal": internal_url, "admin": admin_url}
    urls: dict[str, str] = {kind: where for kind, where in by_url.items() if where}
    if url is not None and urls:
        raise InvalidRequest("either url with interface, or public_url, internal_url and admin_url")
    if url is not None:
        urls = {interface or "public": url}
    if not urls:
        raise InvalidRequest("an endpoint needs a URL")
    service_id = await cloud.identity.services.id_of(service_name_or_id)
    region_id = None if region is None else region if isinstance(region, str) else str(region["id"])
    endpoints = cloud.identity.endpoints
    made: list[ServiceEndpoint] = []
    async with Undo(cloud) as undo:
        for kind, where in urls.items():
            wanted: dict[str, Any] = {"service_id": service_id, "interface": kind, "url": where, "enabled": enabled}
            one = await endpoints.create(**wanted, **given(region_id=region_id))
            undo.made("endpoint", one.id, where, lambda id: endpoints.delete({"id": id}))
            made.append(one)
    return made


async def get_endpoint(cloud: Region, id: str, filters: Mapping[str, Any] | None = None) -> ServiceEndpoint | None:
    """The endpoint with this id, or None."""
    found = await by_id(cloud.identity.endpoints, id)
    return found if found is not None and matches(found, filters or {}) else None


async def search_endpoints(
    cloud: Region, id: str | None = None, filters: Mapping[str, Any] | None = None
) -> list[ServiceEndpoint]:
    """The endpoints with this id, or for which all filters hold."""
    return await cloud.identity.endpoints.search(id, filters)


async def update_endpoint(
    cloud: Region,
    endpoint_id: str,
    *,
    service_name_or_id: Which | None = None,
    url: str | None = None,
    interface: Interface | None = None,
    region: str | None = None,
    enabled: bool | None = None,
) -> ServiceEndpoint:
    """Change an endpoint; what is not given stays as it is."""
    service = None if service_name_or_id is None else await cloud.identity.services.id_of(service_name_or_id)
    wanted = given(service_id=service, url=url, interface=interface, region_id=region, enabled=enabled)
    return await cloud.identity.endpoints.update({"id": endpoint_id}, **wanted)


async def delete_endpoint(cloud: Region, id: str) -> bool:
    """Remove an endpoint, given by id: True, or False when it was not there."""
    return await _delete(cloud, join("endpoints", id))


async def create_endpoint_group(
    cloud: Region, name: str, filters: dict[str, Any], description: str | None = None
) -> EndpointGroup:
    """Put endpoints that fit the filters under one name."""
    return await cloud.identity.endpoint_groups.create(name=name, filters=filters, **given(description=description))


async def get_endpoint_group(cloud: Region, id: str) -> EndpointGroup | None:
    """The endpoint group with this id or name, or None."""
    return await cloud.identity.endpoint_groups.find(id)


async def update_endpoint_group(
    cloud: Region,
    endpoint_group_id: Which,
    *,
    name: str | None = None,
    filters: dict[str, Any] | None = None,
    description: str | None = None,
) -> EndpointGroup:
    """Change an endpoint group; what is not given stays as it is."""
    wanted = given(name=name, filters=filters, description=description)
    return await cloud.identity.endpoint_groups.update(endpoint_group_id, **wanted)


async def delete_endpoint_group(cloud: Region, id: str) -> bool:
    """Remove an endpoint group, given by id: True, or False when it was not there."""
    return await _delete(cloud, join("OS-EP-FILTER", "endpoint_groups", id))


async def _delete(cloud: Region, path: str) -> bool:
    try:
        await cloud.identity.delete(path)
    except NotFound:
        return False
    return True
