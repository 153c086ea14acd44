"""Reading and writing a file at any place, with and without the system's calls for it."""

import errno
import os
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from threading import Thread

import pytest

from aiocloud.tasks.files import Positioned

ABILITIES = ("pread", "pwritev", "posix_fallocate")


@pytest.fixture(params=["able", "unable"])
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "unable":
        for name in ABILITIES:
            monkeypatch.delattr(os, name, raising=False)


@pytest.mark.usefixtures("system")
def test_it_reads_where_it_is_told_to(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    file = Positioned(path, os.O_RDONLY)
    assert [file.read(3, 4), file.read(3, 0), file.read(9, 8), file.read(1, 10)] == [b"456", b"012", b"89", b""]
    file.close()


@pytest.mark.usefixtures("system")
def test_it_writes_chunks_one_after_the_other(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"..........")
    file = Positioned(path, os.O_RDWR)
    file.write([b"ab", b"", b"c"], 4)
    file.write([], 9)
    file.write([b"%d" % (at % 10) for at in range(2000)], 10)
    file.close()
    assert path.read_bytes() == b"....abc..." + b"0123456789" * 200


def test_what_the_system_did_not_take_is_written_after_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = os.pwritev
    monkeypatch.setattr(os, "pwritev", lambda file, chunks, at: whole(file, [b"".join(chunks)[:5]], at))
    path = tmp_path / "file"
    file = Positioned(path, os.O_RDWR | os.O_CREAT)
    file.write([b"abc", b"def", b"ghi"], 2)
    file.close()
    assert path.read_bytes() == b"\0\0abcdefghi"


@pytest.mark.usefixtures("system")
def test_threads_do_not_get_into_each_others_way(tmp_path: Path) -> None:
    path = tmp_path / "file"
    file = Positioned(path, os.O_RDWR | os.O_CREAT)
    wrong: list[int] = []

    def work(own: int) -> None:
        for at in range(own * 1000, own * 1000 + 1000, 10):
            said: Sequence[bytes] = [b"%05d" % at, b"%05d" % own]
            file.write(said, at)
            if file.read(10, at) != b"".join(said):
                wrong.append(at)

    threads = [Thread(target=work, args=(own,)) for own in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    file.close()
    assert wrong == []


@pytest.mark.usefixtures("system")
def test_it_is_as_long_as_it_is_said_to_be_and_nobodys_program(tmp_path: Path) -> None:
    file = Positioned(tmp_path / "file", os.O_RDWR | os.O_CREAT)
    for size in (5000, 0, 7):
        file.reserve(size)
        assert (tmp_path / "file").stat().st_size == size
    file.close()
    assert not (tmp_path / "file").stat().st_mode & 0o111


@pytest.mark.parametrize(
    ("number", "refused"), [(errno.EOPNOTSUPP, False), (errno.EINVAL, False), (errno.ENOSPC, True)]
)
def test_a_file_system_that_promises_no_room_is_written_to_a_full_one_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, refused: bool
) -> None:
    def refuse(*_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "posix_fallocate", refuse, raising=False)
    file = Positioned(tmp_path / "file", os.O_RDWR | os.O_CREAT)
    with pytest.raises(OSError, match="No space") if refused else nullcontext():
        file.reserve(7)
        assert (tmp_path / "file").stat().st_size == 7
    file.close()


def test_closing_twice_closes_nothing_of_others(tmp_path: Path) -> None:
    file = Positioned(tmp_path / "one", os.O_RDWR | os.O_CREAT)
    file.close()
    other = Positioned(tmp_path / "other", os.O_RDWR | os.O_CREAT)  # often gets the number that is free now
    file.close()
    other.write([b"here"], 0)
    assert other.read(4, 0) == b"here"
    other.close()
