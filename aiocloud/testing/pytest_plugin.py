"""pytest fixtures: `fake_cloud`, and a clouds.yaml that reaches it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from aiocloud.testing.fake import FakeCloud


@pytest.fixture
def fake_cloud() -> FakeCloud:
    """A fresh `FakeCloud` with one region; its `transport` answers in process."""
    from aiocloud.testing.fake import FakeCloud  # only tests that use it pay for the import

    return FakeCloud()


@pytest.fixture
def fake_clouds_yaml(fake_cloud: FakeCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clouds.yaml for `fake_cloud`, which OS_CLIENT_CONFIG_FILE names."""
    path = tmp_path / "clouds.yaml"
    path.write_text(fake_cloud.clouds_yaml(), encoding="utf-8")
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(path))
    return path
