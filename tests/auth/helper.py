"""Somebody to log in, and a way to play the cloud's part."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from pydantic import SecretStr

from aiocloud._http import httpx
from aiocloud.auth.conversation import Conversation, Pause, Tell
from aiocloud.auth.logins import login
from aiocloud.auth.token import Token
from aiocloud.config.schema import CloudConfig

AUTH_URL = "https://cloud.test:5000"
ALICE = {"username": "alice", "password": SecretStr("pw-canary"), "project_name": "web", "user_domain_name": "Default"}

Cloud = Callable[[httpx.Request], httpx.Response]


def config(auth_type: Any = "password", methods: Any = (), **auth: Any) -> CloudConfig:
    """A cloud config; without keys it is Alice's."""
    keys = {"auth_url": AUTH_URL, **(auth or ALICE)}
    return CloudConfig(name="my-cloud", auth_type=auth_type, auth=keys, auth_methods=methods)


def wire_token(**more: Any) -> dict[str, Any]:
    """A token's body as Keystone sends it."""
    token = {
        "issued_at": "2030-01-01T00:00:00.000000Z",
        "expires_at": "2030-01-01T01:00:00.000000Z",
        "user": {"id": "u1", "name": "alice", "domain": {"id": "default", "name": "Default"}},
        "project": {"id": "p1", "name": "web", "domain": {"id": "default", "name": "Default"}},
        "roles": [{"id": "r1", "name": "member"}],
        "methods": ["password"],
        "catalog": [
            {
                "type": "compute",
                "name": "nova",
                "endpoints": [{"interface": "public", "region_id": "one", "url": "https://nova.test/v2.1"}],
            }
        ],
    }
    return {"token": {**token, **more}}


def granted(value: str = "tok-1", status: int = 201, **more: Any) -> httpx.Response:
    """Keystone's yes."""
    return httpx.Response(status, json=wire_token(**more), headers={"X-Subject-Token": value})


def refused(status: int = 401, message: str = "The request you have made requires authentication.") -> httpx.Response:
    """Keystone's no."""
    return httpx.Response(status, json={"error": {"code": status, "message": message, "title": "Unauthorized"}})


class Played:
    """What a login asked and told while it was played."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.told: list[str] = []
        self.waited: list[float] = []

    @property
    def asked(self) -> list[tuple[str, str]]:
        return [(request.method, str(request.url)) for request in self.requests]


def play(conf: CloudConfig, cloud: Cloud, seen: Played | None = None) -> Token:
    """Play a login to its end; `cloud` answers its requests."""
    return play_conversation(login(conf), cloud, seen or Played())


def play_conversation(talk: Conversation[Token], cloud: Cloud, seen: Played) -> Token:
    try:
        step = next(talk)
        while True:
            match step:
                case Pause(seconds):
                    seen.waited.append(seconds)
                    step = next(talk)
                case Tell(message):
                    seen.told.append(message)
                    step = next(talk)
                case httpx.Request():
                    seen.requests.append(step)
                    answer = cloud(step)
                    answer.request = step
                    step = talk.send(answer)
    except StopIteration as stop:
        return cast("Token", stop.value)
