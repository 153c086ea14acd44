"""People, roles and the catalog on a fake cloud."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aiocloud import Cloud, InvalidRequest
from aiocloud.services.identity.user import NewUser
from aiocloud.testing import FakeCloud
from tests.services.helper import connect

pytestmark = pytest.mark.anyio


@pytest.fixture
async def cloud(fake: FakeCloud, tmp_path: Path) -> AsyncIterator[Cloud]:
    async with connect(fake, tmp_path, admin=True) as cloud:
        yield cloud


async def test_a_domain_is_found_by_an_id_that_looks_like_a_name(cloud: Cloud) -> None:
    for found in (
        await cloud.get_domain("default"),
        await cloud.get_domain(name_or_id="default"),
        await cloud.get_domain(name_or_id="Default"),
    ):
        assert found is not None
        assert (found.id, found.name) == ("default", "Default")
    assert await cloud.get_domain(name_or_id="nowhere") is None
    with pytest.raises(InvalidRequest, match="domain_id or name_or_id"):
        await cloud.delete_domain()


async def test_a_domain_is_switched_off_before_it_is_removed(cloud: Cloud) -> None:
    domain = await cloud.create_domain("d", "for a while")
    assert (domain.is_enabled, domain.description) == (True, "for a while")
    assert (await cloud.update_domain(name_or_id="d", description="shorter")).description == "shorter"
    assert await cloud.delete_domain(name_or_id="d") is True
    assert await cloud.delete_domain(name_or_id="d") is False


async def test_the_same_name_in_two_domains(cloud: Cloud) -> None:
    domain = await cloud.create_domain("d")
    here = await cloud.create_user("ann", password="long enough", domain_id="default")
    there = await cloud.create_user("ann", password="long enough", domain_id=domain.id, email="ann@example.org")
    found = await cloud.get_user("ann", domain_id=domain.id)
    assert found is not None
    assert (found.id, found.email) == (there.id, "ann@example.org")
    assert (await cloud.update_user("ann", domain_id=domain.id, enabled=False)).is_enabled is False
    assert await cloud.delete_user("ann", domain_id=domain.id) is True
    rest = await cloud.get_user("ann")
    assert rest is not None
    assert rest.id == here.id


async def test_groups_know_who_is_in_them(cloud: Cloud) -> None:
    ann = await cloud.create_user("ann", password="long enough")
    await cloud.create_group("crew", "everybody")
    assert await cloud.is_user_in_group("ann", "crew") is False
    await cloud.add_user_to_group("ann", "crew")
    assert await cloud.is_user_in_group("ann", "crew") is True
    crew = await cloud.get_group("crew")
    assert crew is not None
    assert [user.id for user in await cloud.identity.groups.users(crew).list()] == [ann.id]
    await cloud.remove_user_from_group("ann", "crew")
    assert await cloud.is_user_in_group("ann", "crew") is False
    assert (await cloud.update_group("crew", description="nobody")).description == "nobody"
    assert await cloud.delete_group("crew") is True


async def test_a_role_is_granted_once_and_revoked_once(cloud: Cloud) -> None:
    project = await cloud.create_project("p", "default", tags=["blue"])
    assert project.tags == ["blue"]
    ann = await cloud.create_user("ann", password="long enough", default_project="p")
    assert ann.default_project_id == project.id
    role = await cloud.create_role("gardener")
    assert await cloud.grant_role("gardener", user="ann", project="p", wait=True) is True
    assert await cloud.grant_role(role, user=ann, project=project) is False
    assigned = await cloud.list_role_assignments({"user": ann, "project": project.id})
    assert [each.role["id"] for each in assigned] == [role.id]
    assert await cloud.revoke_role("gardener", user="ann", project="p", wait=True) is True
    assert await cloud.revoke_role("gardener", user="ann", project="p") is False
    assert await cloud.delete_role("gardener") is True
    assert await cloud.delete_project("p", domain_id="default") is True


async def test_a_grant_names_one_who_and_one_where(cloud: Cloud) -> None:
    await cloud.create_role("gardener")
    await cloud.create_user("ann", password="long enough")
    for wrong in ({"project": "demo"}, {"user": "ann"}, {"user": "ann", "system": True, "inherited": True}):
        with pytest.raises(InvalidRequest):
            await cloud.grant_role("gardener", **wrong)
    with pytest.raises(InvalidRequest, match="user and group"):
        await cloud.list_role_assignments({"user": "a", "group": "b"})


async def test_our_own_project_is_known_without_asking(fake: FakeCloud, tmp_path: Path) -> None:
    async with connect(fake, tmp_path) as cloud:
        project = await cloud.current_project()
        assert project is not None
        assert project.name
        fake.clear()
        await cloud.get_network_quotas(project.name)
        assert fake.count(service="identity") == 0


async def test_an_application_credential_shows_its_secret_once_and_never_in_a_repr(cloud: Cloud) -> None:
    user = await cloud.current_user()
    assert user is not None
    credentials = cloud.identity.users.application_credentials({"id": user.id})
    made = await credentials.create(name="robot")
    assert made.secret
    assert made.secret not in repr(made)
    assert (await credentials.get(made)).secret is None
    assert await credentials.delete("robot") is True


def test_a_password_is_not_in_a_repr() -> None:
    assert "long enough" not in repr(NewUser(name="ann", password="long enough"))


async def test_searching_in_one_domain(cloud: Cloud) -> None:
    domain = await cloud.create_domain("d")
    for verb in (cloud.search_projects, cloud.search_users, cloud.search_groups, cloud.search_roles):
        assert await verb("nobody", None, domain.id) == []
    made = await cloud.create_user("u", domain_id=domain.id)
    await cloud.create_user("u")
    assert [user.id for user in await cloud.search_users("u", None, domain.id)] == [made.id]
    assert len(await cloud.search_users("u")) == 2
