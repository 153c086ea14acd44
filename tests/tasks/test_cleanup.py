"""A project is emptied, whatever its containers keep."""

from __future__ import annotations

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
