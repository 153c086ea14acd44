"""Where tokens rest between processes: the protocol, the key, and the store in memory.

A store keeps text under a key for some seconds, and lends a *lease*: while one holds it, the others who want to log in
with the same credentials wait, and then find the token. A lease is a courtesy with an end: when it can't be had in
time, the login goes ahead without. Stores never fail a login: what goes wrong in them is logged, and they are empty.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import NamedTuple, Protocol
from weakref import WeakValueDictionary

import anyio
from pydantic import SecretStr

from aiocloud.auth.conversation import LoginConfig

__all__ = ["LEASE", "MemoryStore", "Stored", "TokenStore", "store_key", "without_secrets"]

SWEEP = 60.0  # seconds between two times that what is over is looked for
LEASE = 30.0  # seconds that a lease lasts, and that others wait for it

# Logins that a key without secrets would not tell apart: two people's tokens must never be mixed up.
ANONYMOUS = frozenset(
    {"token", "oidcaccesstoken", "oidcauthcode", "oidcdeviceauthz", "tokenlessauth"}
    | {"none", "noauth", "http_basic", "basic", "admin_token", "token_endpoint"}
)
SECRETS = frozenset(
    {"password", "passcode", "token", "access_token", "code", "authorization_code", "auth_receipt"}
    | {"client_secret", "oauth2_client_secret", "application_credential_secret"}
)


class Stored(NamedTuple):
    """A stored text and the seconds it is good for."""

    text: str
    ttl: float


class TokenStore(Protocol):
    """Where tokens rest. Keys are hashes; texts are secrets."""

    async def get(self, key: str) -> Stored | None:
        """What is stored and still good, or None."""
        ...

    async def put(self, key: str, text: str, ttl: float) -> None:
        """Store a text for `ttl` seconds, in place of an older one."""
        ...

    async def delete(self, key: str) -> None:
        """Forget a text; it need not be there."""
        ...

    def lease(self, key: str) -> AbstractAsyncContextManager[None]:
        """While this is open nobody else is in it for the same key, unless they waited `LEASE` seconds in vain."""
        ...


def store_key(config: LoginConfig) -> str | None:
    """A hash of where, who and for what; no secret is in it. None for a login whose user only a secret tells."""
    name = config.auth_type.removeprefix("v3")
    if name in ANONYMOUS:
        return None
    whole = [config.auth_type, [*config.auth_methods], without_secrets(config)]
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()


def without_secrets(config: LoginConfig) -> dict[str, str]:
    """What `auth` says of where, who and for what."""
    return {
        key: str(value)
        for key, value in config.auth.items()
        if key not in SECRETS and value is not None and not isinstance(value, SecretStr)
    }


class MemoryStore:
    """Tokens in this process, shared by the sessions that are given the same store."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._texts: dict[str, tuple[str, float]] = {}
        self._locks: WeakValueDictionary[str, anyio.Lock] = WeakValueDictionary()
        self._sweep_at = clock() + SWEEP

    def __repr__(self) -> str:
        return f"<MemoryStore of {len(self._texts)}>"

    async def get(self, key: str) -> Stored | None:
        text, end = self._texts.get(key, ("", 0.0))
        left = end - self._clock()
        return Stored(text, left) if text and left > 0 else None

    async def put(self, key: str, text: str, ttl: float) -> None:
        now = self._clock()
        if now >= self._sweep_at:
            self._texts = {name: kept for name, kept in self._texts.items() if kept[1] > now}
            self._sweep_at = now + SWEEP
        self._texts[key] = (text, now + ttl)

    async def delete(self, key: str) -> None:
        self._texts.pop(key, None)

    @asynccontextmanager
    async def lease(self, key: str) -> AsyncGenerator[None]:
        lock = self._locks.setdefault(key, anyio.Lock())
        async with lock:
            yield
