"""One piece of work: a verb, where, and with what. As the asker writes it down and the worker finds it."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import anyio

from aiocloud.auth.store import store_key
from aiocloud.cloud import Cloud
from aiocloud.distributed.packing import pack, unpack
from aiocloud.errors import ConfigError, InvalidRequest
from aiocloud.fleet import Fleet

__all__ = ["Work"]

# Logins that nobody is anybody in.
_NOBODY = ("none", "noauth")


@dataclasses.dataclass(frozen=True)
class Work:
    """A verb for one region of one cloud."""

    verb: str
    cloud: str
    region: str | None
    login: str
    """Who is asking, as a hash without secrets: the worker must be the same."""
    options: dict[str, Any]
    args: list[Any]
    kwargs: dict[str, Any]
    seconds: float | None
    """How long it may take, counted from its beginning: machines' clocks differ."""

    @classmethod
    def of(cls, verb: str, cloud: Cloud, args: tuple[Any, ...], kwargs: dict[str, Any], *, bounded: bool) -> Work:
        """What is asked for. Raises InvalidRequest for what can't travel, `bounded`: until the caller's deadline."""
        login = _login(cloud)
        if login is None:
            raise InvalidRequest(
                f"{verb}: a worker logs in by its own clouds.yaml, and whether that is who you are here can't be told for "
                f"the auth type {cloud.config.auth_type!r}",
                cloud=cloud.name,
                region=cloud.region_name,
            )
        left = anyio.current_effective_deadline() - anyio.current_time() if bounded else math.inf
        return cls(
            verb=verb,
            cloud=cloud.name,
            region=cloud.region_name,
            login=login,
            options=dataclasses.asdict(cloud.options),
            args=[_packed(f"argument {nth}", arg) for nth, arg in enumerate(args, 1)],
            kwargs={name: _packed(f"{name}=", value) for name, value in kwargs.items()},
            seconds=None if left == math.inf else max(0.0, left),
        )

    def cloud_of(self, fleet: Fleet) -> Cloud:
        """Where the worker does it. Raises ConfigError where it has no such cloud, or is somebody else there."""
        try:
            cloud = fleet[self.cloud, self.region]
        except KeyError:
            there = ", ".join(each.where for each in fleet)
            raise ConfigError(
                f"the worker's configuration has no such cloud and region; it has {there or 'none'}",
                cloud=self.cloud,
                region=self.region,
            ) from None
        if _login(cloud) != self.login:
            raise ConfigError(
                "the worker logs in as somebody else than the asker: give both the same user and project in clouds.yaml "
                "(what `connect_as` makes can't be sent to workers)",
                cloud=self.cloud,
                region=self.region,
            )
        return cloud.with_options(**self.options)

    def arguments(self) -> tuple[list[Any], dict[str, Any]]:
        """What the verb is called with, after its cloud."""
        return unpack(self.args), {name: unpack(value) for name, value in self.kwargs.items()}


def _packed(where: str, value: object) -> Any:
    try:
        return pack(value)
    except InvalidRequest as error:
        raise InvalidRequest(f"{where}: {error.message}") from None


def _login(cloud: Cloud) -> str | None:
    kind = cloud.config.auth_type.removeprefix("v3")
    return kind if kind in _NOBODY else store_key(cloud.config)
