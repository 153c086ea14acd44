"""From names in clouds.yaml to a Cloud or a Fleet. Reads configuration; opens no connection.

Called `_connect`, because a submodule `connect` would hide the function `aiocloud.connect` once it is imported.
"""

from __future__ import annotations

import fnmatch
import importlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from aiocloud._http import httpx
from aiocloud.auth.cache import TokenStore
from aiocloud.cloud import Cloud
from aiocloud.config.load import Configuration, load_config
from aiocloud.config.schema import CloudConfig
from aiocloud.errors import CloudError, ConfigError
from aiocloud.fleet import Fleet, Unusable
from aiocloud.session import Options, Session
from aiocloud.transport.rate_limits import RateLimits

if TYPE_CHECKING:
    from aiocloud.metrics import Observer

__all__ = ["connect", "connect_all"]

Paths: TypeAlias = Iterable[str | PathLike[str]] | None


@dataclass(frozen=True)
class _How:
    """The keywords that `connect` and `connect_all` share, as far as sessions need them."""

    strict: bool
    app_name: str | None
    app_version: str | None
    transport: httpx.AsyncBaseTransport | None
    token_store: TokenStore | None
    rate_limits: RateLimits | None
    observe: Observer | None

    def __post_init__(self) -> None:
        if self.rate_limits is not None and not hasattr(self.rate_limits, "turn"):
            raise ConfigError(
                "rate_limits takes what keeps the limits of several processes, as RedisLimits(url) does; a rate is "
                "rate_limit=10 (requests a second)",
                key="rate_limits",
            )

    def session(self, config: CloudConfig) -> Session:
        return Session(
            config,
            transport=self.transport,
            token_store=self.token_store,
            rate_limits=self.rate_limits,
            observe=self.observe,
            app_name=self.app_name,
            app_version=self.app_version,
        )

    def cloud(self, session: Session, config: CloudConfig, *, owner: bool) -> Cloud:
        cloud = Cloud(session, config, Options(strict=self.strict), owner=owner)
        if config.vendor_hook:
            _call_hook(config.vendor_hook, cloud)
        return cloud


def _call_hook(hook: str, cloud: Cloud) -> None:
    """`module:function` of a profile, called with the new Cloud."""
    module, _, function = hook.partition(":")
    try:
        call = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(
            f"vendor_hook {hook!r} can't be imported ({error}): install the package that has it, or set vendor_hook to "
            "nothing",
            key="vendor_hook",
            cloud=cloud.name,
        ) from None
    call(cloud)


def connect(
    cloud: str | None = None,
    region_name: str | None = None,
    *,
    strict: bool = False,
    app_name: str | None = None,
    app_version: str | None = None,
    config_files: Paths = None,
    secure_files: Paths = None,
    load_yaml_config: bool = True,
    load_envvars: bool = True,
    transport: httpx.AsyncBaseTransport | None = None,
    token_store: TokenStore | None = None,
    rate_limits: RateLimits | None = None,
    observe: Observer | None = None,
    **overrides: Any,
) -> Cloud:
    """One region of one cloud, by its name in clouds.yaml. Reads configuration; opens no connection.

    No cloud given: OS_CLOUD, else the cloud `envvars` that OS_* variables make, else the only one. No region given:
    OS_REGION_NAME, else the configuration's only one. `overrides` are keys of clouds.yaml (`auth={...}`,
    `verify=False`). `strict` reads only declared fields. `transport` is any async httpx transport. What `token_store`
    (`RedisStore`) and `rate_limits` (`RedisLimits`) share between processes stays open: close it after. `observe` is called
    with an `Exchange` (`aiocloud.metrics`) for each request. Raises ConfigError.
    """
    configuration = load_config(
        config_files=config_files,
        secure_files=secure_files,
        load_yaml_config=load_yaml_config,
        load_envvars=load_envvars,
    )
    config = configuration.cloud(cloud, region_name, **overrides)
    how = _How(strict, app_name, app_version, transport, token_store, rate_limits, observe)
    return how.cloud(how.session(config), config, owner=True)


def connect_all(
    clouds: str | Sequence[str] | Sequence[tuple[str, str | None]] | None = None,
    regions: str | Sequence[str] | None = None,
    *,
    strict: bool = False,
    app_name: str | None = None,
    app_version: str | None = None,
    config_files: Paths = None,
    secure_files: Paths = None,
    load_yaml_config: bool = True,
    load_envvars: bool = True,
    transport: httpx.AsyncBaseTransport | None = None,
    token_store: TokenStore | None = None,
    rate_limits: RateLimits | None = None,
    observe: Observer | None = None,
    on_error: Literal["collect", "raise"] = "collect",
    **overrides: Any,
) -> Fleet:
    """Every cloud and region in clouds.yaml, or those that are named.

    `clouds` are names or shell patterns, or `(cloud, region)` pairs; `regions` names or patterns. A cloud whose
    configuration is wrong is a Failed outcome of every verb; `on_error="raise"` raises its ConfigError at once. The other
    keywords are those of `connect`. One login a cloud, shared by its regions.
    """
    configuration = load_config(
        config_files=config_files,
        secure_files=secure_files,
        load_yaml_config=load_yaml_config,
        load_envvars=load_envvars,
    )
    how = _How(strict, app_name, app_version, transport, token_store, rate_limits, observe)
    members: list[Cloud | Unusable] = []
    sessions: list[Session] = []
    for name, region in _chosen(configuration, clouds, regions, members):
        try:
            config = configuration.cloud(name, region, **overrides)
            session = _session_for(config, sessions, how)
            members.append(how.cloud(session, config, owner=False))
        except CloudError as error:
            members.append(Unusable(name, region, error))
    for member in members:
        if on_error == "raise" and isinstance(member, Unusable):
            raise member.error
    return Fleet(members, sessions)


def _session_for(config: CloudConfig, sessions: list[Session], how: _How) -> Session:
    """The session of a region that logs in the same way, or a new one: a login is a cloud's, not a region's."""
    for session in sessions:
        known = session.config
        if known.name == config.name and _login(known) == _login(config):
            return session
    sessions.append(how.session(config))
    return sessions[-1]


def _login(config: CloudConfig) -> tuple[object, ...]:
    """What decides who we are and how we get there."""
    tls = (config.verify, config.cacert, config.cert, config.key)
    return (config.auth_type, dict(config.auth), config.auth_methods, *tls)


def _chosen(
    configuration: Configuration,
    clouds: str | Sequence[str] | Sequence[tuple[str, str | None]] | None,
    regions: str | Sequence[str] | None,
    members: list[Cloud | Unusable],
) -> list[tuple[str, str | None]]:
    """Which (cloud, region) pairs are meant; what names nothing becomes Unusable."""
    wanted = [clouds] if isinstance(clouds, str) else clouds
    in_regions = [regions] if isinstance(regions, str) else regions
    pairs: list[tuple[str, str | None]] = []
    for item in wanted if wanted is not None else list(configuration.cloud_names):
        if not isinstance(item, str):
            pairs.append((item[0], item[1]))
            continue
        names = [name for name in configuration.cloud_names if fnmatch.fnmatchcase(name, item)]
        for name in names or [item]:
            try:
                its_regions = configuration.regions(name)
            except CloudError as error:
                members.append(Unusable(name, None, error))
                continue
            pairs += [(name, region) for region in its_regions if _in(region, in_regions)]
    return list(dict.fromkeys(pairs))


def _in(region: str | None, patterns: Sequence[str] | None) -> bool:
    return patterns is None or any(fnmatch.fnmatchcase(region or "", pattern) for pattern in patterns)
