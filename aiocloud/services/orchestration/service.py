"""The orchestration service's collections, one line each."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from aiocloud._json import load_json, mapping
from aiocloud.collection import Creatable
from aiocloud.endpoint import Endpoint
from aiocloud.model import Place, Resource, Spec, Wire
from aiocloud.services.base import ServiceProxy
from aiocloud.services.orchestration.stack import EditStack, NewStack, Stack, Stacks


class SoftwareConfig(Resource):
    """API: https://docs.openstack.org/api-ref/orchestration/v1/#show-configuration-details"""

    place: ClassVar[Place] = Place("/software_configs", one="software_config", many="software_configs", by_name="list")

    group: str | None = None
    config: str | None = None
    inputs: list[dict[str, Any]] | None = None
    outputs: list[dict[str, Any]] | None = None
    options: dict[str, Any] | None = None
    created_at: Annotated[str | None, Wire("creation_time")] = None


class NewSoftwareConfig(Spec):
    """API: https://docs.openstack.org/api-ref/orchestration/v1/#create-configuration"""

    name: str
    group: str | None = None
    config: str | None = None
    inputs: list[dict[str, Any]] | None = None
    outputs: list[dict[str, Any]] | None = None
    options: dict[str, Any] | None = None


class Orchestration(ServiceProxy):
    """Stacks, and what they are configured with."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.stacks = Stacks(endpoint, Stack, NewStack, EditStack)
        self.software_configs = Creatable(endpoint, SoftwareConfig, NewSoftwareConfig)

    async def validate_template(
        self, template: dict[str, Any] | str, *, environment: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """What Heat makes of a template. Raises BadRequest when it is wrong. API: https://docs.openstack.org/api-ref/orchestration/v1/#validate-template"""
        body = {"template": template, **({"environment": environment} if environment else {})}
        return dict(mapping(load_json((await self.endpoint.post("/validate", json=body)).content, "/validate")))
