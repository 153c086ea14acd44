"""One server, and how nova shows it at each microversion."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from hashlib import sha224
from typing import TYPE_CHECKING, Any

from aiocloud.testing.http import Req, Version
from aiocloud.testing.state import Wire, stamp

if TYPE_CHECKING:
    from aiocloud.testing.nova import Nova

HOST = "fake-compute"

STATES: dict[str, tuple[str, int]] = {
    "BUILD": ("building", 0),
    "ACTIVE": ("active", 1),
    "REBOOT": ("active", 1),
    "HARD_REBOOT": ("active", 1),
    "PASSWORD": ("active", 1),
    "REBUILD": ("active", 1),
    "RESIZE": ("active", 1),
    "VERIFY_RESIZE": ("resized", 1),
    "REVERT_RESIZE": ("resized", 1),
    "SHUTOFF": ("stopped", 4),
    "PAUSED": ("paused", 3),
    "SUSPENDED": ("suspended", 4),
    "RESCUE": ("rescued", 1),
    "SHELVED": ("shelved", 4),
    "SHELVED_OFFLOADED": ("shelved_offloaded", 4),
    "ERROR": ("error", 0),
    "DELETED": ("deleted", 0),
    "SOFT_DELETED": ("soft-delete", 4),
    "UNKNOWN": ("active", 0),
    "MIGRATING": ("active", 1),
}
"""Status -> (vm_state, power_state)."""

SHOWN_PROPERTIES = {"os_distro", "os_version", "os_type", "os_admin_user"}
PROGRESSING = {"ACTIVE", "BUILD", "DELETED", "PASSWORD", "REBUILD", "RESIZE", "REVERT_RESIZE", "VERIFY_RESIZE"}
NOT_IN_UPDATE = ("OS-EXT-", "OS-SRV-USG", "config_drive", "key_name", "security_groups", "os-extended-volumes")


@dataclass
class Server:
    """A server's memory. Call `changed()` after changing anything."""

    id: str
    name: str
    project_id: str
    user_id: str
    flavor: Wire
    image: Wire | None
    """The image's wire dict as it was; None when booted from a volume."""
    created: float
    updated: float
    status: str = "BUILD"
    task_state: str | None = "scheduling"
    launched: float | None = None
    terminated: float | None = None
    metadata: dict[str, str] = field(default_factory=dict[str, str])
    tags: list[str] = field(default_factory=list[str])
    key_name: str | None = None
    zone: str = "nova"
    pinned_zone: str | None = None
    config_drive: str = ""
    description: str | None = None
    locked: bool = False
    locked_reason: str | None = None
    hostname: str = ""
    security_groups: list[str] = field(default_factory=list[str])
    """Names of those asked for at creation."""
    brought_ports: set[str] = field(default_factory=set[str])
    """Ids of ports that were there before: they outlive it."""
    volumes: list[Wire] = field(default_factory=list[Wire])
    """Attachments as os-volume_attachments shows them."""
    made_volumes: list[str] = field(default_factory=list[str])
    """Ids of those that Nova made for it."""
    mapped: float = 0.0
    """When these are made. Before that it does not name them, and can't be removed."""
    hints: Wire = field(default_factory=dict[str, Any])
    group_ids: list[str] = field(default_factory=list[str])
    fault: Wire | None = None
    access: tuple[str, str] = ("", "")
    disk_config: str = "MANUAL"
    user_data: str | None = None
    reservation: str = ""
    old_flavor: Wire | None = None
    """What a resize can be reverted to."""
    console: str = ""
    actions: list[Wire] = field(default_factory=list[Wire])
    texts: dict[tuple[str, Version, bool], str] = field(default_factory=dict[tuple[str, Version, bool], str])
    """Detailed JSON made earlier; valid until something changes."""

    def changed(self, now: float | None = None) -> None:
        """Forget the JSON made earlier; with a time, that is when it was updated."""
        self.texts.clear()
        if now is not None:
            self.updated = now

    @property
    def vm_state(self) -> str:
        return STATES[self.status][0]


def links(req: Req, kind: str, id: str) -> list[Wire]:
    """The self and bookmark links of a resource of nova."""
    return [
        {"rel": "self", "href": f"{req.base}/v2.1/{kind}/{id}"},
        {"rel": "bookmark", "href": f"{req.base}/{kind}/{id}"},
    ]


def brief(server: Server, req: Req) -> Wire:
    """A server in GET /servers."""
    return {"id": server.id, "name": server.name, "links": links(req, "servers", server.id)}


def detailed(nova: Nova, server: Server, req: Req) -> str:
    """A server's JSON in GET /servers/detail, from memory when nothing changed."""
    key = req.base, req.version, req.is_admin
    text = server.texts.get(key)
    if text is None:
        wire = describe(nova, server, req)
        wire.pop("server_groups", None)  # nova leaves them to GET /servers/{id}
        text = server.texts[key] = json.dumps(wire)
    return text


def describe(nova: Nova, server: Server, req: Req) -> Wire:
    """A server as GET /servers/{id} shows it at the request's microversion."""
    building = server.status == "BUILD"
    wire: Wire = {
        "id": server.id,
        "name": server.name,
        "status": server.status,
        "tenant_id": server.project_id,
        "user_id": server.user_id,
        "metadata": server.metadata,
        "hostId": "" if building else sha224(f"{server.project_id}{HOST}".encode()).hexdigest(),
        "image": _image(server, req),
        "flavor": _flavor(server.flavor, req),
        "created": stamp(server.created),
        "updated": stamp(server.updated),
        "addresses": {} if building else nova.region.neutron.addresses_of(server.id),
        "accessIPv4": server.access[0],
        "accessIPv6": server.access[1],
        "links": links(req, "servers", server.id),
        "OS-DCF:diskConfig": server.disk_config,
        "OS-EXT-AZ:availability_zone": server.zone if not building else server.pinned_zone or "",
        "config_drive": server.config_drive,
        "key_name": server.key_name,
        "OS-SRV-USG:launched_at": _micro(server.launched),
        "OS-SRV-USG:terminated_at": _micro(server.terminated),
        "OS-EXT-STS:task_state": server.task_state,
        "OS-EXT-STS:vm_state": server.vm_state,
        "OS-EXT-STS:power_state": STATES[server.status][1],
        "os-extended-volumes:volumes_attached": [_volume(one, req) for one in server.volumes],
    }
    groups = nova.group_names(server)
    if groups:
        wire["security_groups"] = [{"name": name} for name in groups]
    if server.status in PROGRESSING:
        wire["progress"] = 100 if server.status == "ACTIVE" and req.version < (2, 1) else 0
    if server.fault is not None and server.status in {"ERROR", "DELETED"}:
        wire["fault"] = server.fault
    wire |= _by_version(nova, server, req)
    if req.is_admin:
        wire |= _for_admins(server, req)
    return wire


def updated_view(nova: Nova, server: Server, req: Req) -> Wire:
    """A server as PUT and rebuild show it: without the extended attributes before 2.75."""
    wire = describe(nova, server, req)
    if req.version >= (2, 75):
        return wire
    for addresses in wire["addresses"].values():
        for one in addresses:
            del one["OS-EXT-IPS:type"], one["OS-EXT-IPS-MAC:mac_addr"]
    return {name: value for name, value in wire.items() if not name.startswith(NOT_IN_UPDATE)}


def _by_version(nova: Nova, server: Server, req: Req) -> Wire:
    """What microversions added for everyone."""
    since: tuple[tuple[Version, str, Any], ...] = (
        ((2, 9), "locked", server.locked),
        ((2, 19), "description", server.description),
        ((2, 26), "tags", server.tags),
        ((2, 63), "trusted_image_certificates", None),
        ((2, 71), "server_groups", [group for group in server.group_ids if group in nova.groups]),
        ((2, 73), "locked_reason", server.locked_reason),
        ((2, 90), "OS-EXT-SRV-ATTR:hostname", server.hostname),
        ((2, 96), "pinned_availability_zone", server.pinned_zone),
        ((2, 100), "scheduler_hints", server.hints),
    )
    return {name: value for version, name, value in since if req.version >= version}


def _for_admins(server: Server, req: Req) -> Wire:
    wire: Wire = {
        "OS-EXT-SRV-ATTR:host": HOST,
        "OS-EXT-SRV-ATTR:hypervisor_hostname": HOST,
        "OS-EXT-SRV-ATTR:instance_name": f"instance-{server.id[:8]}",
    }
    if req.version >= (2, 3):
        wire |= {
            "OS-EXT-SRV-ATTR:reservation_id": server.reservation,
            "OS-EXT-SRV-ATTR:launch_index": 0,
            "OS-EXT-SRV-ATTR:hostname": server.hostname,
            "OS-EXT-SRV-ATTR:kernel_id": "",
            "OS-EXT-SRV-ATTR:ramdisk_id": "",
            "OS-EXT-SRV-ATTR:root_device_name": "/dev/vda",
            "OS-EXT-SRV-ATTR:user_data": server.user_data,
        }
    if req.version >= (2, 16):
        wire["host_status"] = "UP"
    return wire


def _image(server: Server, req: Req) -> Wire | str:
    if server.image is None:
        return ""
    id = server.image["id"]
    wire: Wire = {"id": id, "links": [{"rel": "bookmark", "href": f"{req.base}/images/{id}"}]}
    if req.version >= (2, 98):
        wire["properties"] = {
            name: value for name, value in server.image.items() if name in SHOWN_PROPERTIES or name.startswith("hw_")
        }
    return wire


def _flavor(flavor: Wire, req: Req) -> Wire:
    if req.version < (2, 47):
        return {"id": flavor["id"], "links": [{"rel": "bookmark", "href": f"{req.base}/flavors/{flavor['id']}"}]}
    return {
        "vcpus": flavor["vcpus"],
        "ram": flavor["ram"],
        "disk": flavor["disk"],
        "ephemeral": flavor["OS-FLV-EXT-DATA:ephemeral"],
        "swap": flavor["swap"],
        "original_name": flavor["name"],
        "extra_specs": flavor["extra_specs"],
    }


def _volume(attachment: Wire, req: Req) -> Wire:
    wire: Wire = {"id": attachment["volumeId"]}
    if req.version >= (2, 3):
        wire["delete_on_termination"] = attachment["delete_on_termination"]
    return wire


def _micro(seconds: float | None) -> str | None:
    return None if seconds is None else stamp(seconds, suffix="", micro=True)
