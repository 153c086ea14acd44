"""cinder v3 of one region: volumes, snapshots, backups, attachments, types and quotas.

API: https://docs.openstack.org/api-ref/block-storage/v3/
"""

from __future__ import annotations

from aiocloud.testing.cinder_attached import Attachments
from aiocloud.testing.cinder_shares import QUOTAS, Shares
from aiocloud.testing.cinder_snapshots import Snapshots
from aiocloud.testing.cinder_volumes import Volumes
from aiocloud.testing.http import Fail, ProjectRoutes, Reply, Req, dotted, read_version
from aiocloud.testing.state import RegionState, Service, TokenState, Wire, stamp

LOWEST, HIGHEST = (3, 0), (3, 71)

KINDS = {
    400: "badRequest",
    403: "forbidden",
    404: "itemNotFound",
    409: "conflictingRequest",
    413: "overLimit",
    429: "overLimit",
    503: "serviceUnavailable",
}

NOT_FOUND_PAGE = """<html>
 <head>
  <title>404 Not Found</title>
 </head>
 <body>
  <h1>404 Not Found</h1>
  The resource could not be found.<br /><br />



 </body>
</html>"""


class Cinder(Service):
    """The block storage of a region. Tables are mappings of id -> wire dict."""

    type = "block-storage"
    mount = "volume"

    def __init__(self, region: RegionState) -> None:
        super().__init__(region)
        self.routes = ProjectRoutes(region.cloud.keystone.projects)
        if region.kind == "provider":
            self.type = "volumev3"
        self.volumes: dict[str, Wire] = {}
        """By id, oldest first; with "project_id", and "image" (metadata) where made from one."""
        self.snapshots: dict[str, Wire] = {}
        self.backups: dict[str, Wire] = {}
        self.attachments: dict[str, Wire] = {}
        self.types: dict[str, Wire] = {}
        self.type_access: dict[str, list[str]] = {}
        """Type id -> ids of the projects that may use it though it is not public."""
        self.routes.add("GET", "/", self._versions, open=True)
        self.routes.add("GET", "/v3", self._version)
        self.shelf = Volumes(self)
        self.snaps = Snapshots(self)
        self.bonds = Attachments(self)
        self.shares = Shares(self)
        self.default_type = self.add_type("standard")

    # -- for tests and for nova

    def add_type(self, name: str, description: str | None = None, *, is_public: bool = True) -> Wire:
        """A volume type."""
        wire: Wire = {"id": self.region.ids.uuid(), "name": name, "is_public": is_public, "description": description}
        wire |= {"extra_specs": {}, "os-volume-type-access:is_public": is_public}
        self.types[wire["id"]] = wire
        return wire

    def make_volume(self, who: TokenState, wish: Wire) -> Wire:
        """A volume as POST /volumes makes it."""
        return self.shelf.make(who, wish)

    def make_snapshot(self, who: TokenState, volume_id: str, wish: Wire) -> Wire:
        """A snapshot of a volume, which may be in use, as POST /snapshots makes it."""
        return self.snaps.make(who, self.volumes[volume_id], wish)

    def attach(self, volume_id: str, server_id: str, device: str) -> str:
        """Attach a volume to a server; the attachment's id. `Fail` when it isn't available."""
        return self.bonds.attach(volume_id, server_id, device)

    def detach(self, volume_id: str, server_id: str) -> None:
        """Undo `attach`; nothing happens when it isn't attached."""
        self.bonds.detach(volume_id, server_id)

    # -- for the parts

    def now(self) -> str:
        """A time as cinder writes it."""
        return stamp(self.region.clock.now(), suffix="", micro=True)

    def quota(self, project_id: str, name: str) -> int:
        """A project's limit; -1 is none."""
        return self.region.quota(project_id, name, QUOTAS[name])

    def demand(self, project_id: str, name: str, more: int, message: str) -> None:
        """A `Fail` with 413 when `more` would be too much; {"q"}, {"s"}, {"c"} in the message are filled."""
        limit, used = self.quota(project_id, name), self.shares.usage(project_id)[name]
        if 0 <= limit < used + more:
            text = message.format(q=limit, s=more, c=used)
            raise Fail(413, text, "overLimit", {"retry-after": "0"})

    def find(self, shelf: dict[str, Wire], word: str, req: Req, id: str | None = None) -> Wire:
        """The resource a request names; a `Fail` with 404 when the caller has none such."""
        id = id or req.args["id"]
        wire = shelf.get(id)
        if wire is None or (wire["project_id"] != req.project_id and not req.is_admin):
            raise Fail(404, f"{word} {id} could not be found.")
        return wire

    def mine(self, req: Req, shelf: dict[str, Wire], marker_word: str) -> list[Wire]:
        """The caller's resources, newest first; every project's for administrators who ask so."""
        everywhere = req.is_admin and req.flag("all_tenants")
        project_id = req.get("project_id") if everywhere else req.project_id
        found = [wire for wire in shelf.values() if project_id in {None, wire["project_id"]}]
        marker = req.get("marker")
        if marker is not None and all(wire["id"] != marker for wire in found):
            raise Fail(404, f"{marker_word} {marker} could not be found.")
        return found[::-1]

    def allow(self, req: Req, rule: str) -> None:
        """Only for administrators."""
        if not req.is_admin:
            raise Fail(403, f"Policy doesn't allow {rule} to be performed.")

    # -- HTTP

    def endpoint(self, base: str, project_id: str) -> str:
        return f"{base}/v3/{project_id}" if project_id else f"{base}/v3"

    def begin(self, req: Req) -> None:
        kind, _, asked = req.headers.get("openstack-api-version", "").partition(" ")
        if kind.lower() in {"volume", "block-storage"} and asked:
            req.version = read_version(asked.strip(), LOWEST, HIGHEST)
        else:
            req.version = LOWEST

    def finish(self, req: Req, reply: Reply) -> Reply:
        if req.version > (0, 0):
            reply.headers["openstack-api-version"] = f"volume {dotted(req.version)}"
            reply.headers["vary"] = "OpenStack-API-Version"
        return reply

    def error(self, req: Req, fail: Fail) -> Reply:
        if fail.status in {404, 405} and not fail.kind and req.version == (0, 0):
            return Reply.text(NOT_FOUND_PAGE, 404)
        kind = fail.kind or KINDS.get(fail.status, "computeFault")
        wire: Wire = {"code": fail.status, "message": fail.message}
        if fail.status == 413:
            wire["retryAfter"] = "0"
        return Reply.json({kind: wire}, fail.status)

    def _document(self, req: Req) -> Wire:
        return {
            "id": "v3.0",
            "status": "CURRENT",
            "version": dotted(HIGHEST),
            "min_version": dotted(LOWEST),
            "updated": "2023-08-31T00:00:00Z",
            "links": [
                {"rel": "describedby", "type": "text/html", "href": "https://docs.openstack.org/"},
                {"rel": "self", "href": f"{req.base}/v3/"},
            ],
            "media-types": [{"base": "application/json", "type": "application/vnd.openstack.volume+json;version=3"}],
        }

    async def _versions(self, req: Req) -> Reply:
        return Reply.json({"versions": [self._document(req)]}, 300)

    async def _version(self, req: Req) -> Reply:
        return Reply.json({"versions": [self._document(req)]})
