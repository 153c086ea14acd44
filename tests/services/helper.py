"""A cloud that answers from a script, for services that no fake cloud has; and a connection to a fake one."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import aiocloud
from aiocloud import Cloud
from aiocloud._http import httpx
from aiocloud.testing import FakeCloud

Answer: TypeAlias = "Mapping[str, Any] | list[Any] | int | tuple[int, Any] | Callable[[httpx.Request], Any]"


def connect(fake: FakeCloud, tmp_path: Path, *, admin: bool = False, **more: Any) -> Cloud:
    """One cloud of a fake, as a user or as its administrator."""
    path = tmp_path / "clouds.yaml"
    path.write_text(fake.clouds_yaml(admin=admin))
    return aiocloud.connect(config_files=[path], secure_files=[], transport=fake.transport, **more)


class InTurn:
    """Answers one after another, the last one from then on."""

    def __init__(self, *answers: Any) -> None:
        self._answers = list(answers)

    def next(self) -> Any:
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


class Script:
    """Answers by `"GET /v2/zones"`: JSON, a status, both, or what a function makes of the request. All else is 404."""

    def __init__(self, answers: Mapping[str, Answer | InTurn]) -> None:
        self.answers = dict(answers)
        self.seen: list[tuple[str, str, Any]] = []
        self.requests: list[httpx.Request] = []

    def connect(self, service: str, url: str) -> Cloud:
        """A cloud with this one service at this URL, and no login."""
        more: dict[str, Any] = {f"{service}_endpoint_override": url}
        return aiocloud.connect(
            config_files=[],
            secure_files=[],
            load_yaml_config=False,
            load_envvars=False,
            auth_type="none",
            auth={"endpoint": url},
            transport=httpx.MockTransport(self._answer),
            **more,
        )

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        name = f"{request.method} {request.url.path}"
        try:
            body = json.loads(request.content) if request.content else None
        except ValueError:
            body = request.content
        if name in self.answers:
            self.seen.append((request.method, request.url.raw_path.decode(), body))
            self.requests.append(request)
        answer = self.answers.get(name, 404)
        if isinstance(answer, InTurn):
            answer = answer.next()
        if callable(answer):
            answer = answer(request)
        status, content = (
            answer if isinstance(answer, tuple) else (answer, None) if isinstance(answer, int) else (200, answer)
        )
        if isinstance(content, bytes):
            return httpx.Response(status, content=content)
        return httpx.Response(status) if content is None else httpx.Response(status, json=content)
