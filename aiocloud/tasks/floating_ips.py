"""Floating IPs for servers, by hand: which are free, attach, detach, clean up.

API: https://docs.openstack.org/api-ref/network/v2/#floating-ips-floatingips
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import anyio

from aiocloud.concurrent import concurrently
from aiocloud.errors import InvalidRequest, NoPublicAddress, PreconditionFailed
from aiocloud.model import Resource, Which
from aiocloud.poller import wait_for
from aiocloud.region import Region
from aiocloud.services.compute.server import Server
from aiocloud.services.network.floating_ip import FloatingIP
from aiocloud.services.network.network import Network
from aiocloud.tasks.addresses import find_networks, look_at, reach, with_addresses
from aiocloud.tasks.lookup import by_id
from aiocloud.tasks.plans import Fixed

__all__ = [
    "add_auto_ip",
    "add_ip_list",
    "add_ips_to_server",
    "available_floating_ip",
    "create_floating_ip",
    "delete_floating_ip",
    "delete_unattached_floating_ips",
    "detach_ip_from_server",
    "get_floating_ip",
    "get_floating_ip_by_id",
    "list_floating_ip_pools",
    "search_floating_ip_pools",
    "search_floating_ips",
]


async def add_auto_ip(
    cloud: Region, server: Which, wait: bool = False, timeout: float = 60, reuse: bool = False
) -> str:
    """See to it that a server has an address that it can be reached by, and give that address.

    `reuse` takes a free floating IP of the project first, if there is one. `wait` is there for scripts that pass it: the
    floating IP is created with its port, so there is nothing left to wait for. Raises NoPublicAddress, saying why.
    """
    found = await cloud.compute.servers.require(server)
    with anyio.fail_after(timeout):
        if reuse:
            return (await _reuse(cloud, found)).interface_ip
        return (await reach(cloud, found)).server.interface_ip


async def _reuse(cloud: Region, server: Server) -> Server:
    """Take a free floating IP, each by compare-and-swap, so that nobody else's is stolen; else create one."""
    seen, facts, plan = await look_at(cloud, server)
    network = getattr(plan, "network", None)
    if network is None:
        return (await reach(cloud, server)).server
    target = next(a for a in facts.addresses if a.port_id == getattr(plan, "port_id", None))
    for ip in await cloud.network.floating_ips.list(floating_network_id=network.id):
        if ip.port_id is None and await _take(cloud, ip, target):
            return (await with_addresses(cloud, [seen]))[0]
    return (await reach(cloud, server)).server


async def _take(cloud: Region, ip: FloatingIP, target: Fixed) -> bool:
    """Attach a free floating IP unless somebody else was faster; Neutron compares its revision for us.

    https://docs.openstack.org/api-ref/network/v2/#revisions
    """
    body = {"floatingip": {"port_id": target.port_id, "fixed_ip_address": target.addr}}
    headers = {"If-Match": f"revision_number={ip['revision_number']}"}
    try:
        await cloud.network.put(f"/floatingips/{ip.id}", json=body, headers=headers)
    except PreconditionFailed:
        return False
    return True


async def add_ips_to_server(
    cloud: Region,
    server: Which,
    auto_ip: bool = True,
    ips: Sequence[str] | None = None,
    ip_pool: Which | None = None,
    wait: bool = False,
    timeout: float = 60,
    reuse: bool = False,
    fixed_address: str | None = None,
    nat_destination: str | None = None,
) -> Server:
    """Give a server addresses: one from `ip_pool`, or those in `ips`, or whatever it needs to be reached."""
    found = await cloud.compute.servers.require(server)
    if ip_pool is not None:
        await create_floating_ip(cloud, ip_pool, found, fixed_address, nat_destination)
        return (await with_addresses(cloud, [found]))[0]
    if ips:
        return await add_ip_list(cloud, found, ips, wait, timeout, fixed_address, nat_destination)
    if not auto_ip:
        return (await with_addresses(cloud, [found]))[0]
    return await _reuse(cloud, found) if reuse else (await reach(cloud, found, nat_destination=nat_destination)).server


async def add_ip_list(
    cloud: Region,
    server: Which,
    ips: Sequence[str] | str,
    wait: bool = False,
    timeout: float = 60,
    fixed_address: str | None = None,
    nat_destination: str | None = None,
) -> Server:
    """Attach floating IPs of the project, given by address, to a server. Raises InvalidRequest for an unknown one."""
    found = await cloud.compute.servers.require(server)
    target = await _target(cloud, found, fixed_address, nat_destination)
    for address in [ips] if isinstance(ips, str) else ips:
        known = await cloud.network.floating_ips.list(floating_ip_address=address)
        if not known:
            raise InvalidRequest(
                f"this project has no floating IP {address}", cloud=cloud.name, region=cloud.region_name
            )
        if known[0].port_id not in (None, target.port_id) or not await _take(cloud, known[0], target):
            raise InvalidRequest(f"floating IP {address} is in use", cloud=cloud.name, region=cloud.region_name)
    return (await with_addresses(cloud, [found]))[0]


async def _target(cloud: Region, server: Server, fixed_address: str | None, nat_destination: str | None) -> Fixed:
    """The fixed address of a server that a floating IP shall lead to."""
    _, facts, plan = await look_at(cloud, server, nat_destination=nat_destination)
    fixed = [a for a in facts.addresses if a.port_id and not a.floating and a.version == 4]
    wanted = fixed_address or getattr(plan, "fixed_address", None)
    chosen = [a for a in fixed if wanted is None or a.addr == wanted]
    if not chosen:
        why = f"it has no fixed address {wanted}" if fixed_address else getattr(plan, "why", "it has no fixed address")
        raise NoPublicAddress(f"server {server.name or server.id}: {why}", cloud=cloud.name, region=cloud.region_name)
    return chosen[0]


async def create_floating_ip(
    cloud: Region,
    network: Which | None = None,
    server: Which | None = None,
    fixed_address: str | None = None,
    nat_destination: str | None = None,
    port: Which | None = None,
    wait: bool = False,
    timeout: float = 60,
) -> FloatingIP:
    """Make a floating IP, from `network` or the one that floating IPs come from here; with a server or port, on it.

    `wait` is until Neutron says ACTIVE, at most `timeout` seconds. Raises Unsupported-like NoPublicAddress when there is
    no network that floating IPs could come from.
    """
    if network is not None:
        network_id = await cloud.network.networks.id_of(network)
    else:
        sources = (await find_networks(cloud)).floating
        if not sources:
            raise NoPublicAddress(
                "no network is external, so there is none that floating IPs could come from",
                cloud=cloud.name,
                region=cloud.region_name,
            )
        network_id = sources[0].id
    given: dict[str, Any] = {}
    if port is not None:
        given["port_id"] = await cloud.network.ports.id_of(port)
    elif server is not None:
        target = await _target(cloud, await cloud.compute.servers.require(server), fixed_address, nat_destination)
        given = {"port_id": target.port_id, "fixed_ip_address": target.addr}
    made = await cloud.network.floating_ips.create(floating_network_id=network_id, **given)
    if not wait or not given:
        return made
    return await wait_for(
        lambda: cloud.network.floating_ips.get(made.id),
        lambda ip: ip.status == "ACTIVE",
        what=f"{cloud.where}: floating IP {made.get('floating_ip_address')} becoming ACTIVE",
        timeout=timeout,
    )


async def available_floating_ip(cloud: Region, network: Which | None = None, server: Which | None = None) -> FloatingIP:
    """A floating IP of the project that leads nowhere yet, from `network` where given; a new one when there is none.

    Nothing reserves it: whoever attaches it first has it.
    """
    query: Mapping[str, Any] = {"floating_network_id": await cloud.network.networks.id_of(network)} if network else {}
    free = [ip for ip in await cloud.network.floating_ips.list(query) if ip.port_id is None]
    return free[0] if free else await create_floating_ip(cloud, network, server)


async def delete_floating_ip(cloud: Region, floating_ip_id: Which, retry: int = 1) -> bool:
    """Remove a floating IP, given by id or address: True, or False when it was not there."""
    found: Which = floating_ip_id
    if isinstance(floating_ip_id, str) and ("." in floating_ip_id or ":" in floating_ip_id):
        by_address = await cloud.network.floating_ips.list(floating_ip_address=floating_ip_id)
        if not by_address:
            return False
        found = by_address[0]
    return await cloud.network.floating_ips.delete(found)


async def delete_unattached_floating_ips(cloud: Region, retry: int = 1) -> int:
    """Remove all floating IPs of the project that lead nowhere, and say how many that were."""
    free: list[Resource] = [ip for ip in await cloud.network.floating_ips.list() if ip.port_id is None]
    gone: list[bool] = []

    async def delete(ip: Resource) -> None:
        gone.append(await cloud.network.floating_ips.delete(ip))

    async with concurrently() as group:
        for ip in free:
            group.start_soon(delete, ip)
    return sum(gone)


async def detach_ip_from_server(cloud: Region, server_id: Which, floating_ip_id: Which) -> bool:
    """Take a floating IP off a server, keeping it: True, or False when it led nowhere."""
    ip = await cloud.network.floating_ips.get(floating_ip_id)
    if ip.port_id is None:
        return False
    await cloud.network.put(f"/floatingips/{ip.id}", json={"floatingip": {"port_id": None}})
    return True


async def get_floating_ip(cloud: Region, id: Which, filters: Mapping[str, Any] | None = None) -> FloatingIP | None:
    """The floating IP with this id or address, or None."""
    return await cloud.network.floating_ips.find(id, filters)


async def get_floating_ip_by_id(cloud: Region, id: str) -> FloatingIP | None:
    """The floating IP with this id, or None."""
    return await by_id(cloud.network.floating_ips, id)


async def search_floating_ips(
    cloud: Region, id: str | None = None, filters: Mapping[str, Any] | None = None
) -> list[FloatingIP]:
    """The floating IPs with this id or address, or for which all filters hold."""
    return await cloud.network.floating_ips.search(id, filters)


async def list_floating_ip_pools(cloud: Region) -> list[Network]:
    """Where floating IPs can come from: today's pools are external networks."""
    return await cloud.network.networks.list(is_router_external=True)


async def search_floating_ip_pools(
    cloud: Region, name: str | None = None, filters: Mapping[str, Any] | None = None
) -> list[Network]:
    """The external networks with this name, and for which all filters hold."""
    return await cloud.network.networks.search(name, filters, is_router_external=True)
