"""`via`: a flat verb of `Cloud` that leads to a collection's verb, signature and all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, overload

from aiocloud.region import Region

__all__ = ["via"]

P = ParamSpec("P")
T = TypeVar("T")


class via(Generic[P, T]):  # noqa: N801 - reads as a word: list_networks = via(lambda r: r.network.networks.list)
    """`list_networks = via(lambda region: region.network.networks.list)`.

    On a cloud it is that collection's method; on the class (`Cloud.list_networks`) a function whose first argument is
    the cloud, which is what a fleet maps. Nothing is looked up before it is called on a cloud.
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
        return unbound
