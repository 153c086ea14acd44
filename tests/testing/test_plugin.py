"""The fixtures that installing aiocloud gives to pytest."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

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
