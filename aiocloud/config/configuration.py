"""All that is configured, by cloud. Reads no disk and no environment: `load_config` hands in what it found there."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Generator
from collections.abc import Mapping as AnyMapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from aiocloud.config import values
from aiocloud.config.document import Mapping, Node, Scalar, Source, from_python, is_empty, overlay, wrong
from aiocloud.config.merge import Layer, build, combine, layer_of
from aiocloud.config.profiles import Profile, fetched_profile, over, read_regions, well_known
from aiocloud.config.schema import CloudConfig, Origin
from aiocloud.config.suggest import suggest
from aiocloud.errors import ConfigError

__all__ = ["Configuration", "Found"]

log = logging.getLogger("aiocloud.config")

_NO_ADDRESS_NEEDED = frozenset({"none", "http_basic", "admin_token"})


@dataclass(frozen=True, slots=True)
class Found:
    """What `load_config` found. `clouds` are written entries by name; `profile(name)` reads one profile."""

    clouds: AnyMapping[str, Node]
    profile: Callable[[str], Profile | None] = lambda _: None
    profile_names: Callable[[], tuple[str, ...]] = tuple
    chosen: str | None = None
    region: str | None = None
    envvars: str | None = None
    client: Layer = field(default_factory=Layer)
    sections: Mapping | None = None
    looked_in: tuple[str, ...] = ()
    read: str | None = None
    expanduser: Callable[[str], str] = str


@dataclass(frozen=True, slots=True)
class _Asked:
    """One cloud that is asked for: its entry, the call's arguments, its profile."""

    name: str
    entry: Node
    arguments: Mapping
    profile: Profile | None
    remote: str | None

    @property
    def path(self) -> str:
        return f"clouds.{self.name}"


class Configuration:
    """Every cloud that is configured. One is only read, and checked, when it is asked for."""

    def __init__(self, found: Found) -> None:
        self._found = found
        self._told: set[str] = set()
        self._fetched: dict[str, Profile] = {}

    @property
    def cloud_names(self) -> tuple[str, ...]:
        """Every cloud, in the order of the file; the one that OS_* variables make is the last."""
        return tuple(self._found.clouds)

    @property
    def sections(self) -> dict[str, Any]:
        """The other sections of clouds.yaml (`cache`, `metrics`, `client`) as plain values."""
        written = self._found.sections
        return {} if written is None else {key: values.plain(node, key) for key, _, node in written.read("")}

    def regions(self, name: str) -> tuple[str | None, ...]:
        """The regions of a cloud as far as they are configured; (None,) when nothing names one. Raises ConfigError."""
        with _naming(name):
            listed, _, _ = _regions(self._ask(name, Mapping(Source("argument"))))
        return listed or (None,)

    def cloud(self, name: str | None = None, region_name: str | None = None, **overrides: Any) -> CloudConfig:
        """One cloud in one region; `overrides` are keys of clouds.yaml, and None overrides nothing.

        No name: OS_CLOUD, else the cloud of the OS_* variables, else the only one. No region: OS_REGION_NAME, else the
        cloud's own `region_name`, else its only one. Raises ConfigError, which says where.
        """
        arguments = Mapping(Source("argument"))
        for key, value in overrides.items():
            source = Source("argument", key)
            arguments.entries[key] = (Scalar(key, source), from_python(value, source))
        chosen = name if name is not None else self._default(arguments)
        with _naming(chosen):
            return self._assemble(self._ask(chosen, arguments), region_name)

    def _default(self, arguments: Mapping) -> str:
        found = self._found
        if found.chosen:
            return found.chosen
        if found.envvars:
            return found.envvars
        if len(found.clouds) == 1:
            return next(iter(found.clouds))
        if any(arguments.get(key) is not None for key in ("auth", "auth_url", "auth_type", "profile")):
            return "defaults"
        if found.clouds:
            raise ConfigError(f"several clouds are configured: name one ({', '.join(found.clouds)}), or set OS_CLOUD")
        raise ConfigError(f"no cloud is configured: {self._why_none()}, and OS_AUTH_URL is not set")

    def _why_none(self) -> str:
        """Why no file has any cloud."""
        if self._found.read:
            return f"{self._found.read} has no `clouds:` with a cloud in it"
        places = f" (looked in {', '.join(self._found.looked_in)})" if self._found.looked_in else ""
        return f"there is no clouds.yaml{places}"

    def _ask(self, name: str, arguments: Mapping) -> _Asked:
        entry = self._found.clouds.get(name)
        if entry is None:
            by_arguments = arguments.get("auth") is not None or arguments.get("auth_url") is not None
            if name != "defaults" and not (by_arguments and name in self._found.profile_names()):
                raise self._unknown(name)
            entry = Mapping(Source("default"))
        elif entry.is_null:
            entry = Mapping(entry.source, entry.line, entry.column)
        elif not isinstance(entry, Mapping):
            raise values.unlike(entry, f"clouds.{name}", "a mapping of keys").at(name, None)
        profile, remote = self._profile(name, overlay(entry, arguments))
        return _Asked(name, entry, arguments, profile, remote)

    def _unknown(self, name: str) -> ConfigError:
        known = ", ".join(self._found.clouds) or "none"
        meant = suggest(name, self._found.clouds)
        hint = f"; did you mean {meant}?" if meant else ""
        if not meant and name in self._found.profile_names():
            hint = f"; there is a profile of that name: write a cloud with `profile: {name}` and your auth"
        via = " (from OS_CLOUD)" if name == self._found.chosen else ""
        if not self._found.clouds and not hint:
            return ConfigError(f"no such cloud{via}: {self._why_none()}")
        return ConfigError(f"no such cloud{via}{hint} (configured: {known})")

    def _profile(self, name: str, written: Node) -> tuple[Profile | None, str | None]:
        """The profile of a cloud, and the address to fetch it from when its own text is needed."""
        if not isinstance(written, Mapping):
            return None, None
        node = written.get("profile") or written.get("cloud")
        has_address = not is_empty(_auth_url(written))
        if node is None or is_empty(node):
            implied = None if has_address else self._found.profile(name)
            return implied, well_known(implied.remote) if implied and implied.remote else None
        called = values.word(node, f"clouds.{name}.profile")
        if "://" in called:
            try:
                address = well_known(called)
            except ConfigError as error:
                raise wrong(node, f"clouds.{name}.profile", error.message, name) from None
            return self._fetched.get(address) or Profile(called, Mapping(Source("profile", called))), address
        profile = self._found.profile(called)
        if profile is None:
            meant = suggest(called, self._found.profile_names())
            hint = f"did you mean {meant}?" if meant else f"there are {', '.join(self._found.profile_names())}"
            raise wrong(node, f"clouds.{name}.profile", f"no profile is called {called!r}; {hint}", name)
        return profile, well_known(profile.remote) if profile.remote and not has_address else None

    def _assemble(self, asked: _Asked, wanted: str | None) -> CloudConfig:
        """Lay the layers over each other. A profile that is still to be fetched leaves a way to do this again."""
        pending = asked.remote if asked.remote and asked.remote not in self._fetched else None
        profile = self._fetched.get(asked.remote or "") or asked.profile
        asked = replace(asked, profile=profile)
        region, listed, inside = self._region(asked, wanted, open_ended=pending is not None)
        layers = [self._found.client]
        if profile:
            layers.append(layer_of(profile.values, profile.path))
            below = profile.regions.get(region or "")
            layers += [layer_of(below, f"{profile.path}.regions.{region}")] if below else []
        layers.append(layer_of(asked.entry, asked.path))
        layers += [layer_of(inside, f"{asked.path}.regions.{region}.values")] if inside else []
        layers.append(layer_of(asked.arguments, ""))
        merged = combine(layers)
        self._check_status(asked, merged)
        config = build(
            asked.name,
            region,
            merged,
            regions=listed,
            profile=profile.name if profile else None,
            expanduser=self._found.expanduser,
        )
        config = self._with_region_origin(config, wanted)
        if pending:
            return replace(
                config,
                remote_profile=pending,
                with_remote=functools.partial(self._with_remote, asked, wanted, pending),
            )
        self._check_address(asked, config)
        self._tell(merged.notes)
        return config

    def _with_region_origin(self, config: CloudConfig, wanted: str | None) -> CloudConfig:
        """The region is the argument's or the variable's where they name it."""
        if wanted:
            return replace(config, origins={**config.origins, "region_name": Origin("argument", "region_name")})
        if self._found.region and config.region_name == self._found.region:
            return replace(config, origins={**config.origins, "region_name": Origin("variable", "OS_REGION_NAME")})
        return config

    def _with_remote(self, asked: _Asked, wanted: str | None, address: str, body: bytes | None) -> CloudConfig:
        """The same cloud with the fetched text of its profile; with None, as well as it can be known offline."""
        if body is None:
            return self._assemble(replace(asked, remote=None), wanted)
        fetched = fetched_profile(body, address)
        local = self._found.profile(fetched.name) if fetched.name else None
        self._fetched[address] = over(fetched, local) if local and not local.remote else fetched
        if not fetched.name and asked.profile:
            self._fetched[address] = replace(fetched, name=asked.profile.name)
        with _naming(asked.name):
            return self._assemble(asked, wanted)

    def _region(
        self, asked: _Asked, wanted: str | None, *, open_ended: bool
    ) -> tuple[str | None, tuple[str, ...], Mapping | None]:
        """Which region is meant, all of them, and what the cloud's entry says of this one."""
        listed, own_default, inside = _regions(asked)
        named = wanted or self._found.region
        closed = () if inside or asked.profile is None else tuple(asked.profile.regions)
        valid = (*listed, *([own_default] if own_default and own_default not in listed else []))
        valid += tuple(name for name in closed if name not in valid)
        if named:
            if valid and named not in valid and not open_ended:
                raise self._unknown_region(asked, named, valid, by_variable=not wanted)
            return named, listed, inside.get(named)
        if own_default or len(listed) == 1:
            region = own_default or listed[0]
            return region, listed, inside.get(region)
        if listed:
            raise _at(
                asked, "regions", f"it has several regions: name one ({', '.join(listed)}), or set OS_REGION_NAME"
            )
        return None, (), None

    def _unknown_region(self, asked: _Asked, named: str, valid: tuple[str, ...], *, by_variable: bool) -> ConfigError:
        meant = suggest(named, valid)
        hint = f"; did you mean {meant}?" if meant else ""
        via = " (from OS_REGION_NAME)" if by_variable else ""
        message = f"it has no region {named!r}{via}{hint} (it has {', '.join(valid)})"
        return ConfigError(message, key=f"{asked.path}.region_name", cloud=asked.name)

    def _check_status(self, asked: _Asked, merged: Layer) -> None:
        """A deprecated cloud is mentioned, one that was shut down is refused; the user's own `status` has the last word."""
        own = merged.values.get("status")
        profile = asked.profile
        status = values.status(*own) if own else profile.status if profile else "active"
        why = merged.values.get("message")
        reason = values.word(*why) if why else profile.message if profile else ""
        called = profile.name if profile else asked.name
        said = f"the profile {called} is {'shut down' if status == 'shutdown' else status}"
        said += f": {reason}" if reason else ""
        if status == "shutdown":
            raise _at(asked, "profile", said)
        if status == "deprecated":
            self._tell([f"{asked.path}: {said}"])

    def _check_address(self, asked: _Asked, config: CloudConfig) -> None:
        if config.auth.get("auth_url") or config.auth_type in _NO_ADDRESS_NEEDED:
            return
        if config.auth_type in ("password", "token") or config.auth_type.startswith("v3"):
            said = "nothing says where to log in: auth_url is missing, and no profile gives one"
            others = [name for name in self._found.clouds if name != asked.name]
            if asked.entry.source.kind == "variable" and isinstance(asked.entry, Mapping):
                made_by = ", ".join(node.source.name for _, node in asked.entry.entries.values())
                said += f". This is the cloud that {made_by} describe: set OS_AUTH_URL, too"
                said += f", or choose another cloud with OS_CLOUD ({', '.join(others)})" if others else ""
            raise _at(asked, "auth.auth_url", said)

    def _tell(self, notes: list[str]) -> None:
        """Log each remark about the configuration once."""
        for note in notes:
            if note not in self._told:
                self._told.add(note)
                log.warning("%s", note)


@contextmanager
def _naming(cloud: str) -> Generator[None, None, None]:
    """Errors inside say which cloud they concern."""
    try:
        yield
    except ConfigError as error:
        error.at(cloud, None)
        raise


def _regions(asked: _Asked) -> tuple[tuple[str, ...], str | None, dict[str, Mapping | None]]:
    """The regions that are listed, the one that the cloud's entry prefers, and the entry's own `regions`."""
    written = overlay(asked.entry, asked.arguments)
    own, alone = (written.get("regions"), written.get("region_name")) if isinstance(written, Mapping) else (None, None)
    inside = read_regions(own, f"{asked.path}.regions") if own is not None else {}
    names = _comma_list(alone, f"{asked.path}.region_name") if alone is not None else ()
    default = names[0] if len(names) == 1 else None
    listed = tuple(inside) or names or tuple(asked.profile.regions if asked.profile else ())
    return listed, default, inside


def _comma_list(node: Node, path: str) -> tuple[str, ...]:
    """One word, or several with commas."""
    return tuple(part.strip() for part in values.word(node, path).split(",") if part.strip())


def _at(asked: _Asked, key: str, message: str) -> ConfigError:
    """The error for what a cloud's entry says, or does not say; it names the entry's place where there is one."""
    if asked.entry.source.kind == "file":
        inside = asked.entry.get(key) if isinstance(asked.entry, Mapping) else None
        return wrong(inside or asked.entry, f"{asked.path}.{key}", message, asked.name)
    return ConfigError(message, key=f"{asked.path}.{key}", cloud=asked.name)


def _auth_url(written: Mapping) -> Node | None:
    auth = written.get("auth")
    inside = auth.get("auth_url") or auth.get("auth-url") if isinstance(auth, Mapping) else None
    return inside or written.get("auth_url") or written.get("auth-url")
