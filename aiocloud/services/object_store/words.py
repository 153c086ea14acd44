"""Swift's refusals name nothing ("Not Found", "There was a conflict"): here is said what they mean."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from aiocloud.errors import Conflict, HTTPError, NotFound

__all__ = ["in_words"]


@contextmanager
def in_words(container: str, name: str = "") -> Generator[None]:
    """What a refusal inside the block means for this container, or this object in it, is said in the error."""
    try:
        yield
    except HTTPError as error:
        if meaning := _meaning(error, container, name):
            error.message = f"{error.message}: {meaning}"
        raise


def _meaning(error: HTTPError, container: str, name: str) -> str:
    match error:
        case NotFound() if name:
            return f"there is no object {name!r} in the container {container!r}, or no such container"
        case NotFound():
            return f"there is no container {container!r}"
        case Conflict(method="DELETE") if not name:
            return f"the container {container!r} is not empty"
        case Conflict(method="GET" | "HEAD") if name:
            return f"a segment of the large object {name!r} in {container!r} is missing"
        case _:
            return ""
