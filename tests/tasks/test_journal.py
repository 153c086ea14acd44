"""What the journal keeps, and what those who look for leftovers read in it."""

from __future__ import annotations

import errno
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

import aiocloud
from aiocloud.tasks.journal import Journal, unended
from aiocloud.testing import FakeCloud, Fault

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


class FullDisk:
    """`os.write` as on a disk that is full: the first so many bytes go, then nothing."""

    def __init__(self, left: int) -> None:
        self.left = left
        self._write = os.write

    def __call__(self, fd: int, data: bytes) -> int:
        fits = data[: max(0, self.left)]
        self.left -= len(fits)
        if not fits:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self._write(fd, fits)


@pytest.mark.anyio
async def test_nothing_is_made_while_the_journal_can_not_be_written(
    fake: FakeCloud, clouds_yaml: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
        cloud.keep_journal(tmp_path / "journal")
        monkeypatch.setattr(os, "write", FullDisk(20))
        with pytest.raises(
            aiocloud.CloudError, match=r"the journal in .*journal can't be written: No space left"
        ) as raised:
            await cloud.create_volume(1, name="disk")
        assert raised.value.leftovers == ()
        assert await cloud.list_volumes() == []


class NoEnds(FullDisk):
    """A disk that is full whenever something ends."""

    def __call__(self, fd: int, data: bytes) -> int:
        self.left = 0 if b'"end"' in data else len(data)
        return super().__call__(fd, data)


@pytest.mark.anyio
@pytest.mark.parametrize("next_one", ["begins", "none"])
async def test_what_was_made_is_given_and_no_leftover_when_its_end_did_not_fit(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, next_one: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", NoEnds(0))
        await journal.begin("zero", "alpha", None)
        await journal.begin("first", "alpha", None)
        await journal.end("first")
    assert "No space left on device; until it can be, what first made is taken for a leftover" in caplog.text
    if next_one == "begins":
        await journal.begin("second", "alpha", None)
    journal.close()
    assert [begun.mark for begun in unended(journal.directory)] == ["zero", *["second"][: next_one == "begins"]]


@pytest.mark.anyio
async def test_a_line_that_did_not_fit_hides_none_that_comes_after(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    await journal.begin("first", "alpha", None)
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", FullDisk(20))
        with pytest.raises(aiocloud.CloudError):
            await journal.begin("second", "alpha", None)
    await journal.begin("third", "alpha", None)
    journal.close()
    assert [begun.mark for begun in unended(journal.directory)] == ["first", "third"]


@pytest.mark.anyio
async def test_a_session_that_is_closed_leaves_no_file_and_none_open(
    fake: FakeCloud, clouds_yaml: Path, tmp_path: Path
) -> None:
    """A service opens one for each visitor."""
    directory = tmp_path / "journal"
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
            cloud.keep_journal(directory)
            await cloud.create_volume(1, name="disk")
            assert len(list(directory.iterdir())) == 1
    assert list(directory.iterdir()) == []
    assert len(os.listdir("/proc/self/fd")) <= before + 1


@pytest.mark.anyio
async def test_a_session_that_is_closed_keeps_the_file_of_what_is_left(
    fake: FakeCloud, clouds_yaml: Path, tmp_path: Path
) -> None:
    fake.fault(Fault(service="block-storage", method="DELETE", status=403, times=None))
    fake.fault(Fault(service="block-storage", method="GET", path="*/volumes/*", status=403, times=None))
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
        cloud.keep_journal(tmp_path / "journal")
        with pytest.raises(aiocloud.Forbidden) as raised:
            await cloud.create_volume(1, name="disk", wait=True)
        assert raised.value.leftovers
    assert len(unended(tmp_path / "journal")) == 1
