"""Many clouds, one verb.

Each cloud's answer is an Outcome of its own: `Done(cloud, value)` or `Failed(cloud, error)`. A cloud that is dead, slow or
misconfigured costs the others nothing. Tasks live inside the call or block that started them.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Concatenate, Generic, Literal, ParamSpec, Self, TypeAlias, TypeVar, cast, overload

import anyio
import anyio.lowlevel
from anyio.abc import ObjectReceiveStream, ObjectSendStream

from aiocloud.cloud import Cloud
from aiocloud.concurrent import concurrently, first_error
from aiocloud.errors import CloudError, InvalidRequest, Timeout
from aiocloud.naming import naming
from aiocloud.session import Session, counting

__all__ = ["Done", "Failed", "Fleet", "Items", "Outcome", "Outcomes", "Unusable"]

T = TypeVar("T")
P = ParamSpec("P")


@dataclasses.dataclass(frozen=True)
class Unusable:
    """A cloud or region that can't be used, because its configuration is wrong."""

    name: str
    region_name: str | None
    error: CloudError

    @property
    def where(self) -> str:
        """Cloud and region, as errors and tables spell them."""
        return f"{self.name} {self.region_name}" if self.region_name else self.name


@dataclasses.dataclass(frozen=True)
class Done(Generic[T]):
    """A cloud's answer. `elapsed` is in seconds; `requests` counts what was sent for it."""

    cloud: Cloud
    value: T
    elapsed: float = 0.0
    requests: int = 0


@dataclasses.dataclass(frozen=True)
class Failed:
    """A cloud's failure."""

    cloud: Cloud | Unusable
    error: Exception
    elapsed: float = 0.0
    requests: int = 0


Outcome: TypeAlias = Done[T] | Failed


class Outcomes(Sequence[Done[T] | Failed], Generic[T]):
    """What every cloud answered, in the order of the clouds."""

    def __init__(self, outcomes: Sequence[Done[T] | Failed]) -> None:
        self._outcomes = tuple(outcomes)

    @overload
    def __getitem__(self, index: int) -> Done[T] | Failed: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Done[T] | Failed]: ...
    def __getitem__(self, index: int | slice) -> Done[T] | Failed | Sequence[Done[T] | Failed]:
        return self._outcomes[index]

    def __len__(self) -> int:
        return len(self._outcomes)

    def __repr__(self) -> str:
        return f"Outcomes({list(self._outcomes)!r})"

    @property
    def done(self) -> list[Done[T]]:
        """The answers of the clouds that gave one."""
        return [outcome for outcome in self._outcomes if isinstance(outcome, Done)]

    @property
    def failed(self) -> list[Failed]:
        """The failures."""
        return [outcome for outcome in self._outcomes if isinstance(outcome, Failed)]

    @property
    def values(self) -> list[T]:
        """What the clouds that answered gave."""
        return [outcome.value for outcome in self.done]

    def raise_failed(self) -> Self:
        """These outcomes, if no cloud failed; else an ExceptionGroup of all their errors."""
        if self.failed:
            names = ", ".join(outcome.cloud.where for outcome in self.failed)
            message = f"{len(self.failed)} of {len(self)} clouds failed ({names})"
            raise ExceptionGroup(message, [outcome.error for outcome in self.failed])
        return self


class Items(Generic[T]):
    """Items of many clouds as they arrive; `failed` names the clouds whose stream broke off, complete at the end."""

    def __init__(self, receive: ObjectReceiveStream[T]) -> None:
        self._receive = receive
        self.failed: list[Failed] = []

    def __aiter__(self) -> AsyncIterator[T]:
        return self._receive.__aiter__()


@dataclasses.dataclass(frozen=True)
class _Options:
    timeout: float | None = None
    limit: int | None = None
    on_error: Literal["collect", "raise"] = "collect"
    quorum: int | None = None


class _Arrivals(Generic[T]):
    """Outcomes as they arrive, until there are enough of them; `next` says whose each is, too.

    Not a generator: who breaks out of a loop over one leaves it to the garbage collector, of which trio complains.
    """

    def __init__(self, receive: ObjectReceiveStream[tuple[int, Done[T] | Failed]], options: _Options) -> None:
        self._receive = receive
        self._options = options
        self._answers = 0

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Done[T] | Failed:
        arrived = await self.next()
        if arrived is None:
            raise StopAsyncIteration
        return arrived[1]

    async def next(self) -> tuple[int, Done[T] | Failed] | None:
        """The next outcome and the number of its member; None when there are no more, or enough."""
        if self._options.quorum is not None and self._answers >= self._options.quorum:
            return None
        try:
            nth, outcome = await self._receive.receive()
        except anyio.EndOfStream:
            return None
        if isinstance(outcome, Failed) and self._options.on_error == "raise":
            raise outcome.error
        self._answers += isinstance(outcome, Done)
        return nth, outcome


class Fleet:
    """Many clouds and regions. `async with` closes the sessions that belong to it."""

    def __init__(
        self,
        members: Sequence[Cloud | Unusable],
        sessions: Sequence[Session] = (),
        options: _Options = _Options(),
    ) -> None:
        self._members = tuple(members)
        self._sessions = tuple(sessions)
        self._options = options

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections, of all clouds at once."""
        with anyio.CancelScope(shield=True):
            async with concurrently() as tasks:
                for session in self._sessions:
                    tasks.start_soon(session.aclose)

    # Which clouds

    @property
    def clouds(self) -> tuple[Cloud, ...]:
        """The clouds that can be used."""
        return tuple(member for member in self._members if isinstance(member, Cloud))

    @property
    def unusable(self) -> tuple[Unusable, ...]:
        """The clouds whose configuration is wrong: a Failed outcome of every verb."""
        return tuple(member for member in self._members if isinstance(member, Unusable))

    def __len__(self) -> int:
        return len(self._members)

    def __iter__(self) -> Iterator[Cloud]:
        return iter(self.clouds)

    def __repr__(self) -> str:
        return f"<Fleet of {', '.join(member.where for member in self._members)}>"

    def __getitem__(self, key: str | tuple[str, str | None]) -> Cloud:
        name, region = (key, None) if isinstance(key, str) else key
        found = [c for c in self.clouds if c.name == name and (region is None or c.region_name == region)]
        if len(found) == 1:
            return found[0]
        for broken in self.unusable:
            if broken.name == name and region in (None, broken.region_name):
                raise broken.error
        there = ", ".join(repr(member.where) for member in self._members)
        raise KeyError(f"{len(found)} clouds are {key!r}; there are {there}")

    def select(
        self, *names: str, region_name: str | None = None, where: Callable[[Cloud], bool] | None = None
    ) -> Fleet:
        """The clouds whose name fits any of these shell patterns, in this region, and for which `where` is true."""

        def fits(member: Cloud | Unusable) -> bool:
            return (
                (not names or any(fnmatch.fnmatchcase(member.name, name) for name in names))
                and (region_name is None or fnmatch.fnmatchcase(member.region_name or "", region_name))
                and (where is None or (isinstance(member, Cloud) and where(member)))
            )

        return Fleet([member for member in self._members if fits(member)], (), self._options)

    def with_options(
        self,
        *,
        timeout: float | None = None,
        limit: int | None = None,
        on_error: Literal["collect", "raise"] | None = None,
        quorum: int | None = None,
    ) -> Fleet:
        """The same clouds, asked in another way.

        `timeout` seconds for each cloud, then it is a Failed; at most `limit` clouds at once; `on_error="raise"` gives up
        on the others as soon as one fails, with its error; `quorum=n` is content with n answers, and the clouds that have
        not answered by then are Failed. Raises InvalidRequest for a `limit` or `quorum` below 1.
        """
        for name, number in (("limit", limit), ("quorum", quorum)):
            if number is not None and number < 1:
                raise InvalidRequest(f"{name} is a number of clouds, at least 1, not {number}")
        given = {"timeout": timeout, "limit": limit, "on_error": on_error, "quorum": quorum}
        changes: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
        return Fleet(self._members, (), dataclasses.replace(self._options, **changes))

    # One verb for all

    async def map(
        self, verb: Callable[Concatenate[Cloud, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> Outcomes[T]:
        """Await a verb on every cloud at once; their outcomes, in the order of the clouds.

        `verb` is a method of `Cloud` (`Cloud.search_servers`) or any `async def f(cloud, ...)`.
        """
        by_member: dict[int, Done[T] | Failed] = {}
        async with self._run(verb, *args, **kwargs) as arrivals:
            while (arrived := await arrivals.next()) is not None:
                nth, outcome = arrived
                by_member[nth] = outcome
        return Outcomes([by_member.get(nth) or self._late(nth) for nth in range(len(self._members))])

    def _late(self, nth: int) -> Failed:
        member = self._members[nth]
        error = CloudError(
            "not waited for: enough other clouds had answered", cloud=member.name, region=member.region_name
        )
        return Failed(member, error)

    @asynccontextmanager
    async def stream(
        self, verb: Callable[Concatenate[Cloud, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> AsyncGenerator[AsyncIterator[Done[T] | Failed]]:
        """A verb on every cloud at once; the outcomes as each cloud ends.

        Leaving the block cancels those that are still under way.
        """
        async with self._run(verb, *args, **kwargs) as outcomes:
            yield outcomes

    @asynccontextmanager
    async def _run(
        self, verb: Callable[Concatenate[Cloud, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> AsyncGenerator[_Arrivals[T]]:
        if self.clouds:
            # A misspelt argument is the caller's mistake, not each cloud's failure.
            inspect.signature(verb).bind(self.clouds[0], *args, **kwargs)
        send, receive = anyio.create_memory_object_stream[tuple[int, Done[T] | Failed]](len(self._members))
        limiter = anyio.CapacityLimiter(self._options.limit or max(1, len(self._members)))

        async def one(nth: int, member: Cloud | Unusable, out: ObjectSendStream[tuple[int, Done[T] | Failed]]) -> None:
            async with out:
                if isinstance(member, Unusable):
                    outcome: Done[T] | Failed = Failed(member, member.error)
                else:
                    async with limiter:
                        outcome = await _outcome(member, lambda: verb(member, *args, **kwargs), self._options.timeout)
                await out.send((nth, outcome))

        async with concurrently() as tasks, receive:
            async with send:
                for nth, member in enumerate(self._members):
                    tasks.start_soon(one, nth, member, send.clone())
                    # A thousand that begin in one turn of the event loop would keep everybody else from it for seconds.
                    await anyio.lowlevel.checkpoint()
            yield _Arrivals(receive, self._options)
            tasks.cancel_scope.cancel()

    @asynccontextmanager
    async def stream_items(self, open_stream: Callable[[Cloud], AsyncIterator[T]]) -> AsyncGenerator[Items[T]]:
        """The items of every cloud's stream as they arrive: `lambda cloud: cloud.compute.servers.stream()`.

        A cloud is asked for its next page only when its last one is used up, and a slow reader slows all. A cloud whose
        stream breaks off is in `failed`; the others go on.
        """
        send, receive = anyio.create_memory_object_stream[T](0)
        items = Items(receive)

        async def pump(cloud: Cloud, out: ObjectSendStream[T]) -> None:
            async with out:

                async def drain() -> None:
                    async with _closing(open_stream(cloud)) as stream:
                        async for item in stream:
                            await out.send(item)

                outcome = await _outcome(cloud, drain, self._options.timeout)
            if isinstance(outcome, Failed):
                items.failed.append(outcome)

        async with concurrently() as tasks, receive:
            items.failed += [Failed(broken, broken.error) for broken in self.unusable]
            async with send:
                for cloud in self.clouds:
                    tasks.start_soon(pump, cloud, send.clone())
                    await anyio.lowlevel.checkpoint()
            yield items
            tasks.cancel_scope.cancel()


@asynccontextmanager
async def _closing(stream: AsyncIterator[T]) -> AsyncGenerator[AsyncIterator[T]]:
    """Close a generator that is left before its end; other iterators have nothing to close."""
    try:
        yield stream
    finally:
        close: Callable[[], Awaitable[None]] | None = getattr(stream, "aclose", None)
        if close is not None:
            await close()


async def _outcome(cloud: Cloud, call: Callable[[], Awaitable[T]], timeout: float | None) -> Done[T] | Failed:
    """One cloud's outcome: whatever goes wrong is its own, except being cancelled."""
    began = anyio.current_time()
    failure: Exception = Timeout(f"no answer within {timeout} seconds")
    with counting() as requests, naming() as left, anyio.move_on_after(timeout):
        try:
            value = await call()
        except ExceptionGroup as group:
            failure = cast("Exception", first_error(group))
        except Exception as error:  # noqa: BLE001 - not swallowed: it is this cloud's outcome
            failure = error
        else:
            return Done(cloud, value, anyio.current_time() - began, requests.count)
    if isinstance(failure, CloudError):
        failure.at(cloud.name, cloud.region_name).leaving(left)
    return Failed(cloud, failure, anyio.current_time() - began, requests.count)
