"""Verbs of a fleet on many workers, over a taskiq broker. Needs the extra `distributed`, and asyncio.

    workers = Workers(broker)                                # in a module that both sides import
    search_servers = workers.verb(Cloud.search_servers)

    outcomes = await fleet.map(search_servers, "my-server")  # a task a cloud, wherever a worker is free

Workers are started by `taskiq worker that_module:broker`: https://taskiq-python.github.io/guide/cli.html
"""

from importlib.util import find_spec

from aiocloud.errors import ConfigError

if find_spec("taskiq") is None:
    raise ConfigError('aiocloud.distributed needs the extra "distributed": pip install "aiocloud[distributed]"')

from aiocloud.distributed.jobs import Job
from aiocloud.distributed.workers import Workers, WorkerVerb

__all__ = ["Job", "WorkerVerb", "Workers"]
