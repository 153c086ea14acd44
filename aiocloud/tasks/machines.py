"""Machines. API: https://docs.openstack.org/api-ref/baremetal/"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiocloud.errors import InvalidRequest, ResourceFailed
from aiocloud.model import Which, build
from aiocloud.poller import wait_for
from aiocloud.region import Region
from aiocloud.services.baremetal.node import NewNode, Node
from aiocloud.services.baremetal.port import Port
from aiocloud.services.network.port import Port as NetworkPort
from aiocloud.tasks.lookup import given
from aiocloud.tasks.undo import Undo

__all__ = [
    "activate_node",
    "attach_port_to_machine",
    "deactivate_node",
    "detach_port_from_machine",
    "get_machine_by_mac",
    "get_nic_by_mac",
    "inspect_machine",
    "list_nics",
    "list_nics_for_machine",
    "list_ports_attached_to_machine",
    "node_set_provision_state",
    "patch_machine",
    "purge_node_instance_info",
    "register_machine",
    "remove_machine_from_maintenance",
    "set_machine_maintenance_state",
    "set_machine_power_off",
    "set_machine_power_on",
    "set_machine_power_reboot",
    "set_node_instance_info",
    "unregister_machine",
    "validate_machine",
    "validate_node",
    "wait_for_baremetal_node_lock",
]

# Which state each verb leads to. https://docs.openstack.org/ironic/latest/user/states.html
_LEADS_TO = {
    "active": "active",
    "rebuild": "active",
    "unrescue": "active",
    "adopt": "active",
    "deleted": "available",
    "undeploy": "available",
    "provide": "available",
    "manage": "manageable",
    "inspect": "manageable",
    "abort": "manageable",
    "clean": "manageable",
    "rescue": "rescue",
    "service": "active",
}


async def list_nics(cloud: Region) -> list[Port]:
    """All network cards."""
    return await cloud.baremetal.ports.list()


async def list_nics_for_machine(cloud: Region, uuid: Which) -> list[Port]:
    """The network cards of a machine, given by id or name."""
    node = await cloud.baremetal.nodes.require(uuid)
    return await cloud.baremetal.ports.list(node_id=node.id)


async def get_nic_by_mac(cloud: Region, mac: str) -> Port | None:
    """The network card with this MAC address, or None."""
    found = await cloud.baremetal.ports.list(address=mac.lower())
    return found[0] if found else None


async def get_machine_by_mac(cloud: Region, mac: str) -> Node | None:
    """The machine that has a network card with this MAC address, or None."""
    nic = await get_nic_by_mac(cloud, mac)
    return None if nic is None or nic.node_id is None else await cloud.baremetal.nodes.find(nic.node_id)


async def patch_machine(cloud: Region, name_or_id: Which, patch: Sequence[Mapping[str, Any]]) -> Node:
    """Change a machine by a JSON Patch: `[{"op": "replace", "path": "/extra/rack", "value": 7}]`."""
    return await cloud.baremetal.nodes.patch(await _id(cloud, name_or_id), patch)


async def _id(cloud: Region, name_or_id: Which) -> dict[str, str]:
    """An id that needs no further look-up. Ironic takes names itself, so a name costs no request."""
    if isinstance(name_or_id, str):
        return {"id": name_or_id}
    return {"id": await cloud.baremetal.nodes.id_of(name_or_id)}


async def register_machine(
    cloud: Region,
    nics: Sequence[str | Mapping[str, Any]],
    wait: bool = False,
    timeout: float = 3600,
    lock_timeout: float = 600,
    provision_state: str = "available",
    **node: Any,
) -> Node:
    """Enroll a machine with its network cards, given by MAC address or as `{"address": ...}`, and bring it into a state.

    `node` is what `cloud.baremetal.nodes.create` takes. With `wait`, at most `timeout` seconds pass until it is there, and
    at most `lock_timeout` until it is free of Ironic's lock; without, its state is begun to be changed only as far as one
    step. When enrolling fails or is cancelled, what was made is removed again.
    """
    if provision_state not in ("enroll", "manageable", "available"):
        raise InvalidRequest(f"a machine is registered as enroll, manageable or available, not {provision_state!r}")
    nodes, ports = cloud.baremetal.nodes, cloud.baremetal.ports
    async with Undo(cloud) as undo:
        made = await nodes.create_from(build(NewNode, **node))
        undo.made("node", made.id, made.name, lambda id: nodes.delete({"id": id}))
        for nic in nics:
            wanted: dict[str, Any] = {"address": nic} if isinstance(nic, str) else dict(nic)
            wanted["node_uuid"] = made.id
            port = await ports.create(**wanted)
            undo.made("port", port.id, port.address, lambda id: ports.delete({"id": id}))
        if provision_state == "enroll":
            return made
        await nodes.set_provision_state(made, "manage")
        if not wait and provision_state == "manageable":
            return await nodes.get(made)
        made = await _reach(cloud, made, "manageable", timeout)
        if provision_state == "manageable":
            return made
        await wait_for_baremetal_node_lock(cloud, made, lock_timeout)
        await nodes.set_provision_state(made, "provide")
        return await _reach(cloud, made, "available", timeout) if wait else await nodes.get(made)


async def unregister_machine(
    cloud: Region,
    nics: Sequence[str | Mapping[str, Any]] | None,
    uuid: Which,
    wait: bool | None = None,  # noqa: ARG001 - Ironic removes a node at once
    timeout: float = 600,
) -> None:
    """Remove a machine and its network cards. It waits at most `timeout` seconds for Ironic's lock.

    `nics` are removed first; without them the node's own are. Raises InvalidRequest for a machine that is in use.
    """
    nodes, ports = cloud.baremetal.nodes, cloud.baremetal.ports
    node = await nodes.require(uuid)
    if node.provision_state in ("active", "cleaning", "clean wait", "clean failed", "deploying", "wait call-back"):
        raise InvalidRequest(f"machine {node.name or node.id} can't be removed: it is {node.provision_state}")
    await wait_for_baremetal_node_lock(cloud, node, timeout)
    for nic in nics if nics is not None else [port.address for port in await list_nics_for_machine(cloud, node)]:
        address = nic if isinstance(nic, str) else str(nic.get("address") or nic.get("mac"))
        port = await get_nic_by_mac(cloud, address)
        if port is not None:
            await ports.delete(port)
    await nodes.delete(node)


async def wait_for_baremetal_node_lock(cloud: Region, node: Which, timeout: float = 30) -> Node:
    """Wait until no conductor holds a machine's lock, at most `timeout` seconds."""
    which = await _id(cloud, node)
    return await wait_for(
        lambda: cloud.baremetal.nodes.get(which),
        lambda seen: seen.reservation is None,
        what=f"machine {which['id']} becoming free of its lock",
        timeout=timeout,
    )


async def _reach(cloud: Region, node: Which, state: str, timeout: float) -> Node:
    which = await _id(cloud, node)

    def there(seen: Node) -> bool:
        now = seen.provision_state or "available"
        if now.endswith("failed") or now == "error":
            error = ResourceFailed(
                f"machine {seen.name or seen.id} is {now} instead of {state}: {seen.last_error}",
                cloud=cloud.name,
                region=cloud.region_name,
                service="baremetal",
            )
            error.resource = seen
            raise error
        return now == state and not seen.target_provision_state

    return await wait_for(
        lambda: cloud.baremetal.nodes.get(which),
        there,
        what=f"machine {which['id']} becoming {state}",
        timeout=timeout,
        interval=5.0,
    )


async def node_set_provision_state(
    cloud: Region,
    name_or_id: Which,
    state: str,
    configdrive: str | Mapping[str, Any] | None = None,
    wait: bool = False,
    timeout: float = 3600,
) -> Node:
    """Bring a machine towards another state by one of Ironic's verbs: manage, provide, active, deleted, inspect, ...

    `wait` is until it is there, at most `timeout` seconds. Raises ResourceFailed with Ironic's words when it fails.
    """
    if state not in _LEADS_TO:
        raise InvalidRequest(f"provision states are reached by {', '.join(_LEADS_TO)}, not by {state!r}")
    nodes = cloud.baremetal.nodes
    which = await _id(cloud, name_or_id)
    drive = configdrive if configdrive is None or isinstance(configdrive, str) else dict(configdrive)
    await nodes.set_provision_state(which, state, given(configdrive=drive))
    return await _reach(cloud, which, _LEADS_TO[state], timeout) if wait else await nodes.get(which)


async def activate_node(
    cloud: Region,
    uuid: Which,
    configdrive: str | Mapping[str, Any] | None = None,
    wait: bool = False,
    timeout: float = 1200,
) -> None:
    """Deploy a machine. `wait` is until it is active, at most `timeout` seconds."""
    await node_set_provision_state(cloud, uuid, "active", configdrive, wait, timeout)


async def deactivate_node(cloud: Region, uuid: Which, wait: bool = False, timeout: float = 1200) -> None:
    """Take a machine's deployment away. `wait` is until it is available again, at most `timeout` seconds."""
    await node_set_provision_state(cloud, uuid, "deleted", None, wait, timeout)


async def inspect_machine(cloud: Region, name_or_id: Which, wait: bool = False, timeout: float = 3600) -> Node:
    """Let Ironic find out what a machine is. One that is available is made manageable for it, and available again.

    `wait` is until that is done, at most `timeout` seconds. Raises InvalidRequest for a machine in another state.
    """
    node = await cloud.baremetal.nodes.require(name_or_id)
    state = node.provision_state or "available"
    if state not in ("available", "manageable", "enroll", "inspect failed"):
        raise InvalidRequest(f"machine {node.name or node.id} can't be inspected: it is {state}")
    if state == "available" and not wait:
        raise InvalidRequest(f"machine {node.name or node.id} is available: to inspect it, wait=True is needed")
    if state in ("available", "enroll"):
        await node_set_provision_state(cloud, node, "manage", None, True, timeout)
    node = await node_set_provision_state(cloud, node, "inspect", None, wait, timeout)
    if state == "available":
        node = await node_set_provision_state(cloud, node, "provide", None, True, timeout)
    return node


async def set_machine_power_on(cloud: Region, name_or_id: Which) -> None:
    """Switch a machine on."""
    await cloud.baremetal.nodes.set_power_state(await _id(cloud, name_or_id), "power on")


async def set_machine_power_off(cloud: Region, name_or_id: Which) -> None:
    """Switch a machine off."""
    await cloud.baremetal.nodes.set_power_state(await _id(cloud, name_or_id), "power off")


async def set_machine_power_reboot(cloud: Region, name_or_id: Which) -> None:
    """Restart a machine."""
    await cloud.baremetal.nodes.set_power_state(await _id(cloud, name_or_id), "rebooting")


async def set_machine_maintenance_state(
    cloud: Region, name_or_id: Which, state: bool = True, reason: str | None = None
) -> None:
    """Keep others' hands off a machine, or with `state` False give it back to work."""
    which = await _id(cloud, name_or_id)
    if state:
        await cloud.baremetal.nodes.set_maintenance(which, reason)
    else:
        await cloud.baremetal.nodes.unset_maintenance(which)


async def remove_machine_from_maintenance(cloud: Region, name_or_id: Which) -> None:
    """Give a machine back to work."""
    await set_machine_maintenance_state(cloud, name_or_id, False)


async def validate_machine(cloud: Region, name_or_id: Which, for_deploy: bool = True) -> dict[str, Any]:
    """What a machine's drivers say of it. Raises InvalidRequest when it can't be powered, or deployed with `for_deploy`."""
    said = await validate_node(cloud, name_or_id)
    needed = ("boot", "deploy", "management", "power") if for_deploy else ("power",)
    wrong = [
        f"{name}: {said[name].get('reason')}"
        for name in needed
        if isinstance(said.get(name), dict) and said[name].get("result") is False
    ]
    if wrong:
        raise InvalidRequest(f"machine {(await _id(cloud, name_or_id))['id']} is not ready: {'; '.join(wrong)}")
    return said


async def validate_node(cloud: Region, uuid: Which) -> dict[str, Any]:
    """What a machine's drivers say of it, interface by interface."""
    return await cloud.baremetal.nodes.validate(await _id(cloud, uuid))


async def set_node_instance_info(cloud: Region, uuid: Which, patch: Sequence[Mapping[str, Any]]) -> Node:
    """Change what a machine shall be deployed with, by a JSON Patch."""
    return await patch_machine(cloud, uuid, patch)


async def purge_node_instance_info(cloud: Region, uuid: Which) -> Node:
    """Forget what a machine was deployed with."""
    return await patch_machine(cloud, uuid, [{"op": "remove", "path": "/instance_info"}])


async def attach_port_to_machine(cloud: Region, name_or_id: Which, port_name_or_id: Which) -> None:
    """Attach a port of Neutron's to a machine."""
    port_id = await cloud.network.ports.id_of(port_name_or_id)
    await cloud.baremetal.nodes.attach_vif(await _id(cloud, name_or_id), port_id)


async def detach_port_from_machine(cloud: Region, name_or_id: Which, port_name_or_id: Which) -> bool:
    """Take a port of Neutron's off a machine: True, or False when it was not attached."""
    port_id = await cloud.network.ports.id_of(port_name_or_id)
    return await cloud.baremetal.nodes.detach_vif(await _id(cloud, name_or_id), port_id)


async def list_ports_attached_to_machine(cloud: Region, name_or_id: Which) -> list[NetworkPort]:
    """The ports of Neutron's that are attached to a machine."""
    vifs = await cloud.baremetal.nodes.vifs(await _id(cloud, name_or_id))
    return [port for port in [await cloud.network.ports.find({"id": vif}) for vif in vifs] if port is not None]
