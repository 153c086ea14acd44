"""The object store's collections."""

from __future__ import annotations

from aiocloud.endpoint import Endpoint
from aiocloud.model import Which, text_of
from aiocloud.services.base import ServiceProxy
from aiocloud.services.object_store.account import Accounts
from aiocloud.services.object_store.capabilities import Capabilities, capabilities
from aiocloud.services.object_store.container import Container, Containers, EditContainer, NewContainer
from aiocloud.services.object_store.object import Objects

__all__ = ["ObjectStore"]


class ObjectStore(ServiceProxy):
    """Containers, and the objects in each."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.account = Accounts(endpoint)
        self.containers = Containers(endpoint, Container, NewContainer, EditContainer)

    def objects(self, container: Which) -> Objects:
        """The objects in a container. Raises InvalidRequest for a name that no container can have."""
        return Objects(self.endpoint, text_of(container, "container", "name", "id"))

    async def capabilities(self) -> Capabilities:
        """What this Swift can do and its limits, asked for once."""
        return await capabilities(self.endpoint)
