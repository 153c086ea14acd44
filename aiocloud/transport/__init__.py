"""Carrying requests: what may be tried again, limits, deadlines, the connections themselves."""

from aiocloud.transport.body import Body, Replay, as_stream
from aiocloud.transport.call import Call, Travel
from aiocloud.transport.layers import Transport, build_transport
from aiocloud.transport.limits import Stats
from aiocloud.transport.policy import retry_after
from aiocloud.transport.pool import default_transport
from aiocloud.transport.reading import read_bounded
from aiocloud.transport.redirects import origin, redirect_target

__all__ = [
    "Body",
    "Call",
    "Replay",
    "Stats",
    "Transport",
    "Travel",
    "as_stream",
    "build_transport",
    "default_transport",
    "origin",
    "read_bounded",
    "redirect_target",
    "retry_after",
]
