"""What a cloud's Swift can do and how much of it. API: https://docs.openstack.org/api-ref/object-store/#discoverability"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from aiocloud._http import httpx
from aiocloud._json import load_json, mapping
from aiocloud.complaint import error_from
from aiocloud.endpoint import Endpoint
from aiocloud.errors import HTTPError
from aiocloud.model import Value
from aiocloud.poller import Shared

__all__ = ["Capabilities", "capabilities"]

GiB = 1024**3


class Capabilities(Value):
    """`/info`: one object for each feature that the cloud has; what it does not say has Swift's own default."""

    swift: dict[str, Any] = {}
    slo: dict[str, Any] | None = None
    bulk_delete: dict[str, Any] | None = None
    bulk_upload: dict[str, Any] | None = None
    tempurl: dict[str, Any] | None = None
    formpost: dict[str, Any] | None = None
    symlink: dict[str, Any] | None = None

    @property
    def is_swift(self) -> bool:
        """Is it Swift itself that answers, and not another service that speaks its API?"""
        version = self.swift.get("version")
        return isinstance(version, str) and version[:1].isdigit()

    @property
    def max_file_size(self) -> int:
        """Bytes in one object that is not put together from segments."""
        return _number(self.swift, "max_file_size", 5 * GiB + 2)

    @property
    def min_segment_size(self) -> int:
        """Bytes in a segment of a static large object, except the last."""
        return max(1, _number(self.slo, "min_segment_size", 1))

    @property
    def max_segments(self) -> int:
        """Segments in one manifest."""
        return max(1, _number(self.slo, "max_manifest_segments", 1000))

    @property
    def listing_limit(self) -> int:
        """Names in one page of a list of objects."""
        return _number(self.swift, "container_listing_limit", 10_000)

    def ends_with(self, names: Sequence[str], marker: str | None, limit: int | None) -> bool:
        """Is a page of these names the last of a listing, which went on from `marker`?

        Swift's is when it has fewer than it may have. Other services, Ceph's gateway for one, have short pages in between
        (https://tracker.ceph.com/issues/44554): theirs have ended when there is nothing more.
        """
        if self.is_swift:
            return len(names) < min(self.listing_limit, limit or self.listing_limit)
        return not names or names[-1] == marker

    @property
    def max_deletes(self) -> int:
        """Names in one bulk delete; 0 where there is none."""
        return 0 if self.bulk_delete is None else _number(self.bulk_delete, "max_deletes_per_request", 1000)


def _number(section: object, key: str, default: int) -> int:
    value = mapping(section).get(key)
    return value if isinstance(value, int) and value > 0 else default


async def capabilities(endpoint: Endpoint) -> Capabilities:
    """What this region's Swift can do, asked for once a session. A cloud that hides it is taken for a usual one."""
    key = ("object-store capabilities", endpoint.config.region_name)
    shared = endpoint.session.once(key, lambda: Shared(lambda: _fetch(endpoint)))
    return await shared.get(max_age=math.inf)


async def _fetch(endpoint: Endpoint) -> Capabilities:
    account = (await endpoint.service()).url
    url = account.rpartition("/v1")[0] + "/info"
    request = httpx.Request("GET", url, headers={"Accept": "application/json"})
    response = await endpoint.session.send(request, endpoint.config, endpoint.service_type, endpoint.options)
    if response.status_code in (401, 403, 404, 405, 412):
        return Capabilities(slo={})
    if response.is_error:
        error: HTTPError = error_from(response, endpoint.config.name, endpoint.config.region_name, "object-store")
        raise error
    return Capabilities.model_validate(dict(mapping(load_json(response.content, url))))
