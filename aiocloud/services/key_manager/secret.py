"""Secrets, and containers of them. API: https://docs.openstack.org/barbican/latest/api/reference/secrets.html"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Generic, ParamSpec, TypeAlias

from pydantic import AfterValidator, Field

from aiocloud.collection import Creatable
from aiocloud.model import NullAs, Place, Resource, Spec, Text, Which, Wire
from aiocloud.paths import join

__all__ = ["Container", "NewContainer", "NewOrder", "NewSecret", "Order", "Secret", "SecretStore", "Secrets"]

New = ParamSpec("New")


def _last(ref: str) -> str:
    """Barbican names things by URL; the last part is the id."""
    return ref.rstrip("/").rpartition("/")[2]


Ref: TypeAlias = Annotated[str, AfterValidator(_last), NullAs("")]


class Secret(Resource):
    """API: https://docs.openstack.org/barbican/latest/api/reference/secrets.html#get-v1-secrets-uuid"""

    place: ClassVar[Place] = Place("/secrets", many="secrets")

    id: Annotated[Ref, Wire("secret_ref", "id")] = ""
    secret_ref: Text = ""
    status: Text = ""
    secret_type: str | None = None
    algorithm: str | None = None
    bit_length: int | None = None
    mode: str | None = None
    content_types: dict[str, str] | None = None
    expires_at: Annotated[str | None, Wire("expiration")] = None
    creator_id: str | None = None
    created_at: Annotated[str | None, Wire("created")] = None
    updated_at: Annotated[str | None, Wire("updated")] = None


class NewSecret(Spec):
    """API: https://docs.openstack.org/barbican/latest/api/reference/secrets.html#post-v1-secrets"""

    name: str | None = None
    payload: Annotated[str | None, Field(repr=False)] = None
    payload_content_type: str | None = None
    payload_content_encoding: str | None = None
    secret_type: str | None = None
    algorithm: str | None = None
    bit_length: int | None = None
    mode: str | None = None
    expiration: str | None = None


class Secrets(Creatable[Secret, New], Generic[New]):
    """The secrets of a project."""

    async def payload(self, secret: Which, *, content_type: str = "text/plain") -> bytes:
        """The secret itself. API: https://docs.openstack.org/barbican/latest/api/reference/secrets.html#get-v1-secrets-uuid-payload"""
        path = join("secrets", await self.id_of(secret), "payload")
        return (await self.endpoint.get(path, headers={"Accept": content_type})).content

    async def set_payload(self, secret: Which, payload: bytes, *, content_type: str = "text/plain") -> None:
        """Fill in a secret that was made without. API: https://docs.openstack.org/barbican/latest/api/reference/secrets.html#put-v1-secrets-uuid"""
        path = join("secrets", await self.id_of(secret))
        await self.endpoint.put(path, content=payload, headers={"Content-Type": content_type})


class Container(Resource):
    """Secrets that belong together. API: https://docs.openstack.org/barbican/latest/api/reference/containers.html"""

    place: ClassVar[Place] = Place("/containers", many="containers", by_name="list")

    id: Annotated[Ref, Wire("container_ref", "id")] = ""
    container_ref: Text = ""
    type: str | None = None
    status: Text = ""
    secret_refs: Annotated[list[dict[str, Any]], NullAs([])] = []
    consumers: Annotated[list[dict[str, Any]], NullAs([])] = []
    creator_id: str | None = None
    created_at: Annotated[str | None, Wire("created")] = None
    updated_at: Annotated[str | None, Wire("updated")] = None


class NewContainer(Spec):
    """API: https://docs.openstack.org/barbican/latest/api/reference/containers.html#post-v1-containers"""

    name: str | None = None
    type: str = "generic"
    secret_refs: list[dict[str, str]] | None = None


class Order(Resource):
    """A secret that Barbican shall make. API: https://docs.openstack.org/barbican/latest/api/reference/orders.html"""

    place: ClassVar[Place] = Place("/orders", many="orders", by_name="list")

    id: Annotated[Ref, Wire("order_ref", "id")] = ""
    order_ref: Text = ""
    type: str | None = None
    status: Text = ""
    sub_status: str | None = None
    sub_status_message: str | None = None
    meta: Annotated[dict[str, Any], NullAs({})] = {}
    secret_ref: str | None = None
    creator_id: str | None = None
    created_at: Annotated[str | None, Wire("created")] = None
    updated_at: Annotated[str | None, Wire("updated")] = None


class NewOrder(Spec):
    """API: https://docs.openstack.org/barbican/latest/api/reference/orders.html#post-v1-orders"""

    type: str
    meta: dict[str, Any]


class SecretStore(Resource):
    """Where secrets are kept. API: https://docs.openstack.org/barbican/latest/api/reference/store_backends.html"""

    place: ClassVar[Place] = Place("/secret-stores", many="secret_stores", by_name="list")

    id: Annotated[Ref, Wire("secret_store_ref", "id")] = ""
    secret_store_ref: Text = ""
    status: Text = ""
    global_default: bool | None = None
    crypto_plugin: str | None = None
    secret_store_plugin: str | None = None
    created_at: Annotated[str | None, Wire("created")] = None
    updated_at: Annotated[str | None, Wire("updated")] = None
