"""Every setting with its origin, secrets masked; and the names of services."""

from __future__ import annotations

import pytest

from aiocloud.config.services import aliases, is_official, official, official_types
from aiocloud.config.show import rows
from tests.config.helper import Files

CLOUDS = """
clouds:
  mine:
    profile: citycloud
    auth: {username: me, password: c4nary, domain_name: d, project_name: p}
    region_name: Buf1
    has_network: false
    networks: [{name: n, default_interface: true}]
"""


def test_each_setting_names_its_file_profile_variable_or_argument(files: Files) -> None:
    read = files.load(CLOUDS, environ={"OS_REGION_NAME": "Fra1", "OS_FORCE_IPV4": "1"})
    found = {row.key: (row.value, row.origin) for row in rows(read.cloud(verify=False))}
    path = str(files.folder / "clouds.yaml")
    assert found["auth.username"] == ("me", f"{path}:5:22")
    assert found["auth.password"] == ("***", f"{path}:5:36")
    assert found["auth.user_domain_name"] == ("d", f"{path}:5:57")
    assert found["auth.auth_url"] == ("https://Fra1.citycloud.com:5000/v3/", "profile citycloud.yaml:19:15")
    assert found["has_network"] == ("false", f"{path}:7:18")
    assert found["networks"] == ("name=n default_interface=true", f"{path}:8:15")
    assert found["region_name"] == ("Fra1", "variable OS_REGION_NAME")
    assert found["force_ipv4"] == ("true", "variable OS_FORCE_IPV4")
    assert found["verify"] == ("false", "argument verify")
    assert "image_api_use_tasks" not in found
    assert "c4nary" not in str(found)


def test_defaults_are_shown_when_they_are_wanted(files: Files) -> None:
    found = {row.key: row.origin for row in rows(files.cloud(), defaults=True)}
    assert found["verify"] == "default"
    assert len(found) > 30


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("compute", "compute"),
        ("volumev3", "block-storage"),
        ("block_storage", "block-storage"),
        ("volume", "block-storage"),
        ("container_infra", "container-infrastructure-management"),
        ("sharev2", "shared-file-system"),
        ("container-orchestration", "container-infrastructure-management"),
        ("rax:database", "rax:database"),
        ("x_vendor", "x-vendor"),
    ],
)
def test_a_service_has_one_official_type(said: str, meant: str) -> None:
    assert official(said) == meant


def test_official_types_and_their_aliases_do_not_overlap() -> None:
    kinds = list(official_types())
    names = [name for kind in kinds for name in aliases(kind)]
    assert len({*kinds, *names}) == len(kinds) + len(names)
    assert all(is_official(kind) and official(kind) == kind for kind in kinds)
    assert not any(is_official(name) for name in names)
