"""The same cloud for another scope: what was said of the old one goes."""

from __future__ import annotations

from typing import Any

import pytest

from aiocloud.config.relogin import as_project, as_somebody_else
from aiocloud.config.schema import CloudConfig

ME = {"username": "me", "user_domain_id": "default"}


@pytest.mark.parametrize("scope", [{"system_scope": "all"}, {"trust_id": "t"}, {"unscoped": True}, {"project_id": "p"}])
def test_a_project_takes_the_place_of_any_scope(scope: dict[str, Any]) -> None:
    config = CloudConfig(name="mine", auth={**ME, **scope})
    assert as_project(config, "web").auth == {**ME, "project_name": "web"}
    assert as_project(config, {"id": "w"}).auth == {**ME, "project_id": "w"}


@pytest.mark.parametrize("scope", [{"system_scope": "all"}, {"trust_id": "t"}, {"unscoped": True}, {"domain_id": "d"}])
def test_any_scope_takes_the_place_of_a_project(scope: dict[str, Any]) -> None:
    config = CloudConfig(name="mine", auth={**ME, "project_name": "web"})
    assert as_somebody_else(config, scope).auth == {**ME, **scope}
