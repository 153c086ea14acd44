"""Unified limits. API: https://docs.openstack.org/api-ref/identity/v3/#unified-limits

Limits are made and changed many at once there: these make one, in a list of one.
"""

from __future__ import annotations

from typing import Any, ClassVar, Generic, ParamSpec, TypeVar

from aiocloud._json import load_json, mapping, mappings
from aiocloud.collection import Collection
from aiocloud.errors import NormalizationError
from aiocloud.model import Place, Resource, Spec, read_one

__all__ = ["EditLimit", "EditRegisteredLimit", "Limit", "Limits", "NewLimit", "NewRegisteredLimit", "RegisteredLimit"]

R = TypeVar("R", bound=Resource)
New = ParamSpec("New")
Edit = ParamSpec("Edit")


class RegisteredLimit(Resource):
    """A default that holds for every project. API: https://docs.openstack.org/api-ref/identity/v3/#show-registered-limit-details"""

    place: ClassVar[Place] = Place(
        "/registered_limits", one="registered_limit", many="registered_limits", by_name="list", update="PATCH"
    )

    resource_name: str | None = None
    default_limit: int | None = None
    service_id: str | None = None
    region_id: str | None = None
    description: str | None = None
    links: dict[str, Any] = {}


class NewRegisteredLimit(Spec):
    """API: https://docs.openstack.org/api-ref/identity/v3/#create-registered-limits"""

    service_id: str
    resource_name: str
    default_limit: int
    region_id: str | None = None
    description: str | None = None


class EditRegisteredLimit(Spec):
    """API: https://docs.openstack.org/api-ref/identity/v3/#update-registered-limit"""

    service_id: str | None = None
    resource_name: str | None = None
    default_limit: int | None = None
    region_id: str | None = None
    description: str | None = None


class Limit(Resource):
    """What holds for one project or domain instead. API: https://docs.openstack.org/api-ref/identity/v3/#show-limit-details"""

    place: ClassVar[Place] = Place("/limits", one="limit", many="limits", by_name="list", update="PATCH")

    resource_name: str | None = None
    resource_limit: int | None = None
    project_id: str | None = None
    domain_id: str | None = None
    service_id: str | None = None
    region_id: str | None = None
    description: str | None = None
    links: dict[str, Any] = {}


class NewLimit(Spec):
    """API: https://docs.openstack.org/api-ref/identity/v3/#create-limits"""

    service_id: str
    resource_name: str
    resource_limit: int
    project_id: str | None = None
    domain_id: str | None = None
    region_id: str | None = None
    description: str | None = None


class EditLimit(Spec):
    """API: https://docs.openstack.org/api-ref/identity/v3/#update-limit"""

    resource_limit: int | None = None
    description: str | None = None


class Limits(Collection[R, New, Edit], Generic[R, New, Edit]):
    """Limits of one kind."""

    async def create_from(self, spec: Spec) -> R:
        """Make one."""
        path, many = self.resource.place.path, str(self.resource.place.many)
        response = await self.endpoint.post(path, json={many: [spec.body()]})
        made = mappings(mapping(load_json(response.content, path)).get(many))
        if not made:
            raise NormalizationError(f"POST {path} answered with no {self.kind}")
        strict, origin = self.endpoint.options.strict, self.endpoint.location
        return read_one(self.resource, made[0], strict=strict, origin=origin, where=path)
