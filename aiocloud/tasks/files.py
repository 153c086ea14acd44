"""Reading and writing files, in threads, so that all of it is read and written, and by one at a time."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import IO, cast

from aiocloud.errors import InvalidRequest

__all__ = ["Positioned", "alone", "check_takes_bytes", "why", "write_whole"]

_AT_ONCE = 512
"""Chunks that are written by one call; no system takes less than 1,024."""


_in_use: set[int] = set()
"""The identities of streams and open files."""


@contextmanager
def alone(stream: object, taken: str) -> Generator[None]:
    """Nobody else has this stream or open file meanwhile. Raises InvalidRequest, with the text `taken`, when somebody has."""
    if id(stream) in _in_use:
        raise InvalidRequest(taken)
    _in_use.add(id(stream))
    try:
        yield
    finally:
        _in_use.discard(id(stream))


def why(error: Exception) -> str:
    """What the system says of an error, without its number."""
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)


def check_takes_bytes(file: object, what: str) -> None:
    """Raise InvalidRequest for an open file that `what` can't be written to. What is no file of the system's may not say."""
    if getattr(file, "closed", False):
        raise InvalidRequest(f"can't write {what}: the file is closed")
    if isinstance(file, io.TextIOBase):
        raise InvalidRequest(f"can't write {what}: the file is open for text: open it with 'wb'")
    if isinstance(file, io.IOBase) and not file.writable():
        raise InvalidRequest(f"can't write {what}: the file is open for reading only: open it with 'wb'")


def write_whole(file: IO[bytes], data: bytes | memoryview) -> None:
    """Write all of it: an unbuffered file, a pipe say, may take less at a time. Raises OSError."""
    took = _written(file, data)
    while took < len(data):
        took += _written(file, data[took:])


def _written(file: IO[bytes], data: bytes | memoryview) -> int:
    # What is no file of the system's may well say nothing of how much it took, whatever its type promises.
    took = cast("int | None", file.write(data))
    if (took is None and isinstance(file, io.RawIOBase)) or (took == 0 and data):
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
    return len(data) if took is None else took


class Positioned:
    """A file that several threads read and write at once, each at its own place; `flags` are those of `os.open`.

    Where the system can, one call takes the place along: seeking first would be a second one, and each gives the interpreter
    lock away and waits for it again. Its methods block, and raise OSError.
    """

    def __init__(self, path: str | os.PathLike[str], flags: int) -> None:
        self._file = os.open(path, flags | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0), 0o666)
        self._moving = Lock()
        self._open = True

    def read(self, size: int, at: int) -> bytes:
        """So many bytes from there; fewer where the file ends."""
        if sys.platform != "win32" and hasattr(os, "pread"):
            return os.pread(self._file, size, at)
        with self._moving:
            os.lseek(self._file, at, os.SEEK_SET)
            return os.read(self._file, size)

    def read_into(self, part: memoryview, at: int) -> int:
        """Fill `part` with the bytes from there; how many there were."""
        if sys.platform != "win32" and hasattr(os, "preadv"):
            return os.preadv(self._file, [part], at)
        data = self.read(len(part), at)
        part[: len(data)] = data
        return len(data)

    def write(self, chunks: Sequence[bytes | memoryview], at: int) -> None:
        """Put chunks there, one after the other."""
        for first in range(0, len(chunks), _AT_ONCE):
            some = chunks[first : first + _AT_ONCE]
            size = sum(map(len, some))
            done = os.pwritev(self._file, some, at) if hasattr(os, "pwritev") else 0
            if done < size:
                self._write_rest(memoryview(b"".join(some))[done:], at + done)
            at += size

    def _write_rest(self, data: memoryview, at: int) -> None:
        with self._moving:
            os.lseek(self._file, at, os.SEEK_SET)
            while len(data):
                data = data[os.write(self._file, data) :]

    def reserve(self, size: int) -> None:
        """Make it this long, with room on the disk for all of it where the system can say so."""
        if size and hasattr(os, "posix_fallocate"):
            try:
                os.posix_fallocate(self._file, 0, size)
            except OSError as error:
                # Some file systems promise no room, and some C libraries do not do it for them.
                if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
                    raise
        os.truncate(self._file, size)

    def close(self) -> None:
        """Close it, once."""
        if self._open:
            self._open = False
            os.close(self._file)
