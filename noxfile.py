"""The one door: `nox -s tests`, `typing`, `lint`, `docs`, `examples`, `conformance`, `bench`, `promises`."""

from __future__ import annotations

from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["lint", "typing", "tests"]

PROJECT = nox.project.load_toml("pyproject.toml")
ALL = ".[cli,testing,web,redis,distributed,prometheus,fast,trio]"
WITHOUT_FAST = ".[cli,testing,web,redis,distributed,prometheus,trio]"


def install(session: nox.Session, *groups: str, package: str = ALL) -> None:
    """aiocloud with everything it can do, editable, and the tools of these dependency groups."""
    session.install("-e", package, *nox.project.dependency_groups(PROJECT, *groups))


@nox.session
def tests(session: nox.Session) -> None:
    """Everything that runs by itself, on asyncio and trio, in four processes. Arguments go to pytest."""
    install(session, "tests")
    session.run("python", "-m", "pytest", "-n", "4", "--dist", "worksteal", *session.posargs)


@nox.session
def typing(session: nox.Session) -> None:
    """Both checkers, strict, over the package and over `tests/typing/`; the package also as Windows sees it."""
    install(session, "typing")
    session.run("mypy")
    session.run("mypy", "--platform", "win32", "--no-warn-unreachable", "--cache-dir", ".mypy_cache/win32", "aiocloud")
    session.run("pyright")


@nox.session
def lint(session: nox.Session) -> None:
    """Style and formatting; `nox -s lint -- --fix` repairs what can be repaired."""
    session.install(*nox.project.dependency_groups(PROJECT, "lint"))
    if "--fix" in session.posargs:
        session.run("ruff", "check", "--fix")
        session.run("ruff", "format")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation as HTML in `docs/_build/`; a warning is an error."""
    install(session, "docs")
    session.run("sphinx-build", "-W", "--keep-going", "-b", "html", "docs", "docs/_build", *session.posargs)


@nox.session
def examples(session: nox.Session) -> None:
    """Every script of `examples/`, and every code block of the README and of `docs/`, run on fake clouds."""
    install(session, "tests")
    chosen = ("tests/test_examples.py", "tests/test_readme.py", "tests/test_docs.py")
    session.run("python", "-m", "pytest", *chosen, *session.posargs)


@nox.session
def conformance(session: nox.Session) -> None:
    """The same stories on the fake cloud, or on real ones: `-- --clouds-yaml FILE --clouds a,b`."""
    # By the HTTP library's own connections; the tests go by those of `fast`, too.
    install(session, "tests", package=WITHOUT_FAST)
    session.run("python", "-m", "pytest", "tests/conformance", *session.posargs)


@nox.session
def peer(session: nox.Session) -> None:
    """The same configuration files read by openstacksdk and by us; it is installed here and nowhere else."""
    install(session, "tests", "peer")
    session.run("python", "-m", "pytest", "tests/config/test_peer.py", *session.posargs)


@nox.session
def promises(session: nox.Session) -> None:
    """What aiocloud promises when things go wrong, at full size, into docs/promises.md. `-- --small`: as CI runs it."""
    install(session, "tests")
    small = "--small" in session.posargs
    rest = [arg for arg in session.posargs if arg != "--small"]
    log = Path(session.create_tmp()) / "promises.jsonl"
    log.unlink(missing_ok=True)
    env = {"AIOCLOUD_PROMISES": "small" if small else "full", "AIOCLOUD_PROMISES_LOG": str(log.resolve())}
    session.run("python", "-m", "pytest", "-m", "promise", "-s", "tests", *rest, env=env)
    if not small and not rest:
        session.run("python", "-m", "tests.promises.table", str(log), "docs/promises.md")


@nox.session
def bench(session: nox.Session) -> None:
    """Side by side with peers and the limit, into docs/performance.md. `-- SUITE`: one suite; `-- --small`: a quick look."""
    install(session, "tests", "bench")
    session.run("python", "-m", "benchmarks", *session.posargs)
