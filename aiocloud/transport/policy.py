"""What may be tried again, and when. Pure.

Every attempt ends in one of five ways:

    DONE        an answer that is no failure of the way or of the service (also 404, 409 ...)
    UNSENT      nothing of the request went out: no connection, no free connection
    REJECTED    the service said that it did not act: 429, 498; 413 or 503 with Retry-After
    AMBIGUOUS   it may have acted: reset or timeout after the request went out, 500, 502, 503, 504
    FINAL       trying again can't help: TLS refused, broken URL

Unsent and rejected requests may be sent again whatever their method, ambiguous ones only when sending twice does no
harm (GET, HEAD, PUT, DELETE, or the caller says so).
"""

from __future__ import annotations

import enum
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

__all__ = ["Budget", "Outcome", "Policy", "backoff", "may_repeat", "of_status", "retry_after"]


class Outcome(enum.Enum):
    """How an attempt ended; see above."""

    DONE = enum.auto()
    UNSENT = enum.auto()
    REJECTED = enum.auto()
    AMBIGUOUS = enum.auto()
    FINAL = enum.auto()


@dataclass(frozen=True, slots=True)
class Policy:
    """How often and how patiently to try again, for one service. Delays are in seconds."""

    retries: int = 4
    connect_retries: int | None = None
    status_retries: int | None = None
    statuses: tuple[int, ...] = ()
    """Further statuses that may be tried again where repeating does no harm."""
    connect_delay: float = 0.25
    status_delay: float = 0.5
    longest_delay: float = 20.0
    longest_retry_after: float = 60.0
    """A longer Retry-After is not waited for: the answer is handed to the caller at once."""

    def allowed(self, outcome: Outcome, by_status: bool, wanted: int | None) -> int:
        """How many retries there may be after this end; `wanted` is what the call itself says."""
        if wanted is not None:
            return wanted
        own = self.connect_retries if outcome is Outcome.UNSENT else self.status_retries if by_status else None
        return self.retries if own is None else own


_REPEATABLE = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})


def of_status(status: int, headers: Mapping[str, str], also: tuple[int, ...] = ()) -> Outcome:
    """How an answered attempt ended. `also`: further statuses that count as ambiguous."""
    if status in (429, 498) or (status in (413, 503) and "retry-after" in headers):
        return Outcome.REJECTED
    if status in (500, 502, 503, 504) or status in also:
        return Outcome.AMBIGUOUS
    return Outcome.DONE


def may_repeat(outcome: Outcome, method: str, repeatable: bool | None) -> bool:
    """May a request that ended so be sent again?"""
    match outcome:
        case Outcome.UNSENT | Outcome.REJECTED:
            return True
        case Outcome.AMBIGUOUS:
            return method in _REPEATABLE if repeatable is None else repeatable
        case _:
            return False


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that the service asks us to wait; None when it says nothing, or nothing that makes sense.

    `now` is in seconds since 1970; a date counts from the answer's own Date, so that a wrong clock does no harm.
    https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
    """
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:12])
    until = _date(text)
    if until is None:
        return None
    sent = _date(headers.get("date", ""))
    return max(0.0, until - (now if sent is None else sent))


def _date(text: str) -> float | None:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, IndexError, TypeError, OverflowError):
        return None
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()


def backoff(
    attempt: int, base: float, longest: float, uniform: Callable[[float, float], float] = random.uniform
) -> float:
    """Seconds to wait before the retry that follows attempt number `attempt` (from 1): full jitter, doubling."""
    return uniform(0.0, min(longest, base * 2.0 ** min(attempt - 1, 32)))


class Budget:
    """Retries that a service may still cost: each takes one, each success gives half of one back.

    While a fifth or even a third of all requests fail, successes pay for every retry. When all fail, it runs dry and
    only a trickle of retries is left, whatever the load: a sick service is not held down by those who wait for it.
    """

    CAPACITY = 100.0
    PER_SUCCESS = 0.5
    PER_SECOND = 1.0

    def __init__(self, now: float) -> None:
        self._left = self.CAPACITY
        self._at = now

    def left(self, now: float) -> float:
        """How many retries there are."""
        self._left = min(self.CAPACITY, self._left + max(0.0, now - self._at) * self.PER_SECOND)
        self._at = now
        return self._left

    def spend(self, now: float) -> bool:
        """Take one retry, if there is one."""
        if self.left(now) < 1.0:
            return False
        self._left -= 1.0
        return True

    def earn(self) -> None:
        """A request succeeded."""
        self._left = min(self.CAPACITY, self._left + self.PER_SUCCESS)
