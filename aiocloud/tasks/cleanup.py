"""Emptying a project: everything in it, in the order that dependencies ask for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import anyio

from aiocloud.concurrent import concurrently, each_of
from aiocloud.errors import CloudError, Conflict, InvalidRequest, NotFound
from aiocloud.model import Resource
from aiocloud.region import Region
from aiocloud.services.network.router import Router
from aiocloud.tasks.networks import list_router_interfaces, remove_router_interface
from aiocloud.tasks.removal import delete_container, delete_many
from aiocloud.tasks.servers import delete_server
from aiocloud.tasks.volume_copies import delete_volume_backup, delete_volume_snapshot
from aiocloud.tasks.volumes import delete_volume

__all__ = ["Cleaned", "StatusQueue", "project_cleanup"]

_AT_ONCE = 8
_OF_NEUTRON = "network:"  # the device owner of ports that go when what made them goes
_TIMES = ("created_at", "updated_at")
_LEFT_ALONE = ("compute.keypair",)  # never removed, so that it may be skipped, too


@dataclass(frozen=True)
class Cleaned:
    """Something that was removed, or would be (a dry run); or could not be, for `error`."""

    kind: str
    resource: Resource
    error: CloudError | None = None


class StatusQueue(Protocol):
    """Where each resource is put before it is removed: a `queue.Queue`, an `asyncio.Queue`."""

    def put_nowait(self, item: Resource, /) -> object:
        """Take one."""
        ...


Evaluate = Callable[[Resource, Mapping[str, Any] | None, Sequence[Resource]], bool]
Remove = Callable[[Region, Resource, float], Awaitable[object]]


@dataclass(frozen=True)
class _Kind:
    """One kind of resource: how its members are found and removed, and which kinds have to be gone before."""

    name: str
    service: str
    find: Callable[[Region], Awaitable[Sequence[Resource]]]
    remove: Remove
    after: tuple[str, ...] = ()


async def project_cleanup(
    cloud: Region,
    dry_run: bool = True,
    wait_timeout: float = 120,
    status_queue: StatusQueue | None = None,
    filters: Mapping[str, Any] | None = None,
    resource_evaluation_fn: Evaluate | None = None,
    skip_resources: Sequence[str] | None = None,
) -> list[Cleaned]:
    """Remove everything that belongs to the current project in this region; in a dry run, only say what that is.

    `wait_timeout` is how many seconds each thing gets to be gone. `filters` are `created_at` and `updated_at`, as ISO 8601
    writes times (UTC unless they say otherwise): only what is not younger goes. `resource_evaluation_fn(resource, filters,
    found so far)` has the last word on each. `skip_resources` are kinds to leave alone (`compute.server`,
    `network.network`). What can't be removed does not stop the rest: it has an `error`. Keypairs and public or shared
    things of other projects are left alone. Raises InvalidRequest, before anything is removed, for a time that is none and
    for a kind to skip that there is not: it would go with the rest.
    """
    limits = _limits(filters or {})
    _check_kinds(skip_resources or ())
    token = await cloud.session.token()
    project = token.project.id if token.project else None
    kinds = [
        kind for kind in _KINDS if kind.name not in (skip_resources or ()) and await cloud.has_service(kind.service)
    ]
    found: list[Resource] = []

    def is_meant(resource: Resource) -> bool:
        if not _is_ours(resource, project) or not _is_old_enough(resource, limits):
            return False
        return resource_evaluation_fn is None or resource_evaluation_fn(resource, filters, found)

    def told(resource: Resource) -> None:
        found.append(resource)
        if status_queue is not None:
            status_queue.put_nowait(resource)

    work = _Work(cloud, dry_run, wait_timeout, is_meant, told, {kind.name: anyio.Event() for kind in kinds})
    async with concurrently() as tasks:
        for kind in kinds:
            tasks.start_soon(work.clean, kind)
    order = [kind.name for kind in _KINDS]
    return sorted(work.done, key=lambda one: order.index(one.kind))


class _Work:
    """One cleanup: each kind waits for those that hold on to it, then all of its members go at once."""

    def __init__(
        self,
        cloud: Region,
        dry_run: bool,
        timeout: float,
        is_meant: Callable[[Resource], bool],
        tell: Callable[[Resource], None],
        gone: Mapping[str, anyio.Event],
    ) -> None:
        self._cloud = cloud
        self._dry_run = dry_run
        self._timeout = timeout
        self._is_meant = is_meant
        self._tell = tell
        self._gone = gone
        self._limit = anyio.CapacityLimiter(_AT_ONCE)
        self.done: list[Cleaned] = []

    async def clean(self, kind: _Kind) -> None:
        for other in kind.after:
            if other in self._gone and not self._dry_run:
                await self._gone[other].wait()
        async with concurrently() as tasks:
            for resource in await self._found(kind):
                if self._is_meant(resource):
                    self._tell(resource)
                    tasks.start_soon(self._remove, kind, resource)
        self._gone[kind.name].set()

    async def _found(self, kind: _Kind) -> Sequence[Resource]:
        try:
            return await kind.find(self._cloud)
        except NotFound:
            return ()  # a service without this extension
        except CloudError as error:
            self.done.append(Cleaned(kind.name, Resource(name="(their list)"), error))
            return ()

    async def _remove(self, kind: _Kind, resource: Resource) -> None:
        error: CloudError | None = None
        if not self._dry_run:
            async with self._limit:
                try:
                    await kind.remove(self._cloud, resource, self._timeout)
                except CloudError as problem:
                    error = problem
        self.done.append(Cleaned(kind.name, resource, error))


def _is_ours(resource: Resource, project: str | None) -> bool:
    owner = resource.get("project_id") or resource.get("owner")
    return project is None or not owner or owner == project


def _limits(filters: Mapping[str, Any]) -> Mapping[str, Any]:
    """The filters, with times as times."""
    limits = {key: _moment(limit) if key in _TIMES else limit for key, limit in filters.items()}
    for key in _TIMES:
        if key in limits and limits[key] is None:
            raise InvalidRequest(f"{key}: {filters[key]!r} is no time; write 2026-01-31 or 2026-01-31T12:00:00Z")
    return limits


def _check_kinds(names: Sequence[str]) -> None:
    kinds = [kind.name for kind in _KINDS]
    if wrong := [name for name in names if name not in (*kinds, *_LEFT_ALONE)]:
        raise InvalidRequest(f"no kind to skip is called {', '.join(wrong)}; there are {', '.join(kinds)}")


def _is_old_enough(resource: Resource, limits: Mapping[str, Any]) -> bool:
    for key, limit in limits.items():
        value = resource.get(key)
        if key not in _TIMES:
            if value != limit:
                return False
        elif (moment := _moment(value)) is None or moment > limit:
            return False
    return True


def _moment(value: object) -> datetime | None:
    """When that is; None where it says no time. Some services write no zone, and mean UTC."""
    try:
        found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


# How each kind is found and removed


async def _ports(cloud: Region) -> Sequence[Resource]:
    return [port for port in await cloud.network.ports.list() if not port.device_owner.startswith(_OF_NEUTRON)]


async def _groups(cloud: Region) -> Sequence[Resource]:
    return [group for group in await cloud.network.security_groups.list() if group.name != "default"]


async def _images(cloud: Region) -> Sequence[Resource]:
    token = await cloud.session.token()
    return await cloud.image.images.list(owner=token.project.id) if token.project else []


async def _remove_router(cloud: Region, router: Resource, timeout: float) -> None:  # noqa: ARG001
    if isinstance(router, Router) and router.routes:
        await cloud.network.routers.update(router, routes=[])
    for port in await list_router_interfaces(cloud, router, "internal"):
        await remove_router_interface(cloud, router, port_id=port.id)
    await cloud.network.routers.delete(router)


async def _remove_container(cloud: Region, container: Resource, timeout: float) -> None:  # noqa: ARG001
    """With all that is in it, older versions too."""
    containers, objects = cloud.object_store.containers, cloud.object_store.objects(container.name)
    settings = await containers.get(container.name)
    # What is removed would come back as it was before, or leave an older version elsewhere.
    if settings.versions_location:
        await containers.update(container.name, versions_location="")
    if settings.history_location:
        await containers.update(container.name, history_location="")
    names = [(container.name, each.name) async for each in objects.stream()]
    if names:
        await delete_many(cloud, names)
    try:
        await delete_container(cloud, container.name)
    except Conflict:
        versions = [each async for each in objects.stream(versions="")]
        await each_of(versions, lambda each: objects.delete(each, version_id=each.version_id), _AT_ONCE)
        await delete_container(cloud, container.name)


async def _remove_stack(cloud: Region, stack: Resource, timeout: float) -> None:
    await cloud.orchestration.stacks.delete(stack)
    await cloud.orchestration.stacks.wait_until_gone(stack, timeout=timeout)


async def _remove_balancer(cloud: Region, balancer: Resource, timeout: float) -> None:
    await cloud.load_balancer.load_balancers.delete_cascade(balancer)
    await cloud.load_balancer.load_balancers.wait_until_gone(balancer, timeout=timeout)


_KINDS = (
    _Kind("orchestration.stack", "orchestration", lambda c: c.orchestration.stacks.list(), _remove_stack),
    _Kind(
        "load_balancer.load_balancer",
        "load-balancer",
        lambda c: c.load_balancer.load_balancers.list(),
        _remove_balancer,
        after=("orchestration.stack",),
    ),
    _Kind(
        "compute.server",
        "compute",
        lambda c: c.compute.servers.list(),
        lambda c, r, timeout: delete_server(c, r, wait=True, timeout=timeout),
        after=("orchestration.stack",),
    ),
    _Kind(
        "dns.zone",
        "dns",
        lambda c: c.dns.zones.list(),
        lambda c, r, _: c.dns.zones.delete(r),
        after=("orchestration.stack",),
    ),
    _Kind(
        "block_storage.backup",
        "block-storage",
        lambda c: c.block_storage.backups.list(),
        lambda c, r, timeout: delete_volume_backup(c, r, wait=True, timeout=timeout),
    ),
    _Kind(
        "block_storage.snapshot",
        "block-storage",
        lambda c: c.block_storage.snapshots.list(),
        lambda c, r, timeout: delete_volume_snapshot(c, r, wait=True, timeout=timeout),
        after=("compute.server", "block_storage.backup"),
    ),
    _Kind(
        "block_storage.volume",
        "block-storage",
        lambda c: c.block_storage.volumes.list(),
        lambda c, r, timeout: delete_volume(c, r, wait=True, timeout=timeout),
        after=("compute.server", "block_storage.snapshot", "block_storage.backup"),
    ),
    _Kind(
        "image.image",
        "image",
        _images,
        lambda c, r, _: c.image.images.delete(r),
        after=("compute.server", "block_storage.volume"),
    ),
    _Kind(
        "network.floating_ip",
        "network",
        lambda c: c.network.floating_ips.list(),
        lambda c, r, _: c.network.floating_ips.delete(r),
        after=("compute.server", "load_balancer.load_balancer"),
    ),
    _Kind(
        "network.router",
        "network",
        lambda c: c.network.routers.list(),
        _remove_router,
        after=("network.floating_ip",),
    ),
    _Kind(
        "network.port",
        "network",
        _ports,
        lambda c, r, _: c.network.ports.delete(r),
        after=("compute.server", "load_balancer.load_balancer", "network.router"),
    ),
    _Kind(
        "network.network",
        "network",
        lambda c: c.network.networks.list(),
        lambda c, r, _: c.network.networks.delete(r),
        after=("network.port", "network.router"),
    ),
    _Kind(
        "network.security_group",
        "network",
        _groups,
        lambda c, r, _: c.network.security_groups.delete(r),
        after=("network.port",),
    ),
    _Kind(
        "object_store.container",
        "object-store",
        lambda c: c.object_store.containers.list(),
        _remove_container,
    ),
    _Kind(
        "key_manager.secret",
        "key-manager",
        lambda c: c.key_manager.secrets.list(),
        lambda c, r, _: c.key_manager.secrets.delete(r),
        after=("load_balancer.load_balancer",),
    ),
)
"""In the order in which people read them; what has to be gone before is said by each."""
