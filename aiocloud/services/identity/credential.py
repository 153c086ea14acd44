"""What stands in for a password: credentials, application credentials, trusts.

API: https://docs.openstack.org/api-ref/identity/v3/#application-credentials
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field

from aiocloud.model import NullAs, Place, Resource, Spec, Text, Wire

__all__ = [
    "AccessRule",
    "ApplicationCredential",
    "Credential",
    "EditCredential",
    "NewApplicationCredential",
    "NewCredential",
    "NewTrust",
    "Trust",
]


class AccessRule(Resource):
    """What an application credential may call. API: https://docs.openstack.org/api-ref/identity/v3/#show-access-rule-details"""

    place: ClassVar[Place] = Place("/access_rules", one="access_rule", many="access_rules", by_name="list")

    service: str | None = None
    method: str | None = None
    path: str | None = None
    links: dict[str, Any] = {}


class ApplicationCredential(Resource):
    """A login of its own for a program. API: https://docs.openstack.org/api-ref/identity/v3/#show-application-credential-details"""

    place: ClassVar[Place] = Place(
        "/application_credentials", one="application_credential", many="application_credentials"
    )

    description: Text = ""
    secret: Annotated[str | None, Field(repr=False)] = None
    """Only in the answer to a create."""
    project_id: str | None = None
    user_id: str | None = None
    roles: Annotated[list[dict[str, Any]], NullAs([])] = []
    access_rules: list[dict[str, Any]] | None = None
    expires_at: str | None = None
    unrestricted: bool | None = None
    system: str | None = None
    links: dict[str, Any] = {}


class NewApplicationCredential(Spec):
    """API: https://docs.openstack.org/api-ref/identity/v3/#create-application-credential"""

    name: str
    description: str | None = None
    secret: Annotated[str | None, Field(repr=False)] = None
    roles: list[dict[str, str]] | None = None
    access_rules: list[dict[str, str]] | None = None
    expires_at: str | None = None
    unrestricted: bool | None = None


class Credential(Resource):
    """A secret that Keystone keeps for a user. API: https://docs.openstack.org/api-ref/identity/v3/#show-credential-details"""

    place: ClassVar[Place] = Place("/credentials", one="credential", many="credentials", by_name="list", update="PATCH")

    blob: Annotated[Any, Field(repr=False)] = None
    """The secret itself, as JSON text."""
    type: str | None = None
    user_id: str | None = None
    project_id: str | None = None
    links: dict[str, Any] = {}


class NewCredential(Spec):
    """API: https://docs.openstack.org/api-ref/identity/v3/#create-credential"""

    type: str
    blob: Annotated[str, Field(repr=False)]
    user_id: str
    project_id: str | None = None


class EditCredential(Spec):
    """API: https://docs.openstack.org/api-ref/identity/v3/#update-credential"""

    type: str | None = None
    blob: Annotated[str | None, Field(repr=False)] = None
    user_id: str | None = None
    project_id: str | None = None


class Trust(Resource):
    """One user acting for another. API: https://docs.openstack.org/api-ref/identity/v3/#show-trust-details"""

    place: ClassVar[Place] = Place("/OS-TRUST/trusts", one="trust", many="trusts", by_name="list")

    trustor_user_id: str | None = None
    trustee_user_id: str | None = None
    project_id: str | None = None
    is_impersonation: Annotated[bool | None, Wire("impersonation")] = None
    roles: Annotated[list[dict[str, Any]], NullAs([])] = []
    roles_links: dict[str, Any] = {}
    expires_at: str | None = None
    deleted_at: str | None = None
    remaining_uses: int | None = None
    allow_redelegation: bool | None = None
    redelegated_trust_id: str | None = None
    redelegation_count: int | None = None
    links: dict[str, Any] = {}


class NewTrust(Spec):
    """API: https://docs.openstack.org/api-ref/identity/v3/#create-trust"""

    trustor_user_id: str
    trustee_user_id: str
    impersonation: bool
    project_id: str | None = None
    roles: list[dict[str, str]] | None = None
    expires_at: str | None = None
    remaining_uses: int | None = None
    allow_redelegation: bool | None = None
    redelegation_count: int | None = None
