"""Networks on a fake cloud: what the flat verbs do beyond one request each, and what they refuse."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from aiocloud import Cloud, InvalidRequest
from aiocloud.testing import FakeCloud
from tests.services.helper import connect

pytestmark = pytest.mark.anyio


@pytest.fixture
async def cloud(fake: FakeCloud, tmp_path: Path) -> AsyncIterator[Cloud]:
    async with connect(fake, tmp_path, admin=True) as cloud:
        yield cloud


async def test_a_subnet_with_a_gateway_of_its_own_or_none(cloud: Cloud) -> None:
    network = await cloud.create_network("n", mtu_size=1400, dns_domain="example.org.")
    assert (network.mtu, network.dns_domain, network.is_shared) == (1400, "example.org.", False)
    chosen = await cloud.create_subnet("n", "192.0.2.0/25", subnet_name="a", gateway_ip="192.0.2.9")
    none = await cloud.create_subnet(network, "192.0.2.128/25", subnet_name="b", disable_gateway_ip=True)
    assert (chosen.gateway_ip, none.gateway_ip, none.is_dhcp_enabled) == ("192.0.2.9", None, False)
    changed = await cloud.update_subnet("a", disable_gateway_ip=True, dns_nameservers=["9.9.9.9"])
    assert (changed.gateway_ip, changed.dns_nameservers, changed.name) == (None, ["9.9.9.9"], "a")
    with pytest.raises(InvalidRequest, match="contradict"):
        await cloud.update_subnet("a", gateway_ip="192.0.2.1", disable_gateway_ip=True)
    with pytest.raises(InvalidRequest, match="cidr"):
        await cloud.create_subnet("n")


async def test_a_provider_network_and_a_key_that_providers_do_not_have(cloud: Cloud) -> None:
    with pytest.raises(InvalidRequest, match="vlan"):
        await cloud.create_network("n", provider={"vlan": 7})


async def test_a_port_whose_groups_and_address_are_given(cloud: Cloud) -> None:
    network = await cloud.create_network("n")
    subnet = await cloud.create_subnet("n", "192.0.2.0/24", subnet_name="s")
    group = await cloud.create_security_group("web", "for the web")
    port = await cloud.create_port(
        "n", name="p", subnet_id=subnet.id, ip_address="192.0.2.77", security_groups=["web"], admin_state_up=False
    )
    assert port.fixed_ips == [{"subnet_id": subnet.id, "ip_address": "192.0.2.77"}]
    assert (port.security_group_ids, port.is_admin_state_up, port.network_id) == ([group.id], False, network.id)
    bare = await cloud.update_port("p", security_groups=[], description="bare")
    assert (bare.security_group_ids, bare.description) == ([], "bare")
    with pytest.raises(InvalidRequest, match="fixed_ips"):
        await cloud.create_port("n", fixed_ips=[], ip_address="192.0.2.78")
    with pytest.raises(InvalidRequest, match="no security group 'ghost'"):
        await cloud.create_port("n", security_groups=["ghost"])


async def test_a_router_keeps_the_network_of_its_gateway(cloud: Cloud) -> None:
    outside = next(net for net in await cloud.list_networks() if net.is_router_external)
    made = await cloud.create_router("r", ext_gateway_net_id=outside.name)
    assert made.external_gateway_info
    changed = await cloud.update_router("r", enable_snat=False)
    assert changed.external_gateway_info
    assert changed.external_gateway_info["network_id"] == outside.id
    assert changed.external_gateway_info["enable_snat"] is False
    gone = await cloud.network.routers.update("r", external_gateway_info=None)
    assert not gone.external_gateway_info


async def test_interfaces_of_a_router_inside_and_outside(cloud: Cloud) -> None:
    outside = next(net for net in await cloud.list_networks() if net.is_router_external)
    await cloud.create_network("n")
    await cloud.create_subnet("n", "192.0.2.0/24", subnet_name="s")
    router = await cloud.create_router("r", ext_gateway_net_id=outside.id)
    leg = await cloud.add_router_interface("r", subnet_id="s")
    inside = await cloud.list_router_interfaces(router, "internal")
    assert [port.id for port in inside] == [leg.port_id]
    external = await cloud.list_router_interfaces(router, "external")
    assert [port.network_id for port in external] == [outside.id]
    assert len(await cloud.list_router_interfaces(router)) == 2
    await cloud.remove_router_interface("r", subnet_id="s")
    assert await cloud.list_router_interfaces(router, "internal") == []
    with pytest.raises(InvalidRequest, match="subnet_id or a port_id"):
        await cloud.add_router_interface("r")


async def test_tags_come_and_go(cloud: Cloud) -> None:
    network = await cloud.create_network("n")
    networks = cloud.network.networks
    assert await networks.set_tags(network, ["b", "a", "a"]) == ["a", "b"]
    await networks.add_tag(network, "c")
    await networks.remove_tag("n", "a")
    assert (await networks.get(network)).tags == ["b", "c"]


async def test_a_floating_ip_is_known_by_its_address(cloud: Cloud) -> None:
    made = await cloud.create_floating_ip()
    assert made.name == made.floating_ip_address
    found = await cloud.get_floating_ip(made.floating_ip_address)
    assert found is not None
    assert found.id == made.id
    assert [ip.id for ip in await cloud.search_floating_ips(made.floating_ip_address)] == [made.id]
    assert [net.is_router_external for net in await cloud.list_floating_ip_pools()] == [True]
    assert await cloud.network.floating_ips.delete(made.name) is True
    assert await cloud.get_floating_ip_by_id(made.id) is None


async def test_a_rule_for_any_port_in_two_ways(cloud: Cloud) -> None:
    await cloud.create_security_group("g", "")
    rule = await cloud.create_security_group_rule("g", -1, -1, "icmp", remote_ip_prefix="0.0.0.0/0")
    assert (rule.port_range_min, rule.port_range_max, rule.protocol) == (None, None, "icmp")
    peers = await cloud.create_security_group_rule("g", remote_group_id="g", ethertype="IPv6")
    assert (peers.remote_group_id, peers.ether_type) == (peers.security_group_id, "IPv6")
    group = await cloud.get_security_group("g")
    assert group is not None
    assert {rule.id, peers.id} <= {each.id for each in group.security_group_rules}


async def test_quotas_are_set_counted_and_put_back(cloud: Cloud) -> None:
    project = await cloud.current_project()
    assert project is not None
    assert project.name
    before = await cloud.get_network_quotas(project.name)
    after = await cloud.set_network_quotas(project.name, network=7)
    assert (await cloud.set_network_quotas(project.name, floating_ips=3)).floating_ips == 3
    assert after.networks == 7
    await cloud.create_network("n")
    details = await cloud.get_network_quotas(project.name, details=True)
    assert details.networks is not None
    assert (details.networks.limit, details.networks.used) == (
        7,
        len(await cloud.list_networks(filters={"project_id": project.id})),
    )
    await cloud.delete_network_quotas(project.name)
    assert (await cloud.get_network_quotas(project.name)).networks == before.networks


async def test_qos_rules_of_a_policy_given_by_name(cloud: Cloud) -> None:
    policy = await cloud.create_qos_policy(name="slow")
    rule = await cloud.create_qos_bandwidth_limit_rule("slow", 1000, max_burst_kbps=100)
    assert (rule.max_kbps, rule.max_burst_kbps) == (1000, 100)
    assert (await cloud.update_qos_bandwidth_limit_rule("slow", rule.id, max_kbps=2000)).max_kbps == 2000
    assert [each.id for each in await cloud.list_qos_bandwidth_limit_rules(policy)] == [rule.id]
    assert await cloud.get_qos_bandwidth_limit_rule("slow", "no-such-rule") is None
    mark = await cloud.create_qos_dscp_marking_rule("slow", 26)
    assert [each.dscp_mark for each in await cloud.search_qos_dscp_marking_rules("slow", mark.id)] == [26]
    least = await cloud.create_qos_minimum_bandwidth_rule("slow", 10, direction="egress")
    assert await cloud.delete_qos_minimum_bandwidth_rule("slow", least.id) is True
    assert await cloud.delete_qos_minimum_bandwidth_rule("slow", least.id) is False
    assert "bandwidth_limit" in [kind.name for kind in await cloud.list_qos_rule_types()]
    assert await cloud.delete_qos_policy("slow") is True


async def test_a_firewall_is_built_from_names(cloud: Cloud) -> None:
    allow = await cloud.create_firewall_rule(name="allow", action="allow", protocol="tcp")
    deny = await cloud.create_firewall_rule(name="deny", action="deny")
    policy = await cloud.create_firewall_policy(name="p", firewall_rules=["deny"])
    assert policy.firewall_rules == [deny.id]
    policy = await cloud.insert_rule_into_policy("p", "allow", insert_before="deny")
    assert policy.firewall_rules == [allow.id, deny.id]
    assert (await cloud.insert_rule_into_policy("p", "allow")).firewall_rules == [allow.id, deny.id]
    assert (await cloud.remove_rule_from_policy("p", "deny")).firewall_rules == [allow.id]
    group = await cloud.create_firewall_group(name="g", ingress_firewall_policy="p")
    assert group.ingress_firewall_policy_id == policy.id
    assert (await cloud.update_firewall_group("g", admin_state_up=False)).admin_state_up is False
    assert await cloud.delete_firewall_group("g") is True
    assert await cloud.delete_firewall_policy("p") is True
    assert await cloud.delete_firewall_rule("allow", filters={"action": "deny"}) is False
    assert await cloud.delete_firewall_rule("allow") is True


async def test_a_trunk_and_the_ports_that_it_carries(cloud: Cloud) -> None:
    await cloud.create_network("n")
    parent, child = await cloud.create_port("n", name="parent"), await cloud.create_port("n", name="child")
    trunk = await cloud.network.trunks.create(port_id=parent.id, name="t")
    carrying = {"port_id": child.id, "segmentation_type": "vlan", "segmentation_id": 7}
    assert (await cloud.network.trunks.add_subports("t", [carrying])).sub_ports == [carrying]
    assert (await cloud.network.trunks.remove_subports(trunk, [child.id])).sub_ports == []


async def test_a_ports_binding_under_neutrons_words(cloud: Cloud) -> None:
    await cloud.create_network("n")
    words: Any = {"binding:vnic_type": "direct", "binding:profile": {"a": "b"}}
    made = await cloud.create_port("n", name="p", **words)
    assert (made.binding_vnic_type, made.binding_profile) == ("direct", {"a": "b"})
    words = {"binding:vnic_type": "normal"}
    changed = await cloud.update_port("p", **words)
    assert changed.binding_vnic_type == "normal"
    typo: Any = {"binding:vnic": "direct"}
    for change in (cloud.create_port, cloud.update_port):
        with pytest.raises(InvalidRequest, match="binding"):
            await change("n", **typo)


async def test_a_policy_is_the_default_by_either_name(cloud: Cloud) -> None:
    assert (await cloud.create_qos_policy(name="a", default=True)).is_default is True
    assert (await cloud.update_qos_policy("a", default=False)).is_default is False
    assert (await cloud.update_qos_policy("a", is_default=True, name="b")).name == "b"


async def test_a_subnet_takes_numbers_as_text(cloud: Cloud) -> None:
    await cloud.create_network("n")
    made = await cloud.create_subnet("n", "2001:db8::/64", ip_version="6")
    assert made.ip_version == 6
    with pytest.raises(InvalidRequest, match="ip_version is 4 or 6, not '5'"):
        await cloud.create_subnet("n", "192.0.2.0/24", ip_version="5")


async def test_any_kind_is_searched_by_what_its_service_lists_by_and_by_what_is_compared(cloud: Cloud) -> None:
    made = [await cloud.create_network(name, description=name[0]) for name in ("a1", "a2")]
    await cloud.create_network("b1", shared=True)
    kind, ids = "network.network", [network.id for network in made]
    assert [each.id for each in await cloud.search_resources(kind, "a1")] == ids[:1]
    assert [each.id for each in await cloud.search_resources(kind, None, description="a", is_shared=False)] == ids
    assert [each.id for each in await cloud.search_resources(kind, "", filters={"description": "a"})] == ids
    found = await cloud.search_resources(kind, "b1", get_args=[], list_kwargs={"shared": True})
    assert [each.name for each in found] == ["b1"]
    assert await cloud.search_resources(kind, "a1", list_kwargs={"shared": True}) == []
    with pytest.raises(InvalidRequest, match="can't pass on get_kwargs"):
        await cloud.search_resources(kind, "a1", get_kwargs={"x": 1})
