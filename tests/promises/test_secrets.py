"""R17, R18: secrets never show, and the token stays home."""

from __future__ import annotations

import contextlib
import pickle
import random
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

import aiocloud
from aiocloud import Cloud, CloudError
from aiocloud._http import httpx
from aiocloud.log import enable_logging
from aiocloud.testing import FakeCloud, Fault
from tests.promises.report import report, size

pytestmark = [pytest.mark.promise, pytest.mark.anyio]
SEED = 20_261_122

HOME = ("https://id.home.example", "https://nova.home.example", "https://neutron.home.example")
FOREIGN = (
    "https://evil.example",
    "http://nova.home.example",
    "https://nova.home.example:8443",
    "https://id.home.example.evil",
)
TOKEN = "gAAAA-this-token-stays-home"
STATUSES = (301, 302, 303, 307, 308)


class Tempter(httpx.AsyncBaseTransport):
    """A cloud that does all it can to have the token carried elsewhere."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.leaks: list[str] = []
        self.asked = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        url = request.url
        origin = f"{url.scheme}://{url.netloc.decode()}"
        if origin not in HOME and TOKEN in repr([*request.headers.raw, str(url)]):
            self.leaks.append(str(url))
        if url.host == "id.home.example" and url.path.endswith("/auth/tokens"):
            return self.login()
        return self.temptation(url)

    def login(self) -> httpx.Response:
        kinds = {"compute": f"{HOME[1]}/v2.1", "network": HOME[2], "identity": f"{HOME[0]}/v3"}
        catalog = [
            {"type": kind, "endpoints": [{"interface": "public", "region": "one", "region_id": "one", "url": url}]}
            for kind, url in kinds.items()
        ]
        times = {"issued_at": "2026-11-22T10:00:00.0Z", "expires_at": "2026-11-22T11:00:00.0Z"}
        body = {"token": {"methods": ["password"], "user": {"id": "u", "name": "u"}, "catalog": catalog, **times}}
        return httpx.Response(201, json=body, headers={"X-Subject-Token": TOKEN})

    def temptation(self, url: httpx.URL) -> httpx.Response:
        elsewhere = self.dice.choice(FOREIGN + HOME) + self.dice.choice((url.path, "/", "/v2.1/", "//x"))
        if self.dice.random() < 0.35:
            return httpx.Response(self.dice.choice(STATUSES), headers={"Location": elsewhere})
        if url.path in ("/", "/v2.1/"):
            here = [{"rel": "self", "href": elsewhere}]
            version = {"id": "v2.1", "status": "CURRENT", "version": "2.96", "min_version": "2.1", "links": here}
            return httpx.Response(200, json={"versions": [version]})
        many = "servers" if "servers" in url.path else "networks"
        key = self.dice.choice((f"{many}_links", "links", "next"))
        marker = f"{elsewhere}?marker={self.dice.randrange(10**9)}"
        links: Any = (
            {"next": marker} if key == "links" else marker if key == "next" else [{"rel": "next", "href": marker}]
        )
        rows = [{"id": str(self.dice.random())}] if self.dice.random() < 0.7 else []
        return httpx.Response(200, json={many: rows, key: links})


async def test_r18_the_token_stays_home() -> None:
    count, dice = size(150, 10_000), random.Random(SEED)
    leaks: list[str] = []
    asked = 0
    for _ in range(count):
        tempter = Tempter(dice)
        auth = {"auth_url": f"{HOME[0]}/v3", "username": "u", "password": "p", "user_domain_id": "d"}
        async with aiocloud.connect(
            auth=auth, region_name="one", load_yaml_config=False, load_envvars=False, transport=tempter
        ) as cloud:
            for verb in (cloud.compute.servers.list, cloud.network.networks.list):
                with contextlib.suppress(CloudError):
                    await verb()
        leaks += tempter.leaks
        asked += tempter.asked
    report("R18", n=count, target={"leaks": 0}, got={"leaks": len(leaks), "requests": asked})
    assert asked > 3 * count
    assert leaks == []


CANARIES: dict[str, str] = {}


def canary(name: str) -> str:
    """A secret that is found again wherever it shows."""
    return CANARIES.setdefault(name, f"canary-{name}-{len(CANARIES):02d}-Zx9q")


def login(kind: str, **auth: Any) -> tuple[str, dict[str, Any]]:
    """A way to log in, each of whose secrets is a canary of its own."""
    return kind, {key: canary(f"{kind}-{key}") if value is None else value for key, value in auth.items()}


IDP = {
    "identity_provider": "idp",
    "protocol": "openid",
    "client_id": "me",
    "access_token_endpoint": "http://idp.test/token",
}
LOGINS = [
    login("v3password", username="demo", user_domain_id="default", password=None),
    login("v3token", token=None),
    login("v3applicationcredential", application_credential_id="a", application_credential_secret=None),
    login("v3totp", username="demo", user_domain_id="default", passcode=None),
    login("v3oidcpassword", **IDP, username="u", password=None, client_secret=None),
    login("v3oidcclientcredentials", **IDP, client_secret=None),
    login("v3oidcauthcode", **IDP, code=None, client_secret=None, redirect_uri="http://me.test"),
    login("v3oidcaccesstoken", identity_provider="idp", protocol="openid", access_token=None),
    login(
        "v3oauth2clientcredential",
        oauth2_endpoint="http://idp.test/oauth2",
        oauth2_client_id="o",
        oauth2_client_secret=None,
    ),
    login("v3adfspassword", identity_provider="idp", protocol="saml2", username="u", password=None),
    login("http_basic", username="u", password=None, endpoint="http://baremetal.test"),
    login("admin_token", token=None, endpoint="http://keystone.test"),
    login("v3oauth1", consumer_key="k", consumer_secret=None, access_key="a", access_secret=None),
    login("v3multifactor", username="demo", user_domain_id="default", password=None, passcode=None, auth_receipt=None),
]

Call = Callable[[Cloud], Awaitable[object]]
CALLS: list[Call] = [
    lambda cloud: cloud.create_server(
        "s",
        image="ubuntu-24.04",
        flavor="m1.tiny",
        admin_pass=canary("admin-pass"),
        userdata=canary("userdata"),
        auto_ip=False,
    ),
    lambda cloud: cloud.compute.post(
        "/servers/x/action", json={"changePassword": {"adminPass": canary("change-pass")}}
    ),
    lambda cloud: cloud.rebuild_server("s", "ubuntu-24.04", admin_pass=canary("rebuild-pass")),
    lambda cloud: cloud.create_user("u", password=canary("user-password")),
    lambda cloud: cloud.update_user("demo", password=canary("new-password")),
    lambda cloud: cloud.identity.post(
        "/users/u/password", json={"user": {"original_password": canary("original"), "password": canary("wanted")}}
    ),
    lambda cloud: cloud.identity.post(
        "/credentials", json={"credential": {"blob": "{}", "secret": canary("credential")}}
    ),
    lambda cloud: cloud.identity.get("/auth/tokens", headers={"X-Subject-Token": canary("subject-token")}),
    lambda cloud: cloud.set_temp_url_key(key=canary("temp-url-key")),
    lambda cloud: cloud.generate_temp_url("box", "o", 60, key=canary("other-temp-url-key")),
    lambda cloud: cloud.object_store.get("/box/o", params={"temp_url_sig": canary("signature")}),
    lambda cloud: cloud.object_store.post("/box", headers={"X-Container-Meta-Temp-URL-Key": canary("container-key")}),
    lambda cloud: cloud.block_storage.post(
        "/volume-transfers/x/accept", json={"accept": {"auth_key": canary("transfer-key")}}
    ),
    lambda cloud: cloud.compute.get("/servers/x", params={"token": canary("console-token")}),
    lambda cloud: cloud.network.post(
        "/vpn/ipsec-site-connections", json={"ipsec_site_connection": {"psk": canary("psk")}}
    ),
    lambda cloud: cloud.baremetal.nodes.create(driver="ipmi", driver_info={"ipmi_password": canary("ipmi-password")}),
    lambda cloud: cloud.key_manager.secrets.create(name="n", payload=canary("payload")),
    lambda cloud: cloud.compute.get(f"http://u:{canary('url-password')}@127.0.0.1:9/"),
    lambda cloud: cloud.compute.post("/os-keypairs", json={"keypair": {"private_key": canary("private-key")}}),
    lambda cloud: cloud.compute.post("/x", headers={"Authorization": f"Bearer {canary('bearer')}"}),
    lambda cloud: cloud.compute.post("/x", headers={"Cookie": f"session={canary('cookie')}"}),
]

FAULTS: tuple[dict[str, Any], ...] = (
    {"status": 401, "times": 6},
    {"status": 403},
    {"status": 404},
    {"status": 500, "times": 9},
    {"status": 200, "body": "<html>not json</html>"},
    {"status": 200, "body": '{"error": "canary"}'},
    {"reset": "before", "times": 9},
    {"reset": "after", "times": 9},
    {"reset": "refused", "times": 9},
    {"timeout": "after", "times": 9},
)


async def test_r17_secrets_never_show(tmp_path: Path) -> None:
    """Each login and each call that carries a secret, failing in each of ten ways."""
    log, store = tmp_path / "debug.log", tmp_path / "tokens"
    enable_logging(http_debug=True, path=str(log))
    shown: set[str] = set()
    paths = failures = 0

    def look(*texts: str) -> None:
        shown.update(f"{name} in {text[:400]}" for text in texts for name, secret in CANARIES.items() if secret in text)

    logins: list[tuple[tuple[str, dict[str, Any]], Call]] = [(one, Cloud.list_flavors) for one in LOGINS]
    demo = ("password", {"username": "demo", "password": "secret", "project_name": "demo", "user_domain_id": "default"})
    ways: list[tuple[tuple[str, dict[str, Any]], Call]] = logins + [(demo, call) for call in CALLS]
    for (kind, auth), call in ways[:: size(3, 1)]:
        for fault in FAULTS[:: size(4, 1)]:
            fake = FakeCloud(boot_time=0)
            where = {"service": "identity"} if auth is not demo[1] else {"after": 2}
            fake.fault(Fault(**{**where, **fault}))
            scope = {"project_name": "demo", "project_domain_id": "default", "auth_url": f"{fake.url}/fake/identity/v3"}
            cloud = aiocloud.connect(
                auth_type=kind,
                auth={**scope, **auth} if "endpoint" not in auth else auth,
                region_name="RegionOne",
                load_yaml_config=False,
                load_envvars=False,
                connect_retries=0,
                status_code_retries=0,
                transport=fake.transport,
                token_store=aiocloud.FileStore(store),
            )
            paths += 1
            async with cloud:
                try:
                    done = await call(cloud.with_options(retries=0))
                    look(repr(done), cloud.pformat(done))
                except Exception as error:  # noqa: BLE001 - whatever it is, it tells no secret
                    failures += 1
                    look(str(error), repr(error), str(vars(error)), "".join(traceback.format_exception(error)))
                    look(*(str(vars(inner)) for inner in (error.__cause__, error.__context__) if inner is not None))
                    with contextlib.suppress(TypeError, AttributeError, pickle.PicklingError):
                        look(pickle.dumps(error).decode("latin-1"))
                look(repr(cloud), repr(cloud.config), repr(cloud.session.config), cloud.pformat(await _token(cloud)))
    look(*log.read_text().splitlines(), *(file.read_text() for file in store.glob("*") if file.is_file()))
    n = f"{len(CANARIES)} canaries through {paths} paths"
    report("R17", n=n, target={"shown": 0}, got={"shown": len(shown), "failed calls": failures})
    assert "POST" in log.read_text()
    assert failures > paths / 2
    assert not shown, "\n".join(sorted(shown)[:20])


async def _token(cloud: Cloud) -> object:
    """What a login holds, where there is one."""
    try:
        return repr(await cloud.session.token())
    except CloudError as error:
        return repr(error)
