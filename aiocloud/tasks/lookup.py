"""Small things that tasks share: one by its id, what was given, a project's id."""

from __future__ import annotations

from typing import Any, TypeVar

from aiocloud.collection import Listing
from aiocloud.errors import NotFound
from aiocloud.model import Resource, Which
from aiocloud.region import Region

__all__ = ["by_id", "given", "project_id_of"]

R = TypeVar("R", bound=Resource)


async def by_id(listing: Listing[R], id: str) -> R | None:
    """The one with this id, or None."""
    try:
        return await listing.get(id)
    except NotFound:
        return None


def given(**arguments: Any) -> dict[str, Any]:
    """The arguments that are not None: what the service decides is not sent."""
    return {name: value for name, value in arguments.items() if value is not None}


async def project_id_of(cloud: Region, name_or_id: Which) -> str:
    """The id of a project; the login's own project is known without asking, others by name need an administrator."""
    if isinstance(name_or_id, str):
        own = (await cloud.session.token()).project
        if own is not None and own.id and name_or_id in (own.id, own.name):
            return own.id
    return await cloud.identity.projects.id_of(name_or_id)
