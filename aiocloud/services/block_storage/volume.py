"""Volumes. API: https://docs.openstack.org/api-ref/block-storage/v3/#volumes-volumes"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Generic, Literal, ParamSpec

from aiocloud._http import httpx
from aiocloud._json import load_json, mapping
from aiocloud.model import NullAs, Place, Resource, Spec, Text, Which, Wire
from aiocloud.paths import arrives, join
from aiocloud.services.block_storage.base import NamedCollection

__all__ = ["EditVolume", "NewVolume", "Volume", "Volumes"]

New = ParamSpec("New")
Edit = ParamSpec("Edit")


class Volume(Resource):
    """A disk for servers. API: https://docs.openstack.org/api-ref/block-storage/v3/#show-a-volume-s-details"""

    place: ClassVar[Place] = Place(
        "/volumes", one="volume", many="volumes", detail="/volumes/detail", microversion="3.71"
    )

    status: Text = ""
    """creating, available, in-use, error, deleting, ..."""
    size: int | None = None
    """GiB."""
    description: str | None = None
    attachments: Annotated[list[dict[str, Any]], NullAs([])] = []
    """Each with `server_id`, `attachment_id`, `device`, `host_name` and `attached_at`."""
    availability_zone: str | None = None
    is_bootable: Annotated[bool, Wire("bootable"), NullAs(False)] = False
    is_encrypted: Annotated[bool, Wire("encrypted"), NullAs(False)] = False
    is_multiattach: Annotated[bool, Wire("multiattach"), NullAs(False)] = False
    volume_type: str | None = None
    """By name."""
    volume_type_id: str | None = None
    metadata: Annotated[dict[str, str], NullAs({})] = {}
    volume_image_metadata: dict[str, Any] | None = None
    """What the image that it was made from said."""
    snapshot_id: str | None = None
    source_volume_id: Annotated[str | None, Wire("source_volid")] = None
    backup_id: str | None = None
    consistency_group_id: Annotated[str | None, Wire("consistencygroup_id")] = None
    group_id: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    project_id: Annotated[str | None, Wire("os-vol-tenant-attr:tenant_id")] = None
    user_id: str | None = None
    host: Annotated[str | None, Wire("os-vol-host-attr:host")] = None
    cluster_name: str | None = None
    consumes_quota: bool | None = None
    encryption_key_id: str | None = None
    migration_id: Annotated[str | None, Wire("os-vol-mig-status-attr:name_id")] = None
    migration_status: str | None = None
    migration_state: Annotated[str | None, Wire("os-vol-mig-status-attr:migstat")] = None
    """The same, under the name that administrators are given it by, too."""
    provider_id: str | None = None
    replication_status: str | None = None
    replication_driver_data: Annotated[str | None, Wire("os-volume-replication:driver_data")] = None
    extended_replication_status: Annotated[str | None, Wire("os-volume-replication:extended_status")] = None
    service_uuid: str | None = None
    shared_targets: bool | None = None
    links: list[dict[str, Any]] = []


class NewVolume(Spec):
    """API: https://docs.openstack.org/api-ref/block-storage/v3/#create-a-volume"""

    size: int | None = None
    """GiB. May be left out when it comes from a snapshot or another volume."""
    name: str | None = None
    description: str | None = None
    image: Annotated[str | None, Wire("imageRef")] = None
    """An image's id: the volume begins as a copy of it."""
    snapshot_id: str | None = None
    source_volid: str | None = None
    backup_id: str | None = None
    volume_type: str | None = None
    availability_zone: str | None = None
    multiattach: bool | None = None
    metadata: dict[str, str] | None = None
    group_id: str | None = None
    consistencygroup_id: str | None = None
    scheduler_hints: dict[str, Any] | None = None


class EditVolume(Spec):
    """API: https://docs.openstack.org/api-ref/block-storage/v3/#update-a-volume"""

    name: str | None = None
    description: str | None = None
    metadata: dict[str, str] | None = None


class Volumes(NamedCollection[Volume, New, Edit], Generic[New, Edit]):
    """The volumes of a project, and what can be done to one.

    Actions: https://docs.openstack.org/api-ref/block-storage/v3/#volume-actions-volumes-action
    """

    async def create_from(self, spec: Spec) -> Volume:
        """Make a volume; scheduler hints stand beside it in the request, not in it."""
        body = spec.body()
        hints = body.pop("scheduler_hints", None)
        envelope: dict[str, Any] = {"volume": body}
        if hints:
            envelope["OS-SCH-HNT:scheduler_hints"] = hints
        place = self.resource.place
        return self._read(await self.endpoint.post(place.path, json=envelope, microversion=place.microversion))

    async def action(
        self, volume: Which, name: str, arguments: Any = None, *, microversion: str | None = None
    ) -> httpx.Response:
        """Do something to a volume: the action's name and arguments as Cinder has them."""
        path = join("volumes", await self.id_of(volume), "action")
        return await self.endpoint.post(path, json={name: arguments or {}}, microversion=microversion)

    async def extend(self, volume: Which, size: int) -> None:
        """Make it larger, to `size` GiB; while it is attached from microversion 3.42 on."""
        await self.action(volume, "os-extend", {"new_size": size}, microversion="3.42")

    async def set_bootable(self, volume: Which, bootable: bool = True) -> None:
        """Say whether servers can boot from it."""
        await self.action(volume, "os-set_bootable", {"bootable": bootable})

    async def set_readonly(self, volume: Which, readonly: bool = True) -> None:
        """Say whether servers may only read it."""
        await self.action(volume, "os-update_readonly_flag", {"readonly": readonly})

    async def retype(
        self, volume: Which, volume_type: str, *, migration_policy: Literal["never", "on-demand"] = "never"
    ) -> None:
        """Change its type, given by name or id; "on-demand" allows moving it to another backend for that."""
        await self.action(volume, "os-retype", {"new_type": volume_type, "migration_policy": migration_policy})

    async def upload_to_image(
        self,
        volume: Which,
        image_name: str,
        *,
        disk_format: str = "raw",
        container_format: str = "bare",
        force: bool = False,
    ) -> Mapping[str, Any]:
        """Begin making an image of it, and give Cinder's answer: its `image_id` is the new image's."""
        arguments = {
            "image_name": image_name,
            "disk_format": disk_format,
            "container_format": container_format,
            "force": force,
        }
        response = await self.action(volume, "os-volume_upload_image", arguments)
        answer = mapping(load_json(response.content, "os-volume_upload_image"))
        return mapping(answer.get("os-volume_upload_image"))

    async def reset_status(
        self,
        volume: Which,
        status: str | None = None,
        attach_status: str | None = None,
        migration_status: str | None = None,
    ) -> None:
        """Overwrite what Cinder believes of it. For administrators."""
        given = {"status": status, "attach_status": attach_status, "migration_status": migration_status}
        await self.action(volume, "os-reset_status", {key: value for key, value in given.items() if value is not None})

    async def revert_to_snapshot(self, volume: Which, snapshot_id: str) -> None:
        """Put it back to its newest snapshot. Needs microversion 3.40."""
        await self.action(volume, "revert", {"snapshot_id": snapshot_id}, microversion="3.40")

    async def force_delete(self, volume: Which) -> None:
        """Remove it whatever state it is in."""
        await self.action(volume, "os-force_delete")

    async def delete_cascade(self, volume: Which) -> None:
        """Remove it with all its snapshots."""
        await self.endpoint.delete(join("volumes", await self.id_of(volume)), params={"cascade": True})

    async def migrate(self, volume: Which, host: str, *, force_host_copy: bool = False, lock: bool = False) -> None:
        """Move it to another backend. For administrators."""
        arguments = {"host": host, "force_host_copy": force_host_copy, "lock_volume": lock}
        await self.action(volume, "os-migrate_volume", arguments)

    async def set_metadata(self, volume: Which, metadata: Mapping[str, str]) -> dict[str, str]:
        """Add to its metadata, or change it; what else is there stays."""
        path = join("volumes", await self.id_of(volume), "metadata")
        answer = load_json((await self.endpoint.post(path, json={"metadata": dict(metadata)})).content, path)
        return dict(mapping(mapping(answer).get("metadata")))

    async def delete_metadata(self, volume: Which, *keys: str) -> None:
        """Remove keys of its metadata. Raises NotFound for one that is not there.

        With a key that Cinder would not find by its path (see `aiocloud.paths.arrives`) the rest is set again.
        """
        volume_id = await self.id_of(volume)
        for key in keys:
            there = {} if arrives(key) else (await self.get(volume_id)).metadata
            if key in there:
                left = {name: value for name, value in there.items() if name != key}
                await self.endpoint.put(join("volumes", volume_id, "metadata"), json={"metadata": left})
            else:
                await self.endpoint.delete(join("volumes", volume_id, "metadata", key))
