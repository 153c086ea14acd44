"""Trunks. API: https://docs.openstack.org/api-ref/network/v2/#trunk-networking"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Generic, ParamSpec

from aiocloud.model import NullAs, Place, Spec, Text, Which, Wire
from aiocloud.paths import join
from aiocloud.services.network.base import NetworkResource, Tagged

__all__ = ["EditTrunk", "NewTrunk", "Trunk", "Trunks"]

New = ParamSpec("New")
Edit = ParamSpec("Edit")


class Trunk(NetworkResource):
    """A port that carries others. API: https://docs.openstack.org/api-ref/network/v2/#show-trunk"""

    place: ClassVar[Place] = Place("/trunks", one="trunk", many="trunks")

    port_id: Text = ""
    status: str | None = None
    is_admin_state_up: Annotated[bool | None, Wire("admin_state_up")] = None
    sub_ports: Annotated[list[dict[str, Any]], NullAs([])] = []
    """Each with `port_id`, `segmentation_type` and `segmentation_id`."""


class NewTrunk(Spec):
    """API: https://docs.openstack.org/api-ref/network/v2/#create-trunk"""

    port_id: str
    name: str | None = None
    description: str | None = None
    admin_state_up: bool | None = None
    sub_ports: list[dict[str, Any]] | None = None
    project_id: str | None = None


class EditTrunk(Spec):
    """API: https://docs.openstack.org/api-ref/network/v2/#update-trunk"""

    name: str | None = None
    description: str | None = None
    admin_state_up: bool | None = None


class Trunks(Tagged[Trunk, New, Edit], Generic[New, Edit]):
    """The trunks of a project."""

    async def add_subports(self, trunk: Which, sub_ports: Sequence[Mapping[str, Any]]) -> Trunk:
        """Let it carry more ports. API: https://docs.openstack.org/api-ref/network/v2/#add-subports-to-trunk"""
        return await self._subports("add_subports", trunk, [dict(port) for port in sub_ports])

    async def remove_subports(self, trunk: Which, port_ids: Sequence[str]) -> Trunk:
        """Let it carry fewer. API: https://docs.openstack.org/api-ref/network/v2/#delete-subports-from-trunk"""
        return await self._subports("remove_subports", trunk, [{"port_id": port_id} for port_id in port_ids])

    async def _subports(self, verb: str, trunk: Which, sub_ports: list[dict[str, Any]]) -> Trunk:
        path = join("trunks", await self.id_of(trunk), verb)
        return self._read(await self.endpoint.put(path, json={"sub_ports": sub_ports}))
