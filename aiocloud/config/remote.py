"""Profiles that a cloud publishes itself, at `https://host/.well-known/openstack/api`: fetched at first use."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from aiocloud.config.schema import CloudConfig
from aiocloud.errors import CloudError, ConfigError

__all__ = ["resolve_remote_profile"]

log = logging.getLogger("aiocloud.config")


async def resolve_remote_profile(config: CloudConfig, fetch: Callable[[str], Awaitable[bytes]]) -> CloudConfig:
    """The config with its remote profile filled in; the same config when there is nothing to fetch.

    `fetch` gives the body at an address and raises CloudError. When it can't, what is known offline is used, with a
    warning; where nothing is, its error is raised. The text is fetched once for all clouds of one Configuration.
    """
    if config.remote_profile is None or config.with_remote is None:
        return config
    try:
        body = await fetch(config.remote_profile)
        return config.with_remote(body)
    except CloudError as error:
        try:
            known = config.with_remote(None)
        except ConfigError:
            raise error.at(config.name, config.region_name) from None
        log.warning("%s: its profile is not to be had (%s); what is known of it offline is used", config.name, error)
        return known
