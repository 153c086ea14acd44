"""A session over a long life: what a call's time includes, what others' ends cost, and what closing leaves."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

import aiocloud
from aiocloud import Cloud
from aiocloud.testing import FakeCloud, Fault

pytestmark = pytest.mark.anyio


def cloud_of(fake: FakeCloud, clouds_yaml: Path) -> Cloud:
    return aiocloud.connect("fake", config_files=[clouds_yaml], secure_files=[], transport=fake.transport)


async def test_a_login_that_hangs_takes_of_the_calls_time_and_of_nobody_elses(
    fake: FakeCloud, clouds_yaml: Path
) -> None:
    fake.fault(Fault(service="identity", method="POST", delay=3600))
    flavors = list[int]()

    async def patient(cloud: Cloud) -> None:
        flavors.append(len(await cloud.list_flavors()))

    with anyio.fail_after(30):
        async with cloud_of(fake, clouds_yaml) as cloud, anyio.create_task_group() as tasks:
            with pytest.raises(aiocloud.Timeout, match=r"login .*within 0\.[23]\d* s \(auth_url: http") as caught:
                tasks.start_soon(patient, cloud)
                await cloud.with_options(timeout=0.3).list_flavors()
            assert not caught.value.sent
            assert caught.value.cloud == "fake"
    assert len(flavors) == 1


async def test_a_login_again_that_hangs_takes_of_the_calls_time(fake: FakeCloud, clouds_yaml: Path) -> None:
    async with cloud_of(fake, clouds_yaml) as cloud:
        await cloud.list_flavors()
        fake.revoke_tokens()
        fake.fault(Fault(service="identity", method="POST", delay=3600))
        with anyio.fail_after(10), pytest.raises(aiocloud.Timeout, match="no new login within"):
            await cloud.with_options(timeout=0.3).list_flavors()
        assert await cloud.list_flavors()
        fake.fault(Fault(service="identity", method="POST", delay=3600))
        async with cloud.connect_as() as other:
            with anyio.fail_after(10), pytest.raises(aiocloud.Timeout, match="no login within"):
                await other.with_options(timeout=0.3).authorize()


async def test_a_discovery_that_hangs_takes_of_the_calls_time(fake: FakeCloud, clouds_yaml: Path) -> None:
    async with cloud_of(fake, clouds_yaml) as cloud:
        await cloud.authorize()
        fake.fault(Fault(service="compute", method="GET", delay=3600))
        with anyio.fail_after(10), pytest.raises(aiocloud.Timeout, match="discovery of the compute service within"):
            await cloud.with_options(timeout=0.3).list_flavors()
        assert await cloud.list_flavors()
