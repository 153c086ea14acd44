"""Keystone's own logins: what is sent, and what is made of the answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import SecretStr

from aiocloud._http import httpx
from aiocloud.auth.methods import login_request
from aiocloud.config.schema import CloudConfig
from aiocloud.errors import AuthError, ConfigError, MoreFactorsNeeded, NotFound, Unauthorized
from tests.auth.helper import ALICE, config, granted, play, refused

DEFAULT = {"id": "default"}


def sent(conf: CloudConfig) -> Any:
    request = login_request(conf, "https://cloud.test/v3")
    assert (request.method, str(request.url)) == ("POST", "https://cloud.test/v3/auth/tokens")
    return json.loads(request.content)["auth"]


def test_password_with_names() -> None:
    assert sent(config()) == {
        "identity": {
            "methods": ["password"],
            "password": {"user": {"name": "alice", "domain": {"name": "Default"}, "password": "pw-canary"}},
        },
        "scope": {"project": {"name": "web", "domain": {"id": "default"}}},
    }


def test_password_with_ids() -> None:
    body = sent(config("v3password", user_id="u1", password="x", project_id="p1"))
    assert body["identity"]["password"]["user"] == {"id": "u1", "password": "x"}
    assert body["scope"] == {"project": {"id": "p1"}}


def test_token() -> None:
    body = sent(config("token", token="old", project_id="p2"))
    assert body["identity"] == {"methods": ["token"], "token": {"id": "old"}}


@pytest.mark.parametrize("spelling", ["v3applicationcredential", "application_credential", "v3_application_credential"])
def test_application_credential_by_id_has_no_scope(spelling: str) -> None:
    conf = config(spelling, application_credential_id="a1", application_credential_secret="s", project_id="p")
    assert sent(conf) == {
        "identity": {"methods": ["application_credential"], "application_credential": {"id": "a1", "secret": "s"}}
    }


def test_application_credential_by_name_needs_its_user() -> None:
    conf = config(
        "v3applicationcredential", application_credential_name="ci", application_credential_secret="s", username="alice"
    )
    assert sent(conf)["identity"]["application_credential"] == {
        "name": "ci",
        "secret": "s",
        "user": {"name": "alice", "domain": DEFAULT},
    }


def test_totp() -> None:
    body = sent(config("v3totp", username="alice", passcode="123456"))
    assert body["identity"]["totp"] == {"user": {"name": "alice", "domain": DEFAULT, "passcode": "123456"}}


def test_multifactor_sends_all_methods_at_once() -> None:
    conf = config("v3multifactor", ("v3password", "v3totp"), **ALICE, passcode="123456")
    body = sent(conf)["identity"]
    assert body["methods"] == ["password", "totp"]
    assert body["totp"]["user"]["passcode"] == "123456"
    assert body["password"]["user"]["password"] == "pw-canary"


def test_a_receipt_is_sent_along() -> None:
    conf = config("v3totp", user_id="u1", passcode="123456", auth_receipt=SecretStr("receipt-1"))
    assert login_request(conf, "https://cloud.test/v3").headers["Openstack-Auth-Receipt"] == "receipt-1"


@pytest.mark.parametrize(
    ("keys", "scope"),
    [
        ({"system_scope": "all"}, {"system": {"all": True}}),
        ({"trust_id": "t1"}, {"OS-TRUST:trust": {"id": "t1"}}),
        ({"domain_id": "d1"}, {"domain": {"id": "d1"}}),
        ({"domain_name": "Sales"}, {"domain": {"name": "Sales"}}),
        ({"project_id": "p1", "domain_id": "d1"}, {"project": {"id": "p1"}}),
        ({"project_name": "web", "domain_name": "Sales"}, {"project": {"name": "web", "domain": {"name": "Sales"}}}),
        ({"project_name": "web", "default_domain_id": "d2"}, {"project": {"name": "web", "domain": {"id": "d2"}}}),
        ({"unscoped": True}, "unscoped"),
        ({}, None),
    ],
)
def test_scope(keys: dict[str, Any], scope: object) -> None:
    assert sent(config(user_id="u1", password="x", **keys)).get("scope") == scope


@pytest.mark.parametrize(
    "keys",
    [
        {"system_scope": "all", "project_name": "web"},
        {"trust_id": "t", "domain_id": "d"},
        {"unscoped": "yes", "project_id": "p"},
    ],
)
def test_two_scopes_contradict(keys: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="one scope"):
        sent(config(user_id="u1", password="x", **keys))


@pytest.mark.parametrize(
    ("conf", "key"),
    [
        (config(username="alice"), "auth.password"),
        (config(password="x"), "auth.username"),
        (config("token", project_id="x"), "auth.token"),
        (config("v3totp", username="alice"), "auth.passcode"),
        (config("v3applicationcredential", application_credential_secret="s"), "auth.application_credential_name"),
        (config("v3multifactor", **ALICE), "auth_methods"),
        (config("v3multifactor", ("v3password", "sms"), **ALICE), "'sms'"),
    ],
)
def test_a_missing_key_is_named(conf: CloudConfig, key: str) -> None:
    with pytest.raises(ConfigError, match=key) as error:
        sent(conf)
    assert error.value.cloud == "my-cloud"


def test_a_refusal_says_who_where_and_what_to_do_and_keeps_the_secret() -> None:
    with pytest.raises(Unauthorized) as error:
        play(config(), lambda _: refused())
    text = str(error.value)
    assert "my-cloud" in text
    assert "alice" in text
    assert "https://cloud.test:5000/v3/auth/tokens" in text
    assert "Check auth." in text
    assert "pw-canary" not in text
    assert isinstance(error.value, AuthError)
    assert error.value.response.status_code == 401
    assert b"pw-canary" not in error.value.response.request.content


def test_other_refusals_are_auth_errors_with_the_http_error_as_cause() -> None:
    def cloud(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(300, json={"versions": {"values": [{"id": "v3.14", "links": []}]}})
        return refused(404, "Could not find Application Credential: a1.")

    conf = config("v3applicationcredential", application_credential_id="a1", application_credential_secret="s")
    with pytest.raises(AuthError, match="Could not find Application Credential") as error:
        play(conf, cloud)
    assert error.value.status_code == 404
    assert isinstance(error.value.__cause__, NotFound)


def test_a_second_factor_that_is_missing_comes_with_the_receipt() -> None:
    def cloud(_: httpx.Request) -> httpx.Response:
        body = {"receipt": {"methods": ["password"]}, "required_auth_methods": [["password", "totp"]]}
        return httpx.Response(401, json=body, headers={"Openstack-Auth-Receipt": "receipt-canary"})

    with pytest.raises(MoreFactorsNeeded, match=r"password \+ totp") as error:
        play(config(), cloud)
    assert error.value.required == (("password", "totp"),)
    assert error.value.receipt is not None
    assert error.value.receipt.get_secret_value() == "receipt-canary"
    assert "receipt-canary" not in repr(error.value) + str(error.value.response.headers)


def test_a_redirect_is_not_followed_with_the_password() -> None:
    with pytest.raises(AuthError, match=r"redirects to https://new\.test/v3/auth/tokens"):
        play(config(), lambda _: httpx.Response(302, headers={"Location": "https://new.test/v3/auth/tokens?x=1"}))


@pytest.mark.parametrize(
    "location", ["/dashboard/auth/login/?next=/v3", "https://me:pw@new.test/login", "", "http://[::1"]
)
def test_a_redirect_to_no_keystone_doubts_the_auth_url(location: str) -> None:
    with pytest.raises(
        AuthError, match=r"redirects to (https://|nowhere).* an identity service there\? Check auth_url"
    ) as told:
        play(config(), lambda _: httpx.Response(302, headers={"Location": location}))
    assert "pw" not in str(told.value)


def test_a_redirect_to_another_keystone_names_the_auth_url_to_set() -> None:
    with pytest.raises(AuthError, match=r"set auth_url to https://cloud\.test/identity/v3$"):
        play(
            config(), lambda _: httpx.Response(301, headers={"Location": "https://cloud.test/identity/v3/auth/tokens"})
        )


def test_a_service_that_repeats_a_secret_is_not_quoted() -> None:
    with pytest.raises(AuthError, match=r"'password': '\*\*\*' is too long") as told:
        play(config(), lambda _: refused(400, "Invalid input for field 'password': 'pw-canary' is too long"))
    assert "pw-canary" not in repr(told.value) + str(told.value.__cause__)


def test_a_token_that_is_unknown_says_so() -> None:
    def cloud(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(300, json={"versions": {"values": [{"id": "v3.14", "links": []}]}})
        return refused(404, "Could not recognize Fernet token")

    with pytest.raises(AuthError, match=r"login of the token's owner .*Fernet token\. Check auth.*another cloud's"):
        play(config("token", token=SecretStr("tok-canary")), cloud)


@pytest.mark.parametrize("key", [{"project_id": "p2"}, {"project_name": "shop"}])
def test_an_application_credential_is_not_for_another_project(key: dict[str, str]) -> None:
    mine = {"application_credential_id": "a1", "application_credential_secret": SecretStr("s")}
    with pytest.raises(AuthError, match=r"is for project web \(p1\), not for (p2|shop): take auth\.project_"):
        play(config("v3applicationcredential", **mine, **key), lambda _: granted())
    assert play(config("v3applicationcredential", **mine, project_name="Web"), lambda _: granted()).text == "tok-1"


def test_a_login_for_nothing_still_reaches_keystone() -> None:
    token = play(config(), lambda _: granted(project=None, catalog=[]))
    assert token.catalog.find(("identity",)) == "https://cloud.test:5000/v3"
    assert token.catalog.types() == ("identity",)


def test_a_login_is_accepted() -> None:
    assert play(config(), lambda _: granted("tok-9")).text == "tok-9"
