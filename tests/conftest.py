"""Both event loops, and a fake cloud to talk to."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aiocloud.testing import FakeCloud
from tests.talk import Talk, clouds_of_the_talk, serving


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[str, dict[str, Any]]:
    """Each test marked `anyio` runs on asyncio and on trio; what is about connections on `EVERY_WAY_OUT`."""
    return backend_of(request.param, monkeypatch)


def backend_of(way_out: str, monkeypatch: pytest.MonkeyPatch) -> tuple[str, dict[str, Any]]:
    """The event loop of a way out, and the way to it open."""
    loop, _, way = way_out.partition(" over ")
    if way:
        monkeypatch.setattr("aiocloud.transport.pool.is_content", lambda _: way == "sockets")
    if way == "httpx2":
        monkeypatch.setattr("aiocloud.transport.pool.find_spec", lambda _: None)
    return loop, {}


EVERY_WAY_OUT = [
    "asyncio",
    "asyncio over httpx2",
    "asyncio over sockets",
    "trio",
    "trio over httpx2",
    "trio over sockets",
]
"""By itself content takes sockets of our own; the rest takes the fast way where there is one, or the HTTP library's."""


@pytest.fixture
def way_out(request: pytest.FixtureRequest) -> str:
    """Which of them it is."""
    return str(request.node.callspec.params["anyio_backend"])


@pytest.fixture(autouse=True)
def _no_configuration_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clouds of whoever runs the tests stay out of them."""
    for name in [name for name in os.environ if name.startswith("OS_")]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _no_ipv6_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which address is best by the routes of whoever runs the tests stays out of them."""
    monkeypatch.setattr("aiocloud.tasks.addresses.has_ipv6", lambda: False)


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """What one test writes down, with `enable_logging` or `--debug`, is not written down for the next."""
    loggers = [logging.getLogger(name) for name in ("aiocloud", "aiocloud.http")]
    before = [(logger, logger.level, list(logger.handlers), logger.propagate) for logger in loggers]
    yield
    for logger, level, handlers, propagate in before:
        for handler in set(logger.handlers) - set(handlers):
            handler.close()
        logger.handlers[:] = handlers
        logger.setLevel(level)
        logger.propagate = propagate


@pytest.fixture
def fake() -> FakeCloud:
    """One fake cloud called `fake`, in process: connect with `transport=fake.transport`."""
    return FakeCloud()


@pytest.fixture
def clouds_yaml(fake: FakeCloud, tmp_path: Path) -> Path:
    """The clouds.yaml that reaches `fake`."""
    path = tmp_path / "clouds.yaml"
    path.write_text(fake.clouds_yaml())
    return path


def pytest_addoption(parser: pytest.Parser) -> None:
    """For `tests/conformance/`; here because pytest reads options before it reads that folder."""
    group = parser.getgroup("conformance", "tell the conformance stories on real clouds")
    group.addoption("--clouds-yaml", metavar="FILE", help="the clouds.yaml to use instead of fake clouds")
    group.addoption("--clouds", metavar="A,B", help="which clouds of it")


@pytest.fixture
def talk(tmp_path: Path) -> Iterator[Talk]:
    """All the clouds that the talk names, on a port: for scripts that run as processes of their own."""
    with serving(clouds_of_the_talk(), tmp_path) as ready:
        yield ready
