"""How much is asked about a server: everything, its addresses, or nothing more."""

import asyncio

import aiocloud

aiocloud.enable_logging(debug=True)


async def main() -> None:
    async with aiocloud.connect(cloud="my-citycloud", region_name="Buf1") as cloud:
        try:
            server = await cloud.create_server(
                "my-server",
                image="Ubuntu 16.04 Xenial Xerus",
                flavor=dict(id="0dab10b5-42a2-438e-be7b-505741a7ffcc"),
                wait=True,
                auto_ip=True,
            )
            print("\n\nFull Server\n\n")
            cloud.pprint(await cloud.get_server(server.id, detailed=True))
            print("\n\nTurn Detailed Off\n\n")
            cloud.pprint(await cloud.get_server("my-server", detailed=False))
            print("\n\nBare Server\n\n")
            cloud.pprint(await cloud.get_server("my-server", bare=True))
        finally:
            # Delete it - this is a demo
            await cloud.delete_server("my-server", wait=True, delete_ips=True)


asyncio.run(main())
