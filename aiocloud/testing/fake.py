"""FakeCloud: whole OpenStack clouds in memory, for tests and demonstrations."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Unpack

import anyio
from anyio.lowlevel import checkpoint

from aiocloud.testing import kinds
from aiocloud.testing.cinder import Cinder
from aiocloud.testing.faults import Fault, Received, check_pattern
from aiocloud.testing.glance import Glance
from aiocloud.testing.http import Fail, Reply, Req
from aiocloud.testing.keystone import Keystone
from aiocloud.testing.kinds import Kind, Plan
from aiocloud.testing.neutron import Neutron
from aiocloud.testing.nova import Nova
from aiocloud.testing.serve import Message, Receive, Send, answer_asgi, serve
from aiocloud.testing.state import Clock, CloudState, Ids, Knobs, RegionState, Service, SetKnobs, pick
from aiocloud.testing.swift import Swift
from aiocloud.testing.transport import FakeTransport

IN_PROCESS = "http://fake.test"


class FakeCloud:
    """One or several clouds, each with keystone, nova, neutron, glance, swift and cinder.

    `FakeCloud()` is one cloud "fake" with one region; `FakeCloud.like("my-vexxhost", ...)`
    has clouds of the talk. `clouds` are several of your own: a name is a cloud with these
    `regions` and of this `kind`, a `Plan` says everything. Further keywords are the fields
    of `Knobs` (latency, boot_time, page_size, token_ttl, quotas, rate_limit ... in seconds
    and bytes), which `fake.knobs` lets you change while it runs.

    An ASGI application; reached in process with `fake.transport` or over a port with
    `async with fake.serve() as url`. `fake.clouds_yaml()` has the credentials for both.
    """

    def __init__(
        self,
        name: str = "fake",
        *,
        regions: Sequence[str] = ("RegionOne",),
        kind: Kind = "floating",
        clouds: Sequence[Plan | str] | None = None,
        seed: int = 0,
        **knobs: Unpack[SetKnobs],
    ) -> None:
        self.knobs = Knobs(**knobs)
        self.requests: list[Received] = []
        self.url = IN_PROCESS
        """Where clouds.yaml sends clients: the port while serving."""
        self.clock = Clock()
        self._faults: list[Fault] = []
        self._dice = random.Random(seed)
        self._spent: dict[tuple[str, str, str], tuple[float, float]] = {}
        names = (regions,) if isinstance(regions, str) else tuple(regions)
        plain = replace(kinds.PLAIN, regions=names, kind=kind)
        self.plans = tuple(
            replace(plain, name=one) if isinstance(one, str) else one for one in ([name] if clouds is None else clouds)
        )
        self.clouds: dict[str, CloudState] = {}
        for plan in self.plans:
            if plan.name in self.clouds:
                raise ValueError(f"two fake clouds are called {plan.name!r}")
            self.clouds[plan.name] = self._build(plan, seed)
        self.transport = FakeTransport(self)

    @classmethod
    def like(cls, *names: str, seed: int = 0, **knobs: Unpack[SetKnobs]) -> FakeCloud:
        """The talk's clouds of these names: my-vexxhost, my-citycloud, my-internap; `KeyError` for another."""
        clouds = [pick(kinds.TALK, name, "the talk has no cloud") for name in names]
        return cls(clouds=clouds, seed=seed, **knobs)

    @classmethod
    def talk(cls, *, seed: int = 0, **knobs: Unpack[SetKnobs]) -> FakeCloud:
        """All three of the talk's clouds."""
        return cls.like(*kinds.TALK, seed=seed, **knobs)

    def _build(self, plan: Plan, seed: int) -> CloudState:
        cloud = CloudState(plan.name, self.clock, self.knobs, Ids(f"{seed}/{plan.name}"))
        cloud.keystone = Keystone(cloud)
        plan.people(cloud.keystone)
        for name in plan.regions:
            region = cloud.regions[name] = RegionState(name, cloud, plan.kind)
            region.nova = Nova(region)
            region.neutron = Neutron(region)
            region.glance = Glance(region)
            region.swift = Swift(region)
            region.cinder = Cinder(region)
            for service in (region.nova, region.neutron, region.glance, region.swift, region.cinder):
                region.services[service.mount] = service
            plan.furnish(region)
        return cloud

    def __repr__(self) -> str:
        return f"<FakeCloud {', '.join(self.clouds)}>"

    # -- looking and steering

    def cloud(self, name: str | None = None) -> CloudState:
        """A cloud's memory, by its name or the first one; `KeyError` for a name that is none."""
        return pick(self.clouds, name, "there is no fake cloud")

    def fault(self, fault: Fault) -> Fault:
        """Let this go wrong from now on; the earliest fault that strikes wins.

        `KeyError` when it is about a cloud or a region that is not there.
        """
        about = self.clouds.values() if fault.cloud is None else [self.cloud(fault.cloud)]
        if fault.region:
            pick({name: one for cloud in about for name, one in cloud.regions.items()}, fault.region, "no region")
        self._faults.append(fault)
        return fault

    def revoke_tokens(self) -> None:
        """Every token of every cloud is refused from now on."""
        for cloud in self.clouds.values():
            cloud.revoke_tokens()

    def count(self, *, service: str | None = None, method: str | None = None, path: str | None = None) -> int:
        """How many requests were received; `path` is a glob below the service's root.

        `ValueError` for what no request can match: a service the fake has not, a path without its slash.
        """
        check_pattern(service, method, path)
        return sum(
            service in {None, one.service}
            and method in {None, one.method}
            and (path is None or fnmatchcase(one.path, path))
            for one in self.requests
        )

    def clear(self) -> None:
        """Forget the faults and the requests received; the clouds keep what they have."""
        self._faults.clear()
        self.requests.clear()

    def clouds_yaml(self, *, admin: bool = False) -> str:
        """The text of a clouds.yaml that reaches every cloud; as its administrator with `admin`."""
        return kinds.write_yaml({"clouds": {plan.name: plan.entry(self.url, admin=admin) for plan in self.plans}})

    # -- serving

    @asynccontextmanager
    async def serve(self, port: int = 0, host: str = "127.0.0.1") -> AsyncGenerator[str]:
        """Listen on a port (0: any) while the block runs; gives the URL."""
        async with serve(self, host, port) as url:
            self.url = url
            try:
                yield url
            finally:
                self.url = IN_PROCESS

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """ASGI."""
        await answer_asgi(self, scope, receive, send)

    async def handle(self, req: Req) -> Reply:
        """Answer a request whose path starts at the fake's root; raises `Cut` to break off."""
        try:
            service, cloud, region = self._route(req)
        except KeyError:
            return Reply.text("<html><h1>404 Not Found</h1></html>", 404)
        record = Received(cloud, region, service.type, req.method, req.path, req.query, req.headers, self.clock.now())
        self.requests.append(record)
        fault = next((one for one in self._faults if one.matches(record) and one.strikes(self._dice)), Fault())
        await self._wait(fault.delay + self.knobs.latency)
        fault.cut("before")
        reply = fault.reply() or await self._serve(service, req, record, fault)
        fault.cut("after")
        if fault.mutate is not None:
            reply = fault.mutate(reply)
        record.status = reply.status
        return reply

    async def _wait(self, seconds: float) -> None:
        if seconds > 0:
            await anyio.sleep(seconds)
        else:
            await checkpoint()

    def _route(self, req: Req) -> tuple[Service, str, str]:
        """The service a URL is about; the request's path becomes the one below it. `KeyError` for none."""
        cloud_name, _, rest = req.path.lstrip("/").partition("/")
        cloud = self.clouds[cloud_name]
        region_name, _, rest = rest.partition("/")
        if region_name == cloud.keystone.mount:
            req.base, req.path = f"{req.root}/{cloud_name}/{region_name}", f"/{rest}"
            return cloud.keystone, cloud_name, ""
        region = cloud.regions[region_name]
        mount, _, rest = rest.partition("/")
        req.base, req.path = f"{req.root}/{cloud_name}/{region_name}/{mount}", f"/{rest}"
        return region.services[mount], cloud_name, region_name

    async def _serve(self, service: Service, req: Req, record: Received, fault: Fault) -> Reply:
        """Let the service answer, or refuse in its words."""
        cloud = self.clouds[record.cloud]
        try:
            fault.refuse()
            self._limit(record)
            if record.region:
                cloud.regions[record.region].settle()
            reply = await self._dispatch(service, cloud, req)
        except Fail as fail:
            reply = service.error(req, fail)
            reply.headers.update(fail.headers)
        reply = service.finish(req, reply)
        reply.headers.setdefault("x-openstack-request-id", f"req-{cloud.ids.uuid()}")
        return reply

    async def _dispatch(self, service: Service, cloud: CloudState, req: Req) -> Reply:
        req.who = cloud.valid_token(req.headers.get("x-auth-token"))
        try:
            route, req.args = service.routes.find(req.method, req.path)
        except Fail:
            if req.who is None:
                return service.unauthorized(req)
            raise
        if req.who is None and not route.open:
            return service.unauthorized(req)
        service.begin(req)
        return await route.handler(req)

    def _limit(self, record: Received) -> None:
        """429 above `knobs.rate_limit` requests per second; a second's worth may come at once."""
        rate = self.knobs.rate_limit
        if rate is None:
            return
        key = record.cloud, record.region, record.service
        room, last = self._spent.get(key, (rate, record.at))
        room = min(rate, room + (record.at - last) * rate)
        if room < 1:
            self._spent[key] = room, record.at
            raise Fail(429, "This request was rate-limited.", "overLimit", {"retry-after": "1"})
        self._spent[key] = room - 1, record.at
