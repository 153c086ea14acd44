"""One model, read strictly and leniently; names of ours and of the wire."""

from __future__ import annotations

import json
from functools import partial
from typing import Annotated, Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiocloud import InvalidRequest, NormalizationError
from aiocloud.model import (
    Location,
    NullAs,
    Place,
    Project,
    Resource,
    Spec,
    Text,
    Wire,
    build,
    read_many,
    read_one,
    text_of,
    wire_names,
)
from aiocloud.services.object_store.object import Object


class Flavor(Resource):
    place: ClassVar[Place] = Place("/flavors", one="flavor", many="flavors")

    ram: int = 0
    is_public: Annotated[bool, Wire("os-flavor-access:is_public")] = True
    tags: Annotated[list[str], NullAs([])] = []
    note: Text = ""


class NewFlavor(Spec):
    name: str
    ram: int
    is_public: Annotated[bool, Wire("os-flavor-access:is_public")] = True


HERE = Location(cloud="my-cloud", region_name="one", project=Project(id="p1", name="demo"))


def one(body: dict[str, Any], *, strict: bool = False) -> Flavor:
    return read_one(Flavor, {"flavor": body}, strict=strict, origin=HERE, where="GET /flavors/1")


def many(*rows: Any, strict: bool = False, **more: Any) -> Any:
    body = json.dumps({"flavors": rows, **more}).encode()
    return read_many(Flavor, body, strict=strict, origin=HERE, where="GET /flavors")


def test_a_resource_reads_as_an_object_and_as_a_mapping() -> None:
    flavor = one({"id": "1", "name": "m1", "ram": 512, "os-flavor-access:is_public": False})
    assert (flavor.name, flavor["name"], flavor.get("name")) == ("m1", "m1", "m1")
    assert flavor["os-flavor-access:is_public"] is flavor.is_public is False
    assert "os-flavor-access:is_public" in flavor
    assert "nothing" not in flavor
    assert flavor.get("nothing", 7) == 7
    assert dict(flavor)["ram"] == {**flavor}["ram"] == 512
    with pytest.raises(KeyError):
        flavor["nothing"]


def test_a_resource_knows_its_place() -> None:
    flavor = one({"id": "1"})
    assert flavor.location.cloud == "my-cloud"
    assert flavor["location"]["region_name"] == "one"
    assert flavor.location.project.name == "demo"
    assert flavor.changed(name="other").location == flavor.location


def test_lenient_keeps_what_else_was_sent_and_strict_does_not() -> None:
    body = {"id": "1", "vendor:colour": "blue"}
    assert one(body).properties == {"vendor:colour": "blue"}
    assert one(body)["vendor:colour"] == "blue"
    strict = one(body, strict=True)
    assert strict.properties == {}
    assert "vendor:colour" not in strict


def test_lenient_sets_one_odd_value_aside_and_strict_names_it() -> None:
    body = {"id": "1", "name": "m1", "ram": "plenty"}
    flavor = one(body)
    assert (flavor.name, flavor.ram, flavor.properties) == ("m1", 0, {"ram": "plenty"})
    with pytest.raises(NormalizationError, match=r"GET /flavors/1.*ram"):
        one(body, strict=True)


def test_one_odd_value_does_not_cost_a_list() -> None:
    page = many({"id": "1", "ram": 1}, {"id": "2", "ram": []}, {"id": "3", "ram": 3})
    assert [flavor.ram for flavor in page.items] == [1, 0, 3]
    assert page.items[1].properties == {"ram": []}
    assert page.items[1].location.cloud == "my-cloud"
    with pytest.raises(NormalizationError):
        many({"id": "2", "ram": []}, strict=True)


def test_null_is_read_as_what_the_field_says() -> None:
    flavor = many({"id": "1", "name": None, "tags": None, "note": None}).items[0]
    assert (flavor.name, flavor.tags, flavor.note) == ("", [], "")
    assert one({"id": 17}).id == "17"


@pytest.mark.parametrize(
    "links",
    [
        {"flavors_links": [{"rel": "self", "href": "s"}, {"rel": "next", "href": "n"}]},
        {"links": {"next": "n", "self": "s"}},
        {"next": "n"},
    ],
)
@pytest.mark.parametrize("strict", [False, True])
def test_the_next_page_is_found_however_the_service_writes_it(links: dict[str, Any], strict: bool) -> None:
    assert many({"id": "1"}, strict=strict, **links).next == "n"
    assert many({"id": "1"}, strict=strict).next is None


@pytest.mark.parametrize(
    "body", [b"<html>", b"", b"[]", b'{"other": []}', b'{"flavors": {"id": 1}}', b'{"flavors": [3]}']
)
def test_what_is_no_list_of_such_things_is_one_error_that_says_where(body: bytes) -> None:
    with pytest.raises(NormalizationError, match="GET /flavors"):
        read_many(Flavor, body, strict=False, origin=HERE, where="GET /flavors")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_whatever_json_a_service_sends_it_is_read_or_refused_as_a_normalization_error(value: Any) -> None:
    body = json.dumps({"flavors": [{"id": "1", "ram": value, "name": value, "tags": value}]}).encode()
    page = read_many(Flavor, body, strict=False, origin=HERE, where="GET /flavors")
    assert page.items[0].id == "1"


def test_resources_are_frozen_and_hashable() -> None:
    flavor = one({"id": "1"})
    with pytest.raises(ValueError, match="frozen"):
        flavor.name = "other"
    assert len({flavor, one({"id": "1"})}) == 1


def test_a_spec_sends_what_was_given_under_its_wire_names() -> None:
    spec = build(NewFlavor, name="m1", ram=512, is_public=False, extra_body={"vendor:x": 1})
    assert spec.body() == {"name": "m1", "ram": 512, "os-flavor-access:is_public": False, "vendor:x": 1}
    assert build(NewFlavor, name="m1", ram=512).body() == {"name": "m1", "ram": 512}


@pytest.mark.parametrize(
    "wrong", [{"name": "m1"}, {"name": "m1", "ram": "x"}, {"name": "m1", "ram": 1, "colour": "blue"}]
)
def test_a_spec_that_can_not_be_right_is_one_invalid_request(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match="ram|colour"):
        build(NewFlavor, **wrong)


def test_filters_of_ours_have_the_wires_names() -> None:
    assert wire_names(Flavor) == {"is_public": "os-flavor-access:is_public"}


@pytest.mark.parametrize("which", ["b", {"id": "b"}, {"name": "", "id": "b"}, Resource(id="b")])
def test_a_thing_is_named_by_text_or_by_itself(which: Any) -> None:
    assert text_of(which, "server", "name", "id") == "b"


@pytest.mark.parametrize(
    ("which", "why"),
    [
        (5, "5 is no server"),
        (None, "None is no server"),
        ({}, "it has no name or id"),
        (Resource(), "it has no name or id"),
    ],
)
def test_what_names_nothing_is_one_invalid_request(which: Any, why: str) -> None:
    with pytest.raises(InvalidRequest, match=why):
        text_of(which, "server", "name", "id")


def test_a_list_without_an_envelope_is_read_whole_though_one_value_is_odd() -> None:
    body = b'[{"name": "a", "bytes": 3, "new": 1}, {"name": "b", "bytes": "many"}]'
    read = partial(read_many, Object, body, origin=Location(cloud="c"), where="GET /box")
    good, odd = read(strict=False).items
    assert (good.name, good.content_length, good.properties["new"], good.location.cloud) == ("a", 3, 1, "c")
    assert (odd.name, odd.content_length, odd.properties["bytes"], odd.location.cloud) == ("b", 0, "many", "c")
    with pytest.raises(NormalizationError, match="GET /box"):
        read(strict=True)
    with pytest.raises(NormalizationError, match=r"an object with nothing where \[\.\.\.\] was promised"):
        read_many(Object, b"{}", strict=False, origin=Location(), where="GET /box")
