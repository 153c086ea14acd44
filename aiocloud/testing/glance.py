"""Glance of one region: images, their members, tags and data; `glance_import.py` has imports and tasks.

API: https://docs.openstack.org/api-ref/image/v2/
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

from aiocloud.testing import glance_query
from aiocloud.testing.glance_data import ImageData, data_of, receive, tiny_disk
from aiocloud.testing.glance_import import Imports
from aiocloud.testing.glance_patch import check_fields, check_reserved, patch
from aiocloud.testing.glance_query import Item
from aiocloud.testing.glance_text import SCHEMAS, UNAUTHORIZED, UUID_PATTERN, mismatch, page
from aiocloud.testing.http import Fail, Reply, Req, as_wsgi
from aiocloud.testing.state import RegionState, Service, stamp
from aiocloud.testing.swift_objects import read_range

MINORS = 18
READ_ONLY = frozenset(
    [
        "checksum",
        "created_at",
        "direct_url",
        "file",
        "locations",
        "os_hash_algo",
        "os_hash_value",
        "schema",
        "self",
        "size",
        "status",
        "stores",
        "updated_at",
        "virtual_size",
    ]
)
DEFAULTS: Item = {
    "name": None,
    "disk_format": None,
    "container_format": None,
    "visibility": "shared",
    "size": None,
    "virtual_size": None,
    "status": "queued",
    "checksum": None,
    "protected": False,
    "min_ram": 0,
    "min_disk": 0,
    "owner": None,
    "os_hidden": False,
    "os_hash_algo": None,
    "os_hash_value": None,
}
OCTETS = "application/octet-stream"
MIB = 1024 * 1024


class Glance(Service):
    """The images of a region: `images` by id as their wire dicts, `data` the bytes of those that have some."""

    type = "image"
    mount = "image"

    def __init__(self, region: RegionState) -> None:
        super().__init__(region)
        self.images: dict[str, Item] = {}
        self.data: dict[str, ImageData] = {}
        self.members: dict[str, dict[str, Item]] = {}
        """By image id, then by the member project's id."""
        self.used_ids: set[str] = set()
        """Also those of images deleted since: ids are never given twice."""
        self.discard = False
        """Keep only sizes and hashes of what is uploaded from now on; downloads give zeros."""
        self.imports = Imports(self)
        self._mount()
        self.imports.mount(self.routes)

    def _mount(self) -> None:
        add, image = self.routes.add, "/v2/images/{id}"
        add("GET", "/", self.versions, open=True)
        add("GET", "/versions", self.versions, open=True)
        add("GET", "/v2/images", self.list)
        add("POST", "/v2/images", self.create)
        add("GET", image, self.show)
        add("PATCH", image, self.update)
        add("DELETE", image, self.delete)
        add("PUT", f"{image}/file", self.upload)
        add("GET", f"{image}/file", self.download)
        add("PUT", f"{image}/tags/{{tag}}", self.add_tag)
        add("DELETE", f"{image}/tags/{{tag}}", self.remove_tag)
        add("POST", f"{image}/actions/deactivate", self.deactivate)
        add("POST", f"{image}/actions/reactivate", self.reactivate)
        add("GET", f"{image}/members", self.list_members)
        add("POST", f"{image}/members", self.add_member)
        add("GET", f"{image}/members/{{member}}", self.show_member)
        add("PUT", f"{image}/members/{{member}}", self.answer_member)
        add("DELETE", f"{image}/members/{{member}}", self.remove_member)
        add("GET", "/v2/schemas/{name}", self.schema)

    # What the frame asks

    def endpoint(self, base: str, project_id: str) -> str:  # noqa: ARG002
        """Some clouds leave the version to discovery, others name it."""
        return f"{base}/v2" if self.region.kind == "two-networks" else base

    def error(self, req: Req, fail: Fail) -> Reply:
        """HTML."""
        return page(req, fail)

    def unauthorized(self, req: Req) -> Reply:
        """HTML, and where to get a token."""
        identity = f"{req.root}/{self.region.cloud.name}/identity"
        return page(req, Fail(401, UNAUTHORIZED, headers={"www-authenticate": f'Keystone uri="{identity}"'}))

    # What nova, cinder and tests ask

    def add_image(
        self,
        name: str,
        *,
        project_id: str,
        content: bytes | None = None,
        disk_format: str = "qcow2",
        visibility: str = "public",
        size: int | None = None,
        **properties: Any,
    ) -> Item:
        """An active image; a small disk when no content is given, shown as `size` bytes if that is given."""
        image = self.new(project_id, {"name": name, "disk_format": disk_format, "container_format": "bare"})
        image.update({"visibility": visibility, **properties})
        self.images[image["id"]] = image
        self.fill(image, data_of(tiny_disk(disk_format) if content is None else content))
        if size is not None:
            image["size"] = size
        return image

    def snapshot(self, *, name: str, project_id: str, server_id: str, base: Item, properties: Item) -> Item:
        """A server's image, active after the knob's `work_time`; `base` is the image the server was made from."""
        inherited = {key: value for key, value in base.items() if key not in DEFAULTS and isinstance(value, str)}
        for key in ("id", "created_at", "updated_at", "stores"):
            inherited.pop(key, None)
        facts = {"image_type": "snapshot", "instance_uuid": server_id, "base_image_ref": str(base.get("id", ""))}
        kept = {key: base.get(key) or 0 for key in ("min_ram", "min_disk")}
        image = self.new(project_id, {**inherited, **facts, **properties, **kept, "name": name})
        image.update({"visibility": "private", "disk_format": "qcow2", "container_format": "bare"})
        self.images[image["id"]] = image
        done = data_of(tiny_disk("qcow2"))
        self.region.later(self.region.knobs.work_time, lambda: self.fill(image, done))
        return image

    def snapshot_of_volumes(
        self, *, name: str, project_id: str, server_id: str, devices: list[Item], properties: Item
    ) -> Item:
        """The image of a server whose disks are volumes: no content, but which snapshots its disks are made of."""
        facts = {"image_type": "snapshot", "instance_uuid": server_id, "bdm_v2": "True"}
        image = self.new(project_id, {**facts, **properties, "name": name, "size": 0, "status": "active"})
        image |= {"visibility": "private", "block_device_mapping": json.dumps(devices)}
        self.images[image["id"]] = image
        return image

    # Rows

    def new(self, owner: str, given: Item) -> Item:
        """An image without data."""
        now = stamp(self.region.clock.now())
        image_id = given.pop("id", None) or self.region.ids.uuid()
        self.used_ids.add(image_id)
        tags = sorted(set(given.pop("tags", ())))
        return {**DEFAULTS, "owner": owner, **given, "id": image_id, "created_at": now, "updated_at": now, "tags": tags}

    def fill(self, image: Item, data: ImageData) -> None:
        """Make an image active with its data, if it is still there."""
        if image["id"] not in self.images:
            return
        self.data[image["id"]] = data
        image.update(
            status="active",
            size=data.blob.size,
            virtual_size=data.virtual_size(image["disk_format"]) if image["container_format"] == "bare" else None,
            checksum=data.blob.md5,
            os_hash_algo="sha512",
            os_hash_value=data.sha512,
            stores="files",
        )
        self.touch(image)

    def touch(self, image: Item) -> None:
        """Note that an image was changed."""
        image["updated_at"] = stamp(self.region.clock.now())

    def view(self, image: Item) -> Item:
        """As an answer shows it."""
        path = f"/v2/images/{image['id']}"
        return {**image, "self": path, "file": f"{path}/file", "schema": "/v2/schemas/image"}

    def visible(self, req: Req, image: Item) -> bool:
        """Whether the caller may look at an image, knowing its id."""
        if req.is_admin or image["owner"] == req.project_id or image["visibility"] in {"public", "community"}:
            return True
        return image["visibility"] == "shared" and req.project_id in self.members.get(image["id"], {})

    def need(self, req: Req, words: str = "No image found with ID {}") -> Item:
        """The image in the path, or 404."""
        image = self.images.get(req.args["id"])
        if image is None or not self.visible(req, image):
            raise Fail(404, words.format(req.args["id"]))
        return image

    def owned(self, req: Req, verb: str, words: str = "No image found with ID {}") -> Item:
        """The image in the path, which the caller may change: 404 or 403."""
        image = self.need(req, words)
        if not (req.is_admin or image["owner"] == req.project_id):
            raise Fail(403, f"You are not authorized to complete {verb} action.")
        return image

    # Versions and schemas

    async def versions(self, req: Req) -> Reply:
        """All versions: 300 at the root."""
        links = [{"rel": "self", "href": f"{req.base}/v2/"}]
        found = [
            {"id": f"v2.{minor}", "status": "CURRENT" if minor == MINORS else "SUPPORTED", "links": links}
            for minor in range(MINORS, -1, -1)
        ]
        return Reply.json({"versions": found}, 300 if req.path == "/" else 200)

    async def schema(self, req: Req) -> Reply:
        """GET one of the JSON schemas."""
        found = SCHEMAS.get(req.args["name"])
        if found is None:
            raise Fail(404, "The resource could not be found.")
        return Reply.json(found)

    # Images

    def listed(self, req: Req, image: Item, wish: str | None) -> bool:
        """Whether a list shows an image: of the community's and others' only when asked for."""
        visibility, own = image["visibility"], image["owner"] == req.project_id
        if wish not in {None, "all", visibility}:
            return False
        if own or req.is_admin or visibility == "public":
            return True
        if visibility == "community":
            return wish is not None
        status = req.get("member_status") or "accepted"
        member = self.members.get(image["id"], {}).get(req.project_id)
        return visibility == "shared" and member is not None and status in {"all", member["status"]}

    async def create(self, req: Req) -> Reply:
        """POST: an image without data, under an id of the client's choice."""
        try:
            given = json.loads(await req.body())
        except ValueError:
            raise Fail(400, "Malformed JSON in request body.") from None
        if not isinstance(given, dict):
            raise Fail(400, "Malformed JSON in request body.")
        image = self.new_checked(req, dict(given))  # pyright: ignore[reportUnknownArgumentType]
        methods = ",".join(self.imports.methods)
        headers = {"location": f"{req.base}/v2/images/{image['id']}", "openstack-image-import-methods": methods}
        return Reply.json(self.view(image), 201, {**headers, "openstack-image-store-ids": "files"})

    def new_checked(self, req: Req, given: Item) -> Item:
        """Store a new image from a client's words."""
        for name in given:
            if name in READ_ONLY:
                raise Fail(403, f"Attribute '{name}' is read-only.")
        if "id" in given and not re.match(UUID_PATTERN, str(given["id"])):
            raise mismatch(f"'{given['id']}' does not match '{UUID_PATTERN}'", "['id']")
        check_fields(given)
        for name in given:
            if len(name) > 255:
                raise Fail(400, "Custom property should not be greater than 255 characters.")
            check_reserved(name)
        if given.get("owner") not in {None, req.project_id} and not req.is_admin:
            words = f"You are not permitted to create images owned by '{given['owner']}'"
            raise Fail(403, "Access was denied to this resource.", words)
        if given.get("visibility") == "public" and not req.is_admin:
            raise Fail(403, "You are not authorized to complete publicize_image action.")
        self.imports.check_count(req.project_id)
        if given.get("id") in self.used_ids:
            raise Fail(409, f"Image ID {given['id']} already exists!")
        owner = str(given.pop("owner", None) or req.project_id)
        image = self.new(owner, given)
        self.images[image["id"]] = image
        return image

    async def show(self, req: Req) -> Reply:
        """GET one."""
        return Reply.json(self.view(self.need(req)))

    async def update(self, req: Req) -> Reply:
        """PATCH with a list of JSON-PATCH operations: all or none."""
        kind = req.headers.get("content-type", "").partition(";")[0]
        image = self.owned(req, "modify_image")
        changed = patch(image, kind, await req.body(), READ_ONLY | {"id"}, is_admin=req.is_admin)
        check_fields(changed)
        image.clear()
        image.update(changed)
        self.touch(image)
        return Reply.json(self.view(image))

    async def delete(self, req: Req) -> Reply:
        """DELETE one, unless it is protected."""
        image = self.owned(req, "delete_image", "Failed to find image {} to delete")
        if image["protected"]:
            raise Fail(403, f"Image {image['id']} is protected and cannot be deleted.")
        for rows in (self.images, self.data, self.members, self.imports.staged):
            rows.pop(image["id"], None)
        return Reply(204)

    # Data

    def check_octets(self, req: Req) -> None:
        """A `Fail` with 415 unless the body is announced as bytes."""
        if req.headers.get("content-type", "").partition(";")[0] != OCTETS:
            raise Fail(415, f"Invalid content type {req.headers.get('content-type', 'None')}")

    async def take(self, req: Req, image: Item, busy: str) -> ImageData:
        """The body; the image is back to queued when it doesn't arrive whole."""
        if image["status"] != "queued":
            raise Fail(409, f"Image status transition from {image['status']} to {busy} is not allowed")
        image["status"] = busy
        whole = False
        try:
            data = await receive(req.stream, keep=not self.discard)
            length = req.headers.get("content-length", "")
            if length.isdigit() and int(length) != data.blob.size:
                raise Fail(400, "The client disconnected before sending all data")
            self.imports.check_size(req.project_id, data.blob.size)
            whole = True
        finally:
            if not whole:
                image["status"] = "queued"
        return data

    async def upload(self, req: Req) -> Reply:
        """PUT the data: 409 unless queued, 415 when it isn't what `disk_format` says."""
        self.check_octets(req)
        image = self.owned(req, "upload_image")
        if image["disk_format"] is None or image["container_format"] is None:
            raise Fail(400, "Properties disk_format, container_format must be set prior to saving data.")
        data = await self.take(req, image, "saving")
        if image["id"] not in self.images:
            words = f"The image {image['id']} may have been deleted during the upload."
            raise Fail(410, words)
        if not data.fits(image["disk_format"]):
            image["status"] = "queued"
            raise Fail(415, f"Image disk_format {image['disk_format']} does not match stream data {data.disk_format}")
        self.fill(image, data)
        return Reply(204)

    async def download(self, req: Req) -> Reply:
        """GET the data, or a range of it; 204 when there is none."""
        image = self.need(req)
        if image["status"] == "deactivated" and not req.is_admin:
            raise Fail(403, "The requested image has been deactivated. Image data download is forbidden.")
        data = self.data.get(image["id"])
        if data is None:
            return Reply(204)
        size = data.blob.size
        span = read_range(req.headers.get("range"), size)
        if span is None and "range" in req.headers:
            raise Fail(416, "The Range requested is not available.", "Invalid Range header.")
        if span == (0, 0):
            words = f"Start position MUST be in the inclusive range [0, {size - 1}]."
            detail = f"Invalid start position in Range header. {words}"
            raise Fail(416, "The Range requested is not available.", detail)
        start, stop = span or (0, size)
        headers = {"content-type": OCTETS, "content-md5": data.blob.md5, "content-length": str(stop - start)}
        if span:
            headers["content-range"] = f"bytes {start}-{stop - 1}/{size}"
        return Reply(206 if span else 200, stream(data, start, stop), headers)

    async def deactivate(self, req: Req) -> Reply:
        """POST: no more downloads."""
        return self.switch(req, "deactivate", ("active", "deactivated"), "deactivated")

    async def reactivate(self, req: Req) -> Reply:
        """POST: downloads again."""
        return self.switch(req, "reactivate", ("deactivated", "active"), "active")

    def switch(self, req: Req, verb: str, allowed: tuple[str, str], status: str) -> Reply:
        """Change the status by hand."""
        image = self.owned(req, verb)
        if image["status"] not in allowed:
            raise Fail(403, f"Not allowed to {verb} image in status '{image['status']}'")
        image["status"] = status
        self.touch(image)
        return Reply(204)

    # Tags

    async def add_tag(self, req: Req) -> Reply:
        """PUT one tag."""
        image = self.owned(req, "modify_image", "Image {} not found.")
        tag = as_wsgi(req.args["tag"])
        check_fields({"tags": [tag]})
        image["tags"] = sorted({*image["tags"], tag})
        self.touch(image)
        return Reply(204)

    async def remove_tag(self, req: Req) -> Reply:
        """DELETE one tag."""
        image = self.owned(req, "modify_image")
        gone = as_wsgi(req.args["tag"])
        if gone not in image["tags"]:
            raise Fail(404, "The resource could not be found.")
        image["tags"] = [tag for tag in image["tags"] if tag != gone]
        self.touch(image)
        return Reply(204)

    # Members

    async def list_members(self, req: Req) -> Reply:
        """GET: all to the owner, oneself to a member."""
        image = self.need(req, "Image {} not found.")
        if image["visibility"] != "shared":
            words = f"Not allowed to list members for image {image['id']}: Only shared images have members."
            raise Fail(403, words)
        found = self.members.get(image["id"], {})
        own = req.is_admin or image["owner"] == req.project_id
        shown = [member for name, member in found.items() if own or name == req.project_id]
        return Reply.json({"members": shown, "schema": "/v2/schemas/members"})

    async def add_member(self, req: Req) -> Reply:
        """POST {"member": PROJECT}: 409 when it is one."""
        image = self.owned(req, "add_member", "Image {} not found.")
        given = await req.json()
        if "member" not in given:
            raise Fail(400, "Member to be added not specified")
        member = given["member"]
        if not member:
            raise Fail(400, "Member can't be empty")
        if image["visibility"] != "shared":
            raise Fail(403, f"Not allowed to create members for image {image['id']}.")
        members = self.members.setdefault(image["id"], {})
        if member in members:
            raise Fail(409, f"Member {member} is duplicated for image {image['id']}")
        now = stamp(self.region.clock.now())
        fields = {"status": "pending", "created_at": now, "updated_at": now, "schema": "/v2/schemas/member"}
        members[member] = {"member_id": member, "image_id": image["id"], **fields}
        return Reply.json(members[member])

    def need_member(self, req: Req) -> Item:
        """The member in the path, or 404."""
        image, name = self.need(req, "Image {} not found."), req.args["member"]
        found = self.members.get(image["id"], {}).get(name)
        if found is None or not (req.is_admin or req.project_id in {name, image["owner"]}):
            raise Fail(404, f"{name} not found in the member list of the image {image['id']}.")
        return found

    async def show_member(self, req: Req) -> Reply:
        """GET one member."""
        return Reply.json(self.need_member(req))

    async def answer_member(self, req: Req) -> Reply:
        """PUT {"status": "accepted"}, by the member itself."""
        member = self.need_member(req)
        if not req.is_admin and member["member_id"] != req.project_id:
            raise Fail(403, "You are not authorized to complete modify_member action.")
        status = (await req.json()).get("status")
        if status is None:
            raise Fail(400, "Status not specified")
        if status not in {"pending", "accepted", "rejected"}:
            raise Fail(400, 'Incorrect request: Status must be "pending", "accepted" or "rejected".')
        member.update(status=status, updated_at=stamp(self.region.clock.now()))
        return Reply.json(member)

    async def remove_member(self, req: Req) -> Reply:
        """DELETE one member."""
        self.owned(req, "delete_member", "Image {} not found.")
        member = self.need_member(req)
        del self.members[member["image_id"]][member["member_id"]]
        return Reply(204)

    async def list(self, req: Req) -> Reply:
        """GET all that the caller may see, filtered, newest first, in pages of 25 unless a limit is given."""
        glance_query.check_query(req)
        wish = glance_query.read_visibility(req)
        rows = [
            image
            for image in self.images.values()
            if self.listed(req, image, wish) and glance_query.matches(image, req)
        ]
        chunk, following = glance_query.page(req, glance_query.arranged(req, rows), self.region.knobs.page_size)
        first = urlencode([(name, value) for name, value in req.query if name != "marker"])
        body: dict[str, Any] = {
            "images": [self.view(image) for image in chunk],
            "first": "/v2/images" + (f"?{first}" if first else ""),
            "schema": "/v2/schemas/images",
        }
        if following is not None:
            body["next"] = f"/v2/images?{following}"
        return Reply.json(body)


async def stream(data: ImageData, start: int, stop: int) -> AsyncIterator[bytes]:
    """Bytes piece by piece."""
    for piece in data.blob.slices(start, stop):
        yield piece
