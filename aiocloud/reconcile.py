"""Creating exactly one of a thing, over a connection that may break at any moment.

A POST that ended ambiguously (reset or timeout after it went out, 500, 502, 504) may have landed. It is not repeated
blindly: what it would have made carries a mark of its own, so we look for that first, adopt what is there, and send
again only when nothing is.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

import anyio

from aiocloud.errors import CloudError, ServiceFailed, Timeout, TransportError

__all__ = ["MARK", "create_once", "described", "is_ambiguous", "mark_in", "new_mark"]

T = TypeVar("T", bound="_Known")

MARK = "aiocloud:op"
"""The metadata key (Nova, Cinder) under which what we create says which call made it."""

_TRIES = 4
# How long a request that we no longer hear of may take to show its effect, in seconds: looked for after each of these.
_LOOKS = (0.2, 0.5, 1.0, 2.0)


class _Known(Protocol):
    """What has an id."""

    @property
    def id(self) -> str: ...


def new_mark() -> str:
    """A mark that nothing else has."""
    return str(uuid.uuid4())


def is_ambiguous(error: CloudError) -> bool:
    """May the request have been acted on, although no good answer came?"""
    if isinstance(error, ServiceFailed):
        return error.status_code != 501
    return isinstance(error, Timeout | TransportError) and error.sent


async def create_once(
    send: Callable[[], Awaitable[T]], look: Callable[[], Awaitable[Sequence[T]]]
) -> tuple[T, Sequence[T]]:
    """Send; after an ambiguous end, look for what it made, and send again only when there is nothing.

    Gives the one thing, and any further ones that bear the same mark: requests that were thought lost and arrived late,
    which the caller removes. Raises the last error when nothing could be made; it is raised from an ambiguous one when
    there was one, since what that one made may still appear. When it can't be looked for, the ambiguous one is raised.
    """
    trouble: CloudError | None = None

    async def found() -> Sequence[T]:
        try:
            return await look()
        except CloudError as error:
            assert trouble is not None  # noqa: S101 - nothing is looked for before
            raise trouble from error

    for _ in range(_TRIES):
        try:
            made = await send()
        except CloudError as error:
            if is_ambiguous(error):
                trouble = error
            elif trouble is None:
                raise
            elif there := await found():
                # Refused, perhaps because of what we made before: a quota is used up, a port has its floating IP.
                return there[0], there[1:]
            else:
                raise error from trouble
        else:
            return made, [one for one in await found() if one.id != made.id] if trouble else ()
        for pause in _LOOKS:
            await anyio.sleep(pause)
            there = await found()
            if there:
                return there[0], there[1:]
    assert trouble is not None  # noqa: S101 - the loop ends otherwise
    raise trouble


def described(mark: str) -> str:
    """The description that bears a mark, for what has no metadata (Neutron)."""
    return f"{MARK}={mark}"


def mark_in(description: str) -> str | None:
    """The mark that a description bears, or None."""
    found = re.search(rf"{MARK}=([0-9a-f-]{{36}})", description)
    return found[1] if found else None
