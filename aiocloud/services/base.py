"""What every service proxy has: raw REST, for whatever has no verb yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiocloud._http import httpx
from aiocloud.endpoint import Endpoint

__all__ = ["ServiceProxy"]


class ServiceProxy:
    """One service of one region. Paths begin after the version: `await cloud.compute.get("/os-keypairs")`.

    Each verb answers with the response of a success and raises the HTTPError of an error status.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    async def get(
        self,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        microversion: str | None = None,
    ) -> httpx.Response:
        """GET a path of this service."""
        return await self.endpoint.get(path, params=params, headers=headers, microversion=microversion)

    async def head(
        self,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        microversion: str | None = None,
    ) -> httpx.Response:
        """HEAD of a path of this service."""
        return await self.endpoint.head(path, params=params, headers=headers, microversion=microversion)

    async def post(
        self,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        microversion: str | None = None,
    ) -> httpx.Response:
        """POST JSON to a path of this service."""
        return await self.endpoint.post(path, json=json, params=params, headers=headers, microversion=microversion)

    async def put(
        self,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        microversion: str | None = None,
    ) -> httpx.Response:
        """PUT JSON to a path of this service."""
        return await self.endpoint.put(path, json=json, params=params, headers=headers, microversion=microversion)

    async def patch(
        self,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        microversion: str | None = None,
    ) -> httpx.Response:
        """PATCH a path of this service with JSON."""
        return await self.endpoint.patch(path, json=json, params=params, headers=headers, microversion=microversion)

    async def delete(
        self,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        microversion: str | None = None,
    ) -> httpx.Response:
        """DELETE a path of this service."""
        return await self.endpoint.delete(path, json=json, params=params, headers=headers, microversion=microversion)
