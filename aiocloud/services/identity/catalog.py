"""The catalog: services, their endpoints, regions, endpoint groups.

API: https://docs.openstack.org/api-ref/identity/v3/#service-catalog-and-endpoints
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from aiocloud.model import NullAs, Place, Resource, Spec, Text, Wire

__all__ = [
    "EditEndpointGroup",
    "EditRegion",
    "EditService",
    "EditServiceEndpoint",
    "EndpointGroup",
    "NewEndpointGroup",
    "NewRegion",
    "NewService",
    "NewServiceEndpoint",
    "Region",
    "Service",
    "ServiceEndpoint",
]

Interface = Literal["public", "internal", "admin"]


class Service(Resource):
    """API: https://docs.openstack.org/api-ref/identity/v3/#show-service-details"""

    place: ClassVar[Place] = Place("/services", one="service", many="services", update="PATCH")

    type: Text = ""
    description: Text = ""
    is_enabled: Annotated[bool, Wire("enabled"), NullAs(True)] = True
    links: dict[str, Any] = {}


class NewService(Spec):
    """API: https://docs.openstack.org/api-ref/identity/v3/#create-service"""

    type: str
    name: str | None = None
    description: str | None = None
    enabled: bool | None = None


class EditService(Spec):
    """API: https://docs.openstack.org/api-ref/identity/v3/#update-service"""

    type: str | None = None
    name: str | None = None
    description: str | None = None
    enabled: bool | None = None


class ServiceEndpoint(Resource):
    """Where a service is in a region. API: https://docs.openstack.org/api-ref/identity/v3/#show-endpoint-details"""

    place: ClassVar[Place] = Place("/endpoints", one="endpoint", many="endpoints", by_name="list", update="PATCH")

    service_id: Text = ""
    interface: Text = ""
    """public, internal or admin."""
    region_id: str | None = None
    region: str | None = None
    """The same as `region_id`, under its old name."""
    url: Text = ""
    is_enabled: Annotated[bool, Wire("enabled"), NullAs(True)] = True
    links: dict[str, Any] = {}


class NewServiceEndpoint(Spec):
    """API: https://docs.openstack.org/api-ref/identity/v3/#create-endpoint"""

    service_id: str
    interface: Interface
    url: str
    region_id: str | None = None
    enabled: bool | None = None


class EditServiceEndpoint(Spec):
    """API: https://docs.openstack.org/api-ref/identity/v3/#update-endpoint"""

    service_id: str | None = None
    interface: Interface | None = None
    url: str | None = None
    region_id: str | None = None
    enabled: bool | None = None


class Region(Resource):
    """Its name is its id. API: https://docs.openstack.org/api-ref/identity/v3/#show-region-details"""

    place: ClassVar[Place] = Place("/regions", one="region", many="regions", by_name="id", update="PATCH")

    id: Text = ""
    name: Annotated[Text, Wire("id")] = ""
    description: Text = ""
    parent_region_id: str | None = None
    links: dict[str, Any] = {}


class NewRegion(Spec):
    """API: https://docs.openstack.org/api-ref/identity/v3/#create-region"""

    id: str
    description: str | None = None
    parent_region_id: str | None = None


class EditRegion(Spec):
    """API: https://docs.openstack.org/api-ref/identity/v3/#update-region"""

    description: str | None = None
    parent_region_id: str | None = None


class EndpointGroup(Resource):
    """Endpoints that projects see. API: https://docs.openstack.org/api-ref/identity/v3-ext/#show-endpoint-group"""

    place: ClassVar[Place] = Place(
        "/OS-EP-FILTER/endpoint_groups", one="endpoint_group", many="endpoint_groups", update="PATCH"
    )

    description: Text = ""
    filters: dict[str, Any] = {}
    links: dict[str, Any] = {}


class NewEndpointGroup(Spec):
    """API: https://docs.openstack.org/api-ref/identity/v3-ext/#create-endpoint-group"""

    name: str
    filters: dict[str, Any]
    description: str | None = None


class EditEndpointGroup(Spec):
    """API: https://docs.openstack.org/api-ref/identity/v3-ext/#update-endpoint-group"""

    name: str | None = None
    filters: dict[str, Any] | None = None
    description: str | None = None
