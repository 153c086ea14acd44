"""The modules of `aiocloud.tasks`, each imported when one of its tasks is first asked for.

For a type checker these are the modules themselves. A process that uploads one object imports neither what makes servers
nor the models of twenty services: that would cost it a second, and more memory than the upload.
"""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from aiocloud.region import Region
from aiocloud.tasks.placed import placed

if TYPE_CHECKING:
    from aiocloud.tasks import (  # noqa: I001 - sorted it would be 34 imports
        accelerators as accelerators,
        batches as batches,
        catalog as catalog,
        cleanup as cleanup,
        clusters as clusters,
        compute as compute,
        downloads as downloads,
        firewalls as firewalls,
        flavors as flavors,
        floating_ips as floating_ips,
        image_tasks as image_tasks,
        images as images,
        inventory as inventory,
        leftovers as leftovers,
        links as links,
        machines as machines,
        networks as networks,
        objects as objects,
        people as people,
        picking as picking,
        qos as qos,
        ranges as ranges,
        roles as roles,
        searching as searching,
        security_groups as security_groups,
        servers as servers,
        stacks as stacks,
        sync as sync,
        templates as templates,
        volume_copies as volume_copies,
        volumes as volumes,
        watching as watching,
        zones as zones,
    )
else:

    def __getattr__(name: str) -> _Module:
        if name.startswith("_"):
            raise AttributeError(f"module 'aiocloud.later' has no attribute {name!r}")
        return _Module(name)


class _Module:
    """A module of tasks that may not be imported yet."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, task: str) -> _Task:
        return _Task(self._name, task)


class _Task:
    """Stands in a class for a task until somebody asks for it; from then on the task itself stands there."""

    def __init__(self, module: str, task: str) -> None:
        self._module = module
        self._task = task

    def __set_name__(self, owner: type, name: str) -> None:
        self._owner = owner
        self._name = name

    def __get__(self, cloud: object, owner: type) -> Any:
        task = getattr(importlib.import_module(f"aiocloud.tasks.{self._module}"), self._task)
        verb = _saying_where(task) if inspect.iscoroutinefunction(task) else task
        setattr(self._owner, self._name, verb)
        return verb.__get__(cloud, owner)


def _saying_where(task: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """The task, whose errors say in which cloud and region they came about, those of its arguments too."""

    @functools.wraps(task)
    async def verb(cloud: Region, *args: Any, **kwargs: Any) -> Any:
        with placed(cloud):
            return await task(cloud, *args, **kwargs)

    return verb
