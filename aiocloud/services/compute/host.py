"""What servers run on, and in: aggregates, hypervisors, availability zones, server groups.

API: https://docs.openstack.org/api-ref/compute/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Generic, ParamSpec

from aiocloud._json import load_json
from aiocloud.collection import Collection
from aiocloud.match import matches
from aiocloud.model import NullAs, Place, Resource, Spec, Text, Which, Wire, read_one
from aiocloud.paths import join

__all__ = [
    "Aggregate",
    "Aggregates",
    "AvailabilityZone",
    "EditAggregate",
    "Hypervisor",
    "NewAggregate",
    "NewServerGroup",
    "ServerGroup",
]

New = ParamSpec("New")
Edit = ParamSpec("Edit")


class AvailabilityZone(Resource):
    """API: https://docs.openstack.org/api-ref/compute/#get-availability-zone-information"""

    place: ClassVar[Place] = Place("/os-availability-zone", many="availabilityZoneInfo", by_name="list")

    name: Annotated[Text, Wire("zoneName")] = ""
    state: Annotated[dict[str, Any], Wire("zoneState")] = {}
    hosts: dict[str, Any] | None = None

    @property
    def available(self) -> bool:
        """May servers be placed there?"""
        return bool(self.state.get("available"))


class ServerGroup(Resource):
    """Servers that belong together, or apart. API: https://docs.openstack.org/api-ref/compute/#server-groups-os-server-groups"""

    place: ClassVar[Place] = Place(
        "/os-server-groups", one="server_group", many="server_groups", by_name="list", microversion="2.64"
    )

    policy: str | None = None
    """affinity, anti-affinity, soft-affinity or soft-anti-affinity."""
    policies: list[str] | None = None
    """The same before microversion 2.64, as a list of one."""
    rules: dict[str, Any] | None = None
    members: Annotated[list[str], NullAs([])] = []
    metadata: dict[str, Any] | None = None
    project_id: str | None = None
    user_id: str | None = None


class NewServerGroup(Spec):
    """API: https://docs.openstack.org/api-ref/compute/#create-server-group"""

    name: str
    policy: str | None = None
    policies: list[str] | None = None
    rules: dict[str, Any] | None = None


class Aggregate(Resource):
    """Hosts that belong together. API: https://docs.openstack.org/api-ref/compute/#host-aggregates-os-aggregates"""

    place: ClassVar[Place] = Place(
        "/os-aggregates", one="aggregate", many="aggregates", by_name="list", microversion="2.81"
    )

    uuid: str | None = None
    availability_zone: str | None = None
    hosts: Annotated[list[str], NullAs([])] = []
    metadata: Annotated[dict[str, str], NullAs({})] = {}
    is_deleted: Annotated[bool, Wire("deleted")] = False
    created_at: str | None = None
    updated_at: str | None = None
    deleted_at: str | None = None


class NewAggregate(Spec):
    """API: https://docs.openstack.org/api-ref/compute/#create-aggregate"""

    name: str
    availability_zone: str | None = None


class EditAggregate(Spec):
    """API: https://docs.openstack.org/api-ref/compute/#update-aggregate"""

    name: str | None = None
    availability_zone: str | None = None


class Aggregates(Collection[Aggregate, New, Edit], Generic[New, Edit]):
    """Host aggregates; for administrators."""

    async def add_host(self, aggregate: Which, host: str) -> Aggregate:
        """Put a host into it."""
        return await self._action(aggregate, "add_host", {"host": host})

    async def remove_host(self, aggregate: Which, host: str) -> Aggregate:
        """Take a host out of it."""
        return await self._action(aggregate, "remove_host", {"host": host})

    async def set_metadata(self, aggregate: Which, metadata: dict[str, str | None]) -> Aggregate:
        """Add or change metadata; None removes a key."""
        return await self._action(aggregate, "set_metadata", {"metadata": metadata})

    async def _read_all(self, params: Mapping[str, Any]) -> Sequence[Aggregate]:
        """Nova lists aggregates by nothing, and says nothing of a filter that it does not know: they are compared here."""
        return [found for found in await super()._read_all({}) if matches(found, params)]

    async def _action(self, aggregate: Which, action: str, arguments: dict[str, Any]) -> Aggregate:
        path = join("os-aggregates", (await self.require(aggregate)).id, "action")
        body = load_json((await self.endpoint.post(path, json={action: arguments})).content, path)
        strict = self.endpoint.options.strict
        return read_one(self.resource, body, strict=strict, origin=self.endpoint.location, where=path)


class Hypervisor(Resource):
    """A host that runs servers. API: https://docs.openstack.org/api-ref/compute/#hypervisors-os-hypervisors"""

    place: ClassVar[Place] = Place(
        "/os-hypervisors",
        one="hypervisor",
        many="hypervisors",
        detail="/os-hypervisors/detail",
        by_name="list",
        microversion="2.88",
    )

    name: Annotated[Text, Wire("hypervisor_hostname")] = ""
    hypervisor_type: str | None = None
    hypervisor_version: int | None = None
    host_ip: str | None = None
    state: str | None = None
    status: str | None = None
    uptime: str | None = None
    servers: list[dict[str, Any]] | None = None
    service: dict[str, Any] = {}
