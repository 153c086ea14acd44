"""Layers of settings -> one CloudConfig. Pure.

    built-in defaults < `client:` < profile < its region < cloud < region `values` < keyword arguments

Each layer is a mapping as it was written; here old spellings become today's, keys of `auth` that stand beside it move
in, services get their official names, and unknown keys are told from misspelt ones. `auth` is merged key by key. Null
never overrides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from aiocloud.config import keys, values
from aiocloud.config.document import Mapping, Node, Scalar, is_empty, overlay, wrong
from aiocloud.config.schema import CloudConfig, NetworkHint, Origin
from aiocloud.config.services import is_official
from aiocloud.config.suggest import suggest
from aiocloud.errors import ConfigError

__all__ = ["Layer", "Setting", "build", "combine", "layer_of"]

# Services whose `api_version: 2.79` also says which microversion to send.
_MICROVERSIONED = frozenset(
    {
        "accelerator",
        "application-container",
        "baremetal",
        "baremetal-introspection",
        "block-storage",
        "compute",
        "container-infrastructure-management",
        "instance-ha",
        "placement",
        "shared-file-system",
    }
)
# A thing has an id or a name; saying one in a higher layer takes the other of a lower layer away.
_OTHER_NAME = {
    "user_id": "username",
    "username": "user_id",
    "project_id": "project_name",
    "project_name": "project_id",
    **{f"{who}domain_id": f"{who}domain_name" for who in ("", "user_", "project_", "default_")},
    **{f"{who}domain_name": f"{who}domain_id" for who in ("", "user_", "project_", "default_")},
}
_NO_SETTING = frozenset({"external_network", "insecure", "internal_network", "message", "regions", "status"})
_NULL_IS_NONE = frozenset({"floating_ip_source", "secgroup_source"})
"""Here a null in a file says that the cloud has none; elsewhere it says nothing."""

_EMPTY_MEANS_NONE = _NULL_IS_NONE | {"auth_type", "auth_plugin"}
"""Elsewhere an empty text is as good as nothing: templates write one for what was not given."""

_AUTH_TYPES = {"noauth": "none", "token_endpoint": "admin_token"}


class Setting(NamedTuple):
    """A value that is not read yet, and its key path for errors."""

    node: Node
    path: str


@dataclass(slots=True)
class Layer:
    """Settings under today's names, and what to tell the user about how they were written."""

    values: dict[str, Setting] = field(default_factory=dict[str, Setting])
    auth: dict[str, Setting] = field(default_factory=dict[str, Setting])
    services: dict[tuple[str, str], Setting] = field(default_factory=dict[tuple[str, str], Setting])
    extra: dict[str, Setting] = field(default_factory=dict[str, Setting])
    notes: list[str] = field(default_factory=list[str])

    def note(self, node: Node, path: str, message: str) -> None:
        self.notes.append(str(wrong(node, path, message)))


def layer_of(mapping: Node, path: str) -> Layer:
    """One written mapping as a layer. ConfigError for a key given twice, and for one that looks like a known key misspelt.

    Other unknown keys are kept in `extra`, with a note: a vendor's own key must not break a file.
    """
    if not isinstance(mapping, Mapping):
        raise values.unlike(mapping, path, "a mapping of keys")
    layer = Layer()
    beside: dict[str, Setting] = {}
    for name, key, node in mapping.read(path):
        where = f"{path}.{name}" if path else name
        ours = keys.canonical(name)
        if is_empty(node) and ours not in _EMPTY_MEANS_NONE:
            continue
        if ours == "auth":
            _take_auth(layer, node, where)
        elif ours in keys.AUTH or ours in keys.OLD_AUTH:
            _put(layer, beside, ours, keys.OLD_AUTH, key, Setting(node, where))
        elif ours in keys.CLOUD or ours in keys.OLD_CLOUD:
            _put(layer, layer.values, ours, keys.OLD_CLOUD, key, Setting(node, where))
        elif not _take_service(layer, ours, key, node, where):
            _take_unknown(layer, name, key, node, where)
    for name, (_, node) in mapping.entries.items():
        ours = keys.canonical(name)
        if ours in _NULL_IS_NONE and isinstance(node, Scalar) and node.is_null and node.source.kind != "argument":
            layer.values[ours] = Setting(replace(node, value="None"), f"{path}.{name}" if path else name)
    layer.auth.update(beside)
    if "auth_methods" in layer.auth:
        layer.values.setdefault("auth_methods", layer.auth.pop("auth_methods"))
    return layer


def _put(
    layer: Layer, into: dict[str, Setting], name: str, old: AnyMapping[str, str], key: Scalar, setting: Setting
) -> None:
    """Keep a setting under today's name; an old spelling is noted, and gives way to today's."""
    today = old.get(name)
    if today is None:
        if name in into and key.source.kind != "variable" and into[name].path != setting.path:
            raise wrong(key, setting.path, f"this key was already given as {into[name].path.rpartition('.')[2]}")
        into[name] = setting
        return
    if key.source.kind != "variable":
        layer.note(key, setting.path, f"{name} is an old spelling: write {today}")
    into.setdefault(today, setting)


def _take_auth(layer: Layer, node: Node, path: str) -> None:
    if not isinstance(node, Mapping):
        raise values.unlike(node, path, "a mapping such as {username: ..., password: ...}")
    for name, key, one in node.read(path):
        where = f"{path}.{name}"
        ours = keys.canonical(name)
        if is_empty(one):
            continue
        if ours not in keys.AUTH and ours not in keys.OLD_AUTH and ours != "auth_methods":
            meant = suggest(ours, (*keys.AUTH, *keys.OLD_AUTH))
            if meant:
                raise wrong(key, where, f"unknown key; did you mean {meant}?")
            layer.note(key, where, "unknown key; kept for a login of its own kind")
        _put(layer, layer.auth, ours, keys.OLD_AUTH, key, Setting(one, where))


def _take_service(layer: Layer, name: str, key: Scalar, node: Node, path: str) -> bool:
    """`SERVICE_*` and `has_SERVICE`; False for any other key."""
    found = keys.service_key(name)
    if found is None:
        return False
    service, suffix, spelled = found
    if not is_official(service):
        meant = keys.suggest_key(name)
        if meant and key.source.kind == "variable":
            return False  # it may be another program's
        if meant:
            raise wrong(key, path, f"unknown key; did you mean {meant}?")
        layer.note(key, path, f"{service} is no service type of OpenStack; taken for one of this cloud's own")
    if spelled != suffix:
        layer.note(key, path, f"{name} is an old spelling: write {name.removesuffix(spelled)}{suffix}")
    known = layer.services.get((service, suffix))
    if known and key.source.kind != "variable" and _written(known.node) != _written(node):
        raise wrong(key, path, f"this key was already given, and differs, as {known.path.rpartition('.')[2]}")
    layer.services[service, suffix] = Setting(node, path)
    return True


def _written(node: Node) -> object:
    return node.value if isinstance(node, Scalar) else node


def _take_unknown(layer: Layer, name: str, key: Scalar, node: Node, path: str) -> None:
    meant = keys.suggest_key(keys.canonical(name))
    if meant and key.source.kind == "variable":
        layer.note(key, path, f"unknown; did you mean OS_{meant.upper()}?")
    elif meant:
        raise wrong(key, path, f"unknown key; did you mean {meant}?")
    elif key.source.kind == "argument":
        raise wrong(key, path, "unknown key: connect() takes its own arguments and the keys of clouds.yaml")
    elif key.source.kind != "variable" and name not in keys.OTHER_TOOLS:
        layer.note(key, path, "unknown key; kept in `extra`")
    layer.extra[name] = Setting(node, path)


def combine(layers: Iterable[Layer]) -> Layer:
    """The layers over each other, the last on top."""
    merged = Layer()
    for layer in layers:
        if "verify" in layer.values and "insecure" not in layer.values:
            merged.values.pop("insecure", None)
        if "networks" in layer.values:
            merged.values.pop("external_network", None)
            merged.values.pop("internal_network", None)
        _lay(merged.values, layer.values)
        for name in layer.auth:
            other = _OTHER_NAME.get(name)
            if other and other not in layer.auth:
                merged.auth.pop(other, None)
        if "auth_methods" not in merged.values:
            for name in keys.idle_beside(layer.auth):
                merged.auth.pop(name, None)
        _lay(merged.auth, layer.auth)
        merged.services.update(layer.services)
        merged.extra.update(layer.extra)
        merged.notes += layer.notes
    return merged


def _lay(under: dict[str, Setting], over: dict[str, Setting]) -> None:
    for name, setting in over.items():
        below = under.get(name)
        under[name] = Setting(overlay(below.node if below else None, setting.node), setting.path)


def build(
    name: str,
    region: str | None,
    layer: Layer,
    *,
    regions: tuple[str, ...],
    profile: str | None,
    expanduser: Callable[[str], str],
) -> CloudConfig:
    """The CloudConfig that combined layers make. ConfigError for a value of the wrong kind, with its place."""
    try:
        read = _Reading(layer, region, expanduser)
        auth = read.auth()
        return CloudConfig(
            name=name,
            region_name=region,
            profile=profile,
            auth=auth,
            auth_type=read.auth_type(auth),
            verify=read.verify(),
            networks=read.networks(),
            regions=regions,
            services=read.services(),
            extra={key: values.plain(one.node, one.path, values.is_secret(key)) for key, one in layer.extra.items()},
            **read.rest(),
            origins=read.origins,
        )
    except ConfigError as error:
        error.at(name, region)
        raise


class _Reading:
    """Reads the settings of one combined layer, and remembers where each came from."""

    def __init__(self, layer: Layer, region: str | None, expanduser: Callable[[str], str]) -> None:
        self.layer = layer
        self.region = region
        self.expanduser = expanduser
        self.origins: dict[str, Origin] = {}

    def value(self, key: str) -> Any:
        """One setting of the cloud; None when it is not given."""
        setting = self.layer.values.get(key)
        if setting is None:
            return None
        self.origins[key] = setting.node.origin
        return self.filled(keys.CLOUD[key](setting.node, setting.path))

    def filled(self, value: Any) -> Any:
        """Text with `{region_name}` filled in; any other brace means itself."""
        if isinstance(value, str) and self.region is not None:
            return value.replace("{region_name}", self.region)
        return value

    def auth(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, (node, path) in self.layer.auth.items():
            if key in keys.AUTH_URLS:
                found[key] = values.url(_fill_node(node, self.region), path)
            else:
                known = key in keys.AUTH
                if known and not isinstance(node, Scalar):
                    raise values.unlike(node, path, "text")
                # Only the login that an unknown key is for can tell whether it is a secret.
                found[key] = self.filled(values.credential(node, path, values.is_secret(key) or not known))
            self.origins[f"auth.{key}"] = node.origin
        return _spread_domain(found)

    def auth_type(self, auth: AnyMapping[str, Any]) -> str:
        setting = self.layer.values.get("auth_type")
        if setting is None:
            return _usual_login(auth)
        kind = str(self.value("auth_type")).strip().lower()
        if kind.startswith("v2"):
            raise wrong(setting.node, setting.path, _NO_V2)
        return _AUTH_TYPES.get(kind, kind)

    def verify(self) -> bool:
        if self.value("insecure"):
            self.origins["verify"] = self.origins.pop("insecure")
            return False
        self.origins.pop("insecure", None)
        verify = self.value("verify")
        return True if verify is None else bool(verify)

    def networks(self) -> tuple[NetworkHint, ...]:
        hints: tuple[NetworkHint, ...] = self.value("networks") or ()
        old = [key for key in ("external_network", "internal_network") if key in self.layer.values]
        if not old:
            return hints
        setting = self.layer.values[old[0]]
        if hints:
            raise wrong(
                setting.node, setting.path, f"{old[0]} and networks can't be given together: write networks alone"
            )
        self.layer.note(setting.node, setting.path, f"{old[0]} is an old spelling: write networks")
        external, internal = self.value("external_network"), self.value("internal_network")
        self.origins["networks"] = setting.node.origin
        for key in old:
            self.origins.pop(key)
        if external:
            hints += (NetworkHint(external, None, True, True, True, default_interface=True),)
        if internal:
            hints += (NetworkHint(internal, nat_destination=True),)
        return hints

    def services(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        self._check_identity()
        for (service, key), (node, path) in self.layer.services.items():
            if key == "endpoint_override":
                node = _fill_node(node, self.region)
            value = self.filled(keys.SERVICE[key](node, path))
            spelled = service.replace("-", "_")
            self.origins[f"has_{spelled}" if key == "enabled" else f"{spelled}_{key}"] = node.origin
            settings = found.setdefault(service, {})
            if key == "api_version":
                value = self._version(service, value, node, path, settings)
            if value is not None:
                settings[key] = value
        return found

    def _version(self, service: str, value: str | None, node: Node, path: str, settings: dict[str, Any]) -> str | None:
        """The major version; a microversion written in its place is kept as one."""
        if value is None:
            self.layer.note(node, path, "latest is no version of an API; the newest that both sides know is used")
            return None
        major, _, minor = value.partition(".")
        if minor.strip("0") and service in _MICROVERSIONED:
            settings.setdefault("default_microversion", value)
        return major

    def _check_identity(self) -> None:
        """Identity v2 is gone. A profile's pin of it means the profile's own address, not one that the user gives."""
        pin = self.layer.services.get(("identity", "api_version"))
        version = values.version(*pin) if pin else None
        if pin is None or version is None or not version.startswith("2"):
            return
        auth_url = self.layer.auth.get("auth_url")
        if _of_profile(pin) and auth_url and not _of_profile(auth_url):
            del self.layer.services["identity", "api_version"]
            return
        raise wrong(pin.node, pin.path, _NO_V2)

    def rest(self) -> dict[str, Any]:
        """Every other key that is given."""
        done = {*_NO_SETTING, "auth_type", "networks", "profile", "region_name", "verify"}
        found = {key: self.value(key) for key in self.layer.values if key not in done}
        for key in ("region_name", "profile"):
            if key in self.layer.values:
                self.origins[key] = self.layer.values[key].node.origin
        for key in ("cacert", "cert", "key"):
            if found.get(key):
                found[key] = self.expanduser(found[key])
        return {key: value for key, value in found.items() if value is not None or key in _NULL_IS_NONE}


_NO_V2 = (
    "version 2 of the identity API is gone from OpenStack and is not spoken here; ask the cloud for its v3 address "
    "and write identity_api_version: 3"
)


def _of_profile(setting: Setting) -> bool:
    return setting.node.source.kind in ("profile", "remote profile")


def _fill_node(node: Node, region: str | None) -> Node:
    """The same scalar with `{region_name}` filled in."""
    if region is None or not isinstance(node, Scalar) or not isinstance(node.value, str):
        return node
    return Scalar(node.value.replace("{region_name}", region), node.source, node.line, node.column, node.plain)


def _usual_login(auth: AnyMapping[str, Any]) -> str:
    """The login that the keys of `auth` ask for when nobody says which."""
    return next((login for secret, login in keys.LOGINS.items() if secret in auth), "password")


def _spread_domain(auth: dict[str, Any]) -> dict[str, Any]:
    """In a project's scope, `domain_id` and `domain_name` mean the domain of user and project."""
    if not ("project_id" in auth or "project_name" in auth):
        return auth
    for kind in ("id", "name"):
        domain = auth.pop(f"domain_{kind}", None)
        for who in ("user", "project"):
            if domain and f"{who}_domain_id" not in auth and f"{who}_domain_name" not in auth:
                auth[f"{who}_domain_{kind}"] = domain
    return auth
