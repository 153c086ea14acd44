"""Names in paths, names in lists, and what error bodies say."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiocloud import Ambiguous, InvalidRequest
from aiocloud._http import httpx
from aiocloud.complaint import error_from, words
from aiocloud.errors import Conflict, HTTPError, NotFound, OpenStackCloudURINotFound, ServiceFailed
from aiocloud.match import can_be_id, matches, named, only
from aiocloud.model import Place, Resource
from aiocloud.paths import join, segment


class Thing(Resource):
    place: ClassVar[Place] = Place("/things", one="thing", many="things")

    size: int = 0


@given(st.text(min_size=1))
def test_a_name_in_a_path_comes_back_as_it_was_or_is_refused(name: str) -> None:
    try:
        quoted = segment(name)
    except InvalidRequest:
        return
    assert unquote(quoted) == name
    assert not set("/?#") & set(quoted)
    assert quoted not in (".", "..")
    assert httpx.URL(f"http://host/v1{join(name)}").raw_path.count(b"/") == 2


@pytest.mark.parametrize("name", ["", "a\0b", "line\nbreak", "\ud800"])
def test_what_no_service_can_keep_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequest):
        segment(name)


def test_what_is_no_text_is_refused_by_its_type() -> None:
    key: Any = ["key"]
    with pytest.raises(InvalidRequest, match=r"is text, not list: \['key'\]"):
        join("volumes", "1", "metadata", key)


def test_a_bracket_is_a_fine_character_in_a_name() -> None:
    image = Thing(id="1", name="Ubuntu 16.04.1 LTS [2017-03-03]")
    assert named(image, "Ubuntu 16.04.1 LTS [2017-03-03]")
    assert named(image, "ubuntu*") is False
    assert named(image, "Ubuntu*")
    assert named(image, "1")


def test_filters_look_inside_and_a_missing_key_does_not_match() -> None:
    thing = Thing.model_validate({"id": "1", "size": 3, "meta": {"team": "ops"}})
    assert matches(thing, {"size": 3, "meta": {"team": "ops"}})
    assert not matches(thing, {"meta": {"team": "dev"}})
    assert not matches(thing, {"nothing": 1})
    assert matches(thing, {"size": "3"})


def test_an_id_wins_over_names_and_several_names_are_ambiguous() -> None:
    one, two = Thing(id="a", name="twin"), Thing(id="b", name="twin")
    assert only([Thing(id="twin", name="x"), one], "twin", "thing") == Thing(id="twin", name="x")
    assert only([], "twin", "thing") is None
    with pytest.raises(Ambiguous, match=r"2 things are called 'twin' \(a, b\)"):
        only([one, two], "twin", "thing")


def test_what_can_be_an_id() -> None:
    assert can_be_id("ab644706-9b9a-4eeb-912b-0bd493f319d4")
    assert can_be_id("86cfa6b4a970471881d0cacb0196052b")
    assert not can_be_id("my-server")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            b'{"itemNotFound": {"code": 404, "message": "Instance x could not be found."}}',
            "Instance x could not be found.",
        ),
        (b'{"NeutronError": {"type": "IpInUse", "message": "Taken", "detail": ""}}', "Taken"),
        (b'{"error": {"code": 401, "message": "No", "title": "Unauthorized"}}', "No"),
        (b'{"errors": [{"status": 404, "title": "Not Found", "detail": "No provider"}]}', "No provider"),
        (
            b"<html><head><title>409</title></head><body><h1>Conflict</h1>in\x1b[31m use</body></html>",
            "Conflict in [31m use",
        ),
        (b'{"error_message": "{\\"faultstring\\": \\"Node locked\\"}"}', "Node locked"),
        (b'{"message": "No image with ID a<b>c<br /><br />\\n\\n\\n", "title": "Not Found"}', "No image with ID a<b>c"),
        (b"", ""),
    ],
)
def test_the_services_own_words_on_one_line(body: bytes, said: str) -> None:
    assert words(body, "text/html" if body.startswith(b"<") else "application/json") == said


@pytest.mark.parametrize(("status", "kind"), [(404, NotFound), (409, Conflict), (503, ServiceFailed), (418, HTTPError)])
def test_an_error_says_where_what_and_who(status: int, kind: type[HTTPError]) -> None:
    request = httpx.Request("GET", "http://nova:8774/v2.1/servers/x?token=nothing")
    response = httpx.Response(
        status, request=request, json={"f": {"message": "Why."}}, headers={"x-openstack-request-id": "req-7"}
    )
    error = error_from(response, "my-cloud", "one", "compute")
    assert type(error) is kind
    assert str(error) == f"my-cloud one: compute answered {status} to GET /v2.1/servers/x: Why. (req-7)"
    assert (error.cloud, error.region, error.service, error.status_code) == ("my-cloud", "one", "compute", status)
    assert (error.method, error.request_id, error.response) == ("GET", "req-7", response)
    assert isinstance(error, httpx.HTTPStatusError)


def test_the_talks_names_are_the_same_classes() -> None:
    assert OpenStackCloudURINotFound is NotFound
