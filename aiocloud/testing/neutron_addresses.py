"""Which IP addresses of a subnet are taken, and which one is next. No HTTP here."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass
class AddressPool:
    """The addresses of one subnet."""

    network: Network
    ranges: list[tuple[Address, Address]]
    """Where free addresses are taken from: first and last, both included."""
    slaac: bool = False
    """Whether hosts make their address from their MAC address (IPv6)."""
    used: set[str] = field(default_factory=set[str])
    _cursor: tuple[int, int] = (0, 0)

    def take(self, mac: str) -> str | None:
        """The next free address, or the one that belongs to the MAC address; None when all are taken."""
        if self.slaac:
            address = str(eui64(self.network, mac))
            self.used.add(address)
            return address
        found = self._search(self._cursor) or self._search((0, 0))
        if found is not None:
            self.used.add(found)
        return found

    def _search(self, start: tuple[int, int]) -> str | None:
        index, offset = start
        while index < len(self.ranges):
            first, last = self.ranges[index]
            while int(first) + offset <= int(last):
                address = str(first + offset)
                offset += 1
                if address not in self.used:
                    self._cursor = (index, offset)
                    return address
            index, offset = index + 1, 0
        return None

    def claim(self, address: str) -> bool:
        """Take this very address; False when it is taken."""
        if address in self.used:
            return False
        self.used.add(address)
        return True

    def free(self, address: str) -> None:
        """Give an address back."""
        self.used.discard(address)

    def holds(self, address: str) -> bool:
        """Whether an address lies in the subnet."""
        try:
            return ipaddress.ip_address(address) in self.network
        except ValueError:
            return False

    @property
    def total(self) -> int:
        """How many addresses the ranges have."""
        return sum(int(last) - int(first) + 1 for first, last in self.ranges)

    def used_in_ranges(self) -> int:
        """How many of them are taken."""
        return sum(
            1
            for text in self.used
            if any(int(first) <= int(ipaddress.ip_address(text)) <= int(last) for first, last in self.ranges)
        )


def eui64(network: Network, mac: str) -> Address:
    """The address that a host with this MAC address gives itself in an IPv6 network."""
    octets = [int(part, 16) for part in mac.split(":")]
    octets[0] ^= 2
    tail = bytes([*octets[:3], 0xFF, 0xFE, *octets[3:]])
    return network.network_address + int.from_bytes(tail, "big")


def default_gateway(network: Network) -> str:
    """The gateway of a subnet that names none: the first host; in IPv6 the subnet's own address."""
    return str(network.network_address + (1 if network.version == 4 else 0))


def default_ranges(network: Network, gateway: str | None) -> list[tuple[Address, Address]]:
    """Every host address but the gateway."""
    first, last = int(network.network_address), int(network.broadcast_address)
    if network.version == 4 and network.prefixlen < 31:
        first, last = first + 1, last - 1
    elif network.version == 6:
        first += 1
    make = ipaddress.IPv4Address if network.version == 4 else ipaddress.IPv6Address
    hole = int(ipaddress.ip_address(gateway)) if gateway else -1
    if not first <= hole <= last:
        return [(make(first), make(last))]
    parts = [(first, hole - 1), (hole + 1, last)]
    return [(make(low), make(high)) for low, high in parts if low <= high]


def carve(prefixes: Sequence[str], length: int, taken: Sequence[Network]) -> Network | None:
    """The first free network of a length in some prefixes."""
    for prefix in prefixes:
        parent = ipaddress.ip_network(prefix)
        if length < parent.prefixlen:
            continue
        for candidate in parent.subnets(new_prefix=length):
            if not any(candidate.version == other.version and candidate.overlaps(other) for other in taken):
                return candidate
    return None


def mac_address(number: int) -> str:
    """A locally made MAC address as neutron gives them: fa:16:3e:..."""
    return "fa:16:3e:" + ":".join(f"{(number >> shift) & 0xFF:02x}" for shift in (16, 8, 0))
