"""Only type-checked, never run: what the checkers know of the fake clouds that users' tests make."""

from __future__ import annotations

from typing import assert_type

import aiocloud
from aiocloud.testing import FakeCloud, Fault, Plan, Received, Reply


def several() -> None:
    fake = FakeCloud(clouds=["east", Plan("west")], boot_time=3, quotas={"instances": 2})
    assert_type(fake.requests, list[Received])
    assert_type(fake.cloud("east").region().nova.server("web").status, str)
    assert_type(aiocloud.connect("east", transport=fake.transport), aiocloud.Cloud)
    fake.knobs.latency = 0.5


def slower(reply: Reply) -> Reply:
    return Reply(202, reply.content)


def wrong() -> None:
    FakeCloud(boottime=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    FakeCloud(boot_time="3")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    FakeCloud(kind="other")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Fault(sevrice="compute", mutate=slower)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Fault(reset="between")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
