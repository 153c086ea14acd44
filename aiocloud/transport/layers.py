"""What carries a request: transports around a transport, from the caller to the network:

    Boundary    the event loop, the deadline and default timeouts; nothing but CloudErrors comes out
    Retry       sends again what may be sent again (policy.py says what and when)
    Limit       waits for the bucket: rate, requests in flight, pauses that the service asked for
    Observe     tells whoever measures; only where somebody does
    Record      one log record for the request, one for the answer
    Whole       reads the answer to its end, within bounds, unless the caller reads it piece by piece

Reading the answer lies inside the retries, so that an answer that breaks off is asked for again.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import anyio

from aiocloud._http import httpx
from aiocloud.config.schema import CloudConfig
from aiocloud.transport.boundary import TIMEOUTS, Boundary
from aiocloud.transport.call import call_of
from aiocloud.transport.layer import Layer
from aiocloud.transport.limits import Bucket, Key, Limits, Settings, Stats
from aiocloud.transport.policy import Outcome, Policy, of_status, retry_after
from aiocloud.transport.pool import default_transport
from aiocloud.transport.rate_limits import RateLimits, Share, limit_key
from aiocloud.transport.reading import Pieces, read_bounded
from aiocloud.transport.record import Record
from aiocloud.transport.retry import Retry

if TYPE_CHECKING:
    from aiocloud.metrics import Observer
    from aiocloud.transport.observe import Observe

__all__ = ["Limit", "Transport", "Whole", "build_transport", "settings_of"]


class Whole(Layer):
    """Reads answers to their end. Errors are always read; a success not, when `call.stream` says so."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Hand the request to the network and read what it says."""
        call = call_of(request)
        if call.travel.wire is not None:
            call.travel.wire.handed = True
        response = await self._inner.handle_async_request(request)
        response.request = request
        if call.stream and not response.is_error:
            response.stream = Pieces(response)
            return response
        try:
            await read_bounded(response)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await response.aclose()
            raise
        return response


class Limit(Layer):
    """Holds each request until its bucket lets it go, and lets the bucket learn from the answer."""

    def __init__(self, inner: httpx.AsyncBaseTransport, limits: Limits) -> None:
        super().__init__(inner)
        self._limits = limits

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Wait for the request's turn, then carry it."""
        call = call_of(request)
        bucket = self._limits[call.bucket]
        await bucket.enter(request, call)
        try:
            response = await self._inner.handle_async_request(request)
        except BaseException:
            bucket.leave(request)
            raise
        if call.stream and not response.is_error:
            response.stream = _Slot(response.stream, bucket, request)
        else:
            bucket.leave(request)
            if of_status(response.status_code, response.headers) is Outcome.REJECTED:
                await _learn(bucket, response)
        return response


async def _learn(bucket: Bucket, response: httpx.Response) -> None:
    wait = retry_after(response.headers, time.time())
    obeyed = wait if wait is not None and wait <= bucket.policy.longest_retry_after else None
    await bucket.refused(too_many=response.status_code in (429, 498), wait=obeyed)


class _Slot(httpx.AsyncByteStream):
    """An answer under way, which keeps its slot until it is closed."""

    def __init__(self, stream: object, bucket: Bucket, request: httpx.Request) -> None:
        assert isinstance(stream, httpx.AsyncByteStream)  # noqa: S101 - what an async transport answers
        self._stream = stream
        self._bucket: Bucket | None = bucket
        self._request = request

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._stream)

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            if self._bucket is not None:
                self._bucket.leave(self._request)
                self._bucket = None


class Transport(Boundary):
    """All layers around one way out; a session has one, for all its regions."""

    def __init__(
        self,
        inner: httpx.AsyncBaseTransport,
        config: CloudConfig,
        rate_limits: RateLimits | None = None,
        observe: Observer | None = None,
        *,
        owned: bool,
    ) -> None:
        self._configs: dict[str | None, CloudConfig] = {config.region_name: config}
        self._config = config
        self._rate_limits = rate_limits
        self._owned = owned
        self._limits = Limits(self._settings)
        carried: Layer = Record(Whole(inner))
        self._observed = _observed(carried, config, observe)
        layers = Retry(Limit(self._observed or carried, self._limits), self._limits)
        limit = config.api_timeout
        super().__init__(layers, TIMEOUTS if limit is None else {**TIMEOUTS, "connect": limit, "read": limit})

    def know(self, config: CloudConfig) -> None:
        """A further region of the same cloud, whose limits may be its own."""
        self._configs.setdefault(config.region_name, config)

    def stats(self) -> Mapping[Key, Stats]:
        """The counters of each (cloud, region, service) that was asked something."""
        return self._limits.stats()

    def _settings(self, key: Key) -> Settings:
        _, region, service = key
        config = self._configs.get(region, self._config)
        settings = settings_of(config, service or "identity")
        if self._rate_limits is None:
            return settings
        share = Share(self._rate_limits, limit_key(config, region, service), settings.rate)
        return replace(settings, share=share)

    async def aclose(self) -> None:
        """Close the connections, unless the transport was handed in: then it is its owner's."""
        if self._observed is not None:
            self._observed.close()
        if self._owned:
            await self._inner.aclose()


def _observed(carried: Layer, config: CloudConfig, observe: Observer | None) -> Observe | None:
    """The layer that tells whoever measures; None where nobody does, and nothing of it is imported."""
    statsd: Mapping[str, Any] = config.metrics.get("statsd") or {}
    if observe is None and not statsd.get("host"):
        return None
    from aiocloud.transport.observe import Observe
    from aiocloud.transport.statsd import Statsd

    return Observe(carried, observe, Statsd(statsd) if statsd.get("host") else None)


def settings_of(config: CloudConfig, service: str) -> Settings:
    """What is configured for one service's bucket. Pure."""
    told = config.service(service)
    base = Policy()
    policy = Policy(
        connect_retries=told.connect_retries,
        status_retries=told.status_code_retries,
        statuses=told.retriable_status_codes or (),
        connect_delay=base.connect_delay if told.connect_retry_delay is None else told.connect_retry_delay,
        status_delay=base.status_delay if told.status_code_retry_delay is None else told.status_code_retry_delay,
    )
    return Settings(policy, told.rate_limit, told.concurrency or Settings().in_flight)


def build_transport(
    inner: httpx.AsyncBaseTransport | None,
    config: CloudConfig,
    rate_limits: RateLimits | None = None,
    observe: Observer | None = None,
) -> Transport:
    """All layers around `inner`, or around connections of our own when it is None."""
    if inner is not None:
        return Transport(inner, config, rate_limits, observe, owned=False)
    return Transport(default_transport(config), config, rate_limits, observe, owned=True)
