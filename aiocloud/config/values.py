"""Readers of single values: a node and its key path in, a typed value out, or one ConfigError that says where. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import PurePath
from typing import Any, TypeAlias, TypeVar
from urllib.parse import urlsplit

from pydantic import SecretStr

from aiocloud.config.document import Mapping, Node, Scalar, Sequence, wrong
from aiocloud.config.schema import NetworkHint
from aiocloud.config.services import known_names, official
from aiocloud.config.suggest import suggest
from aiocloud.errors import ConfigError

__all__ = [
    "Reader",
    "count",
    "counts_by_service",
    "credential",
    "flag",
    "interfaces",
    "is_secret",
    "metrics",
    "microversion",
    "names",
    "network_source",
    "networks",
    "path",
    "plain",
    "rates_by_service",
    "seconds",
    "seconds_over_zero",
    "status",
    "status_codes",
    "text",
    "url",
    "verify",
    "version",
    "word",
    "word_or_none",
    "words",
]  # fmt: skip

N = TypeVar("N", int, float)
Reader: TypeAlias = Callable[[Node, str], Any]

_YES = frozenset({"true", "yes", "on", "1", "t", "y"})
_NO = frozenset({"false", "no", "off", "0", "f", "n"})
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
_NO_SECRET = re.compile(r"(_endpoint|_type|_url|_uri|_id|_name|_method|_timeout|_scope|_provider)$")
_SECRET = re.compile(
    r"passw|secret|token|passcode|otp|receipt|api_?key|access_key|private|credential|^(authorization_)?code$"
)
_VERSION = re.compile(r"v?(\d+)(\.\d+)*", re.IGNORECASE)
_INTERFACES = ("public", "internal", "admin")


def is_secret(key: str) -> bool:
    """Does a key hold something that nobody may see?"""
    name = key.replace("-", "_").lower()
    return bool(_SECRET.search(name)) and not _NO_SECRET.search(name)


def text(node: Node, path: str) -> str:
    """The characters that were written."""
    value = node.value if isinstance(node, Scalar) else None
    if isinstance(value, str):
        return value
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    raise wrong(node, path, f"text is expected here, not {_kind(node)}")


def word(node: Node, path: str) -> str:
    """Text on one line."""
    value = text(node, path)
    if _FORBIDDEN.search(value):
        raise wrong(node, path, "a control character (such as a line break) has no place here")
    return value


def word_or_none(node: Node, path: str) -> str:
    """A word; nothing and false mean the word `none`."""
    if isinstance(node, Scalar) and node.value in (False, ""):
        return "none"
    return word(node, path)


def path(node: Node, path: str) -> str:
    """A file's name."""
    value = word(node, path)
    if not value:
        raise wrong(node, path, "the name of a file is expected here")
    return value


def url(node: Node, path: str) -> str:
    """An http or https address with a host."""
    value = word(node, path).strip()
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 0) >= 0
        named = "@" in parts.netloc
    except ValueError:
        usable, named = False, False
    if named:
        raise wrong(node, path, "an address holds no user and no password here: write username and password under auth")
    if not usable or " " in value:
        raise wrong(node, path, "an address such as https://cloud.example.com:5000/v3 is expected here")
    return value


def flag(node: Node, path: str) -> bool:
    """True or false, and the words that YAML 1.1 has for them."""
    value = node.value if isinstance(node, Scalar) else None
    if isinstance(value, bool):
        return value
    spelled = str(value).strip().lower() if isinstance(value, (str, int)) else ""
    if spelled in _YES or spelled in _NO:
        return spelled in _YES
    raise wrong(node, path, f"true or false is expected here, not {_shown(node)}")


def verify(node: Node, path: str) -> bool:
    """Is TLS checked? A file of CAs has a key of its own."""
    if isinstance(node, Scalar) and "/" in str(node.value):
        raise wrong(node, path, "true or false is expected here; a file of CAs goes into cacert")
    return flag(node, path)


def _number(node: Node, path: str) -> float:
    try:
        number = float(text(node, path))
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise wrong(node, path, f"a number is expected here, not {_shown(node)}")
    return number


def _whole(node: Node, path: str) -> int:
    number = _number(node, path)
    if number != int(number):
        raise wrong(node, path, f"a whole number is expected here, not {_shown(node)}")
    return int(number)


def count(node: Node, path: str) -> int:
    """A whole number from 0."""
    number = _whole(node, path)
    if number < 0:
        raise wrong(node, path, f"a number from 0 is expected here, not {_shown(node)}")
    return number


def seconds(node: Node, path: str) -> float:
    """Seconds, from 0."""
    number = _number(node, path)
    if number < 0:
        raise wrong(node, path, f"seconds from 0 are expected here, not {_shown(node)}")
    return number


def seconds_over_zero(node: Node, path: str) -> float:
    """Seconds, more than 0."""
    return _positive(_number, node, path)


def _positive(read: Callable[[Node, str], N], node: Node, path: str) -> N:
    number = read(node, path)
    if number <= 0:
        raise wrong(node, path, f"a number over 0 is expected here, not {_shown(node)}")
    return number


def rates_by_service(node: Node, path: str) -> float | dict[str, float]:
    """Requests a second: one number for every service, or a mapping from service to number."""
    return _by_service(lambda one, where: _positive(_number, one, where), node, path)


def counts_by_service(node: Node, path: str) -> int | dict[str, int]:
    """Requests in flight: one number for every service, or a mapping from service to number."""
    return _by_service(lambda one, where: _positive(_whole, one, where), node, path)


def _by_service(read: Callable[[Node, str], N], node: Node, path: str) -> N | dict[str, N]:
    if isinstance(node, Mapping):
        return {_service(name, key, path): read(one, f"{path}.{name}") for name, key, one in node.read(path)}
    return read(node, path)


def _service(name: str, key: Node, path: str) -> str:
    meant = suggest(name.replace("_", "-"), known_names())
    if meant and meant != name.replace("_", "-"):
        raise wrong(key, f"{path}.{name}", f"unknown service; did you mean {meant}?")
    return official(name)


def names(node: Node, path: str) -> tuple[str, ...]:
    """A list of words, or one word with commas."""
    if isinstance(node, Sequence):
        return tuple(word(one, f"{path}[{i}]") for i, one in enumerate(node.items))
    return tuple(part.strip() for part in word(node, path).split(",") if part.strip())


def interfaces(node: Node, path: str) -> tuple[str, ...]:
    """public, internal or admin, or a list of them in order of preference."""
    found = tuple(name.removesuffix("URL") for name in names(node, path))
    for name in found:
        if name not in _INTERFACES:
            raise wrong(node, path, f"public, internal or admin is expected here, not {name!r}")
    if not found:
        raise wrong(node, path, "public, internal or admin is expected here")
    return found


def status_codes(node: Node, path: str) -> tuple[int, ...]:
    """HTTP status codes: a list, or one text with commas."""
    codes: list[int] = []
    for name in names(node, path):
        if not re.fullmatch(r"[45][0-9][0-9]", name):
            raise wrong(node, path, f"HTTP status codes from 400 to 599 are expected here, not {name!r}")
        codes.append(int(name))
    return tuple(codes)


def version(node: Node, path: str) -> str | None:
    """An API's version without the `v`; None for `latest`."""
    value = word(node, path).strip()
    if value.lower() == "latest":
        return None
    if not _VERSION.fullmatch(value):
        raise wrong(node, path, f"a version such as 3 or 2.79 is expected here, not {_shown(node)}")
    return value.lstrip("vV")


def microversion(node: Node, path: str) -> str:
    """A microversion such as 2.79, or latest."""
    value = word(node, path).strip()
    if value != "latest" and not re.fullmatch(r"\d+\.\d+", value):
        raise wrong(
            node, path, f"a microversion such as 2.79 (in quotes), or latest, is expected here, not {_shown(node)}"
        )
    return value


def network_source(node: Node, path: str) -> str | None:
    """neutron, nova, or None (also in quotes, and false) for a cloud that has none."""
    if isinstance(node, Scalar) and node.value is False:
        return None
    value = word(node, path).strip().lower()
    if value in ("none", "null", "false", ""):
        return None
    if value not in ("neutron", "nova"):
        raise wrong(node, path, f"neutron, nova or None is expected here, not {_shown(node)}")
    return value


def status(node: Node, path: str) -> str:
    """active, deprecated or shutdown."""
    value = word(node, path)
    if value not in ("active", "deprecated", "shutdown"):
        raise wrong(node, path, f"active, deprecated or shutdown is expected here, not {_shown(node)}")
    return value


def words(node: Node, path: str) -> dict[str, str]:
    """A mapping from text to text."""
    if not isinstance(node, Mapping):
        raise wrong(node, path, f"a mapping is expected here, not {_kind(node)}")
    return {name: _as_word(one, f"{path}.{name}") for name, _, one in node.read(path)}


def _as_word(node: Node, path: str) -> str:
    return str(node.value) if isinstance(node, Scalar) and isinstance(node.value, bool) else word(node, path)


_HINTS: dict[str, Reader] = {
    "name": word,
    "id": word,
    **dict.fromkeys(
        (
            "routes_externally",
            "routes_ipv4_externally",
            "routes_ipv6_externally",
            "nat_source",
            "nat_destination",
            "default_interface",
        ),
        flag,
    ),
}


def networks(node: Node, path: str) -> tuple[NetworkHint, ...]:
    """A list of what is known about networks; at most one is the default interface, NAT source or NAT destination."""
    if not isinstance(node, Sequence):
        raise wrong(node, path, f"a list of networks is expected here, not {_kind(node)}")
    hints = tuple(_hint(one, f"{path}[{i}]") for i, one in enumerate(node.items))
    for role in ("default_interface", "nat_source", "nat_destination"):
        holders = [i for i, hint in enumerate(hints) if getattr(hint, role)]
        if len(holders) > 1:
            raise wrong(node.items[holders[1]], f"{path}[{holders[1]}].{role}", f"only one network can be the {role}")
    return hints


def _hint(node: Node, path: str) -> NetworkHint:
    if not isinstance(node, Mapping):
        raise wrong(node, path, f"a network's keys (name, routes_externally ...) are expected here, not {_kind(node)}")
    found: dict[str, Any] = {}
    for name, key, one in node.read(path):
        reader = _HINTS.get(name.replace("-", "_"))
        if reader is None:
            raise wrong(key, f"{path}.{name}", f"a network has no such key (it has {', '.join(_HINTS)})")
        found[name.replace("-", "_")] = reader(one, f"{path}.{name}")
    if not found.get("name") and not found.get("id"):
        raise wrong(node, path, "a network needs a name or an id")
    external = found.get("routes_externally", False)
    return NetworkHint(**{"routes_ipv4_externally": external, "routes_ipv6_externally": external, **found})


def metrics(node: Node, path: str) -> dict[str, Any]:
    """Where metrics go: `statsd: {host, port, prefix}`; what else is there is for other programs."""
    if not isinstance(node, Mapping):
        raise wrong(node, path, f"a mapping is expected here, not {_kind(node)}")
    return {
        name: _statsd(one, f"{path}.{name}") if name == "statsd" else plain(one, f"{path}.{name}", is_secret(name))
        for name, _, one in node.read(path)
    }


def _port(node: Node, path: str) -> int:
    number = count(node, path)
    if not 0 < number < 1 << 16:
        raise wrong(node, path, f"a port is a number from 1 to 65535, not {_shown(node)}")
    return number


_STATSD: dict[str, Reader] = {"host": word, "port": _port, "prefix": word}


def _statsd(node: Node, path: str) -> dict[str, Any]:
    if node.is_null:
        return {}
    if not isinstance(node, Mapping):
        raise wrong(node, path, f"statsd's host, port and prefix are expected here, not {_kind(node)}")
    found: dict[str, Any] = {}
    for name, key, one in node.read(path):
        if name not in _STATSD:
            raise wrong(key, f"{path}.{name}", f"statsd has no such key (it has {', '.join(_STATSD)})")
        if not one.is_null:
            found[name] = _STATSD[name](one, f"{path}.{name}")
    return found


def plain(node: Node, path: str, hidden: bool = False) -> Any:
    """Any value as plain Python: true, false and whole numbers as such, all else as it was written, secrets hidden."""
    if isinstance(node, Mapping):
        return {name: plain(one, f"{path}.{name}", hidden or is_secret(name)) for name, _, one in node.read(path)}
    if isinstance(node, Sequence):
        return [plain(one, f"{path}[{i}]", hidden) for i, one in enumerate(node.items)]
    value = node.value
    if hidden and not node.is_null and not isinstance(value, (bool, SecretStr)):
        return SecretStr(str(value))
    if node.is_null or not isinstance(value, str) or not node.plain:
        return None if node.is_null else value
    if value in ("true", "false"):
        return value == "true"
    return int(value) if re.fullmatch(r"0|-?[1-9]\d{0,17}", value) else value


def credential(node: Node, path: str, hidden: bool = False) -> Any:
    """A value of `auth`: text as it was written, hidden where its key, or a key around it, says so."""
    if isinstance(node, Mapping):
        return {name: credential(one, f"{path}.{name}", hidden or is_secret(name)) for name, _, one in node.read(path)}
    if isinstance(node, Sequence):
        return [credential(one, f"{path}[{i}]", hidden) for i, one in enumerate(node.items)]
    if isinstance(node.value, bool):
        return node.value
    return SecretStr(text(node, path)) if hidden else word(node, path)


def _kind(node: Node) -> str:
    if isinstance(node, Mapping):
        return "a mapping"
    if isinstance(node, Sequence):
        return "a list"
    return "nothing" if node.is_null else f"a {type(node.value).__name__}"


def _shown(node: Node) -> str:
    """A value in an error: short, and nothing that could hurt a terminal."""
    if not isinstance(node, Scalar):
        return _kind(node)
    shown = ascii(str(node.value))
    return shown if len(shown) <= 40 else f"{shown[:37]}..."


def unlike(node: Node, path: str, what: str) -> ConfigError:
    """The error for a node that should have been something else."""
    return wrong(node, path, f"{what} is expected here, not {_kind(node)}")
