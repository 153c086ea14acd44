"""Forms of web pages that upload files without a login.

API: https://docs.openstack.org/swift/latest/api/form_post_middleware.html
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from aiocloud.testing.http import Fail, Reply, Req
from aiocloud.testing.swift_access import keys, read_signature
from aiocloud.testing.swift_store import Blob

if TYPE_CHECKING:
    from aiocloud.testing.swift import Swift

KINDS = ("content-type", "content-encoding")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of a form, with what the fields before it say."""

    name: str
    content: bytes
    fields: Mapping[str, str]

    def number(self, name: str) -> int:
        """A field that has to be a number; 0 when it is missing."""
        text = self.fields.get(name) or "0"
        if not text.isdigit():
            raise Fail(400, f"FormPost: {name} not an integer", "plain")
        return int(text)


def is_form(req: Req) -> bool:
    """Whether this comes from a form with files."""
    return req.method == "POST" and req.headers.get("content-type", "").startswith("multipart/form-data")


async def post_form(swift: Swift, req: Req) -> Reply:
    """POST of a form: every file becomes an object, whose name begins with what the URL names."""
    status, words, redirect = "400 Bad Request", "No Files To Process", ""
    count = 0
    for count, upload in enumerate(uploads(req.headers["content-type"], await req.body()), 1):
        redirect = upload.fields.get("redirect", "")
        if count > upload.number("max_file_count"):
            status, words = "400 Bad Request", "Max File Count Exceeded"
            break
        check_signature(swift, req, upload)
        store(swift, req, upload)
        status, words = "201 Created", ""
    if redirect:
        place = f"{redirect}{'&' if '?' in redirect else '?'}status={status.partition(' ')[0]}&message={quote(words.lower())}"
        page = f'<html><body><p><a href="{place}">Click to continue...</a></p></body></html>'
        return Reply(303, page.encode(), {"location": place, "content-type": "text/html; charset=UTF-8"})
    return Reply.text(status + (f"\r\nFormPost: {words}" if words else ""), int(status[:3]), "text/plain")


def uploads(kind: str, body: bytes) -> Iterator[Upload]:
    """The files of a form."""
    whole = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body)
    fields: dict[str, str] = {}
    for part in whole.iter_parts():
        content, filename = content_of(part), part.get_filename()
        if filename:
            kinds = {name: str(part[name]) for name in KINDS if part[name] and name not in fields}
            yield Upload(filename, content, {**fields, **kinds})
        else:
            name = part.get_param("name", "", header="content-disposition")
            fields[str(name).lower()] = content.decode().rstrip("\r\n")


def content_of(part: Message) -> bytes:
    """The bytes of one part."""
    found = part.get_payload(decode=True)
    return found if isinstance(found, bytes) else b""


def check_signature(swift: Swift, req: Req, upload: Upload) -> None:
    """A `Fail` with 401 unless the form is signed with one of the keys, and not expired."""
    if upload.number("expires") < swift.region.clock.now():
        raise Fail(401, "FormPost: Form Expired", "form")
    digest, signature = read_signature(upload.fields.get("signature", ""))
    known = ("max_file_size", "max_file_count", "expires")
    path = unquote(req.path)
    rest = [upload.fields.get("redirect", ""), *(upload.fields.get(name) or "0" for name in known)]
    # What a client signs is the path of the URL that it knows; behind a proxy swift knows only its own part.
    signed = ["\n".join([each, *rest]).encode() for each in (path, req.base.removeprefix(req.root) + path)]
    for key in keys(swift, req):
        if digest and any(
            hmac.compare_digest(hmac.new(key.encode(), text, digest).hexdigest(), signature) for text in signed
        ):
            return
    raise Fail(401, "FormPost: Invalid Signature", "form")


def store(swift: Swift, req: Req, upload: Upload) -> None:
    """One file as an object."""
    if len(upload.content) > upload.number("max_file_size"):
        raise Fail(400, "FormPost: max_file_size exceeded", "plain")
    names = {"x_delete_at": "x-delete-at", "x_delete_after": "x-delete-after", **{kind: kind for kind in KINDS}}
    headers = {wire: upload.fields[name] for name, wire in names.items() if upload.fields.get(name)}
    args = {**req.args, "object": req.args.get("object", "") + upload.name}
    made = Req("PUT", req.path, headers, args=args)
    swift.objects.store(made, swift.objects.fresh(made, Blob.of(upload.content)))
