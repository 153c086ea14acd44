"""Database instances, and what is in them. API: https://docs.openstack.org/api-ref/database/"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Generic, ParamSpec

from pydantic import Field

from aiocloud.collection import Collection, Listing
from aiocloud.endpoint import Endpoint
from aiocloud.model import NullAs, Place, Resource, Spec, Text, Which, Wire
from aiocloud.paths import join
from aiocloud.services.base import ServiceProxy

New = ParamSpec("New")
Edit = ParamSpec("Edit")


class Instance(Resource):
    """A server with a database. API: https://docs.openstack.org/api-ref/database/#show-database-instance-details"""

    place: ClassVar[Place] = Place("/instances", one="instance", many="instances", by_name="list")

    status: Text = ""
    operating_status: str | None = None
    flavor: dict[str, Any] = {}
    volume: dict[str, Any] | None = None
    datastore: Annotated[dict[str, Any], NullAs({})] = {}
    region: str | None = None
    hostname: str | None = None
    addresses: Annotated[list[dict[str, Any]], NullAs([])] = []
    ip: list[str] | None = None
    access: dict[str, Any] | None = None
    created_at: Annotated[str | None, Wire("created")] = None
    updated_at: Annotated[str | None, Wire("updated")] = None
    links: list[dict[str, Any]] = []


class NewInstance(Spec):
    """API: https://docs.openstack.org/api-ref/database/#create-database-instance"""

    name: str
    flavor_ref: Annotated[str, Wire("flavorRef")]
    volume: dict[str, Any] | None = None
    datastore: dict[str, Any] | None = None
    databases: list[dict[str, Any]] | None = None
    users: Annotated[list[dict[str, Any]] | None, Field(repr=False)] = None
    nics: list[dict[str, Any]] | None = None
    availability_zone: str | None = None
    locality: str | None = None
    replica_of: str | None = None
    replica_count: int | None = None
    configuration: str | None = None
    access: dict[str, Any] | None = None
    region_name: str | None = None


class EditInstance(Spec):
    """API: https://docs.openstack.org/api-ref/database/#update-instance-name"""

    name: str | None = None
    configuration: str | None = None
    access: dict[str, Any] | None = None


class Database(Resource):
    """Its name is its id. API: https://docs.openstack.org/api-ref/database/#list-instance-databases"""

    place: ClassVar[Place] = Place("/databases", many="databases", by_name="list")

    id: Annotated[Text, Wire("name")] = ""
    name: Text = ""
    character_set: str | None = None
    collate: str | None = None


class NewDatabase(Spec):
    """API: https://docs.openstack.org/api-ref/database/#create-database"""

    name: str
    character_set: str | None = None
    collate: str | None = None


class User(Resource):
    """Its name is its id. API: https://docs.openstack.org/api-ref/database/#list-database-instance-users"""

    place: ClassVar[Place] = Place("/users", many="users", by_name="id")

    id: Annotated[Text, Wire("name")] = ""
    name: Text = ""
    host: str | None = None
    databases: Annotated[list[dict[str, Any]], NullAs([])] = []


class NewUser(Spec):
    """API: https://docs.openstack.org/api-ref/database/#create-user"""

    name: str
    password: Annotated[str, Field(repr=False)]
    databases: list[dict[str, str]] | None = None
    host: str | None = None


class Flavor(Resource):
    """API: https://docs.openstack.org/api-ref/database/#flavors"""

    place: ClassVar[Place] = Place("/flavors", one="flavor", many="flavors", by_name="list")

    ram: int | None = None
    """MiB."""
    vcpus: int | None = None
    disk: int | None = None
    """GiB."""
    links: list[dict[str, Any]] = []


class Instances(Collection[Instance, New, Edit], Generic[New, Edit]):
    """The database instances of a project, and what is in each."""

    def databases(self, instance: Which) -> Listing[Database]:
        """The databases of an instance, given by id."""
        return Listing(self.endpoint.at("instances", self._id(instance)), Database)

    def users(self, instance: Which) -> Listing[User]:
        """The users of an instance, given by id."""
        return Listing(self.endpoint.at("instances", self._id(instance)), User)

    async def create_databases(self, instance: Which, *databases: NewDatabase) -> None:
        """Make databases. API: https://docs.openstack.org/api-ref/database/#create-database"""
        body = {"databases": [database.body() for database in databases]}
        await self.endpoint.post(join("instances", self._id(instance), "databases"), json=body)

    async def delete_database(self, instance: Which, name: str) -> None:
        """Remove a database. Raises NotFound when it is not there."""
        await self.endpoint.delete(join("instances", self._id(instance), "databases", name))

    async def create_users(self, instance: Which, *users: NewUser) -> None:
        """Make users. API: https://docs.openstack.org/api-ref/database/#create-user"""
        body = {"users": [user.body() for user in users]}
        await self.endpoint.post(join("instances", self._id(instance), "users"), json=body)

    async def delete_user(self, instance: Which, name: str) -> None:
        """Remove a user. Raises NotFound when they are not there."""
        await self.endpoint.delete(join("instances", self._id(instance), "users", name))

    async def restart(self, instance: Which) -> None:
        """Restart the database. API: https://docs.openstack.org/api-ref/database/#restart-instance"""
        await self.endpoint.post(join("instances", self._id(instance), "action"), json={"restart": {}})


class DatabaseService(ServiceProxy):
    """Databases that are looked after."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.instances = Instances(endpoint, Instance, NewInstance, EditInstance)
        self.flavors = Listing(endpoint, Flavor)
