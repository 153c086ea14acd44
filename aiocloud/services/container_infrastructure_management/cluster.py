"""Clusters and their templates. API: https://docs.openstack.org/api-ref/container-infrastructure-management/"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field

from aiocloud.model import NullAs, Place, Resource, Spec, Text, Wire

__all__ = [
    "Certificate",
    "Cluster",
    "ClusterTemplate",
    "EditCluster",
    "EditClusterTemplate",
    "MagnumService",
    "NewCluster",
    "NewClusterTemplate",
]


class Cluster(Resource):
    """API: https://docs.openstack.org/api-ref/container-infrastructure-management/#show-details-of-a-cluster"""

    place: ClassVar[Place] = Place("/clusters", many="clusters", by_name="list", update="PATCH", microversion="1.9")

    id: Annotated[Text, Wire("uuid")] = ""
    status: Text = ""
    status_reason: str | None = None
    cluster_template_id: str | None = None
    api_address: str | None = None
    coe_version: str | None = None
    container_version: str | None = None
    create_timeout: int | None = None
    """Minutes."""
    discovery_url: str | None = None
    docker_volume_size: int | None = None
    fixed_network: str | None = None
    fixed_subnet: str | None = None
    flavor_id: str | None = None
    health_status: str | None = None
    health_status_reason: dict[str, Any] | None = None
    is_floating_ip_enabled: Annotated[bool | None, Wire("floating_ip_enabled")] = None
    is_master_lb_enabled: Annotated[bool | None, Wire("master_lb_enabled")] = None
    keypair: str | None = None
    labels: Annotated[dict[str, Any], NullAs({})] = {}
    master_addresses: Annotated[list[str], NullAs([])] = []
    master_count: int | None = None
    master_flavor_id: str | None = None
    node_addresses: Annotated[list[str], NullAs([])] = []
    node_count: int | None = None
    faults: dict[str, Any] | None = None
    stack_id: str | None = None
    project_id: str | None = None
    user_id: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    links: list[dict[str, Any]] = []


class NewCluster(Spec):
    """API: https://docs.openstack.org/api-ref/container-infrastructure-management/#create-new-cluster"""

    name: str
    cluster_template_id: str
    create_timeout: int | None = None
    discovery_url: str | None = None
    docker_volume_size: int | None = None
    fixed_network: str | None = None
    fixed_subnet: str | None = None
    flavor_id: str | None = None
    floating_ip_enabled: bool | None = None
    keypair: str | None = None
    labels: dict[str, Any] | None = None
    merge_labels: bool | None = None
    master_count: int | None = None
    master_flavor_id: str | None = None
    master_lb_enabled: bool | None = None
    node_count: int | None = None


class EditCluster(Spec):
    """API: https://docs.openstack.org/api-ref/container-infrastructure-management/#update-information-of-cluster"""

    node_count: int | None = None
    health_status: str | None = None
    health_status_reason: dict[str, Any] | None = None


class ClusterTemplate(Resource):
    """API: https://docs.openstack.org/api-ref/container-infrastructure-management/#show-details-of-a-cluster-template"""

    place: ClassVar[Place] = Place(
        "/clustertemplates", many="clustertemplates", by_name="list", update="PATCH", microversion="1.9"
    )

    id: Annotated[Text, Wire("uuid")] = ""
    coe: str | None = None
    """kubernetes, ..."""
    image_id: str | None = None
    keypair_id: str | None = None
    flavor_id: str | None = None
    master_flavor_id: str | None = None
    cluster_distro: str | None = None
    server_type: str | None = None
    apiserver_port: int | None = None
    dns_nameserver: str | None = None
    docker_storage_driver: str | None = None
    docker_volume_size: int | None = None
    """GiB."""
    external_network_id: str | None = None
    fixed_network: str | None = None
    fixed_subnet: str | None = None
    http_proxy: str | None = None
    https_proxy: str | None = None
    no_proxy: str | None = None
    insecure_registry: str | None = None
    is_floating_ip_enabled: Annotated[bool | None, Wire("floating_ip_enabled")] = None
    is_hidden: Annotated[bool | None, Wire("hidden")] = None
    is_master_lb_enabled: Annotated[bool | None, Wire("master_lb_enabled")] = None
    is_public: Annotated[bool | None, Wire("public")] = None
    is_registry_enabled: Annotated[bool | None, Wire("registry_enabled")] = None
    is_tls_disabled: Annotated[bool | None, Wire("tls_disabled")] = None
    labels: Annotated[dict[str, Any], NullAs({})] = {}
    network_driver: str | None = None
    volume_driver: str | None = None
    tags: str | None = None
    project_id: str | None = None
    user_id: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    links: list[dict[str, Any]] = []


class NewClusterTemplate(Spec):
    """API: https://docs.openstack.org/api-ref/container-infrastructure-management/#create-new-cluster-template"""

    name: str
    image_id: str | None = None
    keypair_id: str | None = None
    coe: str | None = None
    flavor_id: str | None = None
    master_flavor_id: str | None = None
    apiserver_port: int | None = None
    dns_nameserver: str | None = None
    docker_storage_driver: str | None = None
    docker_volume_size: int | None = None
    external_network_id: str | None = None
    fixed_network: str | None = None
    fixed_subnet: str | None = None
    floating_ip_enabled: bool | None = None
    http_proxy: str | None = None
    https_proxy: str | None = None
    no_proxy: str | None = None
    insecure_registry: str | None = None
    hidden: bool | None = None
    public: bool | None = None
    labels: dict[str, Any] | None = None
    master_lb_enabled: bool | None = None
    network_driver: str | None = None
    registry_enabled: bool | None = None
    server_type: str | None = None
    tls_disabled: bool | None = None
    volume_driver: str | None = None


class EditClusterTemplate(Spec):
    """None, given, removes a field. API: https://docs.openstack.org/api-ref/container-infrastructure-management/#update-information-of-cluster-template"""

    name: str | None = None
    image_id: str | None = None
    keypair_id: str | None = None
    coe: str | None = None
    flavor_id: str | None = None
    master_flavor_id: str | None = None
    apiserver_port: int | None = None
    dns_nameserver: str | None = None
    docker_storage_driver: str | None = None
    docker_volume_size: int | None = None
    external_network_id: str | None = None
    fixed_network: str | None = None
    fixed_subnet: str | None = None
    floating_ip_enabled: bool | None = None
    http_proxy: str | None = None
    https_proxy: str | None = None
    no_proxy: str | None = None
    insecure_registry: str | None = None
    hidden: bool | None = None
    public: bool | None = None
    labels: dict[str, Any] | None = None
    master_lb_enabled: bool | None = None
    network_driver: str | None = None
    registry_enabled: bool | None = None
    server_type: str | None = None
    tls_disabled: bool | None = None
    volume_driver: str | None = None


class Certificate(Resource):
    """A cluster's certificate authority, or one signed by it."""

    place: ClassVar[Place] = Place("/certificates")

    cluster_id: Annotated[str | None, Wire("cluster_uuid")] = None
    pem: Annotated[str | None, Field(repr=False)] = None
    csr: str | None = None
    links: list[dict[str, Any]] = []


class MagnumService(Resource):
    """A process of Magnum's. API: https://docs.openstack.org/api-ref/container-infrastructure-management/#manage-magnum-service"""

    place: ClassVar[Place] = Place("/mservices", many="mservices", by_name="list")

    binary: str | None = None
    host: str | None = None
    state: str | None = None
    disabled: bool | None = None
    disabled_reason: str | None = None
    report_count: int | None = None
    last_seen_up: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
