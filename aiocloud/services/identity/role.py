"""Roles, and who has them where. API: https://docs.openstack.org/api-ref/identity/v3/#roles"""

from __future__ import annotations

from typing import Any, ClassVar, Generic, ParamSpec

from aiocloud.errors import InvalidRequest, NotFound
from aiocloud.model import Place, Resource, Spec, Text, Which
from aiocloud.paths import join
from aiocloud.services.identity.base import InDomain

__all__ = ["EditRole", "NewRole", "Role", "RoleAssignment", "Roles"]

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


class Roles(InDomain[Role, New, Edit], Generic[New, Edit]):
    """The roles of the cloud, and who has them.

    A grant is for one user or group, on one project, one domain or the system; all are given by id. `inherited` means on
    what is below that project or in that domain.
    """

    async def assign(
        self,
        role: Which,
        *,
        user_id: str | None = None,
        group_id: str | None = None,
        project_id: str | None = None,
        domain_id: str | None = None,
        system: bool = False,
        inherited: bool = False,
    ) -> None:
        """Give it to somebody; nothing happens when they have it. API: https://docs.openstack.org/api-ref/identity/v3/#assign-role-to-user-on-project"""
        path = _grant(await self.id_of(role), user_id, group_id, project_id, domain_id, system, inherited)
        await self.endpoint.put(path)

    async def unassign(
        self,
        role: Which,
        *,
        user_id: str | None = None,
        group_id: str | None = None,
        project_id: str | None = None,
        domain_id: str | None = None,
        system: bool = False,
        inherited: bool = False,
    ) -> None:
        """Take it away again. Raises NotFound when they did not have it."""
        path = _grant(await self.id_of(role), user_id, group_id, project_id, domain_id, system, inherited)
        await self.endpoint.delete(path)

    async def is_assigned(
        self,
        role: Which,
        *,
        user_id: str | None = None,
        group_id: str | None = None,
        project_id: str | None = None,
        domain_id: str | None = None,
        system: bool = False,
        inherited: bool = False,
    ) -> bool:
        """Do they have it, by themselves? Roles through groups or from above do not count."""
        path = _grant(await self.id_of(role), user_id, group_id, project_id, domain_id, system, inherited)
        try:
            await self.endpoint.head(path)
        except NotFound:
            return False
        return True


def _grant(
    role_id: str,
    user_id: str | None,
    group_id: str | None,
    project_id: str | None,
    domain_id: str | None,
    system: bool,
    inherited: bool,
) -> str:
    """Where one grant lives. API: https://docs.openstack.org/api-ref/identity/v3/#os-inherit"""
    who = [(kind, id) for kind, id in (("users", user_id), ("groups", group_id)) if id]
    where = [(kind, id) for kind, id in (("projects", project_id), ("domains", domain_id)) if id]
    scopes = [*where, *([("system",)] if system else [])]
    if len(who) != 1:
        raise InvalidRequest("a role is given to one user or one group")
    if len(scopes) != 1:
        raise InvalidRequest("a role is given on one project, one domain or the system")
    path = join(*scopes[0], *who[0], "roles", role_id)
    if not inherited:
        return path
    if system:
        raise InvalidRequest("a role on the system can't be inherited")
    return f"/OS-INHERIT{path}/inherited_to_projects"
