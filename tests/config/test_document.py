"""YAML is read precisely: every node knows its place, nothing is guessed, and nothing grows."""

from __future__ import annotations

import pytest

from aiocloud.config.document import Mapping, Scalar, Sequence, Source, parse
from aiocloud.errors import ConfigError

HERE = Source("file", "clouds.yaml")


def tree(text: str) -> Mapping:
    found = parse(text, HERE)
    assert isinstance(found, Mapping)
    return found


def text_of(node: object) -> object:
    assert isinstance(node, Scalar)
    return node.value


def refused(text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        parse(text, HERE)
    assert caught.value.file == "clouds.yaml"
    assert caught.value.line is not None
    return caught.value


@pytest.mark.parametrize("written", ["NO", "0123", "1e3", "0x1f", "12:30:00", "2024-01-01", "on", "1_000", "2.10"])
def test_a_value_keeps_the_text_that_was_written(written: str) -> None:
    assert text_of(tree(f"key: {written}").get("key")) == written


@pytest.mark.parametrize("written", ["", "~", "null", "Null", "NULL"])
def test_nothing_is_nothing_and_in_quotes_it_is_text(written: str) -> None:
    found = tree(f"plain: {written}\nquoted: '{written}'")
    assert found.get("plain") is None
    assert text_of(found.get("quoted")) == written


def test_every_node_knows_its_line_and_column() -> None:
    clouds = tree("clouds:\n  mine:\n    regions: [a, b]\n").get("clouds")
    assert isinstance(clouds, Mapping)
    mine = clouds.get("mine")
    assert isinstance(mine, Mapping)
    regions = mine.get("regions")
    assert isinstance(regions, Sequence)
    assert (regions.line, regions.column) == (3, 14)
    assert [str(item.origin) for item in regions.items] == ["clouds.yaml:3:15", "clouds.yaml:3:18"]


def test_anchors_and_merge_keys_work_and_own_keys_win() -> None:
    found = tree("base: &base {a: 1, b: 2}\nmore: &more {b: 9, c: 3}\nmine:\n  b: own\n  <<: [*base, *more]\n")
    mine = found.get("mine")
    assert isinstance(mine, Mapping)
    assert {key: text_of(node) for key, _, node in mine.read("mine")} == {"b": "own", "a": "1", "c": "3"}


def test_a_key_given_twice_is_an_error_for_whoever_reads_it() -> None:
    found = tree("mine:\n  a: 1\n  a: 2\n").get("mine")
    assert isinstance(found, Mapping)
    with pytest.raises(ConfigError, match=r"clouds.yaml:3:3 mine\.a: .*line 2"):
        list(found.read("mine"))


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{now}: &{now} [{','.join([f'*{before}'] * 9)}]\n" for before, now in zip("abcdefgh", "bcdefghi", strict=True)
)
MERGES = "a: &a {x: 1}\n" + "".join(
    f"{now}: &{now}\n  <<: [{', '.join([f'*{before}'] * 12)}]\n"
    for before, now in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    "text",
    [
        "clouds: [",
        "clouds:\n\t- a",
        "a: 'open",
        "a: b: c",
        "? [complex]\n: 1",
        "{a: 1}: 2",
        "'': 1",
        '"a\\u001b[31m": 1',
        "a: &x [*x]",
        "a: *nowhere",
        "a: !!python/object/apply:os.system [ls]",
        "a: !secret b",
        "a: 1\n---\nb: 2\n",
        "a: \x07",
        "[" * 40 + "]" * 40,
        "".join("  " * level + "a:\n" for level in range(40)),
        "- a\n" * 50_001,
        "a: &a 1\nb: [" + "*a, " * 101 + "]",
        "a: {<<: 3}",
        BOMB,
        MERGES,
    ],
    ids=range(21),
)
def test_what_is_not_plain_small_yaml_is_refused_with_its_line(text: str) -> None:
    refused(text)


def test_a_deep_chain_of_anchors_is_refused() -> None:
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 60)]
    refused("\n".join(lines))


def test_an_empty_text_is_no_tree() -> None:
    assert parse("", HERE) is None
    assert parse("# nothing\n", HERE) is None


def test_json_is_read_with_its_places() -> None:
    found = tree('{"clouds":{"mine":{"auth":{"auth_url":"http:\\/\\/h"}},\n"mine2":{}}}').get("clouds")
    assert isinstance(found, Mapping)
    assert list(found.entries) == ["mine", "mine2"]
    assert found.entries["mine2"][0].line == 2
