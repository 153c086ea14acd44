"""The only file that reads the disk and the environment for configuration.

The search path is the current directory, the user's directory, the system's; in each clouds.yaml, .yml, .json. The first
file that exists counts, alone. secure.yaml and clouds-public.yaml are looked for in the same places.
"""

from __future__ import annotations

import functools
import logging
import os
import stat
from collections.abc import Iterable
from collections.abc import Mapping as AnyMapping
from pathlib import Path, PurePath
from typing import TypeAlias

import platformdirs

from aiocloud.config.configuration import Configuration, Found
from aiocloud.config.document import MAX_BYTES, Mapping, Node, Scalar, Source, overlay, parse, wrong
from aiocloud.config.keys import AUTH, OLD_AUTH
from aiocloud.config.merge import Layer, combine, layer_of
from aiocloud.config.profiles import Profile, public_profile, read_profile
from aiocloud.config.suggest import suggest
from aiocloud.errors import ConfigError

__all__ = ["Configuration", "load_config"]

log = logging.getLogger("aiocloud.config")

_SUFFIXES = (".yaml", ".yml", ".json")
_SECTIONS = ("clouds", "public-clouds", "client", "cache", "metrics")
# Variables that choose, rather than describe, a cloud; and those of other programs.
_CHOOSING = frozenset({"OS_CLOUD", "OS_REGION_NAME", "OS_CLIENT_CONFIG_FILE", "OS_CLIENT_SECURE_FILE", "OS_CLOUD_NAME"})
_OF_OTHERS = ("OS_TEST", "OS_STD", "OS_LOG")
_OF_EVERY_CLOUD = ("force_ipv4", "prefer_ipv6")

Paths: TypeAlias = Iterable[str | os.PathLike[str]] | str | PurePath | None


def load_config(
    *,
    config_files: Paths = None,
    secure_files: Paths = None,
    load_yaml_config: bool = True,
    load_envvars: bool = True,
    environ: AnyMapping[str, str] | None = None,
    envvar_prefix: str | None = None,
) -> Configuration:
    """Read clouds.yaml, secure.yaml, clouds-public.yaml and the OS_* variables.

    `config_files` and `secure_files` are looked for instead of the search path, the first that exists wins; without
    them OS_CLIENT_CONFIG_FILE and OS_CLIENT_SECURE_FILE name a file. `environ` stands in for the process's environment;
    variables with `envvar_prefix` count beside OS_*. Raises ConfigError for what can't be read; a cloud is only checked
    when it is asked for.
    """
    variables = dict(os.environ if environ is None else environ) if load_envvars else {}
    looked_in: list[str] = []
    config, tree, public = (
        _files(config_files, secure_files, variables, looked_in) if load_yaml_config else (None, None, {})
    )
    clouds = _clouds(tree)
    name = variables.get("OS_CLOUD_NAME") or "envvars"
    described = _described(variables, envvar_prefix)
    if described is not None:
        if name in clouds:
            message = f"the OS_* variables make a cloud {name!r} too: rename this one, or set OS_CLOUD_NAME"
            raise wrong(clouds[name], f"clouds.{name}", message)
        clouds[name] = described
    return Configuration(
        Found(
            clouds=clouds,
            profile=functools.partial(_profile, public),
            profile_names=lambda: tuple(dict.fromkeys([*public, *_shipped()])),
            chosen=variables.get("OS_CLOUD") or None,
            region=variables.get("OS_REGION_NAME") or None,
            envvars=name if described is not None else None,
            client=combine([_metrics(tree, variables), _client(tree, variables)]),
            sections=_without_clouds(tree),
            looked_in=tuple(looked_in),
            read=str(config) if config else None,
            expanduser=os.path.expanduser,
        )
    )


def _files(
    config_files: Paths, secure_files: Paths, variables: AnyMapping[str, str], looked_in: list[str]
) -> tuple[Path | None, Mapping | None, dict[str, Node]]:
    """Where clouds.yaml is, it with secure.yaml over it, and the entries of clouds-public.yaml."""
    config = _pick(config_files, variables.get("OS_CLIENT_CONFIG_FILE"), "clouds", "OS_CLIENT_CONFIG_FILE", looked_in)
    secure = _pick(secure_files, variables.get("OS_CLIENT_SECURE_FILE"), "secure", "OS_CLIENT_SECURE_FILE", [])
    public = _pick(None, None, "clouds-public", "", [])
    tree = _read(config) if config else None
    if secure:
        _warn_when_readable(secure)
        hidden = _only_for(tree, _read(secure))
        merged = overlay(tree, hidden) if hidden else tree
        tree = merged if isinstance(merged, Mapping) else None
    known = _read(public) if public else None
    entries = known.get("public-clouds") if known else None
    if entries is not None and not isinstance(entries, Mapping):
        raise wrong(entries, "public-clouds", "a mapping from name to profile is expected here")
    return config, tree, {key: node for key, _, node in entries.read("public-clouds")} if entries else {}


def _pick(given: Paths, by_variable: str | None, stem: str, variable: str, looked_in: list[str]) -> Path | None:
    """The file to read. A file that was named and is not there is an error; one that was looked for is not."""
    if given is not None:
        named = [given] if isinstance(given, (str, PurePath)) else given
        paths = [Path(os.path.expanduser(path)) for path in named]
        found = next((path for path in paths if path.exists()), None)
        if found is None and paths:
            raise ConfigError(f"there is no such file: {', '.join(map(str, paths))}", file=str(paths[0]))
        return found
    if by_variable:
        path = Path(os.path.expanduser(by_variable))
        if not path.exists():
            raise ConfigError(f"there is no such file (variable {variable})", file=by_variable)
        return path
    for folder in _folders():
        for suffix in _SUFFIXES:
            path = folder / f"{stem}{suffix}"
            looked_in.append(str(path))
            if _readable(path):
                return path
    return None


def _folders() -> list[Path]:
    """The current directory, the user's, the system's. Linux, macOS and Windows have their own places."""
    user = platformdirs.user_config_path("openstack", "OpenStack")
    site = platformdirs.site_config_path("openstack", "OpenStack")
    snap = os.environ.get("SNAP_REAL_HOME")
    folders = [Path(), user, *([Path(snap, ".config", "openstack")] if snap else [])]
    folders += [Path("~/.config/openstack").expanduser()] if "HOME" in os.environ else []
    return list(dict.fromkeys([*folders, site, Path("/etc/openstack")]))


def _readable(path: Path) -> bool:
    """Is there a file that we may read? One that we may not is mentioned, and the next place is looked in."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return False
    except (OSError, ValueError):
        return False
    if os.access(path, os.R_OK):
        return True
    log.warning("%s can't be read: no permission", path)
    return False


def _read(path: Path) -> Mapping | None:
    """The tree of a file; None when it is empty. ConfigError when it can't be read or is no mapping of sections."""
    source = Source("file", str(path))
    tree = parse(_text(path), source)
    if tree is None or tree.is_null:
        return None
    if not isinstance(tree, Mapping):
        raise wrong(tree, None, "a mapping with the key `clouds` is expected here")
    for key, key_node, _ in tree.read(""):
        if key not in _SECTIONS:
            meant = suggest(key, _SECTIONS)
            if meant:
                raise wrong(key_node, key, f"unknown section; did you mean {meant}?")
            if not key.startswith(("x-", "_", ".")):  # where anchors are kept
                log.warning("%s", wrong(key_node, key, "unknown section; it is not read"))
    return tree


def _text(path: Path) -> str:
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise ConfigError("this is no ordinary file", file=str(path))
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"it can't be read: {error.strerror}", file=str(path)) from None
    if len(raw) > MAX_BYTES:
        raise ConfigError(f"larger than {MAX_BYTES} bytes: this is no configuration file", file=str(path))
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        line, column = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        raise ConfigError("this is not UTF-8", file=str(path), line=line, column=column) from None
    # JSON may be indented with tabs, which YAML may not; inside of JSON's strings there are none.
    return text.replace("\t", " ") if path.suffix == ".json" else text


def _warn_when_readable(path: Path) -> None:
    if os.name == "posix" and path.stat().st_mode & 0o044:
        log.warning("%s can be read by other users of this machine; run: chmod 600 %s", path, path)


def _clouds(tree: Mapping | None) -> dict[str, Node]:
    section = tree.get("clouds") if tree else None
    if section is None:
        return {}
    if not isinstance(section, Mapping):
        raise wrong(section, "clouds", "a mapping from the names of clouds to their keys is expected here")
    list(section.read("clouds"))
    return {name: node for name, (_, node) in section.entries.items()}


def _only_for(tree: Mapping | None, hidden: Mapping | None) -> Mapping | None:
    """secure.yaml without the clouds that clouds.yaml does not have, unless they say themselves where they are."""
    section = hidden.get("clouds") if hidden else None
    known = _clouds(tree)
    if hidden is None or not known or not isinstance(section, Mapping):
        return hidden
    kept = Mapping(section.source, section.line, section.column, dict(section.entries), section.twice)
    for name, (key, node) in section.entries.items():
        if name not in known and not _stands_alone(node):
            del kept.entries[name]
            meant = suggest(name, known)
            if meant:
                log.warning("%s", wrong(key, f"clouds.{name}", f"clouds.yaml has no such cloud; did you mean {meant}?"))
    return Mapping(
        hidden.source,
        hidden.line,
        hidden.column,
        {**hidden.entries, "clouds": (hidden.entries["clouds"][0], kept)},
        hidden.twice,
    )


def _stands_alone(node: Node) -> bool:
    auth = node.get("auth") if isinstance(node, Mapping) else None
    where = auth.get("auth_url") if isinstance(auth, Mapping) else None
    return isinstance(node, Mapping) and any(
        one is not None for one in (where, node.get("profile"), node.get("auth_url"))
    )


def _without_clouds(tree: Mapping | None) -> Mapping | None:
    if tree is None:
        return None
    rest = {key: entry for key, entry in tree.entries.items() if key in _SECTIONS[2:]}
    return Mapping(tree.source, tree.line, tree.column, rest)


def _described(variables: AnyMapping[str, str], prefix: str | None) -> Mapping | None:
    """The cloud that variables describe; None unless they say who logs in, or where."""
    found = Mapping(Source("variable"))
    for name, value in variables.items():
        start = next((one for one in (prefix, "OS_") if one and name.startswith(one)), None)
        if start is None or not value or name in _CHOOSING or name.startswith(_OF_OTHERS):
            continue
        key = name[len(start) :].lower()
        if key and key not in _OF_EVERY_CLOUD:
            source = Source("variable", name)
            found.entries[key] = (Scalar(key, source), Scalar(value, source))
    return found if any(key in AUTH or key in OLD_AUTH for key in found.entries) else None


def _client(tree: Mapping | None, variables: AnyMapping[str, str]) -> Layer:
    """`client:` of clouds.yaml, and OS_FORCE_IPV4 and OS_PREFER_IPV6: for every cloud that does not say otherwise."""
    section = tree.get("client") if tree else None
    if section is not None and not isinstance(section, Mapping):
        raise wrong(section, "client", "a mapping is expected here")
    for key, key_node, _ in section.read("client") if section else ():
        meant = suggest(key, _OF_EVERY_CLOUD) if key not in _OF_EVERY_CLOUD else None
        if meant:
            raise wrong(key_node, f"client.{key}", f"unknown key; did you mean {meant}?")
    kept = Mapping(Source("default"))
    for key in _OF_EVERY_CLOUD:
        written = section.entries.get(key) if section else None
        if written:
            kept.entries[key] = written
        value = variables.get(f"OS_{key.upper()}")
        if value:
            source = Source("variable", f"OS_{key.upper()}")
            kept.entries[key] = (Scalar(key, source), Scalar(value, source))
    return layer_of(kept, "client")


def _metrics(tree: Mapping | None, variables: AnyMapping[str, str]) -> Layer:
    """`metrics:` of clouds.yaml, and STATSD_HOST, _PORT and _PREFIX over it: for every cloud that does not say otherwise."""
    written = tree.get("metrics") if tree else None
    statsd = Mapping(Source("variable", "STATSD_HOST"))
    for key in ("host", "port", "prefix"):
        source = Source("variable", f"STATSD_{key.upper()}")
        if value := variables.get(source.name):
            statsd.entries[key] = (Scalar(key, source), Scalar(value, source))
    if statsd.entries:
        written = overlay(written, _under("statsd", statsd))
    return layer_of(_under("metrics", written) if written else Mapping(Source("default")), "")


def _under(key: str, node: Node) -> Mapping:
    """A mapping with this one key."""
    return Mapping(node.source, node.line, node.column, entries={key: (Scalar(key, node.source), node)})


def _profile(public: AnyMapping[str, Node], name: str) -> Profile | None:
    """A profile by name: clouds-public.yaml first, then those that ship with us."""
    if name in public:
        return public_profile(name, public[name], f"public-clouds.{name}")
    path = _shipped().get(name)
    return _read_shipped(path) if path else None


@functools.cache
def _read_shipped(path: Path) -> Profile:
    return read_profile(path.stem, _text(path), Source("profile", path.name))


@functools.cache
def _shipped() -> dict[str, Path]:
    """The profiles inside the package; in an editable install they lie beside it."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "profiles"
    folder = inside if inside.is_dir() else package.parent / "profiles"
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}
