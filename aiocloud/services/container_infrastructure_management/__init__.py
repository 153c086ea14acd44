"""Container infrastructure (Magnum). API: https://docs.openstack.org/api-ref/container-infrastructure-management/"""

from aiocloud.services.container_infrastructure_management.service import (
    ContainerInfrastructureManagement as ContainerInfrastructureManagement,
)
