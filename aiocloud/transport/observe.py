"""Each request and its answer, for whoever measures."""

from __future__ import annotations

import logging
import time

import anyio

from aiocloud._http import httpx
from aiocloud.metrics import Exchange, Observer
from aiocloud.transport.call import call_of
from aiocloud.transport.layer import Layer
from aiocloud.transport.route import route_of
from aiocloud.transport.statsd import Statsd

__all__ = ["Observe"]

_log = logging.getLogger("aiocloud.transport")


class Observe(Layer):
    """Tells an observer, and statsd, of every request that is handed to the network."""

    def __init__(
        self, inner: httpx.AsyncBaseTransport, observer: Observer | None = None, statsd: Statsd | None = None
    ) -> None:
        super().__init__(inner)
        self._observer = observer
        self._statsd = statsd

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Carry the request, and tell what came of it."""
        if self._statsd is not None:
            await self._statsd.found()
        began = time.perf_counter()
        try:
            response = await self._inner.handle_async_request(request)
        except BaseException as error:
            self._tell(_exchange(request, None, _kind(error, request), began))
            raise
        self._tell(_exchange(request, response, None, began))
        return response

    def close(self) -> None:
        """Close what was opened to tell."""
        if self._statsd is not None:
            self._statsd.close()

    def _tell(self, exchange: Exchange) -> None:
        if self._statsd is not None:
            self._statsd(exchange)
        if self._observer is None:
            return
        try:
            self._observer(exchange)
        except Exception:  # noqa: BLE001 - a request must not fail because it could not be measured
            _log.exception("the observer of requests failed at %s %s", exchange.method, exchange.route)


def _kind(error: BaseException, request: httpx.Request) -> str:
    if not isinstance(error, anyio.get_cancelled_exc_class()):
        return type(error).__name__
    ends = call_of(request).deadline
    return "Cancelled" if ends is None or anyio.current_time() < ends else "Timeout"


def _exchange(request: httpx.Request, response: httpx.Response | None, error: str | None, began: float) -> Exchange:
    call = call_of(request)
    service = call.service or "identity"
    return Exchange(
        cloud=call.cloud,
        region=call.region,
        service=service,
        method=request.method,
        route=route_of(service, request.url.path if call.path is None else call.path),
        status=None if response is None else response.status_code,
        error=error,
        seconds=time.perf_counter() - began,
        attempt=call.travel.attempts,
        request_id=None if response is None else _request_id(response.headers),
    )


def _request_id(headers: httpx.Headers) -> str | None:
    return headers.get("x-openstack-request-id") or headers.get("x-trans-id")
