"""The same files read by openstacksdk and by us mean the same; where they don't, the guide says why.

openstacksdk is no dependency: AIOCLOUD_PEER_PYTHON names an interpreter that has it, else this one's is tried.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from aiocloud.config.load import load_config
from aiocloud.config.schema import CloudConfig

PEER = os.environ.get("AIOCLOUD_PEER_PYTHON") or (sys.executable if importlib.util.find_spec("openstack") else None)


@dataclass(frozen=True)
class Case:
    """Files and variables, and where we read them otherwise on purpose: setting to (ours, theirs)."""

    clouds: str
    secure: str = "clouds: {}"
    environ: Mapping[str, str] = field(default_factory=dict[str, str])
    better: Mapping[str, tuple[Any, Any]] = field(default_factory=dict[str, tuple[Any, Any]])


DEAD = {"betacloud", "ibmcloud", "internap", "ultimum", "unitedstack", "conoha", "rackspace"}
"""Shut down, or asking for version 2 of the identity API: ours refuse."""

ELSEWHERE = {"ovh", "vexxhost", "bluebox"}
"""Theirs are fetched from the vendor's host; bluebox has no auth_url of its own."""

LIVING = sorted({path.stem for path in Path("profiles").glob("*.yaml")} - DEAD - ELSEWHERE)


def me(url: str, **more: str) -> dict[str, str]:
    """The login of the profiles' cases."""
    return {
        "auth_url": url,
        "username": "u",
        "password": "p",
        "project_id": "x",
        "project_domain_name": "D",
        "user_domain_name": "D",
        **more,
    }


BY_ID = {
    "auth_url": "https://api.van2.auro.io:5000/v3",
    "project_domain_name": "Default",
    "username": "u",
    "password": "p",
    "project_id": "x",
    "user_domain_id": "default",
}
CATALYST = "https://api.cloud.catalyst.net.nz:5000"
OTC_SWISS = "iam-pub.eu-ch2.sc.otc.t-systems.com/v3"

CASES = {
    "spellings": Case(
        """
clouds:
  plain:
    auth: {auth_url: https://h:5000/v3, username: u, password: p, tenant_name: t, domain_name: d}
    region_name: r1
    endpoint_type: internal
    compute_api_version: "2"
    image_status_code_retries: 3
    network_interface: public
    api_timeout: "7"
  beside:
    auth_url: https://h:5000/v3
    username: u
    project-name: p
    auth: {password: p, user-domain-name: d}
    verify: false
  old-label:
    auth_type: token
    auth: {auth_url: https://h, token: t, project_id: p}
    internal_network: inside
""",
        secure="clouds: {plain: {auth: {password: hidden}}}",
    ),
    "profiles": Case(
        """
clouds:
  with-profile:
    profile: citycloud
    auth: {username: u, password: p, project_id: x}
    has_network: false
    floating_ip_source: None
    regions: [Kna1]
  labelled:
    profile: limestonenetworks
    auth: {username: u, password: p, project_name: x, user_domain_id: default}
    volume_api_version: 2
    image_endpoint_override: https://i/v2
"""
    ),
    "every living profile": Case(
        "clouds:\n"
        + "".join(
            f"  my-{name}:\n    profile: {name}\n    auth: {{username: u, password: p, project_id: x, "
            f"user_domain_name: D, project_domain_name: D}}\n"
            for name in LIVING
        ),
        better={
            # Versions 2 of Keystone and 1 of Cinder are no more; an address has a scheme.
            "my-catalyst nz-por-1.auth": (me(f"{CATALYST}/v3"), me(f"{CATALYST}/v2.0")),
            "my-catalyst nz_wlg_2.auth": (me(f"{CATALYST}/v3"), me(f"{CATALYST}/v2.0")),
            "my-catalyst nz-por-1.versions": ([None, None, None], [None, None, "1"]),
            "my-catalyst nz_wlg_2.versions": ([None, None, None], [None, None, "1"]),
            "my-entercloudsuite it-mil1.versions": ([None, "3", None], [None, "3", "1"]),
            "my-entercloudsuite nl-ams1.versions": ([None, "3", None], [None, "3", "1"]),
            "my-entercloudsuite de-fra1.versions": ([None, "3", None], [None, "3", "1"]),
            "my-otc-swiss eu-ch2.auth": (me(f"https://{OTC_SWISS}"), me(OTC_SWISS)),
        },
    ),
    "a domain by id": Case(
        """
clouds:
  mine:
    profile: auro
    auth: {username: u, password: p, project_id: x, user_domain_id: default}
""",
        better={
            # Both name and id of one domain: Keystone takes whichever; the profile's name is not what was asked for.
            "mine RegionOne.auth": (BY_ID, {**BY_ID, "user_domain_name": "Default"})
        },
    ),
    "variables alone": Case(
        "clouds: {}",
        environ={
            "OS_AUTH_URL": "https://h:5000/v3",
            "OS_USERNAME": "u",
            "OS_PASSWORD": "p",
            "OS_PROJECT_NAME": "x",
            "OS_USER_DOMAIN_NAME": "Default",
            "OS_PROJECT_DOMAIN_ID": "default",
            "OS_REGION_NAME": "r1",
            "OS_INTERFACE": "internal",
            "OS_IDENTITY_API_VERSION": "3",
            "OS_COMPUTE_API_VERSION": "2.79",
            "OS_CACERT": "/ca.pem",
        },
        # The microversion in it is told apart when it is read, there when it is used.
        better={
            "envvars r1.versions": (["2", "3", None], ["2.79", "3", None]),
            "envvars r1.microversions": (["2.79", None], [None, None]),
        },
    ),
    "TLS": Case(
        """
clouds:
  own-ca:
    auth: {auth_url: https://h, username: u, password: p, project_name: x}
    cacert: /ca.pem
    cert: /me.pem
    key: /me.key
  careless:
    auth: {auth_url: https://h, username: u, password: p, project_name: x}
    insecure: true
  text:
    auth: {auth_url: https://h, username: u, password: p, project_name: x}
    verify: "False"
""",
        better={"text .verify": (False, True)},  # any text is true there
    ),
    "services": Case(
        """
clouds:
  mine:
    auth: {auth_url: https://h, username: u, password: p, project_name: x, user_domain_name: Default}
    region_name: r1
    interface: internal
    image_interface: admin
    image_region_name: r9
    image_service_type: picture
    image_service_name: glance
    image_connect_retries: 4
    image_status_code_retries: 7
    compute_default_microversion: "2.60"
    compute_service_name: nova
    network_endpoint_override: https://net
    has_object_store: false
"""
    ),
    "networks": Case(
        """
clouds:
  mine:
    auth: {auth_url: https://h, username: u, password: p, project_name: x}
    networks:
      - {name: outside, routes_externally: true, nat_source: true}
      - {name: six, routes_externally: true, routes_ipv4_externally: false}
      - {name: inside, nat_destination: true, default_interface: true}
  old:
    auth: {auth_url: https://h, username: u, password: p, project_name: x}
    external_network: outside
    internal_network: inside
""",
        # There the old spelling ends in a KeyError when these are asked for.
        better={"old .outside4": (["outside"], []), "old .outside6": (["outside"], [])},
    ),
    "wishes": Case(
        """
client: {force_ipv4: true}
clouds:
  mine:
    auth: {auth_url: https://h, username: u, password: p, project_name: x}
    prefer_ipv6: false
    secgroup_source: nova
    floating_ip_source: nova
    image_format: raw
    disable_vendor_agent: {agent: none}
  yours:
    auth: {auth_url: https://h, token: t, project_name: x, project_domain_id: default}
    auth_type: v3token
    floating_ip_source: null
"""
    ),
    "scopes": Case(
        """
clouds:
  trusted:
    auth: {auth_url: https://h, username: u, password: p, user_domain_id: default, trust_id: t1}
  whole:
    auth: {auth_url: https://h, username: u, password: p, user_domain_id: default, system_scope: all}
  a-domain:
    auth: {auth_url: https://h, username: u, password: p, user_domain_id: default, domain_name: d}
  fill:
    auth: {auth_url: https://h, username: u, password: p, project_name: x, default_domain_name: D}
  passcode:
    auth_type: v3totp
    auth: {auth_url: https://h, username: u, passcode: "012345", project_id: x, user_domain_id: default}
  oidc:
    auth_type: v3oidcpassword
    auth:
      auth_url: https://h
      identity_provider: idp
      protocol: openid
      client_id: c
      client_secret: s
      access_token_endpoint: https://idp/token
      discovery_endpoint: https://idp/.well-known/openid-configuration
      username: u
      password: p
      project_name: x
      project_domain_name: Default
"""
    ),
    "regions": Case(
        """
clouds:
  appcred:
    auth_type: v3applicationcredential
    auth: {auth_url: https://h, application_credential_id: i, application_credential_secret: s}
    regions: [{name: one, values: {image_format: vhd, networks: [{name: n, routes_externally: true}]}}, two]
    private: true
"""
    ),
}

READ_BY_PEER = """
import json, sys
import openstack.config
none = lambda text: None if text == "None" else text
found = openstack.config.OpenStackConfig(config_files=[sys.argv[1]], secure_files=[sys.argv[2]])
print(json.dumps({
    f"{one.name} {one.region_name or ''}": {
        "auth": one.config["auth"],
        "auth_type": one.config["auth_type"],
        "verify": bool(one.get_requests_verify_args()[0]),
        "image_format": one.config["image_format"],
        "floating_ip_source": none(one.config["floating_ip_source"]),
        "secgroup_source": one.config["secgroup_source"],
        "private": bool(one.config.get("private")),
        "api_timeout": one.config["api_timeout"] and float(one.config["api_timeout"]),
        "networks": [net["name"] for net in one.config["networks"]],
        "external": one.get_external_networks(),
        "nat_destination": one.get_nat_destination(),
        "default_interface": one.get_default_network(),
        "interfaces": [one.get_interface("network"), one.get_interface("compute")],
        "versions": [one.get_api_version(kind) for kind in ("compute", "identity", "block-storage")],
        "image": one.get_endpoint("image"),
        "retries": one.get_status_code_retries("image"),
        "has_network": one.has_service("network"),
        "has_object_store": one.has_service("object-store"),
        "tls": [one.config.get(key) for key in ("cacert", "cert", "key")],
        "microversions": [one.get_default_microversion(kind) for kind in ("compute", "image")],
        "names": [one.get_service_name("image"), one.get_service_type("image"), one.get_region_name("image") or None],
        "network_endpoint": one.get_endpoint("network"),
        "connect_retries": one.get_connect_retries("image"),
        "inside": one.get_internal_networks(),
        "outside4": [net["name"] for net in one.config["networks"] if net.get("routes_ipv4_externally")],
        "outside6": [net["name"] for net in one.config["networks"] if net.get("routes_ipv6_externally")],
        "nat_source": one.get_nat_source(),
        "ips": [one.force_ipv4, one.prefer_ipv6],
        "agent": one.config["disable_vendor_agent"],
    }
    for one in found.get_all()
}))
"""


def by_us(one: CloudConfig) -> dict[str, Any]:
    opened = {
        key: value.get_secret_value() if isinstance(value, SecretStr) else value for key, value in one.auth.items()
    }
    image = one.service("image")
    roles = ("nat_destination", "default_interface")
    return {
        "auth": opened,
        "auth_type": one.auth_type,
        "verify": one.verify,
        "image_format": one.image_format,
        "floating_ip_source": one.floating_ip_source,
        "secgroup_source": one.secgroup_source,
        "private": one.private,
        "api_timeout": one.api_timeout,
        "networks": [hint.name for hint in one.networks],
        "external": [hint.name for hint in one.networks if hint.routes_externally],
        **{role: next((hint.name for hint in one.networks if getattr(hint, role)), None) for role in roles},
        "interfaces": [",".join(one.service(kind).interface) for kind in ("network", "compute")],
        "versions": [one.service(kind).api_version for kind in ("compute", "identity", "block-storage")],
        "image": one.service("image").endpoint_override,
        # 5 is built in there for images; here the retry policy decides.
        "retries": one.service("image").status_code_retries or 5,
        "has_network": one.service("network").enabled,
        "has_object_store": one.service("object-store").enabled,
        "tls": [one.cacert, one.cert, one.key],
        "microversions": [one.service(kind).default_microversion for kind in ("compute", "image")],
        "names": [image.service_name, image.catalog_types[0], image.region_name],
        "network_endpoint": one.service("network").endpoint_override,
        "connect_retries": image.connect_retries,
        "inside": [hint.name for hint in one.networks if not hint.routes_externally],
        "outside4": [hint.name for hint in one.networks if hint.routes_ipv4_externally],
        "outside6": [hint.name for hint in one.networks if hint.routes_ipv6_externally],
        "nat_source": next((hint.name for hint in one.networks if hint.nat_source), None),
        "ips": [one.force_ipv4, one.prefer_ipv6 and not one.force_ipv4],
        "agent": dict(one.disable_vendor_agent),
    }


@pytest.mark.skipif(PEER is None, reason="openstacksdk is not installed, and AIOCLOUD_PEER_PYTHON names no other place")
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_same_files_mean_the_same(case: Case, tmp_path: Path) -> None:
    clouds, secure = tmp_path / "clouds.yaml", tmp_path / "secure.yaml"
    clouds.write_text(case.clouds)
    secure.write_text(case.secure)
    secure.chmod(0o600)
    done = subprocess.run(
        [str(PEER), "-c", READ_BY_PEER, str(clouds), str(secure)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **case.environ},
    )
    theirs = json.loads(done.stdout)
    read = load_config(config_files=[clouds], secure_files=[secure], environ=case.environ)
    ours = {
        f"{one.name} {one.region_name or ''}": by_us(one)
        for name in read.cloud_names
        for one in (read.cloud(name, region) for region in read.regions(name))
    }
    differing = {
        f"{cloud}.{key}": (value, theirs[cloud][key])
        for cloud, facts in ours.items()
        for key, value in facts.items()
        if value != theirs[cloud][key]
    }
    assert differing == case.better
    assert set(ours) == set(theirs)
