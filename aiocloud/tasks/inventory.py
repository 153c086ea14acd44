"""Servers as Ansible wants them: variables of each, and the groups that each is in.

Protocol: https://docs.ansible.com/ansible/latest/dev_guide/developing_inventory.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from aiocloud.errors import InvalidRequest
from aiocloud.model import Which
from aiocloud.pretty import plain
from aiocloud.region import Region
from aiocloud.services.compute.server import Server
from aiocloud.tasks.servers import get_server

__all__ = ["get_openstack_vars", "get_server_meta", "groups_of", "inventory_of", "variables_of"]


async def get_openstack_vars(cloud: Region, server: Which) -> dict[str, Any]:
    """Everything that is known of a server, as plain data. Raises InvalidRequest when there is none."""
    return variables_of(cloud, await _detailed(cloud, server))


async def get_server_meta(cloud: Region, server: Which) -> dict[str, Any]:
    """`server_vars`, as `get_openstack_vars`, and `groups`: the names of the groups that a server is in."""
    found = await _detailed(cloud, server)
    return {"server_vars": variables_of(cloud, found), "groups": groups_of(cloud, found)}


async def _detailed(cloud: Region, server: Which) -> Server:
    found = await get_server(cloud, server, detailed=True)
    if found is None:
        raise InvalidRequest(f"there is no server {server!r}", cloud=cloud.name, region=cloud.region_name)
    return found


def variables_of(cloud: Region, server: Server) -> dict[str, Any]:
    """What Ansible gets under `openstack`: the server as plain data, and where it is."""
    data: dict[str, Any] = plain(server)
    return {**data, "cloud": cloud.name, "region": cloud.region_name or ""}


def groups_of(cloud: Region, server: Server) -> list[str]:
    """By cloud, region, zone, flavor and image, by every metadata pair, and those that `group` and `groups` name there."""
    region, zone = cloud.region_name or "", server.availability_zone
    place = [cloud.name, *([region, f"{cloud.name}_{region}"] if region else [])]
    zones = [zone, f"{region}_{zone}", f"{cloud.name}_{region}_{zone}"] if zone else []
    image = server.image.name or server.image.id if server.image else ""
    made_of = [f"flavor-{server.flavor.name}"] if server.flavor.name else []
    made_of += [f"image-{image}"] if image else []
    asked = f"{server.metadata.get('group', '')},{server.metadata.get('groups', '')}".split(",")
    pairs = [f"meta-{key}_{value}" for key, value in server.metadata.items()]
    names = [*place, *(name.strip() for name in asked), f"instance-{server.id}", *made_of, *pairs, *zones]
    return list(dict.fromkeys(name for name in names if name))


def inventory_of(servers: Iterable[tuple[Region, Server]]) -> dict[str, Any]:
    """The answer to `--list`: groups and their hosts, and every host's variables under `_meta`.

    A host goes by its server's name; by its id where several servers have the name. Servers without an address to reach
    them by are left out.
    """
    reachable = [(cloud, server) for cloud, server in servers if server.interface_ip]
    names = [server.name for _, server in reachable]
    groups: dict[str, set[str]] = {}
    variables: dict[str, Mapping[str, Any]] = {}
    for cloud, server in reachable:
        host = server.name if server.name and names.count(server.name) == 1 else server.id
        variables[host] = {"ansible_host": server.interface_ip, "openstack": variables_of(cloud, server)}
        for group in groups_of(cloud, server):
            groups.setdefault(group, set()).add(host)
    answer: dict[str, Any] = {"_meta": {"hostvars": variables}, "all": {"hosts": sorted(variables)}}
    return answer | {group: {"hosts": sorted(hosts)} for group, hosts in sorted(groups.items()) if group not in answer}
