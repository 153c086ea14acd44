"""A web service over all your clouds: `uvicorn app:app`, then `GET /servers/my-server`.

The fleet is opened once, in the lifespan, and shared by every request: one login per cloud, however many visitors.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypedDict

from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse

import aiocloud
from aiocloud import Cloud, Done, Fleet
from aiocloud.fleet import Outcome
from aiocloud.services.compute.server import Server


class State(TypedDict):
    fleet: Fleet


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[State]:
    async with aiocloud.connect_all(app_name="finder", app_version="1.0") as fleet:
        yield {"fleet": fleet.with_options(timeout=10)}


app = FastAPI(lifespan=lifespan)


def report(outcome: Outcome[list[Server]]) -> dict[str, Any]:
    """One cloud's answer as JSON: its servers, or why there are none."""
    where = {"cloud": outcome.cloud.name, "region": outcome.cloud.region_name}
    if isinstance(outcome, Done):
        servers = [{"id": s.id, "name": s.name, "status": s.status, "address": s.public_v4} for s in outcome.value]
        return {**where, "servers": servers}
    return {**where, "error": str(outcome.error)}


@app.get("/servers/{name}")
async def find(name: str, request: Request) -> list[dict[str, Any]]:
    """Look in every cloud at once; a cloud that fails says so in its place."""
    fleet: Fleet = request.state.fleet
    return [report(outcome) for outcome in await fleet.map(Cloud.search_servers, name)]


@app.get("/servers/{name}/stream")
async def stream(name: str, request: Request) -> StreamingResponse:
    """The same, a JSON line per cloud as each one answers."""
    fleet: Fleet = request.state.fleet

    async def lines() -> AsyncIterator[str]:
        async with fleet.stream(Cloud.search_servers, name) as outcomes:
            async for outcome in outcomes:
                yield json.dumps(report(outcome)) + "\n"

    return StreamingResponse(lines(), media_type="application/x-ndjson")
