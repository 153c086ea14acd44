"""Swift's words, its XML, and the metadata that travels in headers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote
from xml.sax.saxutils import escape, quoteattr

from aiocloud.testing.http import Fail, Req
from aiocloud.testing.swift_access import clean_acl

WORDS = {
    202: ("Accepted", "The request is accepted for processing."),
    301: ("Moved Permanently", "The resource has moved permanently."),
    400: (
        "Bad Request",
        "The server could not comply with the request since it is either malformed or otherwise incorrect.",
    ),
    401: ("Unauthorized", "This server could not verify that you are authorized to access the document you requested."),
    403: ("Forbidden", "Access was denied to this resource."),
    404: ("Not Found", "The resource could not be found."),
    405: ("Method Not Allowed", "The method is not allowed for this resource."),
    409: ("Conflict", "There was a conflict when trying to complete your request."),
    411: ("Length Required", "Content-Length header required."),
    412: ("Precondition Failed", "A precondition for this request was not met."),
    413: ("Request Entity Too Large", "The body of your request was too large for this server."),
    416: ("Requested Range Not Satisfiable", "The Range requested is not available."),
    422: ("Unprocessable Entity", "Unable to process the contained instructions"),
    499: ("Client Disconnect", "The client was disconnected during request."),
    503: ("Service Unavailable", "The server is currently unavailable. Please try again at a later time."),
}
META_LIMITS = {"name": 128, "value": 256, "count": 90, "all": 4096}


def listing_xml(found: list[dict[str, Any]], kind: str, name: str) -> str:
    """A listing in XML."""
    child = "container" if kind == "account" else "object"
    parts = ['<?xml version="1.0" encoding="UTF-8"?>\n', f"<{kind} name={quoteattr(name)}>"]
    for entry in found:
        if "subdir" in entry:
            folder = entry["subdir"]
            parts.append(f"<subdir name={quoteattr(folder)}><name>{escape(folder)}</name></subdir>")
            continue
        names = [key for key in ("name", "hash", "bytes", "count", "content_type", "last_modified") if key in entry]
        fields = "".join(f"<{key}>{escape(str(entry[key]))}</{key}>" for key in names)
        parts.append(f"<{child}>{fields}</{child}>")
    return "".join([*parts, f"</{kind}>"])


def check_meta(headers: Mapping[str, str], prefix: str) -> dict[str, str]:
    """The metadata among some headers; a `Fail` with 400 when it is more than swift takes."""
    # WSGI drops what has an underscore in its name.
    found = {name: value for name, value in headers.items() if name.startswith(prefix) and "_" not in name}
    for name, value in found.items():
        bare = name.removeprefix(prefix)
        if not bare:
            raise Fail(400, "Metadata name cannot be empty", "plain")
        if len(bare) > META_LIMITS["name"]:
            raise Fail(400, f"Metadata name too long: {name.title()}", "plain")
        if len(value) > META_LIMITS["value"]:
            raise Fail(400, f"Metadata value longer than {META_LIMITS['value']}: {name.title()}", "plain")
    if len(found) > META_LIMITS["count"]:
        raise Fail(400, f"Too many metadata items; max {META_LIMITS['count']}", "plain")
    if sum(len(name.removeprefix(prefix)) + len(value) for name, value in found.items()) > META_LIMITS["all"]:
        raise Fail(400, f"Total metadata too large; max {META_LIMITS['all']}", "plain")
    return found


def change_headers(kept: dict[str, str], req: Req, kind: str) -> None:
    """Write the metadata of an account or a container: "" and X-Remove-... take away, the rest stays."""
    given = check_meta(req.headers, f"x-{kind}-meta-")
    for what in ("bytes", "count"):
        quota = given.get(f"x-{kind}-meta-quota-{what}", "")
        if quota and not quota.isdigit():
            raise Fail(400, f"Invalid {what} quota.", "plain")
    places = [req.headers[name] for name in ("x-versions-location", "x-history-location") if req.headers.get(name)]
    if len(places) > 1:
        raise Fail(400, "Only one of x-versions-location or x-history-location may be specified", "plain")
    if any("/" in unquote(place) for place in places):
        raise Fail(412, "Container name cannot contain slashes", "plain")
    plain = ("x-container-read", "x-container-write", "x-versions-location", "x-history-location")
    if kind == "container":
        given.update({name: req.headers[name] for name in plain if name in req.headers})
        given.update({name: clean_acl(name, given[name]) for name in plain[:2] if name in given})
    for name in req.headers:
        if name.startswith((f"x-remove-{kind}-", "x-remove-versions")) or name == "x-remove-history-location":
            given["x-" + name.removeprefix("x-remove-")] = ""
    for name, value in given.items():
        if value:
            kept[name] = value
        else:
            kept.pop(name, None)
