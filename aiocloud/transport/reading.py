"""Reading an answer whole, without trusting its size."""

from __future__ import annotations

from aiocloud._http import httpx
from aiocloud.errors import TransportError

__all__ = ["CAP", "read_bounded"]

CAP = 64 * 1024 * 1024
"""Bytes of a decoded body that are read at most."""

# Lists of servers compress by 10 to 50; what does better than this is made to fill our memory.
_HIGHEST_RATIO = 200
_UNSUSPICIOUS = 4 * 1024 * 1024


async def read_bounded(response: httpx.Response, cap: int = CAP) -> bytes:
    """The whole body, decoded, also kept as `response.content`.

    Raises TransportError when it is longer than `cap` bytes or compressed beyond all reason; the rest is then not read.
    """
    try:
        return response.content
    except httpx.ResponseNotRead:
        pass
    # What is declared too long need not be fetched; a HEAD declares what a GET would send.
    declared = response.headers.get("content-length", "")
    if declared.isdigit() and len(declared) < 20 and int(declared) > cap and response.request.method != "HEAD":
        await response.aclose()
        raise _refusal(response, f"of {declared} bytes is larger than the {cap} bytes that are read")
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.aiter_bytes():
        size += len(chunk)
        if size > cap or (size > _UNSUSPICIOUS and size > _HIGHEST_RATIO * response.num_bytes_downloaded):
            await response.aclose()
            raise _refusal(response, f"is larger than the {cap} bytes that are read" if size > cap else _BOMB)
        chunks.append(chunk)
    body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
    # What `response.aread()` does, which knows no limit.
    response._content = body  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    return body


_BOMB = "is compressed to less than a hundredth of its size, which no honest one is"


def _refusal(response: httpx.Response, why: str) -> TransportError:
    request = response.request
    return TransportError(
        f"the answer to {request.method} {request.url.path} {why}",
        method=request.method,
        url=str(request.url),
        status_code=response.status_code,
    )
