"""Reading Keystone's answer, and asking the catalog."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aiocloud.auth.token import Catalog, CatalogEntry, Token, load_token, parse_token
from aiocloud.errors import NormalizationError
from tests.auth.helper import wire_token

HEADERS = {"x-subject-token": "tok-canary"}


def read(**more: Any) -> Token:
    return parse_token(json.dumps(wire_token(**more)).encode(), HEADERS, where="https://cloud.test")


def test_a_token_says_who_where_and_how_long() -> None:
    token = read()
    assert (token.text, token.lifetime) == ("tok-canary", 3600)
    assert token.user is not None
    assert (token.user.name, token.user.domain_name) == ("alice", "Default")
    assert token.project is not None
    assert token.project.id == "p1"
    assert (token.roles, token.methods) == (("member",), ("password",))
    assert token.headers() == {"X-Auth-Token": "tok-canary"}


def test_a_token_does_not_show_itself() -> None:
    assert "tok-canary" not in repr(read())


def test_life_is_the_difference_of_the_clouds_two_times() -> None:
    assert read(issued_at="1999-01-01T00:00:00Z", expires_at="1999-01-01T00:00:20Z").lifetime == 20
    assert read(expires_at=None).lifetime is None


def test_without_issue_time_the_date_of_the_answer_counts() -> None:
    body = json.dumps(wire_token(issued_at=None)).encode()
    headers = {**HEADERS, "Date": "Tue, 01 Jan 2030 00:30:00 GMT"}
    assert parse_token(body, headers, where="x").lifetime == 1800


def test_what_was_dumped_is_read_back() -> None:
    token = read(
        system={"all": True}, service_providers=[{"id": "b", "auth_url": "https://b/v3", "sp_url": "https://b/sp"}]
    )
    assert load_token(token.dump()) == token


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"token": 3}', b'{"error": {}}', b"[" * 100_000])
def test_an_answer_that_is_no_token_is_said_to_be_none(body: bytes) -> None:
    with pytest.raises(NormalizationError, match=r"cloud\.test"):
        parse_token(body, HEADERS, where="https://cloud.test")


def test_a_login_without_the_header_is_no_login() -> None:
    with pytest.raises(NormalizationError, match="X-Subject-Token"):
        parse_token(json.dumps(wire_token()).encode(), {}, where="https://cloud.test")


@pytest.mark.parametrize(
    "odd",
    [
        {"catalog": None},
        {"catalog": [None, 3, {"type": None}, {"type": "x", "endpoints": [{"url": None}, 7, {"url": ""}]}]},
        {"catalog": {"type": "x"}},
    ],
)
def test_odd_catalog_lines_are_passed_over(odd: dict[str, Any]) -> None:
    assert not read(**odd).catalog.entries


@pytest.mark.parametrize(
    "odd",
    [
        {"roles": [3, {"name": 7}], "methods": 3},
        {"user": "alice", "project": [], "OS-TRUST:trust": "t"},
        {"issued_at": "yesterday", "expires_at": 12},
    ],
)
def test_odd_values_do_not_cost_the_login(odd: dict[str, Any]) -> None:
    assert read(**odd).text == "tok-canary"


@pytest.mark.parametrize("text", ["", "{}", '{"value": "x", "scheme": "basic"}', '{"value": 3, "scheme": "token"}'])
def test_a_store_that_holds_something_else_holds_nothing(text: str) -> None:
    with pytest.raises(NormalizationError):
        load_token(text)


def entry(
    type_: str, url: str, interface: str = "public", region: str | None = "one", name: str | None = None
) -> CatalogEntry:
    return CatalogEntry(type_, name, region, interface, url)


CATALOG = Catalog(
    (
        entry("volumev3", "https://v3.test/v3/p"),
        entry("volumev2", "https://v2.test/v2/p"),
        entry("compute", "https://c.test", region="two"),
        entry("compute", "https://c.test/internal", "internal"),
        entry("compute", "https://c.test/public"),
        entry("image", "https://old.test", name="oldglance"),
        entry("image", "https://new.test", name="glance"),
    )
)


@pytest.mark.parametrize(
    ("types", "interfaces", "region", "name", "url"),
    [
        (("compute",), ("public",), "one", None, "https://c.test/public"),
        (("compute",), ("publicURL",), "one", None, "https://c.test/public"),
        (("compute",), ("internal", "public"), "one", None, "https://c.test/internal"),
        (("compute",), ("internal", "public"), "two", None, "https://c.test"),
        (("compute",), ("admin",), "one", None, None),
        (("compute",), ("public",), None, None, "https://c.test"),
        (("compute",), ("public",), "three", None, None),
        (("block-storage", "volumev3", "volumev2"), ("public",), "one", None, "https://v3.test/v3/p"),
        (("volumev2", "volumev3"), ("public",), "one", None, "https://v2.test/v2/p"),
        (("image",), ("public",), "one", "glance", "https://new.test"),
        (("dns",), ("public",), "one", None, None),
    ],
)
def test_the_catalog_gives_the_preferred_endpoint(
    types: tuple[str, ...], interfaces: tuple[str, ...], region: str | None, name: str | None, url: str | None
) -> None:
    assert CATALOG.find(types, interfaces=interfaces, region=region, service_name=name) == url


def test_the_catalog_knows_its_regions_and_types() -> None:
    assert CATALOG.regions() == ("one", "two")
    assert CATALOG.regions(("image",)) == ("one",)
    assert CATALOG.types("two") == ("compute",)


def test_old_spellings_of_interfaces_in_a_catalog_are_read() -> None:
    catalog = [{"type": "compute", "endpoints": [{"interface": "publicURL", "region": "one", "url": "https://c.test"}]}]
    assert read(catalog=catalog).catalog.find(("compute",), region="one") == "https://c.test"
