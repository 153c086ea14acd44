"""What goes wrong on this side, in an argument, a file or a hash, says in which cloud's name it was, as services' errors do."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from aiocloud.errors import CloudError
from aiocloud.region import Region

__all__ = ["placed"]


@contextmanager
def placed(cloud: Region) -> Generator[None]:
    """Give errors of this block their cloud and region, where they have none yet."""
    try:
        yield
    except CloudError as error:
        error.at(cloud.name, cloud.region_name)
        raise
