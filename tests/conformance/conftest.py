"""The stories run on fake clouds of the talk's three kinds, or on `--clouds-yaml FILE --clouds a,b`."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from aiocloud.testing import FakeCloud
from tests.conformance.target import Target

FAKE = ("my-vexxhost", "my-internap", "my-citycloud")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.conformance)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "target" in metafunc.fixturenames:
        chosen: str | None = metafunc.config.getoption("clouds")
        names = chosen.split(",") if chosen else FAKE
        metafunc.parametrize("target", names, indirect=True)


def with_administrators(fake: FakeCloud) -> str:
    """The clouds.yaml of a fake, where `a-admin` is the administrator of `a`."""
    clouds = yaml.safe_load(fake.clouds_yaml())["clouds"]
    admins = yaml.safe_load(fake.clouds_yaml(admin=True))["clouds"]
    clouds.update({f"{name}-admin": entry for name, entry in admins.items()})
    return yaml.safe_dump({"clouds": clouds})


@pytest.fixture
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Target:
    given: str | None = request.config.getoption("clouds_yaml")
    if given:
        return Target(request.param, Path(given), fake=False, big=64_000_000)
    fake = FakeCloud.talk()
    config = tmp_path / "clouds.yaml"
    config.write_text(with_administrators(fake))
    return Target(request.param, config, {"transport": fake.transport})
