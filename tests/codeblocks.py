"""The python blocks of a Markdown file, run one after the other as a reader would type them."""

from __future__ import annotations

import re
from pathlib import Path

BLOCK = re.compile(r"^```(?P<kind>\{?[\w-]*\}?[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)

RUNNER = """
import ast, asyncio, inspect, sys
for source in {blocks!r}:
    code = compile(source, {name!r}, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    scope = globals()
    if code.co_flags & inspect.CO_COROUTINE:
        import types
        asyncio.run(types.FunctionType(code, scope)())
    else:
        exec(code, scope)
"""


def blocks(path: Path, kind: str) -> list[str]:
    return [match["text"] for match in BLOCK.finditer(path.read_text()) if match["kind"].strip() == kind]


def program(path: Path) -> str:
    """One program that runs every ```python block of the file in one namespace; `await` works at the top."""
    return RUNNER.format(blocks=blocks(path, "python"), name=path.name)
