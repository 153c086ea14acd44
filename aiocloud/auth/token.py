"""A login's result: who we are, until when, and where the services are.

Pure: `parse_token` reads Keystone's answer, `Token.dump` and `load_token` write it down for other processes and
read it back. Keystone: https://docs.openstack.org/api-ref/identity/v3/#authentication-and-token-management
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal

from pydantic import SecretStr

from aiocloud._json import is_array, load_json, mapping, mappings
from aiocloud.errors import NormalizationError

__all__ = [
    "Catalog",
    "CatalogEntry",
    "Named",
    "Scheme",
    "ServiceProvider",
    "Token",
    "load_token",
    "parse_token",
    "texts",
]

Scheme = Literal["token", "bearer", "basic", "none"]

SUBJECT_TOKEN = "X-Subject-Token"  # noqa: S105 - a header's name
UNKNOWN_LIFE = 3600.0  # seconds that a token is taken to live when the cloud does not say


@dataclass(frozen=True, slots=True)
class Named:
    """A project, user or domain as the token names it."""

    id: str | None = None
    name: str | None = None
    domain_id: str | None = None
    domain_name: str | None = None


@dataclass(frozen=True, slots=True)
class ServiceProvider:
    """Another cloud that trusts this one (Keystone-to-Keystone)."""

    id: str
    auth_url: str
    sp_url: str


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """One URL of one service: a line of the catalog. `interface` is public, internal or admin."""

    type: str
    name: str | None
    region: str | None
    interface: str
    url: str


@dataclass(frozen=True, slots=True)
class Catalog:
    """The services of a cloud in all its regions. `everywhere` is the one URL of a cloud that has no catalog."""

    entries: tuple[CatalogEntry, ...] = ()
    everywhere: str | None = None

    def __iter__(self) -> Iterator[CatalogEntry]:
        return iter(self.entries)

    def find(
        self,
        types: tuple[str, ...],
        *,
        interfaces: tuple[str, ...] = ("public",),
        region: str | None = None,
        service_name: str | None = None,
    ) -> str | None:
        """The URL of a service, or None.

        `types` are the service type and its aliases, the best first: a type that has any suitable endpoint wins over
        the next one. Within a type the first of `interfaces` that has an endpoint wins. No region: any region.
        """
        if self.everywhere:
            return self.everywhere
        wanted = [normal_interface(interface) for interface in interfaces]
        for type_ in types:
            suitable = [e for e in self.entries if e.type == type_ and _is_in(e, region) and _is_named(e, service_name)]
            for interface in wanted:
                for entry in suitable:
                    if entry.interface == interface:
                        return entry.url
        return None

    def regions(self, types: tuple[str, ...] | None = None) -> tuple[str, ...]:
        """The regions that have any of these services (or any service at all), in the catalog's order."""
        names = (e.region for e in self.entries if e.region and (types is None or e.type in types))
        return tuple(dict.fromkeys(names))

    def types(self, region: str | None = None) -> tuple[str, ...]:
        """The service types offered in a region (or anywhere), in the catalog's order."""
        return tuple(dict.fromkeys(e.type for e in self.entries if _is_in(e, region)))


@dataclass(frozen=True)
class Token:
    """What a login gave. `headers()` is what makes a request authenticated; `lifetime` is in seconds, None is for ever.

    The life is the difference of the cloud's own two times, so neither its clock nor ours needs to be right.
    """

    value: SecretStr
    issued_at: datetime | None = None
    expires_at: datetime | None = None
    catalog: Catalog = field(default_factory=Catalog, repr=False)
    project: Named | None = None
    domain: Named | None = None
    user: Named | None = None
    roles: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    system: bool = False
    trust_id: str | None = None
    scheme: Scheme = "token"
    claims: Mapping[str, str] = field(default_factory=lambda: dict[str, str]())
    service_providers: tuple[ServiceProvider, ...] = field(default=(), repr=False)

    @property
    def lifetime(self) -> float | None:
        """Seconds from issue to expiry; None when it never expires."""
        if self.expires_at is None:
            return None
        if self.issued_at is None:
            return UNKNOWN_LIFE
        return (self.expires_at - self.issued_at).total_seconds()

    @property
    def text(self) -> str:
        """The token itself: a secret."""
        return self.value.get_secret_value()

    def headers(self) -> dict[str, str]:
        """The headers of a request that carries this login."""
        match self.scheme:
            case "token":
                own = {"X-Auth-Token": self.text}
            case "bearer":
                own = {"X-Auth-Token": self.text, "Authorization": f"Bearer {self.text}"}
            case "basic":
                own = {"Authorization": f"Basic {self.text}"}
            case "none":
                own = dict[str, str]()
        return {**own, **self.claims}

    def dump(self) -> str:
        """The token as text that `load_token` reads back. It contains the secret: keep it where only we can read."""
        return json.dumps({"value": self.text, "scheme": self.scheme, "token": _wire(self)})


def parse_token(body: bytes, headers: Mapping[str, str], *, where: str, scheme: Scheme = "token") -> Token:
    """Read the answer of `POST /v3/auth/tokens` (or `GET`); NormalizationError when it is not one.

    `where` names the URL in errors. Catalog lines without a type or URL are passed over.
    """
    value = _header(headers, SUBJECT_TOKEN)
    if not value:
        raise NormalizationError(
            f"{where} answered a login without the header {SUBJECT_TOKEN}: is a Keystone there? Check auth_url"
        )
    document = mapping(load_json(body, where))
    token = mapping(document.get("token"))
    if not token:
        raise NormalizationError(f"{where} answered a login without a token in the body")
    return _read(token, value, scheme, _date(headers))


def load_token(text: str) -> Token:
    """Read what `Token.dump` wrote; NormalizationError when it is something else."""
    kept = mapping(load_json(text.encode(), "the token store"))
    value, scheme = kept.get("value"), kept.get("scheme")
    if not isinstance(value, str) or not value or scheme not in ("token", "bearer"):
        raise NormalizationError("the token store holds something that is not a token")
    return _read(mapping(kept.get("token")), value, "bearer" if scheme == "bearer" else "token", None)


def normal_interface(interface: str) -> str:
    """`publicURL` is an old spelling of `public`."""
    return interface.removesuffix("URL")


def _read(token: Mapping[str, Any], value: str, scheme: Scheme, answered_at: datetime | None) -> Token:
    trust = mapping(token.get("OS-TRUST:trust"))
    return Token(
        value=SecretStr(value),
        issued_at=_time(token.get("issued_at")) or answered_at,
        expires_at=_time(token.get("expires_at")),
        catalog=Catalog(tuple(_entries(token.get("catalog")))),
        project=_named(token.get("project")),
        domain=_named(token.get("domain")),
        user=_named(token.get("user")),
        roles=tuple(_names(mappings(token.get("roles")), "name")),
        methods=texts(token.get("methods")),
        system=bool(token.get("system")),
        trust_id=_text(trust.get("id")),
        scheme=scheme,
        service_providers=tuple(_providers(token.get("service_providers"))),
    )


def _entries(catalog: object) -> Iterator[CatalogEntry]:
    for service in mappings(catalog):
        type_ = _text(service.get("type"))
        if not type_:
            continue
        name = _text(service.get("name"))
        for endpoint in mappings(service.get("endpoints")):
            url = _text(endpoint.get("url"))
            if not url:
                continue
            region = _text(endpoint.get("region_id")) or _text(endpoint.get("region"))
            interface = normal_interface(_text(endpoint.get("interface")) or "public")
            yield CatalogEntry(type_, name, region, interface, url)


def _providers(providers: object) -> Iterator[ServiceProvider]:
    for provider in mappings(providers):
        id_, auth_url, sp_url = (_text(provider.get(key)) for key in ("id", "auth_url", "sp_url"))
        if id_ and auth_url and sp_url:
            yield ServiceProvider(id_, auth_url, sp_url)


def _wire(token: Token) -> dict[str, Any]:
    """The token in Keystone's own shape, so that one reader serves both."""
    named = {"project": token.project, "domain": token.domain, "user": token.user}
    return {
        "issued_at": token.issued_at and token.issued_at.isoformat(),
        "expires_at": token.expires_at and token.expires_at.isoformat(),
        **{key: _wire_named(value) for key, value in named.items()},
        "roles": [{"name": role} for role in token.roles],
        "methods": list(token.methods),
        "system": {"all": True} if token.system else None,
        "OS-TRUST:trust": {"id": token.trust_id} if token.trust_id else None,
        "catalog": [
            {
                "type": entry.type,
                "name": entry.name,
                "endpoints": [{"region": entry.region, "interface": entry.interface, "url": entry.url}],
            }
            for entry in token.catalog
        ],
        "service_providers": [
            {"id": p.id, "auth_url": p.auth_url, "sp_url": p.sp_url} for p in token.service_providers
        ],
    }


def _wire_named(value: Named | None) -> dict[str, Any] | None:
    if value is None:
        return None
    return {"id": value.id, "name": value.name, "domain": {"id": value.domain_id, "name": value.domain_name}}


def _named(value: object) -> Named | None:
    wire = mapping(value)
    if not wire:
        return None
    domain = mapping(wire.get("domain"))
    return Named(_text(wire.get("id")), _text(wire.get("name")), _text(domain.get("id")), _text(domain.get("name")))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _names(items: Iterable[Mapping[str, Any]], key: str) -> Iterator[str]:
    return (item[key] for item in items if isinstance(item.get(key), str))


def texts(value: object) -> tuple[str, ...]:
    """The texts in a JSON array."""
    return tuple(item for item in value if isinstance(item, str)) if is_array(value) else ()


def _time(value: object) -> datetime | None:
    text = _text(value)
    return _moment(datetime.fromisoformat, text) if text else None


def _date(headers: Mapping[str, str]) -> datetime | None:
    text = _header(headers, "Date")
    return _moment(parsedate_to_datetime, text) if text else None


def _moment(read: Callable[[str], datetime], text: str) -> datetime | None:
    try:
        moment = read(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _header(headers: Mapping[str, str], name: str) -> str | None:
    found = (value for key, value in headers.items() if key.lower() == name.lower())
    return next(found, None)


def _is_in(entry: CatalogEntry, region: str | None) -> bool:
    return region is None or entry.region == region


def _is_named(entry: CatalogEntry, service_name: str | None) -> bool:
    return service_name is None or entry.name is None or entry.name == service_name
