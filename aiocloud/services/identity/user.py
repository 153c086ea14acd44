"""Users and groups. API: https://docs.openstack.org/api-ref/identity/v3/#users"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Generic, ParamSpec

from pydantic import Field

from aiocloud.collection import Creatable, Listing
from aiocloud.errors import NotFound
from aiocloud.model import NullAs, Place, Resource, Spec, Text, Which, Wire
from aiocloud.paths import join
from aiocloud.services.identity.base import InDomain
from aiocloud.services.identity.credential import AccessRule, ApplicationCredential, NewApplicationCredential
from aiocloud.services.identity.project import Project

__all__ = ["EditGroup", "EditUser", "Group", "Groups", "NewGroup", "NewUser", "User", "Users"]

New = ParamSpec("New")
Edit = ParamSpec("Edit")


class User(Resource):
    """Who logs in. API: https://docs.openstack.org/api-ref/identity/v3/#show-user-details"""

    place: ClassVar[Place] = Place("/users", one="user", many="users", update="PATCH")

    domain_id: str | None = None
    default_project_id: str | None = None
    email: str | None = None
    description: Text = ""
    is_enabled: Annotated[bool, Wire("enabled"), NullAs(True)] = True
    password_expires_at: str | None = None
    federated: list[dict[str, Any]] | None = None
    options: dict[str, Any] = {}
    links: dict[str, Any] = {}


class NewUser(Spec):
    """API: https://docs.openstack.org/api-ref/identity/v3/#create-user"""

    name: str
    password: Annotated[str | None, Field(repr=False)] = None
    domain_id: str | None = None
    default_project_id: str | None = None
    email: str | None = None
    description: str | None = None
    enabled: bool | None = None
    federated: list[dict[str, Any]] | None = None
    options: dict[str, Any] | None = None


class EditUser(Spec):
    """API: https://docs.openstack.org/api-ref/identity/v3/#update-user"""

    name: str | None = None
    password: Annotated[str | None, Field(repr=False)] = None
    default_project_id: str | None = None
    email: str | None = None
    description: str | None = None
    enabled: bool | None = None
    federated: list[dict[str, Any]] | None = None
    options: dict[str, Any] | None = None


class Group(Resource):
    """Users with the same roles. API: https://docs.openstack.org/api-ref/identity/v3/#show-group-details"""

    place: ClassVar[Place] = Place("/groups", one="group", many="groups", update="PATCH")

    domain_id: str | None = None
    description: Text = ""
    links: dict[str, Any] = {}


class NewGroup(Spec):
    """API: https://docs.openstack.org/api-ref/identity/v3/#create-group"""

    name: str
    description: str | None = None
    domain_id: str | None = None


class EditGroup(Spec):
    """API: https://docs.openstack.org/api-ref/identity/v3/#update-group"""

    name: str | None = None
    description: str | None = None


class Users(InDomain[User, New, Edit], Generic[New, Edit]):
    """The users of the cloud, and what belongs to one."""

    def groups(self, user: Which) -> Listing[Group]:
        """The groups that a user, given by id, is in."""
        return Listing(self.endpoint.at("users", self._id(user)), Group)

    def projects(self, user: Which) -> Listing[Project]:
        """The projects that a user, given by id, has a role in."""
        return Listing(self.endpoint.at("users", self._id(user)), Project)

    def application_credentials(self, user: Which) -> Creatable[ApplicationCredential, ...]:
        """The application credentials of a user, given by id."""
        return Creatable(self.endpoint.at("users", self._id(user)), ApplicationCredential, NewApplicationCredential)

    def access_rules(self, user: Which) -> Listing[AccessRule]:
        """The access rules of a user, given by id."""
        return Listing(self.endpoint.at("users", self._id(user)), AccessRule)


class Groups(InDomain[Group, New, Edit], Generic[New, Edit]):
    """The groups of the cloud, and who is in one."""

    def users(self, group: Which) -> Listing[User]:
        """The users in a group, given by id."""
        return Listing(self.endpoint.at("groups", self._id(group)), User)

    async def add_user(self, group: Which, user_id: str) -> None:
        """Put a user, given by id, into it. API: https://docs.openstack.org/api-ref/identity/v3/#add-user-to-group"""
        await self.endpoint.put(join("groups", await self.id_of(group), "users", user_id))

    async def remove_user(self, group: Which, user_id: str) -> None:
        """Take a user, given by id, out of it. API: https://docs.openstack.org/api-ref/identity/v3/#remove-user-from-group"""
        await self.endpoint.delete(join("groups", await self.id_of(group), "users", user_id))

    async def has_user(self, group: Which, user_id: str) -> bool:
        """Is this user, given by id, in it? API: https://docs.openstack.org/api-ref/identity/v3/#check-whether-user-belongs-to-group"""
        try:
            await self.endpoint.head(join("groups", await self.id_of(group), "users", user_id))
        except NotFound:
            return False
        return True
