"""Where tokens rest: one protocol, in memory, in files, in Redis; and what can go wrong there."""

from __future__ import annotations

import gc
import logging
import os
import socket
import stat
import time
from collections.abc import AsyncIterator, Sized
from pathlib import Path

import anyio
import pytest
from pydantic import SecretStr

from aiocloud.auth import store_file
from aiocloud.auth.cache import FileStore, MemoryStore, RedisStore, TokenStore, store_key
from aiocloud.errors import ConfigError
from tests.auth.helper import ALICE, config
from tests.auth.redis_server import redis_url

pytestmark = pytest.mark.anyio

__all__ = ["redis_url"]

posix = pytest.mark.skipif(os.name != "posix", reason="modes and links as POSIX has them")


@pytest.fixture(params=["memory", "file", "redis"])
async def store(request: pytest.FixtureRequest, tmp_path: Path, anyio_backend_name: str) -> AsyncIterator[TokenStore]:
    match request.param:
        case "memory":
            yield MemoryStore()
        case "file":
            yield FileStore(tmp_path / "deep" / "tokens")
        case _:
            if anyio_backend_name == "trio":
                pytest.skip("redis-py has no trio")
            async with RedisStore(request.getfixturevalue("redis_url")) as redis:
                yield redis


async def test_what_is_put_is_there_until_it_is_deleted(store: TokenStore) -> None:
    assert await store.get("k") is None
    await store.put("k", "one", 100)
    await store.put("k", "zwei ä", 50)
    found = await store.get("k")
    assert found is not None
    assert found.text == "zwei ä"
    assert 40 < found.ttl <= 50
    assert await store.get("other") is None
    await store.delete("k")
    await store.delete("k")
    assert await store.get("k") is None


async def test_what_is_over_is_gone(store: TokenStore) -> None:
    await store.put("k", "one", 0.001)
    await anyio.sleep(0.01)
    assert await store.get("k") is None


async def test_memory_forgets_what_is_over_and_the_locks_that_nobody_holds() -> None:
    """As many people may log in as they like in a process that never ends."""
    now = 0.0
    store = MemoryStore(clock=lambda: now)
    for who in range(1000):
        async with store.lease(f"user {who}"):
            await store.put(f"user {who}", "token", 100)
        now += 1
    gc.collect()
    assert [len(thing) < 200 for thing in vars(store).values() if isinstance(thing, Sized)] == [True, True]
    found = await store.get("user 999")
    assert found is not None


async def test_one_holds_the_lease_and_the_others_wait(store: TokenStore) -> None:
    inside, most = 0, 0

    async def work() -> None:
        nonlocal inside, most
        async with store.lease("k"):
            inside += 1
            most = max(most, inside)
            await anyio.sleep(0.001)
            inside -= 1

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(work)
    assert most == 1


async def test_leases_of_two_logins_do_not_wait_for_each_other(store: TokenStore) -> None:
    with anyio.fail_after(20):
        async with store.lease("one"), store.lease("two"):
            pass


async def test_a_lease_ends_with_an_error_and_with_a_cancellation(store: TokenStore) -> None:
    with pytest.raises(ZeroDivisionError):
        async with store.lease("k"):
            raise ZeroDivisionError
    with anyio.CancelScope() as scope:
        async with store.lease("k"):
            scope.cancel()
            await anyio.sleep_forever()
    with anyio.fail_after(20):
        async with store.lease("k"):
            pass


def test_the_key_tells_logins_apart_and_holds_no_secret() -> None:
    key = store_key(config())
    assert key == store_key(config(**{**ALICE, "password": SecretStr("another")}))
    assert key == store_key(config(**{**ALICE, "password": "plain"}))
    others = [
        config(**{**ALICE, "username": "bob"}),
        config(**{**ALICE, "project_name": "db"}),
        config(**{**ALICE, "auth_url": "https://other.test"}),
        config("v3totp", **ALICE),
    ]
    assert len({key, *map(store_key, others)}) == 5


@pytest.mark.parametrize(
    "auth_type", ["token", "v3token", "v3oidcdeviceauthz", "v3oidcaccesstoken", "none", "http_basic"]
)
def test_a_login_without_a_name_has_no_key(auth_type: str) -> None:
    assert store_key(config(auth_type)) is None


# Files


@pytest.fixture
def files(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path / "tokens")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@posix
@pytest.mark.parametrize("umask", [0o000, 0o022, 0o277])
async def test_files_are_ours_alone_whatever_the_umask(files: FileStore, umask: int) -> None:
    await files.put("warm", "x", 1)  # the thread pool is up before the umask changes
    old = os.umask(umask)
    try:
        files.path.chmod(0o755)
        await files.put("k", "secret", 100)
        async with files.lease("k"):
            pass
    finally:
        os.umask(old)
    assert mode(files.path) == 0o700
    assert mode(files.path / "k.json") == 0o600
    assert mode(files.path / "k.lock") & 0o077 == 0
    assert await files.get("k") is not None


@posix
async def test_a_file_that_others_may_read_is_not_used(files: FileStore, caplog: pytest.LogCaptureFixture) -> None:
    await files.put("k", "planted", 100)
    (files.path / "k.json").chmod(0o644)
    assert await files.get("k") is None
    assert "others may" in caplog.text


@posix
async def test_links_are_not_followed(files: FileStore, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    await files.put("k", "planted", 100)
    target = tmp_path / "target"
    (files.path / "k.json").rename(target)
    before = target.read_bytes()
    (files.path / "k.json").symlink_to(target)
    assert await files.get("k") is None
    assert "k.json is not used" in caplog.text
    await files.put("k", "new", 100)
    assert target.read_bytes() == before
    assert not (files.path / "k.json").is_symlink()
    (files.path / "k.lock").symlink_to(tmp_path / "made-by-lock")
    async with files.lease("k"):
        pass
    assert not (tmp_path / "made-by-lock").exists()


@posix
async def test_a_link_in_the_directorys_place_is_not_trusted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "tokens").symlink_to(elsewhere)
    store = FileStore(tmp_path / "tokens")
    await store.put("k", "secret", 100)
    found = await store.get("k")
    assert found is not None
    assert found.text == "secret"
    assert list(elsewhere.iterdir()) == []
    assert caplog.text.count("kept in memory only") == 1


async def test_a_full_disk_leaves_memory(
    files: FileStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await files.put("k", "old", 100)

    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with caplog.at_level(logging.WARNING, "aiocloud.auth"):
        await files.put("new", "token", 100)
        await files.put("newer", "token", 100)
    found = await files.get("new")
    assert found is not None
    assert found.text == "token"
    assert caplog.text.count("No space left on device") == 1
    assert [path.name for path in files.path.iterdir()] == ["k.json"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"text": 3}', b'{"text": "x", "ttl": "y"}', b"\xff" * 99])
async def test_rubbish_in_a_file_is_nothing(files: FileStore, content: bytes) -> None:
    await files.put("k", "x", 100)
    path = files.path / "k.json"
    path.write_bytes(content)
    assert await files.get("k") is None
    await files.put("k", "y", 100)
    assert await files.get("k") is not None


async def test_a_wall_clock_that_jumps_does_not_age_a_token(files: FileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    if not store_file.BOOT.exists():
        pytest.skip("this system has no boot id: the wall clock is all there is")
    await files.put("k", "x", 100)
    for jump in (-86400.0, 86400.0):
        monkeypatch.setattr(time, "time", lambda jump=jump: 1.8e9 + jump)
        found = await files.get("k")
        assert found is not None
        assert 90 < found.ttl <= 100


async def test_a_token_of_another_boot_ages_by_the_wall_clock(
    files: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_file, "_since_boot", list)
    now = 1.8e9
    monkeypatch.setattr(time, "time", lambda: now)
    await files.put("k", "x", 100)
    now += 30
    found = await files.get("k")
    assert found is not None
    assert found.ttl == 70
    now -= 60
    assert await files.get("k") is None, "written in the future: nobody knows how old it is"


async def test_what_crashed_writers_left_is_swept_away(files: FileStore) -> None:
    await files.put("k", "x", 100)
    old, young = files.path / "k.json.aa.half", files.path / "k.json.bb.half"
    for half in (old, young):
        half.write_text("half")
    os.utime(old, (1, 1))
    await files.put("k", "y", 100)
    assert not old.exists()
    assert young.exists()


def test_files_are_in_the_users_cache_directory_by_default() -> None:
    assert FileStore().path.parts[-2:] == ("aiocloud", "tokens")


async def test_a_lease_that_never_comes_free_is_done_without(files: FileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_file, "LEASE", 0.05)
    with anyio.fail_after(20):
        async with files.lease("k"), files.lease("k"):
            pass


# Redis


async def test_redis_needs_asyncio_and_says_so(anyio_backend_name: str) -> None:
    if anyio_backend_name == "asyncio":
        pytest.skip("asyncio is what it needs")
    with pytest.raises(ConfigError, match="asyncio only"):
        await RedisStore("redis://127.0.0.1:1").get("k")


async def test_a_redis_that_is_not_there_costs_only_the_sharing(
    anyio_backend_name: str, caplog: pytest.LogCaptureFixture, free_tcp_port: int
) -> None:
    if anyio_backend_name == "trio":
        pytest.skip("redis-py has no trio")
    async with RedisStore(f"redis://:pw-canary@127.0.0.1:{free_tcp_port}") as store:
        await store.put("k", "x", 10)
        assert await store.get("k") is None
        async with store.lease("k"):
            pass
    assert "Redis does not answer" in caplog.text
    assert "pw-canary" not in caplog.text + repr(store)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_redis_that_is_silent_is_left_alone_for_a_while(
    anyio_backend_name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A login would wait for it five times over."""
    monkeypatch.setattr(RedisStore, "SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        async with RedisStore(f"redis://127.0.0.1:{silent.getsockname()[1]}") as store:
            with anyio.fail_after(5):
                for _ in range(100):
                    async with store.lease("k"):
                        await store.put("k", "one", 100)
                    assert await store.get("k") is None
    assert caplog.text.count("Redis does not answer") == 1


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # of what the first loop left open
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_redis_store_serves_one_event_loop_after_the_other(redis_url: str) -> None:
    store = RedisStore(redis_url)

    async def use() -> None:
        await store.put("k", "one", 100)
        assert await store.get("k") is not None

    async def use_and_close() -> None:
        await use()
        await store.aclose()

    anyio.run(use)
    anyio.run(use_and_close)
    gc.collect()


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_wrong_redis_url_is_a_config_error(anyio_backend_name: str) -> None:
    if anyio_backend_name == "trio":
        pytest.skip("redis-py has no trio")
    with pytest.raises(ConfigError, match="RedisStore"):
        await RedisStore("http://127.0.0.1").get("k")


@pytest.mark.parametrize(
    "url",
    [
        "redis://:pw-canary@h:6379/0",
        "redis://h?password=pw-canary",
        "unix:///run/redis.sock?password=half@pw-canary",
        "redis://:12/pw-canary@h",
        "redis://me:pw-canary/12@h",
        "redis://me:pw-canary?12@h",
    ],
)
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_no_word_of_a_redis_url_shows_its_password(
    url: str, anyio_backend_name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store = RedisStore(url)
    told = repr(store)
    monkeypatch.setattr("redis.asyncio.connection.AbstractConnection.connect", _refused)
    try:
        await store.get("k")
    except ConfigError as error:
        told += str(error)
    assert "canary" not in told + caplog.text


async def _refused(*_: object) -> None:
    raise ConnectionRefusedError


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_redis_that_was_silent_is_tried_by_one_at_a_time(
    anyio_backend_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RedisStore, "SECONDS", 0.2)
    monkeypatch.setattr(RedisStore, "QUIET", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        async with RedisStore(f"redis://127.0.0.1:{silent.getsockname()[1]}") as store:
            await store.get("k")
            await anyio.sleep(0.1)
            took = list[float]()

            async def get() -> None:
                started = anyio.current_time()
                await store.get("k")
                took.append(anyio.current_time() - started)

            async with anyio.create_task_group() as tasks:
                for _ in range(50):
                    tasks.start_soon(get)
    assert [seconds > 0.15 for seconds in sorted(took)] == [False] * 49 + [True]
