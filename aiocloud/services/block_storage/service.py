"""The block storage service's collections, one line each."""

from __future__ import annotations

from aiocloud._json import load_json, mapping
from aiocloud.collection import Collection, Listing
from aiocloud.endpoint import Endpoint
from aiocloud.model import read_one
from aiocloud.services.base import ServiceProxy
from aiocloud.services.block_storage.attachment import (
    Attachment,
    EditAttachment,
    NewAttachment,
    NewTransfer,
    Transfer,
    Transfers,
)
from aiocloud.services.block_storage.backup import Backup, Backups, EditBackup, NewBackup
from aiocloud.services.block_storage.base import NamedCreatable
from aiocloud.services.block_storage.group import (
    EditGroupType,
    EditVolumeGroup,
    GroupSnapshot,
    GroupType,
    NewGroupSnapshot,
    NewGroupType,
    NewVolumeGroup,
    VolumeGroup,
    VolumeGroups,
)
from aiocloud.services.block_storage.info import (
    AvailabilityZone,
    Extension,
    Message,
    Pool,
    QuotaSets,
    Service,
    VolumeLimits,
)
from aiocloud.services.block_storage.snapshot import EditSnapshot, NewSnapshot, Snapshot, Snapshots
from aiocloud.services.block_storage.type import (
    EditQoSSpec,
    EditVolumeType,
    NewQoSSpec,
    NewVolumeType,
    QoSSpec,
    VolumeType,
    VolumeTypes,
)
from aiocloud.services.block_storage.volume import EditVolume, NewVolume, Volume, Volumes


class BlockStorage(ServiceProxy):
    """Volumes, and copies of them."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.volumes = Volumes(endpoint, Volume, NewVolume, EditVolume)
        self.snapshots = Snapshots(endpoint, Snapshot, NewSnapshot, EditSnapshot)
        self.backups = Backups(endpoint, Backup, NewBackup, EditBackup)
        self.types = VolumeTypes(endpoint, VolumeType, NewVolumeType, EditVolumeType)
        self.qos_specs = Collection(endpoint, QoSSpec, NewQoSSpec, EditQoSSpec)
        self.attachments = Collection(endpoint, Attachment, NewAttachment, EditAttachment)
        self.transfers = Transfers(endpoint, Transfer, NewTransfer)
        self.groups = VolumeGroups(endpoint, VolumeGroup, NewVolumeGroup, EditVolumeGroup)
        self.group_types = Collection(endpoint, GroupType, NewGroupType, EditGroupType)
        self.group_snapshots = NamedCreatable(endpoint, GroupSnapshot, NewGroupSnapshot)
        self.quota_sets = QuotaSets(endpoint)
        self.availability_zones = Listing(endpoint, AvailabilityZone)
        self.services = Listing(endpoint, Service)
        self.extensions = Listing(endpoint, Extension)
        self.messages = Listing(endpoint, Message)
        self.pools = Listing(endpoint, Pool)

    async def limits(self, project_id: str | None = None) -> VolumeLimits:
        """What a project may use and uses: our own, or for administrators another's."""
        endpoint = self.endpoint
        params = {"project_id": project_id} if project_id else None
        response = await endpoint.get("/limits", params=params, microversion=VolumeLimits.place.microversion)
        limits = mapping(mapping(load_json(response.content, "/limits")).get("limits"))
        strict, origin = endpoint.options.strict, endpoint.location
        return read_one(VolumeLimits, limits, strict=strict, origin=origin, where="/limits")
