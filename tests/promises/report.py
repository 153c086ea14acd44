"""How big a promise test is, and how it says what was reached: one JSON line."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

FULL = os.environ.get("AIOCLOUD_PROMISES") == "full"


def size(small: int, full: int) -> int:
    """The number to run with: `full` in `nox -s promises`, `small` in CI."""
    return full if FULL else small


def report(promise: str, *, n: str | int, target: Any, got: Any) -> None:
    """Print what was promised and what was reached; `nox -s promises` makes a table of it."""
    line = json.dumps({"promise": promise, "n": n, "target": target, "got": got})
    print(line)
    if log := os.environ.get("AIOCLOUD_PROMISES_LOG"):
        with Path(log).open("a") as file:
            file.write(line + "\n")
