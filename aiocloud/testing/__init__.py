"""A fake OpenStack for tests: `FakeCloud`, in process or on a port.

fake = FakeCloud()
async with aiocloud.connect(..., transport=fake.transport) as cloud: ...
"""

from __future__ import annotations

from aiocloud.testing.fake import FakeCloud
from aiocloud.testing.faults import Fault, Received
from aiocloud.testing.kinds import Flavor, Plan

__all__ = ["FakeCloud", "Fault", "Flavor", "Plan", "Received"]
