"""The decisions about addresses, as tables: facts in, a plan out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from aiocloud.config.schema import NetworkHint
from aiocloud.errors import ConfigError
from aiocloud.tasks.plans import (
    AddressFacts,
    AddressPlan,
    AttachFloatingIP,
    Fixed,
    Net,
    Unreachable,
    UseAddress,
    choose_addresses,
    classify,
    plan_address,
)

PUBLIC = Net("net-public", "public", external=True)
PRIVATE = Net("net-private", "private", gateway=True)
WAN = Net("net-wan", "inap-17037-WAN1654")
LAN = Net("net-lan", "inap-17037-LAN3631")
HINTS = (
    NetworkHint(
        name=WAN.name,
        routes_externally=True,
        routes_ipv4_externally=True,
        routes_ipv6_externally=True,
        default_interface=True,
    ),
    NetworkHint(name=LAN.name),
)


def facts(
    addresses: Sequence[Fixed], nets: Sequence[Net], hints: Sequence[NetworkHint] = (), **more: Any
) -> AddressFacts:
    networks = classify(nets, hints)
    chosen = choose_addresses(addresses, networks, private=more.get("private", False))
    return AddressFacts(addresses=tuple(addresses), networks=networks, chosen=chosen, **more)


@pytest.mark.parametrize(
    ("kind", "known", "plan"),
    [
        (
            "my-vexxhost: straight from the network",
            facts([Fixed("203.0.113.9", "public", port_id="p1")], [PUBLIC]),
            UseAddress("203.0.113.9", "straight from the network"),
        ),
        (
            "my-internap: the provider network that clouds.yaml marks",
            facts([Fixed("10.3.1.7", WAN.name, port_id="p1")], [WAN, LAN], HINTS, floating_ip_source=None),
            UseAddress("10.3.1.7", "straight from the network"),
        ),
        (
            "my-citycloud: port and floating IP",
            facts([Fixed("10.0.0.5", "private", port_id="p1")], [PUBLIC, PRIVATE]),
            AttachFloatingIP("p1", "10.0.0.5", PUBLIC),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_talks_three_clouds_are_three_rows_of_one_table(kind: str, known: AddressFacts, plan: AddressPlan) -> None:
    assert plan_address(known) == plan


def test_a_server_that_has_a_floating_ip_needs_no_other() -> None:
    addresses = [
        Fixed("10.0.0.5", "private", port_id="p1", mac="aa"),
        Fixed("203.0.113.9", "private", floating=True, port_id="p1", mac="aa"),
    ]
    assert plan_address(facts(addresses, [PUBLIC, PRIVATE])) == UseAddress("203.0.113.9", "floating IP")


def test_a_private_address_will_do_where_clouds_yaml_says_so() -> None:
    known = facts([Fixed("10.0.0.5", "private", port_id="p1")], [PRIVATE], private=True)
    assert plan_address(known) == UseAddress("10.0.0.5", "private address, as clouds.yaml asks")


@pytest.mark.parametrize(
    ("known", "word"),
    [
        (facts([], [PUBLIC, PRIVATE]), "no fixed IPv4 address"),
        (facts([Fixed("10.0.0.5", "private", port_id="p1")], [PRIVATE]), "no network is external"),
        (
            facts([Fixed("10.0.0.5", "private", port_id="p1")], [PUBLIC, PRIVATE], floating_ip_source="None"),
            "switched off",
        ),
        (facts([Fixed("10.0.0.5", "private", port_id="p1")], [PUBLIC, PRIVATE], neutron=False), "no floating IPs"),
        (facts([Fixed("10.0.0.5", "private")], [PUBLIC, PRIVATE]), "none of its ports"),
        (
            facts([Fixed("10.0.0.5", "private", port_id="p1")], [PUBLIC, PRIVATE, LAN], nat_destination=LAN.name),
            "no port on the NAT destination",
        ),
    ],
)
def test_where_there_is_no_way_the_plan_says_why(known: AddressFacts, word: str) -> None:
    plan = plan_address(known)
    assert isinstance(plan, Unreachable)
    assert word in plan.why


def test_of_two_ports_the_one_behind_a_gateway_gets_the_floating_ip() -> None:
    isolated = Net("net-isolated", "isolated", gateway=False)
    addresses = [Fixed("10.9.0.5", "isolated", port_id="p1"), Fixed("10.0.0.5", "private", port_id="p2")]
    plan = plan_address(facts(addresses, [PUBLIC, isolated, PRIVATE]))
    assert plan == AttachFloatingIP("p2", "10.0.0.5", PUBLIC)


def test_the_named_nat_destination_wins_over_gateways() -> None:
    other = Net("net-other", "other", gateway=False)
    addresses = [Fixed("10.0.0.5", "private", port_id="p1"), Fixed("10.9.0.5", "other", port_id="p2")]
    plan = plan_address(facts(addresses, [PUBLIC, PRIVATE, other], nat_destination="other"))
    assert plan == AttachFloatingIP("p2", "10.9.0.5", PUBLIC)


def test_a_hint_that_names_no_network_is_an_error_that_lists_those_that_exist() -> None:
    with pytest.raises(ConfigError, match="'typo'.*'private'.*'public'"):
        classify([PUBLIC, PRIVATE], [NetworkHint(name="typo")])


def test_hints_win_over_what_neutron_says() -> None:
    networks = classify([PUBLIC, PRIVATE], [NetworkHint(name="public")])
    assert networks.external_v4 == ()
    assert [net.name for net in networks.internal_v4] == ["public", "private"]


@pytest.mark.parametrize(
    ("addresses", "public", "private", "interface"),
    [
        ([Fixed("10.0.0.5", "private")], "", "10.0.0.5", "10.0.0.5"),
        ([Fixed("203.0.113.9", "public")], "203.0.113.9", "", "203.0.113.9"),
        ([Fixed("8.8.8.8", "anything")], "", "8.8.8.8", "8.8.8.8"),
        (
            [Fixed("10.0.0.5", "private", mac="aa"), Fixed("203.0.113.9", "private", floating=True, mac="aa")],
            "203.0.113.9",
            "10.0.0.5",
            "203.0.113.9",
        ),
    ],
)
def test_which_address_is_which(addresses: list[Fixed], public: str, private: str, interface: str) -> None:
    chosen = choose_addresses(addresses, classify([PUBLIC, PRIVATE, Net("net-x", "anything")]))
    assert chosen.interface_ip == interface
    if addresses[0].network != "anything":
        assert (chosen.public_v4, chosen.private_v4) == (public, private)


def test_a_globally_routable_address_counts_as_public_where_nothing_else_is_known() -> None:
    assert choose_addresses([Fixed("8.8.8.8", "anything")], classify([])).public_v4 == "8.8.8.8"


def test_ipv6_is_left_out_where_ipv4_is_forced() -> None:
    addresses = [Fixed("2001:db8::5", "public", 6)]
    assert choose_addresses(addresses, classify([PUBLIC])).public_v6 == "2001:db8::5"
    assert choose_addresses(addresses, classify([PUBLIC]), force_ipv4=True).public_v6 == ""


def dual(*more: Fixed) -> list[Fixed]:
    return [Fixed("10.0.0.5", "private"), Fixed("203.0.113.9", "public"), *more]


@pytest.mark.parametrize(
    ("addresses", "given", "interface"),
    [
        (dual(Fixed("2001:db8::5", "public", 6)), {}, "2001:db8::5"),
        (dual(Fixed("2600::5", "private", 6)), {}, "2600::5"),
        (dual(Fixed("fd00::5", "private", 6)), {}, "203.0.113.9"),
        (dual(), {"access_v6": "2001:db8::9"}, "2001:db8::9"),
        (dual(Fixed("2001:db8::5", "public", 6)), {"private": True}, "10.0.0.5"),
        ([Fixed("10.0.0.5", "private"), Fixed("2001:db8::5", "public", 6)], {"ipv6_first": False}, "2001:db8::5"),
        (dual(Fixed("2001:db8::5", "public", 6)), {"ipv6_first": False}, "203.0.113.9"),
    ],
)
def test_from_a_host_with_ipv6_a_server_is_reached_by_it(
    addresses: list[Fixed], given: dict[str, Any], interface: str
) -> None:
    chosen = choose_addresses(addresses, classify([PUBLIC, PRIVATE]), **{"ipv6_first": True, **given})
    assert chosen.interface_ip == interface


def test_the_default_interface_comes_first_by_ipv6_too() -> None:
    networks = classify([PUBLIC, PRIVATE], [NetworkHint(name="private", default_interface=True)])
    addresses = dual(Fixed("fd00::5", "private", 6), Fixed("2001:db8::5", "public", 6))
    assert choose_addresses(addresses, networks, ipv6_first=True).interface_ip == "fd00::5"
    assert choose_addresses(addresses, networks).interface_ip == "10.0.0.5"


def test_where_there_are_no_floating_ips_a_shared_network_leads_to_its_servers() -> None:
    wan = Net("net-wan1", "WAN1", shared=True)
    addresses = [Fixed("198.51.100.7", "WAN1")]
    assert choose_addresses(addresses, classify([wan], direct=True)).public_v4 == "198.51.100.7"
    assert choose_addresses(addresses, classify([wan])).public_v4 == ""
