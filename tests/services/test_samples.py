"""Real answers of Neutron, Cinder, Keystone and Placement (2026.2), read: nothing that they send is left undeclared."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from aiocloud.model import Location, Resource, read_many, read_one

SAMPLES: dict[str, dict[str, Any]] = json.loads((Path(__file__).parent / "samples.json").read_text())


def model(name: str) -> type[Resource]:
    sample = SAMPLES[name]
    found: object = getattr(importlib.import_module(sample["module"]), sample["class"])
    assert isinstance(found, type)
    assert issubclass(found, Resource)
    return found


@pytest.mark.parametrize("name", SAMPLES)
def test_an_answer_is_declared_in_full_and_fits_its_types(name: str) -> None:
    answer = SAMPLES[name]["answer"]
    lenient = read_one(model(name), answer, strict=False, origin=Location(), where="test")
    assert lenient.properties == {}
    strict = read_one(model(name), answer, strict=True, origin=Location(), where="test")
    assert strict == lenient


@pytest.mark.parametrize("name", SAMPLES)
def test_every_value_is_there_under_the_name_that_the_service_gave_it(name: str) -> None:
    answer = SAMPLES[name]["answer"]
    read = read_one(model(name), answer, strict=False, origin=Location(), where="test")
    for key, value in answer.items():
        assert key in read
        if isinstance(value, bool | int) or (
            isinstance(value, str) and value and not isinstance(read[key], bool | int)
        ):
            assert read[key] == value


@pytest.mark.parametrize("name", SAMPLES)
def test_a_list_of_them_is_read_from_its_bytes(name: str) -> None:
    cls = model(name)
    body = json.dumps({str(cls.place.many): [SAMPLES[name]["answer"]] * 2}).encode()
    page = read_many(cls, body, strict=True, origin=Location(cloud="c"), where="test")
    assert [item.location.cloud for item in page.items] == ["c", "c"]
