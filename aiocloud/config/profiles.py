"""Profiles: facts about a cloud that are true for everybody. From their text to a `Profile`. Pure.

A file in `profiles/` has `name`, `status` (active, deprecated, shutdown), `message` (why it is not active), `remote` (a
host that publishes its own profile), `regions` (name, location, values) and `values`: keys as in clouds.yaml, which are
used offline where there is a `remote`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from aiocloud.config import values
from aiocloud.config.document import Mapping, Node, Scalar, Sequence, Source, is_empty, overlay, parse, wrong
from aiocloud.config.keys import AUTH_URLS, canonical
from aiocloud.config.suggest import suggest
from aiocloud.errors import ConfigError

__all__ = ["Profile", "fetched_profile", "over", "public_profile", "read_profile", "read_regions", "well_known"]

_KEYS = ("name", "status", "message", "remote", "regions", "values", "notes")
# What a stranger's profile has no say in: how we check who answers, what files we read, what code we run.
_OURS = frozenset({"verify", "insecure", "cacert", "cert", "key", "vendor_hook", "profile", "cloud"})
_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})

Regions = dict[str, Mapping | None]


@dataclass(frozen=True, slots=True)
class Profile:
    """What a profile says. `values` and the regions' values are layers below the user's own."""

    name: str
    values: Mapping
    path: str = ""
    regions: Regions = field(default_factory=dict[str, "Mapping | None"])
    status: str = "active"
    message: str = ""
    remote: str | None = None


def read_profile(name: str, text: str, source: Source) -> Profile:
    """One of our own files."""
    tree = parse(text, source)
    if not isinstance(tree, Mapping):
        raise ConfigError("a profile is a mapping", file=source.name)
    for key, key_node, _ in tree.read(""):
        if key not in _KEYS:
            raise wrong(key_node, key, f"a profile has no such key (it has {', '.join(_KEYS)})")
    inside = tree.get("values")
    return Profile(
        name=name,
        values=inside if isinstance(inside, Mapping) else Mapping(source),
        path="values",
        **_facts(tree, ""),
    )


def public_profile(name: str, entry: Node, path: str) -> Profile:
    """An entry of clouds-public.yaml, or of a fetched profile: keys as in clouds.yaml, all on one level."""
    if not isinstance(entry, Mapping):
        raise values.unlike(entry, path, "a mapping of keys")
    kept = {
        key: pair
        for key, pair in entry.entries.items()
        if canonical(key) not in ("regions", "region_name", "status", "message", "profile")
    }
    own = Mapping(entry.source, entry.line, entry.column, kept, entry.twice)
    facts = _facts(entry, path)
    pointer = entry.get("profile")
    if pointer is not None:
        facts["remote"] = values.url(pointer, f"{path}.profile")
    return Profile(name=name, values=own, path=path, **facts)


def _facts(tree: Mapping, path: str) -> dict[str, Any]:
    dot = f"{path}." if path else ""
    found: dict[str, Any] = {}
    for key, read in (("status", values.status), ("message", values.word), ("remote", values.url)):
        node = tree.get(key)
        if node is not None:
            found[key] = read(node, f"{dot}{key}")
    regions = tree.get("regions")
    alone = tree.get("region_name")
    if regions is not None:
        found["regions"] = read_regions(regions, f"{dot}regions")
    elif alone is not None:
        found["regions"] = read_regions(alone, f"{dot}region_name")
    return found


def read_regions(node: Node, path: str) -> Regions:
    """A list of names or of `{name, values}`; one text with commas is the old way."""
    if isinstance(node, Scalar):
        return dict.fromkeys(values.names(node, path))
    if not isinstance(node, Sequence):
        raise values.unlike(node, path, "a list of regions")
    found: Regions = {}
    for number, item in enumerate(node.items):
        name, inside = _region(item, f"{path}[{number}]")
        if name in found:
            raise wrong(item, f"{path}[{number}]", f"the region {name!r} was already listed")
        found[name] = inside
    return found


def _region(item: Node, path: str) -> tuple[str, Mapping | None]:
    if not isinstance(item, Mapping):
        name = "" if item.is_null else values.word(item, path)
        if not name:
            raise wrong(item, path, "a region needs a name")
        return name, None
    for key, key_node, _ in item.read(path):
        if key not in ("name", "values", "location"):
            hint = suggest(key, ("name", "values"))
            more = f"did you mean {hint}?" if hint else "a region has name and values; its settings go under values"
            raise wrong(key_node, f"{path}.{key}", f"unknown key; {more}")
    name_node, inside = item.get("name"), item.get("values")
    if name_node is None:
        raise wrong(item, path, "a region needs a name")
    if inside is not None and not isinstance(inside, Mapping):
        raise values.unlike(inside, f"{path}.values", "a mapping of keys")
    return values.word(name_node, f"{path}.name"), inside


def over(under: Profile, upper: Profile) -> Profile:
    """One profile's facts over another's."""
    merged = overlay(under.values, upper.values)
    return replace(
        under,
        values=merged if isinstance(merged, Mapping) else under.values,
        regions=upper.regions or under.regions,
        status=upper.status if upper.status != "active" else under.status,
        message=upper.message or under.message,
    )


def well_known(base: str) -> str:
    """Where a host publishes its profile. ConfigError unless it is https (or on this machine)."""
    address = base if "://" in base else f"https://{base}"
    try:
        parts = urlsplit(address)
        host, named = parts.hostname, "@" in parts.netloc
    except ValueError:
        raise ConfigError("this is no address", key="profile") from None
    if named:
        raise ConfigError("a profile is fetched without a user and a password", key="profile")
    if not host or (parts.scheme != "https" and host not in _LOCAL_HOSTS):
        raise ConfigError(f"a profile is fetched over https only, and {base!r} is no https address", key="profile")
    root = address.rstrip("/")
    return root if root.endswith("/.well-known/openstack/api") else f"{root}/.well-known/openstack/api"


def fetched_profile(body: bytes, address: str) -> Profile:
    """What a host answered: `{"name": ..., "profile": {...}}`. ConfigError when it is not that.

    Facts about the cloud are taken; what concerns our own safety (TLS checks, files, code to run) is left out.
    """
    source = Source("remote profile", address)
    try:
        tree = parse(body.decode("utf-8-sig").replace("\t", " "), source)
    except UnicodeDecodeError:
        tree = None
    entry = tree.get("profile") if isinstance(tree, Mapping) else None
    if not isinstance(tree, Mapping) or not isinstance(entry, Mapping):
        raise ConfigError("this is no profile: an object with name and profile is expected", file=address)
    name = tree.get("name")
    found = public_profile(values.word(name, "name") if name else "", entry, "profile")
    inside = {f"profile.regions.{region}.values": node for region, node in found.regions.items() if node}
    for path, facts in {"profile": found.values, **inside}.items():
        for key in [key for key in facts.entries if canonical(key) in _OURS]:
            del facts.entries[key]
        _check_addresses(facts, path)
    return found


def _check_addresses(facts: Mapping, path: str) -> None:
    """ConfigError when a login would go anywhere without TLS, under whichever spelling."""
    for key, _, node in facts.read(path):
        where = f"{path}.{key}"
        if canonical(key) == "auth" and isinstance(node, Mapping):
            _check_addresses(node, where)
        elif canonical(key) in AUTH_URLS and not is_empty(node):
            parts = urlsplit(values.url(node, where))
            if parts.scheme != "https" and parts.hostname not in _LOCAL_HOSTS:
                raise wrong(node, where, "a fetched profile may send logins to https addresses only")
