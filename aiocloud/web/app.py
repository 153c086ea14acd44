"""The board over HTTP: one page that is whole in itself, and its news as server-sent events."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from importlib.resources import files

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from aiocloud.web.feed import Feed

__all__ = ["HOSTS", "board"]

HOSTS = ("127.0.0.1", "localhost")
"""The names that a board on this machine is called by."""

_QUIET = 15.0  # seconds without news after which a comment says that we are still there
_RETRY = 2000  # milliseconds after which a browser that lost us tries again


def board(feed: Feed, hosts: tuple[str, ...] = HOSTS, quiet: float = _QUIET) -> Starlette:
    """The board of a feed that somebody else runs. Nobody is asked who they are: it shows, and changes nothing.

    `hosts` are the names that it may be called by; all others are refused, so that a page from elsewhere can't read it by
    pointing a name of its own at this machine. After `quiet` seconds without news a comment is sent. Call `feed.end()`
    when the server is told to stop: it waits for the pages that are open.
    """
    page = files("aiocloud.web").joinpath("board.html").read_text(encoding="utf-8")
    headers = {
        # Nothing that a cloud says can make the page run or load anything: only its own script and style may.
        "Content-Security-Policy": (
            f"default-src 'none'; script-src {_hash(page, 'script')}; style-src {_hash(page, 'style')}; "
            "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }

    async def index(_: Request) -> Response:
        return HTMLResponse(page, headers=headers)

    async def state(_: Request) -> Response:
        return JSONResponse([view.to_dict() for view in feed.views.values()], headers=headers)

    async def events(_: Request) -> Response:
        return StreamingResponse(_events(feed, quiet), media_type="text/event-stream", headers=headers)

    return Starlette(
        routes=[Route("/", index), Route("/state", state), Route("/events", events)],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))],
    )


def _hash(page: str, element: str) -> str:
    """How a policy names an inline script or style: by its hash."""
    found = re.search(rf"<{element}>(.*?)</{element}>", page, re.DOTALL)
    digest = hashlib.sha256((found[1] if found else "").encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


async def _events(feed: Feed, quiet: float) -> AsyncIterator[str]:
    """What clouds there are, and an event for each that has news.

    https://html.spec.whatwg.org/multipage/server-sent-events.html
    """
    yield f"retry: {_RETRY}\n\n" + _event("clouds", list(feed.views))
    async with aclosing(feed.changes(quiet)) as changes:
        async for views in changes:
            yield "".join(_event("cloud", view.to_dict()) for view in views) or ": still here\n\n"


def _event(name: str, data: object) -> str:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"
