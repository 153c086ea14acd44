"""What swift remembers: accounts, containers, objects and their bytes. No HTTP here."""

from __future__ import annotations

import bisect
import hashlib
import math
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

from anyio.lowlevel import checkpoint

from aiocloud.testing.state import stamp

PIECE = 1024 * 1024
"""Bytes handled before others get a turn."""

ZEROS = bytes(65536)


class TooLargeError(Exception):
    """A body was longer than allowed."""


@dataclass(slots=True)
class Blob:
    """Bytes as they arrived, in pieces, never joined; with `kept` False only their size and hash."""

    pieces: list[bytes] = field(default_factory=list[bytes])
    size: int = 0
    md5: str = ""
    kept: bool = True

    @classmethod
    async def receive(cls, stream: AsyncIterator[bytes], *, limit: int, keep: bool = True) -> Blob:
        """All that a stream brings; `TooLargeError` beyond `limit` bytes."""
        blob, digest = cls(kept=keep), hashlib.md5(usedforsecurity=False)
        async for piece in stream:
            blob.size += len(piece)
            if blob.size > limit:
                raise TooLargeError
            if len(piece) <= PIECE:
                digest.update(piece)
            else:
                view = memoryview(piece)
                for start in range(0, len(piece), PIECE):
                    digest.update(view[start : start + PIECE])
                    await checkpoint()
            if keep:
                blob.pieces.append(piece)
        blob.md5 = digest.hexdigest()
        return blob

    @classmethod
    def of(cls, data: bytes) -> Blob:
        """Bytes at hand."""
        return cls([data], len(data), hashlib.md5(data, usedforsecurity=False).hexdigest())

    def slices(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes from `start` up to `stop`; zeros where they were not kept."""
        if not self.kept:
            for position in range(start, stop, len(ZEROS)):
                yield ZEROS[: stop - position]
            return
        position = 0
        for piece in self.pieces:
            low, high = max(start - position, 0), min(stop - position, len(piece))
            position += len(piece)
            if low < high:
                whole = low == 0 and high == len(piece)
                yield piece if whole else bytes(memoryview(piece)[low:high])
            if position >= stop:
                return


@dataclass(slots=True)
class Segment:
    """One part of a static large object."""

    path: str
    """As in "/container/object"."""
    etag: str
    size: int
    content_type: str
    modified: float
    range: tuple[int, int] | None = None
    """First byte, and the one after the last."""
    sub_slo: bool = False
    data: bytes = b""
    """Bytes that the manifest itself holds, instead of an object's."""

    @property
    def range_text(self) -> str:
        """As it is written; "" when it is all of the object."""
        return f"{self.range[0]}-{self.range[1] - 1}" if self.range else ""

    @property
    def length(self) -> int:
        """How many bytes it brings in."""
        return self.size if self.range is None else self.range[1] - self.range[0]

    def shown(self) -> dict[str, Any]:
        """As the manifest shows it."""
        if self.data:
            return {"data": b64encode(self.data).decode()}
        shown: dict[str, Any] = {
            "name": self.path,
            "bytes": self.size,
            "hash": self.etag,
            "content_type": self.content_type,
            "last_modified": stamp(self.modified, suffix=".000000"),
        }
        if self.range_text:
            shown["range"] = self.range_text
        if self.sub_slo:
            shown["sub_slo"] = True
        return shown

    def raw(self) -> dict[str, Any]:
        """As a client would write it."""
        if self.data:
            return self.shown()
        shown: dict[str, Any] = {"etag": self.etag, "path": self.path, "size_bytes": self.size}
        return {**shown, "range": self.range_text} if self.range_text else shown


@dataclass(slots=True)
class Obj:
    """One object: its bytes, or the manifest that makes it large."""

    name: str
    blob: Blob
    content_type: str
    timestamp: float
    """When the bytes or the metadata were written."""
    headers: dict[str, str] = field(default_factory=dict[str, str])
    """X-Object-Meta-..., Content-Encoding and their like, in lower case."""
    segments: list[Segment] | None = None
    slo_etag: str = ""
    """Without quotes."""
    symlink: str = ""
    """The "container/object" of a symbolic link's target, as it was given."""
    symlink_etag: str = ""
    """What a static link's target has to be."""
    version: str = ""
    """Its id, where the container keeps versions."""
    created: float = 0.0
    """When the bytes were written: what the listing shows."""

    @property
    def etag(self) -> str:
        """As in the ETag header; large objects have theirs in quotes."""
        return f'"{self.slo_etag}"' if self.segments is not None else self.blob.md5

    @property
    def link_account(self) -> str:
        """The account of a symbolic link's target; "" for the link's own."""
        return self.headers.get("x-symlink-target-account", "")

    @property
    def stored_etag(self) -> str:
        """Of what is stored: a large object's manifest, not what it is made of."""
        return self.blob.md5

    @property
    def size(self) -> int:
        """Bytes that a download has."""
        return self.blob.size if self.segments is None else sum(one.length for one in self.segments)

    @property
    def delete_at(self) -> int | None:
        """Seconds since 1970 when it vanishes."""
        text = self.headers.get("x-delete-at")
        return None if text is None else int(text)


@dataclass(slots=True)
class Container:
    """One container: objects by name, listed in the order of their names."""

    name: str
    timestamp: float
    headers: dict[str, str] = field(default_factory=dict[str, str])
    """X-Container-Meta-..., X-Container-Read and their like, in lower case."""
    objects: dict[str, Obj] = field(default_factory=dict[str, Obj])
    modified: float = 0.0
    used: int = 0
    """Bytes."""
    versions: dict[str, list[Obj]] = field(default_factory=dict[str, "list[Obj]"])
    """Those that the container keeps by name, the newest first (`swift_versions.py`)."""
    _names: list[str] | None = None

    def put(self, obj: Obj) -> None:
        """Store an object in place of the one with its name."""
        old = self.objects.get(obj.name)
        self.used += obj.blob.size - (old.blob.size if old else 0)
        if old is None:
            self._names = None
        self.objects[obj.name] = obj

    def drop(self, name: str) -> None:
        """Forget an object."""
        self.used -= self.objects.pop(name).blob.size
        self._names = None

    def discard(self, name: str) -> None:
        """Forget an object, if there is one."""
        if name in self.objects:
            self.drop(name)

    def names(self) -> list[str]:
        """Every name, in order."""
        if self._names is None:
            self._names = sorted(self.objects)
        return self._names


@dataclass(slots=True)
class Account:
    """One project's containers."""

    name: str
    timestamp: float
    headers: dict[str, str] = field(default_factory=dict[str, str])
    containers: dict[str, Container] = field(default_factory=dict[str, Container])


@dataclass(frozen=True, slots=True)
class Listing:
    """What a listing asks for."""

    limit: int
    prefix: str = ""
    delimiter: str = ""
    marker: str = ""
    end_marker: str = ""
    reverse: bool = False
    files_only: bool = False
    """Without sub-directories (`path=`)."""

    def choose(self, names: list[str]) -> list[tuple[str, bool]]:
        """The names to show, each with whether it is a sub-directory; `names` are in order."""
        low, high = (self.end_marker, self.marker) if self.reverse else (self.marker, self.end_marker)
        first = max(bisect.bisect_right(names, low) if low else 0, bisect.bisect_left(names, self.prefix))
        last = bisect.bisect_left(names, high) if high else len(names)
        chosen: list[tuple[str, bool]] = []
        position = first
        while position < last and (self.reverse or len(chosen) < self.limit):
            name = names[position]
            if not name.startswith(self.prefix):
                break
            cut = name.find(self.delimiter, len(self.prefix)) if self.delimiter else -1
            if cut < 0:
                chosen.append((name, False))
                position += 1
                continue
            folder = name[: cut + len(self.delimiter)]
            position = bisect.bisect_left(names, folder + "\U0010ffff", position)
            if not self.files_only and (not low or folder > low) and not (self.reverse and high and folder >= high):
                chosen.append((folder, True))
        return chosen[::-1][: self.limit] if self.reverse else chosen


def timestamp_text(seconds: float) -> str:
    """As in X-Timestamp: "1795379279.73541"."""
    return f"{seconds:.5f}"


def http_date(seconds: float) -> str:
    """As in Last-Modified, rounded up as swift does."""
    return formatdate(math.ceil(seconds), usegmt=True)


def listed_date(seconds: float) -> str:
    """As in a listing's `last_modified`."""
    return stamp(round(seconds, 5), suffix="", micro=True)
