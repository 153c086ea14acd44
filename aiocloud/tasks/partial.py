"""Files that are not complete yet: whose they are, and what they are called, so that nobody takes them for the user's."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import sys
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

__all__ = ["Growing", "is_partial"]

_LONGEST = 240
"""Bytes of a name that leaves room for what is put around it: file systems take 255."""
_RANGES = "-ranges"


class Growing:
    """A file that grows beside `path`, as `part`, until it is complete and takes its name.

    It is ours until `release`, or until the process ends: two downloads to one file would mix their content, though each
    compares what it receives. Raises BlockingIOError when another is at it, in this process or in any other, and OSError
    for what must not be replaced by a file (a folder, a device, a pipe) and where no file can be made. Its methods block.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.part = _beside(path)
        self.ranges = self.part.with_name(f"{self.part.name}{_RANGES}")
        """The list of what is in it, from which a broken download goes on."""
        # Windows, which renames no file that is open elsewhere, needs no lock, and could not rename a locked one.
        self._lock = None if sys.platform == "win32" else _locked(self.part)

    def complete(self) -> None:
        """It is all there: it takes its name."""
        os.replace(self.part, self.path)
        self.ranges.unlink(missing_ok=True)

    def remove(self) -> None:
        """What is in it is of no use."""
        self.part.unlink(missing_ok=True)
        self.ranges.unlink(missing_ok=True)

    def release(self) -> None:
        """Another may have it, or what is left of it."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def is_partial(name: str, beside: Collection[str]) -> bool:
    """Is it one of the two files that a broken download leaves? `beside` are the names in its folder."""
    part = name.removesuffix(_RANGES)
    if not (part.startswith(".") and part.endswith(".part")):
        return False
    return part in beside and f"{part}{_RANGES}" in beside


def _beside(path: Path) -> Path:
    with suppress(FileNotFoundError):
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "it is no regular file; open it, and give the open file")
    name = os.fsencode(path.name)
    return path.with_name(f".{path.name if len(name) <= _LONGEST else hashlib.sha256(name).hexdigest()}.part")


def _locked(part: Path) -> int:
    """An open file that is locked, and still the one of this name: it may have got another between the two calls."""
    while True:
        file = os.open(part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            _lock(file)
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(file), part.stat()):
                    return file
        except BaseException:
            os.close(file)
            raise
        os.close(file)


def _lock(file: int) -> None:
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise BlockingIOError(errno.EWOULDBLOCK, "another download is writing to it") from None
    except OSError as error:
        if error.errno not in (
            errno.EOPNOTSUPP,
            errno.ENOLCK,
            errno.ENOSYS,
            errno.EINVAL,
        ):  # a file system without locks
            raise
