"""Where a redirect may lead. Pure. No layer follows one by itself: the token must not travel to strangers."""

from __future__ import annotations

from collections.abc import Collection

from aiocloud._http import httpx

__all__ = ["origin", "redirect_target"]

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PORTS = {"http": 80, "https": 443}


def origin(url: httpx.URL | str) -> tuple[str, str, int | None]:
    """Scheme, host and port of a URL: what must be equal for a token to be sent along."""
    url = httpx.URL(url)
    return url.scheme, url.host, url.port or _PORTS.get(url.scheme)


def redirect_target(response: httpx.Response, origins: Collection[tuple[str, str, int | None]]) -> httpx.URL | None:
    """The URL to ask instead, when the answer redirects a GET or HEAD to one of `origins`, else None.

    `origins` are those of the catalog and of configured overrides, as `origin()` gives them. A way from https to http,
    or with a user name in it, is never taken.
    """
    request = response.request
    if response.status_code not in _REDIRECTS or request.method not in ("GET", "HEAD"):
        return None
    try:
        target = request.url.join(response.headers["location"])
    except (KeyError, httpx.InvalidURL, ValueError):
        return None
    downgrade = request.url.scheme == "https" and target.scheme != "https"
    return None if downgrade or target.userinfo or origin(target) not in origins else target
