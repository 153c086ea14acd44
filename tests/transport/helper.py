"""What the transport's tests have in common: calls, a scripted network, and time that passes by itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import anyio
from trio.testing import MockClock

from aiocloud._http import httpx
from aiocloud.config.schema import CloudConfig
from aiocloud.transport import Call, Transport, build_transport

T = TypeVar("T")
CONFIG = CloudConfig(name="my-cloud", region_name="r1")
Answer = httpx.Response | Exception


def ask(
    method: str = "GET", url: str = "http://cloud.test/servers", *, content: Any = None, **call: Any
) -> httpx.Request:
    """A request with its call, as a session makes it."""
    stream = content if isinstance(content, httpx.AsyncByteStream) else None
    body = None if stream is not None else content
    told = Call(**{"cloud": "my-cloud", "region": "r1", "service": "compute", **call})
    return httpx.Request(method, url, content=body, stream=stream, extensions={"aiocloud": told})


def call_in(request: httpx.Request) -> Call:
    call = request.extensions["aiocloud"]
    assert isinstance(call, Call)
    return call


class Network(httpx.AsyncBaseTransport):
    """Answers what the test says, and notes when it was asked. The last answer is given for ever."""

    def __init__(self, *answers: Answer | Callable[[httpx.Request], Answer]) -> None:
        self._answers = list(answers)
        self.times: list[float] = []
        self.bodies: list[bytes] = []
        self.flying = self.most_flying = 0
        self.latency = 0.0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.times.append(anyio.current_time())
        self.flying += 1
        self.most_flying = max(self.most_flying, self.flying)
        try:
            assert isinstance(request.stream, httpx.AsyncByteStream)
            self.bodies.append(b"".join([chunk async for chunk in request.stream]))
            await anyio.sleep(self.latency)
            answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
            answer = answer if isinstance(answer, httpx.Response | Exception) else answer(request)
            if isinstance(answer, Exception):
                raise answer
            return httpx.Response(answer.status_code, headers=answer.headers, stream=httpx.ByteStream(answer.content))
        finally:
            self.flying -= 1

    @property
    def gaps(self) -> list[float]:
        """Seconds between one attempt and the next."""
        return [later - earlier for earlier, later in zip(self.times, self.times[1:], strict=False)]


def carried(network: httpx.AsyncBaseTransport, config: CloudConfig = CONFIG) -> Transport:
    """All layers around a network."""
    return build_transport(network, config)


def virtual(story: Callable[..., Awaitable[T]], *args: Any) -> T:
    """Run a story on trio, where time jumps whenever everybody waits: hours take milliseconds."""
    clock = MockClock(autojump_threshold=0)
    return anyio.run(story, *args, backend="trio", backend_options={"clock": clock})


NASTY = [
    "one\r\n2026-01-01 00:00:00 WARNING aiocloud forged",
    "\x1b[2J\x1b[31mred\x1b]0;title\x07",
    "\x9b31m\x85\u2028\u2029\u202etxt.exe",
    "[bold red]markup[/] {0} %s %(name)s %d",
    "\x00\x08\x08\x08back",
    "x" * 1_000_000,
    "\r" * 10_000,
    "<script>alert(1)</script>\n\n\n",
    "\ufeff\u200f\u2066hidden\u2069",
]
"""What a server might say to somebody who writes it down."""
