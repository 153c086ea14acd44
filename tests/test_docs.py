"""Every python block of docs/ runs, in the order of its page, against the clouds of the talk."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.codeblocks import blocks, program
from tests.talk import Talk

DOCS = Path(__file__).parent.parent / "docs"
PAGES = sorted(page for page in DOCS.rglob("*.md") if "_build" not in page.parts and blocks(page, "python"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_the_code_of_a_page_runs(page: Path, talk: Talk) -> None:
    script = talk.folder / "page.py"
    script.write_text(program(page))
    done = talk.run(script)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


def test_there_are_pages_with_code() -> None:
    assert len(PAGES) >= 5
