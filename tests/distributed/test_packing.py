"""Values between asker and worker: they come out as they went in, types and all, and nothing else comes out."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr

import aiocloud
from aiocloud import CloudError, InvalidRequest, Leftover, NotFound, ResourceFailed, Unauthorized
from aiocloud.distributed.packing import pack, unpack
from aiocloud.services.compute.server import Server
from aiocloud.tasks.batches import Created, NotCreated
from aiocloud.tasks.boot import Boot
from aiocloud.testing import FakeCloud


@dataclass(frozen=True)
class Facts:
    name: str
    addresses: tuple[str, ...]


class Shape(BaseModel):
    ram: int
    disk: float = 1.5


def through(value: Any) -> Any:
    """As it comes out on the other side, by way of JSON text."""
    return unpack(json.loads(json.dumps(pack(value))))


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        3,
        1.5,
        -math.inf,
        "ö\n\0",
        [1, [None, "x"]],
        {"a": {"b": [1]}},
        {"$": "dict", "items": 3},
        {1: "one", None: "none", (1, 2): "pair"},
        (1, (2, [3])),
        set(),
        {1, 2},
        frozenset({"a"}),
        b"\x00\xff",
        datetime(2026, 11, 28, 10, 30, tzinfo=UTC),
        date(2026, 11, 28),
        timedelta(days=1, microseconds=1),
        Facts("a", ("10.0.0.1",)),
        Leftover("server", "1", None, "why"),
        Shape(ram=512),
    ],
    ids=repr,
)
def test_a_value_comes_out_as_it_went_in(value: object) -> None:
    again = through(value)
    assert again == value
    assert type(again) is type(value)


def test_a_secret_arrives_and_is_still_one() -> None:
    again = through({"key": SecretStr("canary")})
    assert again["key"].get_secret_value() == "canary"
    assert "canary" not in repr(again)


@pytest.mark.anyio
async def test_a_resource_keeps_its_place_and_what_the_service_sent_besides(fake: FakeCloud, clouds_yaml: Path) -> None:
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
        servers = [
            await cloud.create_server("a", image="cirros", flavor="m1.tiny", wait=True),
            *await cloud.list_flavors(),
        ]
    again = through(servers)
    assert again == servers
    assert [type(one) for one in again] == [type(one) for one in servers]
    assert [one.location for one in again] == [one.location for one in servers]
    assert [one.to_dict() for one in again] == [one.to_dict() for one in servers]


def test_an_odd_value_stays_aside_under_the_name_of_a_field() -> None:
    """Read leniently, a field's wire name can be among the properties: it must not become the field's value."""
    server = Server(id="1", name="a")
    assert server.model_extra is not None
    server.model_extra["OS-EXT-STS:power_state"] = "seven"
    again = through(server)
    assert again.power_state == server.power_state
    assert again.properties == {"OS-EXT-STS:power_state": "seven"}


def test_a_value_that_we_computed_is_not_read_again() -> None:
    server = Server(id="1").changed(volumes=[{"any": "thing"}])
    assert through(server).volumes == [{"any": "thing"}]


def test_an_error_keeps_its_facts_cause_and_notes() -> None:
    error = NotFound("no such image", cloud="a", region="r", service="image", request_id="req-1")
    error.status_code = 404
    error.leaving([Leftover("server", "1", "name", "busy")])
    error.add_note("a note")
    cause = ResourceFailed("ended in ERROR", cloud="a")
    cause.resource = Server(id="1", status="ERROR")
    error.__cause__ = cause
    again = through(error)
    assert type(again) is NotFound
    assert str(again) == str(error)
    assert (again.status_code, again.request_id, again.__notes__) == (404, "req-1", ["a note"])
    assert again.leftovers == error.leftovers
    assert isinstance(again.__cause__, ResourceFailed)
    assert again.__cause__.resource == Server(id="1", status="ERROR")


def test_neither_request_nor_answer_leave_the_process() -> None:
    error = Unauthorized("no")
    vars(error)["response"] = vars(error)["_request"] = object()
    assert through(error).response is None


def test_a_fact_that_can_not_travel_does_not_keep_the_error_from_being_told() -> None:
    error = ResourceFailed("ended in ERROR", cloud="a")
    error.resource = [print]
    again = through(error)
    assert str(again) == str(error)
    assert again.resource == "[<built-in function print>]"


def test_an_error_of_python_arrives_as_itself_and_one_of_a_library_by_name() -> None:
    class TheirError(Exception):
        def __init__(self, a: int, b: int) -> None:
            super().__init__(f"{a} {b}")

    builtin, theirs = through(ValueError("bad")), through(TheirError(1, 2))
    assert (type(builtin), str(builtin)) == (ValueError, "bad")
    assert (type(theirs), str(theirs)) == (CloudError, "TheirError: 1 2")


def test_an_error_that_wants_more_than_a_text_is_named() -> None:
    error = through(UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"))
    assert type(error) is CloudError
    assert str(error).startswith("UnicodeDecodeError: 'utf-8' codec")


def test_the_outcomes_of_a_batch_travel() -> None:
    batch = [Created(Boot("a"), Server(id="1"), 1.5), NotCreated(Boot("b"), CloudError("full"), 0.5)]
    again = through(batch)
    assert again[0] == batch[0]
    assert (again[1].boot, str(again[1].error)) == (Boot("b"), "full")


@pytest.mark.parametrize("value", [print, object(), Path("x"), Server, [lambda: None]])
def test_what_can_not_travel_is_refused(value: object) -> None:
    with pytest.raises(InvalidRequest, match="can't travel"):
        pack(value)


@pytest.mark.parametrize("name", ["os:system", "aiocloud.cli.__main__:App", "this:Zen", "builtins:object", "x", ""])
@pytest.mark.parametrize("kind", ["model", "dataclass"])
def test_a_message_makes_nothing_but_models_and_dataclasses_and_imports_nothing(name: str, kind: str) -> None:
    packed: dict[str, Any] = {"$": kind, "type": name, "fields": {}, "set": [], "extra": {}, "origin": None}
    with pytest.raises(InvalidRequest):
        unpack(packed)
    assert "this" not in sys.modules


def test_what_a_newer_version_packs_is_refused_by_name() -> None:
    with pytest.raises(InvalidRequest, match="'matrix' is nothing that this version"):
        unpack({"$": "matrix"})


def test_an_error_of_a_newer_version_is_a_cloud_error() -> None:
    packed = {**pack(NotFound("gone")), "class": "GoneForGood"}
    assert type(unpack(packed)) is CloudError


def test_without_the_extra_it_says_which_one_is_missing() -> None:
    code = "import sys; sys.modules['taskiq'] = None; import aiocloud.distributed"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False).stderr
    assert 'needs the extra "distributed": pip install "aiocloud[distributed]"' in told
