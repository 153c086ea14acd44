"""A Heat template, and every file that it needs. https://docs.openstack.org/heat/latest/template_guide/hot_spec.html"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import anyio.to_thread
import yaml

from aiocloud._json import is_object
from aiocloud.errors import InvalidRequest
from aiocloud.region import Region

__all__ = ["get_template_contents", "merge_environments"]


async def get_template_contents(
    cloud: Region,  # noqa: ARG001 - a task, as its siblings
    template_file: str | os.PathLike[str] | None = None,
    template_url: str | None = None,
    template_object: str | Mapping[str, Any] | None = None,
    files: Mapping[str, str] | None = None,
) -> tuple[dict[str, str], str | dict[str, Any] | None]:
    """The files that a template needs, and the template itself: None for one that Heat fetches from `template_url`.

    What `get_file: NAME` and `type: NAME.yaml` name is read from beside the template, and again from there. Only a file
    on this machine reads files: a template given as text or mapping in `template_object` brings its own in `files`.
    Raises InvalidRequest when there is not exactly one template, or a file can't be read.
    """
    given = [one for one in (template_file, template_url, template_object) if one is not None]
    if len(given) != 1:
        raise InvalidRequest("a stack needs one of template_file, template_url and template_object")
    found = dict(files or {})
    if template_file is None:
        return found, dict(template_object) if isinstance(template_object, Mapping) else template_object
    return await anyio.to_thread.run_sync(_collect, Path(template_file), found)


def _collect(path: Path, files: dict[str, str]) -> tuple[dict[str, str], str]:
    """Blocking: runs in a thread."""
    template = _read(path)
    todo = [(path.parent, name) for name in _named(template, path)]
    while todo:
        folder, name = todo.pop()
        if name in files or "://" in name:
            continue
        where = folder / name
        files[name] = _read(where)
        if where.suffix in (".yaml", ".yml", ".template"):
            todo += [(where.parent, further) for further in _named(files[name], where)]
    return files, template


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"{path} can't be read: {error}") from None


def _named(text: str, path: Path) -> Iterator[str]:
    """The names of the files that a template refers to."""
    try:
        root = yaml.compose(text, Loader=yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise InvalidRequest(f"{path} is not YAML: {error}") from None
    todo, seen = [root], set[int]()
    while todo:
        node = todo.pop()
        if node is None or id(node) in seen:  # an alias may lead to the same node ever again
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            todo += node.value
        elif isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                todo.append(value)
                if isinstance(value, yaml.ScalarNode) and _is_file(key.value, value.value):
                    yield value.value


def _is_file(key: object, value: str) -> bool:
    return key == "get_file" or (key == "type" and value.endswith((".yaml", ".yml", ".template")))


async def merge_environments(paths: list[str | os.PathLike[str]]) -> dict[str, Any]:
    """The environments in these files as one, later ones over earlier ones."""
    return await anyio.to_thread.run_sync(_merge, [Path(path) for path in paths])


def _merge(paths: list[Path]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for path in paths:
        try:
            environment: Any = yaml.safe_load(_read(path)) or {}
        except yaml.YAMLError as error:
            raise InvalidRequest(f"{path} is not YAML: {error}") from None
        if not is_object(environment):
            raise InvalidRequest(f"{path} holds no environment: an environment is a mapping")
        merged = _over(merged, environment)
    return merged


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    both = {
        key: _over(below[key], value) for key, value in above.items() if is_object(below.get(key)) and is_object(value)
    }
    return {**below, **above, **both}
