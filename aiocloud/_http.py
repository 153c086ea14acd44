"""The only file that names the HTTP library: httpx2, whose API is httpx's own.

Everything else imports `httpx` from here, so that the library behind the name can change in one place.
"""

from __future__ import annotations

import httpx2 as httpx

__all__ = ["httpx"]
