"""What a network service is made of, and can do: extensions, agents, zones, providers, free addresses.

API: https://docs.openstack.org/api-ref/network/v2/
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from aiocloud.model import NullAs, Place, Resource, Text, Wire

__all__ = [
    "Agent",
    "AvailabilityZone",
    "Extension",
    "NetworkFlavor",
    "NetworkIPAvailability",
    "ServiceProvider",
]


class Extension(Resource):
    """Something that this Neutron can do; its alias is its id. API: https://docs.openstack.org/api-ref/network/v2/#show-extension-details"""

    place: ClassVar[Place] = Place("/extensions", one="extension", many="extensions", by_name="list")

    id: Annotated[Text, Wire("alias")] = ""
    alias: Text = ""
    description: Text = ""
    updated_at: Annotated[str | None, Wire("updated")] = None
    links: list[dict[str, Any]] = []


class AvailabilityZone(Resource):
    """API: https://docs.openstack.org/api-ref/network/v2/#list-all-availability-zones"""

    place: ClassVar[Place] = Place("/availability_zones", many="availability_zones", by_name="list")

    resource: str | None = None
    """network or router."""
    state: str | None = None


class Agent(Resource):
    """A process that makes networks real. API: https://docs.openstack.org/api-ref/network/v2/#show-agent-details"""

    place: ClassVar[Place] = Place("/agents", one="agent", many="agents", by_name="list")

    agent_type: str | None = None
    binary: str | None = None
    host: str | None = None
    topic: str | None = None
    availability_zone: str | None = None
    configuration: Annotated[dict[str, Any] | None, Wire("configurations")] = None
    description: str | None = None
    is_admin_state_up: Annotated[bool | None, Wire("admin_state_up")] = None
    is_alive: Annotated[bool | None, Wire("alive")] = None
    resources_synced: bool | None = None
    created_at: str | None = None
    started_at: str | None = None
    last_heartbeat_at: Annotated[str | None, Wire("heartbeat_timestamp")] = None
    ha_state: str | None = None


class ServiceProvider(Resource):
    """API: https://docs.openstack.org/api-ref/network/v2/#list-service-providers"""

    place: ClassVar[Place] = Place("/service-providers", many="service_providers", by_name="list")

    service_type: str | None = None
    is_default: Annotated[bool | None, Wire("default")] = None


class NetworkFlavor(Resource):
    """A kind of router or other service. API: https://docs.openstack.org/api-ref/network/v2/#networking-flavors-framework-v2-0-current-flavor-service-profile"""

    place: ClassVar[Place] = Place("/flavors", one="flavor", many="flavors")

    description: Text = ""
    service_type: str | None = None
    is_enabled: Annotated[bool | None, Wire("enabled")] = None
    service_profile_ids: Annotated[list[str], Wire("service_profiles"), NullAs([])] = []


class NetworkIPAvailability(Resource):
    """How many addresses of a network are free; its id is the network's. For administrators.

    API: https://docs.openstack.org/api-ref/network/v2/#show-network-ip-availability
    """

    place: ClassVar[Place] = Place(
        "/network-ip-availabilities",
        one="network_ip_availability",
        many="network_ip_availabilities",
        by_name="list",
    )

    id: Annotated[Text, Wire("network_id")] = ""
    name: Annotated[Text, Wire("network_name")] = ""
    project_id: str | None = None
    tenant_id: str | None = None
    total_ips: int | None = None
    used_ips: int | None = None
    subnet_ip_availability: Annotated[list[dict[str, Any]], NullAs([])] = []
    ip_availability_details: dict[str, Any] | None = None
