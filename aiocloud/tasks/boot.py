"""What a server boots from and with: names looked up all at once, then a request for Nova, computed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from aiocloud._json import is_object
from aiocloud.collection import Listing
from aiocloud.concurrent import concurrently
from aiocloud.errors import ConfigError, InvalidRequest
from aiocloud.match import can_be_id
from aiocloud.model import Resource, Value, Which, build
from aiocloud.region import Region
from aiocloud.services.compute.server import NewServer
from aiocloud.tasks.facts import together

__all__ = ["Boot", "Found", "look_up", "new_server"]

T = TypeVar("T")
R = TypeVar("R", bound=Resource)
Nics = Sequence[Mapping[str, Any]] | Mapping[str, Any] | None


@dataclass(frozen=True)
class Boot:
    """What was asked for, as it was named."""

    name: str
    image: Which | None = None
    flavor: Which | None = None
    network: Which | Sequence[Which] | None = None
    nics: Nics = None
    group: Which | None = None
    key_name: Which | None = None
    security_groups: Sequence[Which] | Which | None = None
    userdata: str | None = None
    config_drive: bool | None = None
    meta: Mapping[str, str] | None = None
    tags: Sequence[str] | None = None
    availability_zone: str | None = None
    min_count: int | None = None
    max_count: int | None = None
    admin_pass: str | None = None
    disk_config: str | None = None
    description: str | None = None
    hostname: str | None = None
    scheduler_hints: Mapping[str, Any] | None = None
    block_device_mapping: Sequence[Mapping[str, Any]] | None = None
    boot_from_volume: bool = False
    volume_size: int = 50
    boot_volume: Which | None = None
    terminate_volume: bool = False
    volumes: Sequence[Which] = ()
    extra_body: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Found:
    """The ids of what was named."""

    flavor: str
    image: str | None
    networks: tuple[Mapping[str, Any], ...] | None
    """As Nova takes them; None: let Nova choose."""
    group: str | None = None
    boot_volume: str | None = None
    volumes: tuple[str, ...] = ()


async def look_up(cloud: Region, boot: Boot) -> Found:
    """The ids of everything that is named, looked up at once. Raises InvalidRequest for what is not there."""
    if boot.flavor is None:
        raise InvalidRequest("a server needs a flavor: pass flavor=", cloud=cloud.name, region=cloud.region_name)
    if boot.image is None and boot.boot_volume is None and not boot.block_device_mapping:
        raise InvalidRequest(
            "a server needs something to boot from: pass image= or boot_volume=",
            cloud=cloud.name,
            region=cloud.region_name,
        )
    compute = cloud.compute
    looked: dict[str, Any] = {"volumes": {}}

    async def keep(key: str, find: Callable[[], Awaitable[Any]]) -> None:
        looked[key] = await find()

    async def keep_volume(which: Which, nth: int) -> None:
        looked["volumes"][nth] = await id_of(cloud, cloud.block_storage.volumes, which)

    flavor = boot.flavor
    async with concurrently() as group:
        group.start_soon(keep, "flavor", lambda: flavor_id(cloud, flavor))
        if boot.image is not None and boot.boot_volume is None:
            image = boot.image
            group.start_soon(keep, "image", lambda: id_of(cloud, cloud.image.images, image))
        if boot.group is not None:
            server_group = boot.group
            group.start_soon(keep, "group", lambda: id_of(cloud, compute.server_groups, server_group))
        if boot.boot_volume is not None:
            volume = boot.boot_volume
            group.start_soon(keep, "boot_volume", lambda: cloud.block_storage.volumes.id_of(volume))
        for nth, which in enumerate(boot.volumes):
            group.start_soon(keep_volume, which, nth)
        group.start_soon(keep, "networks", lambda: _networks(cloud, boot))
    volumes = tuple(looked["volumes"][nth] for nth in range(len(boot.volumes)))
    return Found(
        looked["flavor"],
        looked.get("image"),
        looked["networks"],
        looked.get("group"),
        looked.get("boot_volume"),
        volumes,
    )


async def id_of(cloud: Region, things: Listing[R], which: Which) -> str:
    """The id of what is named; servers that are made at the same time ask for the same name once."""
    if not isinstance(which, str) or can_be_id(which):
        return await things.id_of(which)
    found = await together(cloud, (things.kind, which), lambda: things.find(which))
    if found is None:
        raise things.missing(which)
    return found.id


async def flavor_id(cloud: Region, flavor: Which) -> str:
    """A flavor's id. Any text can be one, so a text is looked for in the list, as id or name; an id given so is taken."""
    if isinstance(flavor, str):
        found = await together(cloud, ("flavor", flavor), lambda: cloud.compute.flavors.find(flavor))
        if found is None:
            raise cloud.compute.flavors.missing(flavor)
        return found.id
    return await cloud.compute.flavors.id_of(flavor)


async def _networks(cloud: Region, boot: Boot) -> tuple[Mapping[str, Any], ...] | None:
    """The networks to attach to: as asked for, else the one that clouds.yaml calls the default, else Nova chooses."""
    if boot.nics is not None:
        nics: Sequence[Any] = [boot.nics] if is_object(boot.nics) else list(boot.nics)
        return tuple([await _nic(cloud, nic) for nic in nics])
    if boot.network is not None:
        given = boot.network
        wanted = [given] if isinstance(given, (str, Value)) or is_object(given) else list(given)
        return tuple([{"uuid": await id_of(cloud, cloud.network.networks, which)} for which in wanted])
    default = next((hint for hint in cloud.config.networks if hint.default_interface), None)
    if default is None or not await cloud.has_service("network"):
        return None
    name = default.id or default.name or ""
    found = await together(cloud, ("network", name), lambda: cloud.network.networks.find(name))
    if found is None:
        raise ConfigError(
            f"clouds.yaml marks {name!r} as the default interface, but this cloud has no such network",
            key="networks",
            cloud=cloud.name,
            region=cloud.region_name,
        )
    return ({"uuid": found.id},)


_FIXED = ("v4-fixed-ip", "v6-fixed-ip", "fixed_ip")


async def _nic(cloud: Region, nic: Mapping[str, Any]) -> dict[str, Any]:
    """One network interface, in the words of clients (`net-id`, `net-name`, `port-id`, `v4-fixed-ip`), for Nova."""
    known = {"net-id", "net-name", "port", "port-id", "uuid", "tag", *_FIXED}
    odd = set(nic) - known
    if odd:
        raise InvalidRequest(f"a nic can't have {', '.join(sorted(odd))}: it takes {', '.join(sorted(known))}")
    fixed = [nic[key] for key in _FIXED if nic.get(key)]
    if len(fixed) > 1:
        raise InvalidRequest(f"a nic has one fixed address, not {len(fixed)}")
    made: dict[str, Any] = {}
    if nic.get("port-id") or nic.get("port"):
        made["port"] = nic.get("port-id") or nic["port"]
    elif nic.get("net-id") or nic.get("uuid"):
        made["uuid"] = nic.get("net-id") or nic["uuid"]
    elif nic.get("net-name"):
        made["uuid"] = (await cloud.network.networks.require(str(nic["net-name"]))).id
    else:
        raise InvalidRequest("a nic names a network (net-id, net-name) or a port (port-id)")
    return {**made, **({"fixed_ip": fixed[0]} if fixed else {}), **({"tag": nic["tag"]} if nic.get("tag") else {})}


def new_server(boot: Boot, found: Found) -> NewServer:
    """The request for Nova. Pure."""
    devices = _devices(boot, found)
    hints = {**(boot.scheduler_hints or {}), **({"group": found.group} if found.group else {})}
    given: dict[str, Any] = {
        "flavor": found.flavor,
        "image": "" if found.boot_volume or boot.boot_from_volume or not found.image else found.image,
        "networks": [dict(network) for network in found.networks] if found.networks is not None else "auto",
        "block_device_mapping": devices or None,
        "security_groups": _security_groups(boot.security_groups),
        "key_name": _name_of(boot.key_name) if boot.key_name is not None else None,
        "metadata": dict(boot.meta) if boot.meta else None,
        "tags": list(boot.tags) if boot.tags else None,
        "user_data": boot.userdata,
        "config_drive": boot.config_drive,
        "availability_zone": boot.availability_zone,
        "min_count": boot.min_count,
        "max_count": boot.max_count,
        "admin_pass": boot.admin_pass,
        "disk_config": boot.disk_config,
        "description": boot.description,
        "hostname": boot.hostname,
        "scheduler_hints": hints or None,
        "extra_body": dict(boot.extra_body) if boot.extra_body else None,
    }
    return build(NewServer, name=boot.name, **{key: value for key, value in given.items() if value is not None})


def _devices(boot: Boot, found: Found) -> list[dict[str, Any]]:
    """What it boots from and the volumes beside it.

    API: https://docs.openstack.org/api-ref/compute/#create-server (block_device_mapping_v2)
    """
    if boot.block_device_mapping is not None:
        return [dict(device) for device in boot.block_device_mapping]
    ends = boot.terminate_volume
    devices: list[dict[str, Any]] = []
    if found.boot_volume:
        devices.append(_device(found.boot_volume, "volume", "volume", boot_index=0, ends=ends))
    elif boot.boot_from_volume and found.image:
        first = _device(found.image, "image", "volume", boot_index=0, ends=ends)
        devices.append({**first, "volume_size": boot.volume_size})
    elif found.volumes and found.image:
        devices.append(_device(found.image, "image", "local", boot_index=0, ends=True))
    return devices + [_device(volume, "volume", "volume", boot_index=-1, ends=False) for volume in found.volumes]


def _device(uuid: str, source: str, destination: str, *, boot_index: int, ends: bool) -> dict[str, Any]:
    return {
        "uuid": uuid,
        "source_type": source,
        "destination_type": destination,
        "boot_index": boot_index,
        "delete_on_termination": ends,
    }


def _security_groups(groups: Sequence[Which] | Which | None) -> list[dict[str, str]] | None:
    if groups is None:
        return None
    many: Sequence[Any] = [groups] if isinstance(groups, (str, Value)) or is_object(groups) else list(groups)
    return [{"name": _name_of(group)} for group in many]


def _name_of(which: Which) -> str:
    """Nova takes security groups and keypairs by name; an id does for groups, too."""
    name = which if isinstance(which, str) else which.get("name") or which.get("id")
    if not name:
        raise InvalidRequest(f"{which!r} has neither a name nor an id")
    return str(name)
