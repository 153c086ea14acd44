"""Keystone's part in a federated login, played where there is no Keystone: what it is shown, it asks the provider about."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import flask

from aiocloud._http import httpx
from tests.auth.helper import wire_token
from tests.conformance.keystone import Keystone
from tests.conformance.oidc_provider import CLIENT, SECRET, served


def application(issuer: str, url: str) -> flask.Flask:
    """Three calls of the identity API."""
    app = flask.Flask("keystone")
    known: dict[str, tuple[str, str | None]] = {}

    def issue(user: str, project: str | None) -> flask.Response:
        token = secrets.token_hex(8)
        known[token] = (user, project)
        return describe(token, 201)

    def describe(token: str, status: int) -> flask.Response:
        if token not in known:
            return refuse()
        user, project = known[token]
        endpoint = {"interface": "public", "region_id": "RegionOne", "url": f"{url}/v3"}
        catalog = [{"type": "identity", "name": "keystone", "endpoints": [endpoint]}]
        scope: dict[str, Any] = {"project": {"id": "p1", "name": project}, "catalog": catalog} if project else {}
        person = {"id": "u1", "name": user, "domain": {"id": "acme", "name": "acme"}}
        answer = flask.jsonify(wire_token(**{"user": person, "project": None, "catalog": [], **scope}))
        answer.headers["X-Subject-Token"] = token
        answer.status_code = status
        return answer

    def refuse() -> flask.Response:
        answer = flask.jsonify({"error": {"code": 401, "message": "The request requires authentication."}})
        answer.status_code = 401
        return answer

    @app.post("/v3/OS-FEDERATION/identity_providers/acme/protocols/openid/auth")
    def federated() -> flask.Response:
        bearer = flask.request.headers["Authorization"].removeprefix("Bearer ")
        asked = httpx.post(f"{issuer}/introspect", data={"token": bearer}, auth=(CLIENT, SECRET)).json()
        return issue(asked["sub"], None) if asked["active"] else refuse()

    @app.post("/v3/auth/tokens")
    def rescope() -> flask.Response:
        auth = flask.request.get_json()["auth"]
        unscoped = known.get(auth["identity"]["token"]["id"])
        return issue(unscoped[0], auth["scope"]["project"]["name"]) if unscoped else refuse()

    @app.get("/v3/auth/tokens")
    def whose() -> flask.Response:
        return describe(flask.request.headers["X-Subject-Token"], 200)

    return app


@contextmanager
def played_keystone(home: Path, issuer: str) -> Iterator[Keystone]:
    """Serve it on 127.0.0.1."""
    with served(lambda url: application(issuer, url)) as url:
        yield Keystone(home, url, None)
