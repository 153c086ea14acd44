"""A bad network on purpose: a TCP proxy between a client and a real port.

Each connection gets the next `Trouble` of a plan: a reset, a half-closed or truncated stream, bytes that drip or
stop, a flipped bit. What is done depends only on the plan and on how many bytes went through, so a run repeats.

    async with chaos.proxy(port, [Trouble("reset", after=100), None]) as bad:
        ...  # talk to bad.url
        assert bad.struck == [Trouble("reset", after=100)]
"""

from __future__ import annotations

import random
import socket
import struct
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

import anyio
from anyio.abc import ByteStream, SocketAttribute, SocketStream

Kind = Literal["reset", "half-close", "truncate", "stall", "drip", "flip"]
Direction = Literal["down", "up"]

KINDS: tuple[Kind, ...] = ("reset", "half-close", "truncate", "stall", "drip", "flip")
ENDS = (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError, OSError)


@dataclass(frozen=True, slots=True)
class Trouble:
    """What happens to one connection once `after` bytes have passed in a direction.

    `reset`: the client is told that the peer reset the connection (RST). `half-close`: no more bytes in this direction,
    the other one stays open. `truncate`: both ends are closed as if all were well. `stall`: no more bytes, nothing
    closed. `drip`: one byte each `pause` seconds. `flip`: bit `bit` of the next byte is wrong, the rest is right.
    """

    kind: Kind
    direction: Direction = "down"
    """"down" is from the service to the client."""
    after: int = 0
    """Bytes that pass unharmed first."""
    pause: float = 1.0
    """Seconds between the bytes of a `drip`."""
    bit: int = 0
    """Which bit is flipped: 0 to 7."""


Plan = Sequence[Trouble | None]


def random_plan(
    seed: int, length: int, *, kinds: Sequence[Kind] = KINDS, clean: float = 0.5, within: int = 2000, pause: float = 1.0
) -> list[Trouble | None]:
    """A plan for `length` connections, the same for the same seed; `clean` is the share that nothing happens to.

    Troubles begin within the first `within` bytes, in either direction.
    """
    dice = random.Random(seed)
    plan: list[Trouble | None] = []
    for _ in range(length):
        if dice.random() < clean:
            plan.append(None)
            continue
        direction: Direction = "down" if dice.random() < 0.5 else "up"
        plan.append(Trouble(dice.choice(kinds), direction, dice.randrange(within), pause, dice.randrange(8)))
    return plan


class Proxy:
    """The bad network while it is there."""

    def __init__(self, port: int, target: tuple[str, int], plan: Iterable[Trouble | None]) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.connections = 0
        """How many were accepted."""
        self.struck: list[Trouble] = []
        """The troubles that came to pass, in their order."""
        self._target = target
        self._plan: Iterator[Trouble | None] = iter(plan)

    async def carry(self, client: SocketStream) -> None:
        """One connection, from accept to close."""
        self.connections += 1
        trouble = next(self._plan, None)
        async with client:
            try:
                service = await anyio.connect_tcp(*self._target)
            except OSError:
                return
            async with service:
                await Connection(client, service, trouble, self.struck).run()


class Connection:
    """One client, one service, and what goes wrong between them."""

    def __init__(
        self, client: SocketStream, service: SocketStream, trouble: Trouble | None, struck: list[Trouble]
    ) -> None:
        self.client = client
        self.service = service
        self.trouble = trouble
        self.struck = struck
        self.over = anyio.Event()
        """The client is gone, or the trouble ended the connection."""

    async def run(self) -> None:
        """Carry bytes both ways until both are done or the connection is over."""
        async with anyio.create_task_group() as group:
            group.start_soon(self.both)
            await self.over.wait()
            group.cancel_scope.cancel()

    async def both(self) -> None:
        """Both directions."""
        async with anyio.create_task_group() as group:
            group.start_soon(self.pump, "up", self.client, self.service)
            group.start_soon(self.pump, "down", self.service, self.client)
        self.over.set()

    async def pump(self, direction: Direction, source: ByteStream, sink: ByteStream) -> None:
        """One direction: bytes, then the end, unless there is trouble."""
        trouble = self.trouble if self.trouble and self.trouble.direction == direction else None
        passed = 0
        try:
            if trouble is not None and trouble.after == 0 and trouble.kind not in {"flip", "drip"}:
                await self.strike(trouble, sink, b"")
                return
            async for chunk in source:
                if trouble is None or passed + len(chunk) <= trouble.after:
                    await sink.send(chunk)
                    passed += len(chunk)
                    continue
                good = trouble.after - passed
                if good > 0:
                    await sink.send(chunk[:good])
                rest, blow, trouble = chunk[good:], trouble, None
                if not await self.strike(blow, sink, rest, source):
                    return
            await sink.send_eof()
        except ENDS:
            self.over.set()
            return
        if direction == "up":
            await self.client_gone()

    async def client_gone(self) -> None:
        """After the client's last byte: a stalled connection has nothing left to wait for."""
        if self.trouble is not None and self.trouble in self.struck and self.trouble.kind == "stall":
            self.over.set()

    async def strike(self, trouble: Trouble, sink: ByteStream, rest: bytes, source: ByteStream | None = None) -> bool:
        """Let it happen; True when the direction goes on afterwards. `rest` are the bytes that were about to pass."""
        self.struck.append(trouble)
        match trouble.kind:
            case "reset":
                await self.reset()
            case "truncate":
                self.over.set()
            case "half-close":
                await sink.send_eof()
            case "stall":
                await anyio.sleep_forever()
            case "flip":
                await sink.send(bytes([rest[0] ^ (1 << trouble.bit)]) + rest[1:])
                return True
            case "drip":
                await self.drip(trouble.pause, sink, rest, source)
                return True
        return False

    async def reset(self) -> None:
        """Close the client's socket so that the kernel sends RST."""
        raw = self.client.extra(SocketAttribute.raw_socket)  # noqa: S610 - no Django here
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await anyio.aclose_forcefully(self.client)
        self.over.set()

    async def drip(self, pause: float, sink: ByteStream, rest: bytes, source: ByteStream | None) -> None:
        """One byte at a time until the source ends."""
        while True:
            for byte in rest:
                await sink.send(bytes([byte]))
                await anyio.sleep(pause)
            try:
                rest = await source.receive() if source is not None else b""
            except anyio.EndOfStream:
                return
            if not rest:
                return


@asynccontextmanager
async def proxy(port: int, plan: Iterable[Trouble | None] = (), *, host: str = "127.0.0.1") -> AsyncGenerator[Proxy]:
    """A proxy on a free loopback port in front of `host`:`port` while the block runs.

    The first connection gets the plan's first trouble, and so on; None, and whatever comes after the plan, passes
    unharmed.
    """
    async with await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0) as listener:
        here = listener.extra(SocketAttribute.local_port)  # noqa: S610 - no Django here
        bad = Proxy(here, (host, port), plan)
        async with anyio.create_task_group() as group:
            group.start_soon(listener.serve, bad.carry)
            yield bad
            group.cancel_scope.cancel()
