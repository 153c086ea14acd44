"""Keypairs and aggregates: by name, of another user, by what they hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from aiocloud import NotFound
from aiocloud.testing import FakeCloud
from tests.services.helper import connect

pytestmark = pytest.mark.anyio


async def test_an_administrator_finds_another_users_keypair(tmp_path: Path) -> None:
    fake = FakeCloud()
    async with connect(fake, tmp_path) as user, connect(fake, tmp_path, admin=True) as admin:
        made = await user.create_keypair("mine")
        assert made.user_id
        assert await admin.get_keypair("mine") is None
        found = await admin.get_keypair("mine", user_id=made.user_id)
        assert found is not None
        assert found.fingerprint == made.fingerprint
        assert await admin.get_keypair("mine", {"type": "x509"}, made.user_id) is None
        assert await admin.get_keypair("min*", user_id=made.user_id) is None
        assert await user.delete_keypair(name="mine") is True
        assert await user.delete_keypair("mine") is False
        with pytest.raises(NotFound):
            await user.delete_keypair("mine", ignore_missing=False)


async def test_aggregates_by_what_they_hold_although_nova_lists_them_by_nothing(tmp_path: Path) -> None:
    async with connect(FakeCloud(), tmp_path, admin=True) as cloud:
        await cloud.create_aggregate("a", availability_zone="z1")
        await cloud.create_aggregate("b")
        listed = await cloud.list_aggregates({"availability_zone": "z1"})
        searched = await cloud.search_aggregates(filters={"name": "b"})
        assert ([one.name for one in listed], [one.name for one in searched]) == (["a"], ["b"])
        assert len(await cloud.list_aggregates()) == 2


@pytest.mark.parametrize("strict", [False, True])
async def test_a_keypairs_name_is_its_id_wherever_it_was_seen(strict: bool, tmp_path: Path) -> None:
    async with connect(FakeCloud(), tmp_path, strict=strict) as cloud:
        made = await cloud.create_keypair("mine")
        shown, [listed] = await cloud.get_keypair("mine"), await cloud.search_keypairs("m*")
        assert shown is not None
        assert [made.id, shown.id, listed.id] == ["mine"] * 3
        assert await cloud.delete_keypair(shown.id) is True
