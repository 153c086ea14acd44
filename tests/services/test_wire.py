"""What goes over the wire, and what comes back: services that no fake cloud has, answering from a script."""

from __future__ import annotations

import pytest

import aiocloud
from aiocloud import InvalidRequest, ResourceFailed
from tests.services.helper import InTurn, Script

pytestmark = pytest.mark.anyio


async def test_what_is_not_given_is_not_sent() -> None:
    script = Script({"POST /v2.0/networks": {"network": {"id": "n1", "name": "n"}}})
    async with script.connect("network", "http://net.test/v2.0") as cloud:
        await cloud.network.networks.create(name="n", admin_state_up=False)
        await cloud.network.networks.create(external=True, mtu=None)
    assert [body for _, _, body in script.seen] == [
        {"network": {"name": "n", "admin_state_up": False}},
        {"network": {"router:external": True, "mtu": None}},
    ]


async def test_scheduler_hints_stand_beside_the_volume() -> None:
    script = Script({"POST /v3/volumes": {"volume": {"id": "v1", "name": "v"}}})
    async with script.connect("block_storage", "http://vol.test/v3") as cloud:
        await cloud.block_storage.volumes.create(size=1, image="i1", scheduler_hints={"same_host": ["x"]})
    assert script.seen[0][2] == {
        "volume": {"size": 1, "imageRef": "i1"},
        "OS-SCH-HNT:scheduler_hints": {"same_host": ["x"]},
    }


async def test_who_may_use_a_volume_type() -> None:
    kind = {"id": "t1", "name": "fast", "is_public": False, "os-volume-type-access:is_public": False}
    script = Script(
        {
            "GET /v3/types": {"volume_types": [kind]},
            "POST /v3/types/t1/action": 202,
            "GET /v3/types/t1/os-volume-type-access": {"volume_type_access": [{"project_id": "p1"}]},
        }
    )
    async with script.connect("block_storage", "http://vol.test/v3") as cloud:
        await cloud.add_volume_type_access("fast", "p1")
        assert await cloud.get_volume_type_access("fast") == ["p1"]
        await cloud.remove_volume_type_access("fast", "p1")
    assert [body for method, _, body in script.seen if method == "POST"] == [
        {"addProjectAccess": {"project": "p1"}},
        {"removeProjectAccess": {"project": "p1"}},
    ]


async def test_endpoints_made_before_one_that_fails_are_removed_again() -> None:
    first = {"endpoint": {"id": "e1", "interface": "public", "service_id": "s1", "url": "http://a/"}}
    script = Script(
        {
            "GET /v3/services": {"services": [{"id": "s1", "name": "clock", "type": "time"}]},
            "POST /v3/endpoints": InTurn(first, (400, {"error": {"message": "no such region", "code": 400}})),
            "DELETE /v3/endpoints/e1": 204,
            "GET /v3/endpoints": {"endpoints": []},
        }
    )
    async with script.connect("identity", "http://id.test/v3") as cloud:
        with pytest.raises(aiocloud.BadRequest, match="no such region"):
            await cloud.create_endpoint("clock", public_url="http://a/", internal_url="http://b/", region="Mars")
        with pytest.raises(InvalidRequest, match="a URL"):
            await cloud.create_endpoint("clock")
    assert ("DELETE", "/v3/endpoints/e1", None) in script.seen


async def test_limits_are_made_in_a_list_of_one() -> None:
    script = Script({"POST /v3/limits": {"limits": [{"id": "l1", "resource_limit": 5, "resource_name": "x"}]}})
    async with script.connect("identity", "http://id.test/v3") as cloud:
        made = await cloud.identity.limits.create(service_id="s", resource_name="x", resource_limit=5, project_id="p")
    assert (made.id, made.resource_limit) == ("l1", 5)
    assert script.seen[0][2] == {
        "limits": [{"service_id": "s", "resource_name": "x", "resource_limit": 5, "project_id": "p"}]
    }


async def test_a_region_is_put_where_its_id_says_and_a_provider_too() -> None:
    script = Script(
        {
            "PUT /v3/OS-FEDERATION/identity_providers/acme": {"identity_provider": {"id": "acme", "enabled": True}},
            "PUT /v3/OS-FEDERATION/identity_providers/acme/protocols/oidc": {
                "protocol": {"id": "oidc", "mapping_id": "m"}
            },
        }
    )
    async with script.connect("identity", "http://id.test/v3") as cloud:
        provider = await cloud.identity.identity_providers.create(id="acme", enabled=True)
        assert (provider.id, provider.name, provider.is_enabled) == ("acme", "acme", True)
        protocol = await cloud.identity.identity_providers.protocols("acme").create(id="oidc", mapping_id="m")
        assert protocol.mapping_id == "m"
    assert script.seen[0][2] == {"identity_provider": {"enabled": True}}


async def test_zones_and_recordsets() -> None:
    zone = {"id": "z1", "name": "example.org.", "status": "PENDING", "type": "PRIMARY", "links": {"self": "x"}}
    record = {"id": "r1", "name": "www.example.org.", "type": "A", "records": ["192.0.2.1"], "zone_id": "z1"}
    script = Script(
        {
            "POST /v2/zones": (202, zone),
            "GET /v2/zones": {"zones": [zone], "links": {"self": "x"}, "metadata": {"total_count": 1}},
            "POST /v2/zones/z1/recordsets": (202, record),
            "GET /v2/zones/z1/recordsets": {"recordsets": [record], "links": {}},
            "PUT /v2/zones/z1/recordsets/r1": {**record, "ttl": 60},
            "DELETE /v2/zones/z1/recordsets/r1": (202, record),
        }
    )
    async with script.connect("dns", "http://dns.test/v2") as cloud:
        made = await cloud.create_zone("example.org.", "primary", email="a@example.org", ttl=300)
        assert (made.status, made.properties) == ("PENDING", {})
        with pytest.raises(InvalidRequest, match="PRIMARY or SECONDARY"):
            await cloud.create_zone("x.", zone_type="tertiary")
        one = await cloud.create_recordset("example.org.", "www.example.org.", "a", ["192.0.2.1"])
        assert (one.records, one.properties) == (["192.0.2.1"], {})
        assert (await cloud.update_recordset(made, "www.example.org.", ttl=60)).ttl == 60
        assert await cloud.delete_recordset("example.org.", "www.example.org.") is True
        assert await cloud.get_recordset(made, "mail.example.org.") is None
    assert script.seen[0][2] == {"name": "example.org.", "type": "PRIMARY", "email": "a@example.org", "ttl": 300}
    assert ("PUT", "/v2/zones/z1/recordsets/r1", {"ttl": 60}) in script.seen


async def test_secrets_are_named_by_url_and_kept_out_of_reprs() -> None:
    ref = "http://keys.test/v1/secrets/5e7cc8e5-9d05-4b08-bd2b-1bcc3b6b1ad5"
    secret = {"secret_ref": ref, "name": "s", "status": "ACTIVE", "created": "2026-01-01T00:00:00"}
    script = Script(
        {
            "POST /v1/secrets": (201, {"secret_ref": ref}),
            "GET /v1/secrets": {"secrets": [secret], "total": 1},
            "GET /v1/secrets/5e7cc8e5-9d05-4b08-bd2b-1bcc3b6b1ad5/payload": (200, b"rosebud"),
            "DELETE /v1/secrets/5e7cc8e5-9d05-4b08-bd2b-1bcc3b6b1ad5": 204,
        }
    )
    async with script.connect("key_manager", "http://keys.test/v1") as cloud:
        secrets = cloud.key_manager.secrets
        made = await secrets.create(name="s", payload="rosebud", payload_content_type="text/plain")
        assert made.id == "5e7cc8e5-9d05-4b08-bd2b-1bcc3b6b1ad5"
        assert await secrets.payload("s") == b"rosebud"
        assert script.requests[-1].headers["accept"] == "text/plain"
        assert (await secrets.list())[0].created_at == "2026-01-01T00:00:00"
        assert await secrets.delete("s") is True


async def test_a_load_balancer_and_its_parts() -> None:
    balancer = {"id": "b1", "name": "lb", "provisioning_status": "ACTIVE", "admin_state_up": True, "tags": []}
    script = Script(
        {
            "POST /v2.0/lbaas/loadbalancers": (201, {"loadbalancer": balancer}),
            "GET /v2.0/lbaas/loadbalancers": {"loadbalancers": [balancer], "loadbalancers_links": []},
            "DELETE /v2.0/lbaas/loadbalancers/b1": 204,
            "GET /v2.0/lbaas/loadbalancers/b1/stats": {"stats": {"bytes_in": 7}},
            "POST /v2.0/lbaas/pools/p1/members": (201, {"member": {"id": "m1", "address": "192.0.2.1"}}),
        }
    )
    async with script.connect("load_balancer", "http://lb.test/v2.0") as cloud:
        balancers = cloud.load_balancer.load_balancers
        made = await balancers.create(name="lb", vip_subnet_id="s1")
        assert (made.provisioning_status, made.is_admin_state_up, made.properties) == ("ACTIVE", True, {})
        assert await balancers.statistics("lb") == {"bytes_in": 7}
        member = await cloud.load_balancer.pools.members("p1").create(address="192.0.2.1", protocol_port=80)
        assert member.id == "m1"
        await balancers.delete_cascade("lb")
    assert script.seen[-1][1] == "/v2.0/lbaas/loadbalancers/b1?cascade=true"


async def test_machines_are_changed_by_patches_and_waited_for() -> None:
    node = {"uuid": "1be26c0b-03f2-4d2e-ae87-c02d7f33c123", "name": "n", "properties": {"cpus": 4}, "driver": "ipmi"}
    at = f"/v1/nodes/{node['uuid']}"
    script = Script(
        {
            "GET /v1/nodes/n": {**node, "provision_state": "available"},
            f"GET {at}": {**node, "provision_state": "available"},
            "PATCH /v1/nodes/n": {**node, "description": "d"},
            f"PATCH {at}": {**node, "description": "d"},
            "PUT /v1/nodes/n/states/provision": 202,
            "PUT /v1/nodes/n/states/power": 202,
            "GET /v1/nodes/n/validate": {"power": {"result": False, "reason": "no password"}},
        }
    )
    async with script.connect("baremetal", "http://iron.test/v1") as cloud:
        found = await cloud.get_machine("n")
        assert found is not None
        assert (found.id, found["properties"], found.properties_) == (node["uuid"], {"cpus": 4}, {"cpus": 4})
        assert (await cloud.update_machine("n", description="d", owner=None)).description == "d"
        await cloud.set_machine_power_on("n")
        with pytest.raises(InvalidRequest, match="no password"):
            await cloud.validate_machine("n")
        script.answers["GET /v1/nodes/n"] = InTurn(
            {**node, "provision_state": "deploying", "target_provision_state": "active"},
            {**node, "provision_state": "active"},
        )
        await cloud.activate_node("n", wait=True, timeout=20)
        script.answers["GET /v1/nodes/n"] = {**node, "provision_state": "deploy failed", "last_error": "no disk"}
        with pytest.raises(ResourceFailed, match="no disk"):
            await cloud.activate_node("n", wait=True, timeout=20)
    patches = [body for method, _, body in script.seen if method == "PATCH"]
    assert patches == [
        [{"op": "add", "path": "/description", "value": "d"}, {"op": "remove", "path": "/owner"}],
    ]
    assert ("PUT", "/v1/nodes/n/states/power", {"target": "power on"}) in script.seen


async def test_enrolling_a_machine_that_fails_leaves_none() -> None:
    node = {"uuid": "n1", "name": "n", "provision_state": "enroll", "driver": "ipmi"}
    port = {"uuid": "p1", "address": "52:54:00:00:00:01", "node_uuid": "n1"}
    script = Script(
        {
            "POST /v1/nodes": (201, node),
            "POST /v1/ports": InTurn((201, port), (409, {"error_message": "a port with that address exists"})),
            "DELETE /v1/nodes/n1": 204,
            "DELETE /v1/ports/p1": 204,
        }
    )
    async with script.connect("baremetal", "http://iron.test/v1") as cloud:
        with pytest.raises(aiocloud.Conflict):
            await cloud.register_machine(["52:54:00:00:00:01", "52:54:00:00:00:02"], driver="ipmi", name="n")
    assert [path for method, path, _ in script.seen if method == "DELETE"] == ["/v1/ports/p1", "/v1/nodes/n1"]


async def test_clusters_have_uuids_and_are_patched() -> None:
    template = {"uuid": "t1", "name": "k8s", "coe": "kubernetes"}
    cluster = {"uuid": "c1", "name": "c", "status": "CREATE_IN_PROGRESS", "labels": None}
    script = Script(
        {
            "GET /v1/clustertemplates": {"clustertemplates": [template]},
            "POST /v1/clusters": (202, {"uuid": "c1"}),
            "GET /v1/clusters": {"clusters": [cluster]},
            "PATCH /v1/clusters/c1": (202, {"uuid": "c1"}),
            "GET /v1/certificates/c1": {"cluster_uuid": "c1", "pem": "-----BEGIN"},
        }
    )
    async with script.connect("container_infrastructure_management", "http://magnum.test/v1") as cloud:
        assert (await cloud.create_coe_cluster("c", "k8s", node_count=2)).id == "c1"
        found = await cloud.get_coe_cluster("c")
        assert found is not None
        assert (found.status, found.labels) == ("CREATE_IN_PROGRESS", {})
        assert (await cloud.update_coe_cluster("c", node_count=3)).id == "c1"
        assert (await cloud.get_coe_cluster_certificate("c")).pem == "-----BEGIN"
    assert ("POST", "/v1/clusters", {"name": "c", "cluster_template_id": "t1", "node_count": 2}) in script.seen
    assert ("PATCH", "/v1/clusters/c1", [{"op": "add", "path": "/node_count", "value": 3}]) in script.seen


async def test_accelerator_requests_are_bound_by_a_patch_of_their_own() -> None:
    request = {"uuid": "a1", "state": "Initial", "device_profile_name": "gpu"}
    script = Script(
        {
            "POST /v2/accelerator_requests": (201, {"arqs": [request]}),
            "GET /v2/accelerator_requests": {"arqs": [request]},
            "GET /v2/accelerator_requests/a1": {**request, "state": "Bound"},
            "PATCH /v2/accelerator_requests": (202, None),
            "DELETE /v2/accelerator_requests": 204,
            "POST /v2/device_profiles": (201, {"uuid": "d1", "name": "gpu", "groups": []}),
        }
    )
    async with script.connect("accelerator", "http://cyborg.test/v2") as cloud:
        profile = await cloud.create_device_profile({"name": "gpu", "groups": [{"resources:FPGA": "1"}]})
        assert profile.id == "d1"
        assert (await cloud.create_accelerator_request({"device_profile_name": "gpu"})).id == "a1"
        assert (await cloud.bind_accelerator_request("a1", {"hostname": "h"})).state == "Bound"
        assert await cloud.delete_accelerator_request("a1") is True
    assert (
        "PATCH",
        "/v2/accelerator_requests",
        {"a1": [{"op": "add", "path": "/hostname", "value": "h"}]},
    ) in script.seen
    assert script.seen[-1][1] == "/v2/accelerator_requests?arqs=a1"


async def test_messages_say_which_client_they_are_from() -> None:
    script = Script(
        {
            "PUT /v2/queues/q": 201,
            "POST /v2/queues/q/messages": (201, {"resources": ["/v2/queues/q/messages/m1"]}),
            "GET /v2/queues/q/messages": {"messages": [{"id": "m1", "body": "hello", "ttl": 60}], "links": []},
            "POST /v2/queues/q/claims": (201, {"messages": [{"id": "m1", "body": "hello"}]}),
            "DELETE /v2/queues/q/messages/m1": 204,
        }
    )
    async with script.connect("message", "http://zaqar.test/v2") as cloud:
        queues = cloud.message.queues
        queue = await queues.create("q")
        assert await queues.post(queue, [{"body": "hello", "ttl": 60}]) == ["m1"]
        assert [message.body for message in await queues.messages("q").list()] == ["hello"]
        assert [message.id for message in await queues.claim("q")] == ["m1"]
        await queues.delete_message("q", "m1", "c1")
    assert len({request.headers["client-id"] for request in script.requests}) == 1


async def test_shares_and_who_may_use_them() -> None:
    share = {"id": "s1", "name": "s", "status": "available", "share_proto": "NFS", "size": 1}
    rule = {"id": "a1", "access_to": "192.0.2.0/24", "access_level": "ro"}
    script = Script(
        {
            "POST /v2/shares": {"share": share},
            "GET /v2/shares/detail": {"shares": [share]},
            "POST /v2/shares/s1/action": {"access": rule},
            "GET /v2/availability-zones": {"availability_zones": [{"id": "z", "name": "nova"}]},
        }
    )
    async with script.connect("shared_file_system", "http://manila.test/v2") as cloud:
        made = await cloud.shared_file_system.shares.create(share_protocol="NFS", size=1, name="s")
        assert (made.share_protocol, made.properties) == ("NFS", {})
        allowed = await cloud.shared_file_system.shares.allow_access("s", "ip", "192.0.2.0/24", "ro")
        assert allowed.access_to == "192.0.2.0/24"
        assert [zone.name for zone in await cloud.list_share_availability_zones()] == ["nova"]
    assert script.seen[0][2] == {"share": {"share_proto": "NFS", "size": 1, "name": "s"}}


async def test_work_databases_and_high_availability() -> None:
    work = Script({"POST /v2/workflows": (201, {"workflows": [{"id": "w1", "name": "w"}]})})
    async with work.connect("workflow", "http://mistral.test/v2") as cloud:
        assert [each.name for each in await cloud.workflow.workflows.create("version: '2.0'")] == ["w"]
    assert work.requests[0].headers["content-type"] == "text/plain"

    trove = Script(
        {
            "POST /v1.0/p/instances/i1/databases": 202,
            "GET /v1.0/p/instances/i1/databases": {"databases": [{"name": "d"}]},
        }
    )
    async with trove.connect("database", "http://trove.test/v1.0/p") as cloud:
        from aiocloud.services.database.service import NewDatabase

        await cloud.database.instances.create_databases("i1", NewDatabase(name="d"))
        assert [each.id for each in await cloud.database.instances.databases("i1").list()] == ["d"]

    masakari = Script({"GET /v1/segments": {"segments": [{"uuid": "g1", "id": 1, "name": "g", "enabled": True}]}})
    async with masakari.connect("instance_ha", "http://masakari.test/v1") as cloud:
        found = await cloud.instance_ha.segments.find("g")
        assert found is not None
        assert (found.id, found.is_enabled) == ("g1", True)


async def test_ironic_is_told_the_microversion_in_its_own_header() -> None:
    version = {
        "id": "v1",
        "status": "CURRENT",
        "min_version": "1.1",
        "version": "1.30",
        "links": [{"rel": "self", "href": "http://iron.test/v1/"}],
    }
    script = Script({"GET /": {"versions": [version]}, "GET /v1/nodes/detail": {"nodes": []}})
    async with script.connect("baremetal", "http://iron.test") as cloud:
        assert await cloud.list_machines() == []
    headers = script.requests[-1].headers
    assert headers["x-openstack-ironic-api-version"] == "1.30"
    assert headers["openstack-api-version"] == "baremetal 1.30"
