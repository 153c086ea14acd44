"""YAML and JSON text -> a tree whose every node knows its line and column. Pure.

Nothing is guessed here: a scalar keeps the text that was written, and whoever reads a key says what it should be, so
`NO` stays a country and `0123` a project. The tree is built from parser events, without recursion, under limits; a
shared anchor is one node, and what it would expand to is counted, so small texts can't grow large.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as AnyMapping
from collections.abc import Sequence as AnySequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

import yaml

from aiocloud.config.schema import Origin, OriginKind
from aiocloud.errors import ConfigError

__all__ = [
    "MAX_BYTES",
    "Mapping",
    "Node",
    "Scalar",
    "Sequence",
    "Source",
    "from_python",
    "is_empty",
    "overlay",
    "parse",
    "wrong",
]

MAX_BYTES = 1024 * 1024
MAX_NODES = 50_000
MAX_DEPTH = 32
MAX_ALIASES = 100

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_YAML_TAG = "tag:yaml.org,2002:"
_KNOWN_TAGS = frozenset(_YAML_TAG + name for name in ("str", "int", "float", "bool", "null", "map", "seq"))
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_parse: Any = yaml.parse


@dataclass(frozen=True, slots=True)
class Source:
    """A file, a profile, a variable or the call's arguments."""

    kind: OriginKind
    name: str = ""


@dataclass(slots=True)
class Scalar:
    """One value as it was written; `plain` when it stood without quotes. From Python it may be any object."""

    value: object
    source: Source
    line: int | None = None
    column: int | None = None
    plain: bool = False

    size = 1
    height = 1

    @property
    def is_null(self) -> bool:
        return self.value is None or (self.plain and self.value in _NULLS)

    @property
    def origin(self) -> Origin:
        return Origin(self.source.kind, self.source.name, self.line, self.column)


@dataclass(slots=True)
class Sequence:
    """A list."""

    source: Source
    line: int | None = None
    column: int | None = None
    items: list[Node] = field(default_factory=list["Node"])
    size: int = 1
    height: int = 1
    is_null = False

    @property
    def origin(self) -> Origin:
        return Origin(self.source.kind, self.source.name, self.line, self.column)


@dataclass(slots=True)
class Mapping:
    """Keys and their values. A key written twice is kept in `twice`, and is an error for whoever reads the mapping."""

    source: Source
    line: int | None = None
    column: int | None = None
    entries: dict[str, tuple[Scalar, Node]] = field(default_factory=dict[str, "tuple[Scalar, Node]"])
    twice: tuple[Scalar, Scalar] | None = None
    size: int = 1
    height: int = 1
    is_null = False

    @property
    def origin(self) -> Origin:
        return Origin(self.source.kind, self.source.name, self.line, self.column)

    def get(self, key: str) -> Node | None:
        """The value of a key; None when it is missing or null."""
        entry = self.entries.get(key)
        return None if entry is None or entry[1].is_null else entry[1]

    def read(self, path: str) -> Iterator[tuple[str, Scalar, Node]]:
        """Every key that has a value. ConfigError when a key stands here twice."""
        if self.twice:
            first, again = self.twice
            key = f"{path}.{again.value}" if path else str(again.value)
            raise wrong(again, key, f"this key was already given on line {first.line}")
        for name, (key_node, node) in self.entries.items():
            if not node.is_null:
                yield name, key_node, node


Node: TypeAlias = Scalar | Sequence | Mapping


def wrong(node: Node, path: str | None, message: str, cloud: str | None = None) -> ConfigError:
    """The ConfigError for a node: its place in the file, or the variable or argument it came from, and its key."""
    source = node.source
    if source.kind in ("file", "profile", "remote profile"):
        return ConfigError(message, file=source.name, line=node.line, column=node.column, key=path, cloud=cloud)
    return ConfigError(f"{node.origin}: {message}", key=path, cloud=cloud)


def from_python(value: object, source: Source) -> Node:
    """Arguments of a call as the same tree; what is no mapping, list or tuple is a scalar."""
    if isinstance(value, AnyMapping):
        tree = Mapping(source)
        for key, item in cast("AnyMapping[object, object]", value).items():
            tree.entries[str(key)] = (Scalar(str(key), source), from_python(item, source))
        return tree
    if isinstance(value, AnySequence) and not isinstance(value, (str, bytes, bytearray)):
        return Sequence(source, items=[from_python(item, source) for item in cast("AnySequence[object]", value)])
    return Scalar(value, source)


def is_empty(node: Node | None) -> bool:
    """Is it missing, null, or an empty text?"""
    return node is None or node.is_null or (isinstance(node, Scalar) and node.value == "")


def overlay(under: Node | None, over: Node) -> Node:
    """One tree over another: mappings key by key, all else replaced; null never overrides."""
    if not isinstance(under, Mapping) or not isinstance(over, Mapping):
        return under if under is not None and over.is_null else over
    merged = Mapping(under.source, under.line, under.column, dict(under.entries), over.twice or under.twice)
    for key, (key_node, node) in over.entries.items():
        below = under.entries.get(key)
        merged.entries[key] = (key_node, overlay(below[1] if below else None, node))
    return merged


def parse(text: str, source: Source) -> Node | None:
    """The tree of a YAML (or JSON) document; None when it is empty. ConfigError with line and column otherwise."""
    builder = _Builder(source)
    try:
        events: Iterator[yaml.Event] = _parse(text, Loader=_LOADER)
        for event in events:
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (None, None)
        said = error.problem or error.context or "it can't be read"
        said += _remedy(said, text, mark.index if mark else None)
        raise ConfigError(f"not valid YAML: {said}", file=source.name, line=line, column=column) from None
    except yaml.YAMLError:
        line, column = _unreadable(text)
        raise ConfigError("not valid YAML: a control character", file=source.name, line=line, column=column) from None
    return builder.root


def _remedy(said: str, text: str, index: int | None) -> str:
    """What to do about the usual mistakes, to follow the parser's own words. Says nothing of the file's content."""
    if "cannot start any token" in said:
        is_tab = index is not None and text[index : index + 1] == "\t"
        return "; indent with spaces, not with tabs" if is_tab else "; a value that begins with @, ` or % needs quotes"
    return "; a value with a colon and a space in it needs quotes" if "mapping values are not allowed" in said else ""


def _place(event: yaml.Event) -> tuple[int, int]:
    """Line and column of an event, both from 1."""
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def _unreadable(text: str) -> tuple[int | None, int | None]:
    """Line and column of the first character that YAML does not allow."""
    for number, line in enumerate(text.splitlines(), 1):
        for column, letter in enumerate(line, 1):
            if not (letter.isprintable() or letter in "\t\x85") and (letter < " " or letter in "\x7f\ufffe\uffff"):
                return number, column
    return None, None


@dataclass(slots=True)
class _Open:
    """A collection whose end has not come yet, and in a mapping the key whose value is awaited."""

    node: Mapping | Sequence
    anchor: str | None
    key: Scalar | None = None
    merged: list[Node] | None = None


class _Builder:
    """Takes parser events, one after the other, and keeps the limits."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.root: Node | None = None
        self._stack: list[_Open] = []
        self._anchors: dict[str, Node] = {}
        self._nodes = 0
        self._aliases = 0
        self._documents = 0

    def take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._start(event, Mapping if isinstance(event, yaml.MappingStartEvent) else Sequence)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._end()
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise self._wrong(event, "a second document begins here; only one is read")

    def _wrong(self, event: yaml.Event, message: str) -> ConfigError:
        line, column = _place(event)
        return ConfigError(message, file=self.source.name, line=line, column=column, key=self._path())

    def _path(self) -> str | None:
        """The keys that lead to where we are."""
        path = ""
        for one in self._stack:
            if isinstance(one.node, Sequence):
                path += f"[{len(one.node.items)}]"
            elif one.key is not None:
                path += f".{one.key.value}" if path else str(one.key.value)
        return path or None

    def _count(self, event: yaml.NodeEvent) -> tuple[int, int]:
        """The place of a new node. ConfigError when there are too many, or its tag is not plain YAML."""
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise self._wrong(event, f"more than {MAX_NODES} values: this is no configuration file")
        tag: str | None = getattr(event, "tag", None)
        if tag is not None and tag != "!" and tag not in _KNOWN_TAGS:
            raise self._wrong(event, "a tag like this one is not read: only plain YAML values are")
        return _place(event)

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        line, column = self._count(event)
        plain = not event.style and event.tag not in ("!", _YAML_TAG + "str")
        node = Scalar(event.value, self.source, line, column, plain)
        if event.anchor:
            self._anchors[event.anchor] = node
        self._add(node, event)

    def _start(self, event: yaml.CollectionStartEvent, kind: type[Mapping | Sequence]) -> None:
        line, column = self._count(event)
        if len(self._stack) >= MAX_DEPTH:
            raise self._wrong(event, f"nested more than {MAX_DEPTH} deep")
        if event.anchor:
            self._anchors.pop(event.anchor, None)
        self._stack.append(_Open(kind(self.source, line, column), event.anchor))
        if len(self._stack) > 1:
            self._awaited(event)

    def _awaited(self, event: yaml.Event) -> None:
        around = self._stack[-2]
        if isinstance(around.node, Mapping) and around.key is None:
            raise self._wrong(event, "a key must be a word, not a list or a mapping")

    def _end(self) -> None:
        done = self._stack.pop()
        if done.merged and isinstance(done.node, Mapping):
            _merge(done.node, done.merged)
        if done.anchor:
            self._anchors[done.anchor] = done.node
        self._add(done.node, None)

    def _alias(self, event: yaml.AliasEvent) -> None:
        self._aliases += 1
        if self._aliases > MAX_ALIASES:
            raise self._wrong(event, f"more than {MAX_ALIASES} aliases")
        node = self._anchors.get(str(event.anchor))
        if node is None:
            inside = any(one.anchor == event.anchor for one in self._stack)
            why = "stands inside of what it refers to" if inside else "refers to no anchor above it"
            # Its name is not said: it may be a password that begins with a star.
            raise self._wrong(event, f"an alias (*...) {why}; a value that begins with * needs quotes")
        self._add(node, event)

    def _add(self, node: Node, event: yaml.Event | None) -> None:
        """Put a finished node where it belongs."""
        if not self._stack:
            self.root = node
            return
        around = self._stack[-1]
        if isinstance(around.node, Sequence):
            around.node.items.append(node)
        elif around.key is None:
            around.key = self._key(node, event)
            return
        else:
            self._put(around, around.node, around.key, node)
            around.key = None
        around.node.size += node.size
        around.node.height = max(around.node.height, node.height + 1)
        if around.node.size > MAX_NODES or around.node.height > MAX_DEPTH:
            raise wrong(node, self._path(), f"its aliases expand to more than {MAX_NODES} values or {MAX_DEPTH} levels")

    def _key(self, node: Node, event: yaml.Event | None) -> Scalar:
        if isinstance(node, Scalar) and node.value != "" and str(node.value).isprintable():
            return node
        raise self._wrong(event, "a key must be a word") if event else wrong(node, None, "a key must be a word")

    def _put(self, around: _Open, mapping: Mapping, key: Scalar, node: Node) -> None:
        name = str(key.value)
        if key.plain and name == "<<" and around.merged is None:
            around.merged = node.items if isinstance(node, Sequence) else [node]
            return
        known = mapping.entries.get(name)
        if known:
            mapping.twice = mapping.twice or (known[0], key)
        mapping.entries[name] = (key, node)


def _merge(mapping: Mapping, merged: list[Node]) -> None:
    """What `<<` brings in: keys that the mapping does not give itself, the first of several winning."""
    for node in merged:
        if not isinstance(node, Mapping):
            raise wrong(node, "<<", "only a mapping, or a list of mappings, can be merged")
        mapping.twice = mapping.twice or node.twice
        for key, entry in node.entries.items():
            mapping.entries.setdefault(key, entry)
