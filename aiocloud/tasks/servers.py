"""Servers, the way users think of them: by name, with an address, made and removed for good."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from aiocloud._json import is_object
from aiocloud.concurrent import concurrently
from aiocloud.errors import CloudError, InvalidRequest, Leftover, NotFound
from aiocloud.match import as_filters, can_be_id, matches, named, only
from aiocloud.model import Which
from aiocloud.progress import OnProgress
from aiocloud.region import Region
from aiocloud.services.compute.server import Server
from aiocloud.tasks.addresses import with_addresses
from aiocloud.tasks.boot import Boot
from aiocloud.tasks.details import with_details
from aiocloud.tasks.facts import floating_ips, ports_of
from aiocloud.tasks.making import LONGEST_PAUSE, Giving, look_up_addresses, make_server, wait_and_give
from aiocloud.tasks.undo import Undo
from aiocloud.tasks.user_data import UserData, encoded

__all__ = [
    "create_server",
    "delete_server",
    "get_active_server",
    "get_server",
    "get_server_by_id",
    "get_server_id",
    "list_servers",
    "rebuild_server",
    "search_servers",
    "update_server",
    "wait_for_server",
]


async def list_servers(
    cloud: Region,
    detailed: bool = False,
    all_projects: bool = False,
    bare: bool = False,
    filters: Mapping[str, Any] | None = None,
) -> list[Server]:
    """All servers, with their addresses set right from Neutron and `public_v4` and its kin worked out.

    That costs three more requests, however many servers there are; `bare` leaves them out; `detailed` adds the names of
    images, volumes and security groups: one more for each of these kinds that is needed. `filters` go to Nova, except
    for nested ones, such as `metadata`, which are compared here; `all_projects` needs an administrator.
    """
    wanted = as_filters(filters)
    nested = {key: value for key, value in wanted.items() if is_object(value)}
    asked = {key: value for key, value in wanted.items() if key not in nested}
    servers = await cloud.compute.servers.list(asked, **_everywhere(all_projects))
    return await _dress(cloud, [s for s in servers if matches(s, nested)], detailed=detailed, bare=bare)


def _everywhere(all_projects: bool) -> dict[str, Any]:
    return {"all_projects": True} if all_projects else {}


async def _dress(cloud: Region, servers: Sequence[Server], *, detailed: bool, bare: bool) -> list[Server]:
    if bare:
        return list(servers)
    return await (with_details if detailed else with_addresses)(cloud, servers)


async def search_servers(
    cloud: Region,
    name_or_id: str | None = None,
    filters: Mapping[str, Any] | None = None,
    detailed: bool = False,
    all_projects: bool = False,
    bare: bool = False,
) -> list[Server]:
    """The servers whose name or id is this, or fits this shell pattern, and for which all filters hold.

    `filters` are compared here, by our names or Nova's. What comes back is dressed as `list_servers` does.
    """
    if name_or_id is None or can_be_id(name_or_id):
        found = await cloud.compute.servers.list(**_everywhere(all_projects))
    else:
        found = await cloud.compute.servers.search(name_or_id, **_everywhere(all_projects))
    kept = [s for s in found if (name_or_id is None or named(s, name_or_id)) and matches(s, filters or {})]
    return await _dress(cloud, kept, detailed=detailed, bare=bare)


async def get_server(
    cloud: Region,
    name_or_id: Which | None = None,
    filters: Mapping[str, Any] | None = None,
    detailed: bool = False,
    bare: bool = False,
    all_projects: bool = False,
) -> Server | None:
    """The server with this name or id, or None. Raises Ambiguous when several have the name.

    By default its addresses are set right from Neutron; `detailed` adds everything (image, volumes, security groups);
    `bare` makes no extra request, and is normalized all the same. `all_projects` looks for the name in every project, for
    which it needs an administrator.
    """
    if name_or_id is None:
        found = await search_servers(cloud, None, filters, bare=True, all_projects=all_projects)
        server = found[0] if len(found) == 1 else None
        if len(found) > 1:
            raise InvalidRequest(f"{len(found)} servers fit these filters: name one", cloud=cloud.name)
    else:
        server = await cloud.compute.servers.find(name_or_id, filters)
        if server is None and all_projects and isinstance(name_or_id, str):
            server = await _find_everywhere(cloud, name_or_id, filters)
    if server is None:
        return None
    return (await _dress(cloud, [server], detailed=detailed, bare=bare))[0]


async def _find_everywhere(cloud: Region, name: str, filters: Mapping[str, Any] | None) -> Server | None:
    servers = cloud.compute.servers
    called = [s for s in await servers.list(name=f"^{re.escape(name)}$", all_projects=True) if s.name == name]
    return only([s for s in called if matches(s, filters or {})], name, servers.kind)


async def get_server_by_id(cloud: Region, id: str) -> Server | None:
    """The server with this id, or None; its addresses set right."""
    try:
        server = await cloud.compute.servers.get(id)
    except NotFound:
        return None
    return (await with_addresses(cloud, [server]))[0]


async def get_server_id(cloud: Region, name_or_id: Which) -> str | None:
    """The id of the server with this name or id, or None."""
    server = await cloud.compute.servers.find(name_or_id)
    return server.id if server else None


async def create_server(
    cloud: Region,
    name: str,
    image: Which | None = None,
    flavor: Which | None = None,
    auto_ip: bool = True,
    ips: Sequence[str] | None = None,
    ip_pool: Which | None = None,
    root_volume: Which | None = None,
    terminate_volume: bool = False,
    wait: bool = False,
    timeout: float = 180,
    reuse_ips: bool = False,
    network: Which | Sequence[Which] | None = None,
    boot_from_volume: bool = False,
    volume_size: int | str = 50,
    boot_volume: Which | None = None,
    volumes: Sequence[Which] | None = None,
    nat_destination: str | None = None,
    group: Which | None = None,
    *,
    nics: Sequence[Mapping[str, Any]] | Mapping[str, Any] | None = None,
    security_groups: Sequence[Which] | Which | None = None,
    key_name: Which | None = None,
    userdata: UserData | None = None,
    config_drive: bool | None = None,
    meta: Mapping[str, str] | None = None,
    tags: Sequence[str] | None = None,
    availability_zone: str | None = None,
    min_count: int | None = None,
    max_count: int | None = None,
    admin_pass: str | None = None,
    disk_config: str | None = None,
    description: str | None = None,
    hostname: str | None = None,
    scheduler_hints: Mapping[str, Any] | None = None,
    block_device_mapping_v2: Sequence[Mapping[str, Any]] | None = None,
    extra_body: Mapping[str, Any] | None = None,
    progress: OnProgress = None,
) -> Server:
    """Make a server; image, flavor, network and the rest by name, id, resource or `{"id": ...}`.

    With `wait`, it comes back ACTIVE and, with `auto_ip`, reachable: by its address straight from the network, or
    through a floating IP created with its port. Without `wait` it comes back while it is being built, and `auto_ip`
    keeps its promise when it is waited for with `wait_for_server`. `timeout` is in seconds, as there; `volume_size` in GiB.
    `userdata` is text, bytes or an open file, which is not moved.

    Raises InvalidRequest for a name that is not there, ResourceFailed with Nova's words when it ends in ERROR,
    NoPublicAddress saying why, Timeout. Then, and when it is cancelled, what was made is removed again; what could not be
    is named in the error's `leftovers`. While it is waited for, `progress` is told at each look, in per cent.
    """
    boot = Boot(
        name=name,
        image=image,
        flavor=flavor,
        network=network,
        nics=nics,
        group=group,
        key_name=key_name,
        security_groups=security_groups,
        userdata=await encoded(userdata),
        config_drive=config_drive,
        meta=meta,
        tags=tags,
        availability_zone=availability_zone,
        min_count=min_count,
        max_count=max_count,
        admin_pass=admin_pass,
        disk_config=disk_config,
        description=description,
        hostname=hostname,
        scheduler_hints=scheduler_hints,
        block_device_mapping=block_device_mapping_v2,
        boot_from_volume=boot_from_volume,
        volume_size=int(volume_size),
        boot_volume=boot_volume if boot_volume is not None else root_volume,
        terminate_volume=terminate_volume,
        volumes=volumes or (),
        extra_body=extra_body,
    )
    giving = Giving(auto_ip, ips, ip_pool, reuse_ips, nat_destination)
    return await make_server(cloud, boot, giving, wait=wait, timeout=timeout, progress=progress)


async def wait_for_server(
    cloud: Region,
    server: Which,
    auto_ip: bool = True,
    ips: Sequence[str] | None = None,
    ip_pool: Which | None = None,
    reuse: bool = False,
    timeout: float = 180,
    nat_destination: str | None = None,
    *,
    progress: OnProgress = None,
) -> Server:
    """Wait until a server is ACTIVE and, with `auto_ip`, has an address that it can be reached by.

    Raises ResourceFailed with Nova's words when it ends in ERROR or disappears, NoPublicAddress saying why, Timeout after
    `timeout` seconds; one that is ACTIVE just in time has half a minute more for its address. The server itself is left as
    it is. `progress` is told at each look, in per cent.
    """
    server_id = await cloud.compute.servers.id_of(server)
    giving = await look_up_addresses(cloud, Giving(auto_ip, ips, ip_pool, reuse, nat_destination))
    async with Undo(cloud) as undo:
        return await wait_and_give(cloud, server_id, giving, undo, timeout=timeout, progress=progress)


async def get_active_server(
    cloud: Region,
    server: Which,
    auto_ip: bool = True,
    ips: Sequence[str] | None = None,
    ip_pool: Which | None = None,
    reuse: bool = False,
    wait: bool = False,
    timeout: float = 180,
    nat_destination: str | None = None,
    *,
    progress: OnProgress = None,
) -> Server | None:
    """The server when it is ACTIVE, with its address seen to; None while it is still being built.

    With `wait` it is waited for. Raises as `wait_for_server` does.
    """
    if not wait:
        seen = await cloud.compute.servers.get(server)
        if seen.status not in ("ACTIVE", "ERROR"):
            return None
    return await wait_for_server(
        cloud, server, auto_ip, ips, ip_pool, reuse, timeout, nat_destination, progress=progress
    )


async def update_server(
    cloud: Region,
    name_or_id: Which,
    detailed: bool = False,
    bare: bool = False,
    *,
    name: str | None = None,
    description: str | None = None,
    hostname: str | None = None,
    access_ipv4: str | None = None,
    access_ipv6: str | None = None,
) -> Server:
    """Change a server's name, description, host name or access addresses, and give its new state."""
    given = {
        "name": name,
        "description": description,
        "hostname": hostname,
        "access_ipv4": access_ipv4,
        "access_ipv6": access_ipv6,
    }
    changes: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    server = await cloud.compute.servers.update(await cloud.compute.servers.require(name_or_id), **changes)
    return (await _dress(cloud, [server], detailed=detailed, bare=bare))[0]


async def rebuild_server(
    cloud: Region,
    server_id: Which,
    image_id: Which,
    admin_pass: str | None = None,
    detailed: bool = False,
    bare: bool = False,
    wait: bool = False,
    timeout: float = 180,
    *,
    progress: OnProgress = None,
) -> Server:
    """Make a server's root disk anew from an image; with `wait`, until it is ACTIVE again."""
    image = await cloud.image.images.id_of(image_id)
    server = await cloud.compute.servers.rebuild(server_id, image, admin_pass=admin_pass)
    if not wait:
        return server
    done = await wait_for_server(cloud, server, auto_ip=False, timeout=timeout, progress=progress)
    return (await _dress(cloud, [done], detailed=detailed, bare=bare))[0].changed(admin_pass=server.admin_pass)


async def delete_server(
    cloud: Region,
    name_or_id: Which,
    wait: bool = False,
    timeout: float = 180,
    delete_ips: bool = False,
    delete_ip_retry: int = 1,
    *,
    progress: OnProgress = None,
) -> bool:
    """Remove a server: True, or False when it was not there.

    `delete_ips` removes the floating IPs that lead to it first; when one can't be removed the server stays, and the error
    says so. With `wait`, until Nova no longer knows it, at most `timeout` seconds.
    """
    servers = cloud.compute.servers
    id = ""
    if not isinstance(name_or_id, str):
        id = await servers.id_of(name_or_id)
    elif can_be_id(name_or_id):
        id = name_or_id
    elif found := await servers.find(name_or_id):
        id = found.id
    if not id:
        return False
    if delete_ips:
        await _delete_ips(cloud, id, tries=1 + delete_ip_retry)
    deleted = await servers.delete({"id": id})
    if not deleted and id == name_or_id and (found := await servers.find(id)):
        # A name can look like an id: when no server has the id, perhaps one has the name.
        return await delete_server(cloud, found, wait, timeout, delete_ips, delete_ip_retry, progress=progress)
    if wait and deleted:
        await servers.wait_until_gone({"id": id}, timeout=timeout, interval=LONGEST_PAUSE, progress=progress)
    return deleted


async def _delete_ips(cloud: Region, server_id: str, *, tries: int) -> None:
    """Remove the floating IPs of a server's ports, all at once. Raises the first failure, naming what is left."""
    if not await cloud.has_service("network"):
        return
    ports = {port.id for port in await ports_of(cloud).look(server_id) or ()}
    ips = [ip for ip in await floating_ips(cloud) or () if ip.port_id in ports] if ports else []
    failed: list[tuple[str, CloudError]] = []

    async def delete(id: str) -> None:
        for left in reversed(range(tries)):
            try:
                await cloud.network.floating_ips.delete({"id": id})
            except CloudError as error:
                if not left:
                    failed.append((id, error))
            else:
                return

    async with concurrently() as group:
        for ip in ips:
            group.start_soon(delete, ip.id)
    if failed:
        left = [Leftover("floating IP", id, why=error.message) for id, error in failed]
        raise failed[0][1].leaving([*left, Leftover("server", server_id, None, "not deleted")])
