"""The transport that goes out to the network.

A pool of connections for each region: a pool's cost grows with its connections, and a region that hangs holds only its
own. Connections are kept for 4 seconds of idleness, because OpenStack's API servers close theirs after 5 without a
word; a request sent on a connection at that very moment has an end that nobody can know. Together with the pool's own
look at each kept connection before it is used, that leaves such an end to servers that go away for other reasons.

Content goes by connections of its own (`aiocloud.transport.content`), on which bodies move in worker threads.

There is no cap on connections here: `aiocloud.transport.limits` hands over no more requests than may be in flight.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import sys
import urllib.request
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from aiocloud._http import httpx
from aiocloud.config.schema import CloudConfig
from aiocloud.errors import CloudError, ConfigError
from aiocloud.transport.call import call_of
from aiocloud.transport.content import ContentTransport
from aiocloud.transport.headers import check_headers
from aiocloud.transport.tls import TLS, context, warn_unverified

if TYPE_CHECKING:
    from aiocloud.transport.aiohttp import AiohttpTransport

__all__ = ["KEPT", "NetworkTransport", "closed", "default_transport", "proxy_for"]

KEPT = 4.0
"""Seconds for which an idle connection is kept."""
_FITS = 32 * 1024
"""Bytes of a body that are written without waiting."""
_UNWINDING = 2.0
"""Seconds that requests under way have to end, when all is closed."""
_FAST = "aiocloud.transport.aiohttp"
_Key = tuple[str | None, str, str | None, bool]
"""Region, scheme and proxy; is it for content?"""

log = logging.getLogger("aiocloud.transport")


def default_transport(config: CloudConfig) -> httpx.AsyncBaseTransport:
    """The way to a cloud, with the environment's proxies. Opens nothing and reads no file until the first request."""
    return NetworkTransport(config.name, TLS.of(config), urllib.request.getproxies())


class NetworkTransport(httpx.AsyncBaseTransport):
    """Pools of one cloud, by region, scheme, proxy and purpose, made when they are first needed."""

    def __init__(self, cloud: str, tls: TLS, proxies: Mapping[str, str]) -> None:
        self._cloud = cloud
        self._tls = tls
        self._proxies = proxies
        self._pools: dict[_Key, httpx.AsyncBaseTransport] = {}
        self._opening = anyio.Lock()
        self._under_way: set[anyio.CancelScope] = set()
        self._unwound: anyio.Event | None = None
        self._closed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request through the pool it belongs to."""
        call, url = call_of(request), request.url
        if call.travel.wire is not None:
            call.travel.wire.tells = True
        check_headers(request)
        proxy = proxy_for(url, self._proxies)
        key = (call.region, url.scheme, proxy, proxy is None and is_content(request))
        pool = self._pools.get(key) or await self._opened(key)
        with anyio.CancelScope() as under_way:
            self._under_way.add(under_way)
            try:
                return await pool.handle_async_request(request)
            finally:
                self._under_way.discard(under_way)
                if self._unwound is not None and not self._under_way:
                    self._unwound.set()
        raise httpx.ReadError("closed meanwhile")

    async def _opened(self, key: _Key) -> httpx.AsyncBaseTransport:
        """The pool, opened once for all whose first requests come together."""
        _, scheme, proxy, content = key
        async with self._opening:
            if key not in self._pools:
                verify = await self._context(scheme, proxy)
                fast = await _fast() if proxy is None and not content else None
                if self._closed:  # meanwhile, or before a request was sent again: nobody would close it
                    raise closed(self._cloud, key[0])
                if content:
                    self._pools[key] = ContentTransport(verify, KEPT)
                else:
                    self._pools[key] = fast(verify, KEPT) if fast else self._open(verify, proxy)
            return self._pools[key]

    async def _context(self, scheme: str, proxy: str | None) -> ssl.SSLContext:
        if scheme != "https" and not (proxy or "").startswith("https:"):
            return _no_context()
        if not self._tls.verify:
            warn_unverified(self._cloud)
        return await anyio.to_thread.run_sync(context, self._tls)

    def _open(self, verify: ssl.SSLContext, proxy: str | None) -> httpx.AsyncBaseTransport:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=100, keepalive_expiry=KEPT)
        if proxy is None:
            return httpx.AsyncHTTPTransport(verify=verify, limits=limits)
        try:
            return httpx.AsyncHTTPTransport(verify=verify, limits=limits, proxy=httpx.Proxy(proxy, ssl_context=verify))
        except (ValueError, httpx.InvalidURL, ImportError) as error:
            raise ConfigError(f"the proxy of the environment can't be used: {error}") from error

    async def aclose(self) -> None:
        """Close every connection, and open none any more. Who waits for an answer gets an error, and not at its deadline.

        The libraries' pools would leave a connection open that is just being made, and somebody waiting.
        """
        self._closed = True
        pools, self._pools = list(self._pools.values()), {}
        with anyio.CancelScope(shield=True):
            for under_way in [*self._under_way]:
                under_way.cancel()
            if self._under_way:
                self._unwound = self._unwound or anyio.Event()
                with anyio.move_on_after(_UNWINDING):
                    await self._unwound.wait()
            for pool in pools:
                await pool.aclose()


def closed(cloud: str, region: str | None) -> CloudError:
    """The error of who still asks."""
    return CloudError("this connection is closed; keep it open as long as it is used", cloud=cloud, region=region)


def is_content(request: httpx.Request) -> bool:
    """Is its body, or its answer, read piece by piece, or more than a socket's buffer takes at once?

    So is all that Swift is asked, that what is said before and after content needs no connections of its own.
    """
    call, stream = call_of(request), request.stream
    if call.stream or call.service == "object-store" or not isinstance(stream, httpx.ByteStream):
        return True
    return sum(map(len, stream)) > _FITS


async def _fast() -> type[AiohttpTransport] | None:
    """The fast transport, where it is installed (the extra `fast`) and the event loop is asyncio's."""
    if find_spec("aiohttp") is None:
        return None
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return None
    if _FAST in sys.modules:
        return _load()
    return await anyio.to_thread.run_sync(_load)


def _load() -> type[AiohttpTransport]:
    from aiocloud.transport.aiohttp import AiohttpTransport

    return AiohttpTransport


@cache
def _no_context() -> ssl.SSLContext:
    """For connections without TLS, which never look at it: even an empty one costs a millisecond."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def proxy_for(url: httpx.URL, proxies: Mapping[str, str]) -> str | None:
    """The proxy for a URL, as HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY say, None for none."""
    proxy = proxies.get(url.scheme) or proxies.get("all")
    if not proxy:
        return None
    if any(_covers(name.strip(), url) for name in proxies.get("no", "").split(",")):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _covers(name: str, url: httpx.URL) -> bool:
    """Does a name in NO_PROXY (`*`, a host, `host:port`, or a domain with or without its dot) cover a URL?"""
    name, host = name.lower().lstrip("."), url.host.lower()
    return name == "*" or (bool(name) and (name in (host, f"{host}:{url.port}") or host.endswith(f".{name}")))
