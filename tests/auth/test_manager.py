"""One login for many tasks: renewal, refusal, cancellation, and a cloud that fails."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

import anyio
import anyio.lowlevel
import pytest

from aiocloud._http import httpx
from aiocloud.auth.cache import MemoryStore, Stored
from aiocloud.auth.manager import AuthManager
from aiocloud.config.schema import CloudConfig
from aiocloud.errors import AuthError, CloudError, ConfigError, Timeout, TransportError, Unauthorized
from tests.auth.helper import config, granted, refused

pytestmark = pytest.mark.anyio


class Clock:
    """Seconds that pass when we say so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Keystone:
    """Answers logins with tokens `tok-1`, `tok-2`, ...; what is in `script` comes first."""

    def __init__(self, life: int = 3600) -> None:
        self.logins = 0
        self.script: list[httpx.Response | CloudError] = []
        self.life = life
        self.gate: Callable[[], Awaitable[object]] = anyio.lowlevel.checkpoint

    async def send(self, request: httpx.Request) -> httpx.Response:
        self.logins += 1
        await self.gate()
        answer = self.script.pop(0) if self.script else self.yes()
        if isinstance(answer, CloudError):
            raise answer
        answer.request = request
        return answer

    def yes(self) -> httpx.Response:
        minutes, seconds = divmod(self.life, 60)
        hours, minutes = divmod(minutes, 60)
        return granted(f"tok-{self.logins}", expires_at=f"2030-01-01T{hours:02}:{minutes:02}:{seconds:02}Z")


class Scene:
    def __init__(self, conf: CloudConfig | None = None, *, life: int = 3600, store: MemoryStore | None = None) -> None:
        self.clock = Clock()
        self.keystone = Keystone(life)
        self.manager = AuthManager(
            conf or config(), self.keystone.send, store=store, clock=self.clock, jitter=lambda: 0.0
        )

    async def token(self) -> str:
        return (await self.manager.token()).text

    async def many(self, count: int) -> list[object]:
        """What `count` tasks get that ask at the same time: tokens or errors."""
        results: list[object] = []

        async def ask() -> None:
            try:
                results.append(await self.token())
            except CloudError as error:
                results.append(error)

        async with anyio.create_task_group() as tasks:
            for _ in range(count):
                tasks.start_soon(ask)
        return results


async def test_a_thousand_tasks_share_one_login() -> None:
    scene = Scene()
    assert await scene.many(1000) == ["tok-1"] * 1000
    assert scene.keystone.logins == 1


@pytest.mark.parametrize(("life", "margin"), [(3600, 120), (600, 120), (300, 60), (20, 4)])
async def test_renewed_before_its_end(life: int, margin: int) -> None:
    scene = Scene(life=life)
    assert await scene.token() == "tok-1"
    scene.clock.now += life - margin - 0.1
    assert await scene.token() == "tok-1"
    scene.clock.now += 0.2
    # One renews it, and meanwhile it serves the others.
    assert sorted(map(str, await scene.many(10))) == ["tok-1"] * 9 + ["tok-2"]
    assert await scene.many(10) == ["tok-2"] * 10
    assert scene.keystone.logins == 2


async def test_jitter_renews_a_little_earlier_never_later() -> None:
    keystone, clock = Keystone(), Clock()
    manager = AuthManager(config(), keystone.send, clock=clock, jitter=lambda: 1.0)
    await manager.token()
    clock.now += 3600 - 149
    assert (await manager.token()).text == "tok-2"


async def test_a_refused_token_is_renewed_once_for_all_who_say_so() -> None:
    scene = Scene()
    old = await scene.token()
    results: list[str] = []

    async def told_401() -> None:
        results.append((await scene.manager.renew(old)).text)

    async with anyio.create_task_group() as tasks:
        for _ in range(100):
            tasks.start_soon(told_401)
    assert results == ["tok-2"] * 100
    assert (await scene.manager.renew(old)).text == "tok-2"
    assert (await scene.manager.renew("tok-2")).text == "tok-3"
    assert scene.keystone.logins == 3


async def test_a_refused_login_is_refused_for_all_and_not_tried_again_for_a_while() -> None:
    scene = Scene()
    scene.keystone.script = [refused()] * 2
    errors = await scene.many(100)
    assert all(isinstance(error, Unauthorized) for error in errors)
    assert len(set(map(id, errors))) == 100, "each task raises an error of its own"
    assert scene.keystone.logins == 1
    scene.clock.now += 4
    with pytest.raises(AuthError, match=r"my-cloud.*alice"):
        await scene.token()
    assert scene.keystone.logins == 1
    scene.clock.now += 2
    with pytest.raises(AuthError):
        await scene.token()
    scene.clock.now += 6
    assert await scene.token() == "tok-3"


async def test_a_cloud_out_of_reach_fails_for_all_who_waited_and_only_for_them() -> None:
    scene = Scene()
    gone = TransportError("connection refused", url="https://cloud.test:5000/v3/auth/tokens")
    gone.sent = False
    scene.keystone.script = [gone]
    errors = await scene.many(50)
    assert scene.keystone.logins == 1
    for error in errors:
        assert isinstance(error, TransportError)
        assert "can't log in at https://cloud.test:5000/v3/auth/tokens: connection refused" in str(error)
    assert await scene.token() == "tok-2"


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_failing_identity_service_is_asked_again(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aiocloud.auth.manager.BACKOFF", 0.0)
    scene = Scene()
    scene.keystone.script = [refused(status, "busy"), TransportError("reset"), Timeout("no answer")]
    assert await scene.many(20) == ["tok-4"] * 20
    scene.keystone.script = [refused(status, "still busy")] * 9
    with pytest.raises(AuthError, match="still busy"):
        await scene.manager.renew("tok-4")
    assert scene.keystone.logins == 8


async def test_a_token_that_is_only_due_still_serves_when_renewal_fails(caplog: pytest.LogCaptureFixture) -> None:
    scene = Scene()
    await scene.token()
    scene.clock.now += 3500
    scene.keystone.script = [refused()] * 2
    with caplog.at_level(logging.WARNING, "aiocloud.auth"):
        assert await scene.many(5) == ["tok-1"] * 5
    assert "could not be renewed yet" in caplog.text
    assert scene.keystone.logins == 2
    scene.clock.now += 200
    with pytest.raises(AuthError):
        await scene.token()


async def test_a_token_that_is_only_due_serves_while_its_renewal_hangs() -> None:
    scene = Scene()
    await scene.token()
    scene.clock.now += 3500
    entered = anyio.Event()

    async def hang() -> None:
        entered.set()
        await anyio.sleep_forever()

    scene.keystone.gate = hang
    renewed = list[str]()

    async def renew() -> None:
        with anyio.fail_after(1):  # a call's own deadline: half of it may go into the renewal
            renewed.append(await scene.token())

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(renew)
            await entered.wait()
            assert await scene.many(50) == ["tok-1"] * 50
        assert renewed == ["tok-1"]
        assert await scene.many(50) == ["tok-1"] * 50  # nobody tries again at once
        assert scene.keystone.logins == 2
        scene.clock.now += 11
        scene.keystone.gate = anyio.lowlevel.checkpoint
        assert await scene.token() == "tok-3"


async def test_a_login_that_fails_slowly_is_not_tried_for_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aiocloud.auth.manager.SLOW", 0.1)
    scene = Scene()
    scene.keystone.script = [Timeout("the answer did not come in time")] * 3

    async def slowly() -> None:
        await anyio.sleep(0.2)

    scene.keystone.gate = slowly
    with pytest.raises(Timeout, match="can't log in at .*: the answer did not come in time"):
        await scene.token()
    assert scene.keystone.logins == 1


async def test_a_cancelled_leader_hands_over_and_nobody_is_lost() -> None:
    scene = Scene()
    entered, results = anyio.Event(), list[str]()

    async def never() -> None:
        entered.set()
        await anyio.sleep_forever()

    scene.keystone.gate = never
    leader = anyio.CancelScope()

    async def lead() -> None:
        with leader:
            await scene.token()

    async def follow() -> None:
        results.append(await scene.token())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lead)
        await entered.wait()
        for _ in range(20):
            tasks.start_soon(follow)
        await anyio.wait_all_tasks_blocked()
        scene.keystone.gate = anyio.lowlevel.checkpoint
        leader.cancel()
    assert leader.cancelled_caught
    assert results == ["tok-2"] * 20
    assert scene.keystone.logins == 2


async def test_a_waiter_that_is_cancelled_costs_the_others_nothing() -> None:
    scene = Scene()
    asked, go, results = anyio.Event(), anyio.Event(), list[str]()
    impatient = anyio.CancelScope()

    async def gate() -> None:
        asked.set()
        await go.wait()

    async def wait() -> None:
        results.append(await scene.token())

    async def give_up() -> None:
        with impatient:
            await scene.token()

    scene.keystone.gate = gate
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        # Whoever comes first is the one who logs in: it must not be the one who gives up.
        await asked.wait()
        tasks.start_soon(give_up)
        tasks.start_soon(wait)
        await anyio.wait_all_tasks_blocked()
        impatient.cancel()
        await anyio.wait_all_tasks_blocked()
        go.set()
    assert results == ["tok-1"] * 2
    assert scene.keystone.logins == 1


async def test_a_wrong_configuration_is_said_to_all() -> None:
    scene = Scene(config(username="alice"))
    errors = await scene.many(3)
    assert all(isinstance(error, ConfigError) for error in errors)
    assert scene.keystone.logins == 0


async def test_a_store_spares_the_next_session_its_login() -> None:
    store = MemoryStore()
    first, second = Scene(store=store), Scene(store=store)
    assert await first.token() == "tok-1"
    assert await second.token() == "tok-1"
    assert second.keystone.logins == 0


async def test_a_token_that_was_refused_is_not_taken_from_a_store_again() -> None:
    store = MemoryStore()
    first, second = Scene(store=store), Scene(store=store)
    await first.token()
    await second.token()
    second.keystone.logins = 10
    assert (await second.manager.renew("tok-1")).text == "tok-11"
    assert (await first.manager.renew("tok-1")).text == "tok-11", "the other session's new login"
    assert first.keystone.logins == 1


async def test_what_is_nearly_over_in_a_store_is_not_taken() -> None:
    store = MemoryStore()
    first, second = Scene(store=store), Scene(store=store)
    await first.token()
    key, (text, _) = next(iter(store._texts.items()))
    await store.put(key, text, 60)
    second.keystone.logins = 1
    assert await second.token() == "tok-2"


async def test_a_store_with_rubbish_in_it_is_an_empty_store() -> None:
    class Rubbish(MemoryStore):
        async def get(self, key: str) -> Stored | None:
            return Stored('{"value": 3}', 3600)

    assert await Scene(store=Rubbish()).token() == "tok-1"


async def test_logins_whose_user_only_a_secret_tells_are_never_shared() -> None:
    store = MemoryStore()
    for secret in ("one", "two"):
        scene = Scene(config("token", token=secret, project_id="p1"), store=store)
        await scene.token()
        assert scene.keystone.logins == 1
    assert repr(store) == "<MemoryStore of 0>"


async def test_neither_the_manager_nor_the_log_shows_the_token(caplog: pytest.LogCaptureFixture) -> None:
    scene = Scene()
    with caplog.at_level(logging.DEBUG):
        await scene.token()
    assert "logged in" in caplog.text
    assert "tok-1" not in caplog.text + repr(scene.manager)
    assert "pw-canary" not in caplog.text + repr(scene.manager)


async def test_a_provider_that_leads_to_no_url_is_an_auth_error() -> None:
    idp = {"identity_provider": "i", "protocol": "p", "client_id": "c", "client_secret": "s"}
    scene = Scene(config("v3oidcclientcredentials", **idp, discovery_endpoint="https://idp.test/known"))
    scene.keystone.script = [httpx.Response(200, json={"token_endpoint": "https://idp.test:port/"})]
    with pytest.raises(AuthError, match="not a URL"):
        await scene.token()
