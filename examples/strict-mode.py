"""Strict: the declared fields and nothing else."""

import asyncio

import aiocloud

aiocloud.enable_logging()


async def main() -> None:
    async with aiocloud.connect(cloud="fuga", region_name="cystack", strict=True) as cloud:
        image = await cloud.get_image("Ubuntu 16.04 LTS - Xenial Xerus - 64-bit - Fuga Cloud Based Image")
        cloud.pprint(image)


asyncio.run(main())
