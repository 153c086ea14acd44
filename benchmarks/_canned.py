"""Many clouds that cost nothing: each answers after 50 ms what a fake cloud once answered to the same question.

Every cloud is a port of its own. A question that is new is put to one fake cloud, and the answer kept, so that a round
that doesn't count fills the memory and all others are answered from it.

    python -m benchmarks._canned CLOUDS CLOUDS_YAML
"""

from __future__ import annotations

import asyncio
import socket
import sys
from functools import partial
from pathlib import Path

import httpx2 as httpx
import yaml

from aiocloud.testing import FakeCloud

LATENCY = 0.05
ORIGIN = "http://fake.test"
KEPT = ("x-subject-token", "content-type", "location", "vary", "openstack-api-version")
Question = tuple[str, str, str]
"""Method, path with query, microversion."""


class Memory:
    """What the fake cloud answered, as bytes to be sent again."""

    def __init__(self, client: httpx.AsyncClient, host: str) -> None:
        self._client, self._host = client, host
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
            asyncio.get_running_loop().call_later(LATENCY, self.transport.write, answer)
        else:
            self.learning = asyncio.ensure_future(self.learn(question, headers, body))

    async def learn(self, question: Question, headers: dict[str, str], body: bytes) -> None:
        self.transport.write(await self.memory.learn(question, headers, body))


async def main(count: int, clouds_yaml: Path) -> None:
    fake = FakeCloud(token_ttl=86400)
    config = yaml.safe_load(fake.clouds_yaml())["clouds"]["fake"]
    clouds: dict[str, object] = {}
    loop = asyncio.get_running_loop()
    async with httpx.AsyncClient(transport=fake.transport) as client:
        for nth in range(count):
            listening = socket.create_server(("127.0.0.1", 0), backlog=128)
            host = f"127.0.0.1:{listening.getsockname()[1]}"
            await loop.create_server(partial(Connection, Memory(client, host)), sock=listening)
            auth = {**config["auth"], "auth_url": f"http://{host}/fake/identity"}
            clouds[f"cloud-{nth:03d}"] = {**config, "auth": auth}
        clouds_yaml.write_text(yaml.safe_dump({"clouds": clouds}))  # noqa: ASYNC240 - nobody is connected yet
        print("ready", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2])))
