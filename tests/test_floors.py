"""The house has floors: a file imports only from lower ones (docs/design.md)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

HOUSE = Path(__file__).parent.parent / "aiocloud"
FLOORS = [
    "",  # the ground: errors, model, paging, log ... and every file not named here
    "config transport auth",
    "poller rest",
    "session",
    "endpoint",
    "collection",
    "services",
    "region",
    "tasks",
    "later verb verbs cloud",
    "fleet",
    "_connect",
    "distributed",
    "cli web __main__",
]
HEIGHT = {name: height for height, names in enumerate(FLOORS) for name in names.split()}
FILES = sorted(path for path in HOUSE.rglob("*.py") if path != HOUSE / "__init__.py")


def room(path: Path) -> str:
    return path.relative_to(HOUSE).parts[0].removesuffix(".py")


def height(name: str) -> int:
    return HEIGHT.get(name, 0)


def imports(path: Path) -> list[str]:
    """Every module a file imports, also inside functions; `from a import b` counts as `a.b`."""
    found: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Import():
                found += [alias.name for alias in node.names]
            case ast.ImportFrom():
                assert node.level == 0, f"{path}: relative import"
                found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


def rooms_used(path: Path) -> set[str]:
    return {name.split(".")[1] for name in imports(path) if name.startswith("aiocloud.")}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(HOUSE)))
def test_a_file_imports_only_from_lower_floors(path: Path) -> None:
    if room(path) == "testing":
        assert rooms_used(path) <= {"testing"}, "testing stands beside the house and borrows nothing"
        return
    above = {used for used in rooms_used(path) if used != room(path) and height(used) > height(room(path))}
    assert not above, f"{room(path)} reaches up to {above}"


def test_one_file_names_the_http_library() -> None:
    naming = {path.name for path in FILES if "httpx2" in {name.split(".")[0] for name in imports(path)}}
    beside = {path.name for path in FILES if room(path) == "testing"}
    assert naming - beside <= {"_http.py", "aiohttp.py"}


def test_one_file_reads_the_environment() -> None:
    below_the_terminal = [path for path in FILES if room(path) != "testing" and height(room(path)) < height("cli")]
    reading = {str(path.relative_to(HOUSE)) for path in below_the_terminal if "os.environ" in path.read_text()}
    assert reading <= {"config/load.py"}
