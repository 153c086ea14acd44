"""From signatures to what a shell can say."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pytest
from cyclopts import App

from aiocloud.cli import said, verbs
from aiocloud.cli.arguments import Argument, arguments_of, read_pairs
from aiocloud.cli.nouns import COMMANDS, NOUNS
from aiocloud.cli.said import said_of
from aiocloud.errors import InvalidRequest
from aiocloud.model import Which
from aiocloud.services.compute.flavor import NewFlavor


async def verb(
    cloud: object,
    name: str,
    which: Which,
    size: int = 1,
    ratio: float | None = 2.0,
    up: bool = True,
    kind: Literal["a", "b"] = "a",
    groups: Sequence[Which] | Which | None = None,
    meta: Mapping[str, Any] | None = None,
    pools: Sequence[Mapping[str, str]] | None = None,
    path: os.PathLike[str] | None = None,
    hook: Callable[[], None] | None = None,
    progress: str = "",
) -> None: ...


def test_each_kind_of_argument() -> None:
    found = {argument.name: (argument.kind, argument.required) for argument in arguments_of(verb, ["cloud"])}
    assert found == {
        "name": ("text", True),
        "which": ("text", True),
        "size": ("whole", False),
        "ratio": ("number", False),
        "up": ("flag", False),
        "kind": ("choice", False),
        "groups": ("texts", False),
        "meta": ("pairs", False),
        "pools": ("pairs list", False),
        "path": ("text", False),
    }


def test_a_spec_is_read_like_a_verb() -> None:
    found = {argument.name: argument for argument in arguments_of(NewFlavor)}
    assert found["ram"].required
    assert found["ram"].kind == "whole"
    assert found["is_public"].kind == "flag"


def test_pairs() -> None:
    assert read_pairs(["a=1", "b=x=y", '{"c": [1]}'], "meta") == {"a": "1", "b": "x=y", "c": [1]}
    for wrong in ("a", "=1", "{", "{]", '{"a": 1'):
        with pytest.raises(InvalidRequest, match="--meta"):
            read_pairs([wrong], "meta")
    assert Argument("pools", "pairs list", required=False).value(["a=1,b=2", "a=3"]) == [
        {"a": "1", "b": "2"},
        {"a": "3"},
    ]


def test_what_is_usually_in_a_file_may_be_read_from_there(tmp_path: Path) -> None:
    (tmp_path / "init").write_text("#cloud-config\n")
    userdata = Argument("userdata", "text", required=False)
    assert userdata.value(f"@{tmp_path / 'init'}") == "#cloud-config\n"
    assert userdata.value("#!/bin/sh") == "#!/bin/sh"
    assert Argument("description", "text", required=False).value("@home") == "@home"
    (tmp_path / "zipped").write_bytes(b"\x1f\x8b\x08\x00")
    for name, why in (("nowhere", "can't be read: No such file"), ("zipped", "is no text in UTF-8")):
        with pytest.raises(InvalidRequest, match=f"--userdata: .*{name} {why}"):
            userdata.value(f"@{tmp_path / name}")


def arguments_of_all() -> list[tuple[str, str, str]]:
    return [
        (noun.name, command, argument.name)
        for noun in NOUNS.values()
        for command in noun.verbs
        for argument in verbs.verb_of(noun, command)[1]
    ]


def test_the_help_says_what_each_argument_means() -> None:
    assert not [found for found in arguments_of_all() if not said_of(*found)]


def test_nothing_is_said_of_arguments_that_are_not_there() -> None:
    names = {name for _, _, name in arguments_of_all()}
    places = {f"{noun}.{name}" for noun, _, name in arguments_of_all()}
    places |= {f"{command}.{name}" for _, command, name in arguments_of_all()}
    places |= {".".join(found) for found in arguments_of_all()}
    assert said.SAID.keys() <= names | places


@pytest.mark.parametrize("name", NOUNS)
def test_every_noun_has_its_commands(name: str) -> None:
    app = getattr(verbs, name)
    assert isinstance(app, App)
    for one in NOUNS[name].verbs:
        names = {name for argument in app[one].assemble_argument_collection() for name in argument.names}
        assert {"--cloud", "--region", "--all-clouds", "--output", "--columns", "--query"} <= names


def test_no_noun_is_a_command_too() -> None:
    assert not set(NOUNS) & set(COMMANDS)
