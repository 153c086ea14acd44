"""`via`: a flat verb of `Cloud` that leads to a collection's verb, signature and all."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from inspect import Parameter, Signature
from types import MethodType
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, cast, overload

from aiocloud.endpoint import Endpoint
from aiocloud.model import Spec
from aiocloud.region import Region

__all__ = ["via"]

P = ParamSpec("P")
T = TypeVar("T")


class via(Generic[P, T]):  # noqa: N801 - reads as a word: list_networks = via(lambda r: r.network.networks.list)
    """`list_networks = via(lambda region: region.network.networks.list)`.

    On a cloud it is that collection's method; on the class (`Cloud.list_networks`) a function whose first argument is
    the cloud, which is what a fleet maps; what it says of itself is the method's.
    """

    def __init__(self, pick: Callable[[Region], Callable[P, T]]) -> None:
        self._pick = pick
        self.__name__ = "via"

    def __set_name__(self, owner: type, name: str) -> None:
        self.__name__ = name

    @overload
    def __get__(self, cloud: None, owner: type) -> Callable[Concatenate[Any, P], T]: ...
    @overload
    def __get__(self, cloud: Region, owner: type) -> Callable[P, T]: ...
    def __get__(self, cloud: Region | None, owner: type) -> Callable[..., T]:
        if cloud is not None:
            return self._pick(cloud)
        pick = self._pick

        def unbound(cloud: Region, /, *args: P.args, **kwargs: P.kwargs) -> T:
            return pick(cloud)(*args, **kwargs)

        unbound.__name__ = self.__name__
        unbound.__qualname__ = f"{owner.__name__}.{self.__name__}"
        method = pick(_NOWHERE)
        unbound.__doc__ = method.__doc__
        unbound.__annotations__ = {}
        vars(unbound)["__signature__"] = _signature(method)
        return unbound


class _Nowhere(Region):
    """A region whose services lead nowhere: their collections can be looked at, not asked."""

    def __init__(self) -> None:
        pass

    def endpoint(self, service_type: str) -> Endpoint:
        return cast("Endpoint", service_type)


_NOWHERE = _Nowhere()


def _signature(method: Callable[..., Any]) -> Signature:
    """The method's, after a cloud; what it makes or changes something of, argument by argument."""
    told = inspect.signature(method)
    collection: Any = cast("MethodType", method).__self__
    first = Parameter("cloud", Parameter.POSITIONAL_ONLY, annotation=Region)
    returned = re.sub(r"\bR\b", collection.resource.__name__, str(told.return_annotation))
    return told.replace(parameters=[first, *_spelled(collection, told)], return_annotation=returned)


def _spelled(collection: object, told: Signature) -> Iterator[Parameter]:
    specs = {"New.args": "_new", "Edit.args": "_edit"}
    for parameter in told.parameters.values():
        spec = specs.get(str(parameter.annotation))
        if spec is not None:
            yield from _fields(getattr(collection, spec))
        elif parameter.annotation not in ("New.kwargs", "Edit.kwargs"):
            yield parameter


def _fields(spec: type[Spec]) -> Iterator[Parameter]:
    for name, field in spec.model_fields.items():
        default = Parameter.empty if field.is_required() else field.get_default()
        yield Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=field.annotation)
