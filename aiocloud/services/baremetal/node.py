"""Nodes. API: https://docs.openstack.org/api-ref/baremetal/#nodes-nodes"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Generic, ParamSpec

from pydantic import Field

from aiocloud._json import load_json, mapping, mappings
from aiocloud.collection import Listing
from aiocloud.errors import NotFound
from aiocloud.model import NullAs, Place, Resource, Spec, Text, Which, Wire
from aiocloud.paths import join
from aiocloud.services.baremetal.port import Port
from aiocloud.services.jsonpatch import Patched

__all__ = ["EditNode", "NewNode", "Node", "Nodes"]

New = ParamSpec("New")
Edit = ParamSpec("Edit")


class Node(Resource):
    """A machine. API: https://docs.openstack.org/api-ref/baremetal/#show-node-details"""

    place: ClassVar[Place] = Place(
        "/nodes", many="nodes", detail="/nodes/detail", by_name="list", update="PATCH", microversion="1.95"
    )

    id: Annotated[Text, Wire("uuid")] = ""
    provision_state: str | None = None
    """enroll, manageable, available, active, ...; None is `available` before 1.2."""
    target_provision_state: str | None = None
    power_state: str | None = None
    target_power_state: str | None = None
    is_maintenance: Annotated[bool, Wire("maintenance"), NullAs(False)] = False
    maintenance_reason: str | None = None
    fault: str | None = None
    last_error: str | None = None
    reservation: str | None = None
    """The conductor that holds its lock, or None."""
    driver: Text = ""
    driver_info: Annotated[dict[str, Any], NullAs({}), Field(repr=False)] = {}
    driver_internal_info: Annotated[dict[str, Any], NullAs({}), Field(repr=False)] = {}
    properties_: Annotated[dict[str, Any], Wire("properties"), NullAs({})] = {}
    """Ironic's `properties`: cpus, memory_mb, local_gb, capabilities."""
    instance_info: Annotated[dict[str, Any], NullAs({}), Field(repr=False)] = {}
    instance_id: Annotated[str | None, Wire("instance_uuid")] = None
    instance_name: str | None = None
    allocation_id: Annotated[str | None, Wire("allocation_uuid")] = None
    chassis_id: Annotated[str | None, Wire("chassis_uuid")] = None
    parent_node: str | None = None
    conductor: str | None = None
    conductor_group: str | None = None
    resource_class: str | None = None
    traits: Annotated[list[str], NullAs([])] = []
    shard: str | None = None
    owner: str | None = None
    lessee: str | None = None
    description: str | None = None
    extra: Annotated[dict[str, Any], NullAs({})] = {}
    boot_mode: str | None = None
    is_secure_boot: Annotated[bool | None, Wire("secure_boot")] = None
    is_automated_clean_enabled: Annotated[bool | None, Wire("automated_clean")] = None
    is_console_enabled: Annotated[bool | None, Wire("console_enabled")] = None
    is_protected: Annotated[bool | None, Wire("protected")] = None
    protected_reason: str | None = None
    is_retired: Annotated[bool | None, Wire("retired")] = None
    retired_reason: str | None = None
    clean_step: dict[str, Any] | None = None
    deploy_step: dict[str, Any] | None = None
    service_step: dict[str, Any] | None = None
    raid_config: dict[str, Any] | None = None
    target_raid_config: dict[str, Any] | None = None
    network_data: dict[str, Any] | None = None
    bios_interface: str | None = None
    boot_interface: str | None = None
    console_interface: str | None = None
    deploy_interface: str | None = None
    firmware_interface: str | None = None
    inspect_interface: str | None = None
    management_interface: str | None = None
    network_interface: str | None = None
    power_interface: str | None = None
    raid_interface: str | None = None
    rescue_interface: str | None = None
    storage_interface: str | None = None
    vendor_interface: str | None = None
    provision_updated_at: str | None = None
    inspection_started_at: str | None = None
    inspection_finished_at: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    ports: list[dict[str, Any]] | None = None
    portgroups: list[dict[str, Any]] | None = None
    states: list[dict[str, Any]] | None = None
    volume: list[dict[str, Any]] | None = None
    links: list[dict[str, Any]] = []


class NewNode(Spec):
    """API: https://docs.openstack.org/api-ref/baremetal/#create-node"""

    driver: str
    name: str | None = None
    uuid: str | None = None
    driver_info: Annotated[dict[str, Any] | None, Field(repr=False)] = None
    properties: dict[str, Any] | None = None
    extra: dict[str, Any] | None = None
    resource_class: str | None = None
    chassis_uuid: str | None = None
    parent_node: str | None = None
    conductor_group: str | None = None
    automated_clean: bool | None = None
    description: str | None = None
    owner: str | None = None
    lessee: str | None = None
    shard: str | None = None
    network_data: dict[str, Any] | None = None
    bios_interface: str | None = None
    boot_interface: str | None = None
    console_interface: str | None = None
    deploy_interface: str | None = None
    firmware_interface: str | None = None
    inspect_interface: str | None = None
    management_interface: str | None = None
    network_interface: str | None = None
    power_interface: str | None = None
    raid_interface: str | None = None
    rescue_interface: str | None = None
    storage_interface: str | None = None
    vendor_interface: str | None = None


class EditNode(Spec):
    """None, given, removes a field. API: https://docs.openstack.org/api-ref/baremetal/#update-node"""

    name: str | None = None
    driver: str | None = None
    driver_info: Annotated[dict[str, Any] | None, Field(repr=False)] = None
    properties: dict[str, Any] | None = None
    extra: dict[str, Any] | None = None
    instance_info: Annotated[dict[str, Any] | None, Field(repr=False)] = None
    instance_uuid: str | None = None
    resource_class: str | None = None
    chassis_uuid: str | None = None
    parent_node: str | None = None
    conductor_group: str | None = None
    automated_clean: bool | None = None
    protected: bool | None = None
    protected_reason: str | None = None
    retired: bool | None = None
    retired_reason: str | None = None
    description: str | None = None
    owner: str | None = None
    lessee: str | None = None
    shard: str | None = None
    network_data: dict[str, Any] | None = None


class Nodes(Patched[Node, New, Edit], Generic[New, Edit]):
    """The machines of the cloud. Ironic takes a node's name wherever it takes its id."""

    async def _with_name(self, name: str) -> list[Node]:
        one = await self._get_or_none(name)
        return [one] if one is not None else []

    def ports(self, node: Which) -> Listing[Port]:
        """The network cards of a node, given by id."""
        return Listing(self.endpoint.at("nodes", self._id(node)), Port)

    async def set_provision_state(self, node: Which, target: str, arguments: Mapping[str, Any] | None = None) -> None:
        """Begin to bring it into another state: `manage`, `provide`, `active`, `rebuild`, `deleted`, `inspect`, `clean`, ...

        `arguments` go along: `configdrive`, `clean_steps`, `rescue_password`, ...
        API: https://docs.openstack.org/api-ref/baremetal/#change-node-provision-state
        """
        await self._put(node, "states", "provision", {"target": target, **(arguments or {})})

    async def set_power_state(self, node: Which, target: str, *, timeout: int | None = None) -> None:
        """Begin to switch it: "power on", "power off", "rebooting", "soft power off", "soft rebooting". `timeout` in seconds.

        API: https://docs.openstack.org/api-ref/baremetal/#change-node-power-state
        """
        await self._put(node, "states", "power", {"target": target, **({"timeout": timeout} if timeout else {})})

    async def set_maintenance(self, node: Which, reason: str | None = None) -> None:
        """Keep others' hands off it. API: https://docs.openstack.org/api-ref/baremetal/#set-maintenance-flag"""
        await self._put(node, "maintenance", None, {"reason": reason} if reason else {})

    async def unset_maintenance(self, node: Which) -> None:
        """Give it back to work. API: https://docs.openstack.org/api-ref/baremetal/#clear-maintenance-flag"""
        await self.endpoint.delete(join("nodes", self._id(node), "maintenance"), microversion=self._version)

    async def validate(self, node: Which) -> dict[str, Any]:
        """What its drivers say of it, interface by interface. API: https://docs.openstack.org/api-ref/baremetal/#validate-node"""
        path = join("nodes", self._id(node), "validate")
        return dict(mapping(load_json((await self.endpoint.get(path, microversion=self._version)).content, path)))

    async def vifs(self, node: Which) -> list[str]:
        """The ids of Neutron's ports attached to it. API: https://docs.openstack.org/api-ref/baremetal/#list-attached-vifs-of-a-node"""
        path = join("nodes", self._id(node), "vifs")
        answer = load_json((await self.endpoint.get(path, microversion=self._version)).content, path)
        return [str(vif.get("id")) for vif in mappings(mapping(answer).get("vifs"))]

    async def attach_vif(self, node: Which, port_id: str) -> None:
        """Attach a port of Neutron's. API: https://docs.openstack.org/api-ref/baremetal/#attach-a-vif-to-a-node"""
        path = join("nodes", self._id(node), "vifs")
        await self.endpoint.post(path, json={"id": port_id}, microversion=self._version)

    async def detach_vif(self, node: Which, port_id: str) -> bool:
        """Take a port of Neutron's off: True, or False when it was not attached. API: https://docs.openstack.org/api-ref/baremetal/#detach-vif-from-a-node"""
        try:
            await self.endpoint.delete(join("nodes", self._id(node), "vifs", port_id), microversion=self._version)
        except NotFound:
            return False
        return True

    @property
    def _version(self) -> str | None:
        return self.resource.place.microversion

    async def _put(self, node: Which, first: str, second: str | None, body: dict[str, Any]) -> None:
        path = join("nodes", self._id(node), first, *([second] if second else []))
        await self.endpoint.put(path, json=body, microversion=self._version)
