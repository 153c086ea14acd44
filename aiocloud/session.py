"""One login to one cloud: its HTTP transport, its token, its catalog, and what was discovered of its services.

A session is shared by all regions of the cloud, as the login is. Making one opens no connection.
"""

from __future__ import annotations

import logging
import math
import platform
import re
from collections.abc import Awaitable, Callable, Generator, Hashable, Mapping
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakValueDictionary

import anyio

from aiocloud._http import httpx
from aiocloud._json import load_json
from aiocloud.auth.cache import TokenStore
from aiocloud.auth.manager import AuthManager
from aiocloud.auth.token import Named, Token
from aiocloud.complaint import error_from
from aiocloud.config.remote import resolve_remote_profile
from aiocloud.config.schema import CloudConfig, ServiceConfig
from aiocloud.discover import Discovered, candidates, choose, undiscovered, without_discovery
from aiocloud.errors import CloudError, ConfigError, NormalizationError, Timeout, Unsupported
from aiocloud.log import redact_url
from aiocloud.model import Location, Project
from aiocloud.poller import Shared
from aiocloud.transport.body import can_send_again
from aiocloud.transport.call import Call
from aiocloud.transport.layers import build_transport
from aiocloud.transport.limits import Stats
from aiocloud.transport.pool import closed
from aiocloud.transport.rate_limits import RateLimits
from aiocloud.transport.reading import read_bounded
from aiocloud.transport.redirects import Origin, is_redirect, origin, redirect_target

if TYPE_CHECKING:
    from aiocloud.metrics import Observer

__all__ = ["Options", "Session", "count_requests", "counting", "user_agent"]

T = TypeVar("T")

_log = logging.getLogger("aiocloud.session")

_LEFT_OPEN = re.compile(r"%\((\w+)\)s")
_REDIRECTS = 5
_UNSURE = 60.0  # seconds after which versions are looked for again, when a service only failed to tell them
_PATIENCE = 30.0  # seconds that closing waits for what is being made or taken back
_CALL_TIMEOUT = 300.0  # seconds that a call may take in all, its repetitions included, unless an option says otherwise


@dataclass(frozen=True)
class Options:
    """How calls are made and answers read; `cloud.with_options(...)` gives a view with others.

    `timeout` is the deadline of a whole call in seconds; `retries` how often it may be sent again.
    """

    strict: bool = False
    timeout: float | None = None
    retries: int | None = None
    global_request_id: str | None = None

    def ends(self) -> float | None:
        """When a call that begins now must have ended, by the event loop's clock; None when `timeout` does not say."""
        return None if self.timeout is None else anyio.current_time() + self.timeout

    def for_all(self) -> Options:
        """What holds also for what one asks on behalf of others: how answers are read, but not whose call it is."""
        return Options(strict=self.strict)


def user_agent(app_name: str | None = None, app_version: str | None = None) -> str:
    """Who is calling: the application first, then us."""
    from aiocloud import __version__

    app = f"{app_name}/{app_version} " if app_name and app_version else f"{app_name} " if app_name else ""
    return f"{app}aiocloud/{__version__} {platform.python_implementation()}/{platform.python_version()}"


@dataclass
class Requests:
    """How many requests were sent."""

    count: int = 0


_counter: ContextVar[Requests | None] = ContextVar("aiocloud_requests", default=None)


@contextmanager
def counting() -> Generator[Requests]:
    """Count the requests that are sent inside the block, by the tasks that it starts too."""
    requests = Requests()
    before = _counter.set(requests)
    try:
        yield requests
    finally:
        _counter.reset(before)


def count_requests(number: int) -> None:
    """So many were sent on behalf of whoever counts, if anybody does."""
    if (requests := _counter.get()) is not None:
        requests.count += number


class Session:
    """One login to one cloud, for all its regions and all the tasks that ask."""

    def __init__(
        self,
        config: CloudConfig,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        token_store: TokenStore | None = None,
        rate_limits: RateLimits | None = None,
        observe: Observer | None = None,
        app_name: str | None = None,
        app_version: str | None = None,
    ) -> None:
        self.config = config
        self._inner = transport
        self._transport = build_transport(transport, config, rate_limits, observe)
        self._store = token_store
        self._rate_limits = rate_limits
        self._observe = observe
        self._agent = user_agent(app_name, app_version)
        self._kept: dict[Hashable, Any] = {}
        self._held: WeakValueDictionary[Hashable, Any] = WeakValueDictionary()
        self._unsure: set[Hashable] = set()
        self._resolved: dict[str | None, CloudConfig] = {}
        self._token: Token | None = None
        self._closed = False
        self._parent: Session | None = None
        self._users = 0
        self._unused: anyio.Event | None = None
        self._ends: list[Callable[[], None]] = []

    def sibling(self, config: CloudConfig) -> Session:
        """Another login to the same cloud, with connections of its own; closed by itself. It keeps this one in use."""
        other = Session(
            config,
            transport=self._inner,
            token_store=self._store,
            rate_limits=self._rate_limits,
            observe=self._observe,
        )
        other._agent = self._agent
        other._parent = self
        return other

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """The thing kept under this key for as long as the session lives; made on first use."""
        if key not in self._kept:
            self._kept[key] = make()
        kept: T = self._kept[key]
        return kept

    def at_end(self, call: Callable[[], None]) -> None:
        """Call this when the session is closed, and nothing is being made by it any more."""
        self._ends.append(call)

    def while_used(self, key: Hashable, make: Callable[[], T]) -> T:
        """The thing kept under this key for as long as somebody holds on to it; made when there is none."""
        held: T | None = self._held.get(key)
        if held is None:
            held = self._held[key] = make()
        return held

    def know(self, config: CloudConfig) -> None:
        """A region that uses this session, whose limits may be its own."""
        self._transport.know(config)

    def stats(self) -> Mapping[tuple[str | None, str | None, str | None], Stats]:
        """What each (cloud, region, service) was asked, and how often it had to be asked again."""
        return self._transport.stats()

    @contextmanager
    def in_use(self) -> Generator[None]:
        """Inside the block something is made, or taken back: `aclose` waits for its end."""
        self._users += 1
        try:
            with self._parent.in_use() if self._parent else nullcontext():
                yield
        finally:
            self._users -= 1
            if not self._users and self._unused is not None:
                self._unused.set()

    async def aclose(self) -> None:
        """Close all connections. The session can't be used any more.

        What is being made, or taken back since its caller was cancelled, has 30 seconds for it: a server that stops cancels
        its requests and then closes what they share, without waiting for them.
        """
        try:
            with anyio.move_on_after(_PATIENCE):
                while self._users:
                    self._unused = anyio.Event()
                    await self._unused.wait()
        finally:
            self._closed = True
            while self._ends and not self._users:
                self._ends.pop()()
            await self._transport.aclose()

    # A profile that has to be fetched first: `profile: https://...`

    def known(self, config: CloudConfig) -> CloudConfig:
        """A region's configuration, with what its profile says as soon as that was fetched."""
        return self._resolved.get(config.region_name, config)

    async def resolved(self, config: CloudConfig) -> CloudConfig:
        """A region's configuration with its profile filled in, fetched once for all regions."""
        if config.remote_profile is None:
            return config
        if config.region_name not in self._resolved:
            self._resolved[config.region_name] = await resolve_remote_profile(config, self._profile)
        return self._resolved[config.region_name]

    async def _profile(self, url: str) -> bytes:
        async def fetch() -> bytes:
            response = await self._send_bare(httpx.Request("GET", url))
            if response.is_error:
                raise error_from(response, self.config.name, None, "the profile's server")
            return response.content

        return await self.once(("profile", url), lambda: Shared(fetch)).get(max_age=math.inf)

    # The login

    async def token(self, deadline: float | None = None) -> Token:
        """The token; logs in where needed, once for everybody who asks. Raises AuthError, saying what to do, and Timeout."""
        with self.within(deadline, self._login):
            self._token = await (await self._auth()).token()
        return self._token

    def _login(self) -> str:
        return f"login at {redact_url(str(self.config.auth.get('auth_url', 'no auth_url')))}"

    @contextmanager
    def within(self, deadline: float | None, what: Callable[[], str]) -> Generator[None]:
        """What a call needs first takes of its time, too: Timeout when it takes longer. Who waits for the same goes on."""
        if deadline is None:
            yield
            return
        began = anyio.current_time()
        with anyio.CancelScope(deadline=deadline) as scope:
            yield
        if scope.cancelled_caught:
            error = Timeout(f"no {what()} within {max(0.0, deadline - began):.3g} s", cloud=self.config.name)
            error.sent = False
            raise error

    async def _auth(self) -> AuthManager:
        config = await self.resolved(self.config)
        return self.once("auth", lambda: AuthManager(config, self._send_bare, store=self._store))

    async def _send_bare(self, request: httpx.Request) -> httpx.Response:
        """Carry a request as it is, without a token, and read its answer."""
        call = Call(
            cloud=self.config.name, region=None, service="identity", deadline=anyio.current_time() + _CALL_TIMEOUT
        )
        response = await self._carry(request, call)
        await read_bounded(response)
        return response

    def location(self, region_name: str | None) -> Location:
        """Where things of a region are; the project once a login is known."""
        named = self._token.project if self._token else None
        return self.once(("location", region_name, named), lambda: self._locate(region_name, named))

    def _locate(self, region_name: str | None, named: Named | None) -> Location:
        project = Project(**{k: getattr(named, k) for k in ("id", "name", "domain_id", "domain_name")} if named else {})
        return Location(cloud=self.config.name, region_name=region_name, project=project)

    # Where services are

    async def service(self, config: CloudConfig, service_type: str, deadline: float | None = None) -> Discovered:
        """A service's URL and microversions in a region, discovered on first use.

        Raises Unsupported when there is none, and Timeout.
        """
        with self.within(deadline, lambda: f"{self._login()} and discovery of the {service_type} service"):
            config = await self.resolved(config)
            wanted = config.service(service_type)
            key = ("service", wanted.service_type, config.region_name)
            found = self.once(key, lambda: Shared(lambda: self._discover(config, wanted)))
            return await found.get(max_age=_UNSURE if key in self._unsure else math.inf)

    async def catalog_url(self, wanted: ServiceConfig) -> str | None:
        """Where the configuration, or else the catalog, says that a service is; None when neither knows it."""
        if wanted.endpoint_override:
            return await self._filled(wanted.endpoint_override, wanted)
        catalog = (await self.token()).catalog
        types = wanted.catalog_types

        def find(region: str | None) -> str | None:
            return catalog.find(types, interfaces=wanted.interface, region=region, service_name=wanted.service_name)

        url = find(wanted.region_name)
        # A cloud's identity service serves all its regions, and some catalogs name only one.
        return find(None) if url is None and wanted.service_type == "identity" else url

    async def _filled(self, url: str, wanted: ServiceConfig) -> str:
        """An override may leave it to the login whose project, or user, is meant: `http://host:8776/v3/%(project_id)s`."""
        names = _LEFT_OPEN.findall(url)
        if not names:
            return url
        token = await self.token()
        known = {"project_id": token.project, "tenant_id": token.project, "user_id": token.user}
        for name in names:
            value = known.get(name)
            if value is None or value.id is None:
                why = f"the login has no {name}" if name in known else f"only {', '.join(known)} can be filled in"
                key = f"{wanted.service_type.replace('-', '_')}_endpoint_override"
                raise ConfigError(f"{key} has %({name})s: {why}", cloud=self.config.name, key=key)
            url = url.replace(f"%({name})s", value.id)
        return url

    async def _discover(self, config: CloudConfig, wanted: ServiceConfig) -> Discovered:
        url = await self.catalog_url(wanted) if wanted.enabled else None
        if url is None:
            raise await self._no_service(config, wanted)
        token = await self.token()
        project_id = token.project.id if token.project else None
        version = wanted.api_version
        kind = wanted.service_type
        known = without_discovery(kind, url, wanted=version, project_id=project_id)
        if known is not None:
            return known
        key = ("service", kind, config.region_name)
        self._unsure.discard(key)
        for candidate in candidates(url, project_id):
            document = await self._document(candidate, config, kind)
            chosen = document and choose(
                document, catalog_url=url, document_url=candidate, wanted=version, project_id=project_id
            )
            if chosen:
                self._unsure.discard(key)
                return chosen
        _log.warning(
            "%s %s: no version document of %s at %s: the catalog's URL is taken as it is",
            config.name,
            config.region_name,
            kind,
            url,
        )
        return undiscovered(kind, url, wanted=version, project_id=project_id)

    async def _document(self, url: str, config: CloudConfig, service_type: str) -> Any:
        """A version document, or None. It needs no token, and where it does the next candidate may not."""
        call = Call(
            cloud=config.name,
            region=config.region_name,
            service=service_type,
            path="/",
            deadline=anyio.current_time() + _CALL_TIMEOUT,
        )
        request = httpx.Request("GET", url, headers={"Accept": "application/json"})
        response = await self._followed(request, config, partial(self._carry, call=call))
        await read_bounded(response)
        if response.status_code not in (200, 300):
            if response.status_code == 429 or response.status_code >= 500:
                self._unsure.add(("service", service_type, config.region_name))
            return None
        try:
            return load_json(response.content, url)
        except NormalizationError:
            return None

    async def _no_service(self, config: CloudConfig, wanted: ServiceConfig) -> CloudError:
        kind = wanted.service_type
        if not wanted.enabled:
            why = f": {wanted.disabled_reason}" if wanted.disabled_reason else ""
            error = Unsupported(f"the {kind} service is switched off in the configuration{why}")
            return error.at(config.name, config.region_name, kind)
        catalog = (await self.token()).catalog
        regions = ", ".join(catalog.regions(wanted.catalog_types))
        if regions:
            interfaces = " or ".join(wanted.interface)
            error = Unsupported(
                f"there is no {kind} service with interface {interfaces} in region {wanted.region_name!r}; "
                f"it is offered in {regions}"
            )
        else:
            there = ", ".join(sorted(catalog.types(wanted.region_name))) or "nothing"
            error = Unsupported(f"this cloud has no {kind} service; its catalog lists {there}")
        return error.at(config.name, config.region_name, kind)

    # Requests

    async def send(
        self,
        request: httpx.Request,
        config: CloudConfig,
        service_type: str,
        options: Options,
        *,
        path: str | None = None,
        repeatable: bool | None = None,
        stream: bool = False,
        deadline: float | None = None,
        read_timeout: float | None = None,
    ) -> httpx.Response:
        """Carry a request with the token, and renew a token that is refused. `stream` leaves the body to the caller.

        An error status is the caller's to judge; what else goes wrong is raised as the CloudError it is.
        """
        deadline = deadline if deadline is not None else options.ends()
        ends = deadline if deadline is not None else anyio.current_time() + _CALL_TIMEOUT
        call = Call(
            cloud=config.name,
            region=config.region_name,
            service=service_type,
            path=path,
            repeatable=repeatable,
            deadline=ends,
            read_timeout=read_timeout,
            retries=options.retries,
            stream=stream,
        )
        return await self._followed(request, config, partial(self._authorized, call=call, deadline=deadline))

    async def _authorized(self, request: httpx.Request, call: Call, deadline: float | None) -> httpx.Response:
        token = await self.token(deadline)
        request.headers.update(token.headers())
        response = await self._carry(request, call)
        # A service can notice a token's end before we do, and another service later still: ask for a new one twice.
        for _ in range(2):
            if response.status_code != 401 or not can_send_again(request):
                break
            await response.aclose()
            with self.within(deadline, lambda: f"new {self._login()}"):
                self._token = token = await (await self._auth()).renew(token.text)
            request.headers.update(token.headers())
            response = await self._carry(request, call)
        return response

    async def _carry(self, request: httpx.Request, call: Call) -> httpx.Response:
        if self._closed:
            raise closed(self.config.name, call.region)
        request.headers["User-Agent"] = self._agent
        request.extensions["aiocloud"] = call
        count_requests(1)
        response = await self._transport.handle_async_request(request)
        response.request = request
        return response

    async def _followed(
        self, request: httpx.Request, config: CloudConfig, send: Callable[[httpx.Request], Awaitable[httpx.Response]]
    ) -> httpx.Response:
        """The answer from where redirects lead, as far as they may be followed; the redirect itself where they may not."""
        response = await send(request)
        for _ in range(_REDIRECTS):
            if not is_redirect(response):
                break
            target = redirect_target(response, await self._origins(config) | {origin(request.url)})
            if target is None:
                break
            await response.aclose()
            headers = [(name, value) for name, value in request.headers.multi_items() if name != "host"]
            request = httpx.Request(request.method, target, headers=headers)
            response = await send(request)
        return response

    async def _origins(self, config: CloudConfig) -> frozenset[Origin]:
        """Where the token may go: where the catalog or an override says that services are."""
        overrides = [config.service(name).endpoint_override for name in config.services]
        urls = [entry.url for entry in (await self.token()).catalog] + [url for url in overrides if url]
        return frozenset(known for url in urls if (known := _origin_of(url)))


def _origin_of(url: str) -> Origin | None:
    """None where a catalog says nonsense."""
    try:
        return origin(url)
    except httpx.InvalidURL:
        return None
