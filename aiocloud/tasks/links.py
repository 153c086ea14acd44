"""Signed addresses, which let people without a login read or store objects for a while. The signing is pure.

API: https://docs.openstack.org/swift/latest/api/temporary_url_middleware.html
and https://docs.openstack.org/swift/latest/api/form_post_middleware.html
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit

from pydantic import SecretStr

from aiocloud.errors import InvalidRequest, Unsupported
from aiocloud.model import Which
from aiocloud.region import Region
from aiocloud.services.object_store.headers import container_path, object_path
from aiocloud.services.object_store.object import object_name

__all__ = ["FormSignature", "generate_form_signature", "generate_temp_url", "set_temp_url_key", "sign_form", "sign_url"]


def sign_url(
    key: str,
    path: str,
    expires: int,
    *,
    method: str = "GET",
    digest: str = "sha256",
    prefix: bool = False,
    ip_range: str | None = None,
) -> str:
    """The signature of a temporary URL for a path (`/v1/ACCOUNT/CONTAINER/OBJECT`, not quoted)."""
    what = f"prefix:{path}" if prefix else path
    whence = "" if ip_range is None else f"ip={ip_range}\n"
    return _sign(key, f"{whence}{method.upper()}\n{expires}\n{what}", digest)


def sign_form(
    key: str, path: str, redirect: str, max_size: int, max_count: int, expires: int, *, digest: str = "sha256"
) -> str:
    """The signature of a form that uploads to a path (`/v1/ACCOUNT/CONTAINER/PREFIX`)."""
    return _sign(key, f"{path}\n{redirect}\n{max_size}\n{max_count}\n{expires}", digest)


def _sign(key: str, text: str, digest: str) -> str:
    if not key:
        raise InvalidRequest("a signature needs a key: set_temp_url_key makes one")
    return hmac.new(key.encode(), text.encode(), digest).hexdigest()


@dataclass(frozen=True, slots=True)
class FormSignature:
    """What a form's fields `signature` and `expires` (seconds since 1970) hold, and the URL that it is sent to."""

    url: str
    expires: int
    signature: str


def _digest(feature: Mapping[str, Any] | None) -> str:
    """The best digest that a feature of the cloud takes.

    One that names none takes SHA-1 alone: Ceph's gateway, and Swift before 2.16. A cloud that hides what it can is taken for a
    usual one. https://docs.ceph.com/en/latest/radosgw/swift/tempurl/
    """
    if feature is None:
        return "sha256"
    allowed = feature.get("allowed_digests") or ["sha1"]
    return next((each for each in ("sha256", "sha512", "sha1") if each in allowed), "sha256")


async def _offered(cloud: Region, name: Literal["tempurl", "formpost"], what: str) -> Mapping[str, Any] | None:
    """What a cloud says of its signatures. Raises Unsupported where Swift itself says that it has none.

    Others, Ceph's gateway for one, have forms and don't say so: they sign as temporary URLs are signed.
    """
    can = await cloud.object_store.capabilities()
    found = can.formpost if name == "formpost" else can.tempurl
    if found is None and can.is_swift:
        raise Unsupported(f"the object store takes no {what} that are signed: its /info has no {name}")
    return can.tempurl if found is None else found


async def _key(cloud: Region, container: str, key: str | SecretStr | None) -> str:
    """The key given, else the container's, else the account's."""
    if given := _opened(key):
        return given
    container_keys, account_keys = (
        await cloud.object_store.containers.get(container),
        await cloud.object_store.account.get(),
    )
    for holder in (container_keys, account_keys):
        for found in (holder.temp_url_key, holder.temp_url_key_2):
            if found is not None and found.get_secret_value():
                return found.get_secret_value()
    raise InvalidRequest(f"neither container {container!r} nor the account has a key for signatures: set_temp_url_key")


async def set_temp_url_key(
    cloud: Region, container: Which | None = None, key: str | SecretStr | None = None
) -> SecretStr:
    """Set the key that signatures are made with, for a container or the whole account; a new random one if none is given.

    The key is given back. Whoever knows it can sign.
    """
    plain = _opened(key) or secrets.token_urlsafe(32)
    if container is None:
        await cloud.object_store.account.update({"temp-url-key": plain})
    else:
        name = cloud.object_store.objects(container).container
        await cloud.object_store.containers.update(name, metadata={"temp-url-key": plain})
    return SecretStr(plain)


def _opened(key: str | SecretStr | None) -> str:
    return key.get_secret_value() if isinstance(key, SecretStr) else key or ""


async def generate_temp_url(
    cloud: Region,
    container: Which,
    name: str,
    seconds: int,
    method: str = "GET",
    *,
    key: str | SecretStr | None = None,
    prefix: bool = False,
    filename: str | None = None,
    inline: bool = False,
    ip_range: str | None = None,
) -> str:
    """An address that works without a login for so many seconds. `prefix` signs all objects whose names begin so.

    `filename` is what a browser saves it as; `inline` lets it be shown instead. With `ip_range`, an address or a network
    such as `192.0.2.0/24`, it works from there alone. Raises InvalidRequest for a method that the cloud signs no URLs for.
    """
    if seconds < 1:
        raise InvalidRequest(f"seconds must be at least 1, not {seconds}")
    can = await _offered(cloud, "tempurl", "temporary URLs")
    _check_method(method, can)
    _check_range(ip_range)
    place, name = cloud.object_store.objects(container).container, object_name(name)
    url, account = await _account(cloud)
    path = container_path(place) + ("/" if prefix and not name else object_path(name))
    expires, plain = int(time.time()) + seconds, f"{account}/{place}/{name}"
    signature = sign_url(
        await _key(cloud, place, key),
        plain,
        expires,
        method=method,
        digest=_digest(can),
        prefix=prefix,
        ip_range=ip_range,
    )
    query: dict[str, str] = {"temp_url_sig": signature, "temp_url_expires": str(expires)}
    if prefix:
        query["temp_url_prefix"] = name
    if ip_range is not None:
        query["temp_url_ip_range"] = ip_range
    if filename:
        query["filename"] = filename
    return f"{url}{path}?{urlencode(query)}{'&inline' if inline else ''}"


def _check_method(method: str, feature: Mapping[str, Any] | None) -> None:
    """Raises InvalidRequest for a method that no temporary URL has: those that the cloud tells, else Swift's own."""
    signed = (feature or {}).get("methods") or ["GET", "HEAD", "PUT", "POST", "DELETE"]
    if method.upper() not in signed:
        raise InvalidRequest(f"the method of a temporary URL is {', '.join(signed)}, not {method!r}")


def _check_range(ip_range: str | None) -> None:
    if ip_range is None:
        return
    try:
        ip_network(ip_range, strict=False)
    except ValueError:
        raise InvalidRequest(f"ip_range is an address or a network, not {ip_range!r}") from None


async def generate_form_signature(
    cloud: Region,
    container: Which,
    object_prefix: str,
    redirect_url: str,
    max_file_size: int,
    max_upload_count: int,
    timeout: int,
    temp_url_key: str | SecretStr | None = None,
) -> FormSignature:
    """What an HTML form needs to upload files without a login; `timeout` is in seconds, `max_file_size` in bytes.

    Raises Unsupported where the cloud says that it takes no such forms.
    """
    for what, number in (
        ("max_file_size", max_file_size),
        ("max_upload_count", max_upload_count),
        ("timeout", timeout),
    ):
        if number < 1:
            raise InvalidRequest(f"{what} must be at least 1, not {number}")
    can = await _offered(cloud, "formpost", "forms")
    place = cloud.object_store.objects(container).container
    url, account = await _account(cloud)
    expires = int(time.time()) + timeout
    key = await _key(cloud, place, temp_url_key)
    path = f"{account}/{place}/{object_prefix}"
    signature = sign_form(key, path, redirect_url, max_file_size, max_upload_count, expires, digest=_digest(can))
    there = container_path(place) + (object_path(object_prefix) if object_prefix else "/")
    return FormSignature(f"{url}{there}", expires, signature)


async def _account(cloud: Region) -> tuple[str, str]:
    """The account's URL and its path, which is what is signed: from `/v1/` on, also behind a proxy's prefix."""
    url = (await cloud.object_store.endpoint.service()).url
    path = urlsplit(url).path
    return url, path[path.rfind("/v1/") :] if "/v1/" in path else path
