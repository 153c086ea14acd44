"""Which images does this cloud have that sound like Ubuntu?"""

import asyncio

import aiocloud

aiocloud.enable_logging()


async def main() -> None:
    async with aiocloud.connect(cloud="fuga", region_name="cystack") as cloud:
        cloud.pprint([image for image in await cloud.list_images() if "ubuntu" in image.name.lower()])


asyncio.run(main())
