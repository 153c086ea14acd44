"""A resource reads like an object and like a dict."""

import asyncio

import aiocloud

aiocloud.enable_logging(debug=True)


async def main() -> None:
    async with aiocloud.connect(cloud="zetta", region_name="no-osl1") as cloud:
        image = await cloud.get_image("Ubuntu 14.04 (AMD64) [Local Storage]")
        assert image is not None
        print(image.name)
        print(image["name"])


asyncio.run(main())
