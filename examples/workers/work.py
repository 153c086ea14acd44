"""What asker and workers share: `taskiq worker work:broker` in as many processes and on as many machines as you like."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from taskiq_redis import ListQueueBroker, RedisAsyncResultBackend

import aiocloud
from aiocloud import Cloud, Fleet
from aiocloud.distributed import Workers

URL = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379")


@asynccontextmanager
async def clouds() -> AsyncIterator[Fleet]:
    """What a worker opens when it starts and closes when it ends: logins and rate limits shared by all of them."""
    async with (
        aiocloud.RedisStore(URL) as store,
        aiocloud.RedisLimits(URL) as limits,
        aiocloud.connect_all(token_store=store, rate_limits=limits) as fleet,
    ):
        yield fleet


# An idle worker waits for as long as it takes: redis-py would give up after five seconds.
broker = ListQueueBroker(URL, socket_timeout=None)
broker = broker.with_result_backend(RedisAsyncResultBackend(URL, result_ex_time=86_400))
workers = Workers(broker, clouds)

create_server = workers.verb(Cloud.create_server)


@workers.verb
async def count(cloud: Cloud, prefix: str) -> int:
    return len([server for server in await cloud.list_servers(bare=True) if server.name.startswith(prefix)])
