"""Addresses: which ones servers have, and how they get one that can be reached."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from aiocloud._json import mappings
from aiocloud.errors import BadRequest, Conflict, NoPublicAddress, NotFound
from aiocloud.model import Resource
from aiocloud.region import Region
from aiocloud.services.compute.server import Server, ServerAddress
from aiocloud.services.network.floating_ip import FloatingIP
from aiocloud.services.network.port import Port
from aiocloud.tasks.attaching import attach
from aiocloud.tasks.by_ipv6 import has_ipv6
from aiocloud.tasks.facts import Facts, find_facts
from aiocloud.tasks.plans import (
    AddressFacts,
    AddressPlan,
    AttachFloatingIP,
    Chosen,
    Fixed,
    Networks,
    Unreachable,
    choose_addresses,
    plan_address,
)
from aiocloud.tasks.undo import Undo

Chooser: TypeAlias = Callable[[Server, Sequence[Fixed]], Chosen]

__all__ = ["Reach", "join_addresses", "look_at", "reach", "with_addresses"]


async def with_addresses(cloud: Region, servers: Sequence[Server]) -> list[Server]:
    """The servers with their addresses set right from Neutron, and `public_v4` and its kin worked out."""
    if not servers:
        return []
    return join_addresses(cloud, servers, await find_facts(cloud, [server.id for server in servers]))


def join_addresses(cloud: Region, servers: Sequence[Server], facts: Facts) -> list[Server]:
    """The same, from what is known already. Pure."""
    ports = _by(facts.ports, "device_id")
    floating = _by(facts.floating_ips, "port_id")
    choose = _chooser(cloud, facts.networks)
    return [_joined(server, facts.networks, ports.get(server.id, ()), floating, choose) for server in servers]


def _by(resources: Iterable[Resource], key: str) -> dict[str, list[Resource]]:
    found: dict[str, list[Resource]] = {}
    for resource in resources:
        found.setdefault(str(resource.get(key) or ""), []).append(resource)
    return found


def _joined(
    server: Server,
    networks: Networks,
    ports: Sequence[Resource],
    floating: Mapping[str, Sequence[Resource]],
    choose: Chooser,
) -> Server:
    addresses = _fixed(server, networks, ports, floating)
    return _changed(server, addresses, choose(server, addresses))


def _changed(server: Server, addresses: Sequence[Fixed], chosen: Chosen) -> Server:
    return server.changed(
        addresses=_as_nova_tells(addresses),
        public_v4=chosen.public_v4,
        public_v6=chosen.public_v6,
        private_v4=chosen.private_v4,
        interface_ip=chosen.interface_ip,
    )


def _chooser(cloud: Region, networks: Networks) -> Chooser:
    """Which of their addresses is which, for servers of this region."""
    config = cloud.config
    ipv6_first = config.prefer_ipv6 and not config.force_ipv4 and has_ipv6()

    def choose(server: Server, addresses: Sequence[Fixed]) -> Chosen:
        return choose_addresses(
            addresses,
            networks,
            access_v4=server.access_ipv4,
            access_v6=server.access_ipv6,
            private=config.private,
            force_ipv4=config.force_ipv4,
            ipv6_first=ipv6_first,
        )

    return choose


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
    """How a server is reached: what is known of its addresses, and the floating IP that was made or taken for it."""

    facts: AddressFacts
    how: str
    floating_ip: FloatingIP | None = None

    def seen_in(self, server: Server) -> bool:
        """Has the server still the address that was chosen? While it is being built it may be moved, ports and all."""
        told = {address.addr for group in server.addresses.values() for address in group}
        fixed = {a.addr for a in self.facts.addresses if not a.floating}
        return not told or fixed <= told

    def joined(self, cloud: Region, server: Server) -> Server:
        """The server with these addresses."""
        facts = self.facts
        known = {a.addr for a in facts.addresses}
        told = [(name, a) for name, group in server.addresses.items() for a in group if a.type != "floating"]
        addresses = [*facts.addresses]
        addresses += [Fixed(a.addr, name, a.version, mac=a.mac_addr) for name, a in told if a.addr not in known]
        if self.floating_ip is not None:
            port_id = self.floating_ip.port_id
            target = next(a for a in addresses if a.port_id == port_id and not a.floating)
            addr = self.floating_ip.floating_ip_address
            addresses.append(Fixed(addr, target.network, 4, floating=True, mac=target.mac, port_id=port_id))
        return _changed(server, addresses, _chooser(cloud, facts.networks)(server, addresses))


async def look_at(
    cloud: Region,
    server: Server,
    *,
    nat_destination: str | None = None,
    ports: tuple[Port, ...] | None = None,
    floating: bool = True,
) -> tuple[AddressFacts, AddressPlan]:
    """What is known of a server's addresses, and the plan for one that it can be reached by.

    `ports` and `floating` as in `find_facts`.
    """
    facts = await find_facts(cloud, [server.id], ports=ports, floating=floating)
    addresses = _fixed(server, facts.networks, facts.ports, _by(facts.floating_ips, "port_id"))
    known = AddressFacts(
        addresses=tuple(addresses),
        networks=facts.networks,
        chosen=_chooser(cloud, facts.networks)(server, addresses),
        floating_ip_source=cloud.config.floating_ip_source,
        neutron=facts.neutron,
        private=cloud.config.private,
        nat_destination=nat_destination,
    )
    return known, plan_address(known)


async def reach(
    cloud: Region,
    server: Server,
    undo: Undo,
    *,
    nat_destination: str | None = None,
    reuse: bool = False,
    ports: tuple[Port, ...] | None = None,
    floating: bool = True,
) -> Reach:
    """See to it that the server has an address that it can be reached by.

    The floating IP is created with its port, which is one request and can't lead anywhere else in between; with `reuse`
    a free one of the project is taken first. Raises NoPublicAddress, saying why, when there is no way.
    """
    facts, plan = await look_at(cloud, server, nat_destination=nat_destination, ports=ports, floating=floating)
    tried: list[str] = []
    while isinstance(plan, AttachFloatingIP):
        try:
            port_id, address = plan.port_id, plan.fixed_address
            ip = await attach(cloud, plan.network.id, undo, port_id=port_id, fixed_address=address, reuse=reuse)
            return Reach(facts, plan.how, ip)
        except (BadRequest, NotFound, Conflict) as error:
            # No router between that port and the floating network, or somebody was faster: another port may do.
            tried.append(error.message)
            rest = tuple(a for a in facts.addresses if a.port_id != plan.port_id)
            plan = plan_address(replace(facts, addresses=rest))
    if isinstance(plan, Unreachable):
        why = "; ".join(tried or [plan.why])
        raise NoPublicAddress(
            f"server {server.name or server.id} can't get a public address: {why}",
            cloud=cloud.name,
            region=cloud.region_name,
        )
    return Reach(facts, plan.how)
