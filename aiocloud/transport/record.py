"""Every request and answer in the log, without its secrets."""

from __future__ import annotations

import logging
import time

from aiocloud._http import httpx
from aiocloud.log import redact_body, redact_headers, redact_url
from aiocloud.transport.call import call_of
from aiocloud.transport.layer import Layer

__all__ = ["Record"]

http_log = logging.getLogger("aiocloud.http")


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
