"""Stacks. API: https://docs.openstack.org/api-ref/orchestration/v1/#stacks"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Generic, ParamSpec

from aiocloud._json import load_json, mapping
from aiocloud.collection import Collection, Listing
from aiocloud.errors import NotFound
from aiocloud.model import NullAs, Place, Resource, Spec, Text, Which, Wire, build
from aiocloud.paths import join

__all__ = ["EditStack", "NewStack", "Stack", "StackEvent", "StackResource", "Stacks"]

New = ParamSpec("New")
Edit = ParamSpec("Edit")


class Stack(Resource):
    """Things that a template describes. API: https://docs.openstack.org/api-ref/orchestration/v1/#show-stack-details"""

    place: ClassVar[Place] = Place("/stacks", one="stack", many="stacks", by_name="id")

    name: Annotated[Text, Wire("stack_name")] = ""
    status: Annotated[Text, Wire("stack_status")] = ""
    """CREATE_IN_PROGRESS, CREATE_COMPLETE, CREATE_FAILED, UPDATE_..., DELETE_..., ROLLBACK_..."""
    status_reason: Annotated[Text, Wire("stack_status_reason")] = ""
    description: Text = ""
    template_description: Text = ""
    parameters: Annotated[dict[str, Any], NullAs({})] = {}
    outputs: Annotated[list[dict[str, Any]], NullAs([])] = []
    tags: Annotated[list[str], NullAs([])] = []
    capabilities: Annotated[list[str], NullAs([])] = []
    notification_topics: Annotated[list[str], NullAs([])] = []
    is_rollback_disabled: Annotated[bool | None, Wire("disable_rollback")] = None
    timeout_mins: int | None = None
    owner_id: Annotated[str | None, Wire("stack_owner")] = None
    parent_id: Annotated[str | None, Wire("parent")] = None
    project_id: Annotated[str | None, Wire("project")] = None
    user_project_id: Annotated[str | None, Wire("stack_user_project_id")] = None
    created_at: Annotated[str | None, Wire("creation_time")] = None
    updated_at: Annotated[str | None, Wire("updated_time")] = None
    deleted_at: Annotated[str | None, Wire("deletion_time")] = None
    links: list[dict[str, Any]] = []


class NewStack(Spec):
    """API: https://docs.openstack.org/api-ref/orchestration/v1/#create-stack"""

    name: Annotated[str, Wire("stack_name")]
    template: dict[str, Any] | str | None = None
    template_url: str | None = None
    files: dict[str, str] | None = None
    environment: dict[str, Any] | str | None = None
    environment_files: list[str] | None = None
    parameters: dict[str, Any] | None = None
    disable_rollback: bool | None = None
    timeout_mins: int | None = None
    tags: str | None = None
    """Separated by commas."""


class EditStack(Spec):
    """API: https://docs.openstack.org/api-ref/orchestration/v1/#update-stack"""

    template: dict[str, Any] | str | None = None
    template_url: str | None = None
    files: dict[str, str] | None = None
    environment: dict[str, Any] | str | None = None
    environment_files: list[str] | None = None
    parameters: dict[str, Any] | None = None
    disable_rollback: bool | None = None
    timeout_mins: int | None = None
    tags: str | None = None
    """Separated by commas."""


class StackResource(Resource):
    """One thing of a stack. API: https://docs.openstack.org/api-ref/orchestration/v1/#list-stack-resources"""

    place: ClassVar[Place] = Place("/resources", one="resource", many="resources", by_name="id")

    name: Annotated[Text, Wire("resource_name")] = ""
    resource_type: Text = ""
    logical_resource_id: str | None = None
    physical_resource_id: str | None = None
    status: Annotated[Text, Wire("resource_status")] = ""
    status_reason: Annotated[Text, Wire("resource_status_reason")] = ""
    required_by: Annotated[list[str], NullAs([])] = []
    attributes: dict[str, Any] | None = None
    description: str | None = None
    parent_resource: str | None = None
    created_at: Annotated[str | None, Wire("creation_time")] = None
    updated_at: Annotated[str | None, Wire("updated_time")] = None
    links: list[dict[str, Any]] = []


class StackEvent(Resource):
    """What happened to a stack. API: https://docs.openstack.org/api-ref/orchestration/v1/#list-stack-events"""

    place: ClassVar[Place] = Place("/events", one="event", many="events", by_name="list")

    resource_name: Text = ""
    resource_status: Text = ""
    resource_status_reason: Text = ""
    logical_resource_id: str | None = None
    physical_resource_id: str | None = None
    event_time: str | None = None
    links: list[dict[str, Any]] = []


class Stacks(Collection[Stack, New, Edit], Generic[New, Edit]):
    """The stacks of a project. Heat knows one by its name and id together; a name alone it answers with a redirect."""

    async def create_from(self, spec: Spec) -> Stack:
        """Begin to make one."""
        return self._read(await self.endpoint.post("/stacks", json=spec.body()))

    async def update(self, name_or_id: Which, *args: Edit.args, **kwargs: Edit.kwargs) -> Stack:
        """Begin to change it: the template and all parameters are given anew. Gives its state from now on."""
        body = build(self._edit, *args, **kwargs).body()
        await self.endpoint.put(await self._path(name_or_id), json=body)
        return await self.get(name_or_id)

    async def delete(self, name_or_id: Which, ignore_missing: bool = True) -> bool:
        """Begin to remove it with all that it made: True, or False when it was not there."""
        try:
            await self.endpoint.delete(await self._path(name_or_id))
        except NotFound:
            if not ignore_missing:
                raise
            return False
        return True

    async def _path(self, which: Which) -> str:
        if isinstance(which, Stack) and which.name and which.id:
            return join("stacks", which.name, which.id)
        found = await self.get(which)
        return join("stacks", found.name, found.id)

    def resources(self, stack: Stack) -> Listing[StackResource]:
        """What it is made of."""
        return Listing(self.endpoint.at("stacks", stack.name, stack.id), StackResource)

    def events(self, stack: Stack) -> Listing[StackEvent]:
        """What happened to it."""
        return Listing(self.endpoint.at("stacks", stack.name, stack.id), StackEvent)

    async def template(self, stack: Which) -> dict[str, Any]:
        """The template that it was made from. API: https://docs.openstack.org/api-ref/orchestration/v1/#get-stack-template"""
        path = await self._path(stack) + "/template"
        return dict(mapping(load_json((await self.endpoint.get(path)).content, path)))

    async def abandon(self, stack: Which) -> dict[str, Any]:
        """Forget it, leaving what it made. API: https://docs.openstack.org/api-ref/orchestration/v1/#abandon-stack"""
        path = await self._path(stack) + "/abandon"
        return dict(mapping(load_json((await self.endpoint.delete(path)).content, path)))

    async def action(self, stack: Which, name: str) -> None:
        """suspend, resume, check, cancel_update or cancel_without_rollback. API: https://docs.openstack.org/api-ref/orchestration/v1/#stack-actions"""
        await self.endpoint.post(await self._path(stack) + "/actions", json={name: None})
