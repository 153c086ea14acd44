"""Roles, and who has them where. API: https://docs.openstack.org/api-ref/identity/v3/#roles"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiocloud.errors import InvalidRequest, NotFound
from aiocloud.match import matches
from aiocloud.model import Which
from aiocloud.poller import wait_for
from aiocloud.region import Region
from aiocloud.services.identity.role import Grant, Role, RoleAssignment
from aiocloud.tasks.lookup import given

__all__ = [
    "create_role",
    "delete_role",
    "get_role",
    "grant_role",
    "list_role_assignments",
    "revoke_role",
    "update_role",
]

_FILTERS = {
    "user": "user.id",
    "group": "group.id",
    "role": "role.id",
    "project": "scope.project.id",
    "domain": "scope.domain.id",
    "system": "scope.system",
    "os_inherit_extension_inherited_to": "scope.OS-INHERIT:inherited_to",
    "inherited_to": "scope.OS-INHERIT:inherited_to",
}


async def create_role(
    cloud: Region, name: str, *, domain_id: str | None = None, description: str | None = None
) -> Role:
    """Make a role, in a domain or for all."""
    return await cloud.identity.roles.create(name=name, **given(domain_id=domain_id, description=description))


async def get_role(
    cloud: Region, name_or_id: Which, filters: Mapping[str, Any] | None = None, domain_id: str | None = None
) -> Role | None:
    """The role with this name or id, or None. One that belongs to a domain is found by name only with `domain_id`."""
    found = await cloud.identity.roles.find_in(name_or_id, domain_id)
    return found if found is not None and matches(found, filters or {}) else None


async def update_role(
    cloud: Region,
    name_or_id: Which,
    name: str,
    *,
    domain_id: str | None = None,
    description: str | None = None,
) -> Role:
    """Rename a role. `domain_id` says where to look for it."""
    roles = cloud.identity.roles
    found = await roles.one_in(name_or_id, domain_id)
    return await roles.update(found, name=name, **given(description=description))


async def delete_role(cloud: Region, name_or_id: Which, *, domain_id: str | None = None) -> bool:
    """Remove a role: True, or False when it was not there."""
    found = await cloud.identity.roles.find_in(name_or_id, domain_id)
    return found is not None and await cloud.identity.roles.delete(found)


async def list_role_assignments(cloud: Region, filters: Mapping[str, Any] | None = None) -> list[RoleAssignment]:
    """Who has which role where.

    `filters` go to the service: `user`, `group`, `role`, `project`, `domain` (ids or resources), `system`, `effective`,
    `include_names`, `include_subtree`, `inherited_to`. Raises InvalidRequest for a user and a group at once, or more than
    one of project, domain and system, which Keystone can't answer.
    """
    wanted = dict(filters or {})
    for names in (("user", "group"), ("project", "domain", "system")):
        given_too = [name for name in names if wanted.get(name)]
        if len(given_too) > 1:
            raise InvalidRequest(f"role assignments can't be asked for by {' and '.join(given_too)} at once")
    query: dict[str, Any] = {}
    for name, value in wanted.items():
        query[_FILTERS.get(name, name)] = value if isinstance(value, (str, bool, int)) else value["id"]
    return await cloud.identity.role_assignments.list(query)


async def grant_role(
    cloud: Region,
    name_or_id: Which,
    user: Which | None = None,
    group: Which | None = None,
    project: Which | None = None,
    domain: Which | None = None,
    system: str | bool | None = None,
    inherited: bool = False,
    wait: bool = False,
    timeout: float = 60,
) -> bool:
    """Give a role to a user or group on a project, a domain or the system: True, or False when they had it already.

    With `domain` beside a project, user or group, names are looked for in that domain. `wait` is until Keystone shows it.
    """
    role, grant = await _grant(cloud, name_or_id, user, group, project, domain, system, inherited)
    roles = cloud.identity.roles
    if await roles.is_assigned(role, **grant):
        return False
    await roles.assign(role, **grant)
    if wait:
        await _until(cloud, role, grant, there=True, timeout=timeout)
    return True


async def revoke_role(
    cloud: Region,
    name_or_id: Which,
    user: Which | None = None,
    group: Which | None = None,
    project: Which | None = None,
    domain: Which | None = None,
    system: str | bool | None = None,
    inherited: bool = False,
    wait: bool = False,
    timeout: float = 60,
) -> bool:
    """Take a role away again: True, or False when they did not have it. Arguments as of `grant_role`."""
    role, grant = await _grant(cloud, name_or_id, user, group, project, domain, system, inherited)
    try:
        await cloud.identity.roles.unassign(role, **grant)
    except NotFound:
        return False
    if wait:
        await _until(cloud, role, grant, there=False, timeout=timeout)
    return True


async def _grant(
    cloud: Region,
    role: Which,
    user: Which | None,
    group: Which | None,
    project: Which | None,
    domain: Which | None,
    system: str | bool | None,
    inherited: bool,
) -> tuple[Role, Grant]:
    identity = cloud.identity
    domain_id = None if domain is None else await identity.domains.id_of(domain)
    found = await identity.roles.find(role) or await identity.roles.find_in(role, domain_id)
    if found is None:
        raise identity.roles.missing(role)
    grant: Grant = {"system": bool(system), "inherited": inherited}
    if user is not None:
        grant["user_id"] = (await identity.users.one_in(user, domain_id)).id
    if group is not None:
        grant["group_id"] = (await identity.groups.one_in(group, domain_id)).id
    if project is not None:
        grant["project_id"] = (await identity.projects.one_in(project, domain_id)).id
    elif domain_id is not None and not system:
        grant["domain_id"] = domain_id
    return found, grant


async def _until(cloud: Region, role: Role, grant: Grant, *, there: bool, timeout: float) -> None:
    await wait_for(
        lambda: cloud.identity.roles.is_assigned(role, **grant),
        lambda assigned: assigned is there,
        what=f"{'granting' if there else 'revoking'} of role {role.name or role.id}",
        timeout=timeout,
    )
