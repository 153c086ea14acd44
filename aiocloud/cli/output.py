"""What was found, as text: tables for people, JSON, YAML, CSV and names for programs.

Whatever clouds say is text: no byte of it reaches a terminal as markup or as a control sequence.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from aiocloud._json import is_array, is_object, mapping
from aiocloud.errors import CloudError, InvalidRequest

__all__ = ["FORMATS", "Format", "Row", "clean", "details", "jmespath", "pick", "render", "to_json", "write"]

Format = Literal["table", "wide", "json", "ndjson", "yaml", "csv", "name"]
FORMATS: tuple[Format, ...] = ("table", "wide", "json", "ndjson", "yaml", "csv", "name")

Row = Mapping[str, Any]

# Control characters, and those that turn the direction of text or hide in it.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")

_NARROW = 8  # below this a column says nothing


def clean(text: str) -> str:
    """One line of text that can't steer a terminal: what would is written as an escape, `\\x1b` say."""
    return _UNSAFE.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    return {9: " ", 10: "\\n", 13: "\\r"}.get(code) or (f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}")


def pick(row: Row, path: str) -> Any:
    """The value at `flavor.name`; None where there is none."""
    value: Any = row
    if path in row:
        return row[path]
    for part in path.split("."):
        value = mapping(value).get(part)
    return value


def jmespath(query: str) -> Callable[[Any], Any]:
    """What finds in data what a JMESPath expression says. Both raise InvalidRequest where that can't be."""
    try:
        import jmespath as engine
        from jmespath.exceptions import JMESPathError
    except ModuleNotFoundError:
        raise CloudError("--query needs jmespath: pip install 'aiocloud[cli]'") from None

    def wrong(error: Exception) -> InvalidRequest:
        return InvalidRequest(f"--query: {' '.join(str(error).split())}")

    try:
        compiled = engine.compile(query)
    except JMESPathError as error:
        raise wrong(error) from None

    def search(data: Any) -> Any:
        try:
            return compiled.search(data)
        except JMESPathError as error:
            raise wrong(error) from None

    return search


def render(data: Any, form: Format, columns: Sequence[str] | None = None, *, width: int | None = None) -> str:
    """Rows (or whatever a query found) in a format. `columns` picks; `width` is a terminal's, None when it is none."""
    rows = _rows(data)
    if isinstance(data, str) and form not in ("json", "ndjson", "yaml"):
        return "".join(f"{line}\n" for line in _lines(data))
    if form in ("json", "ndjson", "yaml"):
        chosen = (
            data if columns is None or rows is None else [{name: pick(row, name) for name in columns} for row in rows]
        )
        return _structured(chosen, form)
    if rows is None:
        return "\n".join(_cell(item) for item in (data if is_array(data) else [data])) + "\n"
    if form == "name":
        return "".join(f"{_cell(row.get('name') or row.get('id'))}\n" for row in rows)
    names = list(columns or dict.fromkeys(key for row in rows for key in row))
    cells = [[_cell(pick(row, name)) for name in names] for row in rows]
    return _csv(names, cells) if form == "csv" else _table(names, cells, width)


def _rows(data: Any) -> list[Row] | None:
    if is_array(data) and all(is_object(item) for item in data):
        return data
    return [data] if is_object(data) else None


def _structured(data: Any, form: Format) -> str:
    if form == "json":
        return to_json(data, indent=2) + "\n"
    if form == "ndjson":
        items = data if is_array(data) else [data]
        return "".join(to_json(item) + "\n" for item in items)
    import yaml

    text = yaml.safe_dump(json.loads(to_json(data)), sort_keys=False, allow_unicode=True)
    return (
        text
        if not _UNSAFE.search(text.replace("\n", ""))
        else yaml.safe_dump(json.loads(to_json(data)), sort_keys=False)
    )


def to_json(data: Any, indent: int | None = None) -> str:
    """JSON whose unsafe characters are escaped as JSON escapes them."""
    text = json.dumps(data, indent=indent, ensure_ascii=False, default=str)
    return _UNSAFE.sub(lambda match: match[0] if match[0] == "\n" else f"\\u{ord(match[0]):04x}", text)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if is_object(value):
        return ", ".join(f"{clean(str(key))}={_cell(inner)}" for key, inner in value.items())
    if is_array(value):
        return ", ".join(_cell(inner) for inner in value)
    return clean(str(value))


def _csv(names: list[str], cells: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([names, *cells])
    return text.getvalue()


def details(fields: Mapping[str, Any], *, width: int | None = None) -> str:
    """One thing, a field a line; each member of a list, and each line of a text, has one too. Nothing is cut.

    What a terminal has no room for it breaks itself: a key that is told only once is all there.
    """
    room = max((len(name) for name in ("field", *fields)), default=0)
    lines = [_head(f"{'FIELD':{room}}  VALUE", width)]
    for name, value in fields.items():
        first, *more = _lines(value) or [""]
        lines += [f"{clean(name):{room}}  {first}".rstrip(), *(f"{'':{room}}  {line}" for line in more)]
    return "\n".join(lines) + "\n"


def _lines(value: Any) -> list[str]:
    if isinstance(value, str):
        return [clean(line) for line in value.removesuffix("\n").split("\n")]
    if is_object(value) and any(is_array(inner) for inner in value.values()):
        return [f"{clean(str(key))}: {line}" for key, inner in value.items() for line in _lines(inner)]
    if is_array(value) and any(is_object(inner) for inner in value):
        return [_cell(_said(inner)) for inner in value]
    return [_cell(_said(value))]


def _said(value: Any) -> Any:
    """The same without what is empty in it, and without where it is: that is told once, of the whole."""
    if is_object(value):
        told = {key: _said(inner) for key, inner in value.items() if key != "location"}
        return {key: inner for key, inner in told.items() if inner not in (None, "", [], {})}
    return [_said(inner) for inner in value] if is_array(value) else value


def _table(names: list[str], cells: list[list[str]], width: int | None) -> str:
    """Columns two spaces apart. On a terminal the widest ones give way until a row fits; elsewhere nothing is cut.

    Where even narrow columns have no room, each row is told in full, field by field.
    """
    from rich.cells import cell_len, set_cell_size

    heads = [name.upper() for name in names]
    widths = [max((cell_len(row[nth]) for row in (heads, *cells)), default=0) for nth in range(len(names))]
    between = 2 * (len(widths) - 1)
    if width is not None and sum(min(room, _NARROW) for room in widths) + between > width:
        return "\n".join(details(dict(zip(names, row, strict=True)), width=width) for row in cells)
    while width is not None and sum(widths) + between > width:
        widths[widths.index(max(widths))] -= 1

    def fit(text: str, room: int) -> str:
        return set_cell_size(text, room) if cell_len(text) <= room else set_cell_size(text, room - 1) + "…"

    lines = [
        "  ".join(fit(text, room) for text, room in zip(row, widths, strict=True)).rstrip() for row in (heads, *cells)
    ]
    return "\n".join([_head(lines[0], width), *lines[1:]]) + "\n"


def _head(line: str, width: int | None) -> str:
    """Bold on a terminal."""
    plain = width is None or "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
    return line if plain else f"\x1b[1m{line}\x1b[0m"


def write(text: str) -> None:
    """To standard output, whatever its encoding can't say escaped."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
    sys.stdout.flush()
