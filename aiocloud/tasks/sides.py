"""What is in a folder, and what is in a container, by the same names: that of a file below its folder, with slashes.

And how a file makes room in its folder, without being lost.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from aiocloud.concurrent import each_of
from aiocloud.errors import CloudError, InvalidRequest, NotFound
from aiocloud.services.object_store.object import Object, Objects
from aiocloud.tasks.partial import is_partial

__all__ = ["Aside", "Known", "files_below", "link_between", "mtime_of", "objects_below", "remove_empty", "seen"]

_LOOKS = 16
"""So many objects are asked for at once."""
_EARLIEST, _LATEST = -11_644_473_600, 253_402_300_799
"""The years that every system can give to a file: Windows counts from 1601, and people to 9999."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one side's copy; the time is in seconds since 1970, or None where nobody kept it."""

    size: int
    mtime: float | None
    md5: str = ""
    """Of an object, as its container lists it, which for a large one or a link is that of something else, or as a HEAD says,
    which then says none. Of a file, where it was read."""


def files_below(root: Path) -> dict[str, Known | None]:
    """The files below a folder; None for what is passed over: links to files or folders, pipes, broken downloads.

    What can't be looked at is an error: taken for empty, it would be removed elsewhere. What is removed meanwhile is gone.
    """
    try:
        found = dict(_walk(root))
        # When it was moved away, or its disk was, all below it seemed to be removed.
        root.stat()
    except OSError as error:
        raise InvalidRequest(f"can't list {error.filename or root}: {error.strerror or error}") from None
    return found


def _walk(root: Path) -> Iterator[tuple[str, Known | None]]:
    for folder, names, files in os.walk(root, onerror=_refuse):
        names.sort()
        for name in (*names, *files):
            path = Path(folder, name)
            with suppress(FileNotFoundError):  # it was removed meanwhile
                facts = path.lstat()
                if stat.S_ISDIR(facts.st_mode) and not _leads_elsewhere(path):
                    continue
                is_file = stat.S_ISREG(facts.st_mode) and not is_partial(name, files)
                yield path.relative_to(root).as_posix(), Known(facts.st_size, facts.st_mtime) if is_file else None


def _refuse(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def link_between(root: Path, path: Path) -> Path | None:
    """The first folder below `root`, on the way to a file, that is in truth another one; None where all are what they seem."""
    folders = [root / each for each in path.relative_to(root).parents if each.name]
    return next((each for each in reversed(folders) if _leads_elsewhere(each)), None)


def _leads_elsewhere(path: Path) -> bool:
    return path.is_symlink() or (sys.version_info >= (3, 12) and path.is_junction())


async def objects_below(objects: Objects, prefix: str) -> dict[str, Known]:
    """The objects as they are listed: with no times, no size of dynamic large ones, and with those that have expired."""
    found: dict[str, Known] = {}
    async for each in objects.stream(prefix=prefix or None):
        if not each.name.endswith("/") and each.content_type != "application/directory":
            found[each.name.removeprefix(prefix)] = Known(each.content_length, None, each.etag)
    return found


async def seen(objects: Objects, prefix: str, names: Iterable[str]) -> dict[str, Known | CloudError | None]:
    """What a HEAD tells of each; None for one that is not found, as it has expired or is a link to nothing.

    An error is what came in a HEAD's place: the object is a link in a circle, or to what is forbidden, or has a name that
    can't be asked for.
    """
    found: dict[str, Known | CloudError | None] = {}

    async def look(name: str) -> None:
        try:
            one = await objects.get(prefix + name)
        except NotFound:
            found[name] = None
        except CloudError as error:
            found[name] = error
        else:
            found[name] = Known(one.content_length, mtime_of(one), "" if one.is_large else one.etag)

    await each_of(names, look, _LOOKS)
    return found


def mtime_of(one: Object) -> float | None:
    """When the file was changed last that was sent, in seconds since 1970, where that is kept, and a time at all."""
    try:
        mtime = float(one.metadata["mtime"])
    except (KeyError, ValueError):
        return None
    # Not a number (nan) is within nothing.
    return mtime if _EARLIEST <= mtime <= _LATEST else None


@dataclass(frozen=True, slots=True)
class Aside:
    """A file that has made room, and is `at` another place by now. Its methods block, and raise OSError."""

    path: Path
    at: Path

    @classmethod
    def put(cls, path: Path, room_at: Path) -> Aside:
        """Put it beside what room is made at, itself or a folder that it is in, so that no other disk is asked."""
        at = room_at.with_name(f".{path.name[:50]}.{secrets.token_hex(4)}.aside")
        path.rename(at)
        return cls(path, at)

    def put_back(self) -> None:
        """Where it was. Raises OSError when something has arrived there since."""
        if self.path.is_dir():
            _remove_unfinished(self.path)
        # A rename would replace a file, too.
        if os.path.lexists(self.path):
            raise FileExistsError(errno.EEXIST, "something else is at its place")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise NotADirectoryError(errno.ENOTDIR, "its folder is a file") from None
        self.at.rename(self.path)


def _remove_unfinished(folder: Path) -> None:
    """Remove a folder that was made for downloads none of which arrived, and what they have left to go on from."""
    inside = list(os.walk(folder, topdown=False, onerror=_refuse))
    if not all(is_partial(name, names) for _, _, names in inside for name in names):
        return
    for each, _, names in inside:
        for name in names:
            Path(each, name).unlink()
        with suppress(OSError):  # a link to another folder is in it
            Path(each).rmdir()


def remove_empty(path: Path) -> None:
    """Remove a folder that holds nothing but such folders; no folder is no matter. It blocks, and raises OSError."""
    if path.is_symlink() or not path.is_dir():
        return
    inside = list(os.walk(path, topdown=False, onerror=_refuse))
    links = (Path(each, name).is_symlink() for each, names, _ in inside for name in names)
    if any(names for _, _, names in inside) or any(links):
        raise IsADirectoryError(errno.EISDIR, "it is a folder, and not an empty one")
    for each, _, _ in inside:
        Path(each).rmdir()
