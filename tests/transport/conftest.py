"""Everything about the transport holds on every way out."""

from __future__ import annotations

from typing import Any

import pytest

from tests import conftest


@pytest.fixture(params=conftest.EVERY_WAY_OUT)
def anyio_backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[str, dict[str, Any]]:
    """asyncio twice, and trio."""
    return conftest.backend_of(request.param, monkeypatch)
