"""A file becomes an object, in as many pieces as this cloud's limits ask for."""

import asyncio

import aiocloud

aiocloud.enable_logging(debug=True)


async def main() -> None:
    async with aiocloud.connect(cloud="ovh", region_name="SBG1") as cloud:
        await cloud.create_object(container="my-container", name="my-object", filename="briarcliff.sh3d")
        await cloud.delete_object("my-container", "my-object")
        await cloud.delete_container("my-container")


asyncio.run(main())
