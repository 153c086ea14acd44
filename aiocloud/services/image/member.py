"""Who an image is shared with, and what is being done to it. API: https://docs.openstack.org/api-ref/image/v2/#sharing"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Generic, ParamSpec

from aiocloud.collection import Creatable
from aiocloud.model import Place, Resource, Spec, Text, Which, Wire
from aiocloud.paths import join

__all__ = ["ImageTask", "Member", "Members", "NewMember"]

New = ParamSpec("New")


class Member(Resource):
    """A project that an image is shared with, and whether it wants that: pending, accepted or rejected."""

    place: ClassVar[Place] = Place("/members", many="members", by_name="id")

    id: Annotated[Text, Wire("member_id", "member")] = ""
    member_id: Annotated[Text, Wire("member_id", "member")] = ""
    image_id: str = ""
    status: str = ""
    created_at: str | None = None
    updated_at: str | None = None


class NewMember(Spec):
    """A project to share with."""

    member: str


class Members(Creatable[Member, New], Generic[New]):
    """The projects that one image is shared with."""

    async def answer(self, member: Which, status: str) -> Member:
        """Say as a member whether the image is wanted: accepted, rejected or pending."""
        path = self.resource.place.path + join(self._id(member))
        return self._read(await self.endpoint.put(path, json={"status": status}))


class ImageTask(Resource):
    """Something done to one image."""

    place: ClassVar[Place] = Place("/tasks", many="tasks", by_name="list")

    type: str = ""
    status: str = ""
    """pending, processing, success or failure."""
    message: Text = ""
    image_id: str | None = None
    request_id: str | None = None
    input: dict[str, Any] | None = None
    result: dict[str, Any] | None = None
    created_at: str | None = None
    updated_at: str | None = None
    expires_at: str | None = None
