"""`python -m tests.promises.table LINES PAGE`: the promises that were run, as the table of docs/promises.md."""

from __future__ import annotations

import json
import platform
import sys
from pathlib import Path
from typing import Any

INTRO = """# Promises

What aiocloud promises when things go wrong. Each promise is a test that makes the fault for real: small in every run of the
tests, at full size in `nox -s promises`, which writes this page. How many there were is in the table.
Python {python}, {system}.

| promise | how many | target | reached |
|---|---|---|---|
"""


def words(value: Any) -> str:
    """A figure, or several with their names."""
    text = ", ".join(f"{name}: {each}" for name, each in value.items()) if isinstance(value, dict) else str(value)
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def page(lines: list[str]) -> str:
    rows = [json.loads(line) for line in lines]
    rows.sort(key=lambda row: (int("".join(filter(str.isdigit, row["promise"].split()[0])) or 0), row["promise"]))
    cells = ([row["promise"], *(words(row[key]) for key in ("n", "target", "got"))] for row in rows)
    intro = INTRO.format(python=platform.python_version(), system=platform.system())
    return intro + "".join(f"| {' | '.join(row)} |\n" for row in cells)


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(page(Path(sys.argv[1]).read_text().splitlines()))
