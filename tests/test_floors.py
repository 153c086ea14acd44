"""The house has floors: a file imports only from lower ones (docs/design.md)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

HOUSE = Path(__file__).parent.parent / "aiocloud"
FLOORS = [
    "errors _http _json model match paths log paging discover progress",
    "config transport auth",
    "session",
    "endpoint",
    "collection poller",
    "services",
    "region",
    "tasks",
    "verb cloud",
    "fleet",
    "connect",
    "distributed",
    "cli web __main__",
]
HEIGHT = {name: height for height, names in enumerate(FLOORS) for name in names.split()}
FILES = sorted(path for path in HOUSE.rglob("*.py") if path != HOUSE / "__init__.py")


def room(path: Path) -> str:
    return path.relative_to(HOUSE).parts[0].removesuffix(".py")


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
    above = {used for used in rooms_used(path) if used != room(path) and HEIGHT[used] > HEIGHT[room(path)]}
    assert not above, f"{room(path)} reaches up to {above}"


def test_one_file_names_the_http_library() -> None:
    naming = {
        path.name for path in FILES if room(path) != "testing" and any(i.split(".")[0] == "httpx2" for i in imports(path))
    }
    assert naming <= {"_http.py", "aiohttp.py"}


def test_one_file_reads_the_environment() -> None:
    reading = {str(path.relative_to(HOUSE)) for path in FILES if HEIGHT.get(room(path), 99) < HEIGHT["cli"] and "os.environ" in path.read_text()}
    assert reading <= {"config/load.py"}
