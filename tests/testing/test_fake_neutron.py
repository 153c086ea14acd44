"""The fake's neutron answers as the real one does."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from aiocloud.testing import FakeCloud
from tests.testing.wire import wire

pytestmark = pytest.mark.anyio


async def create(http: httpx2.AsyncClient, path: str, one: str, **fields: Any) -> dict[str, Any]:
    """POST a resource that must be taken."""
    answer = await http.post(f"/v2.0/{path}", json={one: fields})
    assert answer.status_code == 201, answer.text
    return dict(answer.json()[one])


def refusal(answer: httpx2.Response) -> tuple[int, str]:
    """Status and kind of an error."""
    error = answer.json()["NeutronError"]
    assert set(error) == {"type", "message", "detail"}
    return answer.status_code, error["type"]


async def inside(http: httpx2.AsyncClient) -> dict[str, Any]:
    """The network of the fake that floating IPs reach."""
    networks = (await http.get("/v2.0/networks", params={"router:external": "false"})).json()["networks"]
    return dict(networks[0])


async def outside(http: httpx2.AsyncClient) -> dict[str, Any]:
    """The fake's external network."""
    networks = (await http.get("/v2.0/networks", params={"router:external": "true"})).json()["networks"]
    return dict(networks[0])


async def test_version_document_needs_no_token_but_everything_else_does(fake: FakeCloud) -> None:
    async with wire(fake, "network") as http:
        del http.headers["x-auth-token"]
        root = await http.get("/")
        assert root.json()["versions"][0]["id"] == "v2.0"
        assert root.json()["versions"][0]["links"][0]["href"] == f"{http.base_url}v2.0/".replace("//v2", "/v2")
        answer = await http.get("/v2.0/networks")
        assert answer.status_code == 401
        assert answer.json()["error"]["title"] == "Unauthorized"


async def test_port_gets_an_address_a_group_and_a_name(fake: FakeCloud) -> None:
    async with wire(fake, "network") as http:
        network = await inside(http)
        port = await create(http, "ports", "port", network_id=network["id"], name="a")
        assert port["status"] == "DOWN"
        assert len(port["fixed_ips"]) == 1
        assert port["mac_address"].startswith("fa:16:3e:")
        groups = (await http.get("/v2.0/security-groups?name=default")).json()["security_groups"]
        assert port["security_groups"] == [groups[0]["id"]]
        assert len(groups[0]["security_group_rules"]) == 4
        assert port["dns_assignment"][0]["ip_address"] == port["fixed_ips"][0]["ip_address"]
        assert not [key for key in port if key.startswith("binding:h")]


async def test_addresses_are_never_given_twice(fake: FakeCloud) -> None:
    async with wire(fake, "network") as http:
        network = await create(http, "networks", "network", name="small")
        subnet = await create(
            http, "subnets", "subnet", network_id=network["id"], ip_version=4, cidr="10.9.0.0/29", enable_dhcp=False
        )
        ports = [await create(http, "ports", "port", network_id=network["id"]) for _ in range(5)]
        assert len({port["fixed_ips"][0]["ip_address"] for port in ports}) == 5
        full = await http.post("/v2.0/ports", json={"port": {"network_id": network["id"]}})
        assert refusal(full) == (409, "IpAddressGenerationFailure")
        taken = ports[0]["fixed_ips"][0]
        twice = await http.post("/v2.0/ports", json={"port": {"network_id": network["id"], "fixed_ips": [taken]}})
        assert refusal(twice) == (409, "IpAddressAlreadyAllocated")
        assert (await http.delete(f"/v2.0/ports/{ports[0]['id']}")).status_code == 204
        again = await create(http, "ports", "port", network_id=network["id"])
        assert again["fixed_ips"] == [{"subnet_id": subnet["id"], "ip_address": taken["ip_address"]}]


async def test_ipv6_addresses_come_from_the_mac_address(fake: FakeCloud) -> None:
    async with wire(fake, "network") as http:
        network = await create(http, "networks", "network", name="six")
        mode = {"ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac"}
        subnet = await create(
            http, "subnets", "subnet", network_id=network["id"], ip_version=6, cidr="fd00:7::/64", **mode
        )
        assert subnet["gateway_ip"] == "fd00:7::"
        port = await create(http, "ports", "port", network_id=network["id"], mac_address="fa:16:3e:48:cc:e0")
        assert port["fixed_ips"][0]["ip_address"] == "fd00:7::f816:3eff:fe48:cce0"


async def test_what_is_in_use_stays(fake: FakeCloud) -> None:
    async with wire(fake, "network") as http:
        network = await create(http, "networks", "network", name="n")
        subnet = await create(http, "subnets", "subnet", network_id=network["id"], ip_version=4, cidr="10.8.0.0/24")
        port = await create(http, "ports", "port", network_id=network["id"])
        assert refusal(await http.delete(f"/v2.0/networks/{network['id']}")) == (409, "NetworkInUse")
        assert refusal(await http.delete(f"/v2.0/subnets/{subnet['id']}")) == (409, "SubnetInUse")
        group = port["security_groups"][0]
        assert refusal(await http.delete(f"/v2.0/security-groups/{group}")) == (409, "SecurityGroupInUse")
        await http.delete(f"/v2.0/ports/{port['id']}")
        assert (await http.delete(f"/v2.0/networks/{network['id']}")).status_code == 204
        assert refusal(await http.get(f"/v2.0/subnets/{subnet['id']}")) == (404, "SubnetNotFound")


async def test_a_floating_ip_leads_to_a_port_a_moment_after_it_was_made(fake: FakeCloud) -> None:
    async with wire(fake, "network") as http:
        network, external = await inside(http), await outside(http)
        port = await create(http, "ports", "port", network_id=network["id"])
        wish = {"floating_network_id": external["id"], "port_id": port["id"]}
        floating = await create(http, "floatingips", "floatingip", **wish)
        assert floating["status"] == "DOWN"
        assert floating["fixed_ip_address"] == port["fixed_ips"][0]["ip_address"]
        assert floating["port_details"]["mac_address"] == port["mac_address"]
        later = (await http.get(f"/v2.0/floatingips/{floating['id']}")).json()["floatingip"]
        assert later["status"] == "ACTIVE"
        assert later["revision_number"] == floating["revision_number"] + 1

        second = await http.post("/v2.0/floatingips", json={"floatingip": wish})
        assert refusal(second) == (409, "FloatingIPPortAlreadyAssociated")
        assert len((await http.get("/v2.0/floatingips")).json()["floatingips"]) == 1, "refused means nothing was made"

        await http.delete(f"/v2.0/ports/{port['id']}")
        left = (await http.get(f"/v2.0/floatingips/{floating['id']}")).json()["floatingip"]
        assert (left["port_id"], left["router_id"], left["status"]) == (None, None, "DOWN")


async def test_a_floating_ip_needs_a_way_to_the_port(fake: FakeCloud) -> None:
    async with wire(fake, "network") as http:
        external = await outside(http)
        network = await create(http, "networks", "network", name="island")
        subnet = await create(http, "subnets", "subnet", network_id=network["id"], ip_version=4, cidr="10.7.0.0/24")
        port = await create(http, "ports", "port", network_id=network["id"])
        wish = {"floatingip": {"floating_network_id": external["id"], "port_id": port["id"]}}
        answer = await http.post("/v2.0/floatingips", json=wish)
        assert refusal(answer) == (404, "ExternalGatewayForFloatingIPNotFound")

        router = await create(http, "routers", "router", name="r", external_gateway_info={"network_id": external["id"]})
        path = f"/v2.0/routers/{router['id']}"
        bridge = await http.put(f"{path}/add_router_interface", json={"subnet_id": subnet["id"]})
        assert bridge.status_code == 200
        made = await http.post("/v2.0/floatingips", json=wish)
        assert made.json()["floatingip"]["router_id"] == router["id"]

        cut = await http.put(f"{path}/remove_router_interface", json={"subnet_id": subnet["id"]})
        assert refusal(cut) == (409, "RouterInterfaceInUseByFloatingIP")
        assert refusal(await http.delete(path)) == (409, "RouterInUse")
        await http.delete(f"/v2.0/floatingips/{made.json()['floatingip']['id']}")
        assert (await http.put(f"{path}/remove_router_interface", json={"subnet_id": subnet["id"]})).status_code == 200
        assert (await http.delete(path)).status_code == 204


async def test_lists_take_any_field_as_a_filter(fake: FakeCloud) -> None:
    async with wire(fake, "network") as http:
        network = await inside(http)
        ports = [
            await create(http, "ports", "port", network_id=network["id"], name=name, device_id=f"dev-{name}", tags=tags)
            for name, tags in (("a", ["red"]), ("b", ["red", "blue"]), ("c", []))
        ]

        async def names(query: str) -> set[str]:
            found = (await http.get(f"/v2.0/ports?{query}")).json()["ports"]
            return {port["name"] for port in found if port["device_owner"] == ""}

        assert await names("device_id=dev-a&device_id=dev-b") == {"a", "b"}
        assert await names(f"id={ports[1]['id']}&id={ports[2]['id']}") == {"b", "c"}
        assert await names(f"fixed_ips=ip_address%3D{ports[2]['fixed_ips'][0]['ip_address']}") == {"c"}
        assert await names("tags=red,blue") == {"b"}
        assert await names("not-tags=red&admin_state_up=true") == {"c"}
        odd = await http.get("/v2.0/ports?colour=red")
        assert refusal(odd) == (400, "HTTPBadRequest")
        slim = (await http.get(f"/v2.0/ports?id={ports[0]['id']}&fields=id&fields=name")).json()["ports"]
        assert slim == [{"id": ports[0]["id"], "name": "a"}]


async def test_lists_come_in_pages_that_link_to_each_other(fake: FakeCloud) -> None:
    async with wire(fake, "network") as http:
        network = await inside(http)
        wanted = [await create(http, "ports", "port", network_id=network["id"], name=f"p{i}") for i in range(5)]
        query = "&".join(f"name=p{i}" for i in range(5))
        url, found, pages = f"{http.base_url}v2.0/ports?limit=2&sort_key=name&sort_dir=asc&{query}", [], 0
        while url:
            body = (await http.get(url)).json()
            found += [port["id"] for port in body["ports"]]
            links = {link["rel"]: link["href"] for link in body.get("ports_links", [])}
            url, pages = links.get("next", ""), pages + 1
        assert found == [port["id"] for port in wanted]
        assert pages == 3
        assert refusal(await http.get("/v2.0/ports?marker=nope&limit=1")) == (404, "PortNotFound")
        assert "ports_links" not in (await http.get("/v2.0/ports")).json()


async def test_the_service_pages_long_lists_by_itself() -> None:
    fake = FakeCloud(page_size=2)
    async with wire(fake, "network") as http:
        network = await inside(http)
        for _ in range(3):
            await create(http, "ports", "port", network_id=network["id"])
        body = (await http.get("/v2.0/ports")).json()
        assert len(body["ports"]) == 2
        assert body["ports_links"][0]["rel"] == "next"


async def test_if_match_refuses_a_stale_revision(fake: FakeCloud) -> None:
    async with wire(fake, "network") as http:
        network = await create(http, "networks", "network", name="n")
        path = f"/v2.0/networks/{network['id']}"
        stale = {"If-Match": f"revision_number={network['revision_number'] + 7}"}
        answer = await http.put(path, json={"network": {"name": "m"}}, headers=stale)
        assert refusal(answer) == (412, "RevisionNumberConstraintFailed")
        fresh = {"If-Match": f"revision_number={network['revision_number']}"}
        answer = await http.put(path, json={"network": {"name": "m"}}, headers=fresh)
        assert answer.json()["network"]["revision_number"] == network["revision_number"] + 1


async def test_security_group_rules_are_checked(fake: FakeCloud) -> None:
    async with wire(fake, "network") as http:
        group = await create(http, "security-groups", "security_group", name="web")
        assert [rule["direction"] for rule in group["security_group_rules"]] == ["egress", "egress"]
        rule: dict[str, Any] = {"security_group_id": group["id"], "direction": "ingress"}
        ssh = {**rule, "protocol": "tcp", "port_range_min": 22, "port_range_max": 22, "remote_ip_prefix": "10.1.2.3/8"}
        made = await create(http, "security-group-rules", "security_group_rule", **ssh)
        assert made["normalized_cidr"] == "10.0.0.0/8"
        wrong = {
            "SecurityGroupRuleExists": ssh,
            "SecurityGroupProtocolRequiredWithPorts": {**rule, "port_range_min": 1, "port_range_max": 2},
            "SecurityGroupInvalidPortRange": {**ssh, "port_range_min": 30},
            "InvalidCIDR": {**ssh, "remote_ip_prefix": "all"},
            "SecurityGroupNotFound": {**ssh, "security_group_id": "nope"},
        }
        for kind, given in wrong.items():
            answer = await http.post("/v2.0/security-group-rules", json={"security_group_rule": given})
            assert refusal(answer)[1] == kind
        assert (await http.delete(f"/v2.0/security-groups/{group['id']}")).status_code == 204
        assert (await http.get(f"/v2.0/security-group-rules/{made['id']}")).status_code == 404


async def test_tags_quotas_zones_and_bulk(fake: FakeCloud) -> None:
    async with wire(fake, "network") as http:
        bulk = await http.post("/v2.0/networks", json={"networks": [{"name": "x"}, {"name": "y"}]})
        first = bulk.json()["networks"][0]
        tags = f"/v2.0/networks/{first['id']}/tags"
        assert (await http.put(f"{tags}/blue")).status_code == 201
        assert (await http.get(tags)).json() == {"tags": ["blue"]}
        assert (await http.get(f"{tags}/green")).status_code == 404
        details = (await http.get(f"/v2.0/quotas/{first['project_id']}/details.json")).json()["quota"]
        assert details["network"]["used"] >= 2
        assert (await http.get("/v2.0/quotas/another")).status_code == 403
        zones = (await http.get("/v2.0/availability_zones")).json()["availability_zones"]
        assert {zone["resource"] for zone in zones} == {"router", "network"}
        half = await http.post("/v2.0/networks", json={"networks": [{"name": "z"}, {"nonsense": 1}]})
        assert half.status_code == 400
        assert (await http.get("/v2.0/networks?name=z")).json() == {"networks": []}


async def test_quotas_hold() -> None:
    fake = FakeCloud(quotas={"floatingip": 1})
    async with wire(fake, "network") as http:
        external = await outside(http)
        await create(http, "floatingips", "floatingip", floating_network_id=external["id"])
        more = await http.post("/v2.0/floatingips", json={"floatingip": {"floating_network_id": external["id"]}})
        assert refusal(more) == (409, "OverQuota")


async def test_ordinary_projects_may_not_do_what_administrators_do(fake: FakeCloud) -> None:
    async with wire(fake, "network") as http, wire(fake, "network", admin=True) as boss:
        wish = {"network": {"name": "all", "shared": True}}
        assert refusal(await http.post("/v2.0/networks", json=wish)) == (403, "PolicyNotAuthorized")
        shared = (await boss.post("/v2.0/networks", json=wish)).json()["network"]
        assert shared["provider:network_type"] == "vxlan"
        seen = (await http.get(f"/v2.0/networks/{shared['id']}")).json()["network"]
        assert "provider:network_type" not in seen
        assert refusal(await http.delete(f"/v2.0/networks/{shared['id']}")) == (403, "PolicyNotAuthorized")
        assert (await http.get("/v2.0/agents")).json() == {"agents": []}
        assert (await boss.get("/v2.0/agents")).json()["agents"]


async def test_a_region_without_routers_knows_no_floating_ips() -> None:
    fake = FakeCloud.like("my-internap")
    async with wire(fake, "network") as http:
        base = str(http.base_url).rstrip("/").removesuffix("/v2.0")
        assert refusal(await http.get(f"{base}/v2.0/floatingips")) == (404, "HTTPNotFound")
        extensions = (await http.get(f"{base}/v2.0/extensions")).json()["extensions"]
        assert "router" not in {extension["alias"] for extension in extensions}


async def test_nova_sees_fixed_and_floating_addresses(fake: FakeCloud) -> None:
    async with wire(fake, "network") as http:
        network, external = await inside(http), await outside(http)
        neutron = fake.cloud().region().neutron
        heard: list[str] = []
        neutron.listeners.append(heard.append)
        port = neutron.create_port(project_id=network["project_id"], network_id=network["id"], device_id="server-1")
        await create(http, "floatingips", "floatingip", floating_network_id=external["id"], port_id=port["id"])
        found = neutron.addresses_of("server-1")[network["name"]]
        assert [one["OS-EXT-IPS:type"] for one in found] == ["fixed", "floating"]
        assert {one["OS-EXT-IPS-MAC:mac_addr"] for one in found} == {port["mac_address"]}
        assert "server-1" in heard
        neutron.delete_ports_of("server-1")
        assert neutron.addresses_of("server-1") == {}


async def test_quality_of_service_has_policies_with_rules(fake: FakeCloud) -> None:
    async with wire(fake, "network") as http, wire(fake, "network", admin=True) as boss:
        assert refusal(await http.post("/v2.0/qos/policies", json={"policy": {"name": "q"}}))[0] == 403
        policy = (await boss.post("/v2.0/qos/policies", json={"policy": {"name": "q", "shared": True}})).json()[
            "policy"
        ]
        rules = f"/v2.0/qos/policies/{policy['id']}/bandwidth_limit_rules"
        made = await boss.post(rules, json={"bandwidth_limit_rule": {"max_kbps": 1000}})
        rule = made.json()["bandwidth_limit_rule"]
        assert rule == {"id": rule["id"], "max_kbps": 1000, "max_burst_kbps": 0, "direction": "egress"}
        again = await boss.post(rules, json={"bandwidth_limit_rule": {"max_kbps": 1}})
        assert refusal(again) == (409, "QoSRulesConflict")
        changed = await boss.put(f"{rules}/{rule['id']}", json={"bandwidth_limit_rule": {"max_kbps": 5}})
        assert changed.json()["bandwidth_limit_rule"]["max_kbps"] == 5
        seen = (await http.get(f"/v2.0/qos/policies/{policy['id']}")).json()["policy"]
        assert [one["type"] for one in seen["rules"]] == ["bandwidth_limit"]
        assert (await boss.delete(f"{rules}/{rule['id']}")).status_code == 204
        assert refusal(await boss.get(f"{rules}/{rule['id']}")) == (404, "QosRuleNotFound")
        assert (await boss.delete(f"/v2.0/qos/policies/{policy['id']}")).status_code == 204


async def test_trunks_hold_their_ports(fake: FakeCloud) -> None:
    async with wire(fake, "network") as http:
        network = await inside(http)
        parent, child = [await create(http, "ports", "port", network_id=network["id"]) for _ in range(2)]
        trunk = await create(http, "trunks", "trunk", port_id=parent["id"])
        subport = {"port_id": child["id"], "segmentation_type": "vlan", "segmentation_id": 5}
        path = f"/v2.0/trunks/{trunk['id']}"
        added = await http.put(f"{path}/add_subports", json={"sub_ports": [subport]})
        assert added.json()["sub_ports"] == [subport]
        assert refusal(await http.delete(f"/v2.0/ports/{parent['id']}")) == (409, "PortInUseAsTrunkParent")
        assert refusal(await http.delete(f"/v2.0/ports/{child['id']}")) == (409, "PortInUseAsSubPort")
        assert (await http.delete(path)).status_code == 204
        assert (await http.delete(f"/v2.0/ports/{parent['id']}")).status_code == 204


async def test_single_ports_of_a_floating_ip_can_be_forwarded(fake: FakeCloud) -> None:
    async with wire(fake, "network") as http:
        network, external = await inside(http), await outside(http)
        port = await create(http, "ports", "port", network_id=network["id"])
        floating = await create(http, "floatingips", "floatingip", floating_network_id=external["id"])
        path = f"/v2.0/floatingips/{floating['id']}"
        wish = {
            "internal_port_id": port["id"],
            "internal_ip_address": port["fixed_ips"][0]["ip_address"],
            "internal_port": 22,
            "external_port": 2222,
            "protocol": "tcp",
        }
        made = await http.post(f"{path}/port_forwardings", json={"port_forwarding": wish})
        assert made.json()["port_forwarding"]["external_port_range"] == "2222:2222"
        assert refusal(await http.post(f"{path}/port_forwardings", json={"port_forwarding": wish}))[0] == 400
        shown = (await http.get(path)).json()["floatingip"]
        assert [one["external_port"] for one in shown["port_forwardings"]] == [2222]
        whole = await http.put(path, json={"floatingip": {"port_id": port["id"]}})
        assert refusal(whole) == (409, "FipInUseByPortForwarding")
        forwarding = f"{path}/port_forwardings/{made.json()['port_forwarding']['id']}"
        assert (await http.delete(forwarding)).status_code == 204
        assert refusal(await http.get(forwarding)) == (404, "PortForwardingNotFound")


async def test_firewalls_are_groups_of_policies_of_rules(fake: FakeCloud) -> None:
    async with wire(fake, "network") as http:
        rules = [await create(http, "fwaas/firewall_rules", "firewall_rule", name=name) for name in "ab"]
        policy = await create(
            http, "fwaas/firewall_policies", "firewall_policy", name="p", firewall_rules=[rules[0]["id"]]
        )
        path = f"/v2.0/fwaas/firewall_policies/{policy['id']}"
        wish = {"firewall_rule_id": rules[1]["id"], "insert_before": rules[0]["id"]}
        inserted = await http.put(f"{path}/insert_rule", json=wish)
        assert inserted.json()["firewall_rules"] == [rules[1]["id"], rules[0]["id"]]
        group = await create(
            http, "fwaas/firewall_groups", "firewall_group", name="g", ingress_firewall_policy_id=policy["id"]
        )
        assert refusal(await http.delete(path)) == (409, "FirewallPolicyInUse")
        assert refusal(await http.delete(f"/v2.0/fwaas/firewall_rules/{rules[0]['id']}")) == (409, "FirewallRuleInUse")
        assert (await http.delete(f"/v2.0/fwaas/firewall_groups/{group['id']}")).status_code == 204
        assert (await http.delete(path)).status_code == 204
