"""Who may do what in swift: the project itself, readers of public containers, holders of temporary URLs.

API: https://docs.openstack.org/swift/latest/api/temporary_url_middleware.html
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Iterator
from datetime import datetime
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from aiocloud.testing.http import Fail, Req

if TYPE_CHECKING:
    from aiocloud.testing.swift import Swift

DIGESTS = {40: "sha1", 64: "sha256", 128: "sha512"}
NAMED_DIGESTS = ("sha1", "sha256", "sha512")
READS = frozenset({"GET", "HEAD"})


def check_access(swift: Swift, req: Req) -> None:
    """A `Fail` with 401 or 403 unless the caller may do this."""
    if signed(req):
        check_temp_url(swift, req)
        return
    account = req.args["account"]
    if req.who is not None and (account == f"AUTH_{req.project_id}" or req.is_admin):
        return
    if listed(swift, req):
        return
    raise Fail(401 if req.who is None else 403, "")


def signed(req: Req) -> bool:
    """Whether this is a temporary URL."""
    return req.get("temp_url_sig") is not None or req.get("temp_url_expires") is not None


def listed(swift: Swift, req: Req) -> bool:
    """Whether the container's access list lets the caller in."""
    account = swift.accounts.get(req.args["account"])
    container = account.containers.get(req.args.get("container", "")) if account else None
    if container is None:
        return False
    kind = "read" if req.method in READS else "write"
    rules = [rule.strip() for rule in container.headers.get(f"x-container-{kind}", "").split(",")]
    projects = [rule.partition(":")[0] for rule in rules if rule and not rule.startswith(".")]
    if req.who is not None and (req.project_id in projects or "*" in projects):
        return True
    if kind == "write" or not from_allowed_host(req.headers.get("referer", ""), rules):
        return False
    return "object" in req.args or ".rlistings" in rules


def from_allowed_host(referer: str, rules: list[str]) -> bool:
    """Whether the page that led here is on a host that the list names; the last rule that fits decides."""
    host, allowed = urlsplit(referer).hostname or "unknown", False
    for rule in rules:
        name = rule.removeprefix(".r:")
        named = name.removeprefix("-")
        if name != rule and (named in ("*", host) or (named.startswith(".") and host.endswith(named))):
            allowed = named == name
    return allowed


def clean_acl(header: str, value: str) -> str:
    """An access list as it is kept; a `Fail` with 400 for one that says nothing."""
    rules: list[str] = []
    for rule in filter(None, (each.strip() for each in value.split(","))):
        kind, colon, host = (each.strip() for each in rule.partition(":"))
        if not colon or not kind.startswith("."):
            rules.append(rule)
            continue
        if kind not in (".r", ".ref", ".referer", ".referrer"):
            raise Fail(400, f"Unknown designator {kind!r} in ACL: {rule!r}", "plain")
        if header == "x-container-write":
            raise Fail(400, f"Referrers not allowed in write ACL: {rule!r}", "plain")
        named = host.removeprefix("-").strip()
        named = named if named == "*" else named.removeprefix("*").strip()
        if named in ("", "."):
            raise Fail(400, f"No host/domain value after referrer designation in ACL: {rule!r}", "plain")
        rules.append(f".r:{'-' if host.startswith('-') else ''}{named}")
    return ",".join(rules)


def check_temp_url(swift: Swift, req: Req) -> None:
    """A `Fail` with 401 unless the signature is one of this account's or container's keys and not expired."""
    signature, expires = req.get("temp_url_sig") or "", read_expiry(req.get("temp_url_expires") or "")
    digest, signature = read_signature(signature)
    if swift.as_ceph and digest != "sha1":
        raise Fail(401, "Temp URL invalid", "tempurl")
    if digest is None or expires <= swift.region.clock.now() or not req.args.get("object", ""):
        raise Fail(401, "Temp URL invalid", "tempurl")
    whence = req.get("temp_url_ip_range")
    if whence is not None and not within(whence):
        raise Fail(401, "Temp URL invalid", "tempurl")
    prefix = req.get("temp_url_prefix")
    below = req.path if prefix is None else f"prefix:/v1/{req.args['account']}/{req.args['container']}/{prefix}"
    if prefix is not None and not req.args.get("object", "").startswith(prefix):
        raise Fail(401, "Temp URL invalid", "tempurl")
    # What a client signs is the path of the URL that it knows; behind a proxy swift knows only its own part.
    mount = req.base.removeprefix(req.root)
    whole = mount + below if prefix is None else f"prefix:{mount}{below.removeprefix('prefix:')}"
    methods = (req.method, "GET", "PUT", "POST") if req.method == "HEAD" else (req.method,)
    for key in keys(swift, req):
        for method in methods:
            for path in {below, whole, unquote(below), unquote(whole)}:
                words = f"{method}\n{int(expires)}\n{path}".encode()
                words = words if whence is None else f"ip={whence}\n".encode() + words
                if hmac.compare_digest(hmac.new(key.encode(), words, digest).hexdigest(), signature):
                    check_headers(req)
                    return
    raise Fail(401, "Temp URL invalid", "tempurl")


def within(network: str) -> bool:
    """Whether whoever asks is in this network; for the fake everybody is on this machine."""
    try:
        return ip_address("127.0.0.1") in ip_network(network)
    except ValueError:
        return False


def check_headers(req: Req) -> None:
    """A `Fail` with 400 for headers by which an upload would show what its signer did not mean to show."""
    for name in ("x-object-manifest", "x-symlink-target", "x-copy-from"):
        if req.method in ("PUT", "POST") and name in req.headers:
            raise Fail(400, f"The header {name.title()!r} is not allowed in this tempurl", "plain")


def keys(swift: Swift, req: Req) -> Iterator[str]:
    """The keys that signatures may be made with."""
    account = swift.accounts.get(req.args["account"])
    if account is None:
        return
    container = account.containers.get(req.args.get("container", ""))
    for number in ("", "-2"):
        for headers, kind in ((account.headers, "account"), (container.headers if container else {}, "container")):
            key = headers.get(f"x-{kind}-meta-temp-url-key{number}")
            if key:
                yield key


def read_expiry(text: str) -> float:
    """Seconds since 1970, from a number or an ISO 8601 date in UTC; 0 for anything else."""
    if text.isdigit():
        return float(text)
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return 0.0


def read_signature(text: str) -> tuple[str | None, str]:
    """The digest's name and the signature in hexadecimal: "abc..." or "sha512:base64..."."""
    name, colon, encoded = text.partition(":")
    if not colon:
        return DIGESTS.get(len(text)), text.lower()
    if name not in NAMED_DIGESTS:
        return None, ""
    try:
        padded = encoded.replace("-", "+").replace("_", "/") + "=" * (-len(encoded) % 4)
        return name, base64.b64decode(padded).hex()
    except (binascii.Error, ValueError):
        return None, ""
