"""`aiocloud config show`: each setting of a cloud, and where it comes from."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from aiocloud.cli.everywhere import complain, verdict
from aiocloud.cli.options import How, Where
from aiocloud.cli.output import Row
from aiocloud.config.load import load_config
from aiocloud.config.show import rows
from aiocloud.errors import CloudError
from aiocloud.match import is_glob

__all__ = ["config"]

config = App(
    name="config", help="What clouds.yaml, secure.yaml, profiles and the environment say.", result_action="return_value"
)


@config.command
def show(
    *,
    origin: Annotated[
        bool, Parameter(negative="", help="Where each setting comes from: file, line, variable, profile.")
    ] = False,
    defaults: Annotated[bool, Parameter(negative="", help="What is not set, too.")] = False,
    where: Where | None = None,
    how: How | None = None,
) -> int:
    """Show the settings of a cloud; secrets are masked."""
    where, how = where or Where(), how or How()
    where.log()
    configuration = load_config()
    errors: list[CloudError] = []
    found: list[Row] = []
    chosen: list[tuple[str | None, str | None]] = [(where.cloud, where.region)]
    if where.many:
        names = None if where.cloud is None else [name.strip() for name in where.cloud.split(",")]
        chosen = [
            (name, region)
            for name in configuration.cloud_names
            if names is None or _is_among(name, names)
            for region in configuration.regions(name)
            if where.region in (None, region)
        ]
    for name, region in chosen:
        try:
            settings = configuration.cloud(name, region)
        except CloudError as error:
            if not where.many:
                raise
            errors.append(error)
            continue
        place = {"cloud": settings.name, "region": settings.region_name} if where.many else {}
        found += [{**place, **row._asdict()} for row in rows(settings, defaults=defaults)]
    columns = [*(("cloud", "region") if where.many else ()), "key", "value", *(("origin",) if origin else ())]
    how.show([{key: value for key, value in row.items() if key in columns} for row in found], columns, ())
    for problem in errors:
        complain(problem)
    return verdict(errors, len(chosen))


@config.command(name="list")
def list_(*, where: Where | None = None, how: How | None = None) -> int:
    """List the clouds that are configured, and their regions."""
    (where or Where()).log()
    configuration = load_config()
    found: list[Row] = []
    for name in configuration.cloud_names:
        try:
            found += [{"cloud": name, "region": region} for region in configuration.regions(name)]
        except CloudError as error:
            complain(error)
    (how or How()).show(found, ("cloud", "region"), ())
    return 0


def _is_among(name: str, patterns: list[str]) -> bool:
    from fnmatch import fnmatchcase

    return any(fnmatchcase(name, pattern) if is_glob(pattern) else name == pattern for pattern in patterns)
