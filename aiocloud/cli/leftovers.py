"""`aiocloud leftovers`: what operations made whose process was killed, and its removal."""

from __future__ import annotations

from typing import Annotated

import anyio
from cyclopts import Parameter

from aiocloud.cli.everywhere import everywhere
from aiocloud.cli.options import How, Where
from aiocloud.cli.output import Row
from aiocloud.cloud import Cloud
from aiocloud.errors import CloudError, Leftover
from aiocloud.fleet import Done
from aiocloud.tasks import leftovers as tasks

__all__ = ["leftovers"]


async def leftovers(
    *,
    reclaim: Annotated[bool, Parameter(negative="", help="Remove them.")] = False,
    where: Where | None = None,
    how: How | None = None,
) -> int:
    """Find what operations left behind that never ended, because their process was killed.

    --journal (or AIOCLOUD_JOURNAL) is the folder where they were written down. Every cloud, unless --cloud names some.
    """
    where, how = (where or Where()).or_all, how or How()
    if where.journal is None:
        raise CloudError("which journal? say --journal FOLDER, or set AIOCLOUD_JOURNAL")
    journal = where.journal
    if not await anyio.Path(journal).is_dir():
        raise CloudError(f"there is no journal {journal}: the folder is made when something is begun with --journal")
    found: list[Row] = []
    stuck: list[Leftover] = []

    async def verb(cloud: Cloud) -> list[tuple[Leftover, str]]:
        if not reclaim:
            return [(one, "left") for one in await tasks.leftovers(cloud, journal)]
        reclaimed = await tasks.reclaim_leftovers(cloud, journal)
        stuck.extend(reclaimed.left)
        return [(one, "removed") for one in reclaimed.removed] + [(one, f"FAILED: {one.why}") for one in reclaimed.left]

    def tell(done: Done[list[tuple[Leftover, str]]]) -> None:
        place = {"cloud": done.cloud.name, "region": done.cloud.region_name}
        for one, result in done.value:
            found.append({**place, "kind": one.kind, "id": one.id, "name": one.name, "result": result})

    code = await everywhere(where, verb, tell)
    how.show(found, ("cloud", "region", "kind", "id", "name", "result"), ())
    return code or (1 if stuck else 0)
