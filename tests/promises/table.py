"""`python -m tests.promises.table LINES PAGE`: the promises that were run, as the table of docs/promises.md."""

from __future__ import annotations

import json
import platform
import sys
from collections import Counter
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

INTRO = """# Promises

What aiocloud promises when things go wrong. Each promise is a test that makes the fault for real: small in every run of the
tests, at full size in `nox -s promises`, which writes this page and takes over an hour on two cores; `-- --small` takes
minutes. How many there were is in the table. R3, R7, R10, R11, R12, R14 and half of R6 run in virtual time, where hours pass in
milliseconds; R1, R5, R9, R21 and the other half of R6 run processes of their own, and R5, R9 and R21 kill them.

R3 makes 2,000 of each of five kinds, 10,000 in all, because each kind fails in its own way. R17 looks at errors, their
causes, tracebacks, pickles, logs, reprs and cached logins, not at the local variables of a traceback: there stands what
a caller passed as plain text. R24 measures lag in processor time, so that other programs on the machine don't count.

{date}, aiocloud {version}, Python {python}, {system}; {libraries}.

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
    # The same on both event loops is said once.
    cells = Counter((row["promise"], words(row["n"]), words(row["target"]), words(row["got"])) for row in rows)
    return intro() + "".join(
        f"| {promise} | {n}{' (on asyncio and on trio)' if times == 2 else ''} | {target} | {got} |\n"
        for (promise, n, target, got), times in cells.items()
    )


def intro() -> str:
    libraries = ", ".join(f"{name} {metadata.version(name)}" for name in ("anyio", "trio", "httpx2", "pydantic"))
    return INTRO.format(
        date=datetime.now(UTC).date().isoformat(),
        version=metadata.version("aiocloud"),
        python=platform.python_version(),
        system=platform.system(),
        libraries=libraries,
    )


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(page(Path(sys.argv[1]).read_text().splitlines()))
