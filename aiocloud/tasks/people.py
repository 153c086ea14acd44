"""Domains, projects, users and groups. API: https://docs.openstack.org/api-ref/identity/v3/"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiocloud.errors import InvalidRequest, NotFound
from aiocloud.match import matches
from aiocloud.model import Which
from aiocloud.region import Region
from aiocloud.services.identity.project import Domain, Project
from aiocloud.services.identity.user import Group, User
from aiocloud.tasks.lookup import by_id, given

__all__ = [
    "add_user_to_group",
    "create_domain",
    "create_group",
    "create_project",
    "create_user",
    "delete_domain",
    "delete_project",
    "delete_user",
    "get_domain",
    "get_group",
    "get_project",
    "get_user",
    "get_user_by_id",
    "is_user_in_group",
    "list_projects",
    "remove_user_from_group",
    "search_domains",
    "update_domain",
    "update_group",
    "update_project",
    "update_user",
]


async def create_domain(cloud: Region, name: str, description: str | None = None, enabled: bool = True) -> Domain:
    """Make a domain."""
    return await cloud.identity.domains.create(name=name, enabled=enabled, **given(description=description))


async def get_domain(
    cloud: Region,
    domain_id: str | None = None,
    name_or_id: Which | None = None,
    filters: Mapping[str, Any] | None = None,
) -> Domain | None:
    """The domain with this id, or with this name or id, or None."""
    if domain_id is not None:
        return await by_id(cloud.identity.domains, domain_id)
    return await cloud.identity.domains.find(_one_of(domain_id, name_or_id), filters)


async def search_domains(
    cloud: Region, filters: Mapping[str, Any] | None = None, name_or_id: str | None = None
) -> list[Domain]:
    """The domains with this name, id or shell pattern, and for which all filters hold."""
    return await cloud.identity.domains.search(name_or_id, filters)


async def update_domain(
    cloud: Region,
    domain_id: str | None = None,
    name: str | None = None,
    description: str | None = None,
    enabled: bool | None = None,
    name_or_id: Which | None = None,
) -> Domain:
    """Change a domain, given by `domain_id` or `name_or_id`; what is not given stays as it is."""
    which = await _domain_id(cloud, domain_id, name_or_id)
    wanted = given(name=name, description=description, enabled=enabled)
    return await cloud.identity.domains.update({"id": which}, **wanted)


async def delete_domain(cloud: Region, domain_id: str | None = None, name_or_id: Which | None = None) -> bool:
    """Remove a domain with all that is in it: True, or False when it was not there.

    Keystone removes only what is not enabled, so it is switched off first.
    """
    domains = cloud.identity.domains
    found = await domains.find(_one_of(domain_id, name_or_id))
    if found is None:
        return False
    try:
        if found.is_enabled:
            await domains.update(found, enabled=False)
        return await domains.delete(found)
    except NotFound:
        return False


def _one_of(domain_id: str | None, name_or_id: Which | None) -> Which:
    which = domain_id if domain_id is not None else name_or_id
    if which is None:
        raise InvalidRequest("a domain is named by domain_id or name_or_id")
    return which


async def _domain_id(cloud: Region, domain_id: str | None, name_or_id: Which | None) -> str:
    return domain_id or await cloud.identity.domains.id_of(_one_of(domain_id, name_or_id))


async def create_project(
    cloud: Region,
    name: str,
    domain_id: str | None = None,
    description: str | None = None,
    enabled: bool = True,
    *,
    parent_id: str | None = None,
    is_domain: bool | None = None,
    tags: list[str] | None = None,
    options: dict[str, Any] | None = None,
    extra_body: dict[str, Any] | None = None,
) -> Project:
    """Make a project, in the login's own domain unless one is named."""
    wanted = given(
        domain_id=domain_id,
        description=description,
        parent_id=parent_id,
        is_domain=is_domain,
        tags=tags,
        options=options,
        extra_body=extra_body,
    )
    return await cloud.identity.projects.create(name=name, enabled=enabled, **wanted)


async def get_project(
    cloud: Region, name_or_id: Which, filters: Mapping[str, Any] | None = None, domain_id: str | None = None
) -> Project | None:
    """The project with this name or id, in a domain where one is given, or None. Raises Ambiguous."""
    found = await cloud.identity.projects.find_in(name_or_id, domain_id)
    return found if found is not None and matches(found, filters or {}) else None


async def list_projects(
    cloud: Region,
    domain_id: str | None = None,
    name_or_id: str | None = None,
    filters: Mapping[str, Any] | None = None,
) -> list[Project]:
    """All projects, or those of a domain, with this name or id, and for which all filters hold. For administrators."""
    return await cloud.identity.projects.search(name_or_id, filters, **given(domain_id=domain_id))


async def update_project(
    cloud: Region,
    name_or_id: Which,
    enabled: bool | None = None,
    domain_id: str | None = None,
    *,
    name: str | None = None,
    description: str | None = None,
    tags: list[str] | None = None,
    options: dict[str, Any] | None = None,
    extra_body: dict[str, Any] | None = None,
) -> Project:
    """Change a project; what is not given stays as it is. `domain_id` says where to look for its name."""
    projects = cloud.identity.projects
    found = await projects.one_in(name_or_id, domain_id)
    wanted = given(
        enabled=enabled, name=name, description=description, tags=tags, options=options, extra_body=extra_body
    )
    return await projects.update(found, **wanted)


async def delete_project(cloud: Region, name_or_id: Which, domain_id: str | None = None) -> bool:
    """Remove a project: True, or False when it was not there."""
    found = await cloud.identity.projects.find_in(name_or_id, domain_id)
    return found is not None and await cloud.identity.projects.delete(found)


async def create_user(
    cloud: Region,
    name: str,
    password: str | None = None,
    email: str | None = None,
    default_project: Which | None = None,
    enabled: bool = True,
    domain_id: str | None = None,
    description: str | None = None,
) -> User:
    """Make a user, in the login's own domain unless one is named. Without a password nobody can log in by one."""
    project = None if default_project is None else await _project_id(cloud, default_project, domain_id)
    wanted = given(
        password=password, email=email, default_project_id=project, domain_id=domain_id, description=description
    )
    return await cloud.identity.users.create(name=name, enabled=enabled, **wanted)


async def _project_id(cloud: Region, which: Which, domain_id: str | None) -> str:
    found = await cloud.identity.projects.one_in(which, domain_id)
    return found.id


async def get_user(
    cloud: Region, name_or_id: Which, filters: Mapping[str, Any] | None = None, domain_id: str | None = None
) -> User | None:
    """The user with this name or id, in a domain where one is given, or None. Raises Ambiguous."""
    found = await cloud.identity.users.find_in(name_or_id, domain_id)
    return found if found is not None and matches(found, filters or {}) else None


async def get_user_by_id(cloud: Region, user_id: str, normalize: bool | None = None) -> User | None:  # noqa: ARG001
    """The user with this id, or None. `normalize` is there for scripts that pass it."""
    return await by_id(cloud.identity.users, user_id)


async def update_user(
    cloud: Region,
    name_or_id: Which,
    *,
    domain_id: str | None = None,
    name: str | None = None,
    password: str | None = None,
    email: str | None = None,
    default_project: Which | None = None,
    enabled: bool | None = None,
    description: str | None = None,
    options: dict[str, Any] | None = None,
    extra_body: dict[str, Any] | None = None,
) -> User:
    """Change a user; what is not given stays as it is. `domain_id` says where to look for the names."""
    users = cloud.identity.users
    found = await users.one_in(name_or_id, domain_id)
    project = None if default_project is None else await _project_id(cloud, default_project, domain_id)
    wanted = given(
        name=name,
        password=password,
        email=email,
        default_project_id=project,
        enabled=enabled,
        description=description,
        options=options,
        extra_body=extra_body,
    )
    return await users.update(found, **wanted)


async def delete_user(cloud: Region, name_or_id: Which, *, domain_id: str | None = None) -> bool:
    """Remove a user: True, or False when there was none."""
    found = await cloud.identity.users.find_in(name_or_id, domain_id)
    return found is not None and await cloud.identity.users.delete(found)


async def create_group(cloud: Region, name: str, description: str = "", domain: Which | None = None) -> Group:
    """Make a group, in the login's own domain unless one is given."""
    domain_id = None if domain is None else await cloud.identity.domains.id_of(domain)
    return await cloud.identity.groups.create(name=name, description=description, **given(domain_id=domain_id))


async def get_group(
    cloud: Region, name_or_id: Which, filters: Mapping[str, Any] | None = None, domain_id: str | None = None
) -> Group | None:
    """The group with this name or id, in a domain where one is given, or None. Raises Ambiguous."""
    found = await cloud.identity.groups.find_in(name_or_id, domain_id)
    return found if found is not None and matches(found, filters or {}) else None


async def update_group(
    cloud: Region,
    name_or_id: Which,
    name: str | None = None,
    description: str | None = None,
    *,
    extra_body: dict[str, Any] | None = None,
) -> Group:
    """Change a group; what is not given stays as it is."""
    wanted = given(name=name, description=description, extra_body=extra_body)
    return await cloud.identity.groups.update(name_or_id, **wanted)


async def add_user_to_group(cloud: Region, name_or_id: Which, group_name_or_id: Which) -> None:
    """Put a user into a group; nothing happens when they are in it."""
    user_id = await cloud.identity.users.id_of(name_or_id)
    await cloud.identity.groups.add_user(group_name_or_id, user_id)


async def remove_user_from_group(cloud: Region, name_or_id: Which, group_name_or_id: Which) -> None:
    """Take a user out of a group. Raises NotFound when they are not in it."""
    user_id = await cloud.identity.users.id_of(name_or_id)
    await cloud.identity.groups.remove_user(group_name_or_id, user_id)


async def is_user_in_group(cloud: Region, name_or_id: Which, group_name_or_id: Which) -> bool:
    """Is the user in the group?"""
    user_id = await cloud.identity.users.id_of(name_or_id)
    return await cloud.identity.groups.has_user(group_name_or_id, user_id)
