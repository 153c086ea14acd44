"""`python -m benchmarks [SUITE] [options]`: one suite, or all of them; each is a module here with a `main(arguments)`."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

SUITES = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if not path.stem.startswith("_"))


def main() -> None:
    # Clients compile in a round that does not count, and keep it; else each would pay for it in each round.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    chosen = [each for each in sys.argv[1:2] if each in SUITES]
    rest = sys.argv[1 + len(chosen) :]
    for suite in chosen or SUITES:
        importlib.import_module(f"benchmarks.{suite}").main(rest)


main()
