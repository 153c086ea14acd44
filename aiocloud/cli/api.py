"""`aiocloud api`: one raw request, with the login, the URL and the retries taken care of."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import anyio
from cyclopts import Parameter

from aiocloud._http import httpx
from aiocloud.cli.everywhere import everywhere
from aiocloud.cli.options import Where
from aiocloud.cli.output import clean, jmespath, to_json, write
from aiocloud.cloud import Cloud
from aiocloud.errors import InvalidRequest
from aiocloud.fleet import Done

__all__ = ["api"]


async def api(
    service: str,
    method: str,
    path: str,
    /,
    *,
    body: Annotated[str | None, Parameter(help="JSON, or @FILE, or @- for standard input.")] = None,
    header: Annotated[list[str] | None, Parameter(help="`Name: value`; several times.", negative_iterable=())] = None,
    microversion: Annotated[str | None, Parameter(help="By default the configured one, else none.")] = None,
    include: Annotated[
        bool, Parameter(name=["--include", "-i"], negative="", help="Write status and headers too.")
    ] = False,
    query: Annotated[str | None, Parameter(help="A JMESPath expression that the JSON goes through first.")] = None,
    where: Where | None = None,
) -> int:
    """Send one request to a service and write what it answers.

    SERVICE is a type in the catalog (compute, network, dns, ...); PATH begins after the version: /servers?limit=5.
    """
    where = where or Where()
    if query is not None:
        jmespath(query)  # wrong ones are told before anything is sent
    sent = await _body(body)
    headers = dict(_header(line) for line in header or [])
    if not path.startswith("/"):
        path = f"/{path}"

    async def verb(cloud: Cloud) -> httpx.Response:
        endpoint = cloud.rest(service).endpoint
        return await endpoint.request(method.upper(), path, json=sent, headers=headers, microversion=microversion)

    def tell(done: Done[httpx.Response]) -> None:
        response = done.value
        if where.many:
            write(f"{clean(done.cloud.where)}:\n")
        if include:
            lines = [
                f"{response.status_code} {response.reason_phrase}",
                *(f"{k}: {v}" for k, v in response.headers.items()),
            ]
            write("".join(f"{clean(line)}\n" for line in lines) + "\n")
        write(_told(response, query))

    return await everywhere(where, verb, tell)


async def _body(text: str | None) -> Any:
    if text is None:
        return None
    source = text
    if text == "@-":
        source = await anyio.to_thread.run_sync(sys.stdin.read)
    elif text.startswith("@"):
        source = await anyio.Path(text[1:]).read_text(encoding="utf-8")
    try:
        return json.loads(source)
    except ValueError as error:
        raise InvalidRequest(f"--body is no JSON: {error}") from None


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not name.strip():
        raise InvalidRequest(f"--header wants `Name: value`, not {line!r}")
    return name.strip(), value.strip()


def _told(response: httpx.Response, query: str | None) -> str:
    if not response.content:
        return ""
    try:
        data = response.json()
    except ValueError:
        return "".join(f"{clean(line)}\n" for line in response.text.splitlines())
    return to_json(data if query is None else jmespath(query)(data), indent=2) + "\n"
