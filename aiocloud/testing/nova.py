"""nova of one region: its servers, flavors, key pairs and the rest of the compute API.

API: https://docs.openstack.org/api-ref/compute/
"""

from __future__ import annotations

from aiocloud.testing.http import Fail, ProjectRoutes, Reply, Req, dotted, read_version
from aiocloud.testing.nova_actions import Actions
from aiocloud.testing.nova_admin import Admin
from aiocloud.testing.nova_attached import Attached
from aiocloud.testing.nova_create import Create
from aiocloud.testing.nova_flavors import Flavors
from aiocloud.testing.nova_keypairs import Keypairs
from aiocloud.testing.nova_server import Server
from aiocloud.testing.nova_servers import Servers
from aiocloud.testing.nova_shares import Shares
from aiocloud.testing.state import RegionState, Service, Wire, stamp

LOWEST, HIGHEST = (2, 1), (2, 104)

KINDS = {
    400: "badRequest",
    401: "unauthorized",
    403: "forbidden",
    404: "itemNotFound",
    405: "badMethod",
    409: "conflictingRequest",
    413: "overLimit",
    415: "badMediaType",
    429: "overLimit",
    501: "notImplemented",
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


class Nova(Service):
    """The compute service of a region."""

    type = "compute"
    mount = "compute"

    def __init__(self, region: RegionState) -> None:
        super().__init__(region)
        self.routes = ProjectRoutes(region.cloud.keystone.projects)
        self.servers: dict[str, Server] = {}
        """By id, oldest first."""
        self.deleted: dict[str, Server] = {}
        """What servers were; `changes-since` still shows them."""
        self.flavors: dict[str, Wire] = {}
        """By id, whole."""
        self.flavor_access: dict[str, set[str]] = {}
        """Projects that may use a flavor that is not public."""
        self.keypairs: dict[tuple[str, str], Wire] = {}
        """By (user id, name)."""
        self.groups: dict[str, Wire] = {}
        """Server groups by id."""
        self.aggregates: dict[int, Wire] = {}
        self.zones = ["nova"]
        """Availability zones."""
        self.doomed_boots: list[str] = []
        """Why the next boots end in ERROR; one message each."""
        self.doomed_volumes = 0
        """How many of the next boots end in ERROR because Cinder does not make their volumes."""
        self.routes.add("GET", "/", self._versions, open=True)
        self.routes.add("GET", "/v2.1", self._version, open=True)
        self.list = Servers(self)
        self.create = Create(self)
        self.actions = Actions(self)
        self.attached = Attached(self)
        self.flavor_book = Flavors(self)
        self.key_ring = Keypairs(self)
        self.shares = Shares(self)
        self.admin = Admin(self)

    # -- for tests and for the other services

    def server(self, name_or_id: str) -> Server:
        """A server by its id or its (first) name; `KeyError` without one."""
        self.region.settle()
        if name_or_id in self.servers:
            return self.servers[name_or_id]
        for server in self.servers.values():
            if server.name == name_or_id:
                return server
        raise KeyError(name_or_id)

    def fail_boots(self, times: int = 1, message: str = "No valid host was found. ") -> None:
        """Let the next servers end in ERROR with this message in their fault."""
        self.doomed_boots += [message] * times

    def fail_volumes(self, times: int = 1) -> None:
        """Let the next servers end in ERROR whose volumes Nova has made: Cinder fails, and Nova forgets the volumes."""
        self.doomed_volumes += times

    def add_flavor(self, name: str, ram: int, vcpus: int, disk: int, id: str = "", **more: object) -> Wire:
        """A flavor; `ram` in MiB, `disk` in GiB. Further fields by their wire names."""
        wire: Wire = {
            "id": id or self.region.ids.uuid(),
            "name": name,
            "ram": ram,
            "disk": disk,
            "swap": 0,
            "OS-FLV-EXT-DATA:ephemeral": 0,
            "OS-FLV-DISABLED:disabled": False,
            "vcpus": vcpus,
            "os-flavor-access:is_public": True,
            "rxtx_factor": 1.0,
            "description": None,
            "extra_specs": {},
            **more,
        }
        self.flavors[wire["id"]] = wire
        return wire

    def network_changed(self, device_id: str) -> None:
        """Neutron says that the addresses of a device may have changed."""
        if device_id in self.servers:
            self.servers[device_id].changed()

    def find(self, req: Req, id: str | None = None) -> Server:
        """The server a request names; a `Fail` with 404 when the caller has none such."""
        id = id or req.args["id"]
        server = self.servers.get(id)
        if server is None or (server.project_id != req.project_id and not req.is_admin):
            raise Fail(404, f"Instance {id} could not be found.")
        return server

    def group_names(self, server: Server) -> list[str]:
        """Names of the security groups on a server's ports; those asked for while it has no ports."""
        neutron = self.region.neutron
        ids = dict.fromkeys(group for port in neutron.ports_of(server.id) for group in port["security_groups"])
        return [neutron.security_groups[group]["name"] for group in ids if group in neutron.security_groups]

    def make_fault(self, code: int, message: str) -> Wire:
        """The `fault` of a server in ERROR."""
        return {"code": code, "created": stamp(self.region.clock.now()), "message": message}

    def allow(self, req: Req, rule: str) -> None:
        """Only for administrators."""
        if not req.is_admin:
            raise Fail(403, f"Policy doesn't allow {rule} to be performed.")

    # -- HTTP

    def endpoint(self, base: str, project_id: str) -> str:
        """Some clouds' catalogs name the project, too."""
        return f"{base}/v2.1/{project_id}" if self.region.kind == "two-networks" and project_id else f"{base}/v2.1"

    def begin(self, req: Req) -> None:
        text = req.headers.get("openstack-api-version", "")
        kind, _, asked = text.partition(" ")
        if kind.lower() not in {"compute", "nova"}:
            asked = req.headers.get("x-openstack-nova-api-version", "")
        req.version = read_version(asked.strip(), LOWEST, HIGHEST) if asked else LOWEST

    def finish(self, req: Req, reply: Reply) -> Reply:
        if req.version > (0, 0):
            reply.headers["openstack-api-version"] = f"compute {dotted(req.version)}"
            reply.headers["x-openstack-nova-api-version"] = dotted(req.version)
            reply.headers["vary"] = "OpenStack-API-Version, X-OpenStack-Nova-API-Version"
        return reply

    def error(self, req: Req, fail: Fail) -> Reply:
        if fail.status in {404, 405} and not fail.kind and req.version == (0, 0):
            return Reply.text(NOT_FOUND_PAGE, 404)
        kind = fail.kind or KINDS.get(fail.status, "computeFault")
        body = {kind: {"code": fail.status, "message": fail.message}}
        return Reply.json(body, fail.status, {"content-type": "application/json; charset=UTF-8"})

    async def _versions(self, req: Req) -> Reply:
        old: Wire = {"id": "v2.0", "status": "DEPRECATED", "version": "", "min_version": ""}
        old |= {"updated": "2011-01-21T11:33:21Z", "links": [{"rel": "self", "href": f"{req.base}/v2/"}]}
        return Reply.json({"versions": [old, self._document(req)]})

    async def _version(self, req: Req) -> Reply:
        wire = self._document(req)
        wire["links"] += [{"rel": "describedby", "type": "text/html", "href": "http://docs.openstack.org/"}]
        media = "application/vnd.openstack.compute+json;version=2.1"
        return Reply.json({"version": {**wire, "media-types": [{"base": "application/json", "type": media}]}})

    def _document(self, req: Req) -> Wire:
        return {
            "id": "v2.1",
            "status": "CURRENT",
            "version": dotted(HIGHEST),
            "min_version": dotted(LOWEST),
            "updated": "2013-07-23T11:33:21Z",
            "links": [{"rel": "self", "href": f"{req.base}/v2.1/"}],
        }
