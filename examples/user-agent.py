"""Tell the cloud who is asking. A cloud with one region needs no region_name."""

import asyncio

import aiocloud

aiocloud.enable_logging(http_debug=True)


async def main() -> None:
    async with aiocloud.connect(cloud="datacentred", app_name="AmazingApp", app_version="1.0") as cloud:
        await cloud.list_networks()


asyncio.run(main())
