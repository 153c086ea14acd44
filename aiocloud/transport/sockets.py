"""A connection that content goes over: what can be done at once is done, in whatever thread; waiting is the event loop's.

The socket never blocks, with TLS or without. So a worker thread may hash, encrypt and send a few MiB in one visit, and the
event loop only hears when there is room for more. It is the same on asyncio and on trio.
"""

from __future__ import annotations

import errno
import os
import socket
import ssl
import threading
from contextlib import suppress

import anyio
import anyio.lowlevel

from aiocloud._http import httpx

__all__ = ["BUFFER", "PAUSE", "VISIT", "Socket", "thread_buffer"]

BUFFER = 256 * 1024
"""Bytes that a thread hashes while the processor still has them at hand."""
VISIT = 4 * 1024 * 1024
"""Bytes at most that move in one visit to a thread: others wait for it, and so does a cancellation."""
PAUSE = 0.002
"""Seconds of waiting for more where little came: a visit to a thread costs more than that is worth."""

_NEXT_ADDRESS = 2.0
"""Seconds after which a name's next address is tried."""
_UNDER_WAY = (errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EAGAIN)


class Socket:
    """An open connection; `httpx`'s errors tell what becomes of it."""

    def __init__(self, raw: socket.socket) -> None:
        self._socket = raw
        self._worth = 1

    @classmethod
    async def open(cls, host: str, port: int, context: ssl.SSLContext | None, timeout: float | None) -> Socket:
        """Connect, with TLS where there is a context for it. Raises ConnectError or ConnectTimeout."""
        try:
            with anyio.fail_after(timeout):
                raw = await _connected(host, port)
                if context is None:
                    return cls(raw)
                return cls(await _encrypted(raw, context, host))
        except TimeoutError as error:
            raise httpx.ConnectTimeout(f"no connection to {host} in time") from error
        except OSError as error:
            raise httpx.ConnectError(str(error)) from error

    # At once, in whatever thread

    def send_now(self, data: memoryview) -> int:
        """Send what there is room for; how many bytes that was. Raises OSError."""
        try:
            return self._socket.send(data)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return 0

    def receive_into_now(self, buffer: memoryview) -> int | None:
        """Receive what is there: how many bytes, 0 at the end, None when there is nothing yet. Raises OSError."""
        try:
            return self._socket.recv_into(buffer)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return None

    def receive_now(self, most: int = BUFFER) -> bytes | None:
        """The same, as bytes of their own."""
        try:
            return self._socket.recv(most)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return None

    @property
    def is_quiet(self) -> bool:
        """Is it open, with nothing to be read? What a server says without being asked is goodbye."""
        try:
            return self.receive_now(1) is None
        except OSError:
            return False

    def wake_for(self, count: int) -> None:
        """Count as readable from so many bytes on, at the end, or when no more fits: where the system can, else from one."""
        if count == self._worth or not hasattr(socket, "SO_RCVLOWAT"):
            return
        with suppress(OSError):  # Windows knows the name, and nothing else
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, count)
            self._worth = count

    # In the event loop

    async def receive(self, timeout: float | None, most: int = BUFFER) -> bytes:
        """What comes next; b"" at the end. Raises ReadError or ReadTimeout."""
        await anyio.lowlevel.checkpoint()  # a fast server must not have the loop for itself
        try:
            while (data := self.receive_now(most)) is None:
                await self.readable(timeout)
        except OSError as error:
            raise httpx.ReadError(str(error)) from error
        return data

    async def readable(self, timeout: float | None) -> None:
        """Wait until something comes. Raises ReadTimeout."""
        try:
            with anyio.fail_after(timeout):
                await anyio.wait_readable(self._socket)
        except TimeoutError as error:
            raise httpx.ReadTimeout("nothing came in time") from error

    async def writable(self, timeout: float | None) -> bool:
        """Wait until there is room, True, or something comes, False. Raises WriteTimeout."""
        room = False

        async def wait_for_room() -> None:
            nonlocal room
            await anyio.wait_writable(self._socket)
            room = True
            tasks.cancel_scope.cancel()

        async def wait_for_word() -> None:
            await anyio.wait_readable(self._socket)
            tasks.cancel_scope.cancel()

        try:
            with anyio.fail_after(timeout):
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(wait_for_room)
                    tasks.start_soon(wait_for_word)
        except TimeoutError as error:
            raise httpx.WriteTimeout("the request could not be sent in time") from error
        return room

    def close(self) -> None:
        """Close it, without a goodbye that would have to be waited for."""
        self._socket.close()


async def _connected(host: str, port: int) -> socket.socket:
    """Connect to the first address of a name that answers."""
    found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    failed: list[OSError] = []
    for nth, (family, kind, protocol, _, address) in enumerate(found, 1):
        raw = socket.socket(family, kind, protocol)
        try:
            with anyio.fail_after(None if nth == len(found) else _NEXT_ADDRESS):
                await _connect(raw, address)
        except OSError as error:  # a TimeoutError, too
            raw.close()
            failed.append(error)
        except BaseException:
            raw.close()
            raise
        else:
            return raw
    raise failed[-1]


async def _connect(raw: socket.socket, address: tuple[str, int]) -> None:
    raw.setblocking(False)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    code = raw.connect_ex(address)
    if code in _UNDER_WAY:
        await anyio.wait_writable(raw)
        code = raw.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:
        raise OSError(code, os.strerror(code))


async def _encrypted(raw: socket.socket, context: ssl.SSLContext, name: str) -> ssl.SSLSocket:
    try:
        wrapped = context.wrap_socket(raw, server_hostname=name, do_handshake_on_connect=False)
    except BaseException:
        raw.close()
        raise
    try:
        await _shake_hands(wrapped)
    except BaseException:
        wrapped.close()
        raise
    return wrapped


async def _shake_hands(wrapped: ssl.SSLSocket) -> None:
    while True:
        try:
            wrapped.do_handshake()
        except ssl.SSLWantReadError:
            await anyio.wait_readable(wrapped)
        except ssl.SSLWantWriteError:
            await anyio.wait_writable(wrapped)
        else:
            return


_threads = threading.local()


def thread_buffer() -> memoryview:
    """The one that belongs to the thread, of `BUFFER` bytes."""
    buffer: memoryview | None = getattr(_threads, "buffer", None)
    if buffer is None:
        buffer = _threads.buffer = memoryview(bytearray(BUFFER))
    return buffer
