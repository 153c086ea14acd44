"""The board for a browser: its page, its state, its news."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
from contextlib import aclosing
from dataclasses import replace
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import anyio
import httpx2 as httpx
import pytest
from rich.console import Console

from aiocloud import connect_all
from aiocloud.cli.watch import drawn
from aiocloud.testing import FakeCloud, Fault
from aiocloud.web.app import board
from aiocloud.web.feed import CloudView, Feed, ServerView

pytestmark = pytest.mark.anyio


async def test_a_feed_tells_of_servers_as_they_come_and_go(fake: FakeCloud, clouds_yaml: Path) -> None:
    async with connect_all(config_files=[clouds_yaml], transport=fake.transport) as fleet:
        feed = Feed(fleet, interval=0.01)
        (cloud,) = fleet.clouds
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(feed.run)
            async with aclosing(feed.changes()) as changes:
                with anyio.fail_after(20):
                    view = (await anext(changes))[0]
                    assert (view.state, view.servers) == ("asking", ())
                    flavor = (await cloud.list_flavors())[0]
                    image = (await cloud.list_images())[0]
                    server = await cloud.create_server("web", image=image, flavor=flavor, auto_ip=False)
                    while not view.servers:
                        view = (await anext(changes))[0]
                    assert [one.name for one in view.servers] == ["web"]
                    assert view.state == "up"
                    await cloud.delete_server(server, wait=True)
                    while view.servers:
                        view = (await anext(changes))[0]
            tasks.cancel_scope.cancel()


async def test_a_cloud_that_fails_keeps_what_was_known_and_says_why(fake: FakeCloud, clouds_yaml: Path) -> None:
    async with connect_all(["fake", "nope"], config_files=[clouds_yaml], transport=fake.transport) as fleet:
        feed = Feed(fleet)
        await feed.once()
        assert feed.views[fleet.clouds[0].where].state == "up"
        assert feed.views["nope"].state == "down"
        assert "nope" in feed.views["nope"].error
        assert feed.complete


async def test_a_fleet_that_gives_up_at_an_error_is_watched_all_the_same(fake: FakeCloud, clouds_yaml: Path) -> None:
    async with connect_all(config_files=[clouds_yaml], transport=fake.transport) as fleet:
        feed = Feed(fleet.with_options(on_error="raise"))
        fake.fault(Fault(service="compute", path="*/servers*", status=403, times=None))
        await feed.once()
        assert [view.state for view in feed.views.values()] == ["down"]


async def test_the_page_runs_nothing_but_its_own(fake: FakeCloud, clouds_yaml: Path) -> None:
    async with (
        connect_all(config_files=[clouds_yaml], transport=fake.transport) as fleet,
        httpx.AsyncClient(transport=httpx.ASGITransport(board(Feed(fleet))), base_url="http://localhost") as browser,
    ):
        page = await browser.get("/")
        policy = page.headers["content-security-policy"]
        script = re.search("<script>(.*?)</script>", page.text, re.DOTALL)
        assert script is not None
        digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
        assert f"script-src 'sha256-{digest}'" in policy
        assert "default-src 'none'" in policy
        assert "innerHTML" not in page.text
        assert not re.search(r"https?://", page.text)
        (view,) = (await browser.get("/state")).json()
        assert (view["cloud"], view["state"], view["servers"]) == ("fake", "asking", [])


async def test_a_foreign_name_is_refused(fake: FakeCloud, clouds_yaml: Path) -> None:
    async with (
        connect_all(config_files=[clouds_yaml], transport=fake.transport) as fleet,
        httpx.AsyncClient(transport=httpx.ASGITransport(board(Feed(fleet))), base_url="http://evil.test") as browser,
    ):
        for path in ("/", "/state", "/events"):
            assert (await browser.get(path)).status_code == 400


async def test_news_are_events(fake: FakeCloud, clouds_yaml: Path) -> None:
    async with connect_all(config_files=[clouds_yaml], transport=fake.transport) as fleet:
        feed = Feed(fleet)
        await feed.once()
        app = board(feed, quiet=0.01)
        got: list[bytes] = []
        enough = anyio.Event()

        async def receive() -> dict[str, object]:
            await enough.wait()
            return {"type": "http.disconnect"}

        async def send(message: dict[str, object]) -> None:
            got.append(bytes(message.get("body", b"")))  # type: ignore[call-overload]
            if b"still here" in got[-1]:
                enough.set()

        scope = {"type": "http", "method": "GET", "path": "/events", "headers": [(b"host", b"localhost")]}
        with anyio.fail_after(20):
            await app({**scope, "query_string": b"", "asgi": {"version": "3.0"}}, receive, send)  # type: ignore[arg-type]
        text = b"".join(got).decode()
        names, data = re.findall("^data: (.*)$", text, re.MULTILINE)
        assert text.startswith("retry: ")
        assert json.loads(names) == ["fake RegionOne"]
        assert json.loads(data)["cloud"] == "fake"


async def test_pages_that_are_open_end_with_the_feed(fake: FakeCloud, clouds_yaml: Path) -> None:
    """Else a server that stops waits for them."""
    async with connect_all(config_files=[clouds_yaml], transport=fake.transport) as fleet:
        feed = Feed(fleet)
        browser = httpx.AsyncClient(transport=httpx.ASGITransport(board(feed)), base_url="http://localhost")
        with anyio.fail_after(20):
            async with browser, anyio.create_task_group() as tasks:
                for _ in range(3):
                    tasks.start_soon(browser.get, "/events")
                await anyio.wait_all_tasks_blocked()
                feed.end()


async def test_a_cloud_that_falls_silent_is_seen_to_grow_old(
    fake: FakeCloud, clouds_yaml: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("aiocloud.web.feed.time", SimpleNamespace(monotonic=lambda: now))
    async with connect_all(config_files=[clouds_yaml], transport=fake.transport) as fleet:
        feed = Feed(fleet, interval=5)
        (where,) = feed.views
        assert (feed.views[where].age, feed.views[where].old) == (None, False)
        await feed.once()
        now += 5
        assert (feed.views[where].age, feed.views[where].old) == (5, False)
        now += 55
        assert (feed.views[where].age, feed.views[where].old) == (60, True)
        assert feed.views[where].to_dict()["age"] == 60
        fake.fault(Fault(service="compute", path="*/servers*", status=403, times=None))
        await feed.once()
        assert (feed.views[where].state, feed.views[where].age) == ("down", 60)
        fake.clear()
        await feed.once()
        assert (feed.views[where].state, feed.views[where].age) == ("up", 0)
        json.dumps(feed.views[where].to_dict(), allow_nan=False)


def test_the_terminal_tells_the_age_of_what_is_old() -> None:
    def shown(*views: CloudView) -> str:
        console = Console(width=100, record=True, file=StringIO())
        console.print(drawn(views))
        return console.export_text()

    server = ServerView("1", "web", "ACTIVE", "", "203.0.113.5", "m1.tiny", "", "")
    fresh = CloudView("east", "", "up", (server,), seen=time.monotonic(), good_for=20)
    assert "seen" not in shown(fresh)
    assert "as seen 60 s ago" in shown(replace(fresh, seen=time.monotonic() - 60))
    down = shown(replace(fresh, state="down", error="east: connection refused", seen=time.monotonic() - 7200))
    assert "east: connection refused" in down
    assert "as seen 2 h ago" in down
