"""What a project may use of the block storage, and which types there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiocloud.testing.http import Fail, Reply, Req, mapping
from aiocloud.testing.state import Wire

if TYPE_CHECKING:
    from aiocloud.testing.cinder import Cinder

QUOTAS = {
    "volumes": 10,
    "per_volume_gigabytes": -1,
    "snapshots": 10,
    "gigabytes": 1000,
    "backups": 10,
    "backup_gigabytes": 1000,
    "groups": 10,
}


class Shares:
    """/limits, /os-quota-sets, /types, /os-availability-zone."""

    def __init__(self, cinder: Cinder) -> None:
        self.cinder = cinder
        self.region = cinder.region
        for method, path, handler in (
            ("GET", "/limits", self.limits),
            ("GET", "/os-quota-sets/{project}", self.quota),
            ("PUT", "/os-quota-sets/{project}", self.set_quota),
            ("DELETE", "/os-quota-sets/{project}", self.reset_quota),
            ("GET", "/os-quota-sets/{project}/defaults", self.quota_defaults),
            ("GET", "/types", self.types),
            ("POST", "/types", self.create_type),
            ("GET", "/types/{id}", self.type),
            ("PUT", "/types/{id}", self.update_type),
            ("DELETE", "/types/{id}", self.delete_type),
            ("GET", "/types/{id}/extra_specs", self.extra_specs),
            ("POST", "/types/{id}/extra_specs", self.add_extra_specs),
            ("GET", "/types/{id}/os-volume-type-access", self.type_access),
            ("POST", "/types/{id}/action", self.change_type_access),
            ("DELETE", "/types/{id}/extra_specs/{key}", self.delete_extra_spec),
            ("GET", "/os-availability-zone", self.zones),
            ("GET", "/extensions", self.extensions),
        ):
            cinder.routes.add(method, "/v3" + path, handler)

    def usage(self, project_id: str) -> dict[str, int]:
        """What a project uses now, by the quotas' names."""
        shelves = (self.cinder.volumes, self.cinder.snapshots, self.cinder.backups)
        volumes, snapshots, backups = (
            [one for one in shelf.values() if one["project_id"] == project_id] for shelf in shelves
        )
        return {
            "volumes": len(volumes),
            "snapshots": len(snapshots),
            "gigabytes": sum(one["size"] for one in (*volumes, *snapshots)),
            "backups": len(backups),
            "backup_gigabytes": sum(one["size"] for one in backups),
            "per_volume_gigabytes": 0,
            "groups": 0,
        }

    async def limits(self, req: Req) -> Reply:
        """GET /limits."""
        project_id, used = req.project_id, self.usage(req.project_id)
        absolute = {
            "maxTotalVolumes": self.cinder.quota(project_id, "volumes"),
            "maxTotalSnapshots": self.cinder.quota(project_id, "snapshots"),
            "maxTotalVolumeGigabytes": self.cinder.quota(project_id, "gigabytes"),
            "maxTotalBackups": self.cinder.quota(project_id, "backups"),
            "maxTotalBackupGigabytes": self.cinder.quota(project_id, "backup_gigabytes"),
            "totalVolumesUsed": used["volumes"],
            "totalGigabytesUsed": used["gigabytes"],
            "totalSnapshotsUsed": used["snapshots"],
            "totalBackupsUsed": used["backups"],
            "totalBackupGigabytesUsed": used["backup_gigabytes"],
        }
        return Reply.json({"limits": {"rate": [], "absolute": absolute}})

    def _quota_set(self, project_id: str) -> Wire:
        limits: Wire = {name: self.cinder.quota(project_id, name) for name in QUOTAS}
        for kind in self.cinder.types.values():
            limits |= {f"{name}_{kind['name']}": -1 for name in ("volumes", "gigabytes", "snapshots")}
        return limits

    async def quota(self, req: Req) -> Reply:
        """GET /os-quota-sets/{project}, with `usage=True` also what is used."""
        project_id = req.args["project"]
        if project_id != req.project_id:
            self.cinder.allow(req, "volume_extension:quotas:show")
        limits, used = self._quota_set(project_id), self.usage(project_id)
        if req.flag("usage"):
            limits = {
                name: {"limit": limit, "in_use": used.get(name, 0), "reserved": 0} for name, limit in limits.items()
            }
        return Reply.json({"quota_set": {**limits, "id": project_id}})

    async def quota_defaults(self, req: Req) -> Reply:
        """GET /os-quota-sets/{project}/defaults."""
        return Reply.json({"quota_set": {**self._quota_set(""), "id": req.args["project"]}})

    async def set_quota(self, req: Req) -> Reply:
        """PUT /os-quota-sets/{project}."""
        self.cinder.allow(req, "volume_extension:quotas:update")
        project_id, given = req.args["project"], await req.member("quota_set")
        known = self._quota_set(project_id)
        for name, limit in given.items():
            if name in known:
                self.region.quotas[project_id, name] = int(limit)
            elif name != "tenant_id":
                raise Fail(400, f"Bad key(s) in quota set: {name}")
        return Reply.json({"quota_set": self._quota_set(project_id)})

    async def reset_quota(self, req: Req) -> Reply:
        """DELETE /os-quota-sets/{project}."""
        self.cinder.allow(req, "volume_extension:quotas:delete")
        for name in QUOTAS:
            self.region.quotas.pop((req.args["project"], name), None)
        return Reply(200)

    # -- types

    def _shown(self, req: Req, kind: Wire) -> Wire:
        return {**kind, "qos_specs_id": None} if req.is_admin else kind

    def _is_shown(self, req: Req, kind: Wire) -> bool:
        return bool(kind["is_public"]) or (req.project_id in self.cinder.type_access.get(kind["id"], ()))

    async def types(self, req: Req) -> Reply:
        """GET /types."""
        whole = req.is_admin and (req.get("is_public") or "").lower() == "none"
        kinds = [kind for kind in self.cinder.types.values() if whole or self._is_shown(req, kind)]
        return Reply.json({"volume_types": [self._shown(req, kind) for kind in kinds[::-1]]})

    def _find(self, req: Req) -> Wire:
        id = req.args["id"]
        kind = self.cinder.default_type if id == "default" else self.cinder.types.get(id)
        if kind is None:
            raise Fail(404, f"Volume type {id} could not be found.")
        return kind

    async def type(self, req: Req) -> Reply:
        """GET /types/{id} and /types/default."""
        shown = dict(self._shown(req, self._find(req)))
        del shown["os-volume-type-access:is_public"]
        return Reply.json({"volume_type": shown})

    async def create_type(self, req: Req) -> Reply:
        """POST /types."""
        self.cinder.allow(req, "volume_extension:type_create")
        given = await req.member("volume_type")
        if any(kind["name"] == given["name"] for kind in self.cinder.types.values()):
            raise Fail(409, f"Volume Type {given['name']} already exists.")
        public = given.get("os-volume-type-access:is_public", True)
        kind = self.cinder.add_type(given["name"], given.get("description"), is_public=public)
        kind["extra_specs"] = dict(mapping(given.get("extra_specs")))
        return Reply.json({"volume_type": self._shown(req, kind)})

    async def update_type(self, req: Req) -> Reply:
        """PUT /types/{id}."""
        self.cinder.allow(req, "volume_extension:type_update")
        kind, given = self._find(req), await req.member("volume_type")
        kind.update({name: given[name] for name in ("name", "description", "is_public") if name in given})
        kind["os-volume-type-access:is_public"] = kind["is_public"]
        return Reply.json({"volume_type": self._shown(req, kind)})

    async def delete_type(self, req: Req) -> Reply:
        """DELETE /types/{id}: only a type no volume has."""
        self.cinder.allow(req, "volume_extension:type_delete")
        kind = self._find(req)
        if any(volume["volume_type_id"] == kind["id"] for volume in self.cinder.volumes.values()):
            raise Fail(400, "Target volume type is still in use.")
        del self.cinder.types[kind["id"]]
        return Reply(202)

    async def extra_specs(self, req: Req) -> Reply:
        """GET /types/{id}/extra_specs."""
        return Reply.json({"extra_specs": self._find(req)["extra_specs"]})

    async def add_extra_specs(self, req: Req) -> Reply:
        """POST /types/{id}/extra_specs."""
        self.cinder.allow(req, "volume_extension:types_extra_specs:create")
        given = await req.member("extra_specs")
        self._find(req)["extra_specs"].update(given)
        return Reply.json({"extra_specs": given})

    async def delete_extra_spec(self, req: Req) -> Reply:
        """DELETE /types/{id}/extra_specs/{key}."""
        self.cinder.allow(req, "volume_extension:types_extra_specs:delete")
        specs, key = self._find(req)["extra_specs"], req.args["key"]
        if key not in specs:
            raise Fail(404, f"Volume Type {req.args['id']} has no extra specs with key {key}.")
        del specs[key]
        return Reply(202)

    async def type_access(self, req: Req) -> Reply:
        """GET /types/{id}/os-volume-type-access."""
        self.cinder.allow(req, "volume_extension:volume_type_access:get_all_for_type")
        kind = self._find(req)
        if kind["is_public"]:
            raise Fail(404, "Access list not available for public volume types.")
        ids = self.cinder.type_access.get(kind["id"], [])
        rows = [{"volume_type_id": kind["id"], "project_id": project_id} for project_id in ids]
        return Reply.json({"volume_type_access": rows})

    async def change_type_access(self, req: Req) -> Reply:
        """POST /types/{id}/action: who may use a type that is not public."""
        self.cinder.allow(req, "volume_extension:volume_type_access:addProjectAccess")
        kind, (what, given) = self._find(req), next(iter((await req.json()).items()))
        ids, project_id = self.cinder.type_access.setdefault(kind["id"], []), given["project"]
        if what == "addProjectAccess":
            if project_id in ids:
                raise Fail(409, f"Volume type access for {kind['id']} / {project_id} combination already exists.")
            ids.append(project_id)
        elif project_id in ids:
            ids.remove(project_id)
        else:
            raise Fail(404, f"Volume type access not found for {kind['id']} / {project_id} combination.")
        return Reply(202)

    async def zones(self, req: Req) -> Reply:  # noqa: ARG002
        """GET /os-availability-zone."""
        return Reply.json({"availabilityZoneInfo": [{"zoneName": "nova", "zoneState": {"available": True}}]})

    async def extensions(self, req: Req) -> Reply:  # noqa: ARG002
        """GET /extensions."""
        return Reply.json({"extensions": []})
