"""The fixtures that installing aiocloud gives to pytest."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import aiocloud
from aiocloud.testing import FakeCloud


def test_a_fresh_cloud_and_its_clouds_yaml(fake_cloud: FakeCloud, fake_clouds_yaml: Path) -> None:
    assert fake_cloud.requests == []
    assert os.environ["OS_CLIENT_CONFIG_FILE"] == str(fake_clouds_yaml)
    assert fake_clouds_yaml.read_text() == fake_cloud.clouds_yaml()


def test_another_test_gets_another_cloud(fake_cloud: FakeCloud) -> None:
    fake_cloud.cloud().region().nova.flavors.clear()
    assert FakeCloud().cloud().region().nova.flavors


@pytest.fixture
def once(fake_cloud: FakeCloud) -> FakeCloud:
    return fake_cloud


def test_the_cloud_is_one_within_a_test(fake_cloud: FakeCloud, once: FakeCloud) -> None:
    assert once is fake_cloud


@pytest.fixture
def shell_of_an_operator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OS_CLOUD", "production")
    monkeypatch.setenv("OS_AUTH_URL", "https://production.example/v3")
    monkeypatch.setenv("OS_USERNAME", "operator")
    monkeypatch.setenv("OS_CLIENT_SECURE_FILE", "/nowhere/secure.yaml")


@pytest.mark.anyio
async def test_the_shell_it_runs_in_does_not_reach_a_test(
    shell_of_an_operator: None, fake_cloud: FakeCloud, fake_clouds_yaml: Path
) -> None:
    async with aiocloud.connect_all(transport=fake_cloud.transport) as fleet:
        assert [cloud.name for cloud in fleet] == ["fake"]
    async with aiocloud.connect(transport=fake_cloud.transport) as cloud:
        assert await cloud.list_servers() == []


class TestCloudsOfOnesOwn:
    @pytest.fixture
    def fake_cloud(self) -> FakeCloud:
        return FakeCloud(clouds=["east", "west"], boot_time=0)

    @pytest.mark.anyio
    async def test_a_fixture_of_the_same_name_gives_them(self, fake_cloud: FakeCloud, fake_clouds_yaml: Path) -> None:
        async with aiocloud.connect_all(transport=fake_cloud.transport) as fleet:
            assert [cloud.name for cloud in fleet] == ["east", "west"]
