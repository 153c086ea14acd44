"""One service in one region: JSON in, JSON out, with the right URL, microversion, token and errors."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Unpack

import anyio

from aiocloud._http import httpx
from aiocloud._json import is_array
from aiocloud.complaint import error_from
from aiocloud.config.schema import CloudConfig
from aiocloud.discover import Discovered, negotiate
from aiocloud.discover import microversion as parse_microversion
from aiocloud.errors import HTTPError, InvalidRequest, RateLimited
from aiocloud.model import Location
from aiocloud.paths import join
from aiocloud.rest import Rest, Told
from aiocloud.session import Options, Session
from aiocloud.transport.body import as_stream
from aiocloud.transport.policy import retry_after
from aiocloud.transport.reading import read_bounded
from aiocloud.transport.redirects import is_redirect

__all__ = ["Endpoint"]

# The name that each service goes by in the OpenStack-API-Version header, where it is not its type.
# https://specs.openstack.org/openstack/api-sig/guidelines/microversion_specification.html
_MICROVERSION_NAMES = {"block-storage": "volume", "container-infrastructure-management": "container-infra"}
# Services that read a header of their own: Ironic and Manila only that one, Nova before 2.27.
_MICROVERSION_HEADERS = {
    "compute": "X-OpenStack-Nova-API-Version",
    "baremetal": "X-OpenStack-Ironic-API-Version",
    "shared-file-system": "X-OpenStack-Manila-API-Version",
}


class Endpoint(Rest):
    """One service in one region, seen with one set of options. Paths begin after the version: `/servers/detail`."""

    def __init__(
        self, session: Session, config: CloudConfig, service_type: str, options: Options, prefix: str = ""
    ) -> None:
        self.session = session
        self._config = config
        self.service_type = service_type
        self.options = options
        self.prefix = prefix

    @property
    def config(self) -> CloudConfig:
        """The region's configuration."""
        return self.session.known(self._config)

    def at(self, *names: str) -> Endpoint:
        """The same service below a path: `endpoint.at("servers", id)`."""
        return Endpoint(self.session, self.config, self.service_type, self.options, self.prefix + join(*names))

    def for_all(self) -> Endpoint:
        """The same endpoint, for what is asked on behalf of others too."""
        return Endpoint(self.session, self.config, self.service_type, self.options.for_all(), self.prefix)

    @property
    def location(self) -> Location:
        """Where everything that this endpoint answers is; the project as far as the login is known."""
        return self.session.location(self.config.region_name)

    async def service(self, deadline: float | None = None) -> Discovered:
        """The URL and microversions of the service, discovered once a session. Raises Unsupported when it has none."""
        ends = deadline if deadline is not None else self.options.ends()
        return await self.session.service(self.config, self.service_type, ends)

    async def url(self, path: str = "") -> str:
        """The full URL of a path."""
        return (await self.service()).url + self.prefix + path

    async def supports(self, microversion: str) -> bool:
        """Does the service know this microversion?"""
        service = await self.service()
        return service.maximum is not None and service.maximum >= parse_microversion(microversion)

    async def request(self, method: str, path: str, **how: Unpack[Told]) -> httpx.Response:
        """Send a request and read its answer (up to 64 MiB). Raises HTTPError, TransportError or Timeout."""
        return await self._send(method, path, how, stream=False)

    @asynccontextmanager
    async def stream(self, method: str, path: str, **how: Unpack[Told]) -> AsyncGenerator[httpx.Response]:
        """A request whose answer is read piece by piece inside the block. Raises as `request` does."""
        response = await self._send(method, path, how, stream=True)
        try:
            yield response
        finally:
            with anyio.CancelScope(shield=True):
                await response.aclose()

    async def _request(self, method: str, path: str, how: Told) -> httpx.Request:
        service = await self.service(how.get("deadline"))
        content = how.get("content")
        body_headers, body = as_stream(content) if content is not None else ({}, None)
        headers = self._headers(service, how.get("microversion"))
        try:
            request = httpx.Request(
                method,
                service.url + self.prefix + path,
                params=_params(how.get("params") or {}),
                headers={**headers, **body_headers, **(how.get("headers") or {})},
                json=how.get("json"),
                stream=body,
            )
        except UnicodeEncodeError as error:  # of bytes that were no text, in a shell's argument say
            bad = error.object[error.start : error.end]
            raise InvalidRequest(
                f"{error.object[:200]!r} can't be sent: {bad!r} is no character that {error.encoding} has"
            ) from None
        # The library leaves it out of a request with a stream.
        request.headers.setdefault("Host", request.url.netloc.decode("ascii"))
        return request

    async def _send(self, method: str, path: str, how: Told, *, stream: bool) -> httpx.Response:
        if how.get("deadline") is None:
            how = {**how, "deadline": self.options.ends()}
        response = await self.session.send(
            await self._request(method, path, how),
            self.config,
            self.service_type,
            self.options,
            path=self.prefix + path,
            repeatable=how.get("repeatable"),
            stream=stream,
            deadline=how.get("deadline"),
            read_timeout=how.get("read_timeout"),
        )
        refused = response.is_error or is_redirect(response)
        if refused or not stream:
            await read_bounded(response)
        if refused:
            raise self._refusal(response)
        return response

    def _refusal(self, response: httpx.Response) -> HTTPError:
        error = error_from(response, self.config.name, self.config.region_name, self.service_type)
        if isinstance(error, RateLimited):
            error.retry_after = retry_after(response.headers, time.time())
        return error

    def _headers(self, service: Discovered, microversion: str | None) -> dict[str, str]:
        headers = {"Accept": "application/json"}
        if self.options.global_request_id:
            headers["X-Openstack-Request-Id"] = self.options.global_request_id
        configured = self.config.service(self.service_type).default_microversion
        what = f"{self.service_type}_default_microversion" if configured else self.service_type
        version = negotiate(configured, microversion, service.minimum, service.maximum, what=what)
        if version is not None:
            name = _MICROVERSION_NAMES.get(self.service_type, self.service_type)
            headers["OpenStack-API-Version"] = f"{name} {version}"
            if self.service_type in _MICROVERSION_HEADERS:
                headers[_MICROVERSION_HEADERS[self.service_type]] = version
        return headers


def _params(params: Mapping[str, Any]) -> httpx.QueryParams | None:
    """Query parameters as services read them: booleans as `true` and `false`, a list as the key repeated."""
    pairs = [
        (key, str(one).lower() if isinstance(one, bool) else str(one))
        for key, value in params.items()
        for one in (value if is_array(value) else [value])
        if one is not None
    ]
    return httpx.QueryParams(tuple(pairs)) if pairs else None
