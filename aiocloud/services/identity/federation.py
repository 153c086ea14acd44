"""Logins from elsewhere. API: https://docs.openstack.org/api-ref/identity/v3-ext/#os-federation-api"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Generic, ParamSpec

from aiocloud.collection import Collection
from aiocloud.model import NullAs, Place, Resource, Spec, Text, Which, Wire
from aiocloud.services.identity.base import PutCollection

__all__ = [
    "EditFederationProtocol",
    "EditIdentityProvider",
    "EditMapping",
    "EditServiceProvider",
    "FederationProtocol",
    "IdentityProvider",
    "IdentityProviders",
    "Mapping",
    "NewFederationProtocol",
    "NewIdentityProvider",
    "NewMapping",
    "NewServiceProvider",
    "ServiceProvider",
]

New = ParamSpec("New")
Edit = ParamSpec("Edit")


class IdentityProvider(Resource):
    """Who vouches for users. API: https://docs.openstack.org/api-ref/identity/v3-ext/#get-identity-provider"""

    place: ClassVar[Place] = Place(
        "/OS-FEDERATION/identity_providers",
        one="identity_provider",
        many="identity_providers",
        by_name="id",
        update="PATCH",
    )

    id: Text = ""
    name: Annotated[Text, Wire("id")] = ""
    domain_id: str | None = None
    description: Text = ""
    is_enabled: Annotated[bool, Wire("enabled"), NullAs(False)] = False
    remote_ids: Annotated[list[str], NullAs([])] = []
    authorization_ttl: int | None = None
    """Minutes."""
    links: dict[str, Any] = {}


class NewIdentityProvider(Spec):
    """API: https://docs.openstack.org/api-ref/identity/v3-ext/#register-an-identity-provider"""

    id: str
    domain_id: str | None = None
    description: str | None = None
    enabled: bool | None = None
    remote_ids: list[str] | None = None
    authorization_ttl: int | None = None


class EditIdentityProvider(Spec):
    """API: https://docs.openstack.org/api-ref/identity/v3-ext/#update-identity-provider"""

    description: str | None = None
    enabled: bool | None = None
    remote_ids: list[str] | None = None
    authorization_ttl: int | None = None


class FederationProtocol(Resource):
    """How an identity provider vouches. API: https://docs.openstack.org/api-ref/identity/v3-ext/#get-a-protocol-and-attribute-mapping"""

    place: ClassVar[Place] = Place("/protocols", one="protocol", many="protocols", by_name="id", update="PATCH")

    id: Text = ""
    name: Annotated[Text, Wire("id")] = ""
    mapping_id: str | None = None
    remote_id_attribute: str | None = None
    links: dict[str, Any] = {}


class NewFederationProtocol(Spec):
    """API: https://docs.openstack.org/api-ref/identity/v3-ext/#add-a-protocol-and-attribute-mapping-to-an-identity-provider"""

    id: str
    mapping_id: str
    remote_id_attribute: str | None = None


class EditFederationProtocol(Spec):
    """API: https://docs.openstack.org/api-ref/identity/v3-ext/#update-the-attribute-mapping-for-an-identity-provider-and-protocol"""

    mapping_id: str | None = None
    remote_id_attribute: str | None = None


class Mapping(Resource):
    """What becomes of foreign users here. API: https://docs.openstack.org/api-ref/identity/v3-ext/#get-a-mapping"""

    place: ClassVar[Place] = Place(
        "/OS-FEDERATION/mappings", one="mapping", many="mappings", by_name="id", update="PATCH"
    )

    id: Text = ""
    name: Annotated[Text, Wire("id")] = ""
    rules: list[dict[str, Any]] = []
    schema_version: str | None = None
    links: dict[str, Any] = {}


class NewMapping(Spec):
    """API: https://docs.openstack.org/api-ref/identity/v3-ext/#create-a-mapping"""

    id: str
    rules: list[dict[str, Any]]
    schema_version: str | None = None


class EditMapping(Spec):
    """API: https://docs.openstack.org/api-ref/identity/v3-ext/#update-a-mapping"""

    rules: list[dict[str, Any]] | None = None
    schema_version: str | None = None


class ServiceProvider(Resource):
    """A Keystone that trusts ours. API: https://docs.openstack.org/api-ref/identity/v3-ext/#get-service-provider"""

    place: ClassVar[Place] = Place(
        "/OS-FEDERATION/service_providers",
        one="service_provider",
        many="service_providers",
        by_name="id",
        update="PATCH",
    )

    id: Text = ""
    name: Annotated[Text, Wire("id")] = ""
    auth_url: str | None = None
    sp_url: str | None = None
    relay_state_prefix: str | None = None
    description: Text = ""
    is_enabled: Annotated[bool, Wire("enabled"), NullAs(False)] = False
    links: dict[str, Any] = {}


class NewServiceProvider(Spec):
    """API: https://docs.openstack.org/api-ref/identity/v3-ext/#register-a-service-provider"""

    id: str
    auth_url: str
    sp_url: str
    description: str | None = None
    enabled: bool | None = None
    relay_state_prefix: str | None = None


class EditServiceProvider(Spec):
    """API: https://docs.openstack.org/api-ref/identity/v3-ext/#update-service-provider"""

    auth_url: str | None = None
    sp_url: str | None = None
    description: str | None = None
    enabled: bool | None = None
    relay_state_prefix: str | None = None


class IdentityProviders(PutCollection[IdentityProvider, New, Edit], Generic[New, Edit]):
    """The identity providers of the cloud, and the protocols of each."""

    def protocols(self, provider: Which) -> Collection[FederationProtocol, ..., ...]:
        """The protocols of an identity provider, given by id."""
        at = self.endpoint.at("OS-FEDERATION", "identity_providers", self._id(provider))
        return PutCollection(at, FederationProtocol, NewFederationProtocol, EditFederationProtocol)
