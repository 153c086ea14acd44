"""Where addresses come from: subnet pools, address scopes, address groups.

API: https://docs.openstack.org/api-ref/network/v2/#subnet-pools-extension-subnetpools
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Generic, Literal, ParamSpec

from aiocloud.collection import Collection
from aiocloud.model import NullAs, Place, Resource, Spec, Which, Wire
from aiocloud.paths import join
from aiocloud.services.network.base import NetworkResource

__all__ = [
    "AddressGroup",
    "AddressGroups",
    "AddressScope",
    "EditAddressGroup",
    "EditAddressScope",
    "EditSubnetPool",
    "NewAddressGroup",
    "NewAddressScope",
    "NewSubnetPool",
    "SubnetPool",
]

New = ParamSpec("New")
Edit = ParamSpec("Edit")


class SubnetPool(NetworkResource):
    """Prefixes that subnets are cut from. API: https://docs.openstack.org/api-ref/network/v2/#show-subnet-pool"""

    place: ClassVar[Place] = Place("/subnetpools", one="subnetpool", many="subnetpools")

    prefixes: Annotated[list[str], NullAs([])] = []
    ip_version: int | None = None
    default_prefix_length: Annotated[int | None, Wire("default_prefixlen")] = None
    minimum_prefix_length: Annotated[int | None, Wire("min_prefixlen")] = None
    maximum_prefix_length: Annotated[int | None, Wire("max_prefixlen")] = None
    default_quota: int | None = None
    address_scope_id: str | None = None
    is_default: bool | None = None
    is_shared: Annotated[bool | None, Wire("shared")] = None


class NewSubnetPool(Spec):
    """API: https://docs.openstack.org/api-ref/network/v2/#create-subnet-pool"""

    name: str
    prefixes: list[str]
    default_prefixlen: int | None = None
    min_prefixlen: int | None = None
    max_prefixlen: int | None = None
    default_quota: int | None = None
    address_scope_id: str | None = None
    is_default: bool | None = None
    shared: bool | None = None
    description: str | None = None
    project_id: str | None = None
    tags: list[str] | None = None


class EditSubnetPool(Spec):
    """API: https://docs.openstack.org/api-ref/network/v2/#update-subnet-pool"""

    name: str | None = None
    prefixes: list[str] | None = None
    default_prefixlen: int | None = None
    min_prefixlen: int | None = None
    max_prefixlen: int | None = None
    default_quota: int | None = None
    address_scope_id: str | None = None
    is_default: bool | None = None
    description: str | None = None


class AddressScope(Resource):
    """Where addresses are unique. API: https://docs.openstack.org/api-ref/network/v2/#show-address-scope"""

    place: ClassVar[Place] = Place("/address-scopes", one="address_scope", many="address_scopes")

    ip_version: int | None = None
    is_shared: Annotated[bool | None, Wire("shared")] = None
    project_id: str | None = None
    tenant_id: str | None = None


class NewAddressScope(Spec):
    """API: https://docs.openstack.org/api-ref/network/v2/#create-address-scope"""

    name: str
    ip_version: Literal[4, 6]
    shared: bool | None = None
    project_id: str | None = None


class EditAddressScope(Spec):
    """API: https://docs.openstack.org/api-ref/network/v2/#update-an-address-scope"""

    name: str | None = None
    shared: bool | None = None


class AddressGroup(NetworkResource):
    """Addresses under one name, for security group rules. API: https://docs.openstack.org/api-ref/network/v2/#show-address-group"""

    place: ClassVar[Place] = Place("/address-groups", one="address_group", many="address_groups")

    addresses: Annotated[list[str], NullAs([])] = []
    is_shared: Annotated[bool | None, Wire("shared")] = None


class NewAddressGroup(Spec):
    """API: https://docs.openstack.org/api-ref/network/v2/#create-address-group"""

    name: str | None = None
    addresses: list[str] | None = None
    description: str | None = None
    project_id: str | None = None


class EditAddressGroup(Spec):
    """API: https://docs.openstack.org/api-ref/network/v2/#update-an-address-group"""

    name: str | None = None
    description: str | None = None


class AddressGroups(Collection[AddressGroup, New, Edit], Generic[New, Edit]):
    """The address groups of a project."""

    async def add_addresses(self, address_group: Which, addresses: Sequence[str]) -> AddressGroup:
        """Add addresses to one. API: https://docs.openstack.org/api-ref/network/v2/#add-ip-addresses-to-an-address-group"""
        return await self._change("add_addresses", address_group, addresses)

    async def remove_addresses(self, address_group: Which, addresses: Sequence[str]) -> AddressGroup:
        """Remove addresses from one. API: https://docs.openstack.org/api-ref/network/v2/#remove-ip-addresses-from-an-address-group"""
        return await self._change("remove_addresses", address_group, addresses)

    async def _change(self, verb: str, address_group: Which, addresses: Sequence[str]) -> AddressGroup:
        path = join("address-groups", await self.id_of(address_group), verb)
        # The request is not in an envelope, its answer is.
        return self._read(await self.endpoint.put(path, json={"addresses": [*addresses]}))
