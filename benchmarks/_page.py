"""A suite's rows as a table, on the terminal and in a page between two markers of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


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


def put_into_page(path: Path | None, name: str, rows: Sequence[Row]) -> None:
    """Print the table; put it into the page between `<!-- name -->` and `<!-- /name -->`, at its end when they're not there."""
    text = table(rows)
    print(text)
    if path is None:
        return
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    page = path.read_text() if path.exists() else "# Performance\n"
    if begin not in page:
        page += f"\n{begin}\n{end}\n"
    head, _, rest = page.partition(begin)
    path.write_text(f"{head}{begin}\n{text}\n{rest[rest.index(end) :]}")
