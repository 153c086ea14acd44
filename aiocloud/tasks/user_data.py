"""What a server is to read at its first start (cloud-init), as Nova takes it."""

from __future__ import annotations

import base64
import threading
from typing import IO, Any, TypeAlias

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
    content = await to_thread.run_sync(_read, data) if hasattr(data, "read") else data
    if isinstance(content, str):
        content = content.encode()
    if content is not None and not isinstance(content, bytes | bytearray):
        raise InvalidRequest(f"userdata is text, bytes or an open file, not {type(content).__name__}")
    return base64.b64encode(content).decode() if content else None


def _read(file: Any) -> str | bytes:
    try:
        with _reading:  # servers on many clouds may be made of one file
            start = file.tell() if file.seekable() else None
            text: str | bytes = file.read()
            if start is not None:
                file.seek(start)
    except (OSError, ValueError) as error:
        raise InvalidRequest(f"can't read userdata: {error}") from None
    if not text:
        raise InvalidRequest("userdata: the open file stands at its end: rewind it first, with seek(0)")
    return text
