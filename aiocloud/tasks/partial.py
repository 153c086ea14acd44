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
from typing import IO

from aiocloud.tasks.files import Positioned

__all__ = ["Growing", "is_partial"]

_LONGEST = 240
"""Bytes of a name that leaves room for what is put around it: file systems take 255."""
_RANGES = "-ranges"
_OURS = "what a download has written so far, by aiocloud"
"""The first line of the list: what stands beside it is ours."""
_NOT_FOLLOWING = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


class Growing:
    """A file that grows beside `path`, as `part`, until it is complete and takes its name.

    It is ours until `release`, or until the process ends: two downloads to one file would mix their content, though each
    compares what it receives. Raises BlockingIOError when another is at it, in this process or in any other, and OSError
    for what must not be replaced by a file (a folder, a device, a pipe), where no file can be made, and where a file of
    somebody else's has the name that ours would have while it grows. Its methods block.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.part = _beside(path)
        self._list = self.part.with_name(f"{self.part.name}{_RANGES}")
        self._lock: int | None = _claimed(self.part, self._list)
        self._is_complete = False
        if sys.platform == "win32":
            # It renames no file that is open elsewhere, so that it needs no lock, and could not rename a locked one.
            self.release()

    def emptied(self) -> IO[bytes]:
        """The file, open, with nothing in it."""
        return open(self.part, "wb", buffering=0, opener=_not_following)

    def opened(self, *, empty: bool) -> Positioned:
        """The file, for several threads at once: as it is, or with nothing in it."""
        return Positioned(self.part, os.O_RDWR | (os.O_TRUNC if empty else 0) | _NOT_FOLLOWING)

    def ranges(self) -> list[str]:
        """The lines of the list of what is in it, from which a broken download goes on. The last may be torn."""
        return self._list.read_text(errors="replace").split("\n")[1:]

    def list_ranges(self, head: str | None) -> IO[str]:
        """The list, to be written on: a new one that begins with `head`, or that which is there."""
        listing = open(self._list, "a" if head is None else "w", opener=_not_following)  # noqa: SIM115 - the caller closes it
        if head is not None:
            listing.write(f"{_OURS}\n{head}\n")
            listing.flush()
        return listing

    def complete(self) -> None:
        """It is all there: it takes its name. Raises OSError when another download took either name meanwhile."""
        if self._lock is not None and not _is_still(self._lock, self.part):
            raise OSError(errno.EBUSY, f"{self.part.name} beside it was replaced meanwhile")
        _refuse_growing(self.path)
        os.replace(self.part, self.path)
        self._list.unlink(missing_ok=True)
        self._is_complete = True
        self.release()

    def remove(self) -> None:
        """What is in it is of no use; no matter when it is complete."""
        if self._is_complete:
            return
        if self._lock is None or _is_still(self._lock, self.part):
            self.part.unlink(missing_ok=True)
            self._list.unlink(missing_ok=True)

    def release(self) -> None:
        """Another may have it, or what is left of it."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def is_partial(name: str, beside: Collection[str]) -> bool:
    """Is it one of the two files that a broken download leaves? `beside` are the names in its folder."""
    part = name.removesuffix(_RANGES)
    return _is_part(part) and part in beside and f"{part}{_RANGES}" in beside


def _is_part(name: str) -> bool:
    return name.startswith(".") and name.endswith(".part")


def _beside(path: Path) -> Path:
    with suppress(FileNotFoundError):
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "it is no regular file; open it, and give the open file")
    name = os.fsencode(path.name)
    return path.with_name(f".{path.name if len(name) <= _LONGEST else hashlib.sha256(name).hexdigest()}.part")


def _not_following(path: str, flags: int) -> int:
    """`os.open` for a file of ours: a link in its place would lead to somebody else's."""
    return os.open(path, flags | _NOT_FOLLOWING, 0o666)


def _claimed(part: Path, listing: Path) -> int:
    """The growing file, opened and locked, and marked as ours before anything is in it."""
    file = _locked(part)
    try:
        _mark(os.fstat(file), part, listing)
    except BaseException:
        os.close(file)
        raise
    return file


def _mark(facts: os.stat_result, part: Path, listing: Path) -> None:
    ours = _is_ours(listing)
    if not stat.S_ISREG(facts.st_mode) or facts.st_nlink != 1 or (facts.st_size and not ours):
        raise _in_the_way(part)
    if not ours and os.path.lexists(listing):
        part.unlink()
        raise _in_the_way(listing)
    if not ours:
        with open(listing, "w", opener=_not_following) as begun:
            begun.write(f"{_OURS}\n")


def _is_ours(listing: Path) -> bool:
    try:
        with open(listing, "rb", opener=_not_following) as file:
            return file.read(len(_OURS) + 1) == f"{_OURS}\n".encode()
    except OSError:
        return False


def _in_the_way(path: Path) -> OSError:
    return FileExistsError(
        errno.EEXIST, f"{path.name} beside it is in the way, and no download of ours has left it: move it, or remove it"
    )


def _refuse_growing(path: Path) -> None:
    """Raises BlockingIOError when it is what another download is writing to, for some other file."""
    if sys.platform == "win32" or not _is_part(path.name):
        return
    try:
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return  # it is not there, or it can't be read, and so is no download's
    try:
        _lock(file)
    finally:
        os.close(file)


def _is_still(file: int, path: Path) -> bool:
    """Is this open file the one of that name?"""
    try:
        return os.path.samestat(os.fstat(file), path.lstat())
    except FileNotFoundError:
        return False


def _locked(part: Path) -> int:
    """An open file that is locked, and still the one of this name: it may have got another between the two calls."""
    while True:
        try:
            file = _not_following(os.fspath(part), os.O_RDWR | os.O_CREAT)
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise _in_the_way(part) from None
            raise
        try:
            _lock(file)
            if _is_still(file, part):
                return file
        except BaseException:
            os.close(file)
            raise
        os.close(file)


def _lock(file: int) -> None:
    if sys.platform == "win32":  # which keeps others from reading what is locked
        return
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
