"""Every key of a cloud in clouds.yaml: what it is called, what it was called, and how its value is read. Tables."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping

from aiocloud.config import values
from aiocloud.config.services import known_names, official
from aiocloud.config.suggest import suggest
from aiocloud.config.values import Reader

__all__ = [
    "AUTH",
    "AUTH_URLS",
    "CLOUD",
    "LOGINS",
    "OLD_AUTH",
    "OLD_CLOUD",
    "OTHER_TOOLS",
    "SERVICE",
    "canonical",
    "idle_beside",
    "service_key",
    "suggest_key",
]

RETRIES: Mapping[str, Reader] = {
    "connect_retries": values.count,
    "connect_retry_delay": values.seconds,
    "status_code_retries": values.count,
    "status_code_retry_delay": values.seconds,
    "retriable_status_codes": values.status_codes,
}

# Keys of a cloud, and of a region's `values`.
CLOUD: Mapping[str, Reader] = {
    **RETRIES,
    "additional_metric_tags": values.words,
    "api_timeout": values.seconds_over_zero,
    "auth_methods": values.names,
    "auth_type": values.word_or_none,
    "cacert": values.path,
    "cert": values.path,
    "concurrency": values.counts_by_service,
    "disable_vendor_agent": values.words,
    "external_network": values.word,
    "floating_ip_source": values.network_source,
    "force_ipv4": values.flag,
    "image_api_use_tasks": values.flag,
    "image_format": values.word,
    "insecure": values.flag,
    "interface": values.interfaces,
    "internal_network": values.word,
    "key": values.path,
    "message": values.word,
    "metrics": values.metrics,
    "networks": values.networks,
    "prefer_ipv6": values.flag,
    "private": values.flag,
    "profile": values.word,
    "rate_limit": values.rates_by_service,
    "region_name": values.word,
    "regions": values.plain,
    "requires_floating_ip": values.flag,
    "secgroup_source": values.network_source,
    "status": values.status,
    "timing": values.flag,
    "use_external_network": values.flag,
    "use_internal_network": values.flag,
    "vendor_hook": values.word,
    "verify": values.verify,
}

# Keys that follow the name of a service: `compute_api_version`. `has_compute` is the key `enabled`.
SERVICE: Mapping[str, Reader] = {
    **RETRIES,
    "api_version": values.version,
    "default_microversion": values.microversion,
    "disabled_reason": values.word,
    "enabled": values.flag,
    "endpoint_override": values.url,
    "interface": values.interfaces,
    "region_name": values.word,
    "service_name": values.word,
    "service_type": values.word,
}
_OLD_SERVICE = {"endpoint": "endpoint_override", "endpoint_type": "interface"}
_SUFFIXES = sorted([*SERVICE, *_OLD_SERVICE], key=len, reverse=True)

# The login that a secret is for when nobody says which; of several the first.
LOGINS = {"password": "password", "application_credential_secret": "v3applicationcredential", "token": "token"}
_USER = frozenset({"user_id", "username", "user_domain_id", "user_domain_name"})


def idle_beside(given: Collection[str]) -> set[str]:
    """Keys that have no say beside those that are given over them: what the user of another login would be let in with.

    Else a token that is given for a cloud with a password would be passed over.
    """
    secrets = LOGINS.keys() & given
    users = _USER - set(given) if secrets == {"token"} else frozenset[str]()
    return (LOGINS.keys() - given) | users if secrets else set()


# Keys of `auth`, for every kind of login. They may also stand beside `auth`.
AUTH = frozenset(
    (
        "access_key",
        "access_secret",
        "access_token",
        "access_token_endpoint",
        "access_token_type",
        "admin_token",
        "api_key",
        "application_credential_id",
        "application_credential_name",
        "application_credential_secret",
        "auth_receipt",
        "auth_url",
        "authorization_code",
        "client_id",
        "client_secret",
        "code",
        "code_challenge_method",
        "consumer_key",
        "consumer_secret",
        "default_domain_id",
        "default_domain_name",
        "device_authorization_endpoint",
        "discovery_endpoint",
        "domain_id",
        "domain_name",
        "endpoint",
        "identity_provider",
        "identity_provider_url",
        "idp_auth_type",
        "idp_otp_key",
        "login_timeout",
        "mutual_auth",
        "oauth2_client_id",
        "oauth2_client_secret",
        "oauth2_endpoint",
        "openid_scope",
        "passcode",
        "password",
        "project_domain_id",
        "project_domain_name",
        "project_id",
        "project_name",
        "protocol",
        "redirect_host",
        "redirect_port",
        "redirect_uri",
        "remote_domain_id",
        "remote_domain_name",
        "remote_project_domain_id",
        "remote_project_domain_name",
        "remote_project_id",
        "remote_project_name",
        "service_provider",
        "service_provider_endpoint",
        "service_provider_entity_id",
        "system_scope",
        "token",
        "trust_id",
        "unscoped",
        "user_domain_id",
        "user_domain_name",
        "user_id",
        "username",
    )
)

# Those that are addresses.
AUTH_URLS = frozenset(
    (
        "access_token_endpoint",
        "auth_url",
        "device_authorization_endpoint",
        "discovery_endpoint",
        "endpoint",
        "identity_provider_url",
        "oauth2_endpoint",
        "service_provider_endpoint",
    )
)

# Old spelling -> today's.
OLD_AUTH: Mapping[str, str] = {
    "apikey": "api_key",
    "auth_token": "token",
    "default_domain": "default_domain_id",
    "tenant_id": "project_id",
    "tenant_name": "project_name",
    "user_name": "username",
}
OLD_CLOUD: Mapping[str, str] = {
    "auth_plugin": "auth_type",
    "cloud": "profile",
    "endpoint_type": "interface",
    "timeout": "api_timeout",
}

# Projects, whose names are no service types, though people write them.
_PROJECTS = {
    "barbican": "key_manager",
    "cinder": "block_storage",
    "designate": "dns",
    "glance": "image",
    "heat": "orchestration",
    "ironic": "baremetal",
    "keystone": "identity",
    "magnum": "container_infrastructure_management",
    "manila": "shared_file_system",
    "neutron": "network",
    "nova": "compute",
    "octavia": "load_balancer",
    "swift": "object_store",
}

# Keys that command-line tools keep in the same file; nothing to say about them.
OTHER_TOOLS = frozenset({"beta_command", "debug", "deferred_help", "log_file", "log_level", "verbose_level"})


def canonical(key: str) -> str:
    """A key as our tables spell it: `user-name` and `user_name` are one."""
    return key.replace("-", "_")


def service_key(key: str) -> tuple[str, str, str] | None:
    """`volume_api_version` -> (block-storage, api_version, api_version): the service, the key, and the key as spelled."""
    if key != key.lower():
        return None
    if key.startswith("has_") and len(key) > len("has_"):
        return official(key[len("has_") :]), "enabled", "enabled"
    for suffix in _SUFFIXES:
        if key.endswith("_" + suffix) and len(key) > len(suffix) + 1:
            return official(key[: -len(suffix) - 1]), _OLD_SERVICE.get(suffix, suffix), suffix
    return None


def suggest_key(key: str) -> str | None:
    """The key of a cloud that was probably meant, or None."""
    project, _, rest = key.removeprefix("has_").partition("_")
    if project in _PROJECTS and (rest in SERVICE or key == f"has_{project}"):
        return f"{_PROJECTS[project]}_{rest}" if rest else f"has_{_PROJECTS[project]}"
    return suggest(key, _every_key())


@functools.cache
def _every_key() -> tuple[str, ...]:
    spelled = [name.replace("-", "_") for name in known_names()]
    of_services = [f"{name}_{suffix}" for name in spelled for suffix in SERVICE if suffix != "enabled"]
    return ("auth", *CLOUD, *AUTH, *OLD_AUTH, *OLD_CLOUD, *of_services, *(f"has_{name}" for name in spelled))
