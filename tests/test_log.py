"""Logging: who hears what, and what nobody may hear."""

from __future__ import annotations

import io
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiocloud._http import httpx
from aiocloud.log import (
    enable_logging,
    escape,
    redact_body,
    redact_headers,
    redact_json,
    redact_text,
    redact_url,
)
from tests.transport.helper import Network, ask, carried

CANARY = "c4n4ry-53cr37"
FERNET = "gAAAAABmZmZmAbCdEfGhIjKlMnOpQrStUvWxYz0123456789"


def heard(**how: Any) -> list[str]:
    """The messages that come through, of those sent to every logger at every level."""
    stream = io.StringIO()
    enable_logging(stream=stream, **how)
    for name in ("aiocloud", "aiocloud.http", "aiocloud.config"):
        for level in (logging.DEBUG, logging.INFO, logging.WARNING):
            logging.getLogger(name).log(level, "%s %s", name, logging.getLevelName(level))
    return [line.split(maxsplit=4)[-1] for line in stream.getvalue().splitlines()]


LOUD = [f"{name} {level}" for name in ("aiocloud", "aiocloud.http", "aiocloud.config") for level in ("INFO", "WARNING")]


def test_by_default_steps_stay_silent() -> None:
    assert sorted(heard()) == sorted(LOUD)


def test_debug_tells_steps_but_no_requests() -> None:
    assert sorted(heard(debug=True)) == sorted([*LOUD, "aiocloud DEBUG", "aiocloud.config DEBUG"])


def test_http_debug_tells_requests() -> None:
    assert sorted(heard(http_debug=True)) == sorted([*LOUD, "aiocloud.http DEBUG"])


def test_enabling_again_replaces_and_leaves_others_alone(tmp_path: Path) -> None:
    own = logging.NullHandler()
    logger = logging.getLogger("aiocloud")
    logger.addHandler(own)
    root = list(logging.getLogger().handlers)
    first, second = io.StringIO(), io.StringIO()
    enable_logging(stream=first)
    enable_logging(stream=second, path=tmp_path / "log")
    logger.warning("once")
    assert first.getvalue() == ""
    assert second.getvalue().count("once") == 1
    assert (tmp_path / "log").read_text().count("once") == 1
    assert own in logger.handlers
    assert logging.getLogger().handlers == root
    logger.removeHandler(own)


def test_a_path_alone_writes_only_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    enable_logging(path=str(tmp_path / "log"))
    logging.getLogger("aiocloud").warning("hello")
    assert "hello" in (tmp_path / "log").read_text()
    assert capsys.readouterr().err == ""


@given(st.text())
def test_whatever_a_server_says_stays_one_harmless_line(said: str) -> None:
    safe = escape(said + "\r\n2026-01-01 INFO forged\x1b[2J\x9b1m\u202e\u2028\x85")
    assert len(safe.splitlines()) == 1
    assert not set(safe) & {chr(code) for code in [*range(9), *range(10, 32), *range(127, 160), 0x202E, 0x2028]}


def test_a_record_is_one_line_and_a_traceback_is_marked_as_such() -> None:
    stream = io.StringIO()
    enable_logging(stream=stream)
    logger = logging.getLogger("aiocloud.test")
    logger.warning("%s", "one\ntwo\x1b[31m" + "x" * 1_000_000)
    (line,) = stream.getvalue().splitlines()
    assert "one\\ntwo\\x1b[31m" in line
    assert len(line) < 20_000
    assert "characters more" in line
    try:
        int("bad\n2026-01-01 WARNING aiocloud forged\x1b[0m")
    except ValueError:
        logger.exception("it failed")
    first, *rest = stream.getvalue().splitlines()[1:]
    assert first.endswith("it failed")
    assert all(part.startswith("  | ") for part in rest)
    assert "\x1b" not in stream.getvalue()


@pytest.mark.parametrize(
    "name",
    [
        "X-Auth-Token",
        "x-subject-token",
        "X-Service-Token",
        "X-Storage-Token",
        "Authorization",
        "Set-Cookie",
        "Cookie",
        "Proxy-Authorization",
        "X-Account-Meta-Temp-URL-Key",
        "X-Container-Meta-Temp-URL-Key-2",
        "Openstack-Auth-Receipt",
        "X-Vendor-Api-Key",
    ],
)
def test_secret_headers_are_masked(name: str) -> None:
    assert redact_headers([(name, CANARY)]) == {name: "***"}


def test_other_headers_are_shown() -> None:
    shown = {"X-Openstack-Request-Id": "req-1", "Content-Type": "application/json", "X-Object-Meta-Colour": "red"}
    assert redact_headers(shown.items()) == shown


@pytest.mark.parametrize(
    "url",
    [
        f"https://swift.test/v1/a/c/o?temp_url_sig={CANARY}&temp_url_expires=1",
        f"https://console.test/vnc?token={CANARY}",
        f"https://console.test/vnc_auto.html?path=%3Ftoken%3D{CANARY}",
        f"https://user:{CANARY}@cloud.test/v3",
        f"https://s3.test/b?X-Amz-Signature={CANARY}",
        f"https://idp.test/?client_secret={CANARY}&x=1",
    ],
)
def test_secrets_in_urls_are_masked(url: str) -> None:
    assert CANARY not in redact_url(url)
    assert redact_url(url)[:8] == url[:8]


@pytest.mark.parametrize(
    "body",
    [
        {"auth": {"identity": {"methods": ["password"], "password": {"user": {"name": "me", "password": CANARY}}}}},
        {"auth": {"identity": {"methods": ["token"], "token": {"id": CANARY}}}},
        {"auth": {"identity": {"application_credential": {"id": "a", "secret": CANARY}}}},
        {"auth": {"identity": {"totp": {"user": {"id": "u", "passcode": CANARY}}}}},
        {"access": {"token": {"id": CANARY, "expires": "2026"}}},
        {"server": {"adminPass": CANARY, "user_data": CANARY}},
        {"server": {"personality": [{"path": "/x", "contents": CANARY}]}},
        {"keypair": {"name": "k", "private_key": CANARY}},
        {"credential": {"type": "ec2", "blob": CANARY}},
        {"application_credential": {"secret": CANARY}},
        {"access_token": CANARY, "refresh_token": CANARY, "id_token": CANARY},
        {"user": {"original_password": CANARY, "password": CANARY}},
        {"payload": CANARY, "name": "barbican"},
        {"remote_console": {"url": f"https://console.test/?token={CANARY}"}},
        {"changePassword": {"adminPass": CANARY}},
        {"passwords": [CANARY, CANARY]},
        {"accept": {"auth_key": CANARY}},
        {"note": f"X-Auth-Token: {CANARY}"},
        {"nested": [[{"deep": {"secret_key": CANARY}}]]},
        {"db_password": 123456789012345},
    ],
)
def test_secrets_in_bodies_are_masked(body: dict[str, Any]) -> None:
    shown = redact_body(json.dumps(body).encode(), "application/json; charset=utf-8")
    assert CANARY not in shown
    assert "123456789012345" not in shown
    assert json.loads(shown).keys() == body.keys()


def test_what_is_no_secret_stays_readable() -> None:
    body = {
        "servers": [{"id": "1", "name": "my-server", "key_name": "mine", "locked": False, "config_drive": ""}],
        "keypair": {"public_key": "ssh-ed25519 AAAA me", "fingerprint": "aa:bb"},
        "token": {"expires_at": "2026", "methods": ["password"], "user": {"id": "u1", "name": "me"}},
        "secret_ref": "https://barbican.test/v1/secrets/1",
        "security_groups": [{"name": "default"}],
        "password_expires_at": None,
        "tags": ["a", 1, None, True],
    }
    assert redact_json(body) == body


def test_tokens_are_recognised_anywhere() -> None:
    for text in (f"token {FERNET} was refused", f"'{FERNET}'", "Bearer eyJhbGciOi.eyJzdWIiOiIx.c2lnbmF0dXJl"):
        assert "***" in redact_text(text)
        assert "c2lnbmF0dXJl" not in redact_text(text)
        assert FERNET not in redact_text(text)


def test_bodies_that_are_no_json_show_little() -> None:
    assert redact_body(b"", "") == ""
    assert redact_body(b"\0" * 10, "application/octet-stream") == "<10 bytes of application/octet-stream>"
    assert redact_body(b"[" * 100_000, "application/json") == "<100000 bytes of application/json>"
    assert redact_body(b'"half a character: \\ud800"', "application/json").encode() == b'"half a character: \\ud800"'
    assert redact_body(b"not json", "application/json") == "<8 bytes of application/json>"
    assert redact_body(b"[" + b" " * 1_000_000 + b"]", "application/json") == "<1000002 bytes of application/json>"
    assert redact_body(b"<h1>Bad\x1bgateway</h1>" + b"x" * 9000, "text/html")[:8] == "<h1>Bad\x1b"
    assert len(redact_body(b"x" * 9000, "text/html")) == 1024


@pytest.mark.anyio
async def test_a_request_and_its_answer_are_one_record_each(caplog: pytest.LogCaptureFixture) -> None:
    said = httpx.Response(
        201,
        json={"server": {"adminPass": CANARY, "name": "a\n\x1b[31mb"}},
        headers={"x-subject-token": CANARY, "x-openstack-request-id": "req-42"},
    )
    request = ask(
        "POST", f"http://cloud.test/servers?token={CANARY}", content=json.dumps({"password": CANARY}).encode()
    )
    request.headers.update({"X-Auth-Token": CANARY, "Content-Type": "application/json"})
    with caplog.at_level(logging.DEBUG, "aiocloud.http"):
        await carried(Network(said)).handle_async_request(request)
    messages = [record.getMessage() for record in caplog.records if record.name == "aiocloud.http"]
    assert len(messages) == 2
    assert messages[0].startswith("my-cloud r1 compute > POST http://cloud.test/servers")
    assert "201" in messages[1]
    assert "req-42" in messages[1]
    assert CANARY not in "".join(messages)
    assert not [message for message in messages if "\n" in message or "\x1b" in message]


@pytest.mark.anyio
async def test_a_failure_is_recorded_too(caplog: pytest.LogCaptureFixture) -> None:
    network = Network(httpx.ConnectError("All connection attempts failed"), httpx.Response(200))
    with caplog.at_level(logging.DEBUG, "aiocloud"):
        await carried(network).handle_async_request(ask())
    http = [record.getMessage() for record in caplog.records if record.name == "aiocloud.http"]
    assert [message.split()[3] for message in http] == [">", "<", ">", "<"]
    assert "failed after" in http[1]
    (retry,) = [record.getMessage() for record in caplog.records if record.name == "aiocloud.transport"]
    assert "again in" in retry


@pytest.mark.anyio
async def test_uploads_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    request = ask("PUT", content=b"content" * 100)
    with caplog.at_level(logging.DEBUG, "aiocloud.http"):
        await carried(Network(httpx.Response(201))).handle_async_request(request)
    assert "contentcontent" not in caplog.text
    assert "<700 bytes of unknown type>" in caplog.text
