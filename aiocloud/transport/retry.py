"""Sending again what failed.

A request that ends with a closed connection and no byte of an answer, on a connection kept from an earlier one, has
most likely met the server's idle timeout. But that can't be told from a server that acted and then fell over, so a
POST is not sent again for it (its caller looks first whether it took effect); what may be repeated is, at once. If not
even the headers could be written whole, nothing was acted on, and any request is sent again.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

import anyio

from aiocloud._http import httpx
from aiocloud.log import escape
from aiocloud.transport.body import can_send_again
from aiocloud.transport.call import Call, call_of
from aiocloud.transport.failures import NEVER_LEFT, of_error, translate
from aiocloud.transport.layer import Layer
from aiocloud.transport.limits import Bucket, Limits
from aiocloud.transport.policy import Outcome, Policy, backoff, may_repeat, of_status, retry_after
from aiocloud.transport.wire import Wire

__all__ = ["Retry"]

log = logging.getLogger("aiocloud.transport")


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
            path = escape(request.url.path)
            log.debug("%s %s ended with %s; again in %.3f s", request.method, path, why, delay)
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
