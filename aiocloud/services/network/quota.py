"""How much of the network a project may use, and uses. API: https://docs.openstack.org/api-ref/network/v2/#quotas-extension-quotas"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from aiocloud.endpoint import Endpoint
from aiocloud.model import Place, Resource, Value, Wire, read_one, wire_names
from aiocloud.paths import join

__all__ = ["NetworkQuotaDetails", "NetworkQuotas", "QuotaUsage", "Quotas"]


class NetworkQuotas(Resource):
    """A project's limits; -1 is unlimited. API: https://docs.openstack.org/api-ref/network/v2/#show-quotas-for-a-project"""

    place: ClassVar[Place] = Place("/quotas", one="quota", many="quotas", by_name="list")

    floating_ips: Annotated[int | None, Wire("floatingip")] = None
    networks: Annotated[int | None, Wire("network")] = None
    ports: Annotated[int | None, Wire("port")] = None
    rbac_policies: Annotated[int | None, Wire("rbac_policy")] = None
    routers: Annotated[int | None, Wire("router")] = None
    router_routes: Annotated[int | None, Wire("router_route")] = None
    security_groups: Annotated[int | None, Wire("security_group")] = None
    security_group_rules: Annotated[int | None, Wire("security_group_rule")] = None
    subnets: Annotated[int | None, Wire("subnet")] = None
    subnet_pools: Annotated[int | None, Wire("subnetpool")] = None
    trunks: Annotated[int | None, Wire("trunk")] = None
    project_id: str | None = None
    tenant_id: str | None = None


class QuotaUsage(Value):
    """One quota: the limit, what is used and what is reserved."""

    limit: int | None = None
    used: int | None = None
    reserved: int | None = None


class NetworkQuotaDetails(Resource):
    """A project's limits and what it uses. API: https://docs.openstack.org/api-ref/network/v2/#show-quota-details-for-a-tenant"""

    place: ClassVar[Place] = Place("/quotas", one="quota")

    floating_ips: Annotated[QuotaUsage | None, Wire("floatingip")] = None
    networks: Annotated[QuotaUsage | None, Wire("network")] = None
    ports: Annotated[QuotaUsage | None, Wire("port")] = None
    rbac_policies: Annotated[QuotaUsage | None, Wire("rbac_policy")] = None
    routers: Annotated[QuotaUsage | None, Wire("router")] = None
    router_routes: Annotated[QuotaUsage | None, Wire("router_route")] = None
    security_groups: Annotated[QuotaUsage | None, Wire("security_group")] = None
    security_group_rules: Annotated[QuotaUsage | None, Wire("security_group_rule")] = None
    subnets: Annotated[QuotaUsage | None, Wire("subnet")] = None
    subnet_pools: Annotated[QuotaUsage | None, Wire("subnetpool")] = None
    trunks: Annotated[QuotaUsage | None, Wire("trunk")] = None


class Quotas:
    """The network quotas of projects, each given by its id."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    async def get(self, project_id: str) -> NetworkQuotas:
        """A project's limits."""
        return self._read((await self.endpoint.get(join("quotas", project_id))).content)

    async def details(self, project_id: str) -> NetworkQuotaDetails:
        """A project's limits and what it uses."""
        path = join("quotas", project_id, "details.json")
        body = (await self.endpoint.get(path)).content
        strict, origin = self.endpoint.options.strict, self.endpoint.location
        return read_one(NetworkQuotaDetails, body, strict=strict, origin=origin, where=path)

    async def defaults(self, project_id: str) -> NetworkQuotas:
        """What the project would have if nobody had set its limits."""
        return self._read((await self.endpoint.get(join("quotas", project_id, "default"))).content)

    async def update(self, project_id: str, limits: Mapping[str, int | bool]) -> NetworkQuotas:
        """Set limits, by Neutron's names (`network`) or ours (`networks`). For administrators."""
        names = wire_names(NetworkQuotas)
        body = {"quota": {names.get(name, name): limit for name, limit in limits.items()}}
        return self._read((await self.endpoint.put(join("quotas", project_id), json=body)).content)

    async def delete(self, project_id: str) -> None:
        """Put the project's limits back to the defaults. For administrators."""
        await self.endpoint.delete(join("quotas", project_id))

    def _read(self, body: bytes) -> NetworkQuotas:
        strict, origin = self.endpoint.options.strict, self.endpoint.location
        return read_one(NetworkQuotas, body, strict=strict, origin=origin, where="/quotas")
