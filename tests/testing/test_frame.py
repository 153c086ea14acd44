"""FakeCloud's frame: both ways in, faults, knobs, the record, clouds.yaml."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import anyio
import httpx2
import pytest
import trio.testing
import yaml

from aiocloud.testing import FakeCloud, Fault
from aiocloud.testing.serve import run_fake_cloud
from tests.testing.client import Client, client_of, password_login

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["in process", "on a port"])
async def client(request: pytest.FixtureRequest, fake: FakeCloud) -> AsyncIterator[Client]:
    async with AsyncExitStack() as stack:
        url = "" if request.param == "in process" else await stack.enter_async_context(fake.serve())
        yield await stack.enter_async_context(client_of(fake, url=url))


async def test_every_service_of_the_catalog_answers(client: Client) -> None:
    for service, path in (
        ("compute", "/servers"),
        ("network", "/v2.0/networks"),
        ("image", "/v2/images"),
        ("block-storage", "/volumes"),
        ("object-store", ""),
        ("identity", "/auth/projects"),
    ):
        answer = await client("GET", service, path)
        assert answer.status_code in {200, 204}, (service, answer.text)
        assert client.urls[service].startswith(client.root)


async def test_without_a_token_services_answer_401(client: Client) -> None:
    for service in client.urls:
        answer = await client("GET", service, "/nothing", headers={"x-auth-token": "wrong"})
        assert answer.status_code == 401, service
        assert "www-authenticate" in answer.headers


async def test_a_reset_before_leaves_nothing_and_after_leaves_the_deed(client: Client, fake: FakeCloud) -> None:
    key = {"keypair": {"name": "k", "public_key": "ssh-ed25519 AAAA"}}
    keys = fake.cloud().region().nova.keypairs
    fake.fault(Fault(service="compute", method="POST", path="*/os-keypairs", reset="before"))
    with pytest.raises(httpx2.TransportError):
        await client("POST", "compute", "/os-keypairs", key)
    assert not keys
    fake.fault(Fault(service="compute", method="POST", reset="after"))
    with pytest.raises(httpx2.TransportError):
        await client("POST", "compute", "/os-keypairs", key)
    assert [name for _, name in keys] == ["k"]
    assert (await client("POST", "compute", "/os-keypairs", key)).status_code == 409


async def test_silence_is_a_read_timeout(client: Client, fake: FakeCloud) -> None:
    fake.fault(Fault(timeout="before"))
    with pytest.raises(httpx2.ReadTimeout):
        await client("GET", "compute", "/servers", timeout=0.2)
    assert (await client("GET", "compute", "/servers")).status_code == 200


async def test_a_refused_connection(fake: FakeCloud) -> None:
    async with client_of(fake) as client:
        fake.fault(Fault(reset="refused"))
        with pytest.raises(httpx2.ConnectError):
            await client("GET", "compute", "/servers")


async def test_faults_answer_count_and_mutate(client: Client, fake: FakeCloud) -> None:
    fault = fake.fault(Fault(service="compute", status=503, headers={"retry-after": "3"}, times=2, after=1))
    statuses = [(await client("GET", "compute", "/servers")).status_code for _ in range(4)]
    assert statuses == [200, 503, 503, 200]
    assert fault.struck == 2
    fake.fault(Fault(service="network", status=500, body="<html>oops</html>"))
    answer = await client("GET", "network", "/v2.0/networks")
    assert (answer.status_code, answer.text) == (500, "<html>oops</html>")
    fake.fault(Fault(service="compute", mutate=lambda reply: replace(reply, content=b"{")))
    assert (await client("GET", "compute", "/servers")).text == "{"
    fake.fault(Fault(service="compute", status=504, body={"a": 1}, headers={"x-odd": "1"}))
    answer = await client("GET", "compute", "/servers")
    assert (answer.json(), answer.headers["x-odd"]) == ({"a": 1}, "1")


async def test_refusals_are_in_the_services_own_words(client: Client, fake: FakeCloud) -> None:
    fake.fault(Fault(status=503, times=None))
    assert "serviceUnavailable" in (await client("GET", "compute", "/servers")).json()
    assert "NeutronError" in (await client("GET", "network", "/v2.0/networks")).json()
    assert (await client("GET", "identity", "/auth/projects")).json()["error"]["code"] == 503


async def test_faults_can_be_about_one_cloud_or_one_region() -> None:
    fake = FakeCloud(regions=("one", "two"))
    fake.fault(Fault(region="two", service="compute", status=500, times=None))
    async with client_of(fake) as client:
        urls = {
            one["region"]: one["url"]
            for entry in client.body["catalog"]
            if entry["type"] == "compute"
            for one in entry["endpoints"]
        }
        for region, status in (("one", 200), ("two", 500)):
            answer = await client.http.get(urls[region] + "/servers", headers={"x-auth-token": client.token})
            assert answer.status_code == status


async def test_probability_is_the_same_on_every_run() -> None:
    async def run() -> list[int]:
        fake = FakeCloud(seed=7)
        async with client_of(fake) as client:
            fake.fault(Fault(status=500, probability=0.5, times=None))
            return [(await client("GET", "compute", "/servers")).status_code for _ in range(20)]

    first = await run()
    assert set(first) == {200, 500}
    assert await run() == first


async def test_what_was_received_is_on_record(client: Client, fake: FakeCloud) -> None:
    fake.clear()
    await client("GET", "compute", "/servers/detail?limit=3&name=a%20b")
    (record,) = fake.requests
    assert (record.cloud, record.region, record.service, record.method) == ("fake", "RegionOne", "compute", "GET")
    assert (record.path, record.query, record.status) == (
        "/v2.1/servers/detail",
        [("limit", "3"), ("name", "a b")],
        200,
    )
    assert record.headers["x-auth-token"] == client.token
    assert fake.count(service="compute", path="*/servers/*") == 1
    assert fake.count(service="network") == 0


async def test_expired_and_revoked_tokens_are_refused(client: Client, fake: FakeCloud) -> None:
    assert (await client("GET", "compute", "/servers")).status_code == 200
    fake.revoke_tokens()
    assert (await client("GET", "compute", "/servers")).status_code == 401


async def test_rate_limit(fake: FakeCloud) -> None:
    async with client_of(fake) as client:
        fake.knobs.rate_limit = 2
        answers = [await client("GET", "compute", "/servers") for _ in range(6)]
        assert [answer.status_code for answer in answers][:2] == [200, 200]
        refused = answers[-1]
        assert refused.status_code == 429
        assert refused.headers["retry-after"] == "1"


async def test_unknown_paths_are_404(fake: FakeCloud) -> None:
    async with client_of(fake) as client:
        assert (await client.http.get("http://fake.test/elsewhere")).status_code == 404
        assert (await client("GET", "compute", "/nonsense")).status_code == 404
        assert (await client("PUT", "compute", "/servers")).status_code == 404


async def test_the_talks_clouds_and_their_clouds_yaml() -> None:
    fake = FakeCloud.talk()
    clouds = yaml.safe_load(fake.clouds_yaml())["clouds"]
    assert list(clouds) == ["my-vexxhost", "my-citycloud", "my-internap"]
    assert clouds["my-internap"]["floating_ip_source"] == "None"
    (region,) = clouds["my-internap"]["regions"]
    assert region["name"] == "ams01"
    assert region["values"]["networks"] == [
        {"name": "inap-17037-WAN1654", "routes_externally": True, "default_interface": True},
        {"name": "inap-17037-LAN3631", "routes_externally": False},
    ]
    async with httpx2.AsyncClient(transport=fake.transport) as http:
        for cloud in clouds.values():
            auth = cloud["auth"]
            user = {"name": auth["username"], "password": auth["password"], "domain": {"id": auth["user_domain_id"]}}
            scope = {"project": {"name": auth["project_name"], "domain": {"id": auth["project_domain_id"]}}}
            body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}}
            answer = await http.post(f"{auth['auth_url']}/v3/auth/tokens", json=body)
            assert answer.status_code == 201
    for name, region_name, flavor, image in (
        ("my-vexxhost", "ca-ymq-1", "5cf64088-893b-46b5-9bb1-ee020277635d", "Ubuntu 16.04.1 LTS [2017-03-03]"),
        ("my-citycloud", "Buf1", "0dab10b5-42a2-438e-be7b-505741a7ffcc", "Ubuntu 16.04 Xenial Xerus"),
        ("my-internap", "ams01", "A1.4", "Ubuntu 16.04 LTS (Xenial Xerus)"),
    ):
        region = fake.cloud(name).region(region_name)
        assert flavor in region.nova.flavors
        assert image in {one["name"] for one in region.glance.images.values()}
        enough = sorted(one["ram"] for one in region.nova.flavors.values() if one["ram"] >= 512)
        assert enough[0] == 512
        assert enough.count(512) == 1


async def test_clouds_yaml_names_the_port_while_served(fake: FakeCloud) -> None:
    async with fake.serve() as url:
        assert url in fake.clouds_yaml()
        assert yaml.safe_load(fake.clouds_yaml(admin=True))["clouds"]["fake"]["auth"]["username"] == "admin"
    assert "http://fake.test/fake/identity" in fake.clouds_yaml()


async def test_the_port_closes_on_a_client_that_has_not_read_all(fake: FakeCloud) -> None:
    """What was still to be sent goes with its connection: the socket is not left to the garbage collector, of which
    pytest hears."""
    async with AsyncExitStack() as stack:
        async with fake.serve() as url, client_of(fake, url=url) as client:
            headers = {"x-auth-token": client.token}
            box = client.urls["object-store"] + "/box"
            await client.http.put(box, headers=headers)
            await client.http.put(box + "/big", headers=headers, content=b"x" * 16_000_000)
            host, _, port = url.removeprefix("http://").partition(":")
            reader = await stack.enter_async_context(await anyio.connect_tcp(host, int(port)))
            lines = [f"GET {box.removeprefix(url)}/big HTTP/1.1", f"host: {host}", f"x-auth-token: {client.token}"]
            await reader.send("\r\n".join([*lines, "", ""]).encode())
            assert await reader.receive(12) == b"HTTP/1.1 200"
        gc.collect()


async def test_streams_pass_in_both_directions(client: Client) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"x" * 100_000

    headers = {"x-auth-token": client.token}
    made = await client("POST", "image", "/v2/images", {"name": "i", "disk_format": "raw", "container_format": "bare"})
    url = f"{client.urls['image']}/v2/images/{made.json()['id']}/file"
    kind = {"content-type": "application/octet-stream"}
    answer = await client.http.put(url, content=chunks(), headers={**headers, **kind})
    assert answer.status_code == 204
    assert (await client.http.get(url, headers=headers)).content == b"x" * 300_000


async def test_the_command_serves_until_told_to_stop(tmp_path: Path) -> None:
    said: list[str] = []
    path = tmp_path / "clouds.yaml"
    ready = anyio.Event()

    def announce(text: str) -> None:
        said.append(text)
        ready.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run_fake_cloud, 0, path, announce)
        await ready.wait()
        assert path.stat().st_mode & 0o777 == 0o600
        auth = yaml.safe_load(path.read_text())["clouds"]["my-internap"]["auth"]
        async with httpx2.AsyncClient(trust_env=False) as http:
            assert (await http.get(auth["auth_url"])).status_code == 300
        tasks.cancel_scope.cancel()
    assert said == ["ready"]


def test_mock_time_moves_the_cloud() -> None:
    """Hours pass at once under trio's MockClock: latency, boots and tokens follow it."""

    async def story() -> list[object]:
        fake = FakeCloud(latency=4, boot_time=3600, token_ttl=7200)
        seen: list[object] = []
        async with client_of(fake) as client:
            region = fake.cloud().region()
            server = region.nova.create.spawn("s", client.project_id, client.user_id, status="BUILD")
            region.later(region.knobs.boot_time, lambda: region.nova.create.booted(server))
            for hours in (0, 1, 1.5):
                await anyio.sleep(hours * 3600)
                answer = await client("GET", "compute", f"/servers/{server.id}", timeout=None)
                seen.append(answer.json()["server"]["status"] if answer.status_code == 200 else answer.status_code)
        return seen

    assert trio.run(story, clock=trio.testing.MockClock(autojump_threshold=0)) == ["BUILD", "ACTIVE", 401]


async def test_latency_beyond_the_read_timeout(fake: FakeCloud) -> None:
    async with client_of(fake) as client:
        fake.knobs.latency = 30
        with pytest.raises(httpx2.ReadTimeout):
            await client("GET", "compute", "/servers", timeout=0.01)


async def test_reply_headers_carry_a_request_id(client: Client) -> None:
    answer = await client("GET", "compute", "/servers")
    assert answer.headers["x-openstack-request-id"].startswith("req-")


async def test_login_over_both_ways(client: Client) -> None:
    answer = await client.http.post(f"{client.root}/identity/v3/auth/tokens", json=password_login(password="no"))
    assert answer.status_code == 401
