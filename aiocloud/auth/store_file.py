"""Tokens in files that only we can read, shared by the processes of one user.

The directory has mode 0700 and the files 0600, whatever the umask. A file is written under another name, synced and
renamed, so that a reader sees the whole of an old or a new one, also after a crash. Symbolic links, other people's files
and files that others may read are not trusted. Locks are the system's own (flock): they end with their process.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import random
import secrets
import stat
import sys
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import anyio
from anyio import to_thread
from platformdirs import user_cache_dir

from aiocloud._json import load_json, mapping
from aiocloud.auth.store import LEASE, MemoryStore, Stored
from aiocloud.errors import NormalizationError

__all__ = ["FileStore"]

T = TypeVar("T")

logger = logging.getLogger("aiocloud.auth")

PACE = 0.02  # seconds between two looks at a lock that somebody else holds
STALE = 60.0  # seconds after which a half-written file is a crashed process's
LARGEST = 4 * 1024 * 1024  # bytes; a larger file is not one of ours
NOFOLLOW = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
BOOT = Path("/proc/sys/kernel/random/boot_id")


class FileStore:
    """Tokens in a directory (by default `tokens` in the user's cache directory for aiocloud).

    Where the directory can't be used (a full disk, no rights, a link in its place), this warns once and goes on in memory.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self.path = Path(path) if path is not None else Path(user_cache_dir("aiocloud")) / "tokens"
        self._memory = MemoryStore()
        self._warned = False

    def __repr__(self) -> str:
        return f"FileStore({str(self.path)!r})"

    async def get(self, key: str) -> Stored | None:
        return await self._in_thread(lambda: _read(self._file(key))) or await self._memory.get(key)

    async def put(self, key: str, text: str, ttl: float) -> None:
        written = await self._in_thread(lambda: _write(self._file(key), _envelope(text, ttl)))
        if written is None:
            await self._memory.put(key, text, ttl)
        else:
            await self._memory.delete(key)

    async def delete(self, key: str) -> None:
        await self._memory.delete(key)
        await self._in_thread(lambda: self._file(key).unlink(missing_ok=True))

    @asynccontextmanager
    async def lease(self, key: str) -> AsyncGenerator[None]:
        lock = _Lock(self.path / f"{key}.lock")
        try:
            await self._taken(lock)
            yield
        finally:
            with anyio.CancelScope(shield=True):
                await to_thread.run_sync(lock.release)

    async def _taken(self, lock: _Lock) -> None:
        """Wait for the lock, not for ever, and not in a thread that could not be called back."""
        with anyio.move_on_after(LEASE):
            # The holder is another process: there is no event to wait for.
            while await self._in_thread(lock.try_take) is False:  # noqa: ASYNC110
                await anyio.sleep(PACE * (0.5 + random.random()))

    def _file(self, key: str) -> Path:
        return self.path / f"{key}.json"

    async def _in_thread(self, work: Callable[[], T]) -> T | None:
        """Do it in a worker thread; None (and one warning) when the disk does not let us."""
        try:
            return await to_thread.run_sync(self._safely, work)
        except OSError as error:
            if not self._warned:
                self._warned = True
                logger.warning(
                    "tokens are kept in memory only, %s can't be used: %s", self.path, error.strerror or error
                )
            return None

    def _safely(self, work: Callable[[], T]) -> T:
        _own_directory(self.path)
        return work()


class _Lock:
    """A lock file, held or not."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd: int | None = None

    def try_take(self) -> bool:
        """Take it unless somebody else has it."""
        if self._fd is None:
            self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | NOFOLLOW, 0o600)
        return _try_lock(self._fd)

    def release(self) -> None:
        """Give it back, taken or not."""
        if self._fd is not None:
            os.close(self._fd)  # which ends the lock
            self._fd = None


if sys.platform == "win32":
    import msvcrt

    def _try_lock(fd: int) -> bool:
        try:
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _try_lock(fd: int) -> bool:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def _own_directory(path: Path) -> None:
    """Make the directory, or check that it is one, ours, and closed to others."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=0o700)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise NotADirectoryError(20, "not a directory of its own", str(path))
    if sys.platform == "win32":
        return
    if found.st_uid != os.geteuid():
        raise PermissionError(1, "belongs to somebody else", str(path))
    if stat.S_IMODE(found.st_mode) != 0o700:
        path.chmod(0o700)


def _envelope(text: str, ttl: float) -> bytes:
    return json.dumps({"text": text, "ttl": ttl, "at": time.time(), "since_boot": _since_boot()}).encode()


def _since_boot() -> list[object]:
    """Which boot this is, and seconds in it: a clock that all processes share and nobody sets. Empty where there is none."""
    try:
        return [BOOT.read_text().strip(), time.monotonic()]
    except OSError:
        return []


def _age(envelope: dict[str, object]) -> float:
    """Seconds since it was written: by the clock since boot when it is the same boot, else by the wall clock."""
    then, now = envelope.get("since_boot"), _since_boot()
    match then, now:
        case [str(boot), float(before)], [here, float(after)] if boot == here:
            return after - before
        case _:
            at = envelope.get("at")
            return time.time() - at if isinstance(at, float) else -1.0


def _read(path: Path) -> Stored | None:
    """What a file holds; None when there is none, it is not to be trusted, or its time is over."""
    try:
        fd = os.open(path, os.O_RDONLY | NOFOLLOW)
    except (FileNotFoundError, IsADirectoryError):
        return None
    except OSError as error:
        logger.warning("%s is not used: %s", path, error.strerror)
        return None
    with open(fd, "rb") as file:
        if not _is_ours(os.fstat(file.fileno())):
            logger.warning("%s is not used: others may write or read it", path)
            return None
        content = file.read(LARGEST)
    try:
        envelope = dict(mapping(load_json(content, str(path))))
    except NormalizationError:
        return None
    text, ttl = envelope.get("text"), envelope.get("ttl")
    if not isinstance(text, str) or not isinstance(ttl, int | float):
        return None
    age = _age(envelope)
    left = ttl - age
    # A file from the future was written by a wrong clock: what is left of it is anybody's guess.
    return Stored(text, left) if age >= 0 and left > 0 else None


def _is_ours(found: os.stat_result) -> bool:
    if not stat.S_ISREG(found.st_mode):
        return False
    return sys.platform == "win32" or (found.st_uid == os.geteuid() and not found.st_mode & 0o077)


def _write(path: Path, content: bytes) -> bool:
    """Put a whole file in place, or leave the old one."""
    half = path.with_name(f"{path.name}.{secrets.token_hex(8)}.half")
    fd = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL | NOFOLLOW, 0o600)
    try:
        with open(fd, "wb") as file:
            if sys.platform != "win32":
                os.fchmod(file.fileno(), 0o600)  # a umask may have taken more away than it should
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        half.replace(path)
    except BaseException:
        half.unlink(missing_ok=True)
        raise
    _settle(path)
    return True


def _settle(path: Path) -> None:
    """Sync the directory, so that the rename outlives a crash, and sweep away what crashed writers left."""
    if sys.platform != "win32":
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    oldest = time.time() - STALE
    for half in path.parent.glob(f"{path.name}.*.half"):
        with contextlib.suppress(FileNotFoundError):
            if half.lstat().st_mtime < oldest:
                half.unlink()
