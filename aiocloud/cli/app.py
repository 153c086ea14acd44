"""The commands by name, each imported when it is called, and what becomes of errors: one sentence and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from cyclopts import App
from cyclopts.exceptions import CycloptsError

from aiocloud import __version__
from aiocloud.errors import AuthError, CloudError, NotFound

__all__ = ["app", "exit_code", "run"]

OK, ERROR, USAGE, SOME_FAILED, NOT_FOUND, AUTH = 0, 1, 2, 3, 4, 5
INTERRUPTED = 130

app = App(
    name="aiocloud",
    help="One verb, every OpenStack cloud, at once.",
    version=__version__,
    result_action="return_value",
)
app.command("aiocloud.cli.demo:demo", name="demo")
app.command("aiocloud.cli.fake:fake_cloud", name="fake-cloud")


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line, and give its exit code.

    0 ok, 1 error, 2 usage, 3 some clouds failed, 4 not found, 5 not let in.
    """
    try:
        result: Any = app(arguments, exit_on_error=False)
    except CycloptsError:
        return USAGE  # told by cyclopts
    except CloudError as error:
        sys.stderr.write(f"aiocloud: {error}\n")
        return exit_code(error)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        return OK  # the reader, `head` say, has enough
    return result if isinstance(result, int) else OK


def exit_code(error: BaseException) -> int:
    """What the shell is told of an error."""
    if isinstance(error, AuthError):
        return AUTH
    return NOT_FOUND if isinstance(error, NotFound) else ERROR
