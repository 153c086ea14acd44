"""The README keeps its word: two commands on the first screen, and code that runs."""

from __future__ import annotations

import re
from pathlib import Path

from tests.codeblocks import blocks, program
from tests.talk import Talk

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"


def test_the_first_screen_has_the_two_commands_on_a_line_each() -> None:
    screen = README.read_text().splitlines()[:20]
    commands = [line for line in screen if line.startswith("python3 -m venv")]
    assert len(commands) == 2
    assert commands[0].endswith("/aiocloud demo")
    assert commands[1].endswith("/nox -s tests")


def test_the_test_command_is_the_one_that_ci_runs() -> None:
    assert "readme 'nox -s tests'" in (ROOT / ".ci" / "run").read_text()


def test_the_code_runs_as_printed(talk: Talk) -> None:
    assert len(blocks(README, "python")) == 2
    script = talk.folder / "readme.py"
    script.write_text(program(README))
    done = talk.run(script)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert re.fullmatch(r"my-server ACTIVE [0-9a-f.:]+", lines[0])
    assert len([line for line in lines[1:] if line.endswith("servers")]) == len(talk.fake.clouds)


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README.read_text())
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
