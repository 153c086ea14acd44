"""What the journal keeps, and what those who look for leftovers read in it."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest

from aiocloud.tasks.journal import Journal, unended

MANY = [f"mark-{n}" for n in range(40)]


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path / "journal")
    yield journal
    journal.close()


async def _all_at_once(write: Any, marks: list[str]) -> None:
    async with anyio.create_task_group() as group:
        for mark in marks:
            group.start_soon(write, mark)


@pytest.mark.anyio
async def test_what_begins_together_ends_in_one_file(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = fcntl.flock

    def flock(fd: int, how: int) -> None:
        time.sleep(0.02)  # as a busy disk does: the others begin meanwhile
        lock(fd, how)

    monkeypatch.setattr(fcntl, "flock", flock)

    async def begin(mark: str) -> None:
        await journal.begin(mark, "alpha", "RegionOne")

    await _all_at_once(begin, MANY)
    assert len(list(journal.directory.iterdir())) == 1
    await _all_at_once(journal.end, MANY[1:])

    journal.close()
    assert [(begun.mark, begun.cloud, begun.region) for begun in unended(journal.directory)] == [
        (MANY[0], "alpha", "RegionOne")
    ]


@pytest.mark.anyio
async def test_what_a_living_process_has_under_way_is_nobodys(journal: Journal) -> None:
    await journal.begin("mark", "alpha", None)
    assert unended(journal.directory) == []
    journal.close()
    assert [begun.mark for begun in unended(journal.directory)] == ["mark"]


@pytest.mark.anyio
async def test_a_file_removed_before_it_is_held_is_not_written_to(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody looks for leftovers between the making of our file and our lock on it, and takes it for an empty one."""
    lock, looked = fcntl.flock, list[int]()

    def flock(fd: int, how: int) -> None:
        if not looked:
            looked.append(fd)
            assert unended(journal.directory) == []
        lock(fd, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    await journal.begin("mark", "alpha", None)
    journal.close()
    assert looked
    assert [begun.mark for begun in unended(journal.directory)] == ["mark"]


@pytest.mark.anyio
async def test_a_line_cut_off_hides_no_other(journal: Journal) -> None:
    await journal.begin("whole", "alpha", None)
    journal.close()
    [path] = journal.directory.iterdir()
    with path.open("ab") as file:
        file.write(b'{"begin": "hal')
    assert [begun.mark for begun in unended(journal.directory)] == ["whole"]
    assert [begun.mark for begun in unended(journal.directory)] == ["whole"], "the note of the death is on its own line"
    assert os.stat(path).st_mode & 0o777 == 0o600


@pytest.mark.anyio
async def test_two_who_look_at_once_see_the_same(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leftovers of several clouds are reclaimed side by side: who reads is not taken for the process that writes."""
    await journal.begin("mark", "alpha", None)
    journal.close()
    lock, both, seen = fcntl.flock, threading.Barrier(2, timeout=3), list[str]()

    def flock(file: Any, how: int) -> None:
        lock(file, how)
        both.wait()

    async def look() -> None:
        seen.extend(begun.mark for begun in await anyio.to_thread.run_sync(unended, journal.directory))

    monkeypatch.setattr(fcntl, "flock", flock)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(look)
        tasks.start_soon(look)
    assert seen == ["mark", "mark"]
