"""Progress bars with rate and time left, on a terminal only; and what is sent and fetched as files."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from aiocloud.cli.everywhere import Missing, complain, everywhere
from aiocloud.cli.options import Where
from aiocloud.cli.output import clean, write
from aiocloud.errors import CloudError, InvalidRequest
from aiocloud.fleet import Done
from aiocloud.tasks.sync import Synced, sync_objects

if TYPE_CHECKING:
    from aiocloud.cloud import Cloud
    from aiocloud.progress import OnProgress, Progress

__all__ = ["bars", "piped", "save_image", "save_object", "sync"]

_PIPE = "-"
"""Instead of a file's name: standard input or output."""
_To = Annotated[Path, Parameter(allow_leading_hyphen=True, help="- for standard output.")]


@contextmanager
def bars(*, hidden: bool = False) -> Generator[Callable[[str], OnProgress]]:
    """Gives the `progress=` for each cloud: a bar on standard error, drawn when the first byte moved; None off a terminal.

    Of many objects, those that come at once have none.
    """
    if hidden or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
    from rich.progress import Progress as Bars

    drawn = Bars(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        # Left to itself rich sends standard output the way of the bar, to standard error: past `> file` and `| jq`.
        redirect_stdout=sys.stdout.isatty(),
    )

    def bar(where: str) -> OnProgress:
        rows: dict[str, int] = {}

        def progress(now: Progress) -> None:
            if now.what not in rows:
                if rows and now.done == now.total:
                    return  # one of many, and there already: thousands of them would be a flicker
                rows[now.what] = int(drawn.add_task(escape(clean(f"{where} {now.what}")), total=now.total))
            for row in [task.id for task in drawn.tasks if int(task.id) == rows[now.what]]:
                drawn.update(row, completed=now.done, total=now.total)
                if now.done == now.total and len(rows) > 1:
                    drawn.remove_task(row)  # one of many
                    del rows[now.what]

        return progress

    with drawn:
        yield bar


def piped(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """The same arguments; with `filename` -, the data that comes from standard input."""
    if given.get("filename") != _PIPE:
        return given
    if sys.stdin is None:  # it was closed
        raise InvalidRequest("- is standard input, which is closed: name a file")
    return {**{name: value for name, value in given.items() if name != "filename"}, "data": sys.stdin.buffer}


async def save_image(
    name_or_id: Annotated[str, Parameter(name="--image")],
    file: _To,
    /,
    *,
    where: Where | None = None,
) -> int:
    """Download an image to a file, verified: all of it or nothing. With - it goes to standard output."""
    where = where or Where()
    with bars(hidden=_on_screen(file)) as bar:

        async def verb(cloud: Cloud) -> Path | None:
            path = _for(cloud, file, where)
            pipe = sys.stdout.buffer if path is None else None
            image = await cloud.get_image(name_or_id)
            if image is None:
                raise Missing(f"there is no image {name_or_id!r}", cloud=cloud.name, region=cloud.region_name)
            await cloud.download_image(image, output_path=path, output_file=pipe, progress=bar(cloud.where))
            return path

        with _read_by_somebody():
            return await everywhere(where, verb, _tell_path)


async def save_object(container: str, name: str, file: _To | None = None, /, *, where: Where | None = None) -> int:
    """Download an object to a file, verified: all of it or nothing. With - it goes to standard output.

    By default the file is called like the object, also where that is called -.
    """
    where = where or Where()
    here = Path(Path(name).name)
    with bars(hidden=_on_screen(file)) as bar:

        async def verb(cloud: Cloud) -> Path | None:
            path = _own(cloud, here, where) if file is None else _for(cloud, file, where)
            await cloud.get_object(container, name, outfile=path or sys.stdout.buffer, progress=bar(cloud.where))
            return path

        with _read_by_somebody():
            return await everywhere(where, verb, _tell_path)


async def sync(
    folder: Path,
    container: str,
    /,
    *,
    down: Annotated[
        bool, Parameter(negative="", help="Make the folder like the container, not the other way.")
    ] = False,
    prefix: Annotated[str, Parameter(help="What the names of the objects begin with.")] = "",
    delete: Annotated[bool, Parameter(negative="", help="Remove what only the other side has.")] = False,
    checksum: Annotated[bool, Parameter(negative="", help="Compare contents, whatever sizes and times say.")] = False,
    exclude: Annotated[list[str] | None, Parameter(help="Shell patterns; several times.", negative_iterable=())] = None,
    dry_run: Annotated[bool, Parameter(negative="", help="Only say what would be done.")] = False,
    where: Where | None = None,
) -> int:
    """Make a container like a folder, carrying only what differs; or, with --down, a folder like a container."""
    where = where or Where()
    if down and where.many:
        raise InvalidRequest("--down is from one cloud: several would each replace what the others bring")
    failed: list[CloudError] = []
    with bars() as bar:

        async def verb(cloud: Cloud) -> Synced:
            return await sync_objects(
                cloud,
                folder,
                container,
                way="down" if down else "up",
                prefix=prefix,
                delete=delete,
                checksum=checksum,
                dry_run=dry_run,
                exclude=exclude or (),
                progress=bar(cloud.where),
            )

        def tell(done: Done[Synced]) -> None:
            at = f"{done.cloud.where}: " if where.many else ""
            lines = [f"{at}{step.do} {step.name}" for step in done.value.steps]
            write("".join(f"{clean(line)}\n" for line in [*lines, f"{at}{done.value.alike} alike"]))
            failed.extend(error for _, error in done.value.failed)

        code = await everywhere(where, verb, tell)
    for error in failed:
        complain(error)
    return code or (1 if failed else 0)


@contextmanager
def _read_by_somebody() -> Generator[None]:
    """Standard output may go to a program that has enough before its end, `head` say: that is no error."""
    try:
        yield
    except CloudError as error:
        if isinstance(error.__cause__, BrokenPipeError):
            raise error.__cause__ from None
        raise


def _on_screen(file: Path | None) -> bool:
    """Is the content shown on a terminal, where a bar would be drawn into it?"""
    return str(file) == _PIPE and sys.stdout.isatty()


def _tell_path(done: Done[Path | None]) -> None:
    if done.value is None:
        sys.stdout.buffer.flush()
    else:
        write(f"{clean(str(done.value))}\n")


def _for(cloud: Cloud, file: Path, where: Where) -> Path | None:
    """The file that was asked for; None for standard output."""
    if str(file) == _PIPE:
        return None
    if str(file).startswith("-"):
        raise InvalidRequest(f"there is no option {file}; a file of that name is ./{file}")
    return _own(cloud, file, where)


def _own(cloud: Cloud, file: Path, where: Where) -> Path:
    """With several clouds each has a file of its own: `image.my-vexxhost-ca-ymq-1.qcow2`."""
    if not where.many:
        return file
    return file.with_name(f"{file.stem}.{cloud.where.replace(' ', '-').replace('/', '-')}{file.suffix}")
