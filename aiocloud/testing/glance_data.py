"""The bytes of images: receiving them with both hashes, and telling disk formats apart."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal

from anyio.lowlevel import checkpoint

from aiocloud.testing.swift_store import PIECE, Blob

HEAD = 34 * 1024
"""Bytes from the beginning that tell the format."""

MAGIC: dict[str, tuple[int, bytes, int]] = {
    "qcow2": (0, b"QFI\xfb", 512),
    "vmdk": (0, b"KDMV", 512),
    "vhdx": (0, b"vhdxfile", 8),
    "vhd": (0, b"conectix", 8),
    "vdi": (0x40, b"\x7f\x10\xda\xbe", 0x44),
    "iso": (0x8001, b"CD001", 0x8006),
}
"""Disk format -> where its mark stands, the mark, and how many bytes there must be at least."""


VIRTUAL_SIZE: dict[str, tuple[int, Literal["big", "little"], int]] = {
    "qcow2": (24, "big", 1),
    "vmdk": (12, "little", 512),
    "vhd": (40, "big", 1),
    "vdi": (0x170, "little", 1),
}
"""Disk format -> where in its header the disk's size stands in 8 bytes, in which order, and in units of how many bytes."""


@dataclass(frozen=True, slots=True)
class ImageData:
    """What was uploaded."""

    blob: Blob
    sha512: str
    head: bytes

    @property
    def disk_format(self) -> str:
        """What the first bytes say: "raw" when they say nothing."""
        for name, (offset, mark, least) in MAGIC.items():
            if self.blob.size >= least and self.head[offset : offset + len(mark)] == mark:
                return name
        return "raw"

    def fits(self, disk_format: str | None) -> bool:
        """Whether the bytes may be called an image of this format."""
        return disk_format not in MAGIC or self.disk_format == disk_format

    def virtual_size(self, disk_format: str | None) -> int | None:
        """Bytes that the disk will have: written in most headers, the size of a raw one."""
        if disk_format == "raw":
            return self.blob.size or None
        if disk_format not in VIRTUAL_SIZE:
            return None
        place, order, unit = VIRTUAL_SIZE[disk_format]
        return int.from_bytes(self.head[place : place + 8], order) * unit or None


async def receive(stream: AsyncIterator[bytes], *, keep: bool = True) -> ImageData:
    """All that a stream brings, hashed on the way."""
    blob, head = Blob(kept=keep), bytearray()
    md5, sha512 = hashlib.md5(usedforsecurity=False), hashlib.sha512()
    async for piece in stream:
        view = memoryview(piece)
        for start in range(0, len(piece), PIECE):
            part = view[start : start + PIECE]
            md5.update(part)
            sha512.update(part)
            if len(piece) > PIECE:
                await checkpoint()
        if len(head) < HEAD:
            head += piece[: HEAD - len(head)]
        blob.size += len(piece)
        if keep:
            blob.pieces.append(piece)
    blob.md5 = md5.hexdigest()
    return ImageData(blob, sha512.hexdigest(), bytes(head))


def data_of(content: bytes) -> ImageData:
    """Bytes at hand."""
    return ImageData(Blob.of(content), hashlib.sha512(content).hexdigest(), content[:HEAD])


def tiny_disk(disk_format: str, size: int = 1024 * 1024) -> bytes:
    """The smallest bytes that pass for an image of a format; `size` in bytes is the disk's."""
    if disk_format == "qcow2":
        header = b"QFI\xfb" + (3).to_bytes(4, "big") + bytes(12) + (16).to_bytes(4, "big") + size.to_bytes(8, "big")
        return header + bytes(1024 - len(header))
    offset, mark, least = MAGIC.get(disk_format, (0, b"", 512))
    return (bytes(offset) + mark).ljust(max(least, 512), b"\0")
