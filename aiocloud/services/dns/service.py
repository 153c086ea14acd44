"""The DNS service's collections, one line each."""

from __future__ import annotations

from typing import Any

from aiocloud._json import load_json, mapping
from aiocloud.collection import Collection, Creatable, Listing
from aiocloud.endpoint import Endpoint
from aiocloud.model import Which, read_one
from aiocloud.paths import join
from aiocloud.services.base import ServiceProxy
from aiocloud.services.dns.admin import (
    TLD,
    Blacklist,
    EditBlacklist,
    EditTLD,
    EditTSIGKey,
    NewBlacklist,
    NewTLD,
    NewTransferAccept,
    NewTSIGKey,
    Reverse,
    ServiceStatus,
    TransferAccept,
    TransferRequest,
    TSIGKey,
)
from aiocloud.services.dns.zone import EditZone, NewZone, Zone, Zones


class DNS(ServiceProxy):
    """Zones, and the names in them."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.zones = Zones(endpoint, Zone, NewZone, EditZone)
        self.floating_ips = Listing(endpoint, Reverse)
        self.transfer_requests = Listing(endpoint, TransferRequest)
        self.transfer_accepts = Creatable(endpoint, TransferAccept, NewTransferAccept)
        self.tlds = Collection(endpoint, TLD, NewTLD, EditTLD)
        self.blacklists = Collection(endpoint, Blacklist, NewBlacklist, EditBlacklist)
        self.tsigkeys = Collection(endpoint, TSIGKey, NewTSIGKey, EditTSIGKey)
        self.service_statuses = Listing(endpoint, ServiceStatus)

    async def request_transfer(
        self, zone: Which, *, target_project_id: str | None = None, description: str | None = None
    ) -> TransferRequest:
        """Offer a zone to another project; the answer's `key` lets it accept.

        API: https://docs.openstack.org/api-ref/dns/dns-api-v2-index.html#create-zone-transfer-request
        """
        path = join("zones", await self.zones.id_of(zone), "tasks", "transfer_requests")
        given = {"target_project_id": target_project_id, "description": description}
        body = {key: value for key, value in given.items() if value is not None}
        response = await self.endpoint.post(path, json=body)
        strict, origin = self.endpoint.options.strict, self.endpoint.location
        return read_one(TransferRequest, response.content, strict=strict, origin=origin, where=path)

    async def set_reverse(self, floating_ip_id: str, ptrdname: str | None, *, ttl: int | None = None) -> Reverse:
        """Give a floating IP, named `region:id`, a name, or take it away with None. `ttl` in seconds.

        API: https://docs.openstack.org/api-ref/dns/dns-api-v2-index.html#set-floatingip-s-ptr-record
        """
        path = join("reverse", "floatingips", floating_ip_id)
        body: dict[str, Any] = {"ptrdname": ptrdname, **({} if ttl is None else {"ttl": ttl})}
        response = await self.endpoint.patch(path, json=body)
        strict, origin = self.endpoint.options.strict, self.endpoint.location
        return read_one(Reverse, response.content, strict=strict, origin=origin, where=path)

    async def limits(self) -> dict[str, Any]:
        """How much there may be of everything. API: https://docs.openstack.org/api-ref/dns/dns-api-v2-index.html#limits"""
        return dict(mapping(load_json((await self.endpoint.get("/limits")).content, "/limits")))
