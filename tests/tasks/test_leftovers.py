"""What a process leaves that is killed before its last line in the journal, and what is never taken for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from aiocloud import Cloud, Conflict
from aiocloud.tasks.journal import Journal
from aiocloud.testing import FakeCloud
from tests.tasks.test_servers import an_image, connect

pytestmark = pytest.mark.anyio


@pytest.fixture
def fake() -> FakeCloud:
    return FakeCloud(boot_time=0.01)


async def killed(
    fake: FakeCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, work: Callable[[Cloud], Awaitable[Any]]
) -> Path:
    """Do it, as a process would that dies before it writes down that it is done; the journal."""

    async def end(*_: object) -> None:
        return

    with monkeypatch.context() as patched:
        patched.setattr(Journal, "end", end)
        async with connect(fake, tmp_path) as cloud:
            cloud.keep_journal(tmp_path / "journal")
            await work(cloud)
            journal = Journal.of(cloud.session)
            assert journal is not None
            journal.close()
    return tmp_path / "journal"


def things(fake: FakeCloud) -> dict[str, set[str]]:
    """The ids of all that is there, by kind."""
    region = fake.cloud().region()
    cinder = region.cinder
    kinds: dict[str, Iterable[str]] = {
        "snapshot": cinder.snapshots,
        "backup": cinder.backups,
        "volume": cinder.volumes,
        "server": region.nova.servers,
        "image": region.glance.images,
        "port": region.neutron.ports,
    }
    return {kind: set(rows) for kind, rows in kinds.items()}


async def boot_from_volume(cloud: Cloud, name: str = "s") -> None:
    how: dict[str, Any] = {"boot_from_volume": True, "volume_size": 1}
    await cloud.create_server(name, image=await an_image(cloud), flavor="m1.tiny", wait=True, auto_ip=False, **how)


async def boot_beside_mine(cloud: Cloud) -> None:
    """A volume of the caller's, and one that Nova makes."""
    mine = await cloud.get_volume("mine")
    assert mine is not None
    await cloud.create_server(
        "s",
        image=await an_image(cloud),
        flavor="m1.tiny",
        boot_from_volume=True,
        volume_size=1,
        volumes=[mine],
        auto_ip=False,
    )


async def snapshot(cloud: Cloud) -> None:
    await cloud.create_volume_snapshot("mine", name="kept", metadata={"a": "b"})


async def backup(cloud: Cloud) -> None:
    await cloud.create_volume_backup("mine")


async def image(cloud: Cloud) -> None:
    await cloud.create_image("i", data=b"content", disk_format="raw")


async def image_of_volumes(cloud: Cloud) -> None:
    await cloud.create_image_snapshot("i", "on-a-volume")


async def volume(cloud: Cloud) -> None:
    await cloud.create_volume(1)


@pytest.mark.parametrize(
    ("work", "kinds"),
    [
        (boot_from_volume, ["server"]),
        (boot_beside_mine, ["server"]),
        (snapshot, ["snapshot"]),
        (backup, ["backup"]),
        (volume, ["volume"]),
        (image, ["image"]),
        (image_of_volumes, ["snapshot", "image"]),
    ],
)
async def test_what_was_made_is_found_and_taken_away(
    work: Callable[[Cloud], Awaitable[Any]],
    kinds: list[str],
    fake: FakeCloud,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with connect(fake, tmp_path) as cloud:
        await cloud.create_volume(1, name="mine")
        await boot_from_volume(cloud, "on-a-volume")
        before = things(fake)
        journal = await killed(fake, tmp_path, monkeypatch, work)
        assert things(fake) != before
        assert [what.kind for what in await cloud.leftovers(journal)] == kinds
        reclaimed = await cloud.reclaim_leftovers(journal)
        assert reclaimed.left == ()
        assert kinds == [what.kind for what in reclaimed.removed][: len(kinds)]
        assert things(fake) == before
        assert await cloud.leftovers(journal) == []


async def test_a_volume_whose_server_is_gone_already_is_still_found(
    fake: FakeCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever reclaims is killed in turn, between the removal of the server and that of its volume."""
    before = things(fake)
    journal = await killed(fake, tmp_path, monkeypatch, boot_from_volume)

    async def dies(*_: object) -> None:
        raise KeyboardInterrupt

    async with connect(fake, tmp_path) as cloud:
        with monkeypatch.context() as patched:
            patched.setattr("aiocloud.tasks.boot_volumes.delete_when_free", dies)
            with pytest.raises(KeyboardInterrupt):
                await cloud.reclaim_leftovers(journal)
        assert [what.kind for what in await cloud.leftovers(journal)] == ["volume"]
        await cloud.reclaim_leftovers(journal)
    assert things(fake) == before


async def test_a_region_without_floating_ips_is_looked_through_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakeCloud.like("my-internap")

    async def boot(cloud: Cloud) -> None:
        await cloud.create_server("s", image=await an_image(cloud), flavor="m1.tiny", auto_ip=False)

    before = things(fake)
    journal = await killed(fake, tmp_path, monkeypatch, boot)
    async with connect(fake, tmp_path) as cloud:
        reclaimed = await cloud.reclaim_leftovers(journal)
    assert [what.kind for what in reclaimed.removed] == ["server"]
    assert things(fake) == before


async def test_an_image_with_the_callers_id_is_theirs_until_ours_is_there(
    fake: FakeCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def again(cloud: Cloud) -> None:
        there = await an_image(cloud)
        with pytest.raises(Conflict):
            await cloud.create_image("i", data=b"content", disk_format="raw", image_id=there)

    before = things(fake)
    journal = await killed(fake, tmp_path, monkeypatch, again)
    async with connect(fake, tmp_path) as cloud:
        assert await cloud.leftovers(journal) == []
        await cloud.reclaim_leftovers(journal)
    assert things(fake) == before
