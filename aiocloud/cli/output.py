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
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from aiocloud._json import is_array, is_object, mapping
from aiocloud.errors import CloudError, InvalidRequest

__all__ = ["FORMATS", "Format", "clean", "jmespath", "pick", "render", "to_json", "write"]

Format = Literal["table", "wide", "json", "ndjson", "yaml", "csv", "name"]
FORMATS: tuple[Format, ...] = ("table", "wide", "json", "ndjson", "yaml", "csv", "name")

Row = Mapping[str, Any]

# Control characters, and those that turn the direction of text or hide in it.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


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


def jmespath(query: str, data: Any) -> Any:
    """What a JMESPath expression finds. Raises InvalidRequest when it is none."""
    try:
        import jmespath as engine
        from jmespath.exceptions import JMESPathError
    except ModuleNotFoundError:
        raise CloudError("--query needs jmespath: pip install 'aiocloud[cli]'") from None
    try:
        return engine.search(query, data)
    except JMESPathError as error:
        raise InvalidRequest(f"--query: {' '.join(str(error).split())}") from None


def render(data: Any, form: Format, columns: Sequence[str] | None = None, *, width: int | None = None) -> str:
    """Rows (or whatever a query found) in a format. `columns` picks; `width` is a terminal's, None when it is none."""
    rows = _rows(data)
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


def _table(names: list[str], cells: list[list[str]], width: int | None) -> str:
    """Columns two spaces apart. On a terminal the widest ones give way until a row fits; elsewhere nothing is cut."""
    from rich.cells import cell_len, set_cell_size

    heads = [name.upper() for name in names]
    widths = [max((cell_len(row[nth]) for row in (heads, *cells)), default=0) for nth in range(len(names))]
    if width is not None:
        while sum(widths) + 2 * (len(widths) - 1) > width and max(widths) > 8:
            widths[widths.index(max(widths))] -= 1

    def fit(text: str, room: int) -> str:
        return set_cell_size(text, room) if cell_len(text) <= room else set_cell_size(text, room - 1) + "…"

    lines = [
        "  ".join(fit(text, room) for text, room in zip(row, widths, strict=True)).rstrip() for row in (heads, *cells)
    ]
    if width is not None and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb":
        lines[0] = f"\x1b[1m{lines[0]}\x1b[0m"
    return "\n".join(lines) + "\n"


def write(text: str) -> None:
    """To standard output, whatever its encoding can't say escaped."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
    sys.stdout.flush()
