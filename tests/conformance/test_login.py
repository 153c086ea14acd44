"""Login, catalog and looking around."""

from __future__ import annotations

import anyio
import pytest

import aiocloud
from aiocloud import Cloud
from tests.conformance.target import Target

pytestmark = pytest.mark.anyio


async def test_authorize_gives_the_token_and_keeps_it(target: Target) -> None:
    async with target.connect() as cloud:
        token = await cloud.authorize()
        assert len(token) > 20
        assert await cloud.authorize() == token


async def test_many_tasks_share_one_login(target: Target) -> None:
    tokens: set[str] = set()
    async with target.connect() as cloud:

        async def ask() -> None:
            tokens.add(await cloud.authorize())

        async with anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(ask)
    assert len(tokens) == 1


async def test_has_service_tells_what_is_there(target: Target) -> None:
    async with target.connect() as cloud:
        assert await cloud.has_service("compute")
        assert await cloud.has_service("network")
        assert not await cloud.has_service("container-orchestration")


async def test_wrong_password_is_one_auth_error_without_the_password(target: Target) -> None:
    async with target.connect(auth={"password": "certainly-not-it"}) as cloud:
        with pytest.raises(aiocloud.AuthError) as refused:
            await cloud.list_servers()
    assert target.name in str(refused.value)
    assert "certainly-not-it" not in str(refused.value)


@pytest.mark.parametrize(
    ("service", "verb"),
    [
        ("compute", Cloud.list_servers),
        ("compute", Cloud.list_flavors),
        ("compute", Cloud.list_keypairs),
        ("image", Cloud.list_images),
        ("network", Cloud.list_networks),
        ("network", Cloud.list_subnets),
        ("network", Cloud.list_ports),
        ("network", Cloud.list_security_groups),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
async def test_everything_can_be_listed_and_knows_where_it_is(target: Target, service: str, verb: object) -> None:
    assert callable(verb)
    async with target.connect() as cloud:
        things = await verb(cloud)
        assert isinstance(things, list)
        for thing in things:
            assert thing.location.cloud == target.name
            assert thing.location.region_name == cloud.region_name


async def test_optional_services_can_be_listed_too(target: Target) -> None:
    async with target.connect() as cloud:
        if await cloud.has_service("block-storage"):
            assert isinstance(await cloud.list_volumes(), list)
            assert isinstance(await cloud.list_volume_types(), list)
        if await cloud.has_service("object-store"):
            assert isinstance(await cloud.list_containers(), list)


async def test_raw_rest_reaches_what_has_no_verb(target: Target) -> None:
    async with target.connect() as cloud:
        answer = await cloud.compute.get("/os-keypairs")
        assert "keypairs" in answer.json()
        with pytest.raises(aiocloud.NotFound) as missing:
            await cloud.network.get("/networks/00000000-0000-4000-8000-000000000000")
        assert missing.value.status_code == 404
        assert missing.value.cloud == target.name


async def test_a_flavor_is_found_by_its_memory(target: Target) -> None:
    async with target.connect() as cloud:
        flavor = await cloud.get_flavor_by_ram(512)
        fitting = [each.ram for each in await cloud.list_flavors() if each.ram >= 512]
        assert flavor.ram == min(fitting)


async def test_strict_shows_declared_fields_only(target: Target) -> None:
    async with target.connect(strict=True) as strict, target.connect() as lenient:
        plain = (await strict.list_images())[0]
        rich = (await lenient.list_images())[0]
        assert not plain.properties
        assert set(dict(plain)) <= set(dict(rich)) | {"properties"}
