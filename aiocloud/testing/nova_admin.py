"""What administrators see and group: hypervisors, compute services, aggregates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiocloud.testing.http import Fail, Reply, Req, mapping
from aiocloud.testing.nova_server import HOST
from aiocloud.testing.state import Wire, stamp

if TYPE_CHECKING:
    from aiocloud.testing.nova import Nova


class Admin:
    """/os-hypervisors, /os-services, /os-aggregates."""

    def __init__(self, nova: Nova) -> None:
        self.nova = nova
        self.region = nova.region
        for method, path, handler in (
            ("GET", "/os-hypervisors", self.hypervisors),
            ("GET", "/os-hypervisors/detail", self.hypervisors),
            ("GET", "/os-hypervisors/statistics", self.statistics),
            ("GET", "/os-hypervisors/{id}", self.hypervisor),
            ("GET", "/os-services", self.services),
            ("PUT", "/os-services/{id}", self.update_service),
            ("GET", "/os-aggregates", self.aggregates),
            ("POST", "/os-aggregates", self.create_aggregate),
            ("GET", "/os-aggregates/{id}", self.aggregate),
            ("PUT", "/os-aggregates/{id}", self.update_aggregate),
            ("DELETE", "/os-aggregates/{id}", self.delete_aggregate),
            ("POST", "/os-aggregates/{id}/action", self.act_on_aggregate),
        ):
            nova.routes.add(method, "/v2.1" + path, handler)
        self.service_status = "enabled"
        self.disabled_reason: str | None = None

    def _hypervisor(self, req: Req, *, detailed: bool) -> Wire:
        id: int | str = self.region.ids.fixed(HOST) if req.version >= (2, 53) else 1
        wire: Wire = {"id": id, "hypervisor_hostname": HOST, "state": "up", "status": self.service_status}
        if not detailed:
            return wire
        service = self._service(req)
        wire |= {"hypervisor_type": "QEMU", "hypervisor_version": 8002002, "host_ip": "192.0.2.10"}
        wire["service"] = {"id": service["id"], "host": HOST, "disabled_reason": self.disabled_reason}
        if req.version >= (2, 88):
            return {**wire, "uptime": None}
        return wire | self._sizes()

    def _sizes(self) -> Wire:
        """What it has and what is used; left out from 2.88 on."""
        servers = self.nova.servers.values()
        vcpus, ram, disk = (sum(server.flavor[name] for server in servers) for name in ("vcpus", "ram", "disk"))
        return {
            "vcpus": 1000,
            "memory_mb": 1024000,
            "local_gb": 100000,
            "vcpus_used": vcpus,
            "memory_mb_used": ram,
            "local_gb_used": disk,
            "free_ram_mb": 1024000 - ram,
            "free_disk_gb": 100000 - disk,
            "current_workload": 0,
            "running_vms": len(servers),
            "disk_available_least": 100000 - disk,
            "cpu_info": "{}",
        }

    async def hypervisors(self, req: Req) -> Reply:
        """GET /os-hypervisors and /detail."""
        self.nova.allow(req, "os_compute_api:os-hypervisors:list")
        detailed = req.path.rstrip("/").endswith("detail")
        pattern = req.get("hypervisor_hostname_pattern")
        shown = [] if pattern and pattern not in HOST else [self._hypervisor(req, detailed=detailed)]
        return Reply.json({"hypervisors": shown})

    async def hypervisor(self, req: Req) -> Reply:
        """GET /os-hypervisors/{id}."""
        self.nova.allow(req, "os_compute_api:os-hypervisors:show")
        wire = self._hypervisor(req, detailed=True)
        if str(wire["id"]) != req.args["id"]:
            raise Fail(404, f"Hypervisor with ID '{req.args['id']}' could not be found.")
        return Reply.json({"hypervisor": wire})

    async def statistics(self, req: Req) -> Reply:
        """GET /os-hypervisors/statistics, up to 2.87."""
        self.nova.allow(req, "os_compute_api:os-hypervisors:statistics")
        if req.version >= (2, 88):
            raise Fail(404, "The resource could not be found.", "itemNotFound")
        sizes = self._sizes()
        del sizes["cpu_info"]
        return Reply.json({"hypervisor_statistics": {"count": 1, **sizes}})

    def _service(self, req: Req) -> Wire:
        wire: Wire = {
            "binary": "nova-compute",
            "host": HOST,
            "id": self.region.ids.fixed("nova-compute") if req.version >= (2, 53) else 1,
            "zone": "nova",
            "status": self.service_status,
            "state": "up",
            "updated_at": stamp(self.region.clock.now(), suffix="", micro=True),
            "disabled_reason": self.disabled_reason,
        }
        return {**wire, "forced_down": False} if req.version >= (2, 11) else wire

    async def services(self, req: Req) -> Reply:
        """GET /os-services."""
        self.nova.allow(req, "os_compute_api:os-services:list")
        wire = self._service(req)
        wanted = [(name, value) for name, value in req.query if name in {"binary", "host"}]
        return Reply.json({"services": [wire] if all(wire[name] == value for name, value in wanted) else []})

    async def update_service(self, req: Req) -> Reply:
        """PUT /os-services/{id}, from 2.53."""
        self.nova.allow(req, "os_compute_api:os-services:update")
        given = await req.json()
        self.service_status = given.get("status", self.service_status)
        self.disabled_reason = given.get("disabled_reason") if self.service_status == "disabled" else None
        return Reply.json({"service": self._service(req)})

    # -- aggregates

    def _find(self, req: Req) -> Wire:
        self.nova.allow(req, "os_compute_api:os-aggregates:show")
        id = req.args["id"]
        if not id.isdigit() or int(id) not in self.nova.aggregates:
            raise Fail(404, f"Aggregate {id} could not be found.")
        return self.nova.aggregates[int(id)]

    def _touch(self, aggregate: Wire) -> Reply:
        aggregate["updated_at"] = stamp(self.region.clock.now(), suffix="", micro=True)
        return Reply.json({"aggregate": aggregate})

    async def aggregates(self, req: Req) -> Reply:
        """GET /os-aggregates."""
        self.nova.allow(req, "os_compute_api:os-aggregates:index")
        return Reply.json({"aggregates": list(self.nova.aggregates.values())})

    async def create_aggregate(self, req: Req) -> Reply:
        """POST /os-aggregates."""
        self.nova.allow(req, "os_compute_api:os-aggregates:create")
        given = await req.member("aggregate")
        if any(one["name"] == given.get("name") for one in self.nova.aggregates.values()):
            raise Fail(409, f"Aggregate {given['name']} already exists.")
        zone = given.get("availability_zone")
        wire: Wire = {
            "id": max(self.nova.aggregates, default=0) + 1,
            "uuid": self.region.ids.uuid(),
            "name": given["name"],
            "availability_zone": zone,
            "hosts": [],
            "metadata": {"availability_zone": zone} if zone else {},
            "created_at": stamp(self.region.clock.now(), suffix="", micro=True),
            "updated_at": None,
            "deleted": False,
            "deleted_at": None,
        }
        self.nova.aggregates[wire["id"]] = wire
        shown = {name: value for name, value in wire.items() if name not in {"hosts", "metadata"}}
        return Reply.json({"aggregate": shown})

    async def aggregate(self, req: Req) -> Reply:
        """GET /os-aggregates/{id}."""
        return Reply.json({"aggregate": self._find(req)})

    async def update_aggregate(self, req: Req) -> Reply:
        """PUT /os-aggregates/{id}."""
        aggregate, given = self._find(req), await req.member("aggregate")
        aggregate.update({name: given[name] for name in ("name", "availability_zone") if name in given})
        return self._touch(aggregate)

    async def delete_aggregate(self, req: Req) -> Reply:
        """DELETE /os-aggregates/{id}."""
        aggregate = self._find(req)
        if aggregate["hosts"]:
            raise Fail(400, f"Cannot remove host from aggregate {aggregate['id']}: aggregate is not empty.")
        del self.nova.aggregates[aggregate["id"]]
        return Reply(200)

    async def act_on_aggregate(self, req: Req) -> Reply:
        """POST /os-aggregates/{id}/action: hosts and metadata."""
        aggregate, body = self._find(req), await req.json()
        action = next(iter(body), "")
        given = mapping(body.get(action))
        if action == "add_host":
            if given["host"] in aggregate["hosts"]:
                raise Fail(409, f"Aggregate {aggregate['id']} already has host {given['host']}.")
            aggregate["hosts"].append(given["host"])
        elif action == "remove_host":
            if given["host"] not in aggregate["hosts"]:
                raise Fail(404, f"Aggregate {aggregate['id']} has no host {given['host']}.")
            aggregate["hosts"].remove(given["host"])
        elif action == "set_metadata":
            merged = {**aggregate["metadata"], **given["metadata"]}
            aggregate["metadata"] = {name: value for name, value in merged.items() if value is not None}
        else:
            raise Fail(400, f"There is no such action: {action}")
        return self._touch(aggregate)
