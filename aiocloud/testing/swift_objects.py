"""Objects of swift: upload, download, metadata, copy, delete."""

from __future__ import annotations

import mimetypes
from collections.abc import AsyncIterator
from dataclasses import replace
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from aiocloud.testing import swift_large, swift_versions
from aiocloud.testing.http import Fail, Reply, Req
from aiocloud.testing.swift_access import check_access, read_expiry
from aiocloud.testing.swift_bulk import extract_archive
from aiocloud.testing.swift_store import Blob, Container, Obj, TooLargeError, http_date, timestamp_text
from aiocloud.testing.swift_text import check_meta

if TYPE_CHECKING:
    from aiocloud.testing.swift import Swift

KEPT = ("content-encoding", "content-disposition", "content-language", "cache-control", "expires", "x-object-manifest")
HTML = {"content-type": "text/html; charset=UTF-8"}
PLACE = ("account", "container", "object")
SMALL = 256 * 1024
"""Bytes up to which a download is one answer, not a stream."""


class Objects:
    """The handlers of one region's objects."""

    def __init__(self, swift: Swift) -> None:
        self.swift = swift

    # Finding

    def need(self, req: Req) -> Obj:
        """The object in the path, symbolic links not followed; 404 when it isn't there."""
        account, container, name, version = *(req.args[key] for key in PLACE), req.get("version-id")
        if version is None:
            found = self.swift.lookup(account, container, name)
        else:
            found = swift_versions.find(self.swift.container(account, container), name, version)
        if found is None:
            raise Fail(404, "")
        return found

    def follow(self, req: Req, obj: Obj) -> tuple[Obj, str]:
        """What a symbolic link leads to, and where that is ("" when it is no link)."""
        if not obj.symlink or req.get("symlink") == "get":
            return obj, ""
        account, where = req.args["account"], ""
        for _ in range(3):
            if not obj.symlink:
                return obj, where
            account, where = obj.link_account or account, link_path(account, obj)
            obj = self.target(replace(req, args={**req.args, "account": account}), obj, where)
        raise Fail(409, "Too many levels of symbolic links, maximum allowed is 2", "plain")

    def target(self, req: Req, link: Obj, where: str) -> Obj:
        """What a link names, which the caller may read; a `Fail` with 404 or, where a static link's has changed, 409."""
        container, _slash, name = link.symlink.partition("/")
        if req.who is not None:
            check_access(self.swift, replace(req, args={**req.args, "container": container, "object": name}, query=[]))
        found = self.swift.lookup(req.args["account"], container, name)
        if found is None:
            raise Fail(404, "", headers={"content-location": where})
        if link.symlink_etag and link.symlink_etag != found.stored_etag:
            raise Fail(
                409,
                f"Object Etag '{found.stored_etag}' does not match X-Symlink-Target-Etag header '{link.symlink_etag}'",
                "plain",
                {"content-location": where},
            )
        return found

    # Upload

    async def put(self, req: Req) -> Reply:
        """PUT: bytes, a manifest, a link, a copy, or an archive to unpack."""
        if req.get("extract-archive") is not None:
            return await extract_archive(self.swift, req)
        account, box = req.args["account"], self.swift.container(req.args["account"], req.args["container"])
        self.check_preconditions(req)
        if "x-copy-from" in req.headers:
            source = unquote(req.headers["x-copy-from"]).lstrip("/")
            if "/" not in source:
                raise Fail(412, "X-Copy-From header must be of the form <container name>/<object name>", "plain")
            if await req.body():
                raise Fail(400, "Copy requests require a zero byte body", "plain")
            source_account = req.headers.get("x-copy-from-account", account)
            return await self.copy_to(req, source_account, source, account, f"{box.name}/{req.args['object']}")
        if req.get("multipart-manifest") == "put":
            return await swift_large.put_manifest(self, req)
        obj = self.fresh(req, await self.receive(req))
        if "x-symlink-target" in req.headers:
            self.make_link(req, obj)
        self.store(req, obj)
        return self.created(obj)

    def check_preconditions(self, req: Req) -> None:
        """A `Fail` before any byte is read."""
        name = req.args["object"]
        if len(name.encode()) > 1024:
            raise Fail(400, f"Object name length of {len(name.encode())} longer than 1024", "plain")
        limit, length = self.swift.size_limit, req.headers.get("content-length", "")
        if length.isdigit() and int(length) > limit:
            raise Fail(413, "Your request is too large.", "plain")
        unless = req.headers.get("if-none-match")
        if unless is not None:
            if unless.strip() != "*":
                raise Fail(400, "If-None-Match only supports *", "plain")
            if self.swift.lookup(req.args["account"], req.args["container"], name) is not None:
                raise Fail(412, "")
        check_meta(req.headers, "x-object-meta-")
        swift_large.check_place(req.headers.get("x-object-manifest"))
        self.read_delete_at(req)

    async def receive(self, req: Req) -> Blob:
        """The body, whole and as announced, or a `Fail`: 413, 422, or 499 when the client went away."""
        try:
            blob = await Blob.receive(req.stream, limit=self.swift.size_limit, keep=not self.swift.discard)
        except TooLargeError:
            raise Fail(413, "Your request is too large.", "plain") from None
        length = req.headers.get("content-length", "")
        if length.isdigit() and int(length) != blob.size:
            raise Fail(499, "")
        etag = req.headers.get("etag", "").strip('"')
        if etag and etag.lower() != blob.md5:
            raise Fail(422, "")
        return blob

    def fresh(self, req: Req, blob: Blob) -> Obj:
        """A new object with what the headers say of it."""
        now = self.swift.region.clock.now()
        guessed = mimetypes.guess_type(req.args["object"])[0] or "application/octet-stream"
        kind = req.headers.get("content-type") or guessed
        obj = Obj(req.args["object"], blob, kind, now, created=now)
        obj.headers = self.read_headers(req)
        return obj

    def read_headers(self, req: Req) -> dict[str, str]:
        """The headers that stay with an object."""
        headers = check_meta(req.headers, "x-object-meta-")
        headers.update({name: req.headers[name] for name in KEPT if name in req.headers})
        delete_at = self.read_delete_at(req)
        if delete_at is not None:
            headers["x-delete-at"] = str(delete_at)
        return headers

    def read_delete_at(self, req: Req) -> int | None:
        """X-Delete-At, or X-Delete-After made one; a `Fail` with 400 when it is in the past."""
        now = int(self.swift.region.clock.now())
        for name, offset in (("x-delete-after", now), ("x-delete-at", 0)):
            text = req.headers.get(name)
            if text is None:
                continue
            words = name.title()
            if not text.removeprefix("-").isdigit():
                raise Fail(400, f"Non-integer {words}", "plain")
            if int(text) + offset <= now:
                raise Fail(400, f"{words} in past", "plain")
            return min(int(text) + offset, 9_999_999_999)
        return None

    def make_link(self, req: Req, obj: Obj) -> None:
        """Turn an empty object into a symbolic link; the target of a static one has to be there, and what it is said to be."""
        account, target = req.args["account"], unquote(req.headers["x-symlink-target"])
        if "/" not in target or target.startswith("/"):
            words = "X-Symlink-Target header must be of the form <container name>/<object name>"
            raise Fail(412, words, "plain")
        if obj.blob.size:
            raise Fail(400, "Symlink requests require a zero byte body", "plain")
        obj.symlink = target
        obj.symlink_etag = req.headers.get("x-symlink-target-etag", "").strip('"')
        if "content-type" not in req.headers:
            obj.content_type = "application/symlink"
        if "x-symlink-target-account" in req.headers:
            obj.headers["x-symlink-target-account"] = req.headers["x-symlink-target-account"]
        if (obj.link_account or account, target) == (account, f"{req.args['container']}/{obj.name}"):
            raise Fail(400, "Symlink cannot target itself", "plain")
        if obj.symlink_etag:
            try:
                self.target(replace(req, method="HEAD"), obj, link_path(account, obj))
            except Fail as fail:
                missing = fail.status == 404
                raise Fail(
                    409, "X-Symlink-Target does not exist" if missing else fail.message, "plain", fail.headers
                ) from None

    def store(self, req: Req, obj: Obj) -> None:
        """Put an object in its container, keeping the older version where the container wants it."""
        box = self.swift.container(req.args["account"], req.args["container"])
        quotas = {"bytes": (box.used, obj.blob.size), "count": (len(box.objects), 1)}
        for kind, (used, more) in quotas.items():
            limit = box.headers.get(f"x-container-meta-quota-{kind}", "")
            if limit.isdigit() and used + more > int(limit):
                raise Fail(413, "Upload exceeds quota.", "plain")
        account = self.swift.account(req.args["account"])
        limit, used = (
            account.headers.get("x-account-meta-quota-bytes", ""),
            sum(one.used for one in account.containers.values()),
        )
        if limit.isdigit() and used + obj.blob.size > int(limit) and not (req.who is not None and req.is_admin):
            raise Fail(413, "Upload exceeds quota.", "plain")
        old = self.swift.lookup(req.args["account"], box.name, obj.name)
        if old is not None:
            self.keep_version(req.args["account"], box.headers, old)
        swift_versions.stored(box, obj)
        box.put(obj)

    def keep_version(self, account: str, headers: dict[str, str], old: Obj) -> None:
        """Copy what is about to be overwritten into the container for versions, if there is one."""
        place = headers.get("x-versions-location") or headers.get("x-history-location")
        if place is None:
            return
        archive = self.swift.account(account).containers.get(unquote(place))
        if archive is None:
            raise Fail(412, "")
        archive.put(replace(old, name=f"{len(old.name):03x}{old.name}/{timestamp_text(old.created)}"))

    def note_deletion(self, account: str, box: Container, name: str) -> None:
        """Write down when an object was deleted, where a container has a history."""
        place = box.headers.get("x-history-location")
        archive = self.swift.account(account).containers.get(unquote(place)) if place else None
        if archive is not None:
            now = self.swift.region.clock.now()
            kept = f"{len(name):03x}{name}/{timestamp_text(now)}"
            archive.put(Obj(kept, Blob.of(b""), swift_versions.MARKER, now, created=now))

    def restore_version(self, req: Req, headers: dict[str, str], name: str) -> bool:
        """Put the latest older version in place of what is deleted; False when there is none."""
        place = headers.get("x-versions-location")
        archive = self.swift.account(req.args["account"]).containers.get(unquote(place)) if place else None
        if archive is None:
            return False
        prefix = f"{len(name):03x}{name}/"
        older = [one for one in archive.names() if one.startswith(prefix)]
        if not older:
            return False
        version = archive.objects[older[-1]]
        archive.drop(older[-1])
        self.swift.container(req.args["account"], req.args["container"]).put(replace(version, name=name))
        return True

    def created(self, obj: Obj, headers: dict[str, str] | None = None) -> Reply:
        """201 with the object's ETag."""
        shown = {"content-length": "0", "etag": obj.etag, "last-modified": http_date(obj.timestamp)}
        if obj.version:
            shown["x-object-version-id"] = obj.version
        return Reply(201, b"", {**HTML, **shown, **(headers or {})})

    # Download

    async def get(self, req: Req) -> Reply:
        """GET and HEAD: bytes, whole or a range, or the manifest of a large object."""
        need, box = self.need(req), self.swift.container(req.args["account"], req.args["container"])
        newest = bool(need.version) and req.get("version-id") is None
        if newest and req.get("symlink") == "get":
            return swift_versions.as_link(box, need)
        obj, where = self.follow(req, need)
        if newest:
            where = f"/v1/{req.args['account']}/{swift_versions.path(box, need)}"
        if req.get("multipart-manifest") == "get" and obj.segments is not None:
            return swift_large.manifest(self.swift, req, obj)
        parts = swift_large.parts_of(self.swift, req.args["account"], obj)
        size = sum(part.stop - part.start for part in parts)
        headers = {**self.headers(obj), **swift_versions.headers(box, obj)}
        if obj.segments is None and "x-object-manifest" in obj.headers:
            headers["etag"] = swift_large.dynamic_etag(self.swift, req.args["account"], obj)
        if where:
            headers["content-location"] = where
        if req.get("temp_url_sig") is not None:
            headers = as_temporary(req, req.args["object"], headers)
        unmet = self.unmet(req, obj.blob.md5 if self.swift.as_ceph else headers["etag"], obj)
        if unmet is not None:
            return Reply(unmet, b"", {**headers, **(HTML if unmet == 412 else {}), "content-length": "0"})
        return self.deliver(req, parts, size, headers)

    def headers(self, obj: Obj) -> dict[str, str]:
        """What GET and HEAD of an object answer with."""
        headers = {
            "content-type": obj.content_type,
            "etag": obj.etag,
            "last-modified": http_date(obj.timestamp),
            "x-timestamp": timestamp_text(obj.timestamp),
            "accept-ranges": "bytes",
            **obj.headers,
        }
        if obj.segments is not None and self.swift.as_ceph:
            headers.update({"x-static-large-object": "True", "x-object-meta-static-large-object": "True"})
        elif obj.segments is not None:
            headers.update({"x-static-large-object": "True", "x-manifest-etag": obj.blob.md5})
        if obj.symlink:
            headers["x-symlink-target"] = quote(obj.symlink)
        if obj.symlink_etag:
            headers["x-symlink-target-etag"] = obj.symlink_etag
        return headers

    def unmet(self, req: Req, etag: str, obj: Obj) -> int | None:
        """The status when a condition of the request isn't met: 412 or 304."""
        bare = etag.strip('"')
        match, unless = req.headers.get("if-match"), req.headers.get("if-none-match")
        if match is not None and not has_etag(match, bare):
            return 412
        before = parse_date(req.headers.get("if-unmodified-since"))
        if match is None and before is not None and obj.timestamp > before + 1:
            return 412
        if unless is not None:
            return 304 if has_etag(unless, bare) else None
        since = parse_date(req.headers.get("if-modified-since"))
        return 304 if since is not None and obj.timestamp <= since else None

    def deliver(self, req: Req, parts: list[swift_large.Part], size: int, headers: dict[str, str]) -> Reply:
        """The bytes asked for."""
        span = None if req.method == "HEAD" else read_range(req.headers.get("range"), size)
        if span == (0, 0):
            words = b"<html><h1>Requested Range Not Satisfiable</h1><p>The Range requested is not available.</p></html>"
            return Reply(416, words, {**headers, "content-range": f"bytes */{size}", "content-length": str(len(words))})
        status, (start, stop) = (206, span) if span else (200, (0, size))
        if span:
            headers["content-range"] = f"bytes {start}-{stop - 1}/{size}"
        headers["content-length"] = str(stop - start)
        if req.method == "HEAD":
            return Reply(status, b"", headers)
        if stop - start <= SMALL:
            return Reply(status, b"".join(swift_large.read(parts, start, stop)), headers)
        return Reply(status, self.stream(parts, start, stop), headers)

    async def stream(self, parts: list[swift_large.Part], start: int, stop: int) -> AsyncIterator[bytes]:
        """Bytes piece by piece."""
        for piece in swift_large.read(parts, start, stop):
            yield piece

    # Metadata, copy, delete

    async def post(self, req: Req) -> Reply:
        """POST: the metadata becomes what is given, the bytes stay. A link's becomes it, too, and the target's does not."""
        if "x-symlink-target" in req.headers:
            raise Fail(400, "A PUT request is required to set a symlink target", "plain")
        obj = self.need(req)
        headers = self.read_headers(req)
        kind = req.headers.get("content-type")
        if kind and kind != "application/x-www-form-urlencoded":
            obj.content_type = kind
        account = obj.headers.get("x-symlink-target-account")
        obj.headers = headers if account is None else {**headers, "x-symlink-target-account": account}
        obj.timestamp = self.swift.region.clock.now()
        if obj.symlink:
            words = (
                "The requested POST was applied to a symlink. POST directly to the target to apply requested metadata."
            )
            raise Fail(307, words, "plain", {"location": link_path(req.args["account"], obj)})
        return self.swift.page(202)

    async def copy(self, req: Req) -> Reply:
        """COPY to `Destination`."""
        destination = unquote(req.headers.get("destination", "")).lstrip("/")
        if not destination:
            raise Fail(412, "Destination header required", "plain")
        if "/" not in destination:
            words = "Destination header must be of the form <container name>/<object name>"
            raise Fail(412, words, "plain")
        account = req.args["account"]
        source = f"{req.args['container']}/{req.args['object']}"
        return await self.copy_to(req, account, source, req.headers.get("destination-account", account), destination)

    async def copy_to(self, req: Req, from_account: str, source: str, to_account: str, destination: str) -> Reply:
        """Copy an object; the bytes are shared. Large ones become plain, unless their manifest is asked for."""
        from_container, _slash, from_name = source.partition("/")
        place = {"account": from_account, "container": from_container, "object": from_name}
        reading = replace(req, method="GET", args=place)
        check_access(self.swift, replace(reading, query=[]))
        old = self.swift.lookup(from_account, from_container, from_name)
        if old is None:
            raise Fail(404, "")
        copied, _where = self.follow(reading, old)
        container, _slash, name = destination.partition("/")
        whole = req.get("multipart-manifest") != "get"
        if whole and (copied.segments is not None or "x-object-manifest" in copied.headers):
            copied = self.flatten(from_account, copied)
        now = self.swift.region.clock.now()
        fresh = req.headers.get("x-fresh-metadata", "").lower() in {"true", "1", "yes", "on", "t", "y"}
        kept = {} if fresh else copied.headers
        obj = replace(copied, name=name, timestamp=now, created=now, headers={**kept, **self.read_headers(req)})
        obj.content_type = req.headers.get("content-type") or obj.content_type
        target = replace(req, args={"account": to_account, "container": container})
        self.store(target, obj)
        headers = {
            "x-copied-from-account": from_account,
            "x-copied-from": quote(source),
            "x-copied-from-last-modified": http_date(old.timestamp),
            **{key: value for key, value in obj.headers.items() if key.startswith("x-object-meta-")},
        }
        return self.created(obj, headers)

    def flatten(self, account: str, obj: Obj) -> Obj:
        """A large object as one plain object."""
        parts = swift_large.parts_of(self.swift, account, obj)
        size = sum(part.stop - part.start for part in parts)
        if size > self.swift.size_limit:
            raise Fail(413, "Your request is too large.", "plain")
        blob = Blob.of(b"".join(swift_large.read(parts, 0, size)))
        headers = {name: value for name, value in obj.headers.items() if name != "x-object-manifest"}
        return replace(obj, blob=blob, segments=None, slo_etag="", headers=headers)

    async def delete(self, req: Req) -> Reply:
        """DELETE one, or a static large object with its segments."""
        if req.get("multipart-manifest") == "delete":
            return swift_large.delete_with_segments(self.swift, req)
        box, version = self.swift.container(req.args["account"], req.args["container"]), req.get("version-id")
        if version is not None:
            swift_versions.remove(box, req.args["object"], version)
            return self.swift.empty(204)
        try:
            obj = self.need(req)
        except Fail:
            box.discard(req.args["object"])  # it may have expired
            self.note_deletion(req.args["account"], box, req.args["object"])
            raise
        self.remove(req, box, obj)
        return self.swift.empty(204)

    def remove(self, req: Req, box: Container, obj: Obj) -> None:
        """Take an object away, as the container wants its older versions."""
        if self.restore_version(req, box.headers, obj.name):
            return
        if "x-history-location" in box.headers:
            self.keep_version(req.args["account"], box.headers, obj)
            self.note_deletion(req.args["account"], box, obj.name)
        swift_versions.dropped(box, obj.name, self.swift.region.clock.now())
        box.drop(obj.name)


def link_path(account: str, link: Obj) -> str:
    """Where a symbolic link in this account leads to."""
    return f"/v1/{link.link_account or account}/{quote(link.symlink)}"


def as_temporary(req: Req, name: str, headers: dict[str, str]) -> dict[str, str]:
    """What a temporary URL shows of an object: no metadata, when it ends, and how a browser is to save it."""
    shown = {key: value for key, value in headers.items() if not key.startswith("x-object-meta-")}
    inline, given = req.get("inline") is not None, req.get("filename")
    filename = given or name.rstrip("/").rpartition("/")[2]
    named = f"; filename=\"{quote(filename, safe=' ')}\"; filename*=UTF-8''{quote(filename)}"
    if inline:
        shown["content-disposition"] = "inline" + (named if given else "")
    elif given or "content-disposition" not in shown:
        shown["content-disposition"] = "attachment" + named
    return {**shown, "expires": http_date(read_expiry(req.get("temp_url_expires") or ""))}


def has_etag(header: str, etag: str) -> bool:
    """Whether a list of ETags has this one, or is "*"."""
    names = {one.strip().removeprefix("W/").strip('"') for one in header.split(",")}
    return "*" in names or etag in names


def parse_date(text: str | None) -> float | None:
    """Seconds since 1970 of an HTTP date; None when there is none or it is nonsense."""
    if text is None:
        return None
    try:
        return parsedate_to_datetime(text).timestamp()
    except ValueError:
        return None


def read_range(header: str | None, size: int) -> tuple[int, int] | None:
    """First byte and the one after the last; None for the whole, (0, 0) when it can't be satisfied."""
    if not header or not header.startswith("bytes=") or "," in header:
        return None
    low, dash, high = header.removeprefix("bytes=").strip().partition("-")
    if not dash or not (low or high) or not all(part.isdigit() for part in (low, high) if part):
        return None
    if not low:
        length = min(int(high), size)
        return (size - length, size) if length else (0, 0)
    start, stop = int(low), min(int(high) + 1, size) if high else size
    if high and int(high) < start:
        return None
    return (start, stop) if start < size else (0, 0)
