"""Clusters for containers. API: https://docs.openstack.org/api-ref/container-infrastructure-management/"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiocloud.model import Which
from aiocloud.region import Region
from aiocloud.services.container_infrastructure_management.cluster import Certificate, Cluster, ClusterTemplate
from aiocloud.tasks.lookup import given

__all__ = [
    "create_cluster_template",
    "create_coe_cluster",
    "get_cluster_template",
    "get_coe_cluster_certificate",
    "list_cluster_templates",
    "search_cluster_templates",
    "sign_coe_cluster_certificate",
]


async def create_cluster_template(
    cloud: Region,
    name: str,
    image_id: str | None = None,
    keypair_id: str | None = None,
    coe: str | None = None,
    *,
    flavor_id: str | None = None,
    master_flavor_id: str | None = None,
    external_network_id: str | None = None,
    fixed_network: str | None = None,
    fixed_subnet: str | None = None,
    dns_nameserver: str | None = None,
    docker_storage_driver: str | None = None,
    docker_volume_size: int | None = None,
    floating_ip_enabled: bool | None = None,
    master_lb_enabled: bool | None = None,
    network_driver: str | None = None,
    volume_driver: str | None = None,
    labels: dict[str, Any] | None = None,
    public: bool | None = None,
    tls_disabled: bool | None = None,
    extra_body: dict[str, Any] | None = None,
) -> ClusterTemplate:
    """Describe clusters: `coe` is what runs the containers, such as kubernetes; `docker_volume_size` is in GiB."""
    wanted = given(
        image_id=image_id,
        keypair_id=keypair_id,
        coe=coe,
        flavor_id=flavor_id,
        master_flavor_id=master_flavor_id,
        external_network_id=external_network_id,
        fixed_network=fixed_network,
        fixed_subnet=fixed_subnet,
        dns_nameserver=dns_nameserver,
        docker_storage_driver=docker_storage_driver,
        docker_volume_size=docker_volume_size,
        floating_ip_enabled=floating_ip_enabled,
        master_lb_enabled=master_lb_enabled,
        network_driver=network_driver,
        volume_driver=volume_driver,
        labels=labels,
        public=public,
        tls_disabled=tls_disabled,
        extra_body=extra_body,
    )
    return await cloud.container_infrastructure_management.cluster_templates.create(name=name, **wanted)


async def list_cluster_templates(cloud: Region, detail: bool = False) -> list[ClusterTemplate]:  # noqa: ARG001
    """All cluster templates, always in detail."""
    return await cloud.container_infrastructure_management.cluster_templates.list()


async def search_cluster_templates(
    cloud: Region,
    name_or_id: str | None = None,
    filters: Mapping[str, Any] | None = None,
    detail: bool = False,  # noqa: ARG001
) -> list[ClusterTemplate]:
    """The cluster templates with this name, id or shell pattern, and for which all filters hold."""
    return await cloud.container_infrastructure_management.cluster_templates.search(name_or_id, filters)


async def get_cluster_template(
    cloud: Region,
    name_or_id: Which,
    filters: Mapping[str, Any] | None = None,
    detail: bool = False,  # noqa: ARG001
) -> ClusterTemplate | None:
    """The cluster template with this name or id, or None."""
    return await cloud.container_infrastructure_management.cluster_templates.find(name_or_id, filters)


async def create_coe_cluster(
    cloud: Region,
    name: str,
    cluster_template_id: Which,
    *,
    node_count: int | None = None,
    master_count: int | None = None,
    keypair: str | None = None,
    flavor_id: str | None = None,
    master_flavor_id: str | None = None,
    create_timeout: int | None = None,
    labels: dict[str, Any] | None = None,
    fixed_network: str | None = None,
    fixed_subnet: str | None = None,
    floating_ip_enabled: bool | None = None,
    extra_body: dict[str, Any] | None = None,
) -> Cluster:
    """Begin to make a cluster from a template, given by name or id. `create_timeout` is in minutes, and Magnum's own."""
    magnum = cloud.container_infrastructure_management
    wanted = given(
        node_count=node_count,
        master_count=master_count,
        keypair=keypair,
        flavor_id=flavor_id,
        master_flavor_id=master_flavor_id,
        create_timeout=create_timeout,
        labels=labels,
        fixed_network=fixed_network,
        fixed_subnet=fixed_subnet,
        floating_ip_enabled=floating_ip_enabled,
        extra_body=extra_body,
    )
    template = await magnum.cluster_templates.id_of(cluster_template_id)
    return await magnum.clusters.create(name=name, cluster_template_id=template, **wanted)


async def get_coe_cluster_certificate(cloud: Region, cluster_id: Which) -> Certificate:
    """The certificate authority of a cluster."""
    magnum = cloud.container_infrastructure_management
    return await magnum.certificate(await magnum.clusters.id_of(cluster_id))


async def sign_coe_cluster_certificate(cloud: Region, cluster_id: Which, csr: str) -> Certificate:
    """A certificate for a request (PEM), signed by a cluster's authority."""
    magnum = cloud.container_infrastructure_management
    return await magnum.sign(await magnum.clusters.id_of(cluster_id), csr)
