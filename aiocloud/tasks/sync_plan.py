"""What makes a folder and a container alike, as a list of steps, and which of them wait for others. Pure.

Compared are names, sizes and then, as asked, times or checksums.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from aiocloud.tasks.sides import Known

__all__ = ["CARRY", "Step", "can_be_file", "growing", "in_the_way", "plan_sync", "up_from"]

CARRY: dict[str, Literal["upload", "download"]] = {"up": "upload", "down": "download"}
_SIGNS = "\0\\:" if os.name == "nt" else "\0"
"""What a file's name can't have; on Windows some lead elsewhere."""
_CLOSE = 1e-5  # seconds by which the same time differs once it was written down with six decimals


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to be done: `name` is the object's, and the file's below the folder with slashes."""

    do: Literal["upload", "download", "delete object", "delete file", "compare"]
    name: str
    size: int


def plan_sync(
    here: Mapping[str, Known],
    there: Mapping[str, Known],
    *,
    way: Literal["up", "down"],
    delete: bool,
    checksum: bool,
) -> tuple[Step, ...]:
    """What makes the other side like this one. Pure; `compare` stands for those that only their content can tell apart."""
    source, target = (here, there) if way == "up" else (there, here)
    steps: list[Step] = []
    for name, known in sorted(source.items()):
        other = target.get(name)
        if other is None or other.size != known.size:
            steps.append(Step(CARRY[way], name, known.size))
        elif checksum or not _look_alike(known, other):
            steps.append(Step("compare", name, known.size))
    if delete:
        gone: Literal["delete object", "delete file"] = "delete object" if way == "up" else "delete file"
        steps += [Step(gone, name, target[name].size) for name in sorted(set(target) - set(source))]
    return tuple(steps)


def _look_alike(one: Known, other: Known) -> bool:
    """Have two of the same size the same time, and no content that is known to differ?"""
    if one.md5 and other.md5 and one.md5 != other.md5:
        return False
    return one.mtime is not None and other.mtime is not None and abs(one.mtime - other.mtime) <= _CLOSE


def can_be_file(name: str) -> bool:
    """Does a name lead to a file below the folder, and nowhere else? Pure."""
    return not any(part in ("", ".", "..") or any(sign in part for sign in _SIGNS) for part in name.split("/"))


def growing(name: str) -> tuple[str, str]:
    """What a download to a file of this name writes to, until it is complete. Pure."""
    folder, slash, last = name.rpartition("/")
    part = f"{folder}{slash}.{last}.part"
    return part, f"{part}-ranges"


def up_from(name: str) -> list[str]:
    """A name, and those of all folders that it is in. Pure."""
    parts = name.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]


def in_the_way(removed: Iterable[Step], carried: Iterable[Step]) -> dict[Step, str]:
    """Files that others can't come beside, by where these need room: a folder at the file, or a file at one of its folders.

    Pure.
    """
    names = {step.name for step in carried if can_be_file(step.name)}
    needed = names.union(*(up_from(name) for name in names))
    files = [step for step in removed if step.do == "delete file"]
    room = ((step, next((at for at in up_from(step.name) if at in names), step.name)) for step in files)
    return {step: at for step, at in room if at in needed}
