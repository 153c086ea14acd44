"""What every service proxy has: raw REST, for whatever has no verb yet."""

from __future__ import annotations

from typing import Unpack

from aiocloud._http import httpx
from aiocloud.endpoint import Endpoint
from aiocloud.rest import Rest, Told

__all__ = ["ServiceProxy"]


class ServiceProxy(Rest):
    """One service of one region. Paths begin after the version: `await cloud.compute.get("/os-keypairs")`."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    async def request(self, method: str, path: str, **how: Unpack[Told]) -> httpx.Response:
        """Send a request to this service and read its answer. Raises HTTPError, TransportError or Timeout."""
        return await self.endpoint.request(method, path, **how)
