"""R17, R18: secrets never show, and the token stays home."""

from __future__ import annotations

import contextlib
import random
import traceback
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
        elsewhere = self.dice.choice(FOREIGN) + self.dice.choice((url.path, "/", "/v2.1/", "//x"))
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


PASSWORD = "canary-Pa55word-93d1"
ADMIN_PASS = "canary-AdminPass-77aa"
USER_DATA = "canary-UserData-55cc"


FAULTS: tuple[dict[str, Any], ...] = (
    {"status": 401, "times": 6},
    {"status": 403},
    {"status": 404},
    {"status": 500, "times": 9},
    {"status": 200, "body": "<html>not json</html>"},
    {"status": 200, "body": f'{{"error": "{PASSWORD[:6]}"}}'},
    {"reset": "before", "times": 9},
    {"reset": "after", "times": 9},
    {"reset": "refused", "times": 9},
    {"timeout": "after", "times": 9},
)
WHERE: tuple[dict[str, Any], ...] = (
    {"service": "identity"},
    {"service": "compute", "method": "POST"},
    {"service": "compute", "method": "GET"},
    {"service": "network"},
)


async def test_r17_secrets_never_show(tmp_path: Path) -> None:
    faults = [{**where, **fault} for where in WHERE for fault in FAULTS]
    faults = faults[:: size(7, 1)]
    log = tmp_path / "debug.log"
    enable_logging(http_debug=True, path=str(log))
    shown: list[str] = []
    failures = 0
    for fault in faults:
        fake = FakeCloud(boot_time=0)
        fake.clouds["fake"].keystone.passcodes.clear()
        text = fake.clouds_yaml().replace("password: secret", f"password: {PASSWORD}")
        (tmp_path / "clouds.yaml").write_text(text)
        for user in fake.clouds["fake"].keystone.users.values():
            if user.get("name") == "demo":
                user["password"] = PASSWORD
        fake.fault(Fault(**fault))
        path = [tmp_path / "clouds.yaml"]
        async with aiocloud.connect(config_files=path, secure_files=[], transport=fake.transport) as cloud:
            said = await _provoke(cloud.with_options(retries=0))
            said += [repr(cloud), repr(cloud.config), repr(cloud.session.config), cloud.pformat(await _token(cloud))]
        failures += len(said) > 4
        shown += [secret for secret in (PASSWORD, ADMIN_PASS, USER_DATA) for line in said if secret in line]
    written = log.read_text()
    shown += [secret for secret in (PASSWORD, ADMIN_PASS, USER_DATA) if secret in written]
    report("R17", n=len(faults), target={"shown": 0}, got={"shown": len(shown), "failed calls": failures})
    assert "POST" in written
    assert failures
    assert shown == []


async def _token(cloud: Cloud) -> object:
    """What a login holds, where there is one."""
    try:
        return repr(await cloud.session.token())
    except CloudError as error:
        return repr(error)


async def _provoke(cloud: Cloud) -> list[str]:
    """Do something with secrets in it; everything that an error shows of itself."""
    try:
        image = (await cloud.image.images.list())[0].id
        server = await cloud.create_server(
            "s", image=image, flavor="m1.tiny", admin_pass=ADMIN_PASS, userdata=USER_DATA, auto_ip=False
        )
    except CloudError as error:
        return [str(error), repr(error), str(vars(error)), "".join(traceback.format_exception(error))]
    return [repr(server), cloud.pformat(server)]
