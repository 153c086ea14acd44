"""A server in every cloud, each made by whichever worker is free: `python ask.py web-1`."""

from __future__ import annotations

import asyncio
import sys

from work import broker, count, create_server  # type: ignore[import-not-found]

import aiocloud
from aiocloud import Done, Failed


async def main(name: str) -> None:
    await broker.startup()
    async with aiocloud.connect_all() as fleet:
        patient = fleet.with_options(timeout=600)
        async with patient.stream(
            create_server, name, image="cirros", flavor="m1.tiny", wait=True, auto_ip=True
        ) as outcomes:
            async for outcome in outcomes:
                match outcome:
                    case Done(cloud, server):
                        print(cloud.where, server.name, server.public_v4)
                    case Failed(cloud, error):
                        print(cloud.where, "failed:", error)
        for counted in await fleet.map(count, name):
            print(counted.cloud.where, counted.value if isinstance(counted, Done) else counted.error)
    await broker.shutdown()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
