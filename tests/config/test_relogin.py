"""The same cloud for another scope: what was said of the old one goes."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

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


@pytest.mark.parametrize(
    ("was", "given", "login", "auth"),
    [
        ("password", {"token": "t"}, "token", {"token": "t"}),
        ("v3password", {"token": "t"}, "token", {"token": "t"}),
        ("v3totp", {"token": "t"}, "token", {"token": "t"}),
        (
            "password",
            {"application_credential_id": "i", "application_credential_secret": "s"},
            "v3applicationcredential",
            {**ME, "application_credential_id": "i", "application_credential_secret": "s"},
        ),
        ("v3password", {"password": "q"}, "v3password", {**ME, "password": "q"}),
        ("password", {"username": "you"}, "password", {**ME, "username": "you", "password": "p"}),
        ("v3oidcpassword", {"token": "t"}, "v3oidcpassword", {"token": "t"}),
    ],
)
def test_another_secret_is_another_login(was: str, given: dict[str, str], login: str, auth: dict[str, str]) -> None:
    """A service that is given a visitor's token must never act as itself."""
    config = CloudConfig(name="mine", auth_type=was, auth={**ME, "password": SecretStr("p")})
    made = as_somebody_else(config, given)
    opened = {
        key: value.get_secret_value() if isinstance(value, SecretStr) else value for key, value in made.auth.items()
    }
    assert (made.auth_type, opened) == (login, auth)


def test_several_factors_are_replaced_one_by_one() -> None:
    auth = {**ME, "password": SecretStr("p"), "token": SecretStr("t")}
    config = CloudConfig(name="mine", auth_type="v3multifactor", auth_methods=("v3password", "v3token"), auth=auth)
    made = as_somebody_else(config, {"token": "u"})
    assert made.auth_type == "v3multifactor"
    assert made.auth == {**auth, "token": SecretStr("u")}
