"""`aiocloud fake-cloud`: the talk's three clouds on this machine, for trying things out."""

from __future__ import annotations

import sys
from pathlib import Path

from aiocloud.errors import CloudError

__all__ = ["fake_cloud"]


async def fake_cloud(*, port: int = 0, clouds_yaml: Path | None = None) -> int:
    """Serve the talk's clouds on 127.0.0.1 until SIGTERM or Ctrl-C; print `ready` when they answer.

    Parameters
    ----------
    port
        Where to listen; 0 takes any free port.
    clouds_yaml
        Write a clouds.yaml that reaches them to this file.
    """
    try:
        from aiocloud.testing.serve import run_fake_cloud
    except ModuleNotFoundError as error:
        raise CloudError(f"the embedded clouds need {error.name}: pip install 'aiocloud[testing]'") from None
    if clouds_yaml is None:
        sys.stderr.write("aiocloud: with --clouds-yaml FILE there would be a clouds.yaml that reaches these clouds\n")
    await run_fake_cloud(port, clouds_yaml, lambda line: print(line, flush=True))
    return 0
