"""Attachments and transfers of volumes. API: https://docs.openstack.org/api-ref/block-storage/v3/#attachments-attachments"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Generic, ParamSpec

from pydantic import Field

from aiocloud.model import Place, Resource, Spec, Text, Which, Wire
from aiocloud.paths import join
from aiocloud.services.block_storage.base import NamedCreatable

__all__ = ["Attachment", "EditAttachment", "NewAttachment", "NewTransfer", "Transfer", "Transfers"]

New = ParamSpec("New")


class Attachment(Resource):
    """A volume at a host or server. API: https://docs.openstack.org/api-ref/block-storage/v3/#show-attachment-details"""

    place: ClassVar[Place] = Place(
        "/attachments",
        one="attachment",
        many="attachments",
        detail="/attachments/detail",
        by_name="list",
        microversion="3.54",
    )

    status: Text = ""
    volume_id: Text = ""
    instance: str | None = None
    attach_mode: str | None = None
    attached_at: Annotated[str | None, Wire("attached_at", "attach_time")] = None
    detached_at: Annotated[str | None, Wire("detached_at", "detach_time")] = None
    connection_info: Annotated[dict[str, Any] | None, Field(repr=False)] = None
    """How the host reaches it; may hold secrets of the storage."""


class NewAttachment(Spec):
    """API: https://docs.openstack.org/api-ref/block-storage/v3/#create-attachment"""

    volume_id: Annotated[str, Wire("volume_uuid")]
    instance: Annotated[str | None, Wire("instance_uuid")] = None
    connector: dict[str, Any] | None = None
    mode: str | None = None


class EditAttachment(Spec):
    """API: https://docs.openstack.org/api-ref/block-storage/v3/#update-an-attachment"""

    connector: dict[str, Any]


class Transfer(Resource):
    """A volume on its way to another project. API: https://docs.openstack.org/api-ref/block-storage/v3/#show-volume-transfer-detail"""

    place: ClassVar[Place] = Place(
        "/volume-transfers",
        one="transfer",
        many="transfers",
        detail="/volume-transfers/detail",
        by_name="list",
        microversion="3.57",
    )

    volume_id: Text = ""
    auth_key: Annotated[str | None, Field(repr=False)] = None
    """What the other project needs to accept it; only in the answer to a create."""
    no_snapshots: bool | None = None
    accepted: bool | None = None
    source_project_id: str | None = None
    destination_project_id: str | None = None
    created_at: str | None = None
    links: list[dict[str, Any]] = []


class NewTransfer(Spec):
    """API: https://docs.openstack.org/api-ref/block-storage/v3/#create-a-volume-transfer"""

    volume_id: str
    name: str | None = None
    no_snapshots: bool | None = None


class Transfers(NamedCreatable[Transfer, New], Generic[New]):
    """The transfers of a project."""

    async def accept(self, transfer: Which, auth_key: str) -> Transfer:
        """Take over a volume. API: https://docs.openstack.org/api-ref/block-storage/v3/#accept-a-volume-transfer"""
        path = join("volume-transfers", self._id(transfer), "accept")
        body = {"accept": {"auth_key": auth_key}}
        return self._read(await self.endpoint.post(path, json=body, microversion=self.resource.place.microversion))
