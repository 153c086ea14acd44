"""Files that are not complete yet: what they are called, so that nobody takes them for files of the user's."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

__all__ = ["growing", "is_partial", "ranges_beside"]

_LONGEST = 240
"""Bytes of a name that leaves room for what is put around it: file systems take 255."""
_RANGES = "-ranges"


def growing(path: Path) -> Path:
    """Where a file grows until it is complete and takes its name: beside it.

    Raises OSError for what must not be replaced by a file: a folder, a device, a pipe.
    """
    with suppress(FileNotFoundError):
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "it is no regular file; open it, and give the open file")
    name = os.fsencode(path.name)
    return path.with_name(f".{path.name if len(name) <= _LONGEST else hashlib.sha256(name).hexdigest()}.part")


def ranges_beside(part: Path) -> Path:
    """The list of what is in a growing file, from which a broken download goes on."""
    return part.with_name(f"{part.name}{_RANGES}")


def is_partial(name: str, beside: Collection[str]) -> bool:
    """Is it one of the two files that a broken download leaves? `beside` are the names in its folder."""
    part = name.removesuffix(_RANGES)
    if not (part.startswith(".") and part.endswith(".part")):
        return False
    return part in beside and f"{part}{_RANGES}" in beside
