"""The service types of OpenStack, and the other names that catalogs and configuration files use for them.

The table follows the service types authority: https://service-types.openstack.org/
"""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["aliases", "is_official", "known_names", "official", "official_types"]

# Official type -> its aliases, the one to prefer in a catalog first.
_TYPES: dict[str, tuple[str, ...]] = {
    "accelerator": (),
    "admin-logic": ("registration",),
    "alarm": ("alarming",),
    "application-catalog": (),
    "application-container": ("container",),
    "application-deployment": ("deployment",),
    "backup": (),
    "baremetal": ("bare-metal",),
    "baremetal-introspection": (),
    "block-storage": ("block-store", "volumev3", "volumev2", "volume"),
    "clustering": ("resource-cluster", "cluster"),
    "compute": (),
    "container-infrastructure-management": ("container-infra", "container-infrastructure"),
    "data-processing": (),
    "data-protection-orchestration": (),
    "database": (),
    "dns": (),
    "event": ("events",),
    "function-engine": (),
    "identity": (),
    "image": (),
    "instance-ha": ("ha",),
    "key-manager": (),
    "load-balancer": (),
    "message": ("messaging",),
    "meter": ("metering", "telemetry"),
    "metric": (),
    "monitoring": (),
    "monitoring-events": (),
    "monitoring-log-api": (),
    "monitoring-logging": (),
    "multi-region-network-automation": ("tricircle",),
    "network": (),
    "nfv-orchestration": (),
    "object-store": (),
    "operator-policy": ("policy",),
    "orchestration": (),
    "placement": (),
    "rating": (),
    "reservation": (),
    "resource-optimization": ("infra-optim",),
    "root-cause-analysis": ("rca",),
    "search": (),
    "shared-file-system": ("sharev2", "share"),
    "workflow": ("workflowv2",),
}

# People also write these; no service type of their own, so they never appear among the aliases to look up.
_SPOKEN = {
    "block-storage-v3": "block-storage",
    "compute-legacy": "compute",
    "container-orchestration": "container-infrastructure-management",
    "loadbalancer": "load-balancer",
    "object-storage": "object-store",
}

_OFFICIAL: dict[str, str] = {
    **{official: official for official in _TYPES},
    **{alias: official for official, names in _TYPES.items() for alias in names},
    **_SPOKEN,
}


def official(service_type: str) -> str:
    """The official type for a type, an alias or a Python attribute name (`volumev3`, `block_storage`).

    A type that OpenStack does not know is given back in its dashed spelling: any catalog may hold more than the table.
    """
    name = service_type.strip().lower().replace("_", "-")
    return _OFFICIAL.get(name, name)


def aliases(official_type: str) -> tuple[str, ...]:
    """The other names that a catalog may list the official type under, best first; () when there are none."""
    return _TYPES.get(official_type, ())


def is_official(service_type: str) -> bool:
    """Is this the official name of an OpenStack service (not an alias, not a vendor's own)?"""
    return service_type in _TYPES


def official_types() -> Iterator[str]:
    """Every official service type."""
    return iter(_TYPES)


def known_names() -> Iterator[str]:
    """Every official service type and every alias."""
    return iter(_OFFICIAL)
