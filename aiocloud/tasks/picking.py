"""Which networks are good for what, as verbs: what `clouds.yaml` says of them wins over what Neutron says."""

from __future__ import annotations

from collections.abc import Sequence

from aiocloud.region import Region
from aiocloud.services.network.network import Network
from aiocloud.tasks.facts import find_networks
from aiocloud.tasks.plans import Net

__all__ = [
    "get_default_network",
    "get_external_ipv4_floating_networks",
    "get_external_ipv4_networks",
    "get_external_ipv6_networks",
    "get_external_networks",
    "get_internal_ipv4_networks",
    "get_internal_ipv6_networks",
    "get_internal_networks",
    "get_nat_destination",
    "get_nat_source",
    "use_external_network",
    "use_internal_network",
]


async def _full(cloud: Region, nets: Sequence[Net | None]) -> list[Network]:
    wanted = dict.fromkeys(net.id for net in nets if net is not None)
    if not wanted:
        return []
    by_id = {network.id: network for network in await cloud.network.networks.list()}
    return [by_id[id] for id in wanted if id in by_id]


async def get_external_networks(cloud: Region) -> list[Network]:
    """The networks that lead outside, by IPv4 or IPv6."""
    nets = await find_networks(cloud)
    return await _full(cloud, [*nets.external_v4, *nets.external_v6])


async def get_internal_networks(cloud: Region) -> list[Network]:
    """The networks that do not lead outside, by IPv4 or IPv6."""
    nets = await find_networks(cloud)
    return await _full(cloud, [*nets.internal_v4, *nets.internal_v6])


async def get_external_ipv4_networks(cloud: Region) -> list[Network]:
    """The networks that lead outside by IPv4."""
    return await _full(cloud, (await find_networks(cloud)).external_v4)


async def get_external_ipv6_networks(cloud: Region) -> list[Network]:
    """The networks that lead outside by IPv6."""
    return await _full(cloud, (await find_networks(cloud)).external_v6)


async def get_internal_ipv4_networks(cloud: Region) -> list[Network]:
    """The networks that do not lead outside by IPv4."""
    return await _full(cloud, (await find_networks(cloud)).internal_v4)


async def get_internal_ipv6_networks(cloud: Region) -> list[Network]:
    """The networks that do not lead outside by IPv6."""
    return await _full(cloud, (await find_networks(cloud)).internal_v6)


async def get_external_ipv4_floating_networks(cloud: Region) -> list[Network]:
    """The networks that floating IPs come from, the preferred one first."""
    return await _full(cloud, (await find_networks(cloud)).floating)


async def get_nat_source(cloud: Region) -> Network | None:
    """The network that floating IPs come from by default, or None."""
    return next(iter(await _full(cloud, (await find_networks(cloud)).floating[:1])), None)


async def get_nat_destination(cloud: Region) -> Network | None:
    """The network that floating IPs lead to: the marked one, else the first internal one with a gateway, or None."""
    nets = await find_networks(cloud, gateways=True)
    behind = [net for net in nets.internal_v4 if net.gateway]
    return next(iter(await _full(cloud, [nets.nat_destination or next(iter(behind), None)])), None)


async def get_default_network(cloud: Region) -> Network | None:
    """The network that servers are attached to when nobody says otherwise (`default_interface`), or None."""
    return next(iter(await _full(cloud, [(await find_networks(cloud)).default])), None)


def use_external_network(cloud: Region) -> bool:
    """Does the configuration let external networks be looked for?"""
    return cloud.config.use_external_network


def use_internal_network(cloud: Region) -> bool:
    """Does the configuration let internal networks be looked for?"""
    return cloud.config.use_internal_network
