"""The faked keystone: every login, every scope, tokens, people."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from aiocloud.testing import FakeCloud
from tests.testing.client import client_of, password_login

pytestmark = pytest.mark.anyio

TOKENS = "http://fake.test/fake/identity/v3/auth/tokens"


async def login(fake: FakeCloud, body: dict[str, Any], query: str = "") -> httpx2.Response:
    async with httpx2.AsyncClient(transport=fake.transport) as http:
        return await http.post(TOKENS + query, json=body)


def by(method: str, proof: dict[str, Any], scope: Any = None) -> dict[str, Any]:
    auth: dict[str, Any] = {"identity": {"methods": [method], method: proof}}
    return {"auth": auth if scope is None else {**auth, "scope": scope}}


async def test_version_documents_need_no_token(fake: FakeCloud) -> None:
    async with httpx2.AsyncClient(transport=fake.transport) as http:
        root = await http.get("http://fake.test/fake/identity/")
        assert root.status_code == 300
        (version,) = root.json()["versions"]["values"]
        assert version["links"][0]["href"] == "http://fake.test/fake/identity/v3/"
        assert (await http.get("http://fake.test/fake/identity/v3")).json()["version"]["id"] == version["id"]


async def test_a_token_for_a_project(fake: FakeCloud) -> None:
    answer = await login(fake, password_login())
    token = answer.json()["token"]
    assert answer.headers["x-subject-token"]
    assert token["project"]["name"] == "demo"
    assert {role["name"] for role in token["roles"]} == {"member", "reader"}
    assert {entry["type"] for entry in token["catalog"]} == {
        *("identity", "compute", "network", "image", "block-storage", "object-store")
    }
    assert {one["interface"] for one in token["catalog"][0]["endpoints"]} == {"public", "internal", "admin"}
    assert "catalog" not in (await login(fake, password_login(), "?nocatalog")).json()["token"]


@pytest.mark.parametrize(
    "body",
    [
        password_login(password="wrong"),
        password_login(user="nobody"),
        password_login(project="nothing"),
        by("token", {"id": "gAAAA"}),
        by("application_credential", {"id": "x", "secret": "y"}),
        by("carrier_pigeon", {}),
    ],
)
async def test_what_is_refused_is_401(fake: FakeCloud, body: dict[str, Any]) -> None:
    answer = await login(fake, body)
    assert answer.status_code == 401
    assert answer.json()["error"]["title"] == "Unauthorized"


async def test_what_is_malformed_is_400(fake: FakeCloud) -> None:
    assert (await login(fake, {"x": 1})).status_code == 400
    assert (await login(fake, {"auth": {"x": 1}})).status_code == 400


async def test_scopes(fake: FakeCloud) -> None:
    unscoped = await login(fake, password_login(project=None))
    token = unscoped.json()["token"]
    assert "project" not in token
    assert "catalog" not in token
    project = {"project": {"id": fake.cloud().keystone.new_id("project/default/demo")}}
    scoped = await login(fake, by("token", {"id": unscoped.headers["x-subject-token"]}, project))
    assert scoped.json()["token"]["project"]["name"] == "demo"
    assert scoped.json()["token"]["expires_at"] == token["expires_at"]
    admin = password_login("admin", project=None)
    admin["auth"]["scope"] = {"system": {"all": True}}
    system = (await login(fake, admin)).json()["token"]
    assert system["system"] == {"all": True}
    admin["auth"]["scope"] = {"domain": {"name": "Default"}}
    assert (await login(fake, admin)).status_code == 401
    keystone = fake.cloud().keystone
    keystone.grant(system["user"]["id"], "admin", domain_id="default")
    assert (await login(fake, admin)).json()["token"]["domain"]["id"] == "default"


async def test_several_methods_must_all_be_right(fake: FakeCloud) -> None:
    user_id = fake.cloud().keystone.new_id("user/default/demo")
    fake.cloud().keystone.passcodes[user_id] = "123456"
    body = password_login()
    body["auth"]["identity"]["methods"].append("totp")
    for passcode, status in (("123456", 201), ("654321", 401)):
        body["auth"]["identity"]["totp"] = {"user": {"id": user_id, "passcode": passcode}}
        assert (await login(fake, body)).status_code == status


async def test_application_credentials(fake: FakeCloud) -> None:
    async with client_of(fake) as client:
        base = f"/users/{client.user_id}/application_credentials"
        made = await client("POST", "identity", base, {"application_credential": {"name": "ci"}})
        credential = made.json()["application_credential"]
        assert made.status_code == 201
        by_id = {"id": credential["id"], "secret": credential["secret"]}
        by_name = {"name": "ci", "user": {"id": client.user_id}, "secret": credential["secret"]}
        for proof in (by_id, by_name):
            answer = await login(fake, by("application_credential", proof))
            token = answer.json()["token"]
            assert token["project"]["id"] == client.project_id
            assert token["application_credential"]["restricted"] is True
        again = await client("POST", "identity", base, {"application_credential": {"name": "ci"}})
        assert again.status_code == 409
        (shown,) = (await client("GET", "identity", base)).json()["application_credentials"]
        assert "secret" not in shown
        assert (await client("DELETE", "identity", f"{base}/{credential['id']}")).status_code == 204
        assert (await login(fake, by("application_credential", by_id))).status_code == 401
        assert (
            await client(
                "GET", "identity", "/auth/projects", headers={"x-auth-token": answer.headers["x-subject-token"]}
            )
        ).status_code == 401


async def test_tokens_are_shown_and_revoked(fake: FakeCloud) -> None:
    async with client_of(fake) as client:
        subject = {"x-subject-token": client.token}
        assert (await client("GET", "identity", "/auth/tokens", headers=subject)).json()["token"] == client.body
        assert (await client("HEAD", "identity", "/auth/tokens", headers=subject)).status_code == 200
        bad = {"x-subject-token": "bad"}
        assert (await client("GET", "identity", "/auth/tokens", headers=bad)).status_code == 404
        assert (await client("DELETE", "identity", "/auth/tokens", headers=subject)).status_code == 204
        assert (await client("GET", "identity", "/auth/tokens", headers=subject)).status_code == 401


async def test_members_see_their_projects_and_little_else(fake: FakeCloud) -> None:
    async with client_of(fake) as client:
        (project,) = (await client("GET", "identity", "/auth/projects")).json()["projects"]
        assert project["name"] == "demo"
        assert (await client("GET", "identity", "/auth/catalog")).json()["catalog"] == client.body["catalog"]
        assert (await client("GET", "identity", "/auth/system")).json()["system"] == []
        for path in ("/projects", "/users", "/services", "/endpoints", "/role_assignments"):
            assert (await client("GET", "identity", path)).status_code == 403
        assert (await client("GET", "identity", f"/users/{client.user_id}")).json()["user"]["name"] == "demo"


@pytest.mark.parametrize("one", ["project", "user", "group", "role", "domain"])
async def test_people_are_made_found_changed_and_removed(fake: FakeCloud, one: str) -> None:
    async with client_of(fake, "admin", "admin") as admin:
        made = await admin("POST", "identity", f"/{one}s", {one: {"name": "new"}})
        assert made.status_code == 201
        url = f"/{one}s/{made.json()[one]['id']}"
        assert (await admin("POST", "identity", f"/{one}s", {one: {"name": "new"}})).status_code == 409
        assert (await admin("POST", "identity", f"/{one}s", {one: {}})).status_code == 400
        (found,) = (await admin("GET", "identity", f"/{one}s?name=new")).json()[f"{one}s"]
        assert found == made.json()[one]
        changed = await admin("PATCH", "identity", url, {one: {"description": "d", "enabled": False}})
        assert changed.json()[one]["description"] == "d"
        assert (await admin("DELETE", "identity", url)).status_code == 204
        assert (await admin("GET", "identity", url)).status_code == 404


async def test_roles_open_doors(fake: FakeCloud) -> None:
    async with client_of(fake, "admin", "admin") as admin:
        user = (await admin("POST", "identity", "/users", {"user": {"name": "eve", "password": "p"}})).json()["user"]
        project = (await admin("POST", "identity", "/projects", {"project": {"name": "lab"}})).json()["project"]
        group = (await admin("POST", "identity", "/groups", {"group": {"name": "g"}})).json()["group"]
        (role,) = (await admin("GET", "identity", "/roles?name=member")).json()["roles"]
        assert (await login(fake, password_login("eve", "p", "lab"))).status_code == 401
        grant = f"/projects/{project['id']}/groups/{group['id']}/roles/{role['id']}"
        assert (await admin("HEAD", "identity", grant)).status_code == 404
        assert (await admin("PUT", "identity", grant)).status_code == 204
        member = f"/groups/{group['id']}/users/{user['id']}"
        assert (await admin("PUT", "identity", member)).status_code == 204
        assert (await login(fake, password_login("eve", "p", "lab"))).status_code == 201
        listed = await admin("GET", "identity", f"/projects/{project['id']}/groups/{group['id']}/roles")
        assert [one["name"] for one in listed.json()["roles"]] == ["member"]
        assigned = await admin("GET", "identity", f"/role_assignments?group.id={group['id']}")
        (one,) = assigned.json()["role_assignments"]
        assert one["scope"] == {"project": {"id": project["id"]}}
        assert (await admin("DELETE", "identity", grant)).status_code == 204
        assert (await login(fake, password_login("eve", "p", "lab"))).status_code == 401


async def test_passwords_change(fake: FakeCloud) -> None:
    async with client_of(fake) as client:
        url = f"/users/{client.user_id}/password"
        wrong = {"user": {"original_password": "no", "password": "next"}}
        assert (await client("POST", "identity", url, wrong)).status_code == 401
        right = {"user": {"original_password": "secret", "password": "next"}}
        assert (await client("POST", "identity", url, right)).status_code == 204
        assert (await login(fake, password_login())).status_code == 401
        assert (await login(fake, password_login(password="next"))).status_code == 201


async def test_the_catalog_as_lists(fake: FakeCloud) -> None:
    async with client_of(fake, "admin", "admin") as admin:
        regions = (await admin("GET", "identity", "/regions")).json()["regions"]
        assert [one["id"] for one in regions] == ["RegionOne"]
        (service,) = (await admin("GET", "identity", "/services?type=compute")).json()["services"]
        endpoints = (await admin("GET", "identity", f"/endpoints?service_id={service['id']}")).json()["endpoints"]
        assert {one["interface"] for one in endpoints} == {"public", "internal", "admin"}


async def test_each_cloud_has_its_own_tokens() -> None:
    fake = FakeCloud.like("my-vexxhost", "my-internap")
    body = password_login("admin", project="admin")
    async with httpx2.AsyncClient(transport=fake.transport) as http:
        answer = await http.post("http://fake.test/my-vexxhost/identity/v3/auth/tokens", json=body)
        headers = {"x-auth-token": answer.headers["x-subject-token"]}
        for cloud, status in (("my-vexxhost", 200), ("my-internap", 401)):
            url = f"http://fake.test/{cloud}/identity/v3/users"
            assert (await http.get(url, headers=headers)).status_code == status
