"""FakeCloud behind a real port: ASGI, uvicorn in a thread of its own, and the command's loop."""

from __future__ import annotations

import signal
import socket
import struct
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel
import anyio.to_thread

from aiocloud.testing.faults import Cut
from aiocloud.testing.http import Fail, Reply, Req, read_query

if TYPE_CHECKING:
    import uvicorn

    from aiocloud.testing.fake import FakeCloud

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


_MOMENT = 0.1  # seconds


async def answer_asgi(fake: FakeCloud, scope: Message, receive: Receive, send: Send) -> None:
    """One ASGI call: HTTP requests and the lifespan."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
        return
    if scope["type"] != "http":
        return
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    req = Req(
        method=scope["method"],
        path=scope.get("raw_path", scope["path"].encode()).partition(b"?")[0].decode("ascii"),
        headers=headers,
        query=read_query(scope["query_string"].decode("ascii")),
        stream=_sent(receive),
        root=f"{scope['scheme']}://{headers.get('host', 'fake.test')}",
    )
    try:
        reply = await fake.handle(req)
    except Cut as cut:
        await _break_off(cut, receive, send)
        return
    await _reply(reply, req.method, send)


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def _sent(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Fail(499, "The client was disconnected during the request.")
        if message.get("body"):
            yield message["body"]
        if not message.get("more_body"):
            return


async def _reply(reply: Reply, method: str, send: Send) -> None:
    headers = dict(reply.headers)
    if isinstance(reply.content, bytes) and reply.status != 204:
        headers.setdefault("content-length", str(len(reply.content)))
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": raw})
    if isinstance(reply.content, bytes):
        content = b"" if method == "HEAD" or reply.status == 204 else reply.content
        await send({"type": "http.response.body", "body": content})
        return
    async for chunk in reply.content:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _break_off(cut: Cut, receive: Receive, send: Send) -> None:
    """Let the client see the end it would see: a reset, or nothing until it gives up."""
    if cut.how == "silence":
        while (await receive())["type"] != "http.disconnect":
            pass
        return
    # ASGI has no word for breaking a connection; uvicorn's `send` belongs to an object that holds it.
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise cut
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


@asynccontextmanager
async def serve(fake: FakeCloud, host: str = "127.0.0.1", port: int = 0) -> AsyncGenerator[str]:
    """The fake on a port (0: any free one) while the block runs; the URL is given.

    Works under asyncio and trio: the server has a thread and a loop of its own.
    """
    import uvicorn

    class Server(uvicorn.Server):
        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_cut_off, self)
                await super().shutdown(sockets)
                tasks.cancel_scope.cancel()
            _abort(self)
            await anyio.lowlevel.checkpoint()

    listener = socket.create_server((host, port), backlog=1024)
    config = uvicorn.Config(
        fake, lifespan="off", log_config=None, access_log=False, proxy_headers=False, ws="none", server_header=False
    )
    server = Server(config)
    thread = threading.Thread(target=anyio.run, args=(server.serve, [listener]), name="aiocloud-fake", daemon=True)
    thread.start()
    try:
        yield f"http://{host}:{listener.getsockname()[1]}"
    finally:
        server.should_exit = server.force_exit = True
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(thread.join)
        listener.close()


async def _cut_off(server: uvicorn.Server) -> None:
    """Once they had a moment to end, end the connections whose client still has to read something.

    uvicorn lets go of them, so that their sockets would be the garbage collector's; and from Python 3.12 on asyncio's server
    does not end before they do.
    """
    while True:
        await anyio.sleep(_MOMENT)
        _abort(server)


def _abort(server: uvicorn.Server) -> None:
    for connection in list(server.server_state.connections):
        connection.transport.abort()


async def run_fake_cloud(port: int, clouds_yaml: Path | None, announce: Callable[[str], None]) -> None:
    """Serve the talk's clouds on 127.0.0.1 until SIGTERM or SIGINT.

    Writes `clouds_yaml` (a file that reaches them), then announces "ready".
    """
    from aiocloud.testing.fake import FakeCloud

    fake = FakeCloud.talk()
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with fake.serve(port=port):
            if clouds_yaml is not None:
                await anyio.Path(clouds_yaml).touch(mode=0o600)  # it holds passwords, and who checks files says so
                await anyio.Path(clouds_yaml).write_text(fake.clouds_yaml(), encoding="utf-8")
            announce("ready")
            async for _ in signals:
                return
