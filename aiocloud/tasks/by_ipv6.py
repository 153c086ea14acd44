"""Can this machine reach the world by IPv6? Asked of its own routes: nothing is sent."""

from __future__ import annotations

import ipaddress
import socket

__all__ = ["has_ipv6"]

_SOMEWHERE = ("2000::1", 9)
"""An address in the part of IPv6 that the world uses (RFC 4291), where nobody is."""


def has_ipv6() -> bool:
    """Is there a route by IPv6, from a global address of our own?

    From a local one (ULA) other programs take IPv4 first, too: RFC 6724, section 2.1.
    """
    try:
        # "Connecting" a datagram socket only looks up the route.
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.connect(_SOMEWHERE)
            own = ipaddress.ip_address(probe.getsockname()[0])
    except OSError:
        return False
    return own.is_global
