"""A cloud's objects through a web service: `uvicorn files:app`, then PUT and GET `/files/my-container/my-object`.

Nothing is held in whole: a slow visitor slows the cloud's answer, a slow cloud the visitor's upload. Whoever goes away ends it.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, TypedDict

import httpx2 as httpx
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse, StreamingResponse

import aiocloud
from aiocloud import AuthError, Cloud, CloudError


class State(TypedDict):
    cloud: Cloud


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[State]:
    async with aiocloud.connect() as cloud:
        yield {"cloud": cloud}


app = FastAPI(lifespan=lifespan)


@app.exception_handler(CloudError)
async def refused(_: Request, error: CloudError) -> JSONResponse:
    """What the cloud said, in its own status; 502 where it said nothing."""
    status = 401 if isinstance(error, AuthError) else error.status_code or 502
    return JSONResponse({"error": str(error)}, status)


async def visitor(request: Request) -> AsyncIterator[Cloud]:
    """The cloud as whoever asks: a token is the visitor's own, and without one nobody is let in."""
    token = request.headers.get("x-auth-token")
    if not token:
        raise HTTPException(401, "X-Auth-Token is missing")
    cloud: Cloud = request.state.cloud
    async with cloud.connect_as(token=token) as theirs:
        yield theirs


TheirCloud = Annotated[Cloud, Depends(visitor)]


async def opened(container: str, name: str, request: Request, cloud: TheirCloud) -> AsyncIterator[httpx.Response]:
    """The object, or the range of it that was asked for, open until the visitor has it all, however long that takes."""
    asked = {key: request.headers.get(key) for key in ("range", "if-range", "if-match", "if-none-match")}
    async with cloud.object_store.objects(container).open(name, headers=asked, deadline=math.inf) as answer:
        yield answer


@app.get("/files/{container}/{name:path}")
async def download(answer: Annotated[Any, Depends(opened)]) -> StreamingResponse:
    told = ("content-type", "content-length", "content-range", "accept-ranges", "etag", "last-modified")
    headers = {key: answer.headers[key] for key in told if key in answer.headers}
    return StreamingResponse(answer.aiter_raw(), answer.status_code, headers=headers)


@app.put("/files/{container}/{name:path}", status_code=201)
async def upload(container: str, name: str, request: Request, cloud: TheirCloud) -> dict[str, Any]:
    """The body as it comes, in segments where it is large; a visitor who goes away leaves nothing behind."""
    made = await cloud.create_object(container, name, data=request.stream())
    return {"name": made.name, "bytes": made.content_length}
