"""A fake OpenStack for tests: `FakeCloud`, in process or on a port.

fake = FakeCloud()
async with aiocloud.connect(..., transport=fake.transport) as cloud: ...
"""

from __future__ import annotations

from aiocloud.testing.fake import FakeCloud
from aiocloud.testing.faults import Fault, Received
from aiocloud.testing.http import Reply
from aiocloud.testing.kinds import PLAIN, Flavor, Kind, Plan
from aiocloud.testing.state import Knobs

__all__ = ["PLAIN", "FakeCloud", "Fault", "Flavor", "Kind", "Knobs", "Plan", "Received", "Reply"]
