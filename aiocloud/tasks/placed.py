"""Errors that came about on this side, in a file or a hash, say in which cloud's name it was, like those of its services."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from aiocloud.errors import CloudError
from aiocloud.region import Region

__all__ = ["placed"]


@contextmanager
def placed(cloud: Region, service: str) -> Generator[None]:
    """Give errors of this block their cloud, region and service, where they have none yet."""
    try:
        yield
    except CloudError as error:
        error.at(cloud.name, cloud.region_name, service)
        raise
