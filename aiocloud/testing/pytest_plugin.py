"""pytest fixtures: `fake_cloud`, and a clouds.yaml that reaches it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from aiocloud.testing.fake import FakeCloud


@pytest.fixture
def fake_cloud() -> FakeCloud:
    """A fresh `FakeCloud` with one region; its `transport` answers in process.

    For other clouds write a fixture of this name: `fake_clouds_yaml` then describes those.
    """
    from aiocloud.testing.fake import FakeCloud  # only tests that use it pay for the import

    return FakeCloud()


@pytest.fixture
def fake_clouds_yaml(fake_cloud: FakeCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clouds.yaml for `fake_cloud`, which OS_CLIENT_CONFIG_FILE names; no other OS_* variable is left."""
    for variable in [name for name in os.environ if name.startswith("OS_")]:
        monkeypatch.delenv(variable)
    path, secure = tmp_path / "clouds.yaml", tmp_path / "secure.yaml"
    path.write_text(fake_cloud.clouds_yaml(), encoding="utf-8")
    secure.touch(mode=0o600)  # or the user's own would give its passwords to clouds of the same name
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(path))
    monkeypatch.setenv("OS_CLIENT_SECURE_FILE", str(secure))
    return path
