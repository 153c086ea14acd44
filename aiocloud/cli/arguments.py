"""From the signature of a verb to the arguments that a shell can give it. Pure: what can't be typed there is left out."""

from __future__ import annotations

import collections.abc
import inspect
import json
import os
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Union, cast

from aiocloud.errors import InvalidRequest
from aiocloud.model import Spec

__all__ = ["Argument", "arguments_of", "read_pairs"]

Kind = Literal["text", "whole", "number", "flag", "choice", "texts", "pairs", "pairs list"]

_SCALARS: dict[object, Kind] = {str: "text", int: "whole", float: "number", bool: "flag"}
_LISTS = (collections.abc.Sequence, list, tuple, set, frozenset)


_FILES = {"userdata", "public_key"}
"""What is usually in a file. Neither begins with the @ that says so."""


@dataclass(frozen=True)
class Argument:
    """One argument of a verb, as a shell gives it."""

    name: str
    kind: Kind
    required: bool
    default: Any = None
    choices: tuple[Any, ...] = ()
    said: str = ""
    """What it means, for the help."""

    @property
    def annotation(self) -> Any:
        """What the command line reads it as."""
        kinds: dict[Kind, Any] = {
            "text": str,
            "whole": int,
            "number": float,
            "flag": bool,
            "choice": Literal[self.choices] if self.choices else str,
            "texts": list[str],
            "pairs": list[str],
            "pairs list": list[str],
        }
        found = kinds[self.kind]
        return found if self.required else found | None

    def value(self, given: Any) -> Any:
        """What the verb takes, from what the command line read."""
        if self.name in _FILES and str(given).startswith("@"):
            return _content(given[1:], self.name)
        if self.kind == "pairs":
            return read_pairs(given, self.name)
        if self.kind == "pairs list":
            return [read_pairs(one.split(","), self.name) for one in given]
        return given


def arguments_of(verb: Callable[..., Any], leave_out: Iterable[str] = ()) -> list[Argument]:
    """The arguments of a verb (an `async def f(cloud, ...)` or a Spec's class) that can be typed in a shell."""
    hidden = {*leave_out, "progress"}
    found: list[Argument] = []
    for name, annotation, default in _parameters(verb):
        kind, choices = _kind(annotation)
        if kind is not None and name not in hidden:
            required = default is inspect.Parameter.empty
            found.append(Argument(name, kind, required, None if required else default, choices))
    return found


def _parameters(verb: Callable[..., Any]) -> Iterator[tuple[str, Any, Any]]:
    """Name, annotation and default (`Parameter.empty`: there is none) of each."""
    if inspect.isclass(verb) and issubclass(verb, Spec):
        for name, field in verb.model_fields.items():
            yield name, field.annotation, inspect.Parameter.empty if field.is_required() else field.default
        return
    hints = typing.get_type_hints(verb)
    for parameter in inspect.signature(verb).parameters.values():
        if parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            yield parameter.name, hints.get(parameter.name), parameter.default


def _members(annotation: Any) -> list[Any]:
    origin = typing.get_origin(annotation)
    if origin in (Union, types.UnionType):
        return [inner for member in typing.get_args(annotation) for inner in _members(member)]
    if origin is typing.Annotated:
        return _members(typing.get_args(annotation)[0])
    return [] if annotation is type(None) else [annotation]


def _kind(annotation: Any) -> tuple[Kind | None, tuple[Any, ...]]:
    members = _members(annotation)
    for member in members:
        if typing.get_origin(member) in _LISTS:
            inner = _kind(typing.get_args(member)[0])[0]
            if inner is not None:
                return ("pairs list" if inner == "pairs" else "texts"), ()
    for member in members:
        if typing.get_origin(member) is Literal:
            return "choice", typing.get_args(member)
    for scalar in (str, float, int, bool):
        if scalar in members:
            return _SCALARS[scalar], ()
    if any(_is_path(member) for member in members):
        return "text", ()
    mappings = (dict, collections.abc.Mapping)
    if any(member in mappings or typing.get_origin(member) in mappings for member in members):
        return "pairs", ()
    return None, ()


def _is_path(member: Any) -> bool:
    return (typing.get_origin(member) or member) is os.PathLike


def read_pairs(given: Iterable[str], name: str) -> dict[str, Any]:
    """`key=value`, any number of them, or a JSON object. Raises InvalidRequest."""
    found: dict[str, Any] = {}
    for text in given:
        if text.startswith("{"):
            found |= _object(text, name)
            continue
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise InvalidRequest(f"--{name.replace('_', '-')} wants key=value or a JSON object, not {text!r}")
        found[key] = value
    return found


def _object(text: str, name: str) -> Mapping[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise InvalidRequest(f"--{name.replace('_', '-')} is no JSON: {error}") from None
    if not isinstance(value, dict):
        raise InvalidRequest(f"--{name.replace('_', '-')} wants a JSON object")
    return cast("Mapping[str, Any]", value)


def _content(path: str, name: str) -> str:
    try:
        return Path(path).expanduser().read_text("utf-8")
    except UnicodeDecodeError:
        raise InvalidRequest(f"--{name.replace('_', '-')}: {path} is no text in UTF-8") from None
    except OSError as error:
        raise InvalidRequest(f"--{name.replace('_', '-')}: {path} can't be read: {error.strerror}") from None
