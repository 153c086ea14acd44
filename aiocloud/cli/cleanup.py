"""`aiocloud cleanup`: what is in a project, and the end of it."""

from __future__ import annotations

import sys
from typing import Annotated

from cyclopts import Parameter

from aiocloud.cli.everywhere import everywhere
from aiocloud.cli.options import How, Where
from aiocloud.cli.output import Row
from aiocloud.cloud import Cloud
from aiocloud.errors import CloudError
from aiocloud.fleet import Done
from aiocloud.tasks.cleanup import Cleaned, project_cleanup

__all__ = ["cleanup"]


async def cleanup(
    *,
    dry_run: Annotated[bool, Parameter(negative="", help="Only say what would be removed.")] = False,
    yes: Annotated[bool, Parameter(name=["--yes", "-y"], negative="", help="Do not ask.")] = False,
    created_before: Annotated[str | None, Parameter(help="Only what is not younger: 2026-01-31T12:00:00Z.")] = None,
    skip: Annotated[
        list[str] | None,
        Parameter(help="Kinds to leave alone: compute.server, network.network, ...", negative_iterable=()),
    ] = None,
    wait_timeout: Annotated[float, Parameter(help="Seconds that each thing gets to be gone.")] = 120,
    where: Where | None = None,
    how: How | None = None,
) -> int:
    """Remove everything in the project that the login is for: servers, volumes, networks, images, containers and the rest.

    Without --dry-run it asks first, unless --yes is given. Keypairs and what other projects share are left alone.
    """
    where, how = where or Where(), how or How()
    how.check()
    if not dry_run and not yes:
        _ask(where)
    filters = {"created_at": created_before} if created_before else None
    found: list[Row] = []
    problems: list[CloudError] = []

    def tell(done: Done[list[Cleaned]]) -> None:
        place = {"cloud": done.cloud.name, "region": done.cloud.region_name} if where.many else {}
        for one in done.value:
            result = "would be removed" if dry_run else "removed"
            if one.error is not None:
                problems.append(one.error)
                result = f"FAILED: {one.error.message}"
            found.append(
                {**place, "kind": one.kind, "id": one.resource.id, "name": one.resource.name, "result": result}
            )

    async def verb(cloud: Cloud) -> list[Cleaned]:
        return await project_cleanup(
            cloud, dry_run=dry_run, wait_timeout=wait_timeout, filters=filters, skip_resources=skip
        )

    code = await everywhere(where, verb, tell)
    columns = [*(("cloud", "region") if where.many else ()), "kind", "id", "name", "result"]
    how.show(found, columns, ())
    return code or (1 if problems else 0)


def _ask(where: Where) -> None:
    if not sys.stdin.isatty():
        raise CloudError("this removes everything in the project: say --yes, or look first with --dry-run")
    meant = "every cloud" if where.all_clouds else where.cloud or "the default cloud"
    sys.stderr.write(f"Remove EVERYTHING in the project on {meant}? Type yes: ")
    sys.stderr.flush()
    if sys.stdin.readline().strip() != "yes":
        raise CloudError("nothing was removed")
