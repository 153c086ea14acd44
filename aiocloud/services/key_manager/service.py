"""The key manager's collections, one line each."""

from __future__ import annotations

from aiocloud.collection import Creatable, Listing
from aiocloud.endpoint import Endpoint
from aiocloud.services.base import ServiceProxy
from aiocloud.services.key_manager.secret import (
    Container,
    NewContainer,
    NewOrder,
    NewSecret,
    Order,
    Secret,
    Secrets,
    SecretStore,
)


class KeyManager(ServiceProxy):
    """Secrets, and how they are made."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.secrets = Secrets(endpoint, Secret, NewSecret)
        self.containers = Creatable(endpoint, Container, NewContainer)
        self.orders = Creatable(endpoint, Order, NewOrder)
        self.secret_stores = Listing(endpoint, SecretStore)
