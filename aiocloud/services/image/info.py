"""Stores, import methods and tasks of the service. API: https://docs.openstack.org/api-ref/image/v2/#stores"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field

from aiocloud.model import Place, Resource, Spec, Text, Wire

__all__ = ["NewTask", "Store", "Task"]


class Store(Resource):
    """A place where content of images is kept."""

    place: ClassVar[Place] = Place("/info/stores", many="stores", by_name="list")

    description: str | None = None
    is_default: Annotated[bool, Wire("default")] = False
    is_read_only: Annotated[bool, Wire("read-only")] = False


class Task(Resource):
    """Work that the service does in the background, such as an import from Swift."""

    place: ClassVar[Place] = Place("/tasks", many="tasks", by_name="list")

    type: str = ""
    status: str = ""
    """pending, processing, success or failure."""
    message: Text = ""
    owner: str | None = None
    input: dict[str, Any] | None = None
    result: dict[str, Any] | None = None
    created_at: str | None = None
    updated_at: str | None = None
    expires_at: str | None = None


class NewTask(Spec):
    """Work to be done."""

    type: str = "import"
    input: dict[str, Any] = Field(default_factory=dict[str, Any])

    def body(self) -> dict[str, Any]:
        """Both, also when the default was meant."""
        return {"type": self.type, "input": self.input, **(self.extra_body or {})}
