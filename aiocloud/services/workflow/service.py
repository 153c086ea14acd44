"""Workflows and their executions. API: https://docs.openstack.org/mistral/latest/api/v2.html"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from aiocloud._json import load_json, mapping, mappings
from aiocloud.collection import Creatable, Listing
from aiocloud.endpoint import Endpoint
from aiocloud.errors import NotFound
from aiocloud.model import Place, Resource, Spec, Text, Which, Wire, read_one
from aiocloud.paths import join
from aiocloud.services.base import ServiceProxy


class Workflow(Resource):
    """API: https://docs.openstack.org/mistral/latest/api/v2.html#workflows"""

    place: ClassVar[Place] = Place("/workflows", many="workflows")

    definition: str | None = None
    """In Mistral's language."""
    input: str | None = None
    namespace: str | None = None
    tags: list[str] | None = None
    scope: str | None = None
    project_id: str | None = None
    created_at: str | None = None
    updated_at: str | None = None


class Execution(Resource):
    """A workflow at work. API: https://docs.openstack.org/mistral/latest/api/v2.html#executions"""

    place: ClassVar[Place] = Place("/executions", many="executions", by_name="list")

    workflow_id: str | None = None
    workflow_name: str | None = None
    description: str | None = None
    status: Annotated[Text, Wire("state")] = ""
    """RUNNING, SUCCESS, ERROR, PAUSED, CANCELLED."""
    status_info: Annotated[str | None, Wire("state_info")] = None
    input: Any = None
    output: Any = None
    params: Any = None
    task_execution_id: str | None = None
    project_id: str | None = None
    created_at: str | None = None
    updated_at: str | None = None


class NewExecution(Spec):
    """API: https://docs.openstack.org/mistral/latest/api/v2.html#executions"""

    workflow_id: str | None = None
    workflow_name: str | None = None
    description: str | None = None
    input: dict[str, Any] | None = None
    params: dict[str, Any] | None = None


class CronTrigger(Resource):
    """What begins a workflow again and again. API: https://docs.openstack.org/mistral/latest/api/v2.html#cron-triggers"""

    place: ClassVar[Place] = Place("/cron_triggers", many="cron_triggers")

    workflow_id: str | None = None
    workflow_name: str | None = None
    workflow_input: Any = None
    workflow_params: Any = None
    pattern: str | None = None
    remaining_executions: int | None = None
    first_execution_time: str | None = None
    next_execution_time: str | None = None
    scope: str | None = None
    project_id: str | None = None
    created_at: str | None = None
    updated_at: str | None = None


class NewCronTrigger(Spec):
    """API: https://docs.openstack.org/mistral/latest/api/v2.html#cron-triggers"""

    name: str
    workflow_name: str | None = None
    workflow_id: str | None = None
    pattern: str | None = None
    workflow_input: dict[str, Any] | None = None
    workflow_params: dict[str, Any] | None = None
    remaining_executions: int | None = None
    first_execution_time: str | None = None


class Workflows(Listing[Workflow]):
    """The workflows of a project, made from text in Mistral's language."""

    async def create(self, definition: str, *, scope: str = "private") -> list[Workflow]:
        """Make all workflows of a definition."""
        return await self._write("POST", definition, scope)

    async def update(self, definition: str, *, scope: str = "private") -> list[Workflow]:
        """Change all workflows of a definition, found by their names."""
        return await self._write("PUT", definition, scope)

    async def _write(self, method: str, definition: str, scope: str) -> list[Workflow]:
        headers = {"Content-Type": "text/plain"}
        response = await self.endpoint.request(
            method, "/workflows", content=definition.encode(), params={"scope": scope}, headers=headers
        )
        rows = mappings(mapping(load_json(response.content, "/workflows")).get("workflows"))
        strict, origin = self.endpoint.options.strict, self.endpoint.location
        return [read_one(Workflow, row, strict=strict, origin=origin, where="/workflows") for row in rows]

    async def delete(self, name_or_id: Which, ignore_missing: bool = True) -> bool:
        """Remove it: True, or False when it was not there."""
        try:
            await self.endpoint.delete(join("workflows", self._id(name_or_id)))
        except NotFound:
            if not ignore_missing:
                raise
            return False
        return True


class WorkflowService(ServiceProxy):
    """Work in steps."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.workflows = Workflows(endpoint, Workflow)
        self.executions = Creatable(endpoint, Execution, NewExecution)
        self.cron_triggers = Creatable(endpoint, CronTrigger, NewCronTrigger)
