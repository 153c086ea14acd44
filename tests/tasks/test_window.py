"""Slots for parts: more while that pays, fewer in trouble."""

from __future__ import annotations

import anyio
import pytest

from aiocloud.tasks.window import Window

MB = 1_000_000


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr(anyio, "current_time", lambda: now[0])
    return now


def rounds(slots: Window, clock: list[float], seconds: float, *, trouble: bool = False) -> None:
    """One round, in which so many bytes a slot go through in so many seconds."""
    clock[0] += seconds
    for _ in range(2 * slots.size):
        slots.ended(MB, trouble=trouble)


@pytest.mark.anyio
async def test_it_opens_while_more_at_once_is_faster(clock: list[float]) -> None:
    slots = Window(start=8, most=32)
    sizes = []
    for _ in range(6):
        rounds(slots, clock, 1.0)  # bound by latency: a round takes as long however many are under way
        sizes.append(slots.size)
    assert sizes == [12, 18, 27, 32, 32, 32]


@pytest.mark.anyio
async def test_it_stays_once_more_at_once_is_no_faster(clock: list[float]) -> None:
    slots = Window(start=8, most=32)
    for _ in range(6):
        rounds(slots, clock, slots.size / 8)  # bound by bandwidth: twice as many take twice as long
    assert slots.size == 12


@pytest.mark.anyio
async def test_trouble_halves_it_and_quiet_rounds_win_it_back(clock: list[float]) -> None:
    slots = Window(start=8, most=8)
    rounds(slots, clock, 1.0)
    slots.ended(MB, trouble=True)
    slots.ended(MB, trouble=True)
    assert slots.size == 4
    sizes = []
    for _ in range(6):
        rounds(slots, clock, 1.0)
        sizes.append(slots.size)
    assert sizes == [4, 5, 6, 7, 8, 8]


@pytest.mark.anyio
async def test_a_slot_is_left_in_lasting_trouble() -> None:
    slots = Window(start=8, most=8)
    for _ in range(20):
        slots.ended(MB, trouble=True)
    assert slots.size == 1
    await slots.acquire("a part")
    with anyio.move_on_after(0) as scope:
        await slots.acquire("another")
    assert scope.cancelled_caught
