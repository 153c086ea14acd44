"""Floating IPs for servers, by hand: which are free, attach, detach, clean up.

API: https://docs.openstack.org/api-ref/network/v2/#floating-ips-floatingips
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import anyio

from aiocloud.collection import Query
from aiocloud.concurrent import concurrently
from aiocloud.errors import InvalidRequest, NoPublicAddress, NotFound, ResourceFailed, Timeout
from aiocloud.model import Resource, Which
from aiocloud.progress import OnProgress, watched
from aiocloud.region import Region
from aiocloud.services.compute.server import Server
from aiocloud.services.network.floating_ip import FloatingIP
from aiocloud.services.network.network import Network
from aiocloud.tasks.addresses import look_at, reach, with_addresses
from aiocloud.tasks.attaching import attach, attaching, make, take, unused
from aiocloud.tasks.facts import find_networks
from aiocloud.tasks.lookup import by_id
from aiocloud.tasks.networks import get_network_extensions
from aiocloud.tasks.plans import Fixed
from aiocloud.tasks.undo import Undo

__all__ = [
    "add_auto_ip",
    "add_ip_list",
    "add_ips_to_server",
    "at_address",
    "available_floating_ip",
    "check_free",
    "create_floating_ip",
    "delete_floating_ip",
    "delete_unattached_floating_ips",
    "detach_ip_from_server",
    "get_floating_ip",
    "get_floating_ip_by_id",
    "list_floating_ip_pools",
    "list_floating_ips",
    "pool_id",
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
    del wait
    found = await cloud.compute.servers.require(server)
    with anyio.move_on_after(timeout):
        async with Undo(cloud) as undo:
            return (await reach(cloud, found, undo, reuse=reuse)).joined(cloud, found).interface_ip
    raise Timeout(
        f"server {found.name or found.id} got no address within {timeout:g} seconds",
        cloud=cloud.name,
        region=cloud.region_name,
    )


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
    """Give a server addresses: one from `ip_pool`, or those in `ips`, or whatever it needs to be reached.

    With `reuse` a free floating IP of the project is taken before one is made.
    """
    found = await cloud.compute.servers.require(server)
    async with Undo(cloud) as undo:
        if ip_pool is not None:
            network_id = await cloud.network.networks.id_of(ip_pool)
            target = await _target(cloud, found, fixed_address, nat_destination)
            port_id, address = str(target.port_id), target.addr
            await attach(cloud, network_id, undo, port_id=port_id, fixed_address=address, reuse=reuse)
        elif ips:
            return await add_ip_list(cloud, found, ips, wait, timeout, fixed_address, nat_destination)
        elif auto_ip:
            reached = await reach(cloud, found, undo, nat_destination=nat_destination, reuse=reuse)
            return reached.joined(cloud, found)
        return (await with_addresses(cloud, [found]))[0]


async def add_ip_list(
    cloud: Region,
    server: Which,
    ips: Sequence[str] | str,
    wait: bool = False,
    timeout: float = 60,
    fixed_address: str | None = None,
    nat_destination: str | None = None,
) -> Server:
    """Attach floating IPs of the project, given by address, to a server. Raises InvalidRequest for an unknown one.

    `wait` and `timeout` are there for scripts that pass them: an attached address needs no waiting for.
    """
    del wait, timeout
    found = await cloud.compute.servers.require(server)
    target = await _target(cloud, found, fixed_address, nat_destination)
    async with Undo(cloud) as undo:
        for address in [ips] if isinstance(ips, str) else ips:
            known = await at_address(cloud, address)
            if known.port_id is None:
                attaching(cloud, known, str(target.port_id), undo)
            elif known.port_id != target.port_id:
                raise _in_use(cloud, address)
            if await take(cloud, known, str(target.port_id), target.addr) is None:
                raise _in_use(cloud, address)
        return (await with_addresses(cloud, [found]))[0]


async def at_address(cloud: Region, address: str) -> FloatingIP:
    """The floating IP with this address. Raises InvalidRequest when there is none."""
    known = await list_floating_ips(cloud, floating_ip_address=address)
    if not known:
        raise InvalidRequest(f"this project has no floating IP {address}", cloud=cloud.name, region=cloud.region_name)
    return known[0]


def _in_use(cloud: Region, address: str) -> InvalidRequest:
    return InvalidRequest(f"floating IP {address} is in use", cloud=cloud.name, region=cloud.region_name)


async def check_free(cloud: Region, address: str) -> None:
    """Is there a floating IP with this address, which leads nowhere yet? Raises InvalidRequest where not."""
    if (await at_address(cloud, address)).port_id is not None:
        raise _in_use(cloud, address)


async def pool_id(cloud: Region, pool: Which) -> str:
    """The id of the network that floating IPs are to come from. Raises InvalidRequest for one that has none."""
    network = await cloud.network.networks.require(pool)
    if not network.is_router_external:
        raise InvalidRequest(
            f"floating IPs can't come from network {network.name or network.id}: it is not external",
            cloud=cloud.name,
            region=cloud.region_name,
        )
    return network.id


async def _target(cloud: Region, server: Server, fixed_address: str | None, nat_destination: str | None) -> Fixed:
    """The fixed address of a server that a floating IP shall lead to."""
    facts, plan = await look_at(cloud, server, nat_destination=nat_destination)
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
    *,
    progress: OnProgress = None,
) -> FloatingIP:
    """Make a floating IP, from `network` or the one that floating IPs come from here; with a server or port, on it.

    `wait` is until Neutron says ACTIVE, at most `timeout` seconds. Raises NoPublicAddress when there is no network that
    floating IPs could come from.
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
    port_id, address = None, fixed_address
    if port is not None:
        port_id = await cloud.network.ports.id_of(port)
    elif server is not None:
        target = await _target(cloud, await cloud.compute.servers.require(server), fixed_address, nat_destination)
        port_id, address = target.port_id, target.addr
    async with Undo(cloud) as undo:
        try:
            made = await make(cloud, network_id, undo, port_id=port_id, fixed_address=address)
        except NotFound as error:
            if "router" in await get_network_extensions(cloud):
                raise
            raise NoPublicAddress(
                "this cloud has no floating IPs: its Neutron has no router extension",
                cloud=cloud.name,
                region=cloud.region_name,
            ) from error
        return made if not wait or port_id is None else await _until_active(cloud, made, timeout, progress)


async def _until_active(cloud: Region, made: FloatingIP, timeout: float, progress: OnProgress) -> FloatingIP:
    what = f"floating IP {made.floating_ip_address} becoming ACTIVE"

    def active(seen: FloatingIP | None) -> bool:
        if seen is None:
            raise ResourceFailed(
                f"floating IP {made.floating_ip_address} disappeared", cloud=cloud.name, region=cloud.region_name
            )
        return seen.status == "ACTIVE"

    seen = await cloud.network.floating_ips.poll.wait(
        made.id,
        watched(progress, f"floating IP {made.floating_ip_address}", active),
        what=what,
        timeout=timeout,
        goal="ACTIVE",
    )
    assert seen is not None  # noqa: S101 - `active` raises for one that is gone
    return seen


async def available_floating_ip(cloud: Region, network: Which | None = None, server: Which | None = None) -> FloatingIP:
    """A floating IP of the project that leads nowhere yet, from `network` where given; a new one when there is none.

    Nothing reserves it: whoever attaches it first has it.
    """
    query: Mapping[str, Any] = {"floating_network_id": await cloud.network.networks.id_of(network)} if network else {}
    free = await unused(cloud, await list_floating_ips(cloud, query))
    return free[0] if free else await create_floating_ip(cloud, network, server)


async def delete_floating_ip(cloud: Region, floating_ip_id: Which, retry: int = 1) -> bool:
    """Remove a floating IP, given by id or address: True, or False when it was not there.

    `retry` is there for scripts that pass it: a DELETE that fails in passing is sent again anyway.
    """
    del retry
    found: Which = floating_ip_id
    if isinstance(floating_ip_id, str) and ("." in floating_ip_id or ":" in floating_ip_id):
        by_address = await list_floating_ips(cloud, floating_ip_address=floating_ip_id)
        if not by_address:
            return False
        found = by_address[0]
    try:
        return await cloud.network.floating_ips.delete(found)
    except NotFound:
        return False


async def delete_unattached_floating_ips(cloud: Region, retry: int = 1) -> int:
    """Remove all floating IPs of the project that lead nowhere, and say how many that were. `retry` as above."""
    del retry
    free = await unused(cloud, await list_floating_ips(cloud))
    gone: list[bool] = []

    async def delete(ip: Resource) -> None:
        gone.append(await cloud.network.floating_ips.delete(ip))

    async with concurrently() as group:
        for ip in free:
            group.start_soon(delete, ip)
    return sum(gone)


async def detach_ip_from_server(cloud: Region, server_id: Which, floating_ip_id: Which) -> bool:
    """Take a floating IP, given by id or address, off a server, keeping it: True, or False when it did not lead there."""
    ip = await get_floating_ip(cloud, floating_ip_id)
    server = await cloud.compute.servers.id_of(server_id)
    if ip is None or await _server_behind(cloud, ip) != server:
        return False
    await cloud.network.put(f"/floatingips/{ip.id}", json={"floatingip": {"port_id": None}})
    return True


async def _server_behind(cloud: Region, ip: FloatingIP) -> str | None:
    """The server that a floating IP leads to, or None; where Neutron does not tell that of an IP, its port does."""
    if ip.port_id is None:
        return None
    details = ip.port_details or await cloud.network.ports.find({"id": ip.port_id}) or {}
    return details.get("device_id")


async def list_floating_ips(
    cloud: Region, filters: Mapping[str, Any] | None = None, **query: Query
) -> list[FloatingIP]:
    """All floating IPs of the project; none where Neutron has no router extension, and so no such thing.

    `filters` and `query` go to the service.
    """
    try:
        return await cloud.network.floating_ips.list(filters, **query)
    except NotFound:
        return []


async def get_floating_ip(cloud: Region, id: Which, filters: Mapping[str, Any] | None = None) -> FloatingIP | None:
    """The floating IP with this id or address, or None."""
    try:
        return await cloud.network.floating_ips.find(id, filters)
    except NotFound:
        return None


async def get_floating_ip_by_id(cloud: Region, id: str) -> FloatingIP | None:
    """The floating IP with this id, or None."""
    return await by_id(cloud.network.floating_ips, id)


async def search_floating_ips(
    cloud: Region, id: str | None = None, filters: Mapping[str, Any] | None = None
) -> list[FloatingIP]:
    """The floating IPs with this id or address, or for which all filters hold."""
    try:
        return await cloud.network.floating_ips.search(id, filters)
    except NotFound:
        return []


async def list_floating_ip_pools(cloud: Region) -> list[Network]:
    """Where floating IPs can come from: today's pools are external networks."""
    return await cloud.network.networks.list(is_router_external=True)


async def search_floating_ip_pools(
    cloud: Region, name: str | None = None, filters: Mapping[str, Any] | None = None
) -> list[Network]:
    """The external networks with this name, and for which all filters hold."""
    return await cloud.network.networks.search(name, filters, is_router_external=True)
