"""The command line in this process, against the talk's clouds on a port."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal

from aiocloud.cli.app import run
from aiocloud.testing import FakeCloud
from aiocloud.testing.kinds import TALK


@dataclass(frozen=True)
class Said:
    """What a command wrote, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Shell = Callable[..., Said]


@pytest.fixture(scope="session")
def served() -> Iterator[FakeCloud]:
    fake = FakeCloud(clouds=list(TALK.values()))
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(fake.serve()):
        yield fake


@pytest.fixture
def configured(served: FakeCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The clouds.yaml that reaches them, which the command line finds."""
    path = tmp_path / "clouds.yaml"
    path.write_text(served.clouds_yaml())
    path.chmod(0o600)
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return path


@pytest.fixture
def shell(configured: Path, capfd: pytest.CaptureFixture[str]) -> Shell:
    """Run one command line."""

    def run_it(*arguments: str) -> Said:
        code = run(list(arguments))
        out, err = capfd.readouterr()
        return Said(code, out, err)

    return run_it
