"""What is uploaded: a file, bytes in memory, or a stream that is read once.

A file and bytes are read again whenever a part of them has to be sent again. Of a stream, the part under way is kept until
the cloud has it: in memory, or beyond 32 MiB in a temporary file.
"""

from __future__ import annotations

import io
import math
import os
import stat
import tempfile
import threading
from collections import OrderedDict
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from functools import partial
from typing import IO, Protocol, TypeAlias, cast
from weakref import WeakValueDictionary, finalize, proxy

from anyio import Event, to_thread
from anyio.lowlevel import RunVar

from aiocloud.concurrent import workers
from aiocloud.errors import CloudError, InvalidRequest
from aiocloud.poller import Shared
from aiocloud.tasks.digests import Digests
from aiocloud.tasks.files import Positioned, why, write_whole
from aiocloud.tasks.streams import chunks_of
from aiocloud.tasks.together import Pace, Running

__all__ = ["CHUNK", "BytesSource", "Data", "FileSource", "Source", "Spool", "source_of"]

CHUNK = 1024 * 1024
"""Bytes that are read, hashed and sent at a time."""
_SHARED_CHUNKS = 16
_IN_MEMORY = 32 * 1024 * 1024

Data: TypeAlias = bytes | bytearray | memoryview | str | IO[bytes] | Iterable[bytes] | AsyncIterable[bytes]
"""What `data=` may be; text is sent as UTF-8."""


class Source(Protocol):
    """Content that can be read from any place, as often as needed."""

    @property
    def size(self) -> int:
        """Bytes in all."""
        ...

    def read(self, start: int, length: int, digests: Digests | None = None) -> AsyncIterator[bytes]:
        """The bytes of a range, chunk by chunk, hashed on the way."""
        ...

    async def take(self, start: int, length: int, digests: Digests) -> bytes:
        """The bytes of a short range in one piece, hashed on the way."""
        ...

    async def check(self) -> None:
        """Raise CloudError when it is not what it was at first."""
        ...


class FileSource:
    """A file on disk. Raises InvalidRequest, on opening, when it can't be read, and CloudError when it changes later.

    Those who upload one file to many clouds at once share one of these: as long as they keep pace, within 16 MiB, each
    chunk is read once, and the whole is hashed once, on the way (see `aiocloud.tasks.together`).
    """

    def __init__(self, path: str, facts: os.stat_result) -> None:
        self.path = path
        self._facts = facts
        self.size = facts.st_size
        self._opening = threading.Lock()
        self._file: Positioned | None = None
        self._recent: OrderedDict[tuple[int, int], bytes] = OrderedDict()
        self._under_way: dict[tuple[int, int], Event] = {}
        self._digests: dict[str, Shared[str]] = {}
        self._running: Running | None = None
        self.pace = Pace((_SHARED_CHUNKS - 1) * CHUNK)

    @classmethod
    async def open(cls, path: str | os.PathLike[str]) -> FileSource:
        """Look at it: it must be there, be a file, and be readable."""
        name = os.path.abspath(path)  # noqa: ASYNC240 - looks at no file
        try:
            facts = await to_thread.run_sync(_look, name)
        except (OSError, ValueError) as error:
            raise InvalidRequest(f"can't read {os.fspath(path)}: {why(error)}") from None
        try:
            known = _open_files.get()
        except LookupError:
            known = WeakValueDictionary[tuple[object, ...], FileSource]()
            _open_files.set(known)
        key = (name, *_identity(facts))
        source = known.get(key) or known.setdefault(key, cls(name, facts))
        source.pace.expected += 1
        return source

    @property
    def mtime(self) -> float:
        """When it was last changed, in seconds since 1970."""
        return self._facts.st_mtime

    @property
    def version(self) -> str:
        """Changes whenever the file does, as far as the file system tells: for names of segments."""
        return f"{self._facts.st_mtime_ns:x}-{self.size:x}"

    def hash_while_read(self, algorithm: str) -> None:
        """Compute this hash while the whole is read next, so that `digest` needs no read of its own."""
        if algorithm not in self._digests and self._running is None:
            self._running = Running(algorithm)

    async def digest(self, algorithm: str) -> str:
        """The hash of the whole file, computed once however many ask."""
        if algorithm not in self._digests:
            # By proxy, so that nothing keeps the file in mind once nobody uploads it.
            self._digests[algorithm] = Shared(partial(FileSource._hash, proxy(self), algorithm))
        return await self._digests[algorithm].get(max_age=math.inf)

    async def _hash(self, algorithm: str) -> str:
        if self._running is not None and self._running.covers(algorithm, self.size):
            return self._running.values()[algorithm]
        try:
            return await to_thread.run_sync(_hash_file, self.path, self.size, algorithm)
        except OSError as error:
            raise CloudError(f"can't read {self.path}: {why(error)}") from None

    async def read(self, start: int, length: int, digests: Digests | None = None) -> AsyncIterator[bytes]:
        """The bytes of a range. Raises CloudError when the file is shorter by now, or can't be read."""
        reader = self.pace.begin() if length == self.size else None
        get = self._read if reader is None else self._shared if self.pace.expected > 1 else self._next
        try:
            for at in range(start, start + length, CHUNK):
                chunk = await get(at, min(start + length - at, CHUNK), digests)
                yield chunk
                if reader is not None:
                    await self.pace.keep(reader, len(chunk))
        finally:
            if reader is not None and self.pace.end(reader):
                self._recent.clear()

    async def _shared(self, at: int, size: int, digests: Digests | None) -> bytes:
        """A chunk of the whole that others want at the same time."""
        key = (at, size)
        if key in self._under_way:
            await self._under_way[key].wait()
        chunk = self._recent.get(key)
        if chunk is None:
            done = self._under_way[key] = Event()
            try:
                chunk = self._recent[key] = await self._next(at, size, None)
            finally:
                done.set()
                self._under_way.pop(key, None)
            while len(self._recent) > _SHARED_CHUNKS:
                self._recent.popitem(last=False)
        if digests is not None:
            await digests.update(chunk)
        return chunk

    async def _next(self, at: int, size: int, digests: Digests | None) -> bytes:
        """A chunk of the whole, hashed on the way if it is the first time that it is read."""
        running = self._running if self._running is not None and self._running.claims(at) else None
        return await self._read(at, size, digests, running)

    async def take(self, start: int, length: int, digests: Digests) -> bytes:
        """The bytes of a short range. Raises as `read` does."""
        return await self._read(start, length, digests)

    async def _read(self, at: int, size: int, *digests: Digests | None) -> bytes:
        try:
            chunk = await to_thread.run_sync(self._read_now, at, size, digests, limiter=workers())
        except OSError as error:
            raise CloudError(f"can't read {self.path} any more: {why(error)}") from None
        if len(chunk) != size:
            raise self._shorter()
        return chunk

    @property
    def alone(self) -> bool:
        """Is it read for one upload, with nothing to be hashed along?"""
        return self.pace.expected <= 1 and self._running is None

    def fill_now(self, part: memoryview, at: int) -> None:
        """Fill `part` with the bytes from there, in a worker thread. Raises as `read` does."""
        try:
            count = self._opened().read_into(part, at)
        except OSError as error:
            raise CloudError(f"can't read {self.path} any more: {why(error)}") from None
        if count != len(part):
            raise self._shorter()

    def _shorter(self) -> CloudError:
        return CloudError(f"{self.path} became shorter while it was uploaded")

    def _opened(self) -> Positioned:
        with self._opening:
            if self._file is None:
                self._file = Positioned(self.path, os.O_RDONLY)
                finalize(self, self._file.close)
            return self._file

    def _read_now(self, at: int, size: int, digests: Iterable[Digests | None]) -> bytes:
        chunk = self._opened().read(size, at)
        for each in digests:
            if each is not None:
                each.update_now(chunk)
        return chunk

    async def check(self) -> None:
        """Raise CloudError when it was changed since it was opened."""
        try:
            now = await to_thread.run_sync(os.stat, self.path)
        except OSError as error:
            raise CloudError(f"{self.path} vanished while it was uploaded: {why(error)}") from None
        if _identity(now) != _identity(self._facts):
            raise CloudError(f"{self.path} was changed while it was uploaded")


_open_files: RunVar[WeakValueDictionary[tuple[object, ...], FileSource]] = RunVar("aiocloud files being uploaded")


def _identity(facts: os.stat_result) -> tuple[int, int, int]:
    return facts.st_size, facts.st_mtime_ns, facts.st_ino


def _hash_file(path: str, size: int, algorithm: str) -> str:
    digests = Digests([algorithm])
    with open(path, "rb", buffering=0) as file:
        while size > 0 and (chunk := file.read(min(size, CHUNK))):
            digests.update_now(chunk)
            size -= len(chunk)
    return digests.values()[algorithm]


def _look(path: str) -> os.stat_result:
    if not stat.S_ISREG(os.stat(path).st_mode):  # opening a pipe waits for its other end
        raise ValueError("it is not a regular file")
    with open(path, "rb", buffering=0) as file:
        facts = os.fstat(file.fileno())
        if facts.st_size == 0 and file.read(1):
            raise ValueError("it has content and says that its size is 0, as in /proc: open it, and give it as data=")
    return facts


class BytesSource:
    """Bytes in memory."""

    def __init__(self, data: bytes | bytearray | memoryview) -> None:
        view = memoryview(data)
        self._view = (view if view.c_contiguous else memoryview(bytes(view))).cast("B")
        self.size = len(self._view)

    async def read(self, start: int, length: int, digests: Digests | None = None) -> AsyncIterator[bytes]:
        """The bytes of a range."""
        for at in range(start, start + length, CHUNK):
            chunk = bytes(self._view[at : min(at + CHUNK, start + length)])
            if digests is not None:
                await digests.update(chunk)
            yield chunk

    async def take(self, start: int, length: int, digests: Digests) -> bytes:
        """The bytes of a short range."""
        data = bytes(self._view[start : start + length])
        await digests.update(data)
        return data

    async def check(self) -> None:
        """They don't change."""


class Spool:
    """A piece of a stream, kept until the cloud has it: a small one in memory, a large one in a temporary file."""

    def __init__(self) -> None:
        self.size = 0
        self._chunks: list[bytes] = []
        self._file: IO[bytes] | None = None

    async def add(self, chunk: bytes) -> None:
        """The next bytes. Raises CloudError where the temporary file can't take them."""
        self.size += len(chunk)
        if self._file is None and self.size <= _IN_MEMORY:
            self._chunks.append(chunk)
            return
        kept, self._chunks = [*self._chunks, chunk], []
        try:
            await to_thread.run_sync(self._write, kept)
        except OSError as error:
            where = tempfile.gettempdir()
            raise CloudError(f"can't keep a piece of the stream in {where}: {why(error)}") from error

    def _write(self, chunks: Iterable[bytes]) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - `close` closes it
        for chunk in chunks:
            write_whole(self._file, chunk)

    async def read(self, start: int, length: int, digests: Digests | None = None) -> AsyncIterator[bytes]:
        """The bytes of a range; a piece in a file is read by one reader at a time."""
        if self._file is None:
            at = 0
            for chunk in self._chunks:
                part = chunk[max(0, start - at) : max(0, start + length - at)]
                at += len(chunk)
                if part:
                    if digests is not None:
                        await digests.update(part)
                    yield part
            return
        await to_thread.run_sync(self._file.seek, start)
        while length > 0 and (chunk := await to_thread.run_sync(self._file.read, min(length, CHUNK))):
            length -= len(chunk)
            if digests is not None:
                await digests.update(chunk)
            yield chunk

    async def take(self, start: int, length: int, digests: Digests) -> bytes:
        """The bytes of a short range."""
        return b"".join([chunk async for chunk in self.read(start, length, digests)])

    async def check(self) -> None:
        """It can't change."""

    def close(self) -> None:
        """Forget it."""
        self._chunks = []
        if self._file is not None:
            self._file.close()


async def source_of(filename: str | os.PathLike[str] | None, data: Data | None) -> Source | AsyncIterator[bytes]:
    """What to upload: something that can be read again, or a stream that can't.

    An open file that stands at its beginning is that file, a BytesIO the bytes from where it stands; neither is moved. Raises
    InvalidRequest when both or neither are given, or the file can't be read.
    """
    if (filename is None) == (data is None):
        raise InvalidRequest("give either filename= or data=, what is to be uploaded")
    if filename is not None:
        if not (isinstance(filename, str) or hasattr(filename, "__fspath__")):
            raise InvalidRequest(f"filename= is a path, not {type(filename).__name__}: give content as data=")
        return await FileSource.open(filename)
    if isinstance(data, str):
        return BytesSource(data.encode())
    if isinstance(data, io.BytesIO):
        return BytesSource(data.getvalue()[data.tell() :])
    if isinstance(data, (bytes, bytearray, memoryview)):
        return BytesSource(bytes(data) if isinstance(data, bytearray) else data)  # pyright: ignore[reportArgumentType]
    if not any(hasattr(data, way) for way in ("read", "__iter__", "__aiter__")):
        raise InvalidRequest(f"data= is bytes, text, a file object or chunks of bytes, not {type(data).__name__}")
    assert data is not None  # noqa: S101
    if (name := await to_thread.run_sync(_whole_file, data)) is not None:
        return await FileSource.open(name)
    return chunks_of(data)


def _whole_file(data: object) -> str | None:
    """The path of an open file that stands at its beginning, as long as the file still has that name."""
    # These types alone: what unpacks a file while reading it (gzip, say) has the name of a file, too.
    buffered = type(data) in (io.BufferedReader, io.BufferedRandom)
    raw: object = getattr(data, "raw", None) if buffered else data
    if not isinstance(raw, io.FileIO) or not isinstance(raw.name, str):
        return None
    try:
        facts = os.fstat(raw.fileno())
        if raw.readable() and stat.S_ISREG(facts.st_mode) and facts.st_size and cast("IO[bytes]", data).tell() == 0:
            return raw.name if os.path.samestat(facts, os.stat(raw.name)) else None
    except (OSError, ValueError):
        pass  # closed, or gone: reading it will say so
    return None
