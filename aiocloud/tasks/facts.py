"""What Neutron knows of a region, asked as seldom as can be: who asks the same at the same time gets one answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from aiocloud.concurrent import concurrently
from aiocloud.errors import NotFound
from aiocloud.model import Resource
from aiocloud.poller import Poll, Shared, Together
from aiocloud.region import Region
from aiocloud.services.network.floating_ip import FloatingIP
from aiocloud.services.network.port import Port
from aiocloud.tasks.plans import Net, Networks, classify

__all__ = ["Facts", "find_facts", "find_networks", "floating_ips", "has_floating_ips", "ports_of", "together"]

T = TypeVar("T")
Ports = tuple[Port, ...]

_FRESH = 5.0
"""Seconds for which what networks there are is taken as known, unless a port names one that isn't."""

_BY_SERVER = 100
"""Up to here, ports are asked for by server, which is as long as a URL may get; from here on all of the project's."""

_FIELDS = ["id", "name", "device_id", "network_id", "mac_address", "fixed_ips", "security_groups"]


@dataclass(frozen=True)
class Facts:
    """What Neutron says, as far as a question needs it."""

    networks: Networks = field(default_factory=Networks)
    ports: Ports = ()
    floating_ips: tuple[Resource, ...] = ()
    neutron: bool = True
    """Does it know floating IPs?"""


async def together(cloud: Region, key: Hashable, fetch: Callable[[], Awaitable[T]]) -> T:
    """What `fetch` gives; one fetch for all who ask for this key in this region at the same time."""
    calls = cloud.session.once("together", Together)
    return await calls.ask((cloud.region_name, key), fetch)


async def find_networks(cloud: Region, *, gateways: bool = False, max_age: float = 0.0) -> Networks:
    """The project's networks by what they are good for; `gateways` looks at their subnets, too."""
    if not await cloud.has_service("network"):
        return Networks()
    direct = not has_floating_ips(cloud)
    return classify(await _nets(cloud, gateways=gateways, max_age=max_age), cloud.config.networks, direct=direct)


async def _nets(cloud: Region, *, gateways: bool, max_age: float) -> list[Net]:
    ends, cloud = cloud.options.ends(), cloud.for_all()
    kept, session = (cloud.region_name, cloud.options), cloud.session
    found: dict[str, Sequence[Resource]] = {"subnets": ()}

    async def subnets() -> None:
        shared = session.once(("subnets", *kept), lambda: Shared(cloud.network.subnets.list))
        found["subnets"] = await shared.get(max_age)

    with session.within(ends, lambda: "list of networks"):
        async with concurrently() as group:
            if gateways:
                group.start_soon(subnets)
            shared = session.once(("networks", *kept), lambda: Shared(cloud.network.networks.list))
            found["networks"] = await shared.get(max_age)
    with_gateway = {subnet["network_id"] for subnet in found["subnets"] if subnet.get("gateway_ip")}
    return [_net(network, with_gateway if gateways else None) for network in found["networks"]]


def _net(network: Resource, with_gateway: set[str] | None) -> Net:
    return Net(
        id=network.id,
        name=network.name,
        external=bool(network.get("router:external")),
        provider=bool(network.get("provider:physical_network")),
        shared=bool(network.get("shared")),
        gateway=None if with_gateway is None else network.id in with_gateway,
    )


def has_floating_ips(cloud: Region) -> bool:
    """Does clouds.yaml leave floating IPs switched on?"""
    return (cloud.config.floating_ip_source or "none").lower() != "none"


async def find_facts(
    cloud: Region, server_ids: Sequence[str], *, ports: Ports | None = None, floating: bool = True
) -> Facts:
    """A constant number of requests, all at once, however many servers there are.

    `ports` are those of the servers where they are known; `floating=False` where no floating IP can lead to them yet.
    """
    if not await cloud.has_service("network"):
        return Facts(neutron=False)
    found: dict[str, Any] = {"ports": ports, "floating": (), "routed": has_floating_ips(cloud)}

    async def look_at_ports() -> None:
        found["ports"] = await _ports(cloud, server_ids)

    async def look_at_floating_ips() -> None:
        listed = await floating_ips(cloud)
        found["floating"], found["routed"] = listed or (), listed is not None

    async with concurrently() as group:
        if ports is None:
            group.start_soon(look_at_ports)
        if found["routed"] and floating:
            group.start_soon(look_at_floating_ips)
        nets = await _nets(cloud, gateways=False, max_age=_FRESH)
    known = {net.id for net in nets}
    # Which network has a gateway counts only where there is a choice.
    choice = len(server_ids) == 1 and len({port.network_id for port in found["ports"]}) > 1
    if choice or any(port.network_id not in known for port in found["ports"]):
        nets = await _nets(cloud, gateways=choice, max_age=0.0)
    networks = classify(nets, cloud.config.networks, direct=not found["routed"])
    return Facts(networks, found["ports"], tuple(found["floating"]), found["routed"])


async def floating_ips(cloud: Region) -> Sequence[FloatingIP] | None:
    """All of the project's; None where Neutron has no router extension, and so no such path."""
    try:
        return await together(cloud, "floating IPs", cloud.network.floating_ips.list)
    except NotFound:
        return None


async def _ports(cloud: Region, server_ids: Sequence[str]) -> Ports:
    if len(server_ids) == 1:
        return await ports_of(cloud).look(server_ids[0]) or ()
    query: dict[str, Any] = {"device_id": list(server_ids)} if len(server_ids) <= _BY_SERVER else {}
    return tuple(await cloud.network.ports.list({**query, "fields": _FIELDS}))


def ports_of(cloud: Region) -> Poll[Ports]:
    """The look that everybody shares who wants to know servers' ports, by server."""
    cloud = cloud.for_all()

    async def one(server_id: str) -> Ports:
        return tuple(await cloud.network.ports.list({"device_id": server_id, "fields": _FIELDS}))

    async def many(waited: Mapping[str, Ports | None]) -> Mapping[str, Ports]:
        by_server: dict[str, list[Port]] = {id: [] for id in waited}
        for port in await _ports(cloud, [*waited, ""]):
            by_server.setdefault(port.device_id, []).append(port)
        return {id: tuple(by_server[id]) for id in waited}

    return cloud.session.once(("ports", cloud.region_name, cloud.options), lambda: Poll(one, many, few=1))
