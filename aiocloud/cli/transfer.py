"""Progress bars with rate and time left, on a terminal only; and what is sent and fetched as files."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from aiocloud.cli.everywhere import everywhere
from aiocloud.cli.options import Where
from aiocloud.cli.output import clean, write

if TYPE_CHECKING:
    from aiocloud.cloud import Cloud
    from aiocloud.progress import OnProgress, Progress

__all__ = ["bars", "save_image", "save_object"]


@contextmanager
def bars() -> Generator[Callable[[str], OnProgress]]:
    """Gives the `progress=` for each cloud: a bar on standard error, drawn when the first byte moved; None off a terminal."""
    if not sys.stderr.isatty():
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
    )

    def bar(where: str) -> OnProgress:
        rows: dict[str, int] = {}

        def progress(now: Progress) -> None:
            if now.what not in rows:
                rows[now.what] = int(drawn.add_task(escape(clean(f"{where} {now.what}")), total=now.total))
            for row in (task.id for task in drawn.tasks if int(task.id) == rows[now.what]):
                drawn.update(row, completed=now.done, total=now.total)

        return progress

    with drawn:
        yield bar


async def save_image(
    name_or_id: Annotated[str, Parameter(name="--image")],
    file: Path,
    /,
    *,
    where: Where | None = None,
) -> int:
    """Download an image to a file, verified: all of it or nothing."""
    where = where or Where()
    with bars() as bar:

        async def verb(cloud: Cloud) -> str:
            path = _for(cloud, file, where)
            await cloud.download_image(name_or_id, output_path=str(path), progress=bar(cloud.where))
            return str(path)

        return await everywhere(where, verb, lambda done: write(f"{clean(done.value)}\n"))


async def save_object(container: str, name: str, file: Path | None = None, /, *, where: Where | None = None) -> int:
    """Download an object to a file, verified; by default the file is called like the object."""
    where = where or Where()
    with bars() as bar:

        async def verb(cloud: Cloud) -> str:
            path = _for(cloud, file or Path(Path(name).name), where)
            await cloud.get_object(container, name, outfile=str(path), progress=bar(cloud.where))
            return str(path)

        return await everywhere(where, verb, lambda done: write(f"{clean(done.value)}\n"))


def _for(cloud: Cloud, file: Path, where: Where) -> Path:
    """With several clouds each has a file of its own: `image.qcow2` becomes `image.my-vexxhost-ca-ymq-1.qcow2`."""
    if not where.many:
        return file
    return file.with_name(f"{file.stem}.{cloud.where.replace(' ', '-').replace('/', '-')}{file.suffix}")
