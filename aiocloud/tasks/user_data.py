"""What a server is to read at its first start (cloud-init), as Nova takes it."""

from __future__ import annotations

import base64
import threading
from typing import IO, TypeAlias

from anyio import to_thread

from aiocloud.errors import InvalidRequest

__all__ = ["UserData", "encoded"]

UserData: TypeAlias = str | bytes | IO[str] | IO[bytes]
"""Text, bytes, or an open file with either."""

_reading = threading.Lock()


async def encoded(data: UserData | None) -> str | None:
    """Base64, or None for nothing. An open file is left where it stands, so that many servers can have the same.

    Raises InvalidRequest for what is no text, no bytes and no open file, and for an open file that stands at its end.
    """
    if data is not None and not isinstance(data, str | bytes | bytearray):
        data = await to_thread.run_sync(_read, data)
    if isinstance(data, str):
        data = data.encode()
    return base64.b64encode(data).decode() if data else None


def _read(file: IO[str] | IO[bytes]) -> str | bytes:
    if not hasattr(file, "read"):
        raise InvalidRequest(f"userdata is text, bytes or an open file, not {type(file).__name__}")
    try:
        with _reading:  # servers on many clouds may be made of one file
            start = file.tell() if file.seekable() else None
            text = file.read()
            if start is not None:
                file.seek(start)
    except (OSError, ValueError) as error:
        raise InvalidRequest(f"can't read userdata: {error}") from None
    if not text:
        raise InvalidRequest("userdata: the open file stands at its end: rewind it first, with seek(0)")
    return text
