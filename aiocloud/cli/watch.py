"""`aiocloud watch`: the servers of all clouds, live: in the terminal, or served to a browser."""

from __future__ import annotations

import socket
import sys
from collections.abc import Sequence
from contextlib import aclosing
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from aiocloud.cli.options import Where
from aiocloud.cli.output import clean, write
from aiocloud.concurrent import concurrently
from aiocloud.errors import CloudError
from aiocloud.web.feed import CloudView, Feed

__all__ = ["watch"]

_STYLES = {
    "ACTIVE": "green",
    "ERROR": "bold red",
    "BUILD": "yellow",
    "up": "green",
    "down": "bold red",
    "asking": "dim",
}

_TICK = 1.0  # seconds after which ages are told anew


async def watch(
    *,
    web: Annotated[bool, Parameter(negative="", help="Serve the board to a browser instead.")] = False,
    port: Annotated[int, Parameter(help="Where to serve it on 127.0.0.1; 0 takes any free port.")] = 8765,
    interval: Annotated[float, Parameter(help="Seconds between an answer and the next question.")] = 5,
    once: Annotated[bool, Parameter(negative="", help="Ask each cloud once, show, and end.")] = False,
    where: Where | None = None,
) -> int:
    """Show the servers of every cloud, or of those that --cloud names, as they change.

    Off a terminal each change is a line.
    """
    where = (where or Where()).or_all
    if interval <= 0:
        raise CloudError("--interval is a number of seconds above 0")
    async with where.fleet() as fleet:
        feed = Feed(fleet, interval)
        if once:
            await feed.once()
            Console(width=None if sys.stdout.isatty() else 200).print(drawn(list(feed.views.values())))
        else:
            async with concurrently() as tasks:
                tasks.start_soon(feed.run)
                await (_serve(feed, port) if web else _show(feed) if sys.stdout.isatty() else _tell(feed))
                tasks.cancel_scope.cancel()
        views = feed.views.values()
        down = [view for view in views if view.state == "down"]
    return (3 if len(down) < len(views) else 1) if once and down else 0


async def _show(feed: Feed) -> None:
    console = Console()
    with Live(console=console, auto_refresh=False, screen=True, vertical_overflow="crop") as live:
        async with aclosing(feed.changes(_TICK)) as changes:
            async for _ in changes:
                live.update(drawn(list(feed.views.values()), console.height - 1), refresh=True)


def drawn(views: Sequence[CloudView], height: int | None = None) -> Group:
    """The board as a table; what does not fit into `height` lines is counted."""
    table = Table(box=None, padding=(0, 1), header_style="bold", expand=False)
    for column in ("cloud", "server", "status", "address", "flavor"):
        table.add_column(column, no_wrap=True, overflow="ellipsis")
    lines = [line for view in sorted(views, key=lambda view: view.where) for line in _lines(view)]
    room = len(lines) if height is None else max(1, height - 3)
    for line in lines[:room]:
        table.add_row(*line)
    servers = sum(len(view.servers) for view in views)
    more = f"; {len(lines) - room} lines more" if len(lines) > room else ""
    return Group(table, Text(f"{_counted(servers, 'server')} in {_counted(len(views), 'cloud')}{more}", style="dim"))


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _lines(view: CloudView) -> list[list[Text]]:
    where = Text(clean(view.where), style="bold")
    if view.state == "asking":
        return [[where, Text("asking ...", style="dim")]]
    lines = [
        [
            Text(clean(server.name)),
            Text(
                clean(f"{server.status} ({server.task})" if server.task else server.status),
                _STYLES.get(server.status, ""),
            ),
            Text(clean(server.address)),
            Text(clean(server.flavor)),
        ]
        for server in view.servers
    ]
    heads = [[Text(clean(view.error), style="bold red")]] if view.state == "down" else []
    if view.old and view.age is not None:
        heads.append([Text(f"as seen {_ago(view.age)} ago", style="yellow")])
    if not heads and not lines:
        heads = [[Text("no servers", style="dim")]]
    return [[where if nth == 0 else Text(""), *line] for nth, line in enumerate(heads + lines)]


def _ago(seconds: float) -> str:
    """A time that has passed, to two digits or so."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.0f} h"


async def _tell(feed: Feed) -> None:
    """Off a terminal: a line for each server that is new, different or gone, and for each cloud that fails."""
    known: dict[str, CloudView] = {}
    async with aclosing(feed.changes()) as changes:
        async for views in changes:
            for view in views:
                for text in _news(known.get(view.where, CloudView(view.cloud, view.region)), view):
                    write(clean(f"{view.at} {view.where}: {text}") + "\n")
                known[view.where] = view


def _news(before: CloudView, now: CloudView) -> list[str]:
    def facts(view: CloudView) -> dict[str, str]:
        return {server.id: f"{server.name} {server.status} {server.address}".rstrip() for server in view.servers}

    old, new = facts(before), facts(now)
    news = [now.error or "answers again"] if now.error != before.error else []
    news += [f"{text} -> gone" for key, text in old.items() if key not in new]
    return news + [text for key, text in new.items() if old.get(key) != text]


async def _serve(feed: Feed, port: int) -> None:
    """Until Ctrl-C or SIGTERM."""
    try:
        import uvicorn

        from aiocloud.web.app import board
    except ModuleNotFoundError as error:
        raise CloudError(f"the board for a browser needs {error.name}: pip install 'aiocloud[web]'") from None
    try:
        listener = socket.create_server(("127.0.0.1", port))
    except OSError as error:
        raise CloudError(f"port {port} can't be served: {error.strerror or error}") from None

    class Server(uvicorn.Server):
        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            feed.end()  # the pages that are open would hold us up, and be cut off with a traceback each
            await super().shutdown(sockets)

    config = uvicorn.Config(
        board(feed), lifespan="off", log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=1
    )
    with listener:
        write(f"http://127.0.0.1:{listener.getsockname()[1]}/\n")
        await Server(config).serve(sockets=[listener])
