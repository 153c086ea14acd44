"""Streams that are uploaded: read once, by one upload, in threads where reading blocks; and pipes that are written to."""

from __future__ import annotations

import io
import os
import select
import stat
import sys
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from typing import IO, cast

from anyio import CancelScope, to_thread, wait_readable, wait_writable

from aiocloud.concurrent import workers
from aiocloud.errors import CloudError, InvalidRequest
from aiocloud.tasks.files import alone, why, write_whole

__all__ = ["chunks_of", "closed_after", "is_pipe", "write_out"]

_AT_ONCE = 1024 * 1024
"""Bytes that are read at a time."""


async def chunks_of(data: IO[bytes] | Iterable[bytes] | AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """A stream's chunks as they come; reading a file object and a synchronous iterator takes place in threads.

    Raises InvalidRequest for a stream that another upload reads, of which each would get a part, and for one at its end.
    """
    if _is_over(data):
        raise InvalidRequest("this stream was read to its end already: give another one, filename= or bytes")
    once = hasattr(data, "read") or isinstance(data, Iterator | AsyncIterator)
    taken = "another upload reads this stream already: for several give filename= or bytes"
    with alone(data, taken) if once else nullcontext():
        came = False
        chunks = _from_async(data) if isinstance(data, AsyncIterable) else _from_threads(data)
        async with closed_after(chunks):
            async for chunk in chunks:
                came = True
                yield chunk
        if not came and await to_thread.run_sync(_position, data) > 0:
            raise InvalidRequest("the open file stands at its end: rewind it first, with seek(0)")


def _is_over(data: object) -> bool:
    """Is it a generator that has ended? Of anything else nobody can tell before it is read."""
    return getattr(data, "gi_frame", data) is None or getattr(data, "ag_frame", data) is None


def _position(data: object) -> int:
    """Where an open file stands; 0 for what has no place to stand."""
    try:
        return cast("IO[bytes]", data).tell()
    except (AttributeError, OSError, ValueError):
        return 0


async def _from_async(data: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    async with closed_after(data):
        async for chunk in data:
            yield _as_bytes(chunk)


async def _from_threads(data: IO[bytes] | Iterable[bytes]) -> AsyncIterator[bytes]:
    pipe = _pipe(data)
    read: Callable[[int], bytes] | None = getattr(
        data, "read" if pipe is None else "read1", getattr(data, "read", None)
    )
    fetch = partial(read, _AT_ONCE) if read is not None else partial(_gather, iter(data))
    while True:
        if pipe is not None:
            await wait_readable(pipe)  # it may be silent for ever, and a thread that waits for it can't be cancelled
        try:
            chunk = _as_bytes(await to_thread.run_sync(fetch))
        except OSError as error:
            raise CloudError(f"can't read what is to be uploaded: {why(error)}") from error
        if not chunk:
            return
        yield chunk


def is_pipe(file: object) -> bool:
    """May reading or writing it take for ever, and can the system wait for it?"""
    return _pipe(file) is not None


async def write_out(file: IO[bytes], data: bytes) -> None:
    """Write all of it to an open file, in threads. Raises OSError.

    Nobody may ever read what goes into a pipe: that is waited for where it can be cancelled. What is in the file's buffer goes
    first, and `data` past it.
    """
    pipe = _pipe(file)
    if pipe is None:
        await to_thread.run_sync(write_whole, file, data, limiter=workers())
        return
    await wait_writable(pipe)
    await to_thread.run_sync(file.flush)
    raw = cast("io.FileIO", getattr(file, "raw", file))
    rest = memoryview(data)
    while rest:
        await wait_writable(pipe)  # a thread that waits for it can't be cancelled
        rest = rest[await to_thread.run_sync(_fill, raw, rest, limiter=workers()) :]


def _fill(pipe: io.FileIO, data: memoryview) -> int:
    """Write as much as a pipe takes at once; how much that was."""
    if sys.platform == "win32":  # where `_pipe` finds none
        return pipe.write(data)
    free = select.poll()
    free.register(pipe, select.POLLOUT)
    done = 0
    while done < len(data) and free.poll(0):
        # No more than this is sure not to block.
        taken = cast("int | None", pipe.write(data[done : done + select.PIPE_BUF]))
        if taken is None:
            break
        done += taken
    return done


def _pipe(data: object) -> int | None:
    """The number of an open pipe, socket or terminal, where the system can wait for one; None for anything else."""
    if sys.platform == "win32" or not isinstance(data, (io.BufferedReader, io.BufferedWriter, io.FileIO)):
        return None
    try:
        number = data.fileno()
        mode = os.fstat(number).st_mode
    except (OSError, ValueError):
        return None  # closed: reading it will say so
    return number if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(number) else None


@asynccontextmanager
async def closed_after(stream: object) -> AsyncGenerator[None, None]:
    """An async generator that is handed to us is closed when we are done with it, also before its end."""
    try:
        yield
    finally:
        if isinstance(stream, AsyncGenerator):
            with CancelScope(shield=True):
                await stream.aclose()


def _gather(iterator: Iterator[bytes]) -> bytes:
    """Items of an iterator together, because a thread for each would cost more than they do; b"" at the end."""
    items: list[bytes] = []
    size = 0
    for item in iterator:
        items.append(_as_bytes(item))
        size += len(item)
        if size >= _AT_ONCE:
            break
    return items[0] if len(items) == 1 else b"".join(items)


def _as_bytes(chunk: object) -> bytes:
    if isinstance(chunk, bytes):
        return chunk
    if isinstance(chunk, (bytearray, memoryview)):
        return bytes(chunk)  # pyright: ignore[reportUnknownArgumentType]
    raise InvalidRequest(f"data must bring bytes, not {type(chunk).__name__}: open files with 'rb'")
