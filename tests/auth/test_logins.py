"""Finding Keystone, the logins that ask nobody, and plug-ins."""

from __future__ import annotations

import base64
import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

from aiocloud._http import httpx
from aiocloud.auth.logins import identity_of, known_logins
from aiocloud.config.schema import CloudConfig
from aiocloud.errors import AuthError, ConfigError, NormalizationError
from tests.auth.helper import ALICE, Played, config, granted, play, refused


def at(url: str) -> Any:
    return config(**{**ALICE, "auth_url": url})


@pytest.mark.parametrize(
    ("auth_url", "identity"),
    [
        ("http://cloud.test:5000", "http://cloud.test:5000/v3"),
        ("http://cloud.test:5000/", "http://cloud.test:5000/v3"),
        ("http://cloud.test:5000/v3", "http://cloud.test:5000/v3"),
        ("http://cloud.test:5000/v3/", "http://cloud.test:5000/v3"),
        ("http://cloud.test:5000/v2.0", "http://cloud.test:5000/v3"),
        ("https://cloud.test/identity", "https://cloud.test/identity/v3"),
        ("https://cloud.test/identity/v2.0/", "https://cloud.test/identity/v3"),
    ],
)
def test_the_way_to_keystone_takes_no_request_where_it_is_usual(auth_url: str, identity: str) -> None:
    assert identity_of(at(auth_url)) == identity
    seen = Played()
    play(at(auth_url), lambda _: granted(), seen)
    assert seen.asked == [("POST", f"{identity}/auth/tokens")]


def test_elsewhere_the_version_document_is_asked_and_its_host_is_not_believed() -> None:
    def cloud(request: httpx.Request) -> httpx.Response:
        match request.method, request.url.path:
            case "GET", "/":
                link = {"rel": "self", "href": "http://keystone.internal:35357/identity/v3/"}
                return httpx.Response(
                    300, json={"versions": {"values": [{"id": "v3.14", "status": "stable", "links": [link]}]}}
                )
            case "POST", "/identity/v3/auth/tokens":
                return granted()
            case _:
                return httpx.Response(404)

    with pytest.raises(AuthError):
        play(at("https://cloud.test"), cloud)  # the link names another host: its path proves nothing

    def honest(request: httpx.Request) -> httpx.Response:
        answer = cloud(request)
        return httpx.Response(
            answer.status_code,
            headers=answer.headers,
            content=answer.content.replace(b"http://keystone.internal:35357", b"https://cloud.test"),
        )

    seen = Played()
    assert play(at("https://cloud.test"), honest, seen).text == "tok-1"
    assert seen.asked[-1] == ("POST", "https://cloud.test/identity/v3/auth/tokens")


@pytest.mark.parametrize("status", [404, 405, 501])
def test_an_auth_url_that_leads_nowhere_is_named(status: int) -> None:
    with pytest.raises(AuthError, match=r"no identity service \(Keystone\) at https://cloud\.test:5000"):
        play(config(), lambda _: httpx.Response(status, html="<h1>welcome</h1>"))


def test_a_web_page_where_keystone_should_be_is_no_login() -> None:
    with pytest.raises(NormalizationError, match="is a Keystone there"):
        play(config(), lambda _: httpx.Response(200, html="<h1>welcome</h1>"))


def test_identity_v2_is_said_to_be_gone() -> None:
    def cloud(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return httpx.Response(404)
        return httpx.Response(300, json={"versions": {"values": [{"id": "v2.0", "status": "stable", "links": []}]}})

    with pytest.raises(AuthError, match=r"v2 alone, which was removed"):
        play(at("https://cloud.test/v2.0"), cloud)
    with pytest.raises(ConfigError, match="identity v2"):
        play(config("v2password"), cloud)


@pytest.mark.parametrize(
    "auth_url",
    ["cloud.test:5000", "ftp://cloud.test", "https://", "/v3", "http://[::1", "http://h:99999", "http://h:x"],
)
def test_an_auth_url_that_is_none_is_a_config_error(auth_url: str) -> None:
    with pytest.raises(ConfigError, match="auth_url") as error:
        play(at(auth_url), lambda _: granted())
    assert error.value.key == "clouds.my-cloud.auth.auth_url"


def test_an_unknown_login_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"unknown auth_type 'telepathy'.*v3totp"):
        play(config("telepathy"), lambda _: granted())


def nobody(request: httpx.Request) -> httpx.Response:
    raise AssertionError(f"nothing is to be asked, but {request.url} was")


@pytest.mark.parametrize("spelling", ["none", "noauth", ""])
def test_none_is_one_endpoint_and_no_token(spelling: str) -> None:
    token = play(config(spelling, endpoint="http://ironic.test:6385/"), nobody)
    assert token.headers() == {}
    assert token.catalog.find(("baremetal",), region="any") == "http://ironic.test:6385"
    assert token.lifetime is None


@pytest.mark.parametrize("kind", ["none", "http_basic"])
def test_without_an_endpoint_each_service_has_its_own(kind: str) -> None:
    conf = CloudConfig(name="ironic", auth_type=kind, auth={"username": "alice", "password": "pw-canary"})
    assert play(conf, nobody).catalog.find(("baremetal",)) is None


def test_http_basic_goes_with_every_request() -> None:
    token = play(config("http_basic", endpoint="http://ironic.test", username="alice", password="pw-canary"), nobody)
    expected = base64.b64encode(b"alice:pw-canary").decode()
    assert token.headers() == {"Authorization": f"Basic {expected}"}
    assert expected not in repr(token)


@pytest.mark.parametrize("spelling", ["admin_token", "token_endpoint"])
def test_admin_token_is_used_as_it_is(spelling: str) -> None:
    token = play(config(spelling, endpoint="http://keystone.test/v3", token="tok-admin"), nobody)
    assert token.headers() == {"X-Auth-Token": "tok-admin"}


def test_tokenless_says_its_project_in_headers() -> None:
    token = play(config("v3tokenlessauth", project_name="web", project_domain_id="default"), nobody)
    assert token.headers() == {"X-Project-Name": "web", "X-Project-Domain-Id": "default"}
    assert token.catalog.find(("identity",)) == "https://cloud.test:5000/v3"
    with pytest.raises(ConfigError, match="project or a domain"):
        play(config("v3tokenlessauth", username="alice"), nobody)


PLUGIN = '''
"""A login with a Kerberos ticket (SPNEGO): Keystone names the mechanism, we answer with a ticket."""

from aiocloud._http import httpx
from aiocloud.auth.methods import accept, scope, token_request
from aiocloud.auth.conversation import Keys


def ticket_for(host):
    """gssapi.SecurityContext(name=..., usage="initiate").step() in earnest."""
    return f"ticket-for-{host}"


def kerberos(config, identity):
    keys = Keys(config)
    ask = {"methods": ["kerberos"], "kerberos": {}}
    answer = yield token_request(identity, ask, scope(keys))
    if answer.status_code == 401 and answer.headers.get("www-authenticate") == "Negotiate":
        ticket = ticket_for(httpx.URL(identity).host)
        answer = yield token_request(identity, ask, scope(keys), {"Authorization": f"Negotiate {ticket}"})
    return accept(config, answer)
'''


def test_other_packages_add_logins_by_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kerberos_login.py").write_text(PLUGIN)
    info = tmp_path / "kerberos_login-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: kerberos-login\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[aiocloud.auth]\nv3kerberos = kerberos_login:kerberos\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()

    def cloud(request: httpx.Request) -> httpx.Response:
        if request.headers.get("authorization") == "Negotiate ticket-for-cloud.test":
            return granted("tok-krb")
        answer = refused()
        answer.headers["www-authenticate"] = "Negotiate"
        return answer

    try:
        assert "v3kerberos" in known_logins()
        assert play(config("v3kerberos", project_id="p1"), cloud).text == "tok-krb"
    finally:
        sys.modules.pop("kerberos_login", None)
