"""Every login that a Keystone knows by itself. What needs an administrator takes the cloud NAME-admin of the same file."""

from __future__ import annotations

import base64
import hmac
import json
import secrets
import struct
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

import aiocloud
from aiocloud import Cloud
from aiocloud.errors import MoreFactorsNeeded
from tests.conformance.target import Target

pytestmark = pytest.mark.anyio


@dataclass
class Stage:
    """An administrator, an ordinary login, and what has to be taken away at the end."""

    target: Target
    admin: Cloud
    user: Cloud
    made: AsyncExitStack
    folder: Path

    async def make(self, cloud: Cloud, path: str, kind: str, **body: Any) -> dict[str, Any]:
        """Make something; it is deleted at the end."""
        made: dict[str, Any] = (await cloud.identity.post(path, json={kind: body})).json()[kind]
        where = f"{path}/{made['id']}"
        self.made.push_async_callback(self._remove, cloud, where)
        return made

    async def _remove(self, cloud: Cloud, where: str) -> None:
        await cloud.identity.delete(where)

    async def person(self) -> dict[str, Any]:
        """A new user, member of the ordinary login's project."""
        name, password = f"{self.target.prefix}-{secrets.token_hex(3)}", secrets.token_urlsafe(16)
        project = await self.project_id()
        user = await self.make(self.admin, "/users", "user", name=name, password=password)
        roles = (await self.admin.identity.get("/roles", params={"name": "member"})).json()["roles"]
        await self.admin.identity.put(f"/projects/{project}/users/{user['id']}/roles/{roles[0]['id']}")
        return {"user_id": user["id"], "password": password, "project_id": project}

    async def project_id(self) -> str:
        return str((await self.whose(self.user))["project"]["id"])

    async def whose(self, cloud: Cloud) -> dict[str, Any]:
        """The token of a login, as Keystone describes it."""
        token = await cloud.authorize()
        answer = await cloud.identity.get("/auth/tokens", headers={"X-Subject-Token": token})
        found: dict[str, Any] = answer.json()["token"]
        return found

    def login(self, auth_type: str, *, auth_methods: list[str] | None = None, **auth: Any) -> Cloud:
        """A connection that knows only these keys, and where the cloud is."""
        cloud = {
            "auth_type": auth_type,
            "auth": {"auth_url": self.user.config.auth["auth_url"], **{k: v for k, v in auth.items() if v is not None}},
            "region_name": self.user.region_name,
            **({"auth_methods": auth_methods} if auth_methods else {}),
        }
        path = self.folder / f"{secrets.token_hex(4)}.yaml"
        path.write_text(json.dumps({"clouds": {"login": cloud}}))
        return aiocloud.connect("login", config_files=[path], **self.target.options)


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


def passcode(secret: str) -> str:
    """The one-time code of this half minute (RFC 6238)."""
    digest = hmac.digest(base64.b32decode(secret), struct.pack(">Q", int(time.time()) // 30), "sha1")
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at : at + 4])[0] & 0x7FFFFFFF) % 1_000_000:06d}"


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
    person = await stage.person()
    secret = base64.b32encode(secrets.token_bytes(20)).decode()
    await stage.make(stage.admin, "/credentials", "credential", type="totp", blob=secret, user_id=person["user_id"])
    scope = {"user_id": person["user_id"], "project_id": person["project_id"]}
    async with stage.login("v3totp", **scope, passcode=passcode(secret)) as cloud:
        try:
            await cloud.authorize()
        except aiocloud.Unauthorized as refused:
            if "unsupported method" not in str(refused):
                raise
            pytest.skip("this Keystone has no totp among its [auth] methods")
        assert (await stage.whose(cloud))["methods"] == ["totp"]

    rules = {"multi_factor_auth_enabled": True, "multi_factor_auth_rules": [["password", "totp"]]}
    await stage.admin.identity.patch(f"/users/{person['user_id']}", json={"user": {"options": rules}})
    both = ["v3password", "v3totp"]
    keys = {**person, "passcode": passcode(secret)}
    async with stage.login("v3multifactor", auth_methods=both, **keys) as cloud:
        assert set((await stage.whose(cloud))["methods"]) == {"password", "totp"}

    async with stage.login("password", **person) as cloud:
        with pytest.raises(MoreFactorsNeeded) as half:
            await cloud.authorize()
    assert set(half.value.required[0]) == {"password", "totp"}
    receipt = half.value.receipt
    assert receipt is not None
    keys = {**scope, "passcode": passcode(secret), "auth_receipt": receipt.get_secret_value()}
    async with stage.login("v3totp", **keys) as cloud:
        assert set((await stage.whose(cloud))["methods"]) == {"password", "totp"}


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
