"""Rows as text: every format, and nothing in them that a terminal or a markup would act on."""

from __future__ import annotations

import csv
import io
import json

import pytest
import yaml

from aiocloud.cli.output import FORMATS, Format, clean, details, jmespath, pick, render, write
from aiocloud.cli.transfer import bars
from aiocloud.errors import InvalidRequest
from aiocloud.progress import Progress

EVIL = "a\x1b[31mred\x1b]0;title\x07\u009b2J\u202eevil\r\n[bold]"
ROWS = [{"id": "1", "name": EVIL, "flavor": {"name": "m1"}, "tags": ["a", "b"], "up": True, "none": None}]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("width", [None, 60])
def test_no_control_character_gets_through(form: Format, width: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    text = render(ROWS, form, width=width)
    assert all(char.isprintable() or char == "\n" for char in text)
    assert "bold" in text or width


def test_markup_is_text() -> None:
    assert clean("[bold]x[/bold]") == "[bold]x[/bold]"
    assert "[bold]" in render([{"name": "[bold]"}], "table", width=80)


def test_json_and_yaml_read_back_as_they_were() -> None:
    assert json.loads(render(ROWS, "json")) == ROWS
    assert yaml.safe_load(render(ROWS, "yaml")) == ROWS
    assert [json.loads(line) for line in render(ROWS * 2, "ndjson").splitlines()] == ROWS * 2


def test_csv_has_a_head_and_a_row() -> None:
    assert list(csv.reader(io.StringIO(render(ROWS, "csv", ["id", "flavor.name", "tags", "up", "none"])))) == [
        ["id", "flavor.name", "tags", "up", "none"],
        ["1", "m1", "a, b", "true", ""],
    ]


def test_a_name_a_line() -> None:
    assert render([{"name": "a", "id": "1"}, {"id": "2"}], "name") == "a\n2\n"


def test_off_a_terminal_nothing_is_cut() -> None:
    long = "x" * 500
    assert long in render([{"id": "1", "name": long}], "table")


def test_on_a_terminal_the_widest_column_gives_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    lines = render([{"id": "12345678", "name": "x" * 500}], "table", width=40).splitlines()
    assert [len(line) for line in lines] == [14, 40]
    assert lines[1].startswith("12345678")
    assert lines[1].endswith("…")


def test_what_has_no_room_side_by_side_is_told_field_by_field(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    rows = [{"id": nth * 36, "name": "web", "address": "203.0.113.85"} for nth in "ab"]
    assert len(render(rows, "table", width=28).splitlines()) == 3
    assert render(rows, "table", width=20).splitlines() == [
        "FIELD    VALUE",
        f"id       {'a' * 36}",
        "name     web",
        "address  203.0.113.85",
        "",
        "FIELD    VALUE",
        f"id       {'b' * 36}",
        "name     web",
        "address  203.0.113.85",
    ]


def test_of_one_thing_nothing_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    key = f"-----BEGIN\n{'x' * 100}\n-----END\n"
    rules = [{"id": "1", "protocol": None, "location": {"cloud": "a"}}, {"id": "2", "protocol": "tcp"}]
    text = details({"key": key, "rules": rules, "nets": {"lan": [{"addr": "::1"}]}, "a\x1b": "b\x1b"}, width=40)
    assert text.splitlines() == [
        "FIELD  VALUE",
        "key    -----BEGIN",
        f"       {'x' * 100}",
        "       -----END",
        "rules  id=1",
        "       id=2, protocol=tcp",
        "nets   lan: addr=::1",
        "a\\x1b  b\\x1b",
    ]


def test_a_text_that_was_asked_for_alone_is_as_it_was() -> None:
    """So that `--query private_key > FILE` makes a file that is a key."""
    assert render("one\ntwo\n", "table") == "one\ntwo\n"
    assert render("one\x1b\r\ntwo", "csv") == "one\\x1b\\r\ntwo\n"
    assert render(["one\ntwo"], "table") == "one\\ntwo\n"


def test_wide_characters_keep_columns_apart() -> None:
    head, first, second = render([{"a": "云", "b": "x"}, {"a": "ab", "b": "y"}], "table").splitlines()
    assert head == "A   B"
    assert first == "云  x"
    assert second == "ab  y"


@pytest.mark.parametrize("no_color", [True, False])
def test_no_color_is_respected(no_color: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_color:
        monkeypatch.setenv("NO_COLOR", "1")
    assert ("\x1b" not in render(ROWS, "table", ["id"], width=80)) == no_color


def test_pick_looks_inside() -> None:
    assert pick(ROWS[0], "flavor.name") == "m1"
    assert pick(ROWS[0], "flavor.nope.more") is None
    assert pick({"a.b": 1}, "a.b") == 1


def test_a_query_finds_or_says_what_is_wrong() -> None:
    assert jmespath("[].flavor.name")(ROWS) == ["m1"]
    with pytest.raises(InvalidRequest, match="--query"):
        jmespath("[")
    with pytest.raises(InvalidRequest, match="--query"):
        jmespath("length(@)")(None)


def test_what_a_query_finds_may_be_anything() -> None:
    assert render(["a", 1, None], "table") == "a\n1\n\n"
    assert render("one", "table") == "one\n"


class Terminal(io.StringIO):
    """Standard error in a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_bar_for_each_object_and_one_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    with bars() as bar:
        progress = bar("my-cloud RegionOne")
        assert progress is not None
        progress(Progress(0, 300, "box"))
        for name in ("box/a", "box/b"):
            progress(Progress(50, 100, name))
            progress(Progress(100, 100, name))
        progress(Progress(10, 10, "box/tiny"))
        progress(Progress(200, 300, "box"))
        assert "box/a" in screen.getvalue()
        assert "tiny" not in screen.getvalue()
        screen.seek(0)
        screen.truncate()
    last = screen.getvalue()  # what was drawn at the end
    assert "my-cloud RegionOne box " in last
    assert "200/300 bytes" in last
    assert "box/a" not in last


def test_what_is_written_meanwhile_goes_to_standard_output(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`object create ... -o json > file` in a terminal."""
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    with bars() as bar:
        assert bar("my-cloud") is not None
        write("data\n")
    assert capsys.readouterr().out == "data\n"
    assert "data" not in screen.getvalue()


def test_no_bar_is_drawn_into_content(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    with bars(hidden=True) as bar:
        assert bar("my-cloud") is None
    assert screen.getvalue() == ""
