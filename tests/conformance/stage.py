"""An administrator, an ordinary login and what they make, for stories about logins."""

from __future__ import annotations

import base64
import hmac
import json
import secrets
import struct
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import aiocloud
from aiocloud import Cloud
from aiocloud.errors import MoreFactorsNeeded
from tests.conformance.target import Target


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


def passcode(secret: str) -> str:
    """The one-time code of this half minute (RFC 6238)."""
    digest = hmac.digest(base64.b32decode(secret), struct.pack(">Q", int(time.time()) // 30), "sha1")
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at : at + 4])[0] & 0x7FFFFFFF) % 1_000_000:06d}"


async def one_time_passcodes(stage: Stage) -> None:
    """Log in with a passcode alone, then with both factors at once, then with the receipt of the first."""
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
