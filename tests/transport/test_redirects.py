"""The token stays home."""

from __future__ import annotations

import pytest

from aiocloud._http import httpx
from aiocloud.transport import origin, redirect_target

HOME = {origin("https://cloud.test:8774/v2.1"), origin("https://cloud.test")}


def redirected(
    location: str | None, method: str = "GET", status: int = 302, url: str = "https://cloud.test/a/b"
) -> str | None:
    headers = {} if location is None else {"location": location}
    target = redirect_target(httpx.Response(status, headers=headers, request=httpx.Request(method, url)), HOME)
    return None if target is None else str(target)


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("https://cloud.test:8774/x", "https://cloud.test:8774/x"),
        ("/x?y=1", "https://cloud.test/x?y=1"),
        ("c", "https://cloud.test/a/c"),
        ("https://CLOUD.test:443/x", "https://cloud.test/x"),
        ("http://cloud.test/x", None),
        ("https://evil.test/x", None),
        ("//evil.test/x", None),
        ("https://cloud.test@evil.test/x", None),
        ("https://u:p@cloud.test/x", None),
        ("https://cloud.test:9999/x", None),
        ("https://cloud.test.evil.test/", None),
        ("javascript:alert(1)", None),
        ("https://[broken/", None),
        (None, None),
    ],
)
def test_a_redirect_is_taken_only_to_origins_that_are_known(location: str | None, expected: str | None) -> None:
    assert redirected(location) == expected


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_only_reading_is_redirected(method: str) -> None:
    assert redirected("/x", method) is None


@pytest.mark.parametrize("status", [200, 300, 304, 404])
def test_only_a_redirect_redirects(status: int) -> None:
    assert redirected("/x", status=status) is None
