"""What a project may use and does: limits, quotas, usage, server groups, availability zones."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aiocloud.testing.http import Fail, Reply, Req, Version, mapping, paginate
from aiocloud.testing.nova_server import HOST, Server
from aiocloud.testing.state import Wire, stamp

if TYPE_CHECKING:
    from aiocloud.testing.nova import Nova

QUOTAS = {
    "cores": 20,
    "instances": 10,
    "key_pairs": 100,
    "metadata_items": 128,
    "ram": 51200,
    "server_group_members": 10,
    "server_groups": 10,
}
OLD_QUOTAS = {
    "fixed_ips": -1,
    "floating_ips": -1,
    "injected_file_content_bytes": 10240,
    "injected_file_path_bytes": 255,
    "injected_files": 5,
    "security_group_rules": -1,
    "security_groups": -1,
}
OLD_LIMITS: tuple[tuple[Version, dict[str, int]], ...] = (
    ((2, 36), {"maxTotalFloatingIps": -1, "maxSecurityGroups": -1, "maxSecurityGroupRules": -1}),
    ((2, 36), {"totalFloatingIpsUsed": 0, "totalSecurityGroupsUsed": 0}),
    ((2, 39), {"maxImageMeta": 128}),
    ((2, 57), {"maxPersonality": 5, "maxPersonalitySize": 10240}),
)
"""What /limits showed before a microversion."""
LIMITS = {
    "maxTotalCores": "cores",
    "maxTotalInstances": "instances",
    "maxTotalKeypairs": "key_pairs",
    "maxServerMeta": "metadata_items",
    "maxTotalRAMSize": "ram",
    "maxServerGroups": "server_groups",
    "maxServerGroupMembers": "server_group_members",
}


class Shares:
    """/limits, /os-quota-sets, /os-simple-tenant-usage, /os-server-groups, /os-availability-zone."""

    def __init__(self, nova: Nova) -> None:
        self.nova = nova
        self.region = nova.region
        for method, path, handler in (
            ("GET", "/limits", self.limits),
            ("GET", "/os-quota-sets/{project}", self.quota),
            ("PUT", "/os-quota-sets/{project}", self.set_quota),
            ("DELETE", "/os-quota-sets/{project}", self.reset_quota),
            ("GET", "/os-quota-sets/{project}/detail", self.quota_detail),
            ("GET", "/os-quota-sets/{project}/defaults", self.quota_defaults),
            ("GET", "/os-simple-tenant-usage", self.all_usage),
            ("GET", "/os-simple-tenant-usage/{project}", self.project_usage),
            ("GET", "/os-server-groups", self.groups),
            ("POST", "/os-server-groups", self.create_group),
            ("GET", "/os-server-groups/{id}", self.group),
            ("DELETE", "/os-server-groups/{id}", self.delete_group),
            ("GET", "/os-availability-zone", self.zones),
            ("GET", "/os-availability-zone/detail", self.zones),
            ("GET", "/extensions", self.extensions),
        ):
            nova.routes.add(method, "/v2.1" + path, handler)

    def usage(self, project_id: str) -> dict[str, int]:
        """What a project uses now, by the quotas' names."""
        mine = [server for server in self.nova.servers.values() if server.project_id == project_id]
        groups = sum(group["project_id"] == project_id for group in self.nova.groups.values())
        used = {"instances": len(mine), "server_groups": groups}
        used |= {"cores": sum(server.flavor["vcpus"] for server in mine)}
        return used | {"ram": sum(server.flavor["ram"] for server in mine)}

    def _quotas(self, req: Req) -> dict[str, int]:
        old = {} if req.version >= (2, 57) else OLD_QUOTAS
        if req.version < (2, 36):
            return QUOTAS | old
        return QUOTAS | {name: value for name, value in old.items() if name.startswith("injected")}

    async def limits(self, req: Req) -> Reply:
        """GET /limits."""
        project_id = req.project_id
        if req.is_admin and req.get("tenant_id"):
            project_id = str(req.get("tenant_id"))
        used = self.usage(project_id)
        absolute: Wire = {name: self.region.quota(project_id, quota, QUOTAS[quota]) for name, quota in LIMITS.items()}
        absolute |= {
            "totalRAMUsed": used["ram"],
            "totalCoresUsed": used["cores"],
            "totalInstancesUsed": used["instances"],
            "totalServerGroupsUsed": used["server_groups"],
        }
        for version, old in OLD_LIMITS:
            absolute |= old if req.version < version else {}
        return Reply.json({"limits": {"rate": [], "absolute": absolute}})

    def _project(self, req: Req) -> str:
        project_id = req.args["project"]
        if project_id != req.project_id:
            self.nova.allow(req, "os_compute_api:os-quota-sets:show")
            if project_id not in self.region.cloud.keystone.projects and req.method != "GET":
                raise Fail(400, f"Project ID {project_id} is not a valid project.")
        return project_id

    def _quota_set(self, req: Req, project_id: str) -> Wire:
        quotas = self._quotas(req)
        limits = {name: self.region.quota(project_id, name, default) for name, default in quotas.items()}
        return {"id": project_id, **limits}

    async def quota(self, req: Req) -> Reply:
        """GET /os-quota-sets/{project}."""
        return Reply.json({"quota_set": self._quota_set(req, self._project(req))})

    async def quota_defaults(self, req: Req) -> Reply:
        """GET /os-quota-sets/{project}/defaults."""
        return Reply.json({"quota_set": {**self._quota_set(req, ""), "id": req.args["project"]}})

    async def quota_detail(self, req: Req) -> Reply:
        """GET /os-quota-sets/{project}/detail."""
        project_id = self._project(req)
        limits, used = self._quota_set(req, project_id), self.usage(project_id)
        del limits["id"]
        shown = {name: {"limit": limit, "in_use": used.get(name, 0), "reserved": 0} for name, limit in limits.items()}
        return Reply.json({"quota_set": {"id": project_id, **shown}})

    async def set_quota(self, req: Req) -> Reply:
        """PUT /os-quota-sets/{project}."""
        self.nova.allow(req, "os_compute_api:os-quota-sets:update")
        project_id, given = self._project(req), await req.member("quota_set")
        quotas = self._quotas(req)
        for name, limit in given.items():
            if name in {"force", "tenant_id"}:
                continue
            if name not in quotas:
                raise Fail(400, f"Additional properties are not allowed ('{name}' was unexpected)")
            self.region.quotas[project_id, name] = int(limit)
        shown = self._quota_set(req, project_id)
        del shown["id"]
        return Reply.json({"quota_set": shown})

    async def reset_quota(self, req: Req) -> Reply:
        """DELETE /os-quota-sets/{project}."""
        self.nova.allow(req, "os_compute_api:os-quota-sets:delete")
        project_id = self._project(req)
        for name in self._quotas(req):
            self.region.quotas.pop((project_id, name), None)
        return Reply(202)

    # -- usage

    def _usage(self, project_id: str, *, detailed: bool) -> Wire:
        now = self.region.clock.now()
        servers = [
            server
            for server in [*self.nova.deleted.values(), *self.nova.servers.values()]
            if server.project_id == project_id
        ]
        hours = [((server.terminated or now) - server.created) / 3600 for server in servers]
        if not servers:
            return {}
        pairs = list(zip(servers, hours, strict=True))
        wire: Wire = {
            "tenant_id": project_id,
            "total_hours": sum(hours),
            "total_vcpus_usage": sum(server.flavor["vcpus"] * spent for server, spent in pairs),
            "total_memory_mb_usage": sum(server.flavor["ram"] * spent for server, spent in pairs),
            "total_local_gb_usage": sum(server.flavor["disk"] * spent for server, spent in pairs),
            "start": stamp(now - 30 * 86400, suffix="", micro=True),
            "stop": stamp(now, suffix="", micro=True),
        }
        if detailed:
            wire["server_usages"] = [_server_usage(server, spent) for server, spent in pairs]
        return wire

    async def project_usage(self, req: Req) -> Reply:
        """GET /os-simple-tenant-usage/{project}."""
        project_id = req.args["project"]
        if project_id != req.project_id:
            self.nova.allow(req, "os_compute_api:os-simple-tenant-usage:show")
        for name in ("start", "end"):
            when = req.get(name)
            if when and not re.fullmatch(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?", when):
                raise Fail(400, "Invalid datetime string: Datetime is in invalid format")
        return Reply.json({"tenant_usage": self._usage(project_id, detailed=True)})

    async def all_usage(self, req: Req) -> Reply:
        """GET /os-simple-tenant-usage."""
        self.nova.allow(req, "os_compute_api:os-simple-tenant-usage:list")
        detailed = req.get("detailed") == "1"
        projects = dict.fromkeys(server.project_id for server in self.nova.servers.values())
        return Reply.json({"tenant_usages": [self._usage(one, detailed=detailed) for one in projects]})

    # -- server groups

    def _group(self, req: Req, group: Wire) -> Wire:
        wire: Wire = {"id": group["id"], "name": group["name"]}
        if req.version >= (2, 64):
            wire |= {"policy": group["policy"], "rules": group["rules"]}
        else:
            wire |= {"policies": [group["policy"]], "metadata": {}}
        wire["members"] = list(group["members"])
        if req.version >= (2, 13):
            wire |= {"project_id": group["project_id"], "user_id": group["user_id"]}
        return wire

    async def groups(self, req: Req) -> Reply:
        """GET /os-server-groups."""
        everywhere = req.is_admin and req.get("all_projects") is not None
        mine = [one for one in self.nova.groups.values() if everywhere or one["project_id"] == req.project_id]
        page = paginate(req, mine, page_size=self.region.knobs.page_size)
        return Reply.json({"server_groups": [self._group(req, one) for one in page.items]})

    async def create_group(self, req: Req) -> Reply:
        """POST /os-server-groups: "policy" from 2.64, "policies" before."""
        given = await req.member("server_group")
        policy = given.get("policy") if req.version >= (2, 64) else next(iter(given.get("policies") or [None]))
        known = {"affinity", "anti-affinity", "soft-affinity", "soft-anti-affinity"}
        if policy not in known or not given.get("name"):
            raise Fail(400, f"Invalid input for field/attribute server_group. Value: {given}.")
        limit = self.region.quota(req.project_id, "server_groups", QUOTAS["server_groups"])
        if 0 <= limit <= self.usage(req.project_id)["server_groups"]:
            raise Fail(403, "Quota exceeded, too many server groups.")
        group: Wire = {
            "id": self.region.ids.uuid(),
            "name": given["name"],
            "policy": policy,
            "rules": mapping(given.get("rules")),
            "members": [],
            "project_id": req.project_id,
            "user_id": req.token.user_id,
        }
        self.nova.groups[group["id"]] = group
        return Reply.json({"server_group": self._group(req, group)})

    def _find_group(self, req: Req) -> Wire:
        group = self.nova.groups.get(req.args["id"])
        if group is None or (group["project_id"] != req.project_id and not req.is_admin):
            raise Fail(404, f"Instance group {req.args['id']} could not be found.")
        return group

    async def group(self, req: Req) -> Reply:
        """GET /os-server-groups/{id}."""
        return Reply.json({"server_group": self._group(req, self._find_group(req))})

    async def delete_group(self, req: Req) -> Reply:
        """DELETE /os-server-groups/{id}."""
        del self.nova.groups[self._find_group(req)["id"]]
        return Reply(204)

    # -- zones

    async def zones(self, req: Req) -> Reply:
        """GET /os-availability-zone and /detail."""
        detailed = req.path.rstrip("/").endswith("/detail")
        if detailed:
            self.nova.allow(req, "os_compute_api:os-availability-zone:detail")
        service = {
            "available": True,
            "active": True,
            "updated_at": stamp(self.region.clock.now(), suffix="", micro=True),
        }
        hosts = {HOST: {"nova-compute": service}} if detailed else None
        wires = [{"zoneName": zone, "zoneState": {"available": True}, "hosts": hosts} for zone in self.nova.zones]
        return Reply.json({"availabilityZoneInfo": wires})

    async def extensions(self, req: Req) -> Reply:  # noqa: ARG002
        """GET /extensions."""
        return Reply.json({"extensions": []})


def _server_usage(server: Server, hours: float) -> Wire:
    return {
        "hours": hours,
        "flavor": server.flavor["name"],
        "instance_id": server.id,
        "name": server.name,
        "tenant_id": server.project_id,
        "memory_mb": server.flavor["ram"],
        "local_gb": server.flavor["disk"],
        "vcpus": server.flavor["vcpus"],
        "started_at": stamp(server.created, suffix="", micro=True),
        "ended_at": None if server.terminated is None else stamp(server.terminated, suffix="", micro=True),
        "state": server.vm_state,
        "uptime": int(hours * 3600),
    }
