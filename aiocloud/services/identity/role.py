"""Roles, and who has them where. API: https://docs.openstack.org/api-ref/identity/v3/#roles"""

from __future__ import annotations

from typing import Any, ClassVar, Generic, ParamSpec, TypedDict, Unpack

from aiocloud.errors import InvalidRequest, NotFound
from aiocloud.model import Place, Resource, Spec, Text, Which
from aiocloud.paths import join
from aiocloud.services.identity.base import InDomain

__all__ = ["EditRole", "Grant", "NewRole", "Role", "RoleAssignment", "Roles"]

New = ParamSpec("New")
Edit = ParamSpec("Edit")


class Role(Resource):
    """What somebody may do somewhere. API: https://docs.openstack.org/api-ref/identity/v3/#show-role-details"""

    place: ClassVar[Place] = Place("/roles", one="role", many="roles", update="PATCH")

    domain_id: str | None = None
    """None for a role that holds in all domains."""
    description: Text = ""
    options: dict[str, Any] = {}
    links: dict[str, Any] = {}


class NewRole(Spec):
    """API: https://docs.openstack.org/api-ref/identity/v3/#create-role"""

    name: str
    domain_id: str | None = None
    description: str | None = None
    options: dict[str, Any] | None = None


class EditRole(Spec):
    """API: https://docs.openstack.org/api-ref/identity/v3/#update-role"""

    name: str | None = None
    description: str | None = None
    options: dict[str, Any] | None = None


class RoleAssignment(Resource):
    """Who has which role where. API: https://docs.openstack.org/api-ref/identity/v3/#list-role-assignments"""

    place: ClassVar[Place] = Place("/role_assignments", many="role_assignments", by_name="list")

    role: dict[str, Any] = {}
    user: dict[str, Any] | None = None
    group: dict[str, Any] | None = None
    scope: dict[str, Any] = {}
    """`project`, `domain` or `system`, and `OS-INHERIT:inherited_to`."""
    links: dict[str, Any] = {}


class Grant(TypedDict, total=False):
    """Who gets a role, and where: one user or group, on one project, one domain or the system; all by id."""

    user_id: str
    group_id: str
    project_id: str
    domain_id: str
    system: bool
    inherited: bool
    """On what is below that project or in that domain, instead."""


class Roles(InDomain[Role, New, Edit], Generic[New, Edit]):
    """The roles of the cloud, and who has them."""

    async def assign(self, role: Which, **grant: Unpack[Grant]) -> None:
        """Give it to somebody; nothing happens when they have it. API: https://docs.openstack.org/api-ref/identity/v3/#assign-role-to-user-on-project"""
        await self.endpoint.put(_path(await self.id_of(role), grant))

    async def unassign(self, role: Which, **grant: Unpack[Grant]) -> None:
        """Take it away again. Raises NotFound when they did not have it."""
        await self.endpoint.delete(_path(await self.id_of(role), grant))

    async def is_assigned(self, role: Which, **grant: Unpack[Grant]) -> bool:
        """Do they have it, by themselves? Roles through groups or from above do not count."""
        try:
            await self.endpoint.head(_path(await self.id_of(role), grant))
        except NotFound:
            return False
        return True


def _path(role_id: str, grant: Grant) -> str:
    """Where one grant lives. API: https://docs.openstack.org/api-ref/identity/v3/#os-inherit"""
    people = [("users", grant.get("user_id")), ("groups", grant.get("group_id"))]
    places = [("projects", grant.get("project_id")), ("domains", grant.get("domain_id"))]
    who = [(kind, id) for kind, id in people if id]
    where: list[tuple[str, ...]] = [(kind, id) for kind, id in places if id]
    if grant.get("system"):
        where.append(("system",))
    if len(who) != 1:
        raise InvalidRequest("a role is given to one user or one group")
    if len(where) != 1:
        raise InvalidRequest("a role is given on one project, one domain or the system")
    path = join(*where[0], *who[0], "roles", role_id)
    if not grant.get("inherited"):
        return path
    if grant.get("system"):
        raise InvalidRequest("a role on the system can't be inherited")
    return f"/OS-INHERIT{path}/inherited_to_projects"
