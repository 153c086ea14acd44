"""Who has how much of what. API: https://docs.openstack.org/api-ref/placement/#resource-providers"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, Generic, ParamSpec

from aiocloud._json import load_json, mapping
from aiocloud.collection import Collection
from aiocloud.model import Place, Resource, Spec, Text, Value, Which, Wire
from aiocloud.paths import join

__all__ = [
    "EditResourceProvider",
    "Inventory",
    "NewResourceProvider",
    "ResourceClass",
    "ResourceProvider",
    "ResourceProviders",
]

New = ParamSpec("New")
Edit = ParamSpec("Edit")

_VERSION = "1.39"


class ResourceProvider(Resource):
    """A host, or a part of one. API: https://docs.openstack.org/api-ref/placement/#show-resource-provider"""

    place: ClassVar[Place] = Place("/resource_providers", many="resource_providers", microversion=_VERSION)

    id: Annotated[Text, Wire("uuid")] = ""
    generation: int | None = None
    """Grows with each change; a change says which it is based on."""
    parent_provider_id: Annotated[str | None, Wire("parent_provider_uuid")] = None
    root_provider_id: Annotated[str | None, Wire("root_provider_uuid")] = None
    links: list[dict[str, Any]] = []


class NewResourceProvider(Spec):
    """API: https://docs.openstack.org/api-ref/placement/#create-resource-provider"""

    name: str
    uuid: str | None = None
    parent_provider_uuid: str | None = None


class EditResourceProvider(Spec):
    """API: https://docs.openstack.org/api-ref/placement/#update-resource-provider"""

    name: str
    parent_provider_uuid: str | None = None


class Inventory(Value):
    """How much of a resource class a provider has. API: https://docs.openstack.org/api-ref/placement/#resource-provider-inventories"""

    total: int = 0
    reserved: int = 0
    min_unit: int = 1
    max_unit: int = 0
    step_size: int = 1
    allocation_ratio: float = 1.0


class ResourceClass(Resource):
    """A kind of thing that can be counted; its name is its id. API: https://docs.openstack.org/api-ref/placement/#resource-classes"""

    place: ClassVar[Place] = Place("/resource_classes", many="resource_classes", by_name="id", microversion=_VERSION)

    id: Annotated[Text, Wire("name")] = ""
    name: Text = ""
    links: list[dict[str, Any]] = []


class ResourceProviders(Collection[ResourceProvider, New, Edit], Generic[New, Edit]):
    """The resource providers of the cloud."""

    async def inventories(self, provider: Which) -> dict[str, Inventory]:
        """What it has, by resource class. API: https://docs.openstack.org/api-ref/placement/#list-resource-provider-inventories"""
        answer = await self._get(provider, "inventories")
        return {kind: Inventory.model_validate(row) for kind, row in mapping(answer.get("inventories")).items()}

    async def set_inventories(self, provider: Which, inventories: Mapping[str, Mapping[str, Any]]) -> None:
        """Say all that it has. Raises Conflict when somebody was faster. API: https://docs.openstack.org/api-ref/placement/#update-resource-provider-inventories"""
        found = await self.require(provider)
        body = {
            "resource_provider_generation": found.generation,
            "inventories": {kind: dict(row) for kind, row in inventories.items()},
        }
        path = join("resource_providers", found.id, "inventories")
        await self.endpoint.put(path, json=body, microversion=_VERSION)

    async def usages(self, provider: Which) -> dict[str, int]:
        """How much of it is used, by resource class. API: https://docs.openstack.org/api-ref/placement/#list-resource-provider-usages"""
        return dict(mapping((await self._get(provider, "usages")).get("usages")))

    async def traits(self, provider: Which) -> list[str]:
        """What it can do. API: https://docs.openstack.org/api-ref/placement/#list-resource-provider-traits"""
        return list((await self._get(provider, "traits")).get("traits") or [])

    async def set_traits(self, provider: Which, traits: Iterable[str]) -> None:
        """Say all that it can do. Raises Conflict when somebody was faster. API: https://docs.openstack.org/api-ref/placement/#update-resource-provider-traits"""
        found = await self.require(provider)
        body = {"resource_provider_generation": found.generation, "traits": sorted(set(traits))}
        await self.endpoint.put(join("resource_providers", found.id, "traits"), json=body, microversion=_VERSION)

    async def aggregates(self, provider: Which) -> list[str]:
        """The aggregates that it is in. API: https://docs.openstack.org/api-ref/placement/#list-resource-provider-aggregates"""
        return list((await self._get(provider, "aggregates")).get("aggregates") or [])

    async def allocations(self, provider: Which) -> dict[str, Any]:
        """Who uses what of it, by consumer. API: https://docs.openstack.org/api-ref/placement/#list-resource-provider-allocations"""
        return dict(mapping((await self._get(provider, "allocations")).get("allocations")))

    async def _get(self, provider: Which, what: str) -> Mapping[str, Any]:
        path = join("resource_providers", await self.id_of(provider), what)
        return mapping(load_json((await self.endpoint.get(path, microversion=_VERSION)).content, path))
