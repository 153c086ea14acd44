"""Logins through somebody else: an OpenID Connect provider, a certificate, another Keystone.

The provider is authlib's, the Keystones are real ones where `AIOCLOUD_KEYSTONE_PYTHON` names a Python that has one.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anyio
import pytest
import trustme

import aiocloud
from aiocloud import Cloud
from aiocloud._http import httpx
from tests.conformance import oidc_provider
from tests.conformance.keystone import PASSWORD as ADMIN_PASSWORD
from tests.conformance.keystone import Authorities, Keystone, distinguished, keystone
from tests.conformance.keystone_played import played_keystone
from tests.conformance.oidc_provider import CALLBACK, CLIENT, PASSCODE, PERSON, PUBLIC_CLIENT, SECRET
from tests.conformance.stage import Stage, one_time_passcodes
from tests.conformance.target import Target

pytestmark = pytest.mark.anyio

OIDC = {"identity_provider": "acme", "protocol": "openid", "project_name": "web"}
CONFIDENTIAL = {**OIDC, "client_id": CLIENT, "client_secret": SECRET}
PUBLIC = {**OIDC, "client_id": PUBLIC_CLIENT}


@dataclass(frozen=True)
class Federation:
    """A provider and a Keystone that trusts it."""

    issuer: str
    keystone: Keystone
    authorities: Authorities

    def login(self, auth_type: str, **auth: Any) -> Cloud:
        found: dict[str, Any] = {} if auth_type == "v3oidcaccesstoken" else {"discovery_endpoint": self.discovery}
        return self.keystone.login(auth_type, **found, **auth)

    @property
    def discovery(self) -> str:
        return f"{self.issuer}/.well-known/openid-configuration"

    async def post(self, path: str, **form: str) -> httpx.Response:
        """What a browser sends to the provider."""
        async with httpx.AsyncClient() as browser:
            return await browser.post(f"{self.issuer}{path}", data=form)

    async def code(self) -> str:
        """The authorization code that Alice's browser brings back."""
        ask = {"response_type": "code", "client_id": CLIENT, "redirect_uri": CALLBACK, "scope": "openid"}
        answer = await self.post("/authorize", **ask, username=PERSON, password=oidc_provider.PASSWORD)
        assert answer.status_code == 302, answer.text
        return str(httpx.URL(answer.headers["location"]).params["code"])


async def make(cloud: Cloud, path: str, kind: str, **body: Any) -> str:
    made = await cloud.identity.post(path, json={kind: body})
    return str(made.json()[kind]["id"])


async def put(cloud: Cloud, path: str, kind: str, **body: Any) -> None:
    await cloud.identity.put(f"/OS-FEDERATION{path}", json={kind: body})


def federated(group: str) -> list[dict[str, Any]]:
    """Who comes from there is a member of `group`, under the name that the web server found."""
    local = [{"user": {"name": "{0}"}}, {"group": {"id": group}}]
    return [{"local": local, "remote": [{"type": "REMOTE_USER"}]}]


def local_user(attribute: str) -> list[dict[str, Any]]:
    """The certificate's common name is a user of this Keystone."""
    user = {"name": "{0}", "type": "local", "domain": {"id": "default"}}
    return [{"local": [{"user": user}], "remote": [{"type": attribute}]}]


async def trust(cloud: Cloud, name: str, remote: str, protocol: str, rules: list[dict[str, Any]]) -> None:
    """Trust an identity provider."""
    await put(cloud, f"/identity_providers/{name}", "identity_provider", remote_ids=[remote], enabled=True)
    await put(cloud, f"/mappings/{name}", "mapping", rules=rules)
    await put(cloud, f"/identity_providers/{name}/protocols/{protocol}", "protocol", mapping_id=name)


async def people(cloud: Cloud) -> tuple[str, str]:
    """A project with a member of its own, Carol, and a group for those who come from elsewhere: their ids."""
    role = (await cloud.identity.get("/roles", params={"name": "member"})).json()["roles"][0]["id"]
    project = await make(cloud, "/projects", "project", name="web", domain_id="default")
    group = await make(cloud, "/groups", "group", name="federated", domain_id="default")
    carol = await make(
        cloud, "/users", "user", name="carol", domain_id="default", default_project_id=project, password="carol-pw"
    )
    for kind, who in (("groups", group), ("users", carol)):
        await cloud.identity.put(f"/projects/{project}/{kind}/{who}/roles/{role}")
    return carol, group


async def open_house(made: Keystone, issuer: str, authorities: Authorities) -> None:
    async with made.admin() as cloud:
        _, group = await people(cloud)
        await trust(cloud, "acme", issuer, "openid", federated(group))
        name = distinguished(authorities.tokenless)
        authority_id = hashlib.sha256(name.encode()).hexdigest()
        await trust(cloud, authority_id, name, "x509", local_user("SSL_CLIENT_S_DN_CN"))
        await put(cloud, "/mappings/oauth2_mapping", "mapping", rules=local_user("SSL_CLIENT_SUBJECT_DN_CN"))


@pytest.fixture(scope="session")
def authorities() -> Authorities:
    return Authorities(trustme.CA(), trustme.CA(), trustme.CA())


@pytest.fixture(scope="session")
def issuer() -> Iterator[str]:
    with oidc_provider.provider() as url:
        yield url


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory, authorities: Authorities, issuer: str) -> Iterator[Federation]:
    """A real Keystone that trusts the provider and the authority."""
    home = tmp_path_factory.mktemp("keystone")
    with keystone(home, authorities, issuer=issuer, client=[CLIENT, SECRET]) as made:
        anyio.run(open_house, made, issuer, authorities)
        yield Federation(issuer, made, authorities)


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory, authorities: Authorities, issuer: str) -> Iterator[Federation]:
    with played_keystone(tmp_path_factory.mktemp("played"), issuer) as made:
        yield Federation(issuer, made, authorities)


@pytest.fixture(params=["played", "real"])
def house(request: pytest.FixtureRequest) -> Federation:
    """The provider with a Keystone that trusts it: one that is played, and a real one."""
    found: Federation = request.getfixturevalue(request.param)
    return found


async def whose(cloud: Cloud) -> tuple[str, str]:
    """The user and the project of a login, as Keystone says."""
    answer = await cloud.identity.get("/auth/tokens", headers={"X-Subject-Token": await cloud.authorize()})
    token = answer.json()["token"]
    return token["user"]["name"], token["project"]["name"]


@pytest.mark.parametrize("client", [CONFIDENTIAL, PUBLIC], ids=["confidential", "public"])
async def test_a_password_at_the_provider(house: Federation, client: dict[str, str]) -> None:
    keys = {**client, "username": PERSON, "password": oidc_provider.PASSWORD}
    async with house.login("v3oidcpassword", **keys) as cloud:
        assert await whose(cloud) == (PERSON, "web")
    async with house.login("v3oidcpassword", **keys, idp_otp_key="otp", passcode=PASSCODE) as cloud:
        assert await whose(cloud) == (PERSON, "web")
    async with house.login("v3oidcpassword", **{**keys, "password": "wrong-canary"}) as cloud:
        with pytest.raises(aiocloud.AuthError, match="Invalid 'username' or 'password'") as refused:
            await cloud.authorize()
    assert "wrong-canary" not in str(refused.value)


async def test_the_client_itself(house: Federation) -> None:
    async with house.login("v3oidcclientcredentials", **CONFIDENTIAL) as cloud:
        assert await whose(cloud) == (CLIENT, "web")
    async with house.login("v3oidcclientcredentials", **{**CONFIDENTIAL, "client_secret": "wrong-canary"}) as cloud:
        with pytest.raises(aiocloud.AuthError, match=r"refused \(401\): The client cannot authenticate") as refused:
            await cloud.authorize()
    assert "wrong-canary" not in str(refused.value)


async def test_a_code_from_a_browser(house: Federation) -> None:
    code = await house.code()
    async with house.login("v3oidcauthcode", **CONFIDENTIAL, code=code, redirect_uri=CALLBACK) as cloud:
        assert await whose(cloud) == (PERSON, "web")
    async with house.login("v3oidcauthcode", **CONFIDENTIAL, code=code, redirect_uri=CALLBACK) as again:
        with pytest.raises(aiocloud.AuthError, match="Invalid 'code'"):
            await again.authorize()


async def test_an_access_token_that_somebody_has(house: Federation) -> None:
    form = {"grant_type": "password", "username": PERSON, "password": oidc_provider.PASSWORD}
    answer = await house.post("/token", **form, client_id=PUBLIC_CLIENT, scope="openid")
    async with house.login("v3oidcaccesstoken", **OIDC, access_token=answer.json()["access_token"]) as cloud:
        assert await whose(cloud) == (PERSON, "web")
    async with house.login("v3oidcaccesstoken", **OIDC, access_token="forged-canary") as cloud:
        with pytest.raises(aiocloud.Unauthorized, match=r"auth\.identity_provider") as refused:
            await cloud.authorize()
    assert "forged-canary" not in str(refused.value)


@pytest.mark.parametrize("answer", ["yes", "no"])
async def test_a_human_confirms_on_another_device(
    house: Federation, answer: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def human() -> None:
        while not (told := [line for line in caplog.messages if "enter the code" in line]):  # noqa: ASYNC110 a log
            await anyio.sleep(0.05)
        code = told[0].rsplit(maxsplit=1)[-1]
        await house.post("/device", user_code=code, answer=answer, password=oidc_provider.PASSWORD)

    async with house.login("v3oidcdeviceauthz", **PUBLIC) as cloud, anyio.create_task_group() as tasks:
        tasks.start_soon(human)
        if answer == "yes":
            assert await whose(cloud) == (PERSON, "web")
        else:
            with pytest.raises(aiocloud.AuthError, match="access_denied|denied"):
                await cloud.authorize()


def certificate(authority: trustme.CA, name: str, folder: Path) -> Path:
    """Somebody's certificate with its key."""
    path = folder / f"{name}.pem"
    issued = authority.issue_cert(f"{name}@example.test", common_name=name)
    issued.private_key_and_cert_chain_pem.write_to_path(str(path))
    return path


async def test_a_certificate_instead_of_a_token(real: Federation, tmp_path: Path) -> None:
    keys: dict[str, Any] = {"project_name": "web", "project_domain_id": "default"}
    carol = certificate(real.authorities.tokenless, "carol", tmp_path)
    async with real.keystone.login("v3tokenlessauth", cert=carol, **keys) as cloud:
        found = await cloud.identity.get("/auth/projects")
    assert [project["name"] for project in found.json()["projects"]] == ["web"]
    async with real.keystone.login("v3tokenlessauth", **keys) as nobody:
        with pytest.raises(aiocloud.Unauthorized):
            await nobody.identity.get("/auth/projects")


async def user_id(real: Federation, name: str) -> str:
    async with real.keystone.admin() as cloud:
        return str((await cloud.identity.get("/users", params={"name": name})).json()["users"][0]["id"])


async def test_oauth2_with_a_certificate(real: Federation, tmp_path: Path) -> None:
    keys: dict[str, Any] = {"oauth2_client_id": await user_id(real, "carol")}
    carol, mallory = (certificate(real.authorities.oauth2, name, tmp_path) for name in ("carol", "mallory"))
    async with real.keystone.login("v3oauth2mtlsclientcredential", cert=carol, **keys) as cloud:
        assert await whose(cloud) == ("carol", "web")
    async with real.keystone.login("v3oauth2mtlsclientcredential", cert=mallory, **keys) as cloud:
        with pytest.raises(aiocloud.AuthError, match="Client authentication failed"):
            await cloud.authorize()


@pytest.fixture(scope="session")
def partner(tmp_path_factory: pytest.TempPathFactory, real: Federation) -> Iterator[Keystone]:
    """A second Keystone, that trusts the first one's signed assertions."""
    if not shutil.which("xmlsec1"):
        pytest.skip("xmlsec1 is not installed (Debian: apt-get install xmlsec1)")
    home, first = tmp_path_factory.mktemp("partner"), real.keystone
    entity = f"{first.url}/v3/OS-FEDERATION/saml2/idp"
    told = {"partner": entity, "partner_metadata": str(first.home / "metadata.xml")}
    with keystone(home, real.authorities, **told) as made:
        anyio.run(introduce, first, made, entity)
        yield made


async def introduce(first: Keystone, second: Keystone, entity: str) -> None:
    async with second.admin() as cloud:
        _, group = await people(cloud)
        await trust(cloud, "home", entity, "saml2", federated(group))
    where = f"{second.url}/v3/OS-FEDERATION/identity_providers/home/protocols/saml2/auth"
    async with first.admin() as cloud:
        sp = {"auth_url": where, "sp_url": f"{second.url}/Shibboleth.sso/SAML2/ECP", "enabled": True}
        await put(cloud, "/service_providers/partner", "service_provider", **sp)


async def test_from_one_keystone_to_another(real: Federation, partner: Keystone) -> None:
    keys: dict[str, Any] = {
        "username": "carol",
        "password": "carol-pw",
        "project_name": "web",
        "service_provider": "partner",
    }
    async with real.keystone.login("v3k2k", **keys, remote_project_name="web") as cloud:
        token = await cloud.session.token()
    assert token.user is not None
    assert (token.user.name, token.project and token.project.name) == ("carol", "web")
    assert token.catalog.find(("identity",)) == f"{partner.url}/v3"


async def test_one_time_passcodes(real: Federation, tmp_path: Path) -> None:
    """With a Keystone that takes them: by default it does not."""
    where = {"auth_url": real.keystone.url}
    entries = {
        "own": {"username": "carol", "password": "carol-pw", "project_name": "web"},
        "own-admin": {"username": "admin", "password": ADMIN_PASSWORD, "project_name": "admin"},
    }
    common = {"region_name": "RegionOne"}
    path = tmp_path / "clouds.yaml"
    path.write_text(json.dumps({"clouds": {name: {"auth": {**where, **e}, **common} for name, e in entries.items()}}))
    target = Target("own", path, {"cacert": str(real.keystone.ca)}, fake=False)
    async with (
        replace(target, name="own-admin").connect() as admin,
        target.connect() as user,
        AsyncExitStack() as made,
    ):
        await one_time_passcodes(Stage(target, admin, user, made, tmp_path))
