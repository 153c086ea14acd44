"""Exit codes. Imports nothing of the house before there is an error."""

from __future__ import annotations

__all__ = ["AUTH", "ERROR", "INTERRUPTED", "NOT_FOUND", "OK", "SOME_FAILED", "USAGE", "exit_code"]

OK, ERROR, USAGE, SOME_FAILED, NOT_FOUND, AUTH = 0, 1, 2, 3, 4, 5
INTERRUPTED = 130


def exit_code(error: BaseException) -> int:
    """What the shell is told of an error."""
    from aiocloud.errors import AuthError, NotFound

    if isinstance(error, AuthError):
        return AUTH
    return NOT_FOUND if isinstance(error, NotFound) or type(error).__name__ == "Missing" else ERROR
