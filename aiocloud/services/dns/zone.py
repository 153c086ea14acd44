"""Zones and what is in them. API: https://docs.openstack.org/api-ref/dns/dns-api-v2-index.html#zones"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Generic, ParamSpec

from aiocloud.collection import Collection, Creatable, Listing
from aiocloud.model import NullAs, Place, Resource, Spec, Text, Which, Wire
from aiocloud.paths import join

__all__ = [
    "EditRecordset",
    "EditZone",
    "NewRecordset",
    "NewZone",
    "NewZoneShare",
    "Recordset",
    "Zone",
    "ZoneNameserver",
    "ZoneShare",
    "Zones",
]

New = ParamSpec("New")
Edit = ParamSpec("Edit")


class Zone(Resource):
    """A domain name and what is below it; its name ends with a dot. API: https://docs.openstack.org/api-ref/dns/dns-api-v2-index.html#show-a-zone"""

    place: ClassVar[Place] = Place("/zones", many="zones", update="PATCH")

    type: str | None = None
    """PRIMARY or SECONDARY."""
    email: str | None = None
    description: str | None = None
    ttl: int | None = None
    """Seconds."""
    serial: int | None = None
    status: Text = ""
    """PENDING, ACTIVE, ERROR or DELETED."""
    action: str | None = None
    version: int | None = None
    masters: Annotated[list[str], NullAs([])] = []
    attributes: Annotated[dict[str, str], NullAs({})] = {}
    pool_id: str | None = None
    project_id: str | None = None
    is_shared: Annotated[bool | None, Wire("shared", "is_shared")] = None
    transferred_at: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    links: dict[str, Any] = {}


class NewZone(Spec):
    """API: https://docs.openstack.org/api-ref/dns/dns-api-v2-index.html#create-zone"""

    name: str
    type: str | None = None
    email: str | None = None
    description: str | None = None
    ttl: int | None = None
    """Seconds."""
    masters: list[str] | None = None
    attributes: dict[str, str] | None = None


class EditZone(Spec):
    """API: https://docs.openstack.org/api-ref/dns/dns-api-v2-index.html#update-a-zone"""

    email: str | None = None
    description: str | None = None
    ttl: int | None = None
    """Seconds."""
    masters: list[str] | None = None


class Recordset(Resource):
    """All records of one name and type. API: https://docs.openstack.org/api-ref/dns/dns-api-v2-index.html#show-a-recordset"""

    place: ClassVar[Place] = Place("/recordsets", many="recordsets", update="PUT")

    type: Text = ""
    """A, AAAA, CNAME, MX, TXT, ..."""
    records: Annotated[list[str], NullAs([])] = []
    description: str | None = None
    ttl: int | None = None
    """Seconds."""
    status: Text = ""
    action: str | None = None
    version: int | None = None
    zone_id: str | None = None
    zone_name: str | None = None
    project_id: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    links: dict[str, Any] = {}


class NewRecordset(Spec):
    """API: https://docs.openstack.org/api-ref/dns/dns-api-v2-index.html#create-a-recordset"""

    name: str
    type: str
    records: list[str]
    description: str | None = None
    ttl: int | None = None
    """Seconds."""


class EditRecordset(Spec):
    """API: https://docs.openstack.org/api-ref/dns/dns-api-v2-index.html#update-a-recordset"""

    records: list[str] | None = None
    description: str | None = None
    ttl: int | None = None
    """Seconds."""


class ZoneNameserver(Resource):
    """Its name is its hostname. API: https://docs.openstack.org/api-ref/dns/dns-api-v2-index.html#get-the-name-servers-for-a-zone"""

    place: ClassVar[Place] = Place("/nameservers", many="nameservers", by_name="list")

    name: Annotated[Text, Wire("hostname")] = ""
    hostname: Text = ""
    priority: int | None = None


class ZoneShare(Resource):
    """Who else may use a zone. API: https://docs.openstack.org/api-ref/dns/dns-api-v2-index.html#shared-zones"""

    place: ClassVar[Place] = Place("/shares", many="shared_zones", by_name="list")

    zone_id: str | None = None
    project_id: str | None = None
    target_project_id: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    links: dict[str, Any] = {}


class NewZoneShare(Spec):
    """API: https://docs.openstack.org/api-ref/dns/dns-api-v2-index.html#create-shared-zone"""

    target_project_id: str


class Zones(Collection[Zone, New, Edit], Generic[New, Edit]):
    """The zones of a project, and what is in each."""

    def recordsets(self, zone: Which) -> Collection[Recordset, ..., ...]:
        """The recordsets of a zone, given by id."""
        return Collection(self.endpoint.at("zones", self._id(zone)), Recordset, NewRecordset, EditRecordset)

    def nameservers(self, zone: Which) -> Listing[ZoneNameserver]:
        """The name servers of a zone, given by id."""
        return Listing(self.endpoint.at("zones", self._id(zone)), ZoneNameserver)

    def shares(self, zone: Which) -> Creatable[ZoneShare, ...]:
        """With whom a zone, given by id, is shared."""
        return Creatable(self.endpoint.at("zones", self._id(zone)), ZoneShare, NewZoneShare)

    async def abandon(self, zone: Which) -> None:
        """Forget it, leaving it on the name servers. For administrators."""
        await self.endpoint.post(join("zones", await self.id_of(zone), "tasks", "abandon"))

    async def transfer_from_primary(self, zone: Which) -> None:
        """Let a secondary zone be read from its primary now."""
        await self.endpoint.post(join("zones", await self.id_of(zone), "tasks", "xfr"))
