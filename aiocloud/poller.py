"""One poll for everybody who waits.

Who waits for a server asks the `Poll` of its region, not Nova: while few wait, each look is a GET of one server; when
many do, one listing serves them all, of what changed since the last one where the service knows how. Nobody polls in the
background: whichever waiter's turn it is makes the request, in its own cancel scope, and the others take what it found;
if it is cancelled, the next one goes on.
"""

from __future__ import annotations

import math
import random
from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, TypeVar, cast

import anyio

from aiocloud.errors import CloudError, NotFound, RateLimited, ServiceFailed, Timeout, TransportError

__all__ = ["PASSING", "Poll", "Shared", "Together", "pause", "wait_for"]

T = TypeVar("T")

# A look that ends like this says nothing of the thing that is waited for: look again.
PASSING: tuple[type[CloudError], ...] = (TransportError, ServiceFailed, RateLimited, Timeout)


_LONGEST = 30.0  # seconds between two looks, whoever waits for how long
_SECOND_OPINION = 60.0  # seconds without a word of one thing in the listings, after which it is asked for by its id


def pause(waited: float, most: float, usual: float | None = None) -> float:
    """Seconds until the next look, for who has waited so long already. Pure, but for the jitter that keeps people apart.

    Short at first, then longer up to `most`, or a twentieth of the time waited. `usual` is how long it took others: until
    shortly before that, looks are few.
    """
    longest = min(max(most, waited / 20), max(most, _LONGEST))
    if usual is None:
        seconds = min(longest, max(most / 4, waited / 4)) if waited else most / 8
    elif (early := 0.8 * usual - waited) > longest:
        seconds = min(early, max(most / 4, waited))
    else:
        seconds = min(longest, max(most / 4, usual / 20)) if waited else most / 8
    return seconds * random.uniform(0.8, 1.2)


async def wait_for(
    fetch: Callable[[], Awaitable[T]], until: Callable[[T], bool], *, what: str, timeout: float, interval: float = 2.0
) -> T:
    """Look again and again until it is so, and give the last look.

    `interval` is the longest pause between looks in seconds; `timeout` the time it may take in all. A look that fails in
    passing (no connection, 5xx, 429) is made again. Raises Timeout, naming `what` was waited for; whatever `until` raises
    ends the wait.
    """
    began = anyio.current_time()
    trouble: CloudError | None = None
    with anyio.move_on_after(timeout if timeout < math.inf else None):
        while True:
            try:
                seen = await fetch()
            except PASSING as error:
                trouble = error
            else:
                trouble = None
                if until(seen):
                    return seen
            await anyio.sleep(pause(anyio.current_time() - began, interval))
    last = f"; the last look failed: {trouble}" if trouble else ""
    raise Timeout(f"{what} did not happen within {timeout:g} seconds{last}") from trouble


class Shared(Generic[T]):
    """A value that many tasks want at once: fetched by one of them, for all who came while it was under way."""

    def __init__(self, fetch: Callable[[], Awaitable[T]]) -> None:
        self._fetch = fetch
        self._lock = anyio.Lock()
        self._began = -math.inf
        self._value: list[T] = []
        self._error: Exception | None = None

    async def get(self, max_age: float = 0.0) -> T:
        """The value, fetched no longer than `max_age` seconds before this call, or by somebody while it waited.

        An error goes to everybody who was waiting when it happened, and to nobody later.
        """
        if self._value and max_age == math.inf:
            return self._value[0]
        called = anyio.current_time()
        async with self._lock:
            if self._error is not None and self._began >= called:
                raise _own(self._error)
            if not self._value or self._began < called - max_age:
                # Fetched under the lock: a cancelled fetch hands over to the next in the queue.
                began = anyio.current_time()
                try:
                    value = await self._fetch()
                except Exception as error:
                    self._error, self._began = _own(error), began
                    self._value.clear()
                    raise
                self._error, self._began = None, began
                self._value[:] = [value]
            return self._value[0]


def _own(error: Exception) -> Exception:
    """The error for one of several tasks: no traceback, and no leftovers, of the others'."""
    return error.for_another() if isinstance(error, CloudError) else error


class Together:
    """Calls that ask the same thing at the same time are one call; nothing is kept once they have their answer."""

    def __init__(self) -> None:
        self._asked: dict[Hashable, tuple[Shared[object], list[None]]] = {}

    async def ask(self, key: Hashable, fetch: Callable[[], Awaitable[T]]) -> T:
        """What `fetch` gives, asked after this call by us or by somebody else with the same key."""
        shared, users = self._asked.setdefault(key, (Shared[object](fetch), []))
        users.append(None)
        try:
            return cast("T", await shared.get())
        finally:
            users.pop()
            if not users:
                self._asked.pop(key, None)


@dataclass
class _Waited(Generic[T]):
    """One thing that somebody waits for, and what is known of it."""

    id: str
    joined: float
    ask: Callable[[], Awaitable[None]]
    """Look at it alone; who asks at the same time shares the answer."""
    waiters: int = 0
    seen: T | None = None
    was_there: bool = False
    """Is it known to have existed?"""
    known: bool = False
    """Was it ever looked at? `seen` is None before that, and again when it is gone."""
    heard: float = -math.inf
    """When we last knew its state."""
    told: float = -math.inf
    """When an answer last named it."""
    news: anyio.Event = field(default_factory=anyio.Event)

    def tell(self, seen: T | None, now: float) -> None:
        """Its state, as just answered."""
        same = self.known and self.seen == seen
        self.seen, self.known, self.heard, self.told = seen, True, now, now
        if same:
            return
        self.news.set()
        self.news = anyio.Event()


class Poll(Generic[T]):
    """The shared look at all things of one kind in one region that somebody waits for.

    `get` looks at one (NotFound: it is gone). `many` is given what is waited for, with its last known state (None: never
    seen), and gives what it finds: None for what is gone; what it leaves out is as it was. `usual` keeps how long things
    took, in seconds, and may be shared with other polls.
    """

    def __init__(
        self,
        get: Callable[[str], Awaitable[T]],
        many: Callable[[Mapping[str, T | None]], Awaitable[Mapping[str, T | None]]],
        *,
        few: int = 2,
        usual: dict[str, float] | None = None,
    ) -> None:
        self._get = get
        self._many = many
        self._few = few
        self._waited: dict[str, _Waited[T]] = {}
        self._listing = Shared(self._list)
        self._usual = {} if usual is None else usual

    async def wait(
        self,
        id: str,
        until: Callable[[T | None], bool],
        *,
        what: str,
        timeout: float,
        interval: float = 2.0,
        goal: str = "",
        at_once: bool = True,
        absent_is_gone: bool = False,
    ) -> T | None:
        """Wait until it is so of the thing with this id; None stands for one that is gone.

        The deadline and the cancellation are each waiter's own. How long it takes is learned for each `goal`. `at_once`:
        look now; False for what was begun just now and can't be done yet. `absent_is_gone`: it is known to have been there, so
        a listing without it is enough. Raises as `wait_for` does.
        """
        began = anyio.current_time()
        trouble: CloudError | None = None
        entry = self._join(id)
        entry.was_there |= absent_is_gone

        def next_pause() -> float:
            return pause(anyio.current_time() - began, interval, self._usual.get(goal))

        try:
            with anyio.move_on_after(timeout if timeout < math.inf else None):
                if not at_once:
                    await self._rest(entry, until, next_pause())
                max_age = 0.0
                while True:
                    try:
                        await self._look(entry, max_age)
                    except PASSING as error:
                        trouble = error
                    else:
                        trouble = None
                    if entry.known and until(entry.seen):
                        self._learn(goal, anyio.current_time() - began)
                        return entry.seen
                    await self._rest(entry, until, next_pause())
                    # What somebody else found a moment ago is new enough, so that everybody's looks fall into one.
                    max_age = 0.75 * next_pause()
        finally:
            self._leave(entry)
        last = f"; the last look failed: {trouble}" if trouble else ""
        raise Timeout(f"{what} did not happen within {timeout:g} seconds{last}") from trouble

    async def look(self, id: str) -> T | None:
        """Its state now, asked together with whoever else asks; None when it is gone."""
        entry = self._join(id)
        try:
            await self._look(entry, 0.0)
        finally:
            self._leave(entry)
        return entry.seen

    def _join(self, id: str) -> _Waited[T]:
        entry = self._waited.get(id)
        if entry is None:
            entry = self._waited[id] = _Waited(id, anyio.current_time(), Shared(partial(self._ask, id)).get)
        entry.waiters += 1
        return entry

    def _leave(self, entry: _Waited[T]) -> None:
        entry.waiters -= 1
        if not entry.waiters:
            self._waited.pop(entry.id, None)

    def _learn(self, goal: str, took: float) -> None:
        usual = self._usual.get(goal)
        if usual is None:
            self._usual[goal] = took
        else:
            # Sooner counts for more: who is late by habit would be late for the quick ones.
            self._usual[goal] = usual + (took - usual) * (0.5 if took < usual else 0.1)

    async def _rest(self, entry: _Waited[T], until: Callable[[T | None], bool], seconds: float) -> None:
        """Sleep until it is our turn to look, or until somebody else's look shows that it is so."""
        due = anyio.current_time() + seconds
        while (left := due - anyio.current_time()) > 0:
            with anyio.move_on_after(left):
                await entry.news.wait()
                if until(entry.seen):
                    return

    async def _look(self, entry: _Waited[T], max_age: float) -> None:
        """Know its state as of so many seconds ago."""
        now = anyio.current_time()
        if entry.known and entry.heard >= now - max_age and max_age:
            return
        silent = entry.known and entry.told < now - _SECOND_OPINION
        if silent or len(self._waited) <= self._few:
            await entry.ask()
            return
        await self._listing.get(max_age=min(max_age, now - entry.joined))
        if not entry.known:
            await entry.ask()

    async def _ask(self, id: str) -> None:
        entry = self._waited[id]
        try:
            seen = await self._get(id)
        except NotFound:
            entry.tell(None, anyio.current_time())
        else:
            entry.tell(seen, anyio.current_time())

    async def _list(self) -> None:
        waited = dict(self._waited)
        began = anyio.current_time()
        found = await self._many({id: entry.seen for id, entry in waited.items()})
        for id, entry in waited.items():
            if id not in found:
                entry.heard = began
            elif found[id] is not None or entry.known or entry.was_there:
                # What was never seen and isn't listed yet is not gone for that: it is asked for by its id.
                entry.tell(found[id], began)
