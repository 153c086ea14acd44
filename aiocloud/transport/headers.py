"""Headers that would be two are refused before anything is sent, and without showing what they hold."""

from __future__ import annotations

import re

from aiocloud._http import httpx

__all__ = ["check_headers"]

_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


def check_headers(request: httpx.Request) -> None:
    """Raise LocalProtocolError, which names the header and not its value, for a control character in one."""
    for name, value in request.headers.raw:
        if _CONTROL.search(name) or _CONTROL.search(value):
            raise httpx.LocalProtocolError(f"the header {name.decode('ascii', 'replace')!r} has a control character")
