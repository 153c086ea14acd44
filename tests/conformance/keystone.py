"""A Keystone of the tests' own: the real program, on SQLite, with TLS, behind `keystone_front.py`.

`AIOCLOUD_KEYSTONE_PYTHON` names the Python that it is installed in (`pip install keystone` in an environment of its
own; Debian's `xmlsec1` signs its assertions).
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trustme

import aiocloud
from aiocloud import Cloud

FRONT = Path(__file__).with_name("keystone_front.py")
PASSWORD = "admin-pw-canary"

CONFIG = """
[DEFAULT]
use_stderr = true
[database]
connection = sqlite:///{home}/keystone.sqlite
[fernet_tokens]
key_repository = {home}/tokens
[fernet_receipts]
key_repository = {home}/receipts
[credential]
key_repository = {home}/credentials
[auth]
methods = password,token,application_credential,totp,mapped,openid,saml2,x509
[federation]
trusted_dashboard = https://dashboard.example.test/
[openid]
remote_id_attribute = OIDC_ISS
[saml2]
remote_id_attribute = Shib_Identity_Provider
[tokenless_auth]
trusted_issuer = {issuer}
[oauth2]
oauth2_authn_methods = tls_client_auth,client_secret_basic
[saml]
certfile = {home}/saml.crt
keyfile = {home}/saml.key
idp_entity_id = {url}/v3/OS-FEDERATION/saml2/idp
idp_sso_endpoint = {url}/v3/OS-FEDERATION/saml2/sso
idp_metadata_path = {home}/metadata.xml
"""


def python() -> str:
    """The Python with a Keystone in it; skips the test where there is none."""
    command = os.environ.get("AIOCLOUD_KEYSTONE_PYTHON")
    if not command:
        pytest.skip("no Keystone to start: set AIOCLOUD_KEYSTONE_PYTHON to a Python that it is installed in")
    return command


@dataclass(frozen=True)
class Keystone:
    """Where one is, and how to log in."""

    home: Path
    url: str
    ca: Path | None

    def login(self, auth_type: str, *, cert: Path | None = None, **auth: Any) -> Cloud:
        """A connection that knows only these keys, and where the cloud is."""
        entry = {"auth_type": auth_type, "auth": {"auth_url": self.url, **auth}}
        files = {name: str(path) for name, path in (("cacert", self.ca), ("cert", cert)) if path}
        path = self.home / f"{secrets.token_hex(4)}.yaml"
        path.write_text(json.dumps({"clouds": {"login": {**entry, **files, "region_name": "RegionOne"}}}))
        return aiocloud.connect("login", config_files=[path])

    def admin(self) -> Cloud:
        return self.login("password", username="admin", password=PASSWORD, project_name="admin")


def distinguished(certificate: trustme.CA) -> str:
    """An authority's name as mod_ssl writes it."""
    from cryptography import x509

    known = x509.load_pem_x509_certificate(certificate.cert_pem.bytes())
    return known.subject.rfc4514_string()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Authorities:
    """Who signs the certificates of the servers, of those who log in without a token, and of OAuth2's clients.

    The last two must differ: a certificate that may replace a token is refused where the request names no project.
    """

    servers: trustme.CA
    tokenless: trustme.CA
    oauth2: trustme.CA


def lay_out(home: Path, url: str, authorities: Authorities) -> None:
    """Configuration, keys and certificates."""
    authority, issuer = authorities.servers, distinguished(authorities.tokenless)
    (home / "keystone.conf").write_text(CONFIG.format(home=home, url=url, issuer=issuer))
    for keys in ("tokens", "receipts", "credentials"):
        (home / keys).mkdir(mode=0o700)
        for number in ("0", "1"):
            (home / keys / number).write_bytes(base64.urlsafe_b64encode(secrets.token_bytes(32)))
    authority.cert_pem.write_to_path(str(home / "ca.pem"))
    for clients in (authorities.tokenless, authorities.oauth2):
        clients.cert_pem.write_to_path(str(home / "clients.pem"), append=True)
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(home / "server.pem"))
    signer = authority.issue_cert("saml.example.test", key_type=trustme.KeyType.RSA)  # Keystone signs with RSA
    signer.cert_chain_pems[0].write_to_path(str(home / "saml.crt"))
    signer.private_key_pem.write_to_path(str(home / "saml.key"))


def manage(command: str, home: Path, *arguments: str) -> bytes:
    """`keystone-manage`."""
    program = "import sys; from keystone.cmd.manage import main; sys.exit(main())"
    ask = [command, "-W", "ignore", "-c", program, "--config-dir", str(home), *arguments]
    done = subprocess.run(ask, capture_output=True, timeout=300, check=False)
    if done.returncode:
        raise RuntimeError(f"keystone-manage {arguments[0]}: {done.stderr.decode()[-2000:]}")
    return done.stdout


@contextmanager
def keystone(home: Path, authorities: Authorities, **settings: Any) -> Iterator[Keystone]:
    """Make a Keystone in the empty folder `home` and run it."""
    command, port = python(), free_port()
    made = Keystone(home, f"https://127.0.0.1:{port}", home / "ca.pem")
    lay_out(home, made.url, authorities)
    manage(command, home, "db_sync")
    public = f"{made.url}/v3"
    manage(
        command, home, "bootstrap", "--bootstrap-password", PASSWORD,
        "--bootstrap-public-url", public, "--bootstrap-region-id", "RegionOne",
    )  # fmt: skip
    (home / "metadata.xml").write_bytes(manage(command, home, "saml_idp_metadata") if shutil.which("xmlsec1") else b"")
    told = {
        "port": port,
        "url": made.url,
        "cert": str(home / "server.pem"),
        "ca": str(home / "clients.pem"),
        **settings,
    }
    (home / "settings.json").write_text(json.dumps(told))
    environment = {**os.environ, "OS_KEYSTONE_CONFIG_DIR": str(home)}
    with (home / "keystone.log").open("wb") as log:
        ask = [command, "-P", "-W", "ignore", str(FRONT), str(home / "settings.json")]
        server = subprocess.Popen(ask, env=environment, stdout=log, stderr=log, cwd=home)
        try:
            wait_until_it_answers(server, made, port)
            yield made
        finally:
            server.terminate()
            server.wait(20)


def wait_until_it_answers(server: subprocess.Popen[bytes], made: Keystone, port: int) -> None:
    trusting = ssl.create_default_context(cafile=str(made.ca))
    ends = time.monotonic() + 120
    while server.poll() is None and time.monotonic() < ends:
        try:
            with (
                socket.create_connection(("127.0.0.1", port), timeout=5) as plain,
                trusting.wrap_socket(plain, server_hostname="127.0.0.1"),
            ):
                return
        except OSError:
            time.sleep(0.1)
    server.kill()
    raise RuntimeError(f"Keystone did not start: {(made.home / 'keystone.log').read_text()[-2000:]}")
