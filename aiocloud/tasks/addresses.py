"""Addresses: which ones servers have, and how they get one that can be reached."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from aiocloud._json import mappings
from aiocloud.concurrent import concurrently
from aiocloud.errors import BadRequest, Conflict, HTTPError, NoPublicAddress, NotFound
from aiocloud.model import Resource
from aiocloud.region import Region
from aiocloud.services.compute.server import Server, ServerAddress
from aiocloud.tasks.plans import (
    AddressFacts,
    AddressPlan,
    AttachFloatingIP,
    Chosen,
    Fixed,
    Net,
    Networks,
    Unreachable,
    choose_addresses,
    classify,
    plan_address,
)

__all__ = ["Reach", "find_networks", "look_at", "reach", "with_addresses"]

# Up to here, ports are asked for by server; from here on all of the project's in one listing.
_BY_SERVER = 20


@dataclass(frozen=True)
class Facts:
    """What Neutron says, as far as a question needs it."""

    networks: Networks = field(default_factory=Networks)
    ports: tuple[Resource, ...] = ()
    floating_ips: tuple[Resource, ...] = ()
    neutron: bool = True
    """Does it know floating IPs?"""


async def find_networks(cloud: Region, *, gateways: bool = False) -> Networks:
    """The project's networks by what they are good for; `gateways` looks at their subnets, too."""
    if not await cloud.has_service("network"):
        return Networks()
    return classify(await _nets(cloud, gateways=gateways), cloud.config.networks)


async def _nets(cloud: Region, *, gateways: bool) -> list[Net]:
    found: dict[str, Sequence[Resource]] = {"subnets": ()}

    async def subnets() -> None:
        found["subnets"] = await cloud.network.subnets.list()

    async with concurrently() as group:
        if gateways:
            group.start_soon(subnets)
        found["networks"] = await cloud.network.networks.list()
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


async def _facts(cloud: Region, server_ids: Sequence[str], *, gateways: bool = False) -> Facts:
    """A constant number of requests, all at once, however many servers there are."""
    if not await cloud.has_service("network"):
        return Facts(neutron=False)
    found: dict[str, Any] = {"floating": (), "routed": _floating_ips_on(cloud)}
    query: dict[str, Any] = {"device_id": list(server_ids)} if len(server_ids) <= _BY_SERVER else {}

    async def ports() -> None:
        found["ports"] = tuple(await cloud.network.ports.list(query))

    async def floating_ips() -> None:
        try:
            found["floating"] = tuple(await cloud.network.floating_ips.list())
        except NotFound:
            # Neutron without the router extension has no such path.
            found["routed"] = False

    async with concurrently() as group:
        group.start_soon(ports)
        if found["routed"]:
            group.start_soon(floating_ips)
        nets = await _nets(cloud, gateways=gateways)
    networks = classify(nets, cloud.config.networks, direct=not found["routed"])
    return Facts(networks, found["ports"], found["floating"], found["routed"])


def _floating_ips_on(cloud: Region) -> bool:
    return (cloud.config.floating_ip_source or "none").lower() != "none"


async def with_addresses(cloud: Region, servers: Sequence[Server]) -> list[Server]:
    """The servers with their addresses set right from Neutron, and `public_v4` and its kin worked out."""
    if not servers:
        return []
    facts = await _facts(cloud, [server.id for server in servers])
    ports = _by(facts.ports, "device_id")
    floating = _by(facts.floating_ips, "port_id")
    return [_joined(cloud, server, facts.networks, ports.get(server.id, ()), floating) for server in servers]


def _by(resources: Iterable[Resource], key: str) -> dict[str, list[Resource]]:
    found: dict[str, list[Resource]] = {}
    for resource in resources:
        found.setdefault(str(resource.get(key) or ""), []).append(resource)
    return found


def _joined(
    cloud: Region,
    server: Server,
    networks: Networks,
    ports: Sequence[Resource],
    floating: Mapping[str, Sequence[Resource]],
) -> Server:
    addresses = _fixed(server, networks, ports, floating)
    chosen = _chosen(cloud, server, networks, addresses)
    return server.changed(
        addresses=_as_nova_tells(addresses),
        public_v4=chosen.public_v4,
        public_v6=chosen.public_v6,
        private_v4=chosen.private_v4,
        interface_ip=chosen.interface_ip,
    )


def _chosen(cloud: Region, server: Server, networks: Networks, addresses: Sequence[Fixed]) -> Chosen:
    return choose_addresses(
        addresses,
        networks,
        access_v4=server.access_ipv4,
        access_v6=server.access_ipv6,
        private=cloud.config.private,
        force_ipv4=cloud.config.force_ipv4,
    )


def _fixed(
    server: Server, networks: Networks, ports: Sequence[Resource], floating: Mapping[str, Sequence[Resource]]
) -> list[Fixed]:
    """Neutron's ports and floating IPs; Nova's own account, which lags behind, for what Neutron does not show us."""
    found: list[Fixed] = []
    for port in ports:
        net = networks.by_name(str(port.get("network_id")))
        name = net.name if net and net.name else str(port.get("network_id"))
        mac = str(port.get("mac_address") or "")
        for ip in mappings(port.get("fixed_ips")):
            addr = str(ip.get("ip_address"))
            found.append(Fixed(addr, name, 6 if ":" in addr else 4, mac=mac, port_id=port.id))
        for leading in floating.get(port.id, ()):
            addr = str(leading.get("floating_ip_address"))
            found.append(Fixed(addr, name, 4, floating=True, mac=mac, port_id=port.id))
    known = {address.addr for address in found}
    told = [(name, a) for name, group in server.addresses.items() for a in group if a.addr not in known]
    # A floating address that Neutron no longer knows was taken away: Nova just has not heard of it.
    stale = bool(ports)
    found += [
        Fixed(a.addr, name, a.version, floating=a.type == "floating", mac=a.mac_addr)
        for name, a in told
        if not (stale and a.type == "floating")
    ]
    return found


def _as_nova_tells(addresses: Iterable[Fixed]) -> dict[str, list[ServerAddress]]:
    by_network: dict[str, list[ServerAddress]] = {}
    for a in addresses:
        kind = "floating" if a.floating else "fixed"
        by_network.setdefault(a.network, []).append(
            ServerAddress(addr=a.addr, version=a.version, type=kind, mac_addr=a.mac)
        )
    return by_network


@dataclass(frozen=True)
class Reach:
    """A server that can be reached, how, and the floating IP that was made for it, if one was."""

    server: Server
    how: str
    floating_ip_id: str | None = None


async def look_at(
    cloud: Region, server: Server, *, nat_destination: str | None = None
) -> tuple[Server, AddressFacts, AddressPlan]:
    """The server with its addresses, what is known of them, and the plan for a public one."""
    facts = await _facts(cloud, [server.id], gateways=nat_destination is None)
    addresses = _fixed(server, facts.networks, facts.ports, _by(facts.floating_ips, "port_id"))
    chosen = _chosen(cloud, server, facts.networks, addresses)
    known = AddressFacts(
        addresses=tuple(addresses),
        networks=facts.networks,
        chosen=chosen,
        floating_ip_source=cloud.config.floating_ip_source,
        neutron=facts.neutron,
        private=cloud.config.private,
        nat_destination=nat_destination,
    )
    joined = _joined(cloud, server, facts.networks, facts.ports, _by(facts.floating_ips, "port_id"))
    return joined, known, plan_address(known)


async def reach(cloud: Region, server: Server, *, nat_destination: str | None = None) -> Reach:
    """See to it that the server has an address that it can be reached by.

    The floating IP is created with its port, which is one request and can't lead anywhere else in between.
    API: https://docs.openstack.org/api-ref/network/v2/#create-floating-ip
    Raises NoPublicAddress, saying why, when there is no way.
    """
    seen, facts, plan = await look_at(cloud, server, nat_destination=nat_destination)
    tried: list[str] = []
    while isinstance(plan, AttachFloatingIP):
        try:
            made = await _attach(cloud, plan)
        except (BadRequest, NotFound, Conflict) as error:
            # No router between that port and the floating network, or somebody was faster: another port may do.
            tried.append(_said(error))
            rest = tuple(a for a in facts.addresses if a.port_id != plan.port_id)
            facts = replace(facts, addresses=rest)
            plan = plan_address(facts)
            continue
        return Reach(_with_floating(cloud, seen, facts, made), plan.how, made.id)
    if isinstance(plan, Unreachable):
        why = "; ".join(tried or [plan.why])
        raise NoPublicAddress(
            f"server {server.name or server.id} can't get a public address: {why}",
            cloud=cloud.name,
            region=cloud.region_name,
        )
    return Reach(seen, plan.how)


def _said(error: HTTPError) -> str:
    return error.message


async def _attach(cloud: Region, plan: AttachFloatingIP) -> Resource:
    return await cloud.network.floating_ips.create(
        floating_network_id=plan.network.id, port_id=plan.port_id, fixed_ip_address=plan.fixed_address
    )


def _with_floating(cloud: Region, server: Server, facts: AddressFacts, made: Resource) -> Server:
    target = next(a for a in facts.addresses if a.port_id == made.get("port_id") and not a.floating)
    addr = str(made.get("floating_ip_address"))
    added = Fixed(addr, target.network, 4, floating=True, mac=target.mac, port_id=target.port_id)
    addresses = [*facts.addresses, added]
    chosen = _chosen(cloud, server, facts.networks, addresses)
    return server.changed(
        addresses=_as_nova_tells(addresses),
        public_v4=chosen.public_v4,
        public_v6=chosen.public_v6,
        private_v4=chosen.private_v4,
        interface_ip=chosen.interface_ip,
    )
