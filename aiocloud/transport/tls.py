"""TLS settings, and the contexts made of them: one for all clouds with the same, because each costs 30 ms of CPU."""

from __future__ import annotations

import logging
import ssl
import threading
from functools import cache, lru_cache
from typing import NamedTuple

from aiocloud._http import httpx
from aiocloud.config.schema import CloudConfig
from aiocloud.errors import ConfigError

__all__ = ["TLS", "context", "warn_unverified"]

log = logging.getLogger("aiocloud.transport")
_making = threading.Lock()


class TLS(NamedTuple):
    """What clouds.yaml says of TLS; paths of PEM files."""

    verify: bool = True
    cacert: str | None = None
    cert: str | None = None
    key: str | None = None

    @classmethod
    def of(cls, config: CloudConfig) -> TLS:
        """The settings of one cloud."""
        return cls(config.verify, config.cacert, config.cert, config.key)


def context(tls: TLS) -> ssl.SSLContext:
    """The context for some settings. Reads files, so call it in a thread. Raises ConfigError for unusable files."""
    with _making:
        return _context(tls)


@lru_cache(maxsize=256)
def _context(tls: TLS) -> ssl.SSLContext:
    key, path = "cacert", tls.cacert
    try:
        if tls.verify and tls.cacert:
            made = ssl.create_default_context(cafile=tls.cacert)
        else:
            made = httpx.create_ssl_context(verify=tls.verify)
        if tls.cert:
            key, path = "cert", tls.cert
            made.load_cert_chain(tls.cert, tls.key, password=_no_password)
    except OSError as error:
        raise ConfigError(f"{key}: {path} can't be used: {error.strerror or error}", key=key) from error
    return made


def _no_password() -> str:
    # OpenSSL would otherwise ask on the terminal, and wait for ever where there is none.
    raise ConfigError("key: the private key is encrypted, and there is no way to say its passphrase", key="key")


@cache
def warn_unverified(cloud: str) -> None:
    """Say once that a cloud is not verified."""
    log.warning("%s: TLS certificates are not verified (verify: false); who it is that answers, nobody knows", cloud)
