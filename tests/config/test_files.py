"""Which files are read, in which order, and what is said about those that can't be."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from aiocloud.config.load import load_config
from aiocloud.errors import ConfigError
from tests.config.helper import LOGIN, Files

ONE = f"clouds:\n  NAME:\n    {LOGIN}\n"


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home, a system's directory and a current directory of our own."""
    for name in ("here", "home/.config/openstack", "etc/openstack"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path / "etc"))
    return tmp_path


def put(path: Path, name: str, text: str = ONE) -> None:
    path.write_text(text.replace("NAME", name))
    path.chmod(0o600)


def test_the_first_of_current_user_and_system_directory_wins(places: Path) -> None:
    put(places / "etc/openstack/clouds.yaml", "system")
    assert load_config().cloud_names == ("system",)
    put(places / "home/.config/openstack/clouds.yaml", "user")
    assert load_config().cloud_names == ("user",)
    put(places / "here/clouds.yaml", "current")
    assert load_config().cloud_names == ("current",)


def test_yaml_comes_before_yml_and_yml_before_json(places: Path) -> None:
    json = '{\n\t"clouds": {"NAME": {"auth": {"auth_url": "https://h:5000"}}}}'
    put(places / "here/clouds.json", "json", json)
    assert load_config().cloud().name == "json"
    put(places / "here/clouds.yml", "yml")
    assert load_config().cloud_names == ("yml",)
    put(places / "here/clouds.yaml", "yaml")
    assert load_config().cloud_names == ("yaml",)


def test_variables_name_the_files(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(places / "here/clouds.yaml", "current")
    put(places / "other.yaml", "other")
    put(places / "hidden.yaml", "other", "clouds: {NAME: {auth: {password: hidden}}}")
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(places / "other.yaml"))
    monkeypatch.setenv("OS_CLIENT_SECURE_FILE", str(places / "hidden.yaml"))
    config = load_config().cloud()
    assert config.name == "other"
    assert config.auth["password"].get_secret_value() == "hidden"
    assert load_config(load_envvars=False).cloud_names == ("current",)
    assert load_config(config_files=[places / "here/clouds.yaml"]).cloud_names == ("current",)


def test_a_named_file_that_is_not_there_is_an_error(places: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load_config(config_files=["nowhere.yaml"])
    with pytest.raises(ConfigError, match="OS_CLIENT_CONFIG_FILE"):
        load_config(environ={"OS_CLIENT_CONFIG_FILE": "nowhere.yaml"})
    put(places / "here/b.yaml", "b")
    assert load_config(config_files=["nowhere.yaml", "b.yaml"]).cloud_names == ("b",)


def test_no_files_are_read_when_that_is_asked(places: Path) -> None:
    put(places / "here/clouds.yaml", "current")
    assert load_config(load_yaml_config=False).cloud_names == ()
    with pytest.raises(ConfigError, match="no cloud is configured"):
        load_config(load_yaml_config=False).cloud()


def test_with_no_file_the_error_says_where_was_looked(places: Path) -> None:
    with pytest.raises(ConfigError, match=r"looked in clouds\.yaml, .*etc/openstack/clouds\.json"):
        load_config().cloud()


def test_secure_yaml_lies_over_clouds_yaml(files: Files) -> None:
    config = files.load(
        "clouds: {mine: {LOGIN}}", secure="clouds: {mine: {auth: {password: other}, verify: false}}"
    ).cloud()
    assert config.auth["password"].get_secret_value() == "other"
    assert config.auth["username"] == "me"
    assert config.verify is False
    assert str(config.origins["auth.password"]).endswith("secure.yaml:1:34")


def test_clouds_that_only_secure_yaml_has(files: Files, caplog: pytest.LogCaptureFixture) -> None:
    secure = "clouds: {mein-cloud: {auth: {password: x}}, unrelated: {auth: {password: x}}, whole: {LOGIN}}"
    with caplog.at_level(logging.WARNING, "aiocloud.config"):
        assert files.load("clouds: {mine-cloud: {LOGIN}}", secure=secure).cloud_names == ("mine-cloud", "whole")
    assert "secure.yaml:1:10 clouds.mein-cloud: clouds.yaml has no such cloud; did you mean mine-cloud?" in caplog.text
    assert "unrelated" not in caplog.text


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_a_secure_yaml_that_others_can_read_gets_a_warning(files: Files, caplog: pytest.LogCaptureFixture) -> None:
    clouds = files.write("clouds: {mine: {LOGIN}}")
    secure = files.write("clouds: {mine: {auth: {password: x}}}", "secure.yaml")
    with caplog.at_level(logging.WARNING, "aiocloud.config"):
        load_config(config_files=[clouds], secure_files=[secure], environ={})
        assert not caplog.records
        secure.chmod(0o644)
        load_config(config_files=[clouds], secure_files=[secure], environ={})
    assert f"chmod 600 {secure}" in caplog.text


def test_clouds_public_yaml_beats_our_profiles(places: Path) -> None:
    put(places / "here/clouds.yaml", "mine", "clouds: {mine: {profile: elastx, auth: {username: me}}}")
    public = "public-clouds: {elastx: {auth: {auth_url: 'https://new.example.com'}, region_name: r9}}"
    put(places / "home/.config/openstack/clouds-public.yaml", "", public)
    config = load_config().cloud()
    assert config.auth["auth_url"] == "https://new.example.com"
    assert (config.region_name, config.profile) == ("r9", "elastx")


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"clouds:\n  a\xff: {}", r"clouds.yaml:2:4: this is not UTF-8"),
        (b"x" * (1024 * 1024 + 1), "larger than 1048576 bytes"),
        (b"- a\n- b", "clouds.yaml:1:1: a mapping with the key `clouds`"),
        (b"just words", "a mapping with the key `clouds`"),
        (b"cluods: {}", "clouds.yaml:1:1 cluods: .*did you mean clouds"),
        (b"clouds: [a]", "clouds.yaml:1:9 clouds: a mapping from the names"),
        (b"clouds: {a: {}, a: {}}", r"clouds.yaml:1:17 clouds.a: .*already given on line 1"),
        (b"clouds: {}\nclouds: {}", "clouds.yaml:2:1 clouds: .*already given"),
        (b"client: [a]", "clouds.yaml:1:9 client: a mapping"),
    ],
)
def test_a_file_that_can_not_be_read_says_where_and_why(tmp_path: Path, raw: bytes, said: str) -> None:
    path = tmp_path / "clouds.yaml"
    path.write_bytes(raw)
    with pytest.raises(ConfigError, match=said):
        load_config(config_files=[path], environ={})


def test_a_directory_and_a_pipe_are_no_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"can't be read|no ordinary file"):
        load_config(config_files=[tmp_path], environ={})
    pipe = tmp_path / "pipe.yaml"
    os.mkfifo(pipe)
    with pytest.raises(ConfigError, match="no ordinary file"):
        load_config(config_files=[pipe], environ={})


def test_a_byte_order_mark_is_no_key(tmp_path: Path) -> None:
    path = tmp_path / "clouds.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + f"clouds: {{mine: {{{LOGIN}}}}}".encode())
    assert load_config(config_files=[path], environ={}).cloud_names == ("mine",)


def test_other_sections_are_kept(files: Files) -> None:
    found = files.load(
        "clouds: {mine: {LOGIN}}\ncache: {expiration: {server: 5}, auth: true}\nclient: {force_ipv4: true}"
    )
    assert found.sections["cache"] == {"expiration": {"server": 5}, "auth": True}
    assert found.cloud().force_ipv4 is True


@pytest.mark.parametrize("text", ["", "clouds:\n", "mine: {auth: {username: me}}\n"])
def test_a_file_without_clouds_is_named(places: Path, text: str) -> None:
    put(places / "here/clouds.yaml", "", text)
    with pytest.raises(ConfigError, match=r"no cloud is configured: clouds\.yaml has no `clouds:`"):
        load_config().cloud()
    with pytest.raises(ConfigError, match=r"mine: no such cloud: clouds\.yaml has no `clouds:`"):
        load_config().cloud("mine")


def test_a_cloud_that_is_not_there_says_where_was_looked(places: Path) -> None:
    with pytest.raises(ConfigError, match=r"mine: no such cloud: there is no clouds\.yaml \(looked in clouds\.yaml, "):
        load_config().cloud("mine")


def test_profiles_of_ones_own_serve_a_file_that_is_named(places: Path) -> None:
    named = places / "elsewhere.yaml"
    put(named, "", "clouds: {mine: {profile: own, auth: {username: me}}}")
    put(
        places / "home/.config/openstack/clouds-public.yaml",
        "",
        "public-clouds: {own: {auth: {auth_url: 'https://h'}}}",
    )
    assert load_config(config_files=[named]).cloud().auth["auth_url"] == "https://h"


def test_home_is_filled_in_for_named_files(places: Path) -> None:
    put(places / "home/mine.yaml", "mine")
    assert load_config(config_files=["~/mine.yaml"]).cloud_names == ("mine",)
    assert load_config(environ={"OS_CLIENT_CONFIG_FILE": "~/mine.yaml"}).cloud_names == ("mine",)


def test_where_anchors_are_kept_is_no_unknown_section(files: Files, caplog: pytest.LogCaptureFixture) -> None:
    text = "x-base: &base {LOGIN}\nclouds: {mine: {<<: *base}}\n"
    assert files.load(text).cloud().auth["username"] == "me"
    assert not caplog.records
