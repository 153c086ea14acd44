"""Glance's words: its refusals and the schemas it publishes."""

from __future__ import annotations

import json
from html import escape
from typing import Any

from aiocloud.testing.http import Fail, Reply, Req

TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    410: "Gone",
    413: "Request Entity Too Large",
    415: "Unsupported Media Type",
    416: "Request Range Not Satisfiable",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
UNAUTHORIZED = (
    "This server could not verify that you are authorized to access the document you requested. Either you supplied "
    "the wrong credentials (e.g., bad password), or your browser does not understand how to supply the credentials "
    "required."
)
DENIED = "Access was denied to this resource."
CONFLICT = "There was a conflict when trying to complete your request."

UUID_PATTERN = "^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$"
DISK_FORMATS = (None, "ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "iso", "ploop")
CONTAINER_FORMATS = (None, "ami", "ari", "aki", "bare", "ovf", "ova", "docker", "compressed")
VISIBILITIES = ("community", "public", "private", "shared")
STATUSES = [
    "queued",
    "saving",
    "active",
    "killed",
    "deleted",
    "uploading",
    "importing",
    "pending_delete",
    "deactivated",
]


def page(req: Req, fail: Fail) -> Reply:
    """A refusal as webob writes it, JSON or HTML; the `kind` of the `Fail` is the detail below the explanation."""
    asked = req.headers.get("accept", "")
    wants_json = "json" in asked and "html" not in asked
    quoted = str if wants_json else escape
    title = f"{fail.status} {TITLES.get(fail.status, 'Error')}"
    body = f"{quoted(fail.message)}<br /><br />\n{quoted(fail.kind)}\n\n"
    if fail.status == 415:
        kind = quoted(req.headers.get("content-type", ""))
        body = f"The request media type {kind} is not supported by this server.\n<br /><br />\n{quoted(fail.message)}"
    elif fail.status == 405:
        body = f"The method {req.method} is not allowed for this resource. <br /><br />\n"
    if wants_json:
        told = {"message": body, "code": title, "title": TITLES.get(fail.status, "Error")}
        return Reply(fail.status, json.dumps(told).encode(), {"content-type": "application/json", **fail.headers})
    text = (
        f"<html>\n <head>\n  <title>{title}</title>\n </head>\n <body>\n  <h1>{title}</h1>\n  {body}\n </body>\n</html>"
    )
    return Reply(fail.status, text.encode(), {"content-type": "text/html; charset=UTF-8", **fail.headers})


def mismatch(problem: str, instance: str) -> Fail:
    """400 for a body that doesn't fit the schema."""
    return Fail(400, f"Provided object does not match schema 'image': {problem}\n\nOn instance{instance}")


def read_only(kind: str, **more: Any) -> dict[str, Any]:
    """A property that only the service sets."""
    return {"type": kind if kind in {"string", "array"} else ["null", kind.removesuffix("?")], "readOnly": True, **more}


IMAGE: dict[str, Any] = {
    "name": "image",
    "properties": {
        "id": {"type": "string", "pattern": UUID_PATTERN},
        "name": {"type": ["null", "string"], "maxLength": 255},
        "status": read_only("string", enum=STATUSES),
        "visibility": {"type": "string", "enum": list(VISIBILITIES)},
        "protected": {"type": "boolean"},
        "os_hidden": {"type": "boolean"},
        "checksum": read_only("string?", maxLength=32),
        "os_hash_algo": read_only("string?", maxLength=64),
        "os_hash_value": read_only("string?", maxLength=128),
        "owner": {"type": ["null", "string"], "maxLength": 255},
        "size": read_only("integer"),
        "virtual_size": read_only("integer"),
        "container_format": {"type": ["null", "string"], "enum": list(CONTAINER_FORMATS)},
        "disk_format": {"type": ["null", "string"], "enum": list(DISK_FORMATS)},
        "created_at": read_only("string"),
        "updated_at": read_only("string"),
        "tags": {"type": "array", "items": {"type": "string", "maxLength": 255}},
        "direct_url": read_only("string"),
        "min_ram": {"type": "integer"},
        "min_disk": {"type": "integer"},
        "self": read_only("string"),
        "file": read_only("string"),
        "stores": read_only("string"),
        "schema": read_only("string"),
    },
    "additionalProperties": {"type": "string"},
    "links": [
        {"rel": "self", "href": "{self}"},
        {"rel": "enclosure", "href": "{file}"},
        {"rel": "describedby", "href": "{schema}"},
    ],
}
MEMBER: dict[str, Any] = {
    "name": "member",
    "properties": {
        "member_id": {"type": "string"},
        "image_id": {"type": "string", "pattern": UUID_PATTERN},
        "created_at": {"type": "string"},
        "updated_at": {"type": "string"},
        "status": {"type": "string", "enum": ["pending", "accepted", "rejected"]},
        "schema": {"readOnly": True, "type": "string"},
    },
}
TASK: dict[str, Any] = {
    "name": "task",
    "properties": {
        "id": {"type": "string", "pattern": UUID_PATTERN},
        "type": {"type": "string", "enum": ["import", "api_image_import", "location_import"]},
        "status": {"type": "string", "enum": ["pending", "processing", "success", "failure"]},
        "input": {"type": ["null", "object"]},
        "result": {"type": ["null", "object"]},
        "owner": {"type": "string"},
        "message": {"type": "string"},
        "expires_at": {"type": ["null", "string"]},
        "created_at": {"type": "string"},
        "updated_at": {"type": "string"},
        "self": {"type": "string"},
        "schema": {"type": "string"},
    },
}


def many(one: dict[str, Any]) -> dict[str, Any]:
    """The schema of a list of such things."""
    name = f"{one['name']}s"
    properties = {
        name: {"type": "array", "items": one},
        "first": {"type": "string"},
        "next": {"type": "string"},
        "schema": {"type": "string"},
    }
    return {"name": name, "properties": properties, "links": [{"rel": "describedby", "href": "{schema}"}]}


SCHEMAS = {one["name"]: one for one in (IMAGE, MEMBER, TASK, many(IMAGE), many(MEMBER), many(TASK))}
