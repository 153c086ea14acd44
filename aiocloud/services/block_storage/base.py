"""What all of Cinder's collections share: looking things up by name.

API: https://docs.openstack.org/api-ref/block-storage/v3/#resource-filters
"""

from __future__ import annotations

from typing import Generic, ParamSpec, TypeVar

from aiocloud.collection import Collection, Creatable, Listing
from aiocloud.errors import BadRequest
from aiocloud.model import Resource

__all__ = ["NamedCollection", "NamedCreatable", "NamedListing"]

R = TypeVar("R", bound=Resource)
New = ParamSpec("New")
Edit = ParamSpec("Edit")


class NamedListing(Listing[R]):
    """Resources that Cinder may find by name, or may not: which filters a user may use is the operator's choice."""

    async def _with_name(self, name: str) -> list[R]:
        try:
            return await self.list(name=name)
        except BadRequest:
            return await self.list()


class NamedCreatable(NamedListing[R], Creatable[R, New], Generic[R, New]):
    """Those that can be made and removed."""


class NamedCollection(NamedListing[R], Collection[R, New, Edit], Generic[R, New, Edit]):
    """Those that can also be changed."""
