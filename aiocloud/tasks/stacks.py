"""Stacks. API: https://docs.openstack.org/api-ref/orchestration/v1/#stacks"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from aiocloud.collection import Query
from aiocloud.errors import InvalidRequest, NotFound, ResourceFailed
from aiocloud.match import matches
from aiocloud.model import Which, read_one, text_of
from aiocloud.paths import join
from aiocloud.progress import OnProgress, watched
from aiocloud.region import Region
from aiocloud.services.orchestration.stack import Stack
from aiocloud.tasks.lookup import given
from aiocloud.tasks.templates import get_template_contents, merge_environments

__all__ = ["create_stack", "delete_stack", "get_stack", "list_stacks", "search_stacks", "update_stack"]


async def create_stack(
    cloud: Region,
    name: str,
    tags: str | Sequence[str] | None = None,
    template_file: str | os.PathLike[str] | None = None,
    template_url: str | None = None,
    template_object: str | Mapping[str, Any] | None = None,
    files: Mapping[str, str] | None = None,
    rollback: bool = True,
    wait: bool = False,
    timeout: float = 3600,
    environment_files: Sequence[str | os.PathLike[str]] | None = None,
    *,
    progress: OnProgress = None,
    **parameters: Any,
) -> Stack:
    """Make a stack from a template: a file on this machine, with all that it names, or a URL that Heat fetches.

    `parameters` are the template's own. `wait` is until it is complete, at most `timeout` seconds, which is also the time
    that Heat gives itself. With `rollback` a stack that fails is taken back by Heat. Raises ResourceFailed with Heat's
    words, Timeout, InvalidRequest.
    """
    body = await _body(
        cloud,
        tags,
        template_file,
        template_url,
        template_object,
        files,
        rollback,
        timeout,
        environment_files,
        parameters,
    )
    made = await cloud.orchestration.stacks.create(name=name, **body)
    return await _wait(cloud, name, made.id, "CREATE", timeout, progress) if wait else await _get(cloud, name)


async def _body(
    cloud: Region,
    tags: str | Sequence[str] | None,
    template_file: str | os.PathLike[str] | None,
    template_url: str | None,
    template_object: str | Mapping[str, Any] | None,
    files: Mapping[str, str] | None,
    rollback: bool,
    timeout: float,
    environment_files: Sequence[str | os.PathLike[str]] | None,
    parameters: Mapping[str, Any],
) -> dict[str, Any]:
    found, template = await get_template_contents(cloud, template_file, template_url, template_object, files)
    return given(
        template=template,
        template_url=template_url,
        files=found or None,
        environment=await merge_environments([*environment_files]) if environment_files else None,
        parameters=dict(parameters),
        disable_rollback=not rollback,
        timeout_mins=max(1, int(timeout // 60)),
        tags=tags if tags is None or isinstance(tags, str) else ",".join(tags),
    )


async def update_stack(
    cloud: Region,
    name_or_id: Which,
    template_file: str | os.PathLike[str] | None = None,
    template_url: str | None = None,
    template_object: str | Mapping[str, Any] | None = None,
    files: Mapping[str, str] | None = None,
    rollback: bool = True,
    tags: str | Sequence[str] | None = None,
    wait: bool = False,
    timeout: float = 3600,
    environment_files: Sequence[str | os.PathLike[str]] | None = None,
    *,
    progress: OnProgress = None,
    **parameters: Any,
) -> Stack:
    """Change a stack to what a template and all its parameters, given anew, describe. Arguments as of `create_stack`."""
    stack = await cloud.orchestration.stacks.require(name_or_id)
    body = await _body(
        cloud,
        tags,
        template_file,
        template_url,
        template_object,
        files,
        rollback,
        timeout,
        environment_files,
        parameters,
    )
    before = stack.updated_at
    updated = await cloud.orchestration.stacks.update(stack, **body)
    return await _wait(cloud, stack.name, stack.id, "UPDATE", timeout, progress, before) if wait else updated


async def _get(cloud: Region, name_or_id: str, resolve_outputs: bool = True) -> Stack:
    if resolve_outputs:
        return await cloud.orchestration.stacks.get(name_or_id)
    response = await cloud.orchestration.get(join("stacks", name_or_id), params={"resolve_outputs": False})
    options, origin = cloud.options, cloud.orchestration.endpoint.location
    return read_one(Stack, response.content, strict=options.strict, origin=origin, where="/stacks")


async def _wait(
    cloud: Region,
    name: str,
    stack_id: str,
    action: str,
    timeout: float,
    progress: OnProgress,
    before: str | None = None,
) -> Stack:
    """Until it is complete. A stack's state stays that of its last action until the next has begun."""

    def done(stack: Stack | None) -> bool:
        if stack is None:
            raise ResourceFailed(f"stack {name} disappeared", cloud=cloud.name, region=cloud.region_name)
        begun = action == "CREATE" or stack.updated_at != before
        if begun and (stack.status.endswith("_FAILED") or stack.status == "ROLLBACK_COMPLETE"):
            raise _failed(cloud, stack, f"stack {name} is {stack.status}: {stack.status_reason}")
        return begun and stack.status == f"{action}_COMPLETE"

    stacks = cloud.orchestration.stacks
    what = f"{action.lower()} of stack {name}"
    await stacks.poll.wait(stack_id, watched(progress, f"stack {name}", done), what=what, timeout=timeout, goal=action)
    # A listing leaves out its outputs.
    return await stacks.get({"name": name, "id": stack_id})


def _failed(cloud: Region, stack: Stack, why: str) -> ResourceFailed:
    error = ResourceFailed(why, cloud=cloud.name, region=cloud.region_name, service="orchestration")
    error.resource = stack
    return error


async def get_stack(
    cloud: Region, name_or_id: Which, filters: Mapping[str, Any] | None = None, resolve_outputs: bool = True
) -> Stack | None:
    """The stack with this name or id, or None. Without `resolve_outputs` Heat leaves its outputs out, which is faster."""
    text = text_of(name_or_id, "stack", "name", "id")
    if not text:
        raise InvalidRequest(f"{name_or_id!r} does not say which stack is meant")
    try:
        found = await _get(cloud, text, resolve_outputs)
    except NotFound:
        return None
    if found.status == "DELETE_COMPLETE":  # Heat still knows a deleted stack by its id
        return None
    return found if matches(found, filters or {}) else None


async def list_stacks(cloud: Region, **query: Query) -> list[Stack]:
    """All stacks of the project; `query` goes to the service."""
    return await cloud.orchestration.stacks.list(query)


async def search_stacks(
    cloud: Region, name_or_id: str | None = None, filters: Mapping[str, Any] | None = None
) -> list[Stack]:
    """The stacks with this name, id or shell pattern, and for which all filters hold."""
    return await cloud.orchestration.stacks.search(name_or_id, filters)


async def delete_stack(
    cloud: Region, name_or_id: Which, wait: bool = False, timeout: float = 3600, *, progress: OnProgress = None
) -> bool:
    """Remove a stack with all that it made: True, or False when it was not there.

    `wait` is until it is gone, at most `timeout` seconds. Raises ResourceFailed with Heat's words when that fails.
    """
    stack = await get_stack(cloud, name_or_id, resolve_outputs=False)
    if stack is None or not await cloud.orchestration.stacks.delete(stack):
        return False
    if not wait:
        return True

    def gone(seen: Stack | None) -> bool:
        if seen is not None and seen.status == "DELETE_FAILED":
            raise _failed(cloud, seen, f"stack {stack.name} could not be removed: {seen.status_reason}")
        # Heat still knows a deleted stack by its id.
        return seen is None or seen.status == "DELETE_COMPLETE"

    what = f"removal of stack {stack.name}"
    await cloud.orchestration.stacks.poll.wait(
        stack.id,
        watched(progress, f"stack {stack.name}", gone),
        what=what,
        timeout=timeout,
        goal="gone",
        absent_is_gone=True,
    )
    return True
