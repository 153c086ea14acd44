"""Where a redirect may lead. Pure. No layer follows one by itself: the token must not travel to strangers."""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeAlias

from aiocloud._http import httpx

__all__ = ["Origin", "is_redirect", "origin", "redirect_target"]

Origin: TypeAlias = tuple[str, str, int | None]
"""Scheme, host and port of a URL: what must be equal for a token to be sent along."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PORTS = {"http": 80, "https": 443}


def is_redirect(response: httpx.Response) -> bool:
    """Does it say that what was asked is elsewhere? 304 says something else, and 300 is how services list their versions."""
    return response.status_code in _REDIRECTS


def origin(url: httpx.URL | str) -> Origin:
    """Where a URL leads. Raises httpx.InvalidURL."""
    url = httpx.URL(url)
    return url.scheme, url.host, url.port or _PORTS.get(url.scheme)


def redirect_target(response: httpx.Response, origins: Collection[Origin]) -> httpx.URL | None:
    """The URL to ask instead, when the answer redirects a GET or HEAD to one of `origins`, else None.

    `origins` are those of the catalog and of configured overrides, as `origin()` gives them. A way from https to http,
    or with a user name in it, is never taken.
    """
    request = response.request
    if not is_redirect(response) or request.method not in ("GET", "HEAD"):
        return None
    try:
        target = request.url.join(response.headers["location"])
    except (KeyError, httpx.InvalidURL, ValueError):
        return None
    downgrade = request.url.scheme == "https" and target.scheme != "https"
    return None if downgrade or target.userinfo or origin(target) not in origins else target
