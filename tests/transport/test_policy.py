"""What may be tried again, and when."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiocloud.transport.policy import Budget, Outcome, Policy, backoff, may_repeat, of_status, retry_after

DONE, UNSENT, REJECTED = Outcome.DONE, Outcome.UNSENT, Outcome.REJECTED
AMBIGUOUS, FINAL = Outcome.AMBIGUOUS, Outcome.FINAL


@pytest.mark.parametrize(
    ("status", "retry_after_header", "expected"),
    [
        (200, None, DONE),
        (404, None, DONE),
        (409, None, DONE),
        (413, None, DONE),
        (413, "5", REJECTED),
        (429, None, REJECTED),
        (498, None, REJECTED),
        (500, None, AMBIGUOUS),
        (501, None, DONE),
        (502, None, AMBIGUOUS),
        (503, None, AMBIGUOUS),
        (503, "5", REJECTED),
        (504, None, AMBIGUOUS),
    ],
)
def test_a_status_says_whether_the_service_acted(
    status: int, retry_after_header: str | None, expected: Outcome
) -> None:
    assert of_status(status, {"retry-after": retry_after_header} if retry_after_header else {}) is expected


def test_further_statuses_can_be_configured_as_ambiguous() -> None:
    assert of_status(409, {}, (409,)) is AMBIGUOUS


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "POST", "PATCH"])
def test_only_methods_that_may_be_repeated_are_after_an_ambiguous_end(method: str) -> None:
    harmless = method in ("GET", "HEAD", "PUT", "DELETE")
    assert may_repeat(AMBIGUOUS, method, None) is harmless
    assert may_repeat(AMBIGUOUS, method, True)
    assert not may_repeat(AMBIGUOUS, method, False)
    assert may_repeat(UNSENT, method, False)
    assert may_repeat(REJECTED, method, False)
    assert not may_repeat(FINAL, method, True)
    assert not may_repeat(DONE, method, True)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": " 7 "}, 7.0),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "1.5"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "1000000000"}, 1e9),
        ({"retry-after": "9" * 400}, 999999999999.0),
        ({"retry-after": "\u0667"}, None),
        ({"retry-after": "Sun, 06 Nov 1994 08:49:37 GMT"}, 0.0),
        ({"retry-after": "Fri, 32 Foo 2099 99:99:99 GMT"}, None),
        ({"retry-after": "Sun, 06 Nov 1994 08:49:37 GMT", "date": "Sun, 06 Nov 1994 08:49:07 GMT"}, 30.0),
        ({"retry-after": "Sunday, 06-Nov-94 08:49:37 GMT", "date": "Sun, 06 Nov 1994 08:49:07 GMT"}, 30.0),
    ],
)
def test_retry_after_is_read_in_all_its_forms(headers: dict[str, str], expected: float | None) -> None:
    assert retry_after(headers, now=1_700_000_000.0) == expected


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_retry_after_can_upset_us(value: str, date: str) -> None:
    seconds = retry_after({"retry-after": value, "date": date}, now=0.0)
    assert seconds is None or seconds >= 0.0


@given(st.integers(1, 1_000))
def test_backoff_grows_up_to_its_cap(attempt: int) -> None:
    longest = backoff(attempt, 0.5, 20.0, lambda _, high: high)
    assert longest == min(20.0, 0.5 * 2 ** (attempt - 1))
    assert 0.0 <= backoff(attempt, 0.5, 20.0) <= longest


@pytest.mark.parametrize(
    ("outcome", "by_status", "wanted", "expected"),
    [
        (UNSENT, False, None, 7),
        (AMBIGUOUS, True, None, 2),
        (REJECTED, True, None, 2),
        (AMBIGUOUS, False, None, 4),
        (UNSENT, False, 0, 0),
        (REJECTED, True, 9, 9),
    ],
)
def test_how_often_is_configured_by_kind_and_overruled_by_the_call(
    outcome: Outcome, by_status: bool, wanted: int | None, expected: int
) -> None:
    assert Policy(connect_retries=7, status_retries=2).allowed(outcome, by_status, wanted) == expected


def test_an_empty_budget_refills_with_successes_and_slowly_with_time() -> None:
    budget = Budget(now=0.0)
    while budget.spend(0.0):
        pass
    assert not budget.spend(0.9)
    assert budget.spend(1.0)
    for _ in range(4):
        budget.earn()
    assert [budget.spend(1.0) for _ in range(3)] == [True, True, False]


def test_a_fifth_of_failures_never_empties_the_budget() -> None:
    budget = Budget(now=0.0)
    for number in range(10_000):
        if number % 5 == 0:
            assert budget.spend(0.0)
        else:
            budget.earn()
