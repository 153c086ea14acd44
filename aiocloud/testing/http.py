"""What every faked service needs to speak HTTP: requests, replies, routes, pages.

Neither ASGI nor a client library is known here; `fake.py` and `transport.py` turn
theirs into a `Req` and a `Reply` back into theirs.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlencode

if TYPE_CHECKING:
    from aiocloud.testing.state import TokenState

Version = tuple[int, int]

JSON_TYPE = {"content-type": "application/json"}


class Fail(Exception):
    """A refusal: the service that serves the request writes it in its own words.

    `kind` is the service's own name for it (nova's "itemNotFound", neutron's
    "NetworkNotFound"); without it the service derives one from the status.
    """

    def __init__(self, status: int, message: str, kind: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind
        self.headers = dict(headers or {})


def mapping(value: Any) -> dict[str, Any]:
    """What a body has where an object may be: {} for none."""
    return value or {}


def listed(value: Any) -> list[Any]:
    """What a body has where a list may be: [] for none."""
    return value or []


def as_wsgi(name: str) -> str:
    """A name in a path as services see it that take the path as WSGI hands it over: Latin-1, a slash parts segments."""
    if "/" in name:
        raise Fail(404, "The resource could not be found.")
    return name.encode().decode("latin-1")


async def nothing() -> AsyncIterator[bytes]:
    """The stream of a request without a body."""
    chunks: tuple[bytes, ...] = ()
    for chunk in chunks:
        yield chunk


@dataclass(slots=True)
class Req:
    """One request, as the service sees it."""

    method: str
    path: str
    """Below the service's root, still percent-encoded: "/v2.1/servers/ID"."""
    headers: Mapping[str, str]
    """Names in lower case."""
    query: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    stream: AsyncIterator[bytes] = field(default_factory=nothing)
    """The body as it arrives; read it once, or call `body()`."""
    root: str = "http://fake.test"
    """The whole fake's URL, as this client reaches it."""
    base: str = ""
    """This service's root URL, without a slash at the end."""
    args: dict[str, str] = field(default_factory=dict[str, str])
    """What the `{names}` of the route matched, decoded."""
    version: Version = (0, 0)
    """The microversion asked for, where the service has them."""
    who: TokenState | None = None
    """The token of the caller; None on routes that need none."""
    content: bytes | None = None

    @property
    def token(self) -> TokenState:
        """The caller's token, on routes that need one."""
        if self.who is None:
            raise Fail(401, "The request you have made requires authentication.")
        return self.who

    @property
    def project_id(self) -> str:
        """The caller's project; "" when the token is not for a project."""
        return self.token.project_id or ""

    @property
    def is_admin(self) -> bool:
        return "admin" in self.token.roles

    @property
    def path_url(self) -> str:
        """The URL asked for, without its query."""
        return self.base + self.path

    def get(self, name: str, default: str | None = None) -> str | None:
        """The last value of a query parameter."""
        return next((value for key, value in reversed(self.query) if key == name), default)

    def all(self, name: str) -> list[str]:
        """Every value of a query parameter."""
        return [value for key, value in self.query if key == name]

    def flag(self, name: str) -> bool | None:
        """A query parameter read as true or false; None when absent."""
        value = self.get(name)
        return None if value is None else value.lower() in {"1", "t", "true", "on", "y", "yes"}

    async def body(self) -> bytes:
        """The whole body."""
        if self.content is None:
            self.content = b"".join([chunk async for chunk in self.stream])
        return self.content

    async def json(self) -> dict[str, Any]:
        """The body, an object in JSON; a `Fail` with 400 when it is anything else."""
        try:
            value = json.loads(await self.body() or b"null")
        except ValueError:
            raise Fail(400, "Malformed request body") from None
        if not isinstance(value, dict):
            raise Fail(400, "Malformed request body")
        return value  # pyright: ignore[reportUnknownVariableType]

    async def member(self, key: str) -> dict[str, Any]:
        """`{key: {...}}` in the body; a `Fail` with 400 when there is no such object."""
        value = (await self.json()).get(key)
        if not isinstance(value, dict):
            raise Fail(
                400, f"Invalid input for field/attribute {key}. Value: {value}. {value!r} is not of type 'object'"
            )
        return value  # pyright: ignore[reportUnknownVariableType]


@dataclass(slots=True)
class Reply:
    """One answer. `content` is bytes, or a stream of them."""

    status: int = 200
    content: bytes | AsyncIterator[bytes] = b""
    headers: dict[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def json(cls, value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
        """An answer in JSON."""
        return cls(status, json.dumps(value).encode(), {**JSON_TYPE, **(headers or {})})

    @classmethod
    def text(cls, text: str, status: int = 200, content_type: str = "text/html; charset=UTF-8") -> Reply:
        """An answer in words."""
        return cls(status, text.encode(), {"content-type": content_type})


Handler = Callable[[Req], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class Route:
    """One way in: `open` routes need no token."""

    method: str
    segments: tuple[str, ...]
    handler: Handler
    open: bool = False

    def match(self, segments: Sequence[str]) -> dict[str, str] | None:
        """What the pattern's names stand for in this path, or None."""
        args: dict[str, str] = {}
        for position, pattern in enumerate(self.segments):
            if pattern.endswith(":path}"):
                args[pattern[1:-6]] = unquote("/".join(segments[position:]))
                return args
            if pattern.startswith("{"):
                args[pattern[1:-1]] = unquote(segments[position])
            elif pattern != segments[position]:
                return None
        return args


class Routes:
    """A table of (method, path pattern) -> handler.

    Patterns are "/servers/{id}/action"; a last "{name:path}" takes all the rest,
    slashes included (at least one segment). A trailing slash of the path does not count.
    Earlier routes win.
    """

    def __init__(self) -> None:
        self._exact: dict[int, list[Route]] = {}
        self._rest: list[Route] = []

    def add(self, method: str, pattern: str, handler: Handler, *, open: bool = False) -> None:  # noqa: A002
        """Let `handler` answer; `open`: without a token."""
        segments = tuple(part for part in pattern.split("/") if part)
        route = Route(method, segments, handler, open)
        if segments and segments[-1].endswith(":path}"):
            self._rest.append(route)
        else:
            self._exact.setdefault(len(segments), []).append(route)

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        """The route for a request; a `Fail` with 404 or 405 when there is none."""
        parts = path.lstrip("/").split("/")
        trimmed = parts[:-1] if parts[-1] == "" else parts
        known = False
        candidates = [(route, trimmed) for route in self._exact.get(len(trimmed), ())]
        candidates += [(route, parts) for route in self._rest if len(trimmed) >= len(route.segments)]
        for route, segments in candidates:
            args = route.match(segments)
            if args is None:
                continue
            if route.method == method:
                return route, args
            known = True
        if known:
            raise Fail(405, "The method is not allowed for this resource.")
        raise Fail(404, "The resource could not be found.")


class ProjectRoutes(Routes):
    """Routes below a version whose URLs may name the caller's project: "/v3/{project id}/volumes"."""

    def __init__(self, projects: Container[str]) -> None:
        super().__init__()
        self._projects = projects

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        parts = path.split("/")
        if len(parts) > 2 and parts[2] in self._projects:
            del parts[2]
        return super().find(method, "/".join(parts))


def read_query(text: str) -> list[tuple[str, str]]:
    """A query string's pairs, empty values kept."""
    return parse_qsl(text, keep_blank_values=True)


def read_version(text: str, lowest: Version, highest: Version) -> Version:
    """A microversion's text ("2.26", "latest") as numbers; `Fail` 400 or 406 where a real service gives it."""
    if text == "latest":
        return highest
    if not re.fullmatch(r"[1-9]\d*\.(0|[1-9]\d*)", text):
        raise Fail(
            400, f"API Version String {text} is of invalid format. Must be of format MajorNum.MinorNum.", "badRequest"
        )
    major, minor = text.split(".")
    version = int(major), int(minor)
    if not lowest <= version <= highest:
        span = f"Minimum is {dotted(lowest)} and maximum is {dotted(highest)}."
        raise Fail(406, f"Version {text} is not supported by the API. {span}", "computeFault")
    return version


def dotted(version: Version) -> str:
    """A microversion as text."""
    return f"{version[0]}.{version[1]}"


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list; `next_query` asks for the next one, None on the last page."""

    items: list[dict[str, Any]]
    next_query: str | None = None

    def next_url(self, req: Req) -> str | None:
        """The whole URL of the next page."""
        return None if self.next_query is None else f"{req.path_url}?{self.next_query}"

    def links(self, req: Req) -> list[dict[str, str]]:
        """The `*_links` of nova, cinder and neutron; empty on the last page."""
        url = self.next_url(req)
        return [] if url is None else [{"rel": "next", "href": url}]


def paginate(
    req: Req,
    items: Iterable[dict[str, Any]],
    *,
    page_size: int = 1000,
    key: str = "id",
    explicit_limit_only: bool = False,
) -> Page:
    """The part of `items` that `marker` and `limit` ask for.

    At most `page_size` items. A limit that is no number, or a marker that names
    nothing, is a `Fail` with 400. With `explicit_limit_only` there is a next page
    only when the client gave a limit (neutron).
    """
    found = list(items)
    limit_text, marker = req.get("limit"), req.get("marker")
    limit = read_limit(limit_text, page_size)
    start = 0
    if marker:
        start = 1 + next((i for i, item in enumerate(found) if item[key] == marker), -2)
        if start < 0:
            raise Fail(400, f"marker [{marker}] not found", "badRequest")
    if explicit_limit_only and limit_text is None:
        return Page(found[start:])
    chunk = found[start : start + limit]
    if not chunk or start + limit >= len(found):
        return Page(chunk)
    pairs = [(name, value) for name, value in req.query if name != "marker"]
    return Page(chunk, urlencode([*pairs, ("marker", chunk[-1][key])]))


def read_limit(text: str | None, page_size: int) -> int:
    """`limit=` as a number of at most `page_size`; 0 and none mean the whole page."""
    if text is None:
        return page_size
    if not text.lstrip("-").isdigit():
        raise Fail(400, f"limit param must be an integer: {text}", "badRequest")
    if int(text) < 0:
        raise Fail(400, f"limit param must be positive: {text}", "badRequest")
    return min(int(text) or page_size, page_size)
