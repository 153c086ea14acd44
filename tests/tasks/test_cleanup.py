"""A project is emptied, whatever its containers keep."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

import aiocloud
from aiocloud.testing import FakeCloud

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "settings", [{}, {"versions_enabled": True}, {"versions_location": "older"}, {"history_location": "older"}], ids=str
)
async def test_containers_go_with_their_older_versions(
    fake: FakeCloud, clouds_yaml: Path, settings: dict[str, Any]
) -> None:
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
        await cloud.create_container("older")
        await cloud.object_store.containers.create(name="box", **settings)
        for text in ("1", "22", "333"):
            await cloud.create_object("box", "a", data=text)
        await cloud.create_object("box", "gone", data="x")
        await cloud.delete_object("box", "gone")
        done = await cloud.project_cleanup(dry_run=False, skip_resources=["compute.keypair"])
        gone = [(each.resource.name, each.error) for each in done if each.kind == "object_store.container"]
        assert sorted(gone) == [
            ("box", None),
            ("older", None),
        ]
        assert await cloud.list_containers() == []


async def test_a_container_whose_older_versions_lie_elsewhere_goes_alone(fake: FakeCloud, clouds_yaml: Path) -> None:
    """What is removed from it must not come back as it was before."""
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
        await cloud.create_container("older")
        await cloud.object_store.containers.create(name="box", versions_location="older")
        for text in ("1", "22", "333"):
            await cloud.create_object("box", "a", data=text)
        done = await cloud.project_cleanup(
            dry_run=False, resource_evaluation_fn=lambda resource, *_: resource.name == "box"
        )
        assert [(each.resource.name, each.error) for each in done] == [("box", None)]
        assert [each.content_length for each in await cloud.list_objects("older")] == [1, 2]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"filters": {"created_at": "31.01.2026"}}, "created_at: '31.01.2026' is no time"),
        ({"filters": {"updated_at": None}}, "updated_at: None is no time"),
        ({"skip_resources": ["object_store.containers"]}, "no kind to skip is called object_store.containers"),
    ],
)
async def test_what_would_have_kept_something_and_is_misspelt_removes_nothing(
    fake: FakeCloud, clouds_yaml: Path, arguments: dict[str, Any], said: str
) -> None:
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
        await cloud.create_network("lan")
        with pytest.raises(aiocloud.InvalidRequest, match=said):
            await cloud.project_cleanup(dry_run=False, **arguments)
        assert await cloud.get_network("lan") is not None


async def test_times_are_compared_as_times(fake: FakeCloud, clouds_yaml: Path) -> None:
    """Not letter by letter: they have zones, or none, and fractions of a second."""
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
        network = await cloud.create_network("lan")
        made = datetime.fromisoformat(str(network.created_at)).replace(tzinfo=UTC)
        for limit, meant in [
            (made + timedelta(seconds=1), True),
            ((made + timedelta(hours=1)).astimezone(timezone(timedelta(hours=-9))).isoformat(), True),
            ((made - timedelta(hours=1)).astimezone(timezone(timedelta(hours=9))).isoformat(), False),
            (f"{made - timedelta(days=1):%Y-%m-%d}", False),
        ]:
            done = await cloud.project_cleanup(dry_run=True, filters={"created_at": limit})
            assert ("lan" in [each.resource.name for each in done]) == meant, limit


async def test_what_ones_own_function_raises_arrives_as_itself(fake: FakeCloud, clouds_yaml: Path) -> None:
    def refuse(resource: object, *_: object) -> bool:
        raise LookupError(resource)

    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
        await cloud.create_container("box")
        with pytest.raises(LookupError):
            await cloud.project_cleanup(resource_evaluation_fn=refuse)
