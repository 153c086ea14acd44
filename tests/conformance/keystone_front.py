"""Keystone behind the web server that federation needs; runs in the Python that Keystone is installed in.

Clouds use Apache for this: mod_ssl asks for the client's certificate, mod_auth_openidc has the bearer token looked up
at its provider, mod_shib takes the assertion of another Keystone. Keystone reads what they found in the environment of
the request. Here it is the standard library's server, and pysaml2, which Keystone itself brings.

usage: keystone_front.py SETTINGS.json, with OS_KEYSTONE_CONFIG_DIR set
"""

from __future__ import annotations

import base64
import json
import re
import secrets
import ssl
import sys
import urllib.request
from http.cookies import SimpleCookie
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from urllib.parse import urlencode
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer
from xml.etree import ElementTree

FEDERATED = re.compile(r"/v3/OS-FEDERATION/identity_providers/[^/]+/protocols/(?P<protocol>[^/]+)/auth")
ASSERTIONS = "/Shibboleth.sso/SAML2/ECP"
SHORT = {"commonName": "CN", "organizationName": "O", "organizationalUnitName": "OU", "userId": "UID"}


class Front:
    """The modules of the web server, as WSGI middleware."""

    def __init__(self, keystone: Any, settings: dict[str, Any]) -> None:
        self.keystone = keystone
        self.settings = settings
        self.sessions: dict[str, str] = {}

    def __call__(self, environ: dict[str, Any], start: Any) -> Any:
        path = environ["PATH_INFO"]
        if path == ASSERTIONS:
            return self.take_assertion(environ, start)
        if found := FEDERATED.fullmatch(path):
            who = self.bearer(environ) if found["protocol"] == "openid" else self.session(environ)
            if who is None:
                start("401 Unauthorized", [("WWW-Authenticate", "Bearer"), ("Content-Length", "0")])
                return [b""]
            environ.update(who)
        return self.keystone(environ, start)

    def bearer(self, environ: dict[str, Any]) -> dict[str, str] | None:
        """Whose bearer token this is, as the provider says (RFC 7662)."""
        kind, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        if kind != "Bearer":
            return None
        client = base64.b64encode(":".join(self.settings["client"]).encode()).decode()
        request = urllib.request.Request(
            f"{self.settings['issuer']}/introspect",
            data=urlencode({"token": token}).encode(),
            headers={"Authorization": f"Basic {client}"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            known = json.load(answer)
        return {"REMOTE_USER": known["sub"], "OIDC_ISS": self.settings["issuer"]} if known["active"] else None

    def session(self, environ: dict[str, Any]) -> dict[str, str] | None:
        """Whose assertion began this session."""
        cookie = SimpleCookie(environ.get("HTTP_COOKIE", "")).get("_shibsession")
        user = self.sessions.get(cookie.value) if cookie else None
        return {"REMOTE_USER": user, "Shib_Identity_Provider": self.settings["partner"]} if user else None

    def take_assertion(self, environ: dict[str, Any], start: Any) -> Any:
        """Begin a session with what another Keystone asserts, when its signature is right."""
        envelope = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])).decode()
        user = self.asserted(envelope)
        if user is None:
            start("403 Forbidden", [("Content-Length", "0")])
            return [b""]
        session = secrets.token_hex(16)
        self.sessions[session] = user
        headers = [
            ("Set-Cookie", f"_shibsession={session}; path=/; HttpOnly"),
            ("Location", "/"),
            ("Content-Length", "0"),
        ]
        start("302 Found", headers)
        return [b""]

    def asserted(self, envelope: str) -> str | None:
        from saml2 import BINDING_PAOS, BINDING_SOAP, saml, sigver, xmldsig
        from saml2.client import Saml2Client
        from saml2.config import SPConfig
        from saml2.response import StatusError
        from saml2.sigver import SignatureError

        here = f"{self.settings['url']}{ASSERTIONS}"
        config = SPConfig()
        service = {
            "endpoints": {"assertion_consumer_service": [(here, BINDING_PAOS)]},
            "allow_unsolicited": True,
            "want_assertions_signed": True,
            "want_response_signed": False,
        }
        config.load(
            {
                "entityid": here,
                "service": {"sp": service},
                "metadata": {"local": [self.settings["partner_metadata"]]},
                "allow_unknown_attributes": True,
            }
        )
        # Keystone's assertions have IDs that may begin with a digit. No XML schema allows it, and Shibboleth does not mind.
        sigver.validate_doc_with_schema = lambda document: None
        for prefix, module in (("saml", saml), ("xmldsig", xmldsig)):
            ElementTree.register_namespace(prefix, module.NAMESPACE)  # the prefixes are signed, too: they must stay
        try:
            answer = Saml2Client(config).parse_authn_request_response(envelope, BINDING_SOAP)
        except (SignatureError, StatusError) as error:
            print(f"assertion refused: {error!r}", file=sys.stderr)
            return None
        return str(answer.ava["openstack_user"][0]) if answer else None


class Handler(WSGIRequestHandler):
    """Adds what mod_ssl says of the client's certificate."""

    def get_environ(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environ()
        if binary := self.connection.getpeercert(binary_form=True):
            known = self.connection.getpeercert()
            environ["SSL_CLIENT_CERT"] = ssl.DER_cert_to_PEM_cert(binary)
            for name, part in (("SSL_CLIENT_S_DN", known["subject"]), ("SSL_CLIENT_I_DN", known["issuer"])):
                pairs = [(SHORT.get(key, key), value) for ((key, value),) in part]
                environ[name] = ",".join(f"{key}={value}" for key, value in reversed(pairs))
                environ.update({f"{name}_{key}": value for key, value in pairs})
        return environ


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


def main() -> None:
    settings = json.loads(Path(sys.argv[1]).read_text())
    del sys.argv[1:]  # Keystone reads what is left
    from keystone.wsgi.api import application

    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=settings["ca"])
    tls.load_cert_chain(settings["cert"])
    tls.verify_mode = ssl.CERT_OPTIONAL
    with Server(("127.0.0.1", settings["port"]), Handler) as server:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        server.set_app(Front(application, settings))
        server.serve_forever()


if __name__ == "__main__":
    main()
