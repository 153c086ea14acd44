"""Image and flavor as text: a name or an id, each cloud has its own."""

import asyncio

import aiocloud

# Initialize and turn on debug logging
aiocloud.enable_logging(debug=True)


async def main() -> None:
    for cloud_name, region_name, image, flavor in [
        ("my-vexxhost", "ca-ymq-1", "Ubuntu 16.04.1 LTS [2017-03-03]", "v1-standard-4"),
        ("my-citycloud", "Buf1", "Ubuntu 16.04 Xenial Xerus", "4C-4GB-100GB"),
        ("my-internap", "ams01", "Ubuntu 16.04 LTS (Xenial Xerus)", "A1.4"),
    ]:
        # Initialize cloud
        async with aiocloud.connect(cloud=cloud_name, region_name=region_name) as cloud:
            # Boot a server, wait for it to boot, and then do whatever is needed
            # to get a public ip for it.
            server = await cloud.create_server("my-server", image=image, flavor=flavor, wait=True, auto_ip=True)
            print(server.name)
            print(server["name"])
            cloud.pprint(server)
            # Delete it - this is a demo
            await cloud.delete_server(server, wait=True, delete_ips=True)


asyncio.run(main())
