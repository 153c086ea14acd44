"""`aiocloud doctor`: each cloud examined step by step, all clouds at once, and for each failure what to do."""

from __future__ import annotations

import os
import socket
import ssl
import stat
import urllib.request
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import anyio
import anyio.to_thread
from pydantic import SecretStr

from aiocloud._http import httpx
from aiocloud.cli.codes import ERROR, OK, SOME_FAILED
from aiocloud.cli.everywhere import everywhere
from aiocloud.cli.options import How, Where
from aiocloud.cli.output import Row, clean, write
from aiocloud.cloud import Cloud
from aiocloud.config.schema import CloudConfig
from aiocloud.config.services import official
from aiocloud.discover import negotiate
from aiocloud.errors import CloudError, ConfigError, Timeout, TransportError
from aiocloud.fleet import Done
from aiocloud.transport.pool import proxy_for
from aiocloud.transport.tls import TLS, context

__all__ = ["Check", "doctor", "examine"]

_PATIENCE = 10.0  # seconds for a connection
_ANSWER = 30.0  # seconds for a login, or for a service's first answer: repetitions included
_SKEW = 60.0  # seconds between two clocks that nobody needs to worry about
_SERVICES = ("compute", "network", "image", "block-storage", "object-store")
_SIGNS = {"ok": "ok  ", "warning": "WARN", "failed": "FAIL"}


@dataclass(frozen=True)
class Check:
    """What was looked at, how it is, and what to do where it is not well."""

    what: str
    state: Literal["ok", "warning", "failed"]
    found: str
    advice: str = ""
    error: CloudError | None = None


async def doctor(*, where: Where | None = None, how: How | None = None) -> int:
    """Check each cloud: its files and their permissions, name, connection, TLS, login, clock, catalog and services.

    By default every cloud and region in clouds.yaml. Each failure says what to do.
    """
    where, how = (where or Where()).or_all, how or How()
    rows: list[Row] = []

    async def verb(cloud: Cloud) -> list[Check]:
        async with aclosing(examine(cloud)) as checks:
            return [check async for check in checks]

    broken: list[str] = []

    def tell(done: Done[list[Check]]) -> None:
        broken.extend(done.cloud.where for check in done.value if check.state == "failed")
        rows.extend(_row(done.cloud, check) for check in done.value)
        if how.output == "table" and how.query is None:
            write(_told(done.cloud.where, done.value))

    code = await everywhere(where, verb, tell)
    if how.output != "table" or how.query is not None:
        how.show(rows, ("cloud", "region", "what", "state", "found", "advice"), ())
    examined = {(row["cloud"], row["region"]) for row in rows}
    if code in (OK, SOME_FAILED) and broken:
        return SOME_FAILED if len(set(broken)) < len(examined) else ERROR
    return code


def _row(cloud: Cloud, check: Check) -> Row:
    place = {"cloud": cloud.name, "region": cloud.region_name}
    return {**place, "what": check.what, "state": check.state, "found": check.found, "advice": check.advice}


def _told(where: str, checks: list[Check]) -> str:
    lines = [clean(where)]
    for check in checks:
        lines.append(clean(f"  {_SIGNS[check.state]}  {check.what}: {check.found}"))
        if check.advice:
            lines.append(clean(f"        -> {check.advice}"))
    return "\n".join(lines) + "\n\n"


async def examine(cloud: Cloud) -> AsyncGenerator[Check]:
    """The checks of one cloud in the order in which they build on each other; the first failure of the way ends them."""
    for check in _files(cloud.config):
        yield check
    reach = await _reach(cloud)
    for check in reach:
        yield check
    if reach and reach[-1].state == "failed":
        return
    login = await _login(cloud)
    for check in login:
        yield check
    if login[-1].state == "failed":
        return
    for kind in _SERVICES:
        yield await _service(cloud, kind)


def _files(config: CloudConfig) -> list[Check]:
    """The files that the settings come from; those with secrets in them are nobody else's business."""
    files = {origin.name for origin in config.origins.values() if origin.kind == "file" and origin.name}
    secret = {key for key, value in config.auth.items() if isinstance(value, SecretStr)}
    hiding = {config.origins[f"auth.{key}"].name for key in secret if f"auth.{key}" in config.origins}
    checks: list[Check] = []
    for name in sorted(files):
        path = Path(name)
        mode = path.stat().st_mode if path.exists() else 0
        if os.name == "posix" and name in hiding and mode & 0o077:
            found = f"{name} holds a secret, and others may read it ({stat.filemode(mode)})"
            checks.append(Check("file", "warning", found, f"run: chmod 600 {name}"))
        else:
            checks.append(Check("file", "ok", name))
    return checks or [Check("file", "ok", "none: everything comes from variables or arguments")]


async def _reach(cloud: Cloud) -> list[Check]:
    """From the name in auth_url to a TLS connection."""
    url = str(cloud.config.auth.get("auth_url") or "")
    if not url:
        return []
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    if proxy_for(httpx.URL(url), urllib.request.getproxies()):
        return [Check("name", "ok", f"{host} is reached through a proxy of the environment")]
    origin = str(cloud.config.origins.get("auth.auth_url") or "auth_url")
    try:
        with anyio.fail_after(_PATIENCE):
            found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError, UnicodeError) as error:
        advice = f"is the host in auth_url right ({origin})? If it is, this machine's DNS does not know it"
        return [Check("name", "failed", f"{host} has no address ({error})", advice)]
    addresses = ", ".join(dict.fromkeys(str(address[4][0]) for address in found))
    return [Check("name", "ok", f"{host} is {addresses}"), *await _connect(cloud.config, parts.scheme, host, port)]


async def _connect(config: CloudConfig, scheme: str, host: str, port: int) -> list[Check]:
    try:
        with anyio.fail_after(_PATIENCE):
            stream = await anyio.connect_tcp(host, port)
    except (OSError, TimeoutError) as error:
        why = "no answer in 10 seconds" if isinstance(error, TimeoutError) else str(error)
        advice = "is the port in auth_url right, is a VPN or firewall rule missing, is the cloud down?"
        return [Check("connection", "failed", f"{host}:{port}: {why}", advice)]
    async with stream:
        connected = Check("connection", "ok", f"{host}:{port}")
    if scheme != "https":
        advice = "passwords and tokens can be read on the way: use https:// where the cloud offers it"
        state: Literal["ok", "warning"] = "ok" if host in ("127.0.0.1", "::1", "localhost") else "warning"
        return [connected, Check("TLS", state, "none: auth_url is http", "" if state == "ok" else advice)]
    try:
        made = await anyio.to_thread.run_sync(context, TLS.of(config))
        with anyio.fail_after(_PATIENCE):
            async with await anyio.connect_tcp(host, port, tls=True, ssl_context=made, tls_standard_compatible=False):
                pass
    except (OSError, TimeoutError, CloudError) as error:
        said = error.message if isinstance(error, CloudError) else str(error)
        return [connected, Check("TLS", "failed", said or "no answer", _tls_advice(error, config))]
    if not config.verify:
        return [connected, Check("TLS", "warning", "not verified (verify: false)", "set cacert: to the cloud's CA")]
    return [connected, Check("TLS", "ok", "the certificate is verified")]


def _tls_advice(error: Exception, config: CloudConfig) -> str:
    if isinstance(error, ConfigError):
        return f"is the file right that {config.origins.get(error.key or '', error.key)} gives?"
    if isinstance(error, ssl.SSLError) and error.reason == "WRONG_VERSION_NUMBER":
        return "no TLS is spoken there: is the port right, or is it http://?"
    return "is the certificate current and for this host? A private CA goes into cacert: in clouds.yaml"


async def _login(cloud: Cloud) -> list[Check]:
    """The login, how far the cloud's clock is from ours, and what the catalog has for the region."""
    try:
        token = await cloud.session.token(anyio.current_time() + _ANSWER)
    except CloudError as error:
        return [Check("login", "failed", error.message, _login_advice(error, cloud.config), error)]
    who = token.user.name if token.user else "somebody"
    project = f" in project {token.project.name or token.project.id}" if token.project else " without a project"
    checks = [Check("login", "ok", f"{who}{project}, roles {', '.join(token.roles) or 'none'}")]
    if token.project is None and not token.system:
        checks[0] = Check("login", "warning", f"{who}{project}", "set project_name or project_id: services need one")
    if token.issued_at is not None:
        skew = (datetime.now(UTC) - token.issued_at).total_seconds()
        fine = abs(skew) < _SKEW
        found = (
            f"{abs(skew):.0f} s {'behind' if skew > 0 else 'ahead of'} ours" if not fine else "the same time as ours"
        )
        checks.append(Check("clock", "ok" if fine else "warning", found, "" if fine else "run an NTP client here"))
    if token.project is None and not token.catalog.regions():
        return checks  # only the identity service, as the warning says
    return [*checks, _catalog(cloud, token.catalog.types(cloud.region_name), token.catalog.regions())]


def _login_advice(error: CloudError, config: CloudConfig) -> str:
    """What to look at after a login that failed: the way there, the service itself, or what was sent."""
    if isinstance(error, Timeout):
        return "the identity service is overloaded, or something on the way swallows what is sent"
    if isinstance(error, TransportError):
        return "is auth_url the identity service's?"
    if error.status_code is not None and error.status_code >= 500:
        return "the settings are not to blame: the identity service fails, and its log says why"
    return _whence(config)


def _whence(config: CloudConfig) -> str:
    origins: Mapping[str, object] = config.origins
    known = [f"auth_type from {origins['auth_type']}"] if "auth_type" in origins else []
    known += [f"{key} from {origins[f'auth.{key}']}" for key in config.auth if f"auth.{key}" in origins]
    return f"used were {', '.join(known)}" if known else "`aiocloud config show --origin` tells what is used"


def _catalog(cloud: Cloud, types: tuple[str, ...], regions: tuple[str, ...]) -> Check:
    if types:
        return Check("catalog", "ok", f"{len(types)} services: {', '.join(sorted(types))}")
    advice = f"set region_name to one of {', '.join(regions)}" if regions else "does this project have services at all?"
    return Check("catalog", "failed", f"nothing in region {cloud.region_name!r}", advice)


async def _service(cloud: Cloud, kind: str) -> Check:
    """One service: is it there, does it answer, what does it speak, and is that what the settings ask for?"""
    key = official(kind).replace("-", "_")
    origins = cloud.config.origins
    try:
        if not await cloud.has_service(kind):
            return Check(kind, "ok", "not offered here")
        found = await cloud.endpoint(official(kind)).service(anyio.current_time() + _ANSWER)
    except CloudError as error:
        own = origins.get(f"{key}_endpoint_override")
        advice = f"is the address right that {own} gives?" if own else f"{key}_endpoint_override gives it another one"
        return Check(kind, "failed", error.message, advice, error)
    try:
        wanted = cloud.config.service(kind).default_microversion
        negotiate(wanted, None, found.minimum, found.maximum, what=f"{key}_default_microversion")
    except CloudError as error:
        advice = f"{origins.get(f'{key}_default_microversion')} asks for it"
        return Check(kind, "failed", error.message, advice, error)
    version = ".".join(map(str, found.version)) if found.version else "unknown"
    micro = f", microversions to {'.'.join(map(str, found.maximum))}" if found.maximum else ""
    return Check(kind, "ok", f"{found.url} (version {version}{micro})")
