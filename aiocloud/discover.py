"""Which URL and which versions a service has. Pure: version documents in, decisions out.

Services describe themselves in documents of many shapes (`versions` as a list, or under `values`, a single `version`,
or the version itself; microversions as `version`, `max_version` and `min_version`; links relative, empty, or naming a
host that only the cloud can see). A URL chosen here always keeps the catalog's scheme, host, port and project id.
https://specs.openstack.org/openstack/api-sig/guidelines/microversion_specification.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import SplitResult, urljoin, urlsplit

from aiocloud._json import is_array, mapping, mappings
from aiocloud.errors import InvalidRequest, NormalizationError, Unsupported

__all__ = [
    "Discovered",
    "Microversion",
    "Version",
    "candidates",
    "choose",
    "microversion",
    "negotiate",
    "undiscovered",
    "versions",
    "without_discovery",
]

VERSION = re.compile(r"v(\d+)(?:\.(\d+))?", re.ASCII)
UNVERSIONED = frozenset({"object-store"})  # no version document, and the catalog's URL is the account's
NO_MICROVERSIONS = {"network": "v2.0", "load-balancer": "v2.0", "image": "v2", "identity": "v3", "dns": "v2"}
FALLBACK = {**NO_MICROVERSIONS, "compute": "v2.1", "block-storage": "v3", "shared-file-system": "v2"}
RANK = {"CURRENT": 3, "STABLE": 3, "SUPPORTED": 2, "": 2, "DEPRECATED": 1, "EXPERIMENTAL": 0}


class Microversion(NamedTuple):
    """`2.79` as numbers, so that 2.9 is older than 2.10."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


@dataclass(frozen=True)
class Version:
    """One version in a document. `minimum` and `maximum` are microversions, None where the service has none."""

    number: Microversion
    status: str
    href: str | None
    minimum: Microversion | None = None
    maximum: Microversion | None = None


@dataclass(frozen=True)
class Discovered:
    """Where a service answers, and what it speaks there."""

    url: str
    version: Microversion | None = None
    minimum: Microversion | None = None
    maximum: Microversion | None = None


@dataclass(frozen=True)
class Parts:
    """A service's URL taken apart: origin and prefix, version segment, and what follows (a project id)."""

    base: str
    version: str | None
    tail: str

    def with_version(self, version: str | None) -> str:
        """The URL put together again, with this version; no slash at the end."""
        return "/".join(part for part in (self.base, version, self.tail) if part)


def microversion(text: str) -> Microversion:
    """`"2.79"` or `"v2.79"` or `"2"` as numbers; InvalidRequest for anything else."""
    match = VERSION.fullmatch(text if text.startswith("v") else f"v{text}")
    if match is None:
        raise InvalidRequest(f"{text!r} is not a version such as 2.79")
    return Microversion(int(match[1]), int(match[2] or 0))


def parts(url: str, project_id: str | None = None) -> Parts:
    """Take a catalog's URL apart. Without a version in it, a project id at the end is recognized by `project_id`."""
    split = _split(url)
    segments = [segment for segment in split.path.split("/") if segment]
    origin = f"{split.scheme}://{split.netloc}"
    for index in reversed(range(len(segments))):
        if VERSION.fullmatch(segments[index]):
            base = "/".join((origin, *segments[:index]))
            return Parts(base, segments[index], "/".join(segments[index + 1 :]))
    tail = segments[-1] if project_id and segments and segments[-1].endswith(project_id) else ""
    head = segments[:-1] if tail else segments
    return Parts("/".join((origin, *head)), None, tail)


def without_discovery(
    service_type: str, catalog_url: str, *, wanted: str | None = None, project_id: str | None = None
) -> Discovered | None:
    """The answer for services whose documents say nothing that we need: no request is spent on them. Else None.

    Object storage has no versions, and the others here have no microversions: the catalog's version (or the one that is
    wanted, or the only one that is alive) is right.
    """
    if service_type in UNVERSIONED:
        return Discovered(catalog_url.rstrip("/"))
    if service_type in NO_MICROVERSIONS:
        return undiscovered(service_type, catalog_url, wanted=wanted, project_id=project_id)
    return None


def undiscovered(
    service_type: str, catalog_url: str, *, wanted: str | None = None, project_id: str | None = None
) -> Discovered:
    """The best answer without a version document: the catalog's URL, completed by what is known of the service."""
    if service_type in UNVERSIONED:
        return Discovered(catalog_url.rstrip("/"))
    at = parts(catalog_url, project_id)
    usual = FALLBACK.get(service_type)
    segment = at.version or usual
    if wanted is not None and (segment is None or microversion(segment).major != microversion(wanted).major):
        same_major = usual is not None and microversion(usual).major == microversion(wanted).major
        segment = usual if same_major else f"v{wanted.removeprefix('v')}"
    return Discovered(at.with_version(segment), microversion(segment) if segment else None)


def candidates(catalog_url: str, project_id: str | None = None) -> tuple[str, ...]:
    """Where a service's version document may be, the likeliest first.

    The root has all versions and (unlike `/v3/` of cinder or `/v2.0/` of neutron) asks for no token; behind some front
    ends only the versioned URL reaches the service.
    """
    at = parts(catalog_url, project_id)
    versioned = (f"{at.base}/{at.version}/",) if at.version else ()
    return (f"{at.base}/", *versioned)


def versions(document: object) -> tuple[Version, ...]:
    """Every version in a version document, whichever its shape; empty when it is no version document."""
    return tuple(version for wire in _wire_versions(document) if (version := _version(wire)))


def choose(
    document: object,
    *,
    catalog_url: str,
    document_url: str | None = None,
    wanted: str | None = None,
    project_id: str | None = None,
) -> Discovered | None:
    """The version to talk to, and its URL; None when the document has no version that fits.

    `wanted` is a configured version: `2` takes the newest 2.x, `2.1` exactly that. Without it the version in the
    catalog's URL is taken, and without that the newest one that is current (then supported, then deprecated).
    """
    at = parts(catalog_url, project_id)
    offered = versions(document)
    fitting = [v for v in offered if _fits(v, wanted)] if wanted else _as_in_catalog(offered, at.version)
    if not fitting:
        return None
    best = max(fitting, key=lambda v: (RANK.get(v.status, 1), v.number))
    return Discovered(_url(best, at, document_url, catalog_url), best.number, best.minimum, best.maximum)


def negotiate(
    wanted: str | None,
    known_max: str | Microversion | None,
    server_min: Microversion | None,
    server_max: Microversion | None,
    *,
    what: str = "this",
) -> str | None:
    """The microversion to send, or None to send none.

    `wanted` is what somebody configured or a feature needs: it must lie between the server's, else Unsupported.
    `latest` is the server's newest. Without it: the newest that both sides know (`known_max` is
    the newest whose shape we know).
    """
    if server_max is None:
        if wanted is None or wanted == "latest":
            return None
        raise Unsupported(f"{what} needs microversion {wanted}; the service has no microversions")
    least = server_min or server_max
    if wanted == "latest":
        return str(server_max)
    if wanted is not None:
        if not least <= microversion(wanted) <= server_max:
            raise Unsupported(f"{what} needs microversion {wanted}; the service speaks {least} to {server_max}")
        return wanted
    if known_max is None:
        return None
    best = min(microversion(known_max) if isinstance(known_max, str) else known_max, server_max)
    return str(best) if best >= least else None


def _split(url: str) -> SplitResult:
    try:
        split = urlsplit(url)
        _ = split.port
    except ValueError as error:
        raise NormalizationError(f"{url!r} is not a URL: {error}") from None
    return split


def _wire_versions(document: object) -> Iterator[Mapping[str, Any]]:
    top = mapping(document)
    listed = top.get("versions")
    if listed is not None:
        yield from mappings(listed if is_array(listed) else mapping(listed).get("values"))
    elif "version" in top and mapping(top["version"]):
        # Ironic's /v1 says its id and links on top and its microversions inside.
        yield {**{key: top[key] for key in ("links", "id") if key in top}, **mapping(top["version"])}
    elif "id" in top:
        yield top


def _version(wire: Mapping[str, Any]) -> Version | None:
    number = _number(wire.get("id"))
    if number is None:
        return None
    links = [link for link in mappings(wire.get("links")) if link.get("rel", "self") == "self"]
    href = next((link["href"] for link in links if isinstance(link.get("href"), str)), None)
    minimum = _number(wire.get("min_version"))
    maximum = _number(wire.get("max_version")) or _number(wire.get("version"))
    if minimum is None or maximum is None:
        minimum = maximum = None
    return Version(number, str(wire.get("status") or "").upper(), href, minimum, maximum)


def _number(text: object) -> Microversion | None:
    match = VERSION.fullmatch(f"v{text.removeprefix('v')}") if isinstance(text, str) else None
    return Microversion(int(match[1]), int(match[2] or 0)) if match else None


def _fits(version: Version, wanted: str) -> bool:
    number = microversion(wanted)
    return version.number.major == number.major and ("." not in wanted or version.number == number)


def _as_in_catalog(offered: tuple[Version, ...], segment: str | None) -> list[Version]:
    """The versions that a catalog's URL may mean: exactly its own, else those of its major, else all."""
    number = _number(segment)
    if number is None:
        return list(offered)
    exactly = [v for v in offered if v.number == number and (not v.href or str(segment) in v.href)]
    return exactly or [v for v in offered if v.number.major == number.major]


def _url(version: Version, at: Parts, document_url: str | None, catalog_url: str) -> str:
    """The version's URL at the catalog's origin, with the catalog's project id."""
    if version.href == "":  # Placement: the root is the API
        return at.with_version(None)
    if version.href is None:
        return at.with_version(at.version or f"v{version.number.major}")
    try:
        link = parts(urljoin(document_url or f"{at.base}/", version.href))
    except (ValueError, NormalizationError):
        return at.with_version(at.version or f"v{version.number.major}")
    catalog = urlsplit(catalog_url)
    here = link.base if urlsplit(link.base).hostname == catalog.hostname else at.base
    prefix = urlsplit(here).path or urlsplit(at.base).path
    origin = f"{catalog.scheme}://{catalog.netloc}"
    return Parts(f"{origin}{prefix}", link.version, at.tail).with_version(link.version)
