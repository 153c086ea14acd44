"""What Nova leaves out of a server: the names of images, the volumes, the security groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiocloud.concurrent import concurrently
from aiocloud.model import Resource
from aiocloud.region import Region
from aiocloud.services.compute.server import AttachedVolume, SecurityGroupName, Server, ServerImage
from aiocloud.tasks.addresses import join_addresses
from aiocloud.tasks.facts import find_facts

__all__ = ["with_details"]


# As many ids as a URL may hold; more images than that are listed whole.
_BY_ID = 100


async def with_details(cloud: Region, servers: Sequence[Server]) -> list[Server]:
    """The servers with their addresses, the names of their images, and their volumes and security groups in full.

    A constant number of requests, all at once, each only where some server has such a thing.
    """
    if not servers:
        return []
    found: dict[str, dict[str, Resource]] = {"images": {}, "volumes": {}, "groups": {}}

    async def images() -> None:
        ids = {server.image.id for server in servers if server.image}
        query: dict[str, Any] = {"id": f"in:{','.join(sorted(ids))}"} if 1 < len(ids) <= _BY_ID else {}
        if len(ids) == 1:
            query = {"id": next(iter(ids))}
        found["images"] = {image.id: image for image in await cloud.image.images.list({**query, "limit": 1000})}

    async def volumes() -> None:
        if await cloud.has_service("block-storage"):
            found["volumes"] = {volume.id: volume for volume in await cloud.block_storage.volumes.list()}

    async with concurrently() as group:
        if any(server.image for server in servers):
            group.start_soon(images)
        if any(server.volumes for server in servers):
            group.start_soon(volumes)
        facts = await find_facts(cloud, [server.id for server in servers])
    joined = join_addresses(cloud, servers, facts)
    ids = {port.device_id: port.security_group_ids for port in facts.ports}
    if facts.ports and any(len(server.security_groups) > 1 for server in servers):
        listed = await cloud.network.security_groups.list(fields=["id", "name"])
        found["groups"] = {group.id: group for group in listed}
    return [_detailed(server, found, ids.get(server.id, [])) for server in joined]


def _detailed(server: Server, found: dict[str, dict[str, Resource]], group_ids: Sequence[str]) -> Server:
    changes: dict[str, Any] = {}
    if server.image and (image := found["images"].get(server.image.id)):
        changes["image"] = ServerImage(id=image.id, name=image.name)
    if server.volumes:
        changes["volumes"] = [_volume(attached, found["volumes"].get(attached.id)) for attached in server.volumes]
    if server.security_groups:
        changes["security_groups"] = _groups(server.security_groups, found["groups"], group_ids)
    return server.changed(**changes) if changes else server


def _groups(
    named: Sequence[SecurityGroupName], known: dict[str, Resource], ids: Sequence[str]
) -> list[SecurityGroupName]:
    """The groups with their ids: those of the port; Nova names them only. One name and one id need no question."""
    names = list(dict.fromkeys(group.name for group in named))
    if len(names) == len(ids) == 1:
        return [SecurityGroupName(name=names[0], id=ids[0])]
    by_name = {known[id].name: id for id in ids if id in known}
    return [SecurityGroupName(name=name, id=by_name.get(name)) for name in names]


def _volume(attached: AttachedVolume, volume: Resource | None) -> AttachedVolume:
    if volume is None:
        return attached
    return attached.model_copy(update={"name": volume.name, "size": volume.get("size")})
