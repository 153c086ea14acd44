"""/snapshots and /backups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiocloud.testing.http import Fail, Page, Reply, Req, mapping, paginate
from aiocloud.testing.state import TokenState, Wire

if TYPE_CHECKING:
    from aiocloud.testing.cinder import Cinder

BRIEF = ("id", "created_at", "updated_at", "name", "description", "volume_id", "status", "size", "metadata")
SINCE = {"group_snapshot_id": (3, 14), "user_id": (3, 41), "consumes_quota": (3, 65)}
FILTERS = ("name", "status", "volume_id")


class Snapshots:
    """What is kept of volumes."""

    def __init__(self, cinder: Cinder) -> None:
        self.cinder = cinder
        self.region = cinder.region
        for method, path, handler in (
            ("GET", "/snapshots", self.index),
            ("POST", "/snapshots", self.create),
            ("GET", "/snapshots/detail", self.detail),
            ("GET", "/snapshots/{id}", self.show),
            ("PUT", "/snapshots/{id}", self.update),
            ("DELETE", "/snapshots/{id}", self.delete),
            ("POST", "/snapshots/{id}/action", self.reset),
            ("GET", "/snapshots/{id}/metadata", self.metadata),
            ("POST", "/snapshots/{id}/metadata", self.set_metadata),
            ("PUT", "/snapshots/{id}/metadata", self.set_metadata),
            ("GET", "/backups", self.index_backups),
            ("POST", "/backups", self.create_backup),
            ("GET", "/backups/detail", self.detail_backups),
            ("GET", "/backups/{id}", self.show_backup),
            ("PUT", "/backups/{id}", self.update_backup),
            ("DELETE", "/backups/{id}", self.delete_backup),
            ("POST", "/backups/{id}/restore", self.restore),
        ):
            cinder.routes.add(method, "/v3" + path, handler)

    # -- snapshots

    def find(self, req: Req) -> Wire:
        """The snapshot a request names."""
        return self.cinder.find(self.cinder.snapshots, "Snapshot", req)

    def wire(self, req: Req, one: Wire, *, fresh: bool = False) -> Wire:
        """A snapshot at the request's microversion."""
        shown = {
            name: value
            for name, value in one.items()
            if name != "project_id" and req.version >= SINCE.get(name, (0, 0))
        }
        if not fresh:
            shown["os-extended-snapshot-attributes:project_id"] = one["project_id"]
            progress = "100%" if one["status"] == "available" else "0%"
            shown["os-extended-snapshot-attributes:progress"] = progress
        return shown

    def _page(self, req: Req, shelf: dict[str, Wire], word: str) -> Page:
        found = self.cinder.mine(req, shelf, word)
        for name, value in req.query:
            if name in FILTERS:
                found = [one for one in found if str(one[name]) == value]
        return paginate(req, found, page_size=self.region.knobs.page_size)

    def _reply(self, req: Req, many: str, page: Page, wires: list[Wire]) -> Reply:
        body: Wire = {many: wires}
        if page.next_query is not None:
            body[f"{many}_links"] = page.links(req)
        return Reply.json(body)

    async def index(self, req: Req) -> Reply:
        """GET /snapshots."""
        page = self._page(req, self.cinder.snapshots, "Snapshot")
        return self._reply(req, "snapshots", page, [{name: one[name] for name in BRIEF} for one in page.items])

    async def detail(self, req: Req) -> Reply:
        """GET /snapshots/detail."""
        page = self._page(req, self.cinder.snapshots, "Snapshot")
        return self._reply(req, "snapshots", page, [self.wire(req, one) for one in page.items])

    async def show(self, req: Req) -> Reply:
        """GET /snapshots/{id}."""
        return Reply.json({"snapshot": self.wire(req, self.find(req))})

    async def create(self, req: Req) -> Reply:
        """POST /snapshots."""
        given = await req.member("snapshot")
        volume = self.cinder.find(self.cinder.volumes, "Volume", req, str(given.get("volume_id")))
        in_use = bool(given.get("force")) or req.version >= (3, 66)
        if volume["status"] not in {"available", *(["in-use"] if in_use else [])}:
            text = f"Volume {volume['id']} status must be available, but current status is: {volume['status']}."
            raise Fail(400, f"Invalid volume: {text}")
        snapshot = self.make(req.token, volume, given)
        return Reply.json({"snapshot": {**self.wire(req, snapshot, fresh=True), "status": "creating"}}, 202)

    def make(self, who: TokenState, volume: Wire, wish: Wire) -> Wire:
        """A snapshot as POST /snapshots makes it, available after the knob's `work_time`."""
        over = "SnapshotLimitExceeded: Maximum number of snapshots allowed ({q}) exceeded"
        self.cinder.demand(who.project_id or "", "snapshots", 1, over)
        snapshot: Wire = {
            "id": self.region.ids.uuid(),
            "created_at": self.cinder.now(),
            "updated_at": None,
            "name": wish.get("name"),
            "description": wish.get("description"),
            "volume_id": volume["id"],
            "status": "creating",
            "size": volume["size"],
            "metadata": mapping(wish.get("metadata")),
            "group_snapshot_id": None,
            "user_id": who.user_id,
            "consumes_quota": True,
            "project_id": who.project_id,
        }
        self.cinder.snapshots[snapshot["id"]] = snapshot
        self.cinder.shelf.become(snapshot, "available", self.region.knobs.work_time)
        return snapshot

    async def update(self, req: Req) -> Reply:
        """PUT /snapshots/{id}."""
        snapshot, given = self.find(req), await req.member("snapshot")
        snapshot.update({name: given[name] for name in ("name", "description") if name in given})
        return Reply.json({"snapshot": self.wire(req, snapshot, fresh=True)})

    async def delete(self, req: Req) -> Reply:
        """DELETE /snapshots/{id}."""
        snapshot = self.find(req)
        snapshot["status"] = "deleting"

        def vanish() -> None:
            self.cinder.snapshots.pop(snapshot["id"], None)

        self.region.later(self.region.knobs.work_time, vanish)
        return Reply(202)

    async def reset(self, req: Req) -> Reply:
        """POST /snapshots/{id}/action: os-reset_status."""
        self.cinder.allow(req, "volume_extension:snapshot_admin_actions:reset_status")
        self.find(req)["status"] = (await req.member("os-reset_status")).get("status")
        return Reply(202)

    async def metadata(self, req: Req) -> Reply:
        """GET /snapshots/{id}/metadata."""
        return Reply.json({"metadata": self.find(req)["metadata"]})

    async def set_metadata(self, req: Req) -> Reply:
        """POST (adds) and PUT (replaces) /snapshots/{id}/metadata."""
        snapshot, given = self.find(req), await req.member("metadata")
        snapshot["metadata"] = {**snapshot["metadata"], **given} if req.method == "POST" else given
        return Reply.json({"metadata": snapshot["metadata"]})

    # -- backups

    def _backup(self, req: Req) -> Wire:
        return self.cinder.find(self.cinder.backups, "Backup", req)

    def _links(self, req: Req, id: str) -> list[Wire]:
        return [
            {"rel": "self", "href": f"{req.base}/v3/backups/{id}"},
            {"rel": "bookmark", "href": f"{req.base}/backups/{id}"},
        ]

    def _brief(self, req: Req, one: Wire) -> Wire:
        return {"id": one["id"], "name": one["name"], "links": self._links(req, one["id"])}

    def _whole(self, req: Req, one: Wire) -> Wire:
        hidden = {"project_id", *(["metadata"] if req.version < (3, 43) else [])}
        shown = {name: value for name, value in one.items() if name not in hidden}
        return {**shown, "links": self._links(req, one["id"])}

    async def index_backups(self, req: Req) -> Reply:
        """GET /backups."""
        page = self._page(req, self.cinder.backups, "Backup")
        return self._reply(req, "backups", page, [self._brief(req, one) for one in page.items])

    async def detail_backups(self, req: Req) -> Reply:
        """GET /backups/detail."""
        page = self._page(req, self.cinder.backups, "Backup")
        return self._reply(req, "backups", page, [self._whole(req, one) for one in page.items])

    async def show_backup(self, req: Req) -> Reply:
        """GET /backups/{id}."""
        return Reply.json({"backup": self._whole(req, self._backup(req))})

    async def create_backup(self, req: Req) -> Reply:
        """POST /backups."""
        given = await req.member("backup")
        volume = self.cinder.find(self.cinder.volumes, "Volume", req, str(given.get("volume_id")))
        if volume["status"] not in {"available", *(["in-use"] if given.get("force") else [])}:
            raise Fail(400, f"Invalid volume: Volume to be backed up must be available, but is {volume['status']}.")
        earlier = [one for one in self.cinder.backups.values() if one["volume_id"] == volume["id"]]
        if given.get("incremental") and not earlier:
            raise Fail(400, "Invalid backup: No backups available to do an incremental backup.")
        over = "BackupLimitExceeded: Maximum number of backups allowed ({q}) exceeded"
        self.cinder.demand(req.project_id, "backups", 1, over)
        backup: Wire = {
            "id": self.region.ids.uuid(),
            "status": "creating",
            "size": volume["size"],
            "object_count": 0,
            "availability_zone": None,
            "container": given.get("container") or "volumebackups",
            "created_at": self.cinder.now(),
            "updated_at": None,
            "name": given.get("name"),
            "description": given.get("description"),
            "fail_reason": None,
            "volume_id": volume["id"],
            "is_incremental": bool(given.get("incremental")),
            "has_dependent_backups": False,
            "snapshot_id": given.get("snapshot_id"),
            "data_timestamp": self.cinder.now(),
            "metadata": mapping(given.get("metadata")),
            "project_id": req.project_id,
        }
        self.cinder.backups[backup["id"]] = backup
        self.cinder.shelf.become(backup, "available", self.region.knobs.work_time)
        return Reply.json({"backup": self._brief(req, backup)}, 202)

    async def update_backup(self, req: Req) -> Reply:
        """PUT /backups/{id}, from 3.9."""
        backup, given = self._backup(req), await req.member("backup")
        backup.update({name: given[name] for name in ("name", "description", "metadata") if name in given})
        return Reply.json({"backup": self._brief(req, backup)})

    async def delete_backup(self, req: Req) -> Reply:
        """DELETE /backups/{id}."""
        backup = self._backup(req)
        backup["status"] = "deleting"

        def vanish() -> None:
            self.cinder.backups.pop(backup["id"], None)

        self.region.later(self.region.knobs.work_time, vanish)
        return Reply(202)

    async def restore(self, req: Req) -> Reply:
        """POST /backups/{id}/restore: into the volume named, or a new one."""
        backup, given = self._backup(req), mapping((await req.json()).get("restore"))
        volume_id = given.get("volume_id")
        if volume_id:
            volume = self.cinder.find(self.cinder.volumes, "Volume", req, volume_id)
        else:
            name = given.get("name") or f"restore_backup_{backup['id']}"
            volume = self.cinder.make_volume(req.token, {"size": backup["size"], "name": name})
        wire = {"backup_id": backup["id"], "volume_id": volume["id"], "volume_name": volume["name"]}
        return Reply.json({"restore": wire}, 202)
