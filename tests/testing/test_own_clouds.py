"""Clouds of a user's own making, and what FakeCloud says to a mistake in them."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest

import aiocloud
from aiocloud.testing import FakeCloud, Fault, Flavor, Kind, Knobs, Plan
from aiocloud.testing.faults import SERVICES
from aiocloud.testing.state import SetKnobs

pytestmark = pytest.mark.anyio


def written(fake: FakeCloud, folder: Path) -> list[Path]:
    path = folder / "clouds.yaml"
    path.write_text(fake.clouds_yaml())
    return [path]


@pytest.mark.parametrize("kind", get_args(Kind))
async def test_a_server_is_reachable_on_each_kind_by_its_name_alone(kind: Kind, tmp_path: Path) -> None:
    fake = FakeCloud("mine", kind=kind, boot_time=0)
    async with aiocloud.connect("mine", config_files=written(fake, tmp_path), transport=fake.transport) as cloud:
        server = await cloud.create_server("web", image="cirros", flavor="m1.tiny", wait=True, auto_ip=True)
        assert server.public_v4


async def test_names_and_plans_are_clouds_beside_each_other(tmp_path: Path) -> None:
    own = Plan("own", flavors=(Flavor("big", 65536, 32, 100),), images=("debian",))
    fake = FakeCloud(clouds=["east", own], regions=("one", "two"))
    async with aiocloud.connect_all(config_files=written(fake, tmp_path), transport=fake.transport) as fleet:
        assert [(one.name, one.region_name) for one in fleet] == [
            ("east", "one"),
            ("east", "two"),
            ("own", "RegionOne"),
        ]
        flavors = await fleet["own"].list_flavors()
        assert [flavor.name for flavor in flavors] == ["big"]


async def test_the_clock_can_be_moved(tmp_path: Path) -> None:
    fake = FakeCloud(boot_time=3600)
    async with aiocloud.connect(config_files=written(fake, tmp_path), transport=fake.transport) as cloud:
        server = await cloud.create_server("web", image="cirros", flavor="m1.tiny")
        fake.clock.move(3500)
        assert fake.cloud().region().nova.server("web").status == "BUILD"
        fake.clock.move(200)
        assert (await cloud.compute.servers.get(server.id)).status == "ACTIVE"
    assert fake.count(service="identity", method="POST", path="*/auth/tokens") == 2, "its token has expired, too"
    with pytest.raises(ValueError, match="never goes back"):
        fake.clock.move(-1)


def test_a_name_that_is_none_is_told_with_those_there_are() -> None:
    fake = FakeCloud(clouds=["east", "west"])
    with pytest.raises(KeyError, match="there is no fake cloud 'c0'; there are: east, west"):
        fake.cloud("c0")
    with pytest.raises(KeyError, match="'east' has no region 'Two'; there are: RegionOne"):
        fake.cloud("east").region("Two")
    with pytest.raises(KeyError, match="my-vexhost.*there are: my-vexxhost"):
        FakeCloud.like("my-vexhost")
    assert repr(fake) == "<FakeCloud east, west>"


def test_a_plan_that_could_not_work_is_refused() -> None:
    with pytest.raises(ValueError, match="no kind of cloud 'flaoting'"):
        FakeCloud(kind="flaoting")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="can't be in a URL"):
        FakeCloud("my cloud")
    with pytest.raises(ValueError, match="one name or more"):
        FakeCloud(regions=())
    with pytest.raises(ValueError, match="two fake clouds are called 'east'"):
        FakeCloud(clouds=["east", "east"])


def test_a_fault_that_could_never_match_is_refused() -> None:
    with pytest.raises(ValueError, match="no service 'compte'; there are: identity, compute"):
        Fault(service="compte", status=500)
    with pytest.raises(ValueError, match="no request's method is 'post'"):
        Fault(method="post", status=500)
    with pytest.raises(ValueError, match="paths start with '/'"):
        Fault(path="servers", status=500)
    with pytest.raises(ValueError, match="needs the status"):
        Fault(body={"error": "no"})
    fake = FakeCloud()
    with pytest.raises(KeyError, match="no fake cloud 'fakr'"):
        fake.fault(Fault(cloud="fakr", status=500))
    with pytest.raises(KeyError, match="no region 'Two'"):
        fake.fault(Fault(region="Two", status=500))
    with pytest.raises(ValueError, match="no service 'volume'"):
        fake.count(service="volume")


def test_what_checkers_and_faults_know_is_what_there_is() -> None:
    assert list(SetKnobs.__annotations__) == [field.name for field in fields(Knobs)]
    cloud = FakeCloud().cloud()
    assert set(SERVICES) == {cloud.keystone.type, *(one.type for one in cloud.region().services.values())}
