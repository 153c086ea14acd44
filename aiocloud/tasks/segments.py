"""How an object is cut, what its segments are called, and what its manifest says. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from aiocloud.errors import InvalidRequest
from aiocloud.services.object_store.capabilities import Capabilities

__all__ = [
    "Cut",
    "Segment",
    "batches",
    "cut",
    "manifest",
    "manifest_etag",
    "range_of",
    "segments_container",
    "segments_folder",
    "segments_prefix",
    "stream_segment_size",
]

MiB = 1024 * 1024
GiB = 1024 * MiB
_TARGET = 16 * MiB
_FOR_STREAMS = 16 * MiB


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of an object, as it lies in the cloud. `etag` is its MD5."""

    container: str
    name: str
    size: int
    etag: str

    @property
    def path(self) -> str:
        """As a manifest names it."""
        return f"/{self.container}/{self.name}"


@dataclass(frozen=True, slots=True)
class Cut:
    """`size` bytes in pieces of `segment_size`; one piece is no piece: the object goes as a whole."""

    size: int
    segment_size: int

    @property
    def count(self) -> int:
        """How many pieces."""
        return max(1, -(-self.size // self.segment_size))

    @property
    def whole(self) -> bool:
        """Is it not cut at all?"""
        return self.size <= self.segment_size


def range_of(plan: Cut, index: int) -> tuple[int, int]:
    """Where a piece begins, and how many bytes it has."""
    start = index * plan.segment_size
    return start, min(plan.segment_size, plan.size - start)


def cut(size: int, wanted: int | None, can: Capabilities, *, use_slo: bool = True) -> Cut:
    """How to cut so many bytes, within the cloud's limits.

    Without a wish, an object is cut only where the cloud would not take it whole, or above 1 GiB. A segment size that is
    too small for the number of segments that a manifest may name is raised. Raises InvalidRequest for a size below 1, or
    an object that is too large for this cloud.
    """
    if wanted is not None and wanted < 1:
        raise InvalidRequest(f"segment_size is a number of bytes, at least 1, not {wanted}")
    largest = can.max_file_size
    if wanted is None and size <= min(largest, GiB):
        return Cut(size, max(size, 1))
    slo = use_slo and can.slo is not None
    proposed = min(largest, max(_TARGET, _round_up(-(-size // 500)))) if wanted is None else min(wanted, largest)
    if not slo:
        return Cut(size, proposed)
    proposed = max(proposed, min(can.min_segment_size, largest))
    fewest = -(-size // can.max_segments)
    if fewest > largest:
        raise InvalidRequest(
            f"{size} bytes are more than this cloud keeps in one object: {can.max_segments} segments of {largest} bytes"
        )
    return Cut(size, max(proposed, fewest))


def _round_up(size: int) -> int:
    return -(-size // MiB) * MiB


def stream_segment_size(wanted: int | None, can: Capabilities, index: int) -> int:
    """Bytes in the piece number `index` of a stream whose end nobody knows.

    They double again and again after half of the pieces that a manifest can name, so that it can name all.
    """
    if wanted is not None and wanted < 1:
        raise InvalidRequest(f"segment_size is a number of bytes, at least 1, not {wanted}")
    if index >= can.max_segments:
        raise InvalidRequest(f"this stream is longer than {can.max_segments} segments: give a larger segment_size")
    doublings = max(0, 16 * index // can.max_segments - 7)
    least = max(can.min_segment_size, (wanted or _FOR_STREAMS) << doublings)
    return min(least, can.max_file_size)


def segments_container(container: str) -> str:
    """Where the segments of a container's objects lie: beside it, so that they don't show in its listings.

    `CONTAINER_segments` is what swiftclient and rclone use, too.
    """
    name = f"{container}_segments"
    return name if len(name.encode()) <= 256 else hashlib.sha256(name.encode()).hexdigest() + "_segments"


def segments_folder(name: str) -> str:
    """What the names of all segments of an object begin with; so do those of swiftclient, rclone and openstacksdk.

    A dynamic large object's manifest can't name what begins with a slash.
    """
    fits = len(name.encode()) <= 900 and not name.startswith("/")
    return f"{name if fits else hashlib.sha256(name.encode()).hexdigest()}/"


def segments_prefix(name: str, version: str, segment_size: int) -> str:
    """What the names of one upload's segments begin with; the same content cut in the same way gets the same names."""
    return f"{segments_folder(name)}{version}-{segment_size:x}/"


def manifest(segments: Iterable[Segment]) -> bytes:
    """A static large object's manifest. https://docs.openstack.org/swift/latest/overview_large_objects.html"""
    rows = [{"path": each.path, "etag": each.etag, "size_bytes": each.size} for each in segments]
    return json.dumps(rows).encode()


def manifest_etag(segments: Iterable[Segment]) -> str:
    """The ETag that the whole then has: the MD5 of the segments' MD5s."""
    text = "".join(each.etag for each in segments)
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def batches(names: Sequence[str], most: int) -> Iterator[Sequence[str]]:
    """At most so many at a time."""
    for start in range(0, len(names), most):
        yield names[start : start + most]
