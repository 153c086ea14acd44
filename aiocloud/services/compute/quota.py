"""How much a project may use, and uses. API: https://docs.openstack.org/api-ref/compute/#limits-limits"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from aiocloud.model import Place, Resource, Wire

__all__ = ["ComputeLimits", "ComputeQuotas", "ComputeUsage"]


class ComputeLimits(Resource):
    """What a project may use, and uses; -1 is unlimited. API: https://docs.openstack.org/api-ref/compute/#show-rate-and-absolute-limits"""

    place: ClassVar[Place] = Place("/limits", one="absolute", microversion="2.57")

    max_total_instances: Annotated[int | None, Wire("maxTotalInstances")] = None
    max_total_cores: Annotated[int | None, Wire("maxTotalCores")] = None
    max_total_ram_size: Annotated[int | None, Wire("maxTotalRAMSize")] = None
    """MiB."""
    max_total_keypairs: Annotated[int | None, Wire("maxTotalKeypairs")] = None
    max_server_meta: Annotated[int | None, Wire("maxServerMeta")] = None
    max_server_groups: Annotated[int | None, Wire("maxServerGroups")] = None
    max_server_group_members: Annotated[int | None, Wire("maxServerGroupMembers")] = None
    total_instances_used: Annotated[int | None, Wire("totalInstancesUsed")] = None
    total_cores_used: Annotated[int | None, Wire("totalCoresUsed")] = None
    total_ram_used: Annotated[int | None, Wire("totalRAMUsed")] = None
    """MiB."""
    total_server_groups_used: Annotated[int | None, Wire("totalServerGroupsUsed")] = None


class ComputeQuotas(Resource):
    """A project's quotas; -1 is unlimited. API: https://docs.openstack.org/api-ref/compute/#quota-sets-os-quota-sets"""

    place: ClassVar[Place] = Place("/os-quota-sets", one="quota_set", microversion="2.57")

    cores: int | None = None
    instances: int | None = None
    ram: int | None = None
    """MiB."""
    key_pairs: int | None = None
    metadata_items: int | None = None
    server_groups: int | None = None
    server_group_members: int | None = None


class ComputeUsage(Resource):
    """What a project used over a time; Nova says nothing at all of one that used nothing.

    API: https://docs.openstack.org/api-ref/compute/#usage-reports-os-simple-tenant-usage
    """

    place: ClassVar[Place] = Place("/os-simple-tenant-usage", one="tenant_usage", many="tenant_usages")

    project_id: Annotated[str | None, Wire("tenant_id")] = None
    start: str | None = None
    stop: str | None = None
    total_hours: float = 0
    total_local_gb_usage: float = 0
    total_memory_mb_usage: float = 0
    total_vcpus_usage: float = 0
    server_usages: list[dict[str, Any]] = []
