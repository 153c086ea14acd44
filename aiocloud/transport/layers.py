"""What carries a request: transports around a transport, from the caller to the network:

    Boundary    the event loop, the deadline and default timeouts; nothing but CloudErrors comes out
    Retry       sends again what may be sent again (policy.py says what and when)
    Limit       waits for the bucket: rate, requests in flight, pauses that the service asked for
    Record      one log record for the request, one for the answer
    Whole       reads the answer to its end, within bounds, unless the caller reads it piece by piece

Reading the answer lies inside the retries, so that an answer that breaks off is asked for again.

A request that ends with a closed connection and no byte of an answer, on a connection kept from an earlier one, has
most likely met the server's idle timeout. But that can't be told from a server that acted and then fell over, so a
POST is not sent again for it (its caller looks first whether it took effect); what may be repeated is, at once. If not
even the headers could be written whole, nothing was acted on, and any request is sent again.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace

import anyio
from anyio.lowlevel import RunVar

from aiocloud._http import httpx
from aiocloud.config.schema import CloudConfig
from aiocloud.errors import InvalidRequest
from aiocloud.log import redact_body, redact_headers, redact_url
from aiocloud.transport.body import can_send_again
from aiocloud.transport.call import EXTENSION, Call, call_of
from aiocloud.transport.failures import NEVER_LEFT, of_error, out_of_time, translate
from aiocloud.transport.limits import Bucket, Key, Limits, Settings, Stats
from aiocloud.transport.policy import Outcome, Policy, backoff, may_repeat, of_status, retry_after
from aiocloud.transport.pool import default_transport
from aiocloud.transport.reading import Pieces, read_bounded
from aiocloud.transport.wire import Wire

__all__ = [
    "Boundary",
    "Limit",
    "Record",
    "Retry",
    "Transport",
    "Whole",
    "build_transport",
    "read_bounded",
    "settings_of",
]

log = logging.getLogger("aiocloud.transport")
http_log = logging.getLogger("aiocloud.http")

TIMEOUTS = {"connect": 10.0, "read": 180.0, "write": 60.0, "pool": 60.0}
"""Seconds: an API with few workers takes minutes to accept many creates at once."""
DEADLINE = 300.0
"""Seconds that a call may take in all, unless it says otherwise or streams."""


class Layer(httpx.AsyncBaseTransport):
    """A transport around another."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def aclose(self) -> None:
        """Close what is inside."""
        await self._inner.aclose()


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


class Record(Layer):
    """Logs `aiocloud.http` at DEBUG, secrets masked: one record for the request, one for its answer or failure."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Carry the request, and write down that it was carried."""
        if not http_log.isEnabledFor(logging.DEBUG):
            return await self._inner.handle_async_request(request)
        call = call_of(request)
        where = " ".join(part for part in call.bucket if part) or "-"
        asked = f"{request.method} {redact_url(str(request.url))}"
        http_log.debug("%s > %s %s %s", where, asked, redact_headers(request.headers.items()), _sent_body(request))
        started = time.perf_counter()
        try:
            response = await self._inner.handle_async_request(request)
        except Exception as error:
            http_log.debug("%s < %s failed after %.3f s: %r", where, asked, time.perf_counter() - started, error)
            raise
        http_log.debug(
            "%s < %d to %s after %.3f s, request id %s %s %s",
            where,
            response.status_code,
            asked,
            time.perf_counter() - started,
            response.headers.get("x-openstack-request-id", "-"),
            redact_headers(response.headers.items()),
            _received_body(response),
        )
        return response


def _sent_body(request: httpx.Request) -> str:
    content_type = request.headers.get("content-type", "")
    if isinstance(request.stream, httpx.ByteStream):
        return redact_body(b"".join(request.stream), content_type)
    return f"<{request.headers.get('content-length', 'unknown number of')} bytes of {content_type or 'unknown type'}>"


def _received_body(response: httpx.Response) -> str:
    content_type = response.headers.get("content-type", "")
    try:
        body = response.content
    except httpx.ResponseNotRead:
        return f"<{response.headers.get('content-length', 'unknown number of')} bytes, read by the caller>"
    if not response.is_error and "json" not in content_type:
        return f"<{len(body)} bytes of {content_type or 'unknown type'}>" if body else ""
    return redact_body(body, content_type)


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
            _learn(bucket, response)
        return response


def _learn(bucket: Bucket, response: httpx.Response) -> None:
    status = response.status_code
    if of_status(status, response.headers) is not Outcome.REJECTED:
        return
    wait = retry_after(response.headers, time.time())
    obeyed = wait if wait is not None and wait <= bucket.policy.longest_retry_after else None
    bucket.refused(too_many=status in (429, 498), wait=obeyed)


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


@dataclass(frozen=True, slots=True)
class _End:
    """How one attempt ended: with an answer or with an error."""

    outcome: Outcome
    response: httpx.Response | None = None
    error: httpx.RequestError | None = None
    stale: bool = False


class Retry(Layer):
    """Sends again what failed, when that is sound, allowed, worth it and in time."""

    def __init__(self, inner: httpx.AsyncBaseTransport, limits: Limits) -> None:
        super().__init__(inner)
        self._limits = limits

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Carry the request, as often as it takes. Raises TransportError or Timeout after the last failure."""
        call = call_of(request)
        bucket = self._limits[call.bucket]
        caller_trace = request.extensions.get("trace")
        while True:
            call.travel.wire = request.extensions["trace"] = Wire(caller_trace)
            end = await self._attempt(request, call, bucket.policy)
            if end.outcome is Outcome.DONE:
                bucket.budget.earn()
                break
            delay = _delay(end, request, call, bucket)
            if delay is None:
                break
            why = f"{end.response.status_code}" if end.response is not None else repr(end.error)
            log.debug("%s %s ended with %s; again in %.3f s", request.method, request.url.path, why, delay)
            bucket.retried()
            call.travel.waited += delay
            await anyio.sleep(delay)
        if end.response is None:
            assert end.error is not None  # noqa: S101 - an attempt ends with one or the other
            raise translate(end.error, request, call, sent=call.travel.sent) from end.error
        return end.response

    async def _attempt(self, request: httpx.Request, call: Call, policy: Policy) -> _End:
        travel, wire = call.travel, call.travel.wire or Wire()
        travel.attempts += 1
        try:
            response = await self._inner.handle_async_request(request)
            end = _End(of_status(response.status_code, response.headers, policy.statuses), response)
        except httpx.RequestError as error:
            stale = wire.stale and not isinstance(error, httpx.TimeoutException)
            end = _End(of_error(error, wire), error=error, stale=stale)
        if end.outcome in (Outcome.UNSENT, Outcome.REJECTED) or isinstance(end.error, NEVER_LEFT):
            travel.wire = None
        travel.ambiguous = travel.ambiguous or end.outcome is Outcome.AMBIGUOUS
        return end


def _delay(end: _End, request: httpx.Request, call: Call, bucket: Bucket) -> float | None:
    """Seconds until the request is sent again; None: it is not."""
    policy, attempts, now = bucket.policy, call.travel.attempts, anyio.current_time()
    by_status = end.response is not None
    if attempts > policy.allowed(end.outcome, by_status, call.retries) or not can_send_again(request):
        return None
    if not may_repeat(end.outcome, request.method, call.repeatable):
        return None
    if end.stale and attempts <= _STALE_AT_ONCE:
        return 0.0
    delay = backoff(attempts, policy.status_delay if by_status else policy.connect_delay, policy.longest_delay)
    if end.response is not None and end.outcome is Outcome.REJECTED:
        asked = retry_after(end.response.headers, time.time())
        if asked is not None and asked > policy.longest_retry_after:
            return None
        # Not a moment before what was asked, and not all of us at that moment.
        delay = delay if asked is None else asked + min(delay, 1.0)
    if call.deadline is not None and now + delay >= call.deadline:
        return None
    return delay if bucket.budget.spend(now) else None


# After an idle time each kept connection may be dead, and the pool finds that out one by one.
_STALE_AT_ONCE = 2


class Boundary(Layer):
    """The outermost layer: the deadline and default timeouts go in, nothing but CloudErrors comes out."""

    def __init__(self, inner: httpx.AsyncBaseTransport, timeouts: Mapping[str, float] = TIMEOUTS) -> None:
        super().__init__(inner)
        self._timeouts = dict(timeouts)
        self._used = False
        self._here: RunVar[bool] = RunVar("aiocloud transport used in this event loop", default=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Carry the request. Raises TransportError, Timeout, and InvalidRequest in a foreign event loop."""
        self._same_loop()
        started = anyio.current_time()
        call = self._prepared(request, started)
        with anyio.CancelScope(deadline=call.deadline or math.inf):
            try:
                response = await self._inner.handle_async_request(request)
            except _FOREIGN as error:
                raise translate(error, request, call, sent=call.travel.sent) from error
            response.request = request
            if call.stream and not response.is_error:
                response.stream = _Bounded(response.stream, request, call, started)
            return response
        raise out_of_time(request, call, anyio.current_time() - started, sent=call.travel.sent)

    def _prepared(self, request: httpx.Request, now: float) -> Call:
        request.extensions.setdefault("timeout", self._timeouts)
        can_send_again(request)  # a body of unknown kind is watched from here on
        call = call_of(request)
        if call.deadline is None:
            streams = call.stream or not isinstance(request.stream, httpx.ByteStream)
            call = replace(call, deadline=math.inf if streams else now + DEADLINE)
            request.extensions[EXTENSION] = call
        return call

    def _same_loop(self) -> None:
        if self._here.get():
            return
        if self._used:
            raise InvalidRequest(
                "this cloud was opened in another event loop, which its connections belong to: "
                "connect again in this one, or keep to one loop (one asyncio.run() around everything)"
            )
        self._used = True
        self._here.set(True)


_FOREIGN = (
    httpx.HTTPError,
    httpx.StreamError,
    httpx.InvalidURL,
    anyio.BrokenResourceError,
    anyio.ClosedResourceError,
    anyio.EndOfStream,
)


class _Bounded(httpx.AsyncByteStream):
    """An answer that the caller reads piece by piece: each piece within the deadline, every failure a CloudError."""

    def __init__(self, stream: object, request: httpx.Request, call: Call, started: float) -> None:
        assert isinstance(stream, httpx.AsyncByteStream)  # noqa: S101 - what an async transport answers
        self._stream = stream
        self._request = request
        self._call = call
        self._started = started
        self._pieces = aiter(stream)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        with anyio.CancelScope(deadline=self._call.deadline or math.inf):
            try:
                return await anext(self._pieces)
            except _FOREIGN as error:
                raise translate(error, self._request, self._call, sent=True) from error
        raise out_of_time(self._request, self._call, anyio.current_time() - self._started, sent=True)

    async def aclose(self) -> None:
        await self._stream.aclose()


class Transport(Boundary):
    """All layers around one way out; a session has one, for all its regions."""

    def __init__(self, inner: httpx.AsyncBaseTransport, config: CloudConfig, *, owned: bool) -> None:
        self._configs: dict[str | None, CloudConfig] = {config.region_name: config}
        self._config = config
        self._owned = owned
        self._limits = Limits(self._settings)
        layers = Retry(Limit(Record(Whole(inner)), self._limits), self._limits)
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
        return settings_of(self._configs.get(region, self._config), service or "identity")

    async def aclose(self) -> None:
        """Close the connections, unless the transport was handed in: then it is its owner's."""
        if self._owned:
            await self._inner.aclose()


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


def build_transport(inner: httpx.AsyncBaseTransport | None, config: CloudConfig) -> Transport:
    """All layers around `inner`, or around connections of our own when it is None."""
    if inner is not None:
        return Transport(inner, config, owned=False)
    return Transport(default_transport(config), config, owned=True)
