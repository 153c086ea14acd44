"""Accelerators. API: https://docs.openstack.org/api-ref/accelerator/"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiocloud.model import Which
from aiocloud.region import Region
from aiocloud.services.accelerator.service import AcceleratorRequest, DeviceProfile
from aiocloud.services.jsonpatch import patch_of

__all__ = [
    "bind_accelerator_request",
    "create_accelerator_request",
    "create_device_profile",
    "delete_accelerator_request",
    "delete_device_profile",
    "patch_accelerator_request",
    "unbind_accelerator_request",
]

Filters = Mapping[str, Any] | None


async def create_device_profile(cloud: Region, attrs: Mapping[str, Any]) -> DeviceProfile:
    """Make a device profile: `name`, `groups` and perhaps `description`."""
    return await cloud.accelerator.device_profiles.create(**attrs)


async def delete_device_profile(cloud: Region, uuid: Which, filters: Filters = None) -> bool:
    """Remove a device profile: True, or False when it was not there."""
    profiles = cloud.accelerator.device_profiles
    found = await profiles.find(uuid, filters)
    return found is not None and await profiles.delete(found)


async def create_accelerator_request(cloud: Region, attrs: Mapping[str, Any]) -> AcceleratorRequest:
    """Ask for what a device profile describes: `device_profile_name`. Gives the first request that comes of it."""
    return await cloud.accelerator.accelerator_requests.create(**attrs)


async def delete_accelerator_request(cloud: Region, uuid: Which, filters: Filters = None) -> bool:
    """Remove an accelerator request: True, or False when it was not there."""
    requests = cloud.accelerator.accelerator_requests
    found = await requests.find(uuid, filters)
    return found is not None and await requests.delete(found)


async def patch_accelerator_request(
    cloud: Region, uuid: Which, patch: Sequence[Mapping[str, Any]]
) -> AcceleratorRequest:
    """Change an accelerator request by a JSON Patch, and give its new state."""
    requests = cloud.accelerator.accelerator_requests
    found = await requests.require(uuid)
    await requests.patch({found.id: patch})
    return await requests.get(found)


async def bind_accelerator_request(cloud: Region, uuid: Which, properties: Mapping[str, Any]) -> AcceleratorRequest:
    """Bind a request to a server: `hostname`, `instance_uuid` and `device_rp_uuid`."""
    return await patch_accelerator_request(cloud, uuid, patch_of(properties))


async def unbind_accelerator_request(cloud: Region, uuid: Which, properties: Mapping[str, Any]) -> AcceleratorRequest:
    """Take a request off its server; `properties` as they were bound."""
    return await patch_accelerator_request(cloud, uuid, patch_of(dict.fromkeys(properties)))
