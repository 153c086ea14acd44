"""Containers as web sites: what readers without a login get in place of listings and errors.

API: https://docs.openstack.org/swift/latest/middleware.html#staticweb
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from aiocloud.testing.http import Fail, Reply, Req
from aiocloud.testing.swift_access import READS

if TYPE_CHECKING:
    from aiocloud.testing.swift import Swift

Handler = Callable[[Req], Awaitable[Reply]]


async def served(swift: Swift, req: Req, handler: Handler) -> Reply:
    """What the handler answers, or a page in its place where the container is a site and the reader nobody known."""
    account = swift.accounts.get(req.args["account"])
    box = account.containers.get(req.args.get("container", "")) if account else None
    if box is None or req.who is not None or req.method not in READS or req.get("temp_url_sig") is not None:
        return await handler(req)
    index, error = (box.headers.get(f"x-container-meta-web-{each}") for each in ("index", "error"))
    name = req.args.get("object", "")
    is_folder = not name or any(each.startswith(f"{name.rstrip('/')}/") for each in box.objects)
    try:
        if not index or not is_folder or name in box.objects:
            return await handler(req)
        if not req.path.endswith("/"):
            return swift.page(301, {"location": f"{req.path_url}/"})
        return await _page(swift, req, f"{name}{index}")
    except Fail as fail:
        if not error or f"{fail.status}{error}" not in box.objects:
            raise
        return replace(await _page(swift, req, f"{fail.status}{error}"), status=fail.status)


async def _page(swift: Swift, req: Req, name: str) -> Reply:
    return await swift.objects.get(replace(req, args={**req.args, "object": name}))
