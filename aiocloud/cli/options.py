"""The options that commands share: which clouds are meant, and how the answer is written."""

from __future__ import annotations

import dataclasses
import logging
import os
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from cyclopts import Group, Parameter

from aiocloud.cli.output import Format, Row, clean, details, jmespath, pick, render, write
from aiocloud.errors import ConfigError
from aiocloud.match import is_glob

if TYPE_CHECKING:
    from aiocloud.fleet import Fleet

__all__ = ["How", "Where", "terminal_width"]

_CLOUDS = Group("Clouds", sort_key=1)
_OUTPUT = Group("Output", sort_key=2)
_LOGGING = Group("Logging", sort_key=3)


@Parameter(name="*")
@dataclass(frozen=True)
class Where:
    """Which clouds are meant."""

    cloud: Annotated[
        str | None,
        Parameter(
            name=["--cloud", "-c"],
            group=_CLOUDS,
            help="Its name in clouds.yaml; also several, separated by commas, and shell patterns. By default OS_CLOUD.",
        ),
    ] = None
    region: Annotated[
        str | None,
        Parameter(
            name=["--region", "-r"],
            group=_CLOUDS,
            help="The region, where the cloud has several. By default OS_REGION_NAME.",
        ),
    ] = None
    all_clouds: Annotated[
        bool, Parameter(name=["--all-clouds", "-A"], group=_CLOUDS, negative="", help="Every cloud and region at once.")
    ] = False
    timeout: Annotated[
        float | None, Parameter(name="--cloud-timeout", group=_CLOUDS, help="Seconds that each cloud gets.")
    ] = None
    journal: Annotated[
        str | None,
        Parameter(
            group=_CLOUDS,
            env_var="AIOCLOUD_JOURNAL",
            help="A folder where what is begun is written down: `aiocloud leftovers` finds what a crash left.",
        ),
    ] = None
    debug: Annotated[
        bool, Parameter(group=_LOGGING, negative="", help="Write each step to standard error; of a bug, all of it.")
    ] = False
    http_debug: Annotated[
        bool, Parameter(group=_LOGGING, negative="", help="Write every request and answer, secrets masked.")
    ] = False

    @property
    def many(self) -> bool:
        """Can there be several clouds, so that each row has to say where it is from?"""
        return self.all_clouds or (self.cloud is not None and ("," in self.cloud or is_glob(self.cloud)))

    @property
    def or_all(self) -> Where:
        """The same, but every cloud where none is named."""
        return self if self.cloud is not None else dataclasses.replace(self, all_clouds=True)

    @asynccontextmanager
    async def fleet(self) -> AsyncGenerator[Fleet]:
        """The clouds that are meant. Raises ConfigError, when it is one that can't be used or chosen."""
        from aiocloud._connect import connect, connect_all
        from aiocloud.fleet import Fleet

        self.log()
        if self.many:
            names = (
                None if self.all_clouds else [name.strip() for name in (self.cloud or "").split(",") if name.strip()]
            )
            fleet = connect_all(names, self.region)
        else:
            cloud = connect(self.cloud, self.region)
            fleet = Fleet([cloud], [cloud.session])
        async with fleet:
            if len(fleet) == 0:
                raise self._nothing()
            if self.journal is not None:
                from aiocloud.tasks.leftovers import keep_journal

                for cloud in {cloud.session: cloud for cloud in fleet}.values():
                    keep_journal(cloud, self.journal)
            yield fleet.with_options(timeout=self.timeout)

    def _nothing(self) -> ConfigError:
        """Why there is no cloud at all."""
        from aiocloud.config.load import load_config

        configuration = load_config()
        if configuration.cloud_names:
            return ConfigError(f"no cloud has a region {self.region!r}: see `aiocloud config list`")
        try:
            configuration.cloud()
        except ConfigError as error:
            return error  # it says where a clouds.yaml was looked for
        return ConfigError("no cloud is configured")

    def log(self) -> None:
        """Write warnings to standard error, and more when it is wanted."""
        from aiocloud.log import enable_logging

        enable_logging(debug=self.debug, http_debug=self.http_debug)
        if not self.debug:
            logging.getLogger("aiocloud").setLevel(logging.WARNING)


@Parameter(name="*")
@dataclass(frozen=True)
class How:
    """How the answer is written."""

    output: Annotated[
        Format,
        Parameter(
            name=["--output", "-o"],
            group=_OUTPUT,
            help="For people: table, wide. For programs: json, ndjson, yaml, csv, name.",
        ),
    ] = "table"
    columns: Annotated[
        str | None,
        Parameter(group=_OUTPUT, help="Which fields, separated by commas: id,name,flavor.ram."),
    ] = None
    query: Annotated[
        str | None, Parameter(group=_OUTPUT, help="A JMESPath expression that the JSON goes through first.")
    ] = None

    def check(self) -> None:
        """Before anything is asked or made: raises InvalidRequest, when --query is no JMESPath expression."""
        if self.query is not None:
            jmespath(self.query)

    def show(self, data: list[Row] | Row, columns: Sequence[str], wide: Sequence[str]) -> None:
        """Write rows, or one thing, with these columns unless others are wanted."""
        chosen = [name.strip() for name in self.columns.split(",") if name.strip()] if self.columns else None
        width = terminal_width()
        if self.query is not None:
            write(render(jmespath(self.query)(data), self.output, chosen, width=width))
            return
        _doubt(chosen or (), data if isinstance(data, list) else [data])
        if isinstance(data, list):
            usual = [*columns, *(wide if self.output == "wide" else ())]
            named = chosen or (usual if self.output in ("table", "wide", "csv") else None)
            write(render(data, self.output, named, width=width))
        elif self.output in ("table", "wide"):
            told = [name for name in data if self.output == "wide" or data[name] not in (None, "", [], {})]
            write(details({name: pick(data, name) for name in chosen or told}, width=width))
        elif self.output == "json":
            write(_one(render([data], self.output, chosen)))
        else:
            write(render([data], self.output, chosen))


def _doubt(chosen: Sequence[str], rows: Sequence[Row]) -> None:
    """Say which --columns no row has. No more than that: by now what was to be made is made."""
    known = {name for row in rows for name in row}
    wrong = [name for name in chosen if name not in known and name.partition(".")[0] not in known]
    if known and wrong:
        said = f"--columns: nothing has {', '.join(wrong)}; there are {', '.join(sorted(known))}"
        sys.stderr.write(f"aiocloud: {clean(said)}\n")


def _one(text: str) -> str:
    import json

    from aiocloud.cli.output import to_json

    return to_json(json.loads(text)[0], indent=2) + "\n"


def terminal_width() -> int | None:
    """How wide the terminal is; None when standard output is none."""
    return os.get_terminal_size(sys.stdout.fileno()).columns if sys.stdout.isatty() else None
