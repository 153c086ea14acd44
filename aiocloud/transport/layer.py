"""What every layer is: a transport around a transport."""

from __future__ import annotations

from aiocloud._http import httpx

__all__ = ["Layer"]


class Layer(httpx.AsyncBaseTransport):
    """A transport around another."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def aclose(self) -> None:
        """Close what is inside."""
        await self._inner.aclose()
