"""POST /servers: everything nova checks before it accepts a server, and the boot."""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from aiocloud.testing.http import Fail, Reply, Req, listed, mapping
from aiocloud.testing.nova_server import Server, links
from aiocloud.testing.state import Wire

if TYPE_CHECKING:
    from aiocloud.testing.nova import Nova

ALWAYS = {
    *("name", "imageRef", "flavorRef", "networks", "metadata", "key_name", "security_groups", "user_data"),
    *("config_drive", "availability_zone", "block_device_mapping", "block_device_mapping_v2", "min_count"),
    *("max_count", "return_reservation_id", "adminPass", "accessIPv4", "accessIPv6", "personality"),
    *("OS-DCF:diskConfig", "os:scheduler_hints"),
}
SINCE = {
    "description": (2, 19),
    "tags": (2, 52),
    "trusted_image_certificates": (2, 63),
    "host": (2, 74),
    "hypervisor_hostname": (2, 74),
    "hostname": (2, 90),
}


class Create:
    """Accepts servers and boots them."""

    def __init__(self, nova: Nova) -> None:
        self.nova = nova
        self.region = nova.region
        nova.routes.add("POST", "/v2.1/servers", self.create)

    async def create(self, req: Req) -> Reply:
        """POST /servers."""
        body = await req.json()
        given = await req.member("server")
        hints = body.get("os:scheduler_hints") or body.get("OS-SCH-HNT:scheduler_hints")
        hints = hints or mapping(given.get("os:scheduler_hints"))
        self._check_fields(req, given)
        flavor, image = self._flavor(req, given), self._image(given)
        self._check_fit(flavor, image)
        self._check_small_things(req, given, hints)
        networks = self._networks(req, given)
        groups = self._security_groups(req, given)
        count = int(given.get("max_count") or given.get("min_count") or 1)
        count = self._check_quota(req, flavor, int(given.get("min_count") or 1), count)
        self._check_addresses(req, networks, count)
        reservation = f"r-{secrets.token_hex(4)}"
        servers = [
            self._make(req, given, flavor, image, hints, f"{given['name']}-{i + 1}" if count > 1 else given["name"])
            for i in range(count)
        ]
        for server in servers:
            server.reservation = reservation
            self._equip(req, server, given, networks, groups)
            self._boot(server)
        if given.get("return_reservation_id"):
            return Reply.json({"reservation_id": reservation}, 202)
        return self._accepted(req, servers[0], given, groups)

    def _accepted(self, req: Req, server: Server, given: Wire, groups: list[Wire]) -> Reply:
        wire: Wire = {
            "id": server.id,
            "links": links(req, "servers", server.id),
            "OS-DCF:diskConfig": server.disk_config,
            "security_groups": [{"name": group["name"]} for group in groups] or [{"name": "default"}],
            "adminPass": given.get("adminPass") or secrets.token_urlsafe(9),
        }
        return Reply.json({"server": wire}, 202, {"location": f"{req.base}/v2.1/servers/{server.id}"})

    # -- what is refused

    def _check_fields(self, req: Req, given: Wire) -> None:
        start = f"Invalid input for field/attribute server. Value: {given}."
        allowed = ALWAYS | {name for name, since in SINCE.items() if req.version >= since}
        unknown = [name for name in given if name not in allowed]
        if unknown:
            raise Fail(400, f"{start} Additional properties are not allowed ('{unknown[0]}' was unexpected)")
        needed = ["name", "flavorRef", *(["networks"] if req.version >= (2, 37) else [])]
        for name in needed:
            if name not in given:
                raise Fail(400, f"{start} '{name}' is a required property")
        name = given["name"]
        if not isinstance(name, str) or not 1 <= len(name) <= 255:
            raise Fail(400, f"Invalid input for field/attribute name. Value: {name}. {name!r} is too short")

    def _flavor(self, req: Req, given: Wire) -> Wire:
        ref = str(given["flavorRef"]).rpartition("/")[2]
        flavor = self.nova.flavors.get(ref)
        if flavor is None or not self.nova.flavor_book.visible(req, flavor):
            raise Fail(400, f"Flavor {ref} could not be found.")
        return flavor

    def _image(self, given: Wire) -> Wire | None:
        ref = str(given.get("imageRef") or "").rpartition("/")[2]
        if not ref:
            devices = given.get("block_device_mapping_v2") or listed(given.get("block_device_mapping"))
            if not devices:
                raise Fail(400, "Invalid imageRef provided.")
            return None
        image = self.region.glance.images.get(ref)
        if image is None:
            raise Fail(400, "Can not find requested image")
        if image["status"] != "active":
            raise Fail(400, f"Image {ref} is not active.")
        return image

    def _check_fit(self, flavor: Wire, image: Wire | None) -> None:
        if image is None:
            return
        if (image.get("min_ram") or 0) > flavor["ram"]:
            raise Fail(400, "Flavor's memory is too small for requested image.")
        if flavor["disk"] and (image.get("min_disk") or 0) > flavor["disk"]:
            raise Fail(400, "Flavor's disk is smaller than the minimum size specified in image metadata.")

    def _check_small_things(self, req: Req, given: Wire, hints: Wire) -> None:
        key = given.get("key_name")
        if key is not None and (req.token.user_id, key) not in self.nova.keypairs:
            raise Fail(400, "Invalid key_name provided.")
        zone = str(given.get("availability_zone") or "nova").partition(":")[0]
        if zone not in self.nova.zones:
            raise Fail(400, "The requested availability zone is not available")
        group = hints.get("group")
        if group is not None and group not in self.nova.groups:
            raise Fail(400, f"Instance group {group} could not be found.")
        try:
            base64.b64decode(given.get("user_data") or "", validate=True)
        except (binascii.Error, ValueError, TypeError):
            raise Fail(400, "Userdata content cannot be decoded") from None
        limit = self.region.quota(req.project_id, "metadata_items", 128)
        if 0 <= limit < len(mapping(given.get("metadata"))):
            raise Fail(403, "Maximum number of metadata items exceeds the limit")

    def _networks(self, req: Req, given: Wire) -> list[Wire]:
        """What to plug in: {"uuid"}, {"uuid", "fixed_ip"} or {"port"}."""
        asked = given.get("networks")
        if asked == "none":
            return []
        neutron = self.region.neutron
        usable = neutron.networks_for(req.project_id)
        if asked is None or asked == "auto":
            if len(usable) > 1:
                raise Fail(409, "Multiple possible networks found, use a Network ID to be more specific.")
            if asked == "auto" and not usable:
                message = f"Unable to automatically allocate a network for project {req.project_id}"
                raise Fail(400, message)
            return [{"uuid": network["id"]} for network in usable]
        if not isinstance(asked, list):
            raise Fail(400, f"Invalid input for field/attribute networks. Value: {asked}.")
        allowed = {network["id"] for network in usable}
        wishes: list[Wire] = listed(asked)
        for one in wishes:
            self._check_network(req, one, allowed)
        return wishes

    def _check_network(self, req: Req, asked: Wire, allowed: set[str]) -> None:
        neutron = self.region.neutron
        port_id, network_id = asked.get("port"), asked.get("uuid")
        if port_id is not None:
            if port_id not in neutron.ports:
                raise Fail(400, f"Port id {port_id} could not be found.")
            if neutron.ports[port_id]["device_id"]:
                raise Fail(409, f"Port {port_id} is still in use.")
        elif network_id is None or network_id not in neutron.networks:
            raise Fail(400, f"Network {network_id} could not be found.")
        elif network_id not in allowed and not req.is_admin:
            if neutron.networks[network_id]["router:external"]:
                raise Fail(403, f"It is not allowed to create an interface on external network {network_id}")
            raise Fail(400, f"Network {network_id} could not be found.")

    def _security_groups(self, req: Req, given: Wire) -> list[Wire]:
        found: list[Wire] = []
        for one in listed(given.get("security_groups")):
            group = self.region.neutron.security_groups.find(req.project_id, one["name"])
            if group is None:
                raise Fail(400, f"Unable to find security_group with name or id '{one['name']}'")
            found.append(group)
        return found

    def _check_addresses(self, req: Req, networks: Sequence[Wire], count: int) -> None:
        limit = self.region.quota(req.project_id, "port", 500)
        fresh = sum("port" not in one for one in networks) * count
        used = sum(port["project_id"] == req.project_id for port in self.region.neutron.ports.values())
        if 0 <= limit < used + fresh:
            raise Fail(403, "Maximum number of ports exceeded")

    def _check_quota(self, req: Req, flavor: Wire, least: int, most: int) -> int:
        """How many may be made; a `Fail` with 403 when fewer than asked for."""
        used = self.nova.shares.usage(req.project_id)
        room, word = most, ""
        for name, default, each in (
            ("instances", 10, 1),
            ("cores", 20, flavor["vcpus"]),
            ("ram", 51200, flavor["ram"]),
        ):
            limit = self.region.quota(req.project_id, name, default)
            if limit >= 0 and each and (limit - used[name]) // each < room:
                room = max(0, (limit - used[name]) // each)
                word = f"{name}: Requested {least * each}, but already used {used[name]} of {limit} {name}"
        if room < least:
            raise Fail(403, f"Quota exceeded for {word}")
        return room

    # -- what is made

    def _make(self, req: Req, given: Wire, flavor: Wire, image: Wire | None, hints: Wire, name: str) -> Server:
        now = self.region.clock.now()
        group = hints.get("group")
        server = Server(
            id=self.region.ids.uuid(),
            name=name,
            project_id=req.project_id,
            user_id=req.token.user_id,
            flavor={**flavor, "extra_specs": dict(flavor["extra_specs"])},
            image=image,
            created=now,
            updated=now,
            metadata=dict(mapping(given.get("metadata"))),
            tags=sorted(listed(given.get("tags"))),
            key_name=given.get("key_name"),
            config_drive="True" if given.get("config_drive") else "",
            description=given.get("description") if req.version >= (2, 19) else name,
            hostname=given.get("hostname") or name.lower().replace("_", "-").replace(" ", "-"),
            security_groups=[one["name"] for one in listed(given.get("security_groups"))],
            hints=hints,
            group_ids=[group] if group else [],
            access=(given.get("accessIPv4") or "", given.get("accessIPv6") or ""),
            disk_config=given.get("OS-DCF:diskConfig") or "MANUAL",
            user_data=given.get("user_data"),
        )
        zone = given.get("availability_zone")
        server.pinned_zone = str(zone).partition(":")[0] if zone else None
        server.zone = server.pinned_zone or "nova"
        if group:
            self.nova.groups[group]["members"].append(server.id)
        self.nova.servers[server.id] = server
        self.nova.attached.record(server, "create", req)
        return server

    def _equip(self, req: Req, server: Server, given: Wire, networks: list[Wire], groups: list[Wire]) -> None:
        """Ports and volumes."""
        ids = [group["id"] for group in groups] or None
        try:
            for one in networks:
                self.nova.attached.plug(server, one, ids)
            for device in listed(given.get("block_device_mapping_v2")):
                self._attach(req, server, device)
        except Fail as fail:
            self._undo(server)
            status = fail.status if fail.status in {403, 409} else 400
            raise Fail(status, fail.message) from None

    def _undo(self, server: Server) -> None:
        self.region.neutron.delete_ports_of(server.id, server.brought_ports)
        for attachment in server.volumes:
            self.region.cinder.detach(attachment["volumeId"], server.id)
        del self.nova.servers[server.id]

    def _attach(self, req: Req, server: Server, device: Wire) -> None:
        """One block_device_mapping_v2: a volume that is, or one made from an image, a snapshot or nothing."""
        source, target = device.get("source_type"), device.get("destination_type")
        if target == "local" or (source == "image" and target != "volume"):
            return
        cinder, source_id = self.region.cinder, device.get("uuid")
        if source != "volume":
            origin: Wire = {"image": {"imageRef": source_id}, "snapshot": {"snapshot_id": source_id}}.get(
                str(source), {}
            )
            wish: Wire = {"size": device.get("volume_size"), "name": "", **origin}
            if device.get("volume_type"):
                wish["volume_type"] = device["volume_type"]
            self._map(server, cinder.make_volume(req.token, wish)["id"], device)
            return
        if source_id not in cinder.volumes:
            raise Fail(400, f"Block Device Mapping is Invalid: failed to get volume {source_id}.")
        self._hang(server, str(source_id), device)

    def _map(self, server: Server, volume_id: str, device: Wire) -> None:
        """A volume that Nova makes: the server has it once Cinder is done."""
        seconds = self.region.knobs.work_time
        server.made_volumes.append(volume_id)
        if seconds:
            server.task_state, server.mapped = "block_device_mapping", self.region.clock.now() + seconds

        def made() -> None:
            volume = self.region.cinder.volumes.get(volume_id)
            if server.id in self.nova.servers and volume is not None and volume["status"] == "available":
                self._hang(server, volume_id, device)

        self.region.later(seconds, made)

    def _hang(self, server: Server, volume_id: str, device: Wire) -> None:
        flags = bool(device.get("delete_on_termination")), device.get("tag")
        self.nova.attached.attach_volume(server, volume_id, device.get("device_name"), *flags)

    def _boot(self, server: Server) -> None:
        seconds = max(self.region.knobs.boot_time, server.mapped - self.region.clock.now())
        self.region.later(seconds, lambda: self.booted(server))

    def booted(self, server: Server) -> None:
        """The end of BUILD: ACTIVE, or ERROR when that was foreseen."""
        if server.id not in self.nova.servers or server.task_state == "deleting":
            return
        now = self.region.clock.now()
        server.task_state = None
        why = self._doom(server)
        if why is not None:
            server.status, server.fault = "ERROR", self.nova.make_fault(500, why)
            self.region.neutron.delete_ports_of(server.id, server.brought_ports)
        else:
            server.status, server.launched = "ACTIVE", now
            server.console = f"[    0.000000] Booting {server.name}\n{server.name} login: "
        server.changed(now)

    def _doom(self, server: Server) -> str | None:
        """Why it does not boot, where that was foreseen."""
        if self.nova.doomed_boots:
            return self.nova.doomed_boots.pop(0)
        if not (self.nova.doomed_volumes and server.made_volumes):
            return None
        self.nova.doomed_volumes -= 1
        made, cinder = server.made_volumes, self.region.cinder
        for one in [one for one in server.volumes if one["volumeId"] in made]:
            server.volumes.remove(one)
            cinder.detach(one["volumeId"], server.id)
            if one["delete_on_termination"]:
                del cinder.volumes[one["volumeId"]]
            else:
                cinder.volumes[one["volumeId"]]["status"] = "error"
        said = "did not finish being created even after we waited 4 seconds or 2 attempts. And its status is error."
        return f"Build of instance {server.id} aborted: Volume {made[0]} {said}"

    def spawn(self, name: str, project_id: str, user_id: str, **more: Any) -> Server:
        """An ACTIVE server without network, made directly: for lists of thousands."""
        now = self.region.clock.now()
        flavor = next(iter(self.nova.flavors.values()))
        image = next(iter(self.region.glance.images.values()), None)
        fields: dict[str, Any] = {"status": "ACTIVE", "task_state": None, "launched": now, **more}
        server = Server(
            id=self.region.ids.uuid(),
            name=name,
            project_id=project_id,
            user_id=user_id,
            flavor=flavor,
            image=image,
            created=now,
            updated=now,
            hostname=name,
            **fields,
        )
        self.nova.servers[server.id] = server
        return server
