"""The command line. `main` is the console script; it needs the extra `cli`, and says so when that is missing."""

from __future__ import annotations

import gc
import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line and exit with its code."""
    # Nearly all that a command makes are modules and classes, which stay until it ends. The garbage collector would look
    # through them again and again, and a last time at the end: a fifth of a short command's time.
    gc.set_threshold(50_000, 20, 20)
    try:
        _main()
    finally:
        gc.freeze()


def _main() -> None:
    if len(sys.argv) == 3 and sys.argv[1] == "completion":
        from aiocloud.cli.completion import QUICK, quick

        if sys.argv[2] in QUICK:
            sys.exit(quick(sys.argv[2]))
    try:
        from aiocloud.cli.app import run
    except ModuleNotFoundError as error:
        if error.name not in ("cyclopts", "rich", "rich_rst", "attrs", "attr", "docstring_parser"):
            raise
        sys.stderr.write("aiocloud's command line needs its extra: pip install 'aiocloud[cli]'\n")
        sys.exit(1)
    sys.exit(run())
