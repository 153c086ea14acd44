"""Servers. API: https://docs.openstack.org/api-ref/compute/#servers-servers"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Generic, Literal, ParamSpec

from pydantic import Field

from aiocloud._http import httpx
from aiocloud._json import load_json, mapping
from aiocloud.collection import Collection, Listing
from aiocloud.model import NullAs, Place, Resource, Spec, Text, Value, Which, Wire
from aiocloud.paths import join

__all__ = ["EditServer", "NewServer", "Server", "ServerAddress", "Servers"]


New = ParamSpec("New")
Edit = ParamSpec("Edit")


class ServerAddress(Value):
    """One address of a server, as Nova tells it, corrected from Neutron unless it was read bare."""

    addr: str = ""
    version: int = 4
    type: Annotated[str, Wire("OS-EXT-IPS:type")] = "fixed"
    """`fixed` or `floating`."""
    mac_addr: Annotated[str, Wire("OS-EXT-IPS-MAC:mac_addr")] = ""


class ServerFlavor(Value):
    """The flavor as it was when the server was made. Before microversion 2.47 only its id is known."""

    id: str | None = None
    name: Annotated[str | None, Wire("original_name", "name")] = None
    ram: int | None = None
    vcpus: int | None = None
    disk: int | None = None
    ephemeral: int | None = None
    swap: int | None = None
    extra_specs: dict[str, Any] = {}


class ServerImage(Value):
    """The image that a server was made from; its name only in detailed servers."""

    id: str = ""
    name: str | None = None


class ServerFault(Value):
    """Why a server is in ERROR."""

    code: int | None = None
    message: Text = ""
    details: str | None = None
    created: str | None = None


class SecurityGroupName(Value):
    """A security group as Nova names it: by name alone; its id only in detailed servers."""

    name: Text = ""
    id: str | None = None


class AttachedVolume(Value):
    """A volume attached to a server; more than its id only in detailed servers."""

    id: Text = ""
    name: str | None = None
    size: int | None = None
    """GiB."""
    delete_on_termination: bool | None = None


class Server(Resource):
    """A server. `public_v4` and its kin are worked out from its addresses (see `list_servers`), "" where there is none.

    API: https://docs.openstack.org/api-ref/compute/#show-server-details
    """

    place: ClassVar[Place] = Place(
        "/servers",
        one="server",
        many="servers",
        detail="/servers/detail",
        by_name="regex",
        microversion="2.96",
        changes="changes-since",
    )

    status: Text = ""
    """ACTIVE, BUILD, ERROR, SHUTOFF, ..."""
    addresses: Annotated[dict[str, list[ServerAddress]], NullAs({})] = {}
    """By network name."""
    public_v4: str = ""
    public_v6: str = ""
    private_v4: str = ""
    interface_ip: str = ""
    """The address to reach it by: of IPv6 where both sides have one, unless `prefer_ipv6: false` says otherwise."""
    access_ipv4: Annotated[Text, Wire("accessIPv4")] = ""
    access_ipv6: Annotated[Text, Wire("accessIPv6")] = ""
    flavor: ServerFlavor = ServerFlavor()
    image: ServerImage | Literal[""] | None = None
    """None, or empty, for a server that boots from a volume."""
    metadata: Annotated[dict[str, str], NullAs({})] = {}
    tags: Annotated[list[str], NullAs([])] = []
    key_name: str | None = None
    security_groups: Annotated[list[SecurityGroupName], NullAs([])] = []
    volumes: Annotated[list[AttachedVolume], Wire("os-extended-volumes:volumes_attached")] = []
    availability_zone: Annotated[Text, Wire("OS-EXT-AZ:availability_zone")] = ""
    vm_state: Annotated[str | None, Wire("OS-EXT-STS:vm_state")] = None
    task_state: Annotated[str | None, Wire("OS-EXT-STS:task_state")] = None
    power_state: Annotated[int | None, Wire("OS-EXT-STS:power_state")] = None
    fault: ServerFault | None = None
    progress: int | None = None
    """Percent."""
    created_at: Annotated[str | None, Wire("created")] = None
    updated_at: Annotated[str | None, Wire("updated")] = None
    launched_at: Annotated[str | None, Wire("OS-SRV-USG:launched_at")] = None
    terminated_at: Annotated[str | None, Wire("OS-SRV-USG:terminated_at")] = None
    project_id: Annotated[str | None, Wire("tenant_id")] = None
    user_id: str | None = None
    description: str | None = None
    locked: bool | None = None
    locked_reason: str | None = None
    config_drive: Text | bool = ""
    disk_config: Annotated[str | None, Wire("OS-DCF:diskConfig")] = None
    host_id: Annotated[Text, Wire("hostId")] = ""
    host_status: str | None = None
    hostname: Annotated[str | None, Wire("OS-EXT-SRV-ATTR:hostname")] = None
    host: Annotated[str | None, Wire("OS-EXT-SRV-ATTR:host")] = None
    hypervisor_hostname: Annotated[str | None, Wire("OS-EXT-SRV-ATTR:hypervisor_hostname")] = None
    instance_name: Annotated[str | None, Wire("OS-EXT-SRV-ATTR:instance_name")] = None
    user_data: Annotated[str | None, Wire("OS-EXT-SRV-ATTR:user_data"), Field(repr=False)] = None
    root_device_name: Annotated[str | None, Wire("OS-EXT-SRV-ATTR:root_device_name")] = None
    server_groups: list[str] | None = None
    trusted_image_certificates: list[str] | None = None
    pinned_availability_zone: str | None = None
    scheduler_hints: dict[str, Any] | None = None
    admin_pass: Annotated[str | None, Wire("adminPass"), Field(repr=False)] = None
    """Only in the answer to a create or rebuild."""
    links: list[dict[str, Any]] = []


class NewServer(Spec):
    """What Nova takes to make a server. Addresses, waiting and names are `create_server`'s affair.

    API: https://docs.openstack.org/api-ref/compute/#create-server
    """

    name: str
    flavor: Annotated[str, Wire("flavorRef")]
    image: Annotated[str, Wire("imageRef")] = ""
    networks: list[dict[str, Any]] | Literal["auto", "none"] | None = None
    """Each with `uuid`, `port`, `fixed_ip` or `tag`. From 2.37 on Nova wants it: "auto", "none" or a list."""
    block_device_mapping: Annotated[list[dict[str, Any]] | None, Wire("block_device_mapping_v2")] = None
    security_groups: list[dict[str, str]] | None = None
    key_name: str | None = None
    metadata: dict[str, str] | None = None
    tags: list[str] | None = None
    user_data: Annotated[str | None, Field(repr=False)] = None
    """Base64."""
    config_drive: bool | None = None
    availability_zone: str | None = None
    min_count: int | None = None
    max_count: int | None = None
    admin_pass: Annotated[str | None, Wire("adminPass"), Field(repr=False)] = None
    disk_config: Annotated[Literal["AUTO", "MANUAL"] | None, Wire("OS-DCF:diskConfig")] = None
    description: str | None = None
    hostname: str | None = None
    host: str | None = None
    access_ipv4: Annotated[str | None, Wire("accessIPv4")] = None
    access_ipv6: Annotated[str | None, Wire("accessIPv6")] = None
    personality: list[dict[str, str]] | None = None
    return_reservation_id: bool | None = None
    scheduler_hints: dict[str, Any] | None = None


class EditServer(Spec):
    """What can be changed of a server in place. API: https://docs.openstack.org/api-ref/compute/#update-server"""

    name: str | None = None
    description: str | None = None
    hostname: str | None = None
    access_ipv4: Annotated[str | None, Wire("accessIPv4")] = None
    access_ipv6: Annotated[str | None, Wire("accessIPv6")] = None
    disk_config: Annotated[Literal["AUTO", "MANUAL"] | None, Wire("OS-DCF:diskConfig")] = None


class VolumeAttachment(Resource):
    """A volume attached to a server. API: https://docs.openstack.org/api-ref/compute/#show-a-detail-of-a-volume-attachment"""

    place: ClassVar[Place] = Place(
        "/os-volume_attachments",
        one="volumeAttachment",
        many="volumeAttachments",
        by_name="list",
        microversion="2.89",
    )

    volume_id: Annotated[Text, Wire("volumeId")] = ""
    server_id: Annotated[Text, Wire("serverId")] = ""
    device: str | None = None
    tag: str | None = None
    delete_on_termination: bool | None = None
    attachment_id: str | None = None
    bdm_uuid: str | None = None


class NewVolumeAttachment(Spec):
    """Which volume, and as which device. API: https://docs.openstack.org/api-ref/compute/#attach-a-volume-to-an-instance"""

    volume_id: Annotated[str, Wire("volumeId")]
    device: str | None = None
    tag: str | None = None
    delete_on_termination: bool | None = None


class EditVolumeAttachment(Spec):
    """API: https://docs.openstack.org/api-ref/compute/#update-a-volume-attachment"""

    volume_id: Annotated[str, Wire("volumeId")]
    delete_on_termination: bool | None = None


class ServerInterface(Resource):
    """A port of a server. API: https://docs.openstack.org/api-ref/compute/#port-interfaces-servers-os-interface"""

    place: ClassVar[Place] = Place(
        "/os-interface", one="interfaceAttachment", many="interfaceAttachments", by_name="list", microversion="2.70"
    )

    port_id: Text = ""
    net_id: Text = ""
    mac_addr: Text = ""
    port_state: Text = ""
    fixed_ips: list[dict[str, Any]] = []
    tag: str | None = None


# What Nova calls otherwise when servers are listed by it; nothing there has the name that it has in a server.
# https://docs.openstack.org/api-ref/compute/#list-servers-detailed
_ASKED = {
    "access_ipv4": "access_ip_v4",
    "access_ipv6": "access_ip_v6",
    "all_projects": "all_tenants",
    "changes_before": "changes-before",
    "changes_since": "changes-since",
    "compute_host": "host",
    "deleted_only": "deleted",
    "disk_config": "auto_disk_config",
    "has_config_drive": "config_drive",
    "hypervisor_hostname": "node",
    "id": "uuid",
    "ipv4_address": "ip",
    "ipv6_address": "ip6",
    "is_soft_deleted": "soft_deleted",
    "not_tags": "not-tags",
    "not_tags_any": "not-tags-any",
    "tags_any": "tags-any",
}


class Servers(Collection[Server, New, Edit], Generic[New, Edit]):
    """The servers of a project, and what can be done to one.

    Actions: https://docs.openstack.org/api-ref/compute/#servers-run-an-action
    """

    def _params(self, query: Mapping[str, Any]) -> dict[str, Any]:
        told = {_ASKED.get(key, key): value for key, value in query.items() if value is not None}
        return {**self.resource.place.query, **told}

    async def create_from(self, spec: Spec) -> Server:
        """Make a server; scheduler hints stand beside it in the request, not in it."""
        body = spec.body()
        hints = body.pop("scheduler_hints", None)
        envelope: dict[str, Any] = {"server": body}
        if hints:
            envelope["OS-SCH-HNT:scheduler_hints"] = hints
        place = self.resource.place
        return self._read(await self.endpoint.post(place.path, json=envelope, microversion=place.microversion))

    def volume_attachments(self, server: Which) -> Collection[VolumeAttachment, ..., ...]:
        """The volumes attached to a server, given by id."""
        at = self.endpoint.at("servers", self._id(server))
        return Collection(at, VolumeAttachment, NewVolumeAttachment, EditVolumeAttachment)

    def interfaces(self, server: Which) -> Listing[ServerInterface]:
        """The ports of a server, given by id."""
        return Listing(self.endpoint.at("servers", self._id(server)), ServerInterface)

    async def action(
        self, server: Which, name: str, arguments: Any = None, *, microversion: str | None = None
    ) -> httpx.Response:
        """Do something to a server: the action's name and arguments as Nova has them."""
        path = join("servers", await self.id_of(server), "action")
        return await self.endpoint.post(path, json={name: arguments}, microversion=microversion)

    async def start(self, server: Which) -> None:
        """Power it on."""
        await self.action(server, "os-start")

    async def stop(self, server: Which) -> None:
        """Power it off."""
        await self.action(server, "os-stop")

    async def reboot(self, server: Which, type: Literal["SOFT", "HARD"] = "SOFT") -> None:  # noqa: A002 - Nova's word
        """Restart it: SOFT asks its operating system, HARD cuts the power."""
        await self.action(server, "reboot", {"type": type})

    async def rebuild(
        self, server: Which, image: Which, *, admin_pass: str | None = None, name: str | None = None
    ) -> Server:
        """Make its root disk anew from an image, given by id; addresses and volumes stay."""
        image_id = image if isinstance(image, str) else str(image["id"])
        given = {"imageRef": image_id, "adminPass": admin_pass, "name": name}
        arguments = {key: value for key, value in given.items() if value is not None}
        return self._read(
            await self.action(server, "rebuild", arguments, microversion=self.resource.place.microversion)
        )

    async def resize(self, server: Which, flavor: Which) -> None:
        """Move it to another flavor, given by id; then `confirm_resize` or `revert_resize`."""
        flavor_id = flavor if isinstance(flavor, str) else str(flavor["id"])
        await self.action(server, "resize", {"flavorRef": flavor_id})

    async def confirm_resize(self, server: Which) -> None:
        """Keep the new size."""
        await self.action(server, "confirmResize")

    async def revert_resize(self, server: Which) -> None:
        """Go back to the old size."""
        await self.action(server, "revertResize")

    async def pause(self, server: Which) -> None:
        """Hold it in memory."""
        await self.action(server, "pause")

    async def unpause(self, server: Which) -> None:
        """Let a paused one go on."""
        await self.action(server, "unpause")

    async def suspend(self, server: Which) -> None:
        """Write it to disk and stop it."""
        await self.action(server, "suspend")

    async def resume(self, server: Which) -> None:
        """Wake a suspended one."""
        await self.action(server, "resume")

    async def lock(self, server: Which) -> None:
        """Refuse changes by its owner until it is unlocked."""
        await self.action(server, "lock")

    async def unlock(self, server: Which) -> None:
        """Allow changes again."""
        await self.action(server, "unlock")

    async def shelve(self, server: Which) -> None:
        """Store it away, keeping its data."""
        await self.action(server, "shelve")

    async def unshelve(self, server: Which) -> None:
        """Bring a shelved one back."""
        await self.action(server, "unshelve")

    async def rescue(self, server: Which, image: Which | None = None, admin_pass: str | None = None) -> str:
        """Boot it from another image, given by id, with its own disk as the second; without one, from its own image.

        Gives the password of that system, empty where the cloud tells none. A password that is asked for is used.
        """
        image_id = image if isinstance(image, str) or image is None else str(image["id"])
        given = {"rescue_image_ref": image_id, "adminPass": admin_pass}
        arguments = {key: value for key, value in given.items() if value is not None}
        answer = load_json((await self.action(server, "rescue", arguments or None)).content or b"{}", "rescue")
        return str(mapping(answer).get("adminPass") or "")

    async def unrescue(self, server: Which) -> None:
        """Boot it from its own disk again."""
        await self.action(server, "unrescue")

    async def create_image(self, server: Which, name: str, metadata: dict[str, str] | None = None) -> str:
        """Begin a snapshot of it, and give the new image's id."""
        arguments = {"name": name, "metadata": metadata or {}}
        response = await self.action(server, "createImage", arguments, microversion="2.45")
        image_id = mapping(load_json(response.content or b"{}", "createImage")).get("image_id")
        # Before 2.45 the answer has no body, and the image is named by the Location header.
        return str(image_id) if image_id else response.headers.get("Location", "").rstrip("/").rpartition("/")[2]

    async def add_security_group(self, server: Which, name: str) -> None:
        """Let a security group, given by name or id, apply to it."""
        await self.action(server, "addSecurityGroup", {"name": name})

    async def remove_security_group(self, server: Which, name: str) -> None:
        """Take a security group, given by name or id, off it."""
        await self.action(server, "removeSecurityGroup", {"name": name})

    async def console_output(self, server: Which, length: int | None = None) -> str:
        """Its console log, the last `length` lines of it; empty when there is none yet."""
        arguments = {} if length is None else {"length": length}
        answer = load_json((await self.action(server, "os-getConsoleOutput", arguments)).content, "os-getConsoleOutput")
        return str(mapping(answer).get("output") or "")

    async def set_metadata(self, server: Which, metadata: dict[str, str]) -> dict[str, str]:
        """Add to its metadata, or change it; what else is there stays."""
        path = join("servers", await self.id_of(server), "metadata")
        answer = load_json((await self.endpoint.post(path, json={"metadata": metadata})).content, path)
        return dict(mapping(mapping(answer).get("metadata")))

    async def delete_metadata(self, server: Which, keys: Sequence[str]) -> None:
        """Remove keys of its metadata. Raises NotFound for one that is not there."""
        server_id = await self.id_of(server)
        for key in keys:
            await self.endpoint.delete(join("servers", server_id, "metadata", key))
