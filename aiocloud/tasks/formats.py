"""Which disk format a file has, read from the file itself, and whether it is safe to upload. Pure.

A qcow2 file can name another file as its base, and a host that opens it would read that file: the way to steal a host's
secrets; a vmdk file can do the same, in a text inside it that each reader finds and reads in its own way. Such files are
refused here, before a service has to
(https://wiki.openstack.org/wiki/OSSN/OSSN-0095, https://security.openstack.org/ossa/OSSA-2023-002.html).
"""

from __future__ import annotations

import re
import struct

from aiocloud.errors import InvalidRequest

__all__ = ["HEAD", "check_safe", "proposed", "recognise"]

HEAD = 64 * 1024
"""Bytes from the beginning that are enough to know."""

_MAGIC = {
    b"QFI\xfb": "qcow2",
    b"KDMV": "vmdk",
    b"COWD": "vmdk",
    b"vhdxfile": "vhdx",
    b"conectix": "vhd",
    b"WithoutFreeSpace": "ploop",
    b"WithouFreSpacExt": "ploop",
    b"<<< ": "vdi",
}


_DESCRIPTION = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:[ \t\r]*(?:#[^\n]*)?\n)*[ \t]*version[ \t]*=[ \t]*[123]\s", re.IGNORECASE
)
"""A text that QEMU takes for the description of a vmdk, after any number of comments."""

_MARKED = ("qcow2", "vmdk", "vhdx")
"""No file is of these formats without bearing their sign at its beginning."""

_COMPRESSED = {
    b"\x1f\x8b": "gzip",
    b"\xfd7zXZ\0": "xz",
    b"BZh": "bzip2",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"PK\x03\x04": "zip",
}


def recognise(head: bytes, tail: bytes = b"") -> str | None:
    """The disk format of a file that begins (and ends, the last 512 bytes) like this; None when it bears no sign.

    A disk with a partition table or a boot sector, and nothing around it, is `raw`.
    """
    for magic, name in _MAGIC.items():
        if head.startswith(magic):
            return name
    if head[0x40:0x44] == b"\x7f\x10\xda\xbe":
        return "vdi"
    if b"# disk descriptorfile" in head[:512].lower() or _DESCRIPTION.match(head[:4096]):
        return "vmdk"
    if head[32769:32774] == b"CD001" or head[32769:32774] in (b"NSR02", b"BEA01"):
        return "iso"
    if tail[-512:].startswith(b"conectix"):
        return "vhd"
    if head[510:512] == b"\x55\xaa" or head[512:520] == b"EFI PART" or head[1080:1082] == b"\x53\xef":
        return "raw"
    return None


def proposed(head: bytes, tail: bytes, usual: str, container_format: str) -> str:
    """The disk format of content of which nobody says it: what it bears a sign of, else the cloud's `usual` one.

    Raises InvalidRequest for a compressed file, unless `container_format` says that the cloud is to unpack it.
    """
    found = recognise(head, tail)
    if found is not None or container_format == "compressed":
        return found or usual
    for magic, name in _COMPRESSED.items():
        if head.startswith(magic):
            raise InvalidRequest(
                f"this file is compressed ({name}): unpack it first, or say container_format='compressed' and the "
                "disk_format of what is in it, where the cloud unpacks images"
            )
    return "raw" if usual in _MARKED else usual


def check_safe(head: bytes, disk_format: str) -> None:
    """Raise InvalidRequest for a file that refers to other files, whatever it is said to be, or isn't what it is said to be."""
    found = recognise(head)
    if disk_format in _MARKED and found not in (None, disk_format):
        raise InvalidRequest(f"this file is {found}, not {disk_format}: say disk_format={found!r}, or leave it out")
    if found == "qcow2":
        _check_qcow2(head)
    if found == "vmdk":
        _check_vmdk(head)


# https://github.com/libyal/libvmdk/blob/main/documentation/VMWare%20Virtual%20Disk%20Format%20(VMDK).asciidoc
_SECTOR = 512
_LOOKED_AT = 20
"""Sectors after the first in which QEMU looks for a parent, whatever the header says of the description."""
_WHOLE = (b"monolithicsparse", b"streamoptimized")
"""The kinds of vmdk that hold the disk themselves, the ones that Glance takes, too."""
_KIND = re.compile(rb'^createtype\s*=\s*"([^"]*)"$')
_PARENT = re.compile(rb'^parentcid\s*=\s*"?([^\s"]*)')
_NO_PARENT = b"ffffffff"
_EXTENT = re.compile(rb'^(?:rw|rdonly|noaccess)\s+\S+\s+(\S+)(?:\s+"([^"]*)")?')


def _check_vmdk(head: bytes) -> None:
    if head.startswith(b"COWD"):
        _check_parent(_lines(head, _LOOKED_AT))
        return
    if not head.startswith(b"KDMV"):
        raise _describes("it is a text")
    if len(head) < _SECTOR:
        raise InvalidRequest("this vmdk file ends inside its header")
    start, count = struct.unpack_from("<QQ", head, 28)
    if (start + count) * _SECTOR > HEAD:
        raise InvalidRequest("this vmdk file has its description where it is not expected: `qemu-img convert` it")
    lines = _lines(head, max(_LOOKED_AT, start + count - 1))
    _check_parent(lines)
    _check_kind(lines)
    _check_extents(lines)


def _lines(head: bytes, count: int) -> list[bytes]:
    """The lines in the sectors after the header, in small letters, however they end: readers don't agree on that."""
    text = head[_SECTOR : (1 + count) * _SECTOR]
    return [line.strip() for line in re.split(rb"[\r\n\0]+", text.lower()) if line.strip()]


def _check_parent(lines: list[bytes]) -> None:
    parents = [found[1] for line in lines if (found := _PARENT.match(line))]
    if any(b"parentfilenamehint" in line for line in lines) or any(parent != _NO_PARENT for parent in parents):
        raise InvalidRequest(
            "this vmdk file is a difference to another one (its parent), which would not come along: "
            "make it whole first, with `qemu-img convert`"
        )


def _check_kind(lines: list[bytes]) -> None:
    told = [line for line in lines if b"createtype" in line]
    kinds = [kind[1] for line in told if (kind := _KIND.match(line))]
    if len(told) != 1 or len(kinds) != 1:
        raise _describes("it does not tell its kind just once")
    if kinds[0] not in _WHOLE:
        raise _describes(f"it is {kinds[0].decode(errors='replace')}")


def _check_extents(lines: list[bytes]) -> None:
    """What the disk consists of: once of the file itself, and of nothing that lies elsewhere."""
    extents = [found for line in lines if (found := _EXTENT.match(line))]
    sparse = [found[2] or b"" for found in extents if found[1] == b"sparse"]
    if len(sparse) > 1 or any(re.search(rb"[/\\]", name) for name in sparse):
        raise _describes("it names the parts of a disk")
    for found in extents:
        if found[1] not in (b"sparse", b"zero"):
            raise _describes(f"it has an extent that is {found[1].decode(errors='replace')}")


def _describes(why: str) -> InvalidRequest:
    return InvalidRequest(
        f"this vmdk file only describes other files, as {why}: convert it into one that holds the disk itself, with "
        "`qemu-img convert -O vmdk -o subformat=streamOptimized`"
    )


# https://www.qemu.org/docs/master/interop/qcow2.html
_EXTERNAL_DATA = 1 << 2


def _check_qcow2(head: bytes) -> None:
    if len(head) < 72:
        raise InvalidRequest("this qcow2 file ends inside its header")
    version, backing_offset = struct.unpack_from(">IQ", head, 4)
    if backing_offset:
        raise InvalidRequest(
            "this qcow2 file is a difference to another one (its backing file), which would not come along: "
            "make it whole first, with `qemu-img convert`"
        )
    if version >= 3 and len(head) >= 80 and struct.unpack_from(">Q", head, 72)[0] & _EXTERNAL_DATA:
        raise InvalidRequest("this qcow2 file keeps its data in another file: make it whole first, `qemu-img convert`")
