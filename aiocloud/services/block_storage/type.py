"""Volume types, and the QoS specs behind them. API: https://docs.openstack.org/api-ref/block-storage/v3/#volume-types-types"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Generic, Literal, ParamSpec

from aiocloud._json import load_json, mapping, mappings
from aiocloud.collection import Collection
from aiocloud.model import NullAs, Place, Resource, Spec, Text, Which, Wire
from aiocloud.paths import join

__all__ = ["EditQoSSpec", "EditVolumeType", "NewQoSSpec", "NewVolumeType", "QoSSpec", "VolumeType", "VolumeTypes"]

New = ParamSpec("New")
Edit = ParamSpec("Edit")


class VolumeType(Resource):
    """A kind of volume. API: https://docs.openstack.org/api-ref/block-storage/v3/#show-volume-type-detail"""

    place: ClassVar[Place] = Place(
        "/types",
        one="volume_type",
        many="volume_types",
        by_name="list",
        query={"is_public": "None"},  # administrators would see public ones alone
    )

    description: str | None = None
    extra_specs: Annotated[dict[str, Any], NullAs({})] = {}
    is_public: Annotated[bool, NullAs(True)] = True
    access_is_public: Annotated[bool | None, Wire("os-volume-type-access:is_public")] = None
    """The same, where that extension tells it, too."""
    qos_specs_id: str | None = None


class NewVolumeType(Spec):
    """API: https://docs.openstack.org/api-ref/block-storage/v3/#create-a-volume-type"""

    name: str
    description: str | None = None
    is_public: Annotated[bool | None, Wire("os-volume-type-access:is_public")] = None
    extra_specs: dict[str, str] | None = None


class EditVolumeType(Spec):
    """API: https://docs.openstack.org/api-ref/block-storage/v3/#update-a-volume-type"""

    name: str | None = None
    description: str | None = None
    is_public: bool | None = None


class VolumeTypes(Collection[VolumeType, New, Edit], Generic[New, Edit]):
    """The volume types that a project may use."""

    async def default(self) -> VolumeType:
        """The one that volumes are made of when none is named."""
        return self._read(await self.endpoint.get("/types/default"))

    async def set_extra_specs(self, volume_type: Which, extra_specs: Mapping[str, str]) -> dict[str, str]:
        """Add or change extra specs. For administrators."""
        path = join("types", await self.id_of(volume_type), "extra_specs")
        answer = load_json((await self.endpoint.post(path, json={"extra_specs": dict(extra_specs)})).content, path)
        return dict(mapping(mapping(answer).get("extra_specs")))

    async def unset_extra_specs(self, volume_type: Which, *keys: str) -> None:
        """Remove extra specs. For administrators."""
        type_id = await self.id_of(volume_type)
        for key in keys:
            await self.endpoint.delete(join("types", type_id, "extra_specs", key))

    async def access(self, volume_type: Which) -> list[str]:
        """The ids of the projects that may use a type that is not public. For administrators."""
        path = join("types", await self.id_of(volume_type), "os-volume-type-access")
        answer = mapping(load_json((await self.endpoint.get(path)).content, path))
        return [str(row.get("project_id")) for row in mappings(answer.get("volume_type_access"))]

    async def add_access(self, volume_type: Which, project_id: str) -> None:
        """Let a project use a type that is not public."""
        await self._action(volume_type, "addProjectAccess", project_id)

    async def remove_access(self, volume_type: Which, project_id: str) -> None:
        """Take that away again."""
        await self._action(volume_type, "removeProjectAccess", project_id)

    async def _action(self, volume_type: Which, action: str, project_id: str) -> None:
        path = join("types", await self.id_of(volume_type), "action")
        await self.endpoint.post(path, json={action: {"project": project_id}})


class QoSSpec(Resource):
    """How fast volumes of a type are. API: https://docs.openstack.org/api-ref/block-storage/v3/#quality-of-service-qos-specifications-qos-specs"""

    place: ClassVar[Place] = Place("/qos-specs", one="qos_specs", many="qos_specs", by_name="list")

    consumer: Text = ""
    """back-end, front-end or both."""
    specs: Annotated[dict[str, Any], NullAs({})] = {}


class NewQoSSpec(Spec):
    """Its specs go through `extra_body`. API: https://docs.openstack.org/api-ref/block-storage/v3/#create-a-qos-specification"""

    name: str
    consumer: Literal["back-end", "front-end", "both"] | None = None


class EditQoSSpec(Spec):
    """Its specs go through `extra_body`. API: https://docs.openstack.org/api-ref/block-storage/v3/#set-keys-in-a-qos-specification"""

    consumer: Literal["back-end", "front-end", "both"] | None = None
