"""The guide's table of logins: whole, and each row with a test that exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from aiocloud.auth.logins import known_logins

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs/guide/login.md").read_text(encoding="utf-8")
SECTIONS = ("## Every login", "## What the login is for")


def rows(title: str) -> list[list[str]]:
    """The cells of the table below a title, without its head."""
    section = GUIDE.split(f"{title}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_every_login_is_in_the_guide() -> None:
    named = {name for row in rows(SECTIONS[0]) for name in re.findall(r"`(\w+)`", row[0])}
    assert set(known_logins()) <= named


@pytest.mark.parametrize("row", [row for title in SECTIONS for row in rows(title)], ids=lambda row: row[0])
def test_its_test_exists(row: list[str]) -> None:
    path, _, name = row[-1].strip("`").partition("::")
    assert re.search(rf"^(async )?def {name}\(", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE)
