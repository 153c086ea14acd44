"""Plain HTTP to a fake cloud: what its tests speak, so that no SDK stands between the fake and the test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import yaml

from aiocloud.testing import FakeCloud


@asynccontextmanager
async def wire(
    fake: FakeCloud, service: str, *, admin: bool = False, over: str | None = None
) -> AsyncIterator[httpx2.AsyncClient]:
    """A client logged in to a fake's first cloud, at one service's URL of the catalog; `over` a port's URL."""
    entry: dict[str, Any] = next(iter(yaml.safe_load(fake.clouds_yaml(admin=admin))["clouds"].values()))
    auth = entry["auth"]
    user = {"name": auth["username"], "password": auth["password"], "domain": {"id": auth["user_domain_id"]}}
    scope = {"project": {"name": auth["project_name"], "domain": {"id": auth["project_domain_id"]}}}
    identity = {"methods": ["password"], "password": {"user": user}}
    transport = fake.transport if over is None else None
    async with httpx2.AsyncClient(transport=transport, timeout=10) as http:
        url = f"{auth['auth_url']}/v3/auth/tokens"
        answer = await http.post(url, json={"auth": {"identity": identity, "scope": scope}})
        assert answer.status_code == 201, answer.text
        http.headers["x-auth-token"] = answer.headers["x-subject-token"]
        http.base_url = public_url(answer.json()["token"]["catalog"], service)
        yield http


def public_url(catalog: list[dict[str, Any]], service: str) -> str:
    """A service's public URL in a catalog."""
    found = [one for entry in catalog if entry["type"] == service for one in entry["endpoints"]]
    return str(next(one["url"] for one in found if one["interface"] == "public"))
