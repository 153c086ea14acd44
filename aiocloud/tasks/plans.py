"""Decisions as values: which network, which address. Pure: facts in, a plan out; tasks carry it out.

The three kinds of cloud that the talk shows are three rows of one table here: an address straight from the network; one
of several provider networks, marked in clouds.yaml because nothing about them can be discovered; port and floating IP.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from aiocloud.config.schema import NetworkHint
from aiocloud.errors import ConfigError

__all__ = [
    "AddressFacts",
    "AddressPlan",
    "AttachFloatingIP",
    "Fixed",
    "Net",
    "Networks",
    "Unreachable",
    "UseAddress",
    "choose_addresses",
    "classify",
    "plan_address",
]


@dataclass(frozen=True)
class Net:
    """What is known of a network."""

    id: str
    name: str = ""
    external: bool = False
    """Neutron's `router:external`: floating IPs come from it, and it leads outside."""
    provider: bool = False
    """It names its physical network (which only some may see): it leads somewhere real."""
    gateway: bool | None = None
    """Has one of its subnets a gateway? None: not looked at."""
    shared: bool = False
    """Does the cloud's operator lend it to every project?"""


@dataclass(frozen=True)
class Networks:
    """The networks of a project by what they are good for."""

    external_v4: tuple[Net, ...] = ()
    internal_v4: tuple[Net, ...] = ()
    external_v6: tuple[Net, ...] = ()
    internal_v6: tuple[Net, ...] = ()
    floating: tuple[Net, ...] = ()
    """Where floating IPs come from, the preferred one first."""
    nat_destination: Net | None = None
    """Where floating IPs lead to."""
    default: Net | None = None
    """Where servers are attached when nobody says otherwise."""
    everything: tuple[Net, ...] = field(default=(), repr=False)

    def by_name(self, name: str) -> Net | None:
        """The network with this name or id."""
        return next((net for net in self.everything if name in (net.name, net.id)), None)


def classify(nets: Sequence[Net], hints: Sequence[NetworkHint] = (), *, direct: bool = False) -> Networks:
    """Sort networks by what they are good for: what clouds.yaml says of one wins over what Neutron says.

    `direct`: this cloud has no floating IPs, so the networks that its operator shares are the way to its servers.
    Raises ConfigError for a hint that names no network, with the names that exist.
    """
    marked = {hint_net.id: hint for hint in hints for hint_net in [_marked(nets, hint)]}

    def leads_out(net: Net, version: int) -> bool:
        hint = marked.get(net.id)
        if hint is None:
            return net.external or (version == 4 and net.provider) or (direct and net.shared)
        return hint.routes_ipv4_externally if version == 4 else hint.routes_ipv6_externally

    sources = [net for net in nets if net.id in marked and marked[net.id].nat_source]
    destinations = [net for net in nets if net.id in marked and marked[net.id].nat_destination]
    return Networks(
        external_v4=tuple(net for net in nets if leads_out(net, 4)),
        internal_v4=tuple(net for net in nets if not leads_out(net, 4)),
        external_v6=tuple(net for net in nets if leads_out(net, 6)),
        internal_v6=tuple(net for net in nets if not leads_out(net, 6)),
        floating=tuple(sources or [net for net in nets if net.external]),
        nat_destination=next(iter(destinations), None),
        default=next((net for net in nets if net.id in marked and marked[net.id].default_interface), None),
        everything=tuple(nets),
    )


def _marked(nets: Sequence[Net], hint: NetworkHint) -> Net:
    name = hint.id or hint.name
    for net in nets:
        if name in (net.id, net.name):
            return net
    there = ", ".join(sorted(repr(net.name) for net in nets)) or "no network at all"
    raise ConfigError(
        f"clouds.yaml marks a network {name!r} that this cloud does not have; it has {there}", key="networks"
    )


@dataclass(frozen=True)
class Fixed:
    """One address of a server: where it is, and what kind it is."""

    addr: str
    network: str
    """The network's name or id."""
    version: int = 4
    floating: bool = False
    mac: str = ""
    port_id: str | None = None

    @property
    def routable(self) -> bool:
        """Is it a globally routable address, as far as its number says?"""
        try:
            return ipaddress.ip_address(self.addr).is_global
        except ValueError:
            return False


@dataclass(frozen=True)
class Chosen:
    """The addresses to use, "" where there is none."""

    public_v4: str = ""
    public_v6: str = ""
    private_v4: str = ""
    interface_ip: str = ""


def choose_addresses(
    addresses: Sequence[Fixed],
    networks: Networks,
    *,
    access_v4: str = "",
    access_v6: str = "",
    private: bool = False,
    force_ipv4: bool = False,
    ipv6_first: bool = False,
) -> Chosen:
    """Which of a server's addresses is the public one, the private one, and the one to reach it by.

    `private` turns the sense around: the private address is the one to use. With `ipv6_first` an address of IPv6 that
    leads to the world comes before one of IPv4. No address is tried out.
    """
    v4 = [address for address in addresses if address.version == 4]
    v6 = [address for address in addresses if address.version == 6]
    outside = _names(networks.external_v4)
    inside = _names(networks.internal_v4)
    public_v4 = access_v4 or _first(
        [a.addr for a in v4 if a.floating],
        [a.addr for a in v4 if a.network in outside],
        [a.addr for a in v4 if a.network == "public"],
        [a.addr for a in v4 if a.routable and a.network not in inside],
        [a.addr for a in v4 if a.routable],
    )
    macs = {a.mac for a in v4 if a.floating and a.mac}
    behind = [a for a in v4 if not a.floating and (not macs or a.mac in macs)]
    private_v4 = _first(
        [a.addr for a in behind if a.network in inside and a.addr != public_v4],
        [a.addr for a in behind if a.network == "private"],
        [a.addr for a in behind if a.network not in outside and a.addr != public_v4],
    )
    outside_v6 = _names(networks.external_v6)
    wide = (
        [access_v6],
        [a.addr for a in v6 if a.network in outside_v6],
        [a.addr for a in v6 if a.routable],
    )
    public_v6 = "" if force_ipv4 else _first(*wide, [a.addr for a in v6])
    default = networks.default
    by_default = [a for a in addresses if default and a.network in (default.name, default.id)]
    interface_ip = _first(
        [a.addr for a in by_default if a.version == 6 and ipv6_first],
        [a.addr for a in by_default if a.version == 4],
        [private_v4] if private else [],
        *(wide if ipv6_first else ()),
        [public_v4],
        [public_v6],
        [private_v4],
    )
    return Chosen(public_v4=public_v4, public_v6=public_v6, private_v4=private_v4, interface_ip=interface_ip)


def _names(nets: Iterable[Net]) -> set[str]:
    return {name for net in nets for name in (net.name, net.id) if name}


def _first(*candidates: Iterable[str]) -> str:
    return next((addr for group in candidates for addr in group if addr), "")


@dataclass(frozen=True)
class AddressFacts:
    """What is known when a public address is asked for."""

    addresses: tuple[Fixed, ...]
    networks: Networks
    chosen: Chosen
    floating_ip_source: str | None = "neutron"
    neutron: bool = True
    """Does the cloud have a network service, and does it know floating IPs?"""
    private: bool = False
    nat_destination: str | None = None
    """The network that the caller wants the floating IP to lead to: its name or id."""


@dataclass(frozen=True)
class UseAddress:
    """It has the address already."""

    addr: str
    how: str = "straight from the network"


@dataclass(frozen=True)
class AttachFloatingIP:
    """Create a floating IP from `network` that leads to this fixed address of this port."""

    port_id: str
    fixed_address: str
    network: Net
    how: str = "floating IP"


@dataclass(frozen=True)
class Unreachable:
    """There is no way, and this is why."""

    why: str


AddressPlan: TypeAlias = UseAddress | AttachFloatingIP | Unreachable


def plan_address(facts: AddressFacts) -> AddressPlan:
    """How a server gets an address that it can be reached by."""
    chosen = facts.chosen
    if chosen.public_v4:
        floating = any(a.floating and a.addr == chosen.public_v4 for a in facts.addresses)
        return UseAddress(chosen.public_v4, "floating IP" if floating else "straight from the network")
    if facts.private and chosen.private_v4:
        return UseAddress(chosen.private_v4, "private address, as clouds.yaml asks")
    plan = _plan_floating(facts)
    if isinstance(plan, Unreachable) and chosen.public_v6:
        return UseAddress(chosen.public_v6, "straight from the network, IPv6")
    return plan


def _plan_floating(facts: AddressFacts) -> AddressPlan:
    fixed = [a for a in facts.addresses if a.version == 4 and not a.floating]
    attached = ", ".join(sorted({repr(a.network) for a in fixed})) or "none"
    if not fixed:
        return Unreachable("it has no fixed IPv4 address that a floating IP could lead to")
    if not facts.floating_ip_source or facts.floating_ip_source.lower() == "none":
        return Unreachable(
            f"floating IPs are switched off (floating_ip_source: None) and none of its networks ({attached}) is known to "
            "route externally: mark the one that does with routes_externally under networks: in clouds.yaml"
        )
    if not facts.neutron:
        return Unreachable("this cloud offers no floating IPs, and no address of it is public")
    if not facts.networks.floating:
        return Unreachable(
            f"no network is external, so there is none that floating IPs could come from, and its networks ({attached}) "
            "are not known to route externally: mark one with nat_source or routes_externally in clouds.yaml"
        )
    target = _target(fixed, facts)
    if isinstance(target, Unreachable):
        return target
    return AttachFloatingIP(port_id=target.port_id or "", fixed_address=target.addr, network=facts.networks.floating[0])


def _target(fixed: Sequence[Fixed], facts: AddressFacts) -> Fixed | Unreachable:
    """The fixed address that the floating IP leads to: on the NAT destination where one is named, else the only one."""
    with_port = [a for a in fixed if a.port_id]
    if not with_port:
        return Unreachable("none of its ports can be seen by this user, so no floating IP can be attached to one")
    named = facts.nat_destination or (facts.networks.nat_destination and facts.networks.nat_destination.id)
    if named:
        net = facts.networks.by_name(named)
        on_it = [a for a in with_port if net is not None and a.network in (net.name, net.id)]
        if not on_it:
            return Unreachable(f"it has no port on the NAT destination {net.name if net else named!r}")
        return on_it[0]
    gateways = _names(net for net in facts.networks.everything if net.gateway)
    behind_gateway = [a for a in with_port if a.network in gateways]
    return (behind_gateway or with_port)[0]
