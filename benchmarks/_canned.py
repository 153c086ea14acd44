"""Clouds that cost nothing: each answers, after so long, what a fake cloud once answered to the same question.

Every cloud is a port of its own in a process of its own. A question that is new is put to one fake cloud, and the answer
kept, so that a round that doesn't count fills the memory and all others are answered from it.
"""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx2 as httpx
import yaml

import aiocloud
from aiocloud.testing import FakeCloud

ORIGIN = "http://fake.test"
KEPT = ("x-subject-token", "content-type", "location", "vary", "openstack-api-version")
Question = tuple[str, str, str]
"""Method, path with query, microversion."""


class Memory:
    """What the fake cloud answered, as bytes to be sent again."""

    def __init__(self, client: httpx.AsyncClient, host: str, latency: float) -> None:
        self._client, self._host, self.latency = client, host, latency
        self.told: dict[Question, bytes] = {}

    async def learn(self, question: Question, headers: dict[str, str], body: bytes) -> bytes:
        """The answer to something new; `told` has it from now on."""
        method, target, _ = question
        asked = {key: value for key, value in headers.items() if key not in ("host", "connection", "accept-encoding")}
        response = await self._client.request(method, ORIGIN + target, headers=asked, content=body)
        content = response.content.replace(ORIGIN.encode(), f"http://{self._host}".encode())
        kept = {key: response.headers[key] for key in KEPT if key in response.headers}
        lines = [f"{key}: {value}" for key, value in {**kept, "content-length": str(len(content))}.items()]
        answer = "\r\n".join([f"HTTP/1.1 {response.status_code} -", *lines, "", ""]).encode("latin-1") + content
        self.told[question] = answer
        return answer


class Connection(asyncio.Protocol):
    """HTTP/1.1, one request at a time, bodies of known length."""

    def __init__(self, memory: Memory) -> None:
        self.memory, self.data = memory, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.data += data
        head, ended, body = self.data.partition(b"\r\n\r\n")
        if not ended:
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {key.lower(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
        if len(body) < int(headers.get("content-length", 0)):
            return
        self.data = b""
        method, target, _ = first.split(" ")
        question = (method, target, headers.get("openstack-api-version", ""))
        if answer := self.memory.told.get(question):
            asyncio.get_running_loop().call_later(self.memory.latency, self.transport.write, answer)
        else:
            self.learning = asyncio.ensure_future(self.learn(question, headers, body))

    async def learn(self, question: Question, headers: dict[str, str], body: bytes) -> None:
        self.transport.write(await self.memory.learn(question, headers, body))


async def main(path: Path, count: int, latency: float, servers: int, page_size: int) -> None:
    fake = FakeCloud(token_ttl=86400, boot_time=0, page_size=page_size)
    await fill(fake, servers)
    config = yaml.safe_load(fake.clouds_yaml())["clouds"]["fake"]
    clouds: dict[str, object] = {}
    loop = asyncio.get_running_loop()
    async with httpx.AsyncClient(transport=fake.transport, timeout=60) as client:
        for nth in range(count):
            listening = socket.create_server(("127.0.0.1", 0), backlog=128)
            host = f"127.0.0.1:{listening.getsockname()[1]}"
            await loop.create_server(partial(Connection, Memory(client, host, latency)), sock=listening)
            auth = {**config["auth"], "auth_url": f"http://{host}/fake/identity"}
            clouds[f"cloud-{nth:03d}"] = {**config, "auth": auth}
        path.write_text(yaml.safe_dump({"clouds": clouds}))  # noqa: ASYNC240 - nobody is connected yet
        print("ready", flush=True)
        await asyncio.Event().wait()


async def fill(fake: FakeCloud, count: int) -> None:
    """So many servers, with a port each."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clouds.yaml"
        path.write_text(fake.clouds_yaml())
        async with aiocloud.connect(config_files=[path], secure_files=[], transport=fake.transport) as cloud:
            await cloud.session.token()
    token = next(iter(fake.cloud().tokens.values()))
    for nth in range(count):
        fake.cloud().region().nova.create.spawn(f"server-{nth}", str(token.project_id), token.user_id)


@contextmanager
def canned(count: int, latency: float, servers: int = 0, page_size: int = 1000) -> Iterator[Path]:
    """The clouds.yaml of so many clouds, `cloud-000` and so on, answering after so many seconds, with so many servers."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clouds.yaml"
        arguments = map(str, (path, count, latency, servers, page_size))
        command = [sys.executable, "-m", "benchmarks._canned", *arguments]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            try:
                assert server.stdout.readline() == "ready\n"
                yield path
            finally:
                server.terminate()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])))
