"""Who measures is told of every request once, by route and not by name, whatever becomes of it."""

from __future__ import annotations

import logging
import socket
from dataclasses import replace
from typing import Any

import anyio
import pytest

from aiocloud._http import httpx
from aiocloud.errors import Timeout
from aiocloud.metrics import Exchange
from aiocloud.transport import build_transport
from aiocloud.transport.observe import Observe
from aiocloud.transport.route import metric_name, route_of
from aiocloud.transport.statsd import Statsd, lines_of
from tests.transport.helper import CONFIG, Network, ask, virtual

ID = "8b1f3a40-55cd-4b4e-a3a5-0d54a1b9c7aa"
HEX = ID.replace("-", "")


@pytest.mark.parametrize(
    ("service", "path", "route", "metric"),
    [
        ("compute", "/servers", "/servers", "servers"),
        ("compute", "/servers/detail?limit=1000", "/servers/detail", "servers_detail"),
        ("compute", f"/servers/{ID}", "/servers/{id}", "server"),
        ("compute", f"/servers/{ID}/action", "/servers/{id}/action", "server_action"),
        ("compute", f"/servers/{ID}/os-interface/{ID}", "/servers/{id}/os-interface/{id}", "server_os-interface"),
        ("compute", "/os-keypairs/my key", "/os-keypairs/{id}", "os-keypair"),
        (
            "compute",
            "/flavors/m1.tiny/os-extra_specs/hw:mem",
            "/flavors/{id}/os-extra_specs/{id}",
            "flavor_os-extra_spec",
        ),
        ("compute", "/os-hypervisors/statistics", "/os-hypervisors/statistics", "os-hypervisors_statistics"),
        ("compute", f"/os-quota-sets/{HEX}/detail", "/os-quota-sets/{id}/detail", "os-quota-set_detail"),
        ("network", f"/floatingips/{ID}", "/floatingips/{id}", "floatingip"),
        (
            "network",
            f"/qos/policies/{ID}/bandwidth_limit_rules",
            "/qos/policies/{id}/bandwidth_limit_rules",
            "qos_policie_bandwidth_limit_rules",
        ),
        ("load-balancer", f"/lbaas/loadbalancers/{ID}", "/lbaas/loadbalancers/{id}", "lbaas_loadbalancer"),
        ("image", f"/images/{ID}/file", "/images/{id}/file", "image_file"),
        ("identity", "http-prefix/v3/auth/tokens", "/auth/tokens", "tokens"),
        ("identity", "/identity/v3/auth/tokens", "/auth/tokens", "tokens"),
        ("identity", "/v3", "/", "discovery"),
        ("compute", "/compute/v2.1/", "/", "discovery"),
        (
            "identity",
            "/OS-FEDERATION/identity_providers/google/protocols/oidc/auth",
            "/OS-FEDERATION/identity_providers/{id}/protocols/{id}/auth",
            "OS-FEDERATION_identity_provider_protocol_auth",
        ),
        ("object-store", "", "/", "discovery"),
        ("object-store", "/my%20box", "/{container}", "container"),
        ("object-store", "/box/a/b/v1/2026.tar", "/{container}/{object}", "container_object"),
    ],
)
def test_a_path_is_on_a_route(service: str, path: str, route: str, metric: str) -> None:
    assert route_of(service, path) == route
    assert metric_name(route) == metric


def seen_by(network: Network, **more: Any) -> tuple[httpx.AsyncBaseTransport, list[Exchange]]:
    seen: list[Exchange] = []
    return build_transport(network, replace(CONFIG, **more), None, seen.append), seen


def test_every_attempt_is_told_with_its_time_and_without_waits() -> None:
    async def story() -> None:
        network = Network(
            httpx.Response(503),
            httpx.ConnectError("no"),
            httpx.Response(200, headers={"x-openstack-request-id": "req-1"}),
        )
        transport, seen = seen_by(network)
        await transport.handle_async_request(ask(path="/servers/abc"))
        assert [(one.attempt, one.status, one.error, one.request_id) for one in seen] == [
            (1, 503, None, None),
            (2, None, "ConnectError", None),
            (3, 200, None, "req-1"),
        ]
        one = seen[0]
        assert (one.cloud, one.region, one.service) == ("my-cloud", "r1", "compute")
        assert (one.method, one.route) == ("GET", "/servers/{id}")
        assert all(one.seconds < 1 for one in seen)

    virtual(story)


def test_what_ended_early_is_told_as_cancelled_or_as_a_timeout() -> None:
    async def story() -> None:
        network = Network(httpx.Response(200))
        network.latency = 100
        transport, seen = seen_by(network)
        with anyio.move_on_after(1):
            await transport.handle_async_request(ask())
        with pytest.raises(Timeout):
            await transport.handle_async_request(ask("POST", deadline=anyio.current_time() + 1))
        assert [(one.status, one.error) for one in seen] == [(None, "Cancelled"), (None, "Timeout")]

    virtual(story)


@pytest.mark.anyio
async def test_an_observer_that_fails_harms_no_request(caplog: pytest.LogCaptureFixture) -> None:
    def observe(exchange: Exchange) -> None:
        raise ValueError(exchange.route)

    transport = build_transport(Network(httpx.Response(200)), CONFIG, None, observe)
    with caplog.at_level(logging.ERROR, "aiocloud.transport"):
        response = await transport.handle_async_request(ask())
    assert response.status_code == 200
    assert "the observer of requests failed at GET /servers" in caplog.text


def an_exchange(**more: Any) -> Exchange:
    told = {
        "cloud": "c",
        "region": "r",
        "service": "block-storage",
        "method": "GET",
        "route": "/volumes",
        "status": 200,
    }
    rest = {"error": None, "seconds": 0.0123, "attempt": 1, "request_id": None}
    return Exchange(**{**told, **rest, **more})


@pytest.mark.parametrize(
    ("exchange", "lines"),
    [
        (an_exchange(), ["200:12|ms", "200:1|c", "attempted:1|c"]),
        (an_exchange(seconds=1.5, status=503), ["503:1500|ms", "503:1|c", "over_1000:1|c", "attempted:1|c"]),
        (an_exchange(status=None, error="ReadTimeout"), ["failed:1|c", "attempted:1|c"]),
        (an_exchange(status=None, error="Cancelled"), ["attempted:1|c"]),
    ],
)
def test_statsd_is_told_by_the_names_of_old(exchange: Exchange, lines: list[str]) -> None:
    assert lines_of(exchange, "p") == [f"p.block-storage.GET.volumes.{line}" for line in lines]


def listening() -> socket.socket:
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))
    server.settimeout(5)
    return server


@pytest.mark.anyio
async def test_statsd_gets_one_datagram_an_exchange() -> None:
    with listening() as server:
        statsd = {"host": "127.0.0.1", "port": server.getsockname()[1], "prefix": "mine"}
        network = Network(httpx.Response(404))
        transport = build_transport(network, replace(CONFIG, metrics={"statsd": statsd}))
        for _ in range(2):
            await transport.handle_async_request(ask())
            told = server.recv(1000).decode().splitlines()
            assert [line.partition(":")[0] for line in told] == [
                "mine.compute.GET.servers.404",
                "mine.compute.GET.servers.404",
                "mine.compute.GET.servers.attempted",
            ]
        await transport.aclose()


async def ends_well(transport: httpx.AsyncBaseTransport) -> None:
    assert (await transport.handle_async_request(ask())).status_code == 200


@pytest.mark.anyio
async def test_a_statsd_that_is_not_found_is_mentioned_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nowhere(*_: object, **__: object) -> object:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(anyio, "getaddrinfo", nowhere)
    transport = build_transport(Network(httpx.Response(200)), replace(CONFIG, metrics={"statsd": {"host": "nowhere"}}))
    for _ in range(3):
        await ends_well(transport)
    assert caplog.text.count("no metrics go to statsd at nowhere: Name or service not known") == 1


def test_a_silent_name_server_holds_up_one_request_for_a_second_and_is_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[float] = []

    async def silent(*_: object, **__: object) -> object:
        asked.append(anyio.current_time())
        await anyio.sleep_forever()
        raise AssertionError

    async def story() -> None:
        monkeypatch.setattr(anyio, "getaddrinfo", silent)
        config = replace(CONFIG, metrics={"statsd": {"host": "nowhere"}})
        transport = build_transport(Network(httpx.Response(200)), config)
        began = anyio.current_time()
        async with anyio.create_task_group() as tasks:
            for _ in range(10):
                tasks.start_soon(ends_well, transport)
        assert anyio.current_time() - began == pytest.approx(1)
        await ends_well(transport)
        assert len(asked) == 1
        await anyio.sleep(60)
        await ends_well(transport)
        assert len(asked) == 2

    virtual(story)


@pytest.mark.anyio
async def test_a_datagram_that_can_not_be_sent_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    statsd = Statsd({"host": "127.0.0.1", "port": 9, "prefix": "p" * 70_000})
    await statsd.found()
    with caplog.at_level(logging.DEBUG, "aiocloud.transport"):
        statsd(an_exchange())
    statsd.close()
    assert "statsd at 127.0.0.1 was not told: " in caplog.text


@pytest.mark.anyio
async def test_a_machine_without_a_socket_left_still_gets_its_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(*_: object) -> socket.socket:
        raise OSError(24, "Too many open files")

    statsd = Statsd({"host": "127.0.0.1"})
    await statsd.found()
    monkeypatch.setattr("aiocloud.transport.statsd.socket.socket", none_left)
    transport = Observe(Network(httpx.Response(200)), statsd=statsd)
    assert (await transport.handle_async_request(ask())).status_code == 200
