"""What aiocloud does, step by step, on the terminal."""

import asyncio

import aiocloud

aiocloud.enable_logging(debug=True)


async def main() -> None:
    async with aiocloud.connect(cloud="my-vexxhost", region_name="ca-ymq-1") as cloud:
        await cloud.get_image("Ubuntu 16.04.1 LTS [2017-03-03]")


asyncio.run(main())
