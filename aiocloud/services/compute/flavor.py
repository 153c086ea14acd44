"""Flavors: the sizes that a server can have. API: https://docs.openstack.org/api-ref/compute/#flavors"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Generic, ParamSpec

from aiocloud._json import load_json, mapping, mappings
from aiocloud.collection import Collection
from aiocloud.model import NullAs, Place, Resource, Spec, Text, Which, Wire
from aiocloud.paths import join

__all__ = ["EditFlavor", "Flavor", "Flavors", "NewFlavor"]

New = ParamSpec("New")
Edit = ParamSpec("Edit")


class Flavor(Resource):
    """A size that a server can have. `extra_specs` come with it from microversion 2.61 on.

    API: https://docs.openstack.org/api-ref/compute/#show-flavor-details
    """

    place: ClassVar[Place] = Place(
        "/flavors",
        one="flavor",
        many="flavors",
        detail="/flavors/detail",
        by_name="list",
        microversion="2.75",
        query={"is_public": "None"},  # administrators would see public ones alone
    )

    ram: int = 0
    """MiB."""
    vcpus: int = 0
    disk: int = 0
    """GiB."""
    ephemeral: Annotated[int, Wire("OS-FLV-EXT-DATA:ephemeral")] = 0
    """GiB."""
    swap: int | Text = 0
    """MiB; Nova writes none as an empty string before 2.75."""
    rxtx_factor: float | None = None
    is_public: Annotated[bool, Wire("os-flavor-access:is_public")] = True
    is_disabled: Annotated[bool, Wire("OS-FLV-DISABLED:disabled")] = False
    description: str | None = None
    extra_specs: Annotated[dict[str, Any], NullAs({})] = {}
    links: list[dict[str, Any]] = []


class NewFlavor(Spec):
    """API: https://docs.openstack.org/api-ref/compute/#create-flavor"""

    name: str
    ram: int
    """MiB."""
    vcpus: int
    disk: int
    """GiB."""
    id: str | None = None
    ephemeral: Annotated[int, Wire("OS-FLV-EXT-DATA:ephemeral")] = 0
    swap: int = 0
    rxtx_factor: float = 1.0
    is_public: Annotated[bool, Wire("os-flavor-access:is_public")] = True
    description: str | None = None


class EditFlavor(Spec):
    """Only the description can change. API: https://docs.openstack.org/api-ref/compute/#update-flavor-description"""

    description: str | None


class Flavors(Collection[Flavor, New, Edit], Generic[New, Edit]):
    """The flavors that a project may use."""

    async def extra_specs(self, flavor: Which) -> dict[str, str]:
        """Its extra specs."""
        path = join("flavors", await self.id_of(flavor), "os-extra_specs")
        answer = load_json((await self.endpoint.get(path)).content, path)
        return dict(mapping(mapping(answer).get("extra_specs")))

    async def set_extra_specs(self, flavor: Which, extra_specs: dict[str, str]) -> dict[str, str]:
        """Add or change extra specs."""
        path = join("flavors", await self.id_of(flavor), "os-extra_specs")
        answer = load_json((await self.endpoint.post(path, json={"extra_specs": extra_specs})).content, path)
        return dict(mapping(mapping(answer).get("extra_specs")))

    async def unset_extra_spec(self, flavor: Which, key: str) -> None:
        """Remove one extra spec."""
        await self.endpoint.delete(join("flavors", await self.id_of(flavor), "os-extra_specs", key))

    async def access(self, flavor: Which) -> list[str]:
        """The ids of the projects that may use a flavor that is not public."""
        path = join("flavors", await self.id_of(flavor), "os-flavor-access")
        answer = mapping(load_json((await self.endpoint.get(path)).content, path))
        return [str(row.get("tenant_id")) for row in mappings(answer.get("flavor_access"))]

    async def add_access(self, flavor: Which, project_id: str) -> None:
        """Let a project use a flavor that is not public."""
        await self._access(flavor, "addTenantAccess", project_id)

    async def remove_access(self, flavor: Which, project_id: str) -> None:
        """Take that away again."""
        await self._access(flavor, "removeTenantAccess", project_id)

    async def _access(self, flavor: Which, action: str, project_id: str) -> None:
        path = join("flavors", await self.id_of(flavor), "action")
        await self.endpoint.post(path, json={action: {"tenant": project_id}})
