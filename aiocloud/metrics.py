"""What each request took and how it ended, for programs that measure: `connect(observe=...)` hands out one `Exchange` each.

Statsd needs no program: with `metrics: {statsd: {host: ...}}` in clouds.yaml, or STATSD_HOST, it is told by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from aiocloud.errors import ConfigError

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

__all__ = ["Exchange", "Observer", "Prometheus"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request and its answer, or how it failed. A request that is sent again is an exchange each time."""

    cloud: str | None
    region: str | None
    """None for a login, which is for all regions."""
    service: str
    """The official service type: `compute`, `block-storage`."""
    method: str
    route: str
    """The path below the service's version, with `{id}` for whatever names a thing: `/servers/{id}/action`."""
    status: int | None
    """None when no answer came."""
    error: str | None
    """What kind of failure it was when no answer came (`ConnectTimeout`, `Cancelled`), else None."""
    seconds: float
    """From when it was handed to the network until its answer was read; until the answer began, for content that its caller
    reads piece by piece. Waits for a rate limit, or before it is sent again, don't count."""
    attempt: int
    """1, or more when it was sent again."""
    request_id: str | None
    """The service's name for it, which its own log has too."""


Observer: TypeAlias = Callable[[Exchange], None]
"""Called in the event loop, so it must not block. What it raises is logged, and the request goes on."""


class Prometheus:
    """An observer that counts for Prometheus, in `registry` or the client library's own; one for all clouds.

    The counter `openstack_http_requests_total` and the histogram `openstack_http_response_time` (seconds) are named as
    openstacksdk's; their labels are cloud, region, service_type, method, endpoint (the route) and status_code, which is
    `failed` or `cancelled` when no answer came. Raises ConfigError without the extra `prometheus`, and for a second one in
    the same registry.
    """

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        try:
            from prometheus_client import REGISTRY, Counter, Histogram
        except ImportError:
            raise ConfigError("Prometheus needs its client library: pip install 'aiocloud[prometheus]'") from None
        labels = ("cloud", "region", "service_type", "method", "endpoint", "status_code")
        into = registry if registry is not None else REGISTRY
        what = "Requests made to OpenStack services"
        took = "Seconds until an OpenStack service has answered"
        try:
            self._requests = Counter("openstack_http_requests", what, labels, registry=into)
            self._time = Histogram("openstack_http_response_time", took, labels, registry=into)
        except ValueError:
            raise ConfigError(
                "this registry has metrics of these names already: make one Prometheus for all clouds"
            ) from None

    def __call__(self, exchange: Exchange) -> None:
        """Count one."""
        status = "cancelled" if exchange.error == "Cancelled" else "failed"
        labels = (
            exchange.cloud or "",
            exchange.region or "",
            exchange.service,
            exchange.method,
            exchange.route,
            status if exchange.status is None else str(exchange.status),
        )
        self._requests.labels(*labels).inc()
        if exchange.status is not None:
            self._time.labels(*labels).observe(exchange.seconds)
