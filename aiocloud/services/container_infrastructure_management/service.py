"""The container infrastructure service's collections, one line each."""

from __future__ import annotations

from aiocloud.collection import Listing
from aiocloud.endpoint import Endpoint
from aiocloud.model import read_one
from aiocloud.paths import join
from aiocloud.services.base import ServiceProxy
from aiocloud.services.container_infrastructure_management.cluster import (
    Certificate,
    Cluster,
    ClusterTemplate,
    EditCluster,
    EditClusterTemplate,
    MagnumService,
    NewCluster,
    NewClusterTemplate,
)
from aiocloud.services.jsonpatch import Patched


class ContainerInfrastructureManagement(ServiceProxy):
    """Clusters for containers."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.clusters = Patched(endpoint, Cluster, NewCluster, EditCluster)
        self.cluster_templates = Patched(endpoint, ClusterTemplate, NewClusterTemplate, EditClusterTemplate)
        self.services = Listing(endpoint, MagnumService)

    async def certificate(self, cluster_id: str) -> Certificate:
        """A cluster's certificate authority. API: https://docs.openstack.org/api-ref/container-infrastructure-management/#show-details-about-the-ca-certificate-for-a-bay-cluster"""
        path = join("certificates", cluster_id)
        return self._read((await self.endpoint.get(path)).content)

    async def sign(self, cluster_id: str, csr: str) -> Certificate:
        """Sign a request with a cluster's authority. API: https://docs.openstack.org/api-ref/container-infrastructure-management/#generate-the-ca-certificate-for-a-bay-cluster"""
        body = {"cluster_uuid": cluster_id, "csr": csr}
        return self._read((await self.endpoint.post("/certificates", json=body)).content)

    def _read(self, body: bytes) -> Certificate:
        strict, origin = self.endpoint.options.strict, self.endpoint.location
        return read_one(Certificate, body, strict=strict, origin=origin, where="/certificates")
