"""Compute's smaller verbs: quotas, limits, zones, groups, consoles, keypairs, aggregates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from aiocloud._json import is_array
from aiocloud.errors import BadRequest, Conflict, InvalidRequest, NotFound
from aiocloud.match import matches
from aiocloud.model import Resource, Which, read_one, text_of
from aiocloud.paths import join
from aiocloud.progress import OnProgress
from aiocloud.reconcile import MARK
from aiocloud.region import Region
from aiocloud.services.compute.host import Aggregate, ServerGroup
from aiocloud.services.compute.keypair import Keypair
from aiocloud.services.compute.quota import ComputeLimits, ComputeQuotas, ComputeUsage
from aiocloud.services.compute.server import Server
from aiocloud.services.image.image import Image
from aiocloud.tasks.image_records import made_elsewhere
from aiocloud.tasks.lookup import project_id_of
from aiocloud.tasks.undo import Undo

R = TypeVar("R", bound=Resource)

__all__ = [
    "add_host_to_aggregate",
    "add_server_security_groups",
    "create_aggregate",
    "create_image_snapshot",
    "create_keypair",
    "create_server_group",
    "delete_compute_quotas",
    "delete_keypair",
    "delete_server_metadata",
    "get_compute_limits",
    "get_compute_quotas",
    "get_compute_usage",
    "get_keypair",
    "get_server_console",
    "get_server_private_ip",
    "get_server_public_ip",
    "list_availability_zone_names",
    "list_server_security_groups",
    "remove_host_from_aggregate",
    "remove_server_security_groups",
    "set_aggregate_metadata",
    "set_compute_quotas",
    "set_server_metadata",
]


async def create_keypair(cloud: Region, name: str, public_key: str | None = None) -> Keypair:
    """Bring in a public key. Without one Nova makes the pair, and `private_key` is only in this answer.

    Nova 2.92 stopped making keys, so that is asked of it as of 2.91.
    https://docs.openstack.org/nova/latest/reference/api-microversion-history.html
    """
    if public_key is not None:
        return await cloud.compute.keypairs.create(name=name, public_key=public_key)
    response = await cloud.compute.post("/os-keypairs", json={"keypair": {"name": name}}, microversion="2.91")
    strict = cloud.options.strict
    origin = cloud.compute.endpoint.location
    return read_one(Keypair, response.content, strict=strict, origin=origin, where="POST /os-keypairs")


async def get_keypair(
    cloud: Region, name_or_id: Which, filters: Mapping[str, Any] | None = None, user_id: str | None = None
) -> Keypair | None:
    """The keypair with this name, or None; another user's, given by id, needs an administrator."""
    keypairs = cloud.compute.keypairs
    if user_id is None:
        return await keypairs.find(name_or_id, filters)
    name = text_of(name_or_id, keypairs.kind, "name", "id")
    theirs = await keypairs.list(user_id=user_id)
    return next((pair for pair in theirs if pair.name == name and matches(pair, filters or {})), None)


async def delete_keypair(cloud: Region, name: Which, ignore_missing: bool = True) -> bool:
    """Remove a keypair: True, or False when it was not there (NotFound instead when `ignore_missing` is False)."""
    return await cloud.compute.keypairs.delete(name, ignore_missing)


async def create_image_snapshot(
    cloud: Region,
    name: str,
    server: Which,
    wait: bool = False,
    timeout: float = 3600,
    *,
    progress: OnProgress = None,
    **metadata: str,
) -> Image:
    """Make an image of a server's disk as it is now, with `metadata` on it; with `wait`, until it is active.

    An image of a server on volumes has no content, and says of which snapshots its disks are to be made: each volume gets one.
    When it fails, is cancelled or, with `wait`, is not active within `timeout` seconds, all of that is removed again. Raises
    ResourceFailed, Timeout.
    """
    servers, images = cloud.compute.servers, cloud.image.images
    server_id = await servers.id_of(server)
    async with Undo(cloud) as undo:

        async def send() -> str:
            return await servers.create_image(server_id, name, {**metadata, MARK: undo.mark})

        async def look() -> list[Image]:
            return [image for image in await images.named(name) if image.get(MARK) == undo.mark]

        image = await made_elsewhere(cloud, undo, name, send, look)
        return await images.wait(image.id, until="active", timeout=timeout, progress=progress) if wait else image


async def list_availability_zone_names(cloud: Region, unavailable: bool = False) -> list[str]:
    """The names of the zones that servers can be placed in; `unavailable` ones too when asked for."""
    return [zone.name for zone in await cloud.compute.availability_zones.list() if unavailable or zone.available]


async def create_server_group(
    cloud: Region, name: str, policies: Sequence[str] | str | None = None, policy: str | None = None
) -> ServerGroup:
    """Make a group whose servers stay together (affinity) or apart (anti-affinity), by its policy."""
    given = [policies] if isinstance(policies, str) else list(policies or ())
    chosen = policy or (given[0] if given else None)
    if chosen is None:
        raise InvalidRequest("a server group needs a policy, such as anti-affinity")
    if await cloud.compute.endpoint.supports("2.64"):
        return await cloud.compute.server_groups.create(name=name, policy=chosen)
    return await cloud.compute.server_groups.create(name=name, policies=[chosen])


async def create_aggregate(cloud: Region, name: str, availability_zone: str | None = None) -> Aggregate:
    """Make a host aggregate. For administrators."""
    given: dict[str, Any] = {"availability_zone": availability_zone} if availability_zone else {}
    return await cloud.compute.aggregates.create(name=name, **given)


async def add_host_to_aggregate(cloud: Region, name_or_id: Which, host_name: str) -> Aggregate:
    """Put a host into an aggregate. For administrators."""
    return await cloud.compute.aggregates.add_host(name_or_id, host_name)


async def remove_host_from_aggregate(cloud: Region, name_or_id: Which, host_name: str) -> Aggregate:
    """Take a host out of an aggregate. For administrators."""
    return await cloud.compute.aggregates.remove_host(name_or_id, host_name)


async def set_aggregate_metadata(cloud: Region, name_or_id: Which, metadata: Mapping[str, str | None]) -> Aggregate:
    """Add or change an aggregate's metadata; None removes a key. For administrators."""
    return await cloud.compute.aggregates.set_metadata(name_or_id, dict(metadata))


async def set_server_metadata(cloud: Region, name_or_id: Which, metadata: Mapping[str, str]) -> None:
    """Add to a server's metadata, or change it."""
    await cloud.compute.servers.set_metadata(await cloud.compute.servers.require(name_or_id), dict(metadata))


async def delete_server_metadata(cloud: Region, name_or_id: Which, metadata_keys: Sequence[str]) -> None:
    """Remove keys of a server's metadata. Raises NotFound for one that is not there."""
    await cloud.compute.servers.delete_metadata(await cloud.compute.servers.require(name_or_id), metadata_keys)


async def get_server_console(cloud: Region, server: Which, length: int | None = None) -> str:
    """A server's console log, the last `length` lines of it; empty when there is none yet."""
    try:
        return await cloud.compute.servers.console_output(server, length)
    except (BadRequest, Conflict):
        return ""


async def get_server_public_ip(cloud: Region, server: Which) -> str:
    """A server's public IPv4 address, "" when it has none."""
    return (await _with_addresses(cloud, server)).public_v4


async def get_server_private_ip(cloud: Region, server: Which) -> str:
    """A server's private IPv4 address, "" when it has none."""
    return (await _with_addresses(cloud, server)).private_v4


async def _with_addresses(cloud: Region, server: Which) -> Server:
    from aiocloud.tasks.addresses import with_addresses

    return (await with_addresses(cloud, [await cloud.compute.servers.require(server)]))[0]


async def list_server_security_groups(cloud: Region, server: Which) -> list[dict[str, Any]]:
    """The security groups of a server, as Nova lists them."""
    server_id = await cloud.compute.servers.id_of(server)
    answer = (await cloud.compute.get(join("servers", server_id, "os-security-groups"))).json()
    return list(answer.get("security_groups", []))


async def add_server_security_groups(cloud: Region, server: Which, security_groups: Sequence[Which] | Which) -> bool:
    """Let security groups apply to a server: True, or False when it is not there."""
    return await _each_group(cloud, server, security_groups, add=True)


async def remove_server_security_groups(cloud: Region, server: Which, security_groups: Sequence[Which] | Which) -> bool:
    """Take security groups off a server: True, or False when one of them did not apply."""
    return await _each_group(cloud, server, security_groups, add=False)


async def _each_group(cloud: Region, server: Which, groups: Sequence[Which] | Which, *, add: bool) -> bool:
    found = await cloud.compute.servers.find(server)
    if found is None:
        return False
    many: Sequence[Any] = groups if is_array(groups) or isinstance(groups, tuple) else [groups]
    for group in many:
        name = group if isinstance(group, str) else str(group.get("name") or group.get("id"))
        try:
            if add:
                await cloud.compute.servers.add_security_group(found, name)
            else:
                await cloud.compute.servers.remove_security_group(found, name)
        except NotFound:
            if add:
                raise
            return False
    return True


async def get_compute_limits(cloud: Region, name_or_id: Which | None = None) -> ComputeLimits:
    """What a project may use and uses of compute; another's needs an administrator."""
    params = {"tenant_id": await project_id_of(cloud, name_or_id)} if name_or_id is not None else None
    answer = (await cloud.compute.get("/limits", params=params, microversion="2.57")).json()
    return _read(cloud, ComputeLimits, answer.get("limits", {}).get("absolute", {}))


async def get_compute_quotas(cloud: Region, name_or_id: Which) -> ComputeQuotas:
    """A project's compute quotas."""
    path = join("os-quota-sets", await project_id_of(cloud, name_or_id))
    return _read(cloud, ComputeQuotas, (await cloud.compute.get(path, microversion="2.57")).json())


async def set_compute_quotas(cloud: Region, name_or_id: Which, **quotas: int) -> ComputeQuotas:
    """Set a project's compute quotas, by Nova's names, whatever it uses already. For administrators."""
    path = join("os-quota-sets", await project_id_of(cloud, name_or_id))
    body = {"quota_set": {**quotas, "force": True}}
    return _read(cloud, ComputeQuotas, (await cloud.compute.put(path, json=body, microversion="2.57")).json())


async def delete_compute_quotas(cloud: Region, name_or_id: Which) -> None:
    """Put a project's compute quotas back to the defaults. For administrators."""
    await cloud.compute.delete(join("os-quota-sets", await project_id_of(cloud, name_or_id)))


async def get_compute_usage(
    cloud: Region, name_or_id: Which, start: datetime | str | None = None, end: datetime | str | None = None
) -> ComputeUsage:
    """What a project used between two times, given as datetimes, or as text in UTC the way Nova reads it.

    A datetime without a zone is in UTC. API: https://docs.openstack.org/api-ref/compute/#show-usage-statistics-for-tenant
    """
    path = join("os-simple-tenant-usage", await project_id_of(cloud, name_or_id))
    given = {"start": start, "end": end}
    params = {k: _utc(v) if isinstance(v, datetime) else v for k, v in given.items() if v is not None}
    return _read(cloud, ComputeUsage, (await cloud.compute.get(path, params=params)).json())


def _utc(when: datetime) -> str:
    """Nova reads times in UTC, and refuses to be told so."""
    return (when.astimezone(UTC) if when.tzinfo else when).replace(tzinfo=None).isoformat()


def _read(cloud: Region, model: type[R], body: Mapping[str, Any]) -> R:
    return read_one(
        model, body, strict=cloud.options.strict, origin=cloud.compute.endpoint.location, where=model.__name__
    )
