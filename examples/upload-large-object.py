"""The default piece is 5 GB. This is a conference talk: force pieces of a million bytes, sent concurrently."""

import asyncio

import aiocloud

aiocloud.enable_logging(debug=True)


async def main() -> None:
    async with aiocloud.connect(cloud="ovh", region_name="SBG1") as cloud:
        await cloud.create_object(
            container="my-container", name="my-object", filename="briarcliff.sh3d", segment_size=1_000_000
        )
        await cloud.delete_object("my-container", "my-object")
        await cloud.delete_container("my-container")


asyncio.run(main())
