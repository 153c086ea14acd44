"""Collections whose resources are changed by a JSON Patch. https://datatracker.ietf.org/doc/html/rfc6902"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Generic, ParamSpec, TypeVar

from aiocloud.collection import Collection
from aiocloud.model import Resource, Which, build
from aiocloud.paths import join

__all__ = ["Patched", "patch_of"]

R = TypeVar("R", bound=Resource)
New = ParamSpec("New")
Edit = ParamSpec("Edit")


def patch_of(changes: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The patch that makes these top-level fields so; None removes one."""
    return [
        {"op": "remove", "path": f"/{name}"} if value is None else {"op": "add", "path": f"/{name}", "value": value}
        for name, value in changes.items()
    ]


class Patched(Collection[R, New, Edit], Generic[R, New, Edit]):
    """Resources that are changed by a patch."""

    async def update(self, name_or_id: Which, *args: Edit.args, **kwargs: Edit.kwargs) -> R:
        """Change it, and give its new state: None, given, removes a field. Raises NotFound or InvalidRequest."""
        return await self.patch(name_or_id, patch_of(build(self._edit, *args, **kwargs).body()))

    async def patch(self, name_or_id: Which, patch: Sequence[Mapping[str, Any]]) -> R:
        """Change it by a patch of one's own: `[{"op": "replace", "path": "/extra/rack", "value": 7}]`."""
        place = self.resource.place
        path = place.path + join(await self.id_of(name_or_id))
        body = [dict(step) for step in patch]
        return self._read(await self.endpoint.patch(path, json=body, microversion=place.microversion))
