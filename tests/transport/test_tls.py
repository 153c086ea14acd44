"""TLS is on by default, and what is refused has not been told anything."""

from __future__ import annotations

import datetime
import gc
import logging
import socket
import ssl
import threading
import warnings
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest
import trustme

from aiocloud._http import httpx
from aiocloud.config.schema import CloudConfig
from aiocloud.errors import ConfigError, TransportError
from aiocloud.transport import build_transport
from aiocloud.transport.tls import TLS, context, warn_unverified
from tests.transport.helper import ask
from tests.transport.origin import Visit, polite, serving

pytestmark = pytest.mark.anyio
Server = Callable[[ssl.SSLContext], None]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def cacert(authority: trustme.CA, tmp_path: Path) -> str:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


def server(cert: trustme.LeafCert) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    cert.configure_cert(made)
    return made


async def test_a_server_that_our_authority_vouches_for_is_talked_to(authority: trustme.CA, cacert: str) -> None:
    async with serving(polite, server(authority.issue_cert("localhost"))) as origin:
        transport = build_transport(None, CloudConfig(name="my-cloud", cacert=cacert))
        response = await transport.handle_async_request(ask(url=origin.url))
        assert response.status_code == 200
        await transport.aclose()


async def test_an_answer_that_nobody_reads_ends_its_connection_only(authority: trustme.CA, cacert: str) -> None:
    async with serving(polite, server(authority.issue_cert("localhost"))) as origin:
        transport = build_transport(None, CloudConfig(name="my-cloud", cacert=cacert))
        for _ in range(3):
            response = await transport.handle_async_request(ask(url=origin.url, stream=True))
            assert isinstance(response.stream, httpx.AsyncByteStream)
            aiter(response.stream)
            await response.aclose()
            assert (await transport.handle_async_request(ask(url=origin.url))).status_code == 200
        await transport.aclose()


async def _once(port: int, cacert: str) -> None:
    transport = build_transport(None, CloudConfig(name="my-cloud", cacert=cacert))
    response = await transport.handle_async_request(ask(url=f"https://localhost:{port}/"))
    assert response.status_code == 200
    await transport.aclose()


def test_a_server_slow_to_say_goodbye_leaves_no_socket_open(authority: trustme.CA, cacert: str) -> None:
    """It answers, and ends TLS only when we are long gone; of a socket left open Python warns."""
    gone = threading.Event()

    def serve() -> None:
        connection, _ = listening.accept()
        with server(authority.issue_cert("localhost")).wrap_socket(connection, server_side=True) as talking:
            talking.recv(65536)
            talking.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
            gone.wait(10)

    with socket.create_server(("localhost", 0)) as listening:
        thread = threading.Thread(target=serve)
        thread.start()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            anyio.run(_once, listening.getsockname()[1], cacert)
            gc.collect()
        gone.set()
        thread.join()
    assert [str(warning.message) for warning in caught] == []


def wrong_host(authority: trustme.CA) -> ssl.SSLContext:
    return server(authority.issue_cert("other.test"))


def expired(authority: trustme.CA) -> ssl.SSLContext:
    past = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    return server(authority.issue_cert("localhost", not_after=past))


def foreign(_: trustme.CA) -> ssl.SSLContext:
    return server(trustme.CA().issue_cert("localhost"))


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (wrong_host, "Hostname mismatch"),
        (expired, "certificate has expired"),
        (foreign, "unable to get local issuer|self.signed"),
    ],
)
async def test_a_server_that_is_not_who_it_should_be_is_told_nothing(
    made: Callable[[trustme.CA], ssl.SSLContext], why: str, authority: trustme.CA, cacert: str
) -> None:
    async with serving(polite, made(authority)) as origin:
        transport = build_transport(None, CloudConfig(name="my-cloud", cacert=cacert))
        with pytest.raises(TransportError, match=why) as caught:
            await transport.handle_async_request(ask("POST", origin.url, content=b"secret"))
        await transport.aclose()
    assert (origin.bytes_read, origin.connections) == (0, 1), "not tried again either: it would not help"
    assert caught.value.sent is False


async def test_a_private_authority_is_unknown_by_default(authority: trustme.CA) -> None:
    async with serving(polite, server(authority.issue_cert("localhost"))) as origin:
        transport = build_transport(None, CloudConfig(name="my-cloud"))
        with pytest.raises(TransportError, match="the TLS connection was refused"):
            await transport.handle_async_request(ask(url=origin.url))
        await transport.aclose()
    assert origin.bytes_read == 0


async def test_verify_false_holds_for_that_cloud_alone_and_says_so_once(
    authority: trustme.CA, caplog: pytest.LogCaptureFixture, anyio_backend_name: str
) -> None:
    name = f"lax-{anyio_backend_name}"
    warn_unverified.cache_clear()
    with caplog.at_level(logging.WARNING, "aiocloud"):
        async with serving(polite, foreign(authority)) as origin:
            for _ in range(2):
                lax = build_transport(None, CloudConfig(name=name, verify=False))
                assert (await lax.handle_async_request(ask(url=origin.url))).status_code == 200
                await lax.aclose()
            strict = build_transport(None, CloudConfig(name="strict"))
            with pytest.raises(TransportError):
                await strict.handle_async_request(ask(url=origin.url))
            await strict.aclose()
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == [name]


async def test_a_client_certificate_is_shown_where_one_is_asked_for(
    authority: trustme.CA, cacert: str, tmp_path: Path
) -> None:
    tls = server(authority.issue_cert("localhost"))
    authority.configure_trust(tls)
    tls.verify_mode = ssl.CERT_REQUIRED
    pem = tmp_path / "me.pem"
    authority.issue_cert("me@cloud.test").private_key_and_cert_chain_pem.write_to_path(pem)
    async with serving(polite, tls) as origin:
        known = build_transport(None, CloudConfig(name="my-cloud", cacert=cacert, cert=str(pem)))
        assert (await known.handle_async_request(ask(url=origin.url))).status_code == 200
        await known.aclose()
        unknown = build_transport(None, CloudConfig(name="my-cloud", cacert=cacert))
        with pytest.raises(TransportError):
            await unknown.handle_async_request(ask("POST", origin.url, retries=0))
        await unknown.aclose()
    assert len(origin.requests) == 1


async def test_a_server_that_speaks_no_tls_is_named(cacert: str) -> None:
    async def plain(visit: Visit) -> None:
        await visit.stream.receive()
        await visit.answer(b"", "400 Bad Request", "connection: close\r\n")

    async with serving(plain) as origin:
        transport = build_transport(None, CloudConfig(name="my-cloud", cacert=cacert))
        with pytest.raises(TransportError, match="the TLS connection") as caught:
            await transport.handle_async_request(ask(url=origin.url.replace("http:", "https:"), retries=0))
        await transport.aclose()
    assert caught.value.sent is False


def test_one_context_serves_all_clouds_with_the_same_settings(cacert: str) -> None:
    assert context(TLS(cacert=cacert)) is context(TLS(cacert=cacert))
    assert context(TLS(cacert=cacert)) is not context(TLS())
    assert context(TLS()).verify_mode == ssl.CERT_REQUIRED
    assert context(TLS(verify=False)).verify_mode == ssl.CERT_NONE


@pytest.mark.parametrize("key", ["cacert", "cert"])
def test_a_file_that_cannot_be_used_is_a_config_error(key: str, tmp_path: Path) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("this is no certificate")
    for path in (broken, tmp_path / "missing.pem"):
        with pytest.raises(ConfigError, match=path.name) as caught:
            context(TLS(cacert=str(path)) if key == "cacert" else TLS(cert=str(path)))
        assert caught.value.key == key
