"""Whoever measures sees each request once, under few names, in which nothing of a user's is."""

from __future__ import annotations

import re

import pytest

from aiocloud import NotFound
from aiocloud.metrics import Exchange
from tests.conformance.target import Target

pytestmark = pytest.mark.anyio

NAMES = re.compile(r"[0-9a-f]{8}|\d{3}|aiocloud-")


async def test_each_request_is_told_by_its_route(target: Target) -> None:
    seen: list[Exchange] = []
    name = f"{target.prefix}-measured"
    async with target.connect(observe=seen.append) as cloud:
        try:
            await cloud.create_keypair(name)
            assert await cloud.get_keypair(name)
            await cloud.list_servers()
            with pytest.raises(NotFound):
                await cloud.compute.servers.get("8b1f3a40-55cd-4b4e-a3a5-0d54a1b9c7aa")
            if has_swift := await cloud.has_service("object-store"):
                await cloud.create_object(name, "a b/ü.txt", data=b"x")
        finally:
            await cloud.delete_keypair(name)
            if await cloud.has_service("object-store"):
                await cloud.delete_object(name, "a b/ü.txt")
                await cloud.delete_container(name)
    assert not [one for one in seen if NAMES.search(one.route)]
    told = {(one.service, one.method, one.route, one.status) for one in seen}
    assert {
        ("identity", "POST", "/auth/tokens", 201),
        ("compute", "GET", "/", 200),
        ("compute", "GET", "/os-keypairs/{id}", 200),
        ("compute", "GET", "/servers/{id}", 404),
        ("compute", "GET", "/servers/detail", 200),
    } <= told
    if has_swift:
        assert ("object-store", "PUT", "/{container}/{object}", 201) in told
    assert {one.error for one in seen} == {None}
    assert all(0 < one.seconds < 60 for one in seen)
    assert all((one.request_id or "").startswith("req-") for one in seen if one.route.startswith("/servers"))
