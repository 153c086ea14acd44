"""list, show, create, delete: four verbs for every noun of the table, made from it."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, cast

from cyclopts import App, Parameter

from aiocloud._json import is_array
from aiocloud.cli.arguments import Argument, arguments_of
from aiocloud.cli.everywhere import Missing, complain, everywhere, row_of
from aiocloud.cli.nouns import EXTRA, NOUNS, Noun
from aiocloud.cli.options import How, Where
from aiocloud.cli.output import Row, clean, write
from aiocloud.cli.said import said_of
from aiocloud.cli.transfer import bars, piped
from aiocloud.cloud import Cloud
from aiocloud.errors import AuthError, CloudError
from aiocloud.fleet import Done
from aiocloud.model import Spec, build
from aiocloud.verb import via

__all__ = ["app_of", "verb_of"]

Verb = Callable[..., Awaitable[Any]]
Given = Mapping[str, Any]

_TASKS = {"list": "search", "show": "get", "create": "create", "delete": "delete"}
_IDLE = {"container": ("skip_cache",), "object": ("meta",), "floating-ip": ("retry",)}
"""What callers who come from other SDKs may pass, and what changes nothing."""
_HELP = {
    "list": "List {what}: all, or those whose name or id this is, or fits this shell pattern.",
    "show": "Show one of the {what} in full.",
    "create": "Create one of the {what}.",
    "delete": "Delete {what}.",
}


def __getattr__(name: str) -> App:
    if name in NOUNS:
        return app_of(NOUNS[name])
    raise AttributeError(name)


def app_of(noun: Noun) -> App:
    """The commands of a noun."""
    app = App(name=noun.name, help=f"{noun.what[0].upper()}{noun.what[1:]}.", result_action="return_value")
    runs = {"list": _list, "show": _show, "create": _create, "delete": _delete}
    for name in noun.verbs:
        verb, arguments = verb_of(noun, name)
        arguments = [replace(one, said=said_of(noun.name, name, one.name)) for one in arguments]
        app.command(runs[name](noun, verb, arguments), name=name, help=_help(noun, name, verb))
    for name, (path, said) in EXTRA.get(noun.name, {}).items():
        app.command(path, name=name, help=said)
    return app


def _help(noun: Noun, name: str, verb: Verb) -> str:
    """What the verb itself says, where it takes several steps; else a sentence for every noun."""
    said = inspect.getdoc(verb) if name in ("create", "delete") else None
    if not said:
        return _HELP[name].format(what=noun.what)
    paragraphs = [" ".join(paragraph.split()) for paragraph in said.split("\n\n")]
    # What is raised is a Python program's business.
    return "\n\n".join(told for one in paragraphs if (told := re.split(r"\bRaises [A-Z]", one)[0].strip()))


def verb_of(noun: Noun, name: str) -> tuple[Verb, list[Argument]]:
    """What does it, and what it can be told: the Cloud's own task, or the collection's verb."""
    flat = f"{_TASKS[name]}_{noun.many if name == 'list' else noun.one}"
    if name == "show" and noun.shown:
        flat = noun.shown
    if not isinstance(inspect.getattr_static(Cloud, flat, None), via | None):
        task = getattr(Cloud, flat)
        first = next(iter(inspect.signature(task).parameters))
        arguments = arguments_of(task, [first, *_IDLE.get(noun.name, ())])
        if name in ("show", "delete") and not any(argument.required for argument in arguments):
            # What goes by an id alone, or by a name or an id, goes by either.
            named = next((each for each in arguments if each.name == "name_or_id"), arguments[0])
            arguments = [replace(named, required=True), *(each for each in arguments[1:] if each is not named)]
        return task, arguments
    if name == "create" and noun.new:
        spec = _spec(noun.new)
        return _creator(noun, spec), arguments_of(spec)
    verbs = {"list": "search", "show": "find", "delete": "delete"}

    async def verb(cloud: Cloud, name_or_id: str | None = None, **given: Any) -> Any:
        return await getattr(_collection(cloud, noun), verbs[name])(name_or_id, **given)

    named = Argument("name_or_id", "text", required=name != "list")
    return verb, [named, Argument("filters", "pairs", required=False)] if name == "list" else [named]


def _spec(path: str) -> type[Spec]:
    module, _, name = path.partition(":")
    return cast("type[Spec]", getattr(importlib.import_module(module), name))


def _creator(noun: Noun, spec: type[Spec]) -> Verb:
    async def create(cloud: Cloud, **given: Any) -> Any:
        return await _collection(cloud, noun).create_from(build(spec, **given))

    return create


def _collection(cloud: Cloud, noun: Noun) -> Any:
    found: Any = cloud
    for part in noun.collection.split("."):
        found = getattr(found, part)
    return found


def _made(
    arguments: Sequence[Argument],
    run: Callable[[Given, Where, How], Awaitable[int]],
    *,
    free: Sequence[str] | None = None,
) -> Any:
    """A command with these arguments and the common options.

    `free` are those that need no `--name`, in their order; by default the required ones.
    """
    if free is None:
        free = [argument.name for argument in arguments if argument.required]
    order = {name: nth for nth, name in enumerate(free)}
    parameters: list[inspect.Parameter] = []
    for argument in sorted(arguments, key=lambda one: (order.get(one.name, len(order)), not one.required)):
        option = argument.name.removesuffix("_name_or_id").replace("_", "-")
        told = Parameter(
            name=f"--{option}",
            help=_explained(argument),
            negative_iterable=(),
            allow_leading_hyphen=argument.name == "filename",  # - for standard input
        )
        parameters.append(
            inspect.Parameter(
                argument.name,
                inspect.Parameter.POSITIONAL_OR_KEYWORD if argument.name in free else inspect.Parameter.KEYWORD_ONLY,
                default=inspect.Parameter.empty
                if argument.required
                else None
                if argument.kind != "flag"
                else argument.default,
                annotation=Annotated[argument.annotation, told],
            )
        )
    for name, kind in (("where_", Where), ("how_", How)):
        parameters.append(inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=kind(), annotation=kind))
    signature = inspect.Signature(parameters)

    async def command(*args: Any, **kwargs: Any) -> int:
        told = dict(signature.bind(*args, **kwargs).arguments)
        where, how = told.pop("where_", Where()), told.pop("how_", How())
        how.check()
        kinds = {argument.name: argument for argument in arguments}
        given = {name: kinds[name].value(value) for name, value in told.items() if value is not None}
        return await run(given, where, how)

    command.__signature__ = signature  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return command


def _explained(argument: Argument) -> str:
    forms = {
        "texts": "May be given several times.",
        "pairs": "key=value; may be given several times.",
        "pairs list": "key=value,key=value; may be given several times.",
    }
    form = "- is standard input." if argument.name == "filename" else forms.get(argument.kind)
    untold = argument.default in (None, "") or isinstance(argument.default, bool)
    default = None if untold else f"By default {argument.default}."
    return " ".join(part for part in (argument.said, form, default) if part)


def _list(noun: Noun, verb: Verb, arguments: list[Argument]) -> Any:
    pattern = next((a.name for a in arguments if a.name in ("name_or_id", "name", "id") and not a.required), "")

    async def run(given: Given, where: Where, how: How) -> int:
        rows: dict[str, list[Any]] = {}
        columns = [*(("cloud", "region") if where.many else ()), *noun.columns.split()]

        def tell(done: Done[Any]) -> None:
            found = [row_of(thing, done, many=where.many) for thing in done.value]
            if how.output == "ndjson" and how.query is None:
                how.show(found, columns, ())  # as each cloud answers
            else:
                rows[done.cloud.where] = found

        code = await everywhere(where, lambda cloud: verb(cloud, **given), tell)
        if rows or how.output != "ndjson":
            how.show([row for place in sorted(rows) for row in rows[place]], columns, noun.wide.split())
        return code

    free = [argument.name for argument in arguments if argument.required]
    return _made(arguments, run, free=[*free, pattern] if pattern else free)


def _show(noun: Noun, verb: Verb, arguments: list[Argument]) -> Any:
    async def run(given: Given, where: Where, how: How) -> int:
        async def one(cloud: Cloud) -> Any:
            found = await verb(cloud, **given)
            if found is None:
                raise _missing(noun, _which(arguments, given), cloud)
            return found

        code, rows = await _one_each(one, where)
        _tell_one(noun, rows, where, how)
        return code

    return _made(arguments, run)


def _create(noun: Noun, verb: Verb, arguments: list[Argument]) -> Any:
    # A bar is for bytes: of what is waited for, `progress` is told in per cent.
    takes_progress = {"data", "progress"} <= inspect.signature(verb).parameters.keys()

    async def run(given: Given, where: Where, how: How) -> int:
        with bars() as bar:

            async def one(cloud: Cloud) -> Any:
                progress = {"progress": bar(cloud.where)} if takes_progress else {}
                made = await verb(cloud, **piped(given), **progress)
                return made[0] if is_array(made) else made

            code, rows = await _one_each(one, where)
        _tell_one(noun, rows, where, how)  # when the bars are gone
        return code

    known = {argument.name for argument in arguments}
    name = next((each for each in ("name", f"{noun.one}_name") if each in known), None)
    free = None if name is None else [*(("container",) if noun.name == "object" else ()), name]
    return _made(arguments, run, free=free)


async def _one_each(verb: Callable[[Cloud], Awaitable[Any]], where: Where) -> tuple[int, list[Row]]:
    """The exit code, and the one thing of each cloud."""
    rows: list[Row] = []
    code = await everywhere(
        where, verb, lambda done: rows.append(row_of(done.value, done, many=where.many, reveal=True))
    )
    return code, sorted(rows, key=lambda row: (row["cloud"], row["region"] or "")) if where.many else rows


def _tell_one(noun: Noun, rows: list[Row], where: Where, how: How) -> None:
    """One thing of each cloud: in full when it is one cloud, else a row each."""
    if rows:
        how.show(rows if where.many else rows[0], ["cloud", "region", *noun.columns.split()], noun.wide.split())


def _delete(noun: Noun, verb: Verb, arguments: list[Argument]) -> Any:
    """Several may be named: what the last required argument names."""
    names = [argument for argument in arguments if argument.required][-1]
    several = [replace(names, kind="texts") if argument is names else argument for argument in arguments]

    async def run(given: Given, where: Where, how: How) -> int:  # noqa: ARG001 - deleted things are told by their names
        async def each(cloud: Cloud) -> None:
            """What fails doesn't keep the others; all of it is told, and the last one decides the exit code."""
            missing: list[str] = []
            failed: list[CloudError] = []
            for name in given[names.name]:
                try:
                    was_there = await verb(cloud, **{**given, names.name: name})
                except AuthError:
                    raise
                except CloudError as error:
                    failed.append(error)
                    continue
                if was_there is False:
                    missing.append(name)
                else:
                    at = f"{cloud.where}: " if where.many else ""
                    write(f"{clean(f'{at}deleted {noun.name} {name}')}\n")
            if missing:
                failed.insert(0, _missing(noun, ", ".join(missing), cloud))
            for before in failed[:-1]:
                complain(before)
            if failed:
                raise failed[-1]

        return await everywhere(where, each, lambda _: None)

    return _made([argument for argument in several if argument.name != "ignore_missing"], run)


def _which(arguments: Sequence[Argument], given: Given) -> str:
    return " ".join(str(given[argument.name]) for argument in arguments if argument.required)


def _missing(noun: Noun, which: str, cloud: Cloud) -> Missing:
    return Missing(f"there is no {noun.name.replace('-', ' ')} {which!r}", cloud=cloud.name, region=cloud.region_name)
