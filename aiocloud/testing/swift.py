"""Swift of one region: accounts and containers; `swift_objects.py` has the objects.

API: https://docs.openstack.org/api-ref/object-store/
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import quote

from aiocloud.testing import swift_versions
from aiocloud.testing.http import Fail, Reply, Req
from aiocloud.testing.state import RegionState, Service
from aiocloud.testing.swift_access import check_access, signed
from aiocloud.testing.swift_bulk import bulk_delete, extract_archive
from aiocloud.testing.swift_form import is_form, post_form
from aiocloud.testing.swift_large import parts_of, read
from aiocloud.testing.swift_objects import Objects
from aiocloud.testing.swift_store import Account, Container, Listing, Obj, http_date, listed_date, timestamp_text
from aiocloud.testing.swift_text import META_LIMITS, WORDS, change_headers, listing_xml
from aiocloud.testing.swift_web import served

HTML = {"content-type": "text/html; charset=UTF-8"}


class Swift(Service):
    """The objects of a region, in memory."""

    type = "object-store"
    mount = "object-store"

    def __init__(self, region: RegionState) -> None:
        super().__init__(region)
        self.accounts: dict[str, Account] = {}
        """By name: "AUTH_" and the project's id."""
        self.discard = False
        """Keep only sizes and hashes of what is uploaded from now on; downloads give zeros."""
        self.max_file_size: int | None = None
        """Bytes of one object; None for the knob `max_object_size`."""
        self.min_segment_size = 1
        """Bytes."""
        self.max_manifest_segments = 1000
        self.max_manifest_size = 8 * 1024 * 1024
        """Bytes."""
        self.max_deletes = 10000
        """Objects in one bulk delete."""
        self.as_ceph = False
        """Answer as Ceph's gateway does where it is not like Swift: large objects, signatures, `/info`, short pages."""
        self.objects = Objects(self)
        self._mount()

    @property
    def containers(self) -> dict[str, Container]:
        """Every account's containers by name."""
        return {name: box for account in self.accounts.values() for name, box in account.containers.items()}

    @property
    def size_limit(self) -> int:
        """Bytes that one object may have."""
        return self.region.knobs.max_object_size if self.max_file_size is None else self.max_file_size

    @property
    def listing_limit(self) -> int:
        """Names that one listing has at most."""
        return min(10000, self.region.knobs.page_size)

    def _mount(self) -> None:
        add = self.routes.add
        add("GET", "/info", self.info, open=True)
        add("GET", "/healthcheck", self.healthcheck, open=True)
        account, container, name = (
            "/v1/{account}",
            "/v1/{account}/{container}",
            "/v1/{account}/{container}/{object:path}",
        )
        table: list[tuple[str, str, Callable[[Req], Awaitable[Reply]]]] = [
            ("HEAD", account, self.head_account),
            ("GET", account, self.get_account),
            ("POST", account, self.post_account),
            ("PUT", account, self.put_account),
            ("DELETE", account, self.delete_account),
            ("HEAD", container, self.head_container),
            ("GET", container, self.get_container),
            ("PUT", container, self.put_container),
            ("POST", container, self.post_container),
            ("DELETE", container, self.delete_container),
            ("HEAD", name, self.objects.get),
            ("GET", name, self.objects.get),
            ("PUT", name, self.objects.put),
            ("POST", name, self.objects.post),
            ("DELETE", name, self.objects.delete),
            ("COPY", name, self.objects.copy),
        ]
        for method, pattern, handler in table:
            add(method, pattern, self._checked(handler), open=True)

    def _checked(self, handler: Callable[[Req], Awaitable[Reply]]) -> Callable[[Req], Awaitable[Reply]]:
        """The handler behind swift's own access rules."""

        async def checked(req: Req) -> Reply:
            if is_form(req):
                return await post_form(self, req)
            return await served(self, req, allowed)

        async def allowed(req: Req) -> Reply:
            check_access(self, req)
            return await handler(req)

        return checked

    # What the frame asks

    def endpoint(self, base: str, project_id: str) -> str:
        """Each project has its account."""
        return f"{base}/v1/AUTH_{project_id}"

    def finish(self, req: Req, reply: Reply) -> Reply:
        """Transaction ids; nothing but headers after HEAD."""
        trans_id = f"tx{self.region.ids.hex()[:21]}-{int(self.region.clock.now()):010x}"
        reply.headers.setdefault("x-trans-id", trans_id)
        reply.headers.setdefault("x-openstack-request-id", trans_id)
        if req.method == "HEAD" and reply.content:
            reply.content = b""
            reply.headers.setdefault("content-length", "0")
        return reply

    def error(self, req: Req, fail: Fail) -> Reply:
        """HTML, or the bare words that some refusals have."""
        if fail.kind == "form":
            return Reply(fail.status, fail.message.encode(), {**HTML, "www-authenticate": 'Swift realm="unknown"'})
        if fail.status == 401:
            return self.unauthorized(req)
        if fail.kind == "plain":
            reply = Reply.text(fail.message, fail.status)
            reply.headers.update(fail.headers)
            return reply
        return self.page(fail.status, fail.headers)

    def page(self, status: int, headers: Mapping[str, str] | None = None) -> Reply:
        """The HTML that goes with a status."""
        title, words = WORDS.get(status, ("Error", ""))
        text = f"<html><h1>{title}</h1><p>{words}</p></html>"
        return Reply(status, text.encode(), {**HTML, **(headers or {})})

    def unauthorized(self, req: Req) -> Reply:
        """With the account as the realm."""
        realm = [*req.path.split("/"), "", "", ""][2] or "unknown"
        identity = f"{req.root}/{self.region.cloud.name}/identity"
        if signed(req):
            words = b"401 Unauthorized: Temp URL invalid\n"
            return Reply(401, words, {**HTML, "www-authenticate": 'Swift realm="unknown"'})
        return self.page(401, {"www-authenticate": f'Swift realm="{realm}", Keystone uri="{identity}"'})

    # Finding

    def account(self, name: str) -> Account:
        """An account; made when it is first asked for."""
        found = self.accounts.get(name)
        if found is None:
            found = self.accounts[name] = Account(name, self.region.clock.now())
        return found

    def container(self, account: str, name: str) -> Container:
        """A container, or 404."""
        found = self.account(account).containers.get(name)
        if found is None:
            raise Fail(404, "")
        return found

    def lookup(self, account: str, container: str, name: str) -> Obj | None:
        """An object that is there and not expired; None otherwise. Listings name it until somebody removes it."""
        box = self.account(account).containers.get(container)
        found = box.objects.get(name) if box else None
        if found is None or (found.delete_at is not None and found.delete_at <= self.region.clock.now()):
            return None
        return found

    def read(self, account: str, container: str, name: str) -> bytes | None:
        """An object's bytes, large ones joined; None when it isn't there."""
        found = self.lookup(account, container, name)
        if found is None:
            return None
        parts = parts_of(self, account, found)
        return b"".join(read(parts, 0, sum(part.stop - part.start for part in parts)))

    def make_container(self, account: str, name: str) -> tuple[Container, bool]:
        """A container, and whether it is new."""
        if len(name.encode()) > 256:
            raise Fail(400, f"Container name length of {len(name.encode())} longer than 256", "plain")
        boxes = self.account(account).containers
        if name in boxes:
            return boxes[name], False
        now = self.region.clock.now()
        boxes[name] = Container(name, now, modified=now)
        return boxes[name], True

    # What swift can do

    async def healthcheck(self, req: Req) -> Reply:  # noqa: ARG002
        """GET /healthcheck."""
        return Reply.text("OK", content_type="text/plain")

    async def info(self, req: Req) -> Reply:  # noqa: ARG002
        """GET /info, without a token."""
        if self.as_ceph:
            return Reply.json(self._info_of_ceph())
        core: dict[str, Any] = {
            "version": "2.38.0",
            "strict_cors_mode": True,
            "policies": [{"name": "default", "aliases": "default", "default": True}],
            "allow_account_management": False,
            "account_autocreate": True,
            "max_file_size": self.size_limit,
            "max_meta_name_length": META_LIMITS["name"],
            "max_meta_value_length": META_LIMITS["value"],
            "max_meta_count": META_LIMITS["count"],
            "max_meta_overall_size": META_LIMITS["all"],
            "max_header_size": 8192,
            "max_object_name_length": 1024,
            "container_listing_limit": self.listing_limit,
            "account_listing_limit": self.listing_limit,
            "max_account_name_length": 256,
            "max_container_name_length": 256,
            "extra_header_count": 0,
        }
        slo = {
            "max_manifest_segments": self.max_manifest_segments,
            "max_manifest_size": self.max_manifest_size,
            "yield_frequency": 10,
            "min_segment_size": self.min_segment_size,
            "allow_async_delete": True,
        }
        tempurl = {
            "methods": ["GET", "HEAD", "PUT", "POST", "DELETE"],
            "allowed_digests": ["sha1", "sha256", "sha512"],
            "deprecated_digests": ["sha1"],
        }
        return Reply.json(
            {
                "swift": core,
                "slo": slo,
                "dlo": {"max_segments": 10000},
                "tempurl": tempurl,
                "formpost": {name: tempurl[name] for name in ("allowed_digests", "deprecated_digests")},
                "symlink": {"symloop_max": 2, "static_links": True},
                "versioned_writes": {"allowed_flags": ["x-versions-location", "x-history-location"]},
                "object_versioning": {},
                "container_quotas": {},
                "account_quotas": {},
                "staticweb": {},
                "bulk_upload": {"max_containers_per_extraction": 10000, "max_failed_extractions": 1000},
                "bulk_delete": {"max_deletes_per_request": self.max_deletes, "max_failed_deletes": 1000},
            }
        )

    def _info_of_ceph(self) -> dict[str, Any]:
        core = {
            "version": "ceph version 18.2.4 reef (stable)",
            "max_file_size": self.size_limit,
            "container_listing_limit": self.listing_limit,
            "strict_cors_mode": True,
            "policies": [{"name": "default-placement", "default": True}],
        }
        return {
            "swift": core,
            "slo": {"max_manifest_segments": self.max_manifest_segments},
            "tempurl": {"methods": ["GET", "HEAD", "PUT", "POST", "DELETE"]},
            **{name: {} for name in ("bulk_delete", "container_quotas", "account_quotas", "staticweb", "tempauth")},
        }

    # Accounts

    def account_headers(self, account: Account) -> dict[str, str]:
        """What HEAD and GET of an account answer with."""
        boxes = account.containers.values()
        return {
            "x-account-container-count": str(len(boxes)),
            "x-account-object-count": str(sum(len(box.objects) for box in boxes)),
            "x-account-bytes-used": str(sum(box.used for box in boxes)),
            "x-timestamp": timestamp_text(account.timestamp),
            "x-put-timestamp": timestamp_text(account.timestamp),
            "accept-ranges": "bytes",
            "vary": "Accept",
            **account.headers,
        }

    async def head_account(self, req: Req) -> Reply:
        """HEAD: how much there is."""
        headers = self.account_headers(self.account(req.args["account"]))
        return Reply(204, b"", {"content-type": "text/plain; charset=utf-8", "content-length": "0", **headers})

    async def get_account(self, req: Req) -> Reply:
        """GET: the containers."""
        account = self.account(req.args["account"])
        found: list[dict[str, Any]] = []
        for name, folder in self.read_listing(req).choose(sorted(account.containers)):
            if folder:
                found.append({"subdir": name})
                continue
            box = account.containers[name]
            entry = {"name": name, "count": len(box.objects), "bytes": box.used}
            found.append({**entry, "last_modified": listed_date(box.modified), "storage_policy": "default"})
        return self.listing(req, found, self.account_headers(account), "account", account.name)

    async def post_account(self, req: Req) -> Reply:
        """POST: metadata, or a bulk delete."""
        if req.get("bulk-delete") is not None:
            return await bulk_delete(self, req)
        if "x-account-meta-quota-bytes" in req.headers and not (req.who is not None and req.is_admin):
            raise Fail(403, "")
        change_headers(self.account(req.args["account"]).headers, req, "account")
        return self.empty(204)

    async def put_account(self, req: Req) -> Reply:
        """PUT with extract-archive; accounts themselves make themselves."""
        if req.get("extract-archive") is not None:
            return await extract_archive(self, req)
        raise Fail(405, "")

    async def delete_account(self, req: Req) -> Reply:
        """DELETE with bulk-delete; accounts themselves stay."""
        if req.get("bulk-delete") is not None:
            return await bulk_delete(self, req)
        raise Fail(405, "")

    # Containers

    def container_headers(self, box: Container) -> dict[str, str]:
        """What HEAD and GET of a container answer with."""
        return {
            "x-container-object-count": str(len(box.objects)),
            "x-container-bytes-used": str(box.used),
            "x-timestamp": timestamp_text(box.timestamp),
            "last-modified": http_date(box.modified),
            "accept-ranges": "bytes",
            "x-storage-policy": "default",
            "vary": "Accept",
            **box.headers,
        }

    async def head_container(self, req: Req) -> Reply:
        """HEAD: how much is in it."""
        headers = self.container_headers(self.container(req.args["account"], req.args["container"]))
        return Reply(204, b"", {"content-type": "text/plain; charset=utf-8", "content-length": "0", **headers})

    async def get_container(self, req: Req) -> Reply:
        """GET: the objects."""
        box = self.container(req.args["account"], req.args["container"])
        found: list[dict[str, Any]] = []
        if req.get("versions") is not None:
            return self.listing(
                req, swift_versions.listed(self, box, req), self.container_headers(box), "container", box.name
            )
        for name, folder in self.read_listing(req).choose(box.names()):
            found.append({"subdir": name} if folder else self.entry(box.objects[name], req.args["account"], box))
        return self.listing(req, found, self.container_headers(box), "container", box.name)

    def entry(self, obj: Obj, account: str, box: Container) -> dict[str, Any]:
        """One object in a listing."""
        entry: dict[str, Any] = {
            "bytes": obj.size,
            "hash": obj.blob.md5,
            "name": obj.name,
            "content_type": obj.content_type,
            "last_modified": listed_date(obj.created),
        }
        if obj.segments is not None:
            entry["slo_etag"] = obj.etag
        if obj.symlink:
            entry["symlink_path"] = f"/v1/{obj.link_account or account}/{quote(obj.symlink)}"
        if obj.version:
            entry |= {"symlink_path": f"/v1/{account}/{swift_versions.path(box, obj)}", "version_symlink": True}
        return entry

    async def put_container(self, req: Req) -> Reply:
        """PUT: 201 when new, 202 when it was there; or extract-archive."""
        if req.get("extract-archive") is not None:
            return await extract_archive(self, req)
        policy = req.headers.get("x-storage-policy", "default")
        if policy != "default":
            raise Fail(400, f"Invalid X-Storage-Policy {policy!r}", "plain")
        box, fresh = self.make_container(req.args["account"], req.args["container"])
        self.change_container(box, req)
        return self.empty(201) if fresh else self.page(202)

    async def post_container(self, req: Req) -> Reply:
        """POST: metadata; or a bulk delete."""
        if req.get("bulk-delete") is not None:
            return await bulk_delete(self, req)
        box = self.container(req.args["account"], req.args["container"])
        self.change_container(box, req)
        box.modified = self.region.clock.now()
        return self.empty(204)

    def change_container(self, box: Container, req: Req) -> None:
        """Write what the headers say of a container."""
        swift_versions.change(box, req)
        change_headers(box.headers, req, "container")

    async def delete_container(self, req: Req) -> Reply:
        """DELETE: 409 while there is anything in it."""
        box = self.container(req.args["account"], req.args["container"])
        if box.objects:
            raise Fail(409, "")
        if box.versions:
            raise Fail(409, "Delete all versions before deleting container.", "plain")
        del self.account(req.args["account"]).containers[box.name]
        return self.empty(204)

    def empty(self, status: int) -> Reply:
        """An answer without words."""
        return Reply(status, b"", {**HTML, "content-length": "0"})

    # Listings

    def read_listing(self, req: Req) -> Listing:
        """What the query asks for."""
        text = req.get("limit")
        limit = int(text) if text and text.isdigit() else 10000
        if limit > 10000:
            raise Fail(412, "Maximum limit is 10000", "plain")
        path = req.get("path")
        prefix, delimiter = req.get("prefix") or "", req.get("delimiter") or ""
        if path is not None:
            prefix, delimiter = (path.rstrip("/") + "/" if path else ""), "/"
        return Listing(
            limit=min(limit, self.listing_limit // 2 + 1 if self.as_ceph else self.listing_limit),
            prefix=prefix,
            delimiter=delimiter,
            marker=req.get("marker") or "",
            end_marker=req.get("end_marker") or "",
            reverse=bool(req.flag("reverse")),
            files_only=path is not None,
        )

    def listing(self, req: Req, found: list[dict[str, Any]], headers: dict[str, str], kind: str, name: str) -> Reply:
        """A listing in JSON, XML or plain text, whichever is asked for."""
        accept = req.headers.get("accept", "")
        wish = req.get("format") or ("json" if "application/json" in accept else "xml" if "/xml" in accept else "plain")
        if wish == "json":
            return Reply(
                200, json.dumps(found).encode(), {"content-type": "application/json; charset=utf-8", **headers}
            )
        if wish == "xml":
            text = listing_xml(found, kind, name)
            return Reply(200, text.encode(), {"content-type": "application/xml; charset=utf-8", **headers})
        lines = [str(entry.get("name", entry.get("subdir"))) + "\n" for entry in found]
        plain = {"content-type": "text/plain; charset=utf-8", **headers}
        return Reply(200 if lines else 204, "".join(lines).encode(), plain)
