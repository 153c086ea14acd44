"""R10, R11, R12, R13, R14, R15, R20, R23: the way to the service and back, as bad as it gets."""

from __future__ import annotations

import gc
import gzip
import io
import json
import logging
import os
import random
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
import trustme

import aiocloud
from aiocloud import CloudError
from aiocloud._http import httpx
from aiocloud.complaint import error_from
from aiocloud.config.schema import CloudConfig
from aiocloud.errors import RateLimited, Timeout, TransportError
from aiocloud.log import enable_logging
from aiocloud.testing import FakeCloud, Fault
from aiocloud.testing.http import Reply
from aiocloud.transport import build_transport
from tests.conftest import EVERY_WAY_OUT
from tests.promises.report import report, size
from tests.transport.helper import NASTY, Answer, Network, ask, carried, virtual
from tests.transport.origin import Visit, polite, serving
from tests.transport.test_tls import expired, foreign, server, wrong_host

pytestmark = pytest.mark.promise
every_way_out = pytest.mark.parametrize("anyio_backend", EVERY_WAY_OUT, indirect=True)
SEED = 20_260_726
OK = httpx.Response(200, json={"servers": []})


# R10: a flaky network is survived

FAULTS: list[Answer] = [
    httpx.ConnectError("All connection attempts failed"),
    httpx.ReadError("Connection reset by peer"),
    httpx.RemoteProtocolError("peer closed connection without sending complete message body"),
    httpx.ReadTimeout(""),
    httpx.DecodingError("incorrect header check"),
    httpx.Response(500),
    httpx.Response(502, html="<h1>Bad gateway</h1>"),
    httpx.Response(503),
    httpx.Response(503, headers={"retry-after": "1"}),
    httpx.Response(504),
]


@pytest.mark.parametrize(("rate", "fine", "cost"), [(0.10, 0.9999, 1.15), (0.20, 0.999, 1.30)])
def test_r10_a_flaky_network_is_survived(rate: float, fine: float, cost: float) -> None:
    # One worker meets the same weather in each run; a hundred share it differently each time.
    count, workers, dice = size(4_000, 100_000), size(1, 100), random.Random(SEED)

    def weather(_: httpx.Request) -> Answer:
        return dice.choice(FAULTS) if dice.random() < rate else OK

    async def story() -> tuple[int, int]:
        network = Network(weather)
        network.latency = 0.01
        transport = carried(network)
        good = 0

        async def worker() -> None:
            nonlocal good
            for _ in range(count // workers):
                try:
                    response = await transport.handle_async_request(ask(dice.choice(["GET", "PUT", "DELETE"])))
                except CloudError:
                    continue
                good += response.is_success

        async with anyio.create_task_group() as tasks:
            for _ in range(workers):
                tasks.start_soon(worker)
        return good, len(network.times)

    good, requests = virtual(story)
    report(
        "R10",
        n=f"{count} calls, {rate:.0%} faults, seed {SEED}",
        target=f">= {fine:.2%} fine at <= {cost} x requests",
        got=f"{good / count:.3%} fine at {requests / count:.2f} x",
    )
    assert good / count >= fine
    assert requests / count <= cost


# R11: no retry storm


def test_r11_there_is_no_retry_storm() -> None:
    """Calls arrive at a steady rate, whatever becomes of the earlier ones."""
    sick, rate = size(5, 60), size(300, 1000)

    async def story() -> tuple[float, float, float]:
        began = anyio.current_time()
        network = Network(lambda _: httpx.Response(503) if anyio.current_time() - began < sick else OK)
        network.latency = 0.02
        transport = carried(network)
        slow_to_heal = 0.0

        async def call(at: float) -> None:
            nonlocal slow_to_heal
            await anyio.sleep_until(began + at)
            response = await transport.handle_async_request(ask())
            if at > sick and (response.is_error or anyio.current_time() - began - at > 0.1):
                slow_to_heal = max(slow_to_heal, at - sick)

        async with anyio.create_task_group() as tasks:
            for number in range((sick + 6) * rate):
                tasks.start_soon(call, number / rate)
        sent = [at - began for at in network.times]
        during = sum(2.0 <= at < sick for at in sent) / ((sick - 2) * rate)
        return during - 1.0, max(sum(int(at) == second for at in sent) for second in range(sick)) / rate, slow_to_heal

    extra, worst, healed = virtual(story)
    report(
        "R11",
        n=f"{sick} s of 503 at {rate} calls/s, in virtual time",
        target="<= 5 % extra requests once the budget is empty; normal within 5 s",
        got=f"{extra:.2%} extra, {worst - 1.0:.1%} in the first second; normal {healed:.1f} s after healing",
    )
    assert extra <= 0.05
    assert healed <= 5.0


# R12: what Retry-After asks for is done

LATER = "Sun, 06 Nov 1994 08:49:37 GMT"
WAITS: list[tuple[dict[str, str], float | None]] = [
    ({"retry-after": "7"}, 7.0),
    ({"retry-after": LATER, "date": "Sun, 06 Nov 1994 08:49:07 GMT"}, 30.0),
    ({"retry-after": LATER}, 0.0),
    ({"retry-after": "0"}, 0.0),
    ({"retry-after": "-5"}, 0.0),
    ({"retry-after": "soon"}, 0.0),
    ({}, 0.0),
    ({"retry-after": "1000000000"}, None),
]


def test_r12_retry_after_is_obeyed() -> None:
    """For each status and header, 20 callers at once: nobody in the bucket sends before the time."""
    early = cases = wrong = 0

    async def one(status: int, headers: dict[str, str], wait: float | None) -> tuple[int, int]:
        refusal = httpx.Response(status, headers=headers, json={})
        network = Network(refusal) if wait is None else Network(refusal, refusal, OK)
        transport, started, failed = carried(network, CloudConfig(name="c", concurrency=2)), anyio.current_time(), 0

        async def call() -> None:
            nonlocal failed
            response = await transport.handle_async_request(ask("POST"))
            failed += response.is_error

        async with anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(call)
        if wait is None:
            # Told at once, and asked no second time.
            return 0, int(failed != 20 or len(network.times) != 20 or anyio.current_time() > started + 60.0)
        later = [at - started for at in network.times[2:]]
        return sum(at < wait for at in later), int(bool(failed))

    for status in (429, 413, 498, 503):
        for headers, wait in WAITS:
            if status in (413, 503) and wait in (0.0, None) and headers.get("retry-after") in (None, "-5", "soon"):
                continue  # without a time to wait for, these are not a refusal but an end
            too_early, untold = virtual(one, status, headers, wait)
            early, wrong, cases = early + too_early, wrong + untold, cases + 1
    report(
        "R12",
        n=f"{cases} statuses and headers x 20 callers",
        target="0 early calls, 0 wrong ends",
        got=f"{early} early, {wrong} wrong",
    )
    assert (early, wrong) == (0, 0)


@pytest.mark.anyio
async def test_r12_a_wait_that_is_too_long_is_a_typed_error_at_once(
    fake: FakeCloud, clouds_yaml: Path, anyio_backend_name: str
) -> None:
    fake.fault(Fault(service="compute", path="*/flavors*", status=429, headers={"Retry-After": "1000000000"}))
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
        with pytest.raises(RateLimited) as caught:
            await cloud.list_flavors()
    report("R12", n=f"a wait of 10^9 s on {anyio_backend_name}", target="RateLimited", got=type(caught.value).__name__)
    assert caught.value.retry_after == 1e9


# R13: no body can crash or bloat us


def mutations(seed: int) -> Iterator[Callable[[Reply], Reply]]:
    """Ways to spoil an answer, for ever."""
    dice = random.Random(seed)
    bomb = gzip.compress(gzip.compress(b"\0" * 100_000_000))
    fixed: list[tuple[bytes, dict[str, str]]] = [
        (b"<html><h1>Welcome</h1>", {"content-type": "text/html"}),
        (b"[" * 100_000, {}),
        (b'{"flavors":' * 5000, {}),
        (b'{"flavors": ' + b"[" * 5000 + b"]" * 5000 + b"}", {}),
        (b'{"flavors": [{"id": ' + b"9" * 5000 + b"}]}", {}),
        (bomb, {"content-encoding": "gzip, gzip"}),
        (b"no gzip", {"content-encoding": "gzip"}),
        (b"", {}),
        (b"\xff\xfe\x00", {}),
        (b'{"flavors": "\\ud800"}', {}),
        (b"NaN", {}),
        (b'{"flavors": [{"id": "1", "ram": 1e999}]}', {}),
        (b'{"flavors": [{"id": "1", "id": "2"}, null, 5, [], "x"]}', {}),
        (b'{"flavors": {"a": 1}}', {}),
        (b'{"flavors": [], "flavors_links": [{"rel": "next", "href": 5}]}', {}),
    ]
    odd: list[Any] = [None, True, -1, 1.5, "", "x" * 1000, [], {}, [[]], {"a": {"b": []}}]

    def spoil(reply: Reply) -> Reply:
        body = reply.content if isinstance(reply.content, bytes) else b""
        kind = dice.randrange(4)
        headers = {**reply.headers}
        if kind == 0:
            body, more = dice.choice(fixed)
            headers.update(more)
        elif kind == 1:
            body = body[: dice.randrange(len(body) + 1)]
        elif kind == 2 and body:
            at = dice.randrange(len(body))
            body = body[:at] + bytes([dice.randrange(256)]) + body[at + 1 :]
        elif body:
            body = json.dumps(_odd_somewhere(json.loads(body), dice, odd)).encode()
        headers.pop("content-length", None)
        return Reply(dice.choice([200, 200, 200, 203, 300, 404, 500]), body, headers)

    while True:
        yield spoil


def _odd_somewhere(value: Any, dice: random.Random, odd: list[Any]) -> Any:
    """The same JSON with one value replaced by a strange one."""
    if isinstance(value, dict) and value and dice.random() < 0.8:
        key = dice.choice(list(value))
        return {**value, key: _odd_somewhere(value[key], dice, odd)}
    if isinstance(value, list) and value and dice.random() < 0.8:
        at = dice.randrange(len(value))
        return [*value[:at], _odd_somewhere(value[at], dice, odd), *value[at + 1 :]]
    return dice.choice(odd)


@pytest.mark.anyio
async def test_r13_no_answer_can_crash_or_bloat_us(fake: FakeCloud, clouds_yaml: Path, anyio_backend_name: str) -> None:
    count, untyped, typed = size(1500, 50_000), [], 0
    before = _resident()
    spoilt = mutations(SEED)
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
        cloud = cloud.with_options(retries=0)
        await cloud.list_flavors()
        for number in range(count):
            fake.clear()
            fake.fault(Fault(service="compute", path="*/flavors*", mutate=next(spoilt)))
            try:
                await (cloud.list_flavors() if number % 2 else cloud.get_flavor("m1.tiny"))
            except CloudError:
                typed += 1
            except Exception as error:  # noqa: BLE001 - that is what is counted
                untyped.append(repr(error))
    gc.collect()
    growth = _resident() - before
    report(
        "R13",
        n=f"{count} spoilt answers on {anyio_backend_name}, seed {SEED}",
        target="0 untyped errors, < 64 MiB growth",
        got=f"{len(untyped)} untyped, {typed} typed errors, {max(growth, 0):.0f} MiB",
    )
    assert not untyped, untyped[:3]
    assert growth < 64.0


def _resident() -> float:
    """MiB of memory in use; 0 where the system does not say."""
    status = Path("/proc/self/statm")
    return int(status.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20 if status.exists() else 0.0


# R14: calls end in time


def test_r14_calls_end_in_time() -> None:
    """In virtual time: how far from its deadline each phase ends."""

    class Drip(httpx.AsyncByteStream):
        async def __aiter__(self) -> Any:
            while True:
                await anyio.sleep(1)
                yield b"x"

    async def drip(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, stream=Drip())

    async def hang(_: httpx.Request) -> httpx.Response:
        await anyio.sleep_forever()
        raise AssertionError("unreachable")

    async def ill(_: httpx.Request) -> httpx.Response:
        await anyio.sleep(0.1)
        return httpx.Response(503)

    async def phase(handle: Any, config: CloudConfig, stream: bool, others: int) -> float:
        transport = carried(httpx.MockTransport(handle), config)
        async with anyio.create_task_group() as tasks:
            for _ in range(others):
                tasks.start_soon(transport.handle_async_request, ask(deadline=anyio.current_time() + 1e6))
            await anyio.sleep(0.001)
            deadline = anyio.current_time() + 10.25
            try:
                response = await transport.handle_async_request(ask(deadline=deadline, stream=stream, retries=1000))
                await response.aread()
            except Timeout:
                pass
            except TransportError:
                return float("inf")
            ended = anyio.current_time()
            tasks.cancel_scope.cancel()
        return ended - deadline

    one = CloudConfig(name="c", concurrency=1)
    slow = CloudConfig(name="c", rate_limit=0.001)
    phases: list[tuple[str, Any, CloudConfig, bool, int]] = [
        ("answer stalls", hang, CloudConfig(name="c"), False, 0),
        ("body drips", drip, CloudConfig(name="c"), False, 0),
        ("streamed body drips", drip, CloudConfig(name="c"), True, 0),
        ("no free slot", hang, one, False, 1),
        ("rate used up", hang, slow, False, 1),
        ("retries", ill, CloudConfig(name="c"), False, 0),
    ]
    late = {name: virtual(phase, handle, config, *how) for name, handle, config, *how in phases}
    report("R14", n=f"{len(late)} phases", target="deadline +- 100 ms, or earlier where waiting is in vain", got=late)
    assert max(late.values()) <= 0.1


# R15: nothing leaks


@pytest.mark.anyio
@every_way_out
async def test_r15_cancelled_calls_leak_no_connection(way_out: str) -> None:
    count = size(1000, 10_000)

    async def script(visit: Visit) -> None:
        while await visit.request() is not None:
            await anyio.sleep(0.001)
            await visit.answer()

    async with serving(script) as origin:
        before = _descriptors()
        transport = build_transport(None, CloudConfig(name="c"))
        dice, fine = random.Random(SEED), 0

        async def cancelled() -> None:
            for _ in range(count // 50):
                with anyio.move_on_after(dice.random() * 0.01):
                    await transport.handle_async_request(ask(url=origin.url))

        async def whole() -> None:
            nonlocal fine
            response = await transport.handle_async_request(ask(url=origin.url))
            fine += response.is_success

        for work, workers in ((cancelled, 50), (whole, 100)):
            async with anyio.create_task_group() as tasks:
                for _ in range(workers):
                    tasks.start_soon(work)
        (stats,) = transport.stats().values()
        await transport.aclose()
        with anyio.move_on_after(5):
            while _descriptors() > before:  # noqa: ASYNC110 - the server's side closes when it notices
                await anyio.sleep(0.01)
        left = max(0, _descriptors() - before)
    report(
        "R15",
        n=f"{count} cancels on {way_out}, then 100 calls at once",
        target="100 fine, 0 slots and 0 descriptors held",
        got=f"{fine} fine, {stats.in_flight} slots and {left} descriptors held",
    )
    assert (fine, stats.in_flight, left) == (100, 0, 0)


def _descriptors() -> int:
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.exists() else 0


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_r15_memory_stays_flat() -> None:
    count = size(5_000, 1_000_000)
    network = Network(OK)
    transport = carried(network)

    async def calls(number: int) -> int:
        for _ in range(number):
            await transport.handle_async_request(ask())
            network.times.clear()  # its notes would grow
            network.bodies.clear()
        gc.collect()
        return len(gc.get_objects())

    await calls(500)
    before = await calls(500)
    grown = await calls(count) - before
    report("R15", n=f"{count} calls", target="flat memory: < 100 objects more", got=f"{grown} objects more")
    assert grown < 100


# R20: TLS by default


@pytest.mark.anyio
@every_way_out
async def test_r20_nobody_unproven_is_told_anything(tmp_path: Path, way_out: str) -> None:
    authority = trustme.CA()
    cacert, mine, strange = tmp_path / "ca.pem", tmp_path / "mine.pem", tmp_path / "strange.pem"
    authority.cert_pem.write_to_path(cacert)
    authority.issue_cert("me@cloud.test").private_key_and_cert_chain_pem.write_to_path(mine)
    trustme.CA().issue_cert("me@cloud.test").private_key_and_cert_chain_pem.write_to_path(strange)
    mutual = server(authority.issue_cert("localhost"))
    authority.configure_trust(mutual)
    mutual.verify_mode = ssl.CERT_REQUIRED
    good = server(authority.issue_cert("localhost"))
    ours = {"cacert": str(cacert)}
    cases: list[tuple[str, ssl.SSLContext, dict[str, Any], bool]] = [
        ("expired", expired(authority), ours, False),
        ("wrong host", wrong_host(authority), ours, False),
        ("self-signed", foreign(authority), ours, False),
        ("wrong CA", good, {}, False),
        ("mTLS without certificate", mutual, ours, False),
        ("mTLS with a stranger's", mutual, {**ours, "cert": str(strange)}, False),
        ("good", good, ours, True),
        ("mTLS good", mutual, {**ours, "cert": str(mine)}, True),
    ]
    wrong: list[str] = []
    for name, context, config, accepted in cases:
        async with serving(polite, context) as origin:
            transport = build_transport(None, CloudConfig(name="c", **config))
            try:
                await transport.handle_async_request(ask("POST", origin.url, content=b"secret", retries=0))
                refused = False
            except TransportError:
                refused = True
            await transport.aclose()
        if refused == accepted or (refused and origin.bytes_read):
            wrong.append(name)
    report(
        "R20",
        n=f"{len(cases)} certificates on {way_out}",
        target="refused with 0 bytes read, good ones taken",
        got=f"{len(wrong)} otherwise",
    )
    assert not wrong


# R23: logs can't be injected


@pytest.mark.anyio
async def test_r23_logs_cannot_be_injected(anyio_backend_name: str) -> None:
    stream, said = io.StringIO(), NASTY
    enable_logging(debug=True, http_debug=True, stream=stream)
    spoken: list[str] = []
    for text in said:
        for body in (json.dumps({"error": {"message": text}}).encode(), text.encode("utf-8", "replace")):
            kind = "application/json" if body[:1] == b"{" else "text/html"
            headers = {"content-type": kind, "x-said": text.encode("ascii", "replace").decode()[:2000]}
            network = Network(httpx.Response(400, content=body, headers=headers))
            response = await carried(network).handle_async_request(ask())
            error = error_from(response, "c", "r", "compute")
            logging.getLogger("aiocloud").warning("it failed: %s", error)
            spoken.append(str(error))
    lines = stream.getvalue().splitlines()
    events = 3 * len(spoken)
    steering = sum(any(ord(char) < 32 or 127 <= ord(char) < 160 for char in line) for line in [*lines, *spoken])
    report(
        "R23",
        n=f"{len(spoken)} answers on {anyio_backend_name}",
        target=f"{events} records on {events} lines, 0 control characters",
        got=f"{len(lines)} lines, {steering} with control characters, longest {max(map(len, lines))}",
    )
    assert (len(lines), steering) == (events, 0)
    assert max(map(len, lines)) < 20_000
