"""A session over a long life: what a call's time includes, what others' ends cost, and what closing leaves."""

from __future__ import annotations

import asyncio
import gc
import traceback
from copy import copy
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest

import aiocloud
from aiocloud import Cloud
from aiocloud.poller import Poll, Shared
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
            with pytest.raises(aiocloud.Timeout, match=r"no login at http.* within 0\.[23]\d* s") as caught:
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
        with anyio.fail_after(10), pytest.raises(aiocloud.Timeout, match="no new login at .* within"):
            await cloud.with_options(timeout=0.3).list_flavors()
        assert await cloud.list_flavors()
        fake.fault(Fault(service="identity", method="POST", delay=3600))
        async with cloud.connect_as() as other:
            with anyio.fail_after(10), pytest.raises(aiocloud.Timeout, match="no login at .* within"):
                await other.with_options(timeout=0.3).authorize()


@pytest.mark.parametrize("visitor", [False, True])
async def test_a_close_waits_for_what_is_taken_back(fake: FakeCloud, clouds_yaml: Path, visitor: bool) -> None:
    """A web server that is told to stop cancels its requests, and closes at once what they shared."""
    fake.knobs.boot_time = 3600
    servers = fake.cloud().region().nova.servers
    async with cloud_of(fake, clouds_yaml) as cloud:
        flavor, image = (await cloud.list_flavors())[0], (await cloud.list_images())[0]
        with anyio.fail_after(20):
            async with anyio.create_task_group() as request:
                who = cloud.connect_as() if visitor else cloud
                request.start_soon(partial(who.create_server, "half", image, flavor, wait=True, auto_ip=False))
                while not servers:  # noqa: ASYNC110 - the fake tells nobody
                    await anyio.sleep(0.01)
                request.cancel_scope.cancel()
                with anyio.CancelScope(shield=True):
                    await cloud.aclose()
            await who.aclose()
        assert not servers


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_what_a_loop_that_ends_leaves_behind_is_named(
    fake: FakeCloud, clouds_yaml: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It cancels every task once more, shielded or not."""
    fake.knobs.boot_time = 3600
    servers = fake.cloud().region().nova.servers
    async with cloud_of(fake, clouds_yaml) as cloud:
        flavor, image = (await cloud.list_flavors())[0], (await cloud.list_images())[0]
        making = asyncio.create_task(cloud.create_server("half", image, flavor, wait=True, auto_ip=False))
        while not servers:  # noqa: ASYNC110 - the fake tells nobody
            await asyncio.sleep(0.01)
        removal = fake.fault(Fault(service="compute", method="DELETE", delay=3600))
        making.cancel()
        while not removal.struck:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        making.cancel()
        with anyio.fail_after(20), pytest.raises(asyncio.CancelledError):
            await making
    (left,) = servers.values()
    assert f"could not take back: server {left.id}" in caplog.text


async def test_a_close_does_not_wait_for_ever(
    fake: FakeCloud, clouds_yaml: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aiocloud.session._PATIENCE", 0.05)
    async with cloud_of(fake, clouds_yaml) as cloud:
        with anyio.fail_after(20), cloud.session.in_use():
            await cloud.aclose()


async def test_a_close_that_is_cancelled_closes(fake: FakeCloud, clouds_yaml: Path) -> None:
    async with cloud_of(fake, clouds_yaml) as cloud:
        await cloud.list_flavors()
        with cloud.session.in_use():
            with anyio.move_on_after(0.05) as cancelled:
                await cloud.session.aclose()
            assert cancelled.cancelled_caught
            with pytest.raises(aiocloud.CloudError, match="this connection is closed"):
                await cloud.list_flavors()


async def test_a_token_of_somebody_is_never_passed_over(fake: FakeCloud, clouds_yaml: Path) -> None:
    async with cloud_of(fake, clouds_yaml) as cloud:
        good = await cloud.authorize()
        async with cloud.connect_as(token="nobodys") as visitor:
            with pytest.raises(aiocloud.AuthError):
                await visitor.list_servers()
        async with cloud.connect_as(token=good) as visitor:
            assert await visitor.authorize() != good
            assert await visitor.list_servers() == []
    async with aiocloud.connect(
        config_files=[clouds_yaml], transport=fake.transport, auth={"token": "nobodys"}
    ) as visitor:
        with pytest.raises(aiocloud.AuthError):
            await visitor.authorize()


async def test_a_discovery_that_hangs_takes_of_the_calls_time(fake: FakeCloud, clouds_yaml: Path) -> None:
    async with cloud_of(fake, clouds_yaml) as cloud:
        await cloud.authorize()
        fake.fault(Fault(service="compute", method="GET", delay=3600))
        with anyio.fail_after(10), pytest.raises(aiocloud.Timeout, match="discovery of the compute service within"):
            await cloud.with_options(timeout=0.3).list_flavors()
        assert await cloud.list_flavors()


async def test_what_is_asked_for_all_is_asked_with_nobodys_own_options(fake: FakeCloud, clouds_yaml: Path) -> None:
    """The first who waits in a region may be in a hurry, or have an id of its own; who comes later is not, and has none."""
    fake.knobs.boot_time = 0.1
    async with cloud_of(fake, clouds_yaml) as cloud:
        first = cloud.with_options(timeout=30, global_request_id="req-first")
        await first.create_server("one", image="cirros", flavor="m1.tiny", wait=True, auto_ip=True)
        fake.requests.clear()
        server = await cloud.create_server("two", image="cirros", flavor="m1.tiny", wait=True, auto_ip=True)
        await cloud.compute.servers.wait(server.id, until="ACTIVE")
        assert fake.requests
        assert not [one for one in fake.requests if one.headers.get("x-openstack-request-id") == "req-first"]


async def test_a_wait_for_a_child_leaves_nothing_with_the_session(fake: FakeCloud, clouds_yaml: Path) -> None:
    async with cloud_of(fake, clouds_yaml) as cloud:

        async def wait_under(parent: str) -> None:
            listing = copy(cloud.block_storage.volumes)
            listing.endpoint = cloud.block_storage.endpoint.at("parents", parent)
            with pytest.raises(aiocloud.CloudError):
                await listing.wait("0" * 32, until="available", timeout=0.05)

        async def polls(*parents: str) -> int:
            for parent in parents:
                await wait_under(parent)
            gc.collect()
            return sum(isinstance(thing, Poll) for thing in gc.get_objects())

        assert await polls("a", "b", "c", "d") <= 1


async def test_an_error_that_many_waited_for_is_each_ones_own() -> None:
    async def fail() -> None:
        await anyio.lowlevel.checkpoint()
        raise aiocloud.TransportError("down", cloud="fake")

    shared, errors = Shared(fail), list[aiocloud.CloudError]()

    async def ask() -> None:
        try:
            await shared.get()
        except aiocloud.CloudError as error:
            errors.append(error.leaving([]))

    async with anyio.create_task_group() as tasks:
        for _ in range(50):
            tasks.start_soon(ask)
    assert len({id(error) for error in errors}) == 50
    assert {str(error) for error in errors} == {"fake: down"}
    assert max(len(traceback.extract_tb(error.__traceback__)) for error in errors) <= 3


async def test_versions_that_a_service_failed_to_tell_are_looked_for_again(
    fake: FakeCloud, clouds_yaml: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a cloud that was ill when a process began would go without microversions for as long as it runs."""
    monkeypatch.setattr("aiocloud.session._UNSURE", 0.0)
    quick: dict[str, Any] = {"compute_status_code_retries": 0}
    async with aiocloud.connect(
        "fake", config_files=[clouds_yaml], secure_files=[], transport=fake.transport, **quick
    ) as cloud:
        await cloud.authorize()
        fault = fake.fault(Fault(service="compute", method="GET", status=503, times=None))
        assert (await cloud.compute.endpoint.service()).maximum is None
        assert fault.struck
        fake.clear()
        assert (await cloud.compute.endpoint.service()).maximum is not None
        fake.requests.clear()
        assert (await cloud.compute.endpoint.service()).maximum is not None
        assert not fake.requests


async def test_an_override_leaves_the_project_to_the_login(fake: FakeCloud, clouds_yaml: Path) -> None:
    async with cloud_of(fake, clouds_yaml) as cloud:
        url = await cloud.block_storage.endpoint.url()
        named = (await cloud.session.token()).project
        project = str(named.id if named else None)
        assert project in url
        await cloud.create_volume(1, name="v")

    def connected(text: str) -> Cloud:
        override: dict[str, Any] = {"block_storage_endpoint_override": url.replace(project, text)}
        return aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport, **override)

    for name in ("project_id", "tenant_id"):
        async with connected(f"%({name})s") as cloud:
            assert [volume.name for volume in await cloud.list_volumes()] == ["v"]
    async with connected("%(colour)s") as cloud:
        with pytest.raises(
            aiocloud.ConfigError, match=r"block_storage_endpoint_override has %\(colour\)s: only project_id"
        ):
            await cloud.list_volumes()
