"""Which disk format a file has, read from the file itself, and whether it is safe to upload. Pure.

A qcow2 file can name another file as its base, and a host that opens it would read that file: the way to steal a host's
secrets; a vmdk file can do the same. Such files are refused here, before a service has to
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
    if b"# Disk DescriptorFile" in head[:512]:
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


_WHOLE = (b"monolithicSparse", b"streamOptimized")
"""The kinds of vmdk that hold the disk themselves, the ones that Glance takes, too."""
_KIND = re.compile(rb'^\s*createType\s*=\s*"([^"]*)"', re.MULTILINE)


def _check_vmdk(head: bytes) -> None:
    kind = _KIND.search(head)
    if head.lstrip()[:21] == b"# Disk DescriptorFile" or (kind and kind[1] not in _WHOLE):
        raise InvalidRequest(
            "this vmdk file only describes other files: convert it into one that holds the disk itself"
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
