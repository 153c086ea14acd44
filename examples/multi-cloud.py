"""The talk's whole program: an image, a flavor and a reachable server, on three clouds at once."""

import asyncio

import aiocloud
from aiocloud import Cloud
from aiocloud.services.compute.server import Server

# Initialize and turn on debug logging
aiocloud.enable_logging(debug=True)


async def boot(cloud: Cloud) -> Server:
    # Upload an image to the cloud
    image = await cloud.create_image("devuan-jessie", filename="devuan-jessie.qcow2", wait=True)

    # Find a flavor with at least 512M of RAM
    flavor = await cloud.get_flavor_by_ram(512)

    # Boot a server, wait for it to boot, and then do whatever is needed
    # to get a public ip for it.
    return await cloud.create_server("my-server", image=image, flavor=flavor, wait=True, auto_ip=True)


async def main() -> None:
    clouds = [
        ("my-vexxhost", "ca-ymq-1"),
        ("my-citycloud", "Buf1"),
        ("my-internap", "ams01"),
    ]
    async with aiocloud.connect_all(clouds) as fleet:
        outcomes = await fleet.map(boot)
        for server in outcomes.values:
            print(server.location.cloud, server.name, server.public_v4)
        outcomes.raise_failed()


asyncio.run(main())
