"""The cloud that a story is told on: a fake one, or one of a clouds.yaml."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import aiocloud
from aiocloud import Cloud
from aiocloud.services.compute.flavor import Flavor
from aiocloud.services.compute.server import Server
from aiocloud.services.image.image import Image


@dataclass(frozen=True)
class Target:
    """How to reach one cloud, and the names that a story may use there."""

    name: str
    config: Path
    options: dict[str, Any] = field(default_factory=dict[str, Any])
    fake: bool = True
    big: int = 5_500_000
    """Bytes of the large object: small on the fake, the talk's 64 MB on a real cloud."""
    prefix: str = field(default_factory=lambda: f"aiocloud-{uuid.uuid4().hex[:10]}")

    def connect(self, **more: Any) -> Cloud:
        return aiocloud.connect(self.name, config_files=[self.config], **{**self.options, **more})


async def needs(cloud: Cloud, service: str) -> None:
    """Skip a story about a service that this cloud does not have."""
    if not await cloud.has_service(service):
        pytest.skip(f"{cloud.name} has no {service}")


async def hands_out_floating_ips(cloud: Cloud) -> bool:
    extensions = (await cloud.network.get("/extensions")).json()["extensions"]
    return "router" in {extension["alias"] for extension in extensions}


async def smallest_flavor(cloud: Cloud) -> Flavor:
    return min(await cloud.list_flavors(), key=lambda flavor: (flavor.ram, flavor.disk))


async def bootable_image(cloud: Cloud) -> Image:
    """The oldest image that can be booted: one that the cloud brings, not one that another story makes."""
    ready = [image for image in await cloud.list_images() if image.status == "active"]
    return min(ready, key=lambda image: str(image.created_at))


async def brought_network(cloud: Cloud) -> str:
    """The oldest network that a server can be in: Nova refuses to choose while other stories make some."""
    ready = [network for network in await cloud.list_networks() if not network.is_router_external or network.is_shared]
    return min(ready, key=lambda network: str(network.created_at)).id


@asynccontextmanager
async def server(cloud: Cloud, name: str, **arguments: Any) -> AsyncIterator[Server]:
    """A server for one story, gone afterwards with its addresses."""
    brought = {
        "image": await bootable_image(cloud),
        "flavor": await smallest_flavor(cloud),
        "network": await brought_network(cloud),
    }
    try:
        yield await cloud.create_server(name, wait=True, timeout=120, **{**brought, **arguments})
    finally:
        await cloud.delete_server(name, wait=True, delete_ips=True)
