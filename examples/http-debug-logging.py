"""Every request and every answer on the terminal, secrets masked."""

import asyncio

import aiocloud

aiocloud.enable_logging(http_debug=True)


async def main() -> None:
    async with aiocloud.connect(cloud="my-vexxhost", region_name="ca-ymq-1") as cloud:
        await cloud.get_image("Ubuntu 16.04.1 LTS [2017-03-03]")


asyncio.run(main())
