"""Every login that a Keystone knows by itself. What needs an administrator takes the cloud NAME-admin of the same file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import aiocloud
from tests.conformance.stage import Stage, one_time_passcodes
from tests.conformance.target import Target

pytestmark = pytest.mark.anyio

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
async def stage(target: Target, tmp_path: Path) -> AsyncIterator[Stage]:
    async with AsyncExitStack() as made:
        try:
            admin = replace(target, name=f"{target.name}-admin").connect()
        except aiocloud.ConfigError:
            pytest.skip(f"there is no cloud {target.name}-admin to make users with")
        await made.enter_async_context(admin)
        user = await made.enter_async_context(target.connect())
        yield Stage(target, admin, user, made, tmp_path)


async def test_application_credential_by_id_and_by_name(stage: Stage) -> None:
    me = await stage.whose(stage.user)
    where = f"/users/{me['user']['id']}/application_credentials"
    made = await stage.make(stage.user, where, "application_credential", name=stage.target.prefix)
    by_id = {"application_credential_id": made["id"]}
    by_name = {"application_credential_name": made["name"], "user_id": me["user"]["id"]}
    for keys in (by_id, by_name):
        keys = {**keys, "application_credential_secret": made["secret"]}
        async with stage.login("v3applicationcredential", **keys) as cloud:
            token = await stage.whose(cloud)
        assert token["methods"] == ["application_credential"]
        assert token["project"]["id"] == me["project"]["id"]


async def test_oauth2_client_credential(stage: Stage) -> None:
    if stage.target.fake:
        pytest.skip("the fake keystone has no OAuth2")
    me = await stage.whose(stage.user)
    where = f"/users/{me['user']['id']}/application_credentials"
    made = await stage.make(stage.user, where, "application_credential", name=stage.target.prefix)
    keys = {"oauth2_client_id": made["id"], "oauth2_client_secret": made["secret"]}
    async with stage.login("v3oauth2clientcredential", **keys) as cloud:
        assert isinstance(await cloud.list_flavors(), list)
        assert (await stage.whose(cloud))["project"]["id"] == me["project"]["id"]
    async with stage.login("v3oauth2clientcredential", **{**keys, "oauth2_client_secret": "wrong-canary"}) as cloud:
        with pytest.raises(aiocloud.AuthError, match="OAuth2 login") as refused:
            await cloud.authorize()
    assert "wrong-canary" not in str(refused.value)


async def test_a_token_becomes_one_for_another_scope(stage: Stage) -> None:
    person = await stage.person()
    async with stage.login("password", **{**person, "project_id": None, "unscoped": True}) as unscoped:
        text = await unscoped.authorize()
    async with stage.login("token", token=text, project_id=person["project_id"]) as scoped:
        token = await stage.whose(scoped)
    assert set(token["methods"]) == {"password", "token"}
    assert token["project"]["id"] == person["project_id"]


async def test_system_and_domain_scope(stage: Stage) -> None:
    person = await stage.person()
    roles = (await stage.admin.identity.get("/roles", params={"name": "reader"})).json()["roles"]
    role, user = roles[0]["id"], person["user_id"]
    await stage.admin.identity.put(f"/domains/default/users/{user}/roles/{role}")
    keys = {"user_id": user, "password": person["password"]}
    async with stage.login("password", **keys, domain_id="default") as cloud:
        assert (await stage.whose(cloud))["domain"]["id"] == "default"
    async with stage.login("password", **keys, system_scope="all") as cloud:
        with pytest.raises(aiocloud.Unauthorized):
            await cloud.authorize()
    await stage.admin.identity.put(f"/system/users/{user}/roles/{role}")
    async with stage.login("password", **keys, system_scope="all") as cloud:
        assert (await stage.whose(cloud))["system"] == {"all": True}


async def test_a_trust_lets_somebody_act_for_another(stage: Stage) -> None:
    if stage.target.fake:
        pytest.skip("the fake keystone has no trusts")
    trustor, trustee = await stage.whose(stage.user), await stage.person()
    trust = await stage.make(
        stage.user,
        "/OS-TRUST/trusts",
        "trust",
        trustor_user_id=trustor["user"]["id"],
        trustee_user_id=trustee["user_id"],
        project_id=trustor["project"]["id"],
        impersonation=True,
        roles=[{"name": "member"}],
    )
    keys = {"user_id": trustee["user_id"], "password": trustee["password"], "trust_id": trust["id"]}
    async with stage.login("password", **keys) as cloud:
        token = await cloud.session.token()  # a trust's token may not ask Keystone about itself
        assert isinstance(await cloud.list_flavors(), list)
    assert token.trust_id == trust["id"]
    assert token.user is not None
    assert token.user.id == trustor["user"]["id"]


async def test_a_one_time_passcode_alone_and_as_second_factor(stage: Stage) -> None:
    if stage.target.fake:
        pytest.skip("the fake keystone has no one-time passcodes")
    await one_time_passcodes(stage)


async def test_a_revoked_token_is_replaced_without_the_caller_noticing(stage: Stage) -> None:
    async with stage.login("password", **await stage.person()) as cloud:
        old = await cloud.authorize()
        await stage.admin.identity.delete("/auth/tokens", headers={"X-Subject-Token": old})
        answer = await cloud.identity.get("/auth/catalog")
        assert answer.status_code == 200
        assert await cloud.authorize() != old


async def test_an_auth_url_may_be_spelled_in_many_ways(target: Target) -> None:
    async with target.connect() as cloud:
        given = str(cloud.config.auth["auth_url"]).rstrip("/").removesuffix("/v3")
    for ending in ("", "/", "/v3", "/v3/", "/v2.0"):
        async with target.connect(auth={"auth_url": given + ending}) as cloud:
            assert await cloud.authorize()


async def test_a_token_at_an_endpoint(stage: Stage) -> None:
    endpoint = await stage.user.endpoint_for("identity")
    me = await stage.whose(stage.user)
    where = f"/users/{me['user']['id']}"
    async with stage.login("admin_token", endpoint=endpoint, token=await stage.user.authorize()) as cloud:
        assert (await cloud.identity.get(where)).json()["user"]["name"] == me["user"]["name"]
    async with stage.login("admin_token", endpoint=endpoint, token="no-token") as cloud:
        with pytest.raises(aiocloud.Unauthorized):
            await cloud.identity.get(where)


async def test_no_login_reaches_what_needs_none(stage: Stage) -> None:
    endpoint = await stage.user.endpoint_for("identity")
    async with stage.login("none", endpoint=endpoint) as cloud:
        with pytest.raises(aiocloud.Unauthorized):
            await cloud.identity.get("/projects")
        assert await cloud.authorize() == ""
        assert (await cloud.identity.get("/")).json()["version"]["id"].startswith("v3")


async def test_user_and_password_with_each_request(stage: Stage) -> None:
    if stage.target.fake:
        pytest.skip("no service of the fake takes HTTP Basic")
    me = await stage.whose(stage.user)
    where = f"/users/{me['user']['id']}/application_credentials"
    made = await stage.make(stage.user, where, "application_credential", name=stage.target.prefix)
    endpoint = await stage.user.endpoint_for("identity")
    form: dict[str, Any] = {"content": b"grant_type=client_credentials", "headers": {"Content-Type": FORM}}
    async with stage.login("http_basic", endpoint=endpoint, username=made["id"], password=made["secret"]) as cloud:
        assert (await cloud.identity.post("/OS-OAUTH2/token", **form)).json()["token_type"] == "Bearer"
    async with stage.login("http_basic", endpoint=endpoint, username=made["id"], password="wrong-canary") as cloud:
        with pytest.raises(aiocloud.Unauthorized) as refused:
            await cloud.identity.post("/OS-OAUTH2/token", **form)
    assert "wrong-canary" not in str(refused.value)


async def test_the_same_cloud_as_somebody_else_and_in_another_project(stage: Stage) -> None:
    person = await stage.person()
    mine = await stage.user.authorize()
    async with stage.user.connect_as(user_id=person["user_id"], password=person["password"]) as other:
        assert (await stage.whose(other))["user"]["id"] == person["user_id"]
        assert (await stage.whose(other))["project"]["id"] == person["project_id"]
    project = await stage.make(stage.admin, "/projects", "project", name=stage.target.prefix, domain_id="default")
    async with stage.login("password", **person) as cloud:
        async with cloud.connect_as_project(project["name"]) as refused:
            with pytest.raises(aiocloud.Unauthorized):
                await refused.authorize()
        roles = (await stage.admin.identity.get("/roles", params={"name": "member"})).json()["roles"]
        await stage.admin.identity.put(f"/projects/{project['id']}/users/{person['user_id']}/roles/{roles[0]['id']}")
        for named in (project["name"], {"id": project["id"]}):
            async with cloud.connect_as_project(named) as elsewhere:
                assert (await stage.whose(elsewhere))["project"]["id"] == project["id"]
        assert (await stage.whose(cloud))["project"]["id"] == person["project_id"]
    assert await stage.user.authorize() == mine
