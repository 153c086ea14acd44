"""Devices, their profiles and requests for them. API: https://docs.openstack.org/api-ref/accelerator/"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Generic, ParamSpec

from aiocloud._json import load_json, mapping, mappings
from aiocloud.collection import Creatable, Listing
from aiocloud.endpoint import Endpoint
from aiocloud.errors import NormalizationError
from aiocloud.model import Place, Resource, Spec, Text, Which, Wire, read_one
from aiocloud.services.base import ServiceProxy

New = ParamSpec("New")


class Device(Resource):
    """API: https://docs.openstack.org/api-ref/accelerator/#devices"""

    place: ClassVar[Place] = Place("/devices", one="device", many="devices", by_name="list")

    id: Annotated[Text, Wire("uuid")] = ""
    type: str | None = None
    vendor: str | None = None
    model: str | None = None
    hostname: str | None = None
    status: str | None = None
    std_board_info: Any = None
    vendor_board_info: Any = None
    created_at: str | None = None
    updated_at: str | None = None
    links: list[dict[str, Any]] = []


class Deployable(Resource):
    """A part of a device. API: https://docs.openstack.org/api-ref/accelerator/#deployables"""

    place: ClassVar[Place] = Place("/deployables", one="deployable", many="deployables", by_name="list")

    id: Annotated[Text, Wire("uuid")] = ""
    device_id: str | None = None
    num_accelerators: int | None = None
    parent_id: str | None = None
    root_id: str | None = None
    bitstream_id: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    links: list[dict[str, Any]] = []


class Attribute(Resource):
    """What a deployable is like. API: https://docs.openstack.org/api-ref/accelerator/#attributes"""

    place: ClassVar[Place] = Place("/attributes", one="attribute", many="attributes", by_name="list")

    id: Annotated[Text, Wire("uuid")] = ""
    deployable_id: str | None = None
    key: str | None = None
    value: str | None = None
    created_at: str | None = None
    updated_at: str | None = None


class DeviceProfile(Resource):
    """What a server wants of accelerators. API: https://docs.openstack.org/api-ref/accelerator/#device-profiles"""

    place: ClassVar[Place] = Place("/device_profiles", one="device_profile", many="device_profiles", by_name="list")

    id: Annotated[Text, Wire("uuid")] = ""
    description: str | None = None
    groups: list[dict[str, Any]] = []
    created_at: str | None = None
    updated_at: str | None = None
    links: list[dict[str, Any]] = []


class NewDeviceProfile(Spec):
    """API: https://docs.openstack.org/api-ref/accelerator/#post-device-profile"""

    name: str
    groups: list[dict[str, str]]
    description: str | None = None


class AcceleratorRequest(Resource):
    """One accelerator that a server shall have. API: https://docs.openstack.org/api-ref/accelerator/#accelerator-requests"""

    place: ClassVar[Place] = Place("/accelerator_requests", one="arq", many="arqs", by_name="list")

    id: Annotated[Text, Wire("uuid")] = ""
    state: Text = ""
    """Initial, BindStarted, Bound, Unbound, BindFailed, Deleting."""
    device_profile_name: str | None = None
    device_profile_group_id: int | None = None
    device_rp_uuid: str | None = None
    hostname: str | None = None
    instance_uuid: str | None = None
    attach_handle_type: str | None = None
    attach_handle_info: Any = None
    project_id: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    links: list[dict[str, Any]] = []


class NewAcceleratorRequest(Spec):
    """API: https://docs.openstack.org/api-ref/accelerator/#create-accelerator-requests"""

    device_profile_name: str
    image_uuid: str | None = None


class DeviceProfiles(Creatable[DeviceProfile, New], Generic[New]):
    """The device profiles of the cloud."""

    async def create_from(self, spec: Spec) -> DeviceProfile:
        """Make one; Cyborg takes a list of one."""
        return self._read(await self.endpoint.post("/device_profiles", json=[spec.body()]))


class AcceleratorRequests(Creatable[AcceleratorRequest, New], Generic[New]):
    """The accelerator requests of a project."""

    async def create_many(self, spec: Spec) -> list[AcceleratorRequest]:
        """Make one for each group of the device profile."""
        path = "/accelerator_requests"
        answer = mapping(load_json((await self.endpoint.post(path, json=spec.body())).content, path))
        strict, origin = self.endpoint.options.strict, self.endpoint.location
        rows = mappings(answer.get("arqs"))
        return [read_one(AcceleratorRequest, row, strict=strict, origin=origin, where=path) for row in rows]

    async def create_from(self, spec: Spec) -> AcceleratorRequest:
        """Make them, and give the first. Raises NormalizationError when none was made."""
        made = await self.create_many(spec)
        if not made:
            raise NormalizationError("POST /accelerator_requests answered with no accelerator request")
        return made[0]

    async def delete(self, name_or_id: Which, ignore_missing: bool = True) -> bool:
        """Remove it: True, or False when it was not there."""
        found = await self.find(name_or_id)
        if found is None:
            if not ignore_missing:
                raise self.missing(name_or_id)
            return False
        await self.endpoint.delete("/accelerator_requests", params={"arqs": found.id})
        return True

    async def patch(self, patches: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        """Bind or unbind, by JSON patches for each id. API: https://docs.openstack.org/api-ref/accelerator/#update-accelerator-requests"""
        body = {id: [dict(step) for step in patch] for id, patch in patches.items()}
        await self.endpoint.patch("/accelerator_requests", json=body)


class Accelerator(ServiceProxy):
    """Devices that make servers faster."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.devices = Listing(endpoint, Device)
        self.deployables = Listing(endpoint, Deployable)
        self.attributes = Listing(endpoint, Attribute)
        self.device_profiles = DeviceProfiles(endpoint, DeviceProfile, NewDeviceProfile)
        self.accelerator_requests = AcceleratorRequests(endpoint, AcceleratorRequest, NewAcceleratorRequest)
