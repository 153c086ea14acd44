"""Every script of examples/ does what the talk says, run as a reader runs it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from aiocloud.testing import Fault
from tests.talk import IMAGES, Talk

EXAMPLES = Path(__file__).parent.parent / "examples"
THREE = {"my-vexxhost": "ca-ymq-1", "my-citycloud": "Buf1", "my-internap": "ams01"}


def run(talk: Talk, name: str) -> tuple[str, str]:
    """What the script printed and what it logged."""
    done = talk.run(EXAMPLES / name)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def servers(talk: Talk) -> dict[str, list[str]]:
    """The names of the servers that each of the talk's three clouds holds."""
    held = {cloud: talk.fake.cloud(cloud).region(region).nova.servers for cloud, region in THREE.items()}
    return {cloud: [server.name for server in each.values()] for cloud, each in held.items()}


def sent(talk: Talk, method: str, service: str, path: str = "*") -> int:
    return talk.fake.count(service=service, method=method, path=path)


def test_there_are_the_sixteen_scripts_of_the_talk_and_each_is_tested_here() -> None:
    names = sorted(path.name for path in EXAMPLES.glob("*.py"))
    assert len(names) == 16
    source = Path(__file__).read_text()
    assert [name for name in names if f'"{name}"' not in source] == []


def test_multi_cloud(talk: Talk) -> None:
    printed, _ = run(talk, "multi-cloud.py")
    assert servers(talk) == {cloud: ["my-server"] for cloud in THREE}
    lines = [line.split() for line in printed.splitlines()]
    assert [line[:2] for line in lines] == [[cloud, "my-server"] for cloud in THREE]
    assert all(line[2] != "None" for line in lines)
    for cloud, region in THREE.items():
        images = talk.fake.cloud(cloud).region(region).glance.images.values()
        assert "devuan-jessie" in [image["name"] for image in images]


def test_cleanup_servers(talk: Talk) -> None:
    run(talk, "multi-cloud.py")
    printed, _ = run(talk, "cleanup-servers.py")
    assert printed.strip() == "3 deleted"
    assert servers(talk) == {cloud: [] for cloud in THREE}


def test_debug_logging(talk: Talk) -> None:
    _, logged = run(talk, "debug-logging.py")
    assert "aiocloud" in logged
    assert "my-vexxhost" in logged


def test_http_debug_logging_shows_requests_and_no_secrets(talk: Talk) -> None:
    _, logged = run(talk, "http-debug-logging.py")
    assert "/v2/images" in logged
    tokens = list(talk.fake.cloud("my-vexxhost").tokens)
    assert tokens
    assert not [token for token in tokens if token in logged]


def test_create_server_name_or_id(talk: Talk) -> None:
    printed, _ = run(talk, "create-server-name-or-id.py")
    assert printed.splitlines()[:2] == ["my-server", "my-server"]
    assert printed.count("ACTIVE") >= 3
    assert sent(talk, "POST", "compute", "*/servers") == 3
    assert servers(talk) == {cloud: [] for cloud in THREE}


def test_create_server_dict(talk: Talk) -> None:
    run(talk, "create-server-dict.py")
    assert sent(talk, "POST", "compute", "*/servers") == 3
    assert servers(talk) == {cloud: [] for cloud in THREE}


def test_munch_dict_object(talk: Talk) -> None:
    printed, _ = run(talk, "munch-dict-object.py")
    assert printed.splitlines() == [*IMAGES["zetta"]] * 2


def test_normalization_shows_what_else_the_cloud_says_and_strict_mode_does_not(talk: Talk) -> None:
    lenient, _ = run(talk, "normalization.py")
    strict, _ = run(talk, "strict-mode.py")
    assert IMAGES["fuga"][0] in lenient
    assert IMAGES["fuga"][0] in strict
    assert "fuga_build" in lenient
    assert "fuga_build" not in strict


def test_find_an_image(talk: Talk) -> None:
    printed, _ = run(talk, "find-an-image.py")
    assert IMAGES["fuga"][0] in printed
    assert "cirros" not in printed.lower()


def test_server_information(talk: Talk) -> None:
    printed, _ = run(talk, "server-information.py")
    headings = [line for line in printed.splitlines() if line in {"Full Server", "Turn Detailed Off", "Bare Server"}]
    assert headings == ["Full Server", "Turn Detailed Off", "Bare Server"]
    full, rest = printed.split("Turn Detailed Off")
    plain, bare = rest.split("Bare Server")
    assert all("my-server" in part for part in (full, plain, bare))
    assert servers(talk)["my-citycloud"] == []
    assert not talk.fake.cloud("my-citycloud").region("Buf1").neutron.floatingips


def test_user_agent(talk: Talk) -> None:
    run(talk, "user-agent.py")
    agents = {request.headers["user-agent"] for request in talk.fake.requests}
    assert all(agent.startswith("AmazingApp/1.0") for agent in agents)
    assert all("aiocloud/" in agent for agent in agents)


def test_upload_object(talk: Talk) -> None:
    run(talk, "upload-object.py")
    assert sent(talk, "PUT", "object-store", "*/my-container/my-object") == 1
    assert sent(talk, "DELETE", "object-store", "*/my-container/my-object") == 1
    assert not talk.fake.cloud("ovh").region("SBG1").swift.containers


def test_upload_large_object_in_pieces_that_go_with_it(talk: Talk) -> None:
    size = (talk.folder / "briarcliff.sh3d").stat().st_size
    run(talk, "upload-large-object.py")
    pieces = -(-size // 1_000_000)
    assert pieces == 4
    puts = [r for r in talk.fake.requests if (r.service, r.method) == ("object-store", "PUT")]
    sizes = sorted(int(r.headers["content-length"]) for r in puts if r.headers.get("content-length", "0") != "0")
    assert sizes[-3:] == [1_000_000] * 3
    assert size - 3_000_000 in sizes
    left = talk.fake.cloud("ovh").region("SBG1").swift.containers
    assert not [name for name, container in left.items() if container.objects]


def test_service_conditions(talk: Talk) -> None:
    assert run(talk, "service-conditions.py")[0].split() == ["True", "False"]


def test_service_condition_overrides(talk: Talk) -> None:
    assert run(talk, "service-condition-overrides.py")[0].split() == ["False"]


@pytest.fixture
def web(talk: Talk) -> Iterator[str]:
    """The web example under uvicorn, over the talk's three clouds."""
    with serving_example(talk, "app") as url:
        yield url


@contextmanager
def serving_example(talk: Talk, name: str, **environment: str) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", f"{name}:app", "--app-dir", str(EXAMPLES / "web"), "--port", str(port)]
    process = subprocess.Popen(
        command,
        cwd=talk.folder,
        env={**talk.environment, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        said = next((line for line in process.stderr if "Uvicorn running" in line), None)
        assert said, "uvicorn ended before it was ready"
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.communicate(timeout=20)


def test_web(talk: Talk, web: str) -> None:
    run(talk, "multi-cloud.py")
    talk.fake.fault(Fault(cloud="my-internap", service="compute", method="GET", status=500, times=None))
    with urlopen(f"{web}/servers/my-server", timeout=30) as answer:
        found = {each["cloud"]: each for each in json.load(answer)}
    assert set(found) == set(talk.fake.clouds)
    for cloud in ("my-vexxhost", "my-citycloud"):
        [server] = found[cloud]["servers"]
        assert (server["name"], server["status"]) == ("my-server", "ACTIVE")
        assert server["address"]
    assert found["zetta"]["servers"] == []
    assert "my-internap" in found["my-internap"]["error"]
    with urlopen(f"{web}/servers/my-server/stream", timeout=30) as answer:
        lines = [json.loads(line) for line in answer.read().splitlines()]
    assert {line["cloud"] for line in lines} == set(talk.fake.clouds)


LOGIN = """
import anyio, aiocloud
async def main():
    async with aiocloud.connect("my-citycloud") as cloud:
        print(await cloud.authorize())
anyio.run(main)
"""


def test_web_files(talk: Talk) -> None:
    token = talk.run("-c", LOGIN).stdout.strip()
    content = bytes(range(256)) * 4000
    with serving_example(talk, "files", OS_CLOUD="my-citycloud") as url:

        def ask(
            method: str, path: str, status: int, body: bytes | None = None, **headers: str
        ) -> tuple[bytes, Message]:
            address = f"{url}/files/{path}"
            named = {"X-Auth-Token": token, **{key.replace("_", "-"): value for key, value in headers.items()}}
            try:
                answer = urlopen(Request(address, body, named, method=method), timeout=30)
            except HTTPError as error:
                answer = error
            with answer:
                assert answer.status == status
                return answer.read(), answer.headers

        assert json.loads(ask("PUT", "box/odd%20name", 201, content)[0]) == {"name": "odd name", "bytes": len(content)}
        assert ask("GET", "box/odd%20name", 200)[0] == content
        part, told = ask("GET", "box/odd%20name", 206, Range="bytes=1000-1999")
        assert (part, told["Content-Range"]) == (content[1000:2000], f"bytes 1000-1999/{len(content)}")
        assert b"no object 'none'" in ask("GET", "box/none", 404)[0]
        assert b"refused (401)" in ask("GET", "box/odd%20name", 401, X_Auth_Token="somebody-elses")[0]
        assert ask("GET", "box/odd%20name", 401, X_Auth_Token="")[0]
