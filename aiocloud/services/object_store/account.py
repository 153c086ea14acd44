"""The account: what all containers of a project are in. API: https://docs.openstack.org/api-ref/object-store/#accounts"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import SecretStr

from aiocloud.endpoint import Endpoint
from aiocloud.model import Place, Resource, Wire, read_one
from aiocloud.services.object_store.headers import header_fields, header_values, metadata_headers

__all__ = ["Account", "Accounts"]


class Account(Resource):
    """Totals, metadata and the keys of temporary URLs. Totals lag behind by seconds."""

    place: ClassVar[Place] = Place("")

    bytes_used: Annotated[int, Wire("x-account-bytes-used")] = 0
    container_count: Annotated[int, Wire("x-account-container-count")] = 0
    object_count: Annotated[int, Wire("x-account-object-count")] = 0
    quota_bytes: Annotated[int | None, Wire("x-account-meta-quota-bytes", "quota-bytes")] = None
    temp_url_key: Annotated[SecretStr | None, Wire("temp-url-key")] = None
    """What temporary URLs are signed with."""
    temp_url_key_2: Annotated[SecretStr | None, Wire("temp-url-key-2")] = None
    metadata: dict[str, str] = {}


class Accounts:
    """The one account that the login's project has."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    async def get(self) -> Account:
        """Its totals and metadata."""
        response = await self.endpoint.head("")
        fields = header_fields(response.headers, "account")
        quota = fields["metadata"].get("quota-bytes")
        data = {**fields, **({"quota-bytes": quota} if quota else {})}
        origin = self.endpoint.location
        return read_one(Account, data, strict=self.endpoint.options.strict, origin=origin, where="the account")

    async def update(self, metadata: Mapping[str, str | None]) -> Account:
        """Change metadata: None removes a key, what is not named stays. `quota-bytes` needs a reseller's login."""
        headers = header_values(metadata_headers("Account", metadata, remove=True))
        await self.endpoint.post("", headers=headers)
        return await self.get()
