"""Where tokens rest: in memory, in files that only we can read, or in Redis."""

from __future__ import annotations

from aiocloud.auth.store import MemoryStore, Stored, TokenStore, store_key
from aiocloud.auth.store_file import FileStore
from aiocloud.auth.store_redis import RedisStore

__all__ = ["FileStore", "MemoryStore", "RedisStore", "Stored", "TokenStore", "store_key"]
