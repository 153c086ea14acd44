"""A Redis of the tests' own: `redis-server` on a free port of 127.0.0.1, without a disk."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False


def _start(command: str, directory: Path) -> tuple[subprocess.Popen[bytes], int]:
    for _ in range(5):  # somebody else may take the port between our look and the server's
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        options = [
            "--port",
            str(port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
            "--dir",
            str(directory),
        ]
        server = subprocess.Popen([command, *options], stdout=subprocess.DEVNULL)
        ends = time.monotonic() + 20
        while server.poll() is None and time.monotonic() < ends:
            if _answers(port):
                return server, port
            time.sleep(0.02)
        server.kill()
        server.wait()
    raise RuntimeError(f"{command} did not start")


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a fresh Redis."""
    command = shutil.which("redis-server")
    if command is None:
        pytest.skip("redis-server is not installed (Debian: apt-get install redis-server)")
    pytest.importorskip("redis", reason="the extra `redis` is not installed")
    server, port = _start(command, tmp_path_factory.mktemp("redis"))
    yield f"redis://127.0.0.1:{port}"
    server.terminate()
    server.wait(20)
