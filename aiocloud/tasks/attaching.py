"""A floating IP for one port: made with it, or a free one taken so that nobody else's is stolen.

API: https://docs.openstack.org/api-ref/network/v2/#floating-ips-floatingips
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

from aiocloud.errors import NotFound, PreconditionFailed
from aiocloud.reconcile import described
from aiocloud.region import Region
from aiocloud.services.network.floating_ip import FloatingIP, NewFloatingIP
from aiocloud.tasks.facts import floating_ips
from aiocloud.tasks.undo import Undo

__all__ = ["attach", "attaching", "make", "take", "unused"]


async def attach(
    cloud: Region, network_id: str, undo: Undo, *, port_id: str, fixed_address: str, reuse: bool = False
) -> FloatingIP:
    """Make a floating IP with its port: one request, and it can't lead anywhere else in between.

    With `reuse` a free one of the project is taken before one is made.
    """
    taken = await _take_free(cloud, network_id, port_id, fixed_address, undo) if reuse else None
    return taken or await make(cloud, network_id, undo, port_id=port_id, fixed_address=fixed_address)


async def make(
    cloud: Region, network_id: str, undo: Undo, *, port_id: str | None = None, fixed_address: str | None = None
) -> FloatingIP:
    """One POST, reconciled by its mark when it ends ambiguously; known to `undo` from before it is sent."""
    ips = cloud.network.floating_ips
    spec = NewFloatingIP(floating_network_id=network_id, description=described(undo.mark))
    if port_id is not None:
        spec = spec.model_copy(update={"port_id": port_id, "fixed_ip_address": fixed_address})
        spec.model_fields_set.update(("port_id", "fixed_ip_address"))

    async def look() -> Sequence[FloatingIP]:
        # Not by its port: that may be gone, with the server.
        found = await ips.list(description=spec.description)
        return [ip for ip in found if ip.description == spec.description]

    return await undo.create("floating IP", lambda: ips.create_from(spec), look, ips.delete)


async def _take_free(cloud: Region, network_id: str, port_id: str, fixed_address: str, undo: Undo) -> FloatingIP | None:
    """Take one of the project's floating IPs from this network that lead nowhere; None when all are taken.

    Others look for one as well: tasks of this process see what is reserved, other processes lose the compare-and-swap.
    """
    reserved: set[str] = cloud.session.once(("reserved floating IPs", cloud.region_name), set[str])
    free = [ip for ip in await unused(cloud, await floating_ips(cloud) or ()) if ip.floating_network_id == network_id]
    random.shuffle(free)
    for ip in free:
        if ip.id in reserved:
            continue
        reserved.add(ip.id)
        try:
            attaching(cloud, ip, port_id, undo)
            if taken := await take(cloud, ip, port_id, fixed_address):
                return taken
        finally:
            reserved.discard(ip.id)
    return None


def attaching(cloud: Region, ip: FloatingIP, port_id: str, undo: Undo) -> None:
    """It is about to be attached: should the block around it fail, it leads nowhere again."""
    undo.made("attachment of floating IP", ip.id, ip.floating_ip_address, lambda id: _detach(cloud, id, port_id))


async def unused(cloud: Region, ips: Iterable[FloatingIP]) -> list[FloatingIP]:
    """Those of our project that lead nowhere: Neutron lists an administrator those of all projects."""
    project = (await cloud.session.token()).project
    return [ip for ip in ips if ip.port_id is None and (project is None or ip.project_id in (None, project.id))]


async def take(cloud: Region, ip: FloatingIP, port_id: str, fixed_address: str) -> FloatingIP | None:
    """Attach a floating IP unless it was changed since it was read; Neutron compares its revision for us.

    https://docs.openstack.org/api-ref/network/v2/#revisions . Where there are no revisions somebody may have been as fast:
    so it is looked at once more. Raises NotFound in Neutron's words where no router leads from its network to the port.
    """
    body = {"floatingip": {"port_id": port_id, "fixed_ip_address": fixed_address}}
    headers = {} if ip.revision_number is None else {"If-Match": f"revision_number={ip.revision_number}"}
    refused: NotFound | None = None
    try:
        await cloud.network.put(f"/floatingips/{ip.id}", json=body, headers=headers)
    except PreconditionFailed:
        pass  # changed by somebody, or by ourselves in a request whose answer was lost: the next look tells
    except NotFound as error:
        refused = error  # the floating IP is gone, or the port, or no router leads from the one to the other
    try:
        now = await cloud.network.floating_ips.get(ip.id)
    except NotFound:
        return None
    if refused is not None and now.port_id is None:
        raise refused
    return now if now.port_id == port_id else None


async def _detach(cloud: Region, id: str, port_id: str) -> None:
    """Let it lead nowhere again, unless it leads to somebody else's port."""
    ips = cloud.network.floating_ips
    try:
        now = await ips.get(id)
    except NotFound:
        return
    if now.port_id == port_id:
        headers = {} if now.revision_number is None else {"If-Match": f"revision_number={now.revision_number}"}
        await cloud.network.put(f"/floatingips/{id}", json={"floatingip": {"port_id": None}}, headers=headers)
