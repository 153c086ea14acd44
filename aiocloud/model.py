"""What services hand back (Resource) and what may be asked for (Spec): frozen models with their wire names.

One model is read two ways. Strict: only declared fields, and a value that does not fit is a NormalizationError.
Lenient (the default): whatever else the service sent is kept in `properties`, and one odd value is set aside there as
it was sent, under its wire name, while the rest is read: a list of 500 is not lost to one of them.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, ClassVar, Generic, Literal, Self, TypeAlias, TypeVar

import pydantic
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, TypeAdapter, create_model
from pydantic_core import core_schema

from aiocloud._json import is_array, is_object, kind, load_json, mapping, mappings
from aiocloud.errors import InvalidRequest, NormalizationError

__all__ = [
    "Location",
    "NullAs",
    "Place",
    "Project",
    "Resource",
    "Spec",
    "Text",
    "Value",
    "Which",
    "Wire",
    "build",
    "read_many",
    "read_one",
    "text_of",
    "wire_names",
]

R = TypeVar("R", bound="Resource")
S = TypeVar("S", bound="Spec")


def Wire(name: str, *older: str) -> Any:  # noqa: N802 - reads as a tag: Annotated[bool, Wire("os-flavor-access:is_public")]
    """The name of a field on the wire, where it differs from ours; `older` ones are read too."""
    return Field(validation_alias=AliasChoices(name, *older), serialization_alias=name)


@dataclasses.dataclass(frozen=True)
class NullAs:
    """Read a `null` from the service as this value: `Annotated[str, NullAs("")]`."""

    value: Any

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Any]) -> core_schema.CoreSchema:
        null = core_schema.chain_schema(
            [core_schema.none_schema(), core_schema.no_info_plain_validator_function(lambda _: self.value)]
        )
        return core_schema.union_schema([handler(source), null], mode="left_to_right")


Text: TypeAlias = Annotated[str, NullAs("")]
"""Text that some services send as `null`: read as empty."""


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a kind of resource lives in its service's API, and what its envelopes are called.

    `by_name` is how the service helps to find one by name: "query" (`?name=` is exact), "regex" (`?name=` is a regular
    expression, as in Nova), "list" (not at all: everything is listed), "id" (the name is the id, as with keypairs).
    `microversion` is the newest whose shape our model knows.
    """

    path: str
    one: str | None = None
    many: str | None = None
    detail: str | None = None
    by_name: Literal["query", "regex", "list", "id"] = "query"
    update: Literal["PUT", "PATCH", "POST"] = "PUT"
    create: Literal["POST", "PUT"] = "POST"
    microversion: str | None = None
    changes: str | None = None
    """The query by which the service lists what changed since a time, deleted things too (Nova's `changes-since`)."""
    wrapped: str | None = None
    """Each member of a list sits in an object of its own under this key (`{"keypairs": [{"keypair": {...}}]}`)."""
    query: Mapping[str, str] = dataclasses.field(default_factory=dict[str, str])
    """What a list asks for besides, unless told otherwise, where the service would leave out what one may see."""


class Value(BaseModel):
    """A frozen model that also reads as a mapping: `v.name`, `v["name"]`, `v["wire:name"]`, `in`, `dict(v)`."""

    model_config = ConfigDict(
        frozen=True,
        extra="allow",
        defer_build=True,
        validate_by_name=True,
        validate_by_alias=True,
        protected_namespaces=(),
        hide_input_in_errors=True,
        coerce_numbers_to_str=True,
    )

    def __getitem__(self, key: str) -> Any:
        cls = type(self)
        if key in cls.model_fields or key in _computed(cls):
            return getattr(self, key)
        field = _by_wire(cls).get(key)
        if field is not None and not (self.model_extra and key in self.model_extra):
            return getattr(self, field)
        return (self.model_extra or {})[key]

    def __contains__(self, key: object) -> bool:
        cls = type(self)
        return (
            key in cls.model_fields or key in _computed(cls) or key in _by_wire(cls) or key in (self.model_extra or {})
        )

    def get(self, key: str, default: Any = None) -> Any:
        """The value under our name or the wire's, else `default`."""
        try:
            return self[key]
        except KeyError:
            return default

    def keys(self) -> Iterator[str]:
        """Our names of all fields, then the keys of `properties`."""
        yield from type(self).model_fields
        yield from _computed(type(self))
        yield from self.model_extra or ()

    def items(self) -> Iterator[tuple[str, Any]]:
        """Pairs of name and value, as `keys` names them."""
        for key in self.keys():
            yield key, self[key]

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts and lists all the way down, under our names."""
        return {key: _plain(value) for key, value in self.items()}


def _plain(value: object) -> object:
    if isinstance(value, Value):
        return value.to_dict()
    if is_object(value):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if is_array(value) else value


@functools.cache
def _by_wire(cls: type[Value]) -> dict[str, str]:
    names: dict[str, str] = {}
    for name, info in cls.model_fields.items():
        alias = info.validation_alias
        for choice in alias.choices if isinstance(alias, AliasChoices) else [alias]:
            if isinstance(choice, str):
                names[choice] = name
    return names


@functools.cache
def wire_names(cls: type[Value]) -> Mapping[str, str]:
    """Our names of a model's fields -> the wire's, where they differ: for filters that go to the service."""
    return {name: info.serialization_alias for name, info in cls.model_fields.items() if info.serialization_alias}


@functools.cache
def _computed(cls: type[Value]) -> tuple[str, ...]:
    return ("location",) if issubclass(cls, Resource) else ()


class Project(Value):
    """The project that a resource belongs to, as far as the login knows it."""

    id: str | None = None
    name: str | None = None
    domain_id: str | None = None
    domain_name: str | None = None


class Location(Value):
    """Where a resource is: cloud, region, availability zone, project."""

    cloud: str | None = None
    region_name: str | None = None
    zone: str | None = None
    project: Project = Project()


class Resource(Value):
    """What a service hands back. Frozen: a newer state is a newer object."""

    place: ClassVar[Place]

    id: Text = ""
    name: Text = ""

    @property
    def properties(self) -> dict[str, Any]:
        """What the service sent beyond the declared fields; values that did not fit theirs, as sent."""
        return dict(self.model_extra or {})

    @property
    def location(self) -> Location:
        """Cloud, region, availability zone and project of this resource."""
        origin: Location = (self.__pydantic_private__ or _NOWHERE)["origin"]
        zone = getattr(self, "availability_zone", None)
        project = getattr(self, "project_id", None)
        changes: dict[str, Any] = {}
        if isinstance(zone, str) and zone:
            changes["zone"] = zone
        if isinstance(project, str) and project and project != origin.project.id:
            changes["project"] = Project(id=project)
        return origin.model_copy(update=changes) if changes else origin

    def located(self, origin: Location) -> Self:
        """The same resource, knowing its place."""
        _put_origin(self, {"origin": origin})
        return self

    def completed(self, **fields: Any) -> Self:
        """The same resource, fresh from an answer, with what this left out; unchecked, as nobody has it yet."""
        vars(self).update(fields)
        self.__pydantic_fields_set__.update(fields)
        return self

    def changed(self, **fields: Any) -> Self:
        """A newer object with these fields; unchecked, for values that we computed ourselves."""
        return self.model_copy(update=fields)

    def __hash__(self) -> int:
        return hash((type(self), self.id or self.name))


class Spec(BaseModel):
    """What may be asked for. Unknown names are refused; a vendor's own keys go through `extra_body`."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        defer_build=True,
        validate_by_name=True,
        validate_by_alias=False,
        protected_namespaces=(),
        hide_input_in_errors=True,
    )

    extra_body: dict[str, Any] | None = Field(default=None, exclude=True)

    def body(self) -> dict[str, Any]:
        """The JSON body: what was given (a default is left to the service), under its wire names."""
        body = self.model_dump(mode="json", by_alias=True, exclude_unset=True)
        return {**body, **(self.extra_body or {})}


_NOWHERE = {"origin": Location()}


def _put_origin(resource: Resource, origin: dict[str, Location]) -> None:
    """Where it comes from goes into pydantic's slot for private values, one dict for a whole page.

    A declared private attribute would cost a call of Python for each of 10,000 servers.
    """
    object.__setattr__(resource, "__pydantic_private__", origin)


Which: TypeAlias = str | Value | Mapping[str, Any]
"""Wherever a thing is named: its name, its id, the resource itself, or `{"id": ...}`."""


def text_of(which: Which, kind: str, *keys: str) -> str:
    """What a thing is named by: the text itself, or what it has under the first of these keys. Raises InvalidRequest."""
    if isinstance(which, str):
        return which
    if not hasattr(which, "get"):
        raise InvalidRequest(f"{which!r} is no {kind}: name it by text, or give the {kind} itself")
    text = next((value for key in keys if (value := which.get(key))), None)
    if text is None:
        raise InvalidRequest(f"{which!r} does not say which {kind} is meant: it has no {' or '.join(keys)}")
    return str(text)


def build(spec: Callable[..., S], *args: Any, **kwargs: Any) -> S:
    """A Spec from arguments, its complaints as one InvalidRequest."""
    try:
        return spec(*args, **kwargs)
    except pydantic.ValidationError as error:
        raise InvalidRequest(_complaints(error)) from None


def _complaints(error: pydantic.ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, e['loc'])) or error.title}: {e['msg']}" for e in error.errors())


@dataclasses.dataclass(frozen=True)
class Page(Generic[R]):
    """One page of a list as read: the items, and the link to the next page where the service gave one."""

    items: list[R]
    next: str | None


@functools.cache
def _bare_list(cls: type[Resource]) -> TypeAdapter[Any]:
    """A list without an envelope, built once a resource."""
    items: Any = list.__class_getitem__(cls)
    return TypeAdapter[Any](items)


@functools.cache
def _page_model(cls: type[Resource], many: str) -> type[BaseModel]:
    """The envelope of a list, built once a resource: a page is read from its bytes in one pass."""
    wrapped = cls.place.wrapped
    item: Any = create_model(f"{cls.__name__}Item", item=(cls, Field(validation_alias=wrapped))) if wrapped else cls
    links = Field(default=None, validation_alias=AliasChoices(f"{many}_links", "links", "next"))
    items: Any = list.__class_getitem__(item)
    return create_model(f"{cls.__name__}Page", items=(items, Field(validation_alias=many)), links=(Any, links))


def read_many(cls: type[R], body: bytes, *, strict: bool, origin: Location, where: str) -> Page[R]:
    """One page of a list, from the raw bytes in one pass.

    Raises NormalizationError when it is not a list of such things, in strict mode also when one value does not fit.
    """
    many = cls.place.many
    if many is None:
        return Page(_read_bare(cls, body, strict=strict, origin=origin, where=where), None)
    try:
        page: Any = _page_model(cls, many).model_validate_json(body, extra="ignore" if strict else "allow")
    except pydantic.ValidationError as error:
        if strict:
            raise _not_as_promised(error, where) from None
        return _read_apart(cls, many, body, origin=origin, where=where)
    items: list[R] = [wrapper.item for wrapper in page.items] if cls.place.wrapped else page.items
    where_from = {"origin": origin}
    for item in items:
        _put_origin(item, where_from)
    return Page(items, _next_link(page.links))


def _read_bare(cls: type[R], body: bytes, *, strict: bool, origin: Location, where: str) -> list[R]:
    try:
        items: list[R] = _bare_list(cls).validate_json(body, extra="ignore" if strict else "allow")
    except pydantic.ValidationError:
        rows = _rows(load_json(body, where), where, "[...]")
        return [read_one(cls, row, strict=strict, origin=origin, where=where) for row in rows]
    where_from = {"origin": origin}
    for item in items:
        _put_origin(item, where_from)
    return items


def _next_link(links: Any) -> str | None:
    """The next page, as services write it: a URL, `{"next": URL}` or `[{"rel": "next", "href": URL}]`."""
    if is_array(links):
        return next((link["href"] for link in mappings(links) if link.get("rel") == "next"), None)
    link = links.get("next") if is_object(links) else links
    return link if isinstance(link, str) else None


def _read_apart(cls: type[R], many: str, body: bytes, *, origin: Location, where: str) -> Page[R]:
    """The slow way, item by item, taken when something in the page does not fit."""
    page = mapping(load_json(body, where))
    wrapped = cls.place.wrapped
    rows = _rows(page.get(many), where, f"{{{many!r}: [...]}}")
    items = [_read_lenient(cls, mapping(row).get(wrapped) if wrapped else row, where).located(origin) for row in rows]
    return Page(items, _next_link(page.get(f"{many}_links") or page.get("links") or page.get("next")))


def _rows(value: Any, where: str, promised: str) -> list[Any]:
    if not is_array(value):
        raise NormalizationError(f"{where} answered {kind(value)} where {promised} was promised")
    return value


def read_one(cls: type[R], body: bytes | Mapping[str, Any], *, strict: bool, origin: Location, where: str) -> R:
    """One resource, from bytes or a mapping, in its envelope or bare. Raises NormalizationError as `read_many` does."""
    value: Any = load_json(body, where) if isinstance(body, bytes) else body
    envelope = mapping(value).get(cls.place.one or "")
    value = envelope if is_object(envelope) else value
    if not strict:
        return _read_lenient(cls, value, where).located(origin)
    try:
        return cls.model_validate(value, extra="ignore").located(origin)
    except pydantic.ValidationError as error:
        raise _not_as_promised(error, where) from None


def _read_lenient(cls: type[R], value: Any, where: str) -> R:
    if not is_object(value):
        raise NormalizationError(f"{where} answered {kind(value)} where {cls.__name__} was promised")
    data = dict(value)
    try:
        return cls.model_validate(data)
    except pydantic.ValidationError as error:
        odd = {str(e["loc"][0]) for e in error.errors() if e["loc"]}
    aside = {key: data.pop(key) for key in [*data] if key in odd}
    try:
        read = cls.model_validate(data)
    except pydantic.ValidationError as error:
        raise _not_as_promised(error, where) from None
    if read.model_extra is not None:
        read.model_extra.update(aside)
    return read


def _not_as_promised(error: pydantic.ValidationError, where: str) -> NormalizationError:
    return NormalizationError(f"{where} answered something unexpected: {_complaints(error)}")
