"""What a service's error answer says, in one sentence. Pure.

Each service words its errors in its own JSON: Nova and Cinder `{"itemNotFound": {"code", "message"}}`, Neutron
`{"NeutronError": {"type", "message"}}`, Keystone `{"error": {"code", "message"}}`, Placement
`{"errors": [{"detail"}]}`, Heat, Ironic and others their own; Glance and Swift answer HTML.
"""

from __future__ import annotations

import json
import re
from typing import Any

from aiocloud._http import httpx
from aiocloud._json import is_array, is_object
from aiocloud.errors import HTTPError, error_for_status
from aiocloud.log import escape, redact_url

__all__ = ["error_from", "words"]

_LONGEST = 500
_TAGS = re.compile(r"<(title|head|style)\b.*?</\1>|<[^>]*>", re.DOTALL | re.IGNORECASE)
_BREAKS = re.compile(r"<br ?/?>", re.IGNORECASE)
"""What a WSGI library leaves of HTML in JSON; whatever else looks like a tag there is somebody's text."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_KEYS = ("message", "detail", "faultstring", "error_message", "title", "reason", "description", "debuginfo")


def error_from(response: httpx.Response, cloud: str | None, region: str | None, service: str | None) -> HTTPError:
    """The error for an answer with an error status, whose body has been read."""
    request = response.request
    request_id = response.headers.get("x-openstack-request-id") or response.headers.get("x-compute-request-id")
    said = _elsewhere(response, service) if response.is_redirect else words(response.content, _kind(response))
    said = said or response.reason_phrase
    which = f" ({request_id})" if request_id else ""
    path = escape(request.url.path)
    shown = redact_url(str(request.url))
    if shown != str(request.url):
        request.url = httpx.URL(shown)  # the request stays on the error, where it is printed
    return error_for_status(response.status_code)(
        f"{service or 'the service'} answered {response.status_code} to {request.method} {path}: {said}{which}",
        response=response,
        cloud=cloud,
        region=region,
        service=service,
        request_id=request_id,
    )


def _elsewhere(response: httpx.Response, service: str | None) -> str:
    key = f"{(service or 'service').replace('-', '_')}_endpoint_override"
    target = redact_url(_CONTROL.sub(" ", response.headers.get("location", "")))[:_LONGEST] or "nowhere"
    return (
        f"it redirects to {target}; only GET and HEAD are redirected, and only to where the catalog has services. If that "
        f"is where this one is, set {key} to it"
    )


def _kind(response: httpx.Response) -> str:
    return response.headers.get("content-type", "")


def words(body: bytes, content_type: str = "") -> str:
    """The service's own words in an error body, on one line and no longer than is readable; "" when there are none."""
    text = body[:65_536].decode("utf-8", "replace")
    if text.lstrip()[:1] in ("{", "["):
        try:
            said = _BREAKS.sub(" ", _find(json.loads(body)))
        except (ValueError, RecursionError):
            said = text
    else:
        said = _text_of_html(text) if "html" in content_type or "<" in text[:200] else text
    said = " ".join(_CONTROL.sub(" ", said).split())
    return said if len(said) <= _LONGEST else said[: _LONGEST - 3] + "..."


def _text_of_html(text: str) -> str:
    from html import unescape  # names of two thousand characters, which most programs never need

    return unescape(_TAGS.sub(" ", text))


def _find(value: Any, depth: int = 0) -> str:
    """The first message in nested objects: a key that usually holds one, else whatever is inside."""
    if isinstance(value, str):
        # Ironic puts JSON into a string.
        return _find(json.loads(value), depth + 1) if value[:1] == "{" and depth < 5 and _is_json(value) else value
    if depth > 5:
        return ""
    if is_object(value):
        for key in _KEYS:
            if said := _find(value.get(key), depth + 1) if value.get(key) else "":
                return said
        return next(
            (said for inner in value.values() if not isinstance(inner, str) and (said := _find(inner, depth + 1))), ""
        )
    if is_array(value):
        return "; ".join(said for inner in value[:5] if (said := _find(inner, depth + 1)))
    return ""


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
