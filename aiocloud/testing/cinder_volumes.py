"""/volumes and what can be done to one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aiocloud.testing.http import Fail, Page, Reply, Req, as_wsgi, mapping, paginate
from aiocloud.testing.state import TokenState, Wire

if TYPE_CHECKING:
    from aiocloud.testing.cinder import Cinder

HIDDEN = {"project_id", "image"}
SINCE = {
    "group_id": (3, 13),
    "shared_targets": (3, 48),
    "service_uuid": (3, 48),
    "volume_type_id": (3, 63),
    "consumes_quota": (3, 65),
}
FILTERS = {
    "name": "name",
    "status": "status",
    "bootable": "bootable",
    "volume_type": "volume_type",
    "availability_zone": "availability_zone",
    "id": "id",
    "size": "size",
}
UNUSED = (
    "Volume status must be available or error or error_restoring or error_extending or error_managing and must not be "
    "migrating, attached, belong to a group, have snapshots, awaiting a transfer, or be disassociated from snapshots "
    "after volume transfer."
)
NO_ACTION = "Verify the request body and Content-Type header and try again."


class Volumes:
    """Making, listing, changing and deleting volumes."""

    def __init__(self, cinder: Cinder) -> None:
        self.cinder = cinder
        self.region = cinder.region
        for method, path, handler in (
            ("GET", "/volumes", self.index),
            ("POST", "/volumes", self.create),
            ("GET", "/volumes/detail", self.detail),
            ("GET", "/volumes/summary", self.summary),
            ("GET", "/volumes/{id}", self.show),
            ("PUT", "/volumes/{id}", self.update),
            ("DELETE", "/volumes/{id}", self.delete),
            ("POST", "/volumes/{id}/action", self.act),
            ("GET", "/volumes/{id}/metadata", self.metadata),
            ("POST", "/volumes/{id}/metadata", self.set_metadata),
            ("PUT", "/volumes/{id}/metadata", self.set_metadata),
            ("DELETE", "/volumes/{id}/metadata/{key}", self.delete_metadata),
        ):
            cinder.routes.add(method, "/v3" + path, handler)
        self.actions: dict[str, Callable[[Req, Wire, Any], Reply]] = {
            "os-extend": self.extend,
            "os-set_bootable": self.set_bootable,
            "os-update_readonly_flag": self.set_readonly,
            "os-retype": self.retype,
            "os-reserve": self.reserve,
            "os-unreserve": self.unreserve,
            "os-attach": self.attach,
            "os-detach": self.detach,
            "os-begin_detaching": self.begin_detaching,
            "os-roll_detaching": self.roll_detaching,
            "os-reset_status": self.reset_status,
            "os-force_delete": self.force_delete,
            "os-volume_upload_image": self.upload_image,
            "os-set_image_metadata": self.set_image_metadata,
            "os-unset_image_metadata": self.unset_image_metadata,
            "os-show_image_metadata": self.show_image_metadata,
            "revert": self.revert,
        }

    def find(self, req: Req) -> Wire:
        """The volume a request names."""
        return self.cinder.find(self.cinder.volumes, "Volume", req)

    def links(self, req: Req, volume_id: str) -> list[Wire]:
        """Self and bookmark."""
        return [
            {"rel": "self", "href": f"{req.base}/v3/volumes/{volume_id}"},
            {"rel": "bookmark", "href": f"{req.base}/volumes/{volume_id}"},
        ]

    def wire(self, req: Req, volume: Wire, *, fresh: bool = False) -> Wire:
        """A volume at the request's microversion; `fresh` in answers to its making and changing."""
        shown = {
            name: value
            for name, value in volume.items()
            if name not in HIDDEN and req.version >= SINCE.get(name, (0, 0))
        }
        shown["links"] = self.links(req, volume["id"])
        if fresh:
            return shown
        if volume["image"]:
            shown["volume_image_metadata"] = volume["image"]
        shown["os-vol-tenant-attr:tenant_id"] = volume["project_id"]
        if req.is_admin:
            shown["os-vol-host-attr:host"] = "fake-volume@lvm#lvm"
            shown["os-vol-mig-status-attr:migstat"] = None
            shown["os-vol-mig-status-attr:name_id"] = None
        return shown

    # -- lists

    def _page(self, req: Req) -> Page:
        found = self.cinder.mine(req, self.cinder.volumes, "Volume")
        for name, value in req.query:
            if name in FILTERS:
                field = FILTERS[name]
                found = [one for one in found if str(one[field]).lower() == value.lower()]
            elif name == "name~":
                found = [one for one in found if value in (one["name"] or "")]
        sort = req.get("sort") or req.get("sort_key") or ""
        key, _, direction = sort.partition(":")
        if key:
            descending = (direction or req.get("sort_dir") or "desc") == "desc"
            found.sort(key=lambda one: str(one.get(key) or ""), reverse=descending)
        return paginate(req, found, page_size=self.region.knobs.page_size)

    def _reply(self, req: Req, page: Page, wires: list[Wire]) -> Reply:
        body: Wire = {"volumes": wires}
        if page.next_query is not None:
            body["volumes_links"] = page.links(req)
        return Reply.json(body)

    async def index(self, req: Req) -> Reply:
        """GET /volumes."""
        page = self._page(req)
        wires = [{"id": one["id"], "name": one["name"], "links": self.links(req, one["id"])} for one in page.items]
        return self._reply(req, page, wires)

    async def detail(self, req: Req) -> Reply:
        """GET /volumes/detail."""
        page = self._page(req)
        return self._reply(req, page, [self.wire(req, one) for one in page.items])

    async def summary(self, req: Req) -> Reply:
        """GET /volumes/summary."""
        mine = self.cinder.mine(req, self.cinder.volumes, "Volume")
        total: Wire = {"total_size": sum(one["size"] for one in mine), "total_count": len(mine), "metadata": {}}
        return Reply.json({"volume-summary": total})

    async def show(self, req: Req) -> Reply:
        """GET /volumes/{id}."""
        return Reply.json({"volume": self.wire(req, self.find(req))})

    # -- making

    async def create(self, req: Req) -> Reply:
        """POST /volumes."""
        volume = self.make(req.token, await req.member("volume"))
        return Reply.json(
            {"volume": {**self.wire(req, volume, fresh=True), "status": "creating", "updated_at": None}}, 202
        )

    def make(self, who: TokenState, wish: Wire) -> Wire:
        """A volume, from nothing, an image, a snapshot or another volume."""
        project_id = who.project_id or ""
        size, image = self._size(wish)
        kind = self._kind(wish)
        over = "VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes quota. "
        self.cinder.demand(
            project_id, "gigabytes", size, over + "Requested {s}G, quota is {q}G and {c}G has been consumed."
        )
        over = "VolumeLimitExceeded: Maximum number of volumes allowed ({q}) exceeded for quota 'volumes'."
        self.cinder.demand(project_id, "volumes", 1, over)
        volume: Wire = {
            "id": self.region.ids.uuid(),
            "status": "creating",
            "size": size,
            "availability_zone": wish.get("availability_zone") or "nova",
            "created_at": self.cinder.now(),
            "updated_at": None,
            "name": wish.get("name"),
            "description": wish.get("description"),
            "volume_type": kind["name"],
            "snapshot_id": wish.get("snapshot_id"),
            "source_volid": wish.get("source_volid"),
            "metadata": dict(mapping(wish.get("metadata"))),
            "user_id": who.user_id,
            "bootable": "true" if image else "false",
            "encrypted": False,
            "replication_status": None,
            "consistencygroup_id": None,
            "multiattach": bool(wish.get("multiattach", False)),
            "attachments": [],
            "group_id": None,
            "shared_targets": False,
            "service_uuid": self.region.ids.fixed("cinder-volume"),
            "volume_type_id": kind["id"],
            "consumes_quota": True,
            "project_id": project_id,
            "image": image,
        }
        self.cinder.volumes[volume["id"]] = volume
        self.become(volume, "available", self.region.knobs.work_time)
        return volume

    def _size(self, wish: Wire) -> tuple[int, Wire]:
        """GiB, and the image's metadata for a volume made from one."""
        size, image = wish.get("size"), dict[str, Any]()
        source: Wire | None = None
        image_id = wish.get("imageRef") or wish.get("image_id")
        if image_id:
            found = self.region.glance.images.get(str(image_id).rpartition("/")[2])
            if found is None or found["status"] != "active":
                raise Fail(400, "Invalid image identifier or unable to access requested image.")
            image = {"image_id": found["id"], "image_name": found["name"], "disk_format": found["disk_format"]}
        if wish.get("snapshot_id"):
            source = self.cinder.snapshots.get(wish["snapshot_id"])
            if source is None:
                raise Fail(404, f"Snapshot {wish['snapshot_id']} could not be found.")
            image = self.cinder.volumes[source["volume_id"]]["image"]
        if wish.get("source_volid"):
            source = self.cinder.volumes.get(wish["source_volid"])
            if source is None:
                raise Fail(404, f"Volume {wish['source_volid']} could not be found.")
            image = source["image"]
        if size is None and source is not None:
            size = source["size"]
        if size is None or not str(size).isdigit() or int(size) < 1:
            text = "The server could not comply with the request since it is either malformed or otherwise incorrect."
            raise Fail(400, text)
        if source is not None and int(size) < source["size"]:
            raise Fail(400, f"Invalid input received: Volume size '{size}'GB cannot be smaller than its source.")
        return int(size), image

    def _kind(self, wish: Wire) -> Wire:
        asked = wish.get("volume_type")
        if not asked:
            return self.cinder.default_type
        for one in self.cinder.types.values():
            if asked in {one["id"], one["name"]}:
                return one
        raise Fail(404, f"Volume type with name {asked} could not be found.")

    def become(self, volume: Wire, status: str, seconds: float) -> None:
        """Another status, after so long."""

        def arrive() -> None:
            volume["status"] = status
            volume["updated_at"] = self.cinder.now()

        self.region.later(seconds, arrive)

    # -- changing

    async def update(self, req: Req) -> Reply:
        """PUT /volumes/{id}."""
        volume, given = self.find(req), await req.member("volume")
        volume.update({name: given[name] for name in ("name", "description", "metadata") if name in given})
        volume["updated_at"] = self.cinder.now()
        return Reply.json({"volume": self.wire(req, volume, fresh=True)})

    async def delete(self, req: Req) -> Reply:
        """DELETE /volumes/{id}: only what is neither attached nor has snapshots (`cascade` takes those along)."""
        volume = self.find(req)
        snapshots = [one for one in self.cinder.snapshots.values() if one["volume_id"] == volume["id"]]
        free = volume["status"] in {"available", "error", "error_restoring", "error_extending", "error_managing"}
        if not free or volume["attachments"] or (snapshots and not req.flag("cascade")):
            raise Fail(400, f"Invalid volume: {UNUSED}")
        for one in snapshots:
            del self.cinder.snapshots[one["id"]]
        self._vanish(volume)
        return Reply(202)

    def _vanish(self, volume: Wire) -> None:
        volume["status"] = "deleting"

        def vanish() -> None:
            self.cinder.volumes.pop(volume["id"], None)

        self.region.later(self.region.knobs.work_time, vanish)

    async def metadata(self, req: Req) -> Reply:
        """GET /volumes/{id}/metadata."""
        return Reply.json({"metadata": self.find(req)["metadata"]})

    async def set_metadata(self, req: Req) -> Reply:
        """POST (adds) and PUT (replaces) /volumes/{id}/metadata."""
        volume, given = self.find(req), await req.member("metadata")
        volume["metadata"] = {**volume["metadata"], **given} if req.method == "POST" else given
        return Reply.json({"metadata": volume["metadata"]})

    async def delete_metadata(self, req: Req) -> Reply:
        """DELETE /volumes/{id}/metadata/{key}."""
        volume, key = self.find(req), as_wsgi(req.args["key"])
        if key not in volume["metadata"]:
            raise Fail(404, f"Volume {volume['id']} has no metadata with key {key}.")
        del volume["metadata"][key]
        return Reply(200)

    # -- actions

    async def act(self, req: Req) -> Reply:
        """POST /volumes/{id}/action."""
        volume, body = self.find(req), await req.json()
        name = next(iter(body), "")
        if name not in self.actions:
            raise Fail(400, f"There is no such action: {name}. {NO_ACTION}")
        return self.actions[name](req, volume, mapping(body[name]))

    def _need(self, volume: Wire, *statuses: str) -> None:
        if volume["status"] not in statuses:
            raise Fail(400, f"Invalid volume: Volume {volume['id']} status must be {' or '.join(statuses)}.")

    def extend(self, req: Req, volume: Wire, given: Wire) -> Reply:
        """Grow to `new_size` GiB; also in use from 3.42."""
        self._need(volume, "available", *(["in-use"] if req.version >= (3, 42) else []))
        size, old = int(given["new_size"]), volume["size"]
        if size <= old:
            text = f"New size for extend must be greater than current size. (current: {old}, extended: {size})."
            raise Fail(400, f"Invalid input received: {text}")
        over = "VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes quota. "
        text = over + "Requested {s}G, quota is {q}G and {c}G has been consumed."
        self.cinder.demand(volume["project_id"], "gigabytes", size - old, text)
        back, volume["status"] = volume["status"], "extending"
        volume["size"] = size
        self.become(volume, back, self.region.knobs.work_time)
        return Reply(202)

    def set_bootable(self, req: Req, volume: Wire, given: Wire) -> Reply:  # noqa: ARG002
        """Say that it can be booted from."""
        volume["bootable"] = "true" if given.get("bootable") in {True, "true", "True", "1"} else "false"
        return Reply(200)

    def set_readonly(self, req: Req, volume: Wire, given: Wire) -> Reply:  # noqa: ARG002
        """Make it read-only, or not."""
        volume["metadata"] = {**volume["metadata"], "readonly": str(bool(given.get("readonly")))}
        return Reply(202)

    def retype(self, req: Req, volume: Wire, given: Wire) -> Reply:  # noqa: ARG002
        """Another type."""
        kind = self._kind({"volume_type": given.get("new_type")})
        volume["volume_type"], volume["volume_type_id"] = kind["name"], kind["id"]
        return Reply(202)

    def reserve(self, req: Req, volume: Wire, given: Wire) -> Reply:  # noqa: ARG002
        """About to be attached."""
        self._need(volume, "available")
        volume["status"] = "reserved"
        return Reply(202)

    def unreserve(self, req: Req, volume: Wire, given: Wire) -> Reply:  # noqa: ARG002
        """Not to be attached after all."""
        volume["status"] = "in-use" if volume["attachments"] else "available"
        return Reply(202)

    def attach(self, req: Req, volume: Wire, given: Wire) -> Reply:  # noqa: ARG002
        """Note that a server has it."""
        volume["status"] = "available" if volume["status"] == "reserved" else volume["status"]
        self.cinder.attach(volume["id"], given.get("instance_uuid") or "", given.get("mountpoint") or "")
        return Reply(202)

    def detach(self, req: Req, volume: Wire, given: Wire) -> Reply:  # noqa: ARG002
        """Note that no server has it any more."""
        for one in list(volume["attachments"]):
            if given.get("attachment_id") in {None, one["attachment_id"]}:
                self.cinder.detach(volume["id"], one["server_id"])
        return Reply(202)

    def begin_detaching(self, req: Req, volume: Wire, given: Wire) -> Reply:  # noqa: ARG002
        """About to be detached."""
        self._need(volume, "in-use")
        volume["status"] = "detaching"
        return Reply(202)

    def roll_detaching(self, req: Req, volume: Wire, given: Wire) -> Reply:  # noqa: ARG002
        """Not to be detached after all."""
        volume["status"] = "in-use"
        return Reply(202)

    def reset_status(self, req: Req, volume: Wire, given: Wire) -> Reply:
        """Set the status, whatever it is."""
        self.cinder.allow(req, "volume_extension:volume_admin_actions:reset_status")
        volume["status"] = given.get("status", volume["status"])
        return Reply(202)

    def force_delete(self, req: Req, volume: Wire, given: Wire) -> Reply:  # noqa: ARG002
        """Delete it in any state."""
        self.cinder.allow(req, "volume_extension:volume_admin_actions:force_delete")
        self._vanish(volume)
        return Reply(202)

    def upload_image(self, req: Req, volume: Wire, given: Wire) -> Reply:
        """Make an image of it."""
        self._need(volume, "available", *(["in-use"] if given.get("force") else []))
        formats = {name: given[name] for name in ("disk_format", "container_format") if given.get(name)}
        image = self.region.glance.snapshot(
            name=given["image_name"], project_id=req.project_id, server_id="", base=formats, properties={}
        )
        wire = {"id": volume["id"], "updated_at": volume["updated_at"], "status": "uploading", "size": volume["size"]}
        wire |= {"display_description": volume["description"], "volume_type": volume["volume_type"]}
        wire |= {"image_id": image["id"], "image_name": image["name"]}
        wire |= {"disk_format": image["disk_format"], "container_format": image["container_format"]}
        return Reply.json({"os-volume_upload_image": wire}, 202)

    def set_image_metadata(self, req: Req, volume: Wire, given: Wire) -> Reply:  # noqa: ARG002
        """Add to its image metadata."""
        volume["image"] = {**volume["image"], **(mapping(given.get("metadata")))}
        return Reply.json({"metadata": volume["image"]})

    def unset_image_metadata(self, req: Req, volume: Wire, given: Wire) -> Reply:  # noqa: ARG002
        """Take one key from its image metadata."""
        if given.get("key") not in volume["image"]:
            raise Fail(404, f"Metadata item was not found: {given.get('key')}")
        volume["image"] = {name: value for name, value in volume["image"].items() if name != given["key"]}
        return Reply(200)

    def show_image_metadata(self, req: Req, volume: Wire, given: Wire) -> Reply:  # noqa: ARG002
        """Its image metadata."""
        return Reply.json({"metadata": volume["image"]})

    def revert(self, req: Req, volume: Wire, given: Wire) -> Reply:  # noqa: ARG002
        """Back to its latest snapshot."""
        self._need(volume, "available")
        if given.get("snapshot_id") not in self.cinder.snapshots:
            raise Fail(404, f"Snapshot {given.get('snapshot_id')} could not be found.")
        return Reply(202)
