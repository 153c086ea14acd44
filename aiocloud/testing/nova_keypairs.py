"""/os-keypairs, with keys that really fit each other."""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from typing import TYPE_CHECKING, Any

from aiocloud.testing.http import Fail, Reply, Req, paginate
from aiocloud.testing.state import Wire, stamp

if TYPE_CHECKING:
    from aiocloud.testing.nova import Nova


class Keypairs:
    """A user's key pairs."""

    def __init__(self, nova: Nova) -> None:
        self.nova = nova
        self._count = 0
        add = nova.routes.add
        add("GET", "/v2.1/os-keypairs", self.index)
        add("POST", "/v2.1/os-keypairs", self.create)
        add("GET", "/v2.1/os-keypairs/{name}", self.show)
        add("DELETE", "/v2.1/os-keypairs/{name}", self.delete)

    def _owner(self, req: Req) -> str:
        user_id = req.get("user_id") if req.version >= (2, 10) else None
        if user_id not in {None, req.token.user_id}:
            self.nova.allow(req, "os_compute_api:os-keypairs:index")
        return user_id or req.token.user_id

    def _find(self, req: Req) -> tuple[tuple[str, str], Wire]:
        key = self._owner(req), req.args["name"]
        if key not in self.nova.keypairs:
            raise Fail(404, f"Keypair {key[1]} not found for user {key[0]}")
        return key, self.nova.keypairs[key]

    async def index(self, req: Req) -> Reply:
        """GET /os-keypairs."""
        owner = self._owner(req)
        mine = sorted(
            (wire for (user, _), wire in self.nova.keypairs.items() if user == owner), key=lambda k: k["name"]
        )
        names = ("name", "public_key", "fingerprint", *(["type"] if req.version >= (2, 2) else []))
        body: Wire = {}
        if req.version >= (2, 35):
            page = paginate(req, mine, page_size=self.nova.region.knobs.page_size, key="name")
            mine = page.items
            if page.next_query is not None:
                body["keypairs_links"] = page.links(req)
        return Reply.json({"keypairs": [{"keypair": {name: one[name] for name in names}} for one in mine], **body})

    async def show(self, req: Req) -> Reply:
        """GET /os-keypairs/{name}."""
        wire = self._find(req)[1]
        return Reply.json(
            {"keypair": {name: one for name, one in wire.items() if name != "type" or req.version >= (2, 2)}}
        )

    async def delete(self, req: Req) -> Reply:
        """DELETE /os-keypairs/{name}."""
        del self.nova.keypairs[self._find(req)[0]]
        return Reply(204 if req.version >= (2, 2) else 202)

    async def create(self, req: Req) -> Reply:
        """POST /os-keypairs: without a public key nova makes a pair, up to 2.91."""
        given = await req.member("keypair")
        start = f"Invalid input for field/attribute keypair. Value: {given}."
        for name in ("name", *(["public_key"] if req.version >= (2, 92) else [])):
            if not given.get(name):
                raise Fail(400, f"{start} '{name}' is a required property")
        owner = req.token.user_id
        if req.version >= (2, 10) and given.get("user_id"):
            owner = given["user_id"]
        self._check(req, owner, given["name"])
        private_key, public_key = "", given.get("public_key")
        if not public_key:
            private_key, public_key = make_rsa()
        self._count += 1
        wire: Wire = {
            "name": given["name"],
            "public_key": public_key,
            "fingerprint": fingerprint(public_key),
            "user_id": owner,
            "created_at": stamp(self.nova.region.clock.now(), suffix="", micro=True),
            "deleted": False,
            "deleted_at": None,
            "id": self._count,
            "updated_at": None,
            "type": given.get("type", "ssh"),
        }
        self.nova.keypairs[owner, wire["name"]] = wire
        shown = {name: wire[name] for name in ("name", "public_key", "fingerprint", "user_id")}
        if req.version >= (2, 2):
            shown["type"] = wire["type"]
        if private_key:
            shown["private_key"] = private_key
        return Reply.json({"keypair": shown}, 201 if req.version >= (2, 2) else 200)

    def _check(self, req: Req, owner: str, name: str) -> None:
        if (owner, name) in self.nova.keypairs:
            raise Fail(409, f"Key pair '{name}' already exists.")
        limit = self.nova.region.quota(req.project_id, "key_pairs", 100)
        if 0 <= limit <= sum(user == owner for user, _ in self.nova.keypairs):
            raise Fail(403, "Maximum number of key pairs exceeded")


def fingerprint(public_key: str) -> str:
    """The MD5 of a public key in OpenSSH's form, as nova shows it."""
    try:
        blob = base64.b64decode(public_key.split()[1], validate=True)
    except (IndexError, binascii.Error):
        raise Fail(400, "Keypair data is invalid: failed to generate fingerprint") from None
    return hashlib.md5(blob, usedforsecurity=False).digest().hex(":")


def make_rsa(bits: int = 1024) -> tuple[str, str]:
    """A private key in PEM (PKCS#1) and its public key: right, and far too small for anything but tests."""
    e = 65537
    while True:
        p, q = _prime(bits // 2), _prime(bits // 2)
        if p != q and (p - 1) % e and (q - 1) % e:
            break
    n, d = p * q, pow(e, -1, (p - 1) * (q - 1))
    numbers = (0, n, e, d, p, q, d % (p - 1), d % (q - 1), pow(q, -1, p))
    body = b"".join(_der(2, _bytes(number)) for number in numbers)
    text = base64.encodebytes(_der(0x30, body)).decode().replace("\n", "")
    lines = "\n".join(text[i : i + 64] for i in range(0, len(text), 64))
    blob = b"".join(len(part).to_bytes(4, "big") + part for part in (b"ssh-rsa", _bytes(e), _bytes(n)))
    private_key = f"-----BEGIN RSA PRIVATE KEY-----\n{lines}\n-----END RSA PRIVATE KEY-----\n"
    return private_key, f"ssh-rsa {base64.b64encode(blob).decode()} Generated-by-Nova"


def _bytes(number: int) -> bytes:
    """Big-endian, with room for the sign."""
    return number.to_bytes(number.bit_length() // 8 + 1, "big")


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 128:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def _prime(bits: int) -> int:
    while True:
        number = secrets.randbits(bits) | (3 << (bits - 2)) | 1
        if all(number % small for small in (3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)) and _is_prime(number):
            return number


def _is_prime(number: int) -> bool:
    """Miller and Rabin's test."""
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for _ in range(20):
        x: Any = pow(secrets.randbelow(number - 3) + 2, odd, number)
        if x in {1, number - 1}:
            continue
        for _ in range(twos - 1):
            x = x * x % number
            if x == number - 1:
                break
        else:
            return False
    return True
