"""The profiles that ship: each is in our schema, and each can be used, or says why not."""

from __future__ import annotations

import logging
import tomllib
from pathlib import Path

import pytest

from aiocloud.config.document import Source
from aiocloud.config.load import load_config
from aiocloud.config.profiles import read_profile
from aiocloud.config.schema import CloudConfig
from aiocloud.errors import ConfigError
from tests.config.helper import Files

ROOT = Path(__file__).parent.parent.parent
FILES = sorted((ROOT / "profiles").glob("*.yaml"))
NAMES = [
    "auro",
    "betacloud",
    "binero",
    "bluebox",
    "catalyst",
    "citycloud",
    "conoha",
    "dreamcompute",
    "elastx",
    "entercloudsuite",
    "fuga",
    "ibmcloud",
    "internap",
    "limestonenetworks",
    "otc",
    "otc-swiss",
    "ovh",
    "ovh-us",
    "rackspace",
    "switchcloud",
    "switchengines",
    "ultimum",
    "unitedstack",
    "vexxhost",
    "zetta",
]
SHUT_DOWN = {"betacloud", "ibmcloud", "internap", "ultimum", "unitedstack"}
IDENTITY_V2 = {"conoha", "rackspace"}
WITHOUT_ADDRESS = {"bluebox"}
USABLE = sorted(set(NAMES) - SHUT_DOWN - IDENTITY_V2 - WITHOUT_ADDRESS)


def clouds(profile: str) -> list[CloudConfig]:
    """The cloud of somebody who gives only a profile and a name, in every region."""
    read = load_config(load_yaml_config=False, environ={"OS_PROFILE": profile, "OS_USERNAME": "me"})
    return [read.cloud("envvars", region) for region in read.regions("envvars")]


def test_all_twenty_five_are_there() -> None:
    assert sorted(path.stem for path in FILES) == sorted(NAMES)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_profile_fits_the_schema(path: Path) -> None:
    profile = read_profile(path.stem, path.read_text(), Source("profile", path.name))
    named = next(line for line in path.read_text().splitlines() if line.startswith("name:"))
    assert named == f"name: {path.stem}"
    assert profile.regions
    assert bool(profile.message) == (profile.status != "active")
    assert all(key in ("auth", "auth_type") or "auth" not in key for key in profile.values.entries)


@pytest.mark.parametrize("name", USABLE)
def test_a_profile_gives_a_usable_cloud_in_every_region(name: str) -> None:
    for config in clouds(name):
        assert config.auth["auth_url"].startswith("https://")
        assert "{" not in config.auth["auth_url"]
        assert config.region_name in config.regions
        assert config.profile == name
        assert config.service("identity").api_version in ("3", None)


@pytest.mark.parametrize("name", sorted(SHUT_DOWN))
def test_a_cloud_that_was_shut_down_is_refused_with_the_reason(name: str) -> None:
    with pytest.raises(ConfigError, match=f"profile {name} is shut down: "):
        clouds(name)


@pytest.mark.parametrize("name", sorted(IDENTITY_V2))
def test_a_profile_of_identity_v2_says_that_v2_is_gone(name: str) -> None:
    with pytest.raises(ConfigError, match="version 2 of the identity API is gone"):
        clouds(name)


def test_an_address_of_ones_own_lifts_a_profiles_identity_version(files: Files) -> None:
    text = "clouds: {rax: {profile: rackspace, auth: {auth_url: 'https://h:5000/v3', username: u}, has_network: false}}"
    config = files.load(text).cloud("rax", "DFW")
    assert config.service("identity").api_version is None
    assert config.service("network").enabled is False
    assert config.service("compute").service_name == "cloudServersOpenStack"
    assert config.service("database").catalog_types == ("rax:database",)
    assert config.service("volume").endpoint_override == "https://DFW.blockstorage.api.rackspacecloud.com/v2/"
    assert config.floating_ip_source is None
    assert config.disable_vendor_agent == {"vm_mode": "hvm", "xenapi_use_agent": "False"}


def test_a_deprecated_profile_works_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "aiocloud.config"):
        assert clouds("fuga")[0].region_name == "cystack"
    assert "profile fuga is deprecated" in caplog.text


def test_a_template_without_an_address_says_what_is_missing() -> None:
    with pytest.raises(ConfigError, match="auth_url is missing"):
        clouds("bluebox")


def test_networks_of_a_region_come_from_the_profile_and_the_users_win(files: Files) -> None:
    text = """
    clouds:
      mine: {profile: limestonenetworks, auth: {username: u}}
      own: {profile: limestonenetworks, networks: [{name: n}]}
    """
    read = files.load(text)
    assert [hint.name for hint in read.cloud("mine", "us-slc").networks if hint.nat_source] == ["Public Internet"]
    assert len(read.cloud("mine", "us-dfw-1").networks) == 4
    assert [hint.name for hint in read.cloud("own", "us-slc").networks] == ["n"]


def test_a_cloud_named_like_a_profile_has_it_unless_it_gives_its_own_address(files: Files) -> None:
    read = files.load("clouds: {elastx: {auth: {username: u}}, zetta: {LOGIN}}")
    assert read.cloud("elastx").auth["auth_url"] == "https://ops.elastx.cloud:5000/v3"
    assert read.cloud("zetta").profile is None
    assert read.cloud("zetta").region_name is None


def test_a_profile_alone_may_be_named_with_a_login(files: Files) -> None:
    read = files.load("clouds: {mine: {LOGIN}}")
    assert read.cloud("elastx", auth={"username": "u"}).region_name == "se-sto"
    with pytest.raises(ConfigError, match="there is a profile of that name"):
        read.cloud("elastx")


def test_the_wheel_ships_them() -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]
    assert build["wheel"]["force-include"] == {"profiles": "aiocloud/profiles"}
