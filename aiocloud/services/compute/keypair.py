"""Keypairs. API: https://docs.openstack.org/api-ref/compute/#keypairs-keypairs"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from aiocloud._json import is_object
from aiocloud.model import Place, Resource, Spec, Text

__all__ = ["Keypair", "NewKeypair"]


class Keypair(Resource):
    """An SSH key that servers can be made with; its name is its id.

    API: https://docs.openstack.org/api-ref/compute/#show-keypair-details
    """

    place: ClassVar[Place] = Place(
        "/os-keypairs", one="keypair", many="keypairs", by_name="id", microversion="2.92", wrapped="keypair"
    )

    fingerprint: Text = ""
    public_key: Text = ""
    private_key: str | None = Field(default=None, repr=False)
    """Only in the answer to a create in which Nova made the key, which it does no more from 2.92 on."""
    type: Text = "ssh"
    user_id: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _named(cls, told: Any) -> Any:
        """Nova counts keypairs, tells the number only to who asks for one of them, and takes it nowhere."""
        return {**told, "id": told["name"]} if is_object(told) and "name" in told else told


class NewKeypair(Spec):
    """API: https://docs.openstack.org/api-ref/compute/#import-or-create-keypair"""

    name: str
    public_key: str | None = None
    type: Literal["ssh", "x509"] | None = None
    user_id: str | None = None
