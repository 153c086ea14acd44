"""The same files read by openstacksdk and by us mean the same; where they don't, the guide says why.

openstacksdk is no dependency: AIOCLOUD_PEER_PYTHON names an interpreter that has it, else this one's is tried.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from aiocloud.config.load import load_config
from aiocloud.config.schema import CloudConfig

PEER = os.environ.get("AIOCLOUD_PEER_PYTHON") or (sys.executable if importlib.util.find_spec("openstack") else None)

CORPUS = """
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
  appcred:
    auth_type: v3applicationcredential
    auth: {auth_url: https://h, application_credential_id: i, application_credential_secret: s}
    regions: [{name: one, values: {image_format: vhd, networks: [{name: n, routes_externally: true}]}}, two]
    private: true
  old-label:
    auth_type: token
    auth: {auth_url: https://h, token: t, project_id: p}
    internal_network: inside
"""
SECURE = "clouds: {plain: {auth: {password: hidden}}}"

READ_BY_PEER = """
import json, sys
import openstack.config
none = lambda text: None if text == "None" else text
found = openstack.config.OpenStackConfig(config_files=[sys.argv[1]], secure_files=[sys.argv[2]])
print(json.dumps({
    f"{one.name} {one.region_name or ''}": {
        "auth": one.config["auth"],
        "auth_type": one.config["auth_type"],
        "verify": one.config["verify"],
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
    }
    for one in found.get_all()
}))
"""


def by_us(one: CloudConfig) -> dict[str, Any]:
    opened = {
        key: value.get_secret_value() if isinstance(value, SecretStr) else value for key, value in one.auth.items()
    }
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
    }


@pytest.mark.skipif(PEER is None, reason="openstacksdk is not installed, and AIOCLOUD_PEER_PYTHON names no other place")
def test_the_same_files_mean_the_same(tmp_path: Path) -> None:
    clouds, secure = tmp_path / "clouds.yaml", tmp_path / "secure.yaml"
    clouds.write_text(CORPUS)
    secure.write_text(SECURE)
    secure.chmod(0o600)
    done = subprocess.run(
        [str(PEER), "-c", READ_BY_PEER, str(clouds), str(secure)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    theirs = json.loads(done.stdout)
    read = load_config(config_files=[clouds], secure_files=[secure], environ={})
    ours = {
        f"{name} {region or ''}": by_us(read.cloud(name, region))
        for name in read.cloud_names
        for region in read.regions(name)
    }
    differing = {
        f"{cloud}.{key}": (value, theirs[cloud][key])
        for cloud, facts in ours.items()
        for key, value in facts.items()
        if value != theirs[cloud][key]
    }
    assert not differing
    assert set(ours) == set(theirs)
