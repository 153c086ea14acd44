"""Exactly one of a thing, however the requests end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from aiocloud._http import httpx
from aiocloud.errors import CloudError, Conflict, Forbidden, HTTPError, ServiceFailed, Timeout, TransportError
from aiocloud.reconcile import create_once, is_ambiguous
from tests.transport.helper import virtual


def unsent(error: Timeout | TransportError) -> CloudError:
    error.sent = False
    return error


def refused(kind: type[HTTPError], status: int) -> HTTPError:
    request = httpx.Request("POST", "http://cloud.test/servers")
    return kind("no", response=httpx.Response(status, request=request))


@dataclass(frozen=True)
class Thing:
    id: str
    seen: int = 0


class Service:
    """Answers each POST as told: with an error, or with what it made; `late` ones appear at so many looks later."""

    def __init__(self, *ends: CloudError | str, appears: Sequence[str] = (), at_look: int = 1) -> None:
        self.ends = list(ends)
        self.appears, self.at_look = appears, at_look
        self.sent = self.looks = 0

    async def send(self) -> Thing:
        self.sent += 1
        end = self.ends.pop(0)
        if isinstance(end, CloudError):
            raise end
        return Thing(end)

    async def look(self) -> Sequence[Thing]:
        self.looks += 1
        return [Thing(id, self.looks) for id in self.appears] if self.looks >= self.at_look else []


def outcome(service: Service) -> tuple[str, list[str]]:
    async def story() -> tuple[Thing, Sequence[Thing]]:
        return await create_once(service.send, service.look)

    made, others = virtual(story)
    return made.id, [other.id for other in others]


@pytest.mark.parametrize(
    ("error", "ambiguous"),
    [
        (Timeout("late"), True),
        (unsent(Timeout("late")), False),
        (TransportError("reset"), True),
        (unsent(TransportError("refused")), False),
        (refused(ServiceFailed, 502), True),
        (refused(ServiceFailed, 501), False),
        (refused(Conflict, 409), False),
        (CloudError("odd"), False),
    ],
)
def test_only_what_went_out_is_ambiguous(error: CloudError, ambiguous: bool) -> None:
    assert is_ambiguous(error) is ambiguous


def test_what_never_went_out_is_not_looked_for() -> None:
    service = Service(unsent(Timeout("no slot")))
    with pytest.raises(Timeout, match="no slot"):
        outcome(service)
    assert (service.sent, service.looks) == (1, 0)


def test_what_landed_is_adopted_and_not_sent_again() -> None:
    service = Service(TransportError("reset"), appears=["a"], at_look=3)
    assert outcome(service) == ("a", [])
    assert service.sent == 1


def test_what_did_not_land_is_sent_again() -> None:
    service = Service(TransportError("reset"), "b", appears=["b"], at_look=5)
    assert outcome(service) == ("b", [])
    assert service.sent == 2


@pytest.mark.parametrize("appears", [["late", "made"], ["made", "late"], ["late"]])
def test_what_landed_late_is_told_apart_from_what_was_made(appears: list[str]) -> None:
    """The caller removes the others: never what it was given."""
    service = Service(TransportError("reset"), "made", appears=appears, at_look=5)
    assert outcome(service) == ("made", ["late"])


def test_a_refusal_because_of_what_landed_late_is_no_failure() -> None:
    service = Service(TransportError("reset"), refused(Conflict, 409), appears=["a"], at_look=5)
    assert outcome(service) == ("a", [])


def test_a_refusal_after_an_unclear_end_says_so() -> None:
    first = TransportError("reset")
    service = Service(first, refused(Forbidden, 403))
    with pytest.raises(Forbidden) as raised:
        outcome(service)
    assert raised.value.__cause__ is first


@pytest.mark.parametrize("ends", [[], ["made"]])
def test_when_it_cannot_be_looked_for_the_unclear_end_is_what_is_told(ends: list[str]) -> None:
    """The refusal of a look would say that nothing was made."""
    first, look = TransportError("reset"), refused(Forbidden, 403)

    class Blind(Service):
        async def look(self) -> Sequence[Thing]:
            if not await super().look():
                return ()
            raise look

    service = Blind(first, *ends, appears=["a"], at_look=5 if ends else 1)
    with pytest.raises(TransportError) as raised:
        outcome(service)
    assert raised.value is first
    assert raised.value.__cause__ is look
    assert service.sent == 1 + len(ends)
