"""Values as JSON and back, types and all: what a verb is given, and what it answers.

Not pickle: whoever can write to a broker could make every reader of it run anything.
"""

from __future__ import annotations

import base64
import builtins
import dataclasses
import importlib
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, cast

from pydantic import BaseModel, SecretStr

from aiocloud import errors
from aiocloud._json import is_array, is_object
from aiocloud.errors import CloudError, InvalidRequest
from aiocloud.model import Resource

__all__ = ["pack", "unpack"]

_TAG = "$"
"""What a JSON object has under this key says what the others make; all others stand for themselves."""

# Where types are looked for that nobody has imported yet; elsewhere they are only found, so that no message can make us
# import, and run, what it likes.
_OURS = ("aiocloud.auth.", "aiocloud.services.", "aiocloud.tasks.")


def pack(value: object) -> Any:
    """JSON that `unpack` makes the same value of. Raises InvalidRequest for what can't leave its process.

    Resources, dataclasses, pydantic's models, errors, bytes, dates and times, sets and tuples keep their types.
    """
    match value:
        case None | bool() | int() | float() | str():
            return value
        case dict():
            return _packed_dict(cast("dict[object, object]", value))
        case list():
            return [pack(item) for item in cast("list[object]", value)]
        case tuple() | set() | frozenset():
            kind = next(kind for kind in ("tuple", "set", "frozenset") if isinstance(value, getattr(builtins, kind)))
            return {_TAG: kind, "items": [pack(item) for item in cast("Iterable[object]", value)]}
        case bytes():
            return {_TAG: "bytes", "base64": base64.b64encode(value).decode()}
        case datetime() | date() | time():
            return {_TAG: type(value).__name__, "iso": value.isoformat()}
        case timedelta():
            return {_TAG: "timedelta", "seconds": value.total_seconds()}
        case SecretStr():
            return {_TAG: "secret", "text": value.get_secret_value()}
        case Exception():
            return _packed_error(value)
        case BaseModel():
            return _packed_model(value)
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            names = [field.name for field in dataclasses.fields(value)]
            return {_TAG: "dataclass", "type": _name(value), "fields": {n: pack(getattr(value, n)) for n in names}}
        case _:
            raise InvalidRequest(
                f"a {type(value).__name__} can't travel between asker and worker: give or return text, numbers, bytes, "
                "lists, dicts, dataclasses, pydantic models or resources"
            )


def _packed_dict(value: dict[object, object]) -> Any:
    if all(isinstance(key, str) for key in value) and _TAG not in value:
        return {key: pack(inner) for key, inner in value.items()}
    return {_TAG: "dict", "items": [[pack(key), pack(inner)] for key, inner in value.items()]}


def _packed_error(error: Exception) -> Any:
    cause = error.__cause__ if isinstance(error.__cause__, Exception) else None
    if not isinstance(error, CloudError):
        return {_TAG: "exception", "class": type(error).__name__, "text": str(error), "cause": pack(cause)}
    _, (kind, *args), facts = error.__reduce__()  # its own idea of what may leave the process: no tokens, no passwords
    return {
        _TAG: "error",
        "class": kind.__name__,
        "args": pack(list(args)),
        "facts": {name: _packed_fact(fact) for name, fact in facts.items()},
        "cause": pack(cause),
    }


def _packed_fact(fact: object) -> Any:
    """What an error carries must not keep the error itself from being told."""
    try:
        return pack(fact)
    except InvalidRequest:
        return repr(fact)


def _packed_model(model: BaseModel) -> Any:
    fields = type(model).model_fields
    packed = {
        _TAG: "model",
        "type": _name(model),
        "fields": {name: pack(value) for name, value in vars(model).items() if name in fields},
        "set": sorted(model.model_fields_set),
        "extra": pack(dict(model.model_extra or {})),
    }
    if isinstance(model, Resource):
        packed["origin"] = pack((model.__pydantic_private__ or {}).get("origin"))
    return packed


def _name(value: object) -> str:
    return f"{type(value).__module__}:{type(value).__qualname__}"


def unpack(packed: Any) -> Any:
    """The value that was packed. Raises InvalidRequest for what this version can't read."""
    if is_array(packed):
        return [unpack(item) for item in packed]
    if not is_object(packed):
        return packed
    if _TAG not in packed:
        return {key: unpack(value) for key, value in packed.items()}
    read = _READ.get(packed[_TAG])
    if read is None:
        raise InvalidRequest(f"{packed[_TAG]!r} is nothing that this version of aiocloud can read")
    return read(packed)


def _error(packed: Mapping[str, Any]) -> CloudError:
    kind = getattr(errors, packed["class"], None)
    if not (isinstance(kind, type) and issubclass(kind, CloudError)):
        kind = CloudError  # of a newer version, or a class of somebody's own
    error = kind.__new__(kind, *unpack(packed["args"]))
    vars(error).update(unpack(packed["facts"]))
    error.__cause__ = unpack(packed["cause"])
    return error


def _exception(packed: Mapping[str, Any]) -> Exception:
    """A builtin error as itself, any other as a CloudError that names it: its class may want other arguments."""
    kind = getattr(builtins, packed["class"], None)
    told = packed["text"]
    known = (
        isinstance(kind, type) and issubclass(kind, Exception) and not issubclass(kind, UnicodeError | ExceptionGroup)
    )
    error: Exception = cast("type[Exception]", kind)(told) if known else CloudError(f"{packed['class']}: {told}")
    error.__cause__ = unpack(packed["cause"])
    return error


def _model(packed: Mapping[str, Any]) -> BaseModel:
    kind = _type(packed["type"])
    if not issubclass(kind, BaseModel):
        raise InvalidRequest(f"{packed['type']} is no model")
    fields = {name: unpack(value) for name, value in packed["fields"].items()}
    # As it was, not read again: values that we computed ourselves need not be the service's.
    model = kind.model_construct(set(packed["set"]), **fields)
    if model.model_extra is not None:
        model.model_extra.update(unpack(packed["extra"]))
    origin = unpack(packed.get("origin"))
    return model.located(origin) if isinstance(model, Resource) and origin is not None else model


def _dataclass(packed: Mapping[str, Any]) -> object:
    kind: Any = _type(packed["type"])
    if not hasattr(kind, "__dataclass_fields__"):
        raise InvalidRequest(f"{packed['type']} is no dataclass")
    value: object = object.__new__(kind)
    for name, inner in packed["fields"].items():
        object.__setattr__(value, name, unpack(inner))
    return value


def _type(name: str) -> type:
    module_name, _, path = name.partition(":")
    if module_name.startswith(_OURS):
        importlib.import_module(module_name)
    found: Any = sys.modules.get(module_name)
    for part in path.split("."):
        found = getattr(found, part, None)
    if not isinstance(found, type):
        raise InvalidRequest(f"there is no type {name} here: import its module, on both sides")
    return found


_READ: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "dict": lambda packed: {unpack(key): unpack(value) for key, value in packed["items"]},
    "tuple": lambda packed: tuple(unpack(packed["items"])),
    "set": lambda packed: set(unpack(packed["items"])),
    "frozenset": lambda packed: frozenset(unpack(packed["items"])),
    "bytes": lambda packed: base64.b64decode(packed["base64"]),
    "datetime": lambda packed: datetime.fromisoformat(packed["iso"]),
    "date": lambda packed: date.fromisoformat(packed["iso"]),
    "time": lambda packed: time.fromisoformat(packed["iso"]),
    "timedelta": lambda packed: timedelta(seconds=packed["seconds"]),
    "secret": lambda packed: SecretStr(packed["text"]),
    "exception": _exception,
    "error": _error,
    "model": _model,
    "dataclass": _dataclass,
}
