"""The commands by name, each imported when it is called, and what becomes of errors: one sentence and an exit code."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Sequence
from types import FrameType
from typing import Any

from cyclopts import App, Group
from cyclopts.exceptions import CycloptsError

from aiocloud import __version__
from aiocloud.cli.codes import ERROR, INTERRUPTED, OK, USAGE, exit_code
from aiocloud.cli.nouns import COMMANDS, NOUNS

__all__ = ["app", "run"]

_THINGS = Group("Things in clouds", sort_key=2)

app = App(
    name="aiocloud",
    help="One verb, every OpenStack cloud, at once.",
    version=__version__,
    help_format="plaintext",
    result_action="return_value",
    backend="asyncio",
    suppress_keyboard_interrupt=False,
)
for _name, (_where, _help) in COMMANDS.items():
    app.command(f"aiocloud.cli.{_where}", name=_name, help=_help)
for _name, _noun in NOUNS.items():
    app.command(
        f"aiocloud.cli.verbs:{_name}", name=_name, help=f"{_noun.what[0].upper()}{_noun.what[1:]}.", group=_THINGS
    )


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line, and give its exit code.

    0 ok, 1 error, 2 usage, 3 some clouds failed, 4 not found, 5 not let in, 130 interrupted.
    """
    _heed_sigterm()
    _open_what_is_closed()
    try:
        result: Any = app(arguments, exit_on_error=False, print_error=False)
        sys.stdout.flush()
    except CycloptsError as error:
        return _misused(error, arguments if arguments is not None else sys.argv[1:])
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted.\n")
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that the last flush does not complain
        return OK  # the reader, `head` say, has enough
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # Rich has seen it first
            return OK
        raise
    except Exception as error:  # noqa: BLE001 - said, in one sentence
        return _said(error, arguments if arguments is not None else sys.argv)
    return result if isinstance(result, int) else OK


def _open_what_is_closed() -> None:
    """Where the shell says `>&-` nothing that is written is read, and that is no failure."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 - as long as the process


def _misused(error: CycloptsError, arguments: Sequence[str]) -> int:
    from aiocloud.cli.output import clean

    chain = " ".join(["aiocloud", *(error.command_chain or ())])
    wrong = " ".join(str(error).split())
    if arguments and arguments[0].startswith("-"):
        wrong = (
            f"{arguments[0].partition('=')[0]} stands before the command. Options follow it: server list --cloud NAME."
        )
    sys.stderr.write(f"aiocloud: {clean(wrong)} See {chain} --help\n")
    return USAGE


def _said(error: Exception, arguments: Sequence[str]) -> int:
    from aiocloud.cli.everywhere import complain
    from aiocloud.errors import CloudError

    if "--debug" in arguments and not isinstance(error, CloudError):
        traceback.print_exception(error)
        return ERROR
    complain(error)
    return exit_code(error)


def _heed_sigterm() -> None:
    """SIGTERM ends a command as Ctrl-C does: what was half made is undone first. Also where Ctrl-C does nothing."""
    signal.signal(signal.SIGTERM, _as_interrupt)
    if sys.platform != "win32" and signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # `aiocloud ... &` in a script. asyncio leaves an ignored SIGINT alone, and so has no handler that SIGTERM could borrow:
        # now it has one, and the signal itself is held back.
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _as_interrupt(_: int, frame: FrameType | None) -> None:
    handler = signal.getsignal(signal.SIGINT)
    if callable(handler):
        handler(signal.SIGINT, frame)
