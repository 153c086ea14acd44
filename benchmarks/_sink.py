"""A Swift that costs nothing: it keeps no byte, hashes none, and answers each request after 20 ms.

It knows the file that is uploaded, and so the MD5 of each of its pieces beforehand: a piece is recognised by its length and
first bytes. What is downloaded is sent by the kernel straight from that file. Logins go to the fake Keystone beside it.

    python -m benchmarks._sink FILE SIZES CLOUDS_YAML
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, unquote

import anyio
import yaml

from aiocloud.testing import FakeCloud

LATENCY = 0.02
KNOWN_BY = 16
"""Bytes by which a piece is recognised."""
CAN = {
    "swift": {"max_file_size": 5 * 1024**3, "container_listing_limit": 10000, "max_object_name_length": 1024},
    "slo": {"min_segment_size": 1, "max_manifest_segments": 1000, "max_manifest_size": 8 * 1024**2},
    "bulk_delete": {"max_deletes_per_request": 10000},
}


@dataclass(frozen=True)
class Stored:
    """An object: a stretch of the file, in pieces or not."""

    at: int
    size: int
    etag: str
    headers: dict[str, str] = field(default_factory=dict)
    manifest: list[dict[str, object]] | None = None


@dataclass
class Store:
    """The names that were stored, and the pieces that may be."""

    path: Path
    pieces: dict[tuple[int, bytes], Stored] = field(default_factory=dict)
    objects: dict[str, dict[str, Stored]] = field(default_factory=dict)

    def learn(self, size: int) -> None:
        """The pieces of this size."""
        at = 0
        with self.path.open("rb") as file:
            while data := file.read(size):
                self.pieces[len(data), data[:KNOWN_BY]] = Stored(at, len(data), hashlib.md5(data).hexdigest())
                at += len(data)

    def joined(self, rows: list[dict[str, object]]) -> Stored:
        """A static large object of segments that are here."""
        found = []
        for row in rows:
            box, _, name = str(row["path"]).lstrip("/").partition("/")
            found.append((box, name, self.objects[box][name]))
        manifest: list[dict[str, object]] = [
            {"name": f"/{box}/{name}", "bytes": each.size, "hash": each.etag} for box, name, each in found
        ]
        etag = hashlib.md5("".join(each.etag for _, _, each in found).encode()).hexdigest()
        size = sum(each.size for _, _, each in found)
        return Stored(found[0][2].at, size, etag, {"X-Static-Large-Object": "True"}, manifest)

    def dynamic(self, where: str) -> Stored:
        """A dynamic large object, as its segments are by now."""
        box, _, prefix = unquote(where).partition("/")
        found = [each for name, each in sorted(self.objects.get(box, {}).items()) if name.startswith(prefix)]
        etag = hashlib.md5("".join(each.etag for each in found).encode()).hexdigest()
        size = sum(each.size for each in found)
        return Stored(found[0].at if found else 0, size, etag, {"X-Object-Manifest": where})


class Connection(asyncio.BufferedProtocol):
    """HTTP/1.1, as far as clients of Swift need it: one request at a time, bodies of known length."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.buffer = memoryview(bytearray(1024 * 1024))
        self.head = b""
        self.body = b""
        self.got = self.length = 0
        self.keeps = self.chunked = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def get_buffer(self, _: int) -> memoryview:
        return self.buffer

    def buffer_updated(self, count: int) -> None:
        if self.chunked:
            self.end_chunks(bytes(self.buffer[:count]))
            return
        if self.length:
            self.take(self.buffer[:count])
            return
        self.head += self.buffer[:count]
        head, ended, rest = self.head.partition(b"\r\n\r\n")
        if ended:
            self.head = b""
            self.begin(head.decode("latin-1"), rest)

    def begin(self, head: str, rest: bytes) -> None:
        first, *lines = head.split("\r\n")
        self.method, target, _ = first.split(" ")
        self.path, _, query = target.partition("?")
        self.query = dict(parse_qsl(query, keep_blank_values=True))
        self.headers = {key.lower(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
        self.length, self.got, self.body = int(self.headers.get("content-length", 0)), 0, b""
        # A piece is known by its first bytes; what is not a piece is kept whole.
        self.keeps = "multipart-manifest" in self.query or "bulk-delete" in self.query
        if self.headers.get("expect", "").lower() == "100-continue":
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.chunked = "transfer-encoding" in self.headers
        if self.chunked:
            self.end_chunks(rest)
        elif self.length:
            self.take(memoryview(rest))
        else:
            self.answer_soon()

    def end_chunks(self, data: bytes) -> None:
        """A body without a length is rclone's empty one, for a manifest."""
        self.body += data
        if self.body.endswith(b"0\r\n\r\n"):
            self.chunked = False
            self.answer_soon()

    def take(self, data: memoryview) -> None:
        if self.keeps or self.got < KNOWN_BY:
            self.body += data if self.keeps else data[: KNOWN_BY - self.got]
        self.got += len(data)
        if self.got >= self.length:
            self.length = 0
            self.answer_soon()

    def answer_soon(self) -> None:
        asyncio.get_running_loop().call_later(LATENCY, self.answer)

    def answer(self) -> None:
        _, _, rest = self.path.lstrip("/").partition("/")
        _, _, rest = rest.partition("/")
        box, _, name = unquote(rest).partition("/")
        if self.path == "/info":
            self.say(200, json.dumps(CAN).encode())
        elif not name:
            self.container(box)
        elif self.method == "POST" and name in self.store.objects.get(box, {}):
            self.say(202)
        elif self.method == "PUT":
            self.put(self.store.objects.setdefault(box, {}), name)
        else:
            self.show(box, name)

    def container(self, box: str) -> None:
        boxes = self.store.objects
        if self.method == "PUT":
            boxes.setdefault(box, {})
            self.say(201)
        elif self.method == "DELETE":
            boxes.pop(box, None)
            self.say(204)
        elif box and box not in boxes:
            self.say(404)
        elif self.method == "HEAD" or not box:
            self.say(204, headers={"X-Container-Object-Count": "0", "X-Container-Bytes-Used": "0"})
        else:
            prefix, after = self.query.get("prefix", ""), self.query.get("marker", "")
            names = [name for name in sorted(boxes[box]) if name.startswith(prefix) and name > after]
            rows = [
                {"name": name, "bytes": boxes[box][name].size, "hash": boxes[box][name].etag, "last_modified": MODIFIED}
                for name in names
            ]
            self.say(200, json.dumps(rows).encode(), {"Content-Type": "application/json; charset=utf-8"})

    def put(self, there: dict[str, Stored], name: str) -> None:
        size = int(self.headers.get("content-length", 0))
        if self.headers.get("if-none-match") == "*" and name in there:
            self.say(412)
            return
        if self.query.get("multipart-manifest") == "put":
            stored = self.store.joined(json.loads(self.body))
        elif "x-object-manifest" in self.headers:
            stored = self.store.dynamic(self.headers["x-object-manifest"])
        elif size == 0:
            stored = Stored(0, 0, EMPTY)
        elif (size, self.body) in self.store.pieces:
            stored = self.store.pieces[size, self.body]
        else:
            self.say(500, f"no piece of the file has {size} bytes and begins so".encode())
            return
        kept = {key: value for key, value in self.headers.items() if key.startswith("x-object-meta-")}
        there[name] = Stored(stored.at, stored.size, stored.etag, {**stored.headers, **kept}, stored.manifest)
        # What a dynamic manifest answers is the MD5 of its own body.
        self.say(201, headers={"Etag": EMPTY if "x-object-manifest" in self.headers else stored.etag})

    def show(self, box: str, name: str) -> None:
        found = self.store.objects.get(box, {}).get(name)
        if found is None:
            self.say(404)
            return
        if "X-Object-Manifest" in found.headers:
            found = Stored(**{**vars(self.store.dynamic(found.headers["X-Object-Manifest"])), "headers": found.headers})
        if self.method == "DELETE":
            del self.store.objects[box][name]
            self.say(204)
        elif self.headers.get("if-none-match") == found.etag:
            self.say(304)
        elif self.query.get("multipart-manifest") == "get" and found.manifest is not None:
            self.say(200, json.dumps(found.manifest).encode(), {**found.headers, "Content-Type": "application/json"})
        else:
            self.send(found)

    def send(self, found: Stored) -> None:
        first, last, status = 0, found.size - 1, 200
        large = "X-Static-Large-Object" in found.headers
        headers = {**found.headers, "Etag": f'"{found.etag}"' if large else found.etag, "Last-Modified": HTTP_DATE}
        if "range" in self.headers:
            begin, _, end = self.headers["range"].removeprefix("bytes=").partition("-")
            first, last, status = int(begin), min(int(end or last), last), 206
            headers["Content-Range"] = f"bytes {first}-{last}/{found.size}"
        size = last + 1 - first
        self.say(status, headers={**headers, "Content-Length": str(size), "Accept-Ranges": "bytes"})
        if self.method == "GET" and size:
            self.sending = asyncio.ensure_future(self.send_file(found.at + first, size))

    async def send_file(self, at: int, size: int) -> None:
        with self.store.path.open("rb") as file:
            await asyncio.get_running_loop().sendfile(self.transport, file, at, size)

    def say(self, status: int, content: bytes = b"", headers: dict[str, str] | None = None) -> None:
        told = {
            "Content-Length": str(len(content)),
            "Content-Type": "text/plain",
            "X-Trans-Id": "sink",
            **(headers or {}),
        }
        if status == 204:
            del told["Content-Length"]
        lines = [f"HTTP/1.1 {status} -", *(f"{key}: {value}" for key, value in told.items()), "", ""]
        self.transport.write("\r\n".join(lines).encode("latin-1") + (b"" if self.method == "HEAD" else content))


EMPTY = hashlib.md5(b"").hexdigest()
MODIFIED = "2026-01-01T00:00:00.000000"
HTTP_DATE = "Thu, 01 Jan 2026 00:00:00 GMT"


async def main(path: Path, sizes: list[int], clouds_yaml: Path) -> None:
    store = Store(path)
    for size in [*sizes, path.stat().st_size]:  # noqa: ASYNC240 - nobody is connected yet
        store.learn(size)
    server = await asyncio.get_running_loop().create_server(lambda: Connection(store), "127.0.0.1", 0)
    fake = FakeCloud(token_ttl=86400)
    fake.cloud().region()
    async with server, fake.serve():
        config = yaml.safe_load(fake.clouds_yaml())
        for cloud in config["clouds"].values():
            port = server.sockets[0].getsockname()[1]
            cloud["object_store_endpoint_override"] = f"http://127.0.0.1:{port}/v1/AUTH_bench"
        clouds_yaml.write_text(yaml.safe_dump(config))  # noqa: ASYNC240
        print("ready", flush=True)
        await anyio.sleep_forever()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), [int(text) for text in sys.argv[2].split(",")], Path(sys.argv[3])))
