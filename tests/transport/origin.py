"""A server of our own for the tests: it speaks HTTP/1.1 badly on purpose, on real sockets."""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
import anyio.abc
from anyio.streams.tls import TLSStream

Script = Callable[["Visit"], Awaitable[None]]


@dataclass
class Origin:
    """Where the server listens, and what it was sent."""

    url: str
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    open: int = 0
    """How many of them are."""
    bytes_read: int = 0


class Visit:
    """One connection, from the server's side."""

    def __init__(self, stream: anyio.abc.ByteStream, origin: Origin, number: int) -> None:
        self.stream = stream
        self.origin = origin
        self.number = number
        self._buffer = b""

    async def request(self) -> bytes | None:
        """The next whole request, None when the client has gone."""
        while b"\r\n\r\n" not in self._buffer:
            if not await self._more():
                return None
        head, _, rest = self._buffer.partition(b"\r\n\r\n")
        length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line[:15] == b"content-length:"), 0)
        while len(rest) < length:
            if not await self._more():
                return None
            rest = self._buffer.partition(b"\r\n\r\n")[2]
        self._buffer = rest[length:]
        whole = head + b"\r\n\r\n" + rest[:length]
        self.origin.requests.append(whole)
        return whole

    async def _more(self) -> bool:
        try:
            data = await self.stream.receive()
        except (anyio.EndOfStream, anyio.BrokenResourceError):
            return False
        self.origin.bytes_read += len(data)
        self._buffer += data
        return True

    async def answer(self, body: bytes = b"{}", status: str = "200 OK", headers: str = "") -> None:
        """A well-formed answer."""
        head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n{headers}\r\n"
        await self.stream.send(head.encode() + body)

    async def send(self, data: bytes) -> None:
        """Anything."""
        await self.stream.send(data)

    def reset(self) -> None:
        """Closing will be a reset."""
        raw = self.stream.extra(anyio.abc.SocketAttribute.raw_socket)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def polite(visit: Visit) -> None:
    """Answer every request with `{}`."""
    while await visit.request() is not None:
        await visit.answer()


@asynccontextmanager
async def serving(script: Script, tls: ssl.SSLContext | None = None) -> AsyncIterator[Origin]:
    """Run `script` for every connection to a port of 127.0.0.1."""
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.extra(anyio.abc.SocketAttribute.local_port)
    origin = Origin(f"{'https' if tls else 'http'}://{'localhost' if tls else '127.0.0.1'}:{port}")

    async def visit(stream: anyio.abc.SocketStream) -> None:
        origin.connections += 1
        number = origin.connections
        origin.open += 1
        async with stream:
            try:
                wrapped = await TLSStream.wrap(stream, server_side=True, ssl_context=tls) if tls else stream
                await script(Visit(wrapped, origin, number))
            except (anyio.BrokenResourceError, anyio.EndOfStream, anyio.ClosedResourceError, ssl.SSLError, OSError):
                return
            finally:
                origin.open -= 1

    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, visit)
        yield origin
        tasks.cancel_scope.cancel()
