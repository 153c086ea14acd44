"""Sometimes a cloud is odd and finding out does not work: `has_network: false` in clouds.yaml has the last word."""

import asyncio

import aiocloud

aiocloud.enable_logging(debug=True)


async def main() -> None:
    async with aiocloud.connect(cloud="rax", region_name="DFW") as cloud:
        print(await cloud.has_service("network"))


asyncio.run(main())
