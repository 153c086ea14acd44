"""`aiocloud demo`: the talk's complete program, on three embedded clouds or on real ones, all at once."""

from __future__ import annotations

import os
import signal
import struct
import sys
import tempfile
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import anyio
from cyclopts import Parameter
from rich.console import Console
from rich.table import Table

from aiocloud._connect import connect_all
from aiocloud.cli.board import Board, open_board, safe
from aiocloud.cloud import Cloud
from aiocloud.errors import CloudError, Leftover
from aiocloud.fleet import Failed, Fleet, Outcome
from aiocloud.progress import Progress
from aiocloud.services.compute.server import Server
from aiocloud.services.image.image import Image

__all__ = ["demo"]

STEPS = ("image", "flavor", "server", "address", "clean up")
IMAGE = "devuan-jessie"
SERVER = "my-server"
_RAM = 512  # MiB
_IMAGE_SIZE = 8 * 1024 * 1024
_CLEAN_UP = 120.0  # seconds


@dataclass
class Run:
    """The program on one cloud: what it made, and how it went."""

    image: Image | None = None
    """Only when this run uploaded it: an image that was there before is not ours to remove."""
    server: Server | None = None
    address: str = ""
    how: str = ""
    seconds: float = 0.0
    step: str = STEPS[0]
    """How far it is."""
    leftovers: list[Leftover] = field(default_factory=list[Leftover])


async def demo(
    *,
    clouds: Annotated[
        str | None,
        Parameter(help="Real clouds instead of the embedded ones: names in clouds.yaml, separated by commas."),
    ] = None,
    image: Annotated[Path | None, Parameter(help="The image to upload; by default a small one is made up.")] = None,
    keep: Annotated[bool, Parameter(negative="", help="Leave the server and the image there.")] = False,
    timeout: Annotated[float, Parameter(help="Seconds for each server to become reachable.")] = 300,
) -> int:
    """Upload an image, find a flavor, boot a server, get it an address: on several clouds at once.

    Without --clouds it runs on three embedded clouds, each with its own way to a public address.
    """
    console = Console()
    async with AsyncExitStack() as stack:
        fleet = await stack.enter_async_context(_real(clouds) if clouds else _embedded())
        path = image or stack.enter_context(_made_up_image())
        rows = [*(cloud.where for cloud in fleet.clouds), *(broken.where for broken in fleet.unusable)]
        runs = {cloud.where: Run() for cloud in fleet}
        with open_board(console, rows, STEPS) as board:
            outcomes, interrupted = await _run_all(fleet, runs, board, path, timeout)
            if interrupted:
                console.print("Interrupted: removing what was made ...")
            if not keep or interrupted:
                await _clean_up_all(fleet, runs, board)
        if outcomes:
            _summary(console, outcomes, runs)
        return _told(console, outcomes, runs, interrupted=interrupted, kept=keep and not interrupted)


@asynccontextmanager
async def _real(names: str) -> AsyncGenerator[Fleet]:
    async with connect_all([name.strip() for name in names.split(",") if name.strip()]) as fleet:
        yield fleet


@asynccontextmanager
async def _embedded() -> AsyncGenerator[Fleet]:
    try:
        from aiocloud.testing import FakeCloud
    except ModuleNotFoundError as error:
        raise CloudError(f"the embedded clouds need {error.name}: pip install 'aiocloud[testing]'") from None
    names = ("my-vexxhost", "my-citycloud", "my-internap")
    fake = FakeCloud.like(*names, latency=0.03, boot_time=1.5)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "clouds.yaml")
        await anyio.Path(path).write_text(fake.clouds_yaml())
        pairs = [("my-vexxhost", "ca-ymq-1"), ("my-citycloud", "Buf1"), ("my-internap", "ams01")]
        async with connect_all(
            pairs, config_files=[path], secure_files=[], load_envvars=False, transport=fake.transport
        ) as fleet:
            yield fleet


@contextmanager
def _made_up_image() -> Generator[Path]:
    """A qcow2 file of a few MiB: a header that says so, and noise that no disk would boot from."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"{IMAGE}.qcow2")
        # https://www.qemu.org/docs/master/interop/qcow2.html: version 3, no backing file, 64 KiB clusters; its length.
        backing, clusters, tables = (0, 0), (16, _IMAGE_SIZE, 0, 1, 0x30000), (0x10000, 1, 0, 0)
        header = struct.pack(">4sIQIIQIIQQIIQQQQII", b"QFI\xfb", 3, *backing, *clusters, *tables, 0, 0, 0, 4, 104)
        path.write_bytes(header.ljust(0x40000, b"\0") + os.urandom(_IMAGE_SIZE - 0x40000))
        yield path


async def _run_all(
    fleet: Fleet, runs: dict[str, Run], board: Board, path: Path, timeout: float
) -> tuple[list[Outcome[Server]], bool]:
    """The program on every cloud; False, or True when a signal ended it early."""
    outcomes: list[Outcome[Server]] = []

    async def program(cloud: Cloud) -> Server:
        return await _program(cloud, runs[cloud.where], board, path, timeout)

    interrupted = anyio.Event()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_cancel_on_signal, tasks.cancel_scope, interrupted)
        async with fleet.stream(program) as stream:
            async for outcome in stream:
                outcomes.append(outcome)
                if isinstance(outcome, Failed):
                    step = runs[outcome.cloud.where].step if outcome.cloud.where in runs else STEPS[0]
                    board.fail(outcome.cloud.where, step, _said(outcome.error))
        tasks.cancel_scope.cancel()
    return outcomes, interrupted.is_set()


async def _cancel_on_signal(scope: anyio.CancelScope, interrupted: anyio.Event) -> None:
    if sys.platform == "win32":  # where a loop receives none, and Ctrl-C cancels the whole program
        return
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            interrupted.set()
            scope.cancel()
            return


def _said(error: Exception) -> str:
    return error.message if isinstance(error, CloudError) else str(error)


async def _program(cloud: Cloud, run: Run, board: Board, path: Path, timeout: float) -> Server:
    """The talk's program, step by step."""
    began = anyio.current_time()

    def begin(step: str) -> None:
        run.step = step
        board.begin(cloud.where, step)

    def progress(now: Progress) -> None:
        board.begin(cloud.where, "image", f"{now.done / 2**20:.1f} MiB of {(now.total or 0) / 2**20:.1f}")

    try:
        begin("image")
        before = await cloud.get_image(IMAGE)
        image = await cloud.create_image(IMAGE, filename=str(path), wait=True, progress=progress)
        mine = before is None or before.id != image.id
        run.image = image if mine else None
        board.end(cloud.where, run.step, f"{image.name} {'uploaded' if mine else 'was there'}")

        begin("flavor")
        flavor = await cloud.get_flavor_by_ram(_RAM)
        board.end(cloud.where, run.step, f"{flavor.name} ({flavor.ram} MiB)")

        begin("server")
        run.server = await cloud.create_server(SERVER, image=image, flavor=flavor, wait=False)
        active = await cloud.wait_for_server(run.server, auto_ip=False, timeout=timeout)
        board.end(cloud.where, run.step, f"{active.name} {active.status}")

        begin("address")
        server = await cloud.wait_for_server(run.server, timeout=timeout)
        run.server = server
        run.address = server.public_v4 or server.interface_ip
        run.how = _how(server)
        board.end(cloud.where, run.step, f"{run.address} ({run.how})")
    finally:
        run.seconds = anyio.current_time() - began
    return server


def _how(server: Server) -> str:
    floating = {a.addr for group in server.addresses.values() for a in group if a.type == "floating"}
    networks = [name for name, group in server.addresses.items() if any(a.addr == server.public_v4 for a in group)]
    return "floating IP" if server.public_v4 in floating else f"network {', '.join(networks)}" if networks else "direct"


async def _clean_up_all(fleet: Fleet, runs: dict[str, Run], board: Board) -> None:
    """Remove what was made on every cloud, come what may; what can't be removed is in `leftovers`."""
    with anyio.CancelScope(shield=True):
        async with anyio.create_task_group() as tasks:
            for cloud in fleet:
                tasks.start_soon(_clean_up, cloud, runs[cloud.where], board)


async def _clean_up(cloud: Cloud, run: Run, board: Board) -> None:
    if run.server is None and run.image is None:
        return
    board.begin(cloud.where, "clean up")
    with anyio.move_on_after(_CLEAN_UP) as scope:
        try:
            if run.server is not None:
                await cloud.delete_server(run.server, wait=True, delete_ips=True)
        except CloudError as error:
            run.leftovers.append(Leftover("server", run.server.id if run.server else "", SERVER, error.message))
        try:
            if run.image is not None:
                await cloud.delete_image(run.image)
        except CloudError as error:
            run.leftovers.append(Leftover("image", run.image.id if run.image else "", IMAGE, error.message))
    if scope.cancelled_caught:
        run.leftovers.append(Leftover("server", run.server.id if run.server else "", SERVER, "no time to remove it"))
    if run.leftovers:
        board.fail(cloud.where, "clean up", "; ".join(map(str, run.leftovers)))
    else:
        board.end(cloud.where, "clean up", "all removed")


def _summary(console: Console, outcomes: Sequence[Outcome[Server]], runs: dict[str, Run]) -> None:
    table = Table(box=None, padding=(0, 1), header_style="bold")
    for column in ("cloud", "region", "address", "how it got there"):
        table.add_column(column)
    table.add_column("seconds", justify="right")
    for outcome in sorted(outcomes, key=lambda outcome: outcome.cloud.where):
        run = runs.get(outcome.cloud.where, Run())
        how = f"FAILED: {outcome.error}" if isinstance(outcome, Failed) else run.how
        seconds = f"{run.seconds:.2f}"
        table.add_row(safe(outcome.cloud.name), safe(outcome.cloud.region_name or ""), run.address, safe(how), seconds)
    console.print()
    console.print(table)


def _told(
    console: Console, outcomes: Sequence[Outcome[Server]], runs: dict[str, Run], *, interrupted: bool, kept: bool
) -> int:
    """The last words, and the exit code."""
    left = [f"{where}: {leftover}" for where, run in runs.items() for leftover in run.leftovers]
    for line in left:
        console.print(f"Left behind: {line}", markup=False)
    if interrupted:
        console.print("Interrupted. " + ("The rest was removed." if left else "Everything that was made was removed."))
        return 130
    if kept:
        console.print("Kept, as asked; `aiocloud server delete` and `aiocloud image delete` remove them.")
    failed = [outcome for outcome in outcomes if isinstance(outcome, Failed)]
    if failed:
        return 3 if len(failed) < len(outcomes) else 1
    return 1 if left else 0
