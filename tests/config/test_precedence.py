"""What beats what: defaults, profile, cloud, region, arguments; variables; which cloud and which region."""

from __future__ import annotations

import logging
import pickle

import pytest

from aiocloud.config.load import load_config
from aiocloud.errors import ConfigError
from tests.config.helper import LOGIN, Files

TWO = """
clouds:
  first: {LOGIN, region_name: r1}
  second:
    LOGIN
    regions: [a, {name: b, values: {image_format: raw, networks: [{name: n, nat_source: true}]}}]
    image_format: vhd
"""
ENVIRON = {"OS_AUTH_URL": "https://env.example.com", "OS_USERNAME": "me", "OS_PASSWORD": "pw", "OS_PROJECT_NAME": "p"}


def test_defaults_profile_cloud_region_and_arguments(files: Files) -> None:
    clouds = """
    clouds:
      mine:
        profile: citycloud
        auth: {username: me, user_domain_id: d}
        regions: [{name: Buf1, values: {api_timeout: 9}}, Fra1]
        api_timeout: 5
        interface: internal
    """
    read = files.load(clouds)
    buf, fra = read.cloud("mine", "Buf1"), read.cloud("mine", "Fra1", api_timeout=3, auth={"username": "you"})
    assert buf.secgroup_source == "neutron"
    assert buf.image_format == "raw"
    assert buf.interface == ("internal",)
    assert (buf.api_timeout, fra.api_timeout) == (9.0, 3.0)
    assert buf.auth == {
        "auth_url": "https://Buf1.citycloud.com:5000/v3/",
        "username": "me",
        "user_domain_id": "d",
    }
    assert fra.auth["username"] == "you"
    assert fra.auth["user_domain_id"] == "d"
    kinds = {key: buf.origins[key].kind for key in ("image_format", "api_timeout", "auth.auth_url", "region_name")}
    assert kinds == {
        "image_format": "profile",
        "api_timeout": "file",
        "auth.auth_url": "profile",
        "region_name": "argument",
    }
    assert str(fra.origins["api_timeout"]) == "argument api_timeout"


def test_none_never_overrides(files: Files) -> None:
    config = files.cloud(
        "verify: false\nimage_format: null\n".replace("image_format: null\n", ""), verify=None, auth={"username": None}
    )
    assert config.verify is False
    assert config.auth["username"] == "me"


def test_null_means_none_for_a_source_of_addresses_or_groups(files: Files) -> None:
    read = files.load("clouds: {mine: {profile: citycloud, LOGIN, floating-ip-source: null, secgroup_source: ~}}")
    mine = read.cloud("mine", "Fra1")
    assert (mine.floating_ip_source, mine.secgroup_source) == (None, None)
    assert mine.origins["floating_ip_source"].kind == "file"
    given = read.cloud("mine", "Fra1", floating_ip_source="neutron")
    assert (given.floating_ip_source, read.cloud("mine", "Fra1", floating_ip_source=None).floating_ip_source) == (
        "neutron",
        None,
    )


def test_a_name_in_a_higher_layer_takes_the_id_of_a_lower_one_away(files: Files) -> None:
    config = files.load("clouds: {mine: {profile: auro, auth: {user_domain_id: d, username: u}}}").cloud()
    assert "user_domain_name" not in config.auth
    assert config.auth["user_domain_id"] == "d"
    assert config.auth["project_domain_name"] == "Default"


def test_a_secret_in_a_higher_layer_takes_that_of_another_login_away(files: Files) -> None:
    written = "auth: {auth_url: 'https://h', username: u, password: p}"
    asked = files.cloud(written, auth={"token": "t"})
    assert asked.auth_type == "token"
    assert "password" not in asked.auth
    secret = {"application_credential_id": "i", "application_credential_secret": "s"}
    assert files.cloud(written, auth=secret).auth_type == "v3applicationcredential"
    assert "password" not in files.cloud(written + "\nauth_type: password", auth={"token": "t"}).auth
    several = written + "\nauth_type: v3multifactor\nauth_methods: [v3password, v3token]"
    assert {"password", "token"} <= set(files.cloud(several, auth={"token": "t"}).auth)


def test_the_only_cloud_and_the_only_region_need_no_name(files: Files) -> None:
    config = files.cloud("region_name: r1")
    assert (config.name, config.region_name, config.regions) == ("mine", "r1", ("r1",))
    assert files.cloud("regions: [only]").region_name == "only"
    assert files.cloud().region_name is None


def test_several_clouds_and_none_chosen_lists_them(files: Files) -> None:
    with pytest.raises(ConfigError, match=r"first, second.*OS_CLOUD"):
        files.load(TWO).cloud()


def test_os_cloud_and_os_region_name_choose(files: Files) -> None:
    chosen = files.load(TWO, environ={"OS_CLOUD": "second", "OS_REGION_NAME": "b"}).cloud()
    assert (chosen.name, chosen.region_name) == ("second", "b")
    assert str(chosen.origins["region_name"]) == "variable OS_REGION_NAME"
    with pytest.raises(ConfigError, match="OS_CLOUD"):
        files.load(TWO, environ={"OS_CLOUD": "third"}).cloud()
    with pytest.raises(ConfigError, match=r"OS_REGION_NAME.*it has a, b"):
        files.load(TWO, environ={"OS_REGION_NAME": "c"}).cloud("second")


def test_several_regions_and_none_chosen_lists_them(files: Files) -> None:
    read = files.load(TWO)
    assert read.regions("second") == ("a", "b")
    with pytest.raises(ConfigError, match=r"several regions: name one \(a, b\)"):
        read.cloud("second")


def test_a_region_has_values_of_its_own(files: Files) -> None:
    read = files.load(TWO)
    assert read.cloud("second", "a").image_format == "vhd"
    assert read.cloud("second", "b").image_format == "raw"
    assert read.cloud("second", "b").networks[0].nat_source is True
    assert read.cloud("second", "a").networks == ()


@pytest.mark.parametrize(
    ("cloud", "region", "said"), [("secnod", None, "did you mean second"), ("second", "B", "did you mean b")]
)
def test_an_unknown_name_gets_a_suggestion(files: Files, cloud: str, region: str | None, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        files.load(TWO).cloud(cloud, region)


def test_variables_make_the_cloud_envvars(files: Files) -> None:
    read = files.load(
        TWO, environ={**ENVIRON, "OS_REGION_NAME": "r9", "OS_INSECURE": "1", "OS_VOLUME_API_VERSION": "3"}
    )
    assert read.cloud_names == ("first", "second", "envvars")
    config = read.cloud()
    assert (config.name, config.region_name, config.verify) == ("envvars", "r9", False)
    assert config.auth["password"].get_secret_value() == "pw"
    assert config.service("block_storage").api_version == "3"
    assert str(config.origins["auth.username"]) == "variable OS_USERNAME"


def test_variables_of_other_programs_make_no_cloud() -> None:
    others = {
        "OS_CLOUD_NAME": "x",
        "OS_TEST_PATH": "t",
        "OS_STDOUT_CAPTURE": "1",
        "OS_LOG_CAPTURE": "1",
        "OS_NAME": "Debian",
    }
    assert load_config(load_yaml_config=False, environ=others).cloud_names == ()
    assert load_config(load_yaml_config=False, load_envvars=False, environ=ENVIRON).cloud_names == ()


def test_os_cloud_name_renames_it_and_a_clash_is_an_error(files: Files) -> None:
    read = load_config(load_yaml_config=False, environ={**ENVIRON, "OS_CLOUD_NAME": "mine"})
    assert read.cloud().name == "mine"
    with pytest.raises(ConfigError, match=r"clouds.yaml:\d+:\d+ clouds.envvars"):
        files.load("clouds: {envvars: {LOGIN}}", environ=ENVIRON)


def test_a_prefix_of_ones_own_counts_beside_os() -> None:
    read = load_config(
        load_yaml_config=False, environ={"MY_USERNAME": "u", "OS_AUTH_URL": "https://h"}, envvar_prefix="MY_"
    )
    assert read.cloud().auth == {"username": "u", "auth_url": "https://h"}


def test_a_wrong_variable_is_named() -> None:
    with pytest.raises(ConfigError, match="variable OS_INSECURE: true or false"):
        load_config(load_yaml_config=False, environ={**ENVIRON, "OS_INSECURE": "perhaps"}).cloud()


def test_ipv4_and_ipv6_wishes_hold_for_every_cloud(files: Files) -> None:
    read = files.load(
        "clouds: {a: {LOGIN}, b: {LOGIN, force_ipv4: false}}\nclient: {prefer_ipv6: false}",
        environ={"OS_FORCE_IPV4": "yes"},
    )
    assert (read.cloud("a").force_ipv4, read.cloud("b").force_ipv4) == (True, False)
    assert read.cloud("a").prefer_ipv6 is False


def test_where_metrics_go_holds_for_every_cloud_that_does_not_say_otherwise(files: Files) -> None:
    read = files.load(
        "clouds: {a: {LOGIN}, b: {LOGIN, metrics: {statsd: {prefix: mine}}}}\n"
        "metrics: {statsd: {host: from-file, port: 1234}, influxdb: {host: h}}",
        environ={"STATSD_HOST": "from-variable", "STATSD_PREFIX": "ours"},
    )
    told = {"host": "from-variable", "port": 1234, "prefix": "ours"}
    assert read.cloud("a").metrics == {"statsd": told, "influxdb": {"host": "h"}}
    assert read.cloud("b").metrics["statsd"] == {**told, "prefix": "mine"}
    assert load_config(load_yaml_config=False, environ={**ENVIRON, "STATSD_HOST": "h"}).cloud().metrics == {
        "statsd": {"host": "h"}
    }
    assert files.load("clouds: {a: {LOGIN}}\nmetrics:").cloud("a").metrics == {}


def test_a_wrong_variable_of_metrics_is_named(files: Files) -> None:
    read = files.load("clouds: {a: {LOGIN}}", environ={"STATSD_HOST": "h", "STATSD_PORT": "many"})
    with pytest.raises(ConfigError, match="STATSD_PORT"):
        read.cloud("a")


def test_arguments_alone_make_a_cloud() -> None:
    config = load_config(load_yaml_config=False, environ={}).cloud(
        auth={"auth_url": "https://h:5000", "token": "t"}, region_name="r"
    )
    assert (config.name, config.region_name, config.auth_type) == ("defaults", "r", "token")


def test_a_misspelt_argument_is_an_error(files: Files) -> None:
    with pytest.raises(ConfigError, match="did you mean verify"):
        files.cloud(verfiy=False)
    with pytest.raises(ConfigError, match="unknown key"):
        files.cloud(something_else=1)


def test_a_sick_cloud_does_not_harm_the_others(files: Files) -> None:
    read = files.load("clouds: {good: {LOGIN}, bad: {LOGIN, verify: perhaps, verify: maybe}, worse: 3}")
    assert read.cloud("good").verify is True
    with pytest.raises(ConfigError, match="clouds.bad.verify"):
        read.cloud("bad")
    with pytest.raises(ConfigError, match="clouds.worse"):
        read.regions("worse")


def test_a_config_is_a_value_that_can_be_pickled_and_hides_its_secrets(files: Files) -> None:
    config = files.cloud(auth={"password": "c4nary"}, additional_metric_tags={"a": "b"})
    assert pickle.loads(pickle.dumps(config)) == config
    assert "c4nary" not in repr(config)


def test_remarks_are_made_once(files: Files, caplog: pytest.LogCaptureFixture) -> None:
    read = files.load(f"clouds: {{mine: {{{LOGIN}, cloud: auro, x_vendor: 1}}}}")
    with caplog.at_level(logging.WARNING, "aiocloud.config"):
        read.cloud()
        read.cloud()
    assert len(caplog.records) == 2


def test_an_unknown_cloud_is_named_once(files: Files) -> None:
    with pytest.raises(ConfigError) as caught:
        files.load("clouds: {alpha: {LOGIN}}").cloud("beta")
    assert str(caught.value) == "beta: no such cloud (configured: alpha)"


def test_variables_that_make_half_a_cloud_are_named(files: Files) -> None:
    with pytest.raises(ConfigError) as caught:
        files.load("clouds: {mine: {LOGIN}}", environ={"OS_PASSWORD": "c4nary"}).cloud()
    assert "that OS_PASSWORD describe: set OS_AUTH_URL, too, or choose another cloud with OS_CLOUD (mine)" in str(
        caught.value
    )
    assert "c4nary" not in str(caught.value)
