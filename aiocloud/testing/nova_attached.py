"""What hangs on a server: metadata, tags, ports, volumes, addresses, its history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiocloud.testing.http import Fail, Reply, Req, listed, mapping
from aiocloud.testing.nova_server import Server
from aiocloud.testing.state import Wire, stamp

if TYPE_CHECKING:
    from aiocloud.testing.nova import Nova


class Attached:
    """/servers/{id}/..."""

    def __init__(self, nova: Nova) -> None:
        self.nova = nova
        self.region = nova.region
        base = "/v2.1/servers/{id}"
        for method, path, handler in (
            ("GET", "/metadata", self.list_metadata),
            ("POST", "/metadata", self.merge_metadata),
            ("PUT", "/metadata", self.replace_metadata),
            ("GET", "/metadata/{key}", self.show_metadata),
            ("PUT", "/metadata/{key}", self.set_metadata),
            ("DELETE", "/metadata/{key}", self.delete_metadata),
            ("GET", "/tags", self.list_tags),
            ("PUT", "/tags", self.replace_tags),
            ("DELETE", "/tags", self.clear_tags),
            ("GET", "/tags/{tag}", self.has_tag),
            ("PUT", "/tags/{tag}", self.add_tag),
            ("DELETE", "/tags/{tag}", self.delete_tag),
            ("GET", "/os-interface", self.list_interfaces),
            ("POST", "/os-interface", self.create_interface),
            ("GET", "/os-interface/{port}", self.show_interface),
            ("DELETE", "/os-interface/{port}", self.delete_interface),
            ("GET", "/os-volume_attachments", self.list_volumes),
            ("POST", "/os-volume_attachments", self.create_volume),
            ("GET", "/os-volume_attachments/{volume}", self.show_volume),
            ("PUT", "/os-volume_attachments/{volume}", self.update_volume),
            ("DELETE", "/os-volume_attachments/{volume}", self.delete_volume),
            ("GET", "/ips", self.ips),
            ("GET", "/ips/{label}", self.ips_of),
            ("GET", "/os-security-groups", self.security_groups),
            ("GET", "/os-instance-actions", self.history),
            ("GET", "/os-instance-actions/{request}", self.event),
            ("GET", "/diagnostics", self.diagnostics),
        ):
            nova.routes.add(method, base + path, handler)

    # -- for the other parts

    def record(self, server: Server, action: str, req: Req) -> None:
        """Remember what was done, for os-instance-actions."""
        now = stamp(self.region.clock.now(), suffix="", micro=True)
        server.actions.append(
            {
                "action": action,
                "instance_uuid": server.id,
                "request_id": f"req-{self.region.ids.uuid()}",
                "user_id": req.token.user_id,
                "project_id": req.project_id,
                "start_time": now,
                "message": None,
                "updated_at": now,
            }
        )

    def plug(self, server: Server, wish: Wire, groups: list[str] | None) -> Wire:
        """A port for a server: {"port"}, or {"uuid"} of a network and perhaps {"fixed_ip"}."""
        neutron = self.region.neutron
        if wish.get("port"):
            server.brought_ports.add(wish["port"])
            return neutron.attach_port(wish["port"], server.id)
        return neutron.create_port(
            project_id=server.project_id,
            network_id=wish["uuid"],
            device_id=server.id,
            device_owner=f"compute:{server.zone}",
            fixed_ip=wish.get("fixed_ip"),
            security_groups=groups,
        )

    def attach_volume(
        self,
        server: Server,
        volume_id: str,
        device: str | None,
        delete: bool = False,
        tag: str | None = None,
    ) -> Wire:
        """Attach a volume of cinder; it is attached at once."""
        taken = {one["device"] for one in server.volumes}
        root = server.image is None and not server.volumes
        names = (
            f"/dev/vd{letter}" for letter in ("abcdefghijklmnopqrstuvwxyz" if root else "bcdefghijklmnopqrstuvwxyz")
        )
        device = device or next(name for name in names if name not in taken)
        attachment_id = self.region.cinder.attach(volume_id, server.id, device)
        wire: Wire = {
            "id": volume_id,
            "volumeId": volume_id,
            "serverId": server.id,
            "device": device,
            "tag": tag,
            "delete_on_termination": delete,
            "attachment_id": attachment_id,
            "bdm_uuid": self.region.ids.uuid(),
        }
        server.volumes.append(wire)
        server.changed()
        return wire

    # -- metadata

    async def list_metadata(self, req: Req) -> Reply:
        """GET /metadata."""
        return Reply.json({"metadata": self.nova.find(req).metadata})

    async def merge_metadata(self, req: Req) -> Reply:
        """POST /metadata."""
        server = self.nova.find(req)
        return self._metadata(server, {**server.metadata, **await req.member("metadata")})

    async def replace_metadata(self, req: Req) -> Reply:
        """PUT /metadata."""
        return self._metadata(self.nova.find(req), await req.member("metadata"))

    def _metadata(self, server: Server, metadata: Wire) -> Reply:
        limit = self.region.quota(server.project_id, "metadata_items", 128)
        if 0 <= limit < len(metadata):
            raise Fail(403, f"Maximum number of metadata items exceeds {limit}")
        server.metadata = metadata
        server.changed(self.region.clock.now())
        return Reply.json({"metadata": metadata})

    def _key(self, req: Req, server: Server) -> str:
        key = req.args["key"]
        if key not in server.metadata:
            raise Fail(404, "Metadata item was not found")
        return key

    async def show_metadata(self, req: Req) -> Reply:
        """GET /metadata/{key}."""
        server = self.nova.find(req)
        key = self._key(req, server)
        return Reply.json({"meta": {key: server.metadata[key]}})

    async def set_metadata(self, req: Req) -> Reply:
        """PUT /metadata/{key}."""
        server, meta = self.nova.find(req), await req.member("meta")
        if list(meta) != [req.args["key"]]:
            raise Fail(400, "Request body and URI mismatch")
        self._metadata(server, {**server.metadata, **meta})
        return Reply.json({"meta": meta})

    async def delete_metadata(self, req: Req) -> Reply:
        """DELETE /metadata/{key}."""
        server = self.nova.find(req)
        del server.metadata[self._key(req, server)]
        server.changed(self.region.clock.now())
        return Reply(204)

    # -- tags

    def _tagged(self, req: Req) -> Server:
        if req.version < (2, 26):
            raise Fail(404, "The resource could not be found.", "itemNotFound")
        return self.nova.find(req)

    def _tag(self, server: Server, tags: list[str]) -> None:
        server.tags = tags
        server.changed(self.region.clock.now())

    async def list_tags(self, req: Req) -> Reply:
        """GET /tags."""
        return Reply.json({"tags": self._tagged(req).tags})

    async def replace_tags(self, req: Req) -> Reply:
        """PUT /tags."""
        server, tags = self._tagged(req), (await req.json()).get("tags")
        if not isinstance(tags, list) or len(tags) > 50:  # pyright: ignore[reportUnknownArgumentType]
            raise Fail(400, "Invalid input for field/attribute tags.")
        self._tag(server, sorted(set(map(str, tags))))  # pyright: ignore[reportUnknownArgumentType]
        return Reply.json({"tags": server.tags})

    async def clear_tags(self, req: Req) -> Reply:
        """DELETE /tags."""
        self._tag(self._tagged(req), [])
        return Reply(204)

    def _need_tag(self, req: Req) -> Server:
        server, tag = self._tagged(req), req.args["tag"]
        if tag not in server.tags:
            raise Fail(404, f"Instance {server.id} has no tag '{tag}'")
        return server

    async def has_tag(self, req: Req) -> Reply:
        """GET /tags/{tag}."""
        self._need_tag(req)
        return Reply(204)

    async def add_tag(self, req: Req) -> Reply:
        """PUT /tags/{tag}: 201 when it is new."""
        server, tag = self._tagged(req), req.args["tag"]
        if tag in server.tags:
            return Reply(204)
        self._tag(server, sorted([*server.tags, tag]))
        return Reply(201, b"", {"location": f"{req.base}/v2.1/servers/{server.id}/tags/{tag}"})

    async def delete_tag(self, req: Req) -> Reply:
        """DELETE /tags/{tag}."""
        server = self._need_tag(req)
        self._tag(server, [tag for tag in server.tags if tag != req.args["tag"]])
        return Reply(204)

    # -- ports

    def _interface(self, req: Req, port: Wire) -> Wire:
        wire: Wire = {
            "net_id": port["network_id"],
            "port_id": port["id"],
            "mac_addr": port["mac_address"],
            "port_state": port["status"],
            "fixed_ips": port["fixed_ips"],
        }
        return {**wire, "tag": None} if req.version >= (2, 70) else wire

    async def list_interfaces(self, req: Req) -> Reply:
        """GET /os-interface."""
        ports = self.region.neutron.ports_of(self.nova.find(req).id)
        return Reply.json({"interfaceAttachments": [self._interface(req, port) for port in ports]})

    async def create_interface(self, req: Req) -> Reply:
        """POST /os-interface."""
        server, given = self.nova.find(req), mapping((await req.json()).get("interfaceAttachment"))
        wish: Wire = {"port": given.get("port_id"), "uuid": given.get("net_id")}
        wish["fixed_ip"] = next((one.get("ip_address") for one in listed(given.get("fixed_ips"))), None)
        if not wish["port"] and not wish["uuid"]:
            usable = self.region.neutron.networks_for(req.project_id)
            if len(usable) != 1:
                raise Fail(409, "Multiple possible networks found, use a Network ID to be more specific.")
            wish["uuid"] = usable[0]["id"]
        try:
            port = self.plug(server, wish, None)
        except Fail as fail:
            raise Fail(404 if fail.status == 404 else 400, fail.message) from None
        server.changed(self.region.clock.now())
        return Reply.json({"interfaceAttachment": self._interface(req, port)})

    def _port(self, req: Req) -> Wire:
        server = self.nova.find(req)
        for port in self.region.neutron.ports_of(server.id):
            if port["id"] == req.args["port"]:
                return port
        raise Fail(404, f"Instance {server.id} does not have a port with id {req.args['port']}")

    async def show_interface(self, req: Req) -> Reply:
        """GET /os-interface/{port}."""
        return Reply.json({"interfaceAttachment": self._interface(req, self._port(req))})

    async def delete_interface(self, req: Req) -> Reply:
        """DELETE /os-interface/{port}."""
        self.region.neutron.leave_port(self._port(req), self.nova.find(req).brought_ports)
        self.nova.find(req).changed(self.region.clock.now())
        return Reply(202)

    # -- volumes

    def _attachment(self, req: Req, wire: Wire) -> Wire:
        hidden = {"tag": (2, 70), "delete_on_termination": (2, 79), "attachment_id": (2, 89), "bdm_uuid": (2, 89)}
        shown = {name: value for name, value in wire.items() if req.version >= hidden.get(name, (0, 0))}
        if req.version >= (2, 89):
            shown.pop("id")
        return shown

    async def list_volumes(self, req: Req) -> Reply:
        """GET /os-volume_attachments."""
        return Reply.json({"volumeAttachments": [self._attachment(req, one) for one in self.nova.find(req).volumes]})

    async def create_volume(self, req: Req) -> Reply:
        """POST /os-volume_attachments."""
        server, given = self.nova.find(req), await req.member("volumeAttachment")
        volume_id = given.get("volumeId")
        if volume_id not in self.region.cinder.volumes:
            raise Fail(404, f"Volume {volume_id} could not be found.")
        delete = bool(given.get("delete_on_termination")) and req.version >= (2, 79)
        wire = self.attach_volume(server, volume_id, given.get("device"), delete, given.get("tag"))
        return Reply.json({"volumeAttachment": self._attachment(req, wire)})

    def _volume(self, req: Req) -> tuple[Server, Wire]:
        server = self.nova.find(req)
        for one in server.volumes:
            if one["volumeId"] == req.args["volume"]:
                return server, one
        raise Fail(404, f"Instance {server.id} is not attached to volume {req.args['volume']}.")

    async def show_volume(self, req: Req) -> Reply:
        """GET /os-volume_attachments/{volume}."""
        return Reply.json({"volumeAttachment": self._attachment(req, self._volume(req)[1])})

    async def update_volume(self, req: Req) -> Reply:
        """PUT /os-volume_attachments/{volume}: delete_on_termination only (2.85)."""
        (server, wire), given = self._volume(req), await req.member("volumeAttachment")
        wire["delete_on_termination"] = given.get("delete_on_termination", wire["delete_on_termination"])
        server.changed()
        return Reply(202)

    async def delete_volume(self, req: Req) -> Reply:
        """DELETE /os-volume_attachments/{volume}."""
        server, wire = self._volume(req)
        server.volumes.remove(wire)
        self.region.cinder.detach(wire["volumeId"], server.id)
        server.changed(self.region.clock.now())
        return Reply(202)

    # -- looking

    async def ips(self, req: Req) -> Reply:
        """GET /ips."""
        return Reply.json({"addresses": self._addresses(req)})

    async def ips_of(self, req: Req) -> Reply:
        """GET /ips/{label}."""
        found, label = self._addresses(req), req.args["label"]
        if label not in found:
            raise Fail(404, "Instance is not a member of specified network")
        return Reply.json({label: found[label]})

    def _addresses(self, req: Req) -> dict[str, list[dict[str, Any]]]:
        found = self.region.neutron.addresses_of(self.nova.find(req).id)
        return {
            name: [{"version": one["version"], "addr": one["addr"]} for one in here] for name, here in found.items()
        }

    async def security_groups(self, req: Req) -> Reply:
        """GET /os-security-groups."""
        server, groups = self.nova.find(req), self.region.neutron.security_groups
        found = [groups.find(server.project_id, name) for name in self.nova.group_names(server)]
        wires: list[Wire] = [
            {
                "id": group["id"],
                "description": group["description"],
                "name": group["name"],
                "tenant_id": group["project_id"],
                "rules": [],
            }
            for group in found
            if group is not None
        ]
        return Reply.json({"security_groups": wires})

    async def history(self, req: Req) -> Reply:
        """GET /os-instance-actions, newest first."""
        return Reply.json({"instanceActions": self.nova.find(req).actions[::-1]})

    async def event(self, req: Req) -> Reply:
        """GET /os-instance-actions/{request}."""
        for one in self.nova.find(req).actions:
            if one["request_id"] == req.args["request"]:
                return Reply.json({"instanceAction": {**one, "events": []}})
        raise Fail(404, f"Action for request_id {req.args['request']} on instance {req.args['id']} not found")

    async def diagnostics(self, req: Req) -> Reply:
        """GET /diagnostics."""
        self.nova.allow(req, "os_compute_api:os-server-diagnostics")
        server = self.nova.find(req)
        uptime = int(self.region.clock.now() - (server.launched or server.created))
        return Reply.json({"state": "running", "driver": "libvirt", "hypervisor": "kvm", "uptime": uptime})
