"""A bare HTTP client of a fake cloud: a token, and the URL of each service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2

from aiocloud.testing import FakeCloud


def password_login(user: str = "demo", password: str = "secret", project: str | None = "demo") -> dict[str, Any]:
    domain = {"id": "default"}
    body: dict[str, Any] = {
        "auth": {
            "identity": {
                "methods": ["password"],
                "password": {"user": {"name": user, "domain": domain, "password": password}},
            }
        }
    }
    if project is not None:
        body["auth"]["scope"] = {"project": {"name": project, "domain": domain}}
    return body


class Client:
    """`await client("GET", "compute", "/servers")`."""

    def __init__(self, http: httpx2.AsyncClient, root: str, answer: httpx2.Response) -> None:
        self.http = http
        self.root = root
        self.token = answer.headers["x-subject-token"]
        self.body = answer.json()["token"]
        self.urls = {one["type"]: one["endpoints"][0]["url"] for one in self.body.get("catalog", ())}
        self.urls["identity"] += "/v3"
        self.user_id = self.body["user"]["id"]
        self.project_id = self.body["project"]["id"]

    async def __call__(
        self, method: str, service: str, path: str, json: Any = None, *, version: str = "", **more: Any
    ) -> httpx2.Response:
        headers = {"x-auth-token": self.token, **more.pop("headers", {})}
        if version:
            headers["openstack-api-version"] = f"{'compute' if service == 'compute' else 'volume'} {version}"
        return await self.http.request(method, self.urls.get(service, "") + path, json=json, headers=headers, **more)


@asynccontextmanager
async def client_of(fake: FakeCloud, user: str = "demo", project: str = "demo", url: str = "") -> AsyncIterator[Client]:
    """Logged in to the fake's one cloud, in process or at `url`."""
    transport = None if url else fake.transport
    async with httpx2.AsyncClient(transport=transport, trust_env=False) as http:
        root = f"{url or 'http://fake.test'}/fake"
        answer = await http.post(f"{root}/identity/v3/auth/tokens", json=password_login(user, project=project))
        assert answer.status_code == 201, answer.text
        yield Client(http, root, answer)
