"""One verb on the clouds that are meant: what each answers, what is said of failures, and the exit code."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from aiocloud.cli.codes import ERROR, OK, SOME_FAILED, exit_code
from aiocloud.cli.options import Where
from aiocloud.cli.output import Row, clean
from aiocloud.cloud import Cloud
from aiocloud.errors import CloudError
from aiocloud.fleet import Done, Failed
from aiocloud.pretty import plain

__all__ = ["Missing", "complain", "everywhere", "row_of", "verdict"]

T = TypeVar("T")


class Missing(CloudError):
    """What was named is not there."""


async def everywhere(where: Where, verb: Callable[[Cloud], Awaitable[T]], tell: Callable[[Done[T]], object]) -> int:
    """Run a verb on each cloud that is meant, tell each answer as it comes, and give the exit code.

    The error of a single cloud is raised; of several, each is a line on standard error.
    """
    failed: list[Failed] = []
    async with where.fleet() as fleet:
        async with fleet.stream(verb) as outcomes:
            async for outcome in outcomes:
                if isinstance(outcome, Failed):
                    failed.append(outcome)
                else:
                    tell(outcome)
        if failed and not where.many:
            raise failed[0].error
        for failure in failed:
            complain(failure.error)
        return verdict([failure.error for failure in failed], len(fleet))


def complain(error: BaseException) -> None:
    """One sentence on standard error."""
    text = str(error) if isinstance(error, (CloudError, OSError)) else f"{type(error).__name__}: {error}"
    sys.stderr.write(f"aiocloud: {clean(text) or type(error).__name__}\n")


def verdict(errors: Sequence[BaseException], asked: int) -> int:
    """The exit code: OK, that some failed, or what all failures have in common."""
    if not errors:
        return OK
    if len(errors) < asked:
        return SOME_FAILED
    codes = {exit_code(error) for error in errors}
    return codes.pop() if len(codes) == 1 else ERROR


def row_of(thing: Any, done: Done[Any], *, many: bool, reveal: bool = False) -> Row:
    """A resource as plain data; with several clouds it says first where it is from. `reveal` keeps what is told only once."""
    row: dict[str, Any] = dict(plain(thing))
    row.pop("location", None)
    if reveal:
        row |= {key: thing.get(key) for key in ("private_key", "admin_pass") if thing.get(key)}
    return {"cloud": done.cloud.name, "region": done.cloud.region_name, **row} if many else row
