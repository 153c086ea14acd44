"""aiocloud: the async multi-cloud SDK for OpenStack.

`aiocloud.connect` gives one region of one cloud, `aiocloud.connect_all` a fleet of them. Names are imported when they
are first used, so that `import aiocloud` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from aiocloud._connect import connect, connect_all
    from aiocloud.auth.cache import FileStore, MemoryStore, RedisStore
    from aiocloud.cloud import Cloud
    from aiocloud.errors import (
        Ambiguous,
        AuthError,
        BadRequest,
        ChecksumMismatch,
        CloudError,
        ConfigError,
        Conflict,
        Forbidden,
        HTTPError,
        InvalidRequest,
        Leftover,
        MoreFactorsNeeded,
        NoPublicAddress,
        NormalizationError,
        NotFound,
        OpenStackCloudBadRequest,
        OpenStackCloudException,
        OpenStackCloudHTTPError,
        OpenStackCloudURINotFound,
        PreconditionFailed,
        RateLimited,
        ResourceFailed,
        ServiceFailed,
        Timeout,
        TooLarge,
        TransportError,
        Unauthorized,
        Unsupported,
    )
    from aiocloud.fleet import Done, Failed, Fleet, Outcome, Outcomes
    from aiocloud.log import enable_logging
    from aiocloud.progress import Progress
    from aiocloud.transport.redis_limits import RedisLimits

_ERRORS = (
    "Ambiguous",
    "AuthError",
    "BadRequest",
    "ChecksumMismatch",
    "CloudError",
    "ConfigError",
    "Conflict",
    "Forbidden",
    "HTTPError",
    "InvalidRequest",
    "Leftover",
    "MoreFactorsNeeded",
    "NoPublicAddress",
    "NormalizationError",
    "NotFound",
    "OpenStackCloudBadRequest",
    "OpenStackCloudException",
    "OpenStackCloudHTTPError",
    "OpenStackCloudURINotFound",
    "PreconditionFailed",
    "RateLimited",
    "ResourceFailed",
    "ServiceFailed",
    "Timeout",
    "TooLarge",
    "TransportError",
    "Unauthorized",
    "Unsupported",
)

_HOME = {
    **dict.fromkeys(_ERRORS, "errors"),
    **dict.fromkeys(("FileStore", "MemoryStore", "RedisStore"), "auth.cache"),
    **dict.fromkeys(("connect", "connect_all"), "_connect"),
    **dict.fromkeys(("Done", "Failed", "Fleet", "Outcome", "Outcomes"), "fleet"),
    "Cloud": "cloud",
    "Progress": "progress",
    "RedisLimits": "transport.redis_limits",
    "enable_logging": "log",
}

__all__ = [
    "Ambiguous",
    "AuthError",
    "BadRequest",
    "ChecksumMismatch",
    "Cloud",
    "CloudError",
    "ConfigError",
    "Conflict",
    "Done",
    "Failed",
    "FileStore",
    "Fleet",
    "Forbidden",
    "HTTPError",
    "InvalidRequest",
    "Leftover",
    "MemoryStore",
    "MoreFactorsNeeded",
    "NoPublicAddress",
    "NormalizationError",
    "NotFound",
    "OpenStackCloudBadRequest",
    "OpenStackCloudException",
    "OpenStackCloudHTTPError",
    "OpenStackCloudURINotFound",
    "Outcome",
    "Outcomes",
    "PreconditionFailed",
    "Progress",
    "RateLimited",
    "RedisLimits",
    "RedisStore",
    "ResourceFailed",
    "ServiceFailed",
    "Timeout",
    "TooLarge",
    "TransportError",
    "Unauthorized",
    "Unsupported",
    "connect",
    "connect_all",
    "enable_logging",
]


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'aiocloud' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"aiocloud.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
