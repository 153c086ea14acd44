"""Containers as web sites: what readers without a login get in place of listings and errors.

API: https://docs.openstack.org/swift/latest/middleware.html#staticweb
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote

from aiocloud.testing.http import Fail, Reply, Req
from aiocloud.testing.swift_access import READS, check_access, signed
from aiocloud.testing.swift_store import Container, Listing

if TYPE_CHECKING:
    from aiocloud.testing.swift import Swift

Handler = Callable[[Req], Awaitable[Reply]]


async def served(swift: Swift, req: Req, handler: Handler) -> Reply:
    """What the handler answers, or a page in its place where the container is a site and the reader nobody known."""
    account = swift.accounts.get(req.args["account"])
    box = account.containers.get(req.args.get("container", "")) if account else None
    known = req.who is not None and not _true(req.headers.get("x-web-mode", ""))
    if box is None or known or req.method not in READS or signed(req):
        return await handler(req)
    site = Site(swift, req, box)
    try:
        return await (site.object(handler) if req.args.get("object") else site.container(handler))
    except Fail as fail:
        name = f"{fail.status}{site.setting('error')}"
        if not site.setting("error") or name not in box.objects or (fail.status != 404 and fail.kind != "site"):
            raise
        return replace(await site.page(name), status=fail.status)


def _true(text: str) -> bool:
    return text.lower() in {"true", "1", "yes", "on", "t", "y"}


@dataclass(frozen=True, slots=True)
class Site:
    """A container as one reader sees it."""

    swift: Swift
    req: Req
    box: Container

    def setting(self, name: str) -> str:
        """What `X-Container-Meta-Web-...` says; "" for nothing."""
        return self.box.headers.get(f"x-container-meta-web-{name}", "")

    @property
    def lists(self) -> bool:
        """Whether there are listings in HTML."""
        return _true(self.setting("listings"))

    async def container(self, handler: Handler) -> Reply:
        """The container itself: its index, or a listing."""
        self.check_listing()
        if not self.lists and not self.setting("index"):
            return await handler(self.req)
        if not self.req.path.endswith("/"):
            return self.with_slash()
        if self.setting("index") in self.box.objects:
            return await self.page(self.setting("index"))
        return self.listing("")

    async def object(self, handler: Handler) -> Reply:
        """An object, or what is there for a folder of that name."""
        name, index = self.req.args["object"], self.setting("index")
        if name in self.box.objects or not (index or self.lists):
            return await handler(self.req)
        check_access(self.swift, self.req)
        folder = name if name.endswith("/") else f"{name}/"
        if index and f"{folder}{index}" in self.box.objects:
            return await self.page(f"{folder}{index}") if folder == name else self.with_slash()
        if folder == name:
            return self.listing(name)
        self.check_listing(404)
        if not any(each.startswith(folder) for each in self.box.objects):
            raise Fail(404, "")
        return self.with_slash()

    def check_listing(self, status: int = 401) -> None:
        """A `Fail` unless the reader may list the container."""
        try:
            check_access(
                self.swift, replace(self.req, args={key: self.req.args[key] for key in ("account", "container")})
            )
        except Fail as fail:
            raise Fail(status, fail.message, "site", fail.headers) from None

    def with_slash(self) -> Reply:
        """The same place as a folder, to which relative links belong."""
        return self.swift.page(301, {"location": f"{self.req.path_url}/"})

    async def page(self, name: str) -> Reply:
        """An object of the site."""
        return await self.swift.objects.get(replace(self.req, args={**self.req.args, "object": name}))

    def listing(self, prefix: str) -> Reply:
        """A folder in HTML; a `Fail` with 404 where there are no listings, or nothing is in it."""
        if not self.lists:
            raise Fail(404, "")
        self.check_listing()
        names = Listing(limit=self.swift.listing_limit, prefix=prefix, delimiter="/").choose(self.box.names())
        if prefix and not names:
            raise Fail(404, "")
        title = f"Listing of {escape('/'.join(('/v1', self.req.args['account'], self.box.name, prefix)))}"
        rows = [(f"./{quote(name.removeprefix(prefix))}", name.removeprefix(prefix)) for name, _ in names]
        links = "".join(
            f'   <tr class="item">\n    <td class="colname"><a href="{place}">{escape(text)}</a></td>\n   </tr>\n'
            for place, text in ([("../", "../")] if prefix else []) + rows
        )
        page = (
            f"<!DOCTYPE html>\n<html>\n <head>\n  <title>{title}</title>\n </head>\n <body>\n"
            f'  <h1 id="title">{title}</h1>\n  <table id="listing">\n{links}  </table>\n </body>\n</html>\n'
        )
        return Reply(200, page.encode(), {"content-type": "text/html; charset=UTF-8"})
