"""What Nova leaves out of a server: the names of images, the volumes, the security groups. Three requests for them all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiocloud.concurrent import concurrently
from aiocloud.model import Resource
from aiocloud.region import Region
from aiocloud.services.compute.server import AttachedVolume, SecurityGroupName, Server, ServerImage

__all__ = ["with_details"]


async def with_details(cloud: Region, servers: Sequence[Server]) -> list[Server]:
    """The servers with the names of their images, and their volumes and security groups in full.

    A constant number of requests, all at once, each only where some server has such a thing.
    """
    found: dict[str, dict[str, Resource]] = {"images": {}, "volumes": {}, "groups": {}}

    async def images() -> None:
        found["images"] = {image.id: image for image in await cloud.image.images.list()}

    async def volumes() -> None:
        found["volumes"] = {volume.id: volume for volume in await cloud.block_storage.volumes.list()}

    async def groups() -> None:
        found["groups"] = {group.name: group for group in await cloud.network.security_groups.list()}

    async with concurrently() as group:
        if any(server.image for server in servers):
            group.start_soon(images)
        if any(server.volumes for server in servers) and await cloud.has_service("block-storage"):
            group.start_soon(volumes)
        if any(server.security_groups for server in servers) and await cloud.has_service("network"):
            group.start_soon(groups)
    return [_detailed(server, found) for server in servers]


def _detailed(server: Server, found: dict[str, dict[str, Resource]]) -> Server:
    changes: dict[str, Any] = {}
    if server.image and (image := found["images"].get(server.image.id)):
        changes["image"] = ServerImage(id=image.id, name=image.name)
    if server.volumes:
        changes["volumes"] = [_volume(attached, found["volumes"].get(attached.id)) for attached in server.volumes]
    if server.security_groups:
        changes["security_groups"] = [
            SecurityGroupName(name=group.name, id=found["groups"][group.name].id)
            if group.name in found["groups"]
            else group
            for group in server.security_groups
        ]
    return server.changed(**changes) if changes else server


def _volume(attached: AttachedVolume, volume: Resource | None) -> AttachedVolume:
    if volume is None:
        return attached
    return attached.model_copy(update={"name": volume.name, "size": volume.get("size")})
