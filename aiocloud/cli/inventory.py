"""`aiocloud inventory`: the servers of all clouds for Ansible (`ansible-inventory -i $(which ...)`), by its script protocol."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from aiocloud.cli.codes import USAGE
from aiocloud.cli.everywhere import complain, verdict
from aiocloud.cli.options import Where
from aiocloud.cli.output import to_json, write
from aiocloud.cloud import Cloud
from aiocloud.errors import CloudError
from aiocloud.fleet import Done
from aiocloud.services.compute.server import Server
from aiocloud.tasks.inventory import inventory_of

__all__ = ["inventory"]


async def inventory(
    *,
    list_: Annotated[
        bool, Parameter(name="--list", negative="", help="All hosts, their groups and variables.")
    ] = False,
    host: Annotated[str | None, Parameter(help="The variables of one host.")] = None,
    partial: Annotated[
        bool, Parameter(negative="", help="Exit with 0 although some clouds failed: Ansible reads nothing otherwise.")
    ] = False,
    where: Where | None = None,
) -> int:
    """Tell Ansible the servers of every cloud, or of those that --cloud names.

    Groups: cloud, region, availability zone, flavor, image, every metadata pair, and those that the metadata keys `group`
    and `groups` name.
    """
    where = (where or Where()).or_all
    if not list_ and host is None:
        complain(CloudError("say --list or --host NAME"))
        return USAGE
    found: list[tuple[Cloud, Server]] = []
    async with where.fleet() as fleet:
        outcomes = await fleet.map(Cloud.list_servers, detailed=True)
    for outcome in outcomes:
        if isinstance(outcome, Done):
            found += [(outcome.cloud, server) for server in outcome.value]
        else:
            complain(outcome.error)
    answer = inventory_of(found)
    write(to_json(answer if list_ else answer["_meta"]["hostvars"].get(host, {}), indent=2) + "\n")
    return 0 if partial and outcomes.done else verdict([failed.error for failed in outcomes.failed], len(outcomes))
