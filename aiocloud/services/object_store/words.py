"""Swift's refusals name nothing ("Not Found", "There was a conflict"): here is said what they mean."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from aiocloud.errors import Conflict, HTTPError, NotFound, PreconditionFailed, TooLarge

__all__ = ["in_words"]

_CONDITIONS: frozenset[str] = frozenset(("if-match", "if-none-match", "if-modified-since", "if-unmodified-since"))

# What Swift says: https://opendev.org/openstack/swift/src/branch/master/swift/common/middleware/container_quotas.py
_QUOTA = "exceeds quota"
_UNEXPLAINED = "A precondition for this request was not met"


@contextmanager
def in_words(container: str, name: str = "", *, version: str | None = None, to: str = "") -> Generator[None]:
    """What a refusal inside the block means for this container, or this object in it, is said in the error.

    A copy is one to the container `to`.
    """
    try:
        yield
    except HTTPError as error:
        if meaning := _copied(error, container, name, to) if to else _meaning(error, container, name, version):
            error.message = f"{error.message}: {meaning}"
        raise


def _copied(error: HTTPError, container: str, name: str, to: str) -> str:
    match error:
        case NotFound():
            return f"there is no object {name!r} in the container {container!r}, or no container {to!r}"
        case Conflict():
            return f"a segment of the large object {name!r} in {container!r} is missing, or its links lead on and on"
        case TooLarge() if _QUOTA not in error.message:
            return f"{name!r} in {container!r} is more than one object may have; with whole=False its manifest alone is copied"
        case _:
            return _meaning(error, to, "", None)


def _meaning(error: HTTPError, container: str, name: str, version: str | None) -> str:
    target = error.response.headers.get("content-location", "")
    match error:
        case NotFound() if not name or error.method == "PUT":
            return f"there is no container {container!r}"
        case NotFound() if target:
            return f"{name!r} in {container!r} is a link to {target}, which is not there"
        case NotFound():
            of = "" if version is None else f" of version {version}"
            return f"there is no object {name!r}{of} in the container {container!r}, or no such container"
        case Conflict(method="DELETE") if not name:
            return f"the container {container!r} is not empty"
        case Conflict(method="GET" | "HEAD") if name and target:
            return f"{name!r} in {container!r} is a link to {target}, which lacks a segment or, of a static link, has changed"
        case Conflict(method="GET" | "HEAD") if name:
            return f"a segment of the large object {name!r} in {container!r} is missing, or its links lead on and on"
        case PreconditionFailed(method="PUT" | "DELETE") if name and _UNEXPLAINED in error.message:
            return _unmet(error, container, name)
        case TooLarge() if _QUOTA in error.message:
            return f"the container {container!r} has a quota, or its account"
        case _:
            return ""


def _unmet(error: PreconditionFailed, container: str, name: str) -> str:
    asked = _CONDITIONS.intersection(error.response.request.headers)
    if asked == frozenset(("if-none-match",)):
        return f"there is an object {name!r} in the container {container!r} already"
    return "" if asked else f"perhaps {container!r} keeps older versions in another container, which is not there"
