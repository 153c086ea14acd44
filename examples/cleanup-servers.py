"""Sometimes example code has bugs: take away every `my-server`, on three clouds at once."""

import asyncio

import aiocloud
from aiocloud import Cloud

# Initialize and turn on debug logging
aiocloud.enable_logging(debug=True)


async def cleanup(cloud: Cloud) -> int:
    servers = await cloud.search_servers("my-server")
    for server in servers:
        await cloud.delete_server(server, wait=True, delete_ips=True)
    return len(servers)


async def main() -> None:
    clouds = [
        ("my-vexxhost", "ca-ymq-1"),
        ("my-citycloud", "Buf1"),
        ("my-internap", "ams01"),
    ]
    async with aiocloud.connect_all(clouds) as fleet:
        outcomes = await fleet.map(cleanup)
        print(sum(outcomes.values), "deleted")
        outcomes.raise_failed()


asyncio.run(main())
