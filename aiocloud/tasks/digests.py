"""Hashes, computed in worker threads: a fast disk or a large file must not hold up the event loop.

MD5 is what Swift and Glance compare by; here it finds damage, and keeps nothing secret.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Protocol

from anyio import to_thread

from aiocloud.concurrent import workers
from aiocloud.errors import InvalidRequest

__all__ = ["Digests", "Hash", "is_known", "new_hash"]

# Below this many bytes the hop to a thread costs more than the hashing.
_SMALL = 16 * 1024


class Hash(Protocol):
    """What `hashlib` makes."""

    def update(self, data: bytes | memoryview, /) -> None:
        """Take in more."""
        ...

    def hexdigest(self) -> str:
        """What it comes to."""
        ...

    def copy(self) -> Hash:
        """Another one that has taken in the same."""
        ...


def new_hash(algorithm: str) -> Hash:
    """An empty hash. Raises InvalidRequest for an algorithm that Python does not know."""
    try:
        return hashlib.new(algorithm, usedforsecurity=False)
    except ValueError:
        raise InvalidRequest(f"there is no hash algorithm {algorithm!r}") from None


def is_known(algorithm: str | None) -> bool:
    """Can we compute it?"""
    return algorithm in hashlib.algorithms_available


class Digests:
    """Several hashes of one stream of bytes."""

    def __init__(self, algorithms: Iterable[str]) -> None:
        self._hashes = {name: new_hash(name) for name in algorithms}

    async def update(self, data: bytes) -> None:
        """Take in more, in a worker thread when it is much."""
        if not self._hashes:
            return
        if len(data) <= _SMALL:
            self.update_now(data)
        else:
            await to_thread.run_sync(self.update_now, data, limiter=workers())

    def update_now(self, data: bytes | memoryview) -> None:
        """Take in more, right here: for those who are in a worker thread already."""
        for hash_ in self._hashes.values():
            hash_.update(data)

    def values(self) -> dict[str, str]:
        """Algorithm -> hexadecimal digest."""
        return {name: hash_.hexdigest() for name, hash_ in self._hashes.items()}
