"""Metrics for statsd: one datagram an exchange. https://github.com/statsd/statsd/blob/master/docs/metric_types.md"""

from __future__ import annotations

import logging
import math
import socket
from collections.abc import Mapping
from typing import Any

import anyio

from aiocloud.metrics import Exchange
from aiocloud.transport.route import metric_name

__all__ = ["Statsd", "lines_of"]

_log = logging.getLogger("aiocloud.transport")

_PORT = 8125
_PREFIX = "openstack.api"
_PATIENCE = 1.0  # seconds that the first request waits until the server's name is looked up
_AGAIN = 60.0  # seconds until a name that was not found is looked up again
_LONG = 1.0  # seconds


def lines_of(exchange: Exchange, prefix: str = _PREFIX) -> list[str]:
    """What statsd is told of an exchange, under openstacksdk's names. Pure.

    `openstack.api.compute.GET.servers.200` counts and times the answers with that status; beside them `.attempted`,
    `.failed` (no answer came) and `.over_1000` (it took more than a second) count.
    """
    key = ".".join((prefix, exchange.service, exchange.method, metric_name(exchange.route)))
    lines = [f"{key}.attempted:1|c"]
    if exchange.status is None:
        return lines if exchange.error == "Cancelled" else [f"{key}.failed:1|c", *lines]
    answered = f"{key}.{exchange.status}"
    slow = [f"{key}.over_1000:1|c"] if exchange.seconds > _LONG else []
    return [f"{answered}:{round(exchange.seconds * 1000)}|ms", f"{answered}:1|c", *slow, *lines]


class Statsd:
    """A statsd server, as `metrics: {statsd: {host, port, prefix}}` names it. What does not reach it is lost, as ever."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        self.host: str = told["host"]
        self.port: int = told.get("port") or _PORT
        self.prefix: str = told.get("prefix") or _PREFIX
        self._to: tuple[socket.AddressFamily, Any] | None = None
        self._socket: socket.socket | None = None
        self._next = -math.inf

    async def found(self) -> None:
        """Look up the server's name, which blocks nobody; the first to ask waits for it, up to a second."""
        if self._to is not None or anyio.current_time() < self._next:
            return
        self._next = anyio.current_time() + _AGAIN
        why = "no answer from the name server"
        with anyio.move_on_after(_PATIENCE):
            try:
                found = await anyio.getaddrinfo(self.host, self.port, type=socket.SOCK_DGRAM)
            except OSError as error:
                why = error.strerror or str(error)
            else:
                family, *_, address = found[0]
                self._to = (socket.AddressFamily(family), address)
        if self._to is None:
            _log.warning("no metrics go to statsd at %s: %s", self.host, why)

    def __call__(self, exchange: Exchange) -> None:
        """Tell it of one."""
        if self._to is None:
            return
        family, address = self._to
        try:
            if self._socket is None:
                self._socket = socket.socket(family, socket.SOCK_DGRAM)
                self._socket.setblocking(False)
            self._socket.sendto("\n".join(lines_of(exchange, self.prefix)).encode(), address)
        except OSError as error:
            _log.debug("statsd at %s was not told: %s", self.host, error)

    def close(self) -> None:
        """Close the socket; another is opened when there is more to tell."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
