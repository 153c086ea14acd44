"""What an image's content comes to: compared with what the caller said of it, and with what Glance says that it has."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from aiocloud.errors import ChecksumMismatch
from aiocloud.services.image.image import Image
from aiocloud.tasks.digests import Digests
from aiocloud.tasks.image_content import known_hashes
from aiocloud.tasks.sources import FileSource, Source

__all__ = ["USUAL", "Hashed", "check_arrived", "check_given", "check_sums", "hash_of", "hash_of_sent"]

USUAL = "sha512"
"""What Glance hashes with unless it is told otherwise."""


class Hashed:
    """A stream, which can't be read again: it is hashed on its way."""

    def __init__(self, stream: AsyncIterator[bytes], sums: Mapping[str, str | None]) -> None:
        self._stream = stream
        # Services of old tell of nothing but MD5.
        self._digests = Digests({USUAL, "md5", *(algorithm for algorithm, text in sums.items() if text)})
        self.size = 0
        """Bytes that were read."""

    async def read(self) -> AsyncIterator[bytes]:
        """Its chunks, once."""
        async for chunk in self._stream:
            await self._digests.update(chunk)
            self.size += len(chunk)
            yield chunk

    def hash(self, algorithm: str) -> str | None:
        """The hash of what was read; None when it was not hashed so."""
        return self._digests.values().get(algorithm)


async def hash_of(source: Source, algorithm: str) -> str:
    """The hash of the whole content; a file's is computed once, however many clouds it goes to."""
    if isinstance(source, FileSource):
        return await source.digest(algorithm)
    digests = Digests([algorithm])
    async for _ in source.read(0, source.size, digests):
        pass
    return digests.values()[algorithm]


async def hash_of_sent(content: Source | Hashed, algorithm: str) -> str | None:
    """The same, of what has been sent; None of a stream that was not hashed so."""
    return content.hash(algorithm) if isinstance(content, Hashed) else await hash_of(content, algorithm)


async def check_given(content: Source | Hashed, sums: Mapping[str, str | None]) -> None:
    """Raise ChecksumMismatch when the content, a stream's once it was read, is not what the caller said."""
    for algorithm, given in sums.items():
        if given and (found := await hash_of_sent(content, algorithm)) != given.lower():
            raise ChecksumMismatch(f"the content's {algorithm} is {found}, not {given}")


async def check_arrived(image: Image, content: Source | Hashed) -> None:
    """Raise ChecksumMismatch when Glance has something else than was sent."""
    if image.size not in (None, content.size):
        raise ChecksumMismatch(f"image {image.name} ({image.id}) has {image.size} bytes, {content.size} were sent")
    for algorithm, value in known_hashes(image):
        found = await hash_of_sent(content, algorithm)
        if found is None:
            continue
        if found != value:
            raise ChecksumMismatch(f"image {image.name} ({image.id}) has {algorithm} {value}, {found} was sent")
        return


def check_sums(image: Image, sums: Mapping[str, str | None]) -> None:
    """Raise ChecksumMismatch when what Glance computed of the content is not what the caller said, where it did."""
    told = {"md5": image.checksum, image.os_hash_algo or "": image.os_hash_value}
    for algorithm, given in sums.items():
        if given and (found := told.get(algorithm)) and found != given.lower():
            raise ChecksumMismatch(f"image {image.name} ({image.id}) has {algorithm} {found}, not {given}")
