"""Ask a cloud what it has before using it."""

import asyncio

import aiocloud

aiocloud.enable_logging(debug=True)


async def main() -> None:
    async with aiocloud.connect(cloud="kiss", region_name="region1") as cloud:
        print(await cloud.has_service("network"))
        print(await cloud.has_service("container-orchestration"))


asyncio.run(main())
