"""Removing what Cinder is still making, or Nova still has: Cinder refuses until then."""

from __future__ import annotations

from typing import Any

from aiocloud.collection import Creatable
from aiocloud.errors import CloudError, Timeout
from aiocloud.poller import wait_for

__all__ = ["LONGEST", "PAUSE", "delete_when_free"]

LONGEST = 28.0  # seconds that Nova or Cinder may take to let go of something: less than there is for taking back
PAUSE = 0.5  # seconds between two looks, at most


async def delete_when_free(things: Creatable[Any, Any], id: str) -> None:
    """Remove a volume, snapshot or backup as soon as it is made, and free: Cinder refuses before that.

    Raises Cinder's refusal when it lasts.
    """
    refused: list[CloudError] = []

    async def accepted() -> bool:
        try:
            await things.delete({"id": id})
        except CloudError as error:
            if error.status_code != 400:
                raise
            refused[:] = [error]
            return False
        return True

    try:
        await wait_for(accepted, bool, what=f"removal of {things.kind} {id}", timeout=LONGEST, interval=PAUSE)
    except Timeout as error:
        raise refused[0] if refused else error from None
