"""Routers. API: https://docs.openstack.org/api-ref/network/v2/#routers-routers"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Generic, ParamSpec

from aiocloud.errors import InvalidRequest
from aiocloud.model import NullAs, Place, Resource, Spec, Text, Which, Wire, read_one
from aiocloud.paths import join
from aiocloud.services.network.base import NetworkResource, Tagged

__all__ = ["EditRouter", "NewRouter", "Router", "RouterInterface", "Routers"]

New = ParamSpec("New")
Edit = ParamSpec("Edit")


class Router(NetworkResource):
    """What joins subnets, and them to the outside. API: https://docs.openstack.org/api-ref/network/v2/#show-router-details"""

    place: ClassVar[Place] = Place("/routers", one="router", many="routers")

    status: str | None = None
    is_admin_state_up: Annotated[bool | None, Wire("admin_state_up")] = None
    external_gateway_info: dict[str, Any] | None = None
    """Its way out: `network_id`, `enable_snat`, `external_fixed_ips`."""
    external_gateways: list[dict[str, Any]] | None = None
    routes: Annotated[list[dict[str, Any]], NullAs([])] = []
    """Each with `destination` and `nexthop`."""
    is_distributed: Annotated[bool | None, Wire("distributed")] = None
    is_ha: Annotated[bool | None, Wire("ha")] = None
    enable_ndp_proxy: bool | None = None
    enable_default_route_bfd: bool | None = None
    enable_default_route_ecmp: bool | None = None
    flavor_id: str | None = None
    availability_zone_hints: Annotated[list[str], NullAs([])] = []
    availability_zones: Annotated[list[str], NullAs([])] = []
    service_type_id: str | None = None


class NewRouter(Spec):
    """API: https://docs.openstack.org/api-ref/network/v2/#create-router"""

    name: str | None = None
    description: str | None = None
    admin_state_up: bool | None = None
    external_gateway_info: dict[str, Any] | None = None
    distributed: bool | None = None
    ha: bool | None = None
    enable_ndp_proxy: bool | None = None
    flavor_id: str | None = None
    availability_zone_hints: list[str] | None = None
    project_id: str | None = None


class EditRouter(Spec):
    """API: https://docs.openstack.org/api-ref/network/v2/#update-router"""

    name: str | None = None
    description: str | None = None
    admin_state_up: bool | None = None
    external_gateway_info: dict[str, Any] | None = None
    """None, given, takes the gateway away."""
    routes: list[dict[str, Any]] | None = None
    distributed: bool | None = None
    ha: bool | None = None
    enable_ndp_proxy: bool | None = None


class RouterInterface(Resource):
    """A router's leg in a subnet; its id is the router's. API: https://docs.openstack.org/api-ref/network/v2/#add-interface-to-router"""

    place: ClassVar[Place] = Place("/routers")

    port_id: Text = ""
    network_id: Text = ""
    subnet_id: Text = ""
    subnet_ids: Annotated[list[str], NullAs([])] = []
    project_id: str | None = None
    tenant_id: str | None = None
    tags: Annotated[list[str], NullAs([])] = []


class Routers(Tagged[Router, New, Edit], Generic[New, Edit]):
    """The routers of a project."""

    async def add_interface(
        self, router: Which, subnet_id: str | None = None, port_id: str | None = None
    ) -> RouterInterface:
        """Join it to a subnet, or to the subnet of a port. API: https://docs.openstack.org/api-ref/network/v2/#add-interface-to-router"""
        return await self._interface("add_router_interface", router, subnet_id, port_id)

    async def remove_interface(
        self, router: Which, subnet_id: str | None = None, port_id: str | None = None
    ) -> RouterInterface:
        """Take its leg out of a subnet. API: https://docs.openstack.org/api-ref/network/v2/#remove-interface-from-router"""
        return await self._interface("remove_router_interface", router, subnet_id, port_id)

    async def _interface(self, verb: str, router: Which, subnet_id: str | None, port_id: str | None) -> RouterInterface:
        given = {"subnet_id": subnet_id, "port_id": port_id}
        body = {key: value for key, value in given.items() if value}
        if not body:
            raise InvalidRequest("a router interface needs a subnet_id or a port_id")
        response = await self.endpoint.put(join("routers", await self.id_of(router), verb), json=body)
        strict, origin = self.endpoint.options.strict, self.endpoint.location
        return read_one(
            RouterInterface, response.content, strict=strict, origin=origin, where=str(response.request.url)
        )

    async def add_routes(self, router: Which, routes: Sequence[Mapping[str, str]]) -> Router:
        """Add static routes, leaving the others. API: https://docs.openstack.org/api-ref/network/v2/#add-extra-routes-to-router"""
        return await self._routes("add_extraroutes", router, routes)

    async def remove_routes(self, router: Which, routes: Sequence[Mapping[str, str]]) -> Router:
        """Remove static routes. API: https://docs.openstack.org/api-ref/network/v2/#remove-extra-routes-from-router"""
        return await self._routes("remove_extraroutes", router, routes)

    async def _routes(self, verb: str, router: Which, routes: Sequence[Mapping[str, str]]) -> Router:
        body = {"router": {"routes": [dict(route) for route in routes]}}
        return self._read(await self.endpoint.put(join("routers", await self.id_of(router), verb), json=body))
