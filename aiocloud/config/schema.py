"""What is known of one cloud in one region: plain frozen values, read by every floor above.

Secrets inside `auth` are pydantic `SecretStr`s, so that no repr, log or traceback shows them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from aiocloud.config.services import aliases, official

__all__ = ["CloudConfig", "NetworkHint", "Origin", "ServiceConfig"]

N = TypeVar("N", int, float)

OriginKind = Literal["default", "file", "profile", "remote profile", "variable", "argument"]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value comes from: a file's line and column (both from 1), a profile, a variable or an argument."""

    kind: OriginKind
    name: str = ""
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        spot = ":".join(str(part) for part in (self.name, self.line, self.column) if part not in (None, ""))
        if self.kind == "file":
            return spot
        return f"{self.kind} {spot}" if spot else self.kind


@dataclass(frozen=True, slots=True)
class NetworkHint:
    """What clouds.yaml says about a network that can't be discovered from the cloud itself."""

    name: str | None = None
    id: str | None = None
    routes_externally: bool = False
    routes_ipv4_externally: bool = False
    routes_ipv6_externally: bool = False
    nat_source: bool = False
    nat_destination: bool = False
    default_interface: bool = False


@dataclass(frozen=True, slots=True)
class ServiceConfig:
    """What is configured for one service: its `SERVICE_*` keys over the cloud's own. Delays are in seconds."""

    service_type: str
    catalog_types: tuple[str, ...]
    enabled: bool = True
    disabled_reason: str | None = None
    api_version: str | None = None
    default_microversion: str | None = None
    endpoint_override: str | None = None
    service_name: str | None = None
    interface: tuple[str, ...] = ("public",)
    region_name: str | None = None
    connect_retries: int | None = None
    connect_retry_delay: float | None = None
    status_code_retries: int | None = None
    status_code_retry_delay: float | None = None
    retriable_status_codes: tuple[int, ...] | None = None
    rate_limit: float | None = None
    concurrency: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudConfig:
    """One cloud in one region, as clouds.yaml, secure.yaml, profiles, the environment and arguments say together.

    `api_timeout` is in seconds; `rate_limit` in requests a second and `concurrency` in requests in flight, each one
    number for every service or a mapping from official service type to number. `services` holds the `SERVICE_*` keys
    by official service type; `service()` answers with them.
    """

    name: str
    region_name: str | None = None
    profile: str | None = None
    auth_type: str = "password"
    auth: Mapping[str, Any] = field(default_factory=dict[str, Any])
    auth_methods: tuple[str, ...] = ()
    interface: tuple[str, ...] = ("public",)
    verify: bool = True
    cacert: str | None = None
    cert: str | None = None
    key: str | None = None
    api_timeout: float | None = None
    connect_retries: int | None = None
    connect_retry_delay: float | None = None
    status_code_retries: int | None = None
    status_code_retry_delay: float | None = None
    retriable_status_codes: tuple[int, ...] | None = None
    rate_limit: float | Mapping[str, float] | None = None
    concurrency: int | Mapping[str, int] | None = None
    networks: tuple[NetworkHint, ...] = ()
    use_external_network: bool = True
    use_internal_network: bool = True
    floating_ip_source: str | None = "neutron"
    secgroup_source: str | None = "neutron"
    requires_floating_ip: bool | None = None
    private: bool = False
    force_ipv4: bool = False
    prefer_ipv6: bool = True
    image_format: str = "qcow2"
    image_api_use_tasks: bool = False
    disable_vendor_agent: Mapping[str, str] = field(default_factory=dict[str, str])
    vendor_hook: str | None = None
    timing: bool = False
    additional_metric_tags: Mapping[str, str] = field(default_factory=dict[str, str])
    metrics: Mapping[str, Any] = field(default_factory=dict[str, Any])
    regions: tuple[str, ...] = ()
    services: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])
    origins: Mapping[str, Origin] = field(default_factory=dict[str, Origin], repr=False, compare=False)
    # The address of a profile that is not fetched yet, and how this config reads once its text is known:
    # see aiocloud.config.remote.
    remote_profile: str | None = field(default=None, compare=False)
    with_remote: Callable[[bytes | None], CloudConfig] | None = field(default=None, repr=False, compare=False)
    # What `service` gave, which every request asks for.
    _services: dict[str, ServiceConfig] = field(
        default_factory=dict[str, "ServiceConfig"], init=False, repr=False, compare=False
    )

    def service(self, service_type: str) -> ServiceConfig:
        """What is configured for one service, named by type, alias or attribute name (`volumev3`, `block_storage`)."""
        found = self._services.get(service_type)
        if found is None:
            found = self._services[service_type] = self._service(official(service_type))
        return found

    def _service(self, name: str) -> ServiceConfig:
        keys = self.services.get(name, {})
        own_type: str | None = keys.get("service_type")
        retry = {key: keys.get(key, getattr(self, key)) for key in _RETRY_KEYS}
        return ServiceConfig(
            service_type=name,
            catalog_types=(own_type,) if own_type else (name, *aliases(name)),
            enabled=keys.get("enabled", True),
            disabled_reason=keys.get("disabled_reason"),
            api_version=keys.get("api_version"),
            default_microversion=keys.get("default_microversion"),
            endpoint_override=keys.get("endpoint_override"),
            service_name=keys.get("service_name"),
            interface=keys.get("interface", self.interface),
            region_name=keys.get("region_name", self.region_name),
            rate_limit=_limit(self.rate_limit, name),
            concurrency=_limit(self.concurrency, name),
            **retry,
        )


_RETRY_KEYS = (
    "connect_retries",
    "connect_retry_delay",
    "status_code_retries",
    "status_code_retry_delay",
    "retriable_status_codes",
)


def _limit(limit: N | Mapping[str, N] | None, service_type: str) -> N | None:
    return limit.get(service_type) if isinstance(limit, Mapping) else limit
