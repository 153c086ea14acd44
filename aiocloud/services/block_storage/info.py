"""What a block storage service is made of, and how much of it a project may use.

API: https://docs.openstack.org/api-ref/block-storage/v3/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from aiocloud.endpoint import Endpoint
from aiocloud.model import Place, Resource, Text, Wire, read_one
from aiocloud.paths import join

__all__ = [
    "AvailabilityZone",
    "Extension",
    "Message",
    "Pool",
    "QuotaSets",
    "Service",
    "VolumeLimits",
    "VolumeQuotas",
]


class AvailabilityZone(Resource):
    """API: https://docs.openstack.org/api-ref/block-storage/v3/#list-availability-zone-information"""

    place: ClassVar[Place] = Place("/os-availability-zone", many="availabilityZoneInfo", by_name="list")

    name: Annotated[Text, Wire("zoneName")] = ""
    state: Annotated[dict[str, Any], Wire("zoneState")] = {}

    @property
    def available(self) -> bool:
        """May volumes be placed there?"""
        return bool(self.state.get("available"))


class Service(Resource):
    """A process of Cinder's. For administrators. API: https://docs.openstack.org/api-ref/block-storage/v3/#list-all-cinder-services"""

    place: ClassVar[Place] = Place("/os-services", many="services", by_name="list", microversion="3.49")

    binary: str | None = None
    host: str | None = None
    availability_zone: Annotated[str | None, Wire("zone")] = None
    status: str | None = None
    """enabled or disabled."""
    state: str | None = None
    """up or down."""
    backend_state: str | None = None
    cluster: str | None = None
    disabled_reason: str | None = None
    replication_status: str | None = None
    active_backend_id: str | None = None
    is_frozen: Annotated[bool | None, Wire("frozen")] = None
    updated_at: str | None = None


class Extension(Resource):
    """API: https://docs.openstack.org/api-ref/block-storage/v3/#list-known-api-extensions"""

    place: ClassVar[Place] = Place("/extensions", one="extension", many="extensions", by_name="list")

    id: Annotated[Text, Wire("alias")] = ""
    alias: Text = ""
    description: Text = ""
    updated_at: Annotated[str | None, Wire("updated")] = None
    links: list[dict[str, Any]] = []


class Message(Resource):
    """What Cinder has to say of a failed operation. API: https://docs.openstack.org/api-ref/block-storage/v3/#list-messages"""

    place: ClassVar[Place] = Place("/messages", one="message", many="messages", by_name="list", microversion="3.3")

    event_id: str | None = None
    user_message: Text = ""
    message_level: str | None = None
    resource_type: str | None = None
    resource_uuid: str | None = None
    request_id: str | None = None
    created_at: str | None = None
    guaranteed_until: str | None = None
    links: list[dict[str, Any]] = []


class Pool(Resource):
    """Where volumes can be put. For administrators. API: https://docs.openstack.org/api-ref/block-storage/v3/#list-all-back-end-storage-pools"""

    place: ClassVar[Place] = Place(
        "/scheduler-stats/get_pools", many="pools", detail="/scheduler-stats/get_pools?detail=true", by_name="list"
    )

    capabilities: dict[str, Any] = {}


class VolumeLimits(Resource):
    """What a project may use, and uses; -1 is unlimited. API: https://docs.openstack.org/api-ref/block-storage/v3/#show-absolute-limits-for-project"""

    place: ClassVar[Place] = Place("/limits", one="absolute", microversion="3.39")

    max_total_volumes: Annotated[int | None, Wire("maxTotalVolumes")] = None
    max_total_volume_gigabytes: Annotated[int | None, Wire("maxTotalVolumeGigabytes")] = None
    max_total_snapshots: Annotated[int | None, Wire("maxTotalSnapshots")] = None
    max_total_backups: Annotated[int | None, Wire("maxTotalBackups")] = None
    max_total_backup_gigabytes: Annotated[int | None, Wire("maxTotalBackupGigabytes")] = None
    total_volumes_used: Annotated[int | None, Wire("totalVolumesUsed")] = None
    total_gigabytes_used: Annotated[int | None, Wire("totalGigabytesUsed")] = None
    total_snapshots_used: Annotated[int | None, Wire("totalSnapshotsUsed")] = None
    total_backups_used: Annotated[int | None, Wire("totalBackupsUsed")] = None
    total_backup_gigabytes_used: Annotated[int | None, Wire("totalBackupGigabytesUsed")] = None

    @property
    def absolute(self) -> VolumeLimits:
        """These limits: Cinder tells them under this name, and so scripts ask for them."""
        return self


class VolumeQuotas(Resource):
    """A project's quotas; -1 is unlimited. Those of single volume types (`gigabytes_ssd`) are in `properties`.

    API: https://docs.openstack.org/api-ref/block-storage/v3/#show-quotas-for-a-project
    """

    place: ClassVar[Place] = Place("/os-quota-sets", one="quota_set")

    volumes: int | None = None
    gigabytes: int | None = None
    per_volume_gigabytes: int | None = None
    snapshots: int | None = None
    backups: int | None = None
    backup_gigabytes: int | None = None
    groups: int | None = None


class QuotaSets:
    """The block storage quotas of projects, each given by its id."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    async def get(self, project_id: str) -> VolumeQuotas:
        """A project's limits."""
        return self._read((await self.endpoint.get(join("os-quota-sets", project_id))).content)

    async def defaults(self, project_id: str) -> VolumeQuotas:
        """What the project would have if nobody had set its limits."""
        return self._read((await self.endpoint.get(join("os-quota-sets", project_id, "defaults"))).content)

    async def update(self, project_id: str, limits: Mapping[str, int]) -> VolumeQuotas:
        """Set limits, by Cinder's names. For administrators."""
        body = {"quota_set": dict(limits)}
        return self._read((await self.endpoint.put(join("os-quota-sets", project_id), json=body)).content)

    async def delete(self, project_id: str) -> None:
        """Put the project's limits back to the defaults. For administrators."""
        await self.endpoint.delete(join("os-quota-sets", project_id))

    def _read(self, body: bytes) -> VolumeQuotas:
        strict, origin = self.endpoint.options.strict, self.endpoint.location
        return read_one(VolumeQuotas, body, strict=strict, origin=origin, where="/os-quota-sets")
