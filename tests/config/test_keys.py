"""Every key of a cloud: what it accepts, what it becomes, what it refuses."""

from __future__ import annotations

import logging
import traceback
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from aiocloud.config import keys, values
from aiocloud.config.schema import NetworkHint
from aiocloud.errors import ConfigError
from tests.config.helper import LOGIN, Files

ACCEPTED: dict[str, tuple[str, Any]] = {
    "additional_metric_tags": ("{team: NO}", {"team": "NO"}),
    "api_timeout": ("'30'", 30.0),
    "auth_methods": ("[v3password, v3totp]", ("v3password", "v3totp")),
    "auth_type": ("v3totp", "v3totp"),
    "cacert": ("/etc/ca.pem", "/etc/ca.pem"),
    "cert": ("/etc/me.pem", "/etc/me.pem"),
    "concurrency": ("{compute: 2, volume: 3}", {"compute": 2, "block-storage": 3}),
    "connect_retries": ("3", 3),
    "connect_retry_delay": ("0.5", 0.5),
    "disable_vendor_agent": ("{vm_mode: hvm, use_agent: False}", {"vm_mode": "hvm", "use_agent": "False"}),
    "floating_ip_source": ("None", None),
    "force_ipv4": ("yes", True),
    "image_api_use_tasks": ("on", True),
    "interface": ("[internalURL, public]", ("internal", "public")),
    "key": ("/etc/me.key", "/etc/me.key"),
    "metrics": (
        "{statsd: {host: h, port: '80'}, influxdb: {host: h, port: 80}}",
        {"statsd": {"host": "h", "port": 80}, "influxdb": {"host": "h", "port": 80}},
    ),
    "networks": ("[{name: n, routes_externally: true}]", (NetworkHint("n", None, True, True, True),)),
    "prefer_ipv6": ("'no'", False),
    "private": ("true", True),
    "profile": ("auro", "auro"),
    "rate_limit": ("10", 10.0),
    "region_name": ("0123", "0123"),
    "regions": ("[one]", ("one",)),
    "requires_floating_ip": ("false", False),
    "retriable_status_codes": ("'503, 429'", (503, 429)),
    "secgroup_source": ("nova", "nova"),
    "status_code_retries": ("5", 5),
    "status_code_retry_delay": ("1", 1.0),
    "timing": ("true", True),
    "use_external_network": ("0", False),
    "use_internal_network": ("false", False),
    "vendor_hook": ("module:function", "module:function"),
    "verify": ("Off", False),
}
ELSEWHERE = {"external_network", "image_format", "insecure", "internal_network", "message", "status"}

OF_A_SERVICE: dict[str, tuple[str, Any]] = {
    "api_version": ("v3", "3"),
    "connect_retries": ("1", 1),
    "connect_retry_delay": ("2", 2.0),
    "default_microversion": ("2.79", "2.79"),
    "disabled_reason": ("broken", "broken"),
    "enabled": ("false", False),
    "endpoint_override": ("https://{region_name}.example.com/v2", "https://r1.example.com/v2"),
    "interface": ("admin", ("admin",)),
    "region_name": ("r2", "r2"),
    "retriable_status_codes": ("[503]", (503,)),
    "service_name": ("nova", "nova"),
    "service_type": ("compute_legacy", "compute_legacy"),
    "status_code_retries": ("4", 4),
    "status_code_retry_delay": ("0", 0.0),
}


def test_the_tables_below_cover_every_key() -> None:
    assert {*ACCEPTED, *ELSEWHERE} == set(keys.CLOUD)
    assert set(OF_A_SERVICE) == set(keys.SERVICE)


@pytest.mark.parametrize("key", ACCEPTED)
def test_a_key_of_a_cloud(files: Files, key: str) -> None:
    written, wanted = ACCEPTED[key]
    config = files.cloud(f"{key}: {written}")
    assert getattr(config, key) == wanted
    assert config.origins[key].line == 4 if key != "regions" else True


@pytest.mark.parametrize("key", OF_A_SERVICE)
def test_a_key_of_a_service(files: Files, key: str) -> None:
    written, wanted = OF_A_SERVICE[key]
    spelled = "has_compute" if key == "enabled" else f"compute_{key}"
    service = files.cloud(f"region_name: r1\n{spelled}: {written}").service("compute")
    found = service.catalog_types[0] if key == "service_type" else getattr(service, key)
    assert found == wanted


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("verify: perhaps", "verify"),
        ("verify: {a: b}", "verify"),
        ("api_timeout: soon", "api_timeout"),
        ("api_timeout: 0", "api_timeout"),
        ("api_timeout: .nan", "api_timeout"),
        ("connect_retries: -1", "connect_retries"),
        ("connect_retries: 1.5", "connect_retries"),
        ("connect_retry_delay: -1", "connect_retry_delay"),
        ("rate_limit: 0", "rate_limit"),
        ("rate_limit: {compute: fast}", "rate_limit.compute"),
        ("concurrency: 0.5", "concurrency"),
        ("concurrency: {comptue: 5}", "concurrency.comptue"),
        ("interface: private", "interface"),
        ("interface: []", "interface"),
        ("floating_ip_source: quantum", "floating_ip_source"),
        ("retriable_status_codes: [200]", "retriable_status_codes"),
        ("metrics: [a]", "metrics"),
        ("metrics: {statsd: localhost}", "metrics.statsd"),
        ("metrics: {statsd: {host: [a]}}", "metrics.statsd.host"),
        ("metrics: {statsd: {host: h, port: 0}}", "metrics.statsd.port"),
        ("metrics: {statsd: {hots: h}}", "metrics.statsd.hots"),
        ("networks: {name: n}", "networks"),
        ("networks: [n]", "networks[0]"),
        ("networks: [{routes_externally: true}]", "networks[0]"),
        ("networks: [{name: n, nat_sorce: true}]", "networks[0].nat_sorce"),
        (
            "networks: [{name: a, default_interface: yes}, {name: b, default_interface: yes}]",
            "networks[1].default_interface",
        ),
        ("networks: [{name: a, nat_destination: yes}, {name: b, nat_destination: yes}]", "networks[1].nat_destination"),
        ("networks: [{name: a, nat_source: yes}, {name: b, nat_source: yes}]", "networks[1].nat_source"),
        ("regions: {a: b}", "regions"),
        ("regions: [a, a]", "regions[1]"),
        ("regions: [{values: {}}]", "regions[0]"),
        ("regions: [{name: a, value: {}}]", "regions[0].value"),
        ("regions: [{name: a, values: [b]}]", "regions[0].values"),
        ("regions: [{name: a, values: {verify: maybe}}]", "regions.a.values.verify"),
        ("compute_api_version: newest", "compute_api_version"),
        ("compute_default_microversion: '2'", "compute_default_microversion"),
        ("image_endpoint_override: image.example.com", "image_endpoint_override"),
        ("image_endpoint_override: 'https://me:pw@h/'", "image_endpoint_override"),
        ("auth: {auth_url: 'iam.example.com/v3', username: u}", "auth.auth_url"),
        ("auth: [a]", "auth"),
        ("auth: {auth_url: 'https://h', endpoint: 'https://me:pw@h'}", "auth.endpoint"),
        ("auth: {auth_url: 'https://h', discovery_endpoint: idp.example.com}", "auth.discovery_endpoint"),
        ("auth: {auth_url: 'https://h', username: [a, {b: \"c\\td\"}]}", "auth.username"),
        ("auth: {auth_url: 'https://h', usrname: u}", "auth.usrname"),
        ("auth: {username: u}", "auth.auth_url"),
        ("auth_type: v2password", "auth_type"),
        ("identity_api_version: 2", "identity_api_version"),
        ("identity_api_version: '2.0'", "identity_api_version"),
        ("comptue_api_version: 2", "comptue_api_version"),
        ("has_netwrok: false", "has_netwrok"),
        ("verfy: false", "verfy"),
        ("region-nam: a", "region-nam"),
        ("profile: citycluod", "profile"),
        ("profile: 'http://example.com'", "profile"),
        ("profile: 'https://['", "profile"),
        ("profile: 'https://me:pw@example.com'", "profile"),
        ("status: gone", "status"),
        ("status: shutdown", "status"),
        ("verify: yes\nverify: no", "verify"),
        ("region_name: a\nregion-name: b", "region-name"),
        ("volume_api_version: 2\nblock_storage_api_version: 3", "block_storage_api_version"),
        ("external_network: a\nnetworks: [{name: b}]", "external_network"),
        ('vendor_hook: "a\\nb"', "vendor_hook"),
    ],
)
def test_a_wrong_value_is_one_error_with_its_place_and_its_key(files: Files, written: str, key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        files.cloud(written)
    error = caught.value
    assert error.key in (f"clouds.mine.{key}", f"clouds.mine.{'profile' if key == 'status' else key}")
    assert error.file is not None
    assert error.file.endswith("clouds.yaml")
    assert error.line is not None
    assert error.column is not None


def test_one_number_or_one_a_service(files: Files) -> None:
    both = files.cloud("rate_limit: {compute: 5}\nconcurrency: 7")
    assert (both.service("compute").rate_limit, both.service("image").rate_limit) == (5.0, None)
    assert both.service("image").concurrency == 7


def test_insecure_wins_in_its_layer_and_a_higher_layer_over_it(files: Files) -> None:
    assert files.cloud("insecure: true\nverify: true").verify is False
    assert files.cloud("insecure: true", verify=True).verify is True
    assert files.cloud("insecure: false").verify is True


def test_a_service_has_its_own_keys_over_the_clouds(files: Files) -> None:
    config = files.cloud(
        "interface: internal\nregion_name: r1\nstatus_code_retries: 2\nimage_interface: public\nvolumev3_status_code_retries: 9"
    )
    assert config.service("image").interface == ("public",)
    assert config.service("network").interface == ("internal",)
    assert config.service("block_storage").status_code_retries == 9
    assert config.service("image").status_code_retries == 2


def test_a_microversion_may_stand_in_place_of_a_version(files: Files) -> None:
    config = files.cloud("compute_api_version: '2.79'\nidentity_api_version: '3.14'\nimage_api_version: 2.0")
    assert (config.service("compute").api_version, config.service("compute").default_microversion) == ("2", "2.79")
    assert (config.service("identity").api_version, config.service("identity").default_microversion) == ("3", None)
    assert config.service("image").api_version == "2"


def test_latest_is_no_version_but_a_remark(files: Files, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "aiocloud.config"):
        assert files.cloud("compute_api_version: latest").service("compute").api_version is None
    assert "clouds.mine.compute_api_version" in caplog.text


@pytest.mark.parametrize("written", ["null_", "None", "''", "noauth", "none"])
def test_no_login_has_many_names(files: Files, written: str) -> None:
    if written == "null_":
        assert files.cloud("auth_type: null").auth_type == "password"
        return
    assert files.cloud(f"auth_type: {written}").auth_type == "none"


def test_token_endpoint_is_admin_token(files: Files) -> None:
    assert files.cloud("auth: {endpoint: 'https://h', token: t}\nauth_type: token_endpoint").auth_type == "admin_token"


@pytest.mark.parametrize(
    ("auth", "kind"),
    [
        ("{token: t}", "token"),
        ("{token: t, password: p, username: u}", "password"),
        ("{application_credential_id: i, application_credential_secret: s}", "v3applicationcredential"),
    ],
)
def test_the_login_follows_from_the_keys_that_are_there(files: Files, auth: str, kind: str) -> None:
    assert files.cloud(f"auth: {auth}\nauth_url: https://h").auth_type == kind


def test_keys_of_auth_may_stand_beside_it_and_win(files: Files) -> None:
    config = files.cloud("username: beside\nproject-name: named")
    assert config.auth["username"] == "beside"
    assert config.auth["project_name"] == "named"


@pytest.mark.parametrize(
    ("written", "today", "value"),
    [
        ("auth: {auth_url: 'https://h', tenant_name: t}", "auth.project_name", "t"),
        ("auth: {auth_url: 'https://h', tenant-id: t}", "auth.project_id", "t"),
        ("auth: {auth_url: 'https://h', user-name: t}", "auth.username", "t"),
        ("auth_plugin: v3totp", "auth_type", "v3totp"),
        ("endpoint_type: internal", "interface", ("internal",)),
        ("cloud: auro", "profile", "auro"),
        ("timeout: 7", "api_timeout", 7.0),
        ("image_endpoint: https://h/v2", "image_endpoint_override", "https://h/v2"),
        ("image_endpoint_type: admin", "image_interface", ("admin",)),
        ("external_network: net", "networks", (NetworkHint("net", None, True, True, True, default_interface=True),)),
        ("internal_network: net", "networks", (NetworkHint("net", nat_destination=True),)),
    ],
)
def test_old_spellings_work_and_name_the_new_one(
    files: Files, caplog: pytest.LogCaptureFixture, written: str, today: str, value: object
) -> None:
    with caplog.at_level(logging.WARNING, "aiocloud.config"):
        config = files.cloud(written)
    section, _, name = today.rpartition(".")
    if section:
        found = config.auth[name]
    elif today.startswith("image_"):
        found = getattr(config.service("image"), today.removeprefix("image_"))
    else:
        found = getattr(config, today)
    assert found == value
    assert f"write {name}" in caplog.text or "user-name" in written
    assert "clouds.yaml:" in caplog.text or "user-name" in written


def test_regions_in_one_text_with_commas_is_the_old_way(files: Files) -> None:
    assert files.cloud("region_name: 'a, b'", "b").regions == ("a", "b")


def test_a_vendors_own_key_is_kept_with_a_remark(files: Files, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "aiocloud.config"):
        config = files.cloud("x_vendor: {a: [1, NO, true], token: hush}\nlog_level: debug")
    assert config.extra == {"x_vendor": {"a": [1, "NO", True], "token": SecretStr("hush")}, "log_level": "debug"}
    assert "clouds.yaml:4:5 clouds.mine.x_vendor" in caplog.text
    assert "log_level" not in caplog.text


def test_braces_are_harmless_and_region_name_is_filled_in(files: Files) -> None:
    text = """
    region_name: r1
    auth: {auth_url: 'https://{region_name}.h', username: '{user}', password: 'p{region_name}{0}', project_name: '{'}
    image_endpoint_override: https://h/{x}/{region_name}
    """
    config = files.cloud(text)
    assert config.auth["auth_url"] == "https://r1.h"
    assert config.auth["username"] == "{user}"
    assert config.auth["password"].get_secret_value() == "p{region_name}{0}"
    assert config.service("image").endpoint_override == "https://h/{x}/r1"


def test_secrets_are_secret_and_names_are_not(files: Files) -> None:
    hidden = (
        "password",
        "token",
        "passcode",
        "application_credential_secret",
        "client_secret",
        "access_token",
        "idp_otp_key",
    )
    shown = (
        "username",
        "user_id",
        "access_token_endpoint",
        "application_credential_id",
        "access_token_type",
        "protocol",
    )
    pairs = ", ".join(f"{name}: 'https://x'" for name in (*hidden, *shown))
    config = files.cloud(f"auth: {{auth_url: 'https://h', {pairs}}}")
    assert {name for name in (*hidden, *shown) if isinstance(config.auth[name], SecretStr)} == set(hidden)
    assert all(values.is_secret(name) for name in hidden)


def test_a_domain_means_user_and_project_in_a_projects_scope(files: Files) -> None:
    scoped = files.cloud(
        "auth: {auth_url: 'https://h', username: u, project_name: p, domain_name: d, user_domain_id: x}"
    )
    assert scoped.auth["project_domain_name"] == "d"
    assert scoped.auth["user_domain_id"] == "x"
    assert "user_domain_name" not in scoped.auth
    assert "domain_name" not in scoped.auth
    assert files.cloud("auth: {auth_url: 'https://h', username: u, domain_id: d}").auth["domain_id"] == "d"


def test_home_is_filled_in_for_files(files: Files, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert files.cloud("cacert: ~/ca.pem").cacert == str(tmp_path / "ca.pem")


def test_shared_parts_of_a_file(files: Files) -> None:
    text = f"clouds:\n  a: &a\n    {LOGIN}\n    verify: false\n  b:\n    <<: *a\n    region_name: r\n"
    assert files.load(text).cloud("b").verify is False


@pytest.mark.parametrize(
    "empty", ["cacert", "cert", "key", "interface", "profile", "region_name", "verify", "image_endpoint_override"]
)
def test_an_empty_text_is_as_good_as_nothing(files: Files, empty: str) -> None:
    assert files.cloud(f'{empty}: ""') == files.cloud()


def test_an_empty_text_in_auth_is_as_good_as_nothing(files: Files) -> None:
    login = "auth_url: 'https://h', application_credential_id: i, application_credential_secret: s"
    config = files.cloud(f"auth: {{{login}, username: '', password: ''}}\nproject_name: ''\ndomain_name: d")
    assert config.auth_type == "v3applicationcredential"
    assert set(config.auth) == {"auth_url", "application_credential_id", "application_credential_secret", "domain_name"}
    with pytest.raises(ConfigError, match="auth_url is missing"):
        files.cloud("auth: {auth_url: ''}")


def test_a_file_as_verify_is_told_where_it_belongs(files: Files) -> None:
    with pytest.raises(ConfigError, match=r"clouds\.mine\.verify: .*a file of CAs goes into cacert"):
        files.cloud("verify: /etc/ssl/ca.pem")


def test_a_secret_is_one_text(files: Files) -> None:
    with pytest.raises(ConfigError, match=r"clouds\.mine\.auth\.password: .*text is expected here, not a list"):
        files.cloud("auth: {auth_url: 'https://h', username: u, password: [c4nary]}")
    with pytest.raises(
        ConfigError, match=r"clouds\.mine\.auth\.password: .*text is expected here, not a mapping"
    ) as caught:
        files.cloud("auth: {auth_url: 'https://h', username: u, password: {c4nary: x}}")
    assert "c4nary" not in str(caught.value)


def test_an_unknown_key_of_auth_may_be_a_secret(files: Files) -> None:
    config = files.cloud("auth: {auth_url: 'https://h', username: u, pwd: c4nary}")
    assert config.auth["pwd"] == SecretStr("c4nary")


@pytest.mark.parametrize("written", ["*c4nary", "@c4nary", "%c4nary", "`c4nary", "c4nary: x", "!c4nary x"])
def test_a_secret_that_is_no_yaml_is_not_said(files: Files, written: str) -> None:
    with pytest.raises(ConfigError) as caught:
        files.cloud(f"password: {written}")
    assert "c4nary" not in "".join(traceback.format_exception(caught.value))
    assert "needs quotes" in str(caught.value) or written.startswith("!")


def test_tabs_are_named(files: Files) -> None:
    with pytest.raises(ConfigError, match="indent with spaces, not with tabs"):
        files.load("clouds:\n\tmine: {}\n")


@pytest.mark.parametrize(
    ("written", "meant"), [("nova_api_version: 2", "compute_api_version"), ("has_swift: no", "has_object_store")]
)
def test_the_name_of_a_project_leads_to_its_service(files: Files, written: str, meant: str) -> None:
    with pytest.raises(ConfigError, match=rf"did you mean {meant}\?"):
        files.cloud(written)


def test_variables_of_other_programs_break_nothing(files: Files, caplog: pytest.LogCaptureFixture) -> None:
    own = {"OS_AUTH_URL": "https://h", "OS_USERNAME": "me", "OS_PASSWORD": "pw", "OS_PROJECT_NAME": "p"}
    others = {"OS_IRONIC_API_VERSION": "1.50", "OS_QUEUES_API_VERSION": "2", "OS_EC2_ENDPOINT": "u"}
    config = files.load("clouds: {}", environ={**own, **others}).cloud()
    assert not config.services
    assert "variable OS_IRONIC_API_VERSION: unknown; did you mean OS_BAREMETAL_API_VERSION?" in caplog.text
