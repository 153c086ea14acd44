"""Queues and what is in them. API: https://docs.openstack.org/api-ref/message/"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Unpack

from aiocloud._http import httpx
from aiocloud._json import load_json, mapping, mappings
from aiocloud.collection import Listing
from aiocloud.endpoint import Endpoint
from aiocloud.model import NullAs, Place, Resource, Text, Which, Wire, read_one
from aiocloud.paths import join
from aiocloud.rest import Told
from aiocloud.services.base import ServiceProxy


class ClientEndpoint(Endpoint):
    """An endpoint whose requests say which client they are from: Zaqar does not echo a client's own messages."""

    client_id: str = ""

    @classmethod
    def of(cls, endpoint: Endpoint, client_id: str) -> ClientEndpoint:
        """The same endpoint, for this client."""
        made = cls(endpoint.session, endpoint.config, endpoint.service_type, endpoint.options)
        made.client_id = client_id
        return made

    def at(self, *names: str) -> ClientEndpoint:
        """The same service below a path, for the same client."""
        made = ClientEndpoint(self.session, self.config, self.service_type, self.options, self.prefix + join(*names))
        made.client_id = self.client_id
        return made

    async def request(self, method: str, path: str, **how: Unpack[Told]) -> httpx.Response:
        """As `Endpoint.request`."""
        how["headers"] = {"Client-ID": self.client_id, **(how.get("headers") or {})}
        return await super().request(method, path, **how)


class Queue(Resource):
    """Its name is its id. API: https://docs.openstack.org/api-ref/message/#list-queues"""

    place: ClassVar[Place] = Place("/queues", many="queues", by_name="id")

    id: Annotated[Text, Wire("name")] = ""
    name: Text = ""
    href: str | None = None
    description: str | None = None
    metadata: Annotated[dict[str, Any], NullAs({})] = {}
    default_message_ttl: Annotated[int | None, Wire("_default_message_ttl")] = None
    """Seconds."""
    max_messages_post_size: Annotated[int | None, Wire("_max_messages_post_size")] = None
    """Bytes."""


class Message(Resource):
    """API: https://docs.openstack.org/api-ref/message/#messages-messages"""

    place: ClassVar[Place] = Place("/messages", many="messages", by_name="list")

    body: Any = None
    ttl: int | None = None
    """Seconds."""
    age: int | None = None
    """Seconds."""
    href: str | None = None
    claim_id: str | None = None
    claim_count: int | None = None


class Subscription(Resource):
    """Who is told of messages. API: https://docs.openstack.org/api-ref/message/#subscriptions-subscriptions"""

    place: ClassVar[Place] = Place("/subscriptions", many="subscriptions", by_name="list")

    id: Annotated[Text, Wire("id", "subscription_id")] = ""
    source: str | None = None
    subscriber: str | None = None
    ttl: int | None = None
    age: int | None = None
    options: Annotated[dict[str, Any], NullAs({})] = {}
    confirmed: bool | None = None


class Queues(Listing[Queue]):
    """The queues of a project, and what is in each."""

    async def create(self, name: str, metadata: Mapping[str, Any] | None = None) -> Queue:
        """Make a queue. API: https://docs.openstack.org/api-ref/message/#create-queue"""
        await self.endpoint.put(join("queues", name), json=dict(metadata or {}))
        strict, origin = self.endpoint.options.strict, self.endpoint.location
        return read_one(Queue, {"name": name, **(metadata or {})}, strict=strict, origin=origin, where="/queues")

    async def delete(self, name_or_id: Which) -> None:
        """Remove a queue with its messages; nothing happens when it is not there."""
        await self.endpoint.delete(join("queues", self._id(name_or_id)))

    def messages(self, queue: Which) -> Listing[Message]:
        """The messages of a queue, without removing them."""
        return Listing(self.endpoint.at("queues", self._id(queue)), Message)

    def subscriptions(self, queue: Which) -> Listing[Subscription]:
        """Who is told of a queue's messages."""
        return Listing(self.endpoint.at("queues", self._id(queue)), Subscription)

    async def post(self, queue: Which, messages: Sequence[Mapping[str, Any]]) -> list[str]:
        """Put messages, each with `body` and `ttl`, into a queue, and give their ids. API: https://docs.openstack.org/api-ref/message/#post-message"""
        path = join("queues", self._id(queue), "messages")
        body = {"messages": [dict(message) for message in messages]}
        answer = mapping(load_json((await self.endpoint.post(path, json=body)).content, path))
        made: list[Any] = answer.get("resources") or []
        return [str(href).rpartition("/")[2] for href in made]

    async def claim(self, queue: Which, *, ttl: int = 300, grace: int = 60, limit: int = 10) -> list[Message]:
        """Take messages out for `ttl` seconds; each is back afterwards unless it was deleted. API: https://docs.openstack.org/api-ref/message/#claim-messages"""
        path = join("queues", self._id(queue), "claims")
        response = await self.endpoint.post(path, json={"ttl": ttl, "grace": grace}, params={"limit": limit})
        rows = mappings(mapping(load_json(response.content or b"{}", path)).get("messages"))
        strict, origin = self.endpoint.options.strict, self.endpoint.location
        return [read_one(Message, row, strict=strict, origin=origin, where=path) for row in rows]

    async def delete_message(self, queue: Which, message_id: str, claim_id: str | None = None) -> None:
        """Remove a message; one that is claimed with its claim. API: https://docs.openstack.org/api-ref/message/#delete-a-specific-message"""
        params = {"claim_id": claim_id} if claim_id else None
        await self.endpoint.delete(join("queues", self._id(queue), "messages", message_id), params=params)


class Messaging(ServiceProxy):
    """Messages in queues. This proxy is one client, with an id of its own."""

    def __init__(self, endpoint: Endpoint) -> None:
        client = ClientEndpoint.of(endpoint, str(uuid.uuid4()))
        super().__init__(client)
        self.queues = Queues(client, Queue)
