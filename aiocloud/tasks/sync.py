"""A folder and a container made alike, one way or the other: first a plan that can be looked at, then its steps.

Compared are names, sizes and then, as asked, times or checksums. Times are kept as rclone and swiftclient keep them
(`X-Object-Meta-Mtime`), so that they understand each other's uploads.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Literal

import anyio
from anyio import to_thread

from aiocloud.concurrent import concurrently, each_of
from aiocloud.errors import CloudError, InvalidRequest, NotFound
from aiocloud.model import Which
from aiocloud.progress import Meter, OnProgress, Part, Progress
from aiocloud.region import Region
from aiocloud.services.object_store.object import Objects
from aiocloud.tasks.objects import is_object_stale, put_file
from aiocloud.tasks.ranges import download_object
from aiocloud.tasks.removal import delete_object
from aiocloud.tasks.sides import Aside, Known, files_below, link_between, mtime_of, objects_below, remove_empty, seen
from aiocloud.tasks.small import SMALL, download_small, md5_of_small
from aiocloud.tasks.sync_plan import CARRY, Step, can_be_file, growing, in_the_way, plan_sync, up_from

__all__ = ["Synced", "sync_objects"]

_log = logging.getLogger("aiocloud.objects")

_LARGE_AT_ONCE = 4
"""Each of them has several requests under way."""
_SMALL_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Synced:
    """What was done, or with `dry_run` would be, and how many were alike already."""

    steps: tuple[Step, ...]
    alike: int
    failed: tuple[tuple[Step, CloudError], ...] = ()

    @property
    def size(self) -> int:
        """Bytes that are carried."""
        return sum(step.size for step in self.steps if step.do in ("upload", "download"))


async def sync_objects(
    cloud: Region,
    folder: str | os.PathLike[str],
    container: Which,
    *,
    way: Literal["up", "down"] = "up",
    prefix: str = "",
    delete: bool = False,
    checksum: bool = False,
    dry_run: bool = False,
    exclude: Sequence[str] = (),
    segment_size: int | None = None,
    progress: OnProgress = None,
) -> Synced:
    """Make a container like a folder (`up`), or a folder like a container (`down`).

    What is of another size, or of another time and other content, is carried. Files up to 1 MiB are compared with the MD5 that
    the container lists, whatever the times say: that costs no request where they are alike, and is what Swift knew when it last
    wrote its listing; an object that has expired may still be there. With `checksum` each object is asked for, and its content
    compared whatever the times say. `delete` removes what only the other side has, once all else was done without a failure.
    `prefix` is put before the names of the objects; `exclude` is a shell pattern, or holds several. `dry_run` only says what
    would be done, where content would have to be compared as `compare`. Symbolic links and special files are passed over.
    `progress` is told of each object that is carried, and of all together (`what` is then the container's name). Failures of
    single objects and files are in the result. Raises InvalidRequest when the folder, or one below it, can't be listed, and
    NotFound when there is no container to take from.
    """
    objects = cloud.object_store.objects(container)
    root = Path(folder)
    if way not in ("up", "down"):
        raise InvalidRequest(f"way is 'up' or 'down', not {way!r}")
    here, there, same = await _both(objects, root, prefix, way, exclude, checksum)
    unclear = await _look(objects, prefix, way, here, there, checksum)
    steps = plan_sync(here, there, way=way, delete=delete, checksum=checksum)
    carried = sum(1 for step in steps if not step.do.startswith("delete"))
    alike = same + len(here if way == "up" else there) - carried
    if dry_run:
        kept = [step for step in steps if unclear and step.do.startswith("delete")]
        failed = (*unclear, *((step, _kept(step)) for step in kept))
        return Synced(tuple(step for step in steps if step not in kept), alike, failed)
    new = {step.name for step in steps if step.do == "upload" and step.name not in there}
    work = _Work(cloud, objects, root, prefix, way, delete, new, segment_size, progress)
    work.failed += unclear
    await work.run(steps)
    return Synced(tuple(work.done), alike + work.same, tuple(work.failed))


async def _both(
    objects: Objects, root: Path, prefix: str, way: Literal["up", "down"], exclude: Sequence[str], checksum: bool
) -> tuple[dict[str, Known], dict[str, Known], int]:
    """Files and objects, without those that are alike at a glance, and how many of these there are."""
    is_there = await to_thread.run_sync(root.is_dir)
    if way == "up" and not is_there:
        raise InvalidRequest(f"there is no folder {root}")
    found = await to_thread.run_sync(files_below, root) if is_there else {}
    here = _without({name: known for name, known in found.items() if known is not None}, exclude)
    there = _without(await _listed(objects, prefix, way), exclude)
    if way == "up":
        # An object that has something here which is passed over is not known to be gone.
        passed = {name for name, known in found.items() if known is None}
        there = {name: known for name, known in there.items() if passed.isdisjoint(up_from(name))}
    md5s = {} if checksum else await md5_of_small(root, here, there)
    same = [name for name, md5 in md5s.items() if md5 == there[name].md5]
    for name in same:
        del here[name], there[name]
    here |= {name: replace(here[name], md5=md5) for name, md5 in md5s.items() if name in here}
    return here, there, len(same)


async def _look(
    objects: Objects,
    prefix: str,
    way: Literal["up", "down"],
    here: dict[str, Known],
    there: dict[str, Known],
    checksum: bool,
) -> list[tuple[Step, CloudError]]:
    """A HEAD for those objects of which the listing does not tell what must be known; a download asks itself."""
    looked_at = (name for name in there if name in here or way == "down")
    doubtful = [name for name in looked_at if not there[name].size or (name in here and not checksum)]
    return _sort_out(await seen(objects, prefix, doubtful), here, there, way)


def _without(known: Mapping[str, Known], exclude: Iterable[str]) -> dict[str, Known]:
    # A text is a sequence of texts, too; its `*` alone would leave nothing.
    patterns = (exclude,) if isinstance(exclude, str) else tuple(exclude)
    return {name: each for name, each in known.items() if not any(fnmatchcase(name, one) for one in patterns)}


def _sort_out(
    looks: Mapping[str, Known | CloudError | None],
    here: dict[str, Known],
    there: dict[str, Known],
    way: Literal["up", "down"],
) -> list[tuple[Step, CloudError]]:
    """Put what was seen of objects into `there`; those of which nobody knows are on neither side, and fail."""
    failed: list[tuple[Step, CloudError]] = []
    for name, known in sorted(looks.items()):
        if isinstance(known, Known):
            there[name] = known
            continue
        listed = there.pop(name)
        if isinstance(known, CloudError):
            failed.append((Step("compare" if name in here else CARRY[way], name, listed.size), known))
        if isinstance(known, CloudError) or way == "down":
            here.pop(name, None)  # its object was listed, and not found, or not seen: no reason to remove a file
    return failed


async def _listed(objects: Objects, prefix: str, way: Literal["up", "down"]) -> dict[str, Known]:
    """The objects. The first upload makes their container; on the way down a misspelt name would empty the folder."""
    try:
        return await objects_below(objects, prefix)
    except NotFound:
        if way == "down":
            raise
        return {}


@dataclass
class _Work:
    """The steps being taken, several at a time."""

    cloud: Region
    objects: Objects
    root: Path
    prefix: str
    way: Literal["up", "down"]
    delete: bool
    new: Collection[str]
    """Files whose object is not there."""
    segment_size: int | None
    progress: OnProgress

    def __post_init__(self) -> None:
        self.done: list[Step] = []
        self.failed: list[tuple[Step, CloudError]] = []
        self.same = 0
        self._aside: dict[Step, Aside] = {}
        self.container = self.objects.container
        self._all = Meter(self.container, 0, self.progress)

    async def run(self, steps: Sequence[Step]) -> None:
        """Carry first, and remove when all of that has arrived; what is in the way of others is put aside for them."""
        carried = [step for step in steps if not step.do.startswith("delete")]
        self._all.total = sum(step.size for step in carried)
        removed = [step for step in steps if step.do.startswith("delete")]
        # Where something has failed already, nothing will be removed.
        first = {} if self.failed else in_the_way(removed, carried)
        last = [step for step in removed if step not in first]
        try:
            await self._put_aside(first)
            await self._carry(carried)
            if not self.failed:
                await self._each([*first, *last])
            else:
                self.failed += [(step, _kept(step)) for step in last]
        finally:
            with anyio.CancelScope(shield=True):
                await self._put_back()

    async def _put_aside(self, steps: Mapping[Step, str]) -> None:
        """Make room where these files are in the way; they are not removed before all has arrived."""
        for step, room_at in steps.items():
            try:
                self._aside[step] = await to_thread.run_sync(Aside.put, self.root / step.name, self.root / room_at)
            except OSError as error:
                problem = CloudError(f"can't move {self.root / step.name} aside: {error.strerror or error}")
                self.failed.append((step, problem))

    async def _put_back(self) -> None:
        """What is still aside has to stay: at its place, or else where the result, and the log, say that it is."""
        for step, aside in self._aside.items():
            try:
                await to_thread.run_sync(aside.put_back)
            except OSError as error:
                now = f"{error.strerror or error}, so it is now {aside.at}"
                _log.warning("%s was not removed; %s", aside.path, now)
                self.failed.append((step, _kept(step, now)))
            else:
                self.failed.append((step, _kept(step)))

    async def _carry(self, steps: Sequence[Step]) -> None:
        """What has the name of a file that grows comes when that file is complete: each would take the other's content."""
        while steps:
            in_use = {name for step in steps for name in growing(step.name)}
            # There are always some: the shortest name is no other's.
            await self._each([step for step in steps if step.name not in in_use])
            steps = [step for step in steps if step.name in in_use]

    async def _each(self, steps: Sequence[Step]) -> None:
        """Take these, the small ones beside the large ones."""
        small = (step for step in steps if step.size <= SMALL)
        large = (step for step in steps if step.size > SMALL)
        async with concurrently() as tasks:
            tasks.start_soon(each_of, small, self._one, _SMALL_AT_ONCE)
            tasks.start_soon(each_of, large, self._one, _LARGE_AT_ONCE)

    async def _one(self, step: Step) -> None:
        part = self._all.part()
        try:
            await self._take(step, part)
        except CloudError as error:
            self.failed.append((step, error))
        except OSError as error:
            what = "remove" if step.do == "delete file" else "write"
            path = self._aside[step].at if step in self._aside else self.root / step.name
            problem = CloudError(f"can't {what} {path}: {error.strerror or error}")
            self.failed.append((step, problem))
        if not step.do.startswith("delete"):
            part.reach(step.size)

    async def _take(self, step: Step, part: Part) -> None:
        name = self.prefix + step.name
        if step.do == "delete object":
            await delete_object(self.cloud, self.container, name, only_own=True)
            self.done.append(step)
            return
        if step in self._aside:
            await to_thread.run_sync(self._aside[step].at.unlink)
            del self._aside[step]
            self.done.append(step)
            return
        if step.do == "compare" and not await is_object_stale(
            self.cloud, self.container, name, await self._found(step)
        ):
            self.same += 1
            return
        if step.do == "delete file":
            await to_thread.run_sync((await self._found(step)).unlink)
        elif self.way == "up":
            path, is_new, told = await self._found(step), step.name in self.new, self._told(part)
            size = self.segment_size
            await put_file(self.cloud, self.container, name, path, segment_size=size, is_new=is_new, progress=told)
        elif not await self._download(step, self._told(part)):
            return
        self.done.append(step if step.do != "compare" else Step(CARRY[self.way], step.name, step.size))

    async def _found(self, step: Step) -> Path:
        return await to_thread.run_sync(self._path, step.name)

    def _told(self, part: Part) -> OnProgress:
        """What hears of one object on its way: the caller, and what counts all together."""
        if self.progress is None:
            return None
        report = self.progress

        def told(now: Progress) -> None:
            part.reach(now.done)
            report(now)

        return told

    async def _download(self, step: Step, told: OnProgress) -> bool:
        """False when it is not there: expired, or removed since it was listed."""
        name, place = self.prefix + step.name, partial(self._place, step.name)
        try:
            if 0 < step.size <= SMALL and await download_small(self.objects, name, place, told) is not None:
                return True
            path = await to_thread.run_sync(place)
            got = await download_object(self.cloud, self.container, name, path, progress=told)
        except NotFound:
            return False
        mtime = mtime_of(got)
        if mtime is not None:
            await to_thread.run_sync(os.utime, path, (mtime, mtime))
        return True

    def _place(self, name: str) -> Path:
        """Where an object's file is to be; there is room for it."""
        path = self._path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        if self.delete:
            remove_empty(path)
        return path

    def _path(self, name: str) -> Path:
        """Where an object's file is. Raises InvalidRequest for a name that leads out of the folder."""
        if not can_be_file(name):
            raise InvalidRequest(f"object {name!r} can't be a file below {self.root}")
        path = self.root.joinpath(*name.split("/"))
        if link := link_between(self.root, path):
            raise InvalidRequest(f"object {name!r} can't be a file below {self.root}: {link} leads elsewhere")
        return path


def _kept(step: Step, more: str = "") -> CloudError:
    text = f"{step.name} was not removed, as not everything else could be done"
    return CloudError(f"{text}; {more}" if more else text)
