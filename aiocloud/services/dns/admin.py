"""What surrounds zones: reverse names, transfers, top-level domains, blacklists, keys, limits.

API: https://docs.openstack.org/api-ref/dns/dns-api-v2-index.html
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from aiocloud.model import NullAs, Place, Resource, Spec, Text

__all__ = [
    "TLD",
    "Blacklist",
    "EditBlacklist",
    "EditTLD",
    "EditTSIGKey",
    "NewBlacklist",
    "NewTLD",
    "NewTSIGKey",
    "NewTransferAccept",
    "Reverse",
    "ServiceStatus",
    "TSIGKey",
    "TransferAccept",
    "TransferRequest",
]


class _Dated(Resource):
    """What most of Designate's resources share."""

    description: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    links: dict[str, Any] = {}


class Reverse(Resource):
    """The name of a floating IP; its id is `region:id`. API: https://docs.openstack.org/api-ref/dns/dns-api-v2-index.html#floatingips"""

    place: ClassVar[Place] = Place("/reverse/floatingips", many="floatingips", by_name="list", update="PATCH")

    ptrdname: str | None = None
    address: str | None = None
    description: str | None = None
    ttl: int | None = None
    """Seconds."""
    status: str | None = None
    action: str | None = None
    links: dict[str, Any] = {}


class TransferRequest(_Dated):
    """A zone offered to another project. API: https://docs.openstack.org/api-ref/dns/dns-api-v2-index.html#zone-ownership-transfers-requests"""

    place: ClassVar[Place] = Place(
        "/zones/tasks/transfer_requests", many="transfer_requests", by_name="list", update="PATCH"
    )

    zone_id: str | None = None
    zone_name: str | None = None
    key: Annotated[str | None, Field(repr=False)] = None
    """What the other project needs to accept it."""
    status: str | None = None
    project_id: str | None = None
    target_project_id: str | None = None


class TransferAccept(_Dated):
    """A zone taken over. API: https://docs.openstack.org/api-ref/dns/dns-api-v2-index.html#zone-ownership-transfers-accepts"""

    place: ClassVar[Place] = Place("/zones/tasks/transfer_accepts", many="transfer_accepts", by_name="list")

    key: Annotated[str | None, Field(repr=False)] = None
    zone_id: str | None = None
    zone_transfer_request_id: str | None = None
    status: str | None = None
    project_id: str | None = None


class NewTransferAccept(Spec):
    """API: https://docs.openstack.org/api-ref/dns/dns-api-v2-index.html#create-zone-transfer-accept"""

    key: Annotated[str, Field(repr=False)]
    zone_transfer_request_id: str


class TLD(_Dated):
    """A top-level domain that zones may be in. API: https://docs.openstack.org/api-ref/dns/dns-api-v2-index.html#tld"""

    place: ClassVar[Place] = Place("/tlds", many="tlds", update="PATCH")


class NewTLD(Spec):
    """API: https://docs.openstack.org/api-ref/dns/dns-api-v2-index.html#create-tld"""

    name: str
    description: str | None = None


class EditTLD(Spec):
    """API: https://docs.openstack.org/api-ref/dns/dns-api-v2-index.html#update-tld"""

    name: str | None = None
    description: str | None = None


class Blacklist(_Dated):
    """Names that zones may not have. API: https://docs.openstack.org/api-ref/dns/dns-api-v2-index.html#blacklists"""

    place: ClassVar[Place] = Place("/blacklists", many="blacklists", by_name="list", update="PATCH")

    pattern: Text = ""


class NewBlacklist(Spec):
    """API: https://docs.openstack.org/api-ref/dns/dns-api-v2-index.html#create-blacklist"""

    pattern: str
    description: str | None = None


class EditBlacklist(Spec):
    """API: https://docs.openstack.org/api-ref/dns/dns-api-v2-index.html#update-a-blacklist"""

    pattern: str | None = None
    description: str | None = None


class TSIGKey(_Dated):
    """A key that name servers know each other by. API: https://docs.openstack.org/api-ref/dns/dns-api-v2-index.html#tsigkey"""

    place: ClassVar[Place] = Place("/tsigkeys", many="tsigkeys", update="PATCH")

    algorithm: str | None = None
    secret: Annotated[str | None, Field(repr=False)] = None
    scope: str | None = None
    resource_id: str | None = None


class NewTSIGKey(Spec):
    """API: https://docs.openstack.org/api-ref/dns/dns-api-v2-index.html#create-a-tsigkey"""

    name: str
    algorithm: str
    secret: Annotated[str, Field(repr=False)]
    scope: Literal["POOL", "ZONE"]
    resource_id: str


class EditTSIGKey(Spec):
    """API: https://docs.openstack.org/api-ref/dns/dns-api-v2-index.html#update-a-tsigkey"""

    name: str | None = None
    algorithm: str | None = None
    secret: Annotated[str | None, Field(repr=False)] = None
    scope: Literal["POOL", "ZONE"] | None = None
    resource_id: str | None = None


class ServiceStatus(_Dated):
    """A process of Designate's. API: https://docs.openstack.org/api-ref/dns/dns-api-v2-index.html#service-statuses"""

    place: ClassVar[Place] = Place("/service_statuses", many="service_statuses", by_name="list")

    service_name: str | None = None
    hostname: str | None = None
    status: str | None = None
    heartbeated_at: str | None = None
    capabilities: Annotated[dict[str, Any], NullAs({})] = {}
    stats: Annotated[dict[str, Any], NullAs({})] = {}
