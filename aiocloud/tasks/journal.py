"""An optional journal (`cloud.keep_journal(directory)`): which operations were begun and not ended when a process died.

Each operation that makes things writes a line before it begins and one when it has ended well or taken everything back.
What it makes bears its mark, so after a `kill -9` (not a power cut: lines are written, not synced) the marks of the
unended lines lead to what is left; what can't bear a mark is named by a line of its own. Every process has a file of its
own in the directory and holds a lock on it while it lives: what living processes have under way is nobody's leftover.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import sys
import threading
import time
import uuid
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import anyio.to_thread

from aiocloud._json import mapping
from aiocloud.errors import CloudError, Unsupported
from aiocloud.session import Session

__all__ = ["Begun", "Journal", "add_name", "strike", "unended"]

_log = logging.getLogger("aiocloud.journal")

_KEY = "journal"
_NOT_INHERITED = getattr(os, "O_CLOEXEC", 0)


@dataclass(frozen=True)
class Begun:
    """An operation that was begun and did not end."""

    mark: str
    cloud: str
    region: str | None
    dead: float
    """When its process was first found to be no more, in seconds since 1970."""
    file: Path
    named: tuple[tuple[str, str], ...] = ()
    """Kind and id of what it made, or was about to make, that bears no mark."""
    keep: tuple[str, ...] | None = None
    """The volumes that its servers had before, where Nova makes more of them; None where it makes none."""


class Journal:
    """A journal's directory, and the file in it that is ours."""

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self.directory = Path(directory)
        self._file: int | None = None
        self._path = self.directory
        self._begun: set[str] = set()
        self._cut = False
        self._unwritten: list[bytes] = []
        # Operations that begin together write in several threads: all into one file, where each end finds its beginning.
        self._lock = threading.Lock()

    @classmethod
    def of(cls, session: Session) -> Journal | None:
        """The journal that a session keeps, or None."""
        kept: list[Journal] = session.once(_KEY, list[Journal])
        return kept[0] if kept else None

    def kept_by(self, session: Session) -> None:
        """Let a session keep this journal from now on, until it is closed."""
        _needs_locks()
        session.once(_KEY, list[Journal])[:] = [self]
        session.at_end(self.close)

    async def begin(self, mark: str, cloud: str, region: str | None) -> None:
        """Before anything is made."""
        self._begun.add(mark)
        await self._write({"begin": mark, "cloud": cloud, "region": region})

    async def names(self, mark: str, kind: str, id: str) -> None:
        """Before something is made with an id of our choice, or removed that bears no mark."""
        await self._write(_name(mark, kind, id))

    async def keeps(self, mark: str, volumes: Sequence[str]) -> None:
        """Before a server is made that Nova makes volumes for, beside these, which were there."""
        await self._write({"of": mark, "keep": [*volumes]})

    async def end(self, mark: str) -> None:
        """Everything is there, or everything is gone. What can't be written now is logged, and written with the next line."""
        self._begun.discard(mark)
        try:
            await anyio.to_thread.run_sync(self._append, {"end": mark}, True)
        except CloudError as error:
            _log.warning("%s; until it can be, what %s made is taken for a leftover", error, mark)

    async def _write(self, record: dict[str, Any]) -> None:
        """Raises CloudError, before anything is made, when the journal can't be written."""
        await anyio.to_thread.run_sync(self._append, record)

    def _append(self, record: dict[str, Any], keep: bool = False) -> None:
        line = json.dumps({**record, "at": time.time()}).encode() + b"\n"
        with self._lock:
            try:
                self._put(b"".join([*self._unwritten, line]))
            except OSError as error:
                if keep:
                    self._unwritten.append(line)
                raise CloudError(f"the journal in {self.directory} can't be written: {error.strerror}") from error
            self._unwritten.clear()

    def _put(self, lines: bytes) -> None:
        if self._file is None:
            self._file = self._new_file()
        # On a line of its own: the last one may have been cut off.
        whole = b"\n" + lines if self._cut else lines
        self._cut = True
        if os.write(self._file, whole) < len(whole):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._cut = False

    def _new_file(self) -> int:
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        while True:
            path = self.directory / f"{os.getpid()}-{uuid.uuid4()}.jsonl"
            opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | _NOT_INHERITED, 0o600)
            _lock(opened)
            if os.fstat(opened).st_nlink:
                self._path = path
                return opened
            os.close(opened)  # Somebody who looked for leftovers found it before it was held, and removed it as empty.

    def close(self) -> None:
        """Let go of the file, and remove it when nothing in it is open."""
        if self._file is None:
            return
        try:
            if not self._begun:
                self._path.unlink(missing_ok=True)
            elif self._unwritten:
                self._put(b"".join(self._unwritten))
        except OSError as error:
            _log.error("the journal in %s was not written to its end: %s", self.directory, error.strerror)
        os.close(self._file)
        self._file = None


if sys.platform == "win32":
    # It locks parts of files, and keeps others from reading them.

    def _needs_locks() -> None:
        raise Unsupported("a journal needs the file locks of POSIX systems, which Windows does not have")

    def _lock(file: int) -> None: ...

    def _lock_for_looking(file: int) -> None: ...
else:
    import fcntl

    def _needs_locks() -> None: ...

    def _lock(file: int) -> None:
        """While we live it is ours."""
        fcntl.flock(file, fcntl.LOCK_EX)

    def _lock_for_looking(file: int) -> None:
        """Shared, as others may be looking, too. Raises BlockingIOError while a living process has it."""
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)


def unended(directory: str | os.PathLike[str]) -> Sequence[Begun]:
    """The operations that processes which are no more had begun and not ended. Removes files without any."""
    _needs_locks()
    found: list[Begun] = []
    for path in sorted(Path(directory).glob("*.jsonl")):
        with _of_the_dead(path) as file:
            if file is None:
                continue
            records = [record for line in file if (record := _read(line)) is not None]
            left = _open(records)
            if not left:
                path.unlink(missing_ok=True)
                continue
            dead = next((record["dead"] for record in records if "dead" in record), None)
            if dead is None:
                dead = time.time()
                # On a line of its own: the last one may have been cut off.
                file.write("\n" + json.dumps({"dead": dead}) + "\n")
            found += [_begun(mark, said, dead, path) for mark, said in left.items()]
    return found


def _begun(mark: str, said: Sequence[Mapping[str, Any]], dead: float, path: Path) -> Begun:
    """What the lines of one operation say of it, the first one first."""
    named = tuple((str(one["kind"]), str(one["id"])) for one in said if "kind" in one)
    keep = [str(id) for one in said for id in one.get("keep", ())] if any("keep" in one for one in said) else None
    cloud, region = str(said[0]["cloud"]), said[0].get("region")
    return Begun(mark, cloud, region, dead, path, named, None if keep is None else tuple(keep))


def _name(mark: str, kind: str, id: str) -> dict[str, Any]:
    return {"of": mark, "kind": kind, "id": id}


@contextmanager
def _of_the_dead(path: Path) -> Generator[TextIO | None]:
    """A file that no living process holds; None for one that is held."""
    try:
        file = path.open("r+", encoding="utf-8")
    except FileNotFoundError:
        yield None
        return
    with file:
        try:
            _lock_for_looking(file.fileno())
        except BlockingIOError:
            yield None
        else:
            yield file


def _read(line: str) -> Mapping[str, Any] | None:
    """One line; None for one that was cut off."""
    try:
        return mapping(json.loads(line))
    except ValueError:
        return None


def _open(records: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """What is said of the operations begun and not ended, by their marks."""
    begun: dict[str, list[Mapping[str, Any]]] = {}
    for record in records:
        if "begin" in record:
            begun[str(record["begin"])] = [record]
        elif (mark := str(record.get("of"))) in begun:
            begun[mark].append(record)
        begun.pop(str(record.get("end")), None)
    return begun


async def strike(begun: Begun) -> None:
    """Write down that nothing of it is left."""
    await _add(begun, {"end": begun.mark, "at": time.time()})


async def add_name(begun: Begun, kind: str, id: str) -> None:
    """Write down what else there is of it."""
    await _add(begun, _name(begun.mark, kind, id))


async def _add(begun: Begun, record: dict[str, Any]) -> None:
    def append() -> None:
        with begun.file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")

    await anyio.to_thread.run_sync(append)
