"""What is uploaded: a file, bytes in memory, or a stream that is read once.

A file and bytes are read again whenever a part of them has to be sent again. Of a stream, the part under way is kept until
the cloud has it: in memory, or beyond 32 MiB in a temporary file.
"""

from __future__ import annotations

import io
import os
import stat
import tempfile
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from functools import partial
from typing import IO, Protocol, TypeAlias

from anyio import to_thread

from aiocloud.errors import CloudError, InvalidRequest
from aiocloud.tasks.digests import Digests

__all__ = ["CHUNK", "BytesSource", "Data", "FileSource", "Source", "Spool", "chunks_of", "source_of"]

CHUNK = 512 * 1024
"""Bytes that are read, hashed and sent at a time."""
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

    async def check(self) -> None:
        """Raise CloudError when it is not what it was at first."""
        ...


class FileSource:
    """A file on disk. Raises InvalidRequest, on opening, when it can't be read, and CloudError when it changes later."""

    def __init__(self, path: str, facts: os.stat_result) -> None:
        self.path = path
        self._facts = facts
        self.size = facts.st_size

    @classmethod
    async def open(cls, path: str | os.PathLike[str]) -> FileSource:
        """Look at it: it must be there, be a file, and be readable."""
        name = os.fspath(path)
        try:
            return cls(name, await to_thread.run_sync(_look, name))
        except (OSError, ValueError) as error:
            raise InvalidRequest(f"can't read {name}: {_why(error)}") from None

    @property
    def mtime(self) -> float:
        """When it was last changed, in seconds since 1970."""
        return self._facts.st_mtime

    @property
    def version(self) -> str:
        """Changes whenever the file does, as far as the file system tells: for names of segments."""
        return f"{self._facts.st_mtime_ns:x}-{self.size:x}"

    async def read(self, start: int, length: int, digests: Digests | None = None) -> AsyncIterator[bytes]:
        """The bytes of a range. Raises CloudError when the file is shorter by now."""
        try:
            file = await to_thread.run_sync(_open_at, self.path, start)
        except OSError as error:
            raise CloudError(f"can't read {self.path} any more: {_why(error)}") from None
        try:
            left = length
            while left > 0:
                try:
                    chunk = await to_thread.run_sync(_read_chunk, file, min(left, CHUNK), digests)
                except OSError as error:
                    raise CloudError(f"can't read {self.path}: {_why(error)}") from None
                if not chunk:
                    raise CloudError(f"{self.path} became shorter while it was uploaded")
                left -= len(chunk)
                yield chunk
        finally:
            file.close()

    async def check(self) -> None:
        """Raise CloudError when it was changed since it was opened."""
        try:
            now = await to_thread.run_sync(os.stat, self.path)
        except OSError as error:
            raise CloudError(f"{self.path} vanished while it was uploaded: {_why(error)}") from None
        was = self._facts
        if (now.st_size, now.st_mtime_ns, now.st_ino) != (was.st_size, was.st_mtime_ns, was.st_ino):
            raise CloudError(f"{self.path} was changed while it was uploaded")


def _look(path: str) -> os.stat_result:
    with open(path, "rb") as file:
        facts = os.fstat(file.fileno())
    if not stat.S_ISREG(facts.st_mode):
        raise ValueError("it is not a regular file")
    return facts


def _open_at(path: str, start: int) -> io.FileIO:
    file = io.FileIO(path)
    file.seek(start)
    return file


def _read_chunk(file: io.FileIO, size: int, digests: Digests | None) -> bytes:
    chunk = file.read(size) or b""
    if digests is not None:
        digests.update_now(chunk)
    return chunk


def _why(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)


class BytesSource:
    """Bytes in memory."""

    def __init__(self, data: bytes | bytearray | memoryview) -> None:
        self._view = memoryview(data).cast("B")
        self.size = len(self._view)

    async def read(self, start: int, length: int, digests: Digests | None = None) -> AsyncIterator[bytes]:
        """The bytes of a range."""
        for at in range(start, start + length, CHUNK):
            chunk = bytes(self._view[at : min(at + CHUNK, start + length)])
            if digests is not None:
                await digests.update(chunk)
            yield chunk

    async def check(self) -> None:
        """They don't change."""


class Spool:
    """A piece of a stream, kept until the cloud has it: a small one in memory, a large one in a temporary file."""

    def __init__(self) -> None:
        self.size = 0
        self._chunks: list[bytes] = []
        self._file: IO[bytes] | None = None

    async def add(self, chunk: bytes) -> None:
        """The next bytes."""
        self.size += len(chunk)
        if self._file is None and self.size > _IN_MEMORY:
            self._file = await to_thread.run_sync(tempfile.TemporaryFile)
            kept, self._chunks = b"".join(self._chunks), []
            await to_thread.run_sync(self._file.write, kept)
        if self._file is None:
            self._chunks.append(chunk)
        else:
            await to_thread.run_sync(self._file.write, chunk)

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

    async def check(self) -> None:
        """It can't change."""

    def close(self) -> None:
        """Forget it."""
        self._chunks = []
        if self._file is not None:
            self._file.close()


async def source_of(filename: str | os.PathLike[str] | None, data: Data | None) -> Source | AsyncIterator[bytes]:
    """What to upload: something that can be read again, or a stream that can't.

    A file object that names a file on disk and stands at its beginning is that file. Raises InvalidRequest when both or
    neither are given, or the file can't be read.
    """
    if (filename is None) == (data is None):
        raise InvalidRequest("give either filename= or data=, what is to be uploaded")
    if filename is not None:
        return await FileSource.open(filename)
    if isinstance(data, str):
        return BytesSource(data.encode())
    if isinstance(data, (bytes, bytearray, memoryview)):
        return BytesSource(bytes(data) if isinstance(data, bytearray) else data)  # pyright: ignore[reportArgumentType]
    assert data is not None  # noqa: S101
    return chunks_of(data)


async def chunks_of(data: IO[bytes] | Iterable[bytes] | AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """A stream's chunks as they come; reading a file object and a synchronous iterator takes place in threads."""
    if isinstance(data, AsyncIterable):
        async for chunk in data:
            yield _as_bytes(chunk)
        return
    read: Callable[[int], bytes] | None = getattr(data, "read", None)
    fetch = partial(read, CHUNK) if read is not None else partial(_gather, iter(data))
    while True:
        try:
            chunk = _as_bytes(await to_thread.run_sync(fetch))
        except OSError as error:
            raise CloudError(f"can't read what is to be uploaded: {_why(error)}") from error
        if not chunk:
            return
        yield chunk


def _gather(iterator: Iterator[bytes]) -> bytes:
    """Items of an iterator together, because a thread for each would cost more than they do; b"" at the end."""
    items: list[bytes] = []
    size = 0
    for item in iterator:
        items.append(_as_bytes(item))
        size += len(item)
        if size >= CHUNK:
            break
    return items[0] if len(items) == 1 else b"".join(items)


def _as_bytes(chunk: object) -> bytes:
    if isinstance(chunk, bytes):
        return chunk
    if isinstance(chunk, (bytearray, memoryview)):
        return bytes(chunk)  # pyright: ignore[reportUnknownArgumentType]
    raise InvalidRequest(f"data must bring bytes, not {type(chunk).__name__}: open files with 'rb'")
