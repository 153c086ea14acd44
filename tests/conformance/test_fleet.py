"""Every cloud at once: outcomes in order, failures in their place."""

from __future__ import annotations

from typing import Any

import pytest

import aiocloud
from aiocloud import Cloud, Done, Failed
from tests.conformance.target import Target

pytestmark = pytest.mark.anyio


def fleet_of(target: Target, **more: Any) -> aiocloud.Fleet:
    return aiocloud.connect_all(config_files=[target.config], **{**target.options, **more})


async def test_map_answers_for_each_cloud_in_order(target: Target) -> None:
    async with fleet_of(target, clouds=[target.name]) as fleet:
        outcomes = await fleet.map(Cloud.list_images)
        assert [outcome.cloud.name for outcome in outcomes] == [cloud.name for cloud in fleet]
        assert all(images for images in outcomes.values)
        outcomes.raise_failed()


async def test_stream_answers_as_each_cloud_does(target: Target) -> None:
    seen: list[str] = []
    async with (
        fleet_of(target, clouds=[target.name]) as fleet,
        fleet.stream(Cloud.search_servers, "no-such-server") as outcomes,
    ):
        async for outcome in outcomes:
            match outcome:
                case Done(cloud, servers):
                    assert servers == []
                    seen.append(cloud.name)
                case Failed(_, error):
                    raise error
    assert seen == [target.name]


async def test_a_cloud_that_refuses_us_is_one_failed_outcome(target: Target) -> None:
    async with fleet_of(target, clouds=[target.name], auth={"password": "certainly-not-it"}) as fleet:
        outcomes = await fleet.map(Cloud.list_servers)
        assert outcomes.values == []
        [failed] = outcomes.failed
        assert isinstance(failed.error, aiocloud.AuthError)
        with pytest.raises(ExceptionGroup):
            outcomes.raise_failed()
