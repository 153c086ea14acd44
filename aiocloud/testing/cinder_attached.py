"""/attachments: which server has which volume."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiocloud.testing.http import Fail, Reply, Req, mapping, paginate
from aiocloud.testing.state import Wire

if TYPE_CHECKING:
    from aiocloud.testing.cinder import Cinder


class Attachments:
    """Ties between volumes and servers, nova's and those made directly (from 3.27)."""

    def __init__(self, cinder: Cinder) -> None:
        self.cinder = cinder
        self.region = cinder.region
        for method, path, handler in (
            ("GET", "/attachments", self.index),
            ("POST", "/attachments", self.create),
            ("GET", "/attachments/detail", self.index),
            ("GET", "/attachments/{id}", self.show),
            ("PUT", "/attachments/{id}", self.update),
            ("DELETE", "/attachments/{id}", self.delete),
            ("POST", "/attachments/{id}/action", self.complete),
        ):
            cinder.routes.add(method, "/v3" + path, handler)

    def attach(self, volume_id: str, server_id: str, device: str) -> str:
        """The attachment's id."""
        volume = self.cinder.volumes.get(volume_id)
        if volume is None:
            raise Fail(404, f"Volume {volume_id} could not be found.")
        if volume["status"] not in {"available", *(["in-use"] if volume["multiattach"] else [])}:
            status = f"status must be available or downloading, but is {volume['status']}"
            raise Fail(400, f"Invalid volume: Volume {volume_id} {status}.")
        wire = self._make(volume, server_id, "attached")
        self._note(volume, wire, device)
        return str(wire["id"])

    def _make(self, volume: Wire, server_id: str, status: str) -> Wire:
        wire: Wire = {
            "id": self.region.ids.uuid(),
            "status": status,
            "instance": server_id,
            "volume_id": volume["id"],
            "attached_at": self.cinder.now() if status == "attached" else "",
            "detached_at": "",
            "attach_mode": "rw" if status == "attached" else "null",
            "connection_info": {},
            "project_id": volume["project_id"],
        }
        self.cinder.attachments[wire["id"]] = wire
        return wire

    def _note(self, volume: Wire, wire: Wire, device: str) -> None:
        """The volume shows what is attached."""
        wire["connection_info"] = {"driver_volume_type": "fake", "attachment_id": wire["id"], "access_mode": "rw"}
        wire.update(status="attached", attached_at=self.cinder.now(), attach_mode="rw")
        volume["attachments"].append(
            {
                "id": volume["id"],
                "attachment_id": wire["id"],
                "volume_id": volume["id"],
                "server_id": wire["instance"],
                "host_name": None,
                "device": device,
                "attached_at": self.cinder.now(),
            }
        )
        volume["status"], volume["updated_at"] = "in-use", self.cinder.now()

    def detach(self, volume_id: str, server_id: str) -> None:
        """Every tie between the two."""
        for wire in list(self.cinder.attachments.values()):
            if (wire["volume_id"], wire["instance"]) == (volume_id, server_id):
                self._cut(wire)

    def _cut(self, wire: Wire) -> None:
        del self.cinder.attachments[wire["id"]]
        volume = self.cinder.volumes.get(wire["volume_id"])
        if volume is not None:
            volume["attachments"] = [one for one in volume["attachments"] if one["attachment_id"] != wire["id"]]
            volume["status"] = "in-use" if volume["attachments"] else "available"
            volume["updated_at"] = self.cinder.now()

    # -- HTTP

    def _shown(self, wire: Wire) -> Wire:
        return {name: value for name, value in wire.items() if name != "project_id"}

    def _find(self, req: Req) -> Wire:
        if req.version < (3, 27):
            raise Fail(404, "The resource could not be found.", "itemNotFound")
        return self.cinder.find(self.cinder.attachments, "Volume attachment could not be found with filter:", req)

    async def index(self, req: Req) -> Reply:
        """GET /attachments and /attachments/detail."""
        found = self.cinder.mine(req, self.cinder.attachments, "Attachment")
        page = paginate(req, found, page_size=self.region.knobs.page_size)
        shown = [self._shown(one) for one in page.items]
        if not req.path.rstrip("/").endswith("/detail"):
            names = ("id", "status", "instance", "volume_id")
            shown = [{name: one[name] for name in names} for one in shown]
        return Reply.json({"attachments": shown})

    async def create(self, req: Req) -> Reply:
        """POST /attachments: reserves the volume."""
        given = await req.member("attachment")
        volume = self.cinder.find(self.cinder.volumes, "Volume", req, str(given.get("volume_uuid")))
        if volume["status"] != "available" and not volume["multiattach"]:
            raise Fail(400, f"Invalid volume: Volume {volume['id']} status must be available or downloading.")
        wire = self._make(volume, given.get("instance_uuid") or "", "reserved")
        volume["status"] = "reserved"
        return Reply.json({"attachment": self._shown(wire)})

    async def show(self, req: Req) -> Reply:
        """GET /attachments/{id}."""
        return Reply.json({"attachment": self._shown(self._find(req))})

    async def update(self, req: Req) -> Reply:
        """PUT /attachments/{id}: with a connector."""
        wire, given = self._find(req), await req.member("attachment")
        wire["status"] = "attaching"
        wire["connection_info"] = {"driver_volume_type": "fake", "attachment_id": wire["id"]}
        wire["attach_mode"] = (mapping(given.get("connector"))).get("mode") or "rw"
        return Reply.json({"attachment": self._shown(wire)})

    async def complete(self, req: Req) -> Reply:
        """POST /attachments/{id}/action: os-complete."""
        wire = self._find(req)
        if "os-complete" not in await req.json():
            raise Fail(400, "There is no such action.")
        self._note(self.cinder.volumes[wire["volume_id"]], wire, "/dev/vdb")
        return Reply(204)

    async def delete(self, req: Req) -> Reply:
        """DELETE /attachments/{id}: the answer is what remains."""
        wire = self._find(req)
        self._cut(wire)
        left = [one for one in self.cinder.attachments.values() if one["volume_id"] == wire["volume_id"]]
        return Reply.json({"attachments": [self._shown(one) for one in left]})
