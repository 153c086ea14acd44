"""A suite's rows as a table, on the terminal and in a page below docs between two markers of its own."""

from __future__ import annotations

import datetime
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"
OF_INTEREST = {
    "aiocloud": "aiocloud",
    "httpx2": "httpx2",
    "aiohttp": "aiohttp",
    "pydantic": "pydantic",
    "openstacksdk": "openstack",
    "keystoneauth1": "keystoneauth1",
    "python-openstackclient": "openstackclient",
    "python-swiftclient": "swiftclient",
}
"""Distributions whose versions are told, by the modules that they bring."""


@dataclass(frozen=True)
class Row:
    """One figure beside its goal; less is better."""

    id: str
    what: str
    goal: float
    beyond: float | None
    got: float
    told: str = ""
    """What the ratio was made of."""

    @property
    def verdict(self) -> str:
        if self.beyond is not None and self.got <= self.beyond:
            return "beyond"
        return "reached" if self.got <= self.goal else "missed"


def table(rows: Sequence[Row]) -> str:
    """The rows in Markdown."""
    lines = ["| | what | goal | beyond | got | |", "|---|---|---|---|---|---|"]
    for row in rows:
        beyond = "" if row.beyond is None else f"{row.beyond:.3g}"
        told = f" ({row.told})" if row.told else ""
        lines.append(f"| {row.id} | {row.what} | {row.goal:.3g} | {beyond} | {row.got:.3g}{told} | {row.verdict} |")
    return "\n".join(lines)


def put_into_page(name: str, rows: Sequence[Row], *, rounds: int, small: bool) -> None:
    """Print the table; unless it is of a small run, put it between `<!-- name -->` and `<!-- /name -->` into the page."""
    put_text(name, table(rows), rounds=rounds, small=small)


def put_text(name: str, text: str, *, rounds: int, small: bool, page: str = "performance.md") -> None:
    """The same for what is no table of goals alone."""
    print(text, flush=True)
    if small:
        return
    path = DOCS / page
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    whole = path.read_text()
    if begin not in whole:
        whole += f"\n{begin}\n{end}\n"
    head, _, rest = whole.partition(begin)
    path.write_text(f"{head}{begin}\n{here(rounds)}\n\n{text}\n{rest[rest.index(end) :]}")


def here(rounds: int) -> str:
    """When and on what it was measured."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if sys.platform == "linux" else []
    model = next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine()
    )
    versions = ", ".join(f"{name} {version(name)}" for name in OF_INTEREST if find_spec(OF_INTEREST[name]))
    medians = f"medians of {rounds} rounds" if rounds > 1 else "one round"
    day = f"{datetime.datetime.now(datetime.UTC):%d %B %Y}, {os.cpu_count()} cores of {model}"
    return f"{day}, Python {platform.python_version()}, {versions}; {medians}."
