"""What one attempt did on the wire, as far as the HTTP library tells (its `trace` extension)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import anyio

__all__ = ["Trace", "Wire"]

Trace = Callable[[str, Any], Awaitable[None]]


class Wire:
    """Listens to one attempt. A transport that tells nothing is taken to have sent everything it was handed."""

    __slots__ = ("_also", "_socket", "_written", "answered", "connected", "handed", "tells")

    def __init__(self, also: Trace | None = None) -> None:
        self._also = also
        self._socket: Any = None
        self._written = False
        self.tells = False
        """The transport tells of every step, also of those that are still to come."""
        self.handed = False
        """The transport has the request."""
        self.connected = False
        """A new connection was opened for it."""
        self.answered = False
        """The answer's headers have come."""

    async def __call__(self, event: str, info: Any) -> None:
        """The `trace` extension: https://www.encode.io/httpcore/extensions/#trace"""
        self.tells = True
        step = event.partition(".")[2]
        if step == "connect_tcp.started":
            self.connected = True
        elif step == "connect_tcp.complete":
            self._socket = info["return_value"]
        elif step == "start_tls.failed":
            # httpcore2 2.16 leaves the socket open when a handshake is cancelled; closing it twice does no harm.
            with anyio.CancelScope(shield=True):
                await self._socket.aclose()
        elif step in ("send_request_headers.complete", "send_request_headers.failed"):
            # Headers that could not be written whole can't be acted on: the write failed before or inside them. (They are
            # the first bytes on an idle socket, whose empty buffer takes them in one go or not at all.)
            self._written = step.endswith("complete")
        elif step == "receive_response_headers.complete":
            self.answered = True
        if self._also is not None:
            await self._also(event, info)

    @property
    def sent(self) -> bool:
        """May the service have the request?"""
        return self._written if self.tells else self.handed

    @property
    def stale(self) -> bool:
        """Was it written to a connection kept from an earlier request, and not answered?"""
        return self.tells and self._written and not self.connected and not self.answered
