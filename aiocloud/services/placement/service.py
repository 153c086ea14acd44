"""The placement service's collections, one line each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiocloud._json import load_json, mapping
from aiocloud.collection import Listing
from aiocloud.endpoint import Endpoint
from aiocloud.paths import join
from aiocloud.services.base import ServiceProxy
from aiocloud.services.placement.provider import (
    EditResourceProvider,
    NewResourceProvider,
    ResourceClass,
    ResourceProvider,
    ResourceProviders,
)

_VERSION = "1.39"


class Placement(ServiceProxy):
    """Who has how much of what, and who uses it."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.resource_providers = ResourceProviders(
            endpoint, ResourceProvider, NewResourceProvider, EditResourceProvider
        )
        self.resource_classes = Listing(endpoint, ResourceClass)

    async def traits(self) -> list[str]:
        """All that providers can be able to do. API: https://docs.openstack.org/api-ref/placement/#list-traits"""
        return list((await self._get("/traits")).get("traits") or [])

    async def allocations(self, consumer_id: str) -> dict[str, Any]:
        """What a consumer, such as a server, uses, by provider. API: https://docs.openstack.org/api-ref/placement/#list-allocations"""
        return dict(await self._get(join("allocations", consumer_id)))

    async def allocation_candidates(self, resources: Mapping[str, int], **query: str) -> dict[str, Any]:
        """Who could give all of this: `{"VCPU": 1, "MEMORY_MB": 512}`. API: https://docs.openstack.org/api-ref/placement/#list-allocation-candidates"""
        wanted = ",".join(f"{kind}:{amount}" for kind, amount in resources.items())
        return dict(await self._get("/allocation_candidates", {"resources": wanted, **query}))

    async def usages(self, project_id: str, user_id: str | None = None) -> dict[str, Any]:
        """What a project uses, by kind of consumer. API: https://docs.openstack.org/api-ref/placement/#list-usages"""
        params = {"project_id": project_id, **({"user_id": user_id} if user_id else {})}
        return dict(mapping((await self._get("/usages", params)).get("usages")))

    async def _get(self, path: str, params: Mapping[str, str] | None = None) -> Mapping[str, Any]:
        response = await self.endpoint.get(path, params=params, microversion=_VERSION)
        return mapping(load_json(response.content, path))
