"""What users hold: one region of one cloud, its connection and (from `verbs`) every `{verb}_{noun}`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import anyio

from aiocloud.auth.token import Catalog, Named
from aiocloud.config.relogin import as_project, as_somebody_else
from aiocloud.config.schema import CloudConfig
from aiocloud.model import Location
from aiocloud.pretty import pformat
from aiocloud.services.base import ServiceProxy
from aiocloud.session import Options, Session
from aiocloud.transport.limits import Stats
from aiocloud.verbs import Verbs

__all__ = ["Cloud"]


class Cloud(Verbs):
    """One region of one cloud. Services are attributes; tasks are methods. `async with` closes it.

    Every method also works unbound, with the cloud as its first argument: that is what a fleet maps over many.
    """

    def __init__(self, session: Session, config: CloudConfig, options: Options, *, owner: bool = True) -> None:
        super().__init__(session, config, options)
        self._owner = owner

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections; of a view or a fleet's cloud nothing, since they are not its own."""
        if self._owner:
            with anyio.CancelScope(shield=True):
                await self.session.aclose()

    close = aclose

    # The connection

    async def authorize(self) -> str:
        """The token as text; logs in where needed. Raises AuthError, saying what to do."""
        return (await self.session.token(self.options.ends())).text

    def with_options(
        self,
        *,
        timeout: float | None = None,
        retries: int | None = None,
        strict: bool | None = None,
        global_request_id: str | None = None,
    ) -> Cloud:
        """A view of the same cloud, session and login, whose calls are made in another way.

        `timeout` is the deadline of a whole call in seconds; `retries` how often one may be sent again; `strict` reads
        only declared fields; `global_request_id` (`req-` and a UUID) is sent along, so that logs can be put together.
        """
        given = {"timeout": timeout, "retries": retries, "strict": strict, "global_request_id": global_request_id}
        changes: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
        return Cloud(self.session, self.config, dataclasses.replace(self.options, **changes), owner=False)

    def set_global_request_id(self, global_request_id: str) -> None:
        """From now on, send this id (`req-` and a UUID) along with every request of this view."""
        self.options = dataclasses.replace(self.options, global_request_id=global_request_id)
        for name in [name for name, value in vars(self).items() if isinstance(value, ServiceProxy)]:
            delattr(self, name)  # made anew with these options on next use

    def global_request(self, global_request_id: str) -> Cloud:
        """A view whose requests all carry this id (`req-` and a UUID)."""
        return self.with_options(global_request_id=global_request_id)

    def connect_as(self, **auth: Any) -> Cloud:
        """The same cloud and region as somebody else: keys of `auth` replaced, with a login of its own.

        Naming a user, project or domain by name drops an inherited id of it, and the other way round.
        """
        return self._relogin(as_somebody_else(self.config, auth))

    def connect_as_project(self, project: str | Mapping[str, Any]) -> Cloud:
        """The same user in another project, given by name, or as `{"id": ...}` or `{"name": ...}`."""
        return self._relogin(as_project(self.config, project))

    def _relogin(self, config: CloudConfig) -> Cloud:
        return Cloud(self.session.sibling(config), config, self.options, owner=True)

    async def service_catalog(self) -> Catalog:
        """The services of the cloud, in all its regions, as the login named them."""
        return (await self.session.token()).catalog

    async def current_project(self) -> Named | None:
        """The project that the login is for; None when it is for none."""
        return (await self.session.token()).project

    async def current_user(self) -> Named | None:
        """Who we are."""
        return (await self.session.token()).user

    async def current_location(self) -> Location:
        """Cloud, region and project."""
        await self.session.token()
        return self.session.location(self.region_name)

    async def endpoint_for(
        self, service_type: str, interface: str | None = None, region_name: str | None = None
    ) -> str | None:
        """Where the configuration, or else the catalog, says that a service is, or None."""
        wanted = self.config.service(service_type)
        changes: dict[str, Any] = {}
        if interface:
            changes["interface"] = (interface,)
        if region_name:
            changes["region_name"] = region_name
        return await self.session.catalog_url(dataclasses.replace(wanted, **changes))

    async def get_session_endpoint(
        self, service_key: str, min_version: str | None = None, max_version: str | None = None
    ) -> str | None:
        """The URL at which a service is called, its version chosen; None when there is none in these major versions."""
        if not await self.has_service(service_key):
            return None
        found = await self.endpoint(service_key).service()
        least, most = (int(v.split(".")[0]) if v else None for v in (min_version, max_version))
        major = found.version.major if found.version else None
        if major is not None and ((least is not None and major < least) or (most is not None and major > most)):
            return None
        return found.url

    def stats(self) -> Mapping[str, Stats]:
        """What each service of this region was asked: requests, repetitions, seconds spent waiting for a limit."""
        stats = self.session.stats()
        return {str(kind): stat for (_, region, kind), stat in stats.items() if region in (self.region_name, None)}

    def get_name(self) -> str:
        """The cloud's name."""
        return self.name

    def pformat(self, resource: Any) -> str:
        """A resource, or a list of them, for people to read."""
        return pformat(resource)

    def pprint(self, resource: Any) -> None:
        """Print a resource, or a list of them, for people to read."""
        print(pformat(resource))  # noqa: T201 - what it is for
