"""POST /servers/{id}/action."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiocloud.testing.http import Fail, Reply, Req, mapping
from aiocloud.testing.nova_server import STATES, Server, updated_view

if TYPE_CHECKING:
    from aiocloud.testing.nova import Nova

ANY = frozenset(vm_state for vm_state, _ in STATES.values())


@dataclass(frozen=True)
class Simple:
    """An action that only leads from one status to another."""

    word: str
    """As refusals and instance actions call it."""
    allowed: frozenset[str]
    """The vm_states it may start from."""
    final: str
    task: str
    passing: str | None = None
    """The status meanwhile, where it differs."""


def _from(*states: str) -> frozenset[str]:
    return frozenset(states)


SIMPLE = {
    "os-start": Simple("start", _from("stopped"), "ACTIVE", "powering-on"),
    "os-stop": Simple("stop", _from("active", "error", "rescued"), "SHUTOFF", "powering-off"),
    "pause": Simple("pause", _from("active"), "PAUSED", "pausing"),
    "unpause": Simple("unpause", _from("paused"), "ACTIVE", "unpausing"),
    "suspend": Simple("suspend", _from("active"), "SUSPENDED", "suspending"),
    "resume": Simple("resume", _from("suspended"), "ACTIVE", "resuming"),
    "unrescue": Simple("unrescue", _from("rescued"), "ACTIVE", "unrescuing"),
    "shelve": Simple("shelve", _from("active", "stopped", "paused", "suspended"), "SHELVED_OFFLOADED", "shelving"),
    "shelveOffload": Simple("shelveOffload", _from("shelved"), "SHELVED_OFFLOADED", "shelving_offloading"),
    "unshelve": Simple("unshelve", _from("shelved", "shelved_offloaded"), "ACTIVE", "unshelving"),
    "os-migrateLive": Simple("live-migration", _from("active", "paused"), "ACTIVE", "migrating", "MIGRATING"),
    "restore": Simple("restore", _from("soft-delete"), "ACTIVE", "restoring"),
    "resetNetwork": Simple("resetNetwork", ANY, "ACTIVE", ""),
}
CONSOLES = {"os-getVNCConsole": "novnc", "os-getSPICEConsole": "spice-html5", "os-getSerialConsole": "serial"}
ADMIN_ONLY = {"os-migrateLive", "migrate", "os-resetState", "shelveOffload", "forceDelete", "evacuate"}
UNLOCKED_ONLY_EXCEPT = {"unlock", "os-getConsoleOutput", *CONSOLES}


class Actions:
    """What can be done to a server."""

    def __init__(self, nova: Nova) -> None:
        self.nova = nova
        self.region = nova.region
        nova.routes.add("POST", "/v2.1/servers/{id}/action", self.act)
        nova.routes.add("POST", "/v2.1/servers/{id}/remote-consoles", self.remote_console)
        self.special: dict[str, Callable[[Req, Server, Any], Reply]] = {
            "reboot": self.reboot,
            "rebuild": self.rebuild,
            "resize": self.resize,
            "migrate": self.migrate,
            "confirmResize": self.confirm,
            "revertResize": self.revert,
            "createImage": self.create_image,
            "createBackup": self.create_image,
            "os-getConsoleOutput": self.console_output,
            "addSecurityGroup": self.add_group,
            "removeSecurityGroup": self.remove_group,
            "lock": self.lock,
            "unlock": self.unlock,
            "rescue": self.rescue,
            "changePassword": self.change_password,
            "os-resetState": self.reset_state,
            "forceDelete": self.force_delete,
            "addFloatingIp": self.gone,
            "removeFloatingIp": self.gone,
            **dict.fromkeys(CONSOLES, self.console),
        }

    async def act(self, req: Req) -> Reply:
        """POST /servers/{id}/action."""
        body = await req.json()
        name = next(iter(body), "")
        server = self.nova.find(req)
        if name not in SIMPLE and name not in self.special:
            raise Fail(400, f"There is no such action: {name}")
        if name in ADMIN_ONLY:
            self.nova.allow(req, f"os_compute_api:{name}")
        if name not in UNLOCKED_ONLY_EXCEPT:
            self.check_lock(req, server)
        self.nova.attached.record(server, SIMPLE[name].word if name in SIMPLE else name, req)
        if name in self.special:
            return self.special[name](req, server, body[name])
        simple = SIMPLE[name]
        self.need(server, simple.word, simple.allowed)
        self.go(server, simple.final, simple.task, simple.passing)
        return Reply(202)

    def check_lock(self, req: Req, server: Server) -> None:
        """Locked servers stay as they are, but for administrators."""
        if server.locked and not req.is_admin:
            raise Fail(409, f"Instance {server.id} is locked")

    def need(self, server: Server, word: str, allowed: frozenset[str], *, task: bool = True) -> None:
        """Refuse what the server's state doesn't allow."""
        start = f"Cannot '{word}' instance {server.id} while it is in"
        if server.vm_state not in allowed:
            raise Fail(409, f"{start} vm_state {server.vm_state}")
        if task and server.task_state is not None:
            raise Fail(409, f"{start} task_state {server.task_state}")

    def go(self, server: Server, final: str, task: str, passing: str | None = None) -> None:
        """To another status, after `knobs.work_time`."""
        server.task_state = task or None
        if passing is not None:
            server.status = passing
        server.changed(self.region.clock.now())

        def arrive() -> None:
            server.status, server.task_state = final, None
            server.changed(self.region.clock.now())

        self.region.later(self.region.knobs.work_time, arrive)

    # -- the special ones

    def reboot(self, req: Req, server: Server, given: Any) -> Reply:  # noqa: ARG002
        """{"reboot": {"type": "SOFT" or "HARD"}}."""
        kind = str(mapping(given).get("type", "")).upper()
        if kind not in {"SOFT", "HARD"}:
            raise Fail(400, f"Invalid input for field/attribute type. Value: {kind}.")
        allowed = _from("active", *(["stopped", "paused", "suspended", "error"] if kind == "HARD" else []))
        self.need(server, "reboot", allowed)
        passing = "REBOOT" if kind == "SOFT" else "HARD_REBOOT"
        self.go(server, "ACTIVE", "rebooting" if kind == "SOFT" else "rebooting_hard", passing)
        return Reply(202)

    def rebuild(self, req: Req, server: Server, given: Any) -> Reply:
        """{"rebuild": {"imageRef": ...}}: takes as long as a boot; the answer is the server."""
        self.need(server, "rebuild", _from("active", "stopped", "error"))
        ref = str(given.get("imageRef") or "").rpartition("/")[2]
        image = self.region.glance.images.get(ref)
        if image is None:
            raise Fail(400, f"Cannot find image {ref} for rebuild")
        server.image = image
        server.name = given.get("name", server.name)
        server.metadata = given.get("metadata", server.metadata)
        server.description = given.get("description", server.description)
        if req.version >= (2, 54):
            server.key_name = given.get("key_name", server.key_name)
        server.status, server.task_state, server.fault = "REBUILD", "rebuilding", None
        server.changed(self.region.clock.now())
        wire = updated_view(self.nova, server, req)
        wire["adminPass"] = given.get("adminPass") or secrets.token_urlsafe(9)
        self.region.later(self.region.knobs.boot_time, lambda: self.nova.create.booted(server))
        return Reply.json({"server": wire}, 202, {"location": f"{req.base}/v2.1/servers/{server.id}"})

    def resize(self, req: Req, server: Server, given: Any) -> Reply:  # noqa: ARG002
        """{"resize": {"flavorRef": ...}}: to VERIFY_RESIZE."""
        self.need(server, "resize", _from("active", "stopped"))
        ref = str(mapping(given).get("flavorRef")).rpartition("/")[2]
        flavor = self.nova.flavors.get(ref)
        if flavor is None:
            raise Fail(400, f"Flavor {ref} could not be found.")
        if ref == server.flavor["id"]:
            raise Fail(400, "When resizing, instances must change flavor!")
        server.old_flavor, server.flavor = server.flavor, flavor
        self.go(server, "VERIFY_RESIZE", "resize_prep", "RESIZE")
        return Reply(202)

    def migrate(self, req: Req, server: Server, given: Any) -> Reply:  # noqa: ARG002
        """{"migrate": null}: to VERIFY_RESIZE with the same flavor."""
        self.need(server, "migrate", _from("active", "stopped"))
        server.old_flavor = server.flavor
        self.go(server, "VERIFY_RESIZE", "resize_migrating", "RESIZE")
        return Reply(202)

    def confirm(self, req: Req, server: Server, given: Any) -> Reply:  # noqa: ARG002
        """{"confirmResize": null}."""
        self.need(server, "confirmResize", _from("resized"))
        server.old_flavor = None
        self.go(server, "ACTIVE", "")
        return Reply(204)

    def revert(self, req: Req, server: Server, given: Any) -> Reply:  # noqa: ARG002
        """{"revertResize": null}."""
        self.need(server, "revertResize", _from("resized"))
        server.flavor, server.old_flavor = server.old_flavor or server.flavor, None
        self.go(server, "ACTIVE", "resize_reverting", "REVERT_RESIZE")
        return Reply(202)

    def create_image(self, req: Req, server: Server, given: Any) -> Reply:
        """{"createImage": {"name": ...}}: a snapshot in glance."""
        self.need(server, "createImage", _from("active", "stopped", "paused", "suspended"))
        properties = mapping(given.get("metadata"))
        if server.image is None:
            image = self._image_of_volumes(req, server, given["name"], properties)
        else:
            image = self.region.glance.snapshot(
                name=given["name"],
                project_id=req.project_id,
                server_id=server.id,
                base=server.image,
                properties=properties,
            )
        self.go(server, server.status, "image_snapshot")
        headers = {"location": f"{req.base}/v2.1/images/{image['id']}"}
        if req.version >= (2, 45):
            return Reply.json({"image_id": image["id"]}, 202)
        return Reply(202, b"", headers)

    def _image_of_volumes(self, req: Req, server: Server, name: str, properties: Any) -> Any:
        """A snapshot in cinder of each volume, and an image that says which."""
        devices = [
            {
                "source_type": "snapshot",
                "destination_type": "volume",
                "snapshot_id": self.region.cinder.make_snapshot(
                    req.token, one["volumeId"], {"name": f"snapshot for {name}"}
                )["id"],
                "volume_size": self.region.cinder.volumes[one["volumeId"]]["size"],
                "device_name": one["device"],
                "delete_on_termination": one["delete_on_termination"],
                "boot_index": None if at else 0,
            }
            for at, one in enumerate(server.volumes)
        ]
        return self.region.glance.snapshot_of_volumes(
            name=name, project_id=req.project_id, server_id=server.id, devices=devices, properties=properties
        )

    def console_output(self, req: Req, server: Server, given: Any) -> Reply:  # noqa: ARG002
        """{"os-getConsoleOutput": {"length": lines}}."""
        lines = server.console.split("\n")
        length = mapping(given).get("length")
        if length is not None and int(length) >= 0:
            lines = lines[-int(length) :] if int(length) else []
        return Reply.json({"output": "\n".join(lines)})

    def console(self, req: Req, server: Server, given: Any) -> Reply:
        """{"os-getVNCConsole": {"type": ...}} and its like, up to 2.5."""
        if req.version >= (2, 6):
            raise Fail(404, "The resource could not be found.", "itemNotFound")
        kind = mapping(given).get("type", "novnc")
        url = f"{req.root}/console?token={self.region.ids.uuid()}&server={server.id}"
        return Reply.json({"console": {"type": kind, "url": url}})

    async def remote_console(self, req: Req) -> Reply:
        """POST /servers/{id}/remote-consoles, from 2.6."""
        server, given = self.nova.find(req), await req.member("remote_console")
        if req.version < (2, 6):
            raise Fail(404, "The resource could not be found.", "itemNotFound")
        url = f"{req.root}/console?token={self.region.ids.uuid()}&server={server.id}"
        return Reply.json({"remote_console": {"protocol": given["protocol"], "type": given["type"], "url": url}})

    def add_group(self, req: Req, server: Server, given: Any) -> Reply:
        """{"addSecurityGroup": {"name": ...}}: on all its ports."""
        group_id = self._group(req, given)["id"]
        for port in self.region.neutron.ports_of(server.id):
            port["security_groups"] = list(dict.fromkeys([*port["security_groups"], group_id]))
        server.changed()
        return Reply(202)

    def remove_group(self, req: Req, server: Server, given: Any) -> Reply:
        """{"removeSecurityGroup": {"name": ...}}."""
        group_id = self._group(req, given)["id"]
        ports = [port for port in self.region.neutron.ports_of(server.id) if group_id in port["security_groups"]]
        if not ports:
            message = f"Security group {given['name']} not associated with the instance {server.id}"
            raise Fail(404, message)
        for port in ports:
            port["security_groups"] = [one for one in port["security_groups"] if one != group_id]
        server.changed()
        return Reply(202)

    def _group(self, req: Req, given: Any) -> dict[str, Any]:
        group = self.region.neutron.security_groups.find(req.project_id, given["name"])
        if group is None:
            raise Fail(404, f"Security group {given['name']} not found for project {req.project_id}.")
        return group

    def lock(self, req: Req, server: Server, given: Any) -> Reply:
        """{"lock": null}, from 2.73 with a "locked_reason"."""
        reason = mapping(given).get("locked_reason") if req.version >= (2, 73) else None
        server.locked, server.locked_reason = True, reason
        server.changed(self.region.clock.now())
        return Reply(202)

    def unlock(self, req: Req, server: Server, given: Any) -> Reply:  # noqa: ARG002
        """{"unlock": null}."""
        server.locked, server.locked_reason = False, None
        server.changed(self.region.clock.now())
        return Reply(202)

    def rescue(self, req: Req, server: Server, given: Any) -> Reply:  # noqa: ARG002
        """{"rescue": null}: the answer is a password."""
        self.need(server, "rescue", _from("active", "stopped", "error"))
        self.go(server, "RESCUE", "rescuing")
        return Reply.json({"adminPass": mapping(given).get("adminPass") or secrets.token_urlsafe(9)})

    def change_password(self, req: Req, server: Server, given: Any) -> Reply:  # noqa: ARG002
        """{"changePassword": {"adminPass": ...}}."""
        self.need(server, "changePassword", _from("active"))
        return Reply(202)

    def reset_state(self, req: Req, server: Server, given: Any) -> Reply:  # noqa: ARG002
        """{"os-resetState": {"state": "active" or "error"}}."""
        server.status, server.task_state = str(given["state"]).upper(), None
        server.changed(self.region.clock.now())
        return Reply(202)

    def force_delete(self, req: Req, server: Server, given: Any) -> Reply:  # noqa: ARG002
        """{"forceDelete": null}."""
        self.nova.list.remove(server)
        return Reply(202)

    def gone(self, req: Req, server: Server, given: Any) -> Reply:  # noqa: ARG002
        """Actions of nova's network proxy, removed in 2.44: this cloud has none of it."""
        raise Fail(404, "The resource could not be found.", "itemNotFound")
